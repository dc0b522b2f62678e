/* radix.h - blocks in order of a key that never falls behind the smallest: a radix heap through block ids.
 *
 * Model. Rules that age (GDSF, LFU with dynamic aging) only ever hand out keys at or above that of the last victim. Then
 * it is enough to sort by the highest digit in which a key differs from `base`, the smallest key when last looked for: the
 * front list holds the keys equal to base; list (level, digit) those that differ first in the digit of that level, all of
 * them below the keys of a higher level. When the front list has run empty, the lowest list is dealt out anew around its own
 * smallest key; a block only moves down, once a level at most. Of equal keys the one pushed first stands first, always.
 *
 * Push and take are O(1), finding the smallest O(levels) amortised. 16 bytes a block. A key must not be below `base`.
 * Real keys go through ranked_real() (ranked.h). Source: Ahuja, Mehlhorn, Orlin, Tarjan 1990.
 */
#ifndef KVCAST_RADIX_H
#define KVCAST_RADIX_H

#include "base.h"

#define RADIX_BITS   6 /* of a digit */
#define RADIX_LEVELS ((64 + RADIX_BITS - 1) / RADIX_BITS)
#define RADIX_LISTS  (1 + (RADIX_LEVELS << RADIX_BITS))

struct radix_node {
	block_id prev, next;
	uint64_t key; /* stays when the block is taken out */
};

struct radix {
	struct radix_node *nodes; /* of the blocks, then the lists' heads */
	uint64_t base;
	uint64_t filled[RADIX_LEVELS]; /* bit d of level l: that list may hold something */
	uint32_t levels;               /* bit l: filled[l] is not 0 */
	uint32_t block_count;
};

void radix_open(struct radix *radix, uint32_t block_count);
void radix_close(struct radix *radix);

/* Makes base the smallest key there is, unless the heap is empty; false then. */
bool radix_settle(struct radix *radix);
/* Smallest block, taken out; BLOCK_NONE when empty. */
block_id radix_pop(struct radix *radix);

static inline void radix_push(struct radix *radix, block_id b, uint64_t key)
{
	const uint64_t differs = key ^ radix->base;
	block_id head = radix->block_count;
	ASSERT(key >= radix->base);
	if (differs) {
		const uint32_t level = (63 - (uint32_t)__builtin_clzll(differs)) / RADIX_BITS;
		const uint32_t digit = (uint32_t)(key >> (level * RADIX_BITS)) & ((1u << RADIX_BITS) - 1);
		radix->filled[level] |= UINT64_C(1) << digit;
		radix->levels |= 1u << level;
		head += 1 + (level << RADIX_BITS) + digit;
	}
	const block_id last = radix->nodes[head].prev;
	radix->nodes[b] = (struct radix_node){last, head, key};
	radix->nodes[last].next = b;
	radix->nodes[head].prev = b;
}

static inline void radix_take(struct radix *radix, block_id b)
{
	const struct radix_node at = radix->nodes[b];
	radix->nodes[at.prev].next = at.next;
	radix->nodes[at.next].prev = at.prev;
}

/* Asks memory for what radix_take(b) will write to. */
static inline void radix_prefetch_around(const struct radix *radix, block_id b)
{
	__builtin_prefetch(&radix->nodes[radix->nodes[b].prev], 1);
	__builtin_prefetch(&radix->nodes[radix->nodes[b].next], 1);
}

#endif
