/* test_experiment.c - the experiments of kvcast-gpu bench where there is no GPU: the cost model with another
 * calibration measures, or something that gets it wrong in a way that the checks have to find. */
#include "test.h"

#include "compare.h"
#include "csv.h"
#include "experiment_layout.h"
#include "experiment_manual.h"
#include "experiment_prefix.h"
#include "experiment_repeat.h"
#include "options.h"
#include "run_output.h"
#include "scratch.h"
#include "simulate.h"
#include "timed.h"

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What is wrong with a device, beside its calibration. */
enum fault_kind { FAULT_NONE, FAULT_HITS_NOTHING, FAULT_HITS_MORE, FAULT_EQUAL_TIMES, FAULT_FAILS };

struct fake {
	enum fault_kind fault;
	const struct run_config *config; /* of the run */
};

static void fake_request(void *context, const struct trace_request *request, int64_t arrival_ns,
			 const struct request_outcome *outcome)
{
	const struct fake *fake = context;
	struct request_outcome other = *outcome;
	if (fake->fault == FAULT_HITS_NOTHING)
		other.ledger.hit_tokens = other.ledger.tier_hit_tokens[0] = 0;
	if (fake->fault == FAULT_HITS_MORE)
		other.ledger.hit_tokens += 16;
	if (fake->fault == FAULT_EQUAL_TIMES)
		other.ttft_ns = 5 * NS_PER_MS;
	fake->config->on_request(fake->config->on_request_context, request, arrival_ns, &other);
}

static int fake_measure(void *context, const struct trace *trace, const struct run_config *config,
			struct run_result *result, struct err *err)
{
	struct fake fake = {*(const enum fault_kind *)context, config};
	struct run_config own = *config;
	if (fake.fault == FAULT_FAILS)
		return err_set(err, "the device is gone.");
	assert_true(config->measured);
	own.calibration = &timed_calibration;
	own.on_request = fake_request;
	own.on_request_context = &fake;
	return simulate_run(trace, &own, result, err);
}

static struct experiment_device device(enum fault_kind fault)
{
	static enum fault_kind kinds[] = {FAULT_NONE, FAULT_HITS_NOTHING, FAULT_HITS_MORE, FAULT_EQUAL_TIMES,
					  FAULT_FAILS};
	return (struct experiment_device){fake_measure, &kinds[fault], "a made-up device"};
}

/* What the commands make of their options, for one engine. */
static struct run_options options;

static struct run_config config_of(const char *capacity)
{
	const struct trace blocks = {.block_tokens = EXPERIMENT_BLOCK_TOKENS};
	struct err err;
	options_free(&options);
	options = (struct run_options){.text = {[OPTION_ENGINE] = "vllm",
						[OPTION_MODEL] = "llama-3.1-8b",
						[OPTION_CALIB] = "h200-llama-3.1-8b",
						[OPTION_CAPACITY] = capacity}};
	if (options_load_settings(&options, false, &err) < 0 || run_output_single(&options, &blocks, &err) < 0)
		fail_msg("%s", err.text);
	return options.config;
}

static struct experiment_manual_trace make_manual(const char *name, const char *order, uint64_t turns)
{
	static const char *const paths[] = {KVCAST_MANUAL, KVCAST_MANUAL};
	const struct experiment_manual manual = {.paths = paths,
						 .path_count = COUNT_OF(paths),
						 .manual_tokens = 3000,
						 .agents = 4,
						 .sessions = 8 / turns,
						 .turns = turns,
						 .answer_tokens = 10,
						 .seed = 3,
						 .order = order};
	struct experiment_manual_trace made;
	struct err err;
	mkdir("out", 0777);
	if (experiment_manual_make(&made, &manual, "out", name, &err) < 0)
		fail_msg("%s", err.text);
	assert_in_range(made.manual_tokens, 2950, 3000);
	assert_int_equal(made.trace->request_count, 8);
	return made;
}

/* The file's text, in which no number is missing. */
static char *filled(const char *name)
{
	size_t size;
	char *text = (char *)scratch_read(name, &size);
	text[size] = '\0';
	static const char *const holes[] = {"nan", "inf ", "inf%", "(null)", "||", "| |\n", "-1000"};
	for (size_t i = 0; i < COUNT_OF(holes); i++) {
		if (strstr(text, holes[i]))
			fail_msg("%s has \"%s\" in it:\n%s", name, holes[i], text);
	}
	return text;
}

