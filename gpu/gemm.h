/* gemm.h - matrix products through cuBLASLt, planned once per shape.
 *
 *   y[rows][outputs] = x[rows][inputs] W^T (+ bias),  W [outputs][inputs], all bf16 (y optionally float32), sums in float32
 *
 * gemm_plan() makes descriptors and asks cuBLASLt for an algorithm, which takes a millisecond or more; it is called for the
 * shapes to come before anything is timed. gemm_run() looks the plan up, and makes it if it must.
 */
#ifndef KVCAST_GEMM_H
#define KVCAST_GEMM_H

#include "gpu.h"

struct gemm;

struct gemm *gemm_open(cudaStream_t stream);
void gemm_close(struct gemm *gemm);

struct gemm_shape {
	uint32_t rows, outputs, inputs;
	bool has_bias, float_result;
};

void gemm_plan(struct gemm *gemm, struct gemm_shape shape);
/* `bias` [outputs], used where the shape has one. */
void gemm_run(struct gemm *gemm, struct gemm_shape shape, void *y, const bf16_bits *x, const bf16_bits *weight,
              const bf16_bits *bias);

#endif
