/* compare.h - a forecast beside a measurement, request by request.
 *
 * Both are per-request CSVs (requests_csv.h) of one trace; rows are matched by `request`. Errors are relative to the measured
 * time: error = predicted / measured - 1; MAPE is the mean of |error|, bias the mean of error. Requests are told apart by what
 * happened to them when measured:
 *
 *   uncontended  started at once (queue_ms 0), nothing loaded
 *   queued       waited, nothing loaded
 *   TIER         loaded from that lower tier, the slowest where there were several
 *
 * A comparison is meaningless, and refused, where the files say that they are of different traces, block sizes, capacities,
 * models, policies or engines, or where they do not hold the same requests; what a file does not say is not held against it,
 * but told (`unsaid`). Kolmogorov-Smirnov: the largest distance between the two distributions of TTFT.
 */
#ifndef KVCAST_COMPARE_H
#define KVCAST_COMPARE_H

#include "metrics.h"

#define COMPARE_GROUPS (TIER_MOST + 2) /* all, uncontended, queued, lower tiers */

enum compare_side { COMPARE_PREDICTED, COMPARE_MEASURED };

struct compare_request {
	uint32_t request, group;
	double prompt_tokens;
	double hit_tokens[2], ttft_ms[2], e2e_ms[2]; /* by side */
};

struct compare_time {
	struct distribution error; /* of |error| */
	double bias;
	struct distribution ms[2];
	double ks; /* 0 to 1 */
};

struct compare_group {
	char name[32];
	size_t requests;
	struct compare_time ttft, e2e;
};

struct compare {
	struct compare_request *requests;
	size_t count;
	struct compare_group groups[COMPARE_GROUPS]; /* [0] is all; those without requests stay, with 0 */
	size_t group_count;
	uint64_t prompt_tokens, hit_tokens[2];
	size_t differing_hits; /* requests whose hit tokens differ */
	char unsaid[512];      /* what could not be checked, as a sentence; "" if all could */
};

/* 0; or -1 and a sentence. */
int compare_run(struct compare *compare, const char *predicted_path, const char *measured_path, struct err *err);
void compare_free(struct compare *compare);

/* Relative error of a figure. */
static inline double compare_error(double predicted, double measured)
{
	return predicted / measured - 1;
}

/* A row a request: both sides and its group, for the charts. */
int compare_write_rows(const struct compare *compare, const char *path, struct err *err);

#endif
