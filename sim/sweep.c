#include "sweep.h"

#include "cache.h"

#include <omp.h>
#include <stdatomic.h>

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
	if (sweep->fleets) {
		config.replicas = sweep->fleets[index % sweep->chain_count].replicas;
		config.router = sweep->fleets[index % sweep->chain_count].router;
		config.step_factor = sweep->fleets[index % sweep->chain_count].step_factor;
	}
	index /= sweep->chain_count;
	config.ttl = &sweep->ttls->specs[index % sweep->ttls->count];
	config.evict = &sweep->evicts->specs[index / sweep->ttls->count];
	return config;
}

int sweep_check(const struct sweep *sweep, struct err *err)
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
	const size_t count = sweep_points(sweep);
	const int threads = sweep->jobs > 0 ? sweep->jobs : omp_get_max_threads();
	atomic_bool failed = false;
#pragma omp parallel num_threads(threads)
	while (!failed) {
		const size_t index = sweep->take(sweep->context);
		if (index >= count)
			break;
		struct err own;
		struct run_result result;
		const struct run_config config = point(sweep, index);
		if (simulate_run(sweep->trace, &config, &result, &own) < 0) {
#pragma omp critical(sweep_failure)
			*err = own;
			failed = true;
			break;
		}
		sweep->give(sweep->context, index, &config, &result);
		simulate_free(&result);
	}
	return failed ? -1 : 0;
}
