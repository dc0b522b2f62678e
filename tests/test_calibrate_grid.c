/* test_calibrate_grid.c - a calibration's grid keeps its limits, has every kind of step, and is enough for a fit. */
#include "test.h"

#include "calibrate_grid.h"
#include "cost_model.h"
#include "fit.h"
#include "timed.h"

#include <stdlib.h>
#include <string.h>

static void limits_are_kept(void **state)
{
	(void)state;
	static const struct calibrate_grid_limits all[] = {{32768, 256, 16, 30000}, {2048, 32, 16, 3000}, {512, 8, 64, 700}};
	for (size_t l = 0; l < COUNT_OF(all); l++) {
		size_t count, prompts = 0, decodes = 0, mixed = 0;
		uint32_t most = 0;
		struct sample *cells = calibrate_grid_make(&all[l], 7, &count);
		for (size_t i = 0; i < count; i++) {
			const struct sample *c = &cells[i];
			assert_true(c->prompts + c->decodes >= 1 && c->prompts + c->decodes <= all[l].most_sequences);
			assert_true(calibrate_grid_rows(c) <= all[l].most_tokens);
			assert_true(calibrate_grid_blocks(c, all[l].block_tokens) <= all[l].pool_blocks);
			assert_true((c->prompts > 0) == (c->new_tokens > 0));
			most = calibrate_grid_rows(c) > most ? calibrate_grid_rows(c) : most;
			prompts += c->decodes == 0;
			decodes += c->prompts == 0;
			mixed += c->prompts > 0 && c->decodes > 0;
			for (size_t j = 0; j < i; j++)
				assert_true(memcmp(c, &cells[j], sizeof(*c)) != 0);
		}
		assert_true(prompts > 15 && decodes > 12 && mixed > 4);
		assert_int_equal(most, all[l].most_tokens);
		free(cells);
	}
}

static bool same_but_for_what_came_before(const struct sample *worked, const struct sample *rested)
{
	struct sample s = *worked;
	s.work_ns = s.rest_ns = s.idle_ns = s.for_ns = 0;
	s.rounds = s.work_tokens = 0;
	s.work_cached = 0;
	return memcmp(&s, rested, sizeof(s)) == 0;
}

/* What is shared is whole blocks of what is attended to; and each step after work has been measured after a rest, too. */
static void shared_and_worked_cells_can_be_compared(void **state)
{
	(void)state;
	static const struct calibrate_grid_limits all[] = {{32768, 256, 16, 30000}, {2048, 32, 16, 3000}, {512, 8, 64, 700}};
	static const size_t least_shared[] = {30, 20, 5}, least_worked[] = {30, 25, 10}, least_decodes[] = {12, 8, 4}, least_long[] = {14, 7, 0};
	for (size_t l = 0; l < COUNT_OF(all); l++) {
		size_t count, shared = 0, worked = 0, decodes = 0, seconds = 0;
		struct sample *cells = calibrate_grid_make(&all[l], 7, &count);
		for (size_t i = 0; i < count; i++) {
			const struct sample *c = &cells[i];
			bool twin = c->rounds == 0;
			for (size_t j = 0; j < count && !twin; j++)
				twin = same_but_for_what_came_before(c, &cells[j]);
			assert_true(twin);
			assert_true(c->rounds == 0 ? c->for_ns == 0 : c->work_ns > 0 && c->work_tokens > 0);
			decodes += c->rounds > 0 && c->prompts == 0;
			seconds += c->for_ns > 0;
			assert_true(c->shared_tokens % all[l].block_tokens == 0);
			assert_true((c->prompts == 0 || c->shared_tokens <= c->cached_tokens) && (c->decodes == 0 || c->shared_tokens <= c->context_tokens));
			assert_true(c->shared_tokens == 0 || c->prompts + c->decodes > 1);
			shared += c->shared_tokens > 0;
			worked += c->rounds > 0;
		}
		assert_true(shared >= least_shared[l] && worked >= least_worked[l] && decodes >= least_decodes[l] &&
		            seconds >= least_long[l]);
		free(cells);
	}
}

static void blocks_by_hand(void **state)
{
	(void)state;
	const struct sample cell = {.prompts = 2, .new_tokens = 10, .cached_tokens = 23, .decodes = 3, .context_tokens = 32};
	assert_int_equal(calibrate_grid_rows(&cell), 23);
	assert_int_equal(calibrate_grid_blocks(&cell, 16), 2 * 3 + 3 * 3);
	/* Two blocks are everyone's; a prompt has 33 tokens and one block of its own, a decode 49 tokens and two. */
	const struct sample shared = {.prompts = 1, .new_tokens = 1, .cached_tokens = 32, .decodes = 3, .context_tokens = 48, .shared_tokens = 32};
	assert_int_equal(calibrate_grid_blocks(&shared, 16), 2 + 1 + 3 * 2);
	const struct sample decodes = {.decodes = 4, .context_tokens = 64, .shared_tokens = 60};
	assert_int_equal(calibrate_grid_blocks(&decodes, 16), 3 + 4 * 2);
}

static void same_seed_same_grid(void **state)
{
	(void)state;
	const struct calibrate_grid_limits limits = {32768, 256, 16, 30000};
	size_t counts[3];
	struct sample *a = calibrate_grid_make(&limits, 1, &counts[0]), *b = calibrate_grid_make(&limits, 1, &counts[1]),
	              *c = calibrate_grid_make(&limits, 2, &counts[2]);
	assert_int_equal(counts[0], counts[1]);
	assert_memory_equal(a, b, counts[0] * sizeof(*a));
	assert_true(counts[0] != counts[2] || memcmp(a, c, counts[0] * sizeof(*a)) != 0);
	free(a);
	free(b);
	free(c);
}

static void is_enough_for_a_fit(void **state)
{
	(void)state;
	const struct calibrate_grid_limits limits = {32768, 256, 16, 30000};
	const struct fit_options options = {.folds = 2, .bootstraps = 2, .seed = 1};
	struct samples samples = {.name = (char *)"grid", .model = (char *)"", .device = (char *)"", .driver = (char *)"",
	                          .commit = (char *)"", .conditions = (char *)""};
	struct cost_model model = cost_model_of(&timed_calibration);
	struct fit fit;
	struct err err;
	model.only_prompts_have_rows = false;
	samples.samples = calibrate_grid_make(&limits, 1, &samples.count);
	for (size_t i = 0; i < samples.count; i++) {
		struct sample *s = &samples.samples[i];
		struct step_part parts[256];
		for (uint32_t p = 0; p < s->prompts + s->decodes; p++)
			parts[p] = p < s->prompts ? (struct step_part){p, s->new_tokens, s->cached_tokens, false}
			                          : (struct step_part){p, 1, s->context_tokens, true};
		s->median_ns = (double)cost_model_backend.step_ns(&model, &(struct step){.parts = parts, .count = s->prompts + s->decodes});
		s->least_ns = s->most_ns = s->median_ns;
	}
	assert_int_equal(fit_run(&fit, &samples, &options, &err), 0);
	assert_true(fit.held_out[fit.chosen].p90 < 0.01);
	fit_free(&fit);
	free(samples.samples);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(limits_are_kept),
	        cmocka_unit_test(shared_and_worked_cells_can_be_compared),
	        cmocka_unit_test(blocks_by_hand),
	        cmocka_unit_test(same_seed_same_grid),
	        cmocka_unit_test(is_enough_for_a_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
