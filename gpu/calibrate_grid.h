/* calibrate_grid.h - which steps a calibration measures.
 *
 * Prompts alone over a dense list of sizes, each cold and after cached prefixes; several prompts in one step; batches that decode,
 * over counts and contexts; the same with a prefix that all share; prompts and decodes after rounds of work and rest, as a chip that
 * has worked for a while is slower; and steps drawn at random (prompts, decodes, both, sizes log-uniform), which fall between the
 * listed ones as a server's do. What does not fit the limits is left out. Equal limits and seeds give equal grids.
 */
#ifndef KVCAST_CALIBRATE_GRID_H
#define KVCAST_CALIBRATE_GRID_H

#include "samples.h"

struct calibrate_grid_limits {
	uint32_t most_tokens, most_sequences; /* of a step */
	uint32_t block_tokens, pool_blocks;
};

/* Cells in random order, without times; the caller frees them. */
struct sample *calibrate_grid_make(const struct calibrate_grid_limits *limits, uint64_t seed, size_t *count);
uint32_t calibrate_grid_rows(const struct sample *cell);
/* Blocks of all its sequences, those that they share once; and entries of their tables, which name those again. */
uint64_t calibrate_grid_blocks(const struct sample *cell, uint32_t block_tokens);
uint32_t calibrate_grid_table(const struct sample *cell, uint32_t block_tokens);

#endif
