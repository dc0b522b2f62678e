/* evict_mru.c - most recently used goes first: for scans that come round again, where the newest is needed last.
 *
 * Recency is now->seq, one value for the whole path of a request; of equals the deeper goes first. The idle blocks
 * stand in a heap, the newest on top. Under object semantics, where all seqs differ and nothing is ever busy, a list
 * does. Source: textbook; SGLang evict_policy.py (mru), POLICIES A3, E6.
 */
#include "list.h"
#include "policy.h"
#include "ranked.h"

#include <stdlib.h>

struct mru {
	const struct evict_env *env;
	struct link *links;   /* never_busy: the newest at the front */
	struct ranked ranked; /* otherwise, as what follows */
	uint64_t *used_seq;
	bool listed;
};

static void *mru_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	struct mru *p = mem_alloc(1, sizeof(*p));
	*p = (struct mru){.env = env, .listed = env->never_busy};
	if (p->listed) {
		p->links = list_open(env->block_count, 1);
	} else {
		ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
		p->used_seq = mem_alloc(env->block_count, sizeof(*p->used_seq));
	}
	return p;
}

static void mru_close(void *state)
{
	struct mru *p = state;
	if (!p->listed)
		ranked_close(&p->ranked);
	free(p->links);
	free(p->used_seq);
	free(p);
}

static inline void mru_hit(struct mru *p, block_id b)
{
	if (!p->listed)
		p->used_seq[b] = p->env->now->seq;
}

static inline void mru_insert(struct mru *p, block_id b)
{
	mru_hit(p, b);
}

static inline void mru_busy(struct mru *p, block_id b)
{
	if (p->listed)
		list_take(p->links, b);
	else
		ranked_remove(&p->ranked, b);
}

static inline void mru_idle(struct mru *p, block_id b)
{
	if (p->listed)
		list_push_front(p->links, p->env->block_count, b);
	else
		ranked_push(&p->ranked, b, ~p->used_seq[b], 0);
}

static inline void mru_remove(struct mru *p, block_id b)
{
	ranked_remove(&p->ranked, b); /* not under never_busy */
}

static inline block_id mru_evict(struct mru *p, block_id in)
{
	(void)in;
	return p->listed ? list_pop_front(p->links, p->env->block_count) : ranked_pop(&p->ranked);
}

#define EVICT                    mru
#define EVICT_OBJECT(p)          (p)->listed
#define EVICT_PREFETCH(p, b)     __builtin_prefetch(&(p)->links[b], 1)
#define EVICT_PREFETCH_HIT(p, b) list_prefetch_around((p)->links, b)
#include "evict_hooks.h"

const struct evict_ops evict_mru = {
    .name = "mru",
    .rule = "the block whose last use is newest; of one request's blocks the deepest first",
    .detail =
	"With room for 3 blocks, requests A, B, C, A, D: A is the most recent when D comes and makes room for it. E "
	"takes the place of D, F that of E: B and C stay for good. Fits a loop over more than the cache holds: A, "
	"B, C, D over and over, with room for 3, hits twice in three requests, where lru never hits.",
    .source = "textbook; SGLang evict_policy.py (mru)",
    .cost = "O(log idle), O(1) under object semantics",
    .state_bytes = 36,
    .open = mru_open,
    .close = mru_close,
    .hit = mru_hit_run,
    .busy = mru_busy_run,
    .idle = mru_idle_run,
    EVICT_HOOKS(mru),
};
