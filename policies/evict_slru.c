/* evict_slru.c - segmented LRU: a hit takes a block one segment up, and each segment but the lowest has a bounded size.
 *
 * A segment that overflows hands its least recently used block down to the one below, where it becomes the most recent;
 * the victim is the least recently used block of the lowest segment that has one that may go. The segments share the
 * cache evenly, the lowest has the remainder. While the cache fills, new blocks come into the lowest segment with room,
 * as in libCacheSim (`fill=spread`); the textbook's rule puts them into the lowest always (`fill=lowest`). Blocks in
 * use, and parents in leaf scope, are stepped over by the victim, but handed down like others. Source: Karedla et al.
 * 1994 (2 segments), Huang et al. SOSP 2013 (4); libCacheSim SLRU.c, POLICIES C, E7. SGLang's rule of that name is
 * `sglang_slru`.
 */
#include "queues.h"

#include <stdlib.h>

#define MOST_SEGMENTS QUEUES_MOST

struct slru {
	const struct evict_env *env;
	struct queues q; /* a queue a segment, the lowest first */
	uint8_t *segment;
	uint32_t segments;
	uint32_t share[MOST_SEGMENTS];
	bool spread;
};

static const struct param slru_params[] = {
    {"segments", PARAM_INT, "4", 1, MOST_SEGMENTS, NULL, "how many segments share the cache"},
    {"fill", PARAM_CHOICE, "spread", 0, 0, "spread|lowest",
     "where new blocks go: the lowest segment with room, or the lowest"},
    {.name = NULL},
};

static void *slru_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	const uint32_t room = env->capacity_blocks, segments = (uint32_t)values[0].integer;
	struct slru *p = mem_alloc(1, sizeof(*p));
	*p = (struct slru){.env = env, .segments = segments, .spread = values[1].integer == 0};
	uint32_t most[MOST_SEGMENTS];
	for (uint32_t k = 0; k < segments; k++) {
		p->share[k] = k ? room / segments : room - room / segments * (segments - 1);
		most[k] = k ? p->share[k] + 1 : room;
	}
	queues_open(&p->q, env, segments, most, QUEUES_ROOMY | QUEUES_BY_NAME);
	p->segment = mem_alloc(env->block_count, sizeof(*p->segment));
	return p;
}

static void slru_close(void *state)
{
	struct slru *p = state;
	queues_close(&p->q);
	free(p->segment);
	free(p);
}

static inline void slru_hit(struct slru *p, block_id b)
{
	uint32_t k = p->segment[b];
	queues_take(&p->q, k, b);
	if (k + 1 < p->segments)
		k++;
	p->segment[b] = (uint8_t)k;
	queues_join(&p->q, k, b);
	for (; k > 0 && p->q.queue[k].count > p->share[k]; k--) {
		const block_id down = queues_front(&p->q, k);
		queues_take(&p->q, k, down);
		p->segment[down] = (uint8_t)(k - 1);
		queues_append(&p->q, k - 1, down, evict_idle(p->env, down));
	}
}

static inline void slru_insert(struct slru *p, block_id b)
{
	uint32_t k = 0;
	while (p->spread && k < p->segments && p->q.queue[k].count >= p->share[k])
		k++;
	if (k == p->segments)
		k = 0;
	p->segment[b] = (uint8_t)k;
	queues_join(&p->q, k, b);
}

static inline void slru_busy(struct slru *p, block_id b)
{
	queues_set_busy(&p->q, b);
}

static inline void slru_idle(struct slru *p, block_id b)
{
	queues_set_idle(&p->q, b);
}

static inline void slru_remove(struct slru *p, block_id b)
{
	queues_take(&p->q, p->segment[b], b);
}

static inline block_id slru_evict(struct slru *p, block_id in)
{
	(void)in;
	block_id victim = BLOCK_NONE;
	for (uint32_t k = 0; k < p->segments && victim == BLOCK_NONE; k++)
		victim = queues_pop(&p->q, k);
	__builtin_prefetch(&p->segment[queues_prefetch_front(&p->q, 0)], 1);
	return victim;
}

#define EVICT                slru
#define EVICT_OBJECT(p)      ((p)->q.plain && (p)->q.by_name)
#define EVICT_PREFETCH(p, b) (__builtin_prefetch(&(p)->segment[b], 1), __builtin_prefetch(&(p)->q.slot[b], 1))
#include "evict_hooks.h"

const struct evict_ops evict_slru = {
    .name = "slru",
    .rule = "the least recently used block of the lowest segment; a hit takes a block one segment up",
    .detail = "With room for 4 blocks, segments=2 and fill=lowest, requests A, B, C, D, A, B, C: A and B go up, then "
	      "C, and the upper "
	      "segment, full with 2, hands A down. A new block E takes the place of D, the least recent below, and F "
	      "that of A.",
    .source = "Karedla et al. 1994, Huang et al. SOSP 2013; libCacheSim SLRU.c",
    .cost = "O(1), O(segments) a hit",
    .state_bytes = 35,
    .params = slru_params,
    .open = slru_open,
    .close = slru_close,
    .hit = slru_hit_run,
    .busy = slru_busy_run,
    .idle = slru_idle_run,
    EVICT_HOOKS(slru),
};
