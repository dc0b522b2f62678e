/* gen_dist.h - distributions of counts and of times, named by a SPEC (spec.h).
 *
 *   fixed:V                     always V; also V alone
 *   uniform:least=A,most=B      both ends included
 *   exponential:mean=M
 *   gamma:mean=M,cv=C           cv: standard deviation / mean, 1 is exponential
 *   lognormal:median=M,sigma=S  sigma: standard deviation of the logarithm
 *   geometric:mean=M            counts only: k >= 1 with probability (1 - 1/M)^(k-1) / M
 *
 * A, B, V and M are counts ("40"), or durations with their unit ("20s"). Counts are drawn as whole numbers from 1 on.
 */
#ifndef KVCAST_GEN_DIST_H
#define KVCAST_GEN_DIST_H

#include "base.h"
#include "err.h"

#include <gsl/gsl_rng.h>

enum gen_dist_of { GEN_DIST_COUNT, GEN_DIST_TIME };

struct gen_dist {
	const struct gen_dist_family *family;
	enum gen_dist_of of;
	double scale, scale_most, shape; /* scales in ns where a time is drawn */
};

/* `what` begins the sentence ("--think"). The result owns nothing. */
int gen_dist_parse(struct gen_dist *dist, enum gen_dist_of of, const char *text, const char *what, struct err *err);

/* A count from 1 to GEN_DIST_COUNT_MOST; a time in ns from 0 to GEN_DIST_TIME_MOST_NS: draws beyond become the limit.
 */
#define GEN_DIST_COUNT_MOST   INT64_C(10000000)
#define GEN_DIST_TIME_MOST_NS (INT64_C(365) * 86400 * NS_PER_S)
int64_t gen_dist_draw(const struct gen_dist *dist, gsl_rng *rng);

#endif
