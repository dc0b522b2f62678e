#include "tier_host.h"

#include "tier_keys.h"

#include <stdlib.h>

struct tier_host {
	uint8_t *arena;
	size_t block_bytes;
	struct tier_keys *keys;
};

struct tier_host *tier_host_open(void *arena, uint32_t slots, size_t block_bytes)
{
	struct tier_host *host = mem_alloc(1, sizeof(*host));
	host->arena = arena;
	host->block_bytes = block_bytes;
	host->keys = tier_keys_open(slots);
	return host;
}

void tier_host_close(struct tier_host *host)
{
	if (!host)
		return;
	tier_keys_close(host->keys);
	free(host);
}

static void *address(const struct tier_host *host, uint32_t slot)
{
	return slot == TIER_KEYS_NONE ? NULL : host->arena + slot * host->block_bytes;
}

void *tier_host_put(struct tier_host *host, struct tier_io_key key)
{
	uint32_t slot = tier_keys_find(host->keys, key);
	if (slot == TIER_KEYS_NONE)
		slot = tier_keys_add(host->keys, key);
	return address(host, slot);
}

void *tier_host_get(const struct tier_host *host, struct tier_io_key key)
{
	return address(host, tier_keys_find(host->keys, key));
}

void tier_host_drop(struct tier_host *host, struct tier_io_key key)
{
	const uint32_t slot = tier_keys_find(host->keys, key);
	if (slot != TIER_KEYS_NONE)
		tier_keys_remove(host->keys, slot);
}

uint32_t tier_host_count(const struct tier_host *host)
{
	return tier_keys_count(host->keys);
}
