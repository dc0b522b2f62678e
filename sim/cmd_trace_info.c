/* cmd_trace_info.c - kvcast trace info TRACE: what is in a trace, and the best hit rates it allows. */
#include "cli.h"
#include "info.h"
#include "report.h"
#include "units.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CLASSES_SHOWN 20

enum { KEY_BLOCK = 0x200, KEY_JSON };

struct info_command {
	const char *path, *block;
	bool json;
};

static const struct argp_option option_table[] = {
    {"block", KEY_BLOCK, "TOKENS", 0, "block size of token, text and segment traces (default: the trace's own)", 0},
    {"json", KEY_JSON, 0, 0, "print one JSON object", 0},
    {0},
};

static const char doc[] =
    "Says what is in a trace: lengths, sessions, classes, how soon blocks are used again, and the hit rates of a cache "
    "that never forgets, which no policy can beat.\v"
    "Quantiles are exact, linear between order statistics (type 7). TRACE is a file in any form that kvcast reads, or "
    "- "
    "for standard input.\n";

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct info_command *command = state->input;
	switch (key) {
	case KEY_BLOCK:
		command->block = arg;
		return 0;
	case KEY_JSON:
		command->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "one trace at a time");
		command->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "a trace is missing: a file, or - for standard input");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- JSON --- */

static json_t *distribution_json(const struct info_distribution *of, double unit)
{
	if (of->count == 0)
		return json_null();
	return json_pack("{s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "count", (json_int_t)of->count, "min",
			 of->min / unit, "p10", of->p10 / unit, "p50", of->p50 / unit, "mean", of->mean / unit, "p90",
			 of->p90 / unit, "p99", of->p99 / unit, "max", of->max / unit);
}

static json_t *ideals_json(const struct info *info)
{
	json_t *array = json_array();
	for (size_t i = 0; i < info->ideal_count; i++) {
		const struct info_ideal *ideal = &info->ideals[i];
		json_array_append_new(array,
				      json_pack("{s:s, s:i, s:b, s:I, s:I, s:f, s:I, s:f, s:f, s:I}", "partial_tail",
						ideal->tail_cached ? "cache" : "skip", "recompute_last",
						(int)ideal->recompute_last, "answers_kept", ideal->answers_kept,
						"blocks", (json_int_t)ideal->blocks, "hit_blocks",
						(json_int_t)ideal->hit_blocks, "block_hit_rate", ideal->block_hit_rate,
						"hit_tokens", (json_int_t)ideal->hit_tokens, "token_hit_rate",
						ideal->token_hit_rate, "request_hit_rate", ideal->request_hit_rate,
						"full_hit_requests", (json_int_t)ideal->full_hit_requests));
	}
	return array;
}

static json_t *classes_json(const struct info *info)
{
	json_t *array = json_array();
	for (size_t c = 0; c < info->class_count; c++) {
		const struct info_class *of = &info->classes[c];
		json_array_append_new(array, json_pack("{s:s?, s:I, s:I, s:I, s:f}", "class", of->name, "requests",
						       (json_int_t)of->requests, "prompt_tokens",
						       (json_int_t)of->prompt_tokens, "output_tokens",
						       (json_int_t)of->output_tokens, "infinite_token_hit_rate",
						       (double)of->hit_tokens / (double)of->prompt_tokens));
	}
	return array;
}

static void print_json(const struct info *info, const struct trace *trace)
{
	json_t *json = json_pack(
	    "{s:s, s:I, s:s, s:b, s:I, s:I, s:I, s:f, s:I, s:o, s:I, s:o, s:o, s:I, s:I, s:I, s:s, s:o, s:o, s:o, s:o}",
	    "trace", trace->name, "block_tokens", (json_int_t)trace->block_tokens, "ids",
	    trace->ids == TRACE_IDS_HASH ? "hash" : "token", "tail_listed", trace->tail_listed, "requests",
	    (json_int_t)info->requests, "sessions", (json_int_t)info->sessions, "requests_without_session",
	    (json_int_t)info->requests_without_session, "span_s",
	    (double)(info->last_ns - info->first_ns) / (double)NS_PER_S, "prompt_tokens",
	    (json_int_t)info->prompt_tokens, "prompt_length", distribution_json(&info->prompt, 1), "output_tokens",
	    (json_int_t)info->output_tokens, "output_length", distribution_json(&info->output, 1), "turns_per_session",
	    distribution_json(&info->turns, 1), "blocks", (json_int_t)info->blocks, "distinct_blocks",
	    (json_int_t)info->distinct_blocks, "reused_blocks", (json_int_t)info->reused_blocks, "quantiles",
	    "linear between order statistics (type 7)", "infinite_cache", ideals_json(info), "reuse_gap_s",
	    distribution_json(&info->reuse_gap_ns, (double)NS_PER_S), "think_time_s",
	    distribution_json(&info->think_ns, (double)NS_PER_S), "classes", classes_json(info));
	report_json_print(json, stdout);
	json_decref(json);
}

/* --- for people --- */

#define COUNT(value) report_count((value), (char[32]){0}, 32)

