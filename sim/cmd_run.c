/* cmd_run.c - kvcast run TRACE: one cache, one result. */
#include "bill_table.h"
#include "cli.h"
#include "embedded.h"
#include "run_output.h"
#include "simulate.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEY_PROVIDER = 0x300, KEY_ENSEMBLE, KEY_STEP_ERROR };

struct run_command {
	struct run_options options;
	struct run_output output;
	const char *trace_path, *providers, *ensemble, *step_error;
};

static const struct argp_option option_table[] = {
        {0, 0, 0, 0, "Money:", 2},
        {"provider", KEY_PROVIDER, "LIST", 0, "print instead what the trace costs at hosted models' providers: NAME[:ttl=1h,model=...,pings=N,file=PATH], parted by commas; NAME is, without a file of prices, one of", 0},
        {0, 0, 0, 0, "How sure it is:", 3},
        {"ensemble", KEY_ENSEMBLE, "N", 0, "forecast N times more, with steps that are off by as much as the calibration is known to be, and say how far these forecasts get apart (not with --engine replay)", 0},
        {"step-error", KEY_STEP_ERROR, "PERCENT", 0, "by how much a step is off on average; default: what the calibration's fit found", 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct run_command *command = state->input;
	switch (key) {
	case KEY_PROVIDER:
		command->providers = arg;
		return 0;
	case KEY_ENSEMBLE:
		command->ensemble = arg;
		return 0;
	case KEY_STEP_ERROR:
		command->step_error = arg;
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
		state->child_inputs[0] = &command->output;
		state->child_inputs[1] = &command->options;
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

/* A provider has its own cache: options that describe another one would be passed over in silence. */
static int check_bill(const struct run_command *command, struct err *err)
{
	const struct run_output *output = &command->output;
	static const enum option_id own[] = {OPTION_CAPACITY, OPTION_EVICT, OPTION_TTL, OPTION_SCOPE, OPTION_SEMANTICS,
	                                     OPTION_RECOMPUTE_LAST, OPTION_ENGINE, OPTION_PRESET};
	for (size_t i = 0; i < COUNT_OF(own); i++) {
		if (command->options.text[own[i]])
			return err_set(err, "--provider has its own cache; expected no --%s beside it.", options_name(own[i]));
	}
	if (command->options.tier_count)
		return err_set(err, "--provider has its own cache; expected no --tier beside it.");
	if (command->ensemble || command->step_error)
		return err_set(err, "--provider gives bills, in which nothing takes time; expected no --ensemble or --step-error beside it.");
	if (output->requests_path || output->groups_path || output->events_path || output->timeline_path || output->blocks_path)
		return err_set(err, "--provider gives bills; expected no --requests, --groups, --events, --timeline or --dump-blocks "
		                    "beside it.");
	return 0;
}

static void print_bills(const struct run_command *command, const struct trace *trace, const struct bill_entry *entries,
                        size_t count)
{
	if (command->output.json) {
		json_t *json = bill_table_json(trace, entries, count);
		report_json_print(json, stdout);
		json_decref(json);
	} else if (command->output.csv) {
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

/* What --ensemble asks for, before anything is run. */
static int resolve_ensemble(const struct run_command *command, struct ensemble *ensemble, struct err *err)
{
	if (!command->ensemble && command->step_error)
		return err_set(err, "--step-error: it is that of an ensemble's forecasts; expected --ensemble N beside it.");
	if (!command->ensemble)
		return 0;
	if (command->output.csv && !command->output.json)
		return err_set(err, "--ensemble: a row of --csv has the columns of kvcast sweep, none of which is for an ensemble; choose --json.");
	return ensemble_resolve(ensemble, command->ensemble, command->step_error, &command->options.config, err);
}

static int run_trace(struct run_command *command, const struct trace *trace, struct err *err)
{
	struct run_config *config = &command->options.config;
	struct run_result result;
	struct ensemble ensemble = {.members = 0};
	if (resolve_ensemble(command, &ensemble, err) < 0 || run_output_single(&command->options, trace, err) < 0) {
		options_blame(&command->options, err);
		return cli_fail(err);
	}
	if (!command->options.text[OPTION_QUIET])
		options_idle(&command->options, cli_note);
	const double start_s = now_s();
	if (run_output_open(&command->output, trace, config, err) < 0 || simulate_run(trace, config, &result, err) < 0) {
		run_output_abort(&command->output);
		options_blame(&command->options, err);
		return cli_fail(err);
	}
	const double wall_s = now_s() - start_s;
	if (ensemble.members && ensemble_run(&ensemble, trace, config, 0, err) < 0) {
		run_output_abort(&command->output);
		simulate_free(&result);
		return cli_fail(err);
	}
	const struct report report = {.trace = trace, .options = &command->options, .config = config, .result = &result,
	                              .wall_s = command->options.text[OPTION_NO_TIMING] ? -1 : wall_s,
	                              .ensemble = ensemble.members ? &ensemble : NULL};
	int status = 0;
	if (run_output_commit(&command->output, err) < 0)
		status = cli_fail(err);
	if (status == 0) {
		run_output_print(&command->output, &report, stdout);
		status = cli_finish_stdout();
	}
	simulate_free(&result);
	return status;
}

int cmd_run(int argc, char **argv)
{
	static const struct argp_child children[] = {{&run_output_argp, 0, NULL, 0}, {&options_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
	        .options = option_table,
	        .parser = parse_option,
	        .args_doc = "TRACE",
	        .doc = "Replays TRACE through one cache and says what it would have hit, what the rest would have cost in "
	               "time, and where every prompt token went.\v"
	               "Example: kvcast run trace.jsonl.gz --model llama-3.1-8b --capacity 40GiB --evict lru "
	               "--ttl static:ttl=5m\n\nSPEC is NAME[:key=value,...], or @FILE where it stands in a file; `kvcast policies` "
	               "lists names and keys.\n\n"
	               "Keys of --tier, as in --tier disk:2TB,ttl=static:ttl=1h,read=6.5GB/s:\n"
	               "  evict=SPEC, ttl=SPEC    its own policies; default lru, none\n"
	               "  read=RATE, write=RATE, latency=TIME\n"
	               "                          its link, one queue for both directions\n"
	               "  store=demote            it is given what the tier above evicts (default),\n"
	               "  store=through           or all that is computed,\n"
	               "  store=second            or what the first tier hits\n"
	               "  promote=always          a block hit here stays in the first tier (default),\n"
	               "  promote=second          or does so from its second hit on,\n"
	               "  promote=never           or serves its request only\n"
	               "  expired=drop            what is past its TTL is gone (default),\n"
	               "  expired=demote          or goes to the next tier\n"
	               "  compress=RATIO, inflate=RATE\n"
	               "                          stored size over size, and how fast it is unpacked\n"
	               "  price=DOLLARS/GB-month  what holding it costs, for --price\n"
	               "  shared=1                one for all replicas, with all tiers below it\n"
	               "A tier named archive is the last, an object store: nothing is evicted into it, "
	               "a worker uploads what was computed (--archive-every, --archive-rate).",
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
