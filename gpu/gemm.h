/* gemm.h - matrix products through cuBLASLt, planned once per shape.
 *
 *   y[rows][outputs] = x[rows][inputs] W^T (+ bias) (+ y),  W [outputs][inputs], all bf16 (y optionally float32), sums in float32
 *
 * A plan is descriptors and an algorithm, and takes a millisecond or more to make; gemm_plan() is called for the shapes to
 * come before anything is timed. gemm_run() looks the plan up, and makes it if it must.
 *
 * The algorithm is cuBLASLt's first choice, the same in every run, unless gemm_tune() has timed its candidates: plans of the
 * same sides then take the fastest if they fill as many tiles of GEMM_TUNE_TILE rows. What is fastest with 256 rows is up to
 * 43 % slower than the first choice with 160 (NOTES.md). Beyond GEMM_TUNE_MOST rows the choice for so many stands for all.
 */
#ifndef KVCAST_GEMM_H
#define KVCAST_GEMM_H

#include "gpu.h"

#define GEMM_TUNE_MOST 8192
#define GEMM_TUNE_TILE 64

struct gemm;

struct gemm *gemm_open(cudaStream_t stream);
void gemm_close(struct gemm *gemm);

struct gemm_shape {
	uint32_t rows, outputs, inputs;
	bool has_bias, float_result, adds; /* adds: to what y holds; not with a bias */
};

struct gemm_operands {
	void *y;
	const bf16_bits *x, *weight, *bias; /* bias [outputs], used where the shape has one */
};

/* Whether the plan had to be made. */
bool gemm_plan(struct gemm *gemm, struct gemm_shape shape);
void gemm_run(struct gemm *gemm, struct gemm_shape shape, struct gemm_operands operands);

struct gemm_timing {
	double first_ms, best_ms; /* cuBLASLt's first choice, and the fastest */
};

/* Times the candidates on `count` sets of operands in turn, enough of them that the cache does not hold the weights; every y
 * is overwritten. Call it while nothing else is timed. */
struct gemm_timing gemm_tune(struct gemm *gemm, struct gemm_shape shape, const struct gemm_operands *operands, uint32_t count);

#endif
