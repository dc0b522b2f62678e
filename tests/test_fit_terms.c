/* test_fit_terms.c - made machines with a shared prefix's keys in cache, with a staircase of row tiles, with rounds of attention, and with kernels
 * of their own for few decodes and for decodes beside prompts: a fit finds what they are made of and predicts what it has not seen. */
#include "test.h"

#include "fit.h"
#include "fit_machine.h"
#include "made_samples.h"
#include "scratch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
			made_add(made, made_step(0, 0, 0, counts[i], contexts[c], contexts[c] / 2));
			made_add(made, made_step(0, 0, 0, counts[i], contexts[c], contexts[c] / 16 * 15));
		}
	}
}

/* No sample has decodes of several lengths; what one token too few costs is a share of what a token costs that is there. */
static void uneven_contexts_cost_a_share(void **state)
{
	(void)state;
	const struct calibration truth = with_shared(24);
	struct made made;
	made_open(&made);
	made_add_grid(&made);
	add_shared(&made);
	struct fit fit = made_fit(&made, &truth, 0);
	/* 25 ns and 40 64ths of 0.4 ns each. */
	assert_true(fabs(calibration_curve_ns(&fit.calibration.terms[TERM_UNEVEN], 1000) / (0.42 * (25 + 40 * 0.4) * 1000) - 1) < 0.03);
	fit_free(&fit);
}

