/* test_fit_machines.c - made machines with power, with a shared prefix's keys in cache, and with a staircase of row tiles: a fit finds what
 * they are made of, predicts what it has not seen, and finds nothing where there is nothing. */
#include "test.h"

#include "cost_model.h"
#include "fit.h"
#include "fit_machine.h"
#include "scratch.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CELLS_MOST 320

static const struct calibration_power powers[] = {
        {.fast = {.slowdown = 0.12, .half_life_ns = 40000000, .from = 0.15, .full = 0.4}, .most = 0.5, .pairs_load = 0.4, .least_rows = 256},
        {.fast = {.slowdown = 0.2, .half_life_ns = 25000000, .from = 0.3, .full = 0.5}, .most = 0.8, .pairs_load = 0.9, .least_rows = 448,
         .light_slowdown = 0.05},
};

struct made {
	struct samples samples;
	struct sample cells[CELLS_MOST];
	gsl_rng *rng;
};

static struct sample step_of(uint32_t prompts, uint32_t new_tokens, uint64_t cached, uint32_t decodes, uint64_t context, uint64_t shared)
{
	return (struct sample){.kind = SAMPLE_STEP, .prompts = prompts, .new_tokens = prompts ? new_tokens : 0, .decodes = decodes,
	                       .cached_tokens = cached, .context_tokens = context, .shared_tokens = shared, .repeats = 5};
}

/* `s`, begun at `start_ns`. */
static int64_t time_at(struct cost_model *model, const struct sample *s, int64_t start_ns, struct device_history *history)
{
	struct step_part parts[CELLS_MOST];
	const uint32_t count = s->prompts + s->decodes;
	for (uint32_t i = 0; i < count; i++)
		parts[i] = i < s->prompts ? (struct step_part){i, s->new_tokens, s->cached_tokens, false}
		                          : (struct step_part){i, 1, s->context_tokens, true};
	return cost_model_backend.step_ns(model, &(struct step){parts, count, (count - 1) * s->shared_tokens, start_ns, history});
}

/* After its rounds, step by step. `work_ns`, where not NULL, hears how long a round's work was as it came. */
static int64_t time_of(const struct calibration *calibration, const struct sample *s, double *work_ns)
{
	struct cost_model model = cost_model_of(calibration);
	struct device_history history = {0};
	const struct sample work = step_of(1, s->work_tokens, s->work_cached, 0, 0, 0);
	int64_t now_ns = 0, worked_ns = 0;
	for (uint32_t round = 0; round < s->rounds; round++) {
		const int64_t start_ns = now_ns;
		int64_t took_ns = 0;
		do {
			took_ns = time_at(&model, &work, now_ns, &history);
			now_ns += took_ns;
		} while ((double)(now_ns - start_ns + took_ns / 2) < s->work_ns);
		worked_ns += now_ns - start_ns;
		now_ns += (int64_t)(s->rest_ns + s->idle_ns);
	}
	if (work_ns && s->rounds)
		*work_ns = (double)worked_ns / s->rounds;
	int64_t sum_ns = 0, times = 0;
	do {
		sum_ns += time_at(&model, s, now_ns + sum_ns, &history);
		times++;
	} while ((double)sum_ns < s->for_ns);
	return sum_ns / times;
}

static void open_made(struct made *made)
{
	*made = (struct made){.samples = {.name = (char *)"made", .model = (char *)"m", .device = (char *)"d", .driver = (char *)"",
	                                  .commit = (char *)"", .conditions = (char *)"", .samples = made->cells}};
	made->rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(made->rng, 11);
}

static void add(struct made *made, struct sample s)
{
	assert_true(made->samples.count < CELLS_MOST);
	made->cells[made->samples.count++] = s;
}

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
	struct sample s = step_of(1, new_tokens, 0, 0, 0, 0);
	set_rounds(&s, work_ms, rest_ms, rounds);
	add(made, s);
}

