/* test_step_error.c - steps that are off: the draws' mean and spread, and what a cost model and its device's history make of them. */
#include "test.h"

#include "asks.h"
#include "cost_model.h"
#include "simulate.h"

#include <math.h>
#include <string.h>

#define SHAPES 40000

static void draws_are_as_a_normal_distribution(void **state)
{
	(void)state;
	double sum = 0, squares = 0, absolute = 0;
	uint32_t beyond_2 = 0;
	for (uint64_t seed = 0; seed < SHAPES; seed++) {
		const double z = ldexp((double)step_error_z(step_error_seed(7, seed)), -32);
		assert_true(z >= -4 && z <= 4);
		sum += z;
		squares += z * z;
		absolute += fabs(z);
		beyond_2 += fabs(z) > 2;
	}
	/* Each within five standard errors; 4.6 % of a sum of twelve are beyond 2. */
	assert_true(fabs(sum / SHAPES) < 5 / sqrt(SHAPES));
	assert_true(fabs(squares / SHAPES - 1) < 5 * sqrt(2. / SHAPES));
	assert_true(fabs(absolute / SHAPES - 0.8) < 5 * 0.6 / sqrt(SHAPES));
	assert_true(fabs((double)beyond_2 / SHAPES - 0.046) < 0.006);
}

static void factors_are_known(void **state)
{
	(void)state;
	/* The same on every machine. */
	assert_int_equal(step_error_seed(1, 2), step_error_seed(1, 2));
	assert_int_not_equal(step_error_seed(1, 2), step_error_seed(2, 1));
	assert_int_equal(step_error_z(0), INT64_C(-1807575230));
	assert_int_equal(step_error_z(1), INT64_C(9268389298));
	assert_int_equal(step_error_of(0.02, 3).sigma_ppm, 25066);
	assert_int_equal(step_error_of(0, 3).sigma_ppm, 0);
	assert_int_equal(step_error_factor(0, 99), STEP_ERROR_ONE);
	int64_t least = INT64_MAX;
	for (uint64_t seed = 0; seed < 2000; seed++) {
		const int64_t z = step_error_z(seed), factor = step_error_factor(1000000, seed);
		assert_int_equal(factor, STEP_ERROR_ONE + z > STEP_ERROR_ONE / 10 ? STEP_ERROR_ONE + z : STEP_ERROR_ONE / 10);
		least = factor < least ? factor : least;
	}
	assert_int_equal(least, STEP_ERROR_ONE / 10);
}

static struct cost_model off(const struct calibration *calibration, double mean_error, uint64_t seed)
{
	struct cost_model model = cost_model_of(calibration);
	model.error = step_error_of(mean_error, seed);
	return model;
}

static int64_t step_ns(const struct cost_model *model, const struct step_part *parts, uint32_t count)
{
	return cost_model_backend.step_ns((void *)(uintptr_t)model, &(struct step){.parts = parts, .count = count});
}

/* Over all shapes steps take as long as they did, and are off by 2 % on average; each time by the same, and other seeds by another. */
static void steps_are_off_by_their_shape(void **state)
{
	(void)state;
	struct calibration c = timed_curved_calibration;
	c.power = (struct calibration_power){.least_rows = 1}; /* which makes more of a longer step */
	const struct cost_model plain = off(&c, 0, 5), one = off(&c, 0.02, 5), two = off(&c, 0.02, 6);
	double sum = 0, absolute = 0;
	uint32_t equal = 0, count = 0;
	for (uint32_t context = 0; context < 100; context++) {
		for (uint32_t tokens = 100; tokens < 200; tokens++) {
			const struct step_part part = {0, tokens, context, false};
			const double error = (double)step_ns(&one, &part, 1) / (double)step_ns(&plain, &part, 1) - 1;
			assert_int_equal(step_ns(&one, &part, 1), step_ns(&one, &(struct step_part){9, tokens, context, false}, 1));
			sum += error;
			absolute += fabs(error);
			equal += step_ns(&one, &part, 1) == step_ns(&two, &part, 1);
			count++;
		}
	}
	assert_true(fabs(sum / count) < 0.001);
	assert_true(fabs(absolute / count - 0.02) < 0.0008);
	assert_true(equal < count / 100);
	/* The order of parts is none of the shape. */
	const struct step_part ab[] = {{0, 30, 8, false}, {1, 1, 77, true}}, ba[] = {ab[1], ab[0]};
	assert_int_equal(step_ns(&one, ab, 2), step_ns(&one, ba, 2));
	assert_int_not_equal(step_ns(&one, ab, 2), step_ns(&plain, ab, 2));
	/* What sequences share is of it, even where it costs nothing. */
	c.terms[TERM_DISTINCT].count = 0;
	struct cost_model nothing = off(&c, 0.02, 5);
	const struct step_part shared[] = {{0, 30, 8, false}, {1, 1, 77, true}, {2, 1, 77, true}};
	const struct step once = {.parts = shared, .count = 3}, twice = {.parts = shared, .count = 3, .repeated_tokens = 50};
	assert_int_not_equal(cost_model_backend.step_ns(&nothing, &once), cost_model_backend.step_ns(&nothing, &twice));
}

