/* cmd_info.c - kvcast-gpu info: the device, what it measures, and what fits. Rates are the best of several runs: ceilings to
 * hold other figures against. */
#include "gemm.h"
#include "gpu_cli.h"
#include "kernels.h"
#include "llama_weights.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#define RUNS         10
#define COPY_BYTES   ((size_t)1 << 30)
#define MATMUL_SIDE  8192u
#define BLOCK_TOKENS 16

struct info_command {
	const char *model_name;
	uint32_t block_tokens;
};

static const struct argp_option option_table[] = {
        {"block", 'b', "TOKENS", 0, "tokens in a block, a multiple of 16; default 16", 0},
        {"model", 'm', "NAME|FILE", 0, "the model whose KV is counted; default llama-3.1-8b", 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct info_command *command = state->input;
	char *end;
	unsigned long tokens;
	switch (key) {
	case 'b':
		tokens = strtoul(arg, &end, 10);
		if (*end || tokens == 0 || tokens % 16 || tokens > 1u << 20)
			argp_error(state, "--block %s: expected a multiple of 16", arg);
		command->block_tokens = (uint32_t)tokens;
		return 0;
	case 'm':
		command->model_name = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

typedef void info_act(void *context);

static double best_s(info_act *act, void *context)
{
	cudaEvent_t begin, end;
	float best_ms = 1e30f;
	GPU_CALL(cudaEventCreate(&begin));
	GPU_CALL(cudaEventCreate(&end));
	for (int i = 0; i < RUNS; i++) {
		float ms;
		GPU_CALL(cudaEventRecord(begin, 0));
		act(context);
		GPU_CALL(cudaEventRecord(end, 0));
		GPU_CALL(cudaEventSynchronize(end));
		GPU_CALL(cudaEventElapsedTime(&ms, begin, end));
		if (ms < best_ms)
			best_ms = ms;
	}
	GPU_CALL(cudaEventDestroy(begin));
	GPU_CALL(cudaEventDestroy(end));
	return best_ms / 1e3;
}

struct copy {
	void *to, *from;
	enum cudaMemcpyKind kind;
};

static void run_copy(void *context)
{
	const struct copy *copy = context;
	GPU_CALL(cudaMemcpyAsync(copy->to, copy->from, COPY_BYTES, copy->kind, 0));
}

static void print_copies(void)
{
	void *a = gpu_alloc(COPY_BYTES), *b = gpu_alloc(COPY_BYTES), *host;
	GPU_CALL(cudaMallocHost(&host, COPY_BYTES));
	struct copy within = {a, b, cudaMemcpyDeviceToDevice}, in = {a, host, cudaMemcpyHostToDevice},
	            out = {host, a, cudaMemcpyDeviceToHost};
	const double gigabytes = (double)COPY_BYTES / 1e9;
	printf("copies   %.0f GB/s within the device, read and written; ", 2 * gigabytes / best_s(run_copy, &within));
	printf("%.1f GB/s from pinned host memory, ", gigabytes / best_s(run_copy, &in));
	printf("%.1f GB/s to it\n", gigabytes / best_s(run_copy, &out));
	GPU_CALL(cudaFreeHost(host));
	gpu_free(a);
	gpu_free(b);
}

struct product {
	struct gemm *gemm;
	bf16_bits *y, *x, *weight;
};

static void run_product(void *context)
{
	const struct product *p = context;
	const struct gemm_shape shape = {.rows = MATMUL_SIDE, .outputs = MATMUL_SIDE, .inputs = MATMUL_SIDE};
	gemm_run(p->gemm, shape, (struct gemm_operands){p->y, p->x, p->weight, NULL});
}

static void print_matmul(void)
{
	const size_t count = (size_t)MATMUL_SIDE * MATMUL_SIDE;
	struct product p = {gemm_open(0), gpu_alloc(count * sizeof(bf16_bits)), gpu_alloc(count * sizeof(bf16_bits)),
	                    gpu_alloc(count * sizeof(bf16_bits))};
	kernels_random(p.x, count, 1, 0, 1, 0);
	kernels_random(p.weight, count, UINT64_C(1) << 32, 0, 1, 0);
	const double side = MATMUL_SIDE;
	printf("products %.0f TFLOP/s, bf16, %u x %u x %u, random values\n", 2 * side * side * side / best_s(run_product, &p) / 1e12,
	       MATMUL_SIDE, MATMUL_SIDE, MATMUL_SIDE);
	gemm_close(p.gemm);
	gpu_free(p.y);
	gpu_free(p.x);
	gpu_free(p.weight);
}

static double weight_bytes(const struct model *model)
{
	double count = 0;
	for (int w = 0; w < LLAMA_WEIGHTS; w++) {
		const enum llama_weight weight = (enum llama_weight)w;
		if (weight != LLAMA_HEAD || !model->ties_head)
			count += (double)llama_weight_count(model, weight) * (llama_weight_is_shared(weight) ? 1 : model->layers);
	}
	return count * sizeof(bf16_bits);
}

int cmd_info(int argc, char **argv)
{
	static const struct argp argp = {.options = option_table, .parser = parse_option,
	                                 .doc = "Says what device there is, how fast it is, and how much KV it holds."};
	struct info_command command = {.model_name = "llama-3.1-8b", .block_tokens = BLOCK_TOKENS};
	struct model model;
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &command) != 0)
		return 2;
	if (gpu_cli_load_model(command.model_name, &model, NULL, &err) < 0)
		return gpu_cli_fail(&err);
	if (gpu_cli_need_device())
		return 1;
	gpu_cli_print_machine();
	size_t free_bytes, all_bytes;
	GPU_CALL(cudaMemGetInfo(&free_bytes, &all_bytes));
	printf("memory   %.1f GiB, %.1f GiB free\n", (double)all_bytes / 0x1p30, (double)free_bytes / 0x1p30);
	print_copies();
	print_matmul();
	const double a_block = (double)model_kv_bytes_per_token(&model) * command.block_tokens, weights = weight_bytes(&model);
	const double rest = (double)free_bytes - weights;
	printf("model    %s: %.1f GiB of weights, %lld bytes of KV a token; %llu blocks of %u tokens in the rest of the free "
	       "memory\n",
	       model.name, weights / 0x1p30, (long long)model_kv_bytes_per_token(&model), rest > 0 ? (unsigned long long)(rest / a_block) : 0,
	       command.block_tokens);
	return 0;
}
