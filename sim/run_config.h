/* run_config.h - what a run is: the cache, the rules of its engine, the traffic; and what it gives back.
 *
 * replay.h and engine.h are the two ways to run; simulate.h picks by `engine`.
 */
#ifndef KVCAST_RUN_CONFIG_H
#define KVCAST_RUN_CONFIG_H

#include "calibration.h"
#include "cache.h"
#include "metrics.h"
#include "router.h"
#include "step_error.h"
#include "tier_config.h"

enum semantics { SEMANTICS_PREFIX, SEMANTICS_OBJECT };

enum engine_kind {
	ENGINE_REPLAY, /* requests are served in order and at once (replay.h) */
	ENGINE_STATIC, /* one request at a time, each with its own time */
	ENGINE_VLLM,   /* continuous batching, blocks visible when they are allocated */
	ENGINE_SGLANG, /* the same, blocks visible when they are computed */
};

/* When a hit in a lower tier is loaded rather than computed again. */
enum load_rule { LOAD_FASTER, LOAD_ALWAYS, LOAD_NEVER };

/* A lower tier or its link is away for a while, in all replicas at once, or its loads fail now and then. */
struct fault {
	uint32_t tier;
	int64_t from_ns, until_ns; /* finite; equal: none */
	double load_failure;       /* probability of a load */
};

struct engine_log; /* engine_log.h */
struct timeline;   /* timeline.h */
struct blocks_csv; /* blocks_csv.h */

struct run_config {
	const struct spec *evict, *ttl; /* of the first tier */
	uint64_t capacity_blocks;       /* of the first tier; UINT64_MAX: no limit */
	enum semantics semantics;
	bool leaf;           /* scope; object semantics is always flat */
	bool tail_cached;    /* partial_tail = cache; engines other than replay keep full blocks only */
	bool recompute_last; /* at most floor((prompt - 1) / B) blocks of a prompt hit and are used; engines always do so */
	uint32_t least_prompt_tokens; /* replay: shorter prompts pass the cache by */
	double speed;        /* arrivals (closed loop: think times) are this many times faster */
	double warmup;       /* share of the requests, from the first, that is served but not counted */
	uint64_t seed;
	const struct calibration *calibration;
	double kv_bytes_per_token; /* 0: unknown */
	bool measured;             /* a GPU does the steps; for requests_csv.h */

	/* Engines other than replay. */
	enum engine_kind engine;
	const struct tier_config *tiers; /* [0] is the first tier, whose policies and capacity stand above */
	uint32_t tier_count;             /* 0: the first tier only */
	enum load_rule load;
	uint32_t step_tokens;   /* budget of a step */
	uint32_t most_running;  /* sequences in a step */
	double step_factor;     /* simulate_run: steps take so many times what the calibration says; 0: 1 */
	struct step_error step_error; /* simulate_run: and steps with parts of prompts are off by so much */
	bool keep_answers;      /* answers' blocks are kept where the trace shows them */
	bool closed_loop;       /* a session's next turn comes a think time after its answer */
	uint32_t sessions;      /* closed loop: sessions at once, of all replicas */
	uint32_t replicas;      /* machines like this one, at most ROUTER_REPLICAS_MOST; 0: one */
	struct router_config router; /* who gets a request, where there are several */
	int64_t archive_every_ns;
	double archive_bytes_per_s;
	bool no_offload;
	const struct fault *faults;
	uint32_t fault_count;
	struct engine_log *log;    /* may be NULL */
	struct timeline *timeline; /* may be NULL */

	struct blocks_csv *blocks; /* gets the resident blocks at the end; may be NULL */
	/* Called for every counted request, in order of service (engines: of completion); may be NULL. */
	void (*on_request)(void *context, const struct trace_request *request, int64_t arrival_ns,
	                   const struct request_outcome *outcome);
	void *on_request_context;
};

struct tier_result {
	uint64_t stored_blocks, loaded_blocks, evicted_blocks, expired_blocks; /* a load that fails counts as one */
	/* What faults cost. Loads that came to nothing, with the tokens that were computed after all and the time that requests
	 * waited in vain (of loads with several parts: for the first that failed and those behind it). While the tier was away:
	 * tokens of hits in it that were computed, and blocks that were not stored. */
	uint64_t failed_loads, failed_tokens, away_tokens, missed_blocks;
	int64_t failed_wait_ns;
	uint64_t read_bytes, written_bytes;
	uint32_t copies;       /* replicas that have one of their own; 1 where it is shared */
	double link_busy_s;    /* within the span */
	double link_backlog_s; /* how long its queue lasts after that; of several links the longest */
	double mean_resident_blocks, held_block_s;
	uint64_t resident_blocks; /* at the end */
};

/* What went to one replica. */
struct replica_result {
	uint64_t requests, prompt_tokens, hit_tokens; /* of those counted and answered */
	double busy_s;
	struct distribution ttft_ms;
};

/* Over all replicas; counts, bytes, busy and held times are sums. */
struct run_result {
	struct metrics *metrics;
	struct cache_counts counts;  /* of the first tier, over the counted requests */
	double mean_resident_blocks; /* first tier: residency integral over the counted span / that span; 0 for a span of 0 */
	double held_block_s;         /* that integral */
	double span_s;               /* replay: first to last counted arrival; engines: first counted arrival to last answer */

	/* Engines other than replay. */
	uint64_t steps, preemptions, recomputed_tokens, rejected_requests, output_tokens;
	double busy_s; /* time in steps */
	double mean_in_system; /* requests between arrival and answer, averaged over the span */
	struct tier_result tiers[TIER_MOST];
	struct replica_result *replicas; /* [replica_count] */
	uint32_t replica_count;
	double imbalance; /* busy time of the busiest replica over the mean; 1: all are as busy, replica_count: one does all */
};

#endif
