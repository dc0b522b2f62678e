#include "fit_inside.h"

#include "metrics.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Fewer steps or sizes do not hold so many coefficients down. */
#define LEAST_CELLS 30
#define LEAST_SIZES 4
/* With fewer steps of prompts and decodes, decodes are as dear beside prompts as alone. */
#define LEAST_BESIDE 24
/* What it costs to begin parts of keys and to put them together (attention_rounds.h). Before decodes beside prompts had a price
 * of their own, four calibrations of H200s had mean errors on held-out steps of 1.89, 1.86, 1.82 and 1.87 % with these, as with
 * 448 to 640 and 64 to 96 beside them; with 512 and 0 of 1.92, 1.90, 1.89 and 1.98. */
#define PART_COST_TOKENS 576
#define JOIN_COST_TOKENS 80
/* What a token costs by which a context is shorter than the longest, as a share of one that is there. No sample tells, as all
 * their decodes are as long; by the logged steps of 2 to 6 decodes under load it is 0.41 to 0.43 on three H200s (gpu/NOTES.md). */
#define UNEVEN_SHARE 0.42

const char *const fit_model_names[FIT_MODELS] = {"physical", "curves"};

static uint64_t repeated_tokens(const struct sample *s)
{
	return s->decodes > 0 ? (s->decodes - 1) * s->shared_tokens : 0;
}

static struct step_part *parts_of(const struct sample *s, uint32_t *count)
{
	*count = s->prompts + s->decodes;
	struct step_part *parts = mem_alloc(*count, sizeof(*parts));
	for (uint32_t i = 0; i < *count; i++)
		parts[i] = i < s->prompts ? (struct step_part){i, s->new_tokens, s->cached_tokens, false}
		                          : (struct step_part){i, 1, s->context_tokens, true};
	return parts;
}

struct cost_sizes fit_sizes(const struct sample *sample, const struct cost_model *model)
{
	uint32_t count;
	struct step_part *parts = parts_of(sample, &count);
	const struct step step = {.parts = parts, .count = count, .repeated_tokens = repeated_tokens(sample)};
	const struct cost_sizes sizes = cost_model_sizes(model, &step);
	free(parts);
	return sizes;
}

static struct fit_point point_of(const struct sample *sample, const struct calibration *calibration)
{
	const struct cost_model tiles = cost_model_of(&(struct calibration){
	        .row_tile_tokens = calibration->row_tile_tokens, .small_row_tile_tokens = calibration->small_row_tile_tokens,
	        .attention_tile_tokens = calibration->attention_tile_tokens, .distinct_free_64ths = calibration->distinct_free_64ths,
	        .attention = calibration->attention});
	const struct cost_sizes sizes = fit_sizes(sample, &tiles);
	struct fit_point point = {.ns = sample->median_ns, .has_prompt = sizes.has_prompt};
	for (int term = 0; term < TERM_COUNT; term++)
		point.x[term] = (double)sizes.x[term];
	return point;
}

void fit_points(struct fit_point *points, const struct sample *const *cells, size_t count, const struct calibration *calibration,
                bool beside)
{
	for (size_t i = 0; i < count; i++) {
		points[i] = point_of(cells[i], calibration);
		if (!beside) {
			points[i].x[TERM_DECODES] += points[i].x[TERM_BESIDE];
			points[i].x[TERM_BESIDE] = 0;
		}
	}
}

int64_t fit_predict(const struct calibration *calibration, const struct sample *sample)
{
	struct cost_model model = cost_model_of(calibration);
	uint32_t count;
	struct step_part *parts = parts_of(sample, &count);
	const struct step step = {.parts = parts, .count = count, .repeated_tokens = repeated_tokens(sample)};
	const int64_t ns = cost_model_backend.step_ns(&model, &step);
	free(parts);
	return ns;
}

void fit_bisquare(const double *residuals, double *weights, size_t count, double least_scale)
{
	double *sizes = mem_alloc(count, sizeof(*sizes));
	for (size_t i = 0; i < count; i++)
		sizes[i] = fabs(residuals[i]);
	gsl_sort(sizes, 1, count);
	const double scale = fmax(gsl_stats_median_from_sorted_data(sizes, 1, count) / 0.6745, least_scale);
	for (size_t i = 0; i < count; i++) {
		const double u = residuals[i] / (4.685 * scale);
		weights[i] = fabs(u) < 1 ? (1 - u * u) * (1 - u * u) : 0;
	}
	free(sizes);
}

static size_t distinct_sizes(const struct fit *fit, bool prompts)
{
	size_t distinct = 0;
	for (size_t i = 0; i < fit->cell_count; i++) {
		const struct sample *s = fit->cells[i].sample;
		bool seen = prompts ? s->prompts == 0 : s->prompts > 0;
		for (size_t j = 0; j < i && !seen; j++) {
			const struct sample *other = fit->cells[j].sample;
			seen = prompts ? other->prompts > 0 && other->new_tokens == s->new_tokens
			               : other->prompts == 0 && other->decodes == s->decodes && other->context_tokens == s->context_tokens;
		}
		distinct += !seen;
	}
	return distinct;
}

