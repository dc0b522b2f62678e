/* ttl_tool_pct.c - keep a session's blocks for as long as its tool call takes in 95 cases of 100 (SAGA).
 *
 * TTL = min(p95 of the tool's latency x (1 - 0.5 m), cap), m = clamp((used - low) / (high - low), 0, 1): memory pressure
 * halves it at most. used = resident blocks / capacity; without a limit on the cache there is no pressure.
 *
 * The tool is the request's class; a request of no class calls none and gets cap. Latencies are log-normal: the mean
 * and variance of their logarithm are exponential averages (weight `ema` for the newest), begun from p50 and p95, which can
 * differ by class (;class=...:p50=,p95=). SAGA begins with p50/p95 of 180/2400 ms for code, 45/320 for files, 850/4500 for
 * the web, 120/890 for databases; our default is the first. A latency is the gap to the session's next request
 * (lineage.h) on the run's clock, which is what the deadline is compared with; at least 1 ms.
 * Source: SAGA, arXiv 2605.00528, artifact's ttl.py (POLICIES B13).
 */
#include "lineage.h"
#include "ttl.h"

#include <math.h>
#include <stdlib.h>

#define Z95 1.6448536269514722

struct latency {
	double mean, variance; /* of ln(ms) */
	double p95_ns;
};

struct ttl_tool_pct_state {
	const struct evict_env *env;
	struct lineage lineage;
	struct latency *of_class;
	double ema, low, high;
	int64_t cap_ns;
};

enum { TOOL_P50, TOOL_P95, TOOL_EMA, TOOL_LOW, TOOL_HIGH, TOOL_CAP };

static const struct param ttl_tool_pct_params[] = {
        [TOOL_P50] = {"p50", PARAM_DURATION, "180ms", 1e6, 3.6e12, NULL, "median latency before any is seen"},
        [TOOL_P95] = {"p95", PARAM_DURATION, "2400ms", 1e6, 3.6e12, NULL, "95th percentile before any is seen"},
        [TOOL_EMA] = {"ema", PARAM_REAL, "0.1", 0, 1, NULL, "weight of the newest latency"},
        [TOOL_LOW] = {"low", PARAM_REAL, "0.7", 0, 1, NULL, "share of the cache in use where the TTL begins to shrink"},
        [TOOL_HIGH] = {"high", PARAM_REAL, "0.9", 0, 1, NULL, "share from which it is half"},
        [TOOL_CAP] = {"cap", PARAM_DURATION, "300s", 0, 9.3e18, NULL, "no longer; also the TTL of requests of no class"},
        {.name = NULL},
};

static struct latency latency_of(double mean, double variance)
{
	return (struct latency){mean, variance, exp(mean + Z95 * sqrt(variance)) * NS_PER_MS};
}

static void *ttl_tool_pct_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	const double p50_ms = (double)values[TOOL_P50].integer / NS_PER_MS, p95_ms = (double)values[TOOL_P95].integer / NS_PER_MS;
	if (p95_ms < p50_ms) {
		err_set(err, "--ttl tool_pct: p95 is shorter than p50.");
		return NULL;
	}
	struct ttl_tool_pct_state *p = mem_alloc(1, sizeof(*p));
	*p = (struct ttl_tool_pct_state){
	        .env = env,
	        .of_class = mem_alloc(env->class_count, sizeof(*p->of_class)),
	        .ema = values[TOOL_EMA].real,
	        .low = values[TOOL_LOW].real,
	        .high = values[TOOL_HIGH].real,
	        .cap_ns = values[TOOL_CAP].integer,
	};
	lineage_open(&p->lineage, env);
	const double deviation = log(p95_ms / p50_ms) / Z95;
	for (uint32_t k = 0; k < env->class_count; k++)
		p->of_class[k] = latency_of(log(p50_ms), deviation * deviation);
	return p;
}

static void ttl_tool_pct_close(void *state)
{
	struct ttl_tool_pct_state *p = state;
	lineage_close(&p->lineage);
	free(p->of_class);
	free(p);
}

static void ttl_tool_pct_path(void *state, block_id first, uint32_t count)
{
	lineage_path(&((struct ttl_tool_pct_state *)state)->lineage, first, count);
}

static void ttl_tool_pct_observe(void *state, bool rules)
{
	struct ttl_tool_pct_state *p = state;
	const struct lineage_step step = lineage_observe(&p->lineage, p->env->now->class_id);
	(void)rules;
	if (!step.before || step.before->key >= p->env->class_count)
		return;
	struct latency *latency = &p->of_class[step.before->key];
	const double off = log(fmax((double)step.gap_ns / NS_PER_MS, 1)) - latency->mean;
	*latency = latency_of(latency->mean + p->ema * off, (1 - p->ema) * (latency->variance + p->ema * off * off));
}

static double pressure(const struct ttl_tool_pct_state *p)
{
	if (p->env->room_blocks == UINT64_MAX)
		return 0;
	const double used = *p->env->used_blocks / (double)p->env->room_blocks;
	if (used <= p->low)
		return 0;
	return used >= p->high ? 1 : (used - p->low) / (p->high - p->low);
}

static int64_t ttl_tool_pct_ttl_ns(void *state, block_id b, uint32_t hits)
{
	const struct ttl_tool_pct_state *p = state;
	(void)b, (void)hits;
	if (p->env->now->class_id >= p->env->class_count)
		return p->cap_ns;
	return ttl_clamp_ns(p->of_class[p->env->now->class_id].p95_ns * (1 - 0.5 * pressure(p)), 0, p->cap_ns);
}

const struct ttl_ops ttl_tool_pct = {
        .name = "tool_pct",
        .rule = "SAGA: the 95th percentile of the tool's latency, shorter under memory pressure, at most cap",
        .detail = "The tool is the request's class. With p50=180ms and p95=2400ms a request is first kept for 2.4 s; in a cache "
                  "that is 80 % full, half-way from low to high, for 1.8 s. If the session comes back after 180 ms each "
                  "time, the variance shrinks by a tenth a call and the TTL goes down towards 180 ms.",
        .source = "SAGA, arXiv 2605.00528, ttl.py",
        .cost = "O(1)",
        .params = ttl_tool_pct_params,
        .uniform = true,
        .open = ttl_tool_pct_open,
        .close = ttl_tool_pct_close,
        .ttl_ns = ttl_tool_pct_ttl_ns,
        .path = ttl_tool_pct_path,
        .observe = ttl_tool_pct_observe,
};
