/* evict_gdsf.c - Greedy-Dual-Size-Frequency: uses times cost per size, on top of an age that rises with every victim.
 *
 * A block's priority, set when it comes and at every hit, is H = L + uses * cost / size, where L is the highest priority
 * that a victim has had and uses counts 1 for the insertion. The lowest H goes; of equals the one used longest ago, then the
 * deeper. A block is the unit of size. `cost=one` counts blocks; `cost=recompute` weighs them by the time that computing
 * them again would take, in units of a block at depth 0, so that deep blocks stay longer.
 * Under object semantics priorities come in at or above L, so a radix heap does; where blocks are held in use, or turn
 * into leaves, they can come in below it: a heap of the idle blocks.
 * Source: Cherkasova 1998, POLICIES C (libCacheSim's default, cost 1) and E7.
 */
#include "policy.h"
#include "radix.h"
#include "ranked.h"

#include <stdlib.h>

struct merit {
	double priority;
	uint32_t uses;
};

struct gdsf {
	const struct evict_env *env;
	struct merit *merit;
	struct radix radix;   /* if never_busy */
	struct ranked ranked; /* if not */
	uint64_t *used_seq;   /* if not */
	double age;     /* L */
	double unit_ns; /* cost of a block at depth 0; 0: every block costs 1 */
	bool never_busy;
};

static const struct param gdsf_params[] = {
        {"cost", PARAM_CHOICE, "one", 0, 0, "one|recompute", "what a block is worth: 1, or the time to compute it again"},
        {.name = NULL},
};

static void *gdsf_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct gdsf *p = mem_alloc(1, sizeof(*p));
	*p = (struct gdsf){.env = env, .never_busy = env->never_busy};
	if (values[0].integer == 1)
		p->unit_ns = env->recompute_ns(env->cost, 0);
	p->merit = mem_alloc(env->block_count, sizeof(*p->merit));
	if (p->never_busy) {
		radix_open(&p->radix, env->block_count);
	} else {
		p->used_seq = mem_alloc(env->block_count, sizeof(*p->used_seq));
		ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
	}
	return p;
}

static void gdsf_close(void *state)
{
	struct gdsf *p = state;
	if (p->never_busy)
		radix_close(&p->radix);
	else
		ranked_close(&p->ranked);
	free(p->used_seq);
	free(p->merit);
	free(p);
}

static inline void rate(struct gdsf *p, block_id b, uint32_t uses)
{
	double cost = 1;
	if (p->unit_ns > 0)
		cost = p->env->recompute_ns(p->env->cost, p->env->depth[b]) / p->unit_ns;
	p->merit[b] = (struct merit){p->age + uses * cost, uses};
	if (!p->never_busy)
		p->used_seq[b] = p->env->now->seq;
}

static inline void gdsf_hit(struct gdsf *p, block_id b)
{
	rate(p, b, p->merit[b].uses + (p->merit[b].uses < UINT32_MAX));
}

static inline void gdsf_insert(struct gdsf *p, block_id b)
{
	rate(p, b, 1);
}

static inline void gdsf_busy(struct gdsf *p, block_id b)
{
	if (p->never_busy)
		radix_take(&p->radix, b);
	else
		ranked_remove(&p->ranked, b);
}

static inline void gdsf_idle(struct gdsf *p, block_id b)
{
	const double priority = p->merit[b].priority;
	if (!p->never_busy)
		ranked_push(&p->ranked, b, ranked_real(priority), p->used_seq[b]);
	else if (p->unit_ns > 0)
		radix_push(&p->radix, b, ranked_real(priority));
	else
		radix_push(&p->radix, b, (uint64_t)priority); /* whole numbers: fewer digits differ */
}

static inline void gdsf_remove(struct gdsf *p, block_id b)
{
	gdsf_busy(p, b);
}

static inline block_id gdsf_evict(struct gdsf *p, block_id in)
{
	(void)in;
	const block_id victim = p->never_busy ? radix_pop(&p->radix) : ranked_pop(&p->ranked);
	if (victim != BLOCK_NONE && p->merit[victim].priority > p->age)
		p->age = p->merit[victim].priority;
	return victim;
}

static double gdsf_score(const void *state, block_id b)
{
	const struct gdsf *p = state;
	return p->merit[b].priority;
}

#define EVICT gdsf
#define EVICT_PREFETCH(p, b)     (__builtin_prefetch(&(p)->radix.nodes[b], 1), __builtin_prefetch(&(p)->merit[b], 1))
#define EVICT_PREFETCH_HIT(p, b) radix_prefetch_around(&(p)->radix, b)
#include "evict_hooks.h"

const struct evict_ops evict_gdsf = {
        .name = "gdsf",
        .rule = "the block with the lowest age + uses x cost / size, age being the highest that a victim has had",
        .detail = "With room for 2 blocks, requests A, A, B, C: A has priority 2, B 1 and goes for C, which lifts the age to 1, so C "
                  "has 2, like A. A new block D takes the place of A, used before C: old merit fades.",
        .source = "Cherkasova 1998; libCacheSim GDSF",
        .cost = "O(log idle); O(1) amortised under object semantics",
        .state_bytes = 28,
        .params = gdsf_params,
        .open = gdsf_open,
        .close = gdsf_close,
        .hit = gdsf_hit_run,
        .busy = gdsf_busy_run,
        .idle = gdsf_idle_run,
        .score = gdsf_score,
        EVICT_HOOKS(gdsf),
};
