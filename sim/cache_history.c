#include "cache_inside.h"

#include "expiry.h"

#include <math.h>
#include <stdlib.h>

void cache_history_open(struct cache *cache)
{
	const uint32_t count = cache->trace->block_count;
	struct cache_history *history = cache->history = mem_alloc(1, sizeof(*history));
	history->born_ns = mem_alloc(count, sizeof(*history->born_ns));
	history->used_ns = mem_alloc(count, sizeof(*history->used_ns));
	history->hits = mem_alloc(count, sizeof(*history->hits));
}

void cache_history_close(struct cache *cache)
{
	if (!cache->history)
		return;
	free(cache->history->born_ns);
	free(cache->history->used_ns);
	free(cache->history->hits);
	free(cache->history);
}

void cache_history_insert(struct cache *cache, block_id b)
{
	cache->history->born_ns[b] = cache->history->used_ns[b] = cache->now.now_ns;
	cache->history->hits[b] = 0;
}

void cache_history_hit(struct cache *cache, struct trace_run stretch)
{
	struct cache_history *history = cache->history;
	for (block_id b = stretch.first; b < stretch.first + stretch.count; b++) {
		history->used_ns[b] = cache->now.now_ns;
		history->hits[b] += history->hits[b] < UINT32_MAX;
	}
}

void cache_history_each(const struct cache *cache,
                        void (*each)(void *context, block_id b, const struct cache_entry *entry), void *context)
{
	const struct cache_history *history = cache->history;
	const uint32_t count = cache->trace->block_count;
	int64_t *deadline_ns = mem_alloc(count, sizeof(*deadline_ns));
	ASSERT(history);
	if (cache->expiry)
		expiry_deadlines(cache->expiry, deadline_ns);
	for (uint32_t b = 0; b < count; b++) {
		if (cache->state[b] != BLOCK_RESIDENT)
			continue;
		const struct cache_entry entry = {
		        .inserted_ns = history->born_ns[b],
		        .used_ns = history->used_ns[b],
		        .hits = history->hits[b],
		        .ttl_ns = cache->expiry ? expiry_ttl_ns(cache->expiry, b) : TIME_NEVER_NS,
		        .deadline_ns = cache->expiry ? deadline_ns[b] : TIME_NEVER_NS,
		        .score = cache->ops->score ? cache->ops->score(cache->policy, b) : NAN,
		};
		each(context, b, &entry);
	}
	free(deadline_ns);
}
