/* cmd_replay.c - kvcast-gpu replay TRACE: the simulator's engine, with a real model doing the steps. */
#include "cuda_backend.h"
#include "engine.h"
#include "gpu_cli.h"
#include "replay.h"
#include "run_output.h"

#include <argp.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { KEY_WALL = 0x300, KEY_DISK, KEY_ARCHIVE, KEY_ANSWERS, KEY_STEPS, KEY_PRODUCTS };

struct replay_command {
	struct run_options options;
	struct run_output output;
	const char *trace_path;
	const char *disk_folder, *archive_folder, *answers_path, *steps_path, *products_path;
	bool wall;
};

static const struct argp_option option_table[] = {
        {0, 0, 0, 0, "The machine's own:", 5},
        {"wall", KEY_WALL, 0, 0, "run in true time and wait where nothing is to be done; else the engine's clock goes by the time of steps and transfers, and gaps cost a short rest at most", 0},
        {"disk-folder", KEY_DISK, "FOLDER", 0, "where --tier disk has its file; it takes its whole size at once, and is gone afterwards", 0},
        {"archive-folder", KEY_ARCHIVE, "FOLDER", 0, "where --tier archive has its objects; they stay, and are read again only within a run", 0},
        {"steps", KEY_STEPS, "FILE", 0, "write a CSV with a row a step: its time, the rest before it, and what it computed (step_log.h)", 0},
        {"model-answers", KEY_ANSWERS, "FILE", 0, "write a CSV of what the model answered, a row a request: the logits' checksum, and the tokens. One request at a time, equal hits give equal rows, wherever the blocks came from. Steps take longer", 0},
        {"products", KEY_PRODUCTS, "FILE", 0, GPU_CLI_PRODUCTS_HELP, 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct replay_command *command = state->input;
	switch (key) {
	case KEY_WALL:
		command->wall = true;
		return 0;
	case KEY_ANSWERS:
		command->answers_path = arg;
		return 0;
	case KEY_STEPS:
		command->steps_path = arg;
		return 0;
	case KEY_PRODUCTS:
		command->products_path = arg;
		return 0;
	case KEY_DISK:
		command->disk_folder = arg;
		return 0;
	case KEY_ARCHIVE:
		command->archive_folder = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "one trace at a time");
		command->trace_path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "a trace is missing: a file, or - for standard input");
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &command->output;
		state->child_inputs[1] = &command->options;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int64_t date_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* The capacity is what was asked for, if the device has room for it, or else all there is room for. */
static int fit_capacity(const struct replay_command *command, const struct cuda_backend_options *backend,
                        struct run_config *config, struct err *err)
{
	const uint64_t room = cuda_backend_room(backend);
	const char *asked = command->options.capacity;
	if (!asked)
		config->capacity_blocks = room;
	if (config->capacity_blocks > room || room == 0)
		return err_set(err, "--capacity %s: beside %s and its steps the device has room for %" PRIu64 " blocks of %u tokens.",
		               asked ? asked : "inf", backend->model->name, room, backend->trace->block_tokens);
	return 0;
}

static struct cuda_backend_options backend_options(const struct replay_command *command, const struct trace *trace)
{
	const char *model = command->options.text[OPTION_MODEL];
	return (struct cuda_backend_options){
	        .trace = trace,
	        .config = &command->options.config,
	        .model = &command->options.model,
	        .directory = model && model_is_directory(model) ? model : NULL,
	        .products = command->products_path,
	        .now_ns = now_ns,
	        .sleep_ns = gpu_cli_sleep_ns,
	        .wall = command->wall,
	        .disk_folder = command->disk_folder,
	        .archive_folder = command->archive_folder,
	        .date_ns = date_ns,
	        .checks_logits = command->answers_path != NULL,
	};
}

static int write_answers(const char *path, const struct cuda_backend *backend, const struct trace *trace, struct err *err)
{
	if (!path)
		return 0;
	struct output *output = output_open(path, err);
	if (!output)
		return -1;
	output_printf(output, "request,logits,tokens\n");
	for (uint32_t r = 0; r < trace->request_count; r++) {
		uint32_t count;
		uint64_t checksum;
		const uint32_t *said = cuda_backend_answer(backend, r, &count, &checksum);
		output_printf(output, "%u,%016" PRIx64 ",", trace->requests[r].ordinal, checksum);
		for (uint32_t i = 0; i < count; i++)
			output_printf(output, "%s%u", i ? " " : "", said[i]);
		output_write(output, "\n", 1);
	}
	return output_commit(output, err);
}

static int run_engine(struct replay_command *command, const struct trace *trace, struct run_result *result, struct err *err)
{
	struct run_config *config = &command->options.config;
	struct cuda_backend_options options = backend_options(command, trace);
	if (fit_capacity(command, &options, config, err) < 0)
		return -1;
	if (command->steps_path &&
	    !(options.steps = step_log_open(command->steps_path, options.model->name, (uint32_t)config->capacity_blocks, trace->block_tokens, err)))
		return -1;
	struct cuda_backend *backend = cuda_backend_open(&options, err);
	if (!backend) {
		step_log_abort(options.steps);
		return -1;
	}
	int failed = run_output_open(&command->output, trace, config, err);
	if (!failed)
		failed = engine_run(trace, config, &cuda_backend_ops, backend, result, err);
	if (!failed && write_answers(command->answers_path, backend, trace, err) < 0) {
		replay_free(result);
		failed = -1;
	}
	gpu_cli_tell_missed(cuda_backend_llama(backend), command->products_path);
	cuda_backend_close(backend);
	if (failed) {
		step_log_abort(options.steps);
	} else if (step_log_commit(options.steps, err) < 0) {
		replay_free(result);
		failed = -1;
	}
	return failed;
}

static int replay_trace(struct replay_command *command, const struct trace *trace, struct err *err)
{
	struct run_result result;
	char machine[256];
	const struct cuda_backend_options options = backend_options(command, trace);
	command->options.config.measured = true;
	if (gpu_cli_check_options(&command->options, err) < 0 || run_output_single(&command->options, trace, err) < 0 ||
	    engine_check(trace, &command->options.config, err) < 0 || cuda_backend_check(&options, err) < 0 ||
	    gpu_cli_check_products(command->products_path, &command->options.model, err) < 0) {
		options_blame(&command->options, err);
		return gpu_cli_fail(err);
	}
	if (gpu_cli_need_device())
		return 1;
	const int64_t start_ns = now_ns();
	if (run_engine(command, trace, &result, err) < 0) {
		run_output_abort(&command->output);
		options_blame(&command->options, err);
		return gpu_cli_fail(err);
	}
	const double wall_s = (double)(now_ns() - start_ns) / (double)NS_PER_S;
	const struct report report = {.trace = trace, .options = &command->options, .config = &command->options.config,
	                              .result = &result, .wall_s = command->options.text[OPTION_NO_TIMING] ? -1 : wall_s,
	                              .measured_on = gpu_cli_machine(machine, sizeof(machine))};
	int status = run_output_commit(&command->output, err) < 0 ? gpu_cli_fail(err) : 0;
	if (status == 0) {
		run_output_print(&command->output, &report, stdout);
		status = gpu_cli_finish_stdout();
	}
	replay_free(&result);
	return status;
}

int cmd_replay(int argc, char **argv)
{
	static const struct argp_child children[] = {{&run_output_argp, 0, NULL, 0}, {&options_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
	        .options = option_table,
	        .parser = parse_option,
	        .args_doc = "TRACE",
	        .doc = "Serves TRACE with a real model: the simulator's engine, cache and policies decide, and every step is done on "
	               "the GPU and timed. Options are those of `kvcast run`; the engine is vllm where none is named, and the "
	               "capacity what the device has room for. --model may be a directory with weights, too; else they are made "
	               "up from --seed, as tokens are.\v"
	               "Example: kvcast-gpu replay trace.jsonl.gz --model llama-3.1-8b --capacity 40GiB --max-prompt 32768 "
	               "--max-output 32 --requests measured.csv",
	        .children = children,
	};
	struct replay_command command = {.trace_path = NULL};
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &command) != 0)
		return 2;
	if (!command.options.text[OPTION_ENGINE] && !command.options.text[OPTION_PRESET])
		command.options.text[OPTION_ENGINE] = "vllm";
	struct trace *trace = options_load(&command.options, command.trace_path, false, &err);
	const int status = trace ? replay_trace(&command, trace, &err) : gpu_cli_fail(&err);
	trace_free(trace);
	options_free(&command.options);
	return status;
}