static void holds(const char *name, const char *const *words, size_t count)
{
	char *text = filled(name);
	for (size_t i = 0; i < count; i++) {
		if (!strstr(text, words[i]))
			fail_msg("%s does not say \"%s\":\n%s", name, words[i], text);
	}
	free(text);
}

static double cell(const struct csv *csv, size_t row, const char *name)
{
	size_t column;
	double number;
	struct err err;
	if (csv_find(csv, name, &column, &err) < 0 || csv_number(csv, row, column, &number, &err) < 0)
		fail_msg("%s", err.text);
	return number;
}

static const char *text_cell(const struct csv *csv, size_t row, const char *name)
{
	size_t column;
	struct err err;
	if (csv_find(csv, name, &column, &err) < 0)
		fail_msg("%s", err.text);
	return csv_text(csv, row, column);
}

static struct csv *table(const char *path)
{
	struct err err;
	struct csv *csv = csv_load(path, &err);
	if (!csv)
		fail_msg("%s", err.text);
	return csv;
}

static void near(double value, double expected)
{
	if (!(fabs(value - expected) <= 2e-6 * fmax(1, fabs(expected))))
		fail_msg("%.9g, but %.9g was expected", value, expected);
}

static struct experiment_repeat repeat_of(const struct experiment_manual_trace *made)
{
	return (struct experiment_repeat){.experiment = {.trace = made->trace, .config = config_of("10GiB")},
					  .manual_tokens = made->manual_tokens,
					  .command = "COMMAND",
					  .model = "MODEL",
					  .calibration = "CALIBRATION",
					  .forecast = "FORECAST",
					  .folder = "out"};
}

