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
	return cost_model_backend.step_ns(&model, &(struct step){.parts = parts, .count = count});
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

/* 64 distinct tokens of context cost nothing beyond what 128 of any kind cost, a further one 64 x 0.5 ns. */
static void what_sequences_share_is_read_once(void **state)
{
	(void)state;
	const struct calibration c = {.decode_step_ns = 5, .distinct_free_64ths = 32,
	                              .terms = {[TERM_CONTEXT] = CALIBRATION_LINE(3), [TERM_DISTINCT] = CALIBRATION_LINE(0.5)}};
	struct cost_model model = cost_model_of(&c);
	const struct step_part parts[] = {{0, 1, 100, true}, {1, 1, 60, true}};
	struct step step = {.parts = parts, .count = 2};
	assert_int_equal(cost_model_backend.step_ns(&model, &step), 5 + 480 + 32 * 160 / 2);
	step.repeated_tokens = 50;
	assert_int_equal(cost_model_backend.step_ns(&model, &step), 5 + 480 + (64 * 110 - 32 * 160) / 2);
	step.repeated_tokens = 80;
	assert_int_equal(cost_model_backend.step_ns(&model, &step), 5 + 480);
	step.repeated_tokens = 1000;
	assert_int_equal(cost_model_backend.step_ns(&model, &step), 5 + 480);
	assert_int_equal(cost_model_answer_ns(&model, 10, 2), 10 + 3 * 21 + 16 * 21);
}

/* A decode costs 13 where all decode, and 4 beside a prompt; where nothing is said of that, 13 there, too. */
static void decodes_beside_prompts_have_a_price_of_their_own(void **state)
{
	(void)state;
	struct calibration c = {.terms = {[TERM_DECODES] = CALIBRATION_LINE(13), [TERM_BESIDE] = CALIBRATION_LINE(4)}};
	const struct step_part parts[] = {{0, 1, 60, true}, {1, 1, 100, true}, {2, 7, 50, false}};
	assert_int_equal(step_ns(&c, parts, 2), 26);
	assert_int_equal(step_ns(&c, parts, 3), 8);
	c.terms[TERM_BESIDE].points[0].ns = 0;
	assert_int_equal(step_ns(&c, parts, 3), 1);
	c.terms[TERM_BESIDE].count = 0;
	assert_int_equal(step_ns(&c, parts, 3), 26);
}

/* 100 of context are the longest, so 60 lack 40 and 30 lack 70; in a stretch all grow, and lack as much. */
static void the_longest_context_is_waited_for(void **state)
{
	(void)state;
	const struct calibration c = {.decode_step_ns = 5, .terms = {[TERM_CONTEXT] = CALIBRATION_LINE(3), [TERM_UNEVEN] = CALIBRATION_LINE(2)}};
	struct cost_model model = cost_model_of(&c);
	const struct step_part parts[] = {{0, 1, 60, true}, {1, 1, 100, true}, {2, 1, 30, true}, {3, 7, 5000, false}};
	const struct step decodes = {.parts = parts, .count = 3}, mixed = {.parts = parts, .count = 4};
	assert_int_equal(cost_model_backend.step_ns(&model, &decodes), 5 + 3 * 190 + 2 * 110);
	assert_int_equal(cost_model_backend.decode_ns(&model, &decodes, 3), 3 * (5 + 2 * 110) + 3 * (190 + 193 + 196));
	/* What a prompt attends to is no decode's. */
	assert_int_equal(cost_model_backend.step_ns(&model, &mixed), 3 * 190 + 2 * 110);
	assert_int_equal(cost_model_backend.step_ns(&model, &(struct step){.parts = parts + 1, .count = 1}), 5 + 300);
}

/* Half of a level is gone, and half of the way to a load, after 2.4 us; from 0.5 on, at once, work is 20 % slower. */
#define AT_ONCE {.fast = {.slowdown = 0.2, .half_life_ns = 2400, .from = 0.5, .full = 0.500001}, .most = 1, .least_rows = 2}

static void near_level(uint64_t level, double expected)
{
	if (fabs(ldexp((double)level, -32) - expected) > 1e-5)
		fail_msg("a level of %.9g, but %.9g was expected", ldexp((double)level, -32), expected);
}

