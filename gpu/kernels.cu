#include "kernels.h"
#include "launch.cuh"

#include <cuda_bf16.h>

typedef __nv_bfloat16 bf16;

/* Eight bf16 in one 16-byte access. */
union Eight {
	uint4 whole;
	__nv_bfloat162 pair[4];
};

static __device__ float warp_sum(float value)
{
	for (int step = 16; step > 0; step /= 2)
		value += __shfl_xor_sync(~0u, value, step);
	return value;
}

static __global__ void embed(bf16_bits *out, const bf16_bits *table, const uint32_t *ids, uint32_t hidden)
{
	const uint4 *from = (const uint4 *)(table + (size_t)ids[blockIdx.x] * hidden);
	uint4 *to = (uint4 *)(out + (size_t)blockIdx.x * hidden);
	for (uint32_t i = threadIdx.x; i < hidden / 8; i += blockDim.x)
		to[i] = from[i];
}

void kernels_embed(bf16_bits *out, const bf16_bits *table, const uint32_t *ids, uint32_t tokens, uint32_t hidden,
                   cudaStream_t stream)
{
	embed<<<tokens, 128, 0, stream>>>(out, table, ids, hidden);
	GPU_LAUNCHED("embed");
}

void kernels_gather(bf16_bits *out, const bf16_bits *in, const uint32_t *rows, uint32_t count, uint32_t hidden,
                    cudaStream_t stream)
{
	embed<<<count, 128, 0, stream>>>(out, in, rows, hidden);
	GPU_LAUNCHED("gather");
}

/* A row a block; its values stay in registers between the two passes. */
#define NORM_THREADS 256
#define NORM_MOST 4 /* 16-byte pieces a thread: hidden up to 8,192 */

static __global__ void norm_row(bf16_bits *out, const bf16_bits *in, const bf16_bits *weight, uint32_t hidden, float epsilon)
{
	__shared__ float sums[NORM_THREADS / 32];
	const uint32_t pieces = hidden / 8;
	const uint4 *row = (const uint4 *)(in + (size_t)blockIdx.x * hidden);
	Eight held[NORM_MOST];
	float sum = 0;
	launch_wait();
#pragma unroll
	for (int k = 0; k < NORM_MOST; k++) {
		const uint32_t i = threadIdx.x + k * NORM_THREADS;
		if (i >= pieces)
			continue;
		held[k].whole = row[i];
		for (int j = 0; j < 4; j++) {
			const float2 a = __bfloat1622float2(held[k].pair[j]);
			sum += a.x * a.x + a.y * a.y;
		}
	}
	sum = warp_sum(sum);
	if (threadIdx.x % 32 == 0)
		sums[threadIdx.x / 32] = sum;
	__syncthreads();
	sum = 0;
	for (int w = 0; w < NORM_THREADS / 32; w++)
		sum += sums[w];
	const float scale = rsqrtf(sum / (float)hidden + epsilon);
	uint4 *to = (uint4 *)(out + (size_t)blockIdx.x * hidden);
#pragma unroll
	for (int k = 0; k < NORM_MOST; k++) {
		const uint32_t i = threadIdx.x + k * NORM_THREADS;
		if (i >= pieces)
			continue;
		Eight by;
		by.whole = ((const uint4 *)weight)[i];
		for (int j = 0; j < 4; j++) {
			const float2 a = __bfloat1622float2(held[k].pair[j]), w = __bfloat1622float2(by.pair[j]);
			held[k].pair[j] = __floats2bfloat162_rn(a.x * scale * w.x, a.y * scale * w.y);
		}
		to[i] = held[k].whole;
	}
}

void kernels_norm(bf16_bits *out, const bf16_bits *in, const bf16_bits *weight, uint32_t tokens, uint32_t hidden, float epsilon,
                  cudaStream_t stream)
{
	launch_chained<norm_row>("norm", dim3(tokens), NORM_THREADS, 0, stream, out, in, weight, hidden, epsilon);
}

/* A token a block, a pair a thread. */
static __global__ void turns(float2 *out, const uint32_t *positions, const float *frequency, float magnitude)
{
	/* float32 loses a ten-thousandth of a turn at position 131,072; reduce in double first. */
	const double all = (double)positions[blockIdx.x] * frequency[threadIdx.x] * 0.15915494309189535;
	float sine, cosine;
	sincospif((float)(2 * (all - floor(all))), &sine, &cosine);
	out[(size_t)blockIdx.x * blockDim.x + threadIdx.x] = make_float2(magnitude * cosine, magnitude * sine);
}

void kernels_turns(float *turns_of, const uint32_t *positions, const float *frequency, float magnitude, uint32_t tokens,
                   uint32_t head_size, cudaStream_t stream)
{
	turns<<<tokens, head_size / 2, 0, stream>>>((float2 *)turns_of, positions, frequency, magnitude);
	GPU_LAUNCHED("turns");
}

#define ROPE_THREADS 192 /* a multiple of the pieces in half a head, so that a thread keeps its pairs */

