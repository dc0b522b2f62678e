/* runs.h - one replay of a made trace, with what every request got, for tests that compare runs with each other. */
#ifndef KVCAST_RUNS_H
#define KVCAST_RUNS_H

#include "replay.h"

struct runs_setup {
	const char *evict, *ttl; /* SPECs; must be right */
	uint64_t capacity_blocks;
	bool object, leaf;
	bool tail_skipped, recompute_last;
	uint64_t seed;
};

struct runs_result {
	uint32_t request_count;
	struct request_outcome *outcomes; /* [request_count] */
	uint64_t hit_blocks;
	struct cache_counts counts;
	double mean_resident_blocks;
};

struct runs_result runs_replay(const struct trace *trace, const struct runs_setup *setup);
void runs_free(struct runs_result *result);
/* Whether every request got the same, and the totals agree. */
bool runs_equal(const struct runs_result *a, const struct runs_result *b);

#endif