/* 1 us a row, all of it load. */
static void work_uses_the_power_up(void **state)
{
	(void)state;
	const struct calibration c = {.terms = {[TERM_ROWS] = CALIBRATION_LINE(1000)}, .power = AT_ONCE};
	struct cost_model model = cost_model_of(&c);
	struct device_history history = {0};
	struct step_part part = {0, 4, 0, false};
	struct step step = {.parts = &part, .count = 1, .history = &history};
	/* Of 16 parts of 250 ns the middle of 10 is before 2.4 us. */
	assert_int_equal(cost_model_backend.step_ns(&model, &step), 4000 + 800 * 6 / 16);
	near_level(history.levels[0], 1 - exp2(-4300 / 2400.));
	assert_int_equal(history.until_ns, 4300);
	/* Right after it all is slower. */
	step.start_ns = 4300;
	assert_int_equal(cost_model_backend.step_ns(&model, &step), 4000 + 800);
	near_level(history.levels[0], 1 - exp2(-9100 / 2400.));
	/* Decodes are neither slowed nor work; a prompt of one row is work, if not slowed. */
	const struct device_history before = history;
	const struct step_part decodes[] = {{0, 1, 0, true}, {1, 1, 0, true}};
	step.start_ns = 9100;
	assert_int_equal(cost_model_backend.step_ns(&model, &(struct step){.parts = decodes, .count = 2, .start_ns = 9100, .history = &history}), 2000);
	assert_memory_equal(&history, &before, sizeof(before));
	part.new_tokens = 1;
	assert_int_equal(cost_model_backend.step_ns(&model, &step), 1000);
	near_level(history.levels[0], 1 - exp2(-10100 / 2400.));
	/* A rest of two half-lives leaves a quarter, 0.2365, and after 1.47 us there is 0.5 again. */
	step.start_ns = 10100 + 4800;
	part.new_tokens = 4;
	assert_int_equal(cost_model_backend.step_ns(&model, &step), 4000 + 800 * 10 / 16);
	/* A device that nobody keeps a history of has rested, and so has one after long enough. */
	step.history = NULL;
	assert_int_equal(cost_model_backend.step_ns(&model, &step), 4300);
	assert_int_equal(cost_model_prompt_ns(&model, 4, 0), 4300);
	step.history = &history;
	step.start_ns = history.until_ns + 240000;
	assert_int_equal(cost_model_backend.step_ns(&model, &step), 4300);
}

/* 3 us of 12 are weights, 4 a fixed part and keys, 2 products and 3 pairs. */
static void load_is_the_share_of_arithmetic(void **state)
{
	(void)state;
	struct calibration c = {.prompt_step_ns = 3500, .weights_ns = 3000, .power = AT_ONCE,
	                        .terms = {[TERM_ROWS] = CALIBRATION_LINE(1000), [TERM_KEYS] = CALIBRATION_LINE(50),
	                                  [TERM_PAIRS] = {1, {{23, 3000}}}}};
	const struct step_part part = {0, 2, 10, false};
	const struct step step = {.parts = &part, .count = 1};
	static const double pairs_loads[] = {0, 0.5, 1}, loads[] = {2 / 12., 3.5 / 12, 0.375};
	c.power.most = 0.375;
	for (size_t i = 0; i < COUNT_OF(loads); i++) {
		c.power.pairs_load = pairs_loads[i];
		const struct cost_model model = cost_model_of(&c);
		const struct cost_sizes sizes = cost_model_sizes(&model, &step);
		const struct power_shares shares = cost_model_shares(&model, &sizes);
		assert_true(shares.step >> 20 == 12000 && shares.products >> 20 == 2000 && shares.pairs >> 20 == 3000);
		near_level(power_limit_load(&model.power, &shares), loads[i]);
	}
}

