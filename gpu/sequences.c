#include "sequences.h"

#include <stdlib.h>
#include <string.h>

void sequences_step(struct llama *llama, const struct sequences_part *parts, uint32_t count, uint32_t *best, float *logits)
{
	const uint32_t block_tokens = llama_block_tokens(llama), vocabulary = llama_model(llama)->vocabulary;
	struct attention_sequence *sequences = mem_alloc(count, sizeof(*sequences));
	uint32_t rows = 0, blocks = 0;
	for (uint32_t s = 0; s < count; s++) {
		struct sequence *sequence = parts[s].sequence;
		sequences[s] = (struct attention_sequence){rows, parts[s].new_tokens, sequence->done, blocks};
		sequence->done += parts[s].new_tokens;
		rows += parts[s].new_tokens;
		blocks += (sequence->done + block_tokens - 1) / block_tokens;
	}
	uint32_t *ids = mem_alloc(rows, sizeof(*ids)), *table = mem_alloc(blocks, sizeof(*table));
	for (uint32_t s = 0; s < count; s++) {
		const struct sequence *sequence = parts[s].sequence;
		const uint32_t used = (sequence->done + block_tokens - 1) / block_tokens;
		memcpy(ids + sequences[s].first_row, sequence->ids + sequences[s].context_tokens, parts[s].new_tokens * sizeof(*ids));
		memcpy(table + sequences[s].first_block, sequence->table, used * sizeof(*table));
	}
	memset(best, 0xff, count * sizeof(*best));
	if (logits)
		memset(logits, 0xff, (size_t)count * vocabulary * sizeof(*logits));
	llama_poison(llama);
	llama_step(llama, &(struct llama_batch){sequences, count, ids, rows, table, blocks}, best, logits);
	llama_wait(llama);
	free(sequences);
	free(ids);
	free(table);
}
