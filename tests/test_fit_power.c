/* test_fit_power.c - made machines that work slows down: a fit finds by how much and for how long, predicts histories that it has not seen, and
 * finds nothing where there is nothing. */
#include "test.h"

#include "fit.h"
#include "fit_machine.h"
#include "made_samples.h"
#include "scratch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct calibration_power powers[] = {
        {.fast = {.slowdown = 0.12, .half_life_ns = 40000000, .from = 0.15, .full = 0.4}, .most = 0.5, .pairs_load = 0.4, .least_rows = 256},
        {.fast = {.slowdown = 0.2, .half_life_ns = 25000000, .from = 0.3, .full = 0.5}, .most = 0.8, .pairs_load = 0.9, .least_rows = 448,
         .light_slowdown = 0.05},
};

static void set_rounds(struct sample *s, double work_ms, double rest_ms, uint32_t rounds)
{
	s->work_tokens = SAMPLES_WORK_TOKENS;
	s->work_ns = work_ms * 1e6;
	s->rest_ns = rest_ms * 1e6 / 2;
	s->idle_ns = rest_ms * 1e6 / 2;
	s->rounds = rounds;
}

static void add_after_work(struct made *made, uint32_t new_tokens, double work_ms, double rest_ms, uint32_t rounds)
{
	struct sample s = made_step(1, new_tokens, 0, 0, 0, 0);
	set_rounds(&s, work_ms, rest_ms, rounds);
	made_add(made, s);
}

/* After work of its own kind; and 512 cold tokens after that. */
static void add_after_itself(struct made *made, uint32_t new_tokens, uint64_t cached)
{
	struct sample s = made_step(1, new_tokens, cached, 0, 0, 0);
	for (int i = 0; i < 2; i++) {
		set_rounds(&s, 150, 0, 1);
		s.work_tokens = new_tokens;
		s.work_cached = cached;
		made_add(made, s);
		s = made_step(1, 512, 0, 0, 0, 0);
	}
}

static void add_decodes_after_work(struct made *made, uint32_t decodes, double rest_ms)
{
	add_after_work(made, 0, 150, rest_ms, 1);
	struct sample *s = &made->cells[made->samples.count - 1];
	s->prompts = 0;
	s->decodes = decodes;
	s->context_tokens = 1024;
}

static void add_power(struct made *made)
{
	static const uint32_t prompts[] = {64, 128, 192, 256, 384, 448, 512, 768, 1024, 2048, 4096, 8192};
	static const double works_ms[] = {12, 24, 36, 48, 70, 100}, rests_ms[] = {5, 10, 20, 40, 80};
	for (size_t i = 0; i < COUNT_OF(prompts); i++)
		add_after_work(made, prompts[i], 150, 0, 1);
	for (uint32_t size = 512; size <= 2048; size *= 4) {
		for (size_t i = 0; i < COUNT_OF(works_ms); i++)
			add_after_work(made, size, works_ms[i], 0, 1);
		for (size_t i = 0; i < COUNT_OF(rests_ms); i++)
			add_after_work(made, size, 150, rests_ms[i], 1);
	}
	for (size_t i = 0; i < 4; i++)
		add_after_work(made, 2048, 45, rests_ms[i], 6);
	add_after_itself(made, 256, 512);
	add_after_itself(made, 512, 32768);
	add_after_itself(made, 2048, 32768);
	add_after_itself(made, 448, 0);
	for (uint32_t i = 0; i < 12; i++)
		add_decodes_after_work(made, 1 + i % 3 * 10, i < 3 ? 0 : rests_ms[i / 3 - 1]);
}

/* Steps for 0.4 s after seconds of work like them. */
static void add_after_seconds(struct made *made, uint32_t new_tokens, double work_ms, double rest_ms, uint32_t rounds)
{
	struct sample s = made_step(1, new_tokens, 0, 0, 0, 0);
	set_rounds(&s, work_ms, rest_ms, rounds);
	s.work_tokens = new_tokens;
	s.for_ns = 400e6;
	made_add(made, s);
}

static void add_seconds(struct made *made)
{
	static const double works_ms[] = {400, 800, 1200, 1600}, rests_ms[] = {50, 150, 400};
	for (uint32_t size = 2048; size <= 8192; size *= 4) {
		for (size_t i = 0; i < COUNT_OF(works_ms); i++)
			add_after_seconds(made, size, works_ms[i], 0, 1);
		for (size_t i = 0; i < COUNT_OF(rests_ms); i++)
			add_after_seconds(made, size, 800, rests_ms[i], 2);
	}
}

