#include "step_batch.h"

#include <stdlib.h>

static void *room_for(void *array, uint32_t count, uint32_t *room, size_t size)
{
	if (count <= *room)
		return array;
	*room = count + count / 2;
	return mem_grow(array, *room, size);
}

void step_batch_fill(struct step_batch *batch, const struct step *step, uint32_t block_tokens, struct kv_pool *pool,
                     const struct prompt_tokens *tokens)
{
	batch->part_count = batch->token_count = batch->table_count = 0;
	batch->parts = room_for(batch->parts, step->count, &batch->part_room, sizeof(*batch->parts));
	for (uint32_t i = 0; i < step->count; i++) {
		const struct step_part *part = &step->parts[i];
		const uint64_t all_tokens = part->context_tokens + part->new_tokens;
		const uint32_t blocks = (uint32_t)((all_tokens + block_tokens - 1) / block_tokens);
		batch->parts[batch->part_count++] = (struct step_batch_part){
		        .first_row = batch->token_count,
		        .new_tokens = part->new_tokens,
		        .context_tokens = (uint32_t)part->context_tokens,
		        .first_block = batch->table_count,
		};
		batch->ids = room_for(batch->ids, batch->token_count + part->new_tokens, &batch->token_room, sizeof(*batch->ids));
		prompt_tokens_read(tokens, part->request, part->context_tokens, part->new_tokens, batch->ids + batch->token_count);
		batch->token_count += part->new_tokens;
		batch->table = room_for(batch->table, batch->table_count + blocks, &batch->table_room, sizeof(*batch->table));
		for (uint32_t place = 0; place < blocks; place++)
			batch->table[batch->table_count++] = kv_pool_place(pool, part->request, place);
	}
}

void step_batch_free(struct step_batch *batch)
{
	free(batch->parts);
	free(batch->ids);
	free(batch->table);
	*batch = (struct step_batch){0};
}
