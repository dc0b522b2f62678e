/* step_compare.h - a calibration held against every measured step on its own: is the cost model off, or the queueing?
 *
 * A forecast of requests can be off because its steps are, or because small differences send requests through other queues. Here
 * nothing queues: the steps are those that kvcast-gpu replay did and logged (--steps FILE; gpu/step_log.h has the columns), and
 * each is forecast after what came before it as that was measured. For a row of the log:
 *
 *   parts            "512@16384 1@9000": new tokens after so many. A part of 1 new token is a decode; the log does not tell one
 *                    from a prompt's that computes a single token
 *   repeated tokens  repeated_keys; in a log that has no such column the sum of the parts' contexts less distinct_keys, in which
 *                    prompts count as well
 *   history          goes on from the measured end of every step. Its clock is rest_ms and took_ms added up, true time, since a
 *                    replay leaves a trace's gaps out and start_ms does not; the work in it is the calibration's, at full clock
 *
 * A log of another model than the calibration's is refused, where it says so (a note, "# model: llama-3.1-8b"). It is one device's, and none of its rows is left out, as a step depends on those before it. The first one finds a rested
 * device.
 *
 * error = predicted / measured - 1, of a step or of the sums. Percentiles are linear between order statistics (GSL's quantile,
 * type 7).
 */
#ifndef KVCAST_STEP_COMPARE_H
#define KVCAST_STEP_COMPARE_H

#include "calibration.h"

struct step_compare_step {
	uint64_t step, new_tokens;
	uint32_t sequences;
	int64_t measured_ns, predicted_ns;
};

/* Steps of a size, by new tokens. Without steps all is 0. */
struct step_compare_class {
	const char *name;         /* "1-8" */
	uint64_t most_new_tokens; /* the first of those that a step fits into is its class */
	size_t steps;
	double measured_ms, predicted_ms;
	double time_share; /* of all measured time */
	double sum_error;
	double mean_absolute, p5, p50, p95; /* of the steps' own errors; the first of |error| */
};

#define STEP_COMPARE_CLASSES 7

struct step_compare {
	struct step_compare_step *steps; /* as they stand in the log */
	size_t count;
	struct step_compare_class classes[STEP_COMPARE_CLASSES]; /* the last is all */
};

/* Reads the log, plain or gzip, "-" for standard input. 0; or -1 and a sentence. */
int step_compare_run(struct step_compare *compare, const char *path, const struct calibration *calibration, struct err *err);
void step_compare_free(struct step_compare *compare);
/* A row a step: step,new_tokens,sequences,measured_ms,predicted_ms. */
int step_compare_write_rows(const struct step_compare *compare, const char *path, struct err *err);

#endif
