/* cmd_sweep.c - kvcast sweep TRACE...: the product of policies, TTLs, capacities and settings of lower tiers, as table, CSV or
 * JSON. */
#include "cli.h"
#include "options.h"
#include "ranks.h"
#include "report.h"
#include "resume.h"
#include "share.h"
#include "sweep_settings.h"
#include "sweep_table.h"
#include "units.h"

#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { KEY_JSON = 0x200, KEY_CSV, KEY_JOBS, KEY_RESUME, KEY_VARY };

#define MOST_CAPACITIES 4096

struct sweep_command {
	struct run_options options;
	char **trace_paths;
	size_t trace_count;
	bool json, csv;
	const char *jobs_text;
	int64_t jobs;
	const char *vary_texts[VARY_MOST];
	size_t vary_count;
	struct vary vary;
	const char *resume_path;

	struct trace *trace; /* being swept */
	size_t trace_number;
	struct sweep sweep;
	struct resume *resume; /* --resume, in the first rank */
	json_t *results;       /* --json: all points so far */
	int rank;              /* of those that a launcher of MPI started; -1: alone */
	struct timespec start;
	bool shows_progress;
};

static const struct argp_option option_table[] = {
        {0, 0, 0, 0, "The sweep: --evict, --ttl and --capacity take lists parted by commas. --evict all is every policy; "
                     "--capacity defaults to 1, 2, 5, 10, 20, 50 and 100 % of the trace's distinct blocks.", 1},
        {"vary", KEY_VARY, "NAME.KEY=LIST", 0, "values of a lower tier's size or other key, e.g. disk.size=1TB,2TB or disk.ttl=none,static:ttl=1h, or replicas=1,2,4 or router=session,prefix, or steps=0.97,1,1.03 (factors on the duration of every step); repeat for all combinations", 0},
        {"jobs", KEY_JOBS, "N", 0, "threads; default one a core", 0},
        {"resume", KEY_RESUME, "FILE", 0, "with --csv: keep finished rows in FILE, and begin with those that an interrupted run of the same command left there", 0},
        {0, 0, 0, 0, "Output:", 2},
        {"json", KEY_JSON, 0, 0, "print a JSON array, one object a point", 0},
        {"csv", KEY_CSV, 0, 0, "print one row a point", 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct sweep_command *command = state->input;
	switch (key) {
	case KEY_JSON:
		command->json = true;
		return 0;
	case KEY_CSV:
		command->csv = true;
		return 0;
	case KEY_JOBS:
		command->jobs_text = arg;
		return 0;
	case KEY_RESUME:
		command->resume_path = arg;
		return 0;
	case KEY_VARY:
		if (command->vary_count == VARY_MOST)
			argp_error(state, "more than %d of --vary", VARY_MOST);
		command->vary_texts[command->vary_count++] = arg;
		return 0;
	case ARGP_KEY_ARGS:
		command->trace_paths = state->argv + state->next;
		command->trace_count = (size_t)(state->argc - state->next);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "a trace is missing: one or more files, or - for standard input");
		return 0;
	case ARGP_KEY_END:
		if (command->resume_path && (!command->csv || command->json))
			argp_error(state, "--resume keeps rows of CSV and needs --csv");
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &command->options;
		if (command->rank > 0) /* the first one says it */
			state->out_stream = state->err_stream = fopen("/dev/null", "w");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / (double)NS_PER_S;
}

static void clear_progress(const struct sweep_command *command)
{
	if (command->shows_progress)
		fputs("\r\033[K", stderr);
}

static size_t take(void *context)
{
	(void)context;
	return ranks_take();
}

/* Makes the point's row; that of the first point begins with the heading. */
static void give(void *context, size_t point, const struct run_config *config, const struct run_result *result)
{
	const struct sweep_command *command = context;
	const bool varies = command->vary.count > 0;
	/* A point's own wall time means nothing when points share the cores. */
	const struct report report = {
	        .trace = command->trace,
	        .options = &command->options,
	        .config = config,
	        .result = result,
	        .wall_s = -1,
	        .vary = varies ? &command->vary : NULL,
	        .vary_point = point / command->sweep.capacity_count % command->sweep.chain_count,
	};
	char *row;
	size_t size;
	FILE *to = open_memstream(&row, &size);
	if (!to)
		panic_memory(BUFSIZ, __FILE__, __LINE__);
	if (command->json) {
		json_t *object = report_json(&report);
		json_dumpf(object, to, JSON_COMPACT | JSON_REAL_PRECISION(17));
		json_decref(object);
	} else if (command->csv) {
		if (point == 0 && command->trace_number == 0)
			report_csv_header(&report, to);
		report_csv_row(&report, to);
	} else {
		if (point == 0)
			sweep_table_header(&command->sweep, &report, to);
		sweep_table_row(&command->sweep, &report, to);
	}
	if (fclose(to) != 0)
		panic_memory(size, __FILE__, __LINE__);
	ranks_put(point, row);
}

static void on_row(void *context, const char *row)
{
	struct sweep_command *command = context;
	if (command->json) {
		json_array_append_new(command->results, json_loads(row, 0, NULL));
		return;
	}
	clear_progress(command);
	fputs(row, stdout);
	if (command->shows_progress)
		fflush(stdout);
}

static void on_progress(void *context, size_t done, size_t fresh, size_t total)
{
	struct sweep_command *command = context;
	if (!command->shows_progress)
		return;
	const double spent_s = seconds_since(&command->start);
	const int width = 30, filled = (int)((size_t)width * done / total);
	fprintf(stderr, "\r[%.*s%.*s] %zu of %zu, %.0f s left ", filled, "##############################", width - filled,
	        "..............................", done, total, spent_s / (double)fresh * (double)(total - done));
	if (done == total)
		clear_progress(command);
	fflush(stderr);
}

/* "1e3,40GiB,inf", or shares of the distinct blocks where not given. */
static int read_capacities(const struct sweep_command *command, uint64_t *capacities, size_t *count, struct err *err)
{
	static const double shares[] = {0.01, 0.02, 0.05, 0.10, 0.20, 0.50, 1.00};
	const char *text = command->options.capacity;
	*count = 0;
	if (!text) {
		for (size_t i = 0; i < COUNT_OF(shares); i++)
			capacities[(*count)++] = (uint64_t)fmax(1, ceil(shares[i] * command->trace->block_count));
		return 0;
	}
	char *list = mem_copy_text(text), *rest = list;
	int failed = 0;
	while (rest && !failed) {
		const char *piece = strsep(&rest, ",");
		if (*count == MOST_CAPACITIES)
			failed = err_set(err, "--capacity: more than %d capacities.", MOST_CAPACITIES);
		else
			failed = options_capacity(&command->options, command->trace, "--capacity", piece, &capacities[(*count)++], err);
	}
	free(list);
	return failed;
}

static void free_chains(struct tier_config **chains, size_t chain_count, uint32_t tier_count)
{
	for (size_t c = 0; c < chain_count && chains[c]; c++) {
		for (uint32_t i = 0; i < tier_count; i++)
			tier_config_free(&chains[c][i]);
		free(chains[c]);
	}
	free(chains);
}

static int read_steps(const struct sweep_command *command, const char *text, double *factor, struct err *err)
{
	if (command->options.config.engine == ENGINE_REPLAY)
		return err_set(err, "--vary steps: in --engine replay nothing takes time, so there are no steps that could take longer; choose "
		                    "static, vllm or sglang.");
	return vary_read_steps(text, factor, err);
}

/* The replicas, their router and their pace at a point of what is varied. */
static int read_fleet(const struct sweep_command *command, size_t point, struct sweep_fleet *fleet, struct err *err)
{
	const struct run_options *options = &command->options;
	const char *replicas = vary_replicas(&command->vary, point), *router = vary_router(&command->vary, point);
	const char *steps = vary_steps(&command->vary, point);
	*fleet = (struct sweep_fleet){options->config.replicas, options->config.router, options->config.step_factor};
	if (replicas && options_replicas(options, replicas, &fleet->replicas, err) < 0)
		return err_prefix(err, "--vary: ");
	if (router && router_parse(&fleet->router, router, err) < 0)
		return err_prefix(err, "--vary: ");
	return steps ? read_steps(command, steps, &fleet->step_factor, err) : 0;
}

/* What options_load_settings() could not know: whether there are several replicas at some point. */
static int count_replicas(struct sweep_command *command, struct err *err)
{
	struct sweep_fleet fleet;
	uint32_t most = 1;
	for (size_t p = 0; p < vary_points(&command->vary); p++) {
		if (read_fleet(command, p, &fleet, err) < 0)
			return -1;
		most = fleet.replicas > most ? fleet.replicas : most;
	}
	if (most == 1 && vary_router(&command->vary, 0))
		return err_set(err, "--vary router: there is one replica, which gets every request; expected --replicas beside it.");
	command->options.config.replicas = most;
	return 0;
}

/* The tiers and the fleet of every point. */
static int make_chains(const struct sweep_command *command, struct tier_config **chains, struct sweep_fleet *fleets,
                       size_t chain_count, struct err *err)
{
	const struct run_options *options = &command->options;
	for (size_t c = 0; c < chain_count; c++) {
		struct tier_config *chain = mem_alloc(TIER_MOST, sizeof(*chain));
		if (vary_chain(&command->vary, c, options->tier_texts, options->tier_count, chain, err) < 0) {
			free(chain);
			return -1;
		}
		chains[c] = chain;
		if (tier_config_check_shared(chain, options->tier_count, err) < 0 || read_fleet(command, c, &fleets[c], err) < 0)
			return -1;
		for (uint32_t i = 0; i < options->tier_count; i++) {
			char what[64];
			snprintf(what, sizeof(what), "tier %s:", chain[i].name);
			tier_config_measured(&chain[i], options->calibration);
			/* The first tier's is a list, read elsewhere. */
			if (i > 0 && options_capacity(options, command->trace, what, chain[i].capacity, &chain[i].capacity_blocks, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* In the first rank: the rows so far, from the file of --resume. */
static struct rows *open_rows(struct sweep_command *command, struct err *err)
{
	const size_t points = sweep_points(&command->sweep);
	char **known = mem_alloc(points, sizeof(*known));
	int failed = 0;
	if (command->resume) {
		json_t *settings = sweep_settings(&command->sweep, &command->options, &command->vary);
		json_object_set_new(settings, "kvcast", json_string(KVCAST_VERSION));
		failed = resume_sweep(command->resume, settings, points, known, err);
		json_decref(settings);
	}
	const struct rows_sink sink = {command->resume, on_row, on_progress, command};
	struct rows *rows = failed ? NULL : rows_open(points, known, &sink);
	free(known);
	return rows;
}

/* Runs the sweep that is set up, with all ranks. */
static int run_sweep(struct sweep_command *command, int failed, struct err *err)
{
	struct rows *rows = NULL;
	if (!failed)
		failed = sweep_check(&command->sweep, err);
	if (failed && !command->vary_count)
		options_blame(&command->options, err);
	if (!failed && ranks_is_first()) {
		rows = open_rows(command, err);
		failed = rows ? 0 : -1;
	}
	if (ranks_agree(failed, err) < 0) {
		if (rows)
			rows_close(rows, err);
		return -1;
	}
	clock_gettime(CLOCK_MONOTONIC, &command->start);
	ranks_open(rows, sweep_points(&command->sweep));
	failed = sweep_run(&command->sweep, err);
	ranks_close(failed);
	if (rows && rows_close(rows, err) < 0)
		failed = -1;
	return ranks_agree(failed, err);
}

static int sweep_trace(struct sweep_command *command, struct err *err)
{
	uint64_t capacities[MOST_CAPACITIES];
	const size_t chain_count = vary_points(&command->vary);
	struct tier_config **chains = mem_alloc(chain_count, sizeof(*chains));
	struct sweep_fleet *fleets = mem_alloc(chain_count, sizeof(*fleets));
	command->sweep = (struct sweep){
	        .trace = command->trace,
	        .base = &command->options.config,
	        .evicts = &command->options.evicts,
	        .ttls = &command->options.ttls,
	        .capacities = capacities,
	        .chains = (const struct tier_config *const *)chains,
	        .chain_count = chain_count,
	        .fleets = fleets,
	        .jobs = (int)command->jobs,
	        .take = take,
	        .give = give,
	        .context = command,
	};
	int failed = read_capacities(command, capacities, &command->sweep.capacity_count, err);
	if (!failed)
		failed = make_chains(command, chains, fleets, chain_count, err);
	failed = run_sweep(command, failed, err);
	free_chains(chains, chain_count, command->options.tier_count);
	free(fleets);
	return failed;
}

static void print_end(const struct sweep_command *command)
{
	char times[256];
	printf("%s\n%s", report_options_times(&command->options, times, sizeof(times)),
	       command->trace_number + 1 < command->trace_count ? "\n" : "");
}

static int sweep_all(struct sweep_command *command, struct err *err)
{
	const bool speaks = ranks_is_first();
	if (command->resume_path && speaks)
		command->resume = resume_open(command->resume_path, err);
	int failed = ranks_agree(command->resume_path && speaks && !command->resume ? -1 : 0, err);
	for (size_t t = 0; t < command->trace_count && !failed; t++) {
		/* The options hold texts only; each trace resolves them anew (block size, classes). */
		struct run_options texts = command->options;
		command->trace_number = t;
		command->trace = share_load(&command->options, command->trace_paths[t], true, err);
		failed = command->trace ? count_replicas(command, err) : -1;
		if (!failed && t == 0 && speaks && !command->options.text[OPTION_QUIET])
			options_idle(&command->options, cli_note);
		if (!failed)
			failed = sweep_trace(command, err);
		if (!failed && speaks && !command->json && !command->csv)
			print_end(command);
		if (command->trace)
			ranks_unshare(command->trace);
		options_free(&command->options);
		command->options = texts;
	}
	if (command->resume)
		resume_close(command->resume);
	return failed;
}

/* With several ranks, the first one prints; all have the same exit code. */
static int sweep_with_ranks(struct sweep_command *command)
{
	struct err err;
	const bool speaks = command->rank <= 0;
	int failed = command->rank >= 0 ? ranks_start(&err) : 0;
	command->shows_progress = !command->options.text[OPTION_QUIET] && speaks && isatty(STDERR_FILENO);
	json_object_seed(0); /* before threads come: jansson seeds its tables once */
	command->results = json_array();
	if (!failed)
		failed = sweep_all(command, &err);
	if (!failed && command->json && speaks)
		report_json_print(command->results, stdout);
	json_decref(command->results);
	const int code = cli_end(speaks, failed, &err);
	ranks_finish();
	return code;
}

/* Of the command line, which all ranks have read. */
static int refuse(const struct sweep_command *command, const struct err *err)
{
	return command->rank > 0 ? 1 : cli_fail(err);
}

int cmd_sweep(int argc, char **argv)
{
	static const struct argp_child children[] = {{&options_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
	        .options = option_table,
	        .parser = parse_option,
	        .args_doc = "TRACE...",
	        .doc = "Replays each TRACE through every combination of policies, TTLs and capacities.\v"
	               "Example: kvcast sweep trace.jsonl.gz --evict lru,lfu --ttl none,static:ttl=5m "
	               "--capacity 1000,10000,100000 --csv > sweep.csv\n\n`kvcast run --help` explains the keys of --tier.",
	        .children = children,
	};
	struct sweep_command command = {.rank = share_rank()};
	struct err err;
	if (argp_parse(&argp, argc, argv, command.rank > 0 ? ARGP_NO_ERRS : 0, NULL, &command) != 0)
		return 2;
	if (command.jobs_text && (units_count(command.jobs_text, &command.jobs, &err) < 0 || command.jobs < 1 || command.jobs > 4096)) {
		err_set(&err, "--jobs %s: expected a number of threads from 1 to 4096.", command.jobs_text);
		return refuse(&command, &err);
	}
	for (size_t i = 0; i < command.vary_count; i++) {
		if (vary_add(&command.vary, command.vary_texts[i], &err) < 0) {
			vary_free(&command.vary);
			return refuse(&command, &err);
		}
	}
	const int code = sweep_with_ranks(&command);
	vary_free(&command.vary);
	return code;
}
