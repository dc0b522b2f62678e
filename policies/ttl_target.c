/* ttl_target.c - d-TTL: one TTL for all, steered to a hit rate.
 *
 * After each request  theta := clip(theta + eta w (h* - hit), 0, max):  too few hits lengthen the TTL, too many shorten it.
 * `hit` is the share of the request's blocks that hit. weight=blocks takes w = its number of blocks and steers the block hit
 * rate, weight=requests takes w = 1 and steers the mean over requests. eta is a time: by so much the TTL grows for a block
 * that misses at h* = 1. The paper lets it shrink, eta / l^decay at request l with 1/2 < decay <= 1, to converge on a
 * stationary stream; for live traffic it stays small and constant (decay = 0, the default). A target beyond what any TTL
 * reaches ends at max.
 *
 * Only requests that the state rules steer it; classes with overrides are steered each to its own target.
 * Source: Basu et al., "Adaptive TTL-based caching for content delivery", arXiv 1704.04448 (update rule as in POLICIES C2,
 * there marked as written from memory); defaults ours.
 */
#include "ttl.h"

#include <math.h>
#include <stdlib.h>

struct ttl_target_state {
	const struct evict_env *env;
	double target, eta_ns, decay, most_ns;
	bool by_blocks;
	double theta_ns;
	uint64_t requests;
};

enum { TARGET_HIT, TARGET_ETA, TARGET_DECAY, TARGET_WEIGHT, TARGET_START, TARGET_MAX };

static const struct param ttl_target_params[] = {
        [TARGET_HIT] = {"hit", PARAM_REAL, "0.3", 0, 1, NULL, "hit rate to steer to"},
        [TARGET_ETA] = {"eta", PARAM_DURATION, "100ms", 0, 9.3e18, NULL, "step: longer for each missed block, at hit=1"},
        [TARGET_DECAY] = {"decay", PARAM_REAL, "0", 0, 1, NULL, "step at request l is eta / l^decay"},
        [TARGET_WEIGHT] = {"weight", PARAM_CHOICE, "blocks", 0, 0, "blocks|requests", "which hit rate is steered"},
        [TARGET_START] = {"ttl", PARAM_DURATION, "300s", 0, 9.3e18, NULL, "TTL to begin with"},
        [TARGET_MAX] = {"max", PARAM_DURATION, "1h", 0, 9.3e18, NULL, "no longer"},
        {.name = NULL},
};

static void *ttl_target_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct ttl_target_state *p = mem_alloc(1, sizeof(*p));
	*p = (struct ttl_target_state){
	        .env = env,
	        .target = values[TARGET_HIT].real,
	        .eta_ns = (double)values[TARGET_ETA].integer,
	        .decay = values[TARGET_DECAY].real,
	        .by_blocks = values[TARGET_WEIGHT].integer == 0,
	        .theta_ns = (double)values[TARGET_START].integer,
	        .most_ns = (double)values[TARGET_MAX].integer,
	};
	p->theta_ns = fmin(p->theta_ns, p->most_ns);
	return p;
}

static void ttl_target_observe(void *state, bool rules)
{
	struct ttl_target_state *p = state;
	const struct policy_now *now = p->env->now;
	if (!rules || now->path_blocks == 0)
		return;
	p->requests++;
	double short_of = p->target * now->path_blocks - now->hit_blocks;
	if (!p->by_blocks)
		short_of /= now->path_blocks;
	if (p->decay > 0)
		short_of /= pow((double)p->requests, p->decay);
	p->theta_ns = fmin(fmax(p->theta_ns + p->eta_ns * short_of, 0), p->most_ns);
}

static int64_t ttl_target_ttl_ns(void *state, block_id b, uint32_t hits)
{
	const struct ttl_target_state *p = state;
	(void)b, (void)hits;
	return ttl_clamp_ns(p->theta_ns, 0, TIME_NEVER_NS);
}

const struct ttl_ops ttl_target = {
        .name = "target",
        .rule = "d-TTL: one TTL, longer after requests that hit less than the target, shorter after those that hit more",
        .detail = "With hit=0.5, eta=1s and ttl=10s: a request of 4 blocks of which none hits makes it 10 + 1 x (0.5 x 4 - 0) = "
                  "12 s, and that is what its blocks get; the same request again hits all 4 and makes it 12 + (2 - 4) = 10 s.",
        .source = "d-TTL: Basu et al., arXiv 1704.04448",
        .cost = "O(1)",
        .params = ttl_target_params,
        .uniform = true,
        .open = ttl_target_open,
        .close = free,
        .ttl_ns = ttl_target_ttl_ns,
        .observe = ttl_target_observe,
};
