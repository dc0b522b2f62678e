#include "sweep.h"

#include "cache.h"

#include <omp.h>
#include <stdlib.h>

/* Results that wait for an earlier one. */
struct pending {
	struct run_config config;
	struct run_result result;
	bool ready;
};

size_t sweep_points(const struct sweep *sweep)
{
	return sweep->evicts->count * sweep->ttls->count * sweep->capacity_count * sweep->chain_count;
}

static struct run_config point(const struct sweep *sweep, size_t index)
{
	struct run_config config = *sweep->base;
	config.capacity_blocks = sweep->capacities[index % sweep->capacity_count];
	index /= sweep->capacity_count;
	config.tiers = sweep->chains[index % sweep->chain_count];
	index /= sweep->chain_count;
	config.ttl = &sweep->ttls->specs[index % sweep->ttls->count];
	config.evict = &sweep->evicts->specs[index / sweep->ttls->count];
	return config;
}

/* Tries every policy, rule and chain once, so that a refusal costs no run. */
static int check(const struct sweep *sweep, struct err *err)
{
	const size_t capacities = sweep->capacity_count, chains = sweep->chain_count, ttls = sweep->ttls->count;
	const size_t firsts[] = {chains, ttls, sweep->evicts->count};
	const size_t strides[] = {capacities, capacities * chains, capacities * chains * ttls};
	for (size_t axis = 0; axis < COUNT_OF(firsts); axis++) {
		for (size_t i = 0; i < firsts[axis]; i++) {
			const struct run_config config = point(sweep, i * strides[axis]);
			if (simulate_check(sweep->trace, &config, err) < 0)
				return -1;
		}
	}
	return 0;
}

int sweep_run(const struct sweep *sweep, struct err *err)
{
	if (check(sweep, err) < 0)
		return -1;
	const size_t count = sweep_points(sweep);
	struct pending *pending = mem_alloc(count, sizeof(*pending));
	size_t done = 0, handed_on = 0;
	int failed = 0;
	const int threads = sweep->jobs > 0 ? sweep->jobs : omp_get_max_threads();
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
	for (size_t i = 0; i < count; i++) {
		struct err own;
		struct pending finished = {.config = point(sweep, i), .ready = true};
		int refused = simulate_run(sweep->trace, &finished.config, &finished.result, &own);
#pragma omp critical(sweep_results)
		{
			if (refused) {
				*err = own;
				failed = -1;
			} else {
				pending[i] = finished;
			}
			done++;
			while (handed_on < count && pending[handed_on].ready && !failed) {
				struct pending *next = &pending[handed_on];
				sweep->on_point(sweep->context, handed_on, &next->config, &next->result);
				simulate_free(&next->result);
				handed_on++;
			}
			if (sweep->on_progress)
				sweep->on_progress(sweep->context, done, count);
		}
	}
	for (size_t i = handed_on; i < count; i++)
		simulate_free(&pending[i].result);
	free(pending);
	return failed;
}