/* A free share that the list has, and one that it has not. */
static void what_distinct_context_costs_is_found(void **state)
{
	(void)state;
	const struct sample others[] = {made_step(0, 0, 0, 12, 6000, 0),    made_step(0, 0, 0, 12, 6000, 1500), made_step(0, 0, 0, 12, 6000, 4500),
	                                made_step(0, 0, 0, 48, 12000, 3000), made_step(0, 0, 0, 48, 12000, 9000), made_step(0, 0, 0, 6, 15000, 14900)};
	static const uint32_t frees[] = {24, 27};
	for (size_t i = 0; i < COUNT_OF(frees); i++) {
		const struct calibration truth = with_shared(frees[i]);
		struct made made;
		made_open(&made);
		made_add_grid(&made);
		add_shared(&made);
		struct fit fit = made_fit(&made, &truth, 0);
		assert_true(made_worst(&fit.calibration, &truth, others, COUNT_OF(others)) < 0.02);
		if (frees[i] == 24) {
			assert_int_equal(fit.calibration.distinct_free_64ths, 24);
			assert_true(fabs(calibration_curve_ns(&fit.calibration.terms[TERM_DISTINCT], 1e7) / 0.4e7 - 1) < 0.05);
		}
		/* Shared or not is no small thing here. */
		assert_true((double)made_time_ns(&truth, &others[3], NULL) > 1.1 * (double)made_time_ns(&truth, &others[4], NULL));
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
	made_open(&made);
	made_add_grid(&made);
	/* One sequence shares with nobody. */
	for (size_t i = 0; i < made.samples.count; i++)
		made.cells[i].shared_tokens = made.cells[i].prompts + made.cells[i].decodes == 1 ? 50 : 0;
	struct fit fit = made_fit(&made, &truth, 0);
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

/* The grid, and a prompt at the end of each stair. */
static void open_stairs(struct made *made)
{
	made_open(made);
	made->samples.row_tile_tokens = 64;
	made_add_grid(made);
	for (uint32_t rows = 64; rows <= 8192; rows += rows < 1280 ? 64 : rows < 2560 ? 256 : 1024)
		made_add(made, made_step(1, rows, 0, 0, 0, 0));
}

/* In the middle of tiles, at rows that were not measured. */
static void a_staircase_is_followed(void **state)
{
	(void)state;
	static const uint32_t others[] = {30, 90, 150, 200, 280, 350, 400, 470, 540, 600, 650, 730, 800, 950, 1100, 1250};
	const struct calibration truth = with_stairs();
	struct made made;
	made_open(&made);
	made.samples.row_tile_tokens = 64;
	made_add_grid(&made);
	for (uint32_t rows = 64; rows <= 8192; rows += rows < 1280 ? 64 : rows < 2560 ? 256 : 1024) {
		for (size_t c = 0; c < 3; c++) {
			made_add(&made, made_step(1, rows - (uint32_t[]){0, 20, 55}[c], 0, 0, 0, 0));
			made_add(&made, made_step(1, rows - (uint32_t[]){0, 20, 55}[c], 2048, 0, 0, 0));
		}
	}
	struct fit fit = made_fit_folds(&made, &truth, 0, 8);
	assert_int_equal(fit.chosen, FIT_CURVES);
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		const struct sample step = made_step(1, others[i], 0, 0, 0, 0);
		const double off = made_worst(&fit.calibration, &truth, &step, 1);
		if (!(off < 0.01))
			fail_msg("%u rows: off by %.2f %%", others[i], 100 * off);
	}
	fit_free(&fit);
}

/* Products of up to 8, 16 and 32 rows take less than a tile; so small tiles are found, and kept in the file. */
static void few_rows_are_told_apart(void **state)
{
	(void)state;
	struct calibration truth = with_stairs();
	struct calibration_curve *stairs = &truth.terms[TERM_ROW_TILES];
	for (uint32_t i = stairs->count; i-- > 0;)
		stairs->points[i + 3] = stairs->points[i];
	stairs->points[0].x = 8;
	stairs->points[0].ns = 4.2e6;
	stairs->points[1].x = 16;
	stairs->points[1].ns = 4.5e6;
	stairs->points[2].x = 32;
	stairs->points[2].ns = 4.75e6;
	stairs->count += 3;
	truth.small_row_tile_tokens = 8;
	struct made made;
	struct err err;
	open_stairs(&made);
	for (uint32_t rows = 4; rows <= 60; rows += 4) {
		made_add(&made, made_step(1, rows, 0, 0, 0, 0));
		made_add(&made, made_step(1, rows, 2048, 0, 0, 0));
	}
	struct fit fit = made_fit_folds(&made, &truth, 0, 8);
	assert_int_equal(fit.chosen, FIT_CURVES);
	for (uint32_t rows = 1; rows <= 64; rows += 3) {
		const struct sample step = made_step(1, rows, 1000, 0, 0, 0);
		assert_true(made_worst(&fit.calibration, &truth, &step, 1) < 0.01);
	}
	assert_int_equal(fit_write_json(&fit, &(struct fit_options){.folds = 2, .bootstraps = 2}, "n", "c.json", &err), 0);
	struct calibration *read = calibration_load("c.json", &err);
	assert_non_null(read);
	assert_int_equal(read->small_row_tile_tokens, 8);
	calibration_free(read);
	fit_free(&fit);
}

/* One sequence decodes with a kernel of its own, two with a slower one, three and more with a third. */
static void one_to_three_decodes_are_told_apart(void **state)
{
	(void)state;
	struct calibration truth = with_stairs();
	truth.terms[TERM_DECODES] = (struct calibration_curve){4, {{1, 100000}, {2, 700000}, {3, 720000}, {1000, 3000000}}};
	struct made made;
	open_stairs(&made);
	for (uint32_t decodes = 1; decodes <= 12; decodes++) {
		for (uint32_t context = 100; context <= 6400; context *= 8) {
			made_add(&made, made_step(0, 0, 0, decodes, context, 0));
			made_add(&made, made_step(0, 0, 0, 20 * decodes, context, 0));
		}
	}
	struct fit fit = made_fit_folds(&made, &truth, 0, 8);
	assert_int_equal(fit.chosen, FIT_CURVES);
	for (uint32_t decodes = 1; decodes <= 3; decodes++) {
		const struct sample step = made_step(0, 0, 0, decodes, 1500, 0);
		assert_true(made_worst(&fit.calibration, &truth, &step, 1) < 0.01);
	}
	fit_free(&fit);
}

/* Beside a prompt a decode costs a quarter of what it costs alone; which few samples cannot tell. */
static void decodes_beside_prompts_are_told_apart(void **state)
{
	(void)state;
	const struct sample others[] = {made_step(1, 700, 1000, 24, 2000, 0), made_step(1, 100, 0, 30, 1000, 0), made_step(2, 300, 4000, 6, 6000, 0)};
	struct calibration truth = fit_machine;
	truth.terms[TERM_DECODES] = (struct calibration_curve)CALIBRATION_LINE(60000);
	truth.terms[TERM_BESIDE] = (struct calibration_curve)CALIBRATION_LINE(15000);
	for (uint32_t many = 0; many < 2; many++) {
		struct made made;
		made_open(&made);
		made_add_grid(&made);
		for (uint32_t i = 0; i < (many ? 40 : 4); i++)
			made_add(&made, made_step(1, 64 + 90 * i, 500 * (i % 5), 3 + 7 * i % 31, 1000 + 300 * (i % 7), 0));
		struct fit fit = made_fit(&made, &truth, 0);
		assert_int_equal(fit.calibration.terms[TERM_BESIDE].count > 0, many);
		const double worst = made_worst(&fit.calibration, &truth, others, COUNT_OF(others));
		assert_true(many ? worst < 0.02 : worst > 0.05);
		fit_free(&fit);
	}
}

/* The first decode beside a prompt brings kernels of its own, the others hardly cost anything. */
static void the_first_decode_beside_prompts_is_told_apart(void **state)
{
	(void)state;
	struct calibration truth = with_stairs();
	truth.terms[TERM_DECODES] = (struct calibration_curve)CALIBRATION_LINE(60000);
	truth.terms[TERM_BESIDE] = (struct calibration_curve){2, {{1, 400000}, {101, 700000}}};
	struct made made;
	open_stairs(&made);
	for (uint32_t i = 0; i < 40; i++)
		made_add(&made, made_step(1, 64 + 40 * i, 500 * (i % 5), 1 + 7 * (i % 6), 1000 + 300 * (i % 7), 0));
	struct fit fit = made_fit_folds(&made, &truth, 0, 8);
	assert_int_equal(fit.chosen, FIT_CURVES);
	for (uint32_t decodes = 0; decodes <= 3; decodes++) {
		const struct sample step = made_step(1, 100, 1000, decodes, 1500, 0);
		assert_true(made_worst(&fit.calibration, &truth, &step, 1) < 0.01);
	}
	fit_free(&fit);
}

/* A price of 0 is one, and is written: without it a reader would take that of decodes alone. */
static void decodes_beside_prompts_may_cost_nothing(void **state)
{
	(void)state;
	struct calibration truth = fit_machine;
	truth.terms[TERM_SEQUENCES].count = 0;
	truth.terms[TERM_DECODES] = (struct calibration_curve)CALIBRATION_LINE(60000);
	truth.terms[TERM_BESIDE] = (struct calibration_curve)CALIBRATION_LINE(0);
	struct made made;
	struct err err;
	made_open(&made);
	made_add_grid(&made);
	for (uint32_t i = 0; i < 40; i++)
		made_add(&made, made_step(1, 64 + 90 * i, 500 * (i % 5), 3 + 7 * i % 31, 1000 + 300 * (i % 7), 0));
	struct fit fit = made_fit(&made, &truth, 0);
	fit.calibration.terms[TERM_BESIDE] = truth.terms[TERM_BESIDE]; /* to the last ns */
	assert_int_equal(fit_write_json(&fit, &(struct fit_options){.folds = 2, .bootstraps = 2}, "n", "c.json", &err), 0);
	struct calibration *read = calibration_load("c.json", &err);
	assert_non_null(read);
	assert_true(read->terms[TERM_BESIDE].count == 1 && read->terms[TERM_BESIDE].points[0].ns == 0);
	calibration_free(read);
	fit_free(&fit);
}

/* Of 26 steps with both, folds and resamples have fewer than are asked for: what is told apart is told apart in all of them. */
static void what_is_told_apart_is_so_in_every_fold(void **state)
{
	(void)state;
	struct calibration truth = with_stairs();
	truth.terms[TERM_DECODES] = (struct calibration_curve)CALIBRATION_LINE(60000);
	truth.terms[TERM_BESIDE] = (struct calibration_curve)CALIBRATION_LINE(5000);
	struct made made;
	open_stairs(&made);
	for (uint32_t i = 0; i < 13; i++)
		made_add(&made, made_step(1, 40 + 64 * i, 0, 20 + i, 1000, 0));
	struct fit fit = made_fit_folds(&made, &truth, 0, 8);
	size_t beside = 0;
	for (size_t i = 0; i < fit.cell_count; i++) {
		const struct sample *s = fit.cells[i].sample;
		if (!s->prompts || s->decodes < 20)
			continue;
		beside++;
		assert_true(fabs((double)fit.cells[i].held_out_ns[FIT_CURVES] / s->median_ns - 1) < 0.05);
	}
	assert_int_equal(beside, 13);
	fit_free(&fit);
}

/* Thirty steps of a few numbers of rows: a fold leaves fewer than the physical model has coefficients. */
static void few_samples_are_fitted_all_the_same(void **state)
{
	(void)state;
	struct made made;
	made_open(&made);
	for (uint32_t i = 0; i < 18; i++)
		made_add(&made, made_step(1, 64, 100 * i, 0, 0, 0));
	for (uint32_t i = 0; i < 6; i++)
		made_add(&made, made_step(1, 128 << i, 0, 0, 0, 0));
	for (uint32_t i = 0; i < 6; i++)
		made_add(&made, made_step(0, 0, 0, 1 + i, 100 * i, 0));
	struct fit fit = made_fit_folds(&made, &fit_machine, 0, 10);
	assert_true(fit.held_out[fit.chosen].mean < 1);
	fit_free(&fit);
}

/* Sizes on both sides of a round's end, where a line is up to a third off; the samples say what rounds there are. */
static void rounds_of_attention_are_followed(void **state)
{
	(void)state;
	const struct sample others[] = {made_step(1, 300, 16384, 0, 0, 0), made_step(1, 520, 20000, 0, 0, 0), made_step(1, 1000, 20000, 0, 0, 0),
	                                made_step(1, 1070, 20000, 0, 0, 0), made_step(2, 400, 12000, 3, 5000, 0)};
	struct calibration truth = fit_machine;
	struct made made;
	struct err err;
	truth.attention = (struct attention_rounds){32, 8, 132, 512, 256, 576, 80};
	made_open(&made);
	made.samples.attention = truth.attention;
	made.samples.attention.part_cost_tokens = made.samples.attention.join_cost_tokens = 0;
	made_add_grid(&made);
	for (uint32_t news = 160; news <= 1280; news += 64) {
		made_add(&made, made_step(1, news, 4096, 0, 0, 0));
		made_add(&made, made_step(1, news, 24000, 0, 0, 0));
	}
	struct fit fit = made_fit_folds(&made, &truth, 0, 8);
	assert_true(made_worst(&fit.calibration, &truth, others, COUNT_OF(others)) < 0.03);
	struct calibration unaware = truth;
	unaware.attention.blocks_at_once = 0;
	assert_true(made_worst(&unaware, &truth, others, COUNT_OF(others)) > 0.1);
	assert_int_equal(fit_write_json(&fit, &(struct fit_options){.folds = 2, .bootstraps = 2}, "n", "c.json", &err), 0);
	struct calibration *read = calibration_load("c.json", &err);
	assert_non_null(read);
	assert_memory_equal(&read->attention, &truth.attention, sizeof(truth.attention));
	calibration_free(read);
	fit_free(&fit);
}

/* Rows of a step, `least` apart up to `dense`, then each a fifteenth larger than the one before. */
static void open_many_sizes(struct made *made, uint32_t least, uint32_t dense, uint32_t row_tile)
{
	made_open(made);
	made->samples.row_tile_tokens = row_tile;
	for (uint32_t rows = least; rows <= 1000000; rows += rows < dense ? least : (rows / 15 + 15) / 16 * 16)
		made_add(made, made_step(rows > 8192 ? 64 : 1, rows > 8192 ? rows / 64 : rows, 0, 0, 0, 0));
	for (uint32_t i = 1; i < 8; i++)
		made_add(made, made_step(0, 0, 0, i, 100 * i, 0));
}

/* More sizes, close together, than a curve may have points, whatever the tiles. */
static void stairs_are_no_more_than_a_curve_may_have(void **state)
{
	(void)state;
	static const struct {
		uint32_t least, dense, row_tile;
	} cases[] = {{16, 256, 0}, {8, 256, 64}, {8, 1024, 256}, {8, 1600, 4096}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct made made;
		struct err err;
		open_many_sizes(&made, cases[i].least, cases[i].dense, cases[i].row_tile);
		struct fit fit = made_fit_folds(&made, &fit_machine, 0, 2);
		for (int term = 0; term < TERM_COUNT; term++)
			assert_true(fit.calibration.terms[term].count <= CALIBRATION_POINTS_MOST);
		assert_int_equal(fit_write_json(&fit, &(struct fit_options){.folds = 2, .bootstraps = 2}, "n", "c.json", &err), 0);
		struct calibration *read = calibration_load("c.json", &err);
		assert_non_null(read);
		calibration_free(read);
		fit_free(&fit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_distinct_context_costs_is_found),
	        cmocka_unit_test(uneven_contexts_cost_a_share),
	        cmocka_unit_test(few_rows_are_told_apart),
	        cmocka_unit_test(one_to_three_decodes_are_told_apart),
	        cmocka_unit_test(decodes_beside_prompts_are_told_apart),
	        cmocka_unit_test(the_first_decode_beside_prompts_is_told_apart),
	        cmocka_unit_test(decodes_beside_prompts_may_cost_nothing),
	        cmocka_unit_test(what_is_told_apart_is_so_in_every_fold),
	        cmocka_unit_test(few_samples_are_fitted_all_the_same),
	        cmocka_unit_test(nothing_shared_has_no_distinct_term),
	        cmocka_unit_test(a_staircase_is_followed),
	        cmocka_unit_test(rounds_of_attention_are_followed),
	        cmocka_unit_test(stairs_are_no_more_than_a_curve_may_have),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
