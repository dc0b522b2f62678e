/* kernels_blocks.h - whole blocks between the paged pool and memory where each is one piece.
 *
 * Outside the pool a block lies layer by layer, its keys before its values: 2 x layers pieces of piece_bytes, a
 * multiple of 16. That memory is the device's, or the host's if cudaMallocHost gave it; then the kernel reaches over
 * the bus.
 */
#ifndef KVCAST_KERNELS_BLOCKS_H
#define KVCAST_KERNELS_BLOCKS_H

#include "kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KERNELS_BLOCKS_MOST 64

struct kernels_blocks_list {
	uint32_t count;
	uint32_t blocks[KERNELS_BLOCKS_MOST]; /* of the pool */
	void *outside[KERNELS_BLOCKS_MOST];   /* where each goes or comes from */
};

struct kernels_blocks_shape {
	const struct kernels_pool *pools; /* by layer, on the device */
	uint32_t layers, piece_bytes;
};

/* By so many thread blocks at most: the bus is busy with a few, and the other multiprocessors free for something else.
 */
void kernels_blocks_gather(const struct kernels_blocks_list *list, struct kernels_blocks_shape shape,
			   uint32_t thread_blocks, cudaStream_t stream);
void kernels_blocks_scatter(const struct kernels_blocks_list *list, struct kernels_blocks_shape shape,
			    uint32_t thread_blocks, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