/* A token a block; a thread turns eight pairs of a head, or moves eight values. */
static __global__ void turn_row(bf16_bits *qkv, kernels_pool pool, const float2 *turns_of, const uint32_t *slots, uint32_t heads,
                            uint32_t kv_heads, uint32_t head_size)
{
	const uint32_t half = head_size / 2, pieces = half / 8, piece = threadIdx.x % pieces;
	bf16_bits *row = qkv + (size_t)blockIdx.x * (heads + 2 * kv_heads) * head_size;
	const size_t slot = (size_t)slots[blockIdx.x] * kv_heads * head_size;
	const float4 *from_turns = (const float4 *)(turns_of + (size_t)blockIdx.x * half + piece * 8);
	float4 turn[4];
	for (int j = 0; j < 4; j++)
		turn[j] = from_turns[j];
	launch_wait();
	for (uint32_t head = threadIdx.x / pieces; head < heads + kv_heads; head += ROPE_THREADS / pieces) {
		const bf16_bits *from = row + head * head_size + piece * 8;
		bf16_bits *to = head < heads ? row + head * head_size : pool.keys + slot + (head - heads) * head_size;
		Eight low, high;
		low.whole = *(const uint4 *)from;
		high.whole = *(const uint4 *)(from + half);
		for (int j = 0; j < 4; j++) {
			const float2 a = __bfloat1622float2(low.pair[j]), b = __bfloat1622float2(high.pair[j]);
			const float4 t = turn[j];
			low.pair[j] = __floats2bfloat162_rn(a.x * t.x - b.x * t.y, a.y * t.z - b.y * t.w);
			high.pair[j] = __floats2bfloat162_rn(b.x * t.x + a.x * t.y, b.y * t.z + a.y * t.w);
		}
		*(uint4 *)(to + piece * 8) = low.whole;
		*(uint4 *)(to + piece * 8 + half) = high.whole;
	}
	const uint4 *from = (const uint4 *)(row + (heads + kv_heads) * head_size);
	for (uint32_t i = threadIdx.x; i < kv_heads * head_size / 8; i += ROPE_THREADS)
		((uint4 *)(pool.values + slot))[i] = from[i];
}

void kernels_rope(bf16_bits *qkv, struct kernels_pool pool, const float *turns_of, const uint32_t *slots, uint32_t tokens,
                  uint32_t heads, uint32_t kv_heads, uint32_t head_size, cudaStream_t stream)
{
	launch_chained<turn_row>("rope", dim3(tokens), ROPE_THREADS, 0, stream, qkv, pool, (const float2 *)turns_of, slots, heads,
	               kv_heads, head_size);
}

static __global__ void swiglu(bf16_bits *out, const bf16_bits *gate_up, uint32_t pieces)
{
	const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
	if (i >= pieces)
		return;
	const uint4 *row = (const uint4 *)gate_up + (size_t)blockIdx.y * 2 * pieces;
	Eight gate, up;
	gate.whole = row[i];
	up.whole = row[pieces + i];
	for (int j = 0; j < 4; j++) {
		const float2 g = __bfloat1622float2(gate.pair[j]), u = __bfloat1622float2(up.pair[j]);
		gate.pair[j] = __floats2bfloat162_rn(g.x / (1 + __expf(-g.x)) * u.x, g.y / (1 + __expf(-g.y)) * u.y);
	}
	((uint4 *)out)[(size_t)blockIdx.y * pieces + i] = gate.whole;
}

void kernels_swiglu(bf16_bits *out, const bf16_bits *gate_up, uint32_t tokens, uint32_t intermediate, cudaStream_t stream)
{
	const uint32_t pieces = intermediate / 8;
	/* A grid's second side ends at 65,535 rows. */
	for (uint32_t done = 0; done < tokens; done += 65535) {
		const uint32_t rows = tokens - done < 65535 ? tokens - done : 65535;
		swiglu<<<dim3((pieces + 255) / 256, rows), 256, 0, stream>>>(
		        out + (size_t)done * intermediate, gate_up + (size_t)done * 2 * intermediate, pieces);
		GPU_LAUNCHED("swiglu");
	}
}

static __global__ void argmax(uint32_t *best, const float *logits, uint32_t vocabulary)
{
	__shared__ float values[32];
	__shared__ uint32_t places[32];
	const float *row = logits + (size_t)blockIdx.x * vocabulary;
	float value = -INFINITY;
	uint32_t place = UINT32_MAX;
	for (uint32_t i = threadIdx.x; i < vocabulary; i += blockDim.x) {
		if (row[i] > value) {
			value = row[i];
			place = i;
		}
	}
	for (int step = 16; step > 0; step /= 2) {
		const float other = __shfl_xor_sync(~0u, value, step);
		const uint32_t at = __shfl_xor_sync(~0u, place, step);
		if (other > value || (other == value && at < place)) {
			value = other;
			place = at;
		}
	}
	if (threadIdx.x % 32 == 0) {
		values[threadIdx.x / 32] = value;
		places[threadIdx.x / 32] = place;
	}
	__syncthreads();
	if (threadIdx.x > 0)
		return;
	for (uint32_t w = 1; w < blockDim.x / 32; w++) {
		if (values[w] > value || (values[w] == value && places[w] < place)) {
			value = values[w];
			place = places[w];
		}
	}
	best[blockIdx.x] = place;
}

void kernels_argmax(uint32_t *best, const float *logits, uint32_t rows, uint32_t vocabulary, cudaStream_t stream)
{
	argmax<<<rows, 1024, 0, stream>>>(best, logits, vocabulary);
	GPU_LAUNCHED("argmax");
}

/* splitmix64's finisher (Steele, Lea, Flood 2014) over seed and index. */
static __global__ void random_fill(bf16 *out, size_t count, uint64_t seed, float mean, float span)
{
	for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < count; i += (size_t)gridDim.x * blockDim.x) {
		uint64_t z = seed + (i + 1) * 0x9e3779b97f4a7c15ull;
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
		z ^= z >> 31;
		out[i] = __float2bfloat16_rn(mean + span * ((float)(z >> 40) * 0x1p-24f - 0.5f));
	}
}

void kernels_random(bf16_bits *out, size_t count, uint64_t seed, float mean, float deviation, cudaStream_t stream)
{
	/* A uniform variable's deviation is its span over the root of 12. */
	random_fill<<<4096, 256, 0, stream>>>((bf16 *)out, count, seed, mean, deviation * 3.4641016f);
	GPU_LAUNCHED("random_fill");
}
