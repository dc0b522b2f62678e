/* attention_wgmma.cu - prompts on sm_90a: a thread block takes a tile of 128 queries. Two warpgroups compute, 64 rows each,
 * over tiles of 128 keys; a third has the copy engine bring keys and values ahead of them. The softmax of a tile
 * runs under the products of the tile before it with its values, and under the other warpgroup's: the two take turns at
 * beginning products.
 *
 * Source of the scheme: FlashAttention-3 (Shah et al. 2024). */
#include "attention_tile.cuh"
#include "wgmma.cuh"

#include <cudaTypedefs.h>

#define CONSUMERS 256 /* threads */
#define PRODUCERS 128
#define PRODUCING (PRODUCERS / 32)
#define THREADS (CONSUMERS + PRODUCERS)
#define KEYS 128
#define STAGES 2
#define BOX 16 /* keys that the copy engine brings at a time: they lie in one block of the pool */
#define QUERIES_COPIED 3 /* a named barrier; 1 and 2 are the warpgroups' turns */
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

/* The pool's keys or values as the copy engine sees them: rows of kv_heads x head_size values, a slot each. */
struct Maps {
	CUtensorMap keys, values;
};

/* A thread of each producing warp has its share of every tile brought, keys and values in turn; the slots of the next tile are
 * looked up meanwhile. */
