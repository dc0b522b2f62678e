#include "kernels_blocks.h"

#define THREADS 256
#define AT_A_TIME 4 /* loads of a thread under way, for memory across the bus */

static __device__ void copy_words(uint4 *to, const uint4 *from, uint32_t words)
{
	for (uint32_t base = threadIdx.x; base < words; base += THREADS * AT_A_TIME) {
		uint4 held[AT_A_TIME];
#pragma unroll
		for (int k = 0; k < AT_A_TIME; k++) {
			if (base + k * THREADS < words)
				held[k] = from[base + k * THREADS];
		}
#pragma unroll
		for (int k = 0; k < AT_A_TIME; k++) {
			if (base + k * THREADS < words)
				to[base + k * THREADS] = held[k];
		}
	}
}

template <bool gathers>
static __global__ void move(const __grid_constant__ kernels_blocks_list list, const kernels_pool *pools, uint32_t pieces,
                            uint32_t words)
{
	for (uint32_t at = blockIdx.x; at < list.count * pieces; at += gridDim.x) {
		const uint32_t i = at / pieces, piece = at % pieces;
		bf16_bits *side = piece % 2 ? pools[piece / 2].values : pools[piece / 2].keys;
		uint4 *inside = (uint4 *)side + (size_t)list.blocks[i] * words;
		uint4 *outside = (uint4 *)list.outside[i] + (size_t)piece * words;
		copy_words(gathers ? outside : inside, gathers ? inside : outside, words);
	}
}

static uint32_t grid(const struct kernels_blocks_list *list, struct kernels_blocks_shape shape, uint32_t thread_blocks)
{
	const uint32_t all = list->count * 2 * shape.layers;
	return all < thread_blocks ? all : thread_blocks;
}

void kernels_blocks_gather(const struct kernels_blocks_list *list, struct kernels_blocks_shape shape, uint32_t thread_blocks,
                           cudaStream_t stream)
{
	move<true><<<grid(list, shape, thread_blocks), THREADS, 0, stream>>>(*list, shape.pools, 2 * shape.layers,
	                                                                     shape.piece_bytes / 16);
	GPU_LAUNCHED("gather of blocks");
}

void kernels_blocks_scatter(const struct kernels_blocks_list *list, struct kernels_blocks_shape shape, uint32_t thread_blocks,
                            cudaStream_t stream)
{
	move<false><<<grid(list, shape, thread_blocks), THREADS, 0, stream>>>(*list, shape.pools, 2 * shape.layers,
	                                                                      shape.piece_bytes / 16);
	GPU_LAUNCHED("scatter of blocks");
}
