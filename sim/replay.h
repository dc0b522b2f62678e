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

#include "cache.h"
#include "calibration.h"
#include "metrics.h"

enum semantics { SEMANTICS_PREFIX, SEMANTICS_OBJECT };

struct run_config {
	const struct spec *evict, *ttl;
	uint64_t capacity_blocks; /* UINT64_MAX: no limit */
	enum semantics semantics;
	bool leaf;           /* scope; object semantics is always flat */
	bool tail_cached;    /* partial_tail = cache */
	bool recompute_last; /* at most floor((prompt - 1) / B) blocks of a prompt count as hits */
	double speed;        /* arrivals come this many times faster */
	double warmup;       /* share of the requests, from the first, that is served but not counted */
	uint64_t seed;
	const struct calibration *calibration;
	double kv_bytes_per_token; /* 0: unknown */
	/* Called for every counted request, in service order; may be NULL. */
	void (*on_request)(void *context, const struct trace_request *request, int64_t arrival_ns,
	                   const struct request_outcome *outcome);
	void *on_request_context;
};

struct run_result {
	struct metrics *metrics;
	struct cache_counts counts; /* over the counted requests */
	double mean_resident_blocks; /* residency integral over [first, last counted arrival] / that span; 0 for a span of 0 */
	double held_block_s;         /* that integral */
	double span_s;
};

/* 0; or -1 and a sentence (unknown policy, bad parameter). replay_free releases what a result holds. */
/* Says, without a run, whether the policies of `config` would be refused: 0, or -1 and the sentence. */
int replay_check(const struct trace *trace, const struct run_config *config, struct err *err);
int replay_run(const struct trace *trace, const struct run_config *config, struct run_result *result, struct err *err);
void replay_free(struct run_result *result);

/* The blocks that a request looks up: without the partial tail where that is not cached. */
struct path replay_path(const struct trace *trace, const struct trace_request *request, bool tail_cached);
uint64_t replay_references(const struct trace *trace, bool tail_cached);

#endif
