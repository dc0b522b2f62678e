#include "kv_pool.h"

#include <stdlib.h>

/* In a table: the slot is the sequence's own. */
#define PRIVATE (UINT32_C(1) << 31)

/* A sequence's blocks, root to tail: slots, or KV_POOL_NONE. */
struct table {
	uint32_t *slots;
	uint32_t count, room;
};

struct kv_pool {
	uint32_t slot_count, block_count, request_count;
	uint32_t *slot_of; /* [block_count] */
	uint32_t *free; /* a stack */
	uint32_t free_count;
	struct table *tables; /* [request_count] */
};

struct kv_pool *kv_pool_open(uint32_t slots, uint32_t block_count, uint32_t request_count)
{
	ASSERT(slots < PRIVATE);
	struct kv_pool *pool = mem_alloc(1, sizeof(*pool));
	*pool = (struct kv_pool){
	        .slot_count = slots,
	        .block_count = block_count,
	        .request_count = request_count,
	        .slot_of = mem_alloc(block_count, sizeof(*pool->slot_of)),
	        .free = mem_alloc(slots, sizeof(*pool->free)),
	        .free_count = slots,
	        .tables = mem_alloc(request_count, sizeof(*pool->tables)),
	};
	for (uint32_t b = 0; b < block_count; b++)
		pool->slot_of[b] = KV_POOL_NONE;
	for (uint32_t i = 0; i < slots; i++)
		pool->free[i] = slots - 1 - i;
	return pool;
}

void kv_pool_close(struct kv_pool *pool)
{
	if (!pool)
		return;
	for (uint32_t r = 0; r < pool->request_count; r++)
		free(pool->tables[r].slots);
	free(pool->tables);
	free(pool->slot_of);
	free(pool->free);
	free(pool);
}

static uint32_t take(struct kv_pool *pool)
{
	ASSERT(pool->free_count > 0);
	return pool->free[--pool->free_count];
}

static void give(struct kv_pool *pool, uint32_t slot)
{
	ASSERT(pool->free_count < pool->slot_count);
	pool->free[pool->free_count++] = slot;
}

static uint32_t *entry(struct kv_pool *pool, uint32_t request, uint32_t place)
{
	struct table *table = &pool->tables[request];
	if (place >= table->room) {
		table->room = place + 1 + place / 2;
		table->slots = mem_grow(table->slots, table->room, sizeof(*table->slots));
	}
	while (table->count <= place)
		table->slots[table->count++] = KV_POOL_NONE;
	return &table->slots[place];
}

static bool is_private(uint32_t slot)
{
	return slot != KV_POOL_NONE && (slot & PRIVATE);
}

static void hold_one(struct kv_pool *pool, uint32_t *slot, block_id b)
{
	ASSERT(*slot == KV_POOL_NONE || is_private(*slot));
	if (pool->slot_of[b] == KV_POOL_NONE)
		pool->slot_of[b] = is_private(*slot) ? *slot & ~PRIVATE : take(pool);
	else if (is_private(*slot))
		give(pool, *slot & ~PRIVATE);
	*slot = pool->slot_of[b];
}

void kv_pool_hold(struct kv_pool *pool, uint32_t request, struct path path, uint32_t from, uint32_t to, uint32_t place)
{
	struct trace_run stretch;
	for (struct path_walk walk = path_forward((struct path){path.runs, to}, from); path_next(&walk, &stretch);) {
		for (uint32_t i = 0; i < stretch.count; i++)
			hold_one(pool, entry(pool, request, place++), stretch.first + i);
	}
}

uint32_t kv_pool_place(struct kv_pool *pool, uint32_t request, uint32_t place)
{
	uint32_t *slot = entry(pool, request, place);
	if (*slot == KV_POOL_NONE)
		*slot = take(pool) | PRIVATE;
	return *slot & ~PRIVATE;
}

void kv_pool_trim(struct kv_pool *pool, uint32_t request, uint32_t place)
{
	struct table *table = &pool->tables[request];
	for (; table->count > place; table->count--) {
		const uint32_t slot = table->slots[table->count - 1];
		if (is_private(slot))
			give(pool, slot & ~PRIVATE);
	}
}

void kv_pool_release(struct kv_pool *pool, uint32_t request)
{
	kv_pool_trim(pool, request, 0);
	free(pool->tables[request].slots);
	pool->tables[request] = (struct table){0};
}

void kv_pool_drop(struct kv_pool *pool, block_id b)
{
	ASSERT(pool->slot_of[b] != KV_POOL_NONE);
	give(pool, pool->slot_of[b]);
	pool->slot_of[b] = KV_POOL_NONE;
}

uint32_t kv_pool_slot(const struct kv_pool *pool, block_id b)
{
	return pool->slot_of[b];
}

uint32_t kv_pool_used(const struct kv_pool *pool)
{
	return pool->slot_count - pool->free_count;
}

static void own(const struct kv_pool *pool, bool *owned, uint32_t slot)
{
	ASSERT(slot < pool->slot_count && !owned[slot]);
	owned[slot] = true;
}

void kv_pool_check(const struct kv_pool *pool, bool *used)
{
	uint32_t used_count = 0;
	bool *owned = mem_alloc(pool->slot_count, sizeof(*owned));
	for (uint32_t i = 0; i < pool->free_count; i++)
		own(pool, owned, pool->free[i]);
	for (uint32_t slot = 0; slot < pool->slot_count; slot++)
		used[slot] = !owned[slot];
	for (uint32_t b = 0; b < pool->block_count; b++) {
		if (pool->slot_of[b] != KV_POOL_NONE)
			own(pool, owned, pool->slot_of[b]);
	}
	for (uint32_t r = 0; r < pool->request_count; r++) {
		for (uint32_t i = 0; i < pool->tables[r].count; i++) {
			if (is_private(pool->tables[r].slots[i]))
				own(pool, owned, pool->tables[r].slots[i] & ~PRIVATE);
		}
	}
	for (uint32_t slot = 0; slot < pool->slot_count; slot++)
		used_count += owned[slot];
	ASSERT(used_count == pool->slot_count);
	free(owned);
}
