#include "tune_search.h"

#include "tune_spec.h"

#include <gsl/gsl_multimin.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_siman.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_STEP 0.25
#define SMALLEST_STEP 1e-3
/* What a set of parameters that cannot be is worth, or one for which no run is left. */
#define IMPOSSIBLE 1e60
/* Annealing: how much worse, in parts of the first worth, is taken one time in e, first and last; and the first steps. */
#define HOT 0.05
#define COLD 0.0005
#define STEP 0.2
#define TRIES_A_TEMPERATURE 4

struct under_way {
	const struct tune *tune;
	struct tune_search *search;
	uint32_t requests, most_runs;
	double scale; /* annealing: of worths, the first one's; 0 before it */
};

static bool has_runs(const struct under_way *way)
{
	return way->search->runs < way->most_runs;
}

/* What the search makes small. */
static double try_places(struct under_way *way, const double *places)
{
	const struct tune *tune = way->tune;
	struct tune_search *search = way->search;
	struct tune_trial trial = {.places = {0}};
	char evict[TUNE_SPEC_MOST], ttl[TUNE_SPEC_MOST];
	if (!has_runs(way))
		return IMPOSSIBLE;
	memcpy(trial.places, places, tune->parameter_count * sizeof(*places));
	tune_spec_write(tune, true, trial.places, evict, sizeof(evict));
	tune_spec_write(tune, false, trial.places, ttl, sizeof(ttl));
	search->runs++;
	if (tune_measure_run(tune, evict, ttl, way->requests, 0, &trial.measured, &search->refusal) < 0)
		return IMPOSSIBLE;
	search->trials[search->count++] = trial;
	return tune_worth(tune, &trial.measured);
}

static double try_vector(const gsl_vector *at, void *context)
{
	struct under_way *way = context;
	double places[TUNE_PARAMETERS_MOST];
	for (size_t i = 0; i < way->tune->parameter_count; i++)
		places[i] = gsl_vector_get(at, i);
	return try_places(way, places);
}

/* One simplex, until it is small. */
static bool simplex(struct under_way *way, gsl_rng *rng, const double *start)
{
	const size_t count = way->tune->parameter_count;
	gsl_multimin_function function = {try_vector, count, way};
	gsl_multimin_fminimizer *minimizer = gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, count);
	gsl_vector *at = gsl_vector_alloc(count), *steps = gsl_vector_alloc(count);
	(void)rng;
	for (size_t i = 0; i < count; i++) {
		gsl_vector_set(at, i, start[i]);
		/* Inwards, so that the first simplex lies within the ranges. */
		gsl_vector_set(steps, i, start[i] > 0.5 ? -FIRST_STEP : FIRST_STEP);
	}
	const bool can = gsl_multimin_fminimizer_set(minimizer, &function, at, steps) == 0;
	while (can && has_runs(way) && gsl_multimin_fminimizer_iterate(minimizer) == 0 &&
	       gsl_multimin_fminimizer_size(minimizer) > SMALLEST_STEP)
		continue;
	gsl_vector_free(at);
	gsl_vector_free(steps);
	gsl_multimin_fminimizer_free(minimizer);
	return can;
}

/* GSL copies these, and hands on nothing else. */
struct place {
	struct under_way *way;
	double at[TUNE_PARAMETERS_MOST];
};

static double energy(void *of)
{
	struct place *place = of;
	const double worth = try_places(place->way, place->at);
	if (place->way->scale == 0)
		place->way->scale = worth == 0 ? 1 : fabs(worth);
	return worth / place->way->scale;
}

static void step(const gsl_rng *rng, void *of, double size)
{
	struct place *place = of;
	size *= 1 - (double)place->way->search->runs / place->way->most_runs;
	for (size_t i = 0; i < place->way->tune->parameter_count; i++) {
		double at = place->at[i] + gsl_ran_gaussian(rng, size);
		/* Back from the ends of the range. */
		at = at < 0 ? -at : at > 1 ? 2 - at : at;
		place->at[i] = fmin(1, fmax(0, at));
	}
}

