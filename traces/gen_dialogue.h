/* gen_dialogue.h - questions about a manual and answers to them, in sentences.
 *
 * Each is one paragraph, "Question: ..." or "Answer: ...", ended by a blank line. It opens with a set phrase about a
 * passage of the manual and goes on quoting the manual with connecting words for as long as one more sentence brings
 * it nearer to the wanted length: lengths follow what is wanted on the whole, and texts end where sentences do. The
 * texts are no knowledge; they have the vocabulary, the lengths and the repetition of the real thing.
 */
#ifndef KVCAST_GEN_DIALOGUE_H
#define KVCAST_GEN_DIALOGUE_H

#include "gen_manual.h"

#include <gsl/gsl_rng.h>

struct gen_dialogue {
	const struct gen_manual *manual;
	gsl_rng *rng;
	uint32_t *tokens; /* scratch, the caller's to free() */
	size_t capacity;
};

/* Append to `to`; return the length in tokens. */
size_t gen_dialogue_question(struct gen_dialogue *dialogue, uint64_t wanted_tokens, struct gen_text *to);
size_t gen_dialogue_answer(struct gen_dialogue *dialogue, uint64_t wanted_tokens, struct gen_text *to);

#endif
