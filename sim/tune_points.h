/* tune_points.h - what the searches of tune.c have tried, as CSV, one row a run of training.
 *
 * trace, evict, ttl, capacity_blocks, capacity_gib, token_hit_rate, ttft_ms_mean, ttft_ms_p50, ttft_ms_p95, ttft_ms_p99,
 * held_gib_s, dollars: as in a sweep's CSV, dollars as in tune.h; allowed: 1 where all constraints are kept; on_front: 1 where
 * no other run is better in one of token_hit_rate, ttft_ms_p95, held_gib_s and dollars and as good in all. Bytes and dollars are
 * empty where no model is known, and count for nothing then.
 */
#ifndef KVCAST_TUNE_POINTS_H
#define KVCAST_TUNE_POINTS_H

#include "tune_search.h"

/* -1 and a sentence where the file could not be written. */
int tune_points_write(const char *path, const struct tune *tune, const struct tune_search *searches, bool has_bytes,
                      struct err *err);

#endif
