/* ttl.h - the contract between the expiry engine (sim/expiry.c) and a TTL rule.
 *
 * Model. A rule answers one question: for how long may this block stay unused? The engine turns answers into deadlines
 * and keeps everything that all rules share, by these parameters:
 *
 *   mode=sliding   deadline = last use + ttl           mode=absolute  deadline = insertion + ttl; a hit changes nothing
 *   max_age        with sliding: never beyond insertion + max_age
 *   coherence      lift: a parent lives at least as long as its resident children; cascade: a parent takes along what
 *                  hangs on it through resident blocks; none: holes. Default lift when sliding, none when absolute.
 *                  Under object semantics no block has a parent, so it is none
 *   hard           1: a block is also safe from eviction until its deadline; a full cache then declines. Expiry, also
 *                  by cascade, is no eviction
 *   expire         drop: at its deadline a block goes; unpin: it only loses the shield of hard=1 and stays for eviction
 *                  to find (what engines call a pin with a TTL)
 *
 * A block has expired iff now > deadline: a reuse exactly at the deadline hits. Deadlines saturate at "never". Expired
 * blocks leave before anything else happens at a time, so expiry comes before eviction.
 *
 * Under lift a block's time is over at max(own deadline, those of the resident children), as the tree stands at that moment:
 * a parent past its own deadline goes with its last child, also where that child was evicted. A hit sets the own deadline
 * anew, be it later or earlier, but never to before now. Lift goes beyond max_age. A block in use outlives its deadline and
 * goes when it is released.
 *
 * A rule is one file ttl_NAME.c with one const vtable and one word in registry.c. Parameters may differ by class of
 * request; each class with overrides of its own gets a state of its own, and all states see all traffic, as the request
 * that goes on with a path may be of another class than the one that left it.
 *
 * Learning. For each request the engine calls path() with all blocks of the path, root to tail and whether resident or not,
 * and then observe(); after these ttl_ns() is asked for blocks as they are hit or inserted. Several requests may be in
 * flight, so an answer follows from env->now and what has been learned, not from which request was observed last.
 * Under object semantics every reference is a path of its own, of the same now->request.
 * Source: POLICIES section F.
 */
#ifndef KVCAST_TTL_H
#define KVCAST_TTL_H

#include "policy.h"

enum ttl_mode { TTL_SLIDING, TTL_ABSOLUTE };
enum ttl_coherence { TTL_COHERENCE_DEFAULT, TTL_COHERENCE_NONE, TTL_COHERENCE_LIFT, TTL_COHERENCE_CASCADE };
enum ttl_expire { TTL_EXPIRE_DROP, TTL_EXPIRE_UNPIN };

struct ttl_ops {
	const char *name;
	const char *rule;
	const char *detail;
	const char *source;
	const char *cost;
	const struct param *params; /* the rule's own keys; ends with a NULL name; NULL: none */
	bool uniform;               /* one answer for all blocks of a request, whatever their hits: b plays no part */
	bool never;                 /* the rule that sets no limit: the engine is not even started */
	bool pins;                  /* meant as a pin: hard=1 and expire=unpin unless the SPEC says otherwise */

	void *(*open)(const struct evict_env *env, const union param_value *values, struct err *err);
	void (*close)(void *state);
	/* TTL of block b for the request being served, in ns, >= 0 or TIME_NEVER_NS. `hits` = hits since b was inserted, this
	 * one included; 0 when it has just been inserted. */
	int64_t (*ttl_ns)(void *state, block_id b, uint32_t hits);
	/* The request's path, stretch by stretch. NULL: not needed. */
	void (*path)(void *state, block_id first, uint32_t count);
	/* A request is about to be served (now is filled, hit_blocks included). `rules`: its class is governed by this state.
	 * NULL: not needed. */
	void (*observe)(void *state, bool rules);
};

/* The keys that every rule but `none` takes beside its own, in the order of enum ttl_common_key. */
enum ttl_common_key { TTL_KEY_MODE, TTL_KEY_MAX_AGE, TTL_KEY_COHERENCE, TTL_KEY_HARD, TTL_KEY_EXPIRE, TTL_COMMON_KEYS };
/* The table with this rule's defaults; ends with a NULL name. */
void registry_ttl_common(const struct ttl_ops *ops, struct param params[TTL_COMMON_KEYS + 1]);

/* For rules that compute: `ns` as a TTL between the bounds; not a number is the lower one. */
static inline int64_t ttl_clamp_ns(double ns, int64_t least_ns, int64_t most_ns)
{
	if (!(ns > (double)least_ns))
		return least_ns;
	return ns < (double)most_ns ? (int64_t)(ns + 0.5) : most_ns;
}

/* Bounds given by the user, the wrong way round: -1 and a sentence. */
static inline int ttl_check_bounds(const char *name, int64_t least_ns, int64_t most_ns, struct err *err)
{
	return least_ns <= most_ns ? 0 : err_set(err, "--ttl %s: min is longer than max.", name);
}

extern const struct ttl_ops *const registry_ttls[];
extern const size_t registry_ttl_count;
const struct ttl_ops *registry_ttl(const char *name);

#endif
