/* sweep.h - many runs of one trace, on all cores, with their results in a fixed order.
 *
 * A sweep is the product of eviction policies, TTL rules, chains of lower tiers and capacities of the first, in that nesting
 * (capacity innermost). The runs share the loaded trace and nothing else; threads take points as they become free, results
 * are handed on in order, each as soon as it and all before it are there.
 */
#ifndef KVCAST_SWEEP_H
#define KVCAST_SWEEP_H

#include "simulate.h"
#include "spec.h"

struct sweep {
	const struct trace *trace;
	const struct run_config *base; /* everything but what follows */
	const struct spec_list *evicts, *ttls;
	const uint64_t *capacities;
	size_t capacity_count;
	const struct tier_config *const *chains; /* each of base->tier_count tiers */
	size_t chain_count;                      /* at least 1 */
	int jobs; /* threads; 0: one a core */
	/* Called in order of points, one call at a time, from any thread. `result` is freed after the call. */
	void (*on_point)(void *context, size_t index, const struct run_config *config, const struct run_result *result);
	/* Called when a point is done, in no order; may be NULL. */
	void (*on_progress)(void *context, size_t done, size_t total);
	void *context;
};

size_t sweep_points(const struct sweep *sweep);

/* 0; -1 and a sentence where a policy or a parameter is refused: that is found before the first run. */
int sweep_run(const struct sweep *sweep, struct err *err);

#endif
