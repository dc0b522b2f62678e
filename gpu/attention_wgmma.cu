/* attention_wgmma.cu - prompts on sm_90a: a thread block takes a tile of 128 queries. Two warpgroups compute, 64 rows each,
 * over tiles of 128 keys; a third copies keys and values ahead of them. The softmax of a tile runs under the products of the
 * tile before it with its values.
 *
 * Source of the scheme: FlashAttention-3 (Shah et al. 2024). */
#include "attention_tile.cuh"
#include "wgmma.cuh"

#define CONSUMERS 256 /* threads */
#define PRODUCERS 128
#define THREADS (CONSUMERS + PRODUCERS)
#define KEYS 128
#define STAGES 2
#define SLAB_BYTES (128 * 128) /* 128 rows of queries, keys or values, 64 columns */

/* In order: queries, STAGES of keys, STAGES of values, barriers. */
template <int HEAD>
static __host__ __device__ constexpr int tile_bytes()
{
	return HEAD / 64 * SLAB_BYTES;
}

template <int HEAD>
static __host__ __device__ constexpr int shared_bytes()
{
	return (1 + 2 * STAGES) * tile_bytes<HEAD>() + 4 * STAGES * 8 + 1024;
}

/* Tiles of keys (which = 0) and of values (1) come through rings of STAGES places with two barriers each. */
template <int HEAD>
struct Rings {
	uint32_t queries;

	__device__ uint32_t tile(int which, uint32_t n) const
	{
		return queries + (1 + which * STAGES + n % STAGES) * tile_bytes<HEAD>();
	}
	__device__ uint32_t full(int which, uint32_t n) const
	{
		return queries + (1 + 2 * STAGES) * tile_bytes<HEAD>() + (which * STAGES + n % STAGES) * 8;
	}
	__device__ uint32_t empty(int which, uint32_t n) const
	{
		return full(which, n) + 2 * STAGES * 8;
	}
	/* Tile n is the (n / STAGES)th in its place. */
	__device__ void wait_full(int which, uint32_t n) const
	{
		wgmma_wait(full(which, n), n / STAGES & 1);
	}
	__device__ void wait_empty(int which, uint32_t n) const
	{
		wgmma_wait(empty(which, n), (n / STAGES & 1) ^ 1);
	}
	__device__ void release(int which, uint32_t n) const
	{
		__syncwarp();
		if (threadIdx.x % 32 == 0)
			wgmma_arrive(empty(which, n));
	}
};

struct Range {
	uint32_t begin, end, keys; /* tiles of keys, and the keys there are */
};

/* The slots of every 16th key from `first` on; 16 keys lie side by side. A key beyond the end has any slot. */
template <int COUNT>
static __device__ __forceinline__ void find_slots(uint32_t slots[COUNT], const mma_pages &pages, uint32_t first, uint32_t keys)
{
#pragma unroll
	for (int g = 0; g < COUNT; g++) {
		const uint32_t position = first + g * 16;
		slots[g] = mma_slot(pages, position < keys ? position : 0);
	}
}

/* Copies the tiles, keys and values in turn; a tile is announced when the next one's copies are on their way. */
template <int HEAD>
static __device__ void produce(const Rings<HEAD> &rings, kernels_pool pool, const mma_pages &pages, uint32_t stride,
                               const Range &range)
{
	constexpr int PIECES = HEAD / 8, STEP = PRODUCERS / PIECES;
	const int thread = threadIdx.x - CONSUMERS, piece = thread % PIECES, row = thread / PIECES;
	const uint32_t count = 2 * (range.end - range.begin);
	uint32_t slots[KEYS / 16];
	for (uint32_t i = 0; i <= count; i++) {
		if (i < count) {
			const int which = i % 2;
			const uint32_t n = i / 2, first = (range.begin + n) * KEYS;
			const bf16_bits *from = (which ? pool.values : pool.keys) + piece * 8;
			const uint32_t to = wgmma_at(rings.tile(which, n) + piece / 8 * SLAB_BYTES, row, piece % 8);
			if (which == 0)
				find_slots<KEYS / 16>(slots, pages, first, range.keys);
			rings.wait_empty(which, n);
			/* Rows go in multiples of eight, over which the swizzle is the same. */
#pragma unroll
			for (int r = 0; r < KEYS; r += STEP)
				mma_copy(to + r * 128, from + (size_t)(slots[r / 16] + row + r % 16) * stride, first + row + r < range.keys);
		}
		mma_copies_begun();
		if (i == 0)
			continue;
		mma_copies_done<1>();
		wgmma_publish();
		wgmma_arrive(rings.full((i - 1) % 2, (i - 1) / 2));
	}
}

