/* timeline.h - what happened when: fixed buckets of simulated time, written as CSV by --timeline.
 *
 * Columns: start_s, requests (answered in the bucket), prompt_tokens, hit_tokens, token_hit_rate (of those requests),
 * ttft_ms_mean, resident_blocks, running, waiting (averages over the bucket's time, sums over replicas). Buckets without requests have rows
 * too; their rates are empty. All calls accept a NULL timeline and then do nothing.
 */
#ifndef KVCAST_TIMELINE_H
#define KVCAST_TIMELINE_H

#include "metrics.h"
#include "output.h"

struct timeline;

struct timeline *timeline_open(const char *path, int64_t bucket_ns, struct err *err);
/* From the last call to `now_ns` the state was this. */
void timeline_advance(struct timeline *timeline, int64_t now_ns, uint64_t resident, uint32_t running, uint32_t waiting);
void timeline_finish(struct timeline *timeline, int64_t now_ns, uint32_t prompt_tokens, const struct request_outcome *outcome);
/* Both free it. */
int timeline_commit(struct timeline *timeline, struct err *err);
void timeline_abort(struct timeline *timeline);

#endif
