/* launch.cuh - kernels that begin before the one ahead of them has ended (programmatic dependent launch, sm_90 and later).
 *
 * A kernel launched by launch_chained() may start while its predecessor in the stream still runs. Until it has called
 * launch_wait() it may read only what no kernel of the same step writes (weights, block tables), and write nothing global.
 * After it, all earlier kernels have ended and their results are there: every thread that touches memory calls it, and every
 * chained kernel does so in some thread of each block. */
#ifndef KVCAST_LAUNCH_CUH
#define KVCAST_LAUNCH_CUH

#include "gpu.h"

static __device__ __forceinline__ void launch_wait(void)
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
	asm volatile("griddepcontrol.launch_dependents;");
	asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

static inline int launch_attribute(enum cudaDeviceAttr attribute)
{
	int device, value;
	GPU_CALL(cudaGetDevice(&device));
	GPU_CALL(cudaDeviceGetAttribute(&value, attribute, device));
	return value;
}

static inline uint32_t launch_multiprocessors(void)
{
	static const int count = launch_attribute(cudaDevAttrMultiProcessorCount);
	return (uint32_t)count;
}

static inline bool launch_can_chain(void)
{
	static const bool can = launch_attribute(cudaDevAttrComputeCapabilityMajor) >= 9;
	return can;
}

/* All chained kernels want a multiprocessor's memory divided the same way: two that do not cannot share it. */
template <auto KERNEL, typename... ARGUMENTS>
static void launch_chained(const char *name, dim3 grid, unsigned threads, size_t shared_bytes, cudaStream_t stream,
                           ARGUMENTS... arguments)
{
	static bool prepared;
	if (!prepared)
		GPU_CALL(cudaFuncSetAttribute(KERNEL, cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared));
	prepared = true;
	cudaLaunchAttribute chained = {};
	chained.id = cudaLaunchAttributeProgrammaticStreamSerialization;
	chained.val.programmaticStreamSerializationAllowed = 1;
	cudaLaunchConfig_t config = {};
	config.gridDim = grid;
	config.blockDim = dim3(threads);
	config.dynamicSmemBytes = shared_bytes;
	config.stream = stream;
	config.attrs = &chained;
	config.numAttrs = launch_can_chain() ? 1 : 0;
	gpu_call(cudaLaunchKernelEx(&config, KERNEL, arguments...), name, __FILE__, __LINE__);
}

#endif
