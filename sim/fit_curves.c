/* fit_curves.c - a rising curve for every term (fit.h). */
#include "fit_inside.h"

#include <gsl/gsl_linalg.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>

/* Pieces that a term's curve may have, by what the terms are known to need: matrix products change their tiling with the rows;
 * attention gains with length; the others are nearly straight. Where rows are rounded up to tiles the products' time is a staircase
 * over these, which has a piece for each tile, and each small one, up to STAIRS tiles, and beyond one for each sixteenth more, or
 * two, four and so on where these are more than a curve may have; what goes by rows is nearly straight then. */
static const uint32_t most_pieces[TERM_COUNT] = {
        [TERM_ROWS] = 14, [TERM_ROW_TILES] = 0, [TERM_SEQUENCES] = 1, [TERM_PAIRS] = 7,
        [TERM_KEYS] = 2,  [TERM_DECODES] = 6,   [TERM_CONTEXT] = 5,   [TERM_DISTINCT] = 2, [TERM_BESIDE] = 1,
};
#define STAIRS 32
/* What is tried for tiles up to a whole one, as products of few rows have kernels of their own; not where these alone would be
 * more than STAIRS. */
#define SMALL_ROW_TILE 8
#define WORTH_TILES 0.99 /* of the error with the tiles before: more is not worth others */
/* Ends of pieces beside those above: where one, two and three sequences decode other kernels run, and most steps are such; beside
 * prompts the first one brings kernels of its own. */
static const size_t single_ends[TERM_COUNT] = {[TERM_DECODES] = 3, [TERM_BESIDE] = 1};
#define ROW_PIECES_BESIDE_TILES 3

/* A column of the linear problem: the length of x within a piece, or a fixed part. */
struct column {
	int term; /* -1: fixed part of steps with prompts, -2: of those without */
	double from, to;
};
#define COLUMNS_MOST 160

struct problem {
	struct column columns[COLUMNS_MOST];
	size_t width, height;
	struct fit_point *points;
	double *rows; /* [height][width], over ns, columns of norm 1 */
	double norms[COLUMNS_MOST];
};

static void add_column(struct problem *problem, int term, double from, double to)
{
	ASSERT(problem->width < COLUMNS_MOST);
	problem->columns[problem->width++] = (struct column){term, from, to};
}

/* Ends of the pieces: sizes that were measured, the first `single` of them and more evenly taken from the sorted list; the last piece has
 * no end. */
static void add_pieces(struct problem *problem, int term, const double *sizes, size_t count, size_t single, size_t most)
{
	double from = 0;
	for (; single > 0 && count > 1; single--, count--) {
		add_column(problem, term, from, *sizes);
		from = *sizes++;
	}
	const size_t pieces = count < most ? count : most;
	for (size_t p = 0; p < pieces; p++) {
		const double to = p + 1 == pieces ? INFINITY : sizes[(p + 1) * count / pieces - 1];
		add_column(problem, term, from, to);
		from = to;
	}
}

/* Ends of the stairs, where those beyond STAIRS tiles are so many sixteenths apart; returns how many stairs. */
static size_t find_stairs(const double *sizes, size_t count, uint32_t tile, uint32_t sixteenths, double *ends)
{
	double from = 0;
	size_t stairs = 0;
	for (size_t i = 0; i < count; i++) {
		if (i + 1 < count && sizes[i] > STAIRS * (double)tile && sizes[i] < from * (16 + sixteenths) / 16)
			continue;
		ends[stairs++] = from = sizes[i];
	}
	return stairs;
}

static void add_stairs(struct problem *problem, const double *sizes, size_t count, uint32_t tile)
{
	double from = 0, *ends = mem_alloc(count, sizeof(*ends));
	uint32_t sixteenths = 1;
	size_t stairs;
	while ((stairs = find_stairs(sizes, count, tile, sixteenths, ends)) > CALIBRATION_POINTS_MOST)
		sixteenths *= 2;
	for (size_t i = 0; i < stairs; i++) {
		add_column(problem, TERM_ROW_TILES, from, i + 1 < stairs ? ends[i] : INFINITY);
		from = ends[i];
	}
	free(ends);
}

static void add_term(struct problem *problem, int term, uint32_t row_tile)
{
	double *sizes = mem_alloc(problem->height, sizeof(*sizes));
	size_t count = 0;
	for (size_t i = 0; i < problem->height; i++) {
		if (problem->points[i].x[term] >= 1)
			sizes[count++] = problem->points[i].x[term];
	}
	gsl_sort(sizes, 1, count);
	size_t distinct = 0;
	for (size_t i = 0; i < count; i++) {
		if (distinct == 0 || sizes[i] > sizes[distinct - 1])
			sizes[distinct++] = sizes[i];
	}
	if (term == TERM_ROW_TILES)
		add_stairs(problem, sizes, distinct, row_tile);
	else
		add_pieces(problem, term, sizes, distinct, single_ends[term],
		           term == TERM_ROWS && row_tile > 1 ? ROW_PIECES_BESIDE_TILES : most_pieces[term]);
	free(sizes);
}

