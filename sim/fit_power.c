/* fit_power.c - what work before a step does to it (fit.h). */
#include "fit_inside.h"

#include <gsl/gsl_multimin.h>
#include <math.h>
#include <stdlib.h>

#define LEAST_CELLS 10   /* for six numbers, nearly twice as many */
#define LEAST_LONG  6    /* after seconds of work, for four more */
#define RAMP_LEAST  1e-4 /* of what is searched for: a file has six digits */
#define LARGE_ROWS  512  /* hard work on any device */
#define ROWS_MOST   24   /* of numbers of rows that are tried as the least of hard work */
#define WORTH_LOSS   0.5  /* of the loss without: more is not worth a model */
#define WORTH_SLOW   0.97 /* of the loss without a slow budget */
#define ITERATIONS  1500
#define FULL_ROUNDS 8    /* from a measured time to what it is at full clock */
#define USUAL_ERROR 0.01 /* of a step: larger ones count by their size, not by its square, as one of three may meet a neighbour */
#define ROUNDS      4    /* of weighing */
#define LEAST_NUMBER 1e-9 /* which has a logarithm */
#define REPEATS_MOST 256

/* What is searched for, in this order: the fast budget with what goes with it, the slow one, or both. */
enum { HALF_LIFE, FROM, RAMP, SLOWDOWN, SLOW_NUMBERS, MOST = SLOW_NUMBERS, PAIRS, FAST_NUMBERS, ALL_NUMBERS = FAST_NUMBERS + SLOW_NUMBERS };

/* A step after work, how long it takes after a rest, and what both are made of. */
struct pair {
	const struct sample *sample;
	double rested_ns;
	struct power_shares shares, work;
	double gain; /* best_light's */
};

/* `power` is what is known: all but what is searched for. */
struct problem {
	struct pair *pairs;
	size_t count;
	bool without_long; /* leave out what follows seconds of work */
	struct calibration_power power;
};

static uint32_t rows_of(const struct sample *s)
{
	return s->prompts * s->new_tokens + s->decodes;
}

static int64_t whole_ns(double ns)
{
	return llround(fmax(ns, 1));
}

/* The time at full clock of a step with prompts that takes `ns` after a rest. */
static double full_clock_ns(const struct power_limit *limit, const struct power_shares *shares, uint32_t rows, double ns)
{
	const uint64_t load = power_limit_load(limit, shares);
	double work_ns = ns;
	for (int round = 0; round < FULL_ROUNDS; round++) {
		uint64_t levels[2] = {0};
		work_ns *= ns / (double)power_limit_prompt_ns(limit, levels, load, rows, whole_ns(work_ns));
	}
	return work_ns;
}

/* The levels that a pair's rounds leave behind. */
static void levels_before(const struct power_limit *limit, const struct pair *pair, uint64_t *levels)
{
	const struct sample *s = pair->sample;
	const uint64_t load = power_limit_load(limit, &pair->work);
	for (size_t b = 0; b < COUNT_OF(limit->budgets); b++) {
		levels[b] = 0;
		for (uint32_t round = 0; round < s->rounds; round++) {
			levels[b] = power_limit_level_after(&limit->budgets[b], levels[b], load, (uint64_t)s->work_ns);
			levels[b] = power_limit_level_after(&limit->budgets[b], levels[b], 0, (uint64_t)(s->rest_ns + s->idle_ns));
		}
	}
}

/* The mean, where it is repeated. */
static double prompt_ns(const struct power_limit *limit, const struct pair *pair)
{
	const uint32_t rows = rows_of(pair->sample);
	const int64_t work_ns = whole_ns(full_clock_ns(limit, &pair->shares, rows, pair->rested_ns));
	uint64_t levels[2], load = power_limit_load(limit, &pair->shares);
	double sum_ns = 0;
	uint32_t count = 0;
	levels_before(limit, pair, levels);
	do {
		sum_ns += (double)power_limit_prompt_ns(limit, levels, load, rows, work_ns);
		count++;
	} while (sum_ns < pair->sample->for_ns && count < REPEATS_MOST);
	return sum_ns / count;
}

