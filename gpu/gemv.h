/* gemv.h - matrix products of at most GEMV_ROWS rows, where the weights' bytes are all that counts.
 *
 *   y[rows][outputs] = x[rows][inputs] W^T (+ bias),  W [outputs][inputs], bf16, sums in float32
 *
 * Every weight is read once; its loads begin before the kernel ahead in the stream has ended (launch.cuh), so weights are
 * written by no kernel of the same step. Outputs are a multiple of 16, inputs one of 64 (gemv_takes()).
 */
#ifndef KVCAST_GEMV_H
#define KVCAST_GEMV_H

#include "gpu.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GEMV_ROWS 8

enum gemv_end {
	GEMV_STORE, /* y is bf16 */
	GEMV_ADD,   /* to what y holds, bf16 */
	GEMV_GATE,  /* W has 2 x outputs rows, gate's and up's: y = silu(gate) x up, bf16, each rounded before */
	GEMV_FLOAT, /* y is float */
};

bool gemv_takes(uint32_t rows, uint32_t outputs, uint32_t inputs);

/* `bias` [outputs] or NULL; none with GEMV_GATE. */
void gemv_run(void *y, const bf16_bits *x, const bf16_bits *weight, const bf16_bits *bias, uint32_t rows, uint32_t outputs,
              uint32_t inputs, enum gemv_end end, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
