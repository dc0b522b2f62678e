#include "idmap.h"

#include <stdlib.h>

#define IDMAP_FIRST_SLOTS 1024

/* Most keys are counting ids in counting name spaces; two rounds of multiply and fold spread them evenly. */
static uint64_t idmap_mix(struct idmap_key key)
{
	uint64_t x = key.low ^ (key.high * UINT64_C(0x9e3779b97f4a7c15));
	x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	return x ^ (x >> 32);
}

static void idmap_put(struct idmap *map, uint64_t hash, uint32_t id)
{
	size_t mask = map->slot_count - 1, slot = (size_t)hash & mask;
	while (map->slots[slot])
		slot = (slot + 1) & mask;
	map->slots[slot] = (hash >> 32 << 32) | (id + 1);
}

static void idmap_grow_slots(struct idmap *map)
{
	map->slot_count = map->slot_count ? map->slot_count * 2 : IDMAP_FIRST_SLOTS;
	free(map->slots);
	map->slots = mem_alloc(map->slot_count, sizeof(*map->slots));
	for (uint32_t id = 0; id < map->count; id++)
		idmap_put(map, idmap_mix(map->keys[id]), id);
}

uint32_t idmap_add(struct idmap *map, struct idmap_key key, bool *added)
{
	uint64_t hash = idmap_mix(key);
	*added = false;
	if (map->slot_count) {
		size_t mask = map->slot_count - 1;
		for (size_t slot = (size_t)hash & mask; map->slots[slot]; slot = (slot + 1) & mask) {
			uint32_t id = (uint32_t)map->slots[slot] - 1;
			if (map->slots[slot] >> 32 == hash >> 32 && idmap_key_equal(map->keys[id], key))
				return id;
		}
	}
	if (map->count == IDMAP_FULL - 1)
		return IDMAP_FULL;
	if (map->count == map->capacity) {
		map->capacity = map->capacity ? map->capacity * 2 : IDMAP_FIRST_SLOTS / 2;
		map->keys = mem_grow(map->keys, map->capacity, sizeof(*map->keys));
	}
	if ((size_t)map->count * 2 >= map->slot_count)
		idmap_grow_slots(map);
	idmap_put(map, hash, map->count);
	map->keys[map->count] = key;
	*added = true;
	return map->count++;
}

void idmap_free(struct idmap *map)
{
	free(map->keys);
	free(map->slots);
	*map = (struct idmap){0};
}