/* A second average, of four times the half-life: another 10 % from 0.5 on, for work of two rows and more. */
static void work_that_goes_on_uses_up_a_second_budget(void **state)
{
	(void)state;
	struct calibration c = {.terms = {[TERM_ROWS] = CALIBRATION_LINE(1000)}, .power = AT_ONCE};
	c.power.slow = (struct calibration_budget){.slowdown = 0.1, .half_life_ns = 9600, .from = 0.5, .full = 0.500001};
	struct cost_model model = cost_model_of(&c);
	struct device_history history = {0};
	struct step_part part = {0, 16, 0, false};
	struct step step = {.parts = &part, .count = 1, .history = &history};
	/* Of 16 parts of 1 us the middle of 14 is after 2.4 us, of 6 after 9.6. */
	assert_int_equal(cost_model_backend.step_ns(&model, &step), 16000 + 16000 / 5 * 14 / 16 + 16000 / 10 * 6 / 16);
	near_level(history.levels[0], 1 - exp2(-19400 / 2400.));
	near_level(history.levels[1], 1 - exp2(-19400 / 9600.));
	/* After 4.8 us it is above 0.5 still, the first below, and back after 1.2 us and something. */
	step.start_ns = 19400 + 4800;
	assert_int_equal(cost_model_backend.step_ns(&model, &step), 16000 + 16000 / 5 * 15 / 16 + 16000 / 10);
	/* One row: neither. */
	part.new_tokens = 1;
	step.start_ns = history.until_ns;
	assert_int_equal(cost_model_backend.step_ns(&model, &step), 1000);
}

static void levels_halve(void **state)
{
	(void)state;
	struct make_rng rng = {3};
	for (int i = 0; i < 20000; i++) {
		const uint64_t half_life_ns = 1 + make_random(&rng, i % 2 ? 100 : 100000000), ns = make_random(&rng, 20 * half_life_ns);
		const struct power_budget budget = {.half_life_ns = half_life_ns};
		const uint64_t level = make_random(&rng, UINT64_C(1) << 32), load = make_random(&rng, (UINT64_C(1) << 32) + 1);
		const double left = exp2(-(double)ns / (double)half_life_ns), from = ldexp((double)level, -32), to = ldexp((double)load, -32);
		near_level(power_limit_level_after(&budget, level, load, ns), to + (from - to) * left);
	}
	const struct power_budget budget = {.half_life_ns = 1};
	assert_int_equal(power_limit_level_after(&budget, UINT32_MAX, 0, UINT64_MAX), 0);
	/* A level never rises with time, be it next to nothing, and is gone after 32 half-lives. */
	for (int i = 0; i < 200; i++) {
		const struct power_budget any = {.half_life_ns = 1 + make_random(&rng, 3000)};
		uint64_t level = make_random(&rng, UINT64_C(1) << (1 + make_random(&rng, 32)));
		const uint64_t first = level;
		for (uint64_t ns = 0; ns <= 33 * any.half_life_ns; ns++) {
			const uint64_t left = power_limit_level_after(&any, first, 0, ns);
			assert_true(left <= level);
			level = left;
		}
		assert_int_equal(level, 0);
	}
}

static uint64_t tile_rows(struct cost_model *model, uint32_t rows)
{
	const struct step_part part = {0, rows, 0, false};
	return (uint64_t)cost_model_sizes(model, &(struct step){.parts = &part, .count = 1}).x[TERM_ROW_TILES];
}

static void rows_fill_whole_tiles(void **state)
{
	(void)state;
	static const uint32_t pairs[][2] = {{1, 64}, {64, 64}, {65, 128}, {640, 640}, {641, 704}, {8191, 8192}, {UINT32_MAX, 0}};
	struct cost_model model = cost_model_of(&(struct calibration){.row_tile_tokens = 64});
	for (size_t i = 0; pairs[i][1]; i++)
		assert_int_equal(tile_rows(&model, pairs[i][0]), pairs[i][1]);
	assert_true(tile_rows(&model, UINT32_MAX) >= UINT32_MAX);
	for (uint32_t tile = 1; tile <= 100; tile += 33) {
		model.row_tile_tokens = tile;
		for (uint32_t rows = 1; rows < 3000; rows++) {
			const uint64_t now = tile_rows(&model, rows);
			assert_true(now >= rows && now < rows + tile && now % tile == 0);
		}
	}
}

/* Up to one tile in smaller ones; never fewer than before. */
static void few_rows_fill_small_tiles(void **state)
{
	(void)state;
	static const uint32_t pairs[][2] = {{1, 8}, {8, 8}, {9, 16}, {57, 64}, {64, 64}, {65, 128}, {129, 192}, {UINT32_MAX, 0}};
	struct cost_model model = cost_model_of(&(struct calibration){.row_tile_tokens = 64, .small_row_tile_tokens = 8});
	for (size_t i = 0; pairs[i][1]; i++)
		assert_int_equal(tile_rows(&model, pairs[i][0]), pairs[i][1]);
	for (uint32_t small = 1; small <= 64; small++) {
		model.small_row_tile_tokens = small;
		for (uint32_t rows = 1; rows < 300; rows++)
			assert_true(tile_rows(&model, rows) <= tile_rows(&model, rows + 1));
	}
}

