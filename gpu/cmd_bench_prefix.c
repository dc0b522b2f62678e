/* cmd_bench_prefix.c - kvcast-gpu bench prefix: TTFT, E2E and rate by prefix length, concurrency and reuse. */
#include "cmd_bench_lab.h"
#include "experiment_prefix.h"
#include "gpu_cli.h"
#include "units.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_PREFIX = 0x500, KEY_CONCURRENCY, KEY_REUSE, KEY_CACHE, KEY_QUESTION, KEY_ANSWER };

struct prefix_command {
	struct cmd_bench_lab lab;
	struct experiment_prefix_grid grid;
};

static const struct argp_option option_table[] = {
    {0, 0, 0, 0, "The grid; lists are parted by commas:", 2},
    {"prefix", KEY_PREFIX, "LIST", 0, "tokens of the prefix; default 256,512,1024,4096,16384", 0},
    {"concurrency", KEY_CONCURRENCY, "LIST", 0, "requests at once; default 1,16", 0},
    {"reuse", KEY_REUSE, "LIST", 0,
     "share of requests that begin with the shared prefix, the others have their own of that length; default 1.0,0.5,0",
     0},
    {"cache", KEY_CACHE, "LIST", 0,
     "off (every request has a prefix of its own, so that nothing is found), on; default off,on", 0},
    {"question", KEY_QUESTION, "N", 0, "tokens behind the prefix; default 64", 0},
    {"answer", KEY_ANSWER, "N", 0, "tokens of an answer; default 32", 0},
    {0},
};

/* The items of a list, one after the other; NULL behind the last. Ends the program where there are too many. */
static const char *next_item(struct argp_state *state, const char *option, char **rest, uint32_t count)
{
	const char *item = strsep(rest, ",");
	if (item && count == EXPERIMENT_PREFIX_MOST)
		argp_error(state, "%s: at most %d numbers", option, EXPERIMENT_PREFIX_MOST);
	return item;
}

static uint32_t parse_wholes(struct argp_state *state, const char *option, const char *text, uint32_t most,
			     uint32_t *list)
{
	char *copy = mem_copy_text(text), *rest = copy;
	uint32_t count = 0;
	for (const char *item; (item = next_item(state, option, &rest, count)); count++) {
		list[count] = cmd_bench_lab_whole(state, option, item, 1, most);
		for (uint32_t i = 0; i < count; i++) {
			if (list[i] == list[count])
				argp_error(state, "%s %s: %s stands there twice", option, text, item);
		}
	}
	free(copy);
	return count;
}

static uint32_t parse_shares(struct argp_state *state, const char *text, double *list)
{
	char *copy = mem_copy_text(text), *rest = copy;
	uint32_t count = 0;
	struct err err;
	for (const char *item; (item = next_item(state, "--reuse", &rest, count)); count++) {
		if (units_real(item, &list[count], &err) < 0 || !(list[count] >= 0 && list[count] <= 1))
			argp_error(state, "--reuse %s: expected shares from 0 to 1, parted by commas", text);
		for (uint32_t i = 0; i < count; i++) {
			if (!(list[i] < list[count]) && !(list[i] > list[count]))
				argp_error(state, "--reuse %s: %s stands there twice", text, item);
		}
	}
	free(copy);
	return count;
}

