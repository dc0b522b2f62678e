/* info.h - what can be said of a trace without a cache: lengths, sessions, reuse, and the best hit rates there can be.
 *
 * Best hit rates. A cache that never forgets hits a block if and only if an earlier request had it, because equal
 * blocks have equal prefixes; so they are counted, not simulated. Requests count in open-loop order. Rules differ in
 * whether the partial block at a prompt's end is kept and whether the last token is always computed again (then only
 * (prompt - 1) / B blocks can hit); a fifth figure keeps answers too, where the trace gives their blocks. What the
 * rates mean: metrics of DESIGN, POLICIES section 1.
 *
 * A reuse gap is the time from one request with a block to the next one with it.
 *
 * Quantiles are linear between order statistics (Hyndman and Fan's type 7, as GSL's). They are exact: equal values in a
 * row are kept once with their number, so that 45 million gaps need some thousand entries.
 */
#ifndef KVCAST_INFO_H
#define KVCAST_INFO_H

#include "trace.h"

struct info_distribution {
	uint64_t count; /* where it is 0, so is all else */
	double min, p10, p50, p90, p99, max, mean;
};

struct info_ideal {
	bool tail_cached, recompute_last, answers_kept;
	uint64_t blocks, hit_blocks, hit_tokens, full_hit_requests;
	double block_hit_rate, token_hit_rate, request_hit_rate;
};

#define INFO_IDEALS_MOST 5

struct info_class {
	const char *name; /* the trace's; NULL for the requests without a class */
	uint64_t requests, prompt_tokens, output_tokens;
	uint64_t hit_tokens; /* in ideals[0] */
};

struct info {
	uint64_t requests, sessions, requests_without_session;
	uint64_t prompt_tokens, output_tokens;
	int64_t first_ns, last_ns;               /* arrivals */
	struct info_distribution prompt, output; /* tokens */
	struct info_distribution turns;          /* requests of a session */
	/* Prompt blocks: looked up, different ones, and of these the ones that several requests have. */
	uint64_t blocks, distinct_blocks, reused_blocks;
	struct info_distribution reuse_gap_ns, think_ns;
	/* [0]: tail kept, nothing computed again; then tail kept and last token again; the two of full blocks only; and
	 * the last one with answers kept too, where the trace has any. */
	struct info_ideal ideals[INFO_IDEALS_MOST];
	size_t ideal_count;
	/* By prompt tokens, most first; one without a name where some requests have no class and others do. */
	struct info_class *classes;
	size_t class_count;
};

void info_collect(struct info *info, const struct trace *trace);
void info_free(struct info *info);

#endif
