/* ttl_cost.c - a TTL by what losing the block costs.
 *
 * TTL = clamp(ttl (c_miss / c_ref)^beta, min, max), c_miss = time to compute the block at its depth again, c_ref = the same
 * at depth 0, both from the calibration. beta = 0 is static. Attention makes deep blocks dearer, so they get more time than
 * their parents: with coherence=lift (the default) a path then lives as long as its tail.
 * Source: POLICIES F (cost).
 */
#include "recompute.h"
#include "ttl.h"

#include <math.h>
#include <stdlib.h>

struct ttl_cost_state {
	const struct evict_env *env;
	int64_t *at_depth_ns;
};

enum { COST_TTL, COST_BETA, COST_MIN, COST_MAX };

static const struct param ttl_cost_params[] = {
        [COST_TTL] = {"ttl", PARAM_DURATION, "300s", 0, 9.3e18, NULL, "of a block at the root"},
        [COST_BETA] = {"beta", PARAM_REAL, "1", -8, 8, NULL, "power of the cost ratio"},
        [COST_MIN] = {"min", PARAM_DURATION, "10s", 0, 9.3e18, NULL, "no shorter"},
        [COST_MAX] = {"max", PARAM_DURATION, "1h", 0, 9.3e18, NULL, "no longer"},
        {.name = NULL},
};

static void *ttl_cost_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	if (ttl_check_bounds("cost", values[COST_MIN].integer, values[COST_MAX].integer, err) < 0)
		return NULL;
	struct ttl_cost_state *p = mem_alloc(1, sizeof(*p));
	const uint32_t depths = recompute_depths(env);
	*p = (struct ttl_cost_state){.env = env, .at_depth_ns = mem_alloc(depths, sizeof(*p->at_depth_ns))};
	double *miss_ns = recompute_table(env);
	for (uint32_t depth = 0; depth < depths; depth++) {
		const double ratio = miss_ns[0] > 0 ? miss_ns[depth] / miss_ns[0] : 1;
		p->at_depth_ns[depth] = ttl_clamp_ns((double)values[COST_TTL].integer * pow(ratio, values[COST_BETA].real),
		                                     values[COST_MIN].integer, values[COST_MAX].integer);
	}
	free(miss_ns);
	return p;
}

static void ttl_cost_close(void *state)
{
	struct ttl_cost_state *p = state;
	free(p->at_depth_ns);
	free(p);
}

static int64_t ttl_cost_ttl_ns(void *state, block_id b, uint32_t hits)
{
	const struct ttl_cost_state *p = state;
	(void)hits;
	return p->at_depth_ns[p->env->depth[b]];
}

const struct ttl_ops ttl_cost = {
        .name = "cost",
        .rule = "ttl x (time to compute the block again / the same at the root)^beta, between min and max",
        .detail = "If the third block of a prompt takes 1.2 times as long to compute as the first, it is kept for 360 s where "
                  "the first is kept for 300 s, with beta=1; with beta=2 for 432 s. Its ancestors stay as long as it does, "
                  "unless coherence=none.",
        .source = "this project's seed heuristic",
        .cost = "O(1)",
        .params = ttl_cost_params,
        .open = ttl_cost_open,
        .close = ttl_cost_close,
        .ttl_ns = ttl_cost_ttl_ns,
};
