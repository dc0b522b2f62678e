/* attention_prefill.cu - prompts: a thread block takes 128 queries that share a key head, a warp 16 of them, and goes
 * through the keys in tiles of 64, the next tile's copies running under the current one's products. Where the tiles are too
 * few to fill the chip, their keys are cut into parts that run side by side; a second kernel puts them together. */
#include "attention.h"
#include "attention_tile.cuh"

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

/* A head's keys (or values) of a sequence, in the pool. */
struct Keys {
	const bf16_bits *pool;
	mma_pages pages;
	uint32_t stride, count; /* stride: values a token slot; count: keys there are */
};

/* Copies keys first..first+63 of one head into a tile; what is beyond the end becomes zeros. */
template <int HEAD>
static __device__ void copy_keys(uint32_t to, const Keys &keys, uint32_t first)
{
	constexpr int PIECES = HEAD / 8;
#pragma unroll
	for (int i = threadIdx.x; i < KEYS * PIECES; i += THREADS) {
		const int row = i / PIECES, piece = i % PIECES;
		const uint32_t position = first + row;
		const bool valid = position < keys.count;
		const size_t slot = mma_slot(keys.pages, valid ? position : 0);
		mma_copy(mma_at<HEAD>(to, row, piece), keys.pool + slot * keys.stride + piece * 8, valid);
	}
}

