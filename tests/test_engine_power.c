/* test_engine_power.c - power in the engine, by hand: a prompt's token is 1 ms of hard work, a decode 2 ms of rest. Work is 50 % slower once
 * 20 ms have come together, not before 10, and in a straight line between: of 20 ms 10 are 25 % slower on average, which makes 22.5. */
#include "test.h"

#include "asks.h"

#include <stdlib.h>

static const struct calibration powered = {
        .name = "made", .device = "none", .model = "none", .provenance = "made up",
        .only_prompts_have_rows = true, .decode_step_ns = 2e6, .terms = {[TERM_ROWS] = CALIBRATION_LINE(1e6)},
        .power = {.slowdown = 0.5, .rest_rate = 1, .from_ns = 10000000, .full_ns = 20000000, .most_ns = 40000000, .least_rows = 2},
};

static struct timed_setup of(enum engine_kind engine, uint32_t replicas)
{
	return (struct timed_setup){.engine = engine, .calibration = &powered, .replicas = replicas, .router = "round-robin",
	                            .step_tokens = engine == ENGINE_STATIC ? 0 : UINT32_MAX};
}

/* At 30 ms the device has rested 7.5: 12.5 are left. Of 10 more, 7.5 are 12.5 to 50 % slower, 2.5 are 50 %: 3.59375. At 100 ms it
 * has rested from all. */
static void what_came_before_slows_a_step(void **state)
{
	(void)state;
	static const enum engine_kind engines[] = {ENGINE_VLLM, ENGINE_SGLANG, ENGINE_STATIC};
	static const struct ask asks[] = {{0, ASKS_NO_CHAIN, 19}, {30, ASKS_NO_CHAIN, 9}, {100, ASKS_NO_CHAIN, 9}};
	for (size_t i = 0; i < COUNT_OF(engines); i++) {
		const struct timed_setup setup = of(engines[i], 1);
		struct timed_result result = asks_serve(asks, COUNT_OF(asks), &setup);
		assert_int_equal(result.outcomes[0].ttft_ns, 22500000);
		assert_int_equal(result.outcomes[1].ttft_ns, 13593750);
		assert_int_equal(result.outcomes[2].ttft_ns, 10000000);
		timed_free(&result);
	}
}

/* One at a time, the second waits for two decodes, 4 ms of rest: 16 ms are left. Of its 10, 4 are 30 to 50 % slower, 6 are 50 %. Both
 * at once are 30 ms of work, of which 10 are 25 % slower and 10 are 50 %. */
static void decodes_are_a_rest(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, ASKS_NO_CHAIN, 19}, {0, ASKS_NO_CHAIN, 9}};
	for (int single = 0; single < 2; single++) {
		struct trace *trace = asks_trace(asks, COUNT_OF(asks));
		((struct trace_request *)(uintptr_t)trace->requests)[0].output_tokens = 3;
		struct timed_setup setup = of(ENGINE_STATIC, 1);
		setup.single_steps = single;
		struct timed_result result = timed_run(trace, &setup);
		assert_int_equal(result.outcomes[0].e2e_ns, 22500000 + 4000000);
		assert_int_equal(result.outcomes[1].ttft_ns, 26500000 + 10000000 + 1600000 + 3000000);
		timed_free(&result);
		setup = of(ENGINE_VLLM, 1);
		setup.single_steps = single;
		result = timed_run(trace, &setup);
		assert_int_equal(result.outcomes[0].ttft_ns, 30000000 + 2500000 + 5000000);
		assert_int_equal(result.outcomes[1].ttft_ns, 37500000);
		timed_free(&result);
		make_trace_free(trace);
	}
}

/* In turns of 23 ms: each of two replicas has rested when its turn comes again; one alone has worked just before, has 19.5 left, and
 * of 20 more 0.5 are 47.5 to 50 % slower, the rest 50 %. */
static void replicas_rest_from_their_own_work(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, ASKS_NO_CHAIN, 19}, {23, ASKS_NO_CHAIN, 19}, {46, ASKS_NO_CHAIN, 19}, {69, ASKS_NO_CHAIN, 19}};
	const struct timed_setup two = of(ENGINE_VLLM, 2), one = of(ENGINE_VLLM, 1);
	struct timed_result result = asks_serve(asks, COUNT_OF(asks), &two);
	for (uint32_t r = 0; r < COUNT_OF(asks); r++) {
		assert_int_equal(result.outcomes[r].replica, r % 2);
		assert_int_equal(result.outcomes[r].ttft_ns, 22500000);
	}
	timed_free(&result);
	result = asks_serve(asks, COUNT_OF(asks), &one);
	assert_int_equal(result.outcomes[1].ttft_ns, 20000000 + 243750 + 9750000);
	timed_free(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_came_before_slows_a_step),
	        cmocka_unit_test(decodes_are_a_rest),
	        cmocka_unit_test(replicas_rest_from_their_own_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
