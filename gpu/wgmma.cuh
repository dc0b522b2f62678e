/* wgmma.cuh - Hopper's tensor-core instructions on a warpgroup of four warps, its barriers and its copy engine (PTX ISA:
 * wgmma, mbarrier, setmaxnreg, cp.async.bulk.tensor). Tiles in shared memory are slabs of 64 bf16 columns, 128 bytes a row, in
 * the 128-byte swizzle: piece c (16 bytes) of row r lies at r * 128 + (c ^ r % 8) * 16; a slab begins at a multiple of 1,024
 * bytes. */
#ifndef KVCAST_WGMMA_CUH
#define KVCAST_WGMMA_CUH

#include <stdint.h>

static __device__ __forceinline__ uint32_t wgmma_at(uint32_t slab, int row, int piece)
{
	return slab + (uint32_t)(row * 128 + ((piece ^ (row & 7)) << 4));
}

/* A matrix in shared memory, 128-byte swizzle. `leading` is the distance of slabs where the instruction's columns span
 * several and are contiguous (values); rows go in eights, 1,024 bytes apart. */
static __device__ __forceinline__ uint64_t wgmma_matrix(uint32_t address, uint32_t leading)
{
	return (uint64_t)1 << 62 | (uint64_t)(1024 >> 4) << 32 | (uint64_t)(leading >> 4) << 16 | (address & 0x3ffff) >> 4;
}

#define WGMMA_4(d, i) "+f"((d)[i]), "+f"((d)[(i) + 1]), "+f"((d)[(i) + 2]), "+f"((d)[(i) + 3])
#define WGMMA_16(d, i) WGMMA_4(d, i), WGMMA_4(d, (i) + 4), WGMMA_4(d, (i) + 8), WGMMA_4(d, (i) + 12)

/* d (64 x N) = a (64 x 16) b + (add ? d : 0). Lane l of warp w holds of d rows 16 w + l/4 and 8 on, as in mma_16x8x16().
 * _shared: a and b^T in shared memory with k contiguous. _registers: a in registers, b in shared memory with N contiguous. */
static __device__ __forceinline__ void wgmma_shared_128(float d[64], uint64_t a, uint64_t b, int add)
{
	asm volatile("{.reg .pred p; setp.ne.b32 p, %66, 0; wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {"
	             "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
	             "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
	             "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
	             "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
	             "%64, %65, p, 1, 1, 0, 0;}"
	             : WGMMA_16(d, 0),
	               WGMMA_16(d, 16),
	               WGMMA_16(d, 32),
	               WGMMA_16(d, 48)
	             : "l"(a), "l"(b), "r"(add));
}

static __device__ __forceinline__ void wgmma_registers_128(float d[64], const uint32_t a[4], uint64_t b, int add)
{
	asm volatile("{.reg .pred p; setp.ne.b32 p, %69, 0; wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {"
	             "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
	             "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
	             "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
	             "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
	             "{%64, %65, %66, %67}, %68, p, 1, 1, 1;}"
	             : WGMMA_16(d, 0),
	               WGMMA_16(d, 16),
	               WGMMA_16(d, 32),
	               WGMMA_16(d, 48)
	             : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add));
}

static __device__ __forceinline__ void wgmma_registers_64(float d[32], const uint32_t a[4], uint64_t b, int add)
{
	asm volatile("{.reg .pred p; setp.ne.b32 p, %37, 0; wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {"
	             "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
	             "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, "
	             "{%32, %33, %34, %35}, %36, p, 1, 1, 1;}"
	             : WGMMA_16(d, 0),
	               WGMMA_16(d, 16)
	             : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add));
}

#undef WGMMA_16
#undef WGMMA_4

/* Before the first product that reads registers written since. */
static __device__ __forceinline__ void wgmma_fence(void)
{
	asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

static __device__ __forceinline__ void wgmma_begun(void)
{
	asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

template <int LEFT>
static __device__ __forceinline__ void wgmma_done(void)
{
	asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(LEFT) : "memory");
}

template <int COUNT>
static __device__ __forceinline__ void wgmma_take_registers(void)
{
	asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(COUNT));
}

template <int COUNT>
static __device__ __forceinline__ void wgmma_give_registers(void)
{
	asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(COUNT));
}

/* What this thread wrote to shared memory is there for wgmma to read. */
static __device__ __forceinline__ void wgmma_publish(void)
{
	asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

static __device__ __forceinline__ void wgmma_barrier_init(uint32_t barrier, int arrivals)
{
	asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

static __device__ __forceinline__ void wgmma_arrive(uint32_t barrier)
{
	asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

/* True in one thread of a warp. */
static __device__ __forceinline__ bool wgmma_elect(void)
{
	uint32_t elected;
	asm volatile("{.reg .pred p; elect.sync _|p, 0xffffffff; selp.u32 %0, 1, 0, p;}" : "=r"(elected));
	return elected;
}

/* What was initialised is there for the copy engine to arrive at. */
static __device__ __forceinline__ void wgmma_barriers_ready(void)
{
	asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

/* Arrives, and has the phase last until so many bytes have been copied. */
static __device__ __forceinline__ void wgmma_arrive_for_bytes(uint32_t barrier, uint32_t bytes)
{
	asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}

/* Has the copy engine bring the map's box at (column, row); its bytes count at the barrier. */
static __device__ __forceinline__ void wgmma_copy_box(uint32_t to, const void *map, int column, int row, uint32_t barrier)
{
	asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(to),
	             "l"(map), "r"(column), "r"(row), "r"(barrier)
	             : "memory");
}

/* The same for bytes that lie in a row, a multiple of 16. */
static __device__ __forceinline__ void wgmma_copy_bytes(uint32_t to, const void *from, uint32_t bytes, uint32_t barrier)
{
	asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(to), "l"(from),
	             "r"(bytes), "r"(barrier)
	             : "memory");
}

/* A named barrier (1 to 15) of so many threads: they meet when all have come, those that arrive do not wait. */
static __device__ __forceinline__ void wgmma_meet(int barrier, int threads)
{
	asm volatile("bar.sync %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}

static __device__ __forceinline__ void wgmma_meet_ahead(int barrier, int threads)
{
	asm volatile("bar.arrive %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}

/* Waits for the end of the barrier's phase of that parity. */
static __device__ __forceinline__ void wgmma_wait(uint32_t barrier, uint32_t parity)
{
	asm volatile("{.reg .pred p;\n"
	             "again%=: mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n"
	             "@p bra ready%=;\n"
	             "bra again%=;\n"
	             "ready%=:}" ::"r"(barrier), "r"(parity) : "memory");
}

#endif
