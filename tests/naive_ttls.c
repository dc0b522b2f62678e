/* naive_ttls.c - the twins of the TTL rules: of those that follow from the block and the request alone, and of those that
 * learn something from each request. */
#include "naive.h"

#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t between(double ns, const struct naive_values *own)
{
	const int64_t least_ns = naive_integer(own, "min"), most_ns = naive_integer(own, "max");
	if (ns <= (double)least_ns)
		return least_ns;
	return ns >= (double)most_ns ? most_ns : (int64_t)floor(ns + 0.5);
}

static int64_t static_ttl_ns(struct naive *model, const struct naive_values *own, block_id b, uint64_t hits)
{
	(void)model, (void)b, (void)hits;
	return naive_integer(own, "ttl");
}

static int64_t size_ttl_ns(struct naive *model, const struct naive_values *own, block_id b, uint64_t hits)
{
	const double tokens = model->config.trace->requests[model->request].prompt_tokens;
	(void)b, (void)hits;
	return between((double)naive_integer(own, "ttl") * pow((double)naive_integer(own, "s0") / tokens, naive_real(own, "gamma")),
	               own);
}

static int64_t adaptive_ttl_ns(struct naive *model, const struct naive_values *own, block_id b, uint64_t hits)
{
	(void)model, (void)b;
	return between((double)naive_integer(own, "base") * (1 + naive_real(own, "alpha") * (double)hits), own);
}

static int64_t score_ttl_ns(struct naive *model, const struct naive_values *own, block_id b, uint64_t hits)
{
	const struct trace_request *request = &model->config.trace->requests[model->request];
	const struct trace_hints *hints = request->hints == UINT32_MAX ? NULL : &model->config.trace->hints[request->hints];
	const double perplexity = hints && !isnan(hints->perplexity) ? hints->perplexity : 1;
	const double variance = hints && !isnan(hints->time_variance) ? hints->time_variance : 0;
	(void)b;
	return between((double)naive_integer(own, "ttl") * (1 + naive_real(own, "alpha") * log1p((double)hits)) *
	                       (1 + fmax(0, perplexity - 10) / 100) * (1 - naive_real(own, "gamma") * variance),
	               own);
}

static double recompute_ns(const struct naive *model, double depth)
{
	const double tokens = model->config.trace->block_tokens;
	return model->config.token_ns * tokens + model->config.pair_ns * (tokens * (tokens * depth) + tokens * (tokens + 1) / 2);
}

static int64_t cost_ttl_ns(struct naive *model, const struct naive_values *own, block_id b, uint64_t hits)
{
	const double ratio = recompute_ns(model, model->config.trace->depth[b]) / recompute_ns(model, 0);
	(void)hits;
	return between((double)naive_integer(own, "ttl") * pow(ratio, naive_real(own, "beta")), own);
}

static struct naive_learned *learned_now(struct naive *model)
{
	const uint32_t class_id = model->config.trace->requests[model->request].class_id;
	const uint32_t rule = class_id == TRACE_NO_CLASS ? NAIVE_MOST_CLASSES : class_id;
	return &model->learned[model->config.rules[rule].learner];
}

static int64_t rounded_ns(double ns)
{
	return !(ns > 0) ? 0 : ns < (double)TIME_NEVER_NS ? (int64_t)(ns + 0.5) : TIME_NEVER_NS;
}

/* --- breakeven --- */

static void breakeven_open(const struct naive *model, struct naive_learned *learned, const struct naive_values *own)
{
	(void)own;
	learned->rng = gsl_rng_alloc(gsl_rng_taus);
	gsl_rng_set(learned->rng, (unsigned long)model->config.seed);
	learned->drawn_request = UINT32_MAX;
}

static void breakeven_close(struct naive_learned *learned)
{
	if (learned->rng)
		gsl_rng_free(learned->rng);
}