static int check_cells(const struct fit *fit, struct err *err)
{
	const char *name = fit->samples->name;
	const size_t prompts = distinct_sizes(fit, true), decodes = distinct_sizes(fit, false);
	if (fit->cell_count < LEAST_CELLS)
		return err_set(err, "%s: %zu steps were measured, but a fit needs at least %d.", name, fit->cell_count, LEAST_CELLS);
	if (prompts < LEAST_SIZES)
		return err_set(err, "%s: its prompts have %zu different numbers of new tokens, but a fit needs at least %d.", name, prompts,
		               LEAST_SIZES);
	if (decodes < LEAST_SIZES)
		return err_set(err, "%s: its steps without prompts have %zu different shapes, but a fit needs at least %d.", name, decodes,
		               LEAST_SIZES);
	return 0;
}

/* By what a token of the longest context costs on average where nothing is shared. */
static void set_uneven(struct calibration *calibration, const struct sample *const *cells, size_t count)
{
	double most = 1;
	for (size_t i = 0; i < count; i++)
		most = fmax(most, (double)cells[i]->decodes * (double)cells[i]->context_tokens);
	const double distinct = most * (64 - calibration->distinct_free_64ths);
	const double ns = calibration_curve_ns(&calibration->terms[TERM_CONTEXT], most) +
	                  calibration_curve_ns(&calibration->terms[TERM_DISTINCT], distinct);
	calibration->terms[TERM_UNEVEN] = (struct calibration_curve)CALIBRATION_LINE(UNEVEN_SHARE * ns / most);
}

static void fit_one(enum fit_model model, struct calibration *calibration, const struct sample *const *cells, size_t count,
                    struct fit_given given)
{
	(model == FIT_PHYSICAL ? fit_physical : fit_curves)(calibration, cells, count, given);
	set_uneven(calibration, cells, count);
	if (!given.beside)
		calibration->terms[TERM_BESIDE].count = 0;
}

bool fit_has_shared(const struct sample *const *cells, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (cells[i]->shared_tokens > 0 && cells[i]->decodes > 1)
			return true;
	}
	return false;
}

double fit_trimmed_square(double *values, size_t count)
{
	const size_t kept = count - count / 10;
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		values[i] *= values[i];
	gsl_sort(values, 1, count);
	for (size_t i = 0; i < kept; i++)
		sum += values[i];
	return sum / (double)kept;
}

static struct fit_given given_by(const struct fit *fit)
{
	size_t beside = 0;
	for (size_t i = 0; i < fit->cell_count; i++)
		beside += fit->cells[i].sample->prompts > 0 && fit->cells[i].sample->decodes > 0;
	return (struct fit_given){.row_tile_tokens = fit->samples->row_tile_tokens, .beside = beside >= LEAST_BESIDE};
}

static uint64_t rows_of(const struct sample *s)
{
	return (uint64_t)s->prompts * s->new_tokens + s->decodes;
}

/* Deals the cells into folds by their number of rows, which all go together: the steps to come have any number. */
static void deal(const struct fit *fit, size_t folds, gsl_rng *rng, size_t *dealt)
{
	size_t *of_size = mem_alloc(fit->cell_count, sizeof(*of_size)), sizes = 0;
	for (size_t i = 0; i < fit->cell_count; i++) {
		size_t j = 0;
		while (rows_of(fit->cells[j].sample) != rows_of(fit->cells[i].sample))
			j++;
		dealt[i] = j < i ? dealt[j] : sizes++;
	}
	for (size_t s = 0; s < sizes; s++)
		of_size[s] = s % folds;
	gsl_ran_shuffle(rng, of_size, sizes, sizeof(*of_size));
	for (size_t i = 0; i < fit->cell_count; i++)
		dealt[i] = of_size[dealt[i]];
	free(of_size);
}

static void cross_validate(struct fit *fit, const struct fit_options *options, gsl_rng *rng)
{
	const size_t count = fit->cell_count;
	size_t *dealt = mem_alloc(count, sizeof(*dealt));
	const struct sample **rest = mem_alloc(count, sizeof(*rest));
	deal(fit, options->folds, rng, dealt);
	for (size_t fold = 0; fold < options->folds; fold++) {
		struct calibration calibration = {.power = fit->calibration.power, .attention = fit->calibration.attention};
		size_t rest_count = 0;
		for (size_t i = 0; i < count; i++) {
			if (dealt[i] != fold)
				rest[rest_count++] = &fit->full_clock[i];
		}
		/* The physical model comes first: the curves take its tiles. */
		for (int model = 0; model < FIT_MODELS; model++) {
			fit_one((enum fit_model)model, &calibration, rest, rest_count, given_by(fit));
			for (size_t i = 0; i < count; i++) {
				if (dealt[i] == fold)
					fit->cells[i].held_out_ns[model] = fit_predict(&calibration, fit->cells[i].sample);
			}
		}
	}
	free(dealt);
	free(rest);
}

