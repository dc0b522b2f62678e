/* cmd_trace_layout.c - kvcast trace layout TRACE: what stands in the way of sharing, and what another order would bring. */
#include "cli.h"
#include "layout.h"
#include "options.h"
#include "replay.h"
#include "run_output.h"

#include <argp.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PIECES_SHOWN 10

enum { KEY_JSON = 0x200, KEY_OUTPUT = 'o', KEY_SHARED = 0x300 };

struct layout_command {
	struct run_options options;
	const char *path, *output;
	bool json;
};

/* One order's forecast. */
struct outcome {
	double token_hit_rate;
	struct distribution ttft_ms;
};

/* Options that other commands have too. */
static const enum option_id shared_ids[] = {OPTION_CAPACITY, OPTION_EVICT, OPTION_TTL, OPTION_BLOCK, OPTION_MODEL, OPTION_CALIB};

static const struct argp_option option_table[] = {
        {"output", KEY_OUTPUT, "FILE", 0, "write the trace in the new order, as kvcast trace convert would", 0},
        {"json", KEY_JSON, 0, 0, "print one JSON object", 0},
        {0, 0, 0, 0, "The cache that the forecast is for:", 1},
        {"capacity", KEY_SHARED + 0, "N|SIZE", 0, "its room in blocks or, with --model, bytes; default inf", 0},
        {"evict", KEY_SHARED + 1, "SPEC", 0, "eviction policy; default lru", 0},
        {"ttl", KEY_SHARED + 2, "SPEC", 0, "TTL rule; default none", 0},
        {"block", KEY_SHARED + 3, "TOKENS", 0, "block size; default: the trace's own", 0},
        {"model", KEY_SHARED + 4, "NAME|FILE", 0, "gives the bytes of KV a token: a preset or a Hugging Face config.json", 0},
        {"calib", KEY_SHARED + 5, "NAME|FILE", 0, "gives the times: a calibration file or the name of a built-in one", 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct layout_command *command = state->input;
	if (key >= KEY_SHARED && key < KEY_SHARED + (int)COUNT_OF(shared_ids)) {
		command->options.text[shared_ids[key - KEY_SHARED]] = arg;
		return 0;
	}
	switch (key) {
	case KEY_JSON:
		command->json = true;
		return 0;
	case KEY_OUTPUT:
		command->output = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "one trace at a time");
		command->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "a trace is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int forecast(struct layout_command *command, const struct trace *trace, struct outcome *outcome, struct err *err)
{
	struct run_options *options = &command->options;
	struct run_config *config = &options->config;
	struct run_result result;
	if (run_output_single(options, trace, err) < 0 ||
	    replay_run(trace, config, &result, err) < 0)
		return -1;
	const struct metrics_group *total = metrics_total(result.metrics);
	*outcome = (struct outcome){metrics_token_hit_rate(total), total->time_ms[METRICS_TTFT]};
	replay_free(&result);
	return 0;
}

static int by_loss(const void *a, const void *b)
{
	const struct layout_piece *x = *(const struct layout_piece *const *)a, *y = *(const struct layout_piece *const *)b;
	if (x->lost_tokens != y->lost_tokens)
		return x->lost_tokens < y->lost_tokens ? 1 : -1;
	return (x > y) - (x < y);
}

static int by_requests(const void *a, const void *b)
{
	const struct layout_piece *x = *(const struct layout_piece *const *)a, *y = *(const struct layout_piece *const *)b;
	if (x->requests != y->requests)
		return x->requests < y->requests ? 1 : -1;
	return (x > y) - (x < y);
}

/* Pieces of one kind in an order of their own. */
struct ranking {
	const struct layout_piece **pieces;
	size_t count;
};

static struct ranking rank(const struct layout *layout, bool shared, int (*order)(const void *, const void *))
{
	struct ranking ranking = {NULL, 0};
	size_t count;
	const struct layout_piece *pieces = layout_pieces(layout, &count);
	ranking.pieces = mem_alloc(count, sizeof(*ranking.pieces));
	for (size_t i = 0; i < count; i++) {
		if (shared ? layout_is_shared(&pieces[i]) : pieces[i].lost_tokens > 0)
			ranking.pieces[ranking.count++] = &pieces[i];
	}
	if (ranking.count)
		qsort(ranking.pieces, ranking.count, sizeof(*ranking.pieces), order);
	return ranking;
}

static void print_busts(const struct ranking *busts, uint64_t prompt_tokens)
{
	char requests[32], tokens[32];
	uint64_t lost_tokens = 0, all_busts = 0;
	if (busts->count == 0) {
		puts("\nNo piece keeps a known one behind it from being hit.");
		return;
	}
	printf("\nwhere prefixes end although known pieces follow, whatever the room\n%7s  %-36s%10s%16s%8s\n", "place", "piece", "requests", "tokens lost", "%");
	for (size_t i = 0; i < busts->count; i++) {
		const struct layout_piece *piece = busts->pieces[i];
		lost_tokens += piece->lost_tokens;
		all_busts += piece->busts;
		if (i < PIECES_SHOWN)
			printf("%7u  %-36.36s%10s%16s%8.2f\n", piece->place + 1, piece->name, report_count(piece->busts, requests, sizeof(requests)),
			       report_count(piece->lost_tokens, tokens, sizeof(tokens)),
			       100 * (double)piece->lost_tokens / (double)prompt_tokens);
	}
	printf("%7s  %zu piece%-29s%10s%16s%8.2f\n", "all", busts->count, busts->count == 1 ? "" : "s",
	       report_count(all_busts, requests, sizeof(requests)), report_count(lost_tokens, tokens, sizeof(tokens)),
	       100 * (double)lost_tokens / (double)prompt_tokens);
}

static void print_order(const struct ranking *shared)
{
	char requests[32], tokens[32];
	if (shared->count == 0)
		return;
	printf("\nthe new order: shared pieces first, all others as they were\n%7s  %-36s%10s%16s\n", "", "piece", "requests", "tokens");
	for (size_t i = 0; i < shared->count && i < PIECES_SHOWN; i++)
		printf("%7zu  %-36.36s%10s%16s\n", i + 1, shared->pieces[i]->name,
		       report_count(shared->pieces[i]->requests, requests, sizeof(requests)),
		       report_count(shared->pieces[i]->tokens, tokens, sizeof(tokens)));
	if (shared->count > PIECES_SHOWN)
		printf("%7s  and %zu more\n", "", shared->count - PIECES_SHOWN);
}

static void print_table(const struct layout_command *command, const struct layout *layout, const struct ranking *busts,
                        const struct ranking *shared, const struct outcome outcomes[2])
{
	static const char *const names[] = {"as it is", "shared first"};
	const struct trace *trace = layout_trace(layout);
	const struct run_config *config = &command->options.config;
	char a[32], b[32], times[256];
	uint64_t prompt_tokens = 0;
	size_t pieces;
	layout_pieces(layout, &pieces);
	for (uint32_t r = 0; r < trace->request_count; r++)
		prompt_tokens += trace->requests[r].prompt_tokens;
	printf("trace    %s\n         %s requests, %s prompt tokens", trace->name, report_count(trace->request_count, a, sizeof(a)),
	       report_count(prompt_tokens, b, sizeof(b)));
	printf("; %s pieces, %zu of them shared\n", report_count(pieces, a, sizeof(a)), shared->count);
	printf("         all prompts begin with the same %s tokens\n",
	       report_count(layout_common_tokens(layout), a, sizeof(a)));
	const bool unlimited = config->capacity_blocks == UINT64_MAX;
	printf("cache    %s, ttl %s, %s%s\n\n%-16s%14s%14s%14s\n", config->evict->text, config->ttl->text,
	       unlimited ? "no limit" : report_count(config->capacity_blocks, a, sizeof(a)), unlimited ? "" : " blocks", "order",
	       "tokens hit %", "TTFT ms", "p95");
	for (size_t i = 0; i < 2; i++)
		printf("%-16s%14.2f%14.1f%14.1f\n", names[i], 100 * outcomes[i].token_hit_rate, outcomes[i].ttft_ms.mean,
		       outcomes[i].ttft_ms.p95);
	print_busts(busts, prompt_tokens);
	print_order(shared);
	printf("\n%s\n", report_options_times(&command->options, times, sizeof(times)));
}

static json_t *outcome_json(const struct outcome *outcome)
{
	return json_pack("{s:f, s:f, s:f, s:f}", "token_hit_rate", outcome->token_hit_rate, "ttft_ms_mean", outcome->ttft_ms.mean,
	                 "ttft_ms_p50", outcome->ttft_ms.p50, "ttft_ms_p95", outcome->ttft_ms.p95);
}

static void print_json(const struct layout *layout, const struct ranking *busts, const struct ranking *shared,
                       const struct outcome outcomes[2])
{
	json_t *bust_list = json_array(), *shared_list = json_array();
	for (size_t i = 0; i < busts->count; i++) {
		const struct layout_piece *piece = busts->pieces[i];
		json_array_append_new(bust_list, json_pack("{s:s, s:i, s:i, s:I}", "piece", piece->name, "place", (int)piece->place + 1,
		                                           "requests", (int)piece->busts, "lost_tokens", (json_int_t)piece->lost_tokens));
	}
	for (size_t i = 0; i < shared->count; i++) {
		const struct layout_piece *piece = shared->pieces[i];
		json_array_append_new(shared_list, json_pack("{s:s, s:i, s:I}", "piece", piece->name, "requests", (int)piece->requests,
		                                             "tokens", (json_int_t)piece->tokens));
	}
	json_t *json = json_pack("{s:s, s:I, s:o, s:o, s:o, s:o}", "trace", layout_trace(layout)->name, "common_tokens",
	                         (json_int_t)layout_common_tokens(layout), "as_it_is", outcome_json(&outcomes[0]), "shared_first",
	                         outcome_json(&outcomes[1]), "busts", bust_list, "order", shared_list);
	report_json_print(json, stdout);
	json_decref(json);
}

static int study(struct layout_command *command, const struct layout *layout, struct err *err)
{
	struct outcome outcomes[2];
	struct trace *reordered = layout_reorder(layout, err);
	int failed = !reordered || forecast(command, layout_trace(layout), &outcomes[0], err) < 0 ||
	             forecast(command, reordered, &outcomes[1], err) < 0;
	if (!failed && command->output)
		failed = trace_write_jsonl(reordered, command->output, err) < 0;
	if (!failed) {
		struct ranking busts = rank(layout, false, by_loss), shared = rank(layout, true, by_requests);
		if (command->json)
			print_json(layout, &busts, &shared, outcomes);
		else
			print_table(command, layout, &busts, &shared, outcomes);
		free(busts.pieces);
		free(shared.pieces);
	}
	trace_free(reordered);
	return failed ? -1 : 0;
}

int cmd_trace_layout(int argc, char **argv)
{
	static const struct argp argp = {
	        .options = option_table,
	        .parser = parse_option,
	        .args_doc = "TRACE",
	        .doc = "Finds what keeps prompts from sharing a prefix: the pieces (named segments, or paragraphs of text) at which "
	               "prefixes end although pieces follow that are known, what that costs, and what it would be worth to put "
	               "shared pieces first.\v"
	               "TRACE must say what its prompts consist of (\"segments\" or \"prompt\"); it is read twice, so it is a file. "
	               "Whether a model answers as well when pieces change places is not for a trace to say.",
	};
	struct layout_command command = {.path = NULL};
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &command) != 0)
		return 2;
	if (strcmp(command.path, "-") == 0) {
		err_set(&err, "standard input cannot be read twice; expected a file.");
		return cli_fail(&err);
	}
	struct trace *trace = options_load(&command.options, command.path, false, &err);
	struct layout *layout = NULL;
	if (trace) {
		const struct trace_load_options load = {.preset_block_tokens = trace->block_tokens};
		layout = layout_load(command.path, &load, &err);
	}
	const int failed = layout ? study(&command, layout, &err) : -1;
	trace_free(trace);
	layout_free(layout);
	options_free(&command.options);
	return failed ? cli_fail(&err) : cli_finish_stdout();
}