/* One draw for all blocks of a request. */
static int64_t breakeven_ttl_ns(struct naive *model, const struct naive_values *own, block_id b, uint64_t hits)
{
	struct naive_learned *learned = learned_now(model);
	(void)hits;
	const double bytes = (double)naive_integer(own, "kv") * model->config.trace->block_tokens;
	const double miss = naive_real(own, "gpu") * recompute_ns(model, model->config.trace->depth[b]) / 1e9;
	double keep_s = miss > 0 ? miss / (naive_real(own, "rent") * bytes / 1e9) : 0;
	if (naive_integer(own, "random")) {
		if (learned->drawn_request != model->request)
			learned->uniform = gsl_rng_uniform(learned->rng);
		learned->drawn_request = model->request;
		keep_s *= log1p(learned->uniform * (M_E - 1));
	}
	return rounded_ns(keep_s * 1e9);
}

/* --- target and two_level --- */

static void steered_open(const struct naive *model, struct naive_learned *learned, const struct naive_values *own)
{
	(void)model;
	learned->theta_ns = fmin((double)naive_integer(own, "ttl"), (double)naive_integer(own, "max"));
}

static void steer(struct naive_learned *learned, const struct naive_values *own, double short_of)
{
	const double moved_ns = learned->theta_ns + (double)naive_integer(own, "eta") * short_of;
	learned->theta_ns = fmin(fmax(moved_ns, 0), (double)naive_integer(own, "max"));
}

static void target_observe(const struct naive *model, struct naive_learned *learned, const struct naive_values *own,
                           const block_id *path, bool rules)
{
	(void)path;
	if (!rules || model->path_blocks == 0)
		return;
	double short_of = naive_real(own, "hit") * model->path_blocks - model->hit_blocks;
	if (naive_integer(own, "weight") == 1) /* by requests */
		short_of /= model->path_blocks;
	learned->requests++;
	if (naive_real(own, "decay") > 0)
		short_of /= pow((double)learned->requests, naive_real(own, "decay"));
	steer(learned, own, short_of);
}

static int64_t target_ttl_ns(struct naive *model, const struct naive_values *own, block_id b, uint64_t hits)
{
	(void)own, (void)b, (void)hits;
	return rounded_ns(learned_now(model)->theta_ns);
}

static void two_level_open(const struct naive *model, struct naive_learned *learned, const struct naive_values *own)
{
	const uint32_t blocks = model->config.trace->block_count;
	steered_open(model, learned, own);
	learned->share = naive_real(own, "share");
	learned->asked_ns = mem_alloc(blocks, sizeof(*learned->asked_ns));
	learned->returns = mem_alloc(blocks, sizeof(*learned->returns));
	for (uint32_t b = 0; b < blocks; b++)
		learned->asked_ns[b] = -1;
}

static void two_level_close(struct naive_learned *learned)
{
	free(learned->asked_ns);
	free(learned->returns);
}

static void two_level_observe(const struct naive *model, struct naive_learned *learned, const struct naive_values *own,
                              const block_id *path, bool rules)
{
	for (uint32_t i = 0; i < model->path_blocks; i++) {
		const int64_t asked_ns = learned->asked_ns[path[i]];
		learned->returns[path[i]] = asked_ns >= 0 && (double)(model->now_ns - asked_ns) <= learned->theta_ns;
		learned->asked_ns[path[i]] = model->now_ns;
	}
	if (!rules)
		return;
	steer(learned, own, naive_real(own, "hit") * model->path_blocks - model->hit_blocks);
	const double room = (double)naive_integer(own, "room");
	if (room > 0)
		learned->share = fmin(fmax(learned->share + naive_real(own, "pace") * (1 - naive_used(model) / room), 0), 1);
}

static int64_t two_level_ttl_ns(struct naive *model, const struct naive_values *own, block_id b, uint64_t hits)
{
	const struct naive_learned *learned = learned_now(model);
	(void)own;
	return rounded_ns(hits > 0 || learned->returns[b] ? learned->theta_ns : learned->theta_ns * learned->share);
}

/* --- tool_pct --- */

static void tool_pct_open(const struct naive *model, struct naive_learned *learned, const struct naive_values *own)
{
	const struct trace *trace = model->config.trace;
	const double p50_ms = (double)naive_integer(own, "p50") / 1e6, p95_ms = (double)naive_integer(own, "p95") / 1e6;
	learned->last = mem_alloc(trace->session_count ? trace->session_count : trace->block_count, sizeof(*learned->last));
	learned->at_ns = mem_alloc(trace->request_count, sizeof(*learned->at_ns));
	for (uint32_t k = 0; k < NAIVE_MOST_CLASSES; k++) {
		learned->mean[k] = log(p50_ms);
		learned->variance[k] = pow(log(p95_ms / p50_ms) / 1.6448536269514722, 2);
	}
}

