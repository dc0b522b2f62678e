/* gemv.cu - a thread block a multiprocessor, which takes 16 rows of weights at a time. One thread has the copy engine bring
 * them into a ring in shared memory, 512 columns at a time; eight warps take 64 of these each. Tensor cores multiply: weights
 * are the 16 rows of a tile, the rows of x its 8 columns. As sums do not care about the order of columns, a lane's 16 bytes
 * of weights are taken for the columns that the instruction wants of it.
 *
 * The ring fills before the kernel ahead has ended: memory has work while the chip's blocks wait for each other. It takes most
 * of a multiprocessor's shared memory, so that none gets two blocks of a kernel. */
#include "gemv.h"

#include "launch.cuh"
#include "mma.cuh"
#include "wgmma.cuh"

#define WARPS 8 /* that multiply; one more has the weights brought */
#define THREADS (WARPS * 32 + 32)
#define WIDE 64 /* columns a warp takes */
#define STAGES 10
#define OUTPUTS 16
#define ROW_BYTES (WARPS * WIDE * 2 + 64) /* 64 more, so that eight lanes' pieces of two rows are in different banks */
#define STAGE_BYTES (OUTPUTS * ROW_BYTES)
#define SEEN_BYTES (2 * WARPS * OUTPUTS * GEMV_ROWS * 4) /* two, so that a group's are read while the next one's are written */
#define SHARED_BYTES (STAGES * STAGE_BYTES + SEEN_BYTES + 2 * STAGES * 8)
#define MULTIPLIERS 1 /* the named barrier of the warps that multiply */

/* Addresses in shared memory: the ring, what the warps have seen, barriers. Use n of the ring is of stage n % STAGES. */
struct Ring {
	uint32_t base;

	__device__ uint32_t stage(uint32_t n) const
	{
		return base + n % STAGES * STAGE_BYTES;
	}
	__device__ uint32_t full(uint32_t n) const
	{
		return base + STAGES * STAGE_BYTES + SEEN_BYTES + n % STAGES * 8;
	}
	__device__ uint32_t empty(uint32_t n) const
	{
		return full(n) + STAGES * 8;
	}
};

/* What a block computes: every gridDim.x-th group of 16 rows of W, `turns` uses of the ring each. Rows l/4 and l/4 + 8 of a
 * group are, with GEMV_GATE, a gate's and the same up's. */
template <gemv_end END>
struct Work {
	const bf16_bits *weight;
	uint32_t outputs, inputs, groups, turns;

	__device__ const bf16_bits *row(uint32_t group, uint32_t r) const
	{
		const uint32_t gated = r < OUTPUTS / 2 ? group * (OUTPUTS / 2) + r : outputs + group * (OUTPUTS / 2) + r - OUTPUTS / 2;
		return weight + (size_t)(END == GEMV_GATE ? gated : group * OUTPUTS + r) * inputs;
	}
};

template <gemv_end END>
static __device__ void bring(const Ring &ring, const Work<END> &work)
{
	uint32_t n = 0;
	for (uint32_t group = blockIdx.x; group < work.groups; group += gridDim.x) {
		for (uint32_t turn = 0; turn < work.turns; turn++, n++) {
			const uint32_t column = turn * WARPS * WIDE, left = work.inputs - column;
			const uint32_t bytes = 2 * (left < WARPS * WIDE ? left : WARPS * WIDE);
			const bf16_bits *low = work.row(group, 0) + column, *high = work.row(group, OUTPUTS / 2) + column;
			wgmma_wait(ring.empty(n), (n / STAGES & 1) ^ 1);
			wgmma_arrive_for_bytes(ring.full(n), OUTPUTS * bytes);
#pragma unroll
			for (int r = 0; r < OUTPUTS / 2; r++) {
				const uint32_t to = ring.stage(n) + r * ROW_BYTES;
				wgmma_copy_bytes(to, low + (size_t)r * work.inputs, bytes, ring.full(n));
				wgmma_copy_bytes(to + OUTPUTS / 2 * ROW_BYTES, high + (size_t)r * work.inputs, bytes, ring.full(n));
			}
		}
	}
}

