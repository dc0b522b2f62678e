/* test_engine_power.c - power in the engine, by hand: a prompt's token is 1 ms of work, a decode 2 ms of rest. Work is 50 % slower while
 * the level is above 0.5, to which it takes a rested device 10 ms; half of it is gone after 10 more. What a step is slowed down by comes in
 * sixteenths: of 20 ms the latter half is, which makes 25, and a level of 1 - 2^-2.5 = 0.823. */
#include "test.h"

#include "asks.h"

#include <stdlib.h>

static const struct calibration powered = {
        .name = "made", .device = "none", .model = "none", .provenance = "made up",
        .only_prompts_have_rows = true, .decode_step_ns = 2e6, .terms = {[TERM_ROWS] = CALIBRATION_LINE(1e6)},
        .power = {.fast = {.slowdown = 0.5, .half_life_ns = 10000000, .from = 0.5, .full = 0.500001}, .most = 1, .least_rows = 2},
};

static struct timed_setup of(enum engine_kind engine, uint32_t replicas)
{
	return (struct timed_setup){.engine = engine, .calibration = &powered, .replicas = replicas, .router = "round-robin",
	                            .step_tokens = engine == ENGINE_STATIC ? 0 : UINT32_MAX};
}

/* At 30 ms 0.582 is left, and all of 10 more is slower. At 100 ms it is 0.019, and 0.5 again after 9.73, in the last sixteenth's latter
 * half. */
static void what_came_before_slows_a_step(void **state)
{
	(void)state;
	static const enum engine_kind engines[] = {ENGINE_VLLM, ENGINE_SGLANG, ENGINE_STATIC};
	static const struct ask asks[] = {{0, ASKS_NO_CHAIN, 19}, {30, ASKS_NO_CHAIN, 9}, {100, ASKS_NO_CHAIN, 9}};
	for (size_t i = 0; i < COUNT_OF(engines); i++) {
		const struct timed_setup setup = of(engines[i], 1);
		struct timed_result result = asks_serve(asks, COUNT_OF(asks), &setup);
		assert_int_equal(result.outcomes[0].ttft_ns, 25000000);
		assert_int_equal(result.outcomes[1].ttft_ns, 15000000);
		assert_int_equal(result.outcomes[2].ttft_ns, 10000000);
		timed_free(&result);
	}
}

/* One at a time, the second waits for two decodes, 4 ms of rest: 0.624 is left, and all of its 10 are slower. Both at once are 30 ms of
 * work, of which eleven sixteenths are after the tenth. */
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
		assert_int_equal(result.outcomes[0].e2e_ns, 25000000 + 4000000);
		assert_int_equal(result.outcomes[1].ttft_ns, 29000000 + 15000000);
		timed_free(&result);
		setup = of(ENGINE_VLLM, 1);
		setup.single_steps = single;
		result = timed_run(trace, &setup);
		assert_int_equal(result.outcomes[0].ttft_ns, 30000000 + 10312500);
		assert_int_equal(result.outcomes[1].ttft_ns, 40312500);
		timed_free(&result);
		make_trace_free(trace);
	}
}

/* In turns of 40 ms: each of two replicas has rested when its turn comes again; one alone has 0.291 left, 0.5 again after 5.04 ms, and
 * three quarters of 20 are slower. */
static void replicas_rest_from_their_own_work(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, ASKS_NO_CHAIN, 19}, {40, ASKS_NO_CHAIN, 19}, {80, ASKS_NO_CHAIN, 19}, {120, ASKS_NO_CHAIN, 19}};
	const struct timed_setup two = of(ENGINE_VLLM, 2), one = of(ENGINE_VLLM, 1);
	struct timed_result result = asks_serve(asks, COUNT_OF(asks), &two);
	for (uint32_t r = 0; r < COUNT_OF(asks); r++) {
		assert_int_equal(result.outcomes[r].replica, r % 2);
		assert_int_equal(result.outcomes[r].ttft_ns, 25000000);
	}
	timed_free(&result);
	result = asks_serve(asks, COUNT_OF(asks), &one);
	assert_int_equal(result.outcomes[1].ttft_ns, 27500000);
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
