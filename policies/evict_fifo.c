/* evict_fifo.c - first in, first out.
 *
 * Age is the now->seq of a block's insertion, one value for all blocks a request brought; of equals the deeper goes
 * first. Flat scope keeps every resident block in a list and steps over those in use. Leaf scope lists the idle leaves in
 * order of age: a parent is never younger than its children, so it comes in at or near the front.
 * Source: POLICIES A3 (fifo: creation), C, E6.
 */
#include "list.h"
#include "policy.h"

#include <stdlib.h>

struct fifo {
	const struct evict_env *env;
	struct link *links;
	uint64_t *born_seq; /* leaf scope */
	block_id queue;
	block_id newest;     /* last insertion, to put a deeper block of the same request before it */
	uint64_t newest_seq; /* when that was */
	bool leaf;
};

static void *fifo_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	struct fifo *p = mem_alloc(1, sizeof(*p));
	*p = (struct fifo){.env = env, .leaf = env->leaf, .queue = env->block_count, .newest_seq = UINT64_MAX};
	p->links = list_open(env->block_count, 1);
	if (p->leaf)
		p->born_seq = mem_alloc(env->block_count, sizeof(*p->born_seq));
	return p;
}

static void fifo_close(void *state)
{
	struct fifo *p = state;
	free(p->born_seq);
	free(p->links);
	free(p);
}

static inline void fifo_hit(struct fifo *p, block_id b)
{
	(void)p, (void)b;
}

static inline void fifo_insert(struct fifo *p, block_id b)
{
	const uint64_t seq = p->env->now->seq;
	if (p->leaf) {
		p->born_seq[b] = seq;
		return;
	}
	/* A block that came with this request is still in use, hence still in the list. */
	list_put_before(p->links, p->newest_seq == seq ? p->newest : p->queue, b);
	p->newest = b;
	p->newest_seq = seq;
}

static inline void fifo_busy(struct fifo *p, block_id b)
{
	if (p->leaf)
		list_take(p->links, b);
}

static inline void fifo_idle(struct fifo *p, block_id b)
{
	if (p->leaf)
		list_put_by_seq(p->links, p->queue, b, p->born_seq, p->env->depth);
}

static inline void fifo_remove(struct fifo *p, block_id b)
{
	if (!p->leaf || evict_idle(p->env, b))
		list_take(p->links, b);
	if (p->newest == b)
		p->newest_seq = UINT64_MAX;
}

static inline block_id fifo_evict(struct fifo *p, block_id in)
{
	(void)in;
	if (p->leaf)
		return list_pop_front(p->links, p->queue);
	for (block_id b = p->links[p->queue].next; b != p->queue; b = p->links[b].next) {
		if (evict_idle(p->env, b)) {
			list_take(p->links, b);
			return b;
		}
	}
	return BLOCK_NONE;
}

#define EVICT fifo
#define EVICT_PREFETCH(p, b) __builtin_prefetch(&(p)->links[b], 1)
#include "evict_hooks.h"

const struct evict_ops evict_fifo = {
        .name = "fifo",
        .rule = "the block that has been in the cache longest, used or not",
        .detail = "Hits change nothing. With room for 3 blocks, requests A-B, C, A: the order of arrival is A-B, then C. "
                  "A new block D takes the place of B (the deeper of the oldest pair), the next one that of A.",
        .source = "textbook; SGLang evict_policy.py (fifo), POLICIES A3, E6",
        .cost = "O(1)",
        .state_bytes = 16,
        .open = fifo_open,
        .close = fifo_close,
        .busy = fifo_busy_run,
        .idle = fifo_idle_run,
        EVICT_HOOKS(fifo),
};
