/* gen_arrivals.h - when sessions begin, named by a SPEC (spec.h).
 *
 *   fixed:rate=R               one every 1/R seconds
 *   poisson:rate=R             gaps exponential
 *   gamma:rate=R,cv=C          gaps gamma with coefficient of variation C: above 1 in clusters, below 1 evenly
 *   onoff:rate=R,on=T,off=T    Poisson of rate R during bursts, none between them; bursts and pauses have exponential
 *                              lengths with means `on` and `off`, and the first burst begins at 0
 *
 * R is sessions per second; the long-run rate of onoff is R x on / (on + off). Time begins at 0.
 */
#ifndef KVCAST_GEN_ARRIVALS_H
#define KVCAST_GEN_ARRIVALS_H

#include "base.h"
#include "err.h"

#include <gsl/gsl_rng.h>

struct gen_arrivals {
	const struct gen_arrivals_family *family;
	double rate, cv, on_s, off_s;
	double now_s, burst_end_s; /* the latest arrival; the end of the burst it fell into */
};

/* `what` begins the sentence ("--arrivals"). The result owns nothing. */
int gen_arrivals_parse(struct gen_arrivals *arrivals, const char *text, const char *what, struct err *err);

/* The next arrival, in ns, not before the last; at the most GEN_ARRIVALS_MOST_NS, about 30 years. */
#define GEN_ARRIVALS_MOST_NS (INT64_C(1000000000) * NS_PER_S)
int64_t gen_arrivals_next(struct gen_arrivals *arrivals, gsl_rng *rng);

#endif
