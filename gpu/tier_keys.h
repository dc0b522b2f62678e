/* tier_keys.h - which slot holds which key: a hash table of fixed size with the list of free slots. */
#ifndef KVCAST_TIER_KEYS_H
#define KVCAST_TIER_KEYS_H

#include "tier_io.h"

#define TIER_KEYS_NONE UINT32_MAX

struct tier_keys;

/* `slots` is at most 2^31. */
struct tier_keys *tier_keys_open(uint32_t slots);
void tier_keys_close(struct tier_keys *keys);
uint32_t tier_keys_count(const struct tier_keys *keys);
/* The key's slot, or TIER_KEYS_NONE. */
uint32_t tier_keys_find(const struct tier_keys *keys, struct tier_io_key key);
/* A free slot for a key that has none yet, or TIER_KEYS_NONE. */
uint32_t tier_keys_add(struct tier_keys *keys, struct tier_io_key key);
/* Frees a slot that is in use. */
void tier_keys_remove(struct tier_keys *keys, uint32_t slot);

#endif
