/* ages.h - idle blocks ranked by a score of age and depth that changes as time goes by, exactly.
 *
 * Model. Blocks are of one size and what one costs depends on its depth alone, so of the blocks of one depth the one
 * used longest ago always scores least: a heap for each depth, and only their tops can be victims. A tournament over
 * the depths keeps the oldest top of every range. A range is searched only while the score of its smallest depth at its
 * greatest age, which no block in it can go below, does not exceed the best found so far. The block that turned idle
 * last is kept aside: where a chain is peeled, it is the parent of the last victim and mostly the next one. If it then
 * scores less than that victim, and no time has passed, it goes without a search.
 *
 * The score may not rise with age or fall with depth. If it depends on nothing else it is called steady; one that is
 * not is searched for every time. Of equal scores the block used longest ago goes, then the deeper. Costs: a use
 * O(log depths); an eviction O(1) down a chain, else O(log depths) at best and O(depths) at worst. 48 bytes a block, 32
 * a depth.
 */
#ifndef KVCAST_AGES_H
#define KVCAST_AGES_H

#include "bits.h"
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
	struct bits depths;   /* at which some block is in a heap */
	ages_score *score;
	const void *context;
	bool steady;
	block_id fresh; /* turned idle last; in no heap */
	/* At floor_ns no block in the heaps scores less than `floor`; -1: unknown. */
	int64_t floor_ns;
	double floor;
};

/* `context` is handed to `score`. */
void ages_open(struct ages *ages, const struct evict_env *env, ages_score *score, const void *context, bool steady);
void ages_close(struct ages *ages);
/* To be called from the policy's idle, from busy, and from remove for an idle block. */
void ages_idle(struct ages *ages, block_id b);
void ages_busy(struct ages *ages, block_id b);
/* Takes out the idle block with the least score; BLOCK_NONE where none is idle. */
block_id ages_evict(struct ages *ages);
/* Over the idle blocks; some block has to be idle. */
struct ages_spread {
	uint32_t least_depth, most_depth;
	int64_t oldest_ns; /* earliest last use */
};
struct ages_spread ages_spread(const struct ages *ages);

static inline double ages_score_now(const struct ages *ages, block_id b)
{
	return ages->score(ages->context, ages->recency.env->depth[b], recency_age_ns(&ages->recency, b));
}

#endif
