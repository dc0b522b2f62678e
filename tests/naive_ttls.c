/* naive_ttls.c - the twins of TTL rules that follow from the block and the request alone. */
#include "naive.h"

#include <math.h>
#include <string.h>

static int64_t between(double ns, const struct naive_values *own)
{
	const int64_t least_ns = naive_integer(own, "min"), most_ns = naive_integer(own, "max");
	if (ns <= (double)least_ns)
		return least_ns;
	return ns >= (double)most_ns ? most_ns : (int64_t)floor(ns + 0.5);
}

static int64_t static_ttl_ns(const struct naive *model, const struct naive_values *own, block_id b, uint64_t hits)
{
	(void)model, (void)b, (void)hits;
	return naive_integer(own, "ttl");
}

static int64_t size_ttl_ns(const struct naive *model, const struct naive_values *own, block_id b, uint64_t hits)
{
	const double tokens = model->config.trace->requests[model->request].prompt_tokens;
	(void)b, (void)hits;
	return between((double)naive_integer(own, "ttl") * pow((double)naive_integer(own, "s0") / tokens, naive_real(own, "gamma")),
	               own);
}

static int64_t adaptive_ttl_ns(const struct naive *model, const struct naive_values *own, block_id b, uint64_t hits)
{
	(void)model, (void)b;
	return between((double)naive_integer(own, "base") * (1 + naive_real(own, "alpha") * (double)hits), own);
}

static int64_t score_ttl_ns(const struct naive *model, const struct naive_values *own, block_id b, uint64_t hits)
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

static int64_t cost_ttl_ns(const struct naive *model, const struct naive_values *own, block_id b, uint64_t hits)
{
	const double ratio = recompute_ns(model, model->config.trace->depth[b]) / recompute_ns(model, 0);
	(void)hits;
	return between((double)naive_integer(own, "ttl") * pow(ratio, naive_real(own, "beta")), own);
}

static const struct naive_ttl ttls[] = {
        {"static", static_ttl_ns},
        {"size", size_ttl_ns},
        {"adaptive", adaptive_ttl_ns},
        {"score", score_ttl_ns},
        {"cost", cost_ttl_ns},
};

const struct naive_ttl *naive_ttl_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(ttls); i++) {
		if (strcmp(ttls[i].name, name) == 0)
			return &ttls[i];
	}
	return NULL;
}
