#include "gemm.h"

#include "base.h"

#include <cublasLt.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>

#define WORKSPACE_BYTES ((size_t)64 << 20)
#define CANDIDATES 10
#define FINALISTS 3
#define ROUNDS 3 /* a finalist's time is the median of */

/* `rows` of a plan are those it was made for, of a choice those it was timed with. */
struct choice {
	struct gemm_shape shape;
	cublasLtMatmulAlgo_t algorithm;
};

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
	struct choice *choices;
	size_t choice_count, choice_room;
};

struct gemm *gemm_open(cudaStream_t stream)
{
	struct gemm *gemm = mem_alloc(1, sizeof(*gemm));
	gemm->stream = stream;
	GPU_CALL(cublasLtCreate(&gemm->handle));
	gemm->workspace = gpu_alloc(WORKSPACE_BYTES);
	return gemm;
}

static void drop_plan(struct plan *plan)
{
	GPU_CALL(cublasLtMatmulDescDestroy(plan->product));
	GPU_CALL(cublasLtMatrixLayoutDestroy(plan->weight));
	GPU_CALL(cublasLtMatrixLayoutDestroy(plan->x));
	GPU_CALL(cublasLtMatrixLayoutDestroy(plan->y));
}

void gemm_close(struct gemm *gemm)
{
	for (size_t i = 0; i < gemm->count; i++)
		drop_plan(&gemm->plans[i]);
	gpu_free(gemm->workspace);
	GPU_CALL(cublasLtDestroy(gemm->handle));
	free(gemm->plans);
	free(gemm->choices);
	free(gemm);
}

/* cuBLAS counts by columns: a row-major [rows][inputs] is its inputs x rows, so y^T = W x^T, with W taken transposed. */
static struct plan describe(struct gemm_shape shape)
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
	return plan;
}

/* cuBLASLt's candidates, the one it thinks fastest first; at least one. */
static int ask(struct gemm *gemm, const struct plan *plan, cublasLtMatmulHeuristicResult_t *found, int most)
{
	const size_t workspace = WORKSPACE_BYTES;
	cublasLtMatmulPreference_t preference;
	int count = 0;
	GPU_CALL(cublasLtMatmulPreferenceCreate(&preference));
	GPU_CALL(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace,
	                                              sizeof(workspace)));
	GPU_CALL(cublasLtMatmulAlgoGetHeuristic(gemm->handle, plan->product, plan->weight, plan->x, plan->y, plan->y, preference, most,
	                                        found, &count));
	GPU_CALL(cublasLtMatmulPreferenceDestroy(preference));
	ASSERT(count >= 1);
	return count;
}

static bool same_sides(const struct gemm_shape *a, const struct gemm_shape *b)
{
	return a->outputs == b->outputs && a->inputs == b->inputs && a->has_bias == b->has_bias &&
	       a->float_result == b->float_result && a->adds == b->adds;
}

static uint32_t tiles_of(uint32_t rows)
{
	return (rows + GEMM_TUNE_TILE - 1) / GEMM_TUNE_TILE;
}

/* Takes the choice timed with the fewest rows that are not under the shape's and fill as many tiles, or for more than
 * GEMM_TUNE_MOST rows the one timed with so many; false if there is none that cuBLASLt takes here. */
static bool take_choice(struct gemm *gemm, struct plan *plan)
{
	const uint32_t rows = plan->shape.rows < GEMM_TUNE_MOST ? plan->shape.rows : GEMM_TUNE_MOST;
	const struct choice *best = NULL;
	for (size_t i = 0; i < gemm->choice_count; i++) {
		const struct choice *choice = &gemm->choices[i];
		if (same_sides(&choice->shape, &plan->shape) && choice->shape.rows >= rows &&
		    tiles_of(choice->shape.rows) == tiles_of(rows) && (!best || choice->shape.rows < best->shape.rows))
			best = choice;
	}
	cublasLtMatmulHeuristicResult_t result;
	if (!best || cublasLtMatmulAlgoCheck(gemm->handle, plan->product, plan->weight, plan->x, plan->y, plan->y, &best->algorithm,
	                                     &result) != CUBLAS_STATUS_SUCCESS || result.workspaceSize > WORKSPACE_BYTES)
		return false;
	plan->algorithm = best->algorithm;
	return true;
}

static struct plan make_plan(struct gemm *gemm, struct gemm_shape shape)
{
	struct plan plan = describe(shape);
	cublasLtMatmulHeuristicResult_t found;
	if (!take_choice(gemm, &plan)) {
		ask(gemm, &plan, &found, 1);
		plan.algorithm = found.algo;
	}
	return plan;
}

