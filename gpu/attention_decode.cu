/* attention_decode.cu - one new token a sequence. Bytes decide: every key and value is read once, by one warp for all
 * queries that share it, which are rows of one tensor-core tile. The context is cut into parts that run side by side, and a
 * part over the warps of a thread block; a second kernel puts the parts together. */
#include "attention.h"
#include "launch.cuh"
#include "mma.cuh"

#define PART_MOST 64  /* parts of one context */
#define PART_KEYS 256 /* a part is no shorter */
#define WARPS 4
#define KEYS 16  /* of a tile; they lie in one block of the pool */
#define STAGES 3 /* tiles of a warp that are on their way or in use */
#define ROWS 8   /* queries a key head at most; the tile's other eight rows are idle */

/* Of a part: for each query its maximum, its total, and the weighted sum of values. */
static __host__ __device__ size_t part_floats(uint32_t head_size)
{
	return 2 + head_size;
}

size_t attention_decode_bytes(uint32_t count, struct attention_shape shape)
{
	return (size_t)count * shape.heads * PART_MOST * part_floats(shape.head_size) * sizeof(float);
}

/* Parts so that all of the chip has work, four rounds of it to even out where it can be had. */
static uint32_t part_count(uint32_t count, uint32_t longest, uint32_t kv_heads)
{
	const uint32_t wanted = 2 * ATTENTION_CHIP * (count * kv_heads > ATTENTION_CHIP ? 4 : 1) / (count * kv_heads);
	const uint32_t sensible = (longest + PART_KEYS - 1) / PART_KEYS;
	const uint32_t parts = wanted < sensible ? wanted : sensible;
	return parts < 1 ? 1 : parts > PART_MOST ? PART_MOST : parts;
}

template <int HEAD>
static __host__ __device__ constexpr int tile_bytes()
{
	return KEYS * (HEAD * 2 + 16);
}

template <int HEAD>
static __host__ __device__ constexpr int shared_bytes()
{
	return WARPS * STAGES * 2 * tile_bytes<HEAD>();
}

/* A warp's place in its part of a context: it takes every WARPS-th tile of keys. */
struct Walk {
	kernels_pool pool; /* from the key head's first value on */
	mma_pages pages;
	uint32_t stride, first, end; /* stride: values a token slot; keys first..end-1 are the part's */
};

/* Begins to copy a tile of keys and of values to `to`; what is not of the part becomes zeros. */
template <int HEAD>
static __device__ void copy_tile(uint32_t to, const Walk &walk, uint32_t first)
{
	constexpr int PIECES = HEAD / 8;
	const int lane = threadIdx.x % 32;
	if (first < walk.end) {
		const size_t slot = mma_slot(walk.pages, first);
#pragma unroll
		for (int i = lane; i < KEYS * PIECES; i += 32) {
			const int row = i / PIECES, piece = i % PIECES;
			const bool valid = first + row < walk.end;
			const size_t at = (slot + row) * walk.stride + piece * 8;
			mma_copy(mma_at<HEAD>(to, row, piece), walk.pool.keys + at, valid);
			mma_copy(mma_at<HEAD>(to + tile_bytes<HEAD>(), row, piece), walk.pool.values + at, valid);
		}
	}
	mma_copies_begun();
}

/* The scores of 16 keys for the lane's row, columns 2 (lane % 4) + {0, 1} and eight on. */
template <int HEAD>
static __device__ void score(float to[4], const uint32_t queries[HEAD / 16][2], uint32_t tile)
{
	const int lane = threadIdx.x % 32;
	float low[4] = {}, high[4] = {};
#pragma unroll
	for (int k = 0; k < HEAD / 16; k++) {
		const uint32_t a[4] = {queries[k][0], 0, queries[k][1], 0};
		uint32_t b[4];
		mma_load(b, mma_at<HEAD>(tile, lane % 8 + lane / 16 * 8, k * 2 + lane / 8 % 2));
		mma_16x8x16(low, a, b);
		mma_16x8x16(high, a, b + 2);
	}
	to[0] = low[0], to[1] = low[1], to[2] = high[0], to[3] = high[1];
}

/* What a warp has of its row: weighted values, maximum (scaled), and the lane's share of the total. */
template <int HEAD>
struct Running {
	float sums[HEAD / 8][4], most, total;
};

