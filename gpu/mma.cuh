/* mma.cuh - the tensor-core instructions of sm_80 and later that attention is made of (PTX ISA: mma.m16n8k16, ldmatrix,
 * cp.async), and tiles in shared memory that they read without bank conflicts. */
#ifndef KVCAST_MMA_CUH
#define KVCAST_MMA_CUH

#include <cuda_bf16.h>
#include <stdint.h>

/* d += a b for 16x16 by 16x8 bf16 tiles, float32 sums. Lane l holds of d: rows l/4 and l/4 + 8, columns 2 (l%4) + {0,1}. */
static __device__ __forceinline__ void mma_16x8x16(float d[4], const uint32_t a[4], const uint32_t b[2])
{
	asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
	             : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
	             : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* Four 8x8 matrices of 16-bit values; lane l gives the address of row l%8 of matrix l/8. */
static __device__ __forceinline__ void mma_load(uint32_t r[4], uint32_t address)
{
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
	             : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
	             : "r"(address));
}

static __device__ __forceinline__ void mma_load_transposed(uint32_t r[4], uint32_t address)
{
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
	             : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
	             : "r"(address));
}

/* 16 bytes from global to shared memory, past the registers; zeros where `valid` is false. */
static __device__ __forceinline__ void mma_copy(uint32_t shared_address, const void *global, bool valid)
{
	asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address), "l"(global), "r"(valid ? 16 : 0));
}

static __device__ __forceinline__ void mma_copies_begun(void)
{
	asm volatile("cp.async.commit_group;");
}

template <int LEFT>
static __device__ __forceinline__ void mma_copies_done(void)
{
	asm volatile("cp.async.wait_group %0;" ::"n"(LEFT));
}

static __device__ __forceinline__ uint32_t mma_pack(float low, float high)
{
	const __nv_bfloat162 both = __floats2bfloat162_rn(low, high);
	return *(const uint32_t *)&both;
}

/* Byte address of 16-byte piece `piece` of row `row`: rows are 16 bytes longer than their content, so that eight rows at
 * the same piece lie in different banks. */
template <int HEAD>
static __device__ __forceinline__ uint32_t mma_at(uint32_t base, int row, int piece)
{
	return base + (uint32_t)(row * (HEAD * 2 + 16) + piece * 16);
}

/* A sequence's block table, and how to divide by its block size without a division (exact below 2^32 / block_tokens). */
struct mma_pages {
	const uint32_t *table;
	uint32_t block_tokens, reciprocal;
};

static __device__ __forceinline__ mma_pages mma_pages_of(const uint32_t *table, uint32_t block_tokens)
{
	return {table, block_tokens, UINT32_MAX / block_tokens + 1};
}

/* The token slot of the pool that holds a position. */
static __device__ __forceinline__ size_t mma_slot(const mma_pages &pages, uint32_t position)
{
	const uint32_t block = __umulhi(position, pages.reciprocal);
	return (size_t)__ldg(pages.table + block) * pages.block_tokens + (position - block * pages.block_tokens);
}

#endif
