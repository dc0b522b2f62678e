/* evict_steps.c - KVFlow's steps-to-execution: what its agent will not need for the most steps of its workflow.
 *
 * A session is a workflow, a request one step of it. Every request says, or shows, after how many steps of its session
 * its prompt will be needed again; each step of the session counts that down. Evicted are, in this order: the variable
 * ends of prompts (beyond prefix_len_tokens, where the trace has it), blocks whose next step nobody knows, and then the
 * block with the most steps to go; within each of these, and of equals, the oldest use, then the deeper block.
 *
 * Where the steps come from: the request's `expected_reuse`, read as the number of requests of its session until this
 * prompt is needed again, below 1 meaning never. Else they are inferred: the mean, rounded, of how many steps lay
 * between two uses of a path by requests of the same class, in whatever session; the deepest block of the path that the
 * session had used before tells. For agents that take turns, A B C A B C, that is the distance in the cycle, as from
 * the paper's graph. Until a class has shown a return its blocks are unknown. A block whose step has come and which was
 * not used is unknown again: the workflow went another way, or the end of a prompt has been replaced. Without sessions
 * and annotations all is unknown, which is lru.
 *
 * A block used by several sessions counts down with the last; of two announcements of one session the earlier holds (a
 * shared node takes the least of its agents'). In leaf scope, as in the paper, a stem stays as long as anything on it.
 * The paper's prefetching of the next agent is no part of this.
 * Source: KVFlow (arXiv 2507.07400), POLICIES B2.
 */
#include "heaps.h"
#include "kinds.h"
#include "ranked.h"
#include "recency.h"

#include <math.h>

struct steps_session {
	uint32_t step;    /* requests so far */
	uint32_t request; /* the last */
};

struct steps_gap {
	uint64_t steps, count;
};

struct steps {
	struct recency recency;
	/* Idle blocks, a heap a session and three more; a session's from the most steps to go. */
	struct heaps farthest;
	struct heaps soonest;  /* the same blocks of sessions, from the least steps to go */
	struct ranked sessions; /* those with idle blocks, from the most steps to go */
	uint32_t *no_depth;     /* for a ranking of sessions */
	uint32_t no_session, unknown, variable; /* heaps */
	uint32_t *heap;        /* [block] it is in, or was */
	uint32_t *owner;       /* [block] session of its last use */
	uint32_t *used_step;   /* [block] of that session */
	uint32_t *due_step;    /* [block] of that session; 0: unknown */
	uint8_t *is_variable;  /* [block] */
	struct steps_session *session; /* [session_count + 1], the last for all requests without one */
	struct steps_gap *gaps;        /* [kind] */
	/* The request being served. */
	uint32_t request, session_now, kind_now, ahead; /* ahead: steps until its prompt is needed; 0: unknown */
	uint32_t gap;                                   /* steps since its path was used, as far as seen; 0: never */
};

static void *steps_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	const uint32_t sessions = env->session_count, blocks = env->block_count;
	struct steps *p = mem_alloc(1, sizeof(*p));
	*p = (struct steps){.request = UINT32_MAX, .no_session = sessions, .unknown = sessions + 1, .variable = sessions + 2};
	recency_open(&p->recency, env);
	heaps_open(&p->farthest, blocks, sessions + 3, env->depth);
	heaps_open(&p->soonest, blocks, sessions + 1, env->depth);
	p->no_depth = mem_alloc((size_t)sessions + 1, sizeof(*p->no_depth));
	ranked_open(&p->sessions, sessions + 1, sessions + 1, p->no_depth);
	p->heap = mem_alloc(blocks, sizeof(*p->heap));
	p->owner = mem_alloc(blocks, sizeof(*p->owner));
	p->used_step = mem_alloc(blocks, sizeof(*p->used_step));
	p->due_step = mem_alloc(blocks, sizeof(*p->due_step));
	p->is_variable = mem_alloc(blocks, sizeof(*p->is_variable));
	p->session = mem_alloc((size_t)sessions + 1, sizeof(*p->session));
	for (uint32_t s = 0; s <= sessions; s++)
		p->session[s].request = UINT32_MAX;
	p->gaps = mem_alloc(kinds_count(env), sizeof(*p->gaps));
	return p;
}

static void steps_close(void *state)
{
	struct steps *p = state;
	recency_close(&p->recency);
	heaps_close(&p->farthest);
	heaps_close(&p->soonest);
	ranked_close(&p->sessions);
	free(p->no_depth);
	free(p->heap);
	free(p->owner);
	free(p->used_step);
	free(p->due_step);
	free(p->is_variable);
	free(p->session);
	free(p->gaps);
	free(p);
}

/* Steps until b is needed; 0: its step has come, or is unknown. */
static inline uint32_t steps_to_go(const struct steps *p, block_id b)
{
	const uint32_t due = p->due_step[b];
	return due == 0 || due <= p->session[p->owner[b]].step ? 0 : due - p->session[p->owner[b]].step;
}

static void rank_session(struct steps *p, uint32_t s)
{
	ranked_remove(&p->sessions, s);
	const block_id b = heaps_top(&p->farthest, s);
	if (b != BLOCK_NONE)
		ranked_push(&p->sessions, s, UINT32_MAX - steps_to_go(p, b), p->recency.order[b]);
}

/* Puts b into the heap where it belongs; the session's rank is left to the caller. */
static void enter(struct steps *p, block_id b)
{
	const uint64_t order = p->recency.order[b];
	const uint32_t heap = p->is_variable[b] ? p->variable : steps_to_go(p, b) == 0 ? p->unknown : p->owner[b];
	p->heap[b] = heap;
	if (heap > p->no_session) {
		heaps_push(&p->farthest, heap, b, order, 0);
		return;
	}
	heaps_push(&p->farthest, heap, b, UINT32_MAX - p->due_step[b], order);
	heaps_push(&p->soonest, heap, b, p->due_step[b], order);
}

