/* test_fit.c - known machines are found again through noise and outliers; the better model is taken; what cannot be fitted
 * gets one sentence; a written calibration says what the fit said. */
#include "test.h"

#include "cost_model.h"
#include "fit.h"
#include "fit_machine.h"
#include "make_trace.h"
#include "scratch.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sample step_of(uint32_t prompts, uint32_t new_tokens, uint64_t cached, uint32_t decodes, uint64_t context)
{
	return (struct sample){.kind = SAMPLE_STEP, .prompts = prompts, .new_tokens = prompts ? new_tokens : 0, .decodes = decodes,
	                       .cached_tokens = cached, .context_tokens = context, .repeats = 5};
}

static int64_t time_of(const struct calibration *calibration, const struct sample *s)
{
	struct cost_model model = cost_model_of(calibration);
	struct step_part parts[256];
	for (uint32_t i = 0; i < s->prompts + s->decodes; i++)
		parts[i] = i < s->prompts ? (struct step_part){i, s->new_tokens, s->cached_tokens, false}
		                          : (struct step_part){i, 1, s->context_tokens, true};
	return cost_model_backend.step_ns(&model, &(struct step){.parts = parts, .count = s->prompts + s->decodes});
}

/* The grid, in order; how many cells. */
static size_t fill_grid(struct sample *s)
{
	static const uint32_t news[] = {16, 40, 64, 130, 256, 500, 1024, 2000, 4096, 8192}, decodes[] = {1, 3, 8, 20, 64};
	static const uint64_t cached[] = {0, 512, 3000, 8192, 32768}, contexts[] = {100, 1024, 4000, 16384};
	size_t count = 0;
	for (size_t n = 0; n < COUNT_OF(news); n++) {
		for (size_t c = 0; c < COUNT_OF(cached); c++)
			s[count++] = step_of(1 + (uint32_t)(n + c) % 3, news[n], cached[c], 0, 0);
		s[count++] = step_of(1, news[n], 1000, 5 + (uint32_t)n, 2000);
	}
	for (size_t d = 0; d < COUNT_OF(decodes); d++) {
		for (size_t c = 0; c < COUNT_OF(contexts); c++)
			s[count++] = step_of(0, 0, 0, decodes[d], contexts[c]);
	}
	return count;
}

static struct samples measure(const struct calibration *calibration, struct sample *cells, double noise, uint32_t outlier_percent)
{
	struct samples samples = {.name = (char *)"made", .model = (char *)"m", .device = (char *)"d", .driver = (char *)"1.2",
	                          .commit = (char *)"abc", .conditions = (char *)"none", .checksum = 5, .samples = cells};
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(rng, 3);
	samples.count = fill_grid(cells);
	for (size_t i = 0; i < samples.count; i++) {
		struct sample *s = &cells[i];
		s->median_ns = (double)time_of(calibration, s) * (1 + gsl_ran_gaussian(rng, noise));
		if (gsl_rng_uniform_int(rng, 100) < outlier_percent)
			s->median_ns *= 1.6;
		s->least_ns = s->most_ns = s->median_ns;
	}
	gsl_rng_free(rng);
	return samples;
}

static const struct fit_options options = {.folds = 3, .bootstraps = 20, .seed = 1};

static struct fit run_folds(const struct samples *samples, uint32_t folds)
{
	struct fit fit;
	struct err err;
	if (fit_run(&fit, samples, &(struct fit_options){.folds = folds, .bootstraps = 20, .seed = 1}, &err) < 0)
		fail_msg("%s", err.text);
	return fit;
}

static struct fit run(const struct samples *samples)
{
	return run_folds(samples, options.folds);
}

