/* policy.h - the contract between the cache and an eviction policy.
 *
 * Model. The cache (sim/cache.c) owns residency, pins and the tree; a policy owns an opinion: which block should go
 * next. It is told what happens to blocks through hooks and answers evict(). A policy is one file, evict_NAME.c, with
 * one const vtable `evict_NAME`, and one word in registry.c. It writes its hooks for a single block, as plain static
 * functions; evict_hooks.h stamps out of them the run-wise forms of the vtable and the object loop, so that both
 * follow the same rule and neither pays a call per block.
 *
 * Life of a block, as its policy sees it:
 *
 *        insert            idle                     evict() returned it (the policy has forgotten it already)
 *   out --------> pinned -------> may be evicted ---------------------------------------------------------> out
 *                    ^               |      \                                                               ^
 *                    '---------------'       '-- remove (expired, or taken out by other means) -------------'
 *                      busy (in use again, or, in leaf scope, a child came)
 *
 *  insert(b)   b has become resident; it is in use and may not be evicted before idle(b)
 *  hit(b)      a request found b at its place in the prefix and uses it (the whole hit prefix shares one now->seq).
 *              It comes after that block's busy(b) if b was idle; orphans (resident behind a hole) get no hit
 *              (they are pinned with the path: busy and idle without a use, which must not make them look used)
 *  busy(b)     b may no longer be evicted: pinned, or (leaf scope) it has a resident child again
 *  idle(b)     b may be evicted again. A finished path is released tail first: deeper blocks become idle earlier
 *  evict(in)   choose a victim among the idle blocks, forget it (keep a ghost if the rule has ghosts), return it;
 *              `in` is the block that needs the room, BLOCK_NONE where an engine needs it for a reservation. The answer
 *              BLOCK_NONE: nothing may go, or `in` is not worth it; then `in` is not cached. Called only when the cache is
 *              full. insert(in) follows unless declined, and unless it was a reservation
 *  release(b)  a request that used b has ended; now->seq is newer than it was at hit or insert. Rules of recency stamp
 *              again: a use lasts until it ends. Called by engines in which requests take time, before idle(b)
 *  observe()   a request is about to be served: now is filled, hit_blocks included, no hook of it has been called yet
 *  settle()    all blocks of the request have come; next they are released. For rules that account for memory which
 *              is no block of the path (a partial tail, the answer). Never called under object semantics
 *  reserve()   an engine takes the memory of one block for something else, e.g. an answer, until unreserve(). For rules
 *              in whose order that memory stands; for others the cache takes room that is empty or calls evict()
 *  surplus()   a block the policy wants out although there is room (watermarks, memory taken by settle or reserve); it has
 *              forgotten it already. Asked after every insertion, settle and reserve until it says BLOCK_NONE
 *  remove(b)   b left without evict() (expiry); idle or, at the end of its last use, busy
 *
 * Invariants the cache guarantees: hooks alternate as drawn; a block is idle iff evict_idle(env, b). Policies that keep
 * only idle blocks in their order use busy/idle; policies whose lists hold every resident block leave busy and idle
 * NULL and step over what evict_idle() refuses.
 *
 * Scope. In flat scope any unpinned block is idle; holes may appear. In leaf scope a block with resident children is
 * not idle; a parent becomes idle when its last child has gone. Policies whose order is a key use a list, ring or radix.h
 * where blocks turn idle in order (flat scope, or never_busy only) and ranked.h where they do not.
 *
 * Order. now->seq rises by one per request (object semantics: per block access) and is the clock of recency; now_ns is
 * for rules about time only: real traces tick in seconds, so equal times are the norm. Ties: policy key, then older
 * seq, then deeper block, then smaller id. Random numbers come from a GSL generator seeded with env->seed.
 *
 * State is arrays over block ids, allocated in open(); no hook allocates. Each run has its own state.
 * Source of the contract: POLICIES section 1; the pinned/unpinned split follows SQLite's pcache1 and vLLM's free queue.
 */
#ifndef KVCAST_POLICY_H
#define KVCAST_POLICY_H

#include "base.h"
#include "err.h"
#include "spec.h"

/* What is being served. Written by the cache's caller before each request; policies keep a pointer to it.
 * Optional numbers are NAN, times -1, ids UINT32_MAX where the trace does not say. */
struct policy_now {
	uint64_t seq;
	int64_t now_ns;
	uint32_t request;  /* index in service order */
	uint32_t ordinal;  /* place in the file */
	uint32_t session, turn, class_id, workload;
	uint32_t prompt_tokens, output_tokens, prefix_tokens;
	uint32_t path_blocks, hit_blocks; /* of the request being served; hit_blocks is known when hooks are called */
	int32_t priority;                 /* INT32_MIN: not given */
	int64_t think_ns;
	int64_t queue_ns;  /* it has waited for so long; 0 where requests are served at once */
	bool session_ends; /* it is its session's last; known to TTL rules only */
	double cost, expected_reuse, perplexity, time_variance;
};

