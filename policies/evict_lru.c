/* evict_lru.c - least recently used.
 *
 * Recency is now->seq, one value for the whole path of a request; of equals the deeper goes first, so a chain is peeled
 * from its tail. Flat scope: a used block leaves its queue and comes to the back when it is let go, tail first, which
 * for one request at a time is the order already; an orphan that is pinned but not used keeps its place. Leaf scope:
 * the idle leaves stand in a list. A leaf let go is the most recent; a parent that its last child has left is as old as
 * that child, so it goes where that child was, unless a later request ended at it: then it walks on from there. Source:
 * POLICIES sections 1 and E6 (golden rows); SGLang's lru (A3) in leaf scope.
 */
#include "list.h"
#include "queues.h"

#include <stdlib.h>

struct lru {
	const struct evict_env *env;
	struct queues q;    /* flat scope */
	struct link *links; /* leaf scope, as what follows */
	uint64_t *used_seq;
	block_id idle;
	block_id near; /* a block of the list, or its head, beside the one that left last */
	bool leaf;
};

static void *lru_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	struct lru *p = mem_alloc(1, sizeof(*p));
	*p = (struct lru){.env = env, .leaf = env->leaf, .idle = env->block_count, .near = env->block_count};
	if (p->leaf) {
		p->links = list_open(env->block_count, 1);
		p->used_seq = mem_alloc(env->block_count, sizeof(*p->used_seq));
	} else {
		queues_open(&p->q, env, 1, &env->capacity_blocks, QUEUES_ROOMY | QUEUES_BY_NAME);
	}
	return p;
}

static void lru_close(void *state)
{
	struct lru *p = state;
	if (!p->leaf)
		queues_close(&p->q);
	free(p->links);
	free(p->used_seq);
	free(p);
}

/* Flat scope: out of the queue, until it is let go. */
static inline void lru_take(struct lru *p, block_id b)
{
	if (p->q.plain || queues_has(&p->q, b))
		queues_take(&p->q, 0, b);
}

static inline void lru_hit(struct lru *p, block_id b)
{
	if (p->leaf)
		p->used_seq[b] = p->env->now->seq;
	else
		lru_take(p, b);
}

static inline void lru_insert(struct lru *p, block_id b)
{
	if (p->leaf)
		p->used_seq[b] = p->env->now->seq;
}

static inline void lru_busy(struct lru *p, block_id b)
{
	if (p->leaf)
		list_take_near(p->links, b, &p->near);
	else if (!p->q.plain && queues_has(&p->q, b))
		queues_set_busy(&p->q, b);
}

static inline void lru_idle(struct lru *p, block_id b)
{
	if (p->leaf)
		list_put_by_seq(p->links, p->idle, b, p->used_seq, p->env->depth, p->near);
	else if (p->q.plain || !queues_has(&p->q, b))
		queues_append(&p->q, 0, b, true);
	else
		queues_set_idle(&p->q, b);
}

static inline void lru_remove(struct lru *p, block_id b)
{
	if (!p->leaf)
		lru_take(p, b);
	else if (evict_idle(p->env, b))
		list_take_near(p->links, b, &p->near);
}

static inline block_id lru_evict(struct lru *p, block_id in)
{
	(void)in;
	if (p->leaf) {
		const block_id victim = p->links[p->idle].next;
		if (victim == p->idle)
			return BLOCK_NONE;
		list_take_near(p->links, victim, &p->near);
		return victim;
	}
	queues_prefetch_front(&p->q, 0);
	return queues_pop(&p->q, 0);
}

#define EVICT                lru
#define EVICT_OBJECT(p)      (!(p)->leaf && (p)->q.plain && (p)->q.by_name)
#define EVICT_PREFETCH(p, b) __builtin_prefetch(&(p)->q.slot[b], 1)
#include "evict_hooks.h"

const struct evict_ops evict_lru = {
    .name = "lru",
    .rule = "the block whose last use is oldest; of one request's blocks the deepest first",
    .detail = "Every request stamps the blocks it uses with its sequence number. With room for 3 blocks, requests "
	      "A-B, C, A: after the third A is the most recent, then C, then B. A new block D takes the place of "
	      "B, the next one that of C.",
    .source = "textbook; SGLang evict_policy.py (lru)",
    .cost = "O(1)",
    .state_bytes = 21,
    .open = lru_open,
    .close = lru_close,
    .hit = lru_hit_run,
    .release = lru_hit_run,
    .busy = lru_busy_run,
    .idle = lru_idle_run,
    EVICT_HOOKS(lru),
};
