/* ttl_static.c - one TTL for all blocks. Source: POLICIES section F (static). */
#include "ttl.h"

#include <stdlib.h>

struct ttl_static_state {
	int64_t ttl_ns;
};

static const struct param ttl_static_params[] = {
        {"ttl", PARAM_DURATION, "300s", 0, 9.3e18, NULL, "how long a block may stay unused"},
        {.name = NULL},
};

static void *ttl_static_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)env, (void)err;
	struct ttl_static_state *p = mem_alloc(1, sizeof(*p));
	p->ttl_ns = values[0].integer;
	return p;
}

static int64_t ttl_static_ttl_ns(void *state, block_id b, uint32_t hits)
{
	(void)b, (void)hits;
	return ((const struct ttl_static_state *)state)->ttl_ns;
}

const struct ttl_ops ttl_static = {
        .name = "static",
        .rule = "the same TTL for every block",
        .detail = "With ttl=5m and mode=sliding a block used at 0:00 and at 4:00 is gone after 9:00; with mode=absolute "
                  "it is gone after 5:00, whatever happens in between.",
        .source = "Anthropic's 5-minute and 1-hour caches are sliding, Gemini's explicit caches absolute",
        .cost = "O(1)",
        .params = ttl_static_params,
        .uniform = true,
        .open = ttl_static_open,
        .close = free,
        .ttl_ns = ttl_static_ttl_ns,
};
