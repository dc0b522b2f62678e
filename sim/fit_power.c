/* fit_power.c - what work before a step does to it (fit.h). */
#include "fit_inside.h"

#include "cost_model.h"

#include <gsl/gsl_multimin.h>
#include <math.h>
#include <stdlib.h>

#define LEAST_CELLS 10   /* of six numbers, nearly twice as many */
#define WORTH_LOSS   0.5  /* of the loss without: more is not worth a model */
#define ITERATIONS  1500
#define FULL_ROUNDS 8    /* from a measured time to what it is at full clock */
#define USUAL_ERROR 0.01 /* of a step: larger ones count by their size, no longer by its square, as one step of three may meet a neighbour */
#define ROUNDS      4    /* of weighing */

enum { HALF_LIFE, FROM, RAMP, MOST, SLOWDOWN, PAIRS, NUMBERS };

/* A step after work, how long it takes after a rest, and what both are made of. */
struct pair {
	const struct sample *sample;
	double rested_ns;
	struct cost_shares shares, work;
};

struct problem {
	struct pair *pairs;
	size_t count;
	uint32_t least_rows;
};

static uint32_t rows_of(const struct sample *s)
{
	return s->prompts * s->new_tokens + s->decodes;
}

static struct cost_model model_of(const struct calibration_power *power)
{
	return cost_model_of(&(struct calibration){.power = *power});
}

/* The time at full clock of a step with prompts that takes `ns` after a rest. */
static double full_clock_ns(const struct cost_model *model, const struct cost_shares *shares, uint32_t rows, double ns)
{
	double work_ns = ns;
	for (int round = 0; round < FULL_ROUNDS; round++)
		work_ns *= ns / (double)cost_model_slowed_ns(model, 0, cost_model_load(model, shares), rows, llround(work_ns));
	return work_ns;
}

/* The level that a pair's rounds leave behind. */
static uint64_t level_before(const struct cost_model *model, const struct pair *pair)
{
	const struct sample *s = pair->sample;
	const uint64_t load = cost_model_load(model, &pair->work);
	uint64_t level = 0;
	for (uint32_t round = 0; round < s->rounds; round++) {
		level = cost_model_level_after(model, level, load, (uint64_t)s->work_ns);
		level = cost_model_level_after(model, level, 0, (uint64_t)(s->rest_ns + s->idle_ns));
	}
	return level;
}

static double prompt_ns(const struct cost_model *model, const struct pair *pair)
{
	const uint32_t rows = rows_of(pair->sample);
	const double work_ns = full_clock_ns(model, &pair->shares, rows, pair->rested_ns);
	return (double)cost_model_slowed_ns(model, level_before(model, pair), cost_model_load(model, &pair->shares), rows, llround(work_ns));
}

/* By how much of light_slowdown a step that decodes is slowed down. */
static double light_share(const struct cost_model *model, const struct pair *pair)
{
	const uint64_t level = cost_model_level_after(model, level_before(model, pair), 0, (uint64_t)(pair->rested_ns / 2));
	return cost_model_ramp(model, level);
}

static double forecast_ns(const struct cost_model *model, const struct pair *pair)
{
	if (model->slowdown_ppm == 0)
		return pair->rested_ns;
	if (pair->sample->prompts > 0)
		return prompt_ns(model, pair);
	return pair->rested_ns * (1 + (double)model->light_ppm / 1e6 * light_share(model, pair));
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
	const struct cost_model model = model_of(power);
	double light = 0;
	for (int round = 0; round < ROUNDS; round++) {
		double product = 0, squares = 0;
		for (size_t i = 0; i < problem->count; i++) {
			const struct pair *pair = &problem->pairs[i];
			if (pair->sample->prompts > 0)
				continue;
			const double took_ns = pair->sample->median_ns, gain = pair->rested_ns * light_share(&model, pair) / took_ns;
			const double lacking = 1 - pair->rested_ns / took_ns, weighed = weight(lacking - light * gain);
			product += weighed * gain * lacking;
			squares += weighed * gain * gain;
		}
		light = squares > 0 ? fmin(fmax(0, product / squares), CALIBRATION_SHARE_MOST) : 0;
	}
	return light;
}

static struct calibration_power power_of(const struct problem *problem, const gsl_vector *logs)
{
	double numbers[NUMBERS];
	for (size_t i = 0; i < NUMBERS; i++)
		numbers[i] = exp(gsl_vector_get(logs, i));
	const double full = fmin(numbers[FROM] + numbers[RAMP], 1);
	struct calibration_power power = {
	        .half_life_ns = (int64_t)fmin(1 + numbers[HALF_LIFE], CALIBRATION_NS_MOST),
	        .from = fmax(0, fmin(numbers[FROM], full - CALIBRATION_RAMP_LEAST)),
	        .full = full,
	        .most = fmin(numbers[MOST], 1),
	        .pairs_load = fmin(numbers[PAIRS], 1),
	        .slowdown = fmin(numbers[SLOWDOWN], CALIBRATION_SHARE_MOST),
	        .least_rows = problem->least_rows,
	};
	power.light_slowdown = best_light(problem, &power);
	return power;
}

