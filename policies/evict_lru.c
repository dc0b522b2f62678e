/* evict_lru.c - least recently used.
 *
 * Recency is now->seq, one value for the whole path of a request; of equals the deeper goes first, so a chain is peeled
 * from its tail. Flat scope keeps the idle blocks in a list in the order they were let go, which for one request at a
 * time is that very order; leaf scope ranks the idle leaves.
 * Source: POLICIES sections 1 and E6 (golden rows); SGLang's lru (A3) in leaf scope.
 */
#include "list.h"
#include "policy.h"
#include "ranked.h"

#include <stdlib.h>

struct lru {
	const struct evict_env *env;
	uint64_t *used_seq;
	struct ranked ranked; /* leaf scope */
	struct link *links;   /* flat scope */
	block_id idle;
	bool leaf;
};

static void *lru_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	struct lru *p = mem_alloc(1, sizeof(*p));
	*p = (struct lru){.env = env, .leaf = env->leaf, .idle = env->block_count};
	if (p->leaf) {
		p->used_seq = mem_alloc(env->block_count, sizeof(*p->used_seq));
		ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
	} else {
		p->links = list_open(env->block_count, 1);
	}
	return p;
}

static void lru_close(void *state)
{
	struct lru *p = state;
	if (p->leaf)
		ranked_close(&p->ranked);
	free(p->used_seq);
	free(p->links);
	free(p);
}

static inline void lru_hit(struct lru *p, block_id b)
{
	if (p->leaf)
		p->used_seq[b] = p->env->now->seq;
}

static inline void lru_insert(struct lru *p, block_id b)
{
	lru_hit(p, b);
}

static inline void lru_busy(struct lru *p, block_id b)
{
	if (p->leaf)
		ranked_remove(&p->ranked, b);
	else
		list_take(p->links, b);
}

static inline void lru_idle(struct lru *p, block_id b)
{
	if (p->leaf)
		ranked_push(&p->ranked, b, p->used_seq[b], 0);
	else
		list_push_back(p->links, p->idle, b);
}

static inline void lru_remove(struct lru *p, block_id b)
{
	lru_busy(p, b);
}

static inline block_id lru_evict(struct lru *p, block_id in)
{
	(void)in;
	if (p->leaf)
		return ranked_pop(&p->ranked);
	if (list_empty(p->links, p->idle))
		return BLOCK_NONE;
	const block_id victim = p->links[p->idle].next;
	list_take(p->links, victim);
	return victim;
}

#define EVICT lru
#define EVICT_PREFETCH(p, b) __builtin_prefetch(&(p)->links[b], 1)
#include "evict_hooks.h"

const struct evict_ops evict_lru = {
        .name = "lru",
        .rule = "the block whose last use is oldest; of one request's blocks the deepest first",
        .detail = "Every request stamps the blocks it uses with its sequence number. With room for 3 blocks, requests "
                  "A-B, C, A: after the third A is the most recent, then C, then B. A new block D takes the place of "
                  "B, the next one that of C.",
        .source = "textbook; SGLang evict_policy.py (lru), POLICIES A3, E6",
        .cost = "O(1) flat, O(log leaves) a request in leaf scope",
        .state_bytes = 12,
        .open = lru_open,
        .close = lru_close,
        .hit = lru_hit_run,
        .busy = lru_busy_run,
        .idle = lru_idle_run,
        EVICT_HOOKS(lru),
};
