/* ranked.h - the idle blocks in order of a key: a 4-ary heap with places, for scopes and rules where blocks turn idle
 * out of order.
 *
 * Order, smallest first: `first`, then `second`, then deeper, then smaller id. A block's key may not change while it is
 * in the heap (a block is touched only while busy, that is, outside).
 *
 * Peeling a chain from its tail is the common case: the top goes, and its parent comes with a key that is often the
 * smallest again. So a pop leaves the top open and the next push fills it from above, O(1) when it stays there.
 * Costs: push, pop and remove O(log n) at worst; 24 bytes an idle block and 4 bytes a block.
 */
#ifndef KVCAST_RANKED_H
#define KVCAST_RANKED_H

#include "base.h"

struct ranked_key {
	uint64_t first, second;
};

struct ranked_entry {
	struct ranked_key key;
	uint64_t place; /* ~depth in the upper half, id in the lower: deeper first, then smaller id */
};

struct ranked {
	struct ranked_entry *heap;
	uint32_t *at; /* [block_count] index in heap, RANKED_OUT if not in it */
	const uint32_t *depth;
	uint32_t count, most;
	bool open_top; /* heap[0] has been popped and awaits a successor */
};

#define RANKED_OUT UINT32_MAX

/* `most` bounds how many blocks are ever in at once; everything is allocated here. */
void ranked_open(struct ranked *ranked, uint32_t block_count, uint32_t most, const uint32_t *depth);
void ranked_close(struct ranked *ranked);
void ranked_push(struct ranked *ranked, block_id b, uint64_t first, uint64_t second);
/* Smallest block, taken out; BLOCK_NONE when empty. */
block_id ranked_pop(struct ranked *ranked);
/* Smallest block, left in; BLOCK_NONE when empty. `key` may be NULL. */
block_id ranked_top(struct ranked *ranked, struct ranked_key *key);
/* Takes b out; nothing happens if it is not in. */
void ranked_remove(struct ranked *ranked, block_id b);

/* Maps a finite or infinite double to an integer of the same order, for scores as keys. */
static inline uint64_t ranked_real(double value)
{
	union {
		double real;
		uint64_t bits;
	} both = {.real = value + 0.0}; /* -0 becomes +0 */
	return both.bits >> 63 ? ~both.bits : both.bits | (UINT64_C(1) << 63);
}

#endif