static void parse_cache(struct argp_state *state, const char *text, struct experiment_prefix_grid *grid)
{
	grid->cache_off = strcmp(text, "off") == 0 || strcmp(text, "off,on") == 0 || strcmp(text, "on,off") == 0;
	grid->cache_on = strcmp(text, "on") == 0 || strcmp(text, "off,on") == 0 || strcmp(text, "on,off") == 0;
	if (!grid->cache_off && !grid->cache_on)
		argp_error(state, "--cache %s: expected off, on, or off,on", text);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct prefix_command *command = state->input;
	struct experiment_prefix_grid *grid = &command->grid;
	switch (key) {
	case KEY_PREFIX:
		grid->length_count = parse_wholes(state, "--prefix", arg, 1000000, grid->lengths);
		return 0;
	case KEY_CONCURRENCY:
		grid->concurrency_count = parse_wholes(state, "--concurrency", arg, 1024, grid->concurrencies);
		return 0;
	case KEY_REUSE:
		grid->reuse_count = parse_shares(state, arg, grid->reuses);
		return 0;
	case KEY_CACHE:
		parse_cache(state, arg, grid);
		return 0;
	case KEY_QUESTION:
		grid->question_tokens = cmd_bench_lab_whole(state, "--question", arg, 1, 100000);
		return 0;
	case KEY_ANSWER:
		grid->answer_tokens = cmd_bench_lab_whole(state, "--answer", arg, 1, 10000);
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &command->lab;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void tell(const struct experiment_prefix_point *point)
{
	const struct experiment_sum *sums = point->experiment.sums;
	fprintf(stderr, "kvcast-gpu: %s: mean TTFT %.2f ms, predicted %.2f ms\n", point->name,
		1e3 * sums[EXPERIMENT_MEASURED].mean_ttft_s, 1e3 * sums[EXPERIMENT_PREDICTED].mean_ttft_s);
}

static int run_points(struct prefix_command *command, struct experiment_prefix *prefix, struct err *err)
{
	struct cmd_bench_lab *lab = &command->lab;
	char *traces = experiment_path(lab->folder, "traces");
	const struct experiment **experiments = mem_alloc(prefix->point_count, sizeof(*experiments));
	for (size_t i = 0; i < prefix->point_count; i++)
		experiments[i] = &prefix->points[i].experiment;
	prefix->command = lab->command;
	prefix->model = lab->model;
	prefix->calibration = lab->calibration;
	prefix->forecast = lab->forecast;
	int failed = cmd_bench_lab_open(lab, experiments, prefix->point_count, err) < 0 ||
		     cmd_bench_lab_make_folder(lab->folder, err) < 0 || cmd_bench_lab_make_folder(traces, err) < 0 ||
		     experiment_prefix_run(prefix, &lab->device, tell, err) < 0;
	free(experiments);
	free(traces);
	if (failed)
		return -1;
	experiment_prefix_report(prefix, stdout);
	return experiment_prefix_check(prefix, err);
}

int cmd_bench_prefix(int argc, char **argv)
{
	static const struct argp_child children[] = {{&cmd_bench_lab_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
	    .options = option_table,
	    .parser = parse_option,
	    .doc = "Prompts of a prefix and a question, some of which share the prefix: times by the prefix's length, "
		   "by how many are "
		   "served at once and by how many share, with prefix caching and without, measured and predicted. "
		   "Fails where a "
		   "request does not hit just the prefix that it shares.\v"
		   "FOLDER gets table.csv, requests.csv, requests.json, the traces, and report.md, which is printed "
		   "too.\n\n"
		   "Example: kvcast-gpu bench prefix --prefix 1024,16384 --concurrency 1,16 -o out/prefix",
	    .children = children,
	};
	struct prefix_command command = {.grid = {.lengths = {256, 512, 1024, 4096, 16384},
						  .length_count = 5,
						  .concurrencies = {1, 16},
						  .concurrency_count = 2,
						  .reuses = {1, 0.5, 0},
						  .reuse_count = 3,
						  .cache_off = true,
						  .cache_on = true,
						  .question_tokens = 64,
						  .answer_tokens = 32}};
	struct cmd_bench_lab *lab = &command.lab;
	struct experiment_prefix prefix = {.points = NULL};
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &command) != 0)
		return 2;
	int status = 0;
	if (cmd_bench_lab_load(lab, argc, argv, &err) < 0)
		status = gpu_cli_fail(&err);
	else if (gpu_cli_need_device())
		status = 1;
	else if (experiment_prefix_open(&prefix, &command.grid, &lab->options.config, lab->folder, &err) < 0 ||
		 run_points(&command, &prefix, &err) < 0)
		status = gpu_cli_fail(&err);
	else
		status = gpu_cli_finish_stdout();
	experiment_prefix_free(&prefix);
	cmd_bench_lab_close(lab);
	return status;
}