template <int HEAD>
static __device__ void copy_queries(uint32_t to, const bf16_bits *qkv, const Place &place, attention_shape shape)
{
	for (int i = threadIdx.x; i < ATTENTION_TILE * (HEAD / 8); i += THREADS) {
		const uint32_t row = i / (HEAD / 8), piece = i % (HEAD / 8);
		const bool valid = row < place.rows;
		const uint32_t from = valid ? row : 0;
		const size_t at = (size_t)(place.sequence.first_row + place.token(from)) * (shape.heads + 2 * shape.kv_heads) +
		                  place.head(from);
		mma_copy(mma_at<HEAD>(to, row, piece), qkv + at * HEAD + piece * 8, valid);
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
        prefill(bf16_bits *out, float *work, const bf16_bits *qkv, kernels_pool pool, const attention_sequence *sequences,
                const uint32_t *table, const attention_tile *tiles, attention_shape shape, float scale)
{
	extern __shared__ __align__(128) uint8_t shared[];
	const uint32_t query_tile = (uint32_t)__cvta_generic_to_shared(shared);
	const uint32_t key_tiles = query_tile + tile_bytes<HEAD>(ATTENTION_TILE), value_tiles = key_tiles + 2 * tile_bytes<HEAD>(KEYS);
	const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
	const uint32_t kv_head = blockIdx.y, part = blockIdx.z, parts = gridDim.z;
	const Place place = find_place(sequences, tiles[blockIdx.x], kv_head, shape);
	const uint32_t context = place.sequence.context_tokens, first_position = context + place.token(0);
	const uint32_t key_count = context + place.token(place.rows - 1) + 1;
	const uint32_t key_tile_count = (key_count + KEYS - 1) / KEYS;
	const uint32_t begin = key_tile_count * part / parts, end = key_tile_count * (part + 1) / parts;
	const Keys keys = {pool.keys + kv_head * HEAD, mma_pages_of(table + place.sequence.first_block, shape.block_tokens),
	                   shape.kv_heads * HEAD, key_count};
	Keys values = keys;
	values.pool = pool.values + kv_head * HEAD;

	copy_queries<HEAD>(query_tile, qkv, place, shape);
	copy_keys<HEAD>(key_tiles, keys, begin * KEYS);
	mma_copies_begun();
	copy_keys<HEAD>(value_tiles, values, begin * KEYS);
	mma_copies_begun();

	const int first_row = warp * 16 + lane / 4;
	const uint32_t seen[2] = {context + place.token(first_row), context + place.token(first_row + 8)};
	uint32_t query_parts[HEAD / 16][4];
	float sums[HEAD / 8][4] = {}, most[2] = {-INFINITY, -INFINITY}, total[2] = {};
	for (uint32_t j = begin; j < end; j++) {
		const uint32_t here = (j - begin) % 2, there = 1 - here;
		/* The tile the last round read is free only when every warp is through with it. */
		mma_copies_done<1>();
		__syncthreads();
		if (j == begin) {
#pragma unroll
			for (int k = 0; k < HEAD / 16; k++)
				mma_load(query_parts[k], mma_at<HEAD>(query_tile, warp * 16 + lane % 16, k * 2 + lane / 16));
		}
		if (j + 1 < end)
			copy_keys<HEAD>(key_tiles + there * tile_bytes<HEAD>(KEYS), keys, (j + 1) * KEYS);
		mma_copies_begun();
		float scores[KEYS / 8][4] = {};
		score<HEAD>(scores, query_parts, key_tiles + here * tile_bytes<HEAD>(KEYS));
		const int last[2] = {(int)seen[0] - (int)(j * KEYS), (int)seen[1] - (int)(j * KEYS)};
		soften<HEAD>(scores, sums, most, total, last, (j + 1) * KEYS > first_position, scale);
		mma_copies_done<1>();
		__syncthreads();
		if (j + 1 < end)
			copy_keys<HEAD>(value_tiles + there * tile_bytes<HEAD>(KEYS), values, (j + 1) * KEYS);
		mma_copies_begun();
		mix<HEAD>(sums, scores, value_tiles + here * tile_bytes<HEAD>(KEYS));
	}
	mma_copies_done<0>();
	float *to = parts > 1 ? part_at(work, blockIdx.x, kv_head, part, parts, shape) : NULL;
	finish<HEAD>(out, to, place, sums, most, total, shape.heads, scale);
}

/* Puts the parts of a tile's rows together, a warp a row. */
static __global__ void join(bf16_bits *out, float *work, const attention_sequence *sequences, const attention_tile *tiles,
                            uint32_t parts, attention_shape shape)
{
	const uint32_t kv_head = blockIdx.x, row = blockIdx.z * WARPS + threadIdx.x / 32, lane = threadIdx.x % 32;
	const Place place = find_place(sequences, tiles[blockIdx.y], kv_head, shape);
	if (row >= place.rows)
		return;
	const uint32_t row_floats = shape.head_size + 2;
	const float *from = part_at(work, blockIdx.y, kv_head, 0, parts, shape) + row * row_floats;
	float best = -INFINITY, total = 0;
	for (uint32_t p = 0; p < parts; p++)
		best = fmaxf(best, from[(size_t)p * ATTENTION_TILE * row_floats]);
	float2 sums[2] = {};
	for (uint32_t p = 0; p < parts; p++) {
		const float2 *part = (const float2 *)(from + (size_t)p * ATTENTION_TILE * row_floats);
		const float by = exp2f(part[0].x - best);
		total += part[0].y * by;
		for (uint32_t d = lane, i = 0; d < shape.head_size / 2; d += 32, i++) {
			sums[i].x += part[1 + d].x * by;
			sums[i].y += part[1 + d].y * by;
		}
	}
	const size_t at = (size_t)(place.sequence.first_row + place.token(row)) * shape.heads + place.head(row);
	for (uint32_t d = lane, i = 0; d < shape.head_size / 2; d += 32, i++)
		((uint32_t *)(out + at * shape.head_size))[d] = mma_pack(sums[i].x / total, sums[i].y / total);
}

/* The rule that sim/attention_rounds.c forecasts by. */
uint32_t attention_prefill_parts(uint32_t tile_count, uint32_t longest, struct attention_shape shape)
{
	const uint32_t blocks = tile_count * shape.kv_heads, sensible = longest / ATTENTION_PART_TOKENS;
	uint32_t best = 1;
	double shortest = (blocks + ATTENTION_CHIP - 1) / ATTENTION_CHIP;
	for (uint32_t parts = 2; parts <= sensible && blocks * parts <= ATTENTION_MOST_BLOCKS; parts++) {
		const double rounds = (double)((blocks * parts + ATTENTION_CHIP - 1) / ATTENTION_CHIP) / parts;
		/* More parts are more to put together: they have to be worth it. */
		if (rounds < 0.9 * shortest) {
			best = parts;
			shortest = rounds;
		}
	}
	return best;
}

size_t attention_prefill_bytes(struct attention_shape shape)
{
	return (size_t)ATTENTION_MOST_BLOCKS * ATTENTION_TILE * (shape.head_size + 2) * sizeof(float);
}

#define ARGUMENTS out, qkv, pool, sequences, table, tiles, tile_count, parts, work, shape, stream

template <int HEAD>
static void launch(bf16_bits *out, const bf16_bits *qkv, kernels_pool pool, const attention_sequence *sequences,
                   const uint32_t *table, const attention_tile *tiles, uint32_t tile_count, uint32_t parts, void *work,
                   attention_shape shape, cudaStream_t stream)
{
	static bool raised;
	if (!raised)
		GPU_CALL(cudaFuncSetAttribute(prefill<HEAD>, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes<HEAD>()));
	raised = true;
	const float scale = 1.4426950408889634f / sqrtf((float)HEAD);
	/* Tiles side by side: the blocks that run together read one head's keys, which the L2 cache holds. */
	prefill<HEAD><<<dim3(tile_count, shape.kv_heads, parts), THREADS, shared_bytes<HEAD>(), stream>>>(
	        out, (float *)work, qkv, pool, sequences, table, tiles, shape, scale);
	GPU_LAUNCHED("attention_prefill");
}

void attention_prefill(bf16_bits *out, const bf16_bits *qkv, struct kernels_pool pool,
                       const struct attention_sequence *sequences, const uint32_t *table, const struct attention_tile *tiles,
                       uint32_t tile_count, uint32_t parts, void *work, struct attention_shape shape, cudaStream_t stream)
{
	if (shape.head_size == 96)
		launch<96>(ARGUMENTS);
	else if (attention_wgmma_runs())
		attention_wgmma(ARGUMENTS);
	else if (shape.head_size == 64)
		launch<64>(ARGUMENTS);
	else
		launch<128>(ARGUMENTS);
	if (parts == 1)
		return;
	join<<<dim3(shape.kv_heads, tile_count, ATTENTION_TILE / WARPS), THREADS, 0, stream>>>(out, (float *)work, sequences, tiles,
	                                                                                      parts, shape);
	GPU_LAUNCHED("attention_prefill join");
}
