/* evict_fifo.c - first in, first out.
 *
 * Age is the now->seq of a block's insertion, one value for all blocks a request brought; of equals the deeper goes
 * first. Every resident block stands in one queue in that order, and those in use, or with children in leaf scope, are
 * stepped over.
 * Source: POLICIES A3 (fifo: creation), C, E6.
 */
#include "queues.h"

#include <stdlib.h>

struct fifo {
	struct queues q;
};

static void *fifo_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	struct fifo *p = mem_alloc(1, sizeof(*p));
	queues_open(&p->q, env, 1, &env->capacity_blocks, 0);
	return p;
}

static void fifo_close(void *state)
{
	struct fifo *p = state;
	queues_close(&p->q);
	free(p);
}

static inline void fifo_hit(struct fifo *p, block_id b)
{
	(void)p, (void)b;
}

static inline void fifo_insert(struct fifo *p, block_id b)
{
	queues_join(&p->q, 0, b);
}

static inline void fifo_busy(struct fifo *p, block_id b)
{
	queues_set_busy(&p->q, b);
}

static inline void fifo_idle(struct fifo *p, block_id b)
{
	queues_set_idle(&p->q, b);
}

static inline void fifo_remove(struct fifo *p, block_id b)
{
	queues_take(&p->q, 0, b);
}

static inline block_id fifo_evict(struct fifo *p, block_id in)
{
	(void)in;
	queues_prefetch_front(&p->q, 0);
	return queues_pop(&p->q, 0);
}

static inline block_id fifo_full(struct fifo *p, block_id b, bool hit)
{
	queues_prefetch_front(&p->q, 0);
	return evict_either(hit, b, queues_exchange(&p->q, 0, b, !hit));
}

#define EVICT fifo
#define EVICT_FULL
#define EVICT_OBJECT(p)      ((p)->q.plain && !(p)->q.by_name)
#define EVICT_PREFETCH(p, b) (void)(p) /* the block's residency is enough */
#include "evict_hooks.h"

const struct evict_ops evict_fifo = {
    .name = "fifo",
    .rule = "the block that has been in the cache longest, used or not",
    .detail = "Hits change nothing. With room for 3 blocks, requests A-B, C, A: the order of arrival is A-B, then C. "
	      "A new block D takes the place of B (the deeper of the oldest pair), the next one that of A.",
    .source = "textbook; SGLang evict_policy.py (fifo)",
    .cost = "O(1)",
    .state_bytes = 21,
    .open = fifo_open,
    .close = fifo_close,
    .busy = fifo_busy_run,
    .idle = fifo_idle_run,
    EVICT_HOOKS(fifo),
};
