#include "gpu_cli.h"

#include "gpu.h"
#include "machine_state.h"
#include "options.h"

#include <cublasLt.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int gpu_cli_fail(const struct err *err)
{
	fflush(stdout);
	fprintf(stderr, "kvcast-gpu: %s\n", err->text);
	return 1;
}

int gpu_cli_check_options(const struct run_options *options, struct err *err)
{
	if (options->config.engine == ENGINE_REPLAY)
		return err_set(err, "--engine replay: there nothing takes time, so nothing can be measured; choose static, vllm or "
		                    "sglang.");
	if (options->config.replicas > 1)
		return err_set(err, "--replicas %u: the device is one replica; a fleet is forecast by `kvcast run`.", options->config.replicas);
	if (!options->has_model)
		return err_set(err, "--model is missing: the model that is to run.");
	if (options->model.lacks[0])
		return err_set(err, "--model %s: %s", options->model.name, options->model.lacks);
	return 0;
}

int gpu_cli_load_model(const char *name, struct model *model, struct llama_weights **weights, struct err *err)
{
	if (weights)
		*weights = NULL;
	if (model_load(model, name, err) < 0)
		return -1;
	model->dtype_bytes = sizeof(bf16_bits);
	if (!weights || !model_is_directory(name))
		return 0;
	*weights = llama_weights_open(model, name, err);
	return *weights ? 0 : -1;
}

int gpu_cli_need_device(void)
{
	int count = 0;
	if (cudaGetDeviceCount(&count) == cudaSuccess && count > 0)
		return 0;
	fprintf(stderr, "kvcast-gpu: there is no CUDA device here.\n");
	return 1;
}

const char *gpu_cli_machine(char *text, size_t size)
{
	struct cudaDeviceProp device;
	int driver = 0, runtime = 0;
	GPU_CALL(cudaGetDeviceProperties(&device, 0));
	GPU_CALL(cudaDriverGetVersion(&driver));
	GPU_CALL(cudaRuntimeGetVersion(&runtime));
	struct machine_state *state = machine_state_open();
	const char *version = machine_state_driver(state);
	snprintf(text, size, "%s, %d multiprocessors, sm_%d%d; driver %s%sCUDA %d.%d, runtime %d.%d; cuBLASLt %zu", device.name,
	         device.multiProcessorCount, device.major, device.minor, version, version[0] ? ", " : "", driver / 1000,
	         driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10, cublasLtGetVersion());
	machine_state_close(state);
	return text;
}

void gpu_cli_print_machine(void)
{
	char machine[256];
	printf("# %s\n", gpu_cli_machine(machine, sizeof(machine)));
}

int gpu_cli_finish_stdout(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fprintf(stderr, "kvcast-gpu: standard output took not all of the data: %s.\n", strerror(errno));
	return 1;
}
