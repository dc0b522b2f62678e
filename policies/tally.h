/* tally.h - blocks in lists by count: the textbook's O(1) LFU.
 *
 * Model. A list for each count that some block has, in a chain in order of count. In a list the block put in first stands
 * at the front. A block is put in with its count and taken out before that changes; where it was is remembered, so that
 * putting it back with a count a little higher takes a step or two. Where blocks come in with any count, the walk is as long as
 * there are counts between.
 *
 * Costs: O(1). 12 bytes a block, 24 a block of room.
 */
#ifndef KVCAST_TALLY_H
#define KVCAST_TALLY_H

#include "list.h"

#include <stdlib.h>

/* The lists' heads are nodes block_count + k of `links`; those in use are chained in `chain`, in order of count, from and to
 * k = 0, which stands for count 0 and is always empty. */
struct tally {
	struct link *links, *chain;
	uint32_t *count_of; /* [k] the count that list k is for; 0: unused, or k = 0 */
	uint32_t *list_of;  /* [block] the list it is in, or where to start looking for it */
	uint32_t *spare;    /* unused k */
	uint32_t spare_count, block_count;
};

/* `most` bounds how many blocks are ever in at once. All blocks are out. */
static inline void tally_open(struct tally *tally, uint32_t block_count, uint32_t most)
{
	const uint32_t lists = most + 2;
	*tally = (struct tally){
	        .block_count = block_count,
	        .links = list_open(block_count, lists),
	        .chain = list_open(0, lists),
	        .count_of = mem_alloc(lists, sizeof(uint32_t)),
	        .list_of = mem_alloc(block_count, sizeof(uint32_t)),
	        .spare = mem_alloc(lists, sizeof(uint32_t)),
	};
	for (uint32_t k = lists - 1; k > 0; k--)
		tally->spare[tally->spare_count++] = k;
}

static inline void tally_close(struct tally *tally)
{
	free(tally->links);
	free(tally->chain);
	free(tally->count_of);
	free(tally->list_of);
	free(tally->spare);
}

static inline block_id tally_head(const struct tally *tally, uint32_t k)
{
	return tally->block_count + k;
}

/* b has come: it is out, and its count is going to be low. */
static inline void tally_expect(struct tally *tally, block_id b)
{
	list_set_out(tally->links, b);
	tally->list_of[b] = 0;
}

/* Takes b out of its list; an emptied list is given back. */
static inline void tally_take(struct tally *tally, block_id b)
{
	const uint32_t k = tally->list_of[b];
	list_take(tally->links, b);
	list_set_out(tally->links, b);
	if (list_empty(tally->links, tally_head(tally, k))) {
		tally->list_of[b] = tally->chain[k].prev;
		list_take(tally->chain, k);
		tally->count_of[k] = 0;
		tally->spare[tally->spare_count++] = k;
	}
}

/* Puts b, which is out, behind the others of its count, which is at least 1. */
static inline void tally_put(struct tally *tally, block_id b, uint32_t count)
{
	uint32_t k = tally->list_of[b];
	if (tally->count_of[k] == 0 || tally->count_of[k] > count)
		k = 0;
	while (tally->chain[k].next != 0 && tally->count_of[tally->chain[k].next] <= count)
		k = tally->chain[k].next;
	if (k == 0 || tally->count_of[k] != count) {
		const uint32_t fresh = tally->spare[--tally->spare_count];
		tally->count_of[fresh] = count;
		list_put_before(tally->chain, tally->chain[k].next, fresh);
		k = fresh;
	}
	tally->list_of[b] = k;
	list_push_back(tally->links, tally_head(tally, k), b);
}

/* The list of the lowest count; 0 where no block is in. The next one is chain[k].next. */
static inline uint32_t tally_lowest(const struct tally *tally)
{
	return tally->chain[0].next;
}

#endif
