/* test_cost_model.c - what a step costs: by hand, against a plain float formula, never falling, stretches as single steps;
 * and how calibration files are read and refused. */
#include "test.h"

#include "cost_model.h"
#include "make_trace.h"
#include "scratch.h"
#include "timed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t step_ns(const struct calibration *calibration, const struct step_part *parts, uint32_t count)
{
	struct cost_model model = cost_model_of(calibration);
	return cost_model_backend.step_ns(&model, &(struct step){parts, count});
}

static void first_form_by_hand(void **state)
{
	(void)state;
	const struct calibration c = {
	        .only_prompts_have_rows = true,
	        .prompt_step_ns = 100,
	        .decode_step_ns = 40,
	        .terms = {[TERM_ROWS] = CALIBRATION_LINE(10), [TERM_PAIRS] = CALIBRATION_LINE(0.5), [TERM_CONTEXT] = CALIBRATION_LINE(3)},
	};
	const struct step_part prompt = {0, 4, 6, false}, decode = {1, 1, 7, true};
	assert_int_equal(step_ns(&c, &prompt, 1), 100 + 40 + (24 + 10) / 2);
	assert_int_equal(step_ns(&c, &decode, 1), 40 + 21);
	assert_int_equal(step_ns(&c, (struct step_part[]){prompt, decode}, 2), 100 + 40 + 17 + 21);
}

static void second_form_by_hand(void **state)
{
	(void)state;
	const struct calibration c = {
	        .prompt_step_ns = 7,
	        .decode_step_ns = 5,
	        .weights_ns = 3000,
	        .sharpness = 2,
	        .row_tile_tokens = 8,
	        .attention_tile_tokens = 4,
	        .terms = {[TERM_ROWS] = CALIBRATION_LINE(100), [TERM_ROW_TILES] = CALIBRATION_LINE(200), [TERM_SEQUENCES] = CALIBRATION_LINE(11),
	                  [TERM_PAIRS] = {2, {{10, 100}, {20, 400}}}, [TERM_KEYS] = CALIBRATION_LINE(2), [TERM_DECODES] = CALIBRATION_LINE(13),
	                  [TERM_CONTEXT] = {2, {{10, 50}, {30, 50}}}},
	};
	/* 16 rows in two tiles: 1600 + 3200; two sequences; 16 x 3 + 136 pairs; 3 keys. */
	const struct step_part whole = {0, 16, 3, false}, other = {1, 8, 0, false};
	assert_int_equal(step_ns(&c, &whole, 1), 7 + (int64_t)(sqrt(3000. * 3000 + 4800. * 4800)) + 11 + 400 + (184 - 20) * 30 + 6);
	/* 13 rows, two tiles; 8 x 3 + 15 + 36 pairs. */
	const struct step_part odd = {0, 5, 3, false};
	assert_int_equal(step_ns(&c, (struct step_part[]){odd, other}, 2),
	                 7 + (int64_t)(sqrt(3000. * 3000 + 4500. * 4500)) + 22 + 400 + (24 + 15 + 36 - 20) * 30 + 6);
	/* 2 decodes: a tile, their context beyond the curve's flat piece. */
	const struct step_part decodes[] = {{0, 1, 20, true}, {1, 1, 35, true}};
	assert_int_equal(step_ns(&c, decodes, 2), 5 + (int64_t)(sqrt(3000. * 3000 + 1800. * 1800)) + 22 + 26 + 50);
}

static double term_ns(const struct calibration *c, const struct cost_sizes *sizes, int term)
{
	return calibration_curve_ns(&c->terms[term], (double)sizes->x[term]);
}

static void as_the_formula_in_floats(void **state)
{
	(void)state;
	const struct calibration *c = &timed_curved_calibration;
	struct cost_model model = cost_model_of(c);
	struct make_rng rng = {5};
	for (int round = 0; round < 2000; round++) {
		struct step_part parts[6];
		const uint32_t count = 1 + (uint32_t)make_random(&rng, 6);
		for (uint32_t i = 0; i < count; i++) {
			parts[i] = (struct step_part){i, 1 + (uint32_t)make_random(&rng, 90), make_random(&rng, 900), make_chance(&rng, 50)};
			if (parts[i].decode)
				parts[i].new_tokens = 1;
		}
		const struct step step = {parts, count};
		const struct cost_sizes sizes = cost_model_sizes(&model, &step);
		const double arithmetic = term_ns(c, &sizes, TERM_ROWS) + term_ns(c, &sizes, TERM_ROW_TILES);
		double ns = (sizes.has_prompt ? c->prompt_step_ns : c->decode_step_ns) +
		            pow(pow(c->weights_ns, c->sharpness) + pow(arithmetic, c->sharpness), 1.0 / c->sharpness);
		for (int term = TERM_SEQUENCES; term < TERM_COUNT; term++)
			ns += term_ns(c, &sizes, term);
		assert_true(fabs((double)cost_model_backend.step_ns(&model, &step) - ns) <= 2);
	}
}

static void more_never_costs_less(void **state)
{
	(void)state;
	struct cost_model model = cost_model_of(&timed_curved_calibration);
	for (uint64_t context = 0; context < 400; context += 57) {
		for (uint64_t tokens = 1; tokens < 400; tokens++) {
			const int64_t ns = cost_model_prompt_ns(&model, tokens, context);
			assert_true(cost_model_prompt_ns(&model, tokens + 1, context) >= ns);
			assert_true(cost_model_prompt_ns(&model, tokens, context + 1) >= ns);
		}
	}
}

