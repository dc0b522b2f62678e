/* ttl_adaptive.c - a TTL that grows with use.
 *
 * TTL = clamp(base (1 + alpha access_count), min, max), access_count = hits since the block was inserted (0 then), told
 * anew at every hit. alpha = 0 is static. A root shared by many sees many hits and stays long; with coherence=lift a
 * parent is hit at least as often as its children since they came, so lift has little to do.
 * Source: POLICIES F (adaptive).
 */
#include "ttl.h"

#include <stdlib.h>

struct ttl_adaptive_state {
	double base_ns, alpha;
	int64_t least_ns, most_ns;
};

enum { ADAPTIVE_BASE, ADAPTIVE_ALPHA, ADAPTIVE_MIN, ADAPTIVE_MAX };

static const struct param ttl_adaptive_params[] = {
        [ADAPTIVE_BASE] = {"base", PARAM_DURATION, "60s", 0, 9.3e18, NULL, "TTL of a block that has not been hit"},
        [ADAPTIVE_ALPHA] = {"alpha", PARAM_REAL, "0.5", 0, 1e6, NULL, "share of base that each hit adds"},
        [ADAPTIVE_MIN] = {"min", PARAM_DURATION, "10s", 0, 9.3e18, NULL, "no shorter"},
        [ADAPTIVE_MAX] = {"max", PARAM_DURATION, "1h", 0, 9.3e18, NULL, "no longer"},
        {.name = NULL},
};

static void *ttl_adaptive_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)env;
	if (ttl_check_bounds("adaptive", values[ADAPTIVE_MIN].integer, values[ADAPTIVE_MAX].integer, err) < 0)
		return NULL;
	struct ttl_adaptive_state *p = mem_alloc(1, sizeof(*p));
	*p = (struct ttl_adaptive_state){
	        .base_ns = (double)values[ADAPTIVE_BASE].integer,
	        .alpha = values[ADAPTIVE_ALPHA].real,
	        .least_ns = values[ADAPTIVE_MIN].integer,
	        .most_ns = values[ADAPTIVE_MAX].integer,
	};
	return p;
}

static int64_t ttl_adaptive_ttl_ns(void *state, block_id b, uint32_t hits)
{
	const struct ttl_adaptive_state *p = state;
	(void)b;
	return ttl_clamp_ns(p->base_ns * (1 + p->alpha * hits), p->least_ns, p->most_ns);
}

const struct ttl_ops ttl_adaptive = {
        .name = "adaptive",
        .rule = "base x (1 + alpha x hits since insertion), between min and max; told anew at every hit",
        .detail = "With base=60s and alpha=0.5 a new block has 60 s. Hit at 0:50 it has 90 s from there, until 2:20; hit again "
                  "at 2:00 it has 120 s, until 4:00. With mode=absolute only the first of these counts.",
        .source = "this project's seed heuristic",
        .cost = "O(1)",
        .params = ttl_adaptive_params,
        .open = ttl_adaptive_open,
        .close = free,
        .ttl_ns = ttl_adaptive_ttl_ns,
};
