/* ages.h - idle blocks ranked by a score of age and depth that changes as time goes by, exactly.
 *
 * Model. Blocks are of one size and what one costs depends on its depth alone, so of the blocks of one depth the one
 * used longest ago always scores least: a heap for each depth, and only their tops can be victims. A tournament over
 * the depths keeps the oldest top of every range. A range is searched only while the score of its smallest depth at its
 * greatest age, which no block in it can go below, does not exceed the best found so far. Where time stands still
 * between two evictions and one block has turned idle since with a lower score than the last victim's (its parent, as a
 * chain is peeled), that block is the next victim without a search.
 *
 * The score may not rise with age or fall with depth. If it depends on nothing else it is called steady; one that is
 * not is searched for every time. Of equal scores the block used longest ago goes, then the deeper. Costs: a use
 * O(log depths); an eviction O(1) down a chain, else O(log depths) at best and O(depths) at worst. 48 bytes a block, 32
 * a depth.
 */
#ifndef KVCAST_AGES_H
#define KVCAST_AGES_H

#include "heaps.h"
#include "recency.h"

typedef double ages_score(const void *context, uint32_t depth, int64_t age_ns);

struct ages_top {
	int64_t used_ns;
	block_id block; /* BLOCK_NONE: nothing is idle here */
};

struct ages {
	struct recency recency;
	struct heaps heaps;   /* [depth] oldest first */
	uint32_t width;       /* depths, rounded up to a power of two */
	struct ages_top *top; /* [2 x width] node n stands over 2n and 2n + 1, width + depth is a leaf */
	ages_score *score;
	const void *context;
	bool steady;
	/* At floor_ns no idle block but `fresh` scores less than `floor`; -1: unknown. `fresh` is in no heap. */
	int64_t floor_ns;
	double floor;
	block_id fresh;
};

/* `context` is handed to `score`. */
void ages_open(struct ages *ages, const struct evict_env *env, ages_score *score, const void *context, bool steady);
void ages_close(struct ages *ages);
/* To be called from the policy's idle, from busy, and from remove for an idle block. */
void ages_idle(struct ages *ages, block_id b);
void ages_busy(struct ages *ages, block_id b);
/* Takes out the idle block with the least score; BLOCK_NONE where none is idle. */
block_id ages_evict(struct ages *ages);
/* The least and the greatest depth with an idle block; false where none is idle. Not for steady scores. */
bool ages_depths(const struct ages *ages, uint32_t *least, uint32_t *most);

static inline double ages_score_now(const struct ages *ages, block_id b)
{
	return ages->score(ages->context, ages->recency.env->depth[b], recency_age_ns(&ages->recency, b));
}

#endif