/* The largest error on shapes that were not measured. */
static double worst_elsewhere(const struct calibration *fitted, const struct calibration *truth)
{
	const struct sample others[] = {step_of(1, 700, 0, 0, 0),  step_of(1, 96, 12000, 0, 0), step_of(2, 3000, 100, 0, 0),
	                                step_of(1, 300, 700, 20, 3000), step_of(0, 0, 0, 12, 700), step_of(0, 0, 0, 40, 9000)};
	double worst = 0;
	for (size_t i = 0; i < COUNT_OF(others); i++)
		worst = fmax(worst, fabs((double)time_of(fitted, &others[i]) / (double)time_of(truth, &others[i]) - 1));
	return worst;
}

static void exact_samples_give_the_machine_back(void **state)
{
	(void)state;
	struct sample cells[128];
	const struct samples samples = measure(&fit_machine, cells, 0, 0);
	struct fit fit = run(&samples);
	assert_int_equal(fit.chosen, FIT_PHYSICAL);
	assert_true(fit.held_out[FIT_PHYSICAL].worst < 0.01);
	assert_int_equal(fit.calibration.attention_tile_tokens, 32);
	assert_int_equal(fit.calibration.row_tile_tokens, 128);
	assert_true(fabs(fit.calibration.terms[TERM_PAIRS].points[0].ns / 0.9 - 1) < 0.01);
	assert_true(fabs(fit.calibration.terms[TERM_CONTEXT].points[0].ns / 32 - 1) < 0.01);
	assert_true(fabs(fit.calibration.weights_ns + fit.calibration.decode_step_ns - 4400000) < 44000);
	assert_true(worst_elsewhere(&fit.calibration, &fit_machine) < 0.01);
	fit_free(&fit);
}

static void noise_and_outliers_do_little(void **state)
{
	(void)state;
	struct sample cells[128];
	const struct samples samples = measure(&fit_machine, cells, 0.01, 6);
	struct fit fit = run(&samples);
	assert_true(worst_elsewhere(&fit.calibration, &fit_machine) < 0.03);
	assert_true(fabs(fit.calibration.terms[TERM_CONTEXT].points[0].ns / 32 - 1) < 0.06 || fit.chosen == FIT_CURVES);
	/* The outliers are in the held-out errors: they are samples too. */
	assert_true(fit.held_out[fit.chosen].worst > 0.3);
	size_t inside = 0;
	for (size_t i = 0; i < fit.cell_count; i++) {
		assert_true(fit.cells[i].low_ns <= fit.cells[i].high_ns);
		inside += fit.cells[i].low_ns <= 1.003 * (double)time_of(&fit_machine, fit.cells[i].sample) &&
		          fit.cells[i].high_ns >= 0.997 * (double)time_of(&fit_machine, fit.cells[i].sample);
	}
	assert_true(inside > fit.cell_count / 2);
	fit_free(&fit);
}

/* Matrix products that change their tiling: no smooth max is like this. */
static void curves_are_taken_where_they_are_better(void **state)
{
	(void)state;
	struct calibration stepped = fit_machine;
	struct sample cells[128];
	stepped.weights_ns = 0;
	stepped.sharpness = 1;
	stepped.terms[TERM_ROWS] = (struct calibration_curve){5, {{64, 4e6}, {130, 4.1e6}, {256, 9e6}, {1000, 14e6}, {4096, 80e6}}};
	const struct samples samples = measure(&stepped, cells, 0, 0);
	struct fit fit = run_folds(&samples, 8);
	assert_int_equal(fit.chosen, FIT_CURVES);
	assert_true(fit.held_out[FIT_CURVES].mean < fit.held_out[FIT_PHYSICAL].mean);
	assert_true(fit.held_out[FIT_CURVES].mean < 0.06);
	for (int term = 0; term < TERM_COUNT; term++) {
		const struct calibration_curve *curve = &fit.calibration.terms[term];
		for (uint32_t i = 1; i < curve->count; i++)
			assert_true(curve->points[i].x > curve->points[i - 1].x && curve->points[i].ns >= curve->points[i - 1].ns);
	}
	fit_free(&fit);
}