static struct fit_errors errors_of(const struct fit *fit, enum fit_model model)
{
	struct fit_errors errors = {.worst = -1};
	double *all = mem_alloc(fit->cell_count, sizeof(*all));
	for (size_t i = 0; i < fit->cell_count; i++) {
		const struct fit_cell *cell = &fit->cells[i];
		all[i] = fabs((double)cell->held_out_ns[model] / cell->sample->median_ns - 1);
		if (all[i] > errors.worst) {
			errors.worst = all[i];
			errors.worst_cell = cell->sample;
		}
	}
	const struct distribution distribution = metrics_distribution(all, fit->cell_count);
	errors.mean = distribution.mean;
	errors.p90 = distribution.p90;
	free(all);
	return errors;
}

static void bootstrap(struct fit *fit, const struct fit_options *options, gsl_rng *rng)
{
	const size_t count = fit->cell_count, times = options->bootstraps;
	const struct sample **drawn = mem_alloc(count, sizeof(*drawn));
	double *predicted = mem_alloc(count * times, sizeof(*predicted));
	for (size_t b = 0; b < times; b++) {
		struct calibration calibration = fit->calibration;
		for (size_t i = 0; i < count; i++)
			drawn[i] = &fit->full_clock[gsl_rng_uniform_int(rng, count)];
		fit_one(fit->chosen, &calibration, drawn, count, (struct fit_given){.shape = true, .beside = given_by(fit).beside});
		for (size_t i = 0; i < count; i++)
			predicted[i * times + b] = (double)fit_predict(&calibration, fit->cells[i].sample);
	}
	for (size_t i = 0; i < count; i++) {
		gsl_sort(predicted + i * times, 1, times);
		fit->cells[i].low_ns = gsl_stats_quantile_from_sorted_data(predicted + i * times, 1, times, 0.05);
		fit->cells[i].high_ns = gsl_stats_quantile_from_sorted_data(predicted + i * times, 1, times, 0.95);
	}
	free(drawn);
	free(predicted);
}

static void set_costs(struct attention_rounds *rounds)
{
	rounds->part_cost_tokens = PART_COST_TOKENS;
	rounds->join_cost_tokens = JOIN_COST_TOKENS;
}

static int fit_all(struct fit *fit, const struct fit_options *options, struct err *err)
{
	const struct sample **all = mem_alloc(fit->cell_count, sizeof(*all));
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(rng, options->seed);
	fit->calibration.attention = fit->samples->attention;
	if (fit->samples->attention.blocks_at_once)
		set_costs(&fit->calibration.attention);
	for (size_t i = 0; i < fit->cell_count; i++)
		all[i] = fit->cells[i].sample;
	fit_one(FIT_PHYSICAL, &fit->calibration, all, fit->cell_count, given_by(fit)); /* loads need no better model than this */
	fit_power(fit);
	fit->full_clock = mem_alloc(fit->cell_count, sizeof(*fit->full_clock));
	for (size_t i = 0; i < fit->cell_count; i++) {
		all[i] = &fit->full_clock[i];
		fit->full_clock[i] = *fit->cells[i].sample;
		fit->full_clock[i].median_ns = fit_full_clock_ns(&fit->calibration, fit->cells[i].sample, fit->cells[i].sample->median_ns);
	}
	fit->calibration = (struct calibration){.power = fit->calibration.power, .attention = fit->calibration.attention};
	cross_validate(fit, options, rng);
	for (int model = 0; model < FIT_MODELS; model++)
		fit->held_out[model] = errors_of(fit, (enum fit_model)model);
	fit->chosen = fit->held_out[FIT_CURVES].mean < fit->held_out[FIT_PHYSICAL].mean ? FIT_CURVES : FIT_PHYSICAL;
	for (int model = 0; model <= (int)fit->chosen; model++)
		fit_one((enum fit_model)model, &fit->calibration, all, fit->cell_count, given_by(fit));
	for (size_t i = 0; i < fit->cell_count; i++)
		fit->cells[i].fitted_ns = fit_predict(&fit->calibration, fit->cells[i].sample);
	bootstrap(fit, options, rng);
	gsl_rng_free(rng);
	free(all);
	return fit_transfers(fit, err);
}

int fit_run(struct fit *fit, const struct samples *samples, const struct fit_options *options, struct err *err)
{
	*fit = (struct fit){.samples = samples, .cells = mem_alloc(samples->count, sizeof(*fit->cells))};
	for (size_t i = 0; i < samples->count; i++) {
		if (samples->samples[i].kind == SAMPLE_STEP && samples->samples[i].rounds == 0)
			fit->cells[fit->cell_count++].sample = &samples->samples[i];
	}
	gsl_error_handler_t *handler = gsl_set_error_handler_off(); /* what does not converge shows in the errors held out */
	const int failed = check_cells(fit, err) < 0 || fit_all(fit, options, err) < 0;
	gsl_set_error_handler(handler);
	if (failed)
		fit_free(fit);
	return failed ? -1 : 0;
}

void fit_free(struct fit *fit)
{
	free(fit->cells);
	free(fit->full_clock);
	fit->cells = NULL;
	fit->full_clock = NULL;
}
