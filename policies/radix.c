#include "radix.h"

#include <stdlib.h>

void radix_open(struct radix *radix, uint32_t block_count)
{
	*radix = (struct radix){.block_count = block_count};
	radix->nodes = mem_alloc((size_t)block_count + RADIX_LISTS, sizeof(*radix->nodes));
	for (block_id head = block_count; head < block_count + RADIX_LISTS; head++)
		radix->nodes[head] = (struct radix_node){head, head, 0};
}

void radix_close(struct radix *radix)
{
	free(radix->nodes);
}

/* Deals the blocks of a list out around its smallest key, in their order. */
static void deal(struct radix *radix, block_id head)
{
	struct radix_node *nodes = radix->nodes;
	uint64_t least = UINT64_MAX;
	for (block_id b = nodes[head].next; b != head; b = nodes[b].next) {
		if (nodes[b].key < least)
			least = nodes[b].key;
	}
	radix->base = least;
	block_id b = nodes[head].next;
	nodes[head].prev = nodes[head].next = head;
	while (b != head) {
		const block_id next = nodes[b].next;
		radix_push(radix, b, nodes[b].key);
		b = next;
	}
}

/* A list of the lowest level holds a single key: it becomes the front list, which is empty, as it is. */
static void adopt(struct radix *radix, block_id head)
{
	struct radix_node *nodes = radix->nodes;
	const block_id front = radix->block_count, first = nodes[head].next, last = nodes[head].prev;
	radix->base = nodes[first].key;
	nodes[first].prev = nodes[last].next = front;
	nodes[front] = (struct radix_node){last, first, 0};
	nodes[head] = (struct radix_node){head, head, 0};
}

/* The lowest list beside the front one that holds something, off the map of filled ones; the front one where none does. */
static block_id lowest_list(struct radix *radix)
{
	while (radix->levels) {
		const uint32_t level = (uint32_t)__builtin_ctz(radix->levels);
		const uint32_t digit = (uint32_t)__builtin_ctzll(radix->filled[level]);
		const block_id head = radix->block_count + 1 + (level << RADIX_BITS) + digit;
		radix->filled[level] &= radix->filled[level] - 1;
		if (radix->filled[level] == 0)
			radix->levels &= radix->levels - 1;
		if (radix->nodes[head].next != head)
			return head;
	}
	return radix->block_count;
}

bool radix_settle(struct radix *radix)
{
	const block_id front = radix->block_count;
	if (radix->nodes[front].next != front)
		return true;
	const block_id head = lowest_list(radix);
	if (head == front)
		return false;
	if (head <= front + (1u << RADIX_BITS))
		adopt(radix, head);
	else
		deal(radix, head);
	return true;
}

block_id radix_pop(struct radix *radix)
{
	if (!radix_settle(radix))
		return BLOCK_NONE;
	const block_id b = radix->nodes[radix->block_count].next;
	radix_take(radix, b);
	return b;
}
