/* evict_pgdsf.c - RAGCache's prefix-aware GreedyDual-Size-Frequency: clock + frequency x mean cost of a miss.
 *
 * Priority = Clock + Frequency x AvgCost / Size, lowest first; the clock is the highest priority that has been let go.
 * AvgCost / Size is the mean, over the m misses of a block, of what computing the new part of that request cost, shared
 * out evenly over that part: T(cached, new) / new. So a block that tends to be computed after a long cached prefix is
 * dear, and cheap if it tends to be computed along with its prefix. Here T is the sum of env->recompute_ns over the
 * request's uncached blocks, in place of the paper's measured table of (cached, new) lengths.
 * A block's misses and its frequency (hits and misses) outlive eviction, as the formula's m asks; history=0 forgets
 * both with the block, which leaves m = 1. One tier, so one clock. Meant for leaf scope: in the paper, too, only leaves
 * go.
 * Source: RAGCache (arXiv 2404.12457) section 5.1, POLICIES B5.
 */
#include "ranked.h"
#include "recency.h"
#include "recompute.h"

struct pgdsf {
	struct recency recency;
	struct ranked ranked;
	uint32_t *uses, *misses;
	double *miss_s;     /* sum over the misses */
	double *priority_s;
	double *upto_s;     /* [depth] cost of a path's blocks before it */
	uint32_t depths;
	double clock_s;
	bool keeps_history;
};

static const struct param pgdsf_params[] = {
        {"history", PARAM_INT, "1", 0, 1, NULL, "0: frequency and costs are forgotten when the block goes"},
        {.name = NULL},
};

static void *pgdsf_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct pgdsf *p = mem_alloc(1, sizeof(*p));
	p->keeps_history = values[0].integer != 0;
	recency_open(&p->recency, env);
	ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
	p->uses = mem_alloc(env->block_count, sizeof(*p->uses));
	p->misses = mem_alloc(env->block_count, sizeof(*p->misses));
	p->miss_s = mem_alloc(env->block_count, sizeof(*p->miss_s));
	p->priority_s = mem_alloc(env->block_count, sizeof(*p->priority_s));
	p->depths = recompute_depths(env);
	p->upto_s = mem_alloc((size_t)p->depths + 1, sizeof(*p->upto_s));
	for (uint32_t depth = 0; depth < p->depths; depth++)
		p->upto_s[depth + 1] = p->upto_s[depth] + env->recompute_ns(env->cost, depth) / (double)NS_PER_S;
	return p;
}

static void pgdsf_close(void *state)
{
	struct pgdsf *p = state;
	recency_close(&p->recency);
	ranked_close(&p->ranked);
	free(p->uses);
	free(p->misses);
	free(p->miss_s);
	free(p->priority_s);
	free(p->upto_s);
	free(p);
}

/* What a new block of the request being served costs, on average over its new blocks. A block on its own, as under
 * object semantics or past what the request says, costs what its depth says. */
static double new_block_s(const struct pgdsf *p, block_id b)
{
	const struct policy_now *now = p->recency.env->now;
	const uint32_t depth = p->recency.env->depth[b];
	if (depth < now->hit_blocks || depth >= now->path_blocks || now->path_blocks > p->depths)
		return p->upto_s[depth + 1] - p->upto_s[depth];
	return (p->upto_s[now->path_blocks] - p->upto_s[now->hit_blocks]) / (now->path_blocks - now->hit_blocks);
}

static inline void use(struct pgdsf *p, block_id b)
{
	recency_use(&p->recency, b);
	p->uses[b] += p->uses[b] < UINT32_MAX;
	p->priority_s[b] = p->clock_s + p->uses[b] * (p->miss_s[b] / p->misses[b]);
}

static inline void pgdsf_hit(struct pgdsf *p, block_id b)
{
	use(p, b);
}

static inline void pgdsf_insert(struct pgdsf *p, block_id b)
{
	if (!p->keeps_history) {
		p->uses[b] = p->misses[b] = 0;
		p->miss_s[b] = 0;
	}
	p->misses[b]++;
	p->miss_s[b] += new_block_s(p, b);
	use(p, b);
}

static inline void pgdsf_busy(struct pgdsf *p, block_id b)
{
	ranked_remove(&p->ranked, b);
}

static inline void pgdsf_idle(struct pgdsf *p, block_id b)
{
	recency_idle(&p->recency, b);
	ranked_push(&p->ranked, b, ranked_real(p->priority_s[b]), p->recency.order[b]);
}

static inline void pgdsf_remove(struct pgdsf *p, block_id b)
{
	ranked_remove(&p->ranked, b);
}

static inline block_id pgdsf_evict(struct pgdsf *p, block_id in)
{
	(void)in;
	const block_id victim = ranked_pop(&p->ranked);
	if (victim != BLOCK_NONE && p->priority_s[victim] > p->clock_s)
		p->clock_s = p->priority_s[victim];
	return victim;
}

static void pgdsf_release_run(void *state, block_id first, uint32_t count)
{
	recency_use_run(&((struct pgdsf *)state)->recency, first, count);
}

static double pgdsf_score(const void *state, block_id b)
{
	return ((const struct pgdsf *)state)->priority_s[b];
}

#define EVICT pgdsf
#define EVICT_PREFETCH(p, b) (__builtin_prefetch(&(p)->ranked.at[b], 1), __builtin_prefetch(&(p)->priority_s[b], 1))
#include "evict_hooks.h"

const struct evict_ops evict_pgdsf = {
        .name = "pgdsf",
        .rule = "the block with the lowest clock at its last use + uses x mean cost of its misses; the clock is the "
                "last victim's",
        .detail = "Let the first block of a prompt cost 1 ms and the second 2 ms, in leaf scope with room for 3 "
                  "blocks. Request A-B computes both, 1 1/2 each; C has 1. D takes the place of C: the clock is 1 and "
                  "D has 2. E takes that of B, now at 1 1/2, and has 2 1/2. Then A-B: A has 1 1/2 + 2 x 1 1/2; D, the "
                  "lowest leaf, goes and the clock is 2; B, computed alone for 2 after 1 1/2 with A, has 2 + 2 x 1 "
                  "3/4 = 5 1/2.",
        .source = "RAGCache, arXiv 2404.12457",
        .cost = "O(log idle)",
        .state_bytes = 68,
        .params = pgdsf_params,
        .open = pgdsf_open,
        .close = pgdsf_close,
        .hit = pgdsf_hit_run,
        .release = pgdsf_release_run,
        .busy = pgdsf_busy_run,
        .idle = pgdsf_idle_run,
        .score = pgdsf_score,
        EVICT_HOOKS(pgdsf),
};
