/* fit_physical.c - the formula with straight lines (fit.h). */
#include "fit_inside.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <stdlib.h>

/* The coefficients: two fixed parts, the weights, then the terms. */
enum { PROMPT_STEP, DECODE_STEP, WEIGHTS, FIRST_TERM, COEFFICIENTS = FIRST_TERM + TERM_COUNT };

static const uint32_t sharpnesses[] = {1, 2, 4, 8, 16}, row_tiles[] = {1, 64, 128, 256};
/* Tokens whose queries fill a tile of 64 or 128, for 1 to 8 queries a key head. */
static const uint32_t attention_tiles[] = {1, 16, 21, 32, 42, 64, 128}, free_64ths[] = {8, 16, 20, 24, 28, 32, 40};
#define LISTED (COUNT_OF(sharpnesses) + COUNT_OF(row_tiles) + COUNT_OF(attention_tiles) + COUNT_OF(free_64ths))

struct problem {
	struct fit_point *points;
	size_t count;
	uint32_t sharpness; /* a power of two */
	double scale[COEFFICIENTS]; /* a coefficient is scale x root^2 */
};

/* What each coefficient is multiplied with, where the smooth max does not come between. */
static double factor(const struct fit_point *point, int coefficient)
{
	if (coefficient >= FIRST_TERM)
		return point->x[coefficient - FIRST_TERM];
	return coefficient == PROMPT_STEP ? point->has_prompt : coefficient == DECODE_STEP ? !point->has_prompt : 1;
}

static bool in_smooth_max(int coefficient)
{
	return coefficient == WEIGHTS || coefficient == FIRST_TERM + TERM_ROWS || coefficient == FIRST_TERM + TERM_ROW_TILES;
}

/* x^s */
static double power_of(double x, uint32_t s)
{
	for (; s > 1; s /= 2)
		x *= x;
	return x;
}

/* smooth max(weights, arithmetic), and its derivatives by both: (a / max)^(s - 1). */
static double smooth_max(double weights, double arithmetic, uint32_t s, double *by_weights, double *by_arithmetic)
{
	const double most = fmax(fmax(weights, arithmetic), 1e-9), w = weights / most, a = arithmetic / most;
	const double w_power = power_of(w, s), a_power = power_of(a, s), sum = w_power + a_power;
	double root = sum;
	for (uint32_t left = s; left > 1; left /= 2)
		root = sqrt(root);
	*by_weights = s == 1 ? 1 : w > 0 ? w_power / sum * root / w : 0;
	*by_arithmetic = s == 1 ? 1 : a > 0 ? a_power / sum * root / a : 0;
	return most * root;
}

/* The step's ns, and its derivative by each coefficient. */
static double evaluate(const struct problem *problem, const double *coefficients, const struct fit_point *point, double *slopes)
{
	double by_weights, by_arithmetic;
	const double arithmetic = coefficients[FIRST_TERM + TERM_ROWS] * point->x[TERM_ROWS] +
	                          coefficients[FIRST_TERM + TERM_ROW_TILES] * point->x[TERM_ROW_TILES];
	double ns = smooth_max(coefficients[WEIGHTS], arithmetic, problem->sharpness, &by_weights, &by_arithmetic);
	for (int c = 0; c < COEFFICIENTS; c++) {
		slopes[c] = factor(point, c);
		if (in_smooth_max(c))
			slopes[c] *= c == WEIGHTS ? by_weights : by_arithmetic;
		else
			ns += coefficients[c] * slopes[c];
	}
	return ns;
}

static void coefficients_of(const struct problem *problem, const gsl_vector *roots, double *coefficients)
{
	for (size_t c = 0; c < COEFFICIENTS; c++)
		coefficients[c] = problem->scale[c] * gsl_vector_get(roots, c) * gsl_vector_get(roots, c);
}

static int residuals(const gsl_vector *roots, void *context, gsl_vector *f)
{
	const struct problem *problem = context;
	double coefficients[COEFFICIENTS], slopes[COEFFICIENTS];
	coefficients_of(problem, roots, coefficients);
	gsl_vector_set_zero(f);
	for (size_t i = 0; i < problem->count; i++)
		gsl_vector_set(f, i, evaluate(problem, coefficients, &problem->points[i], slopes) / problem->points[i].ns - 1);
	return GSL_SUCCESS;
}

