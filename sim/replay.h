/* replay.h - the neutral contract: requests are served in order and at once.
 *
 * Model. Requests come in open-loop order, each at its recorded time divided by `speed`, and take no time. A request's
 * prefix is looked up, touched and completed (cache.h), then released. Nothing is computed again, the partial tail is
 * cached as a block of its own (both can be changed). TTFT is what the uncomputed part of the prompt costs on an idle
 * machine, from the calibration; E2E adds the decoding of the answer. Source: POLICIES section 1 and E6.
 *
 * Semantics `object`: every block reference is an access of its own, root to tail, a hit wherever the block stands, flat
 * scope, nothing pinned; a request's hits are counted, but its prefix plays no part.
 *
 * One run belongs to one thread, many may share the trace. The same inputs give the same results, to the last bit.
 */
#ifndef KVCAST_REPLAY_H
#define KVCAST_REPLAY_H

#include "path.h"
#include "run_config.h"

/* Says, without a run, whether the policies of `config` would be refused: 0, or -1 and the sentence. */
int replay_check(const struct trace *trace, const struct run_config *config, struct err *err);
/* 0; or -1 and a sentence (unknown policy, bad parameter). replay_free releases what a result holds. */
int replay_run(const struct trace *trace, const struct run_config *config, struct run_result *result, struct err *err);
void replay_free(struct run_result *result);

/* The blocks that a request looks up: without the partial tail where that is not cached. */
struct path replay_path(const struct trace *trace, const struct trace_request *request, bool tail_cached);
/* Fills in what the trace says of a request; leaves seq, time and hit counts alone. */
void replay_describe(struct policy_now *now, const struct trace *trace, uint32_t index);
/* A time of the trace, a recorded arrival or how long somebody thinks, at the speed that the trace is run at. */
int64_t replay_sped_up_ns(const struct run_config *config, int64_t ns);
/* cache_config.recompute_ns with a struct replay_cost: what block `depth` costs when the blocks before it are there. */
struct replay_cost {
	const struct calibration *calibration;
	uint32_t block_tokens;
};
double replay_recompute_ns(const void *cost, uint32_t depth);
uint64_t replay_references(const struct trace *trace, bool tail_cached);

#endif
