#include "gpu_cli.h"

#include "gemm_choices.h"
#include "gpu.h"
#include "llama.h"
#include "machine_state.h"
#include "options.h"

#include <cublasLt.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

int gpu_cli_check_products(const char *path, const struct model *model, struct err *err)
{
	struct gemm_choices choices;
	const struct gemm_choices_origin origin = {.model = model->name};
	if (!path)
		return 0;
	if (strcmp(path, "-") == 0)
		return err_set(err, "--products -: expected the name of a file, which is read in later runs.");
	if (access(path, F_OK) != 0)
		return 0;
	const int failed = gemm_choices_load(&choices, &origin, path, err);
	gemm_choices_free(&choices);
	return failed;
}

void gpu_cli_tell_missed(const struct llama *llama, const char *path)
{
	struct gemm_shape shape;
	const size_t missed = path ? llama_products_missed(llama, &shape) : 0;
	if (missed == 0)
		return;
	fprintf(stderr, "kvcast-gpu: %zu kinds of matrix products ran with cuBLASLt's first choice, as %s has no algorithm for them "
	                "that cuBLASLt takes; the first of them: %u rows, %u outputs, %u inputs.\n", missed, path, shape.rows,
	        shape.outputs, shape.inputs);
}

void gpu_cli_sleep_ns(int64_t ns)
{
	struct timespec rest = {ns / NS_PER_S, ns % NS_PER_S};
	while (nanosleep(&rest, &rest) < 0 && errno == EINTR) {
	}
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