static int jacobian(const gsl_vector *roots, void *context, gsl_matrix *j)
{
	const struct problem *problem = context;
	double coefficients[COEFFICIENTS], slopes[COEFFICIENTS];
	coefficients_of(problem, roots, coefficients);
	gsl_matrix_set_zero(j);
	for (size_t i = 0; i < problem->count; i++) {
		evaluate(problem, coefficients, &problem->points[i], slopes);
		for (size_t c = 0; c < COEFFICIENTS; c++)
			gsl_matrix_set(j, i, c, slopes[c] * 2 * problem->scale[c] * gsl_vector_get(roots, c) / problem->points[i].ns);
	}
	return GSL_SUCCESS;
}

/* Each coefficient at a share of the least that a step's time leaves for it. */
static void first_guess(struct problem *problem, uint32_t tile_tokens, bool has_shared)
{
	for (int c = 0; c < COEFFICIENTS; c++) {
		double most = INFINITY;
		for (size_t i = 0; i < problem->count; i++) {
			const double x = factor(&problem->points[i], c);
			if (x > 0)
				most = fmin(most, problem->points[i].ns / x);
		}
		/* Tiles of one token are rows once more, and where nothing is shared all context is distinct. */
		const bool is_double = (c == FIRST_TERM + TERM_ROW_TILES && tile_tokens == 1) || (c == FIRST_TERM + TERM_DISTINCT && !has_shared);
		problem->scale[c] = isfinite(most) && !is_double ? most : 0;
	}
}

static double share_of(int coefficient)
{
	return coefficient == WEIGHTS || coefficient == FIRST_TERM + TERM_ROWS ? 0.6 : 0.2;
}

static void set_calibration(struct calibration *calibration, const double *coefficients)
{
	calibration->prompt_step_ns = coefficients[PROMPT_STEP];
	calibration->decode_step_ns = coefficients[DECODE_STEP];
	calibration->weights_ns = coefficients[WEIGHTS];
	for (int term = 0; term < TERM_COUNT; term++)
		calibration->terms[term] = (struct calibration_curve)CALIBRATION_LINE(coefficients[FIRST_TERM + term]);
}

/* Fits with the tiles and the sharpness that `calibration` has. Returns what is left of the residuals, outliers apart. */
static double fit_shape(struct calibration *calibration, const struct sample *const *cells, size_t count, bool beside)
{
	struct problem problem = {.points = mem_alloc(count, sizeof(*problem.points)), .count = count,
	                          .sharpness = calibration->sharpness};
	double coefficients[COEFFICIENTS], roots[COEFFICIENTS];
	/* GSL takes no fewer residuals than coefficients; what there is more is 0. */
	const size_t height = count > COEFFICIENTS ? count : COEFFICIENTS;
	double *weights = mem_alloc(height, sizeof(*weights));
	fit_points(problem.points, cells, count, calibration, beside);
	for (size_t i = 0; i < height; i++)
		weights[i] = 1;
	first_guess(&problem, calibration->row_tile_tokens, fit_has_shared(cells, count));
	for (int c = 0; c < COEFFICIENTS; c++)
		roots[c] = sqrt(share_of(c));

	gsl_multifit_nlinear_parameters parameters = gsl_multifit_nlinear_default_parameters();
	gsl_multifit_nlinear_workspace *work = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &parameters, height, COEFFICIENTS);
	gsl_multifit_nlinear_fdf functions = {.f = residuals, .df = jacobian, .n = height, .p = COEFFICIENTS, .params = &problem};
	for (int round = 0; round < FIT_ROBUST_ROUNDS; round++) {
		int why;
		const gsl_vector_const_view from = gsl_vector_const_view_array(roots, COEFFICIENTS);
		const gsl_vector_const_view weight = gsl_vector_const_view_array(weights, height);
		gsl_multifit_nlinear_winit(&from.vector, &weight.vector, &functions, work);
		gsl_multifit_nlinear_driver(60, 1e-9, 1e-9, 0, NULL, NULL, &why, work);
		for (size_t c = 0; c < COEFFICIENTS; c++)
			roots[c] = gsl_vector_get(work->x, c);
		coefficients_of(&problem, work->x, coefficients);
		for (size_t i = 0; i < count; i++) {
			double slopes[COEFFICIENTS];
			weights[i] = evaluate(&problem, coefficients, &problem.points[i], slopes) / problem.points[i].ns - 1;
		}
		if (round + 1 < FIT_ROBUST_ROUNDS)
			fit_bisquare(weights, weights, count, FIT_STEP_SCALE);
	}
	const double error = fit_trimmed_square(weights, count); /* the last round left the residuals there */
	gsl_multifit_nlinear_free(work);
	free(problem.points);
	free(weights);
	set_calibration(calibration, coefficients);
	return error;
}

