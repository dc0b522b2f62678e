/* attention_decode.cu - one new token a sequence. Bytes decide: every key and value is read once, by one thread block for
 * all queries that share it. The context is cut into parts that run side by side; a second kernel puts them together. */
#include "attention.h"
#include "mma.cuh"

#define GROUP_MOST 8    /* queries a key head */
#define PART_MOST 64    /* parts of one context */
#define WARPS 4

/* A head's values are spread over so many lanes, in 16-byte pieces; a warp holds as many keys at once as fit. */
template <int HEAD>
static __host__ __device__ constexpr int lanes_a_key()
{
	return HEAD == 128 ? 16 : HEAD == 96 ? 4 : 8;
}

/* Of a part: for each query its maximum, its total, and the weighted sum of values. */
static __host__ __device__ size_t part_floats(uint32_t head_size)
{
	return 2 + head_size;
}

size_t attention_decode_bytes(uint32_t count, struct attention_shape shape)
{
	return (size_t)count * shape.heads * PART_MOST * part_floats(shape.head_size) * sizeof(float);
}

/* Parts so that all of the chip has work, none shorter than 256 keys. */
static uint32_t part_count(uint32_t count, uint32_t longest, uint32_t kv_heads)
{
	const uint32_t wanted = (2 * 132 * 4 + count * kv_heads - 1) / (count * kv_heads);
	const uint32_t sensible = (longest + 255) / 256;
	const uint32_t parts = wanted < sensible ? wanted : sensible;
	return parts < 1 ? 1 : parts > PART_MOST ? PART_MOST : parts;
}

static __device__ void load_floats(float *to, const bf16_bits *from, int pieces)
{
#pragma unroll
	for (int p = 0; p < pieces; p++) {
		const uint4 whole = ((const uint4 *)from)[p];
		const uint32_t words[4] = {whole.x, whole.y, whole.z, whole.w};
#pragma unroll
		for (int w = 0; w < 4; w++) {
			to[p * 8 + w * 2] = __uint_as_float(words[w] << 16);
			to[p * 8 + w * 2 + 1] = __uint_as_float(words[w] & 0xffff0000u);
		}
	}
}

/* Puts together what the groups of lanes of a warp have seen, and leaves it in shared memory. */
template <int HEAD, int GROUP>
static __device__ void merge_lanes(float shared[GROUP][HEAD + 2], float sums[GROUP][HEAD / lanes_a_key<HEAD>()],
                                   float most[GROUP], float total[GROUP])
{
	constexpr int LANES = lanes_a_key<HEAD>(), MINE = HEAD / LANES;
	const int place = threadIdx.x % LANES;
#pragma unroll
	for (int g = 0; g < GROUP; g++) {
		for (int step = LANES; step < 32; step *= 2) {
			const float other = __shfl_xor_sync(~0u, most[g], step), best = fmaxf(most[g], other);
			const float mine = best > -INFINITY ? exp2f(most[g] - best) : 0;
			const float theirs = best > -INFINITY ? exp2f(other - best) : 0;
			total[g] = total[g] * mine + __shfl_xor_sync(~0u, total[g], step) * theirs;
#pragma unroll
			for (int i = 0; i < MINE; i++)
				sums[g][i] = sums[g][i] * mine + __shfl_xor_sync(~0u, sums[g][i], step) * theirs;
			most[g] = best;
		}
#pragma unroll
		for (int i = 0; i < MINE; i++)
			shared[g][2 + place * MINE + i] = sums[g][i];
		shared[g][0] = most[g];
		shared[g][1] = total[g];
	}
}

/* Puts together what the warps have seen: the part's result. */
template <int HEAD, int GROUP>
static __device__ void merge_warps(float *to, const float shared[WARPS][GROUP][HEAD + 2])
{
	for (int i = threadIdx.x; i < GROUP * HEAD; i += WARPS * 32) {
		const int g = i / HEAD, d = i % HEAD;
		float best = -INFINITY, sum = 0, all = 0;
		for (int s = 0; s < WARPS; s++)
			best = fmaxf(best, shared[s][g][0]);
		for (int s = 0; s < WARPS && best > -INFINITY; s++) {
			const float by = exp2f(shared[s][g][0] - best);
			sum += shared[s][g][2 + d] * by;
			all += shared[s][g][1] * by;
		}
		float *part = to + (size_t)g * PART_MOST * part_floats(HEAD);
		part[2 + d] = sum;
		if (d == 0) {
			part[0] = best;
			part[1] = all;
		}
	}
}

