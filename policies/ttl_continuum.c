/* ttl_continuum.c - Continuum: pin a program's blocks over its tool call for the time that gains most.
 *
 * At a request's end   T = argmax over t of  P(t) (Tq eta + reload) - t,   t = 0 or one of the durations seen.
 *
 *   P       share of calls of this tool that came back within t: the last `samples` durations of the request's class
 *   reload  time to compute the request's whole path again (calibration)
 *   Tq      mean queueing delay of the last 100 requests that came back to less than they had left
 *   eta     -corr(turns done, turns to come) over finished programs; 1 before the first: 0 if turns tell nothing of how many
 *           are to come, 1 if all programs are equally long
 *
 * With fewer than `least` durations of the tool those of all tools are taken; with fewer in all, exponential ones of mean
 * 1 s: T = ln(Tq eta + reload), in seconds. A program's last turn is let go at once.
 *
 * A program is a session, a duration the gap between its requests (lineage.h), the tool the class of the request before.
 * It is a pin: by default hard=1 and expire=unpin, so that blocks past it wait for eviction. Where nothing may go the
 * cache declines new blocks (the paper unpins the latest program). Under --engine replay nobody queues, Tq is 0 and pins
 * last at most as long as the reload takes.
 * Source: Continuum (CacheTTL), arXiv 2511.02230 (POLICIES B1); windows of 100 and `samples` ours.
 */
#include "gap_law.h"
#include "kinds.h"
#include "lineage.h"
#include "recompute.h"
#include "ttl.h"
#include "window.h"

#include <math.h>
#include <stdlib.h>

#define QUEUE_WINDOW 100

struct ttl_continuum_state {
	const struct evict_env *env;
	struct lineage lineage;
	struct window durations_s; /* by kind of request; the last series is all */
	struct window queue_s;     /* one series */
	double *reload_s;          /* [depth] of a path of so many blocks */
	struct gap_law_turns turns;
	double eta;
	uint32_t least, all;
	/* The last answer: a request asks once for each of its blocks. */
	uint32_t asked, asked_blocks;
	int64_t answer_ns;
};

enum { CONTINUUM_LEAST, CONTINUUM_SAMPLES };

static const struct param ttl_continuum_params[] = {
        [CONTINUUM_LEAST] = {"k", PARAM_INT, "100", 1, 1e6, NULL, "durations needed before they are believed"},
        [CONTINUUM_SAMPLES] = {"samples", PARAM_INT, "1000", 1, 1e6, NULL, "durations kept for each tool"},
        {.name = NULL},
};

static void *ttl_continuum_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	if (values[CONTINUUM_SAMPLES].integer < values[CONTINUUM_LEAST].integer) {
		err_set(err, "--ttl continuum: samples is less than k; no tool could ever show enough durations.");
		return NULL;
	}
	struct ttl_continuum_state *p = mem_alloc(1, sizeof(*p));
	const uint32_t depths = recompute_depths(env);
	*p = (struct ttl_continuum_state){
	        .env = env,
	        .reload_s = mem_alloc((size_t)depths + 1, sizeof(*p->reload_s)),
	        .eta = 1,
	        .least = (uint32_t)values[CONTINUUM_LEAST].integer,
	        .asked = UINT32_MAX,
	};
	lineage_open(&p->lineage, env);
	p->all = kinds_count(env);
	window_open(&p->durations_s, p->all + 1, (uint32_t)values[CONTINUUM_SAMPLES].integer);
	window_open(&p->queue_s, 1, QUEUE_WINDOW);
	for (uint32_t depth = 0; depth < depths; depth++)
		p->reload_s[depth + 1] = p->reload_s[depth] + env->recompute_ns(env->cost, depth) / (double)NS_PER_S;
	return p;
}

static void ttl_continuum_close(void *state)
{
	struct ttl_continuum_state *p = state;
	lineage_close(&p->lineage);
	window_close(&p->durations_s);
	window_close(&p->queue_s);
	free(p->reload_s);
	free(p);
}