/* By how much of light_slowdown a step that decodes is slowed down. */
static double light_share(const struct power_limit *limit, const struct pair *pair)
{
	uint64_t levels[2];
	levels_before(limit, pair, levels);
	return power_limit_ramp(&limit->budgets[0], power_limit_level_after(&limit->budgets[0], levels[0], 0, (uint64_t)(pair->rested_ns / 2)));
}

static double forecast_ns(const struct power_limit *limit, const struct pair *pair)
{
	if (limit->budgets[0].ppm == 0)
		return pair->rested_ns;
	if (pair->sample->prompts > 0)
		return prompt_ns(limit, pair);
	return pair->rested_ns * (1 + (double)limit->decode_ppm / 1e6 * light_share(limit, pair));
}

/* Huber's pseudo loss, and what weight it gives a square. */
static double loss(double off)
{
	return USUAL_ERROR * USUAL_ERROR * (hypot(1, off / USUAL_ERROR) - 1);
}

static double weight(double off)
{
	return 1 / hypot(1, off / USUAL_ERROR);
}

/* The light_slowdown with the least loss for steps that decode, the rest of `power` given. */
static double best_light(const struct problem *problem, const struct calibration_power *power)
{
	const struct power_limit limit = power_limit_of(power);
	double light = 0;
	for (size_t i = 0; i < problem->count; i++) {
		struct pair *pair = &problem->pairs[i];
		if (pair->sample->prompts == 0)
			pair->gain = pair->rested_ns * light_share(&limit, pair) / pair->sample->median_ns;
	}
	for (int round = 0; round < ROUNDS; round++) {
		double product = 0, squares = 0;
		for (size_t i = 0; i < problem->count; i++) {
			const struct pair *pair = &problem->pairs[i];
			if (pair->sample->prompts > 0)
				continue;
			const double lacking = 1 - pair->rested_ns / pair->sample->median_ns, weighed = weight(lacking - light * pair->gain);
			product += weighed * pair->gain * lacking;
			squares += weighed * pair->gain * pair->gain;
		}
		light = squares > 0 ? fmin(fmax(0, product / squares), power->fast.slowdown) : 0;
	}
	return light;
}

static struct calibration_budget budget_of(const double *numbers)
{
	const double full = fmin(fmax(numbers[FROM] + numbers[RAMP], RAMP_LEAST), 1);
	return (struct calibration_budget){
	        .half_life_ns = (int64_t)fmin(1 + numbers[HALF_LIFE], CALIBRATION_NS_MOST),
	        .from = fmax(0, fmin(numbers[FROM], full - RAMP_LEAST)),
	        .full = full,
	        .slowdown = fmin(numbers[SLOWDOWN], CALIBRATION_SHARE_MOST),
	};
}

static struct calibration_power power_of(const struct problem *problem, const gsl_vector *logs)
{
	double numbers[ALL_NUMBERS];
	for (size_t i = 0; i < logs->size; i++)
		numbers[i] = exp(gsl_vector_get(logs, i));
	struct calibration_power power = problem->power;
	if (logs->size != FAST_NUMBERS)
		power.slow = budget_of(numbers + logs->size - SLOW_NUMBERS);
	if (logs->size == SLOW_NUMBERS)
		return power;
	power.fast = budget_of(numbers);
	power.most = fmin(numbers[MOST], 1);
	power.pairs_load = fmin(numbers[PAIRS], 1);
	power.light_slowdown = best_light(problem, &power);
	return power;
}

static double mean_loss(const gsl_vector *logs, void *context)
{
	const struct problem *problem = context;
	const struct calibration_power power = power_of(problem, logs);
	const struct power_limit limit = power_limit_of(&power);
	double sum = 0;
	size_t count = 0;
	for (size_t i = 0; i < problem->count; i++) {
		const struct pair *pair = &problem->pairs[i];
		if (problem->without_long && pair->sample->for_ns > 0)
			continue;
		sum += loss(forecast_ns(&limit, pair) / pair->sample->median_ns - 1);
		count++;
	}
	return sum / (double)count;
}