static double apart(void *a, void *b)
{
	(void)a;
	(void)b;
	return 0;
}

/* From the first temperature to the last with all the runs that are left. */
static bool anneal(struct under_way *way, gsl_rng *rng, const double *start)
{
	struct place place = {.way = way};
	memcpy(place.at, start, sizeof(place.at));
	way->scale = 0;
	const double temperatures = ceil((double)(way->most_runs - way->search->runs) / TRIES_A_TEMPERATURE);
	const gsl_siman_params_t params = {
	        .iters_fixed_T = TRIES_A_TEMPERATURE,
	        .step_size = STEP,
	        .k = 1,
	        .t_initial = HOT,
	        .mu_t = pow(HOT / COLD, 1 / temperatures),
	        .t_min = COLD,
	};
	gsl_siman_solve(rng, &place, energy, step, apart, NULL, NULL, NULL, NULL, sizeof(place), params);
	return true;
}

void tune_search_make(const struct tune *tune, uint32_t which, uint32_t requests, struct tune_search *search)
{
	struct under_way way = {tune, search, requests, tune->runs / TUNE_STARTS + (which < tune->runs % TUNE_STARTS), 0};
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(rng, (unsigned long)(tune->seed * TUNE_STARTS + which));
	*search = (struct tune_search){.trials = mem_alloc(way.most_runs, sizeof(*search->trials))};
	bool first = which == 0, can = true;
	while (can && has_runs(&way)) {
		double start[TUNE_PARAMETERS_MOST] = {0};
		for (size_t i = 0; i < tune->parameter_count; i++)
			start[i] = first ? tune_spec_place(&tune->parameters[i], tune->parameters[i].given) : gsl_rng_uniform(rng);
		can = (tune->anneals ? anneal : simplex)(&way, rng, start);
		first = false;
	}
	gsl_rng_free(rng);
}

void tune_search_free(struct tune_search *search)
{
	free(search->trials);
}

const struct tune_trial *tune_search_best(const struct tune *tune, const struct tune_search *search)
{
	const struct tune_trial *best = NULL;
	for (uint32_t i = 0; i < search->count; i++) {
		const struct tune_trial *trial = &search->trials[i];
		if (!best || tune_worth(tune, &trial->measured) < tune_worth(tune, &best->measured))
			best = trial;
	}
	return best;
}

/* RUNS TRIALS, then a trial's numbers, and so on, then a line with the refusal. */
char *tune_search_text(const struct tune_search *search)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	if (!to)
		panic_memory(BUFSIZ, __FILE__, __LINE__);
	fprintf(to, "%u %u", search->runs, search->count);
	for (uint32_t i = 0; i < search->count; i++) {
		for (size_t p = 0; p < TUNE_PARAMETERS_MOST; p++)
			fprintf(to, " %a", search->trials[i].places[p]);
		for (size_t m = 0; m < TUNE_METRICS; m++)
			fprintf(to, " %a", search->trials[i].measured.values[m]);
	}
	fprintf(to, "\n%s", search->refusal.text);
	if (fclose(to) != 0)
		panic_memory(size, __FILE__, __LINE__);
	return text;
}

void tune_search_read(struct tune_search *search, const char *text)
{
	char *at;
	*search = (struct tune_search){.runs = (uint32_t)strtoul(text, &at, 10)};
	search->count = (uint32_t)strtoul(at, &at, 10);
	search->trials = mem_alloc(search->count, sizeof(*search->trials));
	for (uint32_t i = 0; i < search->count; i++) {
		for (size_t p = 0; p < TUNE_PARAMETERS_MOST; p++)
			search->trials[i].places[p] = strtod(at, &at);
		for (size_t m = 0; m < TUNE_METRICS; m++)
			search->trials[i].measured.values[m] = strtod(at, &at);
	}
	if (*at == '\n')
		snprintf(search->refusal.text, sizeof(search->refusal.text), "%s", at + 1);
}