static double mean_queue_s(const struct ttl_continuum_state *p)
{
	const uint32_t count = window_count(&p->queue_s, 0);
	double sum_s = 0;
	for (uint32_t i = 0; i < count; i++)
		sum_s += window_sorted(&p->queue_s, 0)[i];
	return count ? sum_s / count : 0;
}

static uint32_t tool(const struct ttl_continuum_state *p)
{
	return kinds_of(p->env, p->env->now->class_id);
}

static void ttl_continuum_path(void *state, block_id first, uint32_t count)
{
	lineage_path(&((struct ttl_continuum_state *)state)->lineage, first, count);
}

static void ttl_continuum_observe(void *state, bool rules)
{
	struct ttl_continuum_state *p = state;
	const struct policy_now *now = p->env->now;
	const struct lineage_step step = lineage_observe(&p->lineage, tool(p));
	(void)rules;
	p->asked = UINT32_MAX;
	if (step.again)
		return;
	if (step.before) {
		const double gap_s = (double)step.gap_ns / (double)NS_PER_S;
		window_add(&p->durations_s, step.before->key, gap_s);
		window_add(&p->durations_s, p->all, gap_s);
		const uint32_t left = step.before->path_blocks < now->path_blocks ? step.before->path_blocks : now->path_blocks;
		if (now->hit_blocks < left)
			window_add(&p->queue_s, 0, (double)now->queue_ns / (double)NS_PER_S);
	}
	if (now->session_ends) {
		gap_law_turns_add(&p->turns, now->turn);
		p->eta = gap_law_turns_eta(&p->turns);
	}
}

static double pin_s(const struct ttl_continuum_state *p)
{
	const struct policy_now *now = p->env->now;
	const double benefit_s = mean_queue_s(p) * p->eta + p->reload_s[now->path_blocks];
	if (now->session_ends)
		return 0;
	if (window_count(&p->durations_s, p->all) < p->least)
		return gap_law_pin_cold_s(benefit_s);
	const uint32_t series = window_count(&p->durations_s, tool(p)) < p->least ? p->all : tool(p);
	return gap_law_pin_s(window_sorted(&p->durations_s, series), window_count(&p->durations_s, series), benefit_s);
}

static int64_t ttl_continuum_ttl_ns(void *state, block_id b, uint32_t hits)
{
	struct ttl_continuum_state *p = state;
	const struct policy_now *now = p->env->now;
	(void)b, (void)hits;
	if (p->asked != now->request || p->asked_blocks != now->path_blocks) {
		p->asked = now->request;
		p->asked_blocks = now->path_blocks;
		p->answer_ns = ttl_clamp_ns(pin_s(p) * (double)NS_PER_S, 0, TIME_NEVER_NS);
	}
	return p->answer_ns;
}

const struct ttl_ops ttl_continuum = {
        .name = "continuum",
        .rule = "Continuum: pinned for the time t with the most P(tool returns within t) x (queueing + reload saved) - t",
        .detail = "A tool came back after 1, 1, 2 and 9 s, and losing the path would cost 4 s of reload: pinning for 1 s gains "
                  "1/2 x 4 - 1 = 1 s, for 2 s 3/4 x 4 - 2 = 1 s, for 9 s a loss. So 1 s, the shorter of the best. At 6 s of reload 2 s "
                  "gain 2.5 s and 1 s only 2. Past its pin a block is evicted like any other (expire=unpin).",
        .source = "Continuum, arXiv 2511.02230",
        .cost = "O(1); O(samples) a request",
        .params = ttl_continuum_params,
        .uniform = true,
        .pins = true,
        .open = ttl_continuum_open,
        .close = ttl_continuum_close,
        .ttl_ns = ttl_continuum_ttl_ns,
        .path = ttl_continuum_path,
        .observe = ttl_continuum_observe,
};