/* From `logs`, which it leaves at the best. Returns the mean loss there. */
static double search(struct problem *problem, gsl_vector *logs)
{
	gsl_multimin_function function = {.f = mean_loss, .n = logs->size, .params = problem};
	gsl_multimin_fminimizer *minimizer = gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, logs->size);
	gsl_vector *steps = gsl_vector_alloc(logs->size);
	gsl_vector_set_all(steps, 0.3);
	const int failed = gsl_multimin_fminimizer_set(minimizer, &function, logs, steps);
	for (int i = 0; i < ITERATIONS && !failed && gsl_multimin_fminimizer_iterate(minimizer) == 0; i++) {
		if (gsl_multimin_test_size(gsl_multimin_fminimizer_size(minimizer), 1e-4) == GSL_SUCCESS)
			break;
	}
	const double least = failed ? INFINITY : minimizer->fval;
	if (!failed)
		gsl_vector_memcpy(logs, minimizer->x);
	gsl_multimin_fminimizer_free(minimizer);
	gsl_vector_free(steps);
	return least;
}

/* The same step after a rest; NULL if it was not measured. */
static const struct sample *rested_twin(const struct samples *samples, const struct sample *s)
{
	for (size_t i = 0; i < samples->count; i++) {
		const struct sample *other = &samples->samples[i];
		if (other->kind == SAMPLE_STEP && other->rounds == 0 && other->prompts == s->prompts && other->new_tokens == s->new_tokens &&
		    other->cached_tokens == s->cached_tokens && other->decodes == s->decodes &&
		    other->context_tokens == s->context_tokens && other->shared_tokens == s->shared_tokens)
			return other;
	}
	return NULL;
}

static struct power_shares shares_of(const struct cost_model *terms, const struct sample *s)
{
	const struct cost_sizes sizes = fit_sizes(s, terms);
	return cost_model_shares(terms, &sizes);
}

static size_t find_pairs(const struct samples *samples, const struct cost_model *terms, struct pair *pairs)
{
	size_t count = 0;
	for (size_t i = 0; i < samples->count; i++) {
		const struct sample *s = &samples->samples[i], *twin;
		if (s->kind != SAMPLE_STEP || s->rounds == 0 || !(twin = rested_twin(samples, s)))
			continue;
		const struct sample work = {.prompts = 1, .new_tokens = s->work_tokens, .cached_tokens = s->work_cached};
		pairs[count++] = (struct pair){.sample = s, .rested_ns = twin->median_ns, .shares = shares_of(terms, s), .work = shares_of(terms, &work)};
	}
	return count;
}

/* From each of the guesses; problem->power gets the best if it is better than `least`. Returns the loss. */
static double search_from(struct problem *problem, const double *guesses, size_t guess_count, size_t numbers, double least)
{
	gsl_vector *logs = gsl_vector_alloc(numbers);
	struct calibration_power best = problem->power;
	for (size_t g = 0; g < guess_count; g++) {
		for (size_t n = 0; n < numbers; n++)
			gsl_vector_set(logs, n, log(fmax(guesses[g * numbers + n], LEAST_NUMBER)));
		const double loss = search(problem, logs);
		if (loss < least) {
			least = loss;
			best = power_of(problem, logs);
		}
	}
	gsl_vector_free(logs);
	problem->power = best;
	return least;
}

/* Numbers of rows that are not large are tried as the least of hard work, from several guesses: the landscape has ledges. */
static void choose_fast(struct problem *problem)
{
	static const double guesses[][FAST_NUMBERS] = {{40e6, 0.15, 0.3, 0.15, 0.5, 0.4}, {60e6, 0.3, 0.3, 0.12, 0.9, 0.9},
	                                               {15e6, 0.1, 0.2, 0.05, 0.8, 0.7}};
	double least = INFINITY;
	struct calibration_power best = problem->power;
	uint32_t tried = 0;
	for (size_t i = 0; i < problem->count && tried < ROWS_MOST; i++) {
		problem->power.least_rows = rows_of(problem->pairs[i].sample);
		const bool is_prompt = problem->pairs[i].sample->prompts > 0;
		bool known = !is_prompt || problem->power.least_rows > LARGE_ROWS;
		for (size_t j = 0; j < i; j++)
			known |= problem->pairs[j].sample->prompts > 0 && rows_of(problem->pairs[j].sample) == problem->power.least_rows;
		if (known)
			continue;
		tried++;
		const double loss = search_from(problem, guesses[0], COUNT_OF(guesses), FAST_NUMBERS, least);
		if (loss < least) {
			least = loss;
			best = problem->power;
		}
	}
	problem->power = best;
}

