/* cmd_info.c - kvcast-gpu info. */
#include "gpu.h"
#include "gpu_cli.h"
#include "model.h"

#include <argp.h>
#include <stdio.h>

struct info_command {
	const char *model_name;
	uint32_t block_tokens;
};

static const struct argp_option option_table[] = {
        {"model", 'm', "NAME|FILE", 0, "the model whose KV is counted; default llama-3.1-8b", 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct info_command *command = state->input;
	if (key != 'm')
		return ARGP_ERR_UNKNOWN;
	command->model_name = arg;
	return 0;
}

/* Best of several copies within the device, bytes read and written counted. */
static double copy_bytes_per_s(size_t bytes)
{
	void *from = gpu_alloc(bytes), *to = gpu_alloc(bytes);
	cudaEvent_t begin, end;
	float best_ms = 1e30f;
	GPU_CALL(cudaEventCreate(&begin));
	GPU_CALL(cudaEventCreate(&end));
	for (int i = 0; i < 10; i++) {
		float ms;
		GPU_CALL(cudaEventRecord(begin, 0));
		GPU_CALL(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, 0));
		GPU_CALL(cudaEventRecord(end, 0));
		GPU_CALL(cudaEventSynchronize(end));
		GPU_CALL(cudaEventElapsedTime(&ms, begin, end));
		if (ms < best_ms)
			best_ms = ms;
	}
	GPU_CALL(cudaEventDestroy(begin));
	GPU_CALL(cudaEventDestroy(end));
	gpu_free(from);
	gpu_free(to);
	return 2 * (double)bytes / (best_ms / 1e3);
}

int cmd_info(int argc, char **argv)
{
	static const struct argp argp = {.options = option_table, .parser = parse_option,
	                                 .doc = "Says what device there is and how much KV it holds."};
	struct info_command command = {.model_name = "llama-3.1-8b", .block_tokens = 16};
	struct model model;
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &command) != 0)
		return 2;
	if (model_load(&model, command.model_name, &err) < 0)
		return gpu_cli_fail(&err);
	if (gpu_cli_need_device())
		return 1;
	gpu_cli_print_machine();
	size_t free_bytes, all_bytes;
	GPU_CALL(cudaMemGetInfo(&free_bytes, &all_bytes));
	printf("memory   %.1f GiB, %.1f GiB free\n", (double)all_bytes / 0x1p30, (double)free_bytes / 0x1p30);
	printf("copies   %.0f GB/s within the device, read and written\n", copy_bytes_per_s((size_t)1 << 30) / 1e9);
	const int64_t a_token = model_kv_bytes_per_token(&model);
	printf("model    %s: %lld bytes of KV a token; %lld blocks of %u tokens in the free memory, weights not counted\n",
	       model.name, (long long)a_token, (long long)((int64_t)free_bytes / (a_token * command.block_tokens)),
	       command.block_tokens);
	return 0;
}
