/* cache_inside.h - what the files of the cache share: cache.c (who is resident, in use, evicted), cache_expire.c (what
 * deadlines do to it), cache_history.c (what is kept to be looked at) and cache_policy.c (which policy, with which parameters). Nobody else includes it.
 */
#ifndef KVCAST_CACHE_INSIDE_H
#define KVCAST_CACHE_INSIDE_H

#include "cache.h"

struct expiry;

/* What is kept of each block for those who want to look at it: arrays over block ids. */
struct cache_history {
	int64_t *born_ns, *used_ns;
	uint32_t *hits; /* since insertion */
};

struct cache {
	const struct trace *trace;
	const struct evict_ops *ops;
	void *policy;
	struct expiry *expiry; /* NULL: blocks never expire */
	uint32_t *session_end; /* [session_count] a session's last request; only with an expiry */
	struct evict_env env;
	struct policy_now now;
	uint8_t *state; /* enum block_state */
	uint8_t *former; /* what it was before the last cache_extend came to it; NULL where none is ever undone */
	uint32_t *pins, *children;
	uint32_t *next_use; /* offline policies only */
	union param_value (*values)[PARAM_MOST]; /* env.values */
	uint32_t used_blocks;
	uint32_t pinned_blocks;   /* resident blocks with a pin */
	uint64_t reserved_blocks; /* memory in use that is no block of the trace */
	uint64_t limit_blocks;    /* capacity with reservations in mind; env.capacity_blocks is at most the trace's blocks */
	void (*on_drop)(void *context, block_id b, enum block_state why);
	void *on_drop_context;
	struct cache_history *history; /* NULL unless asked for */
	bool objects; /* no requests: every reference is an access of its own */
	bool orphans; /* whether a resident block may lack its parent: in flat scope, and where blocks expire */
	struct cache_counts counts;
	u128 residency;
	int64_t residency_at_ns;
};

/* Finds the policy that `spec` names, binds its parameters and opens it; -1 and a sentence where one is wrong. env is filled but
 * for what depends on the policy. */
int cache_policy_open(struct cache *cache, const struct spec *spec, struct err *err);

/* Pins the resident ones of a stretch, telling the policy, run by run, of those that stop being idle. */
void cache_pin(struct cache *cache, struct trace_run stretch);
/* The other way, tail to root. Blocks that are over stay: cache_expire_release. */
void cache_unpin(struct cache *cache, struct trace_run stretch);
/* b, which the policy has forgotten, is gone, and lower tiers are told; its parent may have become idle. True where the time of blocks that waited
 * for b is over on that account: cache_expire_sweep. */
bool cache_drop(struct cache *cache, block_id b, enum block_state why);
/* Brings the residency integral up to `now_ns`. */
void cache_integrate(struct cache *cache, int64_t now_ns);

/* Unpins a stretch. What is over and was only held by its use goes. */
void cache_expire_release(struct cache *cache, struct trace_run stretch);
/* The rest is only for caches with an expiry.
 * Ends the stay of blocks whose time was over before `now_ns`, or only their shield, which is a pin. */
void cache_expire_sweep(struct cache *cache, int64_t now_ns);
/* b, just inserted and pinned, gets its first deadline. */
void cache_expire_date(struct cache *cache, block_id b);
/* The deadlines of hit blocks, which are pinned, move. */
void cache_expire_redate(struct cache *cache, struct trace_run stretch);

void cache_history_open(struct cache *cache);
void cache_history_close(struct cache *cache);
/* Both only where cache->history is set. */
void cache_history_insert(struct cache *cache, block_id b);
void cache_history_hit(struct cache *cache, struct trace_run stretch);

#endif