static void stretches_are_single_steps_added_up(void **state)
{
	(void)state;
	static const struct calibration *const calibrations[] = {&timed_calibration, &timed_curved_calibration};
	/* Under 1 ns at first, so that steps are rounded up. */
	const struct calibration tiny = {.terms = {[TERM_CONTEXT] = {2, {{30, 0.5}, {90, 7.25}}}}};
	struct make_rng rng = {11};
	for (int round = 0; round < 600; round++) {
		struct cost_model model = cost_model_of(round % 3 == 2 ? &tiny : calibrations[round % 3]);
		struct step_part parts[7];
		const uint32_t count = 1 + (uint32_t)make_random(&rng, 7), steps = 1 + (uint32_t)make_random(&rng, 300);
		for (uint32_t i = 0; i < count; i++)
			parts[i] = (struct step_part){i, 1, make_random(&rng, 40), true};
		const struct step step = {parts, count};
		const int64_t at_once = cost_model_backend.decode_ns(&model, &step, steps);
		int64_t one_by_one = 0;
		for (uint32_t s = 0; s < steps; s++) {
			one_by_one += cost_model_backend.step_ns(&model, &step);
			for (uint32_t i = 0; i < count; i++)
				parts[i].context_tokens++;
		}
		assert_int_equal(at_once, one_by_one);
	}
}

static struct calibration *load(const char *text, struct err *err)
{
	scratch_write("c.json", text, strlen(text));
	return calibration_load("c.json", err);
}

#define TEXTS "\"name\": \"n\", \"device\": \"d\", \"model\": \"m\", \"provenance\": \"p\", \"estimate\": false"
#define STEP(more) "{\"kvcast_calibration\": 2, " TEXTS ", \"step\": {\"prompt_step_ns\": 1, \"decode_step_ns\": 2" more "}}"

static void second_form_is_read(void **state)
{
	(void)state;
	struct err err;
	struct calibration *c = load("{\"kvcast_calibration\": 2, " TEXTS ", \"step\": {\"prompt_step_ns\": 1.5, \"decode_step_ns\": 2, "
	                             "\"weights_ns\": 3, \"sharpness\": 8, \"row_tile_tokens\": 64, \"attention_tile_tokens\": 32, "
	                             "\"rows_ns\": 4, \"context_ns\": [[1, 0], [3e0, 7]]}, \"transfers\": [{\"tier\": \"host\", "
	                             "\"read_bytes_per_s\": 5e10, \"write_bytes_per_s\": 4e10, \"latency_ns\": 9000}], \"fit\": {}}", &err);
	assert_non_null(c);
	assert_false(c->only_prompts_have_rows);
	assert_true(c->prompt_step_ns == 1.5 && c->weights_ns == 3 && c->sharpness == 8);
	assert_true(c->row_tile_tokens == 64 && c->attention_tile_tokens == 32);
	assert_true(calibration_curve_ns(&c->terms[TERM_ROWS], 10) == 40);
	assert_true(calibration_curve_ns(&c->terms[TERM_PAIRS], 10) == 0);
	assert_true(fabs(calibration_curve_ns(&c->terms[TERM_CONTEXT], 4) - 10.5) < 1e-12);
	assert_null(calibration_transfer(c, "disk"));
	assert_int_equal(calibration_transfer(c, "host")->latency_ns, 9000);
	calibration_free(c);
}

static void refuses(const char *text, const char *sentence)
{
	struct err err;
	assert_null(load(text, &err));
	assert_string_equal(err.text, sentence);
}

static void bad_files_get_one_sentence(void **state)
{
	(void)state;
	refuses("{\"kvcast_calibration\": 3, " TEXTS "}",
	        "c.json: field \"kvcast_calibration\" is neither 1 nor 2: this is no calibration of a version known here.");
	refuses(STEP(", \"sharpness\": 3"), "c.json: field \"sharpness\" of \"step\": expected a power of two.");
	refuses(STEP(", \"sharpness\": 0"), "c.json: field \"sharpness\" of \"step\": expected a whole number from 1 to 64.");
	refuses(STEP(", \"keys_ns\": -1"),
	        "c.json: field \"keys_ns\" of \"step\": expected a number of nanoseconds from 0 to 1e12, or a list of points.");
	refuses(STEP(", \"keys_ns\": [[5, 2], [6, 1]]"), "c.json: field \"keys_ns\" of \"step\", point 2: expected [x, ns], x a larger "
	                                                  "whole number and ns no less than at the point before.");
	refuses(STEP(", \"keys_ns\": [[1.5, 2]]"), "c.json: field \"keys_ns\" of \"step\", point 1: expected [x, ns], x a larger "
	                                          "whole number and ns no less than at the point before.");
	refuses("{\"kvcast_calibration\": 2, " TEXTS ", \"step\": {\"prompt_step_ns\": 1}}",
	        "c.json: field \"decode_step_ns\" of \"step\" is missing or no number of nanoseconds from 0 to 1e12.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(first_form_by_hand),
	        cmocka_unit_test(second_form_by_hand),
	        cmocka_unit_test(as_the_formula_in_floats),
	        cmocka_unit_test(more_never_costs_less),
	        cmocka_unit_test(stretches_are_single_steps_added_up),
	        cmocka_unit_test(second_form_is_read),
	        cmocka_unit_test(bad_files_get_one_sentence),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