/* After work of its own kind; and 512 cold tokens after that. */
static void add_after_itself(struct made *made, uint32_t new_tokens, uint64_t cached)
{
	struct sample s = step_of(1, new_tokens, cached, 0, 0, 0);
	for (int i = 0; i < 2; i++) {
		set_rounds(&s, 150, 0, 1);
		s.work_tokens = new_tokens;
		s.work_cached = cached;
		add(made, s);
		s = step_of(1, 512, 0, 0, 0, 0);
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

static void add_grid(struct made *made)
{
	static const uint32_t news[] = {16, 64, 128, 192, 256, 384, 448, 512, 768, 1024, 2048, 4096, 8192}, decodes[] = {1, 3, 8, 11, 21, 64};
	static const uint64_t cached[] = {0, 512, 8192, 32768}, contexts[] = {100, 1024, 4000, 16384};
	for (size_t n = 0; n < COUNT_OF(news); n++) {
		for (size_t c = 0; c < COUNT_OF(cached); c++)
			add(made, step_of(c == 2 ? 2 : 1, news[n], cached[c], 0, 0, 0));
		add(made, step_of(1, news[n], 1000, 5 + (uint32_t)n, 2000, 0));
	}
	for (size_t d = 0; d < COUNT_OF(decodes); d++) {
		for (size_t c = 0; c < COUNT_OF(contexts); c++)
			add(made, step_of(0, 0, 0, decodes[d], contexts[c], 0));
	}
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
	struct sample s = step_of(1, new_tokens, 0, 0, 0, 0);
	set_rounds(&s, work_ms, rest_ms, rounds);
	s.work_tokens = new_tokens;
	s.for_ns = 400e6;
	add(made, s);
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

static struct fit fit_folds(struct made *made, const struct calibration *truth, double noise, uint32_t folds)
{
	struct fit fit;
	struct err err;
	for (size_t i = 0; i < made->samples.count; i++) {
		struct sample *s = &made->cells[i];
		s->median_ns = (double)time_of(truth, s, &s->work_ns) * (1 + gsl_ran_gaussian(made->rng, noise));
		s->least_ns = s->most_ns = s->median_ns;
	}
	gsl_rng_free(made->rng);
	if (fit_run(&fit, &made->samples, &(struct fit_options){.folds = folds, .bootstraps = 2, .seed = 1}, &err) < 0)
		fail_msg("%s", err.text);
	return fit;
}

static struct fit fit_made(struct made *made, const struct calibration *truth, double noise)
{
	return fit_folds(made, truth, noise, 2);
}

static double worst_of(const struct calibration *fitted, const struct calibration *truth, const struct sample *steps, size_t count)
{
	double worst = 0;
	for (size_t i = 0; i < count; i++)
		worst = fmax(worst, fabs((double)time_of(fitted, &steps[i], NULL) / (double)time_of(truth, &steps[i], NULL) - 1));
	return worst;
}

/* Histories that were not measured: each machine goes through them at its own pace. */
static double worst_elsewhere(const struct calibration *fitted, const struct calibration *truth)
{
	struct sample others[7];
	static const double histories[COUNT_OF(others)][3] = {{30, 12, 8}, {60, 7, 3}, {20, 20, 10}, {200, 15, 1}, {55, 0, 1}, {130, 30, 2}, {17, 3, 5}};
	static const uint32_t news[COUNT_OF(others)] = {1024, 768, 512, 1500, 3000, 600, 2500};
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		others[i] = step_of(1, news[i], 0, 0, 0, 0);
		set_rounds(&others[i], histories[i][0], histories[i][1], (uint32_t)histories[i][2]);
	}
	return worst_of(fitted, truth, others, COUNT_OF(others));
}

static double worst_after_seconds(const struct calibration *fitted, const struct calibration *truth)
{
	struct sample others[5];
	static const double histories[COUNT_OF(others)][3] = {{1000, 0, 1}, {2000, 0, 1}, {300, 60, 5}, {900, 250, 2}, {150, 100, 8}};
	static const uint32_t news[COUNT_OF(others)] = {4096, 1024, 3000, 8192, 2048};
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		others[i] = step_of(1, news[i], 0, 0, 0, 0);
		set_rounds(&others[i], histories[i][0], histories[i][1], (uint32_t)histories[i][2]);
	}
	return worst_of(fitted, truth, others, COUNT_OF(others));
}

static void power_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * COUNT_OF(powers); i++) {
		struct calibration truth = fit_machine;
		struct made made;
		truth.power = powers[i / 2];
		open_made(&made);
		add_grid(&made);
		add_power(&made);
		struct fit fit = fit_made(&made, &truth, i % 2 ? 0.01 : 0);
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
	open_made(&made);
	add_grid(&made);
	add_power(&made);
	struct fit fit = fit_made(&made, &truth, 0);
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
	open_made(&made);
	add_grid(&made);
	add_power(&made);
	struct fit fit = fit_made(&made, &truth, 0);
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
		open_made(&made);
		add_grid(&made);
		add_power(&made);
		add_seconds(&made);
		struct fit fit = fit_made(&made, &truth, i % 2 ? 0.005 : 0);
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
	open_made(&made);
	add_grid(&made);
	add_power(&made);
	struct fit fit = fit_made(&made, &truth, 0);
	for (size_t i = 0; i < fit.cell_count; i++) {
		const struct sample *s = fit.cells[i].sample;
		const double full_ns = (double)time_of(&fit_machine, s, NULL);
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
	struct fit fit = fit_made(made, truth, noise);
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
	open_made(&made);
	add_grid(&made);
	add_power(&made);
	assert_no_power(&made, &fit_machine, 0.01, 58);

	/* Nine pairs, one less than needed; and rounds before steps that were not measured after a rest, or that are no prompts, which do not
	 * show what hard work is. */
	truth.power = powers[0];
	open_made(&made);
	add_grid(&made);
	for (uint32_t i = 0; i < 9; i++)
		add_after_work(&made, i % 2 ? 512 : 2048, 40 + 10 * i, 0, 1);
	assert_no_power(&made, &truth, 0, 9);
	open_made(&made);
	add_grid(&made);
	for (uint32_t i = 0; i < 20; i++)
		add_after_work(&made, 520 + i, 150, 0, 1);
	for (uint32_t i = 0; i < 20; i++)
		add_decodes_after_work(&made, 8, i);
	assert_no_power(&made, &truth, 0, 20);
}

static struct calibration with_shared(uint32_t free_64ths)
{
	struct calibration truth = fit_machine;
	truth.distinct_free_64ths = free_64ths;
	truth.terms[TERM_CONTEXT] = (struct calibration_curve)CALIBRATION_LINE(25);
	truth.terms[TERM_DISTINCT] = (struct calibration_curve)CALIBRATION_LINE(0.4);
	return truth;
}

static void add_shared(struct made *made)
{
	static const uint32_t counts[] = {2, 4, 8, 16, 32, 64};
	static const uint64_t contexts[] = {2048, 8192, 16384};
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		for (size_t c = 0; c < COUNT_OF(contexts); c++) {
			add(made, step_of(0, 0, 0, counts[i], contexts[c], contexts[c] / 2));
			add(made, step_of(0, 0, 0, counts[i], contexts[c], contexts[c] / 16 * 15));
		}
	}
}

