/* evict_length_aware.c - the fewest uses, and of equals the latest place in the prompt.
 *
 * Mooncake compares lru and lfu with a cache "similar to LFU" that looks at where in a request a block stands. Blocks
 * of a stem and of its continuation often have equal counts: here position decides between them before recency does. A
 * block counts 1 when it comes and one more per hit, and the count is lost with the block, as in lfu. Choices, as the
 * paper says no more: the count comes first (by=uses) or the position does (by=position: the deepest block goes, of
 * equals the least used); late=first sends later blocks first, as POLICIES B9 reads the paper; late=last keeps them, as
 * its text can also be read. Last comes the oldest use.
 * Source: Mooncake (arXiv 2407.00079) section 4.2 and Table 1, POLICIES B9, E1.
 */
#include "ranked.h"
#include "recency.h"

struct length_aware {
	struct recency recency;
	struct ranked ranked;
	uint32_t *uses;
	bool position_first, late_last;
};

enum { KEY_BY, KEY_LATE };

static const struct param length_aware_params[] = {
        [KEY_BY] = {"by", PARAM_CHOICE, "uses", 0, 0, "uses|position", "what is compared first"},
        [KEY_LATE] = {"late", PARAM_CHOICE, "first", 0, 0, "first|last",
                      "whether later blocks of a prompt go first or last"},
        {.name = NULL},
};

static void *length_aware_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct length_aware *p = mem_alloc(1, sizeof(*p));
	p->position_first = values[KEY_BY].integer == 1;
	p->late_last = values[KEY_LATE].integer == 1;
	p->uses = mem_alloc(env->block_count, sizeof(*p->uses));
	recency_open(&p->recency, env);
	ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
	return p;
}

static void length_aware_close(void *state)
{
	struct length_aware *p = state;
	recency_close(&p->recency);
	ranked_close(&p->ranked);
	free(p->uses);
	free(p);
}

static inline void length_aware_hit(struct length_aware *p, block_id b)
{
	recency_use(&p->recency, b);
	p->uses[b] += p->uses[b] < UINT32_MAX;
}

static inline void length_aware_insert(struct length_aware *p, block_id b)
{
	recency_use(&p->recency, b);
	p->uses[b] = 1;
}

static inline void length_aware_busy(struct length_aware *p, block_id b)
{
	ranked_remove(&p->ranked, b);
}

static inline void length_aware_idle(struct length_aware *p, block_id b)
{
	const uint32_t depth = p->recency.env->depth[b];
	const uint64_t position = p->late_last ? depth : UINT32_MAX - depth, uses = p->uses[b];
	recency_idle(&p->recency, b);
	ranked_push(&p->ranked, b, p->position_first ? position << 32 | uses : uses << 32 | position, p->recency.order[b]);
}

static inline void length_aware_remove(struct length_aware *p, block_id b)
{
	ranked_remove(&p->ranked, b);
}

static inline block_id length_aware_evict(struct length_aware *p, block_id in)
{
	(void)in;
	return ranked_pop(&p->ranked);
}

static void length_aware_release_run(void *state, block_id first, uint32_t count)
{
	recency_use_run(&((struct length_aware *)state)->recency, first, count);
}

static double length_aware_score(const void *state, block_id b)
{
	const struct length_aware *p = state;
	return p->position_first ? p->recency.env->depth[b] : p->uses[b];
}

#define EVICT length_aware
#define EVICT_PREFETCH(p, b) (__builtin_prefetch(&(p)->ranked.at[b], 1), __builtin_prefetch(&(p)->uses[b], 1))
#include "evict_hooks.h"

const struct evict_ops evict_length_aware = {
        .name = "length_aware",
        .rule = "the block with the fewest uses, and of equals the one that stands latest in its prompt",
        .detail = "With room for 4 blocks, requests A-B-C, X, Y, X, Z, W: when Y comes all count 1, and C goes, the "
                  "latest of its prompt; when Z comes X counts 2 and B goes; when W comes A goes, as old as C was but "
                  "earlier. With room for 3, X, A-B, Y: B goes, where lfu lets the older X go.",
        .source = "Mooncake, arXiv 2407.00079 (LengthAwareCache)",
        .cost = "O(log idle)",
        .state_bytes = 48,
        .params = length_aware_params,
        .open = length_aware_open,
        .close = length_aware_close,
        .hit = length_aware_hit_run,
        .release = length_aware_release_run,
        .busy = length_aware_busy_run,
        .idle = length_aware_idle_run,
        .score = length_aware_score,
        EVICT_HOOKS(length_aware),
};
