/* evict_age_cost.c - what a block costs to compute again, over how long ago it was used.
 *
 * Pensieve's retention value V = cost(position) / (time since last use); the lowest goes. Attention makes later blocks
 * of a prompt dearer, so of one conversation the leading blocks go first, and a hole at the front is computed again.
 * That is what flat scope does. In leaf scope a block goes only after all that stand on it: each conversation is cut
 * from its tail, and the value decides which one, a short or long forgotten one before a long or recent one.
 * A block used at this very instant is worth infinitely much.
 * Source: Pensieve (EuroSys 2025), POLICIES B10, which calls its chunk of 32 tokens what is a block here.
 */
#include "ages.h"
#include "recompute.h"

#include <math.h>

struct age_cost {
	struct ages ages;
	double *cost_ns; /* [depth] */
};

static double age_cost_value(const void *context, uint32_t depth, int64_t age_ns)
{
	const struct age_cost *p = context;
	return age_ns > 0 ? p->cost_ns[depth] / (double)age_ns : INFINITY;
}

static void *age_cost_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	struct age_cost *p = mem_alloc(1, sizeof(*p));
	ages_open(&p->ages, env, age_cost_value, p, true);
	p->cost_ns = recompute_table(env);
	return p;
}

static void age_cost_close(void *state)
{
	struct age_cost *p = state;
	ages_close(&p->ages);
	free(p->cost_ns);
	free(p);
}

static inline void age_cost_hit(struct age_cost *p, block_id b)
{
	recency_use(&p->ages.recency, b);
}

static inline void age_cost_insert(struct age_cost *p, block_id b)
{
	recency_use(&p->ages.recency, b);
}

static inline void age_cost_busy(struct age_cost *p, block_id b)
{
	ages_busy(&p->ages, b);
}

static inline void age_cost_idle(struct age_cost *p, block_id b)
{
	ages_idle(&p->ages, b);
}

static inline void age_cost_remove(struct age_cost *p, block_id b)
{
	if (evict_idle(p->ages.recency.env, b))
		ages_busy(&p->ages, b);
}

static inline block_id age_cost_evict(struct age_cost *p, block_id in)
{
	(void)in;
	return ages_evict(&p->ages);
}

static double age_cost_score(const void *state, block_id b)
{
	return ages_score_now(&((const struct age_cost *)state)->ages, b);
}

#define EVICT age_cost
#define EVICT_PREFETCH(p, b) __builtin_prefetch(&(p)->ages.heaps.node[b], 1)
#include "evict_hooks.h"

const struct evict_ops evict_age_cost = {
        .name = "age_cost",
        .rule = "the block with the lowest cost to compute again per time since its last use",
        .detail = "Let the first block of a prompt cost 1 ms and the second 2 ms. With room for 3 blocks, C used 2 s "
                  "ago and A-B 3 s ago: A is worth 1/3, C 1/2 and B 2/3 ms/s. In flat scope A goes, though B then "
                  "stands behind a hole. In leaf scope A has a child, so of the leaves C and B it is C, though used "
                  "later than B.",
        .source = "Pensieve, EuroSys 2025",
        .cost = "O(log depths) a use; eviction O(log depths) to O(depths)",
        .state_bytes = 48,
        .needs_time = true,
        .open = age_cost_open,
        .close = age_cost_close,
        .hit = age_cost_hit_run,
        .release = age_cost_hit_run,
        .busy = age_cost_busy_run,
        .idle = age_cost_idle_run,
        .score = age_cost_score,
        EVICT_HOOKS(age_cost),
};