/* No sample has decodes of several lengths; what one token too few costs is a share of what a token costs that is there. */
static void uneven_contexts_cost_a_share(void **state)
{
	(void)state;
	const struct calibration truth = with_shared(24);
	struct made made;
	open_made(&made);
	add_grid(&made);
	add_shared(&made);
	struct fit fit = fit_made(&made, &truth, 0);
	/* 25 ns and 40 64ths of 0.4 ns each. */
	assert_true(fabs(calibration_curve_ns(&fit.calibration.terms[TERM_UNEVEN], 1000) / (0.42 * (25 + 40 * 0.4) * 1000) - 1) < 0.03);
	fit_free(&fit);
}

/* A free share that the list has, and one that it has not. */
static void what_distinct_context_costs_is_found(void **state)
{
	(void)state;
	const struct sample others[] = {step_of(0, 0, 0, 12, 6000, 0),    step_of(0, 0, 0, 12, 6000, 1500), step_of(0, 0, 0, 12, 6000, 4500),
	                                step_of(0, 0, 0, 48, 12000, 3000), step_of(0, 0, 0, 48, 12000, 9000), step_of(0, 0, 0, 6, 15000, 14900)};
	static const uint32_t frees[] = {24, 27};
	for (size_t i = 0; i < COUNT_OF(frees); i++) {
		const struct calibration truth = with_shared(frees[i]);
		struct made made;
		open_made(&made);
		add_grid(&made);
		add_shared(&made);
		struct fit fit = fit_made(&made, &truth, 0);
		assert_true(worst_of(&fit.calibration, &truth, others, COUNT_OF(others)) < 0.02);
		if (frees[i] == 24) {
			assert_int_equal(fit.calibration.distinct_free_64ths, 24);
			assert_true(fabs(calibration_curve_ns(&fit.calibration.terms[TERM_DISTINCT], 1e7) / 0.4e7 - 1) < 0.05);
		}
		/* Shared or not is no small thing here. */
		assert_true((double)time_of(&truth, &others[3], NULL) > 1.1 * (double)time_of(&truth, &others[4], NULL));
		fit_free(&fit);
	}
}