/* 1 us a row, all of it load that is nothing yet: a step of 1 s is off by its factor, to the ns. */
static void a_step_by_hand(void **state)
{
	(void)state;
	const struct calibration c = {.terms = {[TERM_ROWS] = CALIBRATION_LINE(1000)}};
	const struct cost_model model = off(&c, 0.5, 11), plain = off(&c, 0, 11);
	const struct step_part part = {0, 1000000, 0, false}, none = {0, 1, 0, false};
	const int64_t first = step_ns(&model, &part, 1);
	assert_int_equal(step_ns(&plain, &part, 1), NS_PER_S);
	assert_true(first >= NS_PER_S / 10 && first <= 4 * NS_PER_S && first != NS_PER_S);
	/* A load is weighed against what is not off. */
	assert_int_equal(cost_model_backend.alone_ns((void *)(uintptr_t)&model, 1000000, 0), NS_PER_S);
	/* However short, time goes on. */
	const struct calibration nothing = {.name = NULL};
	for (uint64_t seed = 0; seed < 50; seed++) {
		const struct cost_model empty = off(&nothing, 1, seed);
		assert_true(step_ns(&empty, &none, 1) >= 1);
	}
}

/* The device's history ends where the step does, so that the next one can begin there. */
static void history_ends_with_the_step(void **state)
{
	(void)state;
	struct make_rng rng = {3};
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct cost_model model = off(&timed_curved_calibration, 0.3, seed);
		struct device_history history = {0};
		int64_t now_ns = 0;
		for (int s = 0; s < 50; s++) {
			struct step_part parts[2] = {{0, 1 + (uint32_t)make_random(&rng, 300), make_random(&rng, 300), false}, {1, 1, 40, true}};
			const struct step step = {.parts = parts, .count = 2, .start_ns = now_ns, .history = &history};
			now_ns += cost_model_backend.step_ns(&model, &step);
			assert_int_equal(history.until_ns, now_ns);
		}
		assert_true(history.levels[0] > 0);
	}
}

/* What stretches of decodes rest on, also right after a step that was off. */
static void decodes_are_not_off(void **state)
{
	(void)state;
	struct make_rng rng = {8};
	for (int round = 0; round < 300; round++) {
		struct cost_model model = cost_model_scaled(&timed_curved_calibration, 1.01), plain = model;
		model.error = step_error_of(0.1, (uint64_t)round);
		struct device_history history = {0};
		const struct step_part prompt = {0, 400, 0, false};
		int64_t now_ns = cost_model_backend.step_ns(&model, &(struct step){.parts = &prompt, .count = 1, .history = &history});
		struct step_part parts[5];
		const uint32_t count = 1 + (uint32_t)make_random(&rng, 5), steps = 1 + (uint32_t)make_random(&rng, 200);
		for (uint32_t i = 0; i < count; i++)
			parts[i] = (struct step_part){i, 1, make_random(&rng, 900), true};
		struct step step = {.parts = parts, .count = count, .start_ns = now_ns, .history = &history};
		const int64_t at_once = cost_model_backend.decode_ns(&model, &step, steps);
		assert_int_equal(at_once, cost_model_backend.decode_ns(&plain, &step, steps));
		for (uint32_t s = 0; s < steps; s++) {
			const int64_t took_ns = cost_model_backend.step_ns(&model, &step);
			step.start_ns += took_ns;
			for (uint32_t i = 0; i < count; i++)
				parts[i].context_tokens++;
		}
		assert_int_equal(at_once, step.start_ns - now_ns);
	}
}

/* Two prompts of 21 new tokens, the second of which waits, and one of 1: equal shapes are off by the same. */
static void a_run_by_hand(void **state)
{
	(void)state;
	struct request_outcome without[3] = {{0}}, none[3] = {{0}}, some[3] = {{0}};
	asks_outcomes(0, (struct step_error){0}, without);
	asks_outcomes(0, step_error_of(0, 99), none);
	asks_outcomes(0, step_error_of(0.1, 99), some);
	assert_memory_equal(without, none, sizeof(without));
	assert_int_equal(without[0].ttft_ns, 21 * NS_PER_MS);
	assert_int_not_equal(some[0].ttft_ns, 21 * NS_PER_MS);
	assert_int_equal(some[1].ttft_ns, 2 * some[0].ttft_ns);
	assert_int_not_equal(some[2].ttft_ns, NS_PER_MS);
	/* What was saved is told by what is not off. */
	assert_int_equal(some[2].saved_ns, without[2].saved_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(draws_are_as_a_normal_distribution),
	        cmocka_unit_test(factors_are_known),
	        cmocka_unit_test(steps_are_off_by_their_shape),
	        cmocka_unit_test(a_step_by_hand),
	        cmocka_unit_test(history_ends_with_the_step),
	        cmocka_unit_test(decodes_are_not_off),
	        cmocka_unit_test(a_run_by_hand),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
