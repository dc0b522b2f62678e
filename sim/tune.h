/* tune.h - finds the parameters of a TTL rule or an eviction policy that suit a trace best, and says whether that is more than luck.
 *
 * Model. The first part of the requests is for training: every set of parameters that is tried is a run over it. The searches
 * (tune_search.h) go over coordinates 0..1, a parameter's range being cut evenly or, where its ends are 100 times apart or more,
 * by powers. A set that breaks a constraint is worse than any that does not, the more so the farther it is off.
 *
 * The best of training is then judged on the rest: runs over the whole trace that count what follows the training part only,
 * beside the given values and, where the engine allows it, belady without a TTL. The difference to the given values gets a
 * 95 % interval from resampling whole sessions (1,000 times; requests where there are no sessions), since requests of one
 * session hit or miss together. An interval that holds 0 is no gain.
 *
 * Source: Efron, Tibshirani, An Introduction to the Bootstrap, 1993.
 */
#ifndef KVCAST_TUNE_H
#define KVCAST_TUNE_H

#include "simulate.h"
#include "spec.h"

#define TUNE_PARAMETERS_MOST  8
#define TUNE_CONSTRAINTS_MOST 4
#define TUNE_SPEC_MOST        2048
#define TUNE_STARTS           4 /* searches that share the runs */

/* What runs are judged by. All are to be small, but the hit rate. */
enum tune_metric { TUNE_TTFT_MEAN, TUNE_TTFT_P50, TUNE_TTFT_P95, TUNE_TTFT_P99, TUNE_HIT, TUNE_HELD, TUNE_COST, TUNE_METRICS };

/* Of the counted requests. */
struct tune_measure {
	double values[TUNE_METRICS]; /* ms; a share; GiB x s; dollars: prefill at the GPU's price, and rent */
	uint64_t rejected; /* requests that were not served, of which no metric knows; a search's text has none of it */
};

struct tune_constraint {
	enum tune_metric metric;
	bool at_least; /* else at most */
	double bound;
};

/* A parameter of the TTL rule (or of the eviction policy) that may be set within least..most. */
struct tune_parameter {
	char key[32];
	bool of_eviction, is_duration; /* durations in ns */
	double least, most;
	double given, best; /* set by tune_prepare and tune_judge */
};

struct tune {
	const struct trace *trace;
	const struct run_config *config; /* evict, ttl and capacity included: the given values */
	struct tune_parameter parameters[TUNE_PARAMETERS_MOST];
	size_t parameter_count; /* 0: tune_prepare takes every number of the TTL rule */
	enum tune_metric objective;
	struct tune_constraint constraints[TUNE_CONSTRAINTS_MOST];
	size_t constraint_count;
	double training;  /* share of the requests, above 0 and below 1 */
	uint32_t runs;    /* of training */
	bool anneals;     /* else by simplexes */
	uint64_t seed;
	double gpu_per_hour, rent_per_gb_hour; /* dollars */

	/* Set by tune_judge. */
	char best_evict[TUNE_SPEC_MOST], best_ttl[TUNE_SPEC_MOST]; /* SPECs */
	struct tune_measure training_given, training_best, rest_given, rest_best, rest_bound;
	bool has_bound;
	bool best_is_allowed, rest_is_allowed; /* whether the best keeps to the constraints in training, and on the rest */
	uint32_t runs_made;
	double gain_low, gain_high; /* of the objective on the rest, given less best (hit rate: best less given), 95 % */
};

const char *tune_metric_name(enum tune_metric metric);
/* TUNE_METRICS: there is none of that name. */
enum tune_metric tune_metric_named(const char *name, size_t length);

struct tune_search;

/* First tune_prepare, which says what cannot be: 0, or -1 and the sentence. Then all TUNE_STARTS searches, in any order or at the
 * same time; then tune_judge, with them in order. */
int tune_prepare(struct tune *tune, struct err *err);
void tune_search(const struct tune *tune, uint32_t which, struct tune_search *search);
int tune_judge(struct tune *tune, const struct tune_search *searches, struct err *err);

/* What these policies come to over the first `requests` requests, of which those before `first` do not count. */
int tune_measure_run(const struct tune *tune, const char *evict, const char *ttl, uint32_t requests, uint32_t first,
                     struct tune_measure *to, struct err *err);
struct tune_interval {
	double low, high;
};

/* Of all requests, their sessions drawn anew: where a metric lies with 95 %. */
int tune_measure_interval(const struct tune *tune, const char *evict, const char *ttl, enum tune_metric metric,
                          struct tune_interval *to, struct err *err);
/* By how much constraints are broken, each relative to its bound; 0: by none. */
double tune_how_broken(const struct tune *tune, const struct tune_measure *measured);
/* The less, the better. */
double tune_worth(const struct tune *tune, const struct tune_measure *measured);

#endif
