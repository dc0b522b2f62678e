#include "kernels_blocks.h"

#define THREADS 256
#define AT_A_TIME 4 /* loads of a thread under way, for memory across the bus */

template <bool gathers>
static __global__ void move(const __grid_constant__ kernels_blocks_list list, const kernels_pool *pools, uint32_t words)
{
	const uint32_t layer = blockIdx.x / 2;
	bf16_bits *side = blockIdx.x % 2 ? pools[layer].values : pools[layer].keys;
	uint4 *inside = (uint4 *)side + (size_t)list.blocks[blockIdx.y] * words;
	uint4 *outside = (uint4 *)list.outside[blockIdx.y] + (size_t)blockIdx.x * words;
	const uint4 *from = gathers ? inside : outside;
	uint4 *to = gathers ? outside : inside;
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

void kernels_blocks_gather(const struct kernels_blocks_list *list, struct kernels_blocks_shape shape, cudaStream_t stream)
{
	const dim3 grid(2 * shape.layers, list->count);
	move<true><<<grid, THREADS, 0, stream>>>(*list, shape.pools, shape.piece_bytes / 16);
	GPU_LAUNCHED("gather of blocks");
}

void kernels_blocks_scatter(const struct kernels_blocks_list *list, struct kernels_blocks_shape shape, cudaStream_t stream)
{
	const dim3 grid(2 * shape.layers, list->count);
	move<false><<<grid, THREADS, 0, stream>>>(*list, shape.pools, shape.piece_bytes / 16);
	GPU_LAUNCHED("scatter of blocks");
}
