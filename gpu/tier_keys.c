#include "tier_keys.h"

#include <stdlib.h>

/* Open addressing with linear probing, at most half full; a removal moves later entries of its run back, so that there
 * are no tombstones. */
struct tier_keys {
	struct tier_io_key *keys; /* by slot */
	uint32_t *free_slots;     /* a stack */
	uint32_t slots, free_count;
	uint32_t *places; /* slot, or TIER_KEYS_NONE */
	uint32_t mask;
};

struct tier_keys *tier_keys_open(uint32_t slots)
{
	ASSERT(slots <= UINT32_C(1) << 31);
	struct tier_keys *keys = mem_alloc(1, sizeof(*keys));
	uint64_t places = 2;
	while (places < 2 * (uint64_t)slots)
		places *= 2;
	keys->keys = mem_alloc(slots, sizeof(*keys->keys));
	keys->free_slots = mem_alloc(slots, sizeof(*keys->free_slots));
	keys->places = mem_alloc(places, sizeof(*keys->places));
	keys->slots = keys->free_count = slots;
	keys->mask = (uint32_t)(places - 1);
	for (uint32_t i = 0; i < slots; i++)
		keys->free_slots[i] = slots - 1 - i;
	for (uint64_t i = 0; i < places; i++)
		keys->places[i] = TIER_KEYS_NONE;
	return keys;
}

void tier_keys_close(struct tier_keys *keys)
{
	if (!keys)
		return;
	free(keys->keys);
	free(keys->free_slots);
	free(keys->places);
	free(keys);
}

uint32_t tier_keys_count(const struct tier_keys *keys)
{
	return keys->slots - keys->free_count;
}

/* Keys are hashes already. */
static uint32_t home(const struct tier_keys *keys, struct tier_io_key key)
{
	return (uint32_t)key.low & keys->mask;
}

/* Where the key is, or would be put. */
static uint32_t place_of(const struct tier_keys *keys, struct tier_io_key key)
{
	uint32_t place = home(keys, key);
	for (;; place = (place + 1) & keys->mask) {
		const uint32_t slot = keys->places[place];
		if (slot == TIER_KEYS_NONE || (keys->keys[slot].low == key.low && keys->keys[slot].high == key.high))
			return place;
	}
}

uint32_t tier_keys_find(const struct tier_keys *keys, struct tier_io_key key)
{
	return keys->places[place_of(keys, key)];
}

uint32_t tier_keys_add(struct tier_keys *keys, struct tier_io_key key)
{
	const uint32_t place = place_of(keys, key);
	ASSERT(keys->places[place] == TIER_KEYS_NONE);
	if (keys->free_count == 0)
		return TIER_KEYS_NONE;
	const uint32_t slot = keys->free_slots[--keys->free_count];
	keys->keys[slot] = key;
	keys->places[place] = slot;
	return slot;
}

void tier_keys_remove(struct tier_keys *keys, uint32_t slot)
{
	uint32_t gap = place_of(keys, keys->keys[slot]);
	ASSERT(keys->places[gap] == slot);
	for (uint32_t next = (gap + 1) & keys->mask; keys->places[next] != TIER_KEYS_NONE;
	     next = (next + 1) & keys->mask) {
		const uint32_t from_home = (next - home(keys, keys->keys[keys->places[next]])) & keys->mask;
		const uint32_t from_gap = (next - gap) & keys->mask;
		if (from_home < from_gap)
			continue;
		keys->places[gap] = keys->places[next];
		gap = next;
	}
	keys->places[gap] = TIER_KEYS_NONE;
	keys->free_slots[keys->free_count++] = slot;
}