template <int HEAD>
static __device__ void produce(const Rings<HEAD> &rings, const Maps &maps, const mma_pages &pages, int column, const Range &range)
{
	constexpr int SHARE = KEYS / BOX / PRODUCING;
	const uint32_t first = (threadIdx.x - CONSUMERS) / 32 * SHARE * BOX, count = range.end - range.begin;
	/* Of 16 keys, or one before the pool where there are none, for which the copy engine writes zeros. */
	const auto find_slot = [&](uint32_t tile, int i) {
		const uint32_t position = tile * KEYS + first + i * BOX;
		return position < range.keys ? (int)mma_slot(pages, position) : -BOX;
	};
	int slots[SHARE];
#pragma unroll
	for (int i = 0; i < SHARE; i++)
		slots[i] = find_slot(range.begin, i);
	for (uint32_t n = 0; n < count; n++) {
		int next[SHARE];
#pragma unroll
		for (int i = 0; i < SHARE; i++)
			next[i] = find_slot(range.begin + n + 1, i);
#pragma unroll
		for (int which = 0; which < 2; which++) {
			const uint32_t full = rings.full(which, n), to = rings.tile(which, n) + first * 128;
			rings.wait_empty(which, n);
			wgmma_arrive_for_bytes(full, tile_bytes<HEAD>() / PRODUCING);
#pragma unroll
			for (int i = 0; i < SHARE * (HEAD / 64); i++)
				wgmma_copy_box(to + i / SHARE * SLAB_BYTES + i % SHARE * BOX * 128, which ? &maps.values : &maps.keys,
				               column + i / SHARE * 64, slots[i % SHARE], full);
		}
#pragma unroll
		for (int i = 0; i < SHARE; i++)
			slots[i] = next[i];
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
	float best[2] = {most[0], most[1]}, at[2], sum[2] = {};
#pragma unroll
	for (int i = 0; i < KEYS / 2; i++) {
		const int h = i / 2 % 2;
		if (masked && i / 4 * 8 + lane % 4 * 2 + i % 2 > last[h])
			scores[i] = -INFINITY;
		best[h] = fmaxf(best[h], scores[i]);
	}
#pragma unroll
	for (int h = 0; h < 2; h++) {
		best[h] = fmaxf(best[h], __shfl_xor_sync(~0u, best[h], 1));
		best[h] = fmaxf(best[h], __shfl_xor_sync(~0u, best[h], 2));
		/* A row that sees no key yet: keep its numbers finite. */
		at[h] = best[h] == -INFINITY ? 0 : best[h] * scale;
		shrink[h] = power(most[h] * scale - at[h]);
		most[h] = best[h];
	}
#pragma unroll
	for (int i = 0; i < KEYS / 2; i++) {
		const int h = i / 2 % 2;
		scores[i] = power(scores[i] * scale - at[h]);
		sum[h] += scores[i];
	}
	total[0] = total[0] * shrink[0] + sum[0];
	total[1] = total[1] * shrink[1] + sum[1];
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

/* The warpgroups take turns at beginning products, so that one's softmax runs under the other's products. Warpgroup 0 begins;
 * at the end its turn is not passed back, as nobody waits for it. */
struct Turns {
	int group;

	__device__ __forceinline__ void open() const
	{
		if (group == 1)
			wgmma_meet_ahead(1, CONSUMERS);
	}
	__device__ __forceinline__ void take() const
	{
		wgmma_meet(1 + group, CONSUMERS);
	}
	__device__ __forceinline__ void pass(bool at_end) const
	{
		if (group == 0 || !at_end)
			wgmma_meet_ahead(2 - group, CONSUMERS);
	}
};

/* The first tile stands before the loop, so that ptxas can follow which products are under way. A tile's values come before
 * the next one's keys: both are awaited before either product begins. */
template <int HEAD>
static __device__ __forceinline__ void attend(float sums[HEAD / 8][4], float most[2], float total[2], const Rings<HEAD> &rings,
                                              const Sight &sight, const Range &range, float scale)
{
	const Turns turns = {(int)threadIdx.x / 128};
	const uint32_t queries = rings.queries + turns.group * 64 * 128, count = range.end - range.begin;
	float scores[KEYS / 2], shrink[2];
	uint32_t weights[KEYS / 16][4];
	if (count > 1)
		turns.open();
	rings.wait_full(0, 0);
	wgmma_fence();
	begin_scores<HEAD>(scores, queries, rings.tile(0, 0));
	wgmma_done<0>();
	rings.release(0, 0);
	sight.soften_tile(scores, most, total, shrink, range.begin * KEYS, scale);
	pack<KEYS>(weights, scores);
	for (uint32_t n = 1; n < count; n++) {
		rings.wait_full(1, n - 1);
		rings.wait_full(0, n);
		turns.take();
		wgmma_fence();
		begin_scores<HEAD>(scores, queries, rings.tile(0, n));
		begin_sums<HEAD>(&sums[0][0], weights, rings.tile(1, n - 1));
		turns.pass(n + 1 == count);
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
	for (int i = threadIdx.x; i < ATTENTION_TILE * (HEAD / 8); i += CONSUMERS) {
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
        prefill(bf16_bits *out, float *work, const bf16_bits *qkv, const __grid_constant__ Maps maps,
                const attention_sequence *sequences, const uint32_t *table, const attention_tile *tiles, attention_shape shape,
                float scale)
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
		wgmma_barrier_init(rings.full(threadIdx.x / STAGES, threadIdx.x), PRODUCING);
		wgmma_barrier_init(rings.empty(threadIdx.x / STAGES, threadIdx.x), CONSUMERS / 32);
	}
	wgmma_barriers_ready();
	__syncthreads();
	if (threadIdx.x >= CONSUMERS) {
		wgmma_give_registers<40>();
		if (wgmma_elect())
			produce<HEAD>(rings, maps, mma_pages_of(table + place.sequence.first_block, shape.block_tokens), (int)kv_head * HEAD, range);
	} else {
		wgmma_take_registers<232>();
		copy_queries<HEAD>(rings.queries, qkv, place, shape);
		wgmma_meet(QUERIES_COPIED, CONSUMERS);
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

/* The function that describes memory to the copy engine is the driver's, which this library is not linked with. */
static PFN_cuTensorMapEncodeTiled_v12000 find_encoder(void)
{
	void *function = nullptr;
	cudaDriverEntryPointQueryResult found;
#if CUDART_VERSION >= 12050
	GPU_CALL(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault, &found));
#else
	GPU_CALL(cudaGetDriverEntryPoint("cuTensorMapEncodeTiled", &function, cudaEnableDefault, &found));
#endif
	return (PFN_cuTensorMapEncodeTiled_v12000)function;
}

/* The pool's end is not known here and not needed: the table names blocks within it. */
static CUtensorMap make_map(bf16_bits *pool, uint32_t row_values)
{
	static const PFN_cuTensorMapEncodeTiled_v12000 encode = find_encoder();
	const cuuint64_t sizes[] = {row_values, INT32_MAX}, strides[] = {row_values * sizeof(bf16_bits)};
	const cuuint32_t box[] = {64, BOX}, steps[] = {1, 1};
	CUtensorMap map;
	GPU_CALL(encode(&map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2, pool, sizes, strides, box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE,
	                CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE));
	return map;
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
	const Maps maps = {make_map(pool.keys, shape.kv_heads * HEAD), make_map(pool.values, shape.kv_heads * HEAD)};
	/* Tiles side by side: the blocks that run together read one head's keys, which the L2 cache holds. */
	prefill<HEAD><<<dim3(tile_count, shape.kv_heads, parts), THREADS, shared_bytes<HEAD>(), stream>>>(
	        out, (float *)work, qkv, maps, sequences, table, tiles, shape, scale);
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
