/* evict_belady.c - farthest next use, from the trace's own future: the bound that the others are measured against.
 *
 * The victim is the idle block whose next request is farthest away (never again: farthest of all); of equals the one
 * used longest ago, then the deeper. A parent's next use is never later than that of its children, so leaf scope costs
 * nothing. Optimal for block hits when one request is served at a time and blocks are of one size; with requests in
 * flight it is a strong reference only, hence belady and not OPT.
 * Source: Belady 1966; on prefix trees POLICIES B16, E6.
 */
#include "policy.h"
#include "ranked.h"

#include <stdlib.h>

struct belady {
	const struct evict_env *env;
	uint64_t *used_seq;
	struct ranked ranked;
	bool bypass;
};

static const struct param belady_params[] = {
        {"bypass", PARAM_INT, "0", 0, 1, NULL, "1: a block whose own next use is farther than every victim's is not cached"},
        {.name = NULL},
};

static void *belady_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct belady *p = mem_alloc(1, sizeof(*p));
	*p = (struct belady){.env = env, .bypass = values[0].integer != 0};
	p->used_seq = mem_alloc(env->block_count, sizeof(*p->used_seq));
	ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
	return p;
}

static void belady_close(void *state)
{
	struct belady *p = state;
	ranked_close(&p->ranked);
	free(p->used_seq);
	free(p);
}

static inline void belady_hit(struct belady *p, block_id b)
{
	p->used_seq[b] = p->env->now->seq;
}

static inline void belady_insert(struct belady *p, block_id b)
{
	belady_hit(p, b);
}

static inline void belady_busy(struct belady *p, block_id b)
{
	ranked_remove(&p->ranked, b);
}

static inline void belady_idle(struct belady *p, block_id b)
{
	ranked_push(&p->ranked, b, ~(uint64_t)p->env->next_use[b], p->used_seq[b]);
}

static inline void belady_remove(struct belady *p, block_id b)
{
	ranked_remove(&p->ranked, b);
}

static inline block_id belady_evict(struct belady *p, block_id in)
{
	struct ranked_key key;
	const block_id top = ranked_top(&p->ranked, &key);
	if (p->bypass && in != BLOCK_NONE && top != BLOCK_NONE && ~(uint64_t)p->env->next_use[in] < key.first)
		return BLOCK_NONE;
	return ranked_pop(&p->ranked);
}

#define EVICT belady
#define EVICT_FUTURE
#define EVICT_PREFETCH(p, b) __builtin_prefetch(&(p)->ranked.at[b], 1)
#include "evict_hooks.h"

const struct evict_ops evict_belady = {
        .name = "belady",
        .rule = "the block whose next use in the trace is farthest away (offline bound)",
        .detail = "Reads the future from the trace. With room for 2 blocks, requests A, B, C, A, B: when C comes, A is "
                  "needed at the fourth request and B at the fifth, so B goes and the second A hits; then C, never used "
                  "again, makes room for B. lru, which drops A for C, gets no hit at all.",
        .source = "Belady 1966",
        .cost = "O(log idle)",
        .state_bytes = 12,
        .params = belady_params,
        .needs_future = true,
        .may_decline = true,
        .open = belady_open,
        .close = belady_close,
        .hit = belady_hit_run,
        .busy = belady_busy_run,
        .idle = belady_idle_run,
        EVICT_HOOKS(belady),
};
