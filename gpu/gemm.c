#include "gemm.h"

#include "base.h"

#include <cublasLt.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKSPACE_BYTES ((size_t)64 << 20)
#define CANDIDATES 10
#define FINALISTS 3
#define ROUNDS 5 /* a finalist's time is the median of */
#define TRIAL_MS 0.3 /* about how long a measurement takes: of a candidate, */
#define ROUND_MS 1.0 /* and of a finalist */
#define MOST_REPEATS 64
#define NOISE 0.01
#define PRODUCTS_A_FILL 2 /* see time_products() */

_Static_assert(sizeof(cublasLtMatmulAlgo_t) == GEMM_CHOICES_WORDS * sizeof(uint64_t), "an algorithm has as many words");

struct plan {
	struct gemm_shape shape;
	cublasLtMatmulDesc_t product;
	cublasLtMatrixLayout_t weight, x, y;
	cublasLtMatmulAlgo_t algorithm;
	uint32_t next; /* of its chain, counted from 1; 0: the last */
};

/* A server meets hundreds of shapes, and looks one up before every product: by chains of few. */
#define CHAINS 1024u

struct gemm {
	cublasLtHandle_t handle;
	cudaStream_t stream;
	void *workspace;
	struct plan *plans;
	size_t count, room;
	uint32_t chains[CHAINS]; /* the first plan of each, counted from 1 */
	struct gemm_choices choices;
	size_t missed_count;
	struct gemm_shape missed; /* the first */
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

static void drop_plans(struct gemm *gemm)
{
	for (size_t i = 0; i < gemm->count; i++)
		drop_plan(&gemm->plans[i]);
	gemm->count = 0;
	memset(gemm->chains, 0, sizeof(gemm->chains));
}

void gemm_close(struct gemm *gemm)
{
	drop_plans(gemm);
	gpu_free(gemm->workspace);
	GPU_CALL(cublasLtDestroy(gemm->handle));
	free(gemm->plans);
	gemm_choices_free(&gemm->choices);
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

/* False where no choice stands for the plan, or cuBLASLt does not take it here. */
static bool take_choice(struct gemm *gemm, struct plan *plan)
{
	const struct gemm_choice *choice = gemm_choices_find(&gemm->choices, plan->shape);
	cublasLtMatmulHeuristicResult_t result;
	if (!choice)
		return false;
	memcpy(&plan->algorithm, choice->algorithm, sizeof(plan->algorithm));
	return cublasLtMatmulAlgoCheck(gemm->handle, plan->product, plan->weight, plan->x, plan->y, plan->y, &plan->algorithm,
	                               &result) == CUBLAS_STATUS_SUCCESS && result.workspaceSize <= WORKSPACE_BYTES;
}

static struct plan make_plan(struct gemm *gemm, struct gemm_shape shape)
{
	struct plan plan = describe(shape);
	cublasLtMatmulHeuristicResult_t found;
	if (take_choice(gemm, &plan))
		return plan;
	ask(gemm, &plan, &found, 1);
	plan.algorithm = found.algo;
	if (gemm->choices.count > 0 && gemm->missed_count++ == 0)
		gemm->missed = shape;
	return plan;
}

static struct plan *plan_for(struct gemm *gemm, struct gemm_shape shape)
{
	uint32_t *first = &gemm->chains[(shape.rows * 31 + shape.outputs * 7 + shape.inputs) % CHAINS];
	for (uint32_t i = *first; i > 0; i = gemm->plans[i - 1].next) {
		if (gemm->plans[i - 1].shape.rows == shape.rows && gemm_choices_same_sides(&gemm->plans[i - 1].shape, &shape))
			return &gemm->plans[i - 1];
	}
	if (gemm->count == gemm->room) {
		gemm->room = gemm->room ? gemm->room * 2 : 64;
		gemm->plans = mem_grow(gemm->plans, gemm->room, sizeof(*gemm->plans));
	}
	gemm->plans[gemm->count] = make_plan(gemm, shape);
	gemm->plans[gemm->count].next = *first;
	*first = (uint32_t)gemm->count + 1;
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

void gemm_choose(struct gemm *gemm, const struct gemm_choices *choices)
{
	drop_plans(gemm);
	gemm_choices_free(&gemm->choices);
	gemm->missed_count = 0;
	for (size_t i = 0; i < choices->count; i++)
		gemm_choices_add(&gemm->choices, &choices->choices[i]);
}

const struct gemm_choices *gemm_chosen(const struct gemm *gemm)
{
	return &gemm->choices;
}

size_t gemm_missed(const struct gemm *gemm, struct gemm_shape *shape)
{
	*shape = gemm->missed;
	return gemm->missed_count;
}

size_t gemm_version(char *text, size_t size)
{
	struct cudaDeviceProp device;
	int current;
	GPU_CALL(cudaGetDevice(&current));
	GPU_CALL(cudaGetDeviceProperties(&device, current));
	snprintf(text, size, "%s", device.name);
	return cublasLtGetVersion();
}

/* What is timed: sets of operands, which go on from one measurement to the next, so that no weight is asked for again soon. */
struct trial {
	struct gemm *gemm;
	struct plan plan;
	const struct gemm_operands *operands;
	uint32_t count, next;
	cudaEvent_t begin, end;
};

/* Milliseconds of one product, the mean over so many; infinite for an algorithm that does not run. */
static double time_products(struct trial *trial, const cublasLtMatmulAlgo_t *algorithm, uint32_t repeats)
{
	struct gemm *gemm = trial->gemm;
	float ms = 0;
	cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
	trial->plan.algorithm = *algorithm;
	/* The host needs some microseconds to begin a product. Filling the workspace gives it a head start of as many a product, so
	 * that short ones, too, wait for the device and not for the host. */
	for (uint32_t i = 0; i < repeats; i += PRODUCTS_A_FILL)
		GPU_CALL(cudaMemsetAsync(gemm->workspace, 0, WORKSPACE_BYTES, gemm->stream));
	GPU_CALL(cudaEventRecord(trial->begin, gemm->stream));
	for (uint32_t i = 0; i < repeats && status == CUBLAS_STATUS_SUCCESS; i++) {
		status = multiply(gemm, &trial->plan, &trial->operands[trial->next]);
		trial->next = (trial->next + 1) % trial->count;
	}
	GPU_CALL(cudaEventRecord(trial->end, gemm->stream));
	GPU_CALL(cudaEventSynchronize(trial->end));
	GPU_CALL(cudaEventElapsedTime(&ms, trial->begin, trial->end));
	return status == CUBLAS_STATUS_SUCCESS ? (double)ms / repeats : INFINITY;
}

static uint32_t repeats_for(double ms, double one_ms)
{
	return one_ms * MOST_REPEATS > ms ? (uint32_t)ceil(ms / one_ms) : MOST_REPEATS;
}

/* Times every candidate once; `order` gets them by their time, cuBLASLt's first choice in front. Milliseconds of the fastest,
 * which also say how many products make a measurement; a candidate's first one loads its kernel, if none did before. */
static double rank(struct trial *trial, const cublasLtMatmulHeuristicResult_t *found, int candidates, size_t *order)
{
	double once[CANDIDATES], least = INFINITY;
	for (int c = 0; c < candidates; c++) {
		once[c] = time_products(trial, &found[c].algo, 1);
		least = fmin(least, once[c]);
		if (isfinite(once[c]))
			once[c] = time_products(trial, &found[c].algo, repeats_for(TRIAL_MS, least));
		least = fmin(least, once[c]);
	}
	once[0] = -1;
	gsl_sort_index(order, once, 1, (size_t)candidates);
	return least;
}

/* The finalists take turns, so that a chip that grows warm slows all of them; cuBLASLt's first choice is one of them. */
static void play_finals(struct trial *trial, const cublasLtMatmulHeuristicResult_t *found, const size_t *order, int finalists,
                        uint32_t repeats, double *median)
{
	double ms[FINALISTS][ROUNDS];
	for (int round = 0; round < ROUNDS; round++) {
		for (int turn = 0; turn < finalists; turn++) {
			const int f = (turn + round) % finalists;
			ms[f][round] = time_products(trial, &found[order[f]].algo, repeats);
		}
	}
	for (int f = 0; f < finalists; f++) {
		gsl_sort(ms[f], 1, ROUNDS);
		median[f] = ms[f][ROUNDS / 2];
	}
}

struct gemm_choice gemm_tune(struct gemm *gemm, struct gemm_shape shape, const struct gemm_operands *operands, uint32_t count)
{
	cublasLtMatmulHeuristicResult_t found[CANDIDATES];
	double median[FINALISTS];
	size_t order[CANDIDATES];
	struct trial trial = {.gemm = gemm, .plan = describe(shape), .operands = operands, .count = count};
	GPU_CALL(cudaEventCreate(&trial.begin));
	GPU_CALL(cudaEventCreate(&trial.end));
	const int candidates = ask(gemm, &trial.plan, found, CANDIDATES);
	const int finalists = candidates < FINALISTS ? candidates : FINALISTS;
	const double least_ms = rank(&trial, found, candidates, order);
	ASSERT(isfinite(least_ms));
	play_finals(&trial, found, order, finalists, repeats_for(ROUND_MS, least_ms), median);
	GPU_CALL(cudaEventDestroy(trial.begin));
	GPU_CALL(cudaEventDestroy(trial.end));
	drop_plan(&trial.plan);
	int best = 0;
	for (int f = 1; f < finalists; f++)
		best = median[f] < median[best] && median[f] < (1 - NOISE) * median[0] ? f : best;
	/* A first choice that does not run is written as one that takes no time: the file has no word for it. */
	struct gemm_choice choice = {.shape = shape, .first_us = isfinite(median[0]) ? 1000 * median[0] : 0, .best_us = 1000 * median[best]};
	memcpy(choice.algorithm, &found[order[best]].algo, sizeof(choice.algorithm));
	return choice;
}
