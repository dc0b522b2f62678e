/* attention_tile.cuh - what the prompt kernels share: the rows of a tile, and where their results go. */
#ifndef KVCAST_ATTENTION_TILE_CUH
#define KVCAST_ATTENTION_TILE_CUH

#include "attention.h"
#include "mma.cuh"

/* What a thread block computes. Row r of the tile is query first_row + r of the sequence's queries that share a key head,
 * counted token by token: token (first_row + r) / group, its head (first_row + r) % group of the group. */
struct Place {
	attention_sequence sequence;
	uint32_t kv_head, group, first_row, rows;

	__device__ uint32_t token(uint32_t row) const
	{
		return (first_row + row) / group;
	}
	__device__ uint32_t head(uint32_t row) const
	{
		return kv_head * group + (first_row + row) % group;
	}
};

static __device__ Place find_place(const attention_sequence *sequences, attention_tile tile, uint32_t kv_head,
                                   attention_shape shape)
{
	const uint32_t group = shape.heads / shape.kv_heads;
	const attention_sequence sequence = sequences[tile.sequence];
	const uint32_t left = sequence.new_tokens * group - tile.first_row;
	return {sequence, kv_head, group, tile.first_row, left < ATTENTION_TILE ? left : ATTENTION_TILE};
}

/* Where a tile is whole, its rows go out; where its keys are cut into parts, their sums, maxima and totals do. */
template <int HEAD>
static __device__ void finish(bf16_bits *out, float *part, const Place &place, const float sums[HEAD / 8][4],
                              const float most[2], float total[2], uint32_t heads, float scale)
{
	const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
#pragma unroll
	for (int h = 0; h < 2; h++) {
		total[h] += __shfl_xor_sync(~0u, total[h], 1);
		total[h] += __shfl_xor_sync(~0u, total[h], 2);
		const uint32_t row = warp * 16 + lane / 4 + 8 * h;
		if (row >= place.rows)
			continue;
		if (part) {
			float *to = part + row * (HEAD + 2);
#pragma unroll
			for (int n = 0; n < HEAD / 8; n++)
				*(float2 *)(to + 2 + n * 8 + lane % 4 * 2) = make_float2(sums[n][2 * h], sums[n][2 * h + 1]);
			if (lane % 4 == 0)
				*(float2 *)to = make_float2(most[h] * scale, total[h]);
			continue;
		}
		const float by = 1 / total[h];
		bf16_bits *to = out + ((size_t)(place.sequence.first_row + place.token(row)) * heads + place.head(row)) * HEAD;
#pragma unroll
		for (int n = 0; n < HEAD / 8; n++)
			*(uint32_t *)(to + n * 8 + lane % 4 * 2) = mma_pack(sums[n][2 * h] * by, sums[n][2 * h + 1] * by);
	}
}

/* The floats that a part of a tile leaves: of each row its maximum, its total, its sums. */
static __device__ float *part_at(float *work, uint32_t tile, uint32_t kv_head, uint32_t part, uint32_t parts,
                                 attention_shape shape)
{
	const size_t index = ((size_t)tile * shape.kv_heads + kv_head) * parts + part;
	return work + index * ATTENTION_TILE * (shape.head_size + 2);
}

/* The kernel for sm_90a, head sizes 64 and 128: the arguments of attention_prefill(), but it leaves the parts as they are. */
bool attention_wgmma_runs(void);
void attention_wgmma(bf16_bits *out, const bf16_bits *qkv, kernels_pool pool, const attention_sequence *sequences,
                     const uint32_t *table, const attention_tile *tiles, uint32_t tile_count, uint32_t parts, void *work,
                     attention_shape shape, cudaStream_t stream);

#endif
