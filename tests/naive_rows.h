/* naive_rows.h - a queue as an array in order, the block that goes first at its front, for the twins of rules with queues. */
#ifndef KVCAST_NAIVE_ROWS_H
#define KVCAST_NAIVE_ROWS_H

#include "naive.h"

#include <stdlib.h>
#include <string.h>

/* The blocks that one request puts in one after the other, root to tail, stand deepest first: each goes before those. */
struct naive_row {
	block_id *at;
	uint32_t count;
	uint32_t group; /* where they begin */
	uint32_t group_depth;
	uint64_t group_seq;
};

static inline struct naive_row naive_row_open(uint32_t blocks)
{
	return (struct naive_row){.at = mem_alloc(blocks, sizeof(block_id)), .group_seq = UINT64_MAX};
}

static inline void naive_row_close(struct naive_row *row)
{
	free(row->at);
}

static inline void naive_row_put(struct naive_row *row, uint32_t place, block_id b)
{
	memmove(row->at + place + 1, row->at + place, (row->count - place) * sizeof(block_id));
	row->at[place] = b;
	row->count++;
}

/* Takes b, which is in, out; where it was. */
static inline uint32_t naive_row_take(struct naive_row *row, block_id b)
{
	uint32_t place = 0;
	while (row->at[place] != b)
		place++;
	memmove(row->at + place, row->at + place + 1, (row->count - place - 1) * sizeof(block_id));
	row->count--;
	row->group -= place < row->group;
	return place;
}

static inline void naive_row_append(struct naive_row *row, block_id b)
{
	row->group_seq = UINT64_MAX;
	naive_row_put(row, row->count, b);
}

static inline void naive_row_join(const struct naive *model, struct naive_row *row, block_id b)
{
	const uint32_t depth = model->config.trace->depth[b];
	if (row->group_seq != model->seq || row->group_depth >= depth) {
		row->group = row->count;
		row->group_seq = model->seq;
	}
	row->group_depth = depth;
	naive_row_put(row, row->group, b);
}

static inline block_id naive_row_first_idle(const struct naive *model, const struct naive_row *row)
{
	for (uint32_t i = 0; i < row->count; i++) {
		if (naive_idle(model, row->at[i]))
			return row->at[i];
	}
	return BLOCK_NONE;
}

#endif