static double term_ns(const struct calibration *c, const struct cost_sizes *sizes, int term)
{
	return calibration_curve_ns(&c->terms[term], (double)sizes->x[term]);
}

/* All of a step but what its products take beyond reading weights. */
static double without_products_ns(const struct calibration *c, const struct cost_sizes *sizes)
{
	double ns = (sizes->has_prompt ? c->prompt_step_ns : c->decode_step_ns) + c->weights_ns;
	for (int term = TERM_SEQUENCES; term < TERM_COUNT; term++)
		ns += term_ns(c, sizes, term);
	return ns;
}

static double mean_ramp(const struct calibration_budget *budget, const struct device_history *history, int b, const struct step *step, double ns,
                        double load)
{
	const double half_lives = ns / (double)budget->half_life_ns, rest_ns = (double)(step->start_ns - history->until_ns);
	const double level = ldexp((double)history->levels[b], -32) * exp2(-rest_ns / (double)budget->half_life_ns);
	const int slices = load > 0 ? 16 : 1;
	double sum = 0;
	for (int slice = 0; slice < slices; slice++) {
		const double then = load + (level - load) * exp2(-half_lives * (slice + 0.5) / slices);
		sum += fmin(1, fmax(0, (then - budget->from) / (budget->full - budget->from)));
	}
	return sum / slices;
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
		const struct step step = {.parts = parts, .count = count};
		const struct cost_sizes sizes = cost_model_sizes(&model, &step);
		const double arithmetic = term_ns(c, &sizes, TERM_ROWS) + term_ns(c, &sizes, TERM_ROW_TILES);
		double ns = (sizes.has_prompt ? c->prompt_step_ns : c->decode_step_ns) +
		            pow(pow(c->weights_ns, c->sharpness) + pow(arithmetic, c->sharpness), 1.0 / c->sharpness);
		for (int term = TERM_SEQUENCES; term < TERM_COUNT; term++)
			ns += term_ns(c, &sizes, term);
		struct device_history history = {.levels = {make_random(&rng, UINT64_C(1) << 31), make_random(&rng, UINT64_C(1) << 30)}, .until_ns = 1000};
		struct step slowed = step;
		slowed.history = &history;
		slowed.start_ns = 1000 + (int64_t)make_random(&rng, 4000000);
		const struct calibration_power *power = &c->power;
		const double products = ns - without_products_ns(c, &sizes);
		const double load = sizes.has_prompt ? fmin(power->most, (products + power->pairs_load * term_ns(c, &sizes, TERM_PAIRS)) / ns) : 0;
		const bool hard = sizes.has_prompt && sizes.x[TERM_ROWS] >= power->least_rows;
		const double longer_ns = hard ? ns * (power->fast.slowdown * mean_ramp(&power->fast, &history, 0, &slowed, ns, load) +
		                                      power->slow.slowdown * mean_ramp(&power->slow, &history, 1, &slowed, ns, load))
		                              : ns * power->light_slowdown * mean_ramp(&power->fast, &history, 0, &slowed, ns, load);
		const double off = (double)cost_model_backend.step_ns(&model, &slowed) - ns - longer_ns;
		/* Each of 32 factors leaves out up to 2^-20 of a half-life. */
		assert_true(fabs(off) <= 2 + 5e-6 * ns);
	}
}