static void nothing_shared_has_no_distinct_term(void **state)
{
	(void)state;
	const struct calibration truth = with_shared(24);
	struct made made;
	struct err err;
	size_t size;
	open_made(&made);
	add_grid(&made);
	/* One sequence shares with nobody. */
	for (size_t i = 0; i < made.samples.count; i++)
		made.cells[i].shared_tokens = made.cells[i].prompts + made.cells[i].decodes == 1 ? 50 : 0;
	struct fit fit = fit_made(&made, &truth, 0);
	assert_int_equal(fit_write_json(&fit, &(struct fit_options){.folds = 2, .bootstraps = 2}, "n", "c.json", &err), 0);
	fit_free(&fit);
	char *text = (char *)scratch_read("c.json", &size);
	text[size - 1] = '\0';
	assert_null(strstr(text, "distinct"));
	free(text);
}

/* Products in tiles of 64 rows, some of which take much longer than the one before, others hardly. */
static struct calibration with_stairs(void)
{
	struct calibration truth = fit_machine;
	truth.weights_ns = 0;
	truth.sharpness = 1;
	truth.row_tile_tokens = 64;
	truth.terms[TERM_ROWS] = (struct calibration_curve)CALIBRATION_LINE(500);
	truth.terms[TERM_ROW_TILES] = (struct calibration_curve){9, {{64, 4.8e6}, {128, 5.2e6}, {256, 6.4e6}, {320, 8e6}, {512, 10.6e6},
	                                                                   {576, 13.4e6}, {640, 13.6e6}, {704, 16e6}, {8192, 185e6}}};
	return truth;
}

/* In the middle of tiles, at rows that were not measured. */
static void a_staircase_is_followed(void **state)
{
	(void)state;
	static const uint32_t others[] = {30, 90, 150, 200, 280, 350, 400, 470, 540, 600, 650, 730, 800, 950, 1100, 1250};
	const struct calibration truth = with_stairs();
	struct made made;
	open_made(&made);
	made.samples.row_tile_tokens = 64;
	add_grid(&made);
	for (uint32_t rows = 64; rows <= 8192; rows += rows < 1280 ? 64 : rows < 2560 ? 256 : 1024) {
		for (size_t c = 0; c < 3; c++) {
			add(&made, step_of(1, rows - (uint32_t[]){0, 20, 55}[c], 0, 0, 0, 0));
			add(&made, step_of(1, rows - (uint32_t[]){0, 20, 55}[c], 2048, 0, 0, 0));
		}
	}
	struct fit fit = fit_folds(&made, &truth, 0, 8);
	assert_int_equal(fit.chosen, FIT_CURVES);
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		const struct sample step = step_of(1, others[i], 0, 0, 0, 0);
		const double off = worst_of(&fit.calibration, &truth, &step, 1);
		if (!(off < 0.01))
			fail_msg("%u rows: off by %.2f %%", others[i], 100 * off);
	}
	fit_free(&fit);
}