static void transfers_are_lines(void **state)
{
	(void)state;
	struct sample cells[160];
	struct samples samples = measure(&fit_machine, cells, 0, 0);
	for (int i = 0; i < 10; i++) {
		const double bytes = 1e5 * (1 << (2 * i));
		for (int write = 0; write < 2; write++) {
			struct sample *s = &cells[samples.count++];
			*s = (struct sample){.kind = write ? SAMPLE_WRITE : SAMPLE_READ, .tier = "host", .bytes = bytes};
			s->median_ns = 30000 + bytes / (write ? 20 : 50);
			if (i == 4)
				s->median_ns *= 3; /* the disk's bad day */
		}
	}
	struct fit fit = run(&samples);
	assert_int_equal(fit.calibration.transfer_count, 1);
	const struct calibration_transfer *host = calibration_transfer(&fit.calibration, "host");
	assert_true(fabs(host->read_bytes_per_s / 50e9 - 1) < 0.01);
	assert_true(fabs(host->write_bytes_per_s / 20e9 - 1) < 0.01);
	assert_true(labs((long)host->latency_ns - 30000) < 600);
	fit_free(&fit);

	struct err err;
	samples.count -= 16; /* two sizes are left, */
	cells[samples.count] = cells[samples.count - 2];
	cells[samples.count + 1] = cells[samples.count - 1];
	samples.count += 2; /* the second one twice */
	assert_int_equal(fit_run(&fit, &samples, &options, &err), -1);
	assert_string_equal(err.text, "made: tier host has 2 sizes of read transfers, from which no rate can be told; expected at least three "
	                              "sizes, the larger taking longer.");
}

/* 16 blocks of 2 MiB go side by side: up to so many take as long as one. */
static void side_by_side(void **state)
{
	(void)state;
	struct sample cells[160];
	struct samples samples = measure(&fit_machine, cells, 0, 0);
	for (int blocks = 1; blocks <= 64; blocks *= 2) {
		for (int write = 0; write < 2; write++) {
			struct sample *s = &cells[samples.count++];
			*s = (struct sample){.kind = write ? SAMPLE_WRITE : SAMPLE_READ, .tier = "archive", .bytes = 2097152.0 * blocks};
			s->median_ns = (write ? 32e6 : 17e6) * fmax(1, blocks / 16.0) * (1 + 0.01 * (blocks % 3));
			if (blocks == 1)
				s->median_ns *= 3; /* the first one of all */
		}
	}
	struct fit fit = run(&samples);
	const struct calibration_transfer *archive = calibration_transfer(&fit.calibration, "archive");
	const double read = 16 * 2097152.0 / 17e-3, write = 16 * 2097152.0 / 32e-3;
	assert_true(fabs(archive->read_bytes_per_s / read - 1) < 0.05);
	assert_true(fabs(archive->write_bytes_per_s / write - 1) < 0.05);
	assert_true(archive->latency_ns < 2000000);
	fit_free(&fit);

	/* Two transfers of one larger size are no line: half of their time would be latency. */
	samples.count -= 4;
	for (int writes = 0; writes < 2; writes++) {
		cells[samples.count + (size_t)writes] = cells[samples.count - 2 + (size_t)writes];
		cells[samples.count + (size_t)writes].bytes = cells[samples.count - 4 + (size_t)writes].bytes * 4;
		cells[samples.count + (size_t)writes].median_ns *= 40.0 / 17;
		cells[samples.count + 2 + (size_t)writes] = cells[samples.count + (size_t)writes];
	}
	samples.count += 4;
	fit = run(&samples);
	assert_true(calibration_transfer(&fit.calibration, "archive")->latency_ns < 18000000);
	fit_free(&fit);
}

