/* evict_score_age_cost.c - a seed heuristic: cost^beta over age, lowest first.
 *
 * Cost is what the block costs to compute again at its place in the prompt, age the time since its last use. beta
 * weighs the one against the other: at 1 it is Pensieve's value (age_cost), at 0 the longest unused goes (lru), beyond
 * 1 depth counts for more than waiting. A block used at this very instant is worth infinitely much. Leaf scope as in
 * age_cost: the score decides whose tail is cut.
 * Source: POLICIES section F (score_age_cost); beta is ours, after score_size_cost.
 */
#include "ages.h"
#include "recompute.h"

#include <math.h>

struct score_age_cost {
	struct ages ages;
	double *weight; /* [depth] cost^beta, in ns^beta */
	double per_s;   /* turns a value into s^beta a second */
};

static const struct param score_age_cost_params[] = {
        {"beta", PARAM_REAL, "1", 0, 10, NULL, "exponent of the cost; 0: age alone counts"},
        {.name = NULL},
};

static double score_age_cost_value(const void *context, uint32_t depth, int64_t age_ns)
{
	const struct score_age_cost *p = context;
	return age_ns > 0 ? p->weight[depth] / (double)age_ns : INFINITY;
}

static void *score_age_cost_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct score_age_cost *p = mem_alloc(1, sizeof(*p));
	ages_open(&p->ages, env, score_age_cost_value, p, true);
	const uint32_t depths = recompute_depths(env);
	p->weight = recompute_table(env);
	for (uint32_t depth = 0; depth < depths; depth++)
		p->weight[depth] = pow(p->weight[depth], values[0].real);
	p->per_s = pow((double)NS_PER_S, 1 - values[0].real);
	return p;
}

static void score_age_cost_close(void *state)
{
	struct score_age_cost *p = state;
	ages_close(&p->ages);
	free(p->weight);
	free(p);
}

static inline void score_age_cost_hit(struct score_age_cost *p, block_id b)
{
	recency_use(&p->ages.recency, b);
}

static inline void score_age_cost_insert(struct score_age_cost *p, block_id b)
{
	recency_use(&p->ages.recency, b);
}

static inline void score_age_cost_busy(struct score_age_cost *p, block_id b)
{
	ages_busy(&p->ages, b);
}

static inline void score_age_cost_idle(struct score_age_cost *p, block_id b)
{
	ages_idle(&p->ages, b);
}

static inline void score_age_cost_remove(struct score_age_cost *p, block_id b)
{
	if (evict_idle(p->ages.recency.env, b))
		ages_busy(&p->ages, b);
}

static inline block_id score_age_cost_evict(struct score_age_cost *p, block_id in)
{
	(void)in;
	return ages_evict(&p->ages);
}

static double score_age_cost_score(const void *state, block_id b)
{
	const struct score_age_cost *p = state;
	return ages_score_now(&p->ages, b) * p->per_s;
}

#define EVICT score_age_cost
#define EVICT_PREFETCH(p, b) __builtin_prefetch(&(p)->ages.heaps.node[b], 1)
#include "evict_hooks.h"

const struct evict_ops evict_score_age_cost = {
        .name = "score_age_cost",
        .rule = "the block with the lowest cost to compute again, to the power of beta, per time since its last use",
        .detail = "Let the first block of a prompt cost 1 s and the second 2 s. C, a first block used 2 s ago, is "
                  "worth 1/2; A-B, used 3 s ago, 1/3 and 2/3: A goes in flat scope, C in leaf scope, where A has a "
                  "child. With beta=2, B is worth 4/3. With beta=0 costs do not count, and of A and B, the older, B "
                  "goes: lru.",
        .source = "Pensieve's value where beta is 1",
        .cost = "O(log depths) a use; eviction O(log depths) to O(depths)",
        .state_bytes = 48,
        .params = score_age_cost_params,
        .needs_time = true,
        .open = score_age_cost_open,
        .close = score_age_cost_close,
        .hit = score_age_cost_hit_run,
        .release = score_age_cost_hit_run,
        .busy = score_age_cost_busy_run,
        .idle = score_age_cost_idle_run,
        .score = score_age_cost_score,
        EVICT_HOOKS(score_age_cost),
};
