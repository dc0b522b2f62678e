/* evict_lookahead.c - CachedAttention's look-ahead window: what waiting jobs will use stays, the rest goes by recency.
 *
 * The scheduler knows the jobs in its queue. Blocks that one of the next W requests uses are exempt. Of the others the
 * least recently used goes; if all are exempt, the one whose job is nearest the window's tail, that is, farthest away.
 * The paper's W is the number of sessions that the cache holds, (C_mem + C_disk) / S_kv. Here W = min(queue, fill x
 * capacity / mean prompt so far, in blocks), and the window's end never moves back. The trace's own future stands for
 * the queue, so this is an offline policy: fill=0 is lru, fill=inf belady.
 * The paper moves whole sessions; here blocks go one by one, the deeper of equals first, and what is left can be used.
 * Source: CachedAttention (USENIX ATC 2024, arXiv 2403.19708) section 3.3.2, POLICIES B8.
 */
#include "ranked.h"
#include "recency.h"

#include <math.h>

struct lookahead {
	struct recency recency;
	/* Key 0 and recency for a block that was not exempt when it was last looked at, and may be so by now; ~next use
	 * for an exempt one, which stays exempt. */
	struct ranked ranked;
	double fill, queue_jobs;
	uint64_t window_end; /* last seq in it */
	uint64_t jobs, job_blocks;
	uint32_t next_job;
};

enum { KEY_FILL, KEY_QUEUE };

static const struct param lookahead_params[] = {
        [KEY_FILL] = {"fill", PARAM_REAL, "1", 0, INFINITY, NULL,
                      "the window's length, in requests that fit into the cache"},
        [KEY_QUEUE] = {"queue", PARAM_REAL, "inf", 0, INFINITY, NULL, "requests that are known ahead, at most"},
        {.name = NULL},
};

static void *lookahead_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct lookahead *p = mem_alloc(1, sizeof(*p));
	p->fill = values[KEY_FILL].real;
	p->queue_jobs = values[KEY_QUEUE].real;
	recency_open(&p->recency, env);
	ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
	return p;
}

static void lookahead_close(void *state)
{
	struct lookahead *p = state;
	recency_close(&p->recency);
	ranked_close(&p->ranked);
	free(p);
}

/* Requests come in order, though blocks of several may come by turns. */
static inline void count_job(struct lookahead *p)
{
	const struct policy_now *now = p->recency.env->now;
	if (now->request < p->next_job)
		return;
	p->next_job = now->request + 1;
	p->jobs++;
	p->job_blocks += now->path_blocks ? now->path_blocks : 1;
}

static uint64_t window_jobs(const struct lookahead *p)
{
	const double fit = p->fill * p->recency.env->capacity_blocks * (double)p->jobs / (double)p->job_blocks;
	const double jobs = fit < p->queue_jobs ? fit : p->queue_jobs;
	return jobs < UINT32_MAX ? (uint64_t)jobs : UINT32_MAX - 1;
}

static inline void lookahead_hit(struct lookahead *p, block_id b)
{
	recency_use(&p->recency, b);
	count_job(p);
}

static inline void lookahead_insert(struct lookahead *p, block_id b)
{
	lookahead_hit(p, b);
}

static inline void lookahead_busy(struct lookahead *p, block_id b)
{
	ranked_remove(&p->ranked, b);
}

static inline void lookahead_idle(struct lookahead *p, block_id b)
{
	recency_idle(&p->recency, b);
	ranked_push(&p->ranked, b, 0, p->recency.order[b]);
}

static inline void lookahead_remove(struct lookahead *p, block_id b)
{
	ranked_remove(&p->ranked, b);
}

static inline block_id lookahead_evict(struct lookahead *p, block_id in)
{
	(void)in;
	count_job(p);
	const struct evict_env *env = p->recency.env;
	const uint64_t window_end = env->now->seq + window_jobs(p);
	struct ranked_key key;
	p->window_end = window_end > p->window_end ? window_end : p->window_end;
	for (;;) {
		const block_id top = ranked_top(&p->ranked, &key);
		if (top == BLOCK_NONE || key.first != 0 || env->next_use[top] > p->window_end)
			return ranked_pop(&p->ranked);
		ranked_remove(&p->ranked, top);
		ranked_push(&p->ranked, top, ~(uint64_t)env->next_use[top], p->recency.order[top]);
	}
}

static void lookahead_release_run(void *state, block_id first, uint32_t count)
{
	recency_use_run(&((struct lookahead *)state)->recency, first, count);
}

#define EVICT lookahead
#define EVICT_FUTURE
#define EVICT_PREFETCH(p, b) __builtin_prefetch(&(p)->ranked.at[b], 1)
#include "evict_hooks.h"

const struct evict_ops evict_lookahead = {
        .name = "lookahead",
        .rule = "the least recently used of the blocks that no request of the next few uses (offline: reads the queue "
                "ahead)",
        .detail = "With room for 3 blocks, requests of one block A, B, C, D, A, C: three fit, so the window is three "
                  "requests. When D comes, A and C are in it and exempt, B goes, and A and C hit. lru lets A go for "
                  "D, B for A, and then C hits. With fill=0 nothing is exempt: lru. With fill=inf all that is used "
                  "again is exempt: belady.",
        .source = "CachedAttention, USENIX ATC 2024, arXiv 2403.19708",
        .cost = "O(log idle)",
        .state_bytes = 44,
        .params = lookahead_params,
        .needs_future = true,
        .open = lookahead_open,
        .close = lookahead_close,
        .hit = lookahead_hit_run,
        .release = lookahead_release_run,
        .busy = lookahead_busy_run,
        .idle = lookahead_idle_run,
        EVICT_HOOKS(lookahead),
};
