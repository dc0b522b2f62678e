#include "gemm.h"

#include "base.h"

#include <cublasLt.h>
#include <stdlib.h>
#include <string.h>

#define WORKSPACE_BYTES ((size_t)64 << 20)

struct plan {
	struct gemm_shape shape;
	cublasLtMatmulDesc_t product;
	cublasLtMatrixLayout_t weight, x, y;
	cublasLtMatmulAlgo_t algorithm;
};

struct gemm {
	cublasLtHandle_t handle;
	cudaStream_t stream;
	void *workspace;
	struct plan *plans;
	size_t count, room;
};

struct gemm *gemm_open(cudaStream_t stream)
{
	struct gemm *gemm = mem_alloc(1, sizeof(*gemm));
	gemm->stream = stream;
	GPU_CALL(cublasLtCreate(&gemm->handle));
	gemm->workspace = gpu_alloc(WORKSPACE_BYTES);
	return gemm;
}

void gemm_close(struct gemm *gemm)
{
	for (size_t i = 0; i < gemm->count; i++) {
		struct plan *plan = &gemm->plans[i];
		GPU_CALL(cublasLtMatmulDescDestroy(plan->product));
		GPU_CALL(cublasLtMatrixLayoutDestroy(plan->weight));
		GPU_CALL(cublasLtMatrixLayoutDestroy(plan->x));
		GPU_CALL(cublasLtMatrixLayoutDestroy(plan->y));
	}
	gpu_free(gemm->workspace);
	GPU_CALL(cublasLtDestroy(gemm->handle));
	free(gemm->plans);
	free(gemm);
}

/* cuBLAS counts by columns: a row-major [rows][inputs] is its inputs x rows, so y^T = W x^T, with W taken transposed. */
static struct plan make_plan(struct gemm *gemm, struct gemm_shape shape)
{
	struct plan plan = {.shape = shape};
	const cublasOperation_t transposed = CUBLAS_OP_T;
	const cudaDataType_t result = shape.float_result ? CUDA_R_32F : CUDA_R_16BF;
	GPU_CALL(cublasLtMatmulDescCreate(&plan.product, CUBLAS_COMPUTE_32F, CUDA_R_32F));
	GPU_CALL(cublasLtMatmulDescSetAttribute(plan.product, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof(transposed)));
	if (shape.has_bias) {
		const cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;
		const cudaDataType_t bias = CUDA_R_16BF;
		GPU_CALL(cublasLtMatmulDescSetAttribute(plan.product, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof(epilogue)));
		GPU_CALL(cublasLtMatmulDescSetAttribute(plan.product, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &bias, sizeof(bias)));
	}
	GPU_CALL(cublasLtMatrixLayoutCreate(&plan.weight, CUDA_R_16BF, shape.inputs, shape.outputs, shape.inputs));
	GPU_CALL(cublasLtMatrixLayoutCreate(&plan.x, CUDA_R_16BF, shape.inputs, shape.rows, shape.inputs));
	GPU_CALL(cublasLtMatrixLayoutCreate(&plan.y, result, shape.outputs, shape.rows, shape.outputs));
	cublasLtMatmulPreference_t preference;
	GPU_CALL(cublasLtMatmulPreferenceCreate(&preference));
	const size_t most = WORKSPACE_BYTES;
	GPU_CALL(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &most, sizeof(most)));
	cublasLtMatmulHeuristicResult_t found;
	int count = 0;
	GPU_CALL(cublasLtMatmulAlgoGetHeuristic(gemm->handle, plan.product, plan.weight, plan.x, plan.y, plan.y, preference, 1,
	                                        &found, &count));
	GPU_CALL(cublasLtMatmulPreferenceDestroy(preference));
	ASSERT(count == 1);
	plan.algorithm = found.algo;
	return plan;
}

static bool same(const struct gemm_shape *a, const struct gemm_shape *b)
{
	return a->rows == b->rows && a->outputs == b->outputs && a->inputs == b->inputs && a->has_bias == b->has_bias &&
	       a->float_result == b->float_result;
}

static struct plan *plan_for(struct gemm *gemm, struct gemm_shape shape)
{
	for (size_t i = gemm->count; i-- > 0;) {
		if (same(&gemm->plans[i].shape, &shape))
			return &gemm->plans[i];
	}
	if (gemm->count == gemm->room) {
		gemm->room = gemm->room ? gemm->room * 2 : 64;
		gemm->plans = mem_grow(gemm->plans, gemm->room, sizeof(*gemm->plans));
	}
	gemm->plans[gemm->count] = make_plan(gemm, shape);
	return &gemm->plans[gemm->count++];
}

void gemm_plan(struct gemm *gemm, struct gemm_shape shape)
{
	plan_for(gemm, shape);
}

void gemm_run(struct gemm *gemm, struct gemm_shape shape, void *y, const bf16_bits *x, const bf16_bits *weight,
              const bf16_bits *bias)
{
	static const float one = 1, zero = 0;
	struct plan *plan = plan_for(gemm, shape);
	if (shape.has_bias) {
		const void *pointer = bias;
		GPU_CALL(cublasLtMatmulDescSetAttribute(plan->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &pointer, sizeof(pointer)));
	}
	GPU_CALL(cublasLtMatmul(gemm->handle, plan->product, &one, weight, plan->weight, x, plan->x, &zero, y, plan->y, y, plan->y,
	                        &plan->algorithm, gemm->workspace, WORKSPACE_BYTES, gemm->stream));
}
