/* evict_saga.c - SAGA's workflow-aware LRU: age, chance of reuse after the next step, and size, weighed and added up.
 *
 * P_evict = alpha x age / tau + beta x (1 - P_reuse) + gamma x size; the highest goes. With v the agent (class) of the
 * request that used the block last,
 *   P_reuse = sum over u of P(v -> u) x cached / (cached + E[tokens that u adds])
 * that is, how much of the session's next prompt would be cached, if there is one. The graph is learned from the trace:
 * P is the share of v's requests so far that u followed in their session, E the mean of what u's prompts had beyond the
 * session's previous prompt. `cached` is the prompt of the request, `size` that prompt over the largest seen so far;
 * all in blocks. A request without a session has P_reuse = 0, as in the artifact where there is no graph.
 *
 * The paper's unit is a session's whole KV; here its blocks share the session's values, the deeper first, and an inner
 * block's are those of the last session that used it. P_reuse and size are as of the last use. Choices: tau is a
 * parameter (the artifact takes the greatest age in the cache), and age is not cut off at tau: then all blocks' scores
 * grow alike, and their order does not change as time goes by. The paper's TTL for tool calls is a TTL rule, not this.
 * Source: SAGA (arXiv 2605.00528) and its artifact's policies.py (WALRUPolicy), POLICIES B13.
 */
#include "kinds.h"
#include "ranked.h"
#include "recency.h"

struct saga_session {
	uint32_t kind; /* of its last request */
	uint32_t request;
	uint32_t blocks; /* of that request's prompt */
};

struct saga_agent {
	uint32_t runs;     /* requests of this kind in a session */
	uint32_t followed; /* those that were not their session's first */
	uint64_t added;    /* blocks, sum over those */
};

struct saga {
	struct recency recency;
	struct ranked ranked;
	double *fixed; /* [block] the part of -P_evict that does not age */
	double alpha_per_ns, beta, gamma;
	uint32_t kinds;
	struct saga_agent *agents;     /* [kind] */
	uint32_t *steps;               /* [kind x kinds + kind] how often the one was followed by the other */
	struct saga_session *sessions; /* request UINT32_MAX: none so far */
	uint32_t most_blocks;          /* largest prompt */
	/* The request being served. */
	uint32_t request;
	double fixed_now;
};

enum { KEY_ALPHA, KEY_BETA, KEY_GAMMA, KEY_TAU };

static const struct param saga_params[] = {
        [KEY_ALPHA] = {"alpha", PARAM_REAL, "0.3", 0, 1000, NULL, "weight of age"},
        [KEY_BETA] = {"beta", PARAM_REAL, "0.5", 0, 1000, NULL,
                      "weight of the chance that the session does not come back to it"},
        [KEY_GAMMA] = {"gamma", PARAM_REAL, "0.2", 0, 1000, NULL, "weight of size"},
        [KEY_TAU] = {"tau", PARAM_DURATION, "300s", 1, 9.3e18, NULL, "age that counts 1"},
        {.name = NULL},
};

static void *saga_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct saga *p = mem_alloc(1, sizeof(*p));
	*p = (struct saga){.alpha_per_ns = values[KEY_ALPHA].real / (double)values[KEY_TAU].integer,
	                   .beta = values[KEY_BETA].real,
	                   .gamma = values[KEY_GAMMA].real,
	                   .kinds = kinds_count(env),
	                   .most_blocks = 1,
	                   .request = UINT32_MAX};
	recency_open(&p->recency, env);
	ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
	p->fixed = mem_alloc(env->block_count, sizeof(*p->fixed));
	p->agents = mem_alloc(p->kinds, sizeof(*p->agents));
	p->steps = mem_alloc((size_t)p->kinds * p->kinds, sizeof(*p->steps));
	p->sessions = mem_alloc(env->session_count, sizeof(*p->sessions));
	for (uint32_t s = 0; s < env->session_count; s++)
		p->sessions[s].request = UINT32_MAX;
	return p;
}

static void saga_close(void *state)
{
	struct saga *p = state;
	recency_close(&p->recency);
	ranked_close(&p->ranked);
	free(p->fixed);
	free(p->agents);
	free(p->steps);
	free(p->sessions);
	free(p);
}

