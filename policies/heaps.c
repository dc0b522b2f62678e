#include "heaps.h"

#include <stdlib.h>

void heaps_open(struct heaps *heaps, uint32_t block_count, uint32_t heap_count, const uint32_t *depth)
{
	*heaps = (struct heaps){
	        .node = mem_alloc(block_count, sizeof(*heaps->node)),
	        .root = mem_alloc(heap_count, sizeof(*heaps->root)),
	        .depth = depth,
	};
	for (uint32_t k = 0; k < heap_count; k++)
		heaps->root[k] = BLOCK_NONE;
}

void heaps_close(struct heaps *heaps)
{
	free(heaps->node);
	free(heaps->root);
}

static bool before(const struct heaps *heaps, block_id a, block_id b)
{
	const struct heap_node *x = &heaps->node[a], *y = &heaps->node[b];
	if (x->first != y->first)
		return x->first < y->first;
	if (x->second != y->second)
		return x->second < y->second;
	if (heaps->depth[a] != heaps->depth[b])
		return heaps->depth[a] > heaps->depth[b];
	return a < b;
}

/* Joins two heaps, either of which may be empty: the larger root becomes the first child of the smaller. */
static block_id meld(struct heaps *heaps, block_id a, block_id b)
{
	if (a == BLOCK_NONE || b == BLOCK_NONE)
		return a == BLOCK_NONE ? b : a;
	const block_id top = before(heaps, a, b) ? a : b, under = top == a ? b : a;
	struct heap_node *node = heaps->node;
	node[under].next = node[top].child;
	node[under].prev = top;
	if (node[top].child != BLOCK_NONE)
		node[node[top].child].prev = under;
	node[top].child = under;
	return top;
}

/* Joins a row of siblings: neighbours in pairs from the left, then the pairs from the right. */
static block_id join_row(struct heaps *heaps, block_id row)
{
	struct heap_node *node = heaps->node;
	block_id pairs = BLOCK_NONE, joined = BLOCK_NONE;
	while (row != BLOCK_NONE) {
		const block_id a = row, b = node[a].next;
		row = b == BLOCK_NONE ? BLOCK_NONE : node[b].next;
		const block_id pair = meld(heaps, a, b);
		node[pair].next = pairs;
		pairs = pair;
	}
	while (pairs != BLOCK_NONE) {
		const block_id pair = pairs;
		pairs = node[pair].next;
		joined = meld(heaps, joined, pair);
	}
	return joined;
}

void heaps_push(struct heaps *heaps, uint32_t heap, block_id b, uint64_t first, uint64_t second)
{
	heaps->node[b] = (struct heap_node){first, second, BLOCK_NONE, BLOCK_NONE, BLOCK_NONE};
	heaps->root[heap] = meld(heaps, heaps->root[heap], b);
}

void heaps_remove(struct heaps *heaps, uint32_t heap, block_id b)
{
	struct heap_node *node = heaps->node;
	const block_id children = join_row(heaps, node[b].child);
	if (heaps->root[heap] == b) {
		heaps->root[heap] = children;
		return;
	}
	const block_id prev = node[b].prev, next = node[b].next;
	if (node[prev].child == b)
		node[prev].child = next;
	else
		node[prev].next = next;
	if (next != BLOCK_NONE)
		node[next].prev = prev;
	heaps->root[heap] = meld(heaps, heaps->root[heap], children);
}
