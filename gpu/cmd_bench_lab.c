#include "cmd_bench_lab.h"

#include "cuda_backend.h"
#include "embedded.h"
#include "engine.h"
#include "gpu_cli.h"
#include "report.h"
#include "run_output.h"
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { KEY_SHARED = 0x300, KEY_MANUAL = 0x400, KEY_MANUAL_TOKENS, KEY_ANSWER, KEY_AGENTS, KEY_PRODUCTS };

/* What is asked about where nobody says: real text that every Debian and Ubuntu machine has. */
static const char *const licences[] = {"/usr/share/common-licenses/GPL-3", "/usr/share/common-licenses/MPL-2.0",
				       "/usr/share/common-licenses/Apache-2.0"};

/* Options that other commands have too. */
static const enum option_id shared_ids[] = {OPTION_MODEL, OPTION_CALIB, OPTION_CAPACITY, OPTION_ENGINE,
					    OPTION_EVICT, OPTION_TTL,   OPTION_SEED};

static const struct argp_option option_table[] = {
    {0, 0, 0, 0, "What runs:", 4},
    {"model", KEY_SHARED + 0, "NAME|FILE", 0, "as for kvcast-gpu replay; default llama-3.1-8b", 0},
    {"calib", KEY_SHARED + 1, "NAME|FILE", 0,
     "what the forecast is made from; default: the built-in h200-MODEL where there is one, else an estimate", 0},
    {"capacity", KEY_SHARED + 2, "N|SIZE", 0, "the cache's room in blocks of 16 tokens or bytes; default 40GiB", 0},
    {"engine", KEY_SHARED + 3, "NAME", 0, "static, vllm or sglang; default vllm", 0},
    {"evict", KEY_SHARED + 4, "SPEC", 0, "eviction policy; default the engine's", 0},
    {"ttl", KEY_SHARED + 5, "SPEC", 0, "TTL rule; default none", 0},
    {"seed", KEY_SHARED + 6, "N", 0, "of weights, tokens and texts; default 1", 0},
    {"products", KEY_PRODUCTS, "FILE", 0, GPU_CLI_PRODUCTS_HELP, 0},
    {"output", 'o', "FOLDER", 0, "where the results go, as files that appear whole; it is made if need be", 0},
    {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct cmd_bench_lab *lab = state->input;
	if (key >= KEY_SHARED && key < KEY_SHARED + (int)COUNT_OF(shared_ids)) {
		lab->options.text[shared_ids[key - KEY_SHARED]] = arg;
		return 0;
	}
	switch (key) {
	case KEY_PRODUCTS:
		lab->products_path = arg;
		return 0;
	case 'o':
		lab->folder = arg;
		return 0;
	case ARGP_KEY_END:
		if (!lab->folder)
			argp_error(state, "-o is missing: the folder where the results go");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp cmd_bench_lab_argp = {.options = option_table, .parser = parse_option};

static const struct argp_option manual_table[] = {
    {0, 0, 0, 0, "What is asked about, and by whom:", 2},
    {"manual", KEY_MANUAL, "FILE", 0,
     "a text that all agents share; of several one manual is made (default: licences in /usr/share/common-licenses)",
     0},
    {"manual-tokens", KEY_MANUAL_TOKENS, "N", 0, "shorten or repeat the manual to N tokens; default 12000", 0},
    {"agents", KEY_AGENTS, "N", 0, "how many; default 12, the built-in roles", 0},
    {"answer", KEY_ANSWER, "N", 0, "tokens of an answer, about; default 32", 0},
    {0},
};

static error_t parse_manual(int key, char *arg, struct argp_state *state)
{
	struct cmd_bench_lab *lab = state->input;
	struct experiment_manual *manual = &lab->manual;
	switch (key) {
	case KEY_MANUAL:
		if (manual->path_count == CMD_BENCH_LAB_MANUALS)
			argp_error(state, "--manual %s: at most %d texts", arg, CMD_BENCH_LAB_MANUALS);
		lab->manual_paths[manual->path_count++] = arg;
		return 0;
	case KEY_MANUAL_TOKENS:
		manual->manual_tokens = cmd_bench_lab_whole(state, "--manual-tokens", arg, 100, 1000000);
		return 0;
	case KEY_AGENTS:
		manual->agents = cmd_bench_lab_whole(state, "--agents", arg, 2, 1000);
		return 0;
	case KEY_ANSWER:
		manual->answer_tokens = cmd_bench_lab_whole(state, "--answer", arg, 1, 10000);
		return 0;
	case ARGP_KEY_END:
		if (manual->path_count > 0)
			return 0;
		for (size_t i = 0; i < COUNT_OF(licences); i++) {
			if (access(licences[i], R_OK) == 0)
				lab->manual_paths[manual->path_count++] = licences[i];
		}
		if (manual->path_count == 0)
			argp_error(
			    state,
			    "--manual is missing: a text that all agents share; %s, which would be taken, is not here",
			    licences[0]);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp cmd_bench_lab_manual_argp = {.options = manual_table, .parser = parse_manual};

uint32_t cmd_bench_lab_whole(struct argp_state *state, const char *option, const char *text, uint32_t least,
			     uint32_t most)
{
	int64_t value;
	struct err err;
	if (units_count(text, &value, &err) < 0 || value < least || value > most)
		argp_error(state, "%s %s: expected a whole number from %u to %u", option, text, least, most);
	return (uint32_t)value;
}

int cmd_bench_lab_make_folder(const char *path, struct err *err)
{
	struct stat status;
	if (mkdir(path, 0777) == 0 || (errno == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode)))
		return 0;
	return err_set(err, "-o: the folder %s cannot be made: %s.", path, strerror(errno));
}

static char *join(int argc, char **argv)
{
	size_t size = 1;
	for (int i = 0; i < argc; i++)
		size += strlen(argv[i]) + 1;
	char *text = mem_alloc(size, 1);
	for (int i = 0; i < argc; i++) {
		strcat(text, i ? " " : "");
		strcat(text, argv[i]);
	}
	return text;
}

/* The forecast's calibration: measured with this model, if one is built in. */
static void choose_calibration(struct cmd_bench_lab *lab, char *name, size_t size)
{
	const char **text = &lab->options.text[OPTION_CALIB];
	snprintf(name, size, "h200-%s", lab->options.text[OPTION_MODEL]);
	if (!*text && embedded_find("calib", name))
		*text = name;
}

int cmd_bench_lab_load(struct cmd_bench_lab *lab, int argc, char **argv, struct err *err)
{
	static const struct {
		enum option_id id;
		const char *text;
	} defaults[] = {{OPTION_MODEL, "llama-3.1-8b"}, {OPTION_CAPACITY, "40GiB"}, {OPTION_ENGINE, "vllm"}};
	const struct trace blocks = {.block_tokens = EXPERIMENT_BLOCK_TOKENS};
	struct run_options *options = &lab->options;
	char name[128];
	lab->command = join(argc, argv);
	for (size_t i = 0; i < COUNT_OF(defaults); i++) {
		if (!options->text[defaults[i].id])
			options->text[defaults[i].id] = defaults[i].text;
	}
	choose_calibration(lab, name, sizeof(name));
	const int failed =
	    options_load_settings(options, false, err) < 0 || run_output_single(options, &blocks, err) < 0;
	if (options->text[OPTION_CALIB] == name)
		options->text[OPTION_CALIB] = NULL;
	if (failed || gpu_cli_check_options(options, err) < 0 ||
	    gpu_cli_check_products(lab->products_path, &options->model, err) < 0)
		return -1;
	lab->model = options->text[OPTION_MODEL];
	lab->calibration = options->text[OPTION_CALIB] ? options->text[OPTION_CALIB] : options->calibration->name;
	lab->manual.paths = lab->manual_paths;
	lab->manual.seed = options->config.seed;
	report_calibration(options->calibration, options, lab->forecast, sizeof(lab->forecast));
	return 0;
}

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static struct cuda_backend_options backend_options(const struct cmd_bench_lab *lab, const struct trace *trace,
						   const struct run_config *config)
{
	return (struct cuda_backend_options){
	    .trace = trace,
	    .config = config,
	    .model = &lab->options.model,
	    .llama = lab->llama,
	    .now_ns = now_ns,
	    .sleep_ns = gpu_cli_sleep_ns,
	};
}

static int measure(void *context, const struct trace *trace, const struct run_config *config, struct run_result *result,
		   struct err *err)
{
	const struct cmd_bench_lab *lab = context;
	const struct cuda_backend_options options = backend_options(lab, trace, config);
	struct cuda_backend *backend = cuda_backend_open(&options, err);
	if (!backend)
		return -1;
	const int failed = engine_run(trace, config, &cuda_backend_ops, backend, result, err);
	cuda_backend_close(backend);
	return failed;
}

int cmd_bench_lab_open(struct cmd_bench_lab *lab, const struct experiment *const *experiments, size_t count,
		       struct err *err)
{
	const struct model *model = &lab->options.model;
	struct llama_options shape = {0};
	struct llama_weights *weights = NULL;
	for (size_t i = 0; i < count; i++) {
		const struct cuda_backend_options options =
		    backend_options(lab, experiments[i]->trace, &experiments[i]->config);
		if (engine_check(options.trace, options.config, err) < 0 || cuda_backend_check(&options, err) < 0)
			return -1;
		cuda_backend_shape(&options, &shape);
	}
	const uint64_t room = llama_room(model, &shape), capacity_blocks = lab->options.config.capacity_blocks;
	if (capacity_blocks > room)
		return err_set(err,
			       "--capacity %s: beside %s and its steps the device has room for %" PRIu64
			       " blocks of %u tokens.",
			       lab->options.capacity, model->name, room, shape.block_tokens);
	if (model_is_directory(lab->model) && !(weights = llama_weights_open(model, lab->model, err)))
		return -1;
	shape.weights = weights;
	lab->llama = llama_open(model, &shape, err);
	llama_weights_close(weights);
	if (!lab->llama || (lab->products_path &&
			    llama_take_products(lab->llama, lab->products_path, NULL, NULL, err) < 0))
		return -1;
	gpu_cli_machine(lab->machine, sizeof(lab->machine));
	lab->device = (struct experiment_device){.measure = measure, .context = lab, .name = lab->machine};
	return 0;
}

void cmd_bench_lab_close(struct cmd_bench_lab *lab)
{
	if (lab->llama)
		gpu_cli_tell_missed(lab->llama, lab->products_path);
	llama_close(lab->llama);
	free(lab->command);
	options_free(&lab->options);
}
