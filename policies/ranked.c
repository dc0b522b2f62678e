#include "ranked.h"

#include <stdlib.h>

#define FANOUT 4u

void ranked_open(struct ranked *ranked, uint32_t block_count, uint32_t most, const uint32_t *depth)
{
	*ranked = (struct ranked){
	        .depth = depth,
	        .most = most,
	        .at = mem_alloc(block_count, sizeof(*ranked->at)),
	        .heap = mem_alloc(most, sizeof(*ranked->heap)),
	};
	for (uint32_t b = 0; b < block_count; b++)
		ranked->at[b] = RANKED_OUT;
}

void ranked_close(struct ranked *ranked)
{
	free(ranked->heap);
	free(ranked->at);
}

static bool before(const struct ranked_entry *a, const struct ranked_entry *b)
{
	if (a->key.first != b->key.first)
		return a->key.first < b->key.first;
	if (a->key.second != b->key.second)
		return a->key.second < b->key.second;
	return a->place < b->place;
}

static block_id id_of(const struct ranked_entry *entry)
{
	return (block_id)entry->place;
}

static void put(struct ranked *ranked, uint32_t index, struct ranked_entry entry)
{
	ranked->heap[index] = entry;
	ranked->at[id_of(&entry)] = index;
}

static void sift_up(struct ranked *ranked, uint32_t index, struct ranked_entry entry)
{
	while (index > 0) {
		uint32_t up = (index - 1) / FANOUT;
		if (!before(&entry, &ranked->heap[up]))
			break;
		put(ranked, index, ranked->heap[up]);
		index = up;
	}
	put(ranked, index, entry);
}

static void sift_down(struct ranked *ranked, uint32_t index, struct ranked_entry entry)
{
	for (;;) {
		uint32_t down = index * FANOUT + 1;
		if (down >= ranked->count)
			break;
		uint32_t least = down;
		for (uint32_t i = down + 1; i < down + FANOUT && i < ranked->count; i++) {
			if (before(&ranked->heap[i], &ranked->heap[least]))
				least = i;
		}
		if (!before(&ranked->heap[least], &entry))
			break;
		put(ranked, index, ranked->heap[least]);
		index = least;
	}
	put(ranked, index, entry);
}

/* Fills an open top from the last entry. */
static void close_top(struct ranked *ranked)
{
	if (!ranked->open_top)
		return;
	ranked->open_top = false;
	ranked->count--;
	if (ranked->count > 0)
		sift_down(ranked, 0, ranked->heap[ranked->count]);
}

void ranked_push(struct ranked *ranked, block_id b, uint64_t first, uint64_t second)
{
	ASSERT(ranked->at[b] == RANKED_OUT);
	const struct ranked_entry entry = {
	        {first, second}, ((uint64_t)(UINT32_MAX - ranked->depth[b]) << 32) | b};
	if (ranked->open_top) {
		ranked->open_top = false;
		sift_down(ranked, 0, entry);
		return;
	}
	ASSERT(ranked->count < ranked->most);
	sift_up(ranked, ranked->count++, entry);
}

block_id ranked_top(struct ranked *ranked, struct ranked_key *key)
{
	close_top(ranked);
	if (ranked->count == 0)
		return BLOCK_NONE;
	if (key)
		*key = ranked->heap[0].key;
	return id_of(&ranked->heap[0]);
}

block_id ranked_pop(struct ranked *ranked)
{
	const block_id b = ranked_top(ranked, NULL);
	if (b != BLOCK_NONE) {
		ranked->at[b] = RANKED_OUT;
		ranked->open_top = true;
	}
	return b;
}

void ranked_remove(struct ranked *ranked, block_id b)
{
	close_top(ranked);
	const uint32_t index = ranked->at[b];
	if (index == RANKED_OUT)
		return;
	ranked->at[b] = RANKED_OUT;
	const struct ranked_entry last = ranked->heap[--ranked->count];
	if (index == ranked->count)
		return;
	if (index > 0 && before(&last, &ranked->heap[(index - 1) / FANOUT]))
		sift_up(ranked, index, last);
	else
		sift_down(ranked, index, last);
}
