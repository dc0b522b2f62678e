#include "tune.h"

#include "tune_search.h"
#include "tune_spec.h"

#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESAMPLES 1000
/* A set of parameters that breaks a constraint is worth this and more. */
#define BROKEN 1e30

static const char *const metric_names[TUNE_METRICS] = {
        [TUNE_TTFT_MEAN] = "ttft_mean", [TUNE_TTFT_P50] = "ttft_p50", [TUNE_TTFT_P95] = "ttft_p95", [TUNE_TTFT_P99] = "ttft_p99",
        [TUNE_HIT] = "hit",             [TUNE_HELD] = "held_gib_s",   [TUNE_COST] = "cost",
};

const char *tune_metric_name(enum tune_metric metric)
{
	return metric_names[metric];
}

enum tune_metric tune_metric_named(const char *name, size_t length)
{
	int metric = 0;
	while (metric < TUNE_METRICS &&
	       (strlen(metric_names[metric]) != length || memcmp(metric_names[metric], name, length) != 0))
		metric++;
	return (enum tune_metric)metric;
}

/* What every counted request of a run got. */
struct sample {
	size_t group; /* its session; requests without one are groups of their own, behind the sessions */
	uint32_t prompt_tokens;
	uint64_t hit_tokens;
	double ttft_ms, prefill_s;
};

struct samples {
	const struct tune *tune;
	struct sample *all;
	size_t count;
	double held_gib_s;
	uint64_t rejected;
};

static void keep(void *context, const struct trace_request *request, int64_t arrival_ns, const struct request_outcome *outcome)
{
	struct samples *samples = context;
	(void)arrival_ns;
	samples->all[samples->count++] = (struct sample){
	        .group = request->session != TRACE_NO_SESSION ? request->session
	                                                      : samples->tune->trace->session_count + (size_t)request->ordinal,
	        .prompt_tokens = request->prompt_tokens,
	        .hit_tokens = outcome->ledger.hit_tokens,
	        .ttft_ms = (double)outcome->ttft_ns / (double)NS_PER_MS,
	        .prefill_s = (double)outcome->prefill_ns / (double)NS_PER_S,
	};
}

static double gib_of_block(const struct tune *tune)
{
	return tune->config->kv_bytes_per_token * tune->trace->block_tokens / 0x1p30;
}

/* Metrics of chosen samples; `order` lists them, `ttft_ms` has room for as many. */
static struct tune_measure measure(const struct tune *tune, const struct samples *samples, const uint32_t *order, size_t count,
                                   double *ttft_ms)
{
	double hit_tokens = 0, prompt_tokens = 0, prefill_s = 0;
	for (size_t i = 0; i < count; i++) {
		const struct sample *sample = &samples->all[order ? order[i] : i];
		ttft_ms[i] = sample->ttft_ms;
		hit_tokens += (double)sample->hit_tokens;
		prompt_tokens += sample->prompt_tokens;
		prefill_s += sample->prefill_s;
	}
	const struct distribution ttft = metrics_distribution(ttft_ms, count);
	const double held_gib_s = samples->held_gib_s, gb_per_gib = 0x1p30 / 1e9;
	return (struct tune_measure){.rejected = samples->rejected, .values = {
	        [TUNE_TTFT_MEAN] = ttft.mean,
	        [TUNE_TTFT_P50] = ttft.p50,
	        [TUNE_TTFT_P95] = ttft.p95,
	        [TUNE_TTFT_P99] = ttft.p99,
	        [TUNE_HIT] = prompt_tokens > 0 ? hit_tokens / prompt_tokens : 0,
	        [TUNE_HELD] = held_gib_s,
	        [TUNE_COST] = prefill_s / 3600 * tune->gpu_per_hour + held_gib_s * gb_per_gib / 3600 * tune->rent_per_gb_hour,
	}};
}

/* A run with these policies over the first `requests` requests, of which those before `first` are not counted. */
static int run(const struct tune *tune, const char *evict_text, const char *ttl_text, uint32_t requests, uint32_t first,
               struct samples *samples, struct err *err)
{
	struct trace part = *tune->trace;
	struct run_config config = *tune->config;
	struct spec evict = {0}, ttl = {0};
	struct run_result result;
	part.request_count = requests;
	*samples = (struct samples){.tune = tune, .all = mem_alloc(requests, sizeof(*samples->all))};
	int failed = spec_parse(&evict, evict_text, err);
	if (!failed)
		failed = spec_parse(&ttl, ttl_text, err);
	config.evict = &evict;
	config.ttl = &ttl;
	/* Half a request more, so that rounding cannot make it one less. */
	config.warmup = first ? (first + 0.5) / requests : 0;
	config.on_request = keep;
	config.on_request_context = samples;
	if (!failed)
		failed = simulate_run(&part, &config, &result, err);
	if (!failed) {
		samples->held_gib_s = result.held_block_s * gib_of_block(tune);
		samples->rejected = result.rejected_requests;
		simulate_free(&result);
	}
	spec_free(&evict);
	spec_free(&ttl);
	return failed;
}

