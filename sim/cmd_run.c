/* cmd_run.c - kvcast run TRACE: one cache, one result. */
#include "bill_table.h"
#include "blocks_csv.h"
#include "cli.h"
#include "embedded.h"
#include "engine_log.h"
#include "groups_csv.h"
#include "options.h"
#include "report.h"
#include "requests_csv.h"
#include "simulate.h"
#include "timeline.h"
#include "units.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEY_JSON = 0x200, KEY_CSV, KEY_REQUESTS, KEY_GROUPS, KEY_EVENTS, KEY_TIMELINE, KEY_BUCKET, KEY_BLOCKS, KEY_PROVIDER };

struct run_command {
	struct run_options options;
	const char *trace_path, *requests_path, *groups_path, *events_path, *timeline_path, *bucket, *blocks_path, *providers;
	bool json, csv;
};

static const struct argp_option option_table[] = {
        {0, 0, 0, 0, "Output:", 1},
        {"json", KEY_JSON, 0, 0, "print one JSON object", 0},
        {"csv", KEY_CSV, 0, 0, "print one row, with the columns of kvcast sweep --csv", 0},
        {"requests", KEY_REQUESTS, "FILE", 0, "write a CSV with a row for every request", 0},
        {"groups", KEY_GROUPS, "FILE", 0, "write a CSV with a row for every class, turn and session", 0},
        {"events", KEY_EVENTS, "FILE", 0, "write everything that happens as JSON lines (not with --engine replay)", 0},
        {"timeline", KEY_TIMELINE, "FILE", 0, "write a CSV of hit rate, TTFT and load over time (not with --engine replay)", 0},
        {"timeline-bucket", KEY_BUCKET, "TIME", 0, "its step; default 60s", 0},
        {"dump-blocks", KEY_BLOCKS, "FILE", 0, "write a CSV of the blocks resident at the end: times, TTL, hits, score", 0},
        {0, 0, 0, 0, "Money:", 2},
        {"provider", KEY_PROVIDER, "LIST", 0, "print instead what the trace costs at hosted models' providers: NAME[:ttl=1h,model=...,pings=N,file=PATH], parted by commas; NAME is, without a file of prices, one of", 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct run_command *command = state->input;
	switch (key) {
	case KEY_JSON:
		command->json = true;
		return 0;
	case KEY_CSV:
		command->csv = true;
		return 0;
	case KEY_REQUESTS:
		command->requests_path = arg;
		return 0;
	case KEY_GROUPS:
		command->groups_path = arg;
		return 0;
	case KEY_EVENTS:
		command->events_path = arg;
		return 0;
	case KEY_TIMELINE:
		command->timeline_path = arg;
		return 0;
	case KEY_BLOCKS:
		command->blocks_path = arg;
		return 0;
	case KEY_PROVIDER:
		command->providers = arg;
		return 0;
	case KEY_BUCKET:
		command->bucket = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "one trace at a time; `kvcast sweep` takes several");
		command->trace_path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "a trace is missing: a file, or - for standard input");
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &command->options;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Completes the help of --provider with the names there are. */
static char *filter_help(int key, const char *text, void *input)
{
	(void)input;
	if (key != KEY_PROVIDER)
		return (char *)(uintptr_t)text;
	const char *names = embedded_names("price");
	const size_t size = strlen(text) + strlen(names) + 2;
	char *longer = mem_alloc(size, 1);
	snprintf(longer, size, "%s %s", text, names);
	return longer;
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / (double)NS_PER_S;
}

static int print_report(const struct run_command *command, const struct report *report)
{
	if (command->json) {
		json_t *json = report_json(report);
		report_json_print(json, stdout);
		json_decref(json);
	} else if (command->csv) {
		report_csv_header(report, stdout);
		report_csv_row(report, stdout);
	} else {
		report_table(report, stdout);
	}
	return cli_finish_stdout();
}

/* One policy, one TTL: lists are for sweep. */
static int single(struct run_command *command, const struct trace *trace, struct err *err)
{
	struct run_options *options = &command->options;
	if (options->evicts.count != 1)
		return err_set(err, "--evict %s: expected one policy; `kvcast sweep` takes lists.", options->text[OPTION_EVICT]);
	if (options->ttls.count != 1)
		return err_set(err, "--ttl %s: expected one rule; `kvcast sweep` takes lists.", options->text[OPTION_TTL]);
	options->config.evict = &options->evicts.specs[0];
	options->config.ttl = &options->ttls.specs[0];
	return options_capacity(options, trace, "--capacity", options->capacity ? options->capacity : "inf",
	                        &options->config.capacity_blocks, err);
}

/* The files a run writes beside its result; all appear, or none. */
struct run_files {
	struct requests_csv *requests;
	struct groups_csv *groups;
	struct engine_log *events;
	struct timeline *timeline;
	struct blocks_csv *blocks;
};

static void abort_files(struct run_files *files)
{
	requests_csv_abort(files->requests);
	groups_csv_abort(files->groups);
	engine_log_abort(files->events);
	timeline_abort(files->timeline);
	blocks_csv_abort(files->blocks);
}

static int commit_files(struct run_files *files, struct err *err)
{
	struct err later;
	int failed = requests_csv_commit(files->requests, err);
	failed |= groups_csv_commit(files->groups, failed ? &later : err);
	failed |= engine_log_commit(files->events, failed ? &later : err);
	failed |= timeline_commit(files->timeline, failed ? &later : err);
	failed |= blocks_csv_commit(files->blocks, failed ? &later : err);
	return failed;
}

static void on_request(void *context, const struct trace_request *request, int64_t arrival_ns,
                       const struct request_outcome *outcome)
{
	const struct run_files *files = context;
	if (files->requests)
		requests_csv_row(files->requests, request, arrival_ns, outcome);
	if (files->groups)
		groups_csv_row(files->groups, request, arrival_ns, outcome);
}

static int open_files(const struct run_command *command, const struct trace *trace, struct run_config *config,
                      struct run_files *files, struct err *err)
{
	int64_t bucket_ns = 60 * NS_PER_S;
	if ((command->events_path || command->timeline_path) && config->engine == ENGINE_REPLAY)
		return err_set(err, "--%s: in --engine replay nothing takes time; choose static, vllm or sglang.",
		               command->events_path ? "events" : "timeline");
	if (command->bucket && (units_duration(command->bucket, &bucket_ns, err) < 0 || bucket_ns < NS_PER_MS))
		return err_set(err, "--timeline-bucket %s: expected a time of at least 1ms.", command->bucket);
	if (command->requests_path && !(files->requests = requests_csv_open(command->requests_path, trace, config, err)))
		return -1;
	if (command->groups_path && !(files->groups = groups_csv_open(command->groups_path, trace, config, err)))
		return -1;
	if (command->events_path && !(files->events = engine_log_open(command->events_path, err)))
		return -1;
	if (command->timeline_path && !(files->timeline = timeline_open(command->timeline_path, bucket_ns, err)))
		return -1;
	if (command->blocks_path && !(files->blocks = blocks_csv_open(command->blocks_path, err)))
		return -1;
	if (files->requests || files->groups) {
		config->on_request = on_request;
		config->on_request_context = files;
	}
	config->log = files->events;
	config->timeline = files->timeline;
	config->blocks = files->blocks;
	return 0;
}

/* A provider has its own cache: options that describe another one would be passed over in silence. */
static int check_bill(const struct run_command *command, struct err *err)
{
	static const enum option_id own[] = {OPTION_CAPACITY, OPTION_EVICT, OPTION_TTL, OPTION_SCOPE, OPTION_SEMANTICS,
	                                     OPTION_RECOMPUTE_LAST, OPTION_ENGINE, OPTION_PRESET};
	for (size_t i = 0; i < COUNT_OF(own); i++) {
		if (command->options.text[own[i]])
			return err_set(err, "--provider has its own cache; expected no --%s beside it.", options_name(own[i]));
	}
	if (command->options.tier_count)
		return err_set(err, "--provider has its own cache; expected no --tier beside it.");
	if (command->requests_path || command->groups_path || command->events_path || command->timeline_path || command->blocks_path)
		return err_set(err, "--provider gives bills; expected no --requests, --groups, --events, --timeline or --dump-blocks "
		                    "beside it.");
	return 0;
}

static void print_bills(const struct run_command *command, const struct trace *trace, const struct bill_entry *entries,
                        size_t count)
{
	if (command->json) {
		json_t *json = bill_table_json(trace, entries, count);
		report_json_print(json, stdout);
		json_decref(json);
	} else if (command->csv) {
		bill_table_csv(trace, entries, count, stdout);
	} else {
		bill_table(trace, entries, count, stdout);
	}
}

static int run_bills(struct run_command *command, const struct trace *trace, struct err *err)
{
	struct spec_list list;
	if (check_bill(command, err) < 0 || spec_list_parse(&list, command->providers, err) < 0)
		return cli_fail(err);
	struct bill_entry *entries = mem_alloc(list.count, sizeof(*entries));
	int failed = 0;
	for (size_t i = 0; i < list.count && !failed; i++) {
		failed = provider_load(&entries[i].provider, &list.specs[i], err);
		if (!failed)
			failed = bill_make(trace, &command->options.config, &entries[i].provider, &entries[i].bill, err);
	}
	if (!failed)
		print_bills(command, trace, entries, list.count);
	for (size_t i = 0; i < list.count; i++)
		provider_free(&entries[i].provider);
	free(entries);
	spec_list_free(&list);
	return failed ? cli_fail(err) : cli_finish_stdout();
}

static int run_trace(struct run_command *command, const struct trace *trace, struct err *err)
{
	struct run_config *config = &command->options.config;
	struct run_files files = {.requests = NULL};
	struct run_result result;
	if (single(command, trace, err) < 0) {
		options_blame(&command->options, err);
		return cli_fail(err);
	}
	const double start_s = now_s();
	if (open_files(command, trace, config, &files, err) < 0 || simulate_run(trace, config, &result, err) < 0) {
		abort_files(&files);
		options_blame(&command->options, err);
		return cli_fail(err);
	}
	const double wall_s = now_s() - start_s;
	const struct report report = {.trace = trace, .options = &command->options, .config = config, .result = &result,
	                              .wall_s = command->options.text[OPTION_NO_TIMING] ? -1 : wall_s};
	int status = 0;
	if (commit_files(&files, err) < 0)
		status = cli_fail(err);
	if (status == 0)
		status = print_report(command, &report);
	simulate_free(&result);
	return status;
}

int cmd_run(int argc, char **argv)
{
	static const struct argp_child children[] = {{&options_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
	        .options = option_table,
	        .parser = parse_option,
	        .args_doc = "TRACE",
	        .doc = "Replays TRACE through one cache and says what it would have hit, what the rest would have cost in "
	               "time, and where every prompt token went.\v"
	               "Example: kvcast run trace.jsonl.gz --model llama-3.1-8b --capacity 40GiB --evict lru "
	               "--ttl static:ttl=5m\n\nSPEC is NAME[:key=value,...], or @FILE where it stands in a file; `kvcast policies` "
	               "lists names and keys.",
	        .children = children,
	        .help_filter = filter_help,
	};
	struct run_command command = {.trace_path = NULL};
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &command) != 0)
		return 2;
	struct trace *trace = options_load(&command.options, command.trace_path, false, &err);
	int status = 0;
	if (!trace)
		status = cli_fail(&err);
	else
		status = command.providers ? run_bills(&command, trace, &err) : run_trace(&command, trace, &err);
	trace_free(trace);
	options_free(&command.options);
	return status;
}
