/* made_samples.h - samples of a made machine, for tests of the fit: what its steps take is what a calibration says, exactly or with noise. */
#ifndef KVCAST_TESTS_MADE_SAMPLES_H
#define KVCAST_TESTS_MADE_SAMPLES_H

#include "fit.h"

#include <gsl/gsl_rng.h>

#define MADE_CELLS_MOST 320

struct made {
	struct samples samples;
	struct sample cells[MADE_CELLS_MOST];
	gsl_rng *rng;
};

struct sample made_step(uint32_t prompts, uint32_t new_tokens, uint64_t cached, uint32_t decodes, uint64_t context, uint64_t shared);
/* After its rounds, step by step. `work_ns`, where not NULL, hears how long a round's work was as it came. */
int64_t made_time_ns(const struct calibration *calibration, const struct sample *s, double *work_ns);

void made_open(struct made *made);
void made_add(struct made *made, struct sample s);
/* Prompts cold and after cached ones, alone, in twos and with decodes, and decodes. */
void made_add_grid(struct made *made);

/* Measures what was added on `truth` and fits it; once. `noise` is a share of a step's time. */
struct fit made_fit_folds(struct made *made, const struct calibration *truth, double noise, uint32_t folds);
struct fit made_fit(struct made *made, const struct calibration *truth, double noise);
/* The largest error of `fitted`. */
double made_worst(const struct calibration *fitted, const struct calibration *truth, const struct sample *steps, size_t count);

#endif