/* What was tried, so that nothing is fitted twice: a shape that was not taken is no better later. */
struct tried {
	struct {
		uint32_t sharpness, row_tile_tokens, attention_tile_tokens, distinct_free_64ths;
	} shapes[2 * LISTED + 1];
	size_t count;
};

/* Whether it is new; from now on it is not. */
static bool is_new(struct tried *tried, const struct calibration *c)
{
	for (size_t i = 0; i < tried->count; i++) {
		if (tried->shapes[i].sharpness == c->sharpness && tried->shapes[i].row_tile_tokens == c->row_tile_tokens &&
		    tried->shapes[i].attention_tile_tokens == c->attention_tile_tokens &&
		    tried->shapes[i].distinct_free_64ths == c->distinct_free_64ths)
			return false;
	}
	tried->shapes[tried->count].sharpness = c->sharpness;
	tried->shapes[tried->count].row_tile_tokens = c->row_tile_tokens;
	tried->shapes[tried->count].attention_tile_tokens = c->attention_tile_tokens;
	tried->shapes[tried->count++].distinct_free_64ths = c->distinct_free_64ths;
	return true;
}

/* The shape with entry `i` of the lists in place of its own. */
static void change_shape(struct calibration *calibration, size_t i)
{
	if (i < COUNT_OF(sharpnesses)) {
		calibration->sharpness = sharpnesses[i];
		return;
	}
	i -= COUNT_OF(sharpnesses);
	if (i < COUNT_OF(row_tiles)) {
		calibration->row_tile_tokens = row_tiles[i];
		return;
	}
	i -= COUNT_OF(row_tiles);
	if (i < COUNT_OF(attention_tiles))
		calibration->attention_tile_tokens = attention_tiles[i];
	else
		calibration->distinct_free_64ths = free_64ths[i - COUNT_OF(attention_tiles)];
}

void fit_physical(struct calibration *calibration, const struct sample *const *cells, size_t count, struct fit_given given)
{
	struct tried tried = {.count = 0};
	const bool has_shared = fit_has_shared(cells, count);
	if (given.shape) {
		fit_shape(calibration, cells, count, given.beside);
		return;
	}
	struct calibration best = *calibration;
	best.sharpness = 4;
	best.row_tile_tokens = given.row_tile_tokens ? given.row_tile_tokens : 128;
	best.attention_tile_tokens = best.attention.blocks_at_once ? 1 : 32; /* rounds have tiles of their own */
	best.distinct_free_64ths = has_shared ? 24 : 0;
	is_new(&tried, &best);
	double least = fit_shape(&best, cells, count, given.beside);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < LISTED - (has_shared ? 0 : COUNT_OF(free_64ths)); i++) {
			struct calibration other = best;
			change_shape(&other, i);
			if (given.row_tile_tokens)
				other.row_tile_tokens = given.row_tile_tokens;
			if (other.attention.blocks_at_once)
				other.attention_tile_tokens = 1;
			if (!is_new(&tried, &other))
				continue;
			const double error = fit_shape(&other, cells, count, given.beside);
			if (error < least * 0.99) {
				least = error;
				best = other;
			}
		}
	}
	*calibration = best;
}
