/* metrics.h - what a run adds up to, and the ledger in which every prompt token stands once.
 *
 * Definitions (binding, DESIGN "Interface"):
 *   blocks             prompt blocks looked up (references)
 *   block_hit_rate     hit_blocks / blocks
 *   token_hit_rate     sum of min(hit blocks x B, prompt) / prompt tokens
 *   request_hit_rate   mean over requests of their token hit rate
 *   full_hit_requests  requests whose whole prompt was resident, whatever was then computed again
 *
 * The ledger: hit, or missed because the block was never seen (cold), had been evicted or had found no room (evicted), had
 * expired, was there but behind a hole (orphaned), was a tail that is no full block (partial), or was resident but is
 * computed again by the last-token rule (forced), or was in a lower tier and did not come from there: not worth it, the
 * load failed, the tier was away (not_loaded). Its sum is the prompt, asserted at every request.
 *
 * Percentiles are linear between order statistics (GSL's quantile, type 7). Times in ns.
 */
#ifndef KVCAST_METRICS_H
#define KVCAST_METRICS_H

#include "tier_config.h"
#include "trace.h"

struct ledger {
	uint64_t tier_hit_tokens[TIER_MOST]; /* add up to hit_tokens */
	uint64_t hit_tokens, cold_tokens, evicted_tokens, expired_tokens, orphaned_tokens, partial_tokens, forced_tokens;
	uint64_t not_loaded_tokens;
};

/* What one request got. */
struct request_outcome {
	uint32_t path_blocks, hit_blocks;
	uint32_t replica; /* that served it */
	bool full_hit;
	struct ledger ledger;
	int64_t queue_ns, load_ns, prefill_ns, ttft_ns, e2e_ns;
	int64_t saved_ns; /* prefill that the hit tokens saved */
};

struct distribution {
	double mean, p50, p90, p95, p99, max;
};

/* The times of a request. TTFT = queue + load + prefill. */
enum metrics_time { METRICS_TTFT, METRICS_E2E, METRICS_QUEUE, METRICS_LOAD, METRICS_PREFILL, METRICS_TIMES };

struct metrics_group {
	uint64_t requests, prompt_tokens, blocks, hit_blocks, full_hit_requests;
	double request_hit_sum;
	struct ledger ledger;
	double prefill_saved_s; /* what the hit tokens would have cost to compute, alone */
	struct distribution time_ms[METRICS_TIMES]; /* set by metrics_finish */
};

struct metrics;

struct metrics *metrics_open(const struct trace *trace);
void metrics_close(struct metrics *metrics);
void metrics_add(struct metrics *metrics, const struct trace_request *request, const struct request_outcome *outcome);
void metrics_finish(struct metrics *metrics);

const struct metrics_group *metrics_total(const struct metrics *metrics);
/* Of class `class_id`; requests of no class are in the total only. */
const struct metrics_group *metrics_class(const struct metrics *metrics, uint32_t class_id);

/* The value that `share` of `count` values, at least one, are below; they are put in another order. */
double metrics_quantile(double *values, size_t count, double share);
/* Of `count` values, which are put in another order; all 0 for none. */
struct distribution metrics_distribution(double *values, size_t count);

double metrics_block_hit_rate(const struct metrics_group *group);
double metrics_token_hit_rate(const struct metrics_group *group);
double metrics_request_hit_rate(const struct metrics_group *group);

#endif
