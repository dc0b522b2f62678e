/* ttl_score.c - a TTL from use, surprise and regularity.
 *
 * TTL = clamp(ttl (1 + alpha ln(1 + hits)) (1 + max(0, perplexity - 10)/100) (1 - gamma time_variance), min, max).
 * perplexity and time_variance (0 to 1) are optional fields of the trace; a request without them counts as 1 and 0, so that
 * the rule is then one of hits only. alpha = gamma = 0 is static for such traces.
 *
 * The rule's source also keeps blocks whose TTL comes out below 10 s in the fastest tier only. Where a block is stored is
 * the tier's business here (--tier ...,store=), so that part is left out.
 * Source: POLICIES F (score).
 */
#include "ttl.h"

#include <math.h>
#include <stdlib.h>

struct ttl_score_state {
	const struct evict_env *env;
	double ttl_ns, alpha, gamma;
	int64_t least_ns, most_ns;
};

enum { SCORE_TTL, SCORE_ALPHA, SCORE_GAMMA, SCORE_MIN, SCORE_MAX };

static const struct param ttl_score_params[] = {
        [SCORE_TTL] = {"ttl", PARAM_DURATION, "1h", 0, 9.3e18, NULL, "of a block that has not been hit"},
        [SCORE_ALPHA] = {"alpha", PARAM_REAL, "0.25", 0, 1e6, NULL, "weight of ln(1 + hits)"},
        [SCORE_GAMMA] = {"gamma", PARAM_REAL, "0.8", 0, 1, NULL, "weight of time_variance"},
        [SCORE_MIN] = {"min", PARAM_DURATION, "0s", 0, 9.3e18, NULL, "no shorter"},
        [SCORE_MAX] = {"max", PARAM_DURATION, "7d", 0, 9.3e18, NULL, "no longer"},
        {.name = NULL},
};

static void *ttl_score_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	if (ttl_check_bounds("score", values[SCORE_MIN].integer, values[SCORE_MAX].integer, err) < 0)
		return NULL;
	struct ttl_score_state *p = mem_alloc(1, sizeof(*p));
	*p = (struct ttl_score_state){
	        .env = env,
	        .ttl_ns = (double)values[SCORE_TTL].integer,
	        .alpha = values[SCORE_ALPHA].real,
	        .gamma = values[SCORE_GAMMA].real,
	        .least_ns = values[SCORE_MIN].integer,
	        .most_ns = values[SCORE_MAX].integer,
	};
	return p;
}

static int64_t ttl_score_ttl_ns(void *state, block_id b, uint32_t hits)
{
	const struct ttl_score_state *p = state;
	const struct policy_now *now = p->env->now;
	const double surprise = now->perplexity > 10 ? (now->perplexity - 10) / 100 : 0;
	const double variance = isnan(now->time_variance) ? 0 : now->time_variance;
	(void)b;
	return ttl_clamp_ns(p->ttl_ns * (1 + p->alpha * log1p(hits)) * (1 + surprise) * (1 - p->gamma * variance), p->least_ns,
	                    p->most_ns);
}

const struct ttl_ops ttl_score = {
        .name = "score",
        .rule = "ttl x (1 + alpha ln(1 + hits)) x (1 + max(0, perplexity - 10)/100) x (1 - gamma x time_variance)",
        .detail = "perplexity and time_variance are fields of the trace; without them they count as 1 and 0. With ttl=1h, "
                  "alpha=0.25 and gamma=0.8 a new block has 1 h; after 3 hits 1 h x (1 + 0.25 ln 4) = 1 h 20 min 48 s. In a request "
                  "of perplexity 60 the same block has 1.5 times that, with time_variance 0.5 the 0.6th part.",
        .source = "this project's seed heuristic",
        .cost = "O(1), a logarithm a hit",
        .params = ttl_score_params,
        .open = ttl_score_open,
        .close = free,
        .ttl_ns = ttl_score_ttl_ns,
};
