#include "tune_points.h"

#include "output.h"
#include "tune_spec.h"

#include <inttypes.h>
#include <stdlib.h>

static const enum tune_metric front_metrics[] = {TUNE_HIT, TUNE_TTFT_P95, TUNE_HELD, TUNE_COST};

/* Whether b is better than a in one thing and as good in all. */
static bool beats(const struct tune_measure *b, const struct tune_measure *a)
{
	bool better = false;
	for (size_t i = 0; i < COUNT_OF(front_metrics); i++) {
		const enum tune_metric metric = front_metrics[i];
		const double more = (metric == TUNE_HIT ? 1 : -1) * (b->values[metric] - a->values[metric]);
		if (more < 0)
			return false;
		better |= more > 0;
	}
	return better;
}

static bool on_front(const struct tune_search *searches, const struct tune_measure *measured)
{
	for (uint32_t s = 0; s < TUNE_STARTS; s++) {
		for (uint32_t i = 0; i < searches[s].count; i++) {
			if (beats(&searches[s].trials[i].measured, measured))
				return false;
		}
	}
	return true;
}

static void put_trial(struct output *output, const struct tune *tune, const struct tune_trial *trial, bool front, bool has_bytes)
{
	const uint64_t capacity = tune->config->capacity_blocks;
	const double *v = trial->measured.values;
	char evict[TUNE_SPEC_MOST], ttl[TUNE_SPEC_MOST];
	tune_spec_write(tune, true, trial->places, evict, sizeof(evict));
	tune_spec_write(tune, false, trial->places, ttl, sizeof(ttl));
	output_csv_text(output, tune->trace->name);
	output_printf(output, ",");
	output_csv_text(output, evict);
	output_printf(output, ",");
	output_csv_text(output, ttl);
	if (capacity == UINT64_MAX)
		output_printf(output, ",inf,");
	else
		output_printf(output, ",%" PRIu64 ",", capacity);
	if (has_bytes && capacity != UINT64_MAX)
		output_printf(output, "%.9g", (double)capacity * tune->config->kv_bytes_per_token * tune->trace->block_tokens / 0x1p30);
	output_printf(output, ",%.9g,%.9g,%.9g,%.9g,%.9g", v[TUNE_HIT], v[TUNE_TTFT_MEAN], v[TUNE_TTFT_P50], v[TUNE_TTFT_P95],
	              v[TUNE_TTFT_P99]);
	if (has_bytes)
		output_printf(output, ",%.9g,%.9g", v[TUNE_HELD], v[TUNE_COST]);
	else
		output_printf(output, ",,");
	output_printf(output, ",%d,%d\n", tune_how_broken(tune, &trial->measured) == 0, front);
}

int tune_points_write(const char *path, const struct tune *tune, const struct tune_search *searches, bool has_bytes,
                      struct err *err)
{
	struct output *output = output_open(path, err);
	if (!output)
		return -1;
	output_printf(output, "trace,evict,ttl,capacity_blocks,capacity_gib,token_hit_rate,ttft_ms_mean,ttft_ms_p50,ttft_ms_p95,"
	                      "ttft_ms_p99,held_gib_s,dollars,allowed,on_front\n");
	for (uint32_t s = 0; s < TUNE_STARTS; s++) {
		for (uint32_t i = 0; i < searches[s].count; i++) {
			const struct tune_trial *trial = &searches[s].trials[i];
			put_trial(output, tune, trial, on_front(searches, &trial->measured), has_bytes);
		}
	}
	return output_commit(output, err);
}
