/* ttl_two_level.c - f-TTL: a short TTL for what is seen the first time, a long one for what has come back.
 *
 * A block asked for the first time gets the shallow TTL, share x theta; one that hits, or comes back within theta of its
 * last request though it was gone by then (the paper's virtual hit: a shadow entry remembers it), gets the deep TTL theta.
 * Blocks asked for only once, most of the stream, so hold little memory.
 *
 * Both are steered: theta to the hit rate as in d-TTL (ttl_target.c, which see for eta), the share to a size, if `room` gives
 * one: share := clip(share + pace (room - used) / room, 0, 1) at every request, used = blocks resident then. The paper steers the
 * share by the size that each request is expected to add; ours looks at the size itself. share=0 keeps a shadow entry only,
 * share=1 is d-TTL.
 * Source: Basu et al., "Adaptive TTL-based caching for content delivery", arXiv 1704.04448 (abstract read; the two levels
 * and the shadow as in POLICIES C2, from memory); pace and defaults ours.
 */
#include "ttl.h"

#include <math.h>
#include <stdlib.h>

struct ttl_two_level_state {
	const struct evict_env *env;
	double target, eta_ns, most_ns, room_blocks, pace;
	double theta_ns, share;
	int64_t *asked_ns; /* when the block was last asked for; -1: never */
	bool *returns;     /* it had been asked for not longer than theta before */
};

enum { TWO_HIT, TWO_ETA, TWO_START, TWO_MAX, TWO_SHARE, TWO_ROOM, TWO_PACE };

static const struct param ttl_two_level_params[] = {
        [TWO_HIT] = {"hit", PARAM_REAL, "0.3", 0, 1, NULL, "block hit rate to steer the deep TTL to"},
        [TWO_ETA] = {"eta", PARAM_DURATION, "100ms", 0, 9.3e18, NULL, "step: longer for each missed block, at hit=1"},
        [TWO_START] = {"ttl", PARAM_DURATION, "300s", 0, 9.3e18, NULL, "deep TTL to begin with"},
        [TWO_MAX] = {"max", PARAM_DURATION, "1h", 0, 9.3e18, NULL, "no longer"},
        [TWO_SHARE] = {"share", PARAM_REAL, "0.1", 0, 1, NULL, "shallow TTL as a share of the deep one, to begin with"},
        [TWO_ROOM] = {"room", PARAM_INT, "0", 0, 4e9, NULL, "resident blocks to steer the share to; 0: the share stays"},
        [TWO_PACE] = {"pace", PARAM_REAL, "0.002", 0, 1, NULL, "change of the share in a request that finds the cache empty"},
        {.name = NULL},
};

static void *ttl_two_level_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct ttl_two_level_state *p = mem_alloc(1, sizeof(*p));
	*p = (struct ttl_two_level_state){
	        .env = env,
	        .target = values[TWO_HIT].real,
	        .eta_ns = (double)values[TWO_ETA].integer,
	        .most_ns = (double)values[TWO_MAX].integer,
	        .room_blocks = (double)values[TWO_ROOM].integer,
	        .pace = values[TWO_PACE].real,
	        .share = values[TWO_SHARE].real,
	        .asked_ns = mem_alloc(env->block_count, sizeof(*p->asked_ns)),
	        .returns = mem_alloc(env->block_count, sizeof(*p->returns)),
	};
	p->theta_ns = fmin((double)values[TWO_START].integer, p->most_ns);
	for (uint32_t b = 0; b < env->block_count; b++)
		p->asked_ns[b] = -1;
	return p;
}

static void ttl_two_level_close(void *state)
{
	struct ttl_two_level_state *p = state;
	free(p->asked_ns);
	free(p->returns);
	free(p);
}

static void ttl_two_level_path(void *state, block_id first, uint32_t count)
{
	struct ttl_two_level_state *p = state;
	const int64_t now_ns = p->env->now->now_ns;
	for (block_id b = first; b < first + count; b++) {
		p->returns[b] = p->asked_ns[b] >= 0 && (double)(now_ns - p->asked_ns[b]) <= p->theta_ns;
		p->asked_ns[b] = now_ns;
	}
}

static void ttl_two_level_observe(void *state, bool rules)
{
	struct ttl_two_level_state *p = state;
	const struct policy_now *now = p->env->now;
	if (!rules)
		return;
	const double short_of = p->target * now->path_blocks - now->hit_blocks;
	p->theta_ns = fmin(fmax(p->theta_ns + p->eta_ns * short_of, 0), p->most_ns);
	if (p->room_blocks > 0)
		p->share = fmin(fmax(p->share + p->pace * (1 - *p->env->used_blocks / p->room_blocks), 0), 1);
}

static int64_t ttl_two_level_ttl_ns(void *state, block_id b, uint32_t hits)
{
	const struct ttl_two_level_state *p = state;
	const bool deep = hits > 0 || p->returns[b];
	return ttl_clamp_ns(deep ? p->theta_ns : p->theta_ns * p->share, 0, TIME_NEVER_NS);
}

const struct ttl_ops ttl_two_level = {
        .name = "two_level",
        .rule = "f-TTL: a share of the TTL for blocks seen first, all of it for those that come back; steered to a hit rate and a size",
        .detail = "With ttl=100s, share=0.1 and eta=0s (nothing is steered) a block asked for at 0:00 stays until 0:10. Asked for "
                  "at 1:00 it misses, but comes back within 100 s and now stays until 2:40. Had it come at 3:00 instead, it "
                  "would have been as good as new.",
        .source = "f-TTL: Basu et al., arXiv 1704.04448",
        .cost = "O(1)",
        .params = ttl_two_level_params,
        .open = ttl_two_level_open,
        .close = ttl_two_level_close,
        .ttl_ns = ttl_two_level_ttl_ns,
        .path = ttl_two_level_path,
        .observe = ttl_two_level_observe,
};
