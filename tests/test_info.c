/* What is said of a trace: by hand on a small one, against the replay on others, and the published figures. */
#include "test.h"

#include "gen.h"
#include "info.h"
#include "replay.h"
#include "scratch.h"

#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool near(double a, double b)
{
	return fabs(a - b) <= 1e-12 * (1 + fabs(b));
}

/* Blocks of 10 tokens. 1 is asked at 0, 2, 2 and 5 s; the tail 3 is partial. */
static const char small[] =
    "{\"kvcast\":1,\"block_tokens\":10}\n"
    "{\"timestamp\":0,\"input_length\":25,\"output_length\":4,\"hash_ids\":[1,2,3],\"session_id\":\"a\",\"class\":\"x\"}\n"
    "{\"timestamp\":2000,\"input_length\":25,\"output_length\":0,\"hash_ids\":[1,2,3],\"session_id\":\"a\",\"class\":\"x\","
    "\"think_time\":1.5}\n"
    "{\"timestamp\":2000,\"input_length\":20,\"output_length\":6,\"hash_ids\":[1,2],\"class\":\"y\",\"workload\":\"w\"}\n"
    "{\"timestamp\":5000,\"input_length\":30,\"output_length\":6,\"hash_ids\":[1,4,5]}\n";

static void expect_ideal(const struct info_ideal *ideal, uint64_t blocks, uint64_t hit_blocks, uint64_t hit_tokens,
			 uint64_t full, double request_hit_rate)
{
	assert_int_equal(ideal->blocks, blocks);
	assert_int_equal(ideal->hit_blocks, hit_blocks);
	assert_int_equal(ideal->hit_tokens, hit_tokens);
	assert_int_equal(ideal->full_hit_requests, full);
	assert_true(near(ideal->block_hit_rate, (double)hit_blocks / (double)blocks));
	assert_true(near(ideal->token_hit_rate, (double)hit_tokens / 100));
	assert_true(near(ideal->request_hit_rate, request_hit_rate));
}

static void by_hand(void **state)
{
	(void)state;
	struct trace *trace = scratch_trace(small);
	struct info info;
	info_collect(&info, trace);
	assert_int_equal(info.requests, 4);
	assert_int_equal(info.sessions, 1);
	assert_int_equal(info.requests_without_session, 2);
	assert_int_equal(info.prompt_tokens, 100);
	assert_int_equal(info.output_tokens, 16);
	assert_int_equal(info.last_ns - info.first_ns, 5 * NS_PER_S);
	assert_int_equal(info.blocks, 11);
	assert_int_equal(info.distinct_blocks, 5);
	assert_int_equal(info.reused_blocks, 3);

	/* Hits: none; 1 2 3; 1 2; 1. */
	assert_int_equal(info.ideal_count, 4);
	expect_ideal(&info.ideals[0], 11, 6, 25 + 20 + 10, 2, (1 + 1 + 1. / 3) / 4);
	expect_ideal(&info.ideals[1], 11, 4, 20 + 10 + 10, 2, (0.8 + 0.5 + 1. / 3) / 4);
	expect_ideal(&info.ideals[2], 9, 5, 20 + 20 + 10, 1, (0.8 + 1 + 1. / 3) / 4);
	expect_ideal(&info.ideals[3], 9, 4, 20 + 10 + 10, 1, (0.8 + 0.5 + 1. / 3) / 4);

	/* Gaps in s: 1: 2 0 3; 2: 2 0; 3: 2. In order 0 0 2 2 2 3. */
	assert_int_equal(info.reuse_gap_ns.count, 6);
	assert_true(near(info.reuse_gap_ns.mean, 1.5e9));
	assert_true(near(info.reuse_gap_ns.min, 0) && near(info.reuse_gap_ns.max, 3e9));
	assert_true(near(info.reuse_gap_ns.p10, 0) && near(info.reuse_gap_ns.p50, 2e9) && near(info.reuse_gap_ns.p90, 2.5e9));
	assert_int_equal(info.think_ns.count, 1);
	assert_true(near(info.think_ns.p99, 1.5e9));
	assert_true(near(info.turns.mean, 2));

	assert_int_equal(info.class_count, 3);
	assert_string_equal(info.classes[0].name, "x");
	assert_int_equal(info.classes[0].prompt_tokens, 50);
	assert_int_equal(info.classes[0].hit_tokens, 25);
	assert_null(info.classes[1].name);
	assert_int_equal(info.classes[1].requests, 1);
	assert_int_equal(info.classes[1].hit_tokens, 10);
	assert_string_equal(info.classes[2].name, "y");
	assert_int_equal(info.classes[2].output_tokens, 6);
	info_free(&info);
	trace_free(trace);
}