/* Histories that were not measured: each machine goes through them at its own pace. */
static double worst_elsewhere(const struct calibration *fitted, const struct calibration *truth)
{
	struct sample others[7];
	static const double histories[COUNT_OF(others)][3] = {{30, 12, 8}, {60, 7, 3}, {20, 20, 10}, {200, 15, 1}, {55, 0, 1}, {130, 30, 2}, {17, 3, 5}};
	static const uint32_t news[COUNT_OF(others)] = {1024, 768, 512, 1500, 3000, 600, 2500};
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		others[i] = made_step(1, news[i], 0, 0, 0, 0);
		set_rounds(&others[i], histories[i][0], histories[i][1], (uint32_t)histories[i][2]);
	}
	return made_worst(fitted, truth, others, COUNT_OF(others));
}

static double worst_after_seconds(const struct calibration *fitted, const struct calibration *truth)
{
	struct sample others[5];
	static const double histories[COUNT_OF(others)][3] = {{1000, 0, 1}, {2000, 0, 1}, {300, 60, 5}, {900, 250, 2}, {150, 100, 8}};
	static const uint32_t news[COUNT_OF(others)] = {4096, 1024, 3000, 8192, 2048};
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		others[i] = made_step(1, news[i], 0, 0, 0, 0);
		set_rounds(&others[i], histories[i][0], histories[i][1], (uint32_t)histories[i][2]);
	}
	return made_worst(fitted, truth, others, COUNT_OF(others));
}

static void power_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * COUNT_OF(powers); i++) {
		struct calibration truth = fit_machine;
		struct made made;
		truth.power = powers[i / 2];
		made_open(&made);
		made_add_grid(&made);
		add_power(&made);
		struct fit fit = made_fit(&made, &truth, i % 2 ? 0.01 : 0);
		assert_int_equal(fit.power.count, 58);
		/* Of a slowdown that begins earlier and is larger in the end, noise cannot tell one that begins later. */
		assert_true(fabs(fit.calibration.power.fast.slowdown / truth.power.fast.slowdown - 1) < (i % 2 ? 0.15 : 0.01));
		assert_true(worst_elsewhere(&fit.calibration, &truth) < 0.02);
		assert_true(fabs(fit.calibration.power.light_slowdown - truth.power.light_slowdown) < (i % 2 ? 0.015 : 0.002));
		assert_true(fit.power.mean < 0.5 * fit.power.mean_without);
		/* What nobody slows down shows where hard work begins. */
		if (i % 2 == 0)
			assert_int_equal(fit.calibration.power.least_rows, truth.power.least_rows);
		fit_free(&fit);
	}
}

/* What decodes can have of a slower clock is what prompts have of it. */
static void decodes_are_slowed_down_no_more_than_prompts(void **state)
{
	(void)state;
	struct calibration truth = fit_machine;
	truth.power = powers[0];
	truth.power.light_slowdown = 1.5 * truth.power.fast.slowdown;
	struct made made;
	made_open(&made);
	made_add_grid(&made);
	add_power(&made);
	struct fit fit = made_fit(&made, &truth, 0);
	assert_true(fit.calibration.power.fast.slowdown > 0 && fit.calibration.power.light_slowdown <= fit.calibration.power.fast.slowdown);
	fit_free(&fit);
}

/* A threshold at once, from the first load on: what the fit writes of it can be read. */
static void a_sharp_threshold_is_written_and_read(void **state)
{
	(void)state;
	struct calibration truth = fit_machine;
	struct made made;
	struct err err;
	truth.power = powers[0];
	truth.power.fast.from = 0;
	truth.power.fast.full = 1e-6;
	made_open(&made);
	made_add_grid(&made);
	add_power(&made);
	struct fit fit = made_fit(&made, &truth, 0);
	assert_int_equal(fit_write_json(&fit, &(struct fit_options){.folds = 2, .bootstraps = 2}, "n", "c.json", &err), 0);
	struct calibration *read = calibration_load("c.json", &err);
	if (!read)
		fail_msg("%s", err.text);
	calibration_free(read);
	fit_free(&fit);
}