/* Takes the 16 keys from `first` on into the running softmax. */
template <int HEAD>
static __device__ void take(Running<HEAD> &running, const uint32_t queries[HEAD / 16][2], uint32_t tile, uint32_t left,
                            float scale)
{
	const int lane = threadIdx.x % 32;
	float scores[4], best = running.most;
	score<HEAD>(scores, queries, tile);
#pragma unroll
	for (int c = 0; c < 4; c++) {
		const uint32_t key = c / 2 * 8 + lane % 4 * 2 + c % 2;
		scores[c] = key < left ? scores[c] * scale : -INFINITY;
		best = fmaxf(best, scores[c]);
	}
	best = fmaxf(best, __shfl_xor_sync(~0u, best, 1));
	best = fmaxf(best, __shfl_xor_sync(~0u, best, 2));
	/* The tile's first key is always there, so `best` is finite. */
	const float shrink = exp2f(running.most - best);
	running.most = best;
	running.total *= shrink;
#pragma unroll
	for (int c = 0; c < 4; c++) {
		scores[c] = exp2f(scores[c] - best);
		running.total += scores[c];
	}
	const uint32_t a[4] = {mma_pack(scores[0], scores[1]), 0, mma_pack(scores[2], scores[3]), 0};
#pragma unroll
	for (int n = 0; n < HEAD / 16; n++) {
		running.sums[2 * n][0] *= shrink, running.sums[2 * n][1] *= shrink;
		running.sums[2 * n + 1][0] *= shrink, running.sums[2 * n + 1][1] *= shrink;
		uint32_t b[4];
		mma_load_transposed(b, mma_at<HEAD>(tile + tile_bytes<HEAD>(), lane % 16, n * 2 + lane / 16));
		mma_16x8x16(running.sums[2 * n], a, b);
		mma_16x8x16(running.sums[2 * n + 1], a, b + 2);
	}
}

/* Puts together what the warps have seen: the part's result for each query of the group. */
template <int HEAD>
static __device__ void merge(float *to, float seen[WARPS][ROWS][HEAD + 2], Running<HEAD> &running, uint32_t group)
{
	const int lane = threadIdx.x % 32, row = lane / 4;
	float(&mine)[HEAD + 2] = seen[threadIdx.x / 32][row];
	running.total += __shfl_xor_sync(~0u, running.total, 1);
	running.total += __shfl_xor_sync(~0u, running.total, 2);
	mine[0] = running.most;
	mine[1] = running.total;
#pragma unroll
	for (int n = 0; n < HEAD / 8; n++)
		*(float2 *)(mine + 2 + n * 8 + lane % 4 * 2) = make_float2(running.sums[n][0], running.sums[n][1]);
	__syncthreads();
	for (uint32_t i = threadIdx.x; i < group * HEAD; i += WARPS * 32) {
		const uint32_t g = i / HEAD, d = i % HEAD;
		float best = -INFINITY, sum = 0, all = 0;
		for (int w = 0; w < WARPS; w++)
			best = fmaxf(best, seen[w][g][0]);
		for (int w = 0; w < WARPS && best > -INFINITY; w++) {
			const float by = exp2f(seen[w][g][0] - best);
			sum += seen[w][g][2 + d] * by;
			all += seen[w][g][1] * by;
		}
		float *part = to + (size_t)g * PART_MOST * part_floats(HEAD);
		part[2 + d] = sum;
		if (d == 0) {
			part[0] = best;
			part[1] = all;
		}
	}
}

template <int HEAD>
static __global__ void __launch_bounds__(WARPS * 32)
        decode(float *work, const bf16_bits *qkv, kernels_pool pool, const attention_sequence *sequences, const uint32_t *table,
               attention_shape shape, uint32_t parts, float scale)
{
	extern __shared__ __align__(128) uint8_t shared[];
	const uint32_t kv_head = blockIdx.x, part = blockIdx.y, group = shape.heads / shape.kv_heads;
	const attention_sequence sequence = sequences[blockIdx.z];
	/* A part begins where a tile does, so that no tile crosses from one block of the pool into another. */
	const uint32_t keys = sequence.context_tokens + 1, tiles = (keys + KEYS - 1) / KEYS;
	const uint32_t first = tiles * part / parts * KEYS, end_tile = tiles * (part + 1) / parts * KEYS;
	const Walk walk = {{pool.keys + kv_head * HEAD, pool.values + kv_head * HEAD},
	                   mma_pages_of(table + sequence.first_block, shape.block_tokens), shape.kv_heads * HEAD, first,
	                   end_tile < keys ? end_tile : keys};
	const uint32_t lane = threadIdx.x % 32, warp = threadIdx.x / 32, step = WARPS * KEYS;
	const uint32_t base = (uint32_t)__cvta_generic_to_shared(shared) + warp * STAGES * 2 * tile_bytes<HEAD>();
	/* The kernel ahead writes the new token's key and value, which are the last part's. */
	if (walk.end == keys)
		launch_wait();
	for (int s = 0; s < STAGES - 1; s++)
		copy_tile<HEAD>(base + s * 2 * tile_bytes<HEAD>(), walk, first + warp * KEYS + s * step);
	if (walk.end < keys)
		launch_wait();
	uint32_t queries[HEAD / 16][2];
	const size_t row = (size_t)sequence.first_row * (shape.heads + 2 * shape.kv_heads) + kv_head * group + lane / 4;
#pragma unroll
	for (int k = 0; k < HEAD / 16; k++) {
		const uint32_t *from = (const uint32_t *)(qkv + row * HEAD + k * 16 + lane % 4 * 2);
		queries[k][0] = lane / 4 < group ? from[0] : 0;
		queries[k][1] = lane / 4 < group ? from[4] : 0;
	}
	Running<HEAD> running = {{}, -INFINITY, 0};
	uint32_t stage = 0;
	for (uint32_t at = first + warp * KEYS; at < walk.end; at += step) {
		mma_copies_done<STAGES - 2>();
		__syncwarp();
		/* The stage that the last round read: every lane is through with it. */
		copy_tile<HEAD>(base + (stage + STAGES - 1) % STAGES * 2 * tile_bytes<HEAD>(), walk, at + (STAGES - 1) * step);
		take<HEAD>(running, queries, base + stage * 2 * tile_bytes<HEAD>(), walk.end - at, scale);
		stage = (stage + 1) % STAGES;
	}
	mma_copies_done<0>();
	__syncthreads();
	const size_t head = (size_t)blockIdx.z * shape.heads + kv_head * group;
	merge<HEAD>(work + (head * PART_MOST + part) * part_floats(HEAD), (float(*)[ROWS][HEAD + 2])shared, running, group);
}

