/* idmap.h - dense ids for 128-bit keys: the first key gets 0, the next new one 1, and so on.
 *
 * Model. keys[id] is the key of every id, in order; slots[] is an open-addressing table (linear probing, at most half
 * full) whose entries carry 32 bits of the key's mixed hash and the id. Keys may be anything, from counting numbers to
 * real hashes: they are mixed before probing. Nothing is ever removed.
 */
#ifndef KVCAST_IDMAP_H
#define KVCAST_IDMAP_H

#include "base.h"

/* What idmap_add gives instead of an id when 2^32 - 2 are taken. */
#define IDMAP_FULL UINT32_MAX

struct idmap_key {
	uint64_t low, high;
};

struct idmap {
	struct idmap_key *keys; /* [count], read freely */
	uint32_t count;
	size_t capacity;
	uint64_t *slots;   /* hash bits << 32 | id + 1; 0 is empty */
	size_t slot_count; /* a power of two */
};

/* A zeroed struct is an empty map. idmap_free leaves it empty. */
void idmap_free(struct idmap *map);

/* The key's id; a key not seen before gets the next one, and `added` says so. */
uint32_t idmap_add(struct idmap *map, struct idmap_key key, bool *added);

static inline bool idmap_key_equal(struct idmap_key a, struct idmap_key b)
{
	return a.low == b.low && a.high == b.high;
}

#endif