/* 1 us a row and a decode; from a level of 0.25 on decodes are up to 10 % slower, from 0.5 on all of it; it halves every 4 us. */
static void decodes_after_work_are_slower(void **state)
{
	(void)state;
	const struct calibration c = {.terms = {[TERM_ROWS] = CALIBRATION_LINE(1000)},
	                              .power = {.fast = {.slowdown = 0.5, .half_life_ns = 4000, .from = 0.25, .full = 0.5},
	                                        .light_slowdown = 0.1, .most = 1, .least_rows = 5}};
	struct cost_model model = cost_model_of(&c);
	struct device_history history = {.levels = {UINT64_C(1) << 31}, .until_ns = 100};
	struct step_part decode = {0, 1, 0, true};
	struct step step = {.parts = &decode, .count = 1, .start_ns = 100, .history = &history};
	const struct device_history before = history;
	/* In the middle of the first 0.4585 are left, then, as that took 83 ns longer, 0.3801, 0.3167 and 0.2651. */
	static const int64_t longer_ns[] = {83, 52, 26, 6};
	int64_t sum_ns = 0;
	for (int i = 0; i < 4; i++) {
		const int64_t ns = cost_model_backend.step_ns(&model, &step);
		assert_int_equal(ns, 1000 + longer_ns[i]);
		step.start_ns += ns;
		sum_ns += ns;
	}
	step.start_ns = 100;
	assert_int_equal(cost_model_backend.decode_ns(&model, &step, 4), sum_ns);
	assert_int_equal(cost_model_backend.decode_ns(&model, &step, 10), sum_ns + 6000);
	assert_memory_equal(&history, &before, sizeof(before));
	/* Without a history, and when no more than 0.25 is left, as if there were no power. */
	step.history = NULL;
	assert_int_equal(cost_model_backend.decode_ns(&model, &step, 4), 4000);
	step.history = &history;
	step.start_ns = 4100;
	assert_int_equal(cost_model_backend.decode_ns(&model, &step, 4), 4000);
	/* Where work would never be rested from it slows no decode down for ever. */
	struct calibration restless = c;
	restless.power.fast.half_life_ns = 6 * NS_PER_S;
	model = cost_model_of(&restless);
	step.start_ns = 100;
	assert_int_equal(cost_model_backend.decode_ns(&model, &step, 4), 4000);
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
		/* In half of the rounds after so much hard work that the first steps are slower. */
		struct device_history history = {.levels = {make_random(&rng, UINT64_C(1) << 31)}, .until_ns = 5};
		struct step step = {.parts = parts, .count = count, .repeated_tokens = make_random(&rng, 3) * make_random(&rng, 500),
		                    .start_ns = 7, .history = make_chance(&rng, 50) ? &history : NULL};
		const int64_t at_once = cost_model_backend.decode_ns(&model, &step, steps);
		int64_t one_by_one = 0;
		for (uint32_t s = 0; s < steps; s++) {
			const int64_t took_ns = cost_model_backend.step_ns(&model, &step);
			one_by_one += took_ns;
			step.start_ns += took_ns;
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
	                             "\"weights_ns\": 3, \"sharpness\": 8, \"row_tile_tokens\": 64, \"small_row_tile_tokens\": 16, \"attention_tile_tokens\": 32, "
	                             "\"rows_ns\": 4, \"context_ns\": [[1, 0], [3e0, 7]]}, \"transfers\": [{\"tier\": \"host\", "
	                             "\"read_bytes_per_s\": 5e10, \"write_bytes_per_s\": 4e10, \"latency_ns\": 9000}], \"fit\": {}}", &err);
	assert_non_null(c);
	assert_false(c->only_prompts_have_rows);
	assert_true(c->prompt_step_ns == 1.5 && c->weights_ns == 3 && c->sharpness == 8);
	assert_true(c->row_tile_tokens == 64 && c->small_row_tile_tokens == 16 && c->attention_tile_tokens == 32);
	assert_true(calibration_curve_ns(&c->terms[TERM_ROWS], 10) == 40);
	assert_true(calibration_curve_ns(&c->terms[TERM_PAIRS], 10) == 0);
	assert_true(fabs(calibration_curve_ns(&c->terms[TERM_CONTEXT], 4) - 10.5) < 1e-12);
	assert_true(c->power.fast.slowdown == 0 && c->distinct_free_64ths == 0);
	assert_null(calibration_transfer(c, "disk"));
	assert_int_equal(calibration_transfer(c, "host")->latency_ns, 9000);
	calibration_free(c);
}

#define POWER(more) "{\"kvcast_calibration\": 2, " TEXTS ", \"step\": {\"prompt_step_ns\": 1, \"decode_step_ns\": 2, " \
	"\"distinct_free_64ths\": 27, \"distinct_ns\": 0.25}, \"power\": {" more "}}"

#define SHARES "\"slowdown\": 0.125, \"light_slowdown\": 0.0625, \"from\": 0.25, \"full\": 0.5, \"most\": 0.75, \"pairs_load\": 1"

