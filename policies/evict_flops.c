/* evict_flops.c - recency plus saved work per byte, each scaled to 0..1 over the blocks that may go.
 *
 * Marconi's score S = recency' + alpha x efficiency'; the lowest goes. recency = 1 / (time since the last use),
 * efficiency = computation saved relative to the parent, per byte held; the dash scales a quantity between its least
 * and greatest value among the candidates (all equal: 1). So depth protects as much as alpha times the whole span of
 * recency.
 *
 * Marconi is for models with recurrent layers; this is what its rule says of attention alone. There an inner node frees
 * nothing of its own, so candidates are idle blocks (leaf scope: leaves), bytes are the same for all, and the work
 * saved is env->recompute_ns at the block's depth. Choices: alpha is a parameter, where Marconi tries 0, 0.1 .. 2 on
 * its first requests; times below 1 ms count as 1 ms. touch=path stamps all blocks a request uses, as everywhere here;
 * touch=tail, Marconi's rule for its nodes, only the last block of the match and the new ones, so that a shared stem is
 * as old as the last time it ended a match.
 * Source: Marconi (MLSys 2025, arXiv 2411.19379) and its code, POLICIES B4.
 */
#include "ages.h"
#include "recompute.h"

struct flops {
	struct ages ages;
	struct heaps newest; /* one heap of all idle blocks, last used first */
	double *saved_ns;    /* [depth] */
	double alpha;
	bool whole_path;
	/* Of the candidates, as of the eviction under way; a span of 0 makes the scaled quantity 1 for all. */
	double least_recency, recency_span, least_saved_ns, saved_span_ns;
};

enum { KEY_ALPHA, KEY_TOUCH };

static const struct param flops_params[] = {
        [KEY_ALPHA] = {"alpha", PARAM_REAL, "1", 0, 1000, NULL,
                       "weight of the work saved per byte; 0: recency alone counts"},
        [KEY_TOUCH] = {"touch", PARAM_CHOICE, "path", 0, 0, "path|tail",
                       "a use stamps all blocks of the path, or the last matched and the new ones"},
        {.name = NULL},
};

static double recency_of(int64_t age_ns)
{
	return (double)NS_PER_S / (double)(age_ns > NS_PER_MS ? age_ns : NS_PER_MS);
}

static double scaled(double value, double least, double span)
{
	return span > 0 ? (value - least) / span : 1;
}

static double flops_value(const void *context, uint32_t depth, int64_t age_ns)
{
	const struct flops *p = context;
	return scaled(recency_of(age_ns), p->least_recency, p->recency_span) +
	       p->alpha * scaled(p->saved_ns[depth], p->least_saved_ns, p->saved_span_ns);
}

static void *flops_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct flops *p = mem_alloc(1, sizeof(*p));
	p->alpha = values[KEY_ALPHA].real;
	p->whole_path = values[KEY_TOUCH].integer == 0;
	ages_open(&p->ages, env, flops_value, p, false);
	heaps_open(&p->newest, env->block_count, 1, env->depth);
	p->saved_ns = recompute_table(env);
	return p;
}

static void flops_close(void *state)
{
	struct flops *p = state;
	ages_close(&p->ages);
	heaps_close(&p->newest);
	free(p->saved_ns);
	free(p);
}

static inline void flops_hit(struct flops *p, block_id b)
{
	const struct evict_env *env = p->ages.recency.env;
	/* A path of one block, or of none under object semantics, is its own tail. */
	if (p->whole_path || env->now->path_blocks <= 1 || env->depth[b] + 1 == env->now->hit_blocks)
		recency_use(&p->ages.recency, b);
}

/* The end of a use by an engine's request: under touch=tail it stamps nothing, the match was long ago. */
static void flops_release_run(void *state, block_id first, uint32_t count)
{
	struct flops *p = state;
	if (p->whole_path)
		recency_use_run(&p->ages.recency, first, count);
}

static inline void flops_insert(struct flops *p, block_id b)
{
	recency_use(&p->ages.recency, b);
}

static inline void flops_busy(struct flops *p, block_id b)
{
	ages_busy(&p->ages, b);
	heaps_remove(&p->newest, 0, b);
}

static inline void flops_idle(struct flops *p, block_id b)
{
	ages_idle(&p->ages, b);
	heaps_push(&p->newest, 0, b, ~p->ages.recency.order[b], 0);
}

static inline void flops_remove(struct flops *p, block_id b)
{
	if (evict_idle(p->ages.recency.env, b))
		flops_busy(p, b);
}

static void measure_candidates(struct flops *p, block_id newest)
{
	const struct ages_spread spread = ages_spread(&p->ages);
	const int64_t now_ns = p->ages.recency.env->now->now_ns;
	p->least_recency = recency_of(now_ns - spread.oldest_ns);
	p->recency_span = recency_of(recency_age_ns(&p->ages.recency, newest)) - p->least_recency;
	p->least_saved_ns = p->saved_ns[spread.least_depth];
	p->saved_span_ns = p->saved_ns[spread.most_depth] - p->least_saved_ns;
}

static inline block_id flops_evict(struct flops *p, block_id in)
{
	(void)in;
	const block_id newest = heaps_top(&p->newest, 0);
	if (newest == BLOCK_NONE)
		return BLOCK_NONE;
	measure_candidates(p, newest);
	const block_id victim = ages_evict(&p->ages);
	heaps_remove(&p->newest, 0, victim);
	return victim;
}

static double flops_score(const void *state, block_id b)
{
	return ages_score_now(&((const struct flops *)state)->ages, b);
}

#define EVICT flops
#define EVICT_PREFETCH(p, b) __builtin_prefetch(&(p)->ages.heaps.node[b], 1), __builtin_prefetch(&(p)->newest.node[b], 1)
#include "evict_hooks.h"

const struct evict_ops evict_flops = {
        .name = "flops",
        .rule = "the block with the lowest recency plus alpha x computation saved per byte, both scaled over the "
                "candidates",
        .detail = "Let the first block of a prompt save 1 ms and the second 2 ms, alpha be 1, and in flat scope C "
                  "have been used 1 s ago, A-B 2 s and D 4 s ago. Recencies are 1, 1/2 and 1/4, scaled 1, 1/3 and 0; "
                  "savings, scaled, 1 for B and 0 for the others. D scores 0, A 1/3, C 1 and B 1 1/3, so D goes. For "
                  "those that are left recency is scaled anew, A scores 0 and goes next, though B then stands behind "
                  "a hole.",
        .source = "Marconi, MLSys 2025, arXiv 2411.19379",
        .cost = "O(log idle) a use; eviction O(log depths) to O(depths)",
        .state_bytes = 80,
        .params = flops_params,
        .needs_time = true,
        .open = flops_open,
        .close = flops_close,
        .hit = flops_hit_run,
        .release = flops_release_run,
        .busy = flops_busy_run,
        .idle = flops_idle_run,
        .score = flops_score,
        EVICT_HOOKS(flops),
};
