/* timed.h - one engine run of a made trace, with all that came of it, for tests that look at runs and compare them.
 *
 * What a setup leaves 0 or NULL is the plain choice: lru, no TTL, one tier without a limit, open loop, every load that is
 * faster, blocks of 1,000 bytes a token, the calibration `timed_calibration`.
 */
#ifndef KVCAST_TIMED_H
#define KVCAST_TIMED_H

#include "backend.h"
#include "make_trace.h"
#include "run_config.h"

#define TIMED_FAULTS 4

struct timed_setup {
	enum engine_kind engine; /* ENGINE_REPLAY, 0: vllm */
	const char *evict, *ttl;
	uint64_t capacity_blocks; /* 0: no limit */
	const char *tiers[TIER_MOST]; /* the lower ones, as after --tier; sizes are blocks or inf */
	enum load_rule load;
	bool flat, closed_loop, drop_answers, no_offload;
	bool single_steps; /* the backend does not sum decode steps */
	uint32_t sessions, step_tokens, most_running;
	uint32_t replicas;  /* 0: one */
	const char *router; /* as after --router; least-loaded */
	struct fault faults[TIMED_FAULTS]; /* until the first of tier 0 */
	int64_t archive_every_ns;
	double archive_bytes_per_s, bytes_per_token, speed, warmup;
	const struct calibration *calibration;
	const struct backend_ops *ops; /* NULL: the cost model */
	void *backend;
	uint64_t seed;
	const char *log; /* a file's name, or NULL */
};

struct timed_result {
	struct run_result run;
	uint32_t request_count, answered; /* of the trace; of those, with an outcome */
	struct request_outcome *outcomes; /* [request_count]; zeroed where rejected */
	int64_t *arrival_ns;
	uint32_t *order; /* [answered], as completed */
};

/* Of the first form; and with every term, curved, of the second. */
extern const struct calibration timed_calibration, timed_curved_calibration;

/* 0, or -1 and a sentence. */
int timed_try(const struct trace *trace, const struct timed_setup *setup, struct timed_result *result, struct err *err);
/* The same where a failure is the test's. */
struct timed_result timed_run(const struct trace *trace, const struct timed_setup *setup);
void timed_free(struct timed_result *result);
const struct metrics_group *timed_total(const struct timed_result *result);

/* Whether the two runs of one trace came to the same in everything that they report, and each request got the same at
 * the same time. */
bool timed_equal(const struct timed_result *a, const struct timed_result *b);
/* Whether the ledger of every request adds up to its prompt, its times to its TTFT, every request was answered or rejected,
 * and none was overtaken; the sums that must hold over tiers, links and replicas. NULL, or what does not. */
const char *timed_wrong(const struct trace *trace, const struct timed_setup *setup, const struct timed_result *result);

/* Gives the requests of a made trace answers of up to `most_output` tokens, some of none, and think times. */
void timed_dress(struct trace *trace, struct make_rng *rng, uint32_t most_output, int64_t most_think_ns);

#endif