static double mean_loss(const gsl_vector *logs, void *context)
{
	const struct problem *problem = context;
	const struct calibration_power power = power_of(problem, logs);
	const struct cost_model model = model_of(&power);
	double sum = 0;
	for (size_t i = 0; i < problem->count; i++)
		sum += loss(forecast_ns(&model, &problem->pairs[i]) / problem->pairs[i].sample->median_ns - 1);
	return sum / (double)problem->count;
}

/* From `logs`, which it leaves at the best. Returns the mean loss there. */
static double search(struct problem *problem, gsl_vector *logs)
{
	gsl_multimin_function function = {.f = mean_loss, .n = NUMBERS, .params = problem};
	gsl_multimin_fminimizer *minimizer = gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, NUMBERS);
	gsl_vector *steps = gsl_vector_alloc(NUMBERS);
	gsl_vector_set_all(steps, 0.3);
	gsl_multimin_fminimizer_set(minimizer, &function, logs, steps);
	for (int i = 0; i < ITERATIONS && gsl_multimin_fminimizer_iterate(minimizer) == 0; i++) {
		if (gsl_multimin_test_size(gsl_multimin_fminimizer_size(minimizer), 1e-4) == GSL_SUCCESS)
			break;
	}
	const double least = minimizer->fval;
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

static struct cost_shares shares_of(const struct cost_model *terms, const struct sample *s)
{
	uint32_t count;
	struct step_part *parts = fit_parts(s, &count);
	const struct cost_sizes sizes = cost_model_sizes(terms, &(struct step){.parts = parts, .count = count});
	free(parts);
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
		pairs[count++] = (struct pair){s, twin->median_ns, shares_of(terms, s), shares_of(terms, &work)};
	}
	return count;
}

/* Each number of rows is tried as the least of hard work, from several guesses: the landscape has ledges. */
static double choose(struct problem *problem, struct calibration_power *power)
{
	static const double guesses[][NUMBERS] = {{40e6, 0.15, 0.3, 0.5, 0.15, 0.4}, {60e6, 0.3, 0.3, 0.9, 0.12, 0.9}, {15e6, 0.1, 0.2, 0.8, 0.05, 0.7}};
	double least = INFINITY;
	gsl_vector *logs = gsl_vector_alloc(NUMBERS);
	for (size_t i = 0; i < problem->count; i++) {
		problem->least_rows = rows_of(problem->pairs[i].sample);
		const bool is_prompt = problem->pairs[i].sample->prompts > 0;
		bool known = !is_prompt || problem->least_rows > SAMPLES_WORK_TOKENS; /* then most of what came before was none */
		for (size_t j = 0; j < i; j++)
			known |= problem->pairs[j].sample->prompts > 0 && rows_of(problem->pairs[j].sample) == problem->least_rows;
		for (size_t g = 0; g < COUNT_OF(guesses) && !known; g++) {
			for (size_t n = 0; n < NUMBERS; n++)
				gsl_vector_set(logs, n, log(guesses[g][n]));
			const double error = search(problem, logs);
			if (error < least) {
				least = error;
				*power = power_of(problem, logs);
			}
		}
	}
	gsl_vector_free(logs);
	return least;
}

void fit_power(struct fit *fit)
{
	const struct cost_model terms = cost_model_of(&fit->calibration), none = {.slowdown_ppm = 0};
	struct pair *pairs = mem_alloc(fit->samples->count, sizeof(*pairs));
	struct problem problem = {.pairs = pairs, .count = find_pairs(fit->samples, &terms, pairs)};
	struct calibration_power power = {.least_rows = 1};
	double without = 0;
	size_t prompts = 0;
	for (size_t i = 0; i < problem.count; i++) {
		prompts += pairs[i].sample->prompts > 0;
		without += loss(forecast_ns(&none, &pairs[i]) / pairs[i].sample->median_ns - 1) / (double)problem.count;
	}
	fit->power = (struct fit_power_errors){.count = problem.count};
	if (prompts < LEAST_CELLS || !(choose(&problem, &power) < WORTH_LOSS * without))
		power = (struct calibration_power){.least_rows = 1};
	fit->calibration.power = power;
	const struct cost_model model = model_of(&power);
	for (size_t i = 0; i < problem.count; i++) {
		const double ns = pairs[i].sample->median_ns;
		fit->power.mean += fabs(forecast_ns(&model, &pairs[i]) / ns - 1) / (double)problem.count;
		fit->power.mean_without += fabs(forecast_ns(&none, &pairs[i]) / ns - 1) / (double)problem.count;
	}
	free(pairs);
}

double fit_full_clock_ns(const struct calibration *calibration, const struct sample *sample, double ns)
{
	const struct cost_model model = cost_model_of(calibration);
	if (model.slowdown_ppm == 0 || sample->prompts == 0)
		return ns;
	const struct cost_shares shares = shares_of(&model, sample);
	return full_clock_ns(&model, &shares, rows_of(sample), ns);
}