/* Not sm_80's: unused there. */
[[maybe_unused]] static __device__ __forceinline__ uint4 load_shared(uint32_t address)
{
	uint4 r;
	asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(r.x), "=r"(r.y), "=r"(r.z), "=r"(r.w) : "r"(address));
	return r;
}

/* 64 columns: a lane has 16 bytes of each of its two rows among the first 32 columns, and 16 among the others. */
[[maybe_unused]] static __device__ __forceinline__ void multiply(float sums[4], uint32_t weights, const uint4 x[2])
{
#pragma unroll
	for (int i = 0; i < 2; i++) {
		const uint4 low = load_shared(weights + i * 64), high = load_shared(weights + i * 64 + OUTPUTS / 2 * ROW_BYTES);
		const uint32_t first[4] = {low.x, high.x, low.y, high.y}, second[4] = {low.z, high.z, low.w, high.w};
		const uint32_t by_first[2] = {x[i].x, x[i].y}, by_second[2] = {x[i].z, x[i].w};
		mma_16x8x16(sums, first, by_first);
		mma_16x8x16(sums, second, by_second);
	}
}

[[maybe_unused]] static __device__ float rounded(float value)
{
	return __bfloat162float(__float2bfloat16_rn(value));
}

/* What the warps have of output o of a group for row r of x. */
[[maybe_unused]] static __device__ float total(const float seen[WARPS][OUTPUTS][GEMV_ROWS], uint32_t o, uint32_t r)
{
	float sum = 0;
#pragma unroll
	for (int w = 0; w < WARPS; w++)
		sum += seen[w][o][r];
	return sum;
}

template <gemv_end END>
static __device__ void finish(void *y, const bf16_bits *bias, const float seen[WARPS][OUTPUTS][GEMV_ROWS], uint32_t group,
                              uint32_t rows, uint32_t outputs)
{
	constexpr uint32_t STEP = END == GEMV_GATE ? OUTPUTS / 2 : OUTPUTS;
	const uint32_t o = threadIdx.x % STEP, r = threadIdx.x / STEP, output = group * STEP + o;
	if (r >= rows)
		return;
	const size_t at = (size_t)r * outputs + output;
	float sum = total(seen, o, r);
	if constexpr (END == GEMV_GATE) {
		const float gate = rounded(sum), up = rounded(total(seen, o + STEP, r));
		sum = gate / (1 + __expf(-gate)) * up;
	}
	if (bias)
		sum += __bfloat162float(((const __nv_bfloat16 *)bias)[output]);
	if constexpr (END == GEMV_ADD)
		sum += __bfloat162float(((const __nv_bfloat16 *)y)[at]);
	if constexpr (END == GEMV_FLOAT)
		((float *)y)[at] = sum;
	else
		((__nv_bfloat16 *)y)[at] = __float2bfloat16_rn(sum);
}

/* A lane's values of x, as multiply() wants them: of row l/4, if there is one. */
struct Inputs {
	const bf16_bits *row;
	uint32_t left; /* columns that the row has from `row` on, none where there is no row */

	__device__ __forceinline__ void load(uint4 to[2], uint32_t column) const
	{
		to[0] = column < left ? *(const uint4 *)(row + column) : make_uint4(0, 0, 0, 0);
		to[1] = column < left ? *(const uint4 *)(row + column + 32) : make_uint4(0, 0, 0, 0);
	}
};