static void too_little_is_refused(void **state)
{
	(void)state;
	struct sample cells[128];
	struct samples samples = measure(&fit_machine, cells, 0, 0);
	const size_t all = samples.count;
	struct fit fit;
	struct err err;
	samples.count = 12;
	assert_int_equal(fit_run(&fit, &samples, &options, &err), -1);
	assert_string_equal(err.text, "made: 12 steps were measured, but a fit needs at least 30.");
	samples.count = 40;
	assert_int_equal(fit_run(&fit, &samples, &options, &err), -1);
	assert_string_equal(err.text, "made: its steps without prompts have 0 different shapes, but a fit needs at least 4.");
	samples.count = all;
	for (size_t i = 0; i < all; i++)
		cells[i].new_tokens = cells[i].prompts ? 512 : 0;
	assert_int_equal(fit_run(&fit, &samples, &options, &err), -1);
	assert_string_equal(err.text, "made: its prompts have 1 different numbers of new tokens, but a fit needs at least 4.");
}

static void the_file_says_what_the_fit_said(void **state)
{
	(void)state;
	struct sample cells[128];
	struct samples samples = measure(&fit_machine, cells, 0.01, 0);
	struct fit fit = run(&samples);
	struct err err;
	assert_int_equal(fit_write_json(&fit, &options, "made-up", "c.json", &err), 0);
	struct calibration *read = calibration_load("c.json", &err);
	assert_non_null(read);
	assert_string_equal(read->name, "made-up");
	assert_false(read->estimate);
	uint64_t longest = 0;
	for (size_t i = 0; i < samples.count; i++) {
		if (cells[i].prompts && cells[i].cached_tokens + cells[i].new_tokens > longest)
			longest = cells[i].cached_tokens + cells[i].new_tokens;
		if (cells[i].decodes && cells[i].context_tokens + 1 > longest)
			longest = cells[i].context_tokens + 1;
	}
	assert_true(longest > 0);
	assert_int_equal(read->longest_tokens, longest);
	for (size_t i = 0; i < fit.cell_count; i++)
		assert_true(fabs((double)time_of(read, &cells[i]) / (double)fit.cells[i].fitted_ns - 1) < 1e-4);
	calibration_free(read);
	fit_free(&fit);
}

#define HEADER                                                                                                                 \
	"# model: m\n# device: NVIDIA, of a kind\nkind,prompts,new_tokens,cached_tokens,decodes,context_tokens,tier,bytes,repeats," \
	"median_ns,least_ns,most_ns,clock_mhz,celsius\n"

static void refuses(const char *text, const char *sentence)
{
	struct err err;
	scratch_write("s.csv", text, strlen(text));
	assert_null(samples_load("s.csv", &err));
	assert_string_equal(err.text, sentence);
}

static void samples_are_read_and_refused(void **state)
{
	(void)state;
	struct err err;
	const char *good = HEADER "step,2,64,100,3,2000,,,5,5e6,4e6,6e6,1980,40\nread,,,,,,host,1048576,7,30000,29000,33000,,\n";
	scratch_write("s.csv", good, strlen(good));
	struct samples *samples = samples_load("s.csv", &err);
	assert_non_null(samples);
	assert_string_equal(samples->device, "NVIDIA, of a kind");
	assert_string_equal(samples->driver, "");
	assert_int_equal(samples->count, 2);
	assert_int_equal(samples->samples[0].decodes, 3);
	assert_string_equal(samples->samples[1].tier, "host");
	char cell[160];
	assert_string_equal(samples_show(&samples->samples[0], cell, sizeof(cell)), "2 x 64 new after 100, 3 decodes at 2000");
	samples_free(samples);
	refuses("", "s.csv: it is empty, but a header line with column names was expected.");
	refuses("kind,prompts\n", "s.csv: there is no column \"new_tokens\".");
	refuses(HEADER "jump,1,1,0,0,0,,,5,5,5,5,,\n", "s.csv:4: expected the kind step, read or write, and a tier's name of at most 23 letters.");
	refuses(HEADER "step,1,1,0,0,0,,,5,5,5\n", "s.csv:4: the line has 11 fields, but the header names 14 columns.");
	refuses(HEADER "step,0,0,0,0,0,,,5,5,5,5,,\n", "s.csv:4: a step has prompts, decodes or both.");
	refuses(HEADER "step,1,0,0,0,0,,,5,5,5,5,,\n", "s.csv:4: prompts and new_tokens go together.");
	refuses(HEADER "step,1,8,0,0,0,,,5,fast,5,5,,\n", "s.csv:4: field \"median_ns\" is \"fast\"; expected a number of at least 0.");
	refuses(HEADER "step,1,8.5,0,0,0,,,5,5,5,5,,\n", "s.csv:4: field \"new_tokens\" is \"8.5\"; expected a whole number of at most 1073741824.");
	refuses(HEADER "read,,,,,,host,,5,5,5,5,,\n", "s.csv:4: a transfer has a tier and bytes.");
	refuses(HEADER "step,1,8,0,0,0,,,5,5,6,7,,\n", "s.csv:4: expected least_ns <= median_ns <= most_ns, and a median of at least 1.");
}

