/* cache.h - one tier's prefix cache: which blocks are resident, which are in use, and who goes when it is full.
 *
 * Model. A request's path is looked up from the root; its prefix hit is the longest resident run from depth 0. Then
 *
 *   cache_advance(now)            blocks whose deadline lies before `now` expire, each at its own deadline
 *   cache_lookup(path)            how many blocks hit; changes nothing
 *   cache_acquire(path, hit)      the hit prefix is touched (one now.seq for all) and the whole resident path pinned,
 *                                 then the missing blocks are inserted root to tail, evicting as needed
 *   cache_release(path, held)     unpins tail to root: of one path the deeper blocks are let go first
 *
 * The cache calls the eviction policy's hooks (policy.h) and the TTL rule (ttl.h, expiry.h); neither knows the other.
 *
 * Invariants, asserted where cheap: used + reserved <= capacity; a pinned block is resident; a victim is idle; in leaf scope without
 * TTL every resident block's parent is resident, so there are no orphans.
 *
 * An engine that serves many requests at once takes the steps one by one: cache_touch() for the hit prefix, cache_extend()
 * for what a chunk of prefill brings, cache_reserve() for memory that is no block of the trace (a partial tail, an
 * answer). Residents and reservations share the capacity. A lower tier takes single blocks with cache_put().
 *
 * A block that finds no victim is not cached, nor are the path's absent blocks after it ("keeps its head").
 * Times in ns, sizes in blocks. One cache belongs to one run and one thread.
 * Source of the rules: POLICIES section 1.
 */
#ifndef KVCAST_CACHE_H
#define KVCAST_CACHE_H

#include "path.h"
#include "policy.h"

/* Why a block is where it is. Bit 0 is residency; a block that found no room counts as evicted. */
enum block_state { BLOCK_NEVER = 0, BLOCK_RESIDENT = 1, BLOCK_EVICTED = 2, BLOCK_EXPIRED = 4, BLOCK_STATES = 5 };

struct cache;

struct cache_config {
	const struct spec *evict, *ttl;
	uint64_t capacity_blocks; /* UINT64_MAX: no limit */
	bool leaf;
	bool objects; /* every reference is an access of its own: only cache_objects() is called, and the scope is flat */
	uint64_t references; /* with `objects`: of the whole run, for offline policies */
	uint64_t seed;
	double block_bytes; /* KV bytes of a full block, NAN where unknown */
	double (*recompute_ns)(const void *cost, uint32_t depth);
	const void *cost;
	bool history; /* keep what cache_history_each() tells; 20 bytes a block, 28 with a TTL rule */
	/* Called when a block has left (evicted or expired); a lower tier may take it. May be NULL. */
	void (*on_drop)(void *context, block_id b, enum block_state why);
	void *on_drop_context;
};

struct cache_counts {
	uint64_t evicted_blocks, expired_blocks, declined_blocks;
};

/* `trace` must outlive the cache. NULL and a sentence for an unknown policy, key or value. */
struct cache *cache_open(const struct trace *trace, const struct cache_config *config, struct err *err);
void cache_close(struct cache *cache);

/* What is being served; the caller fills it before cache_acquire. The cache keeps path_blocks and hit_blocks. */
struct policy_now *cache_now(struct cache *cache);

/* Whether the policy reads the future: then the caller keeps cache_next_use()[b] current for the blocks of each path. */
bool cache_needs_future(const struct cache *cache);
uint32_t *cache_next_use(struct cache *cache);

/* `now_ns` never goes back. Sets now->now_ns. */
void cache_advance(struct cache *cache, int64_t now_ns);
uint32_t cache_lookup(const struct cache *cache, struct path path);
/* Returns how many blocks from the root are held now (all of them unless the tail found no room). `missed[state]` is
 * raised by the blocks after the hit prefix that were in that state: RESIDENT means orphaned. */
uint32_t cache_acquire(struct cache *cache, struct path path, uint32_t hit_blocks, uint32_t missed[BLOCK_STATES]);
void cache_release(struct cache *cache, struct path path, uint32_t held_blocks);
/* The next use of b has changed although nothing uses it now: an offline policy ranks it anew, if it is idle. */
void cache_reconsider(struct cache *cache, block_id b);

