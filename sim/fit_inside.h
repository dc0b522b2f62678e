/* fit_inside.h - fit.h's insides, shared by fit*.c. Nobody else includes it. */
#ifndef KVCAST_FIT_INSIDE_H
#define KVCAST_FIT_INSIDE_H

#include "cost_model.h"
#include "fit.h"

/* A step as the models see it: what it took, and x of each term. */
struct fit_point {
	double ns, x[TERM_COUNT];
	bool has_prompt;
};

/* What `sample` is to a model. */
struct cost_sizes fit_sizes(const struct sample *sample, const struct cost_model *model);
/* The points of all cells under the calibration's tiles; decodes are decodes, beside prompts or not, where that cannot be told (struct
 * fit_given). */
void fit_points(struct fit_point *points, const struct sample *const *cells, size_t count, const struct calibration *calibration,
                bool beside);
/* What the simulator will say of it, on a device that has rested. */
int64_t fit_predict(const struct calibration *calibration, const struct sample *sample);

/* Tukey's weights for relative residuals, whose scale is taken from their median size, but at least `least_scale`. `weights` may be
 * `residuals`. */
void fit_bisquare(const double *residuals, double *weights, size_t count, double least_scale);
/* A model of steps is no better than this. With less, where most steps fit well, those that the model would still have to bend for
 * count as outliers, and it never does. */
#define FIT_STEP_SCALE 0.01
/* Clocks are no better than this; without it an exact fit would have no scale. */
#define FIT_LEAST_SCALE 1e-5
#define FIT_ROBUST_ROUNDS 8

/* What is not to be chosen of a model's shape (tiles, sharpness, free share). */
struct fit_given {
	bool shape;              /* all is kept as the calibration has it */
	uint32_t row_tile_tokens; /* 0: not given */
	bool beside;              /* enough cells have prompts and decodes to tell what decodes cost there */
};

void fit_physical(struct calibration *calibration, const struct sample *const *cells, size_t count, struct fit_given given);
/* Chooses row tiles only, and takes all else as the calibration has it. */
void fit_curves(struct calibration *calibration, const struct sample *const *cells, size_t count, struct fit_given given);

/* Whether in some cells decodes share what they attend to: else nobody can tell distinct from repeated tokens. */
bool fit_has_shared(const struct sample *const *cells, size_t count);
/* The mean square of the smaller nine tenths; squares and sorts `values`. */
double fit_trimmed_square(double *values, size_t count);

/* fit_power.c: what work before a step does to it, from the cells that have rounds and the same shapes after a rest; fit->calibration has
 * the terms that loads are reckoned by. No slowdown where there are too few cells, or where it would explain little. */
void fit_power(struct fit *fit);
/* How long a step would take at full clock that took `ns` after a rest. */
double fit_full_clock_ns(const struct calibration *calibration, const struct sample *sample, double ns);

/* fit_transfers.c: fit->transfers, and the calibration's. -1 and a sentence where a tier was measured at too few sizes. */
int fit_transfers(struct fit *fit, struct err *err);

#endif
