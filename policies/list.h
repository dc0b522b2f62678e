/* list.h - doubly linked lists through block ids: one array of links for any number of lists, O(1) everything.
 *
 * A list's head is a node of its own at index block_count + k; lists are circular, so no end is special. A block is in
 * at most one list of an array. The front is the end that goes first ("oldest"), the back the end that goes last.
 */
#ifndef KVCAST_LIST_H
#define KVCAST_LIST_H

#include "base.h"

struct link {
	block_id prev, next;
};

/* Links for `block_count` blocks and `heads` lists, all lists empty. free() releases it. */
static inline struct link *list_open(uint32_t block_count, uint32_t heads)
{
	struct link *links = mem_alloc((size_t)block_count + heads, sizeof(*links));
	for (uint32_t k = 0; k < heads; k++)
		links[block_count + k] = (struct link){block_count + k, block_count + k};
	return links;
}

static inline bool list_empty(const struct link *links, block_id head)
{
	return links[head].next == head;
}

/* Puts b before `place` (a head: at the back). */
static inline void list_put_before(struct link *links, block_id place, block_id b)
{
	block_id prev = links[place].prev;
	links[b] = (struct link){prev, place};
	links[prev].next = b;
	links[place].prev = b;
}

static inline void list_push_back(struct link *links, block_id head, block_id b)
{
	list_put_before(links, head, b);
}

static inline void list_push_front(struct link *links, block_id head, block_id b)
{
	list_put_before(links, links[head].next, b);
}

static inline void list_take(struct link *links, block_id b)
{
	const struct link at = links[b];
	links[at.prev].next = at.next;
	links[at.next].prev = at.prev;
}

/* The same, and `near` is then where b was: the block after it, or the head. */
static inline void list_take_near(struct link *links, block_id b, block_id *near)
{
	*near = links[b].next;
	list_take(links, b);
}

/* For lists that must know whether a block is in one: a block that is out is linked to itself. */
static inline void list_set_out(struct link *links, block_id b)
{
	links[b] = (struct link){b, b};
}

static inline bool list_is_out(const struct link *links, block_id b)
{
	return links[b].next == b;
}

/* Takes the front block out and returns it; BLOCK_NONE when the list is empty. */
static inline block_id list_pop_front(struct link *links, block_id head)
{
	const block_id b = links[head].next;
	if (b == head)
		return BLOCK_NONE;
	list_take(links, b);
	return b;
}

/* Puts b where it belongs in a list that is in order of `seq`, oldest at the front, of equals the deeper first. Looks from
 * the back when b is the newest and else from `near`, a block of the list or its head, both ways: meant for orders in
 * which b is nearly always at the back or near the one that left last. */
static inline void list_put_by_seq(struct link *links, block_id head, block_id b, const uint64_t *seq,
                                   const uint32_t *depth, block_id near)
{
	const block_id newest = links[head].prev;
	if (newest == head || seq[newest] < seq[b]) {
		list_push_back(links, head, b);
		return;
	}
	/* First down to one that belongs before b, or the head, then up to the first that does not. */
	block_id place = near == head ? links[head].next : near;
	while (place != head && (seq[place] > seq[b] || (seq[place] == seq[b] && depth[place] <= depth[b])))
		place = links[place].prev;
	do
		place = links[place].next;
	while (place != head && (seq[place] < seq[b] || (seq[place] == seq[b] && depth[place] > depth[b])));
	list_put_before(links, place, b);
}

/* Asks memory for what list_take(b) will write to. */
static inline void list_prefetch_around(const struct link *links, block_id b)
{
	__builtin_prefetch(&links[links[b].prev], 1);
	__builtin_prefetch(&links[links[b].next], 1);
}

#endif