int tune_measure_run(const struct tune *tune, const char *evict, const char *ttl, uint32_t requests, uint32_t first,
                       struct tune_measure *to, struct err *err)
{
	struct samples samples;
	const int failed = run(tune, evict, ttl, requests, first, &samples, err);
	double *ttft_ms = mem_alloc(samples.count, sizeof(*ttft_ms));
	if (!failed)
		*to = measure(tune, &samples, NULL, samples.count, ttft_ms);
	free(ttft_ms);
	free(samples.all);
	return failed;
}

double tune_how_broken(const struct tune *tune, const struct tune_measure *measured)
{
	double broken = 0;
	for (size_t i = 0; i < tune->constraint_count; i++) {
		const struct tune_constraint *constraint = &tune->constraints[i];
		const double value = measured->values[constraint->metric], bound = constraint->bound;
		const double over = constraint->at_least ? bound - value : value - bound;
		if (over > 0)
			broken += over / (fabs(bound) > 0 ? fabs(bound) : 1);
	}
	return broken;
}

double tune_worth(const struct tune *tune, const struct tune_measure *measured)
{
	const double broken = tune_how_broken(tune, measured);
	if (broken > 0)
		return BROKEN * (1 + broken);
	const double value = measured->values[tune->objective];
	return tune->objective == TUNE_HIT ? -value : value;
}

/* --- judgement --- */

/* Samples in groups that are drawn together. */
struct groups {
	uint32_t *order;  /* samples, by group */
	size_t *starts;   /* [count + 1] */
	size_t count;
};