static __device__ __forceinline__ float power(float x)
{
	float y;
	asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
	return y;
}

/* Begins scores = queries x keys for the warpgroup's 64 rows. */
template <int HEAD>
static __device__ __forceinline__ void begin_scores(float scores[KEYS / 2], uint32_t queries, uint32_t keys)
{
#pragma unroll
	for (int k = 0; k < HEAD / 16; k++) {
		const uint32_t at = k / 4 * SLAB_BYTES + k % 4 * 32;
		wgmma_shared_128(scores, wgmma_matrix(queries + at, 16), wgmma_matrix(keys + at, 16), k > 0);
	}
	wgmma_begun();
}

/* Begins sums += weights x values. */
template <int HEAD>
static __device__ __forceinline__ void begin_sums(float sums[HEAD / 2], const uint32_t weights[KEYS / 16][4], uint32_t values)
{
#pragma unroll
	for (int k = 0; k < KEYS / 16; k++) {
		const uint64_t b = wgmma_matrix(values + k * 2048, SLAB_BYTES);
		if constexpr (HEAD == 128)
			wgmma_registers_128(sums, weights[k], b, 1);
		else
			wgmma_registers_64(sums, weights[k], b, 1);
	}
	wgmma_begun();
}

/* Scores become weights; shrink[h] is what earlier sums of row h have to be multiplied by. `last[h]` is the last key that
 * row h may see, relative to the tile. */
static __device__ __forceinline__ void soften(float scores[KEYS / 2], float most[2], float total[2], float shrink[2],
                                              const int last[2], bool masked, float scale)
{
	const int lane = threadIdx.x % 32;
#pragma unroll
	for (int h = 0; h < 2; h++) {
		float best = most[h], sum = 0;
#pragma unroll
		for (int i = 0; i < KEYS / 4; i++) {
			float &value = scores[i / 2 * 4 + 2 * h + i % 2];
			if (masked && i / 2 * 8 + lane % 4 * 2 + i % 2 > last[h])
				value = -INFINITY;
			best = fmaxf(best, value);
		}
		best = fmaxf(best, __shfl_xor_sync(~0u, best, 1));
		best = fmaxf(best, __shfl_xor_sync(~0u, best, 2));
		/* A row that sees no key yet: keep its numbers finite. */
		const float at = best == -INFINITY ? 0 : best * scale;
		shrink[h] = power(most[h] * scale - at);
		most[h] = best;
#pragma unroll
		for (int i = 0; i < KEYS / 4; i++) {
			float &value = scores[i / 2 * 4 + 2 * h + i % 2];
			value = power(value * scale - at);
			sum += value;
		}
		total[h] = total[h] * shrink[h] + sum;
	}
}

template <int COUNT>
static __device__ __forceinline__ void pack(uint32_t weights[COUNT / 16][4], const float scores[COUNT / 2])
{
#pragma unroll
	for (int i = 0; i < COUNT / 4; i++)
		weights[i / 4][i % 4] = mma_pack(scores[2 * i], scores[2 * i + 1]);
}

/* The keys that a lane's two rows may see, as soften() wants them for a tile. */
struct Sight {
	int seen[2], certain; /* the last key of each row, and the least of the whole tile of queries */

	__device__ __forceinline__ void soften_tile(float scores[KEYS / 2], float most[2], float total[2], float shrink[2],
	                                            int first, float scale) const
	{
		const int last[2] = {seen[0] - first, seen[1] - first};
		if (first + KEYS > certain)
			soften(scores, most, total, shrink, last, true, scale);
		else
			soften(scores, most, total, shrink, last, false, scale);
	}
};

/* The first tile stands before the loop, so that ptxas can follow which products are under way. */
template <int HEAD>
static __device__ __forceinline__ void attend(float sums[HEAD / 8][4], float most[2], float total[2], const Rings<HEAD> &rings,
                                              const Sight &sight, const Range &range, float scale)
{
	const uint32_t queries = rings.queries + threadIdx.x / 128 * 64 * 128, count = range.end - range.begin;
	float scores[KEYS / 2], shrink[2];
	uint32_t weights[KEYS / 16][4];
	rings.wait_full(0, 0);
	wgmma_fence();
	begin_scores<HEAD>(scores, queries, rings.tile(0, 0));
	wgmma_done<0>();
	rings.release(0, 0);
	sight.soften_tile(scores, most, total, shrink, range.begin * KEYS, scale);
	pack<KEYS>(weights, scores);
	for (uint32_t n = 1; n < count; n++) {
		rings.wait_full(0, n);
		wgmma_fence();
		begin_scores<HEAD>(scores, queries, rings.tile(0, n));
		rings.wait_full(1, n - 1);
		begin_sums<HEAD>(&sums[0][0], weights, rings.tile(1, n - 1));
		wgmma_done<1>();
		rings.release(0, n);
		sight.soften_tile(scores, most, total, shrink, (range.begin + n) * KEYS, scale);
		wgmma_done<0>();
		rings.release(1, n - 1);
#pragma unroll
		for (int i = 0; i < HEAD / 2; i++)
			sums[i / 4][i % 4] *= shrink[i / 2 % 2];
		pack<KEYS>(weights, scores);
	}
	rings.wait_full(1, count - 1);
	wgmma_fence();
	begin_sums<HEAD>(&sums[0][0], weights, rings.tile(1, count - 1));
	wgmma_done<0>();
}