static void power_is_read(void **state)
{
	(void)state;
	struct err err;
	struct calibration *c = load(POWER(SHARES ", \"half_life_ns\": 4e7, \"least_rows\": 256"), &err);
	assert_non_null(c);
	assert_true(c->power.fast.slowdown == 0.125 && c->power.light_slowdown == 0.0625 && c->power.fast.half_life_ns == 40000000);
	assert_true(c->power.fast.from == 0.25 && c->power.fast.full == 0.5 && c->power.most == 0.75 && c->power.pairs_load == 1);
	assert_int_equal(c->power.least_rows, 256);
	assert_true(c->power.slow.slowdown == 0);
	assert_int_equal(c->distinct_free_64ths, 27);
	assert_true(calibration_curve_ns(&c->terms[TERM_DISTINCT], 8) == 2);
	calibration_free(c);
	c = load(POWER(SHARES ", \"half_life_ns\": 4e7, \"slow\": {\"slowdown\": 0.5, \"from\": 0.125, \"full\": 0.25, \"half_life_ns\": 3e8}"), &err);
	assert_non_null(c);
	assert_true(c->power.fast.half_life_ns == 40000000 && c->power.slow.half_life_ns == 300000000 && c->power.slow.slowdown == 0.5);
	assert_true(c->power.slow.from == 0.125 && c->power.slow.full == 0.25 && c->power.least_rows == 1);
	calibration_free(c);
	/* No less a ramp for being no binary fraction. */
	c = load(POWER("\"slowdown\": 1, \"light_slowdown\": 0, \"from\": 0.001, \"full\": 0.001001, \"most\": 1, \"pairs_load\": 1, "
	               "\"half_life_ns\": 5"), &err);
	assert_non_null(c);
	calibration_free(c);
}

#define FIT(more) STEP(", \"keys_ns\": 1}, \"fit\": {\"steps\": 3" more)

