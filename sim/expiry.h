/* expiry.h - turns a TTL rule's answers into deadlines, and deadlines into a queue of blocks that are due.
 *
 * Model. Each resident block has a deadline (ttl.h says how it moves). The queue holds every resident block once, under
 * a key that is never later than its deadline: a hit only writes the new deadline, and a block that comes up too early
 * goes back under its true one. So a hit costs one store, and every block leaves at exactly its deadline.
 *
 * The expiry engine decides when; the cache does the removing.
 */
#ifndef KVCAST_EXPIRY_H
#define KVCAST_EXPIRY_H

#include "cache.h"
#include "ttl.h"

struct expiry;

/* NULL with err->text empty where the rule sets no limit (`none`); NULL and a sentence on failure. */
struct expiry *expiry_open(const struct trace *trace, const struct evict_env *env, const struct spec *spec, struct err *err);
void expiry_close(struct expiry *expiry);

/* A request is about to be served: rules that learn from traffic see it. */
void expiry_observe(struct expiry *expiry);
/* A block has been inserted by the request being served, at now->now_ns. */
void expiry_insert(struct expiry *expiry, block_id b);
/* The request being served hit blocks first..first+count-1. */
void expiry_hit(struct expiry *expiry, block_id first, uint32_t count);
/* After a request's hits and insertions, for the blocks it holds: parents on its path live at least as long as their children (coherence=lift). */
void expiry_settle(struct expiry *expiry, struct path path);
/* The next block whose deadline lies before `now_ns`, oldest deadline first, deeper first; false if there is none. Blocks
 * that are no longer resident are skipped. The block is off the queue afterwards; if it is in use the caller leaves it and
 * asks expiry_due() when it is released. */
bool expiry_next(struct expiry *expiry, int64_t now_ns, block_id *b, int64_t *deadline_ns);
bool expiry_due(const struct expiry *expiry, block_id b, int64_t now_ns);
/* Whether deadlines also shield from eviction (hard=1), and whether a parent takes its subtree along (cascade). */
bool expiry_hard(const struct expiry *expiry);
bool expiry_cascades(const struct expiry *expiry);
/* First child of b in the whole trace and next sibling, for cascades; BLOCK_NONE at the end. */
block_id expiry_child(const struct expiry *expiry, block_id b);
block_id expiry_sibling(const struct expiry *expiry, block_id b);

#endif
