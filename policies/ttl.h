/* ttl.h - the contract between the expiry engine (sim/expiry.c) and a TTL rule.
 *
 * Model. A rule answers one question: for how long may this block stay unused? The engine turns answers into deadlines
 * and keeps everything that all rules share, by these parameters:
 *
 *   mode=sliding   deadline = last use + ttl           mode=absolute  deadline = insertion + ttl; a hit changes nothing
 *   max_age        with sliding: never beyond insertion + max_age
 *   coherence      lift: a parent lives at least as long as its resident children, and what a block was promised stays
 *                  promised: while it is there its deadline does not move back; cascade: a parent takes along what
 *                  hangs on it through resident blocks; none: holes. Default lift when sliding, none when absolute.
 *                  Under object semantics no block has a parent, so it is none
 *   hard           1: a block is also safe from eviction until its deadline; a full cache then declines. Expiry, also
 *                  by cascade, is no eviction
 *
 * A block has expired iff now > deadline: a reuse exactly at the deadline hits. Deadlines saturate at "never". Expired
 * blocks leave before anything else happens at a time, so expiry comes before eviction.
 *
 * A rule is one file ttl_NAME.c with one const vtable and one word in registry.c. Parameters may differ by class of
 * request; each class with overrides of its own gets a state of its own.
 * Source: POLICIES section F.
 */
#ifndef KVCAST_TTL_H
#define KVCAST_TTL_H

#include "policy.h"

enum ttl_mode { TTL_SLIDING, TTL_ABSOLUTE };
enum ttl_coherence { TTL_COHERENCE_DEFAULT, TTL_COHERENCE_NONE, TTL_COHERENCE_LIFT, TTL_COHERENCE_CASCADE };

struct ttl_ops {
	const char *name;
	const char *rule;
	const char *detail;
	const char *source;
	const char *cost;
	const struct param *params; /* the rule's own keys; ends with a NULL name; NULL: none */
	bool uniform;               /* one answer for all blocks of a request: asked once, with its deepest block */
	bool never;                 /* the rule that sets no limit: the engine is not even started */

	void *(*open)(const struct evict_env *env, const union param_value *values, struct err *err);
	void (*close)(void *state);
	/* TTL of block b for the request being served, in ns, >= 0 or TIME_NEVER_NS. `hits` = hits since b was inserted, this
	 * one included; 0 when it has just been inserted. */
	int64_t (*ttl_ns)(void *state, block_id b, uint32_t hits);
	/* A request is about to be served (now is filled, hit_blocks included): for rules that learn. NULL: none. */
	void (*observe)(void *state);
};

/* The keys that every rule but `none` takes beside its own, in the order of enum ttl_common_key. */
extern const struct param ttl_common_params[];
enum ttl_common_key { TTL_KEY_MODE, TTL_KEY_MAX_AGE, TTL_KEY_COHERENCE, TTL_KEY_HARD, TTL_COMMON_KEYS };

extern const struct ttl_ops *const registry_ttls[];
extern const size_t registry_ttl_count;
const struct ttl_ops *registry_ttl(const char *name);

#endif
