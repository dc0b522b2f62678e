/* drive.h - drives a cache step by step the way a run does, so that a test can look inside between the steps.
 *
 * A driven cache serves the requests of a trace in any overlap: acquire and release are the caller's. What must hold after
 * every step (room, pins) is asserted here.
 */
#ifndef KVCAST_DRIVE_H
#define KVCAST_DRIVE_H

#include "cache.h"

struct drive_config {
	const char *evict, *ttl; /* SPECs; must be right */
	uint64_t capacity_blocks;
	bool leaf, tail_cached;
	bool object; /* object semantics: flat, drive_objects only */
	bool single; /* with object: not the object loop, but each reference as a request of one block */
	uint64_t seed;
	double token_ns, pair_ns; /* cost of computing, as in calibration.h */
};

struct drive {
	const struct trace *trace;
	struct drive_config config;
	struct spec evict, ttl;
	struct cache *cache;
	uint64_t *first_reference;
	uint64_t *evicted; /* [block] when it was evicted last: a count over all evictions; 0: never (not kept in object loops) */
	uint64_t evictions;
};

/* What one request holds. */
struct drive_hold {
	uint32_t request, hit_blocks, held_blocks;
	struct path path;
};

struct drive *drive_open(const struct trace *trace, const struct drive_config *config);
void drive_close(struct drive *drive);
void drive_time(struct drive *drive, int64_t now_ns);
/* `missed` may be NULL. */
struct drive_hold drive_acquire(struct drive *drive, uint32_t request, uint32_t missed[BLOCK_STATES]);
void drive_release(struct drive *drive, const struct drive_hold *hold);
/* Object semantics; `hit` takes the outcome of each of the path's blocks. Returns how many hit. */
uint32_t drive_objects(struct drive *drive, uint32_t request, uint8_t *hit);
/* The ids of request's path, root to tail; returns how many. */
uint32_t drive_path(const struct drive *drive, uint32_t request, block_id *path);

/* Every block's state, in a string of a letter each: '.' never, 'r' resident, 'e' evicted, 'x' expired. */
void drive_states(const struct drive *drive, char *states);

#endif
