/* gpu.h - what all of gpu/ that uses CUDA shares: how its failures end the program.
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

#include "bf16.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GPU_CALL(call) gpu_call((int)(call), #call, __FILE__, __LINE__)
/* After a kernel launch. */
#define GPU_LAUNCHED(kernel) gpu_call((int)cudaGetLastError(), kernel, __FILE__, __LINE__)
void gpu_call(int status, const char *what, const char *file, int line);

/* Device memory, not cleared. */
void *gpu_alloc(size_t bytes);
void gpu_free(void *device);

#ifdef __cplusplus
}
#endif

#endif