static size_t count_long(const struct problem *problem)
{
	size_t count = 0;
	for (size_t i = 0; i < problem->count; i++)
		count += problem->pairs[i].sample->for_ns > 0;
	return count;
}

/* The fast budget with all cells; then, where there are enough of what follows seconds of work, what it leaves, and both together.
 * Returns the loss. */
static double choose_all(struct problem *problem)
{
	const struct calibration_budget *fast = &problem->power.fast, *slow = &problem->power.slow;
	double all[ALL_NUMBERS] = {(double)fast->half_life_ns, fast->from, fast->full - fast->from, fast->slowdown, problem->power.most,
	                           problem->power.pairs_load};
	const struct calibration_power first = problem->power;
	const double without = search_from(problem, all, 1, FAST_NUMBERS, INFINITY);
	const struct calibration_power fast_only = problem->power;
	if (count_long(problem) < LEAST_LONG)
		return without;
	const double most = first.most;
	const double guesses[][SLOW_NUMBERS] = {{300e6, 0.8 * most, 0.1 * most, 0.02}, {600e6, 0.5 * most, 0.3 * most, 0.04}};
	problem->power = first;
	search_from(problem, guesses[0], COUNT_OF(guesses), SLOW_NUMBERS, INFINITY);
	all[FAST_NUMBERS + HALF_LIFE] = (double)slow->half_life_ns;
	all[FAST_NUMBERS + FROM] = slow->from;
	all[FAST_NUMBERS + RAMP] = slow->full - slow->from;
	all[FAST_NUMBERS + SLOWDOWN] = slow->slowdown;
	const double with = search_from(problem, all, 1, ALL_NUMBERS, INFINITY);
	if (with < WORTH_SLOW * without && slow->from < problem->power.most)
		return with;
	problem->power = fast_only;
	return without;
}

void fit_power(struct fit *fit)
{
	const struct cost_model terms = cost_model_of(&fit->calibration);
	const struct power_limit none = {.least_rows = 0};
	const struct calibration_power no_power = {.least_rows = 1};
	struct pair *pairs = mem_alloc(fit->samples->count, sizeof(*pairs));
	struct problem problem = {.pairs = pairs, .count = find_pairs(fit->samples, &terms, pairs), .power = no_power};
	double without = 0;
	size_t prompts = 0;
	for (size_t i = 0; i < problem.count; i++) {
		prompts += pairs[i].sample->prompts > 0 && pairs[i].sample->for_ns == 0;
		without += loss(forecast_ns(&none, &pairs[i]) / pairs[i].sample->median_ns - 1) / (double)problem.count;
	}
	fit->power = (struct fit_power_errors){.count = problem.count};
	double least = INFINITY;
	if (prompts >= LEAST_CELLS) {
		problem.without_long = true;
		choose_fast(&problem);
		problem.without_long = false;
		least = choose_all(&problem);
	}
	if (!(least < WORTH_LOSS * without))
		problem.power = no_power;
	fit->calibration.power = problem.power;
	const struct power_limit limit = power_limit_of(&problem.power);
	for (size_t i = 0; i < problem.count; i++) {
		const double ns = pairs[i].sample->median_ns;
		fit->power.mean += fabs(forecast_ns(&limit, &pairs[i]) / ns - 1) / (double)problem.count;
		fit->power.mean_without += fabs(forecast_ns(&none, &pairs[i]) / ns - 1) / (double)problem.count;
	}
	free(pairs);
}

double fit_full_clock_ns(const struct calibration *calibration, const struct sample *sample, double ns)
{
	const struct cost_model model = cost_model_of(calibration);
	if (model.power.budgets[0].ppm == 0 || sample->prompts == 0)
		return ns;
	const struct power_shares shares = shares_of(&model, sample);
	return full_clock_ns(&model.power, &shares, rows_of(sample), ns);
}
