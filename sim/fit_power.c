/* fit_power.c - what hard work before a step does to it (fit.h). */
#include "fit_inside.h"

#include <gsl/gsl_multimin.h>
#include <math.h>
#include <stdlib.h>

#define LEAST_CELLS 10   /* of five numbers, twice as many */
#define WORTH_LOSS   0.5  /* of the loss without: more is not worth a model */
#define ITERATIONS  1500
#define DEPTH       40   /* halvings of a time */
#define USUAL_ERROR 0.01 /* of a step: larger ones count by their size, no longer by its square, as one step of three may meet a neighbour */
#define ROUNDS      4    /* of weighing */

enum { FROM, RAMP, MOST, REST, SLOWDOWN, NUMBERS };

/* A step after hard work, and how long it takes after a rest. */
struct pair {
	const struct sample *sample;
	double rested_ns;
};

struct problem {
	const struct pair *pairs;
	size_t count;
	uint32_t least_rows;
};

static uint32_t rows_of(const struct sample *s)
{
	return s->prompts * s->new_tokens + s->decodes;
}

/* cost_model_slowdown_ns in real numbers: times here are tried, not kept. */
static double slowed_ns(const struct calibration_power *power, double work_ns)
{
	const double from_ns = (double)power->from_ns, full_ns = (double)power->full_ns;
	if (work_ns <= from_ns)
		return 0;
	if (work_ns <= full_ns)
		return (work_ns - from_ns) * (work_ns - from_ns) / (2 * (full_ns - from_ns));
	return (full_ns - from_ns) / 2 + work_ns - full_ns;
}

static double took_ns(const struct calibration_power *power, double before_ns, double work_ns)
{
	return work_ns + power->slowdown * (slowed_ns(power, before_ns + work_ns) - slowed_ns(power, before_ns));
}

/* The work at full clock that takes `ns` after `before_ns` of hard work. */
static double work_ns(const struct calibration_power *power, double before_ns, double ns)
{
	double least = ns / (1 + power->slowdown), most = ns;
	for (int i = 0; i < DEPTH; i++) {
		const double middle = (least + most) / 2;
		*(took_ns(power, before_ns, middle) < ns ? &least : &most) = middle;
	}
	return (least + most) / 2;
}

/* The hard work that has come together after a sample's rounds. */
static double history_ns(const struct calibration_power *power, const struct sample *s)
{
	double before_ns = 0;
	for (uint32_t round = 0; round < s->rounds; round++) {
		before_ns = fmin((double)power->most_ns, before_ns + work_ns(power, before_ns, s->work_ns));
		before_ns = fmax(0, before_ns - power->rest_rate * s->rest_ns);
	}
	return before_ns;
}

static bool is_hard(const struct calibration_power *power, const struct sample *s)
{
	return s->prompts > 0 && rows_of(s) >= power->least_rows;
}

/* By how much of light_slowdown light work is slowed down. */
static double light_share(const struct calibration_power *power, const struct pair *pair)
{
	const double left_ns = history_ns(power, pair->sample) - power->rest_rate * pair->rested_ns / 2, from_ns = (double)power->from_ns;
	return fmin(1, fmax(0, (left_ns - from_ns) / ((double)power->full_ns - from_ns)));
}

static double forecast_ns(const struct calibration_power *power, const struct pair *pair)
{
	if (!is_hard(power, pair->sample))
		return pair->rested_ns * (1 + power->light_slowdown * light_share(power, pair));
	return took_ns(power, history_ns(power, pair->sample), work_ns(power, 0, pair->rested_ns));
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

/* The light_slowdown with the least loss, the rest of `power` given. */
static double best_light(const struct problem *problem, const struct calibration_power *power)
{
	double light = 0;
	for (int round = 0; round < ROUNDS; round++) {
		double product = 0, squares = 0;
		for (size_t i = 0; i < problem->count; i++) {
			const struct pair *pair = &problem->pairs[i];
			if (is_hard(power, pair->sample))
				continue;
			const double took_ns = pair->sample->median_ns, gain = pair->rested_ns * light_share(power, pair) / took_ns;
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
	const double most = CALIBRATION_NS_MOST / 2;
	struct calibration_power power = {
	        .from_ns = (int64_t)fmin(numbers[FROM], most),
	        .full_ns = (int64_t)fmin(numbers[FROM], most) + (int64_t)fmin(1 + numbers[RAMP], most),
	        .most_ns = (int64_t)fmin(numbers[MOST], most),
	        .rest_rate = fmin(numbers[REST], CALIBRATION_SHARE_MOST),
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
	double sum = 0;
	for (size_t i = 0; i < problem->count; i++)
		sum += loss(forecast_ns(&power, &problem->pairs[i]) / problem->pairs[i].sample->median_ns - 1);
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

static size_t find_pairs(const struct samples *samples, struct pair *pairs)
{
	size_t count = 0;
	for (size_t i = 0; i < samples->count; i++) {
		const struct sample *s = &samples->samples[i], *twin;
		if (s->kind == SAMPLE_STEP && s->rounds > 0 && (twin = rested_twin(samples, s)))
			pairs[count++] = (struct pair){s, twin->median_ns};
	}
	return count;
}

/* Each number of rows is tried as the least of hard work, from several guesses: the landscape has ledges. */
static double choose(struct problem *problem, struct calibration_power *power)
{
	static const double guesses[][NUMBERS] = {{12e6, 75e6, 85e6, 1.7, 0.12}, {35e6, 40e6, 80e6, 1.5, 0.13}, {2e6, 10e6, 20e6, 1, 0.05}};
	double least = INFINITY;
	gsl_vector *logs = gsl_vector_alloc(NUMBERS);
	for (size_t i = 0; i < problem->count; i++) {
		problem->least_rows = rows_of(problem->pairs[i].sample);
		const bool is_prompt = problem->pairs[i].sample->prompts > 0;
		bool known = !is_prompt || problem->least_rows > SAMPLES_WORK_TOKENS; /* then what came before was none */
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
	struct pair *pairs = mem_alloc(fit->samples->count, sizeof(*pairs));
	struct problem problem = {.pairs = pairs, .count = find_pairs(fit->samples, pairs)};
	struct calibration_power power = {.least_rows = 1}, none = {.full_ns = 1, .least_rows = UINT32_MAX};
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
	if (power.slowdown == 0)
		power = none;
	for (size_t i = 0; i < problem.count; i++) {
		const double ns = pairs[i].sample->median_ns;
		fit->power.mean += fabs(forecast_ns(&power, &pairs[i]) / ns - 1) / (double)problem.count;
		fit->power.mean_without += fabs(forecast_ns(&none, &pairs[i]) / ns - 1) / (double)problem.count;
	}
	free(pairs);
}

double fit_full_clock_ns(const struct calibration *calibration, const struct sample *sample, double ns)
{
	const struct calibration_power *power = &calibration->power;
	if (power->slowdown == 0 || !is_hard(power, sample))
		return ns;
	return work_ns(power, 0, ns);
}