struct evict_env {
	const struct policy_now *now;
	uint32_t block_count;      /* ids are below this */
	uint32_t capacity_blocks;  /* at least 1, at most block_count: evict() is never called in a larger cache */
	uint64_t room_blocks;      /* the capacity as asked for; UINT64_MAX: no limit */
	const uint32_t *used_blocks; /* resident now */
	double block_bytes;        /* KV bytes of a full block; NAN where no model was named */
	uint32_t block_tokens;
	uint32_t session_count, class_count, request_count;
	bool leaf;                 /* scope */
	bool never_busy;           /* object semantics without TTL: whatever evict() may look at is idle, and need not be asked;
	                            * a block is let go at once, so idle() sees them in order of use; there is no remove() */
	uint64_t seed;             /* for policies that draw */
	const block_id *parent;
	const uint32_t *depth;
	const uint32_t *pins;      /* requests that use a block now */
	const uint32_t *children;  /* resident children; all 0 in flat scope */
	const uint8_t *resident;   /* bit 0 set: resident */
	/* Next request (object semantics: next access) that refers to a block, by seq; UINT32_MAX: never. Kept current by
	 * the caller for the blocks of the request being served, iff the policy's needs_future is set; else NULL. */
	const uint32_t *next_use;
	uint32_t last_use; /* no next use is later than this seq; under object semantics only */
	/* The parameters as each class of requests has them; [class_count]: as requests without a class do. See per_class. */
	const union param_value (*values)[PARAM_MOST];
	/* Nanoseconds to compute block `depth` of a prompt again, all blocks before it being there. */
	double (*recompute_ns)(const void *cost, uint32_t depth);
	const void *cost;
};

static inline bool evict_idle(const struct evict_env *env, block_id b)
{
	return env->never_busy || (env->pins[b] | env->children[b]) == 0;
}

/* Chooses a block without a branch. */
static inline block_id evict_either(bool first, block_id one, block_id other)
{
	return other ^ ((one ^ other) & -(block_id)first);
}

/* The parameters that hold for the request being served, in the order of the policy's `params`. */
static inline const union param_value *evict_values_now(const struct evict_env *env)
{
	const uint32_t class_id = env->now->class_id;
	return env->values[class_id < env->class_count ? class_id : env->class_count];
}

/* A stretch of block accesses under object semantics (POLICIES section G point 7): every reference stands for itself. */
struct object_pass {
	const block_id *refs;
	const uint32_t *next; /* next use of each reference, for needs_future; else NULL */
	size_t count;
	struct policy_now *now; /* seq advances with every reference */
	uint32_t *next_use;     /* env's array, kept current from `next` */
	uint8_t *resident;      /* bit 0, kept by the loop; the other bits say why a block is absent (cache.h) */
	uint32_t used, capacity_blocks;
	uint64_t evicted, declined;
	uint8_t *hit; /* [count], out: 1 where the reference hit */
};

struct evict_ops {
	const char *name;
	const char *rule;   /* one line: which block goes */
	const char *detail; /* a paragraph with a worked example, for `kvcast policies NAME` */
	const char *source; /* paper or engine file */
	const char *cost;   /* time per operation, e.g. "O(1)" */
	uint32_t state_bytes; /* per block */
	const struct param *params; /* ends with a NULL name; NULL: none */
	bool needs_future;  /* offline: reads env->next_use */
	bool needs_time;    /* reads now_ns in a hook */
	bool per_class;     /* reads evict_values_now(), so parameters may differ by class */
	bool may_decline;   /* evict() may say BLOCK_NONE although some block is idle */

	/* `values` are bound to `params`, in its order: those of requests without a class. */
	void *(*open)(const struct evict_env *env, const union param_value *values, struct err *err);
	void (*close)(void *state);
	/* Runs are ids first..first+count-1, root to tail; idle takes them tail to root. NULL: nothing to do. */
	void (*hit)(void *state, block_id first, uint32_t count);
	void (*release)(void *state, block_id first, uint32_t count);
	void (*busy)(void *state, block_id first, uint32_t count);
	void (*idle)(void *state, block_id first, uint32_t count);
	void (*insert)(void *state, block_id b);
	void (*remove)(void *state, block_id b);
	block_id (*evict)(void *state, block_id in);
	void (*observe)(void *state);
	void (*settle)(void *state);
	void (*reserve)(void *state);
	void (*unreserve)(void *state, uint32_t blocks);
	block_id (*surplus)(void *state);
	/* What b is ranked by, for --dump-blocks (lower goes first unless `rule` says otherwise); NULL: no single number. */
	double (*score)(const void *state, block_id b);
	/* The object loop: the same rule with every hook inlined. Flat scope, nothing pinned, no TTL. */
	void (*object)(void *state, struct object_pass *pass);
};

/* Every policy there is, in the order of `kvcast policies`; registry_evict returns NULL for an unknown name. */
extern const struct evict_ops *const registry_evictions[];
extern const size_t registry_eviction_count;
const struct evict_ops *registry_evict(const char *name);

#endif
