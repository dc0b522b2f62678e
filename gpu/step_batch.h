/* step_batch.h - a step of the engine as arrays: whose tokens, and where each sequence's blocks lie.
 *
 * Part i of the step has rows first_row .. first_row + new_tokens - 1 of `ids`, and its blocks' slots in `table` from
 * first_block on: as many as context and new tokens need. Slots are taken here for what a sequence has beside resident
 * blocks.
 */
#ifndef KVCAST_STEP_BATCH_H
#define KVCAST_STEP_BATCH_H

#include "backend.h"
#include "kv_pool.h"
#include "prompt_tokens.h"

struct step_batch_part {
	uint32_t first_row, new_tokens, context_tokens, first_block;
};

/* Arrays grow as needed; start with zeroes. */
struct step_batch {
	struct step_batch_part *parts;
	uint32_t *ids, *table;
	uint32_t part_count, token_count, table_count;
	uint32_t part_room, token_room, table_room;
};

void step_batch_fill(struct step_batch *batch, const struct step *step, uint32_t block_tokens, struct kv_pool *pool,
                     const struct prompt_tokens *tokens);
void step_batch_free(struct step_batch *batch);

#endif
