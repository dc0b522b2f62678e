/* engine_state.h - the engine's insides, shared by engine.c (time, events), engine_fleet.c (what replicas have in common),
 * admission.c and scheduler.c (who runs, with what memory). Nobody else includes it.
 *
 * A struct fleet is a run: its traffic, clock, events and sums. A struct engine is one replica of it: a scheduler, its step,
 * its chain of tiers. A request belongs to the fleet until it is routed, at arrival, and to one replica from then on.
 */
#ifndef KVCAST_ENGINE_STATE_H
#define KVCAST_ENGINE_STATE_H

#include "engine.h"
#include "event_queue.h"
#include "holders.h"
#include "replay.h"
#include "router.h"
#include "tiers.h"

#include <gsl/gsl_rng.h>

enum engine_event { EVENT_ARRIVAL, EVENT_STEP_END, EVENT_LOADED, EVENT_ARCHIVE, EVENT_RETRY };

enum sequence_state { SEQUENCE_NONE, SEQUENCE_WAITING, SEQUENCE_LOADING, SEQUENCE_READY, SEQUENCE_RUNNING };

/* Segments of lower tiers that one load may have; a path more mixed than that is computed from there on. */
#define LOAD_SEGMENTS 8

struct sequence {
	struct path path;         /* the prompt's full blocks, as far as they may be kept in the first tier */
	struct path answer;       /* blocks the answer fills are answer_from .. answer_to - 1 of this path */
	uint32_t answer_from, answer_to;
	uint32_t held_blocks;     /* of path, pinned */
	uint32_t hit_blocks;      /* of those, hits that lower tiers have not been told of; */
	uint32_t told_blocks;     /* computed ones from here on neither */
	uint32_t counted_blocks;  /* of path, that engine.holders counts: those held when it began to decode */
	uint32_t reserved_blocks; /* memory beside them: partial tails, answers, loads under way, what is not to be kept */
	struct tier_segment loading[LOAD_SEGMENTS]; /* the load under way */
	uint32_t loading_count, useful_count; /* segments; those before the first that fails */
	uint32_t refused_segments; /* bit i: what the backend brought of segment i is of no use */
	uint64_t computed_tokens; /* in memory: hit, loaded or computed */
	uint64_t target_tokens;   /* prompt, and after a preemption the answer so far */
	uint32_t missing_blocks;  /* while it loads or is ready: what it lacks for its target */
	bool takes_all;           /* came short alone once: gets memory for its target at once */
	uint64_t lost_tokens;     /* the most it had computed at a preemption */
	uint32_t answered_tokens;
	uint32_t preemptions;
	uint32_t order; /* of arrival */
	uint32_t replica;
	enum sequence_state state;
	bool counted;
	int64_t arrival_ns, admitted_ns, ready_ns, started_ns, first_token_ns;
	struct request_outcome outcome;
};

/* Requests waiting, in order of arrival: first come, first served also where one comes back. A ring. */
struct waiting {
	uint32_t *ring;
	uint32_t room, first, count;
};

struct engine;

struct fleet {
	const struct trace *trace;
	const struct run_config *config;
	const struct backend_ops *ops;
	void *backend;
	struct tier_config tier_configs[TIER_MOST]; /* as they run; the specs belong to the run's config */
	struct replay_cost cost;
	struct event_queue queue;
	gsl_rng *rng;
	int64_t now_ns;
	uint64_t seq; /* of the last request that a policy was told of */
	bool meets; /* replicas keep to one clock: what expires in one is seen outside it, by a shared tier or in the log */

	struct engine *engines; /* [engine_count], by replica number */
	uint32_t engine_count;
	uint32_t *touched, touched_count; /* replicas that something happened to at this time */
	struct router_view *views;        /* [engine_count]; loads kept up to date, hits filled in for a decision */

	struct sequence *sequences; /* [request_count] */
	uint32_t next_arrival; /* open loop: index of the next request */

	/* Closed loop. */
	uint32_t *next_turn; /* [request_count], UINT32_MAX: the last */
	uint32_t *starts; /* requests that begin a session, in order; one without a session is one of its own */
	uint32_t start_count, next_start;

	uint32_t arrived, first_counted, finished;
	int64_t first_counted_ns, last_ns;
	struct metrics *metrics;
	struct run_result *result;
	u128 stay_ns, in_system_ns; /* Little's law: two ways to the same sum */
	u128 uncounted_in_system_ns; /* until counting began */
	uint32_t in_system;
	int64_t in_system_at_ns;
};

struct engine {
	struct fleet *fleet;
	uint32_t index; /* the replica's number */
	/* The fleet's, nearer. */
	const struct trace *trace;
	const struct run_config *config;
	const struct backend_ops *ops;
	void *backend;
	struct sequence *sequences;
	struct run_result *result;

	struct tiers *tiers;
	struct cache *cache; /* the first tier's */
	int64_t now_ns;      /* the fleet's, when this replica was last looked at; past it within a stretch */
	uint64_t capacity_blocks;
	uint32_t block_tokens;
	bool commits_at_once; /* blocks are visible when allocated, not when computed */

