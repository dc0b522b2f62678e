/* decisions.h - would the forecast have chosen right? Every pair of configurations, predicted and measured.
 *
 * Both files have the columns of `kvcast sweep --csv`: a row a configuration in the forecast, a row a run in the measurement,
 * where a configuration stands at least twice, or not at all: those that were forecast only are left out, and counted. A
 * configuration is its trace, evict, ttl, capacity_blocks, and vary_* columns but for vary_steps. For two configurations and a
 * metric:
 *
 *   gap           the difference of their values; measured: of their means over the repeats
 *   spread        2 s sqrt(1/n + 1/m), s the standard deviation of repeats, pooled over all configurations
 *   cannot tell   the measured gap is within the spread
 *   right, wrong  otherwise, by whether the predicted gap has the same sign; a predicted gap of 0 is wrong, but not confident
 *   confident     wrong, and the predicted gap is more than `margin` of the larger predicted value, and the forecast is sure
 *
 * A forecast with a column vary_steps (`--vary steps=0.97,1,1.03`, vary.h) has each configuration once for each factor, the same
 * factors for all, 1 among them, of which its values are. A pair is sure if its predicted gap has
 * the same sign, which is not 0, for every factor, and otherwise unsure: which one is better then hangs on what the calibration
 * does not know. The verdict of an unsure pair is still right or wrong, by factor 1. Without that column every
 * forecast that tells two configurations apart counts as sure.
 *
 * Rank correlation: Spearman's, of predicted values and measured means. Metrics: token_hit_rate, ttft_ms_mean, ttft_ms_p95, as
 * far as both files have them.
 */
#ifndef KVCAST_DECISIONS_H
#define KVCAST_DECISIONS_H

#include "base.h"
#include "err.h"

enum decision_verdict { DECISION_RIGHT, DECISION_CANNOT_TELL, DECISION_WRONG, DECISION_CONFIDENT_WRONG, DECISION_VERDICTS };

struct decision {
	size_t a, b; /* configurations */
	double predicted_gap, measured_gap, spread;
	double predicted_least, predicted_most; /* gap, over all factors */
	bool sure;
	enum decision_verdict verdict;
};

#define DECISION_METRICS 3

struct decision_metric {
	const char *name;
	double rank_correlation, deviation; /* NAN for one configuration; of repeats, pooled */
	struct decision *pairs;
	size_t pair_count, verdicts[DECISION_VERDICTS];
	size_t unsure[DECISION_VERDICTS], unsure_count; /* of these; in all */
	double *predicted, *measured; /* by configuration; predicted[factor * configuration_count + c] */
};

struct decisions {
	char **configurations; /* in words: what differs among them */
	size_t configuration_count, run_count;
	size_t unmeasured; /* more that were forecast */
	double *factors;   /* [factor_count], rising */
	size_t factor_count, one; /* at least 1; which of them is 1 */
	bool has_factors;  /* false: no column vary_steps, which is a single factor of 1 */
	struct decision_metric metrics[DECISION_METRICS];
	size_t metric_count;
};

extern const char *const decision_verdict_names[DECISION_VERDICTS];

/* `margin`: 0.02 is 2 %. 0; or -1 and a sentence. */
int decisions_run(struct decisions *decisions, const char *predicted_path, const char *measured_path, double margin,
                  struct err *err);
void decisions_free(struct decisions *decisions);
/* A row a metric and pair, for plots/decisions.gp; how far the predicted gap goes, and whether it is sure, where has_factors. */
int decisions_write_pairs(const struct decisions *decisions, const char *path, struct err *err);

#endif
