/* tiers.h - the chain of caches from the GPU down, and what moves between them.
 *
 * Model. Tier 0 is where requests compute; its policy, pins and reservations are cache.h's. The tiers below hold single
 * blocks, reached over one link each (link.h). A path's hit continues down the chain: for each block after tier 0's
 * prefix the fastest tier that has it and whose link is up serves it, until a block is nowhere. A hit in a lower tier is a
 * use there.
 *
 * Blocks that expire leave, and move on where their tier demotes them, at their own deadlines, in order of time over all
 * tiers, however rarely tiers_advance() is called.
 *
 * What goes down: a victim of tier i to tier i+1 (store=demote), every computed block at the end of its step (through), or on
 * its second use (second); each write occupies the link. A block loaded from further down passes write-through tiers on its way up,
 * which take it too. What would go to a tier whose link is down is not stored. The archive is written by a worker only: at
 * every tick it takes computed blocks that it does not hold, in order of computation, as far as its rate allows; while its
 * link is down they wait.
 *
 * Several chains, one a replica, may share their lowest tiers (config.shared): then each of these is one cache behind one
 * link, which all chains fill, hit and queue for. The first chain opens and owns them. What is counted of a shared tier is
 * counted of all chains together. Where expired blocks go down (demotes_expired), all chains
 * have to be at one time before one of them touches what is shared.
 *
 * Bytes are those of a full block; without a model (block_bytes NAN) a link's time cannot be known, so more than one tier
 * needs a model. With `dry` set (--no-offload) lower tiers decide and log, but hold and move nothing.
 */
#ifndef KVCAST_TIERS_H
#define KVCAST_TIERS_H

#include "backend.h"
#include "cache.h"
#include "link.h"
#include "tier_config.h"

/* What happened to blocks, for the event log; `kind` is "demote", "store", "archive", "load" or "drop". `now_ns` never goes
 * back: what expires is told at its own time. */
typedef void tiers_log(void *context, int64_t now_ns, const char *kind, uint32_t tier, block_id first, uint32_t count);

struct tiers_config {
	const struct tier_config *tiers;
	uint32_t count;
	bool leaf;
	uint64_t seed;
	double block_bytes;
	double (*recompute_ns)(const void *cost, uint32_t depth);
	const void *cost;
	double archive_bytes_per_s; /* what the worker may upload, before compression; INFINITY: no limit */
	int64_t archive_every_ns;
	bool dry;
	bool history; /* of cache_config */
	struct tiers *sharer; /* the chain that owns the shared tiers; NULL: this one does */
	tiers_log *log; /* may be NULL */
	void *log_context;
	const struct backend_ops *ops; /* store_ns and drop; may be NULL */
	void *backend;
};

struct tier_counts {
	uint64_t stored_blocks, loaded_blocks;
	uint64_t missed_blocks; /* not stored because the link was down */
};

/* A stretch of a path that one tier serves. */
struct tier_segment {
	uint32_t tier, from, count;
};

struct tiers;

struct tiers *tiers_open(const struct trace *trace, const struct tiers_config *config, struct err *err);
void tiers_close(struct tiers *tiers);
uint32_t tiers_count(const struct tiers *tiers);
/* Whether the tier is this chain's own, and not shared from another. */
bool tiers_owns(const struct tiers *tiers, uint32_t tier);
struct cache *tiers_cache(struct tiers *tiers, uint32_t tier);
struct link_path *tiers_link(struct tiers *tiers, uint32_t tier);
/* What the tier's cache has evicted, expired and declined since counting began. */
struct cache_counts tiers_cache_counts(const struct tiers *tiers, uint32_t tier);
struct tier_counts tiers_counts(const struct tiers *tiers, uint32_t tier);

/* Counting begins: counts, link figures and residency start from zero. */
void tiers_count_from_here(struct tiers *tiers);

/* Brings every tier to `now_ns`: what is due expires. */
void tiers_advance(struct tiers *tiers, int64_t now_ns);
/* Nothing expires before this; TIME_NEVER_NS if nothing ever does. Cheap, and early: closer to the truth the closer to it
 * tiers_advance() has come. */
int64_t tiers_expiry_bound_ns(const struct tiers *tiers);
/* Says which request the following calls are made for. */
void tiers_describe(struct tiers *tiers, const struct policy_now *now);

/* Shows the request to the rules of the lower tiers; `hit_blocks`: how much of its prefix the tiers have together. */
void tiers_watch(struct tiers *tiers, struct path path, uint32_t hit_blocks);

/* The segments that serve blocks from..path.block_count-1 without a gap, at most `room` of them; how many there are. */
uint32_t tiers_find(const struct tiers *tiers, struct path path, uint32_t from, int64_t now_ns, struct tier_segment *segments,
                    uint32_t room);
/* When a load of the last of `count` segments, asked for now after the others, would be there: queue, transfer, latency,
 * unpacking. */
int64_t tiers_load_arrival_ns(const struct tiers *tiers, const struct tier_segment *segments, uint32_t count,
                              int64_t now_ns);
/* The segment's blocks are used from here, and may not leave their tier until tiers_return, which says whether they were
 * loaded: then the tiers above have taken theirs, before anything leaves. */
void tiers_lend(struct tiers *tiers, struct path path, const struct tier_segment *segment);
void tiers_return(struct tiers *tiers, struct path path, const struct tier_segment *segment, bool came);
/* Books the load of a segment that has been lent; when it is there. `took_ns` is what it took, or BACKEND_AS_LINK. */
int64_t tiers_load(struct tiers *tiers, struct path path, const struct tier_segment *segment, int64_t took_ns,
                   int64_t now_ns);
/* The segment's blocks, which have been returned, were of no use: the tier loses those that nobody uses. */
void tiers_lose(struct tiers *tiers, struct path path, const struct tier_segment *segment);
/* Blocks from..to-1 of the path have been computed in tier 0: write-through tiers take them, the archive notes them. */
void tiers_computed(struct tiers *tiers, struct path path, uint32_t from, uint32_t to, int64_t now_ns);
/* The first `hit_blocks` of the path were hit in tier 0: tiers that store on the second use take theirs. */
void tiers_hit(struct tiers *tiers, struct path path, uint32_t hit_blocks, int64_t now_ns);
/* Whether block b, just loaded from `tier`, is to stay in tier 0 (promotion). */
bool tiers_promotes(struct tiers *tiers, uint32_t tier, block_id b);

/* Whether the archive's worker has something to look at in its next round. */
bool tiers_archive_waits(const struct tiers *tiers);
/* One round of the archive's worker; how many blocks it uploaded. */
uint32_t tiers_archive_tick(struct tiers *tiers, int64_t now_ns);

/* Why block b is in no tier: the state in the lowest tier that ever held it. */
enum block_state tiers_absent_state(const struct tiers *tiers, block_id b);
/* The fastest tier that holds b, whether its link is up or down; the number of tiers if none does. */
uint32_t tiers_holder(const struct tiers *tiers, block_id b);

#endif