/* Turn 2 begins with turn 1's prompt and answer: 4 + 5 tokens make two full blocks of 4, of which one is the prompt's. */
static void answers_are_kept_where_given(void **state)
{
	(void)state;
	struct trace *trace = scratch_trace(
	    "{\"kvcast\":1,\"block_tokens\":4}\n"
	    "{\"timestamp\":0,\"token_ids\":[1,2,3,4],\"output_token_ids\":[5,6,7,8,9]}\n"
	    "{\"timestamp\":1,\"token_ids\":[1,2,3,4,5,6,7,8,9,10],\"output_length\":1}\n");
	struct info info;
	info_collect(&info, trace);
	assert_int_equal(info.ideal_count, 5);
	assert_int_equal(info.ideals[3].hit_tokens, 4);
	assert_true(info.ideals[4].answers_kept);
	assert_int_equal(info.ideals[4].blocks, 3);
	assert_int_equal(info.ideals[4].hit_tokens, 8);
	assert_int_equal(info.distinct_blocks, 3); /* the answer's block is the second prompt's */
	info_free(&info);
	trace_free(trace);
}

/* The best rates are those of the replay with room for all. */
static void expect_as_replayed(const struct trace *trace)
{
	struct info info;
	struct err err;
	struct calibration *calibration = calibration_load(NULL, &err);
	struct spec lru, none;
	assert_int_equal(spec_parse(&lru, "lru", &err), 0);
	assert_int_equal(spec_parse(&none, "none", &err), 0);
	info_collect(&info, trace);
	for (size_t i = 0; i < 4; i++) {
		const struct info_ideal *ideal = &info.ideals[i];
		const struct run_config config = {
		    .evict = &lru,
		    .ttl = &none,
		    .capacity_blocks = UINT64_MAX,
		    .leaf = true,
		    .tail_cached = ideal->tail_cached,
		    .recompute_last = ideal->recompute_last,
		    .speed = 1,
		    .calibration = calibration,
		};
		struct run_result result;
		if (replay_run(trace, &config, &result, &err) < 0)
			fail_msg("%s", err.text);
		const struct metrics_group *total = metrics_total(result.metrics);
		assert_int_equal(ideal->blocks, total->blocks);
		assert_int_equal(ideal->hit_blocks, total->hit_blocks);
		assert_int_equal(ideal->hit_tokens, total->ledger.hit_tokens);
		assert_int_equal(ideal->full_hit_requests, total->full_hit_requests);
		assert_true(fabs(ideal->request_hit_rate - metrics_request_hit_rate(total)) < 1e-9);
		for (size_t c = 0; i == 0 && c < info.class_count; c++) {
			for (uint32_t k = 0; k < trace->class_count; k++) {
				const struct metrics_group *group = metrics_class(result.metrics, k);
				if (info.classes[c].name == trace->class_names[k])
					assert_int_equal(info.classes[c].hit_tokens, group->ledger.hit_tokens);
			}
		}
		replay_free(&result);
	}
	info_free(&info);
	spec_free(&lru);
	spec_free(&none);
	calibration_free(calibration);
}

static void as_the_replay_counts(void **state)
{
	(void)state;
	static const char *const manuals[] = {"manual"};
	struct gen_options options = gen_defaults;
	struct gen_summary summary;
	struct err err;
	struct trace *trace = scratch_trace(small);
	expect_as_replayed(trace);
	trace_free(trace);
	scratch_write("manual", "Whoever borrows the ladder writes the day into the book.\n", 57);
	options.manual_paths = manuals;
	options.manual_count = 1;
	for (uint32_t block_tokens = 1; block_tokens < 100; block_tokens += 7) {
		const struct trace_load_options load = {.block_tokens = block_tokens};
		options.seed = block_tokens;
		assert_int_equal(gen_write(&options, "g.jsonl", &summary, &err), 0);
		trace = trace_load("g.jsonl", &load, &err);
		assert_non_null(trace);
		expect_as_replayed(trace);
		trace_free(trace);
	}
}

