/* Two ways to run, one cache: where room has no end and work takes no time, an engine finds for every request what replay
 * finds. Time is 1 ns a step, the least there is; a step takes all that waits. */
#include "test.h"

#include "runs.h"
#include "timed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct calibration no_time = {.name = "none", .device = "none", .model = "none", .provenance = "made up"};

static const struct {
	const char *name;
	enum engine_kind engine;
	uint32_t most_running;
} engines[] = {
        {"static", ENGINE_STATIC, 1},
        {"vllm", ENGINE_VLLM, 1 << 16},
        /* Its blocks are visible when a step has ended: requests of equal time would not see each other's. */
        {"sglang, one at a time", ENGINE_SGLANG, 1},
};

static void assert_equal_to_replay(const struct trace *trace)
{
	const struct runs_setup plain = {.evict = "lru", .ttl = "none", .capacity_blocks = UINT64_MAX, .leaf = true,
	                                 .tail_skipped = true, .recompute_last = true};
	struct runs_result replay = runs_replay(trace, &plain);
	for (size_t e = 0; e < COUNT_OF(engines); e++) {
		const struct timed_setup setup = {.engine = engines[e].engine, .most_running = engines[e].most_running,
		                                  .step_tokens = UINT32_MAX, .drop_answers = true, .calibration = &no_time};
		struct timed_result run = timed_run(trace, &setup);
		uint32_t unlike = 0;
		assert_int_equal(run.answered, trace->request_count);
		for (uint32_t r = 0; r < trace->request_count; r++) {
			const struct request_outcome *a = &replay.outcomes[r], *b = &run.outcomes[r];
			unlike += a->path_blocks != b->path_blocks || a->hit_blocks != b->hit_blocks || a->full_hit != b->full_hit ||
			          memcmp(&a->ledger, &b->ledger, sizeof(a->ledger)) != 0;
		}
		if (unlike > 0)
			fail_msg("%s, %s: %u of %u requests unlike", trace->name, engines[e].name, unlike, trace->request_count);
		assert_int_equal(timed_total(&run)->hit_blocks, replay.hit_blocks);
		timed_free(&run);
	}
	runs_free(&replay);
}

static void of_a_file(const char *path)
{
	const struct trace_load_options options = {0};
	struct err err;
	if (access(path, R_OK) != 0) {
		print_message("%s is not there: skipped\n", path);
		skip();
	}
	struct trace *trace = trace_load(path, &options, &err);
	if (!trace)
		fail_msg("%s", err.text);
	assert_equal_to_replay(trace);
	trace_free(trace);
}

static void made_traces(void **state)
{
	(void)state;
	struct make_rng rng = {1};
	for (uint32_t i = 0; i < 20; i++) {
		const struct make_shape shape = {.requests = 500, .block_tokens = 4, .sessions = 5, .classes = 2, .root_percent = 20,
		                                 .repeat_percent = 30, .growth = 6, .same_time_percent = 50, .tick_ns = NS_PER_MS,
		                                 .most_ticks = 3, .tail_listed = i % 2 == 0};
		struct trace *trace = make_trace_random(&rng, &shape);
		timed_dress(trace, &rng, 50, 0);
		assert_equal_to_replay(trace);
		make_trace_free(trace);
	}
}

static void sample(void **state)
{
	(void)state;
	of_a_file(KVCAST_SAMPLE_TRACE);
}

static void conversation(void **state)
{
	(void)state;
	of_a_file(KVCAST_SHARED "/traces/mooncake_conversation.jsonl.gz");
}

static void token_trace(void **state)
{
	(void)state;
	of_a_file(KVCAST_SHARED "/traces/sharegpt_llama3_300.jsonl.gz");
}

static void agents(void **state)
{
	(void)state;
	of_a_file(KVCAST_SHARED "/traces/claude_code_sessions.jsonl.gz");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(made_traces), cmocka_unit_test(sample), cmocka_unit_test(conversation),
	        cmocka_unit_test(token_trace), cmocka_unit_test(agents),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
