/* backend.h - what the engine asks of whoever does the work: how long did it take?
 *
 * The engine decides which sequences run, which blocks they get and what is moved; a backend does it and says how long it
 * took, in ns of simulated time. cost_model.c predicts; a GPU harness measures. Neither decides anything.
 *
 * A backend that keeps keys and values has to know where they belong; the engine tells it whose each block is:
 *
 *   answer    the blocks that a request's answer will fill, where the trace shows them
 *   hold      blocks of a path are the request's from now on: hit, computed in the step that is being put together (or
 *             just over), loaded, or filled by its answer. They are blocks of tier 0 and stay there until released
 *   release   the request lets go of all blocks, and of what it has beside them
 *   store_ns  a tier takes a block from another that has it, also where that is about to drop it
 *   load_ns   blocks are copied out of a tier into memory of the request's own; hold may make them tier 0's later
 *   trim      of what was loaded, blocks from `place` on are of no use
 *   drop      a tier has lost a block
 *
 * What store_ns and load_ns say is booked on the tier's link, one after the other: it keeps later transfers of that tier
 * waiting, and no step. A store may say how long its caller was kept, and go on writing; what meets it later says so much more.
 *
 * Between hold and release a request has memory for as many blocks beside those it holds as it has reserved: there are never
 * more blocks of tier 0 and reserved ones than tier 0 has room for. A block of tier 0 is computed when the step is over whose
 * building brought it, so within that step others may use it already.
 */
#ifndef KVCAST_BACKEND_H
#define KVCAST_BACKEND_H

#include "path.h"

/* One sequence's part in a step: `new_tokens` are computed over `context_tokens` that are there already. */
struct step_part {
	uint32_t request; /* index in service order */
	uint32_t new_tokens;
	uint64_t context_tokens;
	bool decode; /* one token of an answer */
};

/* What the replica's device did before: the engine keeps it, zeroed at first, for the backend, which alone reads and writes it. */
struct device_history {
	uint64_t levels[2]; /* of load, over a short time and a long one (calibration.h), in 2^-32, */
	int64_t until_ns;   /* at this time, from when on there was none */
};

struct step {
	const struct step_part *parts;
	uint32_t count;
	uint64_t repeated_tokens; /* of the context of parts that decode: counted for each part that has them, less counted once */
	int64_t start_ns;
	struct device_history *history; /* NULL: a rested device */
};

/* What a transfer took, where it is not a number of ns. */
#define BACKEND_AS_LINK 0  /* not measured: as long as the link's figures say */
#define BACKEND_FAILED (-1) /* loads only: what came is of no use, and the tier loses it */

struct backend_ops {
	/* Does one step; its duration, > 0. Once for every step, in order of a replica's time. */
	int64_t (*step_ns)(void *backend, const struct step *step);
	/* Does `steps` steps of a batch that only decodes, each a token further than the one before: their durations' sum,
	 * equal to what step_ns would have added up to, and changing nothing. NULL: the engine takes single steps. */
	int64_t (*decode_ns)(void *backend, const struct step *step, uint64_t steps);
	/* The duration of computing `new_tokens` of one prompt after `context_tokens`, alone: what a load is weighed against. */
	int64_t (*alone_ns)(void *backend, uint64_t new_tokens, uint64_t context_tokens);

	/* The engine's clock is about to show `now_ns`: a backend that works in true time waits for it. NULL: nothing to do. */
	void (*advance)(void *backend, int64_t now_ns);

	/* The rest is NULL where nothing is kept. Block `from` of `path` is block `place` of the sequence, and so on. */
	void (*answer)(void *backend, uint32_t request, struct path path, uint32_t from, uint32_t to, uint32_t place);
	void (*hold)(void *backend, uint32_t request, struct path path, uint32_t from, uint32_t to, uint32_t place);
	void (*release)(void *backend, uint32_t request);
	int64_t (*store_ns)(void *backend, uint32_t from_tier, uint32_t tier, block_id b);
	int64_t (*load_ns)(void *backend, uint32_t request, uint32_t tier, struct path path, uint32_t from, uint32_t to);
	void (*trim)(void *backend, uint32_t request, uint32_t place);
	void (*drop)(void *backend, uint32_t tier, block_id b);
};

#endif