static struct groups group(const struct tune *tune, const struct samples *samples)
{
	const size_t keys = (size_t)tune->trace->session_count + tune->trace->request_count;
	struct groups groups = {mem_alloc(samples->count, sizeof(uint32_t)), mem_alloc(samples->count + 1, sizeof(size_t)), 0};
	size_t *next = mem_alloc(keys + 1, sizeof(*next));
	for (size_t i = 0; i < samples->count; i++)
		next[samples->all[i].group + 1]++;
	for (size_t key = 0; key < keys; key++) {
		if (next[key + 1])
			groups.starts[groups.count++] = next[key];
		next[key + 1] += next[key];
	}
	groups.starts[groups.count] = samples->count;
	for (size_t i = 0; i < samples->count; i++)
		groups.order[next[samples->all[i].group]++] = (uint32_t)i;
	free(next);
	return groups;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* What a metric of each run comes to when its groups are drawn anew. All runs have the same requests in the same order of the
 * trace, so a drawn session is drawn in all. */
static void resample(const struct tune *tune, enum tune_metric metric, const struct samples *const *runs, size_t run_count,
                     double (*values)[RESAMPLES])
{
	struct groups of[2];
	const size_t room = 4 * runs[0]->count + 1024;
	uint32_t *drawn = mem_alloc(room, sizeof(*drawn));
	double *ttft_ms = mem_alloc(room, sizeof(*ttft_ms));
	ASSERT(run_count <= COUNT_OF(of));
	for (size_t i = 0; i < run_count; i++) {
		of[i] = group(tune, runs[i]);
		ASSERT(of[i].count == of[0].count);
		gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
		gsl_rng_set(rng, (unsigned long)tune->seed);
		for (size_t r = 0; r < RESAMPLES; r++) {
			size_t count = 0;
			for (size_t g = 0; g < of[i].count; g++) {
				const size_t draw = gsl_rng_uniform_int(rng, of[i].count);
				const size_t size = of[i].starts[draw + 1] - of[i].starts[draw];
				/* Long sessions drawn again and again end a draw early rather than overflow it. */
				if (count + size > room)
					break;
				memcpy(drawn + count, of[i].order + of[i].starts[draw], size * sizeof(*drawn));
				count += size;
			}
			values[i][r] = measure(tune, runs[i], drawn, count, ttft_ms).values[metric];
		}
		gsl_rng_free(rng);
	}
	for (size_t i = 0; i < run_count; i++) {
		free(of[i].order);
		free(of[i].starts);
	}
	free(drawn);
	free(ttft_ms);
}

static struct tune_interval interval_of(double *values)
{
	qsort(values, RESAMPLES, sizeof(*values), by_value);
	return (struct tune_interval){values[RESAMPLES * 25 / 1000], values[RESAMPLES * 975 / 1000 - 1]};
}

static void judge_gain(struct tune *tune, const struct samples *given, const struct samples *best)
{
	double values[2][RESAMPLES];
	resample(tune, tune->objective, (const struct samples *const[]){given, best}, 2, values);
	for (size_t r = 0; r < RESAMPLES; r++)
		values[0][r] = tune->objective == TUNE_HIT ? values[1][r] - values[0][r] : values[0][r] - values[1][r];
	const struct tune_interval gain = interval_of(values[0]);
	tune->gain_low = gain.low;
	tune->gain_high = gain.high;
}

int tune_measure_interval(const struct tune *tune, const char *evict, const char *ttl, enum tune_metric metric,
                          struct tune_interval *to, struct err *err)
{
	struct samples samples;
	double values[1][RESAMPLES];
	const int failed = run(tune, evict, ttl, tune->trace->request_count, 0, &samples, err);
	if (!failed) {
		resample(tune, metric, (const struct samples *const[]){&samples}, 1, values);
		*to = interval_of(values[0]);
	}
	free(samples.all);
	return failed;
}

static int judge(struct tune *tune, uint32_t training, struct err *err)
{
	const uint32_t requests = tune->trace->request_count;
	struct samples given = {0}, best = {0};
	char evict[TUNE_SPEC_MOST], ttl[TUNE_SPEC_MOST];
	tune_spec_write(tune, true, NULL, evict, sizeof(evict));
	tune_spec_write(tune, false, NULL, ttl, sizeof(ttl));
	int failed = tune_measure_run(tune, evict, ttl, training, 0, &tune->training_given, err) < 0 ||
	             tune_measure_run(tune, tune->best_evict, tune->best_ttl, training, 0, &tune->training_best, err) < 0 ||
	             run(tune, evict, ttl, requests, training, &given, err) < 0 ||
	             run(tune, tune->best_evict, tune->best_ttl, requests, training, &best, err) < 0;
	if (!failed) {
		double *ttft_ms = mem_alloc(given.count, sizeof(*ttft_ms));
		tune->rest_given = measure(tune, &given, NULL, given.count, ttft_ms);
		tune->rest_best = measure(tune, &best, NULL, best.count, ttft_ms);
		tune->best_is_allowed = tune_how_broken(tune, &tune->training_best) == 0;
		tune->rest_is_allowed = tune_how_broken(tune, &tune->rest_best) == 0;
		judge_gain(tune, &given, &best);
		free(ttft_ms);
	}
	tune->has_bound = tune->config->engine == ENGINE_REPLAY;
	if (!failed && tune->has_bound)
		failed = tune_measure_run(tune, "belady", "none", requests, training, &tune->rest_bound, err) < 0;
	free(given.all);
	free(best.all);
	return failed ? -1 : 0;
}

static uint32_t training_requests(const struct tune *tune)
{
	return (uint32_t)(tune->training * tune->trace->request_count);
}

int tune_prepare(struct tune *tune, struct err *err)
{
	const uint32_t training = training_requests(tune);
	if (simulate_check(tune->trace, tune->config, err) < 0)
		return -1;
	if (training < 2 || tune->trace->request_count - training < 2)
		return err_set(err, "%s: of %u requests %u would be for training; expected at least 2 for it and 2 to judge by.",
		               tune->trace->name, tune->trace->request_count, training);
	return tune_spec_check(tune, err);
}

void tune_search(const struct tune *tune, uint32_t which, struct tune_search *search)
{
	tune_search_make(tune, which, training_requests(tune), search);
}

int tune_judge(struct tune *tune, const struct tune_search *searches, struct err *err)
{
	const struct tune_trial *best = NULL;
	tune->runs_made = 0;
	for (uint32_t s = 0; s < TUNE_STARTS; s++) {
		const struct tune_trial *own = tune_search_best(tune, &searches[s]);
		tune->runs_made += searches[s].runs;
		if (own && (!best || tune_worth(tune, &own->measured) < tune_worth(tune, &best->measured)))
			best = own;
	}
	if (!best)
		return err_set(err, "none of %u runs was possible: %s", tune->runs_made, searches[0].refusal.text);
	for (size_t i = 0; i < tune->parameter_count; i++)
		tune->parameters[i].best = tune_spec_value(&tune->parameters[i], best->places[i]);
	tune_spec_write(tune, true, best->places, tune->best_evict, sizeof(tune->best_evict));
	tune_spec_write(tune, false, best->places, tune->best_ttl, sizeof(tune->best_ttl));
	return judge(tune, training_requests(tune), err);
}
