/* ttl_size.c - a TTL by the length of the prompt.
 *
 * TTL = clamp(ttl (s0 / size)^gamma, min, max), size = tokens of the request's prompt, the whole path. gamma > 0 gives long
 * prompts less time, as they hold more memory; gamma < 0 gives them more, as computing them again costs more than in
 * proportion. gamma = 0 is static. Bytes in place of tokens would be the same: only a ratio counts.
 * Source: POLICIES F (size).
 */
#include "ttl.h"

#include <math.h>
#include <stdlib.h>

struct ttl_size_state {
	const struct evict_env *env;
	double ttl_ns, s0_tokens, gamma;
	int64_t least_ns, most_ns;
	/* The last answer: a request asks once for each of its blocks. */
	uint32_t tokens;
	int64_t answer_ns;
};

enum { KEY_TTL, KEY_S0, KEY_GAMMA, KEY_MIN, KEY_MAX };

static const struct param ttl_size_params[] = {
        [KEY_TTL] = {"ttl", PARAM_DURATION, "300s", 0, 9.3e18, NULL, "of a prompt of s0 tokens"},
        [KEY_S0] = {"s0", PARAM_INT, "8192", 1, 4e9, NULL, "tokens of a prompt that gets `ttl`"},
        [KEY_GAMMA] = {"gamma", PARAM_REAL, "0.5", -8, 8, NULL, "how fast the TTL falls with length; below 0 it rises"},
        [KEY_MIN] = {"min", PARAM_DURATION, "10s", 0, 9.3e18, NULL, "no shorter"},
        [KEY_MAX] = {"max", PARAM_DURATION, "1h", 0, 9.3e18, NULL, "no longer"},
        {.name = NULL},
};

static int64_t answer_for(const struct ttl_size_state *p, uint32_t tokens)
{
	const double factor = pow(p->s0_tokens / (tokens ? tokens : 1), p->gamma);
	return ttl_clamp_ns(p->ttl_ns * factor, p->least_ns, p->most_ns);
}

static void *ttl_size_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	if (ttl_check_bounds("size", values[KEY_MIN].integer, values[KEY_MAX].integer, err) < 0)
		return NULL;
	struct ttl_size_state *p = mem_alloc(1, sizeof(*p));
	*p = (struct ttl_size_state){
	        .env = env,
	        .ttl_ns = (double)values[KEY_TTL].integer,
	        .s0_tokens = (double)values[KEY_S0].integer,
	        .gamma = values[KEY_GAMMA].real,
	        .least_ns = values[KEY_MIN].integer,
	        .most_ns = values[KEY_MAX].integer,
	};
	p->answer_ns = answer_for(p, 0);
	return p;
}

static int64_t ttl_size_ttl_ns(void *state, block_id b, uint32_t hits)
{
	struct ttl_size_state *p = state;
	(void)b, (void)hits;
	if (p->tokens != p->env->now->prompt_tokens) {
		p->tokens = p->env->now->prompt_tokens;
		p->answer_ns = answer_for(p, p->tokens);
	}
	return p->answer_ns;
}

const struct ttl_ops ttl_size = {
        .name = "size",
        .rule = "ttl x (s0 / prompt tokens)^gamma, between min and max",
        .detail = "With ttl=300s, s0=8192 and gamma=0.5 a prompt of 8,192 tokens is kept for 300 s, one of 32,768 for 150 s and "
                  "one of 2,048 for 600 s; gamma=-0.5 turns the last two round. Blocks that several prompts share get the "
                  "time of the last that used them.",
        .source = "this project's seed heuristic",
        .cost = "O(1), a power a request",
        .params = ttl_size_params,
        .uniform = true,
        .open = ttl_size_open,
        .close = free,
        .ttl_ns = ttl_size_ttl_ns,
};
