/* tier_host.h - blocks in host memory, as addresses to copy from and to.
 *
 * The arena is the caller's, of slots x block_bytes (pinned, if the GPU is to copy at full speed), and outlives the
 * tier. An address holds until its key is dropped; the caller sees to it that no copy is under way then. Nothing is
 * checked: memory is trusted.
 */
#ifndef KVCAST_TIER_HOST_H
#define KVCAST_TIER_HOST_H

#include "tier_io.h"

struct tier_host;

struct tier_host *tier_host_open(void *arena, uint32_t slots, size_t block_bytes);
void tier_host_close(struct tier_host *host);
/* The block's place, a new one where the key is not held yet; NULL where no slot is free. */
void *tier_host_put(struct tier_host *host, struct tier_io_key key);
/* NULL where the key is not held. */
void *tier_host_get(const struct tier_host *host, struct tier_io_key key);
/* Nothing where the key is not held. */
void tier_host_drop(struct tier_host *host, struct tier_io_key key);
uint32_t tier_host_count(const struct tier_host *host);

#endif