static double entry(const struct column *column, const struct fit_point *point)
{
	if (column->term < 0)
		return point->has_prompt == (column->term == -1);
	const double x = point->x[column->term];
	return x <= column->from ? 0 : fmin(x, column->to) - column->from;
}

static void fill_rows(struct problem *problem)
{
	const size_t width = problem->width;
	problem->rows = mem_alloc(problem->height * width, sizeof(*problem->rows));
	for (size_t c = 0; c < width; c++) {
		double squares = 0;
		for (size_t i = 0; i < problem->height; i++) {
			const double value = entry(&problem->columns[c], &problem->points[i]) / problem->points[i].ns;
			problem->rows[i * width + c] = value;
			squares += value * value;
		}
		problem->norms[c] = squares > 0 ? sqrt(squares) : 1;
		for (size_t i = 0; i < problem->height; i++)
			problem->rows[i * width + c] /= problem->norms[c];
	}
}

/* Solves for the unknowns in `free_ones` with all others 0. */
static void solve_free(const double *gram, const double *target, const bool *free_ones, size_t width, double *solution)
{
	size_t index[COLUMNS_MOST], count = 0;
	for (size_t c = 0; c < width; c++) {
		solution[c] = 0;
		if (free_ones[c])
			index[count++] = c;
	}
	if (count == 0)
		return;
	gsl_matrix *part = gsl_matrix_alloc(count, count);
	gsl_vector *right = gsl_vector_alloc(count);
	for (size_t i = 0; i < count; i++) {
		gsl_vector_set(right, i, target[index[i]]);
		for (size_t j = 0; j < count; j++)
			gsl_matrix_set(part, i, j, gram[index[i] * width + index[j]]);
	}
	gsl_linalg_cholesky_decomp1(part);
	gsl_linalg_cholesky_svx(part, right);
	for (size_t i = 0; i < count; i++)
		solution[index[i]] = gsl_vector_get(right, i);
	gsl_matrix_free(part);
	gsl_vector_free(right);
}

/* Steps from `solution` towards `wanted` until the first free unknown is 0, which is then held there. False: nothing is in
 * the way. */
static bool step_back(double *solution, const double *wanted, bool *free_ones, size_t width)
{
	double share = 1;
	size_t first = width;
	for (size_t c = 0; c < width; c++) {
		if (free_ones[c] && wanted[c] <= 0 && solution[c] / (solution[c] - wanted[c]) < share) {
			share = solution[c] / (solution[c] - wanted[c]);
			first = c;
		}
	}
	for (size_t c = 0; c < width; c++)
		solution[c] += share * (wanted[c] - solution[c]);
	if (first == width)
		return false;
	free_ones[first] = false;
	solution[first] = 0;
	return true;
}

/* Least squares with no unknown below 0, from the normal equations. */
static void solve(const double *gram, const double *target, size_t width, double *solution)
{
	bool free_ones[COLUMNS_MOST] = {false};
	double wanted[COLUMNS_MOST];
	for (size_t c = 0; c < width; c++)
		solution[c] = 0;
	for (size_t round = 0; round < 3 * width; round++) {
		size_t steepest = width;
		double most = 1e-10;
		for (size_t c = 0; c < width; c++) {
			double slope = target[c];
			for (size_t k = 0; k < width; k++)
				slope -= gram[c * width + k] * solution[k];
			if (!free_ones[c] && slope > most) {
				most = slope;
				steepest = c;
			}
		}
		if (steepest == width)
			return;
		free_ones[steepest] = true;
		do
			solve_free(gram, target, free_ones, width, wanted);
		while (step_back(solution, wanted, free_ones, width));
	}
}

/* Adds what a change of slope from one piece to the next costs: little, but where the data say nothing a curve goes straight. */
#define BEND 3e-4

static void add_stiffness(const struct problem *problem, double *gram)
{
	const size_t width = problem->width;
	for (size_t c = 0; c + 1 < width; c++) {
		if (problem->columns[c].term < 0 || problem->columns[c].term != problem->columns[c + 1].term)
			continue;
		const double ratio = sqrt(problem->norms[c + 1] / problem->norms[c]);
		gram[c * width + c] += BEND * ratio * ratio;
		gram[(c + 1) * width + c + 1] += BEND / (ratio * ratio);
		gram[c * width + c + 1] -= BEND;
		gram[(c + 1) * width + c] -= BEND;
	}
}

/* Row by row: most of a row is 0, as its step is in few pieces of few curves. */
static void fill_gram(const struct problem *problem, const double *weights, double *gram, double *target)
{
	const size_t width = problem->width;
	for (size_t a = 0; a < width; a++) {
		target[a] = 0;
		gram[a * width + a] = 1e-9; /* columns may say the same; then either will do */
	}
	for (size_t i = 0; i < problem->height; i++) {
		const double *row = problem->rows + i * width;
		for (size_t a = 0; a < width; a++) {
			const double weighted = weights[i] * row[a];
			if (weighted == 0)
				continue;
			target[a] += weighted;
			for (size_t b = 0; b <= a; b++)
				gram[a * width + b] += weighted * row[b];
		}
	}
	for (size_t a = 0; a < width; a++) {
		for (size_t b = 0; b < a; b++)
			gram[b * width + a] = gram[a * width + b];
	}
}

