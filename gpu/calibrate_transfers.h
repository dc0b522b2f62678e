/* calibrate_transfers.h - how long blocks take from and to lower tiers.
 *
 * A transfer moves blocks of the pool and is over when all have arrived: between pool and pinned host memory (block_copy.h);
 * for disk and archive through host memory, one after the other. Random keys and values, as packing depends on them; what is
 * read comes back as it was written, or the calibration fails.
 */
#ifndef KVCAST_CALIBRATE_TRANSFERS_H
#define KVCAST_CALIBRATE_TRANSFERS_H

#include "llama.h"
#include "samples.h"

struct calibrate_transfers {
	struct llama *llama; /* its pool filled, of at least CALIBRATE_TRANSFERS_BLOCKS blocks */
	const char *folder;  /* for disk and archive; NULL: host only */
	uint32_t block_tokens, repeats;
	double (*now_ns)(void);
};

#define CALIBRATE_TRANSFERS_BLOCKS 256u
#define CALIBRATE_TRANSFERS_MOST   64

/* Fills `samples` [CALIBRATE_TRANSFERS_MOST]; how many, or -1 and a sentence. */
int calibrate_transfers_measure(const struct calibrate_transfers *what, struct sample *samples, struct err *err);

#endif