/* The warps' sums of a group meet in shared memory. x of the next 64 columns is on its way under the products of these. */
template <gemv_end END>
static __device__ void multiply_all(void *y, const bf16_bits *x, const bf16_bits *bias, const Ring &ring, const Work<END> &work,
                                    float seen[2][WARPS][OUTPUTS][GEMV_ROWS], uint32_t rows)
{
	const uint32_t lane = threadIdx.x % 32, warp = threadIdx.x / 32, mine = warp * WIDE;
	const bool there = lane / 4 < rows && mine < work.inputs;
	const Inputs inputs = {x + (size_t)(there ? lane / 4 : 0) * work.inputs + mine + lane % 4 * 8, there ? work.inputs - mine : 0};
	const uint32_t place = lane / 4 * ROW_BYTES + mine * 2 + lane % 4 * 16;
	uint32_t n = 0, half = 0;
	uint4 next[2];
	inputs.load(next, 0);
	for (uint32_t group = blockIdx.x; group < work.groups; group += gridDim.x, half ^= 1) {
		float sums[4] = {};
		for (uint32_t turn = 0; turn < work.turns; turn++, n++) {
			const uint4 now[2] = {next[0], next[1]};
			inputs.load(next, (turn + 1 < work.turns ? turn + 1 : 0) * WARPS * WIDE);
			wgmma_wait(ring.full(n), n / STAGES & 1);
			/* Beyond the last column the ring holds what it held: nothing to multiply by zero. */
			if (mine + turn * WARPS * WIDE < work.inputs)
				multiply(sums, ring.stage(n) + place, now);
			__syncwarp();
			if (lane == 0)
				wgmma_arrive(ring.empty(n));
		}
		*(float2 *)&seen[half][warp][lane / 4][lane % 4 * 2] = make_float2(sums[0], sums[1]);
		*(float2 *)&seen[half][warp][lane / 4 + 8][lane % 4 * 2] = make_float2(sums[2], sums[3]);
		wgmma_meet(MULTIPLIERS, WARPS * 32);
		finish<END>(y, bias, seen[half], group, rows, work.outputs);
	}
}

template <gemv_end END>
static __global__ void __launch_bounds__(THREADS)
        gemv(void *y, const bf16_bits *x, const bf16_bits *weight, const bf16_bits *bias, uint32_t rows, uint32_t outputs,
             uint32_t inputs)
{
#if __CUDA_ARCH__ >= 900
	extern __shared__ __align__(128) uint8_t shared[];
	const Ring ring = {(uint32_t)__cvta_generic_to_shared(shared)};
	const Work<END> work = {weight, outputs, inputs, outputs / (END == GEMV_GATE ? OUTPUTS / 2 : OUTPUTS),
	                        (inputs + WARPS * WIDE - 1) / (WARPS * WIDE)};
	if (threadIdx.x < STAGES) {
		wgmma_barrier_init(ring.full(threadIdx.x), 1);
		wgmma_barrier_init(ring.empty(threadIdx.x), WARPS);
	}
	wgmma_barriers_ready();
	__syncthreads();
	if (threadIdx.x >= WARPS * 32) {
		if (wgmma_elect())
			bring(ring, work);
		return;
	}
	launch_wait();
	multiply_all(y, x, bias, ring, work, (float(*)[WARPS][OUTPUTS][GEMV_ROWS])(shared + STAGES * STAGE_BYTES), rows);
#endif
}

bool gemv_takes(uint32_t rows, uint32_t outputs, uint32_t inputs)
{
	return launch_can_chain() && rows <= GEMV_ROWS && outputs % OUTPUTS == 0 && inputs % WIDE == 0;
}

template <gemv_end END>
static void launch(void *y, const bf16_bits *x, const bf16_bits *weight, const bf16_bits *bias, uint32_t rows,
                   uint32_t outputs, uint32_t inputs, cudaStream_t stream)
{
	const uint32_t groups = outputs / (END == GEMV_GATE ? OUTPUTS / 2 : OUTPUTS), chip = launch_multiprocessors();
	static bool raised;
	if (!raised)
		GPU_CALL(cudaFuncSetAttribute(gemv<END>, cudaFuncAttributeMaxDynamicSharedMemorySize, SHARED_BYTES));
	raised = true;
	launch_chained<gemv<END>>("gemv", dim3(groups < chip ? groups : chip), THREADS, SHARED_BYTES, stream, y, x, weight, bias, rows,
	                          outputs, inputs);
}

void gemv_run(void *y, const bf16_bits *x, const bf16_bits *weight, const bf16_bits *bias, uint32_t rows, uint32_t outputs,
              uint32_t inputs, enum gemv_end end, cudaStream_t stream)
{
	switch (end) {
	case GEMV_STORE:
		return launch<GEMV_STORE>(y, x, weight, bias, rows, outputs, inputs, stream);
	case GEMV_ADD:
		return launch<GEMV_ADD>(y, x, weight, bias, rows, outputs, inputs, stream);
	case GEMV_GATE:
		return launch<GEMV_GATE>(y, x, weight, bias, rows, outputs, inputs, stream);
	case GEMV_FLOAT:
		return launch<GEMV_FLOAT>(y, x, weight, bias, rows, outputs, inputs, stream);
	}
}
