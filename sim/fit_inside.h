/* fit_inside.h - fit.h's insides, shared by fit*.c. Nobody else includes it. */
#ifndef KVCAST_FIT_INSIDE_H
#define KVCAST_FIT_INSIDE_H

#include "fit.h"

/* A step as the models see it: what it took, and x of each term. */
struct fit_point {
	double ns, x[TERM_COUNT];
	bool has_prompt;
};

/* The point of `sample` under the calibration's tiles. */
struct fit_point fit_point_of(const struct sample *sample, const struct calibration *calibration);
/* What the simulator will say of it. */
int64_t fit_predict(const struct calibration *calibration, const struct sample *sample);

/* Tukey's weights for relative residuals, whose scale is taken from their median size. `weights` may be `residuals`. */
void fit_bisquare(const double *residuals, double *weights, size_t count);
#define FIT_ROBUST_ROUNDS 8

/* The physical model; its tiles and sharpness are chosen, or kept where `keep_shape`. */
void fit_physical(struct calibration *calibration, const struct sample *const *cells, size_t count, bool keep_shape);
/* The curves, with the tiles that `calibration` has. */
void fit_curves(struct calibration *calibration, const struct sample *const *cells, size_t count);

#endif
