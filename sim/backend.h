/* backend.h - what the engine asks of whoever does the work: how long did it take?
 *
 * The engine decides which sequences run, which blocks they get and what is moved; a backend does it and says how long it
 * took, in ns of simulated time. cost_model.c predicts; a GPU harness measures. Neither decides anything.
 */
#ifndef KVCAST_BACKEND_H
#define KVCAST_BACKEND_H

#include "base.h"

/* One sequence's part in a step: `new_tokens` are computed over `context_tokens` that are there already. */
struct step_part {
	uint32_t request; /* index in service order */
	uint32_t new_tokens;
	uint64_t context_tokens;
	bool decode; /* one token of an answer */
};

struct step {
	const struct step_part *parts;
	uint32_t count;
};

struct backend_ops {
	/* Does one step; its duration, > 0. */
	int64_t (*step_ns)(void *backend, const struct step *step);
	/* Does `steps` steps of a batch that only decodes, each a token further than the one before: their durations' sum,
	 * equal to what step_ns would have added up to. NULL: the engine takes single steps. */
	int64_t (*decode_ns)(void *backend, const struct step *step, uint64_t steps);
	/* The duration of computing `new_tokens` of one prompt after `context_tokens`, alone: what a load is weighed against. */
	int64_t (*alone_ns)(void *backend, uint64_t new_tokens, uint64_t context_tokens);
};

#endif
