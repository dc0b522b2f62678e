/* evict_lfuda.c - LFU with dynamic aging: counts grow by the lowest count there is, so that old fame fades.
 *
 * The age L is 0 until the first eviction and from then on the lowest count among the blocks that may go; it never falls. A
 * block comes with count L + 1, a hit adds L. The lowest count goes; of equals the one used longest ago, then the deeper.
 * This is libCacheSim's reading; the paper's (count = L + uses, L of the last victim) is `gdsf`. A block that is hit while it
 * has the lowest count doubles it, so counts saturate (2^62), beyond which the rule is lru.
 * Under object semantics counts come in above L, so a radix heap does; where blocks are held in use, or turn into leaves, they
 * can come in below it: a heap of the idle blocks.
 * Source: Arlitt et al. 2000, POLICIES C (LFU-DA) and E7, after libCacheSim's LFUDA.
 */
#include "policy.h"
#include "radix.h"
#include "ranked.h"

#include <stdlib.h>

#define COUNT_MOST (UINT64_C(1) << 62)

struct lfuda {
	const struct evict_env *env;
	uint64_t *count;
	struct radix radix;   /* if never_busy */
	struct ranked ranked; /* if not */
	uint64_t *used_seq;   /* if not */
	uint64_t age;
	bool aging; /* something has been evicted */
	bool never_busy;
};

static void *lfuda_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	struct lfuda *p = mem_alloc(1, sizeof(*p));
	*p = (struct lfuda){.env = env, .never_busy = env->never_busy};
	p->count = mem_alloc(env->block_count, sizeof(*p->count));
	if (p->never_busy) {
		radix_open(&p->radix, env->block_count);
	} else {
		p->used_seq = mem_alloc(env->block_count, sizeof(*p->used_seq));
		ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
	}
	return p;
}

static void lfuda_close(void *state)
{
	struct lfuda *p = state;
	if (p->never_busy)
		radix_close(&p->radix);
	else
		ranked_close(&p->ranked);
	free(p->used_seq);
	free(p->count);
	free(p);
}

/* `own` is the count of a block that is used again: it counts among the others although it is busy by now. */
static inline void get_older(struct lfuda *p, uint64_t own)
{
	uint64_t lowest = own;
	struct ranked_key top;
	if (!p->aging)
		return;
	if (p->never_busy)
		lowest = radix_settle(&p->radix) ? p->radix.base : 0;
	else if (ranked_top(&p->ranked, &top) != BLOCK_NONE && top.first < own)
		lowest = top.first;
	if (lowest > p->age && lowest <= COUNT_MOST)
		p->age = lowest;
}

static inline void count_use(struct lfuda *p, block_id b, uint64_t before, uint64_t more)
{
	p->count[b] = before < COUNT_MOST - more ? before + more : COUNT_MOST;
	if (!p->never_busy)
		p->used_seq[b] = p->env->now->seq;
}

static inline void lfuda_hit(struct lfuda *p, block_id b)
{
	get_older(p, p->count[b]);
	if (p->never_busy)
		radix_take(&p->radix, b);
	count_use(p, b, p->count[b], p->age);
}

static inline void lfuda_insert(struct lfuda *p, block_id b)
{
	get_older(p, UINT64_MAX);
	count_use(p, b, p->age, 1);
}

/* Where nothing is ever busy a block stays in until hit(), as it counts among the others. */
static inline void lfuda_busy(struct lfuda *p, block_id b)
{
	if (!p->never_busy)
		ranked_remove(&p->ranked, b);
}

static inline void lfuda_idle(struct lfuda *p, block_id b)
{
	if (p->never_busy)
		radix_push(&p->radix, b, p->count[b]);
	else
		ranked_push(&p->ranked, b, p->count[b], p->used_seq[b]);
}

static inline void lfuda_remove(struct lfuda *p, block_id b)
{
	if (p->never_busy)
		radix_take(&p->radix, b);
	else
		ranked_remove(&p->ranked, b);
}

static inline block_id lfuda_evict(struct lfuda *p, block_id in)
{
	(void)in;
	const block_id victim = p->never_busy ? radix_pop(&p->radix) : ranked_pop(&p->ranked);
	if (victim == BLOCK_NONE)
		return BLOCK_NONE;
	p->aging = true;
	if (p->count[victim] > p->age)
		p->age = p->count[victim];
	return victim;
}

static double lfuda_score(const void *state, block_id b)
{
	const struct lfuda *p = state;
	return (double)p->count[b];
}

#define EVICT lfuda
#define EVICT_PREFETCH(p, b)     (__builtin_prefetch(&(p)->radix.nodes[b], 1), __builtin_prefetch(&(p)->count[b], 1))
#define EVICT_PREFETCH_HIT(p, b) radix_prefetch_around(&(p)->radix, b)
#include "evict_hooks.h"

const struct evict_ops evict_lfuda = {
        .name = "lfuda",
        .rule = "the block with the lowest use count, where each use adds as much as the lowest count there is",
        .detail = "With room for 2 blocks, requests A, A, B, C, C, D: until the first eviction hits add nothing, so A, with 1 like "
                  "B but used before it, goes for C; the age is 1 now and C comes with 2. The hit makes that 3. D takes the "
                  "place of B (1) and comes with 4, as the lowest count is C's 3: newcomers start level with old fame.",
        .source = "Arlitt 2000; libCacheSim LFUDA",
        .cost = "O(log idle); O(1) amortised under object semantics",
        .state_bytes = 24,
        .open = lfuda_open,
        .close = lfuda_close,
        .hit = lfuda_hit_run,
        .busy = lfuda_busy_run,
        .idle = lfuda_idle_run,
        .score = lfuda_score,
        EVICT_HOOKS(lfuda),
};
