/* attention_prefill.cu - prompts: a thread block takes 128 queries of one head, a warp 16 of them, and goes through the
 * keys in tiles of 64, the next tile's copies running under the current one's products. */
#include "attention.h"
#include "mma.cuh"

#define WARPS (ATTENTION_TILE / 16)
#define THREADS (WARPS * 32)
#define KEYS 64

template <int HEAD>
static __host__ __device__ constexpr int tile_bytes(int rows)
{
	return rows * (HEAD * 2 + 16);
}

template <int HEAD>
static __host__ __device__ constexpr int shared_bytes()
{
	return tile_bytes<HEAD>(ATTENTION_TILE) + 4 * tile_bytes<HEAD>(KEYS);
}

struct Keys {
	const bf16_bits *pool;
	const uint32_t *table;
	uint32_t block_tokens, stride, count; /* stride: values a token slot; count: keys there are */
};

/* Copies keys first..first+63 of one head into a tile; what is beyond the end becomes zeros. */
template <int HEAD>
static __device__ void copy_keys(uint32_t to, const Keys &keys, uint32_t first)
{
	constexpr int PIECES = HEAD / 8;
	for (int i = threadIdx.x; i < KEYS * PIECES; i += THREADS) {
		const int row = i / PIECES, piece = i % PIECES;
		const uint32_t position = first + row;
		const bool valid = position < keys.count;
		const uint32_t at = valid ? position : 0;
		const size_t slot = (size_t)keys.table[at / keys.block_tokens] * keys.block_tokens + at % keys.block_tokens;
		mma_copy(mma_at<HEAD>(to, row, piece), keys.pool + slot * keys.stride + piece * 8, valid);
	}
}

/* scores += queries (16 rows of this warp) x keys (64) */
template <int HEAD>
static __device__ void score(float scores[KEYS / 8][4], const uint32_t queries[HEAD / 16][4], uint32_t tile)
{
	const int lane = threadIdx.x % 32;
#pragma unroll
	for (int n = 0; n < KEYS / 16; n++) {
#pragma unroll
		for (int k = 0; k < HEAD / 16; k++) {
			uint32_t b[4];
			mma_load(b, mma_at<HEAD>(tile, n * 16 + lane % 8 + lane / 16 * 8, k * 2 + lane / 8 % 2));
			mma_16x8x16(scores[2 * n], queries[k], b);
			mma_16x8x16(scores[2 * n + 1], queries[k], b + 2);
		}
	}
}

/* sums += weights (16 x 64) x values (64 x HEAD) */
template <int HEAD>
static __device__ void mix(float sums[HEAD / 8][4], const float weights[KEYS / 8][4], uint32_t tile)
{
	const int lane = threadIdx.x % 32;
#pragma unroll
	for (int k = 0; k < KEYS / 16; k++) {
		const float(*w)[4] = weights + 2 * k;
		const uint32_t a[4] = {mma_pack(w[0][0], w[0][1]), mma_pack(w[0][2], w[0][3]), mma_pack(w[1][0], w[1][1]),
		                       mma_pack(w[1][2], w[1][3])};
#pragma unroll
		for (int n = 0; n < HEAD / 16; n++) {
			uint32_t b[4];
			mma_load_transposed(b, mma_at<HEAD>(tile, k * 16 + lane % 16, n * 2 + lane / 16));
			mma_16x8x16(sums[2 * n], a, b);
			mma_16x8x16(sums[2 * n + 1], a, b + 2);
		}
	}
}

/* Online softmax: scores become weights, in place; sums and totals are rescaled to the new maximum. `last[h]` is the last
 * key that row h of the lane's two may see, relative to the tile. */
template <int HEAD>
static __device__ void soften(float scores[KEYS / 8][4], float sums[HEAD / 8][4], float most[2], float total[2],
                              const int last[2], bool masked, float scale)
{
	const int lane = threadIdx.x % 32;
#pragma unroll
	for (int h = 0; h < 2; h++) {
		float best = most[h];
#pragma unroll
		for (int n = 0; n < KEYS / 8; n++) {
#pragma unroll
			for (int c = 0; c < 2; c++) {
				float &value = scores[n][2 * h + c];
				if (masked && n * 8 + lane % 4 * 2 + c > last[h])
					value = -INFINITY;
				best = fmaxf(best, value);
			}
		}
		best = fmaxf(best, __shfl_xor_sync(~0u, best, 1));
		best = fmaxf(best, __shfl_xor_sync(~0u, best, 2));
		/* A row past the end of its sequence sees nothing: keep its numbers finite. */
		const float at = best == -INFINITY ? 0 : best * scale;
		const float shrink = exp2f(most[h] * scale - at);
		most[h] = best;
		float sum = 0;
#pragma unroll
		for (int n = 0; n < KEYS / 8; n++) {
#pragma unroll
			for (int c = 0; c < 2; c++) {
				float &value = scores[n][2 * h + c];
				value = exp2f(value * scale - at);
				sum += value;
			}
		}
		total[h] = total[h] * shrink + sum;
#pragma unroll
		for (int n = 0; n < HEAD / 8; n++) {
			sums[n][2 * h] *= shrink;
			sums[n][2 * h + 1] *= shrink;
		}
	}
}

