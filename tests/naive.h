/* naive.h - the neutral contract said once more, as plainly as possible, to check the cache against.
 *
 * Model. Everything known of a block is a struct; every question is answered by looking at all blocks. Nothing is shared
 * with the product but the trace and the words of policy.h, ttl.h, cache.h, replay.h and metrics.h. A policy is a key
 * (the idle block with the smallest goes) or a chooser with state of its own, a TTL rule one function: naive_policies.c.
 *
 * Follow mode. For a policy without a twin the model does not choose: it is told which blocks the product let go in a
 * step, and takes each of them when it needs room and the block may go. The test fails where one is left over in the end (it
 * was in use or had resident children, or there was room to spare) and where none was taken although one was idle, so
 * everything but the choice itself is still checked.
 *
 * Costs: O(blocks) a step, O(blocks) an eviction; for hundreds of blocks.
 */
#ifndef KVCAST_NAIVE_H
#define KVCAST_NAIVE_H

#include "trace.h"

struct naive_value {
	const char *name;
	int64_t integer;
	double real;
};

#define NAIVE_MOST_VALUES 24

struct naive_values {
	struct naive_value at[NAIVE_MOST_VALUES];
	uint32_t count;
};

int64_t naive_integer(const struct naive_values *values, const char *name);
double naive_real(const struct naive_values *values, const char *name);

enum naive_coherence { NAIVE_NONE, NAIVE_LIFT, NAIVE_CASCADE };

#define NAIVE_MOST_CLASSES 4

/* The TTL as one class has it. */
struct naive_rule {
	bool absolute;
	int64_t max_age_ns;
	struct naive_values own;
	uint32_t learner; /* classes with overrides learn on their own, the others together as the last */
};

struct naive_config {
	const struct trace *trace;
	const char *evict; /* NULL: follow mode */
	struct naive_values evict_values;
	const char *ttl; /* NULL: blocks never expire */
	struct naive_rule rules[NAIVE_MOST_CLASSES + 1]; /* by class; the last is for requests of no class */
	enum naive_coherence coherence;
	bool hard, unpins;
	uint64_t capacity_blocks; /* UINT64_MAX: no limit */
	bool leaf, object, tail_cached, recompute_last;
	bool overlapping; /* requests are in flight together */
	bool may_decline; /* follow mode: none may be let go although one is idle */
	bool may_shed;    /* follow mode: blocks may be let go although there is room */
	double speed, warmup;
	double token_ns, pair_ns; /* cost of computing, as in calibration.h */
	uint64_t seed;
};

enum naive_state { NAIVE_NEVER, NAIVE_RESIDENT, NAIVE_EVICTED, NAIVE_EXPIRED, NAIVE_STATES };

struct naive_block {
	enum naive_state state;
	uint32_t pins;
	uint64_t used_seq, born_seq; /* of the last use, of the insertion */
	uint64_t let_go;             /* order in which blocks are released after a use */
	bool in_use;                 /* used and not let go since */
	uint64_t uses;               /* 1 at insertion, one more per hit */
	int64_t born_ns, deadline_ns;
	int64_t used_ns;             /* of the last use; in flat scope of letting go after it */
	uint64_t gone; /* follow mode: the product let it go in this step, in this order; 0: did not */
	/* For policies with state of their own. */
	double score;
	uint64_t mark;
};

struct naive_policy;
struct naive_ttl;

/* What a TTL rule has learned. */
struct naive_learned {
	double theta_ns, share;
	uint64_t requests;
	int64_t *asked_ns; /* [block] -1: never */
	bool *returns;     /* [block] asked for again in time, by the request being served */
	void *rng;         /* gsl_rng */
	double uniform;    /* drawn for drawn_request */
	uint32_t drawn_request;
	uint32_t *last;    /* [session], or without sessions [block]: 1 + the last request there; 0: none */
	int64_t *at_ns;    /* [request] when it came */
	double mean[NAIVE_MOST_CLASSES], variance[NAIVE_MOST_CLASSES];
};

struct naive {
	struct naive_config config;
	const struct naive_policy *policy;
	const struct naive_ttl *ttl;
	struct naive_block *blocks;
	uint64_t seq, let_go;
	uint32_t request; /* being served */
	uint32_t path_blocks, hit_blocks; /* of that request; 1 and 0 or 1 under object semantics */
	int64_t now_ns;
	uint64_t evicted, expired, declined;
	double residency_block_ns;
	bool *on_path;             /* [request][block] */
	uint64_t *first_reference; /* [request] references before it, from 0 */
	const char *wrong;         /* follow mode: what was not allowed */
	struct naive_learned learned[NAIVE_MOST_CLASSES + 1]; /* [learner] */
	void *own;                 /* the policy's */
};

