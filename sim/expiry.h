/* expiry.h - turns a TTL rule's answers into deadlines, and deadlines into the order in which blocks' time is over.
 *
 * Model. Each resident block has a deadline of its own (ttl.h says how it moves). The queue (wheel.h) holds a block under
 * a key no later than its deadline: a hit only writes the new deadline, and a block that comes up too early goes back under
 * the true one. So hits of a stretch are one fill, and yet every block's time is over at exactly its deadline.
 *
 * Lift. A block whose deadline has come while a child's has not waits outside the queue; the last child wakes it, by its own
 * end or by leaving. No deadline is ever copied from child to parent, so the rule is exact whatever goes first.
 *
 * Over. A block whose time is over is reported once, by expiry_next(). If it stays, because a request uses it or because
 * expire=unpin, it is `over` until a hit gives it a new deadline (expiry_renew) or it leaves.
 *
 * Expiry decides when; the cache does the removing and the shielding.
 */
#ifndef KVCAST_EXPIRY_H
#define KVCAST_EXPIRY_H

#include "cache.h"

struct expiry;

/* NULL with err->text empty where the rule sets no limit (`none`); NULL and a sentence on failure. `records`: keep what
 * expiry_entry() tells. */
struct expiry *expiry_open(const struct trace *trace, const struct evict_env *env, const struct spec *spec, bool records,
                           struct err *err);
void expiry_close(struct expiry *expiry);

/* A request is about to be served: rules that learn from traffic see it. */
void expiry_observe(struct expiry *expiry, struct path path);
/* A block has been inserted by the request being served, at now->now_ns. */
void expiry_insert(struct expiry *expiry, block_id b);
/* The request being served hit blocks first..first+count-1, none of which is over unless hits date nothing (absolute). */
void expiry_hit(struct expiry *expiry, block_id first, uint32_t count);
/* A resident block has left. True where a parent waited only for it: its time is over now. */
bool expiry_leave(struct expiry *expiry, block_id b);
/* The same for a block that leaves as if it had not come: expiry_first_ns() does not know it any more. */
bool expiry_withdraw(struct expiry *expiry, block_id b);
/* No block's time is over before this; TIME_NEVER_NS if none's ever is. It may be early. */
int64_t expiry_first_ns(const struct expiry *expiry);
/* The same in O(1), and earlier. */
int64_t expiry_bound_ns(const struct expiry *expiry);
/* The next block whose time is over before `now_ns`, in order of that time; false if there is none. */
bool expiry_next(struct expiry *expiry, int64_t now_ns, block_id *b, int64_t *end_ns);

/* Resident blocks that are over; where there are none, the three functions below have nothing to do. */
uint32_t expiry_over_blocks(const struct expiry *expiry);
bool expiry_is_over(const struct expiry *expiry, block_id b);
/* Before the hit of a block that may be over: whether it was, and is to be shielded again. */
bool expiry_renew(struct expiry *expiry, block_id b);
/* After an insertion below b: the same, for a parent that is lifted by its new child. */
bool expiry_lift(struct expiry *expiry, block_id b);
/* b is taken along by its parent: whether its time was not over yet, and a shield is to come off. */
bool expiry_cut(struct expiry *expiry, block_id b);

/* Whether deadlines shield from eviction (hard=1), whether blocks go at their deadline (expire=drop), and take their
 * subtree along (cascade). */
bool expiry_hard(const struct expiry *expiry);
bool expiry_drops(const struct expiry *expiry);
bool expiry_cascades(const struct expiry *expiry);
/* First resident child of b, and next sibling, for cascades; BLOCK_NONE at the end. */
block_id expiry_child(const struct expiry *expiry, block_id b);
block_id expiry_sibling(const struct expiry *expiry, block_id b);

/* TTL that block b, which is resident, was last given. Needs `records`. */
int64_t expiry_ttl_ns(const struct expiry *expiry, block_id b);
/* When each resident block's time is over as things stand, coherence included; TIME_NEVER_NS where never. */
void expiry_deadlines(const struct expiry *expiry, int64_t *deadline_ns);

#endif
