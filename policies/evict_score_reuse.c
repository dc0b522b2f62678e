/* evict_score_reuse.c - a seed heuristic: the chance that a block is used again soon, lowest first.
 *
 * Score = P x (e^(-t/gap) - e^(-(t+life)/gap)): a share P of blocks comes back, after exponential gaps; t is the time
 * since the last use. Gap and life are the same for all blocks, so that life scales all scores alike and is left out:
 * the order is that of ln P + last use / gap, which does not change as time goes by.
 * P is learned from the block itself: after h hits since it came, P = (h + p) / (h + 1), p being the chance of a block
 * that has shown nothing yet (this reading is ours; POLICIES leaves P open). p=1 is lru, but for ties. Of equal scores
 * the block that stands latest in its prompt goes, as in B3, then the oldest use. wa is this rule with a P and a gap
 * for each category.
 * Source: POLICIES section F (score_reuse), B3.
 */
#include "ranked.h"
#include "recency.h"

#include <math.h>

struct score_reuse {
	struct recency recency;
	struct ranked ranked;
	uint32_t *hits;
	double chance, gap_ns;
};

enum { KEY_P, KEY_GAP };

static const struct param score_reuse_params[] = {
        [KEY_P] = {"p", PARAM_REAL, "0.5", 1e-9, 1, NULL, "chance that a block which has had no hit is used again"},
        [KEY_GAP] = {"gap", PARAM_DURATION, "300s", 1, 9.3e18, NULL,
                     "mean time to the next use, of those that come back"},
        {.name = NULL},
};

static void *score_reuse_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct score_reuse *p = mem_alloc(1, sizeof(*p));
	p->chance = values[KEY_P].real;
	p->gap_ns = (double)values[KEY_GAP].integer;
	p->hits = mem_alloc(env->block_count, sizeof(*p->hits));
	recency_open(&p->recency, env);
	ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
	return p;
}

static void score_reuse_close(void *state)
{
	struct score_reuse *p = state;
	recency_close(&p->recency);
	ranked_close(&p->ranked);
	free(p->hits);
	free(p);
}

static inline void score_reuse_hit(struct score_reuse *p, block_id b)
{
	recency_use(&p->recency, b);
	p->hits[b] += p->hits[b] < UINT32_MAX;
}

static inline void score_reuse_insert(struct score_reuse *p, block_id b)
{
	recency_use(&p->recency, b);
	p->hits[b] = 0;
}

static inline void score_reuse_busy(struct score_reuse *p, block_id b)
{
	ranked_remove(&p->ranked, b);
}

static inline double chance_of(const struct score_reuse *p, block_id b)
{
	return (p->hits[b] + p->chance) / (p->hits[b] + 1.0);
}

static inline void score_reuse_idle(struct score_reuse *p, block_id b)
{
	recency_idle(&p->recency, b);
	const double score = log(chance_of(p, b)) + (double)p->recency.used_ns[b] / p->gap_ns;
	/* The lower half of the order is enough to tell equals apart for 2^32 uses. */
	const uint64_t later_first = (uint64_t)(UINT32_MAX - p->recency.env->depth[b]) << 32;
	ranked_push(&p->ranked, b, ranked_real(score), later_first | (uint32_t)p->recency.order[b]);
}

static inline void score_reuse_remove(struct score_reuse *p, block_id b)
{
	ranked_remove(&p->ranked, b);
}

static inline block_id score_reuse_evict(struct score_reuse *p, block_id in)
{
	(void)in;
	return ranked_pop(&p->ranked);
}

static void score_reuse_release_run(void *state, block_id first, uint32_t count)
{
	recency_use_run(&((struct score_reuse *)state)->recency, first, count);
}

static double score_reuse_score(const void *state, block_id b)
{
	const struct score_reuse *p = state;
	return chance_of(p, b) * exp(-(double)recency_age_ns(&p->recency, b) / p->gap_ns);
}

#define EVICT score_reuse
#define EVICT_PREFETCH(p, b) (__builtin_prefetch(&(p)->ranked.at[b], 1), __builtin_prefetch(&(p)->recency.order[b], 1))
#include "evict_hooks.h"

const struct evict_ops evict_score_reuse = {
        .name = "score_reuse",
        .rule = "the block with the lowest chance of reuse, P x e^(-age/gap), P rising with its hits; of equals the "
                "latest in its prompt",
        .detail = "With p=0.5, gap=300s and room for 2 blocks: A at 0 s and again at 60 s, B at 100 s, C at 200 s. A "
                  "has had one hit, so P is 3/4 for A and 1/2 for B. At 200 s A scores 0.75 e^(-140/300) = 0.470 and "
                  "B 0.5 e^(-100/300) = 0.358: B goes, where lru lets A go. Were B used at 185 s, it would score "
                  "0.476 and A would go.",
        .source = "this project's seed heuristic; the survival form of KVCache Cache in the Wild, arXiv 2506.02634",
        .cost = "O(log idle)",
        .state_bytes = 48,
        .params = score_reuse_params,
        .needs_time = true,
        .open = score_reuse_open,
        .close = score_reuse_close,
        .hit = score_reuse_hit_run,
        .release = score_reuse_release_run,
        .busy = score_reuse_busy_run,
        .idle = score_reuse_idle_run,
        .score = score_reuse_score,
        EVICT_HOOKS(score_reuse),
};
