/* ensemble.h - how sure a forecast is: the same configuration run many times more, each time with steps that are off by as much as
 * its calibration is known to be.
 *
 * In a loaded system half a percent of step time can decide who waits for whom, and with it several points of hits and a fifth of the
 * mean TTFT. One forecast hides that. As weather services do, an ensemble begins with errors of the known size and looks how far its
 * members get apart. A member differs from the forecast by
 *
 *   each shape's own factor   1 + sigma z for steps with parts of prompts (step_error.h), sigma from m, the mean absolute error of a
 *                             single step: --step-error, else what the calibration's fit found on held-out steps
 *   a common factor           1 + sigma / 2 z' for all steps, those that decode among them, and for what a load is weighed against
 *
 * The latter is there because errors do not cancel out over a run as those of independent draws would. It is a half because
 * sums of all steps of loaded runs on four chips were measured -0.9 to +1.0 % off, where single ones were 1.0 to 1.6 % off
 * on average, and held-out samples 1.5 to 1.8 (gpu/results/README.md). Both are drawn from --seed and the member's number;
 * all else, the policies' random numbers among it, is as in the forecast. So links, arrivals and what the model of the
 * engine leaves out are taken as known: the truth may lie outside.
 *
 * Of each figure the 5th, 50th and 95th percentile over the members, each linear between order statistics (metrics.h): of two
 * members 5 % and 95 % of the way from the smaller value to the larger one. Percentiles of different figures need not come from the
 * same member. Equal inputs give equal results, whatever the threads do.
 */
#ifndef KVCAST_ENSEMBLE_H
#define KVCAST_ENSEMBLE_H

#include "simulate.h"

#define ENSEMBLE_MEMBERS_MOST 1000
#define ENSEMBLE_ERROR_MOST   0.5 /* of --step-error, and of a calibration that an ensemble is made of */

struct ensemble_range {
	double p5, p50, p95;
};

/* Of the same figures of a run. */
struct ensemble_times {
	struct ensemble_range mean, p50, p90, p95, p99;
};

struct ensemble {
	uint32_t members;
	double step_error; /* m, as a share */
	uint64_t seed;
	struct ensemble_range token_hit_rate; /* as a share */
	struct ensemble_times ttft_ms, e2e_ms;
};

/* Puts what --ensemble and --step-error (NULL: not given) say, for a run of `config`, into members, step_error and seed. -1 and a
 * sentence where they cannot be had: a number out of range, an engine without time, a calibration that does not know its error. */
int ensemble_resolve(struct ensemble *ensemble, const char *members, const char *step_error, const struct run_config *config,
                     struct err *err);

/* What one member runs, from 0 on; nothing of it goes to the files of `config`. */
struct run_config ensemble_member(const struct ensemble *ensemble, const struct run_config *config, uint32_t member);

/* Runs the members that ensemble_resolve() left and fills in the rest, with `jobs` threads, 0: one a core. -1 and a sentence where
 * a member was refused: that of the first one. */
int ensemble_run(struct ensemble *ensemble, const struct trace *trace, const struct run_config *config, int jobs, struct err *err);

#endif