/* Both budgets; and where there is one, no other. */
static void a_second_budget_is_found(void **state)
{
	(void)state;
	static const struct calibration_budget slows[] = {{.slowdown = 0.05, .half_life_ns = 250000000, .from = 0.35, .full = 0.45}, {.slowdown = 0}};
	for (size_t i = 0; i < 2 * COUNT_OF(slows); i++) {
		struct calibration truth = fit_machine;
		struct made made;
		truth.power = powers[0];
		truth.power.slow = slows[i / 2];
		made_open(&made);
		made_add_grid(&made);
		add_power(&made);
		add_seconds(&made);
		struct fit fit = made_fit(&made, &truth, i % 2 ? 0.005 : 0);
		const struct calibration_budget *slow = &fit.calibration.power.slow;
		struct err err;
		assert_int_equal(fit_write_json(&fit, &(struct fit_options){.folds = 2, .bootstraps = 2}, "n", "c.json", &err), 0);
		struct calibration *read = calibration_load("c.json", &err);
		assert_non_null(read);
		assert_true(fabs(read->power.slow.slowdown - slow->slowdown) < 1e-6 && fabs(read->power.slow.full - slow->full) < 1e-6);
		assert_true(read->power.slow.half_life_ns == slow->half_life_ns && fabs(read->power.fast.from - fit.calibration.power.fast.from) < 1e-6);
		calibration_free(read);
		assert_true(worst_after_seconds(&fit.calibration, &truth) < 0.01);
		if (i >= COUNT_OF(slows))
			assert_true(slow->slowdown == 0);
		fit_free(&fit);
	}
}

/* A large prompt slows down by itself: that is power's, and no term's. */
static void large_prompts_are_fitted_at_full_clock(void **state)
{
	(void)state;
	struct calibration truth = fit_machine;
	struct made made;
	double most_longer = 0;
	truth.power = powers[0];
	made_open(&made);
	made_add_grid(&made);
	add_power(&made);
	struct fit fit = made_fit(&made, &truth, 0);
	for (size_t i = 0; i < fit.cell_count; i++) {
		const struct sample *s = fit.cells[i].sample;
		const double full_ns = (double)made_time_ns(&fit_machine, s, NULL);
		assert_true(fabs(fit.full_clock[i].median_ns / full_ns - 1) < 0.005);
		assert_true(fabs((double)fit.cells[i].fitted_ns / s->median_ns - 1) < 0.02);
		most_longer = fmax(most_longer, s->median_ns / full_ns - 1);
	}
	assert_true(most_longer > 0.1);
	assert_true(fabs(calibration_curve_ns(&fit.calibration.terms[TERM_PAIRS], 1e8) / 0.9e8 - 1) < 0.03);
	fit_free(&fit);
}

static void assert_no_power(struct made *made, const struct calibration *truth, double noise, size_t pairs)
{
	struct fit fit = made_fit(made, truth, noise);
	struct err err;
	assert_int_equal(fit.power.count, pairs);
	assert_true(fit.calibration.power.fast.slowdown == 0);
	assert_true(fit.power.mean == fit.power.mean_without);
	for (size_t i = 0; i < fit.cell_count; i++)
		assert_true(fit.full_clock[i].median_ns == fit.cells[i].sample->median_ns);
	assert_int_equal(fit_write_json(&fit, &(struct fit_options){.folds = 2, .bootstraps = 2}, "n", "c.json", &err), 0);
	struct calibration *read = calibration_load("c.json", &err);
	assert_non_null(read);
	assert_true(read->power.fast.slowdown == 0);
	calibration_free(read);
	fit_free(&fit);
}

static void no_power_is_found_where_there_is_none(void **state)
{
	(void)state;
	struct calibration truth = fit_machine;
	struct made made;
	made_open(&made);
	made_add_grid(&made);
	add_power(&made);
	assert_no_power(&made, &fit_machine, 0.01, 58);

	/* Nine pairs, one less than needed; and rounds before steps that were not measured after a rest, or that are no prompts, which do not
	 * show what hard work is. */
	truth.power = powers[0];
	made_open(&made);
	made_add_grid(&made);
	for (uint32_t i = 0; i < 9; i++)
		add_after_work(&made, i % 2 ? 512 : 2048, 40 + 10 * i, 0, 1);
	assert_no_power(&made, &truth, 0, 9);
	made_open(&made);
	made_add_grid(&made);
	for (uint32_t i = 0; i < 20; i++)
		add_after_work(&made, 520 + i, 150, 0, 1);
	for (uint32_t i = 0; i < 20; i++)
		add_decodes_after_work(&made, 8, i);
	assert_no_power(&made, &truth, 0, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(power_is_found),
	        cmocka_unit_test(a_second_budget_is_found),
	        cmocka_unit_test(decodes_are_slowed_down_no_more_than_prompts),
	        cmocka_unit_test(a_sharp_threshold_is_written_and_read),
	        cmocka_unit_test(large_prompts_are_fitted_at_full_clock),
	        cmocka_unit_test(no_power_is_found_where_there_is_none),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
