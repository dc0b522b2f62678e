/* cmd_tune.c - kvcast tune TRACE: parameters that suit a trace, judged on requests they were not found on. */
#include "cli.h"
#include "options.h"
#include "policy.h"
#include "promise.h"
#include "run_output.h"
#include "tune.h"
#include "units.h"

#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_OBJECTIVE = 0x200, KEY_CONSTRAINT, KEY_OVER, KEY_TRAIN, KEY_RUNS, KEY_RENT, KEY_SLO, KEY_JSON };

struct tune_command {
	struct run_options options;
	const char *trace_path, *objective, *train, *runs, *rent, *slo, *over[TUNE_PARAMETERS_MOST];
	const char *constraints[TUNE_CONSTRAINTS_MOST];
	bool json;
	struct tune tune;
};

static const struct argp_option option_table[] = {
        {0, 0, 0, 0, "The search:", 1},
        {"objective", KEY_OBJECTIVE, "METRIC", 0, "what to make small: ttft_mean, ttft_p50, ttft_p95, ttft_p99, held_gib_s or cost (dollars: prefill and rent), or great: hit; default ttft_p95", 0},
        {"constraint", KEY_CONSTRAINT, "METRIC<=N", 0, "keep to it (>= for at least), e.g. 'held_gib_s<=5e4' or 'hit>=0.5'; repeat", 0},
        {"over", KEY_OVER, "[evict.]KEY=LOW..HIGH", 0, "vary this parameter of the TTL rule (or the eviction policy); repeat; default every number of the TTL rule", 0},
        {"train", KEY_TRAIN, "FRACTION", 0, "find them on this first part of the requests, judge by the rest; default 0.5", 0},
        {"runs", KEY_RUNS, "N", 0, "runs to search with; default 200", 0},
        {"rent", KEY_RENT, "DOLLARS/GB-hour", 0, "what a GB-hour of the memory that holds costs; default 0.02 (and a GPU hour, --price, 3)", 0},
        {0, 0, 0, 0, "Or, instead of a search:", 2},
        {"slo", KEY_SLO, "METRIC<=N", 0, "the smallest capacity at which each policy of --evict and --ttl, which may be lists here, keeps this promise, e.g. 'ttft_p95<=500ms'", 0},
        {0, 0, 0, 0, "Output:", 3},
        {"json", KEY_JSON, 0, 0, "print one JSON object", 0},
        {0},
};

