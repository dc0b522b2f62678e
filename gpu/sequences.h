/* sequences.h - prompts under way, and the batch of a step over some of them.
 *
 * A sequence has computed ids[0..done-1], whose keys and values lie in the blocks of `table`; the arrays are the caller's.
 * Sequences may share blocks. Those of one step may even be pieces of one prompt, each with the tokens before it as its
 * context: every layer writes all new keys before it attends.
 */
#ifndef KVCAST_SEQUENCES_H
#define KVCAST_SEQUENCES_H

#include "llama.h"

struct sequence {
	const uint32_t *ids, *table;
	uint32_t done;
};

struct sequences_part {
	struct sequence *sequence;
	uint32_t new_tokens;
};

/* Computes the next tokens of each and waits; best and logits as llama_step(). The model is poisoned before. */
void sequences_step(struct llama *llama, const struct sequences_part *parts, uint32_t count, uint32_t *best, float *logits);

#endif
