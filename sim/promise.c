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
	*kept = measured.rejected == 0 && tune_how_broken(tune, &measured) == 0;
	if (*kept) {
		promise->kept = true;
		promise->capacity_blocks = capacity_blocks;
	}
	if (*kept || !promise->kept)
		promise->measured = measured;
	return 0;
}

int promise_find(const struct tune *tune, struct promise *promise, struct err *err)
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
	struct run_config config = *tune->config;
	struct tune at = *tune;
	config.capacity_blocks = promise->kept ? promise->capacity_blocks : tune->trace->block_count;
	at.config = &config;
	return tune_measure_interval(&at, promise->evict->text, promise->ttl->text, tune->constraints[0].metric, &promise->interval, err);
}
