/* slots.h - a backend that keeps keys and values as the GPU does, with what they stand for in place of numbers.
 *
 * It is made of the GPU backend's own parts (kv_pool.h, prompt_tokens.h, step_batch.h). A slot's places hold hashes of the
 * token there and all tokens before it. A step writes those of its new tokens where its tables say, and then reads every
 * sequence from the root through its table: each place has to hold exactly what the sequence's context is. Freed slots are
 * poisoned before the next step. What goes to lower tiers and comes from there is the same hashes, looked at on the way.
 *
 * Who holds which block is kept as a list, and the tokens that several hold are counted from it at every step.
 *
 * Wrong content, a slot with two owners, a read of something dropped, a store of something that is nowhere, or a step with another
 * number of repeated tokens: asserted.
 */
#ifndef KVCAST_SLOTS_H
#define KVCAST_SLOTS_H

#include "backend.h"
#include "calibration.h"
#include "make_trace.h"

struct slots;

/* What is planted to see that it is found; SLOTS_PLANT_NONE otherwise. */
enum slots_plant {
	SLOTS_PLANT_NONE,
	SLOTS_PLANT_FORGET_DROP,   /* a dropped block stays where it was */
	SLOTS_PLANT_SKIP_ADOPTION, /* a block that becomes resident is not where its sequence computed it */
	SLOTS_PLANT_STORE_NOTHING, /* a store leaves what was there */
	SLOTS_PLANT_LOAD_NEXT,     /* a load brings a path's blocks a place too far */
};

struct slots_config {
	uint64_t capacity_blocks; /* 0: no limit */
	const struct calibration *calibration;
	bool erratic; /* steps and transfers take random times, and one load in eight fails; else as the cost model says */
	uint64_t seed;
	enum slots_plant plant;
};

extern const struct backend_ops slots_backend;

struct slots *slots_open(const struct trace *trace, const struct slots_config *config);
/* Accepts NULL. */
void slots_close(struct slots *slots);

#endif