/* Prompt lengths of a skewed distribution, 20,000 requests with some 9,000 different ones, against GSL on the plain list. */
static void quantiles_are_those_of_gsl(void **state)
{
	(void)state;
	enum { REQUESTS = 20000 };
	double *lengths = mem_alloc(REQUESTS, sizeof(*lengths));
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	FILE *file = fopen("q.jsonl", "w");
	for (int i = 0; i < REQUESTS; i++) {
		double uniform = gsl_rng_uniform(rng);
		lengths[i] = 1 + floor(30000 * uniform * uniform);
		fprintf(file, "{\"timestamp\":%d,\"output_length\":1,\"segments\":[{\"tokens\":%.0f}]}\n", i, lengths[i]);
	}
	fclose(file);
	gsl_rng_free(rng);
	gsl_sort(lengths, 1, REQUESTS);
	const struct trace_load_options load = {.block_tokens = 1000};
	struct err err;
	struct info info;
	struct trace *trace = trace_load("q.jsonl", &load, &err);
	assert_non_null(trace);
	info_collect(&info, trace);
	assert_int_equal(info.prompt.count, REQUESTS);
	assert_true(near(info.prompt.min, lengths[0]));
	assert_true(near(info.prompt.p10, gsl_stats_quantile_from_sorted_data(lengths, 1, REQUESTS, 0.10)));
	assert_true(near(info.prompt.p50, gsl_stats_quantile_from_sorted_data(lengths, 1, REQUESTS, 0.50)));
	assert_true(near(info.prompt.p90, gsl_stats_quantile_from_sorted_data(lengths, 1, REQUESTS, 0.90)));
	assert_true(near(info.prompt.p99, gsl_stats_quantile_from_sorted_data(lengths, 1, REQUESTS, 0.99)));
	assert_true(near(info.prompt.max, lengths[REQUESTS - 1]));
	assert_true(near(info.prompt.mean, gsl_stats_mean(lengths, 1, REQUESTS)));
	info_free(&info);
	trace_free(trace);
	free(lengths);
}

static struct trace *public_trace(const char *path)
{
	const struct trace_load_options load = {0};
	struct err err;
	if (access(path, R_OK) != 0) {
		print_message("%s is absent; skipped.\n", path);
		skip();
	}
	struct trace *trace = trace_load(path, &load, &err);
	if (!trace)
		fail_msg("%s", err.text);
	return trace;
}

/* POLICIES E0, E6, G2 and section 1. */
static void published_figures(void **state)
{
	(void)state;
	struct trace *trace = public_trace(KVCAST_SHARED "/traces/mooncake_conversation.jsonl.gz");
	struct info info;
	info_collect(&info, trace);
	assert_int_equal(info.blocks, 288500);
	assert_int_equal(info.distinct_blocks, 182790);
	assert_int_equal(info.last_ns - info.first_ns, 3536999 * NS_PER_MS);
	assert_int_equal(info.ideals[0].hit_blocks, 105710);
	assert_int_equal(lround(info.ideals[0].token_hit_rate * 1e6), 373624);
	assert_int_equal(lround(info.ideals[3].token_hit_rate * 1e6), 373380);
	/* Sliding TTLs of 60, 120, 300 and 600 s hit .103, .192, .288 and .343 of the references, of .366 with any: that
	 * share of the gaps is no longer. */
	assert_int_equal(info.reuse_gap_ns.count, 105710);
	assert_in_range((uint64_t)info.reuse_gap_ns.p90, 300 * NS_PER_S, 600 * NS_PER_S);
	assert_in_range((uint64_t)info.reuse_gap_ns.p50, 60 * NS_PER_S, 120 * NS_PER_S);
	info_free(&info);
	trace_free(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(by_hand),
	    cmocka_unit_test(answers_are_kept_where_given),
	    cmocka_unit_test(as_the_replay_counts),
	    cmocka_unit_test(quantiles_are_those_of_gsl),
	    cmocka_unit_test(published_figures),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