static error_t keep(struct argp_state *state, const char *what, const char *list[], size_t most, const char *text)
{
	for (size_t i = 0; i < most; i++) {
		if (!list[i]) {
			list[i] = text;
			return 0;
		}
	}
	argp_error(state, "more than %zu of --%s", most, what);
	return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct tune_command *command = state->input;
	switch (key) {
	case KEY_OBJECTIVE:
		command->objective = arg;
		return 0;
	case KEY_CONSTRAINT:
		return keep(state, "constraint", command->constraints, TUNE_CONSTRAINTS_MOST, arg);
	case KEY_OVER:
		return keep(state, "over", command->over, TUNE_PARAMETERS_MOST, arg);
	case KEY_TRAIN:
		command->train = arg;
		return 0;
	case KEY_RUNS:
		command->runs = arg;
		return 0;
	case KEY_RENT:
		command->rent = arg;
		return 0;
	case KEY_SLO:
		command->slo = arg;
		return 0;
	case KEY_JSON:
		command->json = true;
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
		state->child_inputs[0] = &command->options;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* METRIC<=N or METRIC>=N; times in ms, or with a unit. */
static int read_constraint(struct tune_constraint *constraint, const char *text, struct err *err)
{
	const size_t length = strcspn(text, "<>");
	int64_t ns;
	constraint->metric = tune_metric_named(text, length);
	if (constraint->metric == TUNE_METRICS || (text[length] != '<' && text[length] != '>') || text[length + 1] != '=')
		return err_set(err, "%s: expected METRIC<=N or METRIC>=N, METRIC one of ttft_mean, ttft_p50, ttft_p95, "
		                    "ttft_p99, hit, held_gib_s and cost.", text);
	const char *bound = text + length + 2;
	constraint->at_least = text[length] == '>';
	if (constraint->metric <= TUNE_TTFT_P99 && units_duration(bound, &ns, err) == 0) {
		constraint->bound = (double)ns / (double)NS_PER_MS;
		return 0;
	}
	if (units_real(bound, &constraint->bound, err) < 0)
		return err_prefix(err, "%s: ", text);
	return 0;
}

static int read_end(const char *text, size_t length, bool *is_duration, double *value, struct err *err)
{
	char part[64];
	int64_t ns;
	snprintf(part, sizeof(part), "%.*s", (int)length, text);
	*is_duration = units_duration(part, &ns, err) == 0;
	if (*is_duration) {
		*value = (double)ns;
		return 0;
	}
	return units_real(part, value, err);
}

/* [evict.|ttl.]KEY=LOW..HIGH */
static int read_over(struct tune_parameter *p, const char *text, struct err *err)
{
	const char *key = text, *equals = strchr(text, '='), *dots = equals ? strstr(equals, "..") : NULL;
	bool durations[2];
	*p = (struct tune_parameter){.of_eviction = strncmp(text, "evict.", 6) == 0};
	if (p->of_eviction)
		key += 6;
	else if (strncmp(text, "ttl.", 4) == 0)
		key += 4;
	if (!dots || equals == key || (size_t)(equals - key) >= sizeof(p->key))
		return err_set(err, "--over %s: expected [evict.]KEY=LOW..HIGH, such as base=10s..1h.", text);
	memcpy(p->key, key, (size_t)(equals - key));
	if (read_end(equals + 1, (size_t)(dots - equals - 1), &durations[0], &p->least, err) < 0 ||
	    read_end(dots + 2, strlen(dots + 2), &durations[1], &p->most, err) < 0)
		return err_prefix(err, "--over %s: ", text);
	if (durations[0] != durations[1])
		return err_set(err, "--over %s: one end is a duration, the other is not.", text);
	p->is_duration = durations[0];
	return 0;
}

static int read_number(const char *option, const char *text, double least, double most, double *value, struct err *err)
{
	if (!text)
		return 0;
	if (units_real(text, value, err) < 0 || !(*value >= least && *value <= most))
		return err_set(err, "--%s %s: expected a number from %g to %g.", option, text, least, most);
	return 0;
}

/* Bytes are not known without a model. */
static int check_bytes(const struct tune_command *command, struct err *err)
{
	const struct tune *tune = &command->tune;
	bool asks = tune->objective == TUNE_HELD || tune->objective == TUNE_COST;
	for (size_t i = 0; i < tune->constraint_count; i++)
		asks |= tune->constraints[i].metric == TUNE_HELD || tune->constraints[i].metric == TUNE_COST;
	if (asks && !command->options.has_model)
		return err_set(err, "held_gib_s and cost need --model, which gives the bytes of KV a token.");
	return 0;
}

static int read_tune(struct tune_command *command, struct err *err)
{
	struct tune *tune = &command->tune;
	double runs = 200;
	tune->training = 0.5;
	const char *objective = command->objective ? command->objective : "ttft_p95";
	tune->objective = tune_metric_named(objective, strlen(objective));
	if (tune->objective == TUNE_METRICS)
		return err_set(err, "--objective %s: expected ttft_mean, ttft_p50, ttft_p95, ttft_p99, hit, held_gib_s or cost.", objective);
	for (size_t i = 0; i < TUNE_CONSTRAINTS_MOST && command->constraints[i]; i++) {
		if (read_constraint(&tune->constraints[tune->constraint_count++], command->constraints[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < TUNE_PARAMETERS_MOST && command->over[i]; i++) {
		if (read_over(&tune->parameters[tune->parameter_count++], command->over[i], err) < 0)
			return -1;
	}
	if (read_number("train", command->train, 0.01, 0.99, &tune->training, err) < 0 ||
	    read_number("runs", command->runs, 8, 1e6, &runs, err) < 0 ||
	    options_rent(command->rent, &tune->rent_per_gb_hour, err) < 0)
		return -1;
	tune->runs = (uint32_t)runs;
	return check_bytes(command, err);
}

static void print_row(const char *name, const struct tune_measure *measured, bool has_bytes)
{
	const double *v = measured->values;
	printf("%-10s%10.2f%11.1f%11.1f%11.1f", name, 100 * v[TUNE_HIT], v[TUNE_TTFT_MEAN], v[TUNE_TTFT_P95], v[TUNE_TTFT_P99]);
	if (has_bytes)
		printf("%14.1f%11.2f", v[TUNE_HELD], v[TUNE_COST]);
	fputc('\n', stdout);
}

static void print_parameters(const struct tune *tune)
{
	for (size_t i = 0; i < tune->parameter_count; i++) {
		const struct tune_parameter *p = &tune->parameters[i];
		const double unit = p->is_duration ? (double)NS_PER_S : 1;
		printf("  %s.%-16s%14.6g -> %-12.6g%s in %.6g..%.6g\n", p->of_eviction ? "evict" : "ttl", p->key, p->given / unit,
		       p->best / unit, p->is_duration ? "s" : " ", p->least / unit, p->most / unit);
	}
}

static void print_verdict(const struct tune *tune)
{
	const bool share = tune->objective == TUNE_HIT, dollars = tune->objective == TUNE_COST;
	const double scale = share ? 100 : 1;
	const char *unit = share ? "percentage points" : dollars ? "dollars" : tune->objective == TUNE_HELD ? "GiB s" : "ms";
	printf("\nOn the rest %s is better by %.4g to %.4g %s (95 %%, %s drawn anew): ", tune_metric_name(tune->objective),
	       scale * tune->gain_low, scale * tune->gain_high, unit, tune->trace->session_count ? "sessions" : "requests");
	if (tune->gain_low > 0)
		puts("a gain.");
	else if (tune->gain_high < 0)
		puts("a loss.\nWhat was best in training is worse here; keep what you had.");
	else
		puts("no more\nthan noise.");
	if (!tune->best_is_allowed)
		puts("No run kept to all constraints; this one came nearest.");
	else if (!tune->rest_is_allowed)
		puts("But there it breaks a constraint that it kept in training: do not rely on it.");
}

static void print_table(const struct tune_command *command)
{
	const struct tune *tune = &command->tune;
	const bool has_bytes = command->options.has_model;
	char count[32], calibration[256];
	const uint32_t training = (uint32_t)(tune->training * tune->trace->request_count);
	printf("trace    %s\n         %s requests to train on, ", tune->trace->name, report_count(training, count, sizeof(count)));
	printf("%s to judge by; %u runs\n", report_count(tune->trace->request_count - training, count, sizeof(count)),
	       tune->runs_made);
	printf("given    evict %s, ttl %s\nfound    evict %s, ttl %s\n", tune->config->evict->text, tune->config->ttl->text,
	       tune->best_evict, tune->best_ttl);
	print_parameters(tune);
	printf("\n%-10s%10s%11s%11s%11s%s\n", "", "tokens %", "TTFT mean", "p95", "p99", has_bytes ? "   held GiB s    dollars" : "");
	puts("training");
	print_row("  given", &tune->training_given, has_bytes);
	print_row("  found", &tune->training_best, has_bytes);
	puts("the rest");
	print_row("  given", &tune->rest_given, has_bytes);
	print_row("  found", &tune->rest_best, has_bytes);
	if (tune->has_bound)
		print_row("  belady", &tune->rest_bound, has_bytes);
	print_verdict(tune);
	printf("times: %s\n", report_calibration(command->options.calibration, calibration, sizeof(calibration)));
}

static json_t *measure_json(const struct tune_measure *measured, bool has_bytes)
{
	json_t *json = json_object();
	for (int metric = 0; metric < TUNE_METRICS; metric++) {
		const bool known = has_bytes || (metric != TUNE_HELD && metric != TUNE_COST);
		json_object_set_new(json, tune_metric_name((enum tune_metric)metric),
		                    known ? json_real(measured->values[metric]) : json_null());
	}
	return json;
}

static void print_json(const struct tune_command *command)
{
	const struct tune *tune = &command->tune;
	const bool has_bytes = command->options.has_model;
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:f, s:f, s:f, s:b}", "trace", tune->trace->name, "evict",
	                         tune->best_evict, "ttl", tune->best_ttl, "given_ttl", tune->config->ttl->text, "objective",
	                         tune_metric_name(tune->objective), "runs", (int)tune->runs_made, "training", tune->training,
	                         "gain_low", tune->gain_low, "gain_high", tune->gain_high, "training_allowed", (int)tune->best_is_allowed);
	json_object_set_new(json, "rest_allowed", json_boolean(tune->rest_is_allowed));
	json_object_set_new(json, "training_given", measure_json(&tune->training_given, has_bytes));
	json_object_set_new(json, "training_found", measure_json(&tune->training_best, has_bytes));
	json_object_set_new(json, "rest_given", measure_json(&tune->rest_given, has_bytes));
	json_object_set_new(json, "rest_found", measure_json(&tune->rest_best, has_bytes));
	json_object_set_new(json, "rest_belady", tune->has_bound ? measure_json(&tune->rest_bound, has_bytes) : json_null());
	report_json_print(json, stdout);
	json_decref(json);
}

static int by_capacity(const void *a, const void *b)
{
	const struct promise *x = a, *y = b;
	if (x->kept != y->kept)
		return x->kept ? -1 : 1;
	if (x->kept && x->capacity_blocks != y->capacity_blocks)
		return x->capacity_blocks < y->capacity_blocks ? -1 : 1;
	return (x > y) - (x < y);
}

/* Of those that need not know the future. */
static void print_choice(const struct promise *promises, size_t count)
{
	const struct promise *first = NULL, *second = NULL;
	for (size_t i = 0; i < count; i++) {
		if (!promises[i].kept || registry_evict(promises[i].evict->name)->needs_future)
			continue;
		if (!first)
			first = &promises[i];
		else if (!second)
			second = &promises[i];
	}
	if (!first) {
		puts("\nNo policy that could be had keeps it, with room for every block of the trace.");
		return;
	}
	printf("\n%s with ttl %s keeps it with the least room", first->evict->text, first->ttl->text);
	if (second)
		printf("; the next,\n%s with ttl %s, needs %.0f %% more", second->evict->text, second->ttl->text,
		       100 * ((double)second->capacity_blocks / (double)first->capacity_blocks - 1));
	puts(".");
}

static void print_promises(const struct tune_command *command, const struct promise *promises, size_t count)
{
	const struct run_options *options = &command->options;
	const struct tune *tune = &command->tune;
	char text[256];
	int width = 8;
	for (size_t i = 0; i < count; i++) {
		const int length = snprintf(NULL, 0, "%s, ttl %s", promises[i].evict->text, promises[i].ttl->text);
		width = length > width ? length : width;
	}
	printf("trace    %s\npromise  %s\n\n%-*s%12s%s%10s%11s%9s%9s\n", tune->trace->name, command->slo, width, "policy", "blocks",
	       options->has_model ? "       GiB" : "", "tokens %", "TTFT mean", "p95", "p99");
	for (size_t i = 0; i < count; i++) {
		const struct promise *promise = &promises[i];
		const double *v = promise->measured.values;
		snprintf(text, sizeof(text), "%s, ttl %s", promise->evict->text, promise->ttl->text);
		printf("%-*s", width, text);
		printf("%12s", promise->kept ? report_count(promise->capacity_blocks, text, sizeof(text)) : "never");
		if (options->has_model && promise->kept)
			printf("%10.1f", options_gib(options, tune->trace, (double)promise->capacity_blocks));
		else if (options->has_model)
			printf("%10s", "");
		printf("%10.2f%11.1f%9.1f%9.1f\n", 100 * v[TUNE_HIT], v[TUNE_TTFT_MEAN], v[TUNE_TTFT_P95], v[TUNE_TTFT_P99]);
	}
	print_choice(promises, count);
	puts("Capacities within 1 %, for policies that do no worse with more room.");
	printf("times: %s\n", report_calibration(options->calibration, text, sizeof(text)));
}

static json_t *promises_json(const struct promise *promises, size_t count, bool has_bytes)
{
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++) {
		const struct promise *promise = &promises[i];
		json_array_append_new(array, json_pack("{s:s, s:s, s:b, s:o, s:o}", "evict", promise->evict->text, "ttl",
		                                       promise->ttl->text, "kept", (int)promise->kept, "capacity_blocks",
		                                       promise->kept ? json_integer((json_int_t)promise->capacity_blocks) : json_null(),
		                                       "measured", measure_json(&promise->measured, has_bytes)));
	}
	return array;
}

/* The smallest capacity for each policy. */
static int find_promises(struct tune_command *command, struct err *err)
{
	struct run_options *options = &command->options;
	struct tune *tune = &command->tune;
	const size_t count = options->evicts.count * options->ttls.count;
	if (options->capacity)
		return err_set(err, "--slo looks for the capacity; expected no --capacity beside it.");
	tune->constraint_count = 1;
	if (read_constraint(&tune->constraints[0], command->slo, err) < 0)
		return err_prefix(err, "--slo ");
	struct promise *promises = mem_alloc(count, sizeof(*promises));
	const int failed = promise_find(tune, &options->evicts, &options->ttls, promises, err);
	qsort(promises, count, sizeof(*promises), by_capacity);
	if (!failed && command->json) {
		json_t *json = promises_json(promises, count, options->has_model);
		report_json_print(json, stdout);
		json_decref(json);
	} else if (!failed) {
		print_promises(command, promises, count);
	}
	free(promises);
	return failed;
}

static int search(struct tune_command *command, struct err *err)
{
	struct run_options *options = &command->options;
	if (run_output_single(options, command->tune.trace, err) < 0)
		return -1;
	if (options->config.warmup > 0)
		return err_set(err, "--warmup: expected none, as the training part warms the cache up.");
	if (tune_run(&command->tune, err) < 0)
		return -1;
	if (command->json)
		print_json(command);
	else
		print_table(command);
	return 0;
}

static int tune_trace(struct tune_command *command, const struct trace *trace, struct err *err)
{
	struct run_options *options = &command->options;
	struct tune *tune = &command->tune;
	tune->trace = trace;
	tune->config = &options->config;
	tune->seed = options->config.seed;
	tune->gpu_per_hour = options_gpu_price(options);
	if (read_tune(command, err) < 0)
		return -1;
	return command->slo ? find_promises(command, err) : search(command, err);
}

int cmd_tune(int argc, char **argv)
{
	static const struct argp_child children[] = {{&options_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
	        .options = option_table,
	        .parser = parse_option,
	        .args_doc = "TRACE",
	        .doc = "Finds parameters of the TTL rule (or of the eviction policy) that suit TRACE, and says whether they are more "
	               "than luck: found on its first part, judged on the rest, beside what was given and belady. Or finds the smallest "
	               "capacity with which each policy keeps a promise.\v"
	               "Example: kvcast tune trace.jsonl.gz --model llama-3.1-8b --capacity 40GiB --ttl adaptive "
	               "--objective ttft_mean --constraint 'held_gib_s<=2e5'\n"
	               "Example: kvcast tune trace.jsonl.gz --model llama-3.1-8b --evict lru,lfu,s3fifo --slo 'ttft_p95<=500ms'",
	        .children = children,
	};
	struct tune_command command = {.trace_path = NULL};
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &command) != 0)
		return 2;
	struct trace *trace = options_load(&command.options, command.trace_path, command.slo != NULL, &err);
	const int failed = trace ? tune_trace(&command, trace, &err) : -1;
	trace_free(trace);
	options_free(&command.options);
	return failed ? cli_fail(&err) : cli_finish_stdout();
}