static struct plan *plan_for(struct gemm *gemm, struct gemm_shape shape)
{
	for (size_t i = gemm->count; i-- > 0;) {
		if (gemm->plans[i].shape.rows == shape.rows && same_sides(&gemm->plans[i].shape, &shape))
			return &gemm->plans[i];
	}
	if (gemm->count == gemm->room) {
		gemm->room = gemm->room ? gemm->room * 2 : 64;
		gemm->plans = mem_grow(gemm->plans, gemm->room, sizeof(*gemm->plans));
	}
	gemm->plans[gemm->count] = make_plan(gemm, shape);
	return &gemm->plans[gemm->count++];
}

bool gemm_plan(struct gemm *gemm, struct gemm_shape shape)
{
	const size_t before = gemm->count;
	plan_for(gemm, shape);
	return gemm->count > before;
}

static cublasStatus_t multiply(struct gemm *gemm, struct plan *plan, const struct gemm_operands *o)
{
	static const float one = 1, zero = 0;
	if (plan->shape.has_bias) {
		const void *pointer = o->bias;
		GPU_CALL(cublasLtMatmulDescSetAttribute(plan->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &pointer, sizeof(pointer)));
	}
	return cublasLtMatmul(gemm->handle, plan->product, &one, o->weight, plan->weight, o->x, plan->x,
	                      plan->shape.adds ? &one : &zero, o->y, plan->y, o->y, plan->y, &plan->algorithm, gemm->workspace,
	                      WORKSPACE_BYTES, gemm->stream);
}

void gemm_run(struct gemm *gemm, struct gemm_shape shape, struct gemm_operands operands)
{
	GPU_CALL(multiply(gemm, plan_for(gemm, shape), &operands));
}

/* Milliseconds of one product, the mean over all sets of operands; infinite for an algorithm that does not run. */
static double time_product(struct gemm *gemm, struct plan *plan, const struct gemm_operands *operands, uint32_t count)
{
	cudaEvent_t begin, end;
	float ms = 0;
	cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
	GPU_CALL(cudaEventCreate(&begin));
	GPU_CALL(cudaEventCreate(&end));
	GPU_CALL(cudaEventRecord(begin, gemm->stream));
	for (uint32_t i = 0; i < count && status == CUBLAS_STATUS_SUCCESS; i++)
		status = multiply(gemm, plan, &operands[i]);
	GPU_CALL(cudaEventRecord(end, gemm->stream));
	GPU_CALL(cudaEventSynchronize(end));
	GPU_CALL(cudaEventElapsedTime(&ms, begin, end));
	GPU_CALL(cudaEventDestroy(begin));
	GPU_CALL(cudaEventDestroy(end));
	return status == CUBLAS_STATUS_SUCCESS ? (double)ms / count : INFINITY;
}

/* Plans made before follow the new choice. */
static void keep_choice(struct gemm *gemm, struct gemm_shape shape, const cublasLtMatmulAlgo_t *algorithm)
{
	if (gemm->choice_count == gemm->choice_room) {
		gemm->choice_room = gemm->choice_room ? gemm->choice_room * 2 : 64;
		gemm->choices = mem_grow(gemm->choices, gemm->choice_room, sizeof(*gemm->choices));
	}
	gemm->choices[gemm->choice_count++] = (struct choice){shape, *algorithm};
	for (size_t i = 0; i < gemm->count; i++) {
		if (same_sides(&gemm->plans[i].shape, &shape))
			take_choice(gemm, &gemm->plans[i]);
	}
}

/* The finalists take turns, so that a chip that grows warm slows all of them; cuBLASLt's first choice is one of them. */
struct gemm_timing gemm_tune(struct gemm *gemm, struct gemm_shape shape, const struct gemm_operands *operands, uint32_t count)
{
	cublasLtMatmulHeuristicResult_t found[CANDIDATES];
	double once[CANDIDATES], ms[FINALISTS][ROUNDS], median[FINALISTS];
	size_t order[CANDIDATES];
	struct plan plan = describe(shape);
	const int candidates = ask(gemm, &plan, found, CANDIDATES), finalists = candidates < FINALISTS ? candidates : FINALISTS;
	for (int c = 0; c < candidates; c++) {
		plan.algorithm = found[c].algo;
		time_product(gemm, &plan, operands, 1);
		once[c] = c == 0 ? -1 : time_product(gemm, &plan, operands, count);
	}
	gsl_sort_index(order, once, 1, (size_t)candidates);
	for (int round = 0; round < ROUNDS; round++) {
		for (int f = 0; f < finalists; f++) {
			plan.algorithm = found[order[f]].algo;
			ms[f][round] = time_product(gemm, &plan, operands, count);
		}
	}
	int best = 0;
	for (int f = 0; f < finalists; f++) {
		gsl_sort(ms[f], 1, ROUNDS);
		median[f] = ms[f][ROUNDS / 2];
		best = median[f] < median[best] ? f : best;
	}
	keep_choice(gemm, shape, &found[order[best]].algo);
	drop_plan(&plan);
	return (struct gemm_timing){median[0], median[best]};
}