	struct waiting waiting;
	uint32_t *running; /* in order of admission */
	uint32_t *ready;   /* in line, with memory; in no order */
	uint32_t running_count, loading_count, ready_count;
	uint64_t missing_blocks; /* of all that have memory but do not run */
	bool line_stands;      /* the first in line found no room, and nothing has happened since that could have made some */
	int64_t retry_ns;      /* when it is tried again because a shield ends */
	bool archive_planned;  /* a round of the archive's worker is on the queue */

	struct step_part *parts;
	uint32_t part_count;
	uint64_t step_repeats; /* decode steps that the one in progress stands for */
	struct holders holders; /* of sequences that decode; not counted where no step's time depends on it */
	uint64_t repeated_tokens;      /* as in struct step, of the one in progress */
	struct device_history history; /* the backend's */
	int64_t step_start_ns, step_end_ns;
	bool in_step;
	bool touched; /* is among fleet.touched */
	int64_t busy_ns; /* in steps, since counting began */
};

/* When the next event of any kind is due. */
int64_t engine_next_event_ns(const struct fleet *fleet);
/* A request that cannot be served. */
void engine_reject(struct engine *engine, uint32_t request);
/* Something happens to this replica later. */
void engine_plan(struct engine *engine, int64_t time_ns, enum engine_event kind, uint32_t subject);

/* Brings the clock and this replica to `now_ns`; with other replicas beside it, only where they are there too. */
void engine_advance(struct engine *engine, int64_t now_ns);

/* Whether there are other replicas: then a stretch of decode steps does not know what will interrupt it. */
static inline bool engine_has_company(const struct engine *engine)
{
	return engine->fleet->engine_count > 1;
}

/* What was chosen to run, begun at `start_ns`, as the backend is to see it. */
static inline struct step engine_step(struct engine *engine, int64_t start_ns)
{
	return (struct step){engine->parts, engine->part_count, engine->repeated_tokens, start_ns, &engine->history};
}

/* engine_fleet.c: opens the tiers of every replica; -1 and a sentence where a policy is refused. */
int engine_fleet_open_tiers(struct fleet *fleet, struct err *err);
void engine_fleet_close_tiers(struct fleet *fleet);
/* Brings the clock to `now_ns`, and with it all replicas where they have to be (meets). */
void engine_fleet_advance(struct fleet *fleet, int64_t now_ns);
/* Brings all replicas to the clock, what expires in order of time over all of them. */
void engine_fleet_meet(struct fleet *fleet);
/* Something happens to this replica now: it comes to the clock, and what it is in the middle of ends with the step in
 * progress. */
void engine_fleet_touch(struct engine *engine);
/* Whose the request that arrives now is to be. */
struct engine *engine_fleet_route(struct fleet *fleet, uint32_t request);

/* Blocks from..to-1 of `path`, from block `place` of the sequence on, are the request's. */
static inline void engine_hold(const struct engine *engine, uint32_t request, struct path path, uint32_t from, uint32_t to,
                               uint32_t place)
{
	if (engine->ops->hold && to > from)
		engine->ops->hold(engine->backend, request, path, from, to, place);
}

static inline uint32_t engine_blocks(const struct engine *engine, uint64_t tokens)
{
	return (uint32_t)((tokens + engine->block_tokens - 1) / engine->block_tokens);
}

/* What it lacks of the memory for all that is known of it. */
static inline uint32_t engine_missing_blocks(const struct engine *engine, const struct sequence *sequence)
{
	return engine_blocks(engine, sequence->target_tokens) - sequence->held_blocks - sequence->reserved_blocks;
}

/* engine_result.c: fills the result when the last request has left. */
void engine_result_collect(struct fleet *fleet);

/* admission.c: what a waiting sequence finds in the tiers.
 * Gives it its hit, and starts what has to be loaded. False where the cache has no room for it now: then nothing has
 * changed. */
bool admission_admit(struct engine *engine, uint32_t request);
/* What a loaded sequence was waiting for is there. */
void admission_loaded(struct engine *engine, uint32_t request);

/* scheduler.c: who runs.
 * Chooses what runs next: fills parts and step_repeats; false if nothing can run now. */
bool scheduler_build(struct engine *engine);
/* Gets the memory for the steps after the first of those that were chosen to be one event; time goes on meanwhile. */
void scheduler_stretch(struct engine *engine);
/* The stretch under way is to end with the first step that ends at `now_ns` or later; whether it is shorter now. */
bool scheduler_cut(struct engine *engine, int64_t now_ns);
/* Takes everything from a sequence: its pins, its memory, its place. */
void scheduler_release(struct engine *engine, uint32_t request);
/* The step's tokens have been computed; blocks that became whole are kept, and lower tiers take theirs: not before, as a
 * block may be hit in the step that computes it. Not for decode parts. */
void scheduler_commit(struct engine *engine, uint32_t request);
void scheduler_wait(struct engine *engine, uint32_t request);
/* A sequence has what it needs to run, but for its turn. */
void scheduler_ready(struct engine *engine, uint32_t request);
/* Makes now of every tier speak of `request`, with a new seq. */
void scheduler_describe(struct engine *engine, uint32_t request);

#endif