/* One sequence decodes with a kernel of its own, two with a slower one, three and more with a third. */
static void one_to_three_decodes_are_told_apart(void **state)
{
	(void)state;
	struct calibration truth = with_stairs();
	truth.terms[TERM_DECODES] = (struct calibration_curve){4, {{1, 100000}, {2, 700000}, {3, 720000}, {1000, 3000000}}};
	struct made made;
	open_made(&made);
	made.samples.row_tile_tokens = 64;
	add_grid(&made);
	for (uint32_t rows = 64; rows <= 8192; rows += rows < 1280 ? 64 : rows < 2560 ? 256 : 1024)
		add(&made, step_of(1, rows, 0, 0, 0, 0));
	for (uint32_t decodes = 1; decodes <= 12; decodes++) {
		for (uint32_t context = 100; context <= 6400; context *= 8) {
			add(&made, step_of(0, 0, 0, decodes, context, 0));
			add(&made, step_of(0, 0, 0, 20 * decodes, context, 0));
		}
	}
	struct fit fit = fit_folds(&made, &truth, 0, 8);
	assert_int_equal(fit.chosen, FIT_CURVES);
	for (uint32_t decodes = 1; decodes <= 3; decodes++) {
		const struct sample step = step_of(0, 0, 0, decodes, 1500, 0);
		assert_true(worst_of(&fit.calibration, &truth, &step, 1) < 0.01);
	}
	fit_free(&fit);
}

/* Sizes on both sides of a round's end, where a line is up to a third off; the samples say what rounds there are. */
static void rounds_of_attention_are_followed(void **state)
{
	(void)state;
	const struct sample others[] = {step_of(1, 300, 16384, 0, 0, 0), step_of(1, 520, 20000, 0, 0, 0), step_of(1, 1000, 20000, 0, 0, 0),
	                                step_of(1, 1070, 20000, 0, 0, 0), step_of(2, 400, 12000, 3, 5000, 0)};
	struct calibration truth = fit_machine;
	struct made made;
	struct err err;
	truth.attention = (struct attention_rounds){32, 8, 132, 512, 256, 576, 80};
	open_made(&made);
	made.samples.attention = truth.attention;
	made.samples.attention.part_cost_tokens = made.samples.attention.join_cost_tokens = 0;
	add_grid(&made);
	for (uint32_t news = 160; news <= 1280; news += 64) {
		add(&made, step_of(1, news, 4096, 0, 0, 0));
		add(&made, step_of(1, news, 24000, 0, 0, 0));
	}
	struct fit fit = fit_folds(&made, &truth, 0, 8);
	assert_true(worst_of(&fit.calibration, &truth, others, COUNT_OF(others)) < 0.03);
	struct calibration unaware = truth;
	unaware.attention.blocks_at_once = 0;
	assert_true(worst_of(&unaware, &truth, others, COUNT_OF(others)) > 0.1);
	assert_int_equal(fit_write_json(&fit, &(struct fit_options){.folds = 2, .bootstraps = 2}, "n", "c.json", &err), 0);
	struct calibration *read = calibration_load("c.json", &err);
	assert_non_null(read);
	assert_memory_equal(&read->attention, &truth.attention, sizeof(truth.attention));
	calibration_free(read);
	fit_free(&fit);
}

/* More sizes, close together, than a curve may have points. */
static void stairs_are_no_more_than_a_curve_may_have(void **state)
{
	(void)state;
	struct made made;
	struct err err;
	open_made(&made);
	for (uint32_t rows = 16; rows <= 1000000; rows += rows < 256 ? 16 : (rows / 15 + 15) / 16 * 16)
		add(&made, step_of(rows > 8192 ? 64 : 1, rows > 8192 ? rows / 64 : rows, 0, 0, 0, 0));
	for (uint32_t i = 1; i < 8; i++)
		add(&made, step_of(0, 0, 0, i, 100 * i, 0));
	struct fit fit = fit_folds(&made, &fit_machine, 0, 8);
	for (int term = 0; term < TERM_COUNT; term++)
		assert_true(fit.calibration.terms[term].count <= CALIBRATION_POINTS_MOST);
	assert_int_equal(fit_write_json(&fit, &(struct fit_options){.folds = 2, .bootstraps = 2}, "n", "c.json", &err), 0);
	struct calibration *read = calibration_load("c.json", &err);
	assert_non_null(read);
	calibration_free(read);
	fit_free(&fit);
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
	        cmocka_unit_test(what_distinct_context_costs_is_found),
	        cmocka_unit_test(uneven_contexts_cost_a_share),
	        cmocka_unit_test(one_to_three_decodes_are_told_apart),
	        cmocka_unit_test(nothing_shared_has_no_distinct_term),
	        cmocka_unit_test(a_staircase_is_followed),
	        cmocka_unit_test(rounds_of_attention_are_followed),
	        cmocka_unit_test(stairs_are_no_more_than_a_curve_may_have),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