static void repeats_hit_the_manual(void **state)
{
	(void)state;
	struct err err;
	struct experiment_manual_trace made = make_manual("trace.jsonl.gz", "manual,agent,question", 1);
	struct experiment_repeat repeat = repeat_of(&made);
	const struct experiment_device good = device(FAULT_NONE);
	if (experiment_repeat_run(&repeat, &good, &err) < 0 || experiment_repeat_check(&repeat, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(repeat.repeats, 7);
	for (enum experiment_side side = 0; side < EXPERIMENT_SIDES; side++) {
		assert_true(repeat.prefix_hit_least[side] >= 1 && repeat.prefix_hit_rate[side] >= 1);
		near(repeat.reduction[side], 1 - repeat.repeat_ttft_ms[side] / repeat.cold_ttft_ms[side]);
		assert_true(repeat.repeat_least_ms[side] <= repeat.repeat_ttft_ms[side] &&
			    repeat.repeat_ttft_ms[side] <= repeat.repeat_most_ms[side]);
	}
	/* The made-up calibration is another than the forecast's. */
	assert_true(fabs(repeat.cold_ttft_ms[0] / repeat.cold_ttft_ms[1] - 1) > 0.05);
	/* What the table says is what the two per-request files say, and what was summed up. */
	struct csv *rows = table("out/table.csv");
	struct compare compare;
	if (compare_run(&compare, "out/predicted.csv", "out/measured.csv", &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(compare.differing_hits, 0);
	assert_int_equal(csv_rows(rows), 8);
	double sum_ms = 0;
	for (size_t row = 0; row < 8; row++) {
		near(cell(rows, row, "ttft_ms"), compare.requests[row].ttft_ms[COMPARE_MEASURED]);
		near(cell(rows, row, "predicted_ttft_ms"), compare.requests[row].ttft_ms[COMPARE_PREDICTED]);
		near(cell(rows, row, "e2e_ms"), compare.requests[row].e2e_ms[COMPARE_MEASURED]);
		near(cell(rows, row, "static_hit_rate"), row ? 1 : 0);
		assert_string_equal(text_cell(rows, row, "kind"), row ? "repeat" : "cold");
		sum_ms += row ? cell(rows, row, "ttft_ms") : 0;
	}
	near(repeat.repeat_ttft_ms[EXPERIMENT_MEASURED], sum_ms / 7);
	static const char *const words[] = {
	    "# Cold versus repeat",
	    "a made-up device",
	    "`COMMAND`",
	    "total generation time",
	    "kvcast run out/trace.jsonl.gz --model MODEL --calib CALIBRATION --capacity 5120 "
	    "--engine vllm --evict vllm --ttl none --block 16 --arrivals closed --sessions 1`",
	    "| 8 | release-manager |"};
	holds("out/report.md", words, COUNT_OF(words));
	compare_free(&compare);
	csv_free(rows);
	experiment_free(&repeat.experiment);
	experiment_manual_free(&made);
}

static void a_repeat_that_brings_nothing_is_told(void **state)
{
	(void)state;
	static const struct {
		enum fault_kind fault;
		const char *words;
	} cases[] = {{FAULT_HITS_NOTHING, "a repeat hit 0.00 % of the manual's 29"},
		     {FAULT_EQUAL_TIMES,
		      "repeats waited 5.00 ms for their first token and the cold request 5.00 ms, 0.0 % less; "
		      "expected at least 70 % less."}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err err = {""};
		struct experiment_manual_trace made = make_manual("trace.jsonl.gz", "manual,agent,question", 1);
		struct experiment_repeat repeat = repeat_of(&made);
		const struct experiment_device bad = device(cases[i].fault);
		assert_int_equal(experiment_repeat_run(&repeat, &bad, &err), 0);
		assert_int_equal(experiment_repeat_check(&repeat, &err), -1);
		if (strncmp(err.text, cases[i].words, strlen(cases[i].words)) != 0)
			fail_msg("%s", err.text);
		experiment_free(&repeat.experiment);
		experiment_manual_free(&made);
	}
}

/* Nothing is written of a run that failed, or in which a request found no room. */
static void failures_leave_no_results(void **state)
{
	(void)state;
	struct err err;
	for (int small = 0; small < 2; small++) {
		struct experiment_manual_trace made = make_manual("trace.jsonl.gz", "manual,agent,question", 1);
		struct experiment_repeat repeat = repeat_of(&made);
		const struct experiment_device bad = device(small ? FAULT_NONE : FAULT_FAILS);
		static const char *const names[] = {"out/predicted.csv", "out/measured.csv", "out/table.csv",
						    "out/report.md"};
		struct stat status;
		for (size_t i = 0; i < COUNT_OF(names); i++)
			remove(names[i]);
		if (small)
			repeat.experiment.config.capacity_blocks = 20;
		assert_int_equal(experiment_repeat_run(&repeat, &bad, &err), -1);
		assert_string_equal(
		    err.text, small ? "--capacity: of the 8 requests of out/trace.jsonl.gz 8 do not fit 20 blocks; "
				      "expected room for each."
				    : "the device is gone.");
		for (size_t i = 0; i < COUNT_OF(names); i++)
			assert_int_equal(stat(names[i], &status), -1);
		experiment_free(&repeat.experiment);
		experiment_manual_free(&made);
	}
}

static struct experiment_layout layout_of(const struct experiment_manual_trace made[2], bool swapped)
{
	struct experiment_layout layout = {.manual_tokens = made[0].manual_tokens,
					   .command = "COMMAND",
					   .model = "MODEL",
					   .calibration = "CALIBRATION",
					   .forecast = "FORECAST",
					   .folder = "out"};
	const struct run_config config = config_of("10GiB");
	for (size_t i = 0; i < EXPERIMENT_ORDERS; i++) {
		layout.experiments[i] = (struct experiment){.trace = made[swapped ? 1 - i : i].trace, .config = config};
		layout.manual_at[i] = made[swapped ? 1 - i : i].manual_at;
	}
	return layout;
}

static void instructions_in_front_bust_the_cache(void **state)
{
	(void)state;
	struct err err;
	struct experiment_manual_trace made[2];
	made[0] = make_manual("after.jsonl.gz", experiment_layout_orders[EXPERIMENT_AFTER], 2);
	made[1] = make_manual("before.jsonl.gz", experiment_layout_orders[EXPERIMENT_BEFORE], 2);
	for (uint32_t r = 0; r < 8; r++) {
		assert_int_equal(made[0].manual_at[r], 0);
		assert_in_range(made[1].manual_at[r], 30, 120); /* a role */
	}
	const struct experiment_device good = device(FAULT_NONE), more = device(FAULT_HITS_MORE);
	struct experiment_layout layout = layout_of(made, false);
	if (experiment_layout_run(&layout, &good, &err) < 0 || experiment_layout_check(&layout, &err) < 0)
		fail_msg("%s", err.text);
	for (enum experiment_side side = 0; side < EXPERIMENT_SIDES; side++) {
		near(layout.changes[EXPERIMENT_AFTER].manual_hit_rate[side], 1);
		near(layout.changes[EXPERIMENT_BEFORE].manual_hit_rate[side], 0);
		near(layout.others[EXPERIMENT_AFTER].manual_hit_rate[side], 1);
		near(layout.others[EXPERIMENT_BEFORE].manual_hit_rate[side], 1);
		assert_true(layout.changes[EXPERIMENT_BEFORE].ttft_ms[side] >
			    3 * layout.changes[EXPERIMENT_AFTER].ttft_ms[side]);
	}
	assert_int_equal(layout.changes[EXPERIMENT_AFTER].requests, 3);
	assert_int_equal(layout.others[EXPERIMENT_BEFORE].requests, 4);
	assert_int_equal(strncmp(layout.bust, "agent:", 6), 0);
	assert_true(layout.common_tokens[EXPERIMENT_AFTER] >= made[0].manual_tokens);
	assert_true(layout.common_tokens[EXPERIMENT_BEFORE] < 16);
	struct csv *rows = table("out/table.csv");
	assert_int_equal(csv_rows(rows), 16);
	csv_free(rows);
	static const char *const words[] = {
	    "| after | change of agent | 3 | 100.00 | 100.00 |", "| before | change of agent | 3 | 0.00 | 0.00 |",
	    "kvcast trace layout out/before.jsonl.gz", "At 3 pieces, the first of them `agent:"};
	holds("out/report.md", words, COUNT_OF(words));
	for (size_t i = 0; i < EXPERIMENT_ORDERS; i++)
		experiment_free(&layout.experiments[i]);
	/* The orders confused; and a device that finds some of the manual where there is none. */
	layout = layout_of(made, true);
	assert_int_equal(experiment_layout_run(&layout, &good, &err), 0);
	assert_int_equal(experiment_layout_check(&layout, &err), -1);
	assert_string_equal(
	    err.text, "with the instructions after the manual a change of agent hit 0.00 % of it; expected at least "
		      "99.9 %.");
	for (size_t i = 0; i < EXPERIMENT_ORDERS; i++)
		experiment_free(&layout.experiments[i]);
	layout = layout_of(made, false);
	layout.manual_at[EXPERIMENT_BEFORE] = made[0].manual_at; /* as if the role were the manual's beginning */
	assert_int_equal(experiment_layout_run(&layout, &more, &err), 0);
	assert_int_equal(experiment_layout_check(&layout, &err), -1);
	assert_non_null(strstr(err.text, "with the instructions before the manual a change of agent hit"));
	for (size_t i = 0; i < EXPERIMENT_ORDERS; i++)
		experiment_free(&layout.experiments[i]);
	experiment_manual_free(&made[0]);
	experiment_manual_free(&made[1]);
}

static const struct experiment_prefix_grid grid = {.lengths = {72, 1024},
						   .length_count = 2,
						   .concurrencies = {1, 8},
						   .concurrency_count = 2,
						   .reuses = {1, 0.5, 0},
						   .reuse_count = 3,
						   .cache_off = true,
						   .cache_on = true,
						   .question_tokens = 20,
						   .answer_tokens = 5};

static int prefix_run(struct experiment_prefix *prefix, const struct experiment_prefix_grid *of, enum fault_kind fault,
		      struct err *err)
{
	const struct experiment_device bench = device(fault);
	const struct run_config config = config_of("10GiB");
	mkdir("out", 0777);
	mkdir("out/traces", 0777);
	if (experiment_prefix_open(prefix, of, &config, "out", err) < 0)
		fail_msg("%s", err->text);
	prefix->command = "COMMAND";
	prefix->model = "MODEL";
	prefix->calibration = "CALIBRATION";
	prefix->forecast = "FORECAST";
	if (experiment_prefix_run(prefix, &bench, NULL, err) < 0)
		fail_msg("%s", err->text);
	return experiment_prefix_check(prefix, err);
}

/* Means and rates of the table are those of the requests' rows. */
static void check_sums(const struct experiment_prefix *prefix)
{
	struct csv *points = table("out/table.csv"), *requests = table("out/requests.csv");
	assert_int_equal(csv_rows(points), prefix->point_count);
	size_t row = 0;
	for (size_t i = 0; i < prefix->point_count; i++) {
		const struct experiment_prefix_point *point = &prefix->points[i];
		const size_t counted = point->concurrency == 1 ? 16 : 24;
		double ttft_s[2] = {0, 0}, e2e_s[2] = {0, 0};
		for (size_t r = 0; r < counted; r++, row++) {
			assert_string_equal(text_cell(requests, row, "mode"), text_cell(points, i, "mode"));
			assert_int_equal(cell(requests, row, "prefix_len_tokens"), point->prefix_tokens);
			assert_int_equal(cell(requests, row, "concurrency"), point->concurrency);
			assert_int_equal(cell(requests, row, "prompt_tokens"), point->prefix_tokens + 20);
			assert_int_equal(cell(requests, row, "completion_tokens"), 5);
			/* Of full blocks: 64 of 72 tokens. */
			const double shared = point->prefix_tokens / 16 * 16.0,
				     r_reuse = cell(requests, row, "shares_prefix");
			near(cell(requests, row, "hit_tokens"), r_reuse > 0 ? shared : 0);
			ttft_s[0] += cell(requests, row, "predicted_ttft_s");
			ttft_s[1] += cell(requests, row, "ttft_s");
			e2e_s[0] += cell(requests, row, "predicted_e2e_s");
			e2e_s[1] += cell(requests, row, "e2e_s");
		}
		near(cell(points, i, "mean_ttft_s"), ttft_s[1] / (double)counted);
		near(cell(points, i, "predicted_mean_ttft_s"), ttft_s[0] / (double)counted);
		near(cell(points, i, "mean_e2e_s"), e2e_s[1] / (double)counted);
		near(cell(points, i, "predicted_mean_e2e_s"), e2e_s[0] / (double)counted);
		assert_true(cell(points, i, "p95_e2e_s") >= cell(points, i, "mean_e2e_s"));
		/* One at a time, the answers' tokens over the sum of their requests' times. */
		if (point->concurrency == 1)
			assert_true(fabs(cell(points, i, "tok_s") / (5 * (double)counted / e2e_s[1]) - 1) < 1e-3);
	}
	assert_int_equal(row, csv_rows(requests));
	json_error_t problem;
	json_t *json = json_load_file("out/requests.json", 0, &problem);
	assert_int_equal(json_array_size(json), row);
	near(json_number_value(json_object_get(json_array_get(json, row - 1), "ttft_s")),
	     cell(requests, row - 1, "ttft_s"));
	json_decref(json);
	csv_free(points);
	csv_free(requests);
}

/* The command that the report names gives the forecast that stands in the table. */
static void check_forecast(const struct experiment_prefix *prefix)
{
	const struct experiment_prefix_point *point = &prefix->points[prefix->point_count - 2];
	struct run_options given = {.text = {[OPTION_ENGINE] = "vllm",
					     [OPTION_MODEL] = "llama-3.1-8b",
					     [OPTION_CAPACITY] = "10GiB",
					     [OPTION_CALIB] = "h200-llama-3.1-8b",
					     [OPTION_BLOCK] = "16",
					     [OPTION_ARRIVALS] = "closed",
					     [OPTION_SESSIONS] = "8"}};
	char path[128], warmup[32];
	struct err err;
	struct run_result result;
	snprintf(path, sizeof(path), "out/traces/%s.jsonl.gz", point->name);
	snprintf(warmup, sizeof(warmup), "%.6g", point->experiment.config.warmup);
	given.text[OPTION_WARMUP] = warmup;
	struct trace *trace = options_load(&given, path, false, &err);
	if (!trace || run_output_single(&given, trace, &err) < 0 ||
	    simulate_run(trace, &given.config, &result, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(trace->checksum, point->trace->checksum);
	const struct metrics_group *total = metrics_total(result.metrics);
	assert_int_equal(total->requests, 24);
	near(total->time_ms[METRICS_TTFT].mean / 1e3, point->experiment.sums[EXPERIMENT_PREDICTED].mean_ttft_s);
	simulate_free(&result);
	trace_free(trace);
	options_free(&given);
}

static void the_prefix_table_adds_up(void **state)
{
	(void)state;
	struct experiment_prefix prefix;
	struct err err;
	if (prefix_run(&prefix, &grid, FAULT_NONE, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(prefix.point_count, 16);
	char *text = filled("out/table.csv");
	static const char head[] =
	    "mode,prefix_len_tokens,concurrency,mean_ttft_s,mean_e2e_s,p95_e2e_s,tok_s,notes,"
	    "predicted_mean_ttft_s,predicted_mean_e2e_s,predicted_p95_e2e_s,predicted_tok_s\ncache_off,72,1,";
	assert_memory_equal(text, head, sizeof(head) - 1);
	free(text);
	check_sums(&prefix);
	check_forecast(&prefix);
	/* Half of the requests, evenly spread, the first among them; all of them; none. */
	for (double reuse = 0; reuse <= 1; reuse += 0.5) {
		const struct experiment_prefix_point *point = experiment_prefix_find(&prefix, 1024, 1, true, reuse);
		uint64_t hits = 0;
		for (uint32_t r = 0; r < point->trace->request_count; r++)
			hits += point->experiment.requests[r].hit_tokens[EXPERIMENT_MEASURED] > 0;
		assert_int_equal(hits, (uint64_t)(reuse * 16));
	}
	static const char *const words[] = {
	    "## What was tested",
	    "Measured: `COMMAND`",
	    "Forecast (FORECAST)",
	    "kvcast run out/traces/cache_on_reuse_0-1024-8.jsonl.gz --model MODEL --calib CALIBRATION --capacity 5120 "
	    "--engine vllm "
	    "--evict vllm --ttl none --block 16 --arrivals closed --sessions 8 --warmup 0.265625",
	    "## Results",
	    "## How the benefit grows",
	    "## Memory",
	    "0.125 GiB",
	    "## When to turn it on",
	    "## How to see that it works",
	    "## A caveat",
	    "## For a product audience"};
	holds("out/report.md", words, COUNT_OF(words));
	experiment_prefix_free(&prefix);
}

static void wrong_hits_are_told(void **state)
{
	(void)state;
	struct experiment_prefix prefix;
	struct err err;
	assert_int_equal(prefix_run(&prefix, &grid, FAULT_HITS_NOTHING, &err), -1);
	assert_string_equal(err.text, "cache_on_reuse_1-72-1: request 2 hit 0 tokens; expected 64.");
	free(filled("out/report.md"));
	experiment_prefix_free(&prefix);
	assert_int_equal(prefix_run(&prefix, &grid, FAULT_HITS_MORE, &err), -1);
	assert_string_equal(err.text, "cache_off-72-1: request 2 hit 16 tokens; expected 0.");
	experiment_prefix_free(&prefix);
}

/* A report of a part of the grid says what it cannot say. */
static void half_a_grid_has_a_report(void **state)
{
	(void)state;
	struct experiment_prefix prefix;
	struct err err;
	struct experiment_prefix_grid half = grid;
	half.cache_off = false;
	assert_int_equal(prefix_run(&prefix, &half, FAULT_NONE, &err), 0);
	assert_int_equal(prefix.point_count, 12);
	static const char *const words[] = {"What caching is worth was not measured: that takes --cache off,on."};
	holds("out/report.md", words, 1);
	experiment_prefix_free(&prefix);
}

/* The scratch folder itself is to hold files only. */
static void remove_folder(const char *path)
{
	DIR *folder = opendir(path);
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		char name[512];
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.')
			remove(name);
	}
	if (folder)
		closedir(folder);
	remove(path);
}

static int leave(void **state)
{
	remove_folder("out/traces");
	remove_folder("out");
	return scratch_leave(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(repeats_hit_the_manual),    cmocka_unit_test(a_repeat_that_brings_nothing_is_told),
	    cmocka_unit_test(failures_leave_no_results), cmocka_unit_test(instructions_in_front_bust_the_cache),
	    cmocka_unit_test(the_prefix_table_adds_up),  cmocka_unit_test(wrong_hits_are_told),
	    cmocka_unit_test(half_a_grid_has_a_report),
	};
	const int failed = cmocka_run_group_tests(tests, scratch_enter, leave);
	options_free(&options);
	return failed;
}
