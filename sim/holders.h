/* holders.h - how many sequences that decode hold each block, to know how much of what they attend to is the same.
 *
 * A block that n of them hold is repeated n - 1 times. Prompts are left out: what they share is another term's business
 * (calibration.h, keys), and must not make up for what unrelated decodes read.
 */
#ifndef KVCAST_HOLDERS_H
#define KVCAST_HOLDERS_H

#include "path.h"

/* Zeroed: nobody is counted, and nothing is repeated. */
struct holders {
	uint32_t *counts; /* [block_count] */
	uint64_t repeated_blocks;
};

void holders_open(struct holders *holders, uint32_t block_count);
void holders_close(struct holders *holders);
/* A sequence holds the first `count` blocks of `path`; and lets go of them. */
void holders_add(struct holders *holders, struct path path, uint32_t count);
void holders_remove(struct holders *holders, struct path path, uint32_t count);

#endif
