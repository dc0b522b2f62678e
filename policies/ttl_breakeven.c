/* ttl_breakeven.c - keep a block for as long as keeping it costs what losing it would (ski rental).
 *
 * T = c / s; c = price of the GPU's time to compute the block at its depth again, s = rent of its memory. Nothing need be known
 * of the gaps: whatever they are, the sum of rent and misses is at most twice what hindsight would pay. random=1 draws T
 * for each request, all its blocks alike, with the density under which that is e/(e - 1) = 1.58 times on average.
 *
 * Only the ratio of the two prices counts. The defaults are round numbers of our own: a GPU with 141 GB at 3 $ an hour lets
 * a GB-hour of its own memory for 0.02 $. Host memory or disk are cheaper: give the tier's own rent. The default of `kv`
 * belongs to the model of the built-in calibration, as what recomputation costs by default is that model's.
 * Sources: POLICIES C2, F (breakeven); gap_law.h.
 */
#include "gap_law.h"
#include "recompute.h"
#include "ttl.h"

#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>

struct ttl_breakeven_state {
	const struct evict_env *env;
	double *at_depth_s; /* c / s */
	gsl_rng *rng;       /* NULL: not random */
	uint32_t request;   /* that `uniform` was drawn for */
	double uniform;
};

enum { BREAKEVEN_GPU, BREAKEVEN_RENT, BREAKEVEN_KV, BREAKEVEN_RANDOM };

static const struct param ttl_breakeven_params[] = {
        [BREAKEVEN_GPU] = {"gpu", PARAM_REAL, "3", 0, 1e9, NULL, "dollars an hour of the GPU that computes"},
        [BREAKEVEN_RENT] = {"rent", PARAM_REAL, "0.02", 0, 1e9, NULL, "dollars a GB-hour (GB = 10^9 bytes) of the memory that holds"},
        [BREAKEVEN_KV] = {"kv", PARAM_SIZE, "128KiB", 1, 1e12, NULL, "bytes of KV a token where there is no --model"},
        [BREAKEVEN_RANDOM] = {"random", PARAM_INT, "0", 0, 1, NULL, "1: draw the TTL below c/s (see --seed)"},
        {.name = NULL},
};

static void *ttl_breakeven_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct ttl_breakeven_state *p = mem_alloc(1, sizeof(*p));
	const uint32_t depths = recompute_depths(env);
	*p = (struct ttl_breakeven_state){.env = env, .at_depth_s = recompute_table(env), .request = UINT32_MAX};
	const double bytes = isnan(env->block_bytes) ? (double)values[BREAKEVEN_KV].integer * env->block_tokens : env->block_bytes;
	const double rent = values[BREAKEVEN_RENT].real * bytes / 1e9;
	for (uint32_t depth = 0; depth < depths; depth++) {
		const double miss = values[BREAKEVEN_GPU].real * p->at_depth_s[depth] / (double)NS_PER_S;
		p->at_depth_s[depth] = miss > 0 ? miss / rent : 0;
	}
	if (values[BREAKEVEN_RANDOM].integer) {
		p->rng = gsl_rng_alloc(gsl_rng_taus);
		gsl_rng_set(p->rng, env->seed);
	}
	return p;
}

static void ttl_breakeven_close(void *state)
{
	struct ttl_breakeven_state *p = state;
	if (p->rng)
		gsl_rng_free(p->rng);
	free(p->at_depth_s);
	free(p);
}

static int64_t ttl_breakeven_ttl_ns(void *state, block_id b, uint32_t hits)
{
	struct ttl_breakeven_state *p = state;
	double keep_s = p->at_depth_s[p->env->depth[b]];
	(void)hits;
	if (p->rng) {
		if (p->request != p->env->now->request)
			p->uniform = gsl_rng_uniform(p->rng);
		p->request = p->env->now->request;
		keep_s = gap_law_randomised_s(keep_s, p->uniform);
	}
	return ttl_clamp_ns(keep_s * (double)NS_PER_S, 0, TIME_NEVER_NS);
}

const struct ttl_ops ttl_breakeven = {
        .name = "breakeven",
        .rule = "the time after which the rent of the block's memory has cost as much as computing it again",
        .detail = "A block of 512 tokens at 128 KiB each is 0.067 GB; at 0.02 $ a GB-hour it costs 0.00134 $ an hour. If computing "
                  "it takes 12 ms of a GPU at 3 $ an hour, 0.00001 $, it is kept for 27 s. Keeping for just that long never "
                  "costs more than twice what knowing the future would.",
        .source = "ski rental: Karlin et al., Algorithmica 1994",
        .cost = "O(1)",
        .params = ttl_breakeven_params,
        .open = ttl_breakeven_open,
        .close = ttl_breakeven_close,
        .ttl_ns = ttl_breakeven_ttl_ns,
};
