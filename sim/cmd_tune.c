/* cmd_tune.c - kvcast tune TRACE: parameters that suit a trace, judged on requests they were not found on. */
#include "cli.h"
#include "options.h"
#include "ranks.h"
#include "run_output.h"
#include "share.h"
#include "tune_points.h"
#include "tune_table.h"
#include "units.h"

#include <argp.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_OBJECTIVE = 0x200, KEY_CONSTRAINT, KEY_OVER, KEY_TRAIN, KEY_RUNS, KEY_RENT, KEY_SLO, KEY_SEARCH, KEY_POINTS, KEY_JSON };

struct tune_command {
	struct run_options options;
	const char *trace_path, *objective, *train, *runs, *rent, *slo, *points, *search, *over[TUNE_PARAMETERS_MOST];
	const char *constraints[TUNE_CONSTRAINTS_MOST];
	bool json;
	int rank; /* of those that a launcher of MPI started; -1: alone */
	struct tune tune;
	struct tune_search searches[TUNE_STARTS]; /* in the first rank */
	struct promise *promises;
	size_t taken;
};

static const struct argp_option option_table[] = {
        {0, 0, 0, 0, "The search:", 1},
        {"objective", KEY_OBJECTIVE, "METRIC", 0, "what to make small: ttft_mean, ttft_p50, ttft_p95, ttft_p99, held_gib_s or cost (dollars: prefill and rent), or great: hit; default ttft_p95", 0},
        {"constraint", KEY_CONSTRAINT, "METRIC<=N", 0, "keep to it (>= for at least), e.g. 'held_gib_s<=5e4' or 'hit>=0.5'; repeat", 0},
        {"over", KEY_OVER, "[evict.]KEY=LOW..HIGH", 0, "vary this parameter of the TTL rule (or the eviction policy); repeat; default every number of the TTL rule", 0},
        {"train", KEY_TRAIN, "FRACTION", 0, "find them on this first part of the requests, judge by the rest; default 0.5", 0},
        {"search", KEY_SEARCH, "simplex|anneal", 0, "how: downhill by simplexes that begin anew (default), or by simulated annealing, which may help where the objective is rough", 0},
        {"runs", KEY_RUNS, "N", 0, "runs to search with; default 200", 0},
        {"rent", KEY_RENT, "DOLLARS/GB-hour", 0, "what a GB-hour of the memory that holds costs; default 0.02 (and a GPU hour, --price, 3)", 0},
        {0, 0, 0, 0, "Or, instead of a search:", 2},
        {"slo", KEY_SLO, "METRIC<=N", 0, "the smallest capacity at which each policy of --evict and --ttl, which may be lists here, keeps this promise, e.g. 'ttft_p95<=500ms'", 0},
        {0, 0, 0, 0, "Output:", 3},
        {"points", KEY_POINTS, "FILE", 0, "write what was tried in training as CSV, one row a run, for plots/pareto.gp; on_front is 1 where no other run is better in one of hit rate, p95 of TTFT, memory held and dollars and as good in all", 0},
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
	case KEY_SEARCH:
		if (strcmp(arg, "simplex") != 0 && strcmp(arg, "anneal") != 0)
			argp_error(state, "--search %s: expected simplex or anneal", arg);
		command->search = arg;
		command->tune.anneals = strcmp(arg, "anneal") == 0;
		return 0;
	case KEY_POINTS:
		command->points = arg;
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
		if (command->rank > 0) /* the first one says it */
			state->out_stream = state->err_stream = fopen("/dev/null", "w");
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

static struct tune_table table_of(const struct tune_command *command)
{
	return (struct tune_table){&command->tune, &command->options, command->slo, command->json, stdout};
}

/* A promise is sent as its capacity, 0 where it is not kept, and what was measured. */
static char *make_promise(void *context, size_t part, struct err *err)
{
	const struct tune_command *command = context;
	const struct spec_list *evicts = &command->options.evicts, *ttls = &command->options.ttls;
	struct promise promise = {.evict = &evicts->specs[part / ttls->count], .ttl = &ttls->specs[part % ttls->count]};
	if (promise_find(&command->tune, &promise, err) < 0)
		return NULL;
	char *text = mem_alloc(1, 96 + 32 * TUNE_METRICS);
	int length = sprintf(text, "%" PRIu64, promise.kept ? promise.capacity_blocks : 0);
	for (size_t m = 0; m < TUNE_METRICS; m++)
		length += sprintf(text + length, " %a", promise.measured.values[m]);
	sprintf(text + length, " %a %a", promise.interval.low, promise.interval.high);
	return text;
}

static void take_promise(void *context, const char *text)
{
	struct tune_command *command = context;
	const struct spec_list *evicts = &command->options.evicts, *ttls = &command->options.ttls;
	const size_t part = command->taken++;
	struct promise *promise = &command->promises[part];
	char *at;
	*promise = (struct promise){.evict = &evicts->specs[part / ttls->count], .ttl = &ttls->specs[part % ttls->count]};
	promise->capacity_blocks = strtoull(text, &at, 10);
	promise->kept = promise->capacity_blocks > 0;
	for (size_t m = 0; m < TUNE_METRICS; m++)
		promise->measured.values[m] = strtod(at, &at);
	promise->interval.low = strtod(at, &at);
	promise->interval.high = strtod(at, &at);
}

static int check_slo(struct tune_command *command, struct err *err)
{
	struct tune *tune = &command->tune;
	if (command->options.capacity)
		return err_set(err, "--slo looks for the capacity; expected no --capacity beside it.");
	if (command->points)
		return err_set(err, "--points keeps what a search has tried; --slo makes none.");
	if (command->search || command->runs)
		return err_set(err, "--%s is about a search; --slo makes none.", command->search ? "search" : "runs");
	tune->constraint_count = 1;
	if (read_constraint(&tune->constraints[0], command->slo, err) < 0)
		return err_prefix(err, "--slo ");
	return check_bytes(command, err);
}

/* The smallest capacity for each policy. */
static int find_promises(struct tune_command *command, struct err *err)
{
	const struct run_options *options = &command->options;
	const size_t count = options->evicts.count * options->ttls.count;
	command->promises = mem_alloc(count, sizeof(*command->promises));
	const struct share_work work = {count, make_promise, take_promise, command};
	const int failed = share_out(&work, err);
	if (!failed && ranks_is_first()) {
		const struct tune_table table = table_of(command);
		tune_table_promises(&table, command->promises, count);
	}
	free(command->promises);
	return failed;
}

static char *make_search(void *context, size_t part, struct err *err)
{
	const struct tune_command *command = context;
	struct tune_search search;
	(void)err;
	tune_search(&command->tune, (uint32_t)part, &search);
	char *text = tune_search_text(&search);
	tune_search_free(&search);
	return text;
}

static void take_search(void *context, const char *text)
{
	struct tune_command *command = context;
	tune_search_read(&command->searches[command->taken++], text);
}

static int check_search(struct tune_command *command, struct err *err)
{
	struct run_options *options = &command->options;
	if (run_output_single(options, command->tune.trace, err) < 0)
		return -1;
	if (options->config.warmup > 0)
		return err_set(err, "--warmup: expected none, as the training part warms the cache up.");
	return tune_prepare(&command->tune, err);
}

/* The first rank judges, which takes a few runs only, and prints. */
static int judge(struct tune_command *command, struct err *err)
{
	struct tune *tune = &command->tune;
	if (tune_judge(tune, command->searches, err) < 0)
		return -1;
	if (command->points && tune_points_write(command->points, tune, command->searches, command->options.has_model, err) < 0)
		return -1;
	const struct tune_table table = table_of(command);
	tune_table_found(&table);
	return 0;
}

static int search(struct tune_command *command, struct err *err)
{
	const struct share_work work = {TUNE_STARTS, make_search, take_search, command};
	int failed = share_out(&work, err);
	if (!failed && ranks_is_first())
		failed = judge(command, err);
	for (size_t s = 0; s < command->taken; s++)
		tune_search_free(&command->searches[s]);
	return ranks_agree(failed, err);
}

static int tune_trace(struct tune_command *command, const struct trace *trace, struct err *err)
{
	struct run_options *options = &command->options;
	struct tune *tune = &command->tune;
	tune->trace = trace;
	tune->config = &options->config;
	tune->seed = options->config.seed;
	tune->gpu_per_hour = options_gpu_price(options);
	int failed = read_tune(command, err);
	if (!failed)
		failed = command->slo ? check_slo(command, err) : check_search(command, err);
	if (ranks_agree(failed, err) < 0)
		return -1;
	return command->slo ? find_promises(command, err) : search(command, err);
}

/* With several ranks, the first one prints; all have the same exit code. */
static int tune_with_ranks(struct tune_command *command)
{
	struct err err;
	int failed = command->rank >= 0 ? ranks_start(&err) : 0;
	struct trace *trace = failed ? NULL : share_load(&command->options, command->trace_path, command->slo != NULL, &err);
	failed = trace ? tune_trace(command, trace, &err) : -1;
	if (trace)
		ranks_unshare(trace);
	options_free(&command->options);
	const int code = cli_end(command->rank <= 0, failed, &err);
	ranks_finish();
	return code;
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
	struct tune_command command = {.rank = share_rank()};
	if (argp_parse(&argp, argc, argv, command.rank > 0 ? ARGP_NO_ERRS : 0, NULL, &command) != 0)
		return 2;
	return tune_with_ranks(&command);
}