#define LATER                                                                                                              \
	"kind,prompts,new_tokens,cached_tokens,decodes,context_tokens,shared_tokens,work_ms,rest_ms,rounds,tier,bytes,repeats," \
	"median_ns,least_ns,most_ns\n"

static void later_columns_are_read_and_refused(void **state)
{
	(void)state;
	struct err err;
	char cell[160];
	const char *good = LATER "step,1,64,8192,3,9000,7680,,,,,,5,5,4,6\nstep,1,512,0,0,0,0,150.5,20,3,,,5,5,4,6\n",
	           *earlier = HEADER "step,1,64,100,0,0,,,5,5e6,4e6,6e6,,\n";
	scratch_write("s.csv", good, strlen(good));
	struct samples *samples = samples_load("s.csv", &err);
	assert_non_null(samples);
	const struct sample *shared = &samples->samples[0], *worked = &samples->samples[1];
	assert_int_equal(shared->shared_tokens, 7680);
	assert_true(shared->rounds == 0 && shared->work_ns == 0 && shared->rest_ns == 0);
	assert_true(worked->rounds == 3 && worked->work_ns == 150.5e6 && worked->rest_ns == 20e6 && worked->shared_tokens == 0);
	assert_string_equal(samples_show(shared, cell, sizeof(cell)), "1 x 64 new after 8192, 3 decodes at 9000, 7680 of it shared");
	samples_free(samples);
	scratch_write("s.csv", earlier, strlen(earlier));
	samples = samples_load("s.csv", &err);
	assert_non_null(samples);
	const struct sample *s = &samples->samples[0];
	assert_true(s->shared_tokens == 0 && s->rounds == 0 && s->work_ns == 0 && s->rest_ns == 0);
	samples_free(samples);
	refuses(LATER "step,1,64,100,0,0,101,,,,,,5,5,5,5\n", "s.csv:2: shared_tokens are part of cached_tokens and of context_tokens.");
	refuses(LATER "step,0,0,0,2,50,51,,,,,,5,5,5,5\n", "s.csv:2: shared_tokens are part of cached_tokens and of context_tokens.");
	refuses(LATER "step,1,64,100,2,50,51,,,,,,5,5,5,5\n", "s.csv:2: shared_tokens are part of cached_tokens and of context_tokens.");
	refuses(LATER "step,1,64,0,0,0,0,0,5,1,,,5,5,5,5\n", "s.csv:2: rounds have work_ms above 0.");
	refuses(LATER "step,1,64,0,0,0,0,5,5,65,,,5,5,5,5\n", "s.csv:2: field \"rounds\" is \"65\"; expected a whole number of at most 64.");
	refuses(LATER "step,1048576,1025,0,0,0,0,,,,,,5,5,5,5\n", "s.csv:2: a step has at most 1073741824 tokens.");
	refuses(LATER "step,1,64,0,0,0,0,,,,,,5,0.5,0.5,0.5\n",
	        "s.csv:2: expected least_ns <= median_ns <= most_ns, and a median of at least 1.");
	refuses(LATER "step,1,64,0,0,0,0,-5,5,1,,,5,5,5,5\n", "s.csv:2: field \"work_ms\" is \"-5\"; expected a number of at least 0.");
	refuses(LATER "step,1,64,0,0,0,0,5,long,1,,,5,5,5,5\n", "s.csv:2: field \"rest_ms\" is \"long\"; expected a number of at least 0.");
	refuses(LATER "step,1,64,0,0,0,0,5,1e7,1,,,5,5,5,5\n", "s.csv:2: field \"rest_ms\" is \"1e7\"; expected at most 1e+06.");
	refuses(LATER "step,1,64,0,0,0,0,,,,,,5,5,5,2e12\n", "s.csv:2: expected times of at most 1e+12 ns.");
}

