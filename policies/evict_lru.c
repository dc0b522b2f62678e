/* evict_lru.c - least recently used.
 *
 * Recency is now->seq, one value for the whole path of a request; of equals the deeper goes first, so a chain is peeled
 * from its tail. The blocks that may go stand in one list in that order. Flat scope: used blocks come back into it when they
 * are let go, tail first, which for one request at a time is the order already; an orphan that is pinned but not used keeps
 * its place and is stepped over. Leaf scope: a leaf let go is the most recent; a parent that its last child has
 * left is as old as that child, so it goes to the front, unless a later request ended at it: then it walks to its place.
 * Source: POLICIES sections 1 and E6 (golden rows); SGLang's lru (A3) in leaf scope.
 */
#include "list.h"
#include "policy.h"

#include <stdlib.h>

struct lru {
	const struct evict_env *env;
	struct link *links;
	uint64_t *used_seq; /* leaf scope */
	block_id idle;
	bool leaf;
};

static void *lru_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	struct lru *p = mem_alloc(1, sizeof(*p));
	*p = (struct lru){.env = env, .leaf = env->leaf, .idle = env->block_count};
	p->links = list_open(env->block_count, 1);
	if (p->leaf)
		p->used_seq = mem_alloc(env->block_count, sizeof(*p->used_seq));
	return p;
}

static void lru_close(void *state)
{
	struct lru *p = state;
	free(p->links);
	free(p->used_seq);
	free(p);
}

static inline void lru_hit(struct lru *p, block_id b)
{
	if (p->leaf) {
		p->used_seq[b] = p->env->now->seq;
	} else if (!list_is_out(p->links, b)) {
		list_take(p->links, b);
		list_set_out(p->links, b);
	}
}

static inline void lru_insert(struct lru *p, block_id b)
{
	if (p->leaf)
		p->used_seq[b] = p->env->now->seq;
	else
		list_set_out(p->links, b);
}

static inline void lru_busy(struct lru *p, block_id b)
{
	if (p->leaf)
		list_take(p->links, b);
}

static inline void lru_idle(struct lru *p, block_id b)
{
	if (p->leaf)
		list_put_by_seq(p->links, p->idle, b, p->used_seq, p->env->depth);
	else if (list_is_out(p->links, b))
		list_push_back(p->links, p->idle, b);
}

static inline void lru_remove(struct lru *p, block_id b)
{
	if (p->leaf ? evict_idle(p->env, b) : !list_is_out(p->links, b))
		list_take(p->links, b);
}

static inline block_id lru_evict(struct lru *p, block_id in)
{
	(void)in;
	block_id b = p->links[p->idle].next;
	while (b != p->idle && !evict_idle(p->env, b))
		b = p->links[b].next;
	if (b == p->idle)
		return BLOCK_NONE;
	list_take(p->links, b);
	return b;
}

#define EVICT lru
#define EVICT_PREFETCH(p, b) __builtin_prefetch(&(p)->links[b], 1)
#define EVICT_PREFETCH_HIT(p, b) list_prefetch_around((p)->links, b)
#include "evict_hooks.h"

const struct evict_ops evict_lru = {
        .name = "lru",
        .rule = "the block whose last use is oldest; of one request's blocks the deepest first",
        .detail = "Every request stamps the blocks it uses with its sequence number. With room for 3 blocks, requests "
                  "A-B, C, A: after the third A is the most recent, then C, then B. A new block D takes the place of "
                  "B, the next one that of C.",
        .source = "textbook; SGLang evict_policy.py (lru), POLICIES A3, E6",
        .cost = "O(1)",
        .state_bytes = 16,
        .open = lru_open,
        .close = lru_close,
        .hit = lru_hit_run,
        .release = lru_hit_run,
        .busy = lru_busy_run,
        .idle = lru_idle_run,
        EVICT_HOOKS(lru),
};