static void how_far_a_fit_is_off_is_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double mean_error;
	} fits[] = {
	        {FIT(", \"model\": \"b\", \"held_out\": {\"a\": {\"mean_error\": 0.5}, \"b\": {\"mean_error\": 0.125}}"), 0.125},
	        {FIT(", \"model\": \"a\", \"held_out\": {\"a\": {\"mean_error\": 3.5}}"), 3.5},
	        {FIT(", \"model\": \"a\""), 0},
	        {STEP(""), 0},
	};
	for (size_t i = 0; i < COUNT_OF(fits); i++) {
		struct err err;
		struct calibration *c = load(fits[i].text, &err);
		assert_non_null(c);
		assert_true(c->mean_error == fits[i].mean_error);
		calibration_free(c);
	}
	/* The built-in ones. */
	static const char *const names[] = {"h200-llama-3.1-8b", "h200-qwen2.5-1.5b", "h200-llama-3.1-8b.estimate"};
	static const double least[] = {0.01, 0.02, 0}, most[] = {0.03, 0.05, 0};
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct err err;
		struct calibration *c = calibration_load(names[i], &err);
		assert_non_null(c);
		assert_true(c->mean_error >= least[i] && c->mean_error <= most[i]);
		calibration_free(c);
	}
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
	refuses(STEP(", \"row_tile_tokens\": 64, \"small_row_tile_tokens\": 65"),
	        "c.json: field \"small_row_tile_tokens\" of \"step\": expected a whole number from 1 to 64.");
	refuses(STEP(", \"sharpness\": 0"), "c.json: field \"sharpness\" of \"step\": expected a whole number from 1 to 64.");
	refuses(STEP(", \"keys_ns\": -1"),
	        "c.json: field \"keys_ns\" of \"step\": expected a number of nanoseconds from 0 to 1e12, or a list of points.");
	refuses(STEP(", \"keys_ns\": [[5, 2], [6, 1]]"), "c.json: field \"keys_ns\" of \"step\", point 2: expected [x, ns], x a larger "
	                                                  "whole number and ns no less than at the point before.");
	refuses(STEP(", \"keys_ns\": [[1.5, 2]]"), "c.json: field \"keys_ns\" of \"step\", point 1: expected [x, ns], x a larger "
	                                          "whole number and ns no less than at the point before.");
	refuses(STEP(", \"distinct_free_64ths\": 65"),
	        "c.json: field \"distinct_free_64ths\" of \"step\": expected a whole number from 0 to 64.");
	refuses(POWER("\"slowdown\": 0.1, \"from_ns\": 5"),
	        "c.json: \"power\" has \"from_ns\", as earlier calibrations do; kvcast fit makes it anew of the same samples.");
	refuses(POWER("\"slowdown\": 11"), "c.json: field \"slowdown\" of \"power\" is missing or no number from 0 to 10.");
	refuses(POWER("\"slowdown\": 1, \"from\": 0, \"full\": 1, \"half_life_ns\": 5, \"light_slowdown\": 0, \"most\": 2"),
	        "c.json: field \"most\" of \"power\" is missing or no number from 0 to 1.");
	refuses(POWER("\"slowdown\": 1, \"from\": 0, \"full\": 1, \"half_life_ns\": 5, \"light_slowdown\": 0, \"most\": 1"),
	        "c.json: field \"pairs_load\" of \"power\" is missing or no number from 0 to 1.");
	refuses(POWER(SHARES ", \"half_life_ns\": 4e7, \"least_rows\": 0"),
	        "c.json: field \"least_rows\" of \"power\": expected a whole number from 1 to 1073741824.");
	refuses(POWER("\"slowdown\": 1, \"from\": 1.5"), "c.json: field \"from\" of \"power\" is missing or no number from 0 to 1.");
	refuses(POWER("\"slowdown\": 1, \"from\": 0, \"full\": 1, \"half_life_ns\": 5"),
	        "c.json: field \"light_slowdown\" of \"power\" is missing or no number from 0 to 10.");
	refuses(POWER(SHARES ", \"half_life_ns\": 4e7, \"slow\": {\"slowdown\": 0.5}"),
	        "c.json: field \"from\" of \"slow\" is missing or no number from 0 to 1.");
	refuses(POWER(SHARES), "c.json: field \"half_life_ns\" of \"power\" is missing or no number of nanoseconds from 0 to 1e12.");
	refuses(POWER(SHARES ", \"half_life_ns\": 0"), "c.json: field \"half_life_ns\" of \"power\": expected 1 at least.");
	refuses(POWER("\"slowdown\": 1, \"from\": 0.5, \"full\": 0.5, \"half_life_ns\": 5"),
	        "c.json: field \"full\" of \"power\": expected more than \"from\", by 1e-06 at least.");
	refuses(FIT(", \"held_out\": {\"a\": {\"mean_error\": 0.5}}"), "c.json: field \"model\" of \"fit\" is missing or names none of \"held_out\".");
	refuses(FIT(", \"model\": \"b\", \"held_out\": {\"a\": {\"mean_error\": 0.5}}"),
	        "c.json: field \"model\" of \"fit\" is missing or names none of \"held_out\".");
	static const char *const wrong[] = {"-0.1", "\"2 %\"", "null"};
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		char text[512];
		snprintf(text, sizeof(text), FIT(", \"model\": \"a\", \"held_out\": {\"a\": {\"mean_error\": %s}}"), wrong[i]);
		refuses(text, "c.json: field \"mean_error\" of \"held_out\" is missing or no number from 0 on.");
	}
	refuses(FIT(", \"model\": \"a\", \"held_out\": {\"a\": {}}"),
	        "c.json: field \"mean_error\" of \"held_out\" is missing or no number from 0 on.");
	refuses("{\"kvcast_calibration\": 2, " TEXTS ", \"step\": {\"prompt_step_ns\": 1}}",
	        "c.json: field \"decode_step_ns\" of \"step\" is missing or no number of nanoseconds from 0 to 1e12.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(first_form_by_hand),
	        cmocka_unit_test(second_form_by_hand),
	        cmocka_unit_test(what_sequences_share_is_read_once),
	        cmocka_unit_test(the_longest_context_is_waited_for),
	        cmocka_unit_test(decodes_beside_prompts_have_a_price_of_their_own),
	        cmocka_unit_test(work_uses_the_power_up),
	        cmocka_unit_test(work_that_goes_on_uses_up_a_second_budget),
	        cmocka_unit_test(load_is_the_share_of_arithmetic),
	        cmocka_unit_test(levels_halve),
	        cmocka_unit_test(rows_fill_whole_tiles),
	        cmocka_unit_test(few_rows_fill_small_tiles),
	        cmocka_unit_test(as_the_formula_in_floats),
	        cmocka_unit_test(decodes_after_work_are_slower),
	        cmocka_unit_test(more_never_costs_less),
	        cmocka_unit_test(stretches_are_single_steps_added_up),
	        cmocka_unit_test(second_form_is_read),
	        cmocka_unit_test(power_is_read),
	        cmocka_unit_test(how_far_a_fit_is_off_is_read),
	        cmocka_unit_test(bad_files_get_one_sentence),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
