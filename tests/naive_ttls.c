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

static void breakeven_open(struct naive_learned *learned, const struct naive_values *own, uint32_t blocks, uint64_t seed)
{
	(void)own, (void)blocks;
	learned->rng = gsl_rng_alloc(gsl_rng_taus);
	gsl_rng_set(learned->rng, (unsigned long)seed);
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

static void steered_open(struct naive_learned *learned, const struct naive_values *own, uint32_t blocks, uint64_t seed)
{
	(void)blocks, (void)seed;
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

static void two_level_open(struct naive_learned *learned, const struct naive_values *own, uint32_t blocks, uint64_t seed)
{
	steered_open(learned, own, blocks, seed);
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
};

const struct naive_ttl *naive_ttl_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(ttls); i++) {
		if (strcmp(ttls[i].name, name) == 0)
			return &ttls[i];
	}
	return NULL;
}
