/* evict_score_size_cost.c - a seed heuristic: clock + uses x cost^beta / size, lowest first.
 *
 * The GreedyDual-Size-Frequency form with what a block costs to compute again, in seconds at its place in the prompt,
 * as its cost. `uses` counts 1 when the block comes and one more per hit, and is lost with it. The clock is the score
 * of the last victim, so that a block which nobody uses is overtaken by the clock however dear it is. Sizes are equal
 * and count as 1. beta=0: uses alone count (an aging lfu).
 * Source: POLICIES section F (score_size_cost), B5, C (GDSF).
 */
#include "ranked.h"
#include "recency.h"
#include "recompute.h"

#include <math.h>

struct score_size_cost {
	struct recency recency;
	struct ranked ranked;
	uint32_t *uses;
	double *score;
	double *weight; /* [depth] cost^beta */
	double clock;
};

static const struct param score_size_cost_params[] = {
        {"beta", PARAM_REAL, "1", 0, 10, NULL, "exponent of the cost; 0: uses alone count"},
        {.name = NULL},
};

static void *score_size_cost_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct score_size_cost *p = mem_alloc(1, sizeof(*p));
	recency_open(&p->recency, env);
	ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
	p->uses = mem_alloc(env->block_count, sizeof(*p->uses));
	p->score = mem_alloc(env->block_count, sizeof(*p->score));
	const uint32_t depths = recompute_depths(env);
	p->weight = recompute_table(env);
	for (uint32_t depth = 0; depth < depths; depth++)
		p->weight[depth] = pow(p->weight[depth] / (double)NS_PER_S, values[0].real);
	return p;
}

static void score_size_cost_close(void *state)
{
	struct score_size_cost *p = state;
	recency_close(&p->recency);
	ranked_close(&p->ranked);
	free(p->uses);
	free(p->score);
	free(p->weight);
	free(p);
}

static inline void use(struct score_size_cost *p, block_id b, uint32_t uses)
{
	recency_use(&p->recency, b);
	p->uses[b] = uses;
	p->score[b] = p->clock + uses * p->weight[p->recency.env->depth[b]];
}

static inline void score_size_cost_hit(struct score_size_cost *p, block_id b)
{
	use(p, b, p->uses[b] + (p->uses[b] < UINT32_MAX));
}

static inline void score_size_cost_insert(struct score_size_cost *p, block_id b)
{
	use(p, b, 1);
}

static inline void score_size_cost_busy(struct score_size_cost *p, block_id b)
{
	ranked_remove(&p->ranked, b);
}

static inline void score_size_cost_idle(struct score_size_cost *p, block_id b)
{
	recency_idle(&p->recency, b);
	ranked_push(&p->ranked, b, ranked_real(p->score[b]), p->recency.order[b]);
}

static inline void score_size_cost_remove(struct score_size_cost *p, block_id b)
{
	ranked_remove(&p->ranked, b);
}

static inline block_id score_size_cost_evict(struct score_size_cost *p, block_id in)
{
	(void)in;
	const block_id victim = ranked_pop(&p->ranked);
	if (victim != BLOCK_NONE && p->score[victim] > p->clock)
		p->clock = p->score[victim];
	return victim;
}

static void score_size_cost_release_run(void *state, block_id first, uint32_t count)
{
	recency_use_run(&((struct score_size_cost *)state)->recency, first, count);
}

static double score_size_cost_score(const void *state, block_id b)
{
	return ((const struct score_size_cost *)state)->score[b];
}

#define EVICT score_size_cost
#define EVICT_PREFETCH(p, b) (__builtin_prefetch(&(p)->ranked.at[b], 1), __builtin_prefetch(&(p)->score[b], 1))
#include "evict_hooks.h"

const struct evict_ops evict_score_size_cost = {
        .name = "score_size_cost",
        .rule = "the block with the lowest clock at its last use + uses x cost^beta; the clock is the last victim's "
                "score",
        .detail = "Let the first block of a prompt cost 1 ms and the second 2 ms. With room for 3 blocks, requests "
                  "A-B, C, C: A scores 1, B 2 and C, used twice, 2. A new block D takes the place of A in flat scope, "
                  "and the clock is 1: D scores 1 + 1 = 2 and so do B, C and D; E takes the place of B, the oldest "
                  "use of them. In leaf scope A has a child, so B goes for D, and the clock is 2.",
        .source = "this project's seed heuristic, of the GDSF family",
        .cost = "O(log idle)",
        .state_bytes = 56,
        .params = score_size_cost_params,
        .open = score_size_cost_open,
        .close = score_size_cost_close,
        .hit = score_size_cost_hit_run,
        .release = score_size_cost_release_run,
        .busy = score_size_cost_busy_run,
        .idle = score_size_cost_idle_run,
        .score = score_size_cost_score,
        EVICT_HOOKS(score_size_cost),
};