static void leave(struct steps *p, block_id b)
{
	heaps_remove(&p->farthest, p->heap[b], b);
	if (p->heap[b] <= p->no_session)
		heaps_remove(&p->soonest, p->heap[b], b);
}

/* The session takes a step: blocks whose step has come, and which are idle now, are not what it was heading for. */
static void take_step(struct steps *p, uint32_t s)
{
	p->session[s].step++;
	for (block_id b; (b = heaps_top(&p->soonest, s)) != BLOCK_NONE && steps_to_go(p, b) == 0;) {
		leave(p, b);
		enter(p, b);
	}
	rank_session(p, s);
}

static uint32_t steps_ahead(const struct steps *p)
{
	const double expected = p->recency.env->now->expected_reuse;
	const struct steps_gap gap = p->gaps[p->kind_now];
	if (!isnan(expected))
		return expected < 1 ? 0 : (uint32_t)fmin(round(expected), INT32_MAX);
	if (p->session_now == p->no_session || gap.count == 0)
		return 0;
	return (uint32_t)((gap.steps + gap.count / 2) / gap.count);
}

static inline void look_at_request(struct steps *p)
{
	const struct evict_env *env = p->recency.env;
	const struct policy_now *now = env->now;
	if (now->request == p->request)
		return;
	if (p->gap) {
		p->gaps[p->kind_now].steps += p->gap;
		p->gaps[p->kind_now].count++;
		p->gap = 0;
	}
	p->request = now->request;
	p->session_now = now->session < env->session_count ? now->session : p->no_session;
	p->kind_now = kinds_of(env, now->class_id);
	if (p->session[p->session_now].request != now->request) {
		p->session[p->session_now].request = now->request;
		take_step(p, p->session_now);
	}
	p->ahead = steps_ahead(p);
}

static inline void steps_hit(struct steps *p, block_id b)
{
	const struct evict_env *env = p->recency.env;
	look_at_request(p);
	recency_use(&p->recency, b);
	const uint32_t s = p->session_now, step = p->session[s].step;
	uint32_t due = p->ahead ? step + p->ahead : 0;
	if (p->used_step[b] && p->owner[b] == s) {
		if (s != p->no_session)
			p->gap = step - p->used_step[b]; /* the deepest comes last */
		if (p->due_step[b] > step && (due == 0 || p->due_step[b] < due))
			due = p->due_step[b];
	}
	p->owner[b] = s;
	p->used_step[b] = step;
	p->due_step[b] = due;
	p->is_variable[b] = env->now->prefix_tokens != UINT32_MAX &&
	                    (uint64_t)(env->depth[b] + 1) * env->block_tokens > env->now->prefix_tokens;
}

static inline void steps_insert(struct steps *p, block_id b)
{
	steps_hit(p, b);
}

static inline void steps_busy(struct steps *p, block_id b)
{
	const uint32_t heap = p->heap[b];
	const bool first = heaps_top(&p->farthest, heap) == b;
	leave(p, b);
	if (first && heap <= p->no_session)
		rank_session(p, heap);
}

static inline void steps_idle(struct steps *p, block_id b)
{
	recency_idle(&p->recency, b);
	enter(p, b);
	if (p->heap[b] <= p->no_session && heaps_top(&p->farthest, p->heap[b]) == b)
		rank_session(p, p->heap[b]);
}

static inline void steps_remove(struct steps *p, block_id b)
{
	if (evict_idle(p->recency.env, b))
		steps_busy(p, b);
}

static inline block_id steps_evict(struct steps *p, block_id in)
{
	(void)in;
	look_at_request(p);
	block_id victim = heaps_top(&p->farthest, p->variable);
	if (victim == BLOCK_NONE)
		victim = heaps_top(&p->farthest, p->unknown);
	if (victim == BLOCK_NONE) {
		const uint32_t s = ranked_top(&p->sessions, NULL);
		if (s == BLOCK_NONE)
			return BLOCK_NONE;
		victim = heaps_top(&p->farthest, s);
	}
	steps_busy(p, victim);
	return victim;
}

static void steps_release_run(void *state, block_id first, uint32_t count)
{
	recency_use_run(&((struct steps *)state)->recency, first, count);
}

static double steps_score(const void *state, block_id b)
{
	const struct steps *p = state;
	const uint32_t steps = p->is_variable[b] ? 0 : steps_to_go(p, b);
	return steps ? (double)steps : (double)INFINITY;
}

#define EVICT steps
#define EVICT_PREFETCH(p, b) (__builtin_prefetch(&(p)->farthest.node[b], 1), __builtin_prefetch(&(p)->heap[b], 1))
#include "evict_hooks.h"

const struct evict_ops evict_steps = {
        .name = "steps",
        .rule = "the block that the agents of its session need again after the most steps; unknown ones and variable "
                "ends before it",
        .detail = "Three agents of a session take turns, A, B, C, A, B, C, and say that each prompt is needed again 3 "
                  "steps on. With room for 2, at the third request A has 1 step to go and B 2: B goes for C, and A "
                  "hits. At the fifth, C has 1 and A 2: A goes for B, and C hits. lru, which drops what comes next, "
                  "never hits. Without expected_reuse the same holds from the third round on: in the second the "
                  "policy sees the distance of 3.",
        .source = "KVFlow, arXiv 2507.07400",
        .cost = "O(log idle + log sessions)",
        .state_bytes = 97,
        .open = steps_open,
        .close = steps_close,
        .hit = steps_hit_run,
        .release = steps_release_run,
        .busy = steps_busy_run,
        .idle = steps_idle_run,
        .score = steps_score,
        EVICT_HOOKS(steps),
};
