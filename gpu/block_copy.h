/* block_copy.h - blocks between a model's paged pool and pinned host memory, at the speed of the bus.
 *
 * In the host a block is one piece (kernels_blocks.h); in the pool it is 2 x layers pieces, each too small to be copied
 * over the bus by itself. So blocks pass through staging memory on the device: the copy engine moves a chunk of them
 * while a kernel gathers or scatters the chunk before. The engine loses 3 us between two copies, which small blocks
 * that lie scattered in the host cannot bear: those a kernel of few thread blocks moves over the bus itself. Loads and
 * stores have their own staging and streams, and run side by side.
 *
 * What is begun comes after what the model's stream was given before; the model's stream comes after it once joined.
 * Until block_copy_wait() the host memory is in use, and blocks of the pool until then or the join.
 */
#ifndef KVCAST_BLOCK_COPY_H
#define KVCAST_BLOCK_COPY_H

#include "kernels_blocks.h"
#include "llama.h"

struct block_copy;

/* The model outlives it. Holds 4 x 8 MiB of the device, or four blocks where they are larger. */
struct block_copy *block_copy_open(const struct llama *llama);
void block_copy_close(struct block_copy *copy);
/* Begins: pool block blocks[i] becomes what lies at host[i], which cudaMallocHost gave. Neighbours in the host are
 * copied in one go. */
void block_copy_load(struct block_copy *copy, const uint32_t *blocks, void *const *host, uint32_t count);
/* Begins: host[i] becomes what pool block blocks[i] holds. Stores are done in the order in which they were begun. */
void block_copy_store(struct block_copy *copy, const uint32_t *blocks, void *const *host, uint32_t count);
/* The model's next step waits for what was begun, on the device. */
void block_copy_join(struct block_copy *copy);
/* Returns when what was begun is done. */
void block_copy_wait(struct block_copy *copy);

/* For kernels_blocks.h. */
struct kernels_blocks_shape block_copy_shape(const struct block_copy *copy);

#endif
