/* sweep.h - many runs of one trace, on all cores.
 *
 * A sweep is the product of eviction policies, TTL rules, chains of lower tiers and capacities of the first, in that nesting
 * (capacity innermost); a point is its place in it. The runs share the loaded trace and nothing else. Which points this
 * process runs, and what becomes of the results, is its caller's: rows.h puts them in order, ranks.h deals points out to
 * several processes.
 */
#ifndef KVCAST_SWEEP_H
#define KVCAST_SWEEP_H

#include "simulate.h"
#include "spec.h"

struct sweep_fleet {
	uint32_t replicas;
	struct router_config router;
	double step_factor; /* of every replica */
};

struct sweep {
	const struct trace *trace;
	const struct run_config *base; /* everything but what follows */
	const struct spec_list *evicts, *ttls;
	const uint64_t *capacities;
	size_t capacity_count;
	const struct tier_config *const *chains; /* each of base->tier_count tiers */
	size_t chain_count;                      /* at least 1 */
	const struct sweep_fleet *fleets;        /* [chain_count], one with each chain; NULL: as in base */
	int jobs; /* threads; 0: one a core */
	/* Called from the threads, several at once. `take` gives a point that nobody has had, or sweep_points() when none is
	 * left; `result` is freed after `give`. */
	size_t (*take)(void *context);
	void (*give)(void *context, size_t point, const struct run_config *config, const struct run_result *result);
	void *context;
};

size_t sweep_points(const struct sweep *sweep);

/* Tries every policy, rule and chain once, so that a refusal costs no run: 0, or -1 and the sentence. Due before sweep_run. */
int sweep_check(const struct sweep *sweep, struct err *err);

/* Takes points, and runs them, until none is left. 0; -1 and a sentence where a run was refused: then it has stopped. */
int sweep_run(const struct sweep *sweep, struct err *err);

#endif