/* Each group of lanes runs a softmax over the keys it has seen; they are put together at the end. */
template <int HEAD, int GROUP>
static __global__ void __launch_bounds__(WARPS * 32)
        decode(float *work, const bf16_bits *qkv, kernels_pool pool, const attention_sequence *sequences, const uint32_t *table,
               attention_shape shape, uint32_t parts, float scale)
{
	constexpr int LANES = lanes_a_key<HEAD>(), MINE = HEAD / LANES; /* values a lane holds of a head */
	constexpr int KEYS = 32 / LANES;                               /* keys a warp holds */
	const uint32_t kv_head = blockIdx.x, part = blockIdx.y;
	const attention_sequence sequence = sequences[blockIdx.z];
	const uint32_t keys = sequence.context_tokens + 1;
	const uint32_t part_keys = (keys + parts - 1) / parts, first = part * part_keys;
	const uint32_t end = first + part_keys < keys ? first + part_keys : keys;
	const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, place = lane % LANES;
	float query[GROUP][MINE], sums[GROUP][MINE], most[GROUP], total[GROUP];
#pragma unroll
	for (int g = 0; g < GROUP; g++) {
		const size_t row = (size_t)sequence.first_row * (shape.heads + 2 * shape.kv_heads) + kv_head * GROUP + g;
		load_floats(query[g], qkv + row * HEAD + place * MINE, MINE / 8);
		most[g] = -INFINITY;
		total[g] = 0;
#pragma unroll
		for (int i = 0; i < MINE; i++) {
			query[g][i] *= scale;
			sums[g][i] = 0;
		}
	}
	for (uint32_t turn = first + warp * KEYS; turn < end; turn += WARPS * KEYS) {
		/* Lanes of a warp go round together; those past the end take part in shuffles only. */
		const uint32_t key = turn + lane / LANES;
		const bool valid = key < end;
		const uint32_t at = valid ? key : first;
		const size_t slot = (size_t)table[sequence.first_block + at / shape.block_tokens] * shape.block_tokens + at % shape.block_tokens;
		const size_t offset = (slot * shape.kv_heads + kv_head) * HEAD + place * MINE;
		float k[MINE], v[MINE];
		load_floats(k, pool.keys + offset, MINE / 8);
		load_floats(v, pool.values + offset, MINE / 8);
#pragma unroll
		for (int g = 0; g < GROUP; g++) {
			float score = 0;
#pragma unroll
			for (int i = 0; i < MINE; i++)
				score += query[g][i] * k[i];
			for (int step = LANES / 2; step > 0; step /= 2)
				score += __shfl_xor_sync(~0u, score, step);
			if (!valid)
				continue;
			const float best = fmaxf(most[g], score), shrink = exp2f(most[g] - best), weight = exp2f(score - best);
			most[g] = best;
			total[g] = total[g] * shrink + weight;
#pragma unroll
			for (int i = 0; i < MINE; i++)
				sums[g][i] = sums[g][i] * shrink + weight * v[i];
		}
	}
	__shared__ float shared[WARPS][GROUP][HEAD + 2];
	merge_lanes<HEAD, GROUP>(shared[warp], sums, most, total);
	__syncthreads();
	const size_t head = (size_t)blockIdx.z * shape.heads + kv_head * GROUP;
	merge_warps<HEAD, GROUP>(work + (head * PART_MOST + part) * part_floats(HEAD), shared);
}

/* A head of a sequence a block, a value of it a thread. */
static __global__ void join(bf16_bits *out, const float *work, const attention_sequence *sequences, attention_shape shape,
                            uint32_t parts)
{
	const float *from = work + ((size_t)blockIdx.y * shape.heads + blockIdx.x) * PART_MOST * part_floats(shape.head_size);
	const uint32_t d = threadIdx.x;
	float best = -INFINITY, sum = 0, all = 0;
	for (uint32_t p = 0; p < parts; p++)
		best = fmaxf(best, from[p * part_floats(shape.head_size)]);
	for (uint32_t p = 0; p < parts; p++) {
		const float *part = from + p * part_floats(shape.head_size);
		const float by = exp2f(part[0] - best);
		sum += part[2 + d] * by;
		all += part[1] * by;
	}
	((__nv_bfloat16 *)out)[((size_t)sequences[blockIdx.y].first_row * shape.heads + blockIdx.x) * shape.head_size + d] =
	        __float2bfloat16_rn(sum / all);
}

template <int HEAD, int GROUP>
static void launch(bf16_bits *out, const bf16_bits *qkv, kernels_pool pool, const attention_sequence *sequences,
                   const uint32_t *table, uint32_t count, uint32_t longest, void *work, attention_shape shape, cudaStream_t stream)
{
	const uint32_t parts = part_count(count, longest, shape.kv_heads);
	const float scale = 1.4426950408889634f / sqrtf((float)HEAD);
	decode<HEAD, GROUP><<<dim3(shape.kv_heads, parts, count), WARPS * 32, 0, stream>>>((float *)work, qkv, pool, sequences,
	                                                                                    table, shape, parts, scale);
	GPU_LAUNCHED("attention_decode");
	join<<<dim3(shape.heads, count), HEAD, 0, stream>>>(out, (const float *)work, sequences, shape, parts);
	GPU_LAUNCHED("attention_decode join");
}

#define ARGUMENTS out, qkv, pool, sequences, table, count, longest, work, shape, stream

template <int HEAD>
static void launch_group(bf16_bits *out, const bf16_bits *qkv, kernels_pool pool, const attention_sequence *sequences,
                         const uint32_t *table, uint32_t count, uint32_t longest, void *work, attention_shape shape,
                         cudaStream_t stream)
{
	switch (shape.heads / shape.kv_heads) {
	case 1:
		return launch<HEAD, 1>(ARGUMENTS);
	case 2:
		return launch<HEAD, 2>(ARGUMENTS);
	case 4:
		return launch<HEAD, 4>(ARGUMENTS);
	case 6:
		return launch<HEAD, 6>(ARGUMENTS);
	case 7:
		return launch<HEAD, 7>(ARGUMENTS);
	default:
		return launch<HEAD, 8>(ARGUMENTS);
	}
}

void attention_decode(bf16_bits *out, const bf16_bits *qkv, struct kernels_pool pool,
                      const struct attention_sequence *sequences, const uint32_t *table, uint32_t count, uint32_t longest,
                      void *work, struct attention_shape shape, cudaStream_t stream)
{
	switch (shape.head_size) {
	case 64:
		return launch_group<64>(ARGUMENTS);
	case 96:
		return launch_group<96>(ARGUMENTS);
	default:
		return launch_group<128>(ARGUMENTS);
	}
}
