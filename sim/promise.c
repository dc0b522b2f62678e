#include "promise.h"

static int keeps(const struct tune *tune, struct promise *promise, uint64_t capacity_blocks, bool *kept, struct err *err)
{
	struct run_config config = *tune->config;
	struct tune at = *tune;
	struct tune_measure measured;
	config.capacity_blocks = capacity_blocks;
	at.config = &config;
	if (tune_measure_run(&at, promise->evict->text, promise->ttl->text, tune->trace->request_count, 0, &measured, err) < 0)
		return -1;
	*kept = tune_how_broken(tune, &measured) == 0;
	if (*kept) {
		promise->kept = true;
		promise->capacity_blocks = capacity_blocks;
	}
	if (*kept || !promise->kept)
		promise->measured = measured;
	return 0;
}

static int find(const struct tune *tune, struct promise *promise, struct err *err)
{
	uint64_t too_small = 0, enough = tune->trace->block_count;
	bool kept;
	if (keeps(tune, promise, enough, &kept, err) < 0)
		return -1;
	while (kept && enough - too_small > 1 && enough - too_small > enough / 100) {
		const uint64_t middle = too_small + (enough - too_small) / 2;
		bool middle_keeps;
		if (keeps(tune, promise, middle, &middle_keeps, err) < 0)
			return -1;
		if (middle_keeps)
			enough = middle;
		else
			too_small = middle;
	}
	return 0;
}

int promise_find(const struct tune *tune, const struct spec_list *evicts, const struct spec_list *ttls,
                 struct promise *promises, struct err *err)
{
	const size_t count = evicts->count * ttls->count;
	int failed = 0;
#pragma omp parallel for schedule(dynamic, 1)
	for (size_t i = 0; i < count; i++) {
		struct err own;
		promises[i] = (struct promise){.evict = &evicts->specs[i / ttls->count], .ttl = &ttls->specs[i % ttls->count]};
		if (find(tune, &promises[i], &own) == 0)
			continue;
#pragma omp critical(promise_failure)
		{
			*err = own;
			failed = -1;
		}
	}
	return failed;
}
