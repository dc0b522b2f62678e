/* recency.h - when each block was last used, for rules that rank by it.
 *
 * Model. `order` rises with recency, `used_ns` never falls along it. Leaf scope: both are those of the request, one
 * value for its whole path, so that a parent is never older than its children. Flat scope: the order is that in which
 * used blocks are let go, tail first, and the time is that of letting go; for one request at a time this is the order
 * of requests with the deeper block first. Of blocks equal in `order` the deeper goes first (policy.h). A block let go
 * without a use of its own (an orphan, or a parent whose child left) keeps its place. 16 bytes a block.
 */
#ifndef KVCAST_RECENCY_H
#define KVCAST_RECENCY_H

#include "policy.h"

#include <stdlib.h>

#define RECENCY_IN_USE UINT64_MAX

struct recency {
	const struct evict_env *env;
	uint64_t *order; /* RECENCY_IN_USE from a use to its end in flat scope */
	int64_t *used_ns;
	uint64_t let_go;
};

static inline void recency_open(struct recency *recency, const struct evict_env *env)
{
	*recency = (struct recency){
	        .env = env,
	        .order = mem_alloc(env->block_count, sizeof(*recency->order)),
	        .used_ns = mem_alloc(env->block_count, sizeof(*recency->used_ns)),
	};
}

static inline void recency_close(struct recency *recency)
{
	free(recency->order);
	free(recency->used_ns);
}

/* On a hit, on insertion and, from engines, on release. */
static inline void recency_use(struct recency *recency, block_id b)
{
	recency->order[b] = recency->env->leaf ? recency->env->now->seq : RECENCY_IN_USE;
	recency->used_ns[b] = recency->env->now->now_ns;
}

static inline void recency_use_run(struct recency *recency, block_id first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		recency_use(recency, first + i);
}

/* When the block turns idle; its order is final until the next use. */
static inline void recency_idle(struct recency *recency, block_id b)
{
	if (recency->order[b] != RECENCY_IN_USE)
		return;
	recency->order[b] = ++recency->let_go;
	recency->used_ns[b] = recency->env->now->now_ns;
}

static inline int64_t recency_age_ns(const struct recency *recency, block_id b)
{
	return recency->env->now->now_ns - recency->used_ns[b];
}

#endif
