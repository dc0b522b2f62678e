/* test_vary.c - --vary steps: the axis, the cost model that is scaled, and a run with it. */
#include "test.h"

#include "asks.h"
#include "cost_model.h"
#include "simulate.h"
#include "vary.h"

#include <string.h>

static void steps_are_an_axis(void **state)
{
	(void)state;
	struct vary vary = {.count = 0};
	struct err err;
	assert_int_equal(vary_add(&vary, "replicas=1,2", &err), 0);
	assert_null(vary_steps(&vary, 0));
	assert_int_equal(vary_add(&vary, "steps=0.97,1,1.03", &err), 0);
	assert_int_equal(vary_points(&vary), 6);
	assert_string_equal(vary_steps(&vary, 0), "0.97");
	assert_string_equal(vary_steps(&vary, 4), "1");
	assert_string_equal(vary_replicas(&vary, 4), "2");
	assert_int_equal(vary_add(&vary, "steps=1", &err), -1);
	assert_string_equal(err.text, "--vary steps=1: steps has its values already.");
	vary_free(&vary);
}

static void factors_are_numbers_from_a_half_to_2(void **state)
{
	(void)state;
	static const char *const wrong[] = {"", "0.49", "2.01", "-1", "0", "inf", "nan", "1x", "3%"};
	double factor;
	struct err err;
	assert_int_equal(vary_read_steps("0.5", &factor, &err), 0);
	assert_true(factor == 0.5);
	assert_int_equal(vary_read_steps("2", &factor, &err), 0);
	assert_true(factor == 2);
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		assert_int_equal(vary_read_steps(wrong[i], &factor, &err), -1);
		assert_non_null(strstr(err.text, "expected a factor on the duration of every step, from 0.5 to 2."));
	}
}

static int64_t step_ns(const struct calibration *calibration, double factor, const struct step_part *part)
{
	struct cost_model model = cost_model_scaled(calibration, factor);
	return cost_model_backend.step_ns(&model, &(struct step){.parts = part, .count = 1});
}

/* A prompt of 10 rows: 500 fixed, 300 for the weights, 1000 for the rows, 11 for the sequence, on the first piece of its curve. */
static void a_step_by_hand(void **state)
{
	(void)state;
	struct calibration c = {.prompt_step_ns = 500, .decode_step_ns = 7, .weights_ns = 300,
	                        .terms = {[TERM_ROWS] = CALIBRATION_LINE(100), [TERM_SEQUENCES] = {2, {{5, 55}, {6, 1000}}}}};
	const struct step_part prompt = {.new_tokens = 10}, decode = {.new_tokens = 1, .context_tokens = 9, .decode = true};
	assert_int_equal(step_ns(&c, 1, &prompt), 500 + 300 + 1000 + 11);
	assert_int_equal(step_ns(&c, 2, &prompt), 2 * (500 + 300 + 1000 + 11));
	assert_int_equal(step_ns(&c, 0.5, &prompt), 250 + 150 + 500 + 5); /* of 905.5, the whole ns */
	assert_int_equal(step_ns(&c, 2, &decode), 2 * (7 + 300 + 100 + 11));
	/* All of it at full slowdown from the first ns: a share of 10 %, of the longer step too. */
	c.power = (struct calibration_power){.fast = {.slowdown = 0.1, .half_life_ns = 1, .from = 0, .full = 0.5}, .most = 1, .least_rows = 10};
	assert_int_equal(step_ns(&c, 1, &prompt), 1811 + 181);
	assert_int_equal(step_ns(&c, 2, &prompt), 3622 + 362);
	assert_int_equal(step_ns(&c, 2, &decode), 2 * (7 + 300 + 100 + 11));
}

static void a_run_by_hand(void **state)
{
	(void)state;
	struct request_outcome without[3] = {{0}}, once[3] = {{0}}, twice[3] = {{0}};
	asks_outcomes(0, (struct step_error){0}, without);
	asks_outcomes(1, (struct step_error){0}, once);
	asks_outcomes(2, (struct step_error){0}, twice);
	assert_memory_equal(without, once, sizeof(without));
	/* A token takes 1 ms. A chain of 20 and one more: 21 ms, and as much again for who waits; the last one hits 20. */
	static const int64_t ttft_ms[] = {21, 42, 1};
	for (int i = 0; i < 3; i++) {
		assert_int_equal(once[i].ttft_ns, ttft_ms[i] * NS_PER_MS);
		assert_int_equal(twice[i].ttft_ns, 2 * ttft_ms[i] * NS_PER_MS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(steps_are_an_axis),
	        cmocka_unit_test(factors_are_numbers_from_a_half_to_2),
	        cmocka_unit_test(a_step_by_hand),
	        cmocka_unit_test(a_run_by_hand),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