/* Enters a session's request into the graph, once. */
static void learn(struct saga *p, struct saga_session *session, uint32_t kind, uint32_t blocks)
{
	const uint32_t request = p->recency.env->now->request;
	if (session->request == request)
		return;
	struct saga_agent *agent = &p->agents[kind];
	if (session->request != UINT32_MAX) {
		p->steps[session->kind * p->kinds + kind]++;
		agent->followed++;
		agent->added += blocks > session->blocks ? blocks - session->blocks : 0;
	}
	agent->runs++;
	*session = (struct saga_session){kind, request, blocks};
}

static double reuse_after(const struct saga *p, uint32_t kind, double cached)
{
	double reuse = 0;
	for (uint32_t next = 0; next < p->kinds; next++) {
		const uint32_t times = p->steps[kind * p->kinds + next];
		const struct saga_agent *agent = &p->agents[next];
		if (times)
			reuse += (double)times / p->agents[kind].runs * (cached / (cached + (double)agent->added / agent->followed));
	}
	return reuse;
}

static inline void look_at_request(struct saga *p)
{
	const struct evict_env *env = p->recency.env;
	const struct policy_now *now = env->now;
	if (now->request == p->request)
		return;
	p->request = now->request;
	const uint32_t blocks = now->path_blocks ? now->path_blocks : 1; /* under object semantics each stands alone */
	if (blocks > p->most_blocks)
		p->most_blocks = blocks;
	double reuse = 0;
	if (now->session < env->session_count) {
		const uint32_t kind = kinds_of(env, now->class_id);
		learn(p, &p->sessions[now->session], kind, blocks);
		reuse = reuse_after(p, kind, blocks);
	}
	p->fixed_now = -p->beta * (1 - reuse) - p->gamma * ((double)blocks / p->most_blocks);
}

static inline void saga_hit(struct saga *p, block_id b)
{
	look_at_request(p);
	recency_use(&p->recency, b);
	p->fixed[b] = p->fixed_now;
}

static inline void saga_insert(struct saga *p, block_id b)
{
	saga_hit(p, b);
}

static inline void saga_busy(struct saga *p, block_id b)
{
	ranked_remove(&p->ranked, b);
}

static inline void saga_idle(struct saga *p, block_id b)
{
	recency_idle(&p->recency, b);
	const double keep = p->fixed[b] + p->alpha_per_ns * (double)p->recency.used_ns[b];
	ranked_push(&p->ranked, b, ranked_real(keep), p->recency.order[b]);
}

static inline void saga_remove(struct saga *p, block_id b)
{
	ranked_remove(&p->ranked, b);
}

static inline block_id saga_evict(struct saga *p, block_id in)
{
	(void)in;
	return ranked_pop(&p->ranked);
}

static void saga_release_run(void *state, block_id first, uint32_t count)
{
	recency_use_run(&((struct saga *)state)->recency, first, count);
}

static double saga_score(const void *state, block_id b)
{
	const struct saga *p = state;
	return p->alpha_per_ns * (double)recency_age_ns(&p->recency, b) - p->fixed[b];
}

#define EVICT saga
#define EVICT_PREFETCH(p, b) (__builtin_prefetch(&(p)->ranked.at[b], 1), __builtin_prefetch(&(p)->fixed[b], 1))
#include "evict_hooks.h"

const struct evict_ops evict_saga = {
        .name = "saga",
        .rule = "the block with the highest age / tau x alpha + (1 - chance of reuse in its session) x beta + size x "
                "gamma",
        .detail = "Room for 4, everything at one time. A session asks for A-B, then A-B-C: its agent was followed in "
                  "one of two requests, by one that added 1 block, so P_reuse is 1/2 x 3/(3+1) = 3/8, the size is 1, "
                  "and the score 0.5 x 5/8 + 0.2 = 0.51. X, of no session, then has 0.5 + 0.2 x 1/3 = 0.57. Y takes "
                  "the place of X, where lru takes that of C. 300 s later an unused block has 0.3 more.",
        .source = "SAGA, arXiv 2605.00528, and its artifact (WALRUPolicy)",
        .cost = "O(log idle), and O(classes) a request",
        .state_bytes = 52,
        .params = saga_params,
        .needs_time = true,
        .open = saga_open,
        .close = saga_close,
        .hit = saga_hit_run,
        .release = saga_release_run,
        .busy = saga_busy_run,
        .idle = saga_idle_run,
        .score = saga_score,
        EVICT_HOOKS(saga),
};
