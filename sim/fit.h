/* fit.h - from measured samples to a calibration, with an honest word on how far off it is.
 *
 * How data flows:  kvcast-gpu calibrate -> samples.csv (samples.h) -> fit -> calib.json (calibration.h) -> cost_model -> engine
 *
 * Two models of a step are fitted, both in the calibration's own terms:
 *   physical  the formula with a straight line for every term: at most twelve coefficients, by Levenberg-Marquardt on their square
 *             roots, so that none is negative; sharpness, tiles and the free share are those of a short list that fit best;
 *   curves    no smooth max; every term a rising curve through the sizes that were measured, by non-negative least squares
 *             (Lawson and Hanson 1974, ch. 23), and all else of the physical fit. Row tiles are the samples' own, or the
 *             best of a short list, by generalised cross-validation.
 * What no sample holds is set by what was found once (fit.c): the costs of parts of keys (attention_rounds.h), and uneven
 * contexts at a share of what context costs. Both minimise relative errors with Tukey's bisquare weights (k = 4.685, scale from
 * the median absolute residual), so that a disturbed sample counts for little.
 *
 * The better is the one with the smaller mean error on held-out cells: the steps are dealt into `folds` parts, those with
 * equal numbers of rows into the same, since the steps to come have any number; each part is predicted by a fit to all others
 * (tiles and sharpness chosen anew). Errors are |predicted / measured - 1|.
 * Bands are the 5th and 95th percentile of what fits to `bootstraps` resamples of the cells predict; they say how well the
 * data hold the model down, not whether it is right.
 *
 * Power (calibration.h) comes first: steps after rounds of work and rest are compared with the same steps after a rest. Their
 * loads are by a physical model of the latter as they are. The simplex method of Nelder and Mead finds the numbers with the
 * smallest loss: the fast budget's six, for each least number of rows up to 512 that was measured, and with them what slows
 * decodes down, in closed form and at most `slowdown`, as a slower clock makes nothing longer than what waits for nothing but
 * it; then the slow one's four, with the cells that follow seconds of work, too; then all ten. The loss is Huber's pseudo loss
 * of relative errors, a square up to 1 % and straight beyond. They are taken if it is less than half of what it is without, and
 * the slow budget if there are six of those cells and the loss is 3 % less with it than with the fast one fitted to all. Then
 * the steps after a rest are what they would be at full clock, and only those enter the models above.
 *
 * Transfers: latency + bytes / rate, a line a tier and direction, relative errors and weights as above. Where a medium moves blocks
 * side by side, transfers of few all take as long as one does and say nothing of the rate; so where that line is off by more than
 * a tenth at the largest size, which larger ones are reckoned from, it goes only through the sizes above the largest that takes less
 * than twice as long as the fastest, if they are two or more and it is nearer then, and knows nothing of the others. A tier has
 * one latency, that of reading.
 */
#ifndef KVCAST_FIT_H
#define KVCAST_FIT_H

#include "calibration.h"
#include "samples.h"

enum fit_model { FIT_PHYSICAL, FIT_CURVES, FIT_MODELS };

struct fit_options {
	uint32_t folds, bootstraps;
	uint64_t seed;
};

struct fit_errors {
	double mean, p90, worst;
	const struct sample *worst_cell;
};

struct fit_cell {
	const struct sample *sample; /* a step */
	int64_t fitted_ns; /* by the chosen model, fitted to all */
	int64_t held_out_ns[FIT_MODELS];
	double low_ns, high_ns; /* the band */
};

struct fit_transfer {
	struct calibration_transfer rates;
	double mean_error; /* of the line, over the samples it was fitted to */
};

/* Of the steps after work, had they been taken for steps after a rest, and as they are forecast. */
struct fit_power_errors {
	size_t count;
	double mean, mean_without;
};

struct fit {
	const struct samples *samples;
	struct fit_cell *cells;       /* after a rest */
	struct sample *full_clock;    /* [cell_count]: what the models are fitted to */
	struct fit_power_errors power;
	size_t cell_count;
	enum fit_model chosen;
	struct fit_errors held_out[FIT_MODELS];
	struct calibration calibration; /* the chosen one, without texts; with the transfers */
	struct fit_transfer transfers[CALIBRATION_TIERS_MOST];
};

extern const char *const fit_model_names[FIT_MODELS];

/* 0; or -1 and a sentence where the samples cannot hold a model down. `samples` must outlive the fit. */
int fit_run(struct fit *fit, const struct samples *samples, const struct fit_options *options, struct err *err);
void fit_free(struct fit *fit);

/* Writes the calibration with its provenance and the errors found, as JSON of the second form. */
int fit_write_json(const struct fit *fit, const struct fit_options *options, const char *name, const char *path, struct err *err);
/* A row a cell for plots/calibration.gp: its shape, measured, fitted, held out, band. */
int fit_write_cells(const struct fit *fit, const char *path, struct err *err);

#endif