static void tool_pct_close(struct naive_learned *learned)
{
	free(learned->last);
	free(learned->at_ns);
}

/* 1 + the request that this one goes on from: its session's last or, without sessions, the last one to use the deepest block
 * of the path that had been used; 0: none. */
static uint32_t goes_on_from(const struct naive *model, struct naive_learned *learned, const block_id *path)
{
	const struct trace *trace = model->config.trace;
	const uint32_t session = trace->requests[model->request].session;
	uint32_t before = 0;
	if (trace->session_count && session < trace->session_count) {
		before = learned->last[session];
		learned->last[session] = 1 + model->request;
	}
	for (uint32_t i = 0; !trace->session_count && i < model->path_blocks; i++) {
		if (learned->last[path[i]])
			before = learned->last[path[i]];
		learned->last[path[i]] = 1 + model->request;
	}
	return before;
}

static void tool_pct_observe(const struct naive *model, struct naive_learned *learned, const struct naive_values *own,
                             const block_id *path, bool rules)
{
	const uint32_t before = goes_on_from(model, learned, path);
	(void)rules;
	if (before == 1 + model->request)
		return;
	learned->at_ns[model->request] = model->now_ns;
	if (before == 0 || model->config.trace->requests[before - 1].class_id == TRACE_NO_CLASS)
		return;
	const uint32_t k = model->config.trace->requests[before - 1].class_id;
	const double ema = naive_real(own, "ema");
	const double off = log(fmax((double)(model->now_ns - learned->at_ns[before - 1]) / 1e6, 1)) - learned->mean[k];
	learned->mean[k] += ema * off;
	learned->variance[k] = (1 - ema) * (learned->variance[k] + ema * off * off);
}

static int64_t tool_pct_ttl_ns(struct naive *model, const struct naive_values *own, block_id b, uint64_t hits)
{
	const struct naive_learned *learned = learned_now(model);
	const uint32_t k = model->config.trace->requests[model->request].class_id;
	const int64_t cap_ns = naive_integer(own, "cap");
	(void)b, (void)hits;
	if (k == TRACE_NO_CLASS)
		return cap_ns;
	const double low = naive_real(own, "low"), high = naive_real(own, "high");
	const double used = naive_used(model) / (double)model->config.capacity_blocks;
	double pressure = used <= low ? 0 : used >= high ? 1 : (used - low) / (high - low);
	if (model->config.capacity_blocks == UINT64_MAX)
		pressure = 0;
	const double p95_ns = exp(learned->mean[k] + 1.6448536269514722 * sqrt(learned->variance[k])) * 1e6;
	const int64_t ttl_ns = rounded_ns(p95_ns * (1 - pressure / 2));
	return ttl_ns < cap_ns ? ttl_ns : cap_ns;
}

static const struct naive_ttl ttls[] = {
        {.name = "static", .ttl_ns = static_ttl_ns},
        {.name = "size", .ttl_ns = size_ttl_ns},
        {.name = "adaptive", .ttl_ns = adaptive_ttl_ns},
        {.name = "score", .ttl_ns = score_ttl_ns},
        {.name = "cost", .ttl_ns = cost_ttl_ns},
        {.name = "breakeven", .ttl_ns = breakeven_ttl_ns, .open = breakeven_open, .close = breakeven_close},
        {.name = "target", .ttl_ns = target_ttl_ns, .open = steered_open, .observe = target_observe},
        {.name = "two_level", .ttl_ns = two_level_ttl_ns, .open = two_level_open, .close = two_level_close,
         .observe = two_level_observe},
        {.name = "tool_pct", .counts = true, .ttl_ns = tool_pct_ttl_ns, .open = tool_pct_open, .close = tool_pct_close,
         .observe = tool_pct_observe},
};

const struct naive_ttl *naive_ttl_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(ttls); i++) {
		if (strcmp(ttls[i].name, name) == 0)
			return &ttls[i];
	}
	return NULL;
}
