/* gpu.h - what all of gpu/ shares: how CUDA failures end the program, and the 16-bit float.
 *
 * A failed CUDA or cuBLAS call, or no memory on the device, is not bad input and cannot be gone on from: GPU_CALL prints
 * the call, its place and CUDA's own words, and ends the program with exit code 1. Host arrays are the caller's unless a
 * name says device; device memory is plain cudaMalloc.
 */
#ifndef KVCAST_GPU_H
#define KVCAST_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint16_t bf16_bits; /* bfloat16 as the host holds it */

#define GPU_CALL(call) gpu_call((int)(call), #call, __FILE__, __LINE__)
/* After a kernel launch. */
#define GPU_LAUNCHED(kernel) gpu_call((int)cudaGetLastError(), kernel, __FILE__, __LINE__)
void gpu_call(int status, const char *what, const char *file, int line);

/* Device memory, not cleared. */
void *gpu_alloc(size_t bytes);
void gpu_free(void *device);

static inline float gpu_from_bf16(bf16_bits bits)
{
	union {
		uint32_t bits;
		float value;
	} both = {(uint32_t)bits << 16};
	return both.value;
}

/* To the nearest, ties to even; finite values only. */
static inline bf16_bits gpu_to_bf16(float value)
{
	union {
		float value;
		uint32_t bits;
	} both = {value};
	return (bf16_bits)((both.bits + 0x7fff + ((both.bits >> 16) & 1)) >> 16);
}

#ifdef __cplusplus
}
#endif

#endif
