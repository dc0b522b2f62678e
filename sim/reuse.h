/* reuse.h - of every block that a request uses: when it was used before, and what was used since.
 *
 * Model: requests in open-loop order, served at once (replay.h), prefix semantics, lru. A request uses the blocks of its
 * path all at one time, the root counting as used last. So lru's order is: by last request, the latest first; of one
 * request by depth. Then
 *   - a block's parent always stands before it, so what is cached is closed towards the root, and a block hits in a cache
 *     of C blocks exactly if its rank, the number of blocks before it, is below C. A path longer than C keeps its head;
 *   - of each request the blocks that no later one used are the end of its path: one stretch, whose ranks are consecutive.
 *     So a request's path falls into few stretches, one for each earlier request that was the last to use its blocks, and
 *     the pass costs O(log requests) for each of them, beside looking at every reference once;
 *   - with a sliding TTL of T, blocks expire in the order in which lru would evict them, so a cache with both holds what
 *     stands below C and was used within T, and a block hits exactly if its rank is below C and its gap at most T.
 *
 * A part of a trace may stand for all of it (struct reuse_sample): its blocks are those that many requests share, which are all
 * looked at, and those of the prefix trees below them that were drawn. A rank is an estimate then: shared blocks and those of the
 * block's own tree count once, those of other trees for all that were not drawn, too. sampled.h says who draws, and what it is
 * worth.
 *
 * Source of the ranks: Mattson, Gecsei, Slutz, Traiger, IBM Systems Journal 9, 1970, here over stretches instead of blocks.
 * Ranks in blocks, gaps in ns.
 */
#ifndef KVCAST_REUSE_H
#define KVCAST_REUSE_H

#include "run_config.h"

/* Blocks depth .. depth + count - 1 of the request's path were last used by one earlier request, gap_ns ago. The first of
 * them has `rank`, the next rank + 1 and so on. */
struct reuse_stretch {
	uint32_t request, from; /* indices in service order */
	uint32_t depth, count;
	uint64_t rank;
	int64_t gap_ns;
	bool in_tree; /* of blocks of a tree that was drawn; false where all blocks are looked at */
};

/* What hits are worth, in blocks, tokens, and shares of their prompts. */
struct reuse_weight {
	double blocks, tokens, share;
};

#define REUSE_NO_TREE UINT32_MAX

struct reuse_sample {
	const uint32_t *tree;          /* [request_count] that the path ends in, or REUSE_NO_TREE */
	const uint32_t *shared_blocks; /* [request_count] of the path before that tree */
	const uint64_t *tree_blocks;   /* [tree_count] distinct ones */
	const bool *drawn;             /* [tree_count] */
	uint32_t tree_count;
	uint64_t all_blocks, drawn_blocks; /* sums of tree_blocks */
	struct reuse_weight weight;        /* of hits in drawn trees */
};

struct reuse {
	const struct trace *trace;
	const struct run_config *config;
	const struct reuse_sample *sample; /* NULL: everything was looked at */
	struct reuse_stretch *stretches; /* by request, root to tail */
	size_t count;
	int64_t *arrival_ns;   /* [request_count] */
	uint32_t *path_blocks; /* [request_count] that were looked at */
	uint32_t *left_blocks; /* [request_count] used by no later request */
};

/* What hits on `count` blocks from `depth` on bring a request. */
struct reuse_gain {
	uint64_t blocks, tokens;
	double share;   /* of the prompt */
};

struct reuse_gain reuse_gain(const struct trace *trace, uint32_t request, uint32_t depth, uint32_t count);
/* The first request that counts after the warm-up. */
uint32_t reuse_first_counted(const struct trace *trace, const struct run_config *config);

/* Of config, `tail_cached`, `speed` and `warmup` are heeded. It, the trace and the sample, which may be NULL, must outlive the
 * result. */
struct reuse *reuse_open(const struct trace *trace, const struct run_config *config, const struct reuse_sample *sample);
void reuse_close(struct reuse *reuse);
/* How many blocks those from depth `from` to below `to` of the request's path stand for. */
uint64_t reuse_stand_for(const struct reuse *reuse, uint32_t request, uint32_t from, uint32_t to);

#endif