/* The engine's steps. cache_touch pins and touches the path's first `hit_blocks`. cache_extend inserts (or, where another
 * request brought it meanwhile, pins) blocks `from` .. `to` - 1 and returns how many blocks of the
 * path are held then: `to`, unless no victim was found. Both are undone by cache_release. */
void cache_touch(struct cache *cache, struct path path, uint32_t hit_blocks);
uint32_t cache_extend(struct cache *cache, struct path path, uint32_t from, uint32_t to);
/* Undoes the last cache_extend from `from` on, which came as far as `held`: blocks that it brought leave as if they had not
 * come. Only where cache_free_is_sure() does not hold. */
void cache_retract(struct cache *cache, struct path path, uint32_t from, uint32_t held);
/* cache_release at the end of a request that took time: recency counts from here. The caller has raised now.seq. */
void cache_finish(struct cache *cache, struct path path, uint32_t held_blocks);
/* Takes `blocks` out of the capacity, evicting as needed; how many it got. cache_unreserve gives them back. */
uint32_t cache_reserve(struct cache *cache, uint32_t blocks);
void cache_unreserve(struct cache *cache, uint32_t blocks);
/* Whether reservations have a place in the policy's order, so that it matters when they are made. */
bool cache_ranks_reservations(const struct cache *cache);
/* Whether all free blocks can be had. Not where the policy may decline, nor in leaf scope under a shield (hard=1), which may
 * be on a block and not on its parent. */
bool cache_free_is_sure(const struct cache *cache);
/* What pins, shields (hard=1) and reservations leave of the capacity: room that is empty or can be emptied. */
uint64_t cache_free_blocks(const struct cache *cache);
/* A time no later than the next end of a shield; TIME_NEVER_NS where nothing is shielded or nothing ends. */
int64_t cache_shield_ends_ns(const struct cache *cache);
/* Nothing expires before this; TIME_NEVER_NS if nothing ever does. O(1), and early. */
int64_t cache_expiry_bound_ns(const struct cache *cache);
/* Of the free blocks, how many are empty now. */
uint64_t cache_empty_blocks(const struct cache *cache);
/* How many of the path's first `hit_blocks` are idle: pinning them uses up free blocks. */
uint32_t cache_idle_blocks(const struct cache *cache, struct path path, uint32_t hit_blocks);

/* A lower tier is shown a request, of whose path the tiers together have the first `hit_blocks`. */
void cache_watch(struct cache *cache, struct path path, uint32_t hit_blocks);
/* b, if it is resident and nobody uses it, has turned out not to be there: it leaves, booked as
 * evicted, and no lower tier gets it. Whether it did. */
bool cache_lose(struct cache *cache, block_id b);

/* A lower tier takes block b, which stays unpinned, or counts a use of it if it is there. False where it found no room. */
bool cache_put(struct cache *cache, block_id b);
/* Resident blocks first..first+count-1 are used from here, and may not go until cache_return. */
void cache_lend(struct cache *cache, block_id first, uint32_t count);
void cache_return(struct cache *cache, block_id first, uint32_t count);

/* Object semantics: serves `refs` one by one, each an access of its own at now.now_ns; `hit[i]` tells the outcome. With
 * a TTL rule, or a policy that looks at requests, the general path is taken, with the same results. `next` as in object_pass. */
void cache_objects(struct cache *cache, const block_id *refs, const uint32_t *next, size_t count, uint8_t *hit);

uint64_t cache_used_blocks(const struct cache *cache);
struct cache_counts cache_counts(const struct cache *cache);
/* Blocks x ns resident since the last reset, up to now. */
u128 cache_residency(const struct cache *cache);
void cache_residency_reset(struct cache *cache);
enum block_state cache_block_state(const struct cache *cache, block_id b);

/* A resident block, as it stands now. */
struct cache_entry {
	int64_t inserted_ns, used_ns;
	uint32_t hits;       /* since it was inserted */
	int64_t ttl_ns;      /* as last granted; TIME_NEVER_NS: no limit */
	int64_t deadline_ns; /* when its time is over, coherence included */
	double score;        /* what the eviction policy ranks it by; NAN where that is no single number */
};

/* Every resident block, by id. Needs config.history. */
void cache_history_each(const struct cache *cache,
                        void (*each)(void *context, block_id b, const struct cache_entry *entry), void *context);

#endif