template <int HEAD>
static __device__ void consume(bf16_bits *out, float *part, const Rings<HEAD> &rings, const Place &place, const Range &range,
                               uint32_t heads, float scale)
{
	const int row = threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4;
	const uint32_t context = place.sequence.context_tokens;
	const Sight sight = {{(int)(context + place.token(row)), (int)(context + place.token(row + 8))},
	                     (int)(context + place.token(0))};
	float sums[HEAD / 8][4] = {}, most[2] = {-INFINITY, -INFINITY}, total[2] = {};
	if (range.begin < range.end)
		attend<HEAD>(sums, most, total, rings, sight, range, scale);
	finish<HEAD>(out, part, place, sums, most, total, heads, scale);
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
		mma_copy(wgmma_at(to + piece / 8 * SLAB_BYTES, row, piece % 8), qkv + at * HEAD + piece * 8, valid);
	}
	mma_copies_begun();
	mma_copies_done<0>();
	wgmma_publish();
}

template <int HEAD>
static __global__ void __launch_bounds__(THREADS, 1)
        prefill(bf16_bits *out, float *work, const bf16_bits *qkv, kernels_pool pool, const attention_sequence *sequences,
                const uint32_t *table, const attention_tile *tiles, attention_shape shape, float scale)
{
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
	extern __shared__ uint8_t shared[];
	const Rings<HEAD> rings = {((uint32_t)__cvta_generic_to_shared(shared) + 1023) / 1024 * 1024};
	const uint32_t kv_head = blockIdx.y, part = blockIdx.z, parts = gridDim.z;
	const Place place = find_place(sequences, tiles[blockIdx.x], kv_head, shape);
	const uint32_t keys = place.sequence.context_tokens + place.token(place.rows - 1) + 1;
	const uint32_t key_tiles = (keys + KEYS - 1) / KEYS;
	const Range range = {key_tiles * part / parts, key_tiles * (part + 1) / parts, keys};
	if (threadIdx.x < 2 * STAGES) {
		wgmma_barrier_init(rings.full(threadIdx.x / STAGES, threadIdx.x), PRODUCERS);
		wgmma_barrier_init(rings.empty(threadIdx.x / STAGES, threadIdx.x), CONSUMERS / 32);
	}
	copy_queries<HEAD>(rings.queries, qkv, place, shape);
	__syncthreads();
	if (threadIdx.x >= CONSUMERS) {
		wgmma_give_registers<56>();
		pool.keys += kv_head * HEAD;
		pool.values += kv_head * HEAD;
		produce<HEAD>(rings, pool, mma_pages_of(table + place.sequence.first_block, shape.block_tokens), shape.kv_heads * HEAD,
		              range);
	} else {
		wgmma_take_registers<224>();
		float *to = parts > 1 ? part_at(work, blockIdx.x, kv_head, part, parts, shape) : NULL;
		consume<HEAD>(out, to, rings, place, range, shape.heads, scale);
	}
#endif
}

bool attention_wgmma_runs(void)
{
	static int runs = -1;
	if (runs < 0) {
		int device, major, minor;
		GPU_CALL(cudaGetDevice(&device));
		GPU_CALL(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
		GPU_CALL(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device));
		runs = major == 9 && minor == 0;
	}
	return runs;
}

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
	GPU_LAUNCHED("attention_wgmma");
}

void attention_wgmma(bf16_bits *out, const bf16_bits *qkv, kernels_pool pool, const attention_sequence *sequences,
                     const uint32_t *table, const attention_tile *tiles, uint32_t tile_count, uint32_t parts, void *work,
                     attention_shape shape, cudaStream_t stream)
{
	if (shape.head_size == 64)
		launch<64>(out, qkv, pool, sequences, table, tiles, tile_count, parts, work, shape, stream);
	else
		launch<128>(out, qkv, pool, sequences, table, tiles, tile_count, parts, work, shape, stream);
}