static void solve_weighted(const struct problem *problem, const double *weights, double *solution)
{
	double target[COLUMNS_MOST], *gram = mem_alloc(problem->width * problem->width, sizeof(*gram));
	fill_gram(problem, weights, gram, target);
	add_stiffness(problem, gram);
	solve(gram, target, problem->width, solution);
	free(gram);
}

static void set_calibration(struct calibration *calibration, const struct problem *problem, const double *solution)
{
	calibration->weights_ns = 0;
	calibration->sharpness = 1;
	for (int term = 0; term < TERM_COUNT; term++)
		calibration->terms[term].count = 0;
	for (size_t c = 0; c < problem->width; c++) {
		const struct column *column = &problem->columns[c];
		const double slope = solution[c] / problem->norms[c];
		if (column->term == -1)
			calibration->prompt_step_ns = slope;
		else if (column->term == -2)
			calibration->decode_step_ns = slope;
		if (column->term < 0)
			continue;
		struct calibration_curve *curve = &calibration->terms[column->term];
		const double before = curve->count ? curve->points[curve->count - 1].ns : 0;
		const double to = isfinite(column->to) ? column->to : 2 * column->from + 1;
		curve->points[curve->count].x = to;
		curve->points[curve->count++].ns = before + slope * (to - column->from);
	}
}

/* Fits with the tiles that `calibration` has. Returns what is left of the residuals, outliers apart, made larger by what more pieces gain
 * from noise alone: generalised cross-validation (Craven and Wahba 1979). */
static double fit_shape(struct calibration *calibration, const struct sample *const *cells, size_t count, bool beside)
{
	struct problem problem = {.columns = {{-1, 0, 0}, {-2, 0, 0}}, .width = 2, .height = count,
	                          .points = mem_alloc(count, sizeof(*problem.points))};
	double solution[COLUMNS_MOST], *weights = mem_alloc(count, sizeof(*weights));
	fit_points(problem.points, cells, count, calibration, beside);
	for (size_t i = 0; i < count; i++)
		weights[i] = 1;
	for (int term = 0; term < TERM_COUNT; term++) {
		/* Tiles of one token are rows once more, and where nothing is shared all context is distinct. */
		if ((term != TERM_ROW_TILES || calibration->row_tile_tokens > 1) && (term != TERM_DISTINCT || fit_has_shared(cells, count)))
			add_term(&problem, term, calibration->row_tile_tokens);
	}
	fill_rows(&problem);
	for (int round = 0; round < FIT_ROBUST_ROUNDS; round++) {
		solve_weighted(&problem, weights, solution);
		for (size_t i = 0; i < count; i++) {
			weights[i] = -1;
			for (size_t c = 0; c < problem.width; c++)
				weights[i] += solution[c] * problem.rows[i * problem.width + c];
		}
		if (round + 1 < FIT_ROBUST_ROUNDS)
			fit_bisquare(weights, weights, count, FIT_STEP_SCALE);
	}
	size_t used = 0;
	for (size_t c = 0; c < problem.width; c++)
		used += solution[c] > 0;
	const double left = fmax(0.1, 1 - (double)used / (double)count);
	const double error = fit_trimmed_square(weights, count) / (left * left); /* the last round left the residuals there */
	set_calibration(calibration, &problem, solution);
	free(problem.rows);
	free(problem.points);
	free(weights);
	return error;
}

/* The better of the calibration's tiles as they are, and with small ones. Returns its error. */
static double fit_small(struct calibration *calibration, const struct sample *const *cells, size_t count, bool beside)
{
	struct calibration small = *calibration;
	calibration->small_row_tile_tokens = 0;
	const double error = fit_shape(calibration, cells, count, beside);
	if (calibration->row_tile_tokens <= SMALL_ROW_TILE || calibration->row_tile_tokens > STAIRS * SMALL_ROW_TILE)
		return error;
	small.small_row_tile_tokens = SMALL_ROW_TILE;
	const double with = fit_shape(&small, cells, count, beside);
	if (!(with < error * WORTH_TILES))
		return error;
	*calibration = small;
	return with;
}

void fit_curves(struct calibration *calibration, const struct sample *const *cells, size_t count, struct fit_given given)
{
	static const uint32_t row_tiles[] = {1, 16, 32, 64, 128, 256};
	double least = INFINITY;
	if (given.row_tile_tokens)
		calibration->row_tile_tokens = given.row_tile_tokens;
	if (given.shape) {
		fit_shape(calibration, cells, count, given.beside);
		return;
	}
	if (given.row_tile_tokens) {
		fit_small(calibration, cells, count, given.beside);
		return;
	}
	struct calibration best = *calibration;
	for (size_t i = 0; i < COUNT_OF(row_tiles); i++) {
		struct calibration other = *calibration;
		other.row_tile_tokens = row_tiles[i];
		const double error = fit_small(&other, cells, count, given.beside);
		if (error < least * WORTH_TILES) {
			least = error;
			best = other;
		}
	}
	*calibration = best;
}
