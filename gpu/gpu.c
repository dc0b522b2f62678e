#include "gpu.h"

#include <stdio.h>
#include <stdlib.h>

void gpu_call(int status, const char *what, const char *file, int line)
{
	if (status == 0)
		return;
	fprintf(stderr, "kvcast-gpu: %s failed at %s:%d: %s.\n", what, file, line, cudaGetErrorString((cudaError_t)status));
	exit(1);
}

void *gpu_alloc(size_t bytes)
{
	void *device = NULL;
	GPU_CALL(cudaMalloc(&device, bytes ? bytes : 1));
	return device;
}

void gpu_free(void *device)
{
	GPU_CALL(cudaFree(device));
}