#define LATEST                                                                                                                \
	"kind,prompts,new_tokens,cached_tokens,decodes,context_tokens,work_tokens,work_cached,work_ms,rest_ms,idle_ms,rounds,for_ms," \
	"tier,bytes,repeats,median_ns,least_ns,most_ns\n"

/* What work is made of was one thing before it had columns. */
static void what_came_before_is_read(void **state)
{
	(void)state;
	struct err err;
	const char *good = LATEST "step,1,64,0,0,0,256,8192,150,5,7.5,2,400,,,3,5,4,6\nstep,1,64,0,0,0,,,,,,,,,,3,5,4,6\n",
	           *earlier = LATER "step,1,512,0,0,0,0,150.5,20,3,,,5,5,4,6\n";
	scratch_write("s.csv", good, strlen(good));
	struct samples *samples = samples_load("s.csv", &err);
	assert_non_null(samples);
	const struct sample *worked = &samples->samples[0], *rested = &samples->samples[1];
	assert_true(worked->work_tokens == 256 && worked->work_cached == 8192 && worked->idle_ns == 7.5e6 && worked->for_ns == 400e6);
	assert_true(rested->work_tokens == 0 && rested->work_cached == 0 && rested->idle_ns == 0 && rested->for_ns == 0);
	samples_free(samples);
	scratch_write("s.csv", earlier, strlen(earlier));
	samples = samples_load("s.csv", &err);
	assert_non_null(samples);
	assert_int_equal(samples->samples[0].work_tokens, SAMPLES_WORK_TOKENS);
	assert_true(samples->samples[0].work_cached == 0 && samples->samples[0].idle_ns == 0 && samples->samples[0].for_ns == 0);
	samples_free(samples);
	refuses(LATEST "step,1,64,0,0,0,,,,,,,400,,,3,5,4,6\n", "s.csv:2: for_ms goes with rounds and prompts.");
	refuses(LATEST "step,0,0,0,2,64,256,0,150,0,0,1,400,,,3,5,4,6\n", "s.csv:2: for_ms goes with rounds and prompts.");
	refuses(LATEST "step,1,64,0,0,0,2.5,0,1,1,1,1,,,,3,5,4,6\n",
	        "s.csv:2: field \"work_tokens\" is \"2.5\"; expected a whole number of at most 1073741824.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(exact_samples_give_the_machine_back),
	        cmocka_unit_test(noise_and_outliers_do_little),
	        cmocka_unit_test(curves_are_taken_where_they_are_better),
	        cmocka_unit_test(transfers_are_lines),
	        cmocka_unit_test(side_by_side),
	        cmocka_unit_test(too_little_is_refused),
	        cmocka_unit_test(the_file_says_what_the_fit_said),
	        cmocka_unit_test(samples_are_read_and_refused),
	        cmocka_unit_test(later_columns_are_read_and_refused),
	        cmocka_unit_test(what_came_before_is_read),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
