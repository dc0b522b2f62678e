/* evict_sglang_slru.c - SGLang's two-segment rule: blocks hit twice go after all others, oldest use first in each group.
 *
 * A block starts on probation and is protected from its second hit (`protected`) until it leaves; nothing ever moves it
 * back, and no segment has a size: protected blocks go when no other may. Key: (protected, last use); of one request's
 * blocks the deeper goes first. Not the textbook's SLRU, which has segments of bounded size: that is `slru`.
 * Flat scope: a list a segment, which used blocks join when they are let go (orphans, pinned but not used, keep their place
 * and are stepped over). Leaf scope: the idle leaves in a heap, since a protected parent comes
 * back among leaves that were used later.
 * Source: SGLang evict_policy.py (slru, protected_threshold), POLICIES A3, E6. A hit counts once a request.
 */
#include "list.h"
#include "policy.h"
#include "ranked.h"

#include <stdlib.h>

enum segment { PROBATION, PROTECTED, SEGMENTS };

struct sglang_slru {
	const struct evict_env *env;
	struct link *links;   /* flat scope */
	struct ranked ranked; /* leaf scope */
	uint64_t *used_seq;   /* leaf scope */
	uint8_t *hits;        /* up to `threshold` */
	uint8_t threshold;
	bool leaf;
};

static const struct param sglang_slru_params[] = {
        {"protected", PARAM_INT, "2", 1, 255, NULL, "hits that make a block protected"},
        {.name = NULL},
};

static void *sglang_slru_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct sglang_slru *p = mem_alloc(1, sizeof(*p));
	*p = (struct sglang_slru){.env = env, .leaf = env->leaf, .threshold = (uint8_t)values[0].integer};
	p->hits = mem_alloc(env->block_count, sizeof(*p->hits));
	if (p->leaf) {
		p->used_seq = mem_alloc(env->block_count, sizeof(*p->used_seq));
		ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
	} else {
		p->links = list_open(env->block_count, SEGMENTS);
	}
	return p;
}

static void sglang_slru_close(void *state)
{
	struct sglang_slru *p = state;
	if (p->leaf)
		ranked_close(&p->ranked);
	free(p->links);
	free(p->used_seq);
	free(p->hits);
	free(p);
}

static inline enum segment segment_of(const struct sglang_slru *p, block_id b)
{
	return p->hits[b] >= p->threshold ? PROTECTED : PROBATION;
}

static inline void sglang_slru_hit(struct sglang_slru *p, block_id b)
{
	if (p->leaf) {
		p->used_seq[b] = p->env->now->seq;
	} else if (!list_is_out(p->links, b)) {
		list_take(p->links, b);
		list_set_out(p->links, b);
	}
	p->hits[b] = (uint8_t)(p->hits[b] + (p->hits[b] < p->threshold));
}

static inline void sglang_slru_insert(struct sglang_slru *p, block_id b)
{
	p->hits[b] = 0;
	if (p->leaf)
		p->used_seq[b] = p->env->now->seq;
	else
		list_set_out(p->links, b);
}

static inline void sglang_slru_busy(struct sglang_slru *p, block_id b)
{
	if (p->leaf)
		ranked_remove(&p->ranked, b);
}

static inline void sglang_slru_idle(struct sglang_slru *p, block_id b)
{
	if (p->leaf)
		ranked_push(&p->ranked, b, segment_of(p, b), p->used_seq[b]);
	else if (list_is_out(p->links, b))
		list_push_back(p->links, p->env->block_count + segment_of(p, b), b);
}

static inline void sglang_slru_remove(struct sglang_slru *p, block_id b)
{
	if (p->leaf)
		ranked_remove(&p->ranked, b);
	else if (!list_is_out(p->links, b))
		list_take(p->links, b);
}

static inline block_id sglang_slru_evict(struct sglang_slru *p, block_id in)
{
	(void)in;
	if (p->leaf)
		return ranked_pop(&p->ranked);
	for (block_id end = p->env->block_count; end < p->env->block_count + SEGMENTS; end++) {
		for (block_id b = p->links[end].next; b != end; b = p->links[b].next) {
			if (evict_idle(p->env, b)) {
				list_take(p->links, b);
				return b;
			}
		}
	}
	return BLOCK_NONE;
}

static double sglang_slru_score(const void *state, block_id b)
{
	return segment_of(state, b);
}

#define EVICT sglang_slru
#define EVICT_PREFETCH(p, b)      (__builtin_prefetch(&(p)->links[b], 1), __builtin_prefetch(&(p)->hits[b], 1))
#define EVICT_PREFETCH_HIT(p, b)  list_prefetch_around((p)->links, b)
#include "evict_hooks.h"

const struct evict_ops evict_sglang_slru = {
        .name = "sglang_slru",
        .rule = "the block whose last use is oldest among those hit less than twice; if there are none, among the others",
        .detail = "With room for 3 blocks, requests A, A, A, B, C: A has been hit twice and is protected. A new block D takes "
                  "the place of B and E that of C, although A was used before both. There is no way back to "
                  "probation: once all blocks are protected the rule is lru.",
        .source = "SGLang evict_policy.py (slru)",
        .cost = "O(1) flat, O(log leaves) a request in leaf scope",
        .state_bytes = 13,
        .params = sglang_slru_params,
        .open = sglang_slru_open,
        .close = sglang_slru_close,
        .hit = sglang_slru_hit_run,
        .busy = sglang_slru_busy_run,
        .idle = sglang_slru_idle_run,
        .score = sglang_slru_score,
        EVICT_HOOKS(sglang_slru),
};