/* A head of a sequence a block, a value of it a thread; first a part a thread: what its sums count for. */
static __global__ void join(bf16_bits *out, const float *work, const attention_sequence *sequences, attention_shape shape,
                            uint32_t parts)
{
	__shared__ float most[PART_MOST], share[PART_MOST], totals[PART_MOST];
	const float *from = work + ((size_t)blockIdx.y * shape.heads + blockIdx.x) * PART_MOST * part_floats(shape.head_size);
	const uint32_t d = threadIdx.x;
	float best = -INFINITY, sum = 0, all = 0, total = 0;
	launch_wait();
	if (d < parts) {
		most[d] = from[d * part_floats(shape.head_size)];
		total = from[d * part_floats(shape.head_size) + 1];
	}
	__syncthreads();
	for (uint32_t p = 0; p < parts; p++)
		best = fmaxf(best, most[p]);
	if (d < parts) {
		share[d] = exp2f(most[d] - best);
		totals[d] = total * share[d];
	}
	__syncthreads();
#pragma unroll 8
	for (uint32_t p = 0; p < parts; p++) {
		sum += from[p * part_floats(shape.head_size) + 2 + d] * share[p];
		all += totals[p];
	}
	((__nv_bfloat16 *)out)[((size_t)sequences[blockIdx.y].first_row * shape.heads + blockIdx.x) * shape.head_size + d] =
	        __float2bfloat16_rn(sum / all);
}

#define ARGUMENTS out, qkv, pool, sequences, table, count, longest, work, shape, stream

template <int HEAD>
static void launch(bf16_bits *out, const bf16_bits *qkv, kernels_pool pool, const attention_sequence *sequences,
                   const uint32_t *table, uint32_t count, uint32_t longest, void *work, attention_shape shape, cudaStream_t stream)
{
	static_assert(shared_bytes<HEAD>() >= (int)sizeof(float[WARPS][ROWS][HEAD + 2]), "merge() reuses the tiles' room");
	static bool raised;
	if (!raised)
		GPU_CALL(cudaFuncSetAttribute(decode<HEAD>, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes<HEAD>()));
	raised = true;
	const uint32_t parts = part_count(count, longest, shape.kv_heads);
	const float scale = 1.4426950408889634f / sqrtf((float)HEAD);
	launch_chained<decode<HEAD>>("attention_decode", dim3(shape.kv_heads, parts, count), WARPS * 32, shared_bytes<HEAD>(), stream,
	               (float *)work, qkv, pool, sequences, table, shape, parts, scale);
	launch_chained<join>("attention_decode join", dim3(shape.heads, count), HEAD, 0, stream, out, (const float *)work, sequences,
	               shape, parts);
}

void attention_decode(bf16_bits *out, const bf16_bits *qkv, struct kernels_pool pool,
                      const struct attention_sequence *sequences, const uint32_t *table, uint32_t count, uint32_t longest,
                      void *work, struct attention_shape shape, cudaStream_t stream)
{
	switch (shape.head_size) {
	case 64:
		return launch<64>(ARGUMENTS);
	case 96:
		return launch<96>(ARGUMENTS);
	default:
		return launch<128>(ARGUMENTS);
	}
}
