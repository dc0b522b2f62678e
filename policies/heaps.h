/* heaps.h - any number of heaps through block ids, for rules that compare the first blocks of several classes.
 *
 * Model. Pairing heaps: a block is in at most one heap, its links and key in one array over blocks, so that heaps may
 * be many and need no size of their own. Order, smallest first: `first`, then `second`, then deeper, then smaller id,
 * as in ranked.h. A block's key may not change while it is in.
 *
 * A chain peeled from its tail is cheap: a parent that is the smallest again becomes the root of all others, and
 * popping it costs one step. Push O(1); pop and remove O(log n) amortised. 32 bytes a block and 4 bytes a heap.
 * Source: Fredman, Sedgewick, Sleator, Tarjan, "The pairing heap", 1986 (two-pass variant).
 */
#ifndef KVCAST_HEAPS_H
#define KVCAST_HEAPS_H

#include "base.h"

struct heap_node {
	uint64_t first, second;
	block_id child; /* its first child */
	block_id next;  /* its sibling to the right */
	block_id prev;  /* its sibling to the left, or of a first child the parent */
};

struct heaps {
	struct heap_node *node;
	block_id *root; /* [heap]; BLOCK_NONE: empty */
	const uint32_t *depth;
};

void heaps_open(struct heaps *heaps, uint32_t block_count, uint32_t heap_count, const uint32_t *depth);
void heaps_close(struct heaps *heaps);
void heaps_push(struct heaps *heaps, uint32_t heap, block_id b, uint64_t first, uint64_t second);
/* Takes b out of the heap it is in. */
void heaps_remove(struct heaps *heaps, uint32_t heap, block_id b);

/* Smallest block, left in; BLOCK_NONE when empty. */
static inline block_id heaps_top(const struct heaps *heaps, uint32_t heap)
{
	return heaps->root[heap];
}

#endif