/* Smallest goes: first, then second, then older use, then deeper, then smaller id (policy.h, "Order"). */
struct naive_key {
	double first, second;
};

struct naive_policy {
	const char *name;
	struct naive_key (*key)(const struct naive *model, block_id b);
	/* In place of a key: the victim for `in`, or BLOCK_NONE. The hooks may be NULL; hit and insert still see the used_ns
	 * of the use before. */
	block_id (*choose)(struct naive *model, block_id in);
	void (*open)(struct naive *model);
	void (*close)(struct naive *model);
	void (*hit)(struct naive *model, block_id b);
	void (*insert)(struct naive *model, block_id b);
	void (*let_go)(struct naive *model, block_id b); /* after a use */
	void (*left)(struct naive *model, block_id b, enum naive_state why);
	/* For rules that keep the room themselves: makes room for `in` (naive_evict()) even where the cache is not full, or
	 * returns false; and what comes after the path (policy.h, settle). */
	bool (*room)(struct naive *model, block_id in);
	void (*settle)(struct naive *model);
	bool flat_only; /* in leaf scope there is no twin */
	/* Whether the twin can tell under these parameters, for rules that draw; NULL: always. */
	bool (*knows)(const struct naive_config *config);
};

struct naive_ttl {
	const char *name;
	int64_t (*ttl_ns)(struct naive *model, const struct naive_values *own, block_id b, uint64_t hits);
	bool counts; /* its answer depends on how many blocks are resident when it is asked */
	/* For rules that learn. observe is for each request, before its blocks are asked about; `rules`: its class is of that
	 * learner. */
	void (*open)(const struct naive *model, struct naive_learned *learned, const struct naive_values *own);
	void (*close)(struct naive_learned *learned);
	void (*observe)(const struct naive *model, struct naive_learned *learned, const struct naive_values *own,
	                const block_id *path, bool rules);
};

/* The twins of the engines' own policies, of classics that keep queues or scores, judge a sample or follow experts, and of
 * the papers' that score by a formula or learn. */
extern const struct naive_policy naive_engines[], naive_queued[], naive_scored[], naive_papers[], naive_learned[],
        naive_sampled[], naive_experts[], naive_retention, naive_vllm, naive_wtinylfu;
extern const size_t naive_engine_count, naive_queued_count, naive_scored_count, naive_paper_count, naive_learned_count,
        naive_sampled_count, naive_expert_count;

/* NULL where there is no twin of that name, or none in that scope. */
const struct naive_policy *naive_policy_find(const char *name, bool leaf);
const struct naive_ttl *naive_ttl_find(const char *name);

struct naive *naive_open(const struct naive_config *config);
void naive_close(struct naive *model);

/* The path's ids, root to tail, into `path`; returns how many. */
uint32_t naive_path(const struct naive *model, uint32_t request, block_id *path);

/* The steps of cache.h. */
void naive_advance(struct naive *model, int64_t now_ns);
uint32_t naive_lookup(const struct naive *model, const block_id *path, uint32_t count);
uint32_t naive_acquire(struct naive *model, const block_id *path, uint32_t count, uint32_t hit);
void naive_release(struct naive *model, const block_id *path, uint32_t held);
/* Object semantics: one access; whether it hit. */
bool naive_access(struct naive *model, block_id b);

/* What policies may ask, and do. */
void naive_evict(struct naive *model, block_id b);
bool naive_idle(const struct naive *model, block_id b);
/* The idle block with the smallest key; BLOCK_NONE where none is idle. */
block_id naive_first(const struct naive *model, struct naive_key (*key)(const struct naive *model, block_id b));
/* Seq of the last use; for requests in flight together, in flat scope, the order in which they let go (vLLM's free queue,
 * POLICIES A1, 1.5). One request at a time lets go in order of use, so there the two are the same. */
double naive_recency(const struct naive *model, block_id b);
uint32_t naive_used(const struct naive *model);
/* Seq of the next request (object semantics: access) after the one being served that uses b; UINT32_MAX: none. */
uint64_t naive_next_use(const struct naive *model, block_id b);
/* Nanoseconds to compute the block at that depth again. */
double naive_recompute_ns(const struct naive *model, uint32_t depth);

/* What one request got, as metrics.h defines it. */
struct naive_outcome {
	uint32_t path_blocks, hit_blocks;
	bool full_hit;
	uint64_t hit_tokens, missed_tokens[NAIVE_STATES], partial_tokens, forced_tokens;
	int64_t arrival_ns;
};

/* Serves request `request` whole: time, lookup, acquire and release (or its accesses), and the books. */
struct naive_outcome naive_serve(struct naive *model, uint32_t request);

#endif