static void print_head(const struct info *info, const struct trace *trace)
{
	printf("trace    %s\n", trace->name);
	printf("         %s requests in %.1f min, ", COUNT(info->requests),
	       (double)(info->last_ns - info->first_ns) / 60 / (double)NS_PER_S);
	if (info->sessions == 0)
		printf("no sessions\n");
	else if (info->requests_without_session == 0)
		printf("%s sessions\n", COUNT(info->sessions));
	else
		printf("%s sessions and %s requests outside them\n", COUNT(info->sessions),
		       COUNT(info->requests_without_session));
	printf("         blocks of %" PRIu32 " tokens, %s, %s\n\n", trace->block_tokens,
	       trace->ids == TRACE_IDS_HASH ? "named by the trace" : "cut when it was loaded",
	       trace->tail_listed ? "the partial last one too" : "full ones only");
}

static void print_counts(const char *label, const struct info_distribution *of, uint64_t total)
{
	if (of->count > 0)
		printf("%-19s %15s %8.0f %8.0f %8.1f %8.0f %8.0f\n", label, COUNT(total), of->min, of->p50, of->mean,
		       of->p90, of->max);
}

static void print_times(const char *label, const struct info_distribution *of)
{
	const double s = (double)NS_PER_S;
	if (of->count > 0)
		printf("%-19s %12s %8.1f %8.1f %8.1f %8.1f %8.1f\n", label, COUNT(of->count), of->p10 / s, of->p50 / s,
		       of->mean / s, of->p90 / s, of->max / s);
}

static void print_ideals(const struct info *info, const struct trace *trace)
{
	printf("best hit rates (a cache that never forgets)   tokens    blocks  requests   full\n");
	for (size_t i = 0; i < info->ideal_count; i++) {
		const struct info_ideal *ideal = &info->ideals[i];
		if (ideal->tail_cached && !trace->tail_listed)
			continue;
		printf("  %-41s %7.2f %% %7.2f %% %7.2f %% %6" PRIu64 "\n",
		       ideal->answers_kept     ? "full blocks, last token again, answers"
		       : ideal->recompute_last ? ideal->tail_cached ? "partial tail kept, last token again"
								    : "full blocks, last token again (engines)"
		       : ideal->tail_cached    ? "partial tail kept, nothing again (replay)"
					       : "full blocks, nothing again",
		       100 * ideal->token_hit_rate, 100 * ideal->block_hit_rate, 100 * ideal->request_hit_rate,
		       ideal->full_hit_requests);
	}
}

static void print_classes(const struct info *info)
{
	if (info->class_count == 0)
		return;
	printf("\n%-30s %10s %15s %8s %11s\n", "class", "requests", "prompt tokens", "share", "best hits");
	for (size_t c = 0; c < info->class_count && c < CLASSES_SHOWN; c++) {
		const struct info_class *of = &info->classes[c];
		printf("%-30s %10s %15s %6.2f %% %9.2f %%\n", of->name ? of->name : "(none)", COUNT(of->requests),
		       COUNT(of->prompt_tokens), 100 * (double)of->prompt_tokens / (double)info->prompt_tokens,
		       100 * (double)of->hit_tokens / (double)of->prompt_tokens);
	}
	if (info->class_count > CLASSES_SHOWN)
		printf("(%zu more; --json has all of them)\n", info->class_count - CLASSES_SHOWN);
}

static void print_table(const struct info *info, const struct trace *trace)
{
	print_head(info, trace);
	printf("%-19s %15s %8s %8s %8s %8s %8s\n", "tokens", "total", "min", "p50", "mean", "p90", "max");
	print_counts("  of a prompt", &info->prompt, info->prompt_tokens);
	print_counts("  of an answer", &info->output, info->output_tokens);
	print_counts("turns of a session", &info->turns, info->requests - info->requests_without_session);
	printf("\nblocks   %s looked up, %s different ones, %s of these more than once\n\n", COUNT(info->blocks),
	       COUNT(info->distinct_blocks), COUNT(info->reused_blocks));
	print_ideals(info, trace);
	if (info->reuse_gap_ns.count > 0 || info->think_ns.count > 0) {
		printf("\n%-19s %12s %8s %8s %8s %8s %8s\n", "seconds", "number", "p10", "p50", "mean", "p90", "max");
		print_times("  until reuse", &info->reuse_gap_ns);
		print_times("  to think", &info->think_ns);
	}
	print_classes(info);
	printf("\nQuantiles are linear between order statistics (type 7).\n");
}

static struct trace *load(const struct info_command *command, struct err *err)
{
	struct trace_load_options options = {0};
	int64_t block = 0;
	if (command->block && units_count(command->block, &block, err) < 0) {
		err_prefix(err, "--block: ");
		return NULL;
	}
	if (command->block && (block < 1 || block > UINT32_MAX)) {
		err_set(err, "--block: %s is out of range; expected 1 to %" PRIu32 ".", command->block, UINT32_MAX);
		return NULL;
	}
	options.block_tokens = (uint32_t)block;
	return trace_load(command->path, &options, err);
}

int cmd_trace_info(int argc, char **argv)
{
	static const struct argp argp = {
	    .options = option_table, .parser = parse_option, .args_doc = "TRACE", .doc = doc};
	struct info_command command = {.path = NULL};
	struct info info;
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &command) != 0)
		return 2;
	struct trace *trace = load(&command, &err);
	if (!trace)
		return cli_fail(&err);
	info_collect(&info, trace);
	if (command.json)
		print_json(&info, trace);
	else
		print_table(&info, trace);
	info_free(&info);
	trace_free(trace);
	return cli_finish_stdout();
}