template <int HEAD>
static __global__ void __launch_bounds__(THREADS, 1)
        prefill(bf16_bits *out, const bf16_bits *qkv, kernels_pool pool, const attention_sequence *sequences,
                const uint32_t *table, const attention_tile *tiles, attention_shape shape, float scale)
{
	extern __shared__ __align__(128) uint8_t shared[];
	const uint32_t query_tile = (uint32_t)__cvta_generic_to_shared(shared);
	const uint32_t key_tiles = query_tile + tile_bytes<HEAD>(ATTENTION_TILE), value_tiles = key_tiles + 2 * tile_bytes<HEAD>(KEYS);
	const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
	const attention_tile tile = tiles[blockIdx.y];
	const attention_sequence sequence = sequences[tile.sequence];
	const uint32_t head = blockIdx.x, kv_head = head / (shape.heads / shape.kv_heads);
	const uint32_t row_values = (shape.heads + 2 * shape.kv_heads) * HEAD;
	const uint32_t queries_left = sequence.new_tokens - tile.first_query;
	const uint32_t queries = queries_left < ATTENTION_TILE ? queries_left : ATTENTION_TILE;
	const uint32_t first_position = sequence.context_tokens + tile.first_query;
	const uint32_t key_count = first_position + queries;
	const uint32_t key_tile_count = (key_count + KEYS - 1) / KEYS;
	const Keys keys = {pool.keys + kv_head * HEAD, table + sequence.first_block, shape.block_tokens, shape.kv_heads * HEAD, key_count};
	Keys values = keys;
	values.pool = pool.values + kv_head * HEAD;

	for (int i = threadIdx.x; i < ATTENTION_TILE * (HEAD / 8); i += THREADS) {
		const uint32_t row = i / (HEAD / 8), piece = i % (HEAD / 8);
		const bool valid = row < queries;
		const size_t at = (size_t)(sequence.first_row + tile.first_query + (valid ? row : 0)) * row_values + head * HEAD + piece * 8;
		mma_copy(mma_at<HEAD>(query_tile, row, piece), qkv + at, valid);
	}
	copy_keys<HEAD>(key_tiles, keys, 0);
	mma_copies_begun();
	copy_keys<HEAD>(value_tiles, values, 0);
	mma_copies_begun();

	uint32_t query_parts[HEAD / 16][4];
	float sums[HEAD / 8][4] = {}, most[2] = {-INFINITY, -INFINITY}, total[2] = {};
	for (uint32_t j = 0; j < key_tile_count; j++) {
		const uint32_t here = j % 2, there = 1 - here;
		/* The tile the last round read is free only when every warp is through with it. */
		mma_copies_done<1>();
		__syncthreads();
		if (j == 0) {
#pragma unroll
			for (int k = 0; k < HEAD / 16; k++)
				mma_load(query_parts[k], mma_at<HEAD>(query_tile, warp * 16 + lane % 16, k * 2 + lane / 16));
		}
		if (j + 1 < key_tile_count)
			copy_keys<HEAD>(key_tiles + there * tile_bytes<HEAD>(KEYS), keys, (j + 1) * KEYS);
		mma_copies_begun();
		float scores[KEYS / 8][4] = {};
		score<HEAD>(scores, query_parts, key_tiles + here * tile_bytes<HEAD>(KEYS));
		const int first_row = warp * 16 + lane / 4;
		const int last[2] = {(int)(first_position + first_row) - (int)(j * KEYS),
		                     (int)(first_position + first_row + 8) - (int)(j * KEYS)};
		soften<HEAD>(scores, sums, most, total, last, (j + 1) * KEYS > first_position, scale);
		mma_copies_done<1>();
		__syncthreads();
		if (j + 1 < key_tile_count)
			copy_keys<HEAD>(value_tiles + there * tile_bytes<HEAD>(KEYS), values, (j + 1) * KEYS);
		mma_copies_begun();
		mix<HEAD>(sums, scores, value_tiles + here * tile_bytes<HEAD>(KEYS));
	}
#pragma unroll
	for (int h = 0; h < 2; h++) {
		total[h] += __shfl_xor_sync(~0u, total[h], 1);
		total[h] += __shfl_xor_sync(~0u, total[h], 2);
		const uint32_t row = warp * 16 + lane / 4 + 8 * h;
		if (row >= queries)
			continue;
		const float by = 1 / total[h];
		bf16_bits *to = out + ((size_t)(sequence.first_row + tile.first_query + row) * shape.heads + head) * HEAD;
#pragma unroll
		for (int n = 0; n < HEAD / 8; n++)
			*(uint32_t *)(to + n * 8 + lane % 4 * 2) = mma_pack(sums[n][2 * h] * by, sums[n][2 * h + 1] * by);
	}
}

template <int HEAD>
static void launch(bf16_bits *out, const bf16_bits *qkv, kernels_pool pool, const attention_sequence *sequences,
                   const uint32_t *table, const attention_tile *tiles, uint32_t tile_count, attention_shape shape,
                   cudaStream_t stream)
{
	static bool raised;
	if (!raised)
		GPU_CALL(cudaFuncSetAttribute(prefill<HEAD>, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes<HEAD>()));
	raised = true;
	const float scale = 1.4426950408889634f / sqrtf((float)HEAD);
	/* Heads side by side: those that share keys run together and find them in the L2 cache. */
	prefill<HEAD><<<dim3(shape.heads, tile_count), THREADS, shared_bytes<HEAD>(), stream>>>(out, qkv, pool, sequences, table,
	                                                                                        tiles, shape, scale);
	GPU_LAUNCHED("attention_prefill");
}

void attention_prefill(bf16_bits *out, const bf16_bits *qkv, struct kernels_pool pool,
                       const struct attention_sequence *sequences, const uint32_t *table, const struct attention_tile *tiles,
                       uint32_t tile_count, struct attention_shape shape, cudaStream_t stream)
{
	switch (shape.head_size) {
	case 64:
		launch<64>(out, qkv, pool, sequences, table, tiles, tile_count, shape, stream);
		break;
	case 96:
		launch<96>(out, qkv, pool, sequences, table, tiles, tile_count, shape, stream);
		break;
	default:
		launch<128>(out, qkv, pool, sequences, table, tiles, tile_count, shape, stream);
		break;
	}
}
