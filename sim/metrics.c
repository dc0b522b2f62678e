#include "metrics.h"

#include <gsl/gsl_statistics_double.h>
#include <stdlib.h>

struct metrics {
	const struct trace *trace;
	struct metrics_group total, *classes;
	/* Times of the counted requests in ms, in order of service, and whose class each is. */
	double *time_ms[METRICS_TIMES];
	uint32_t *class_of;
	size_t count;
};

struct metrics *metrics_open(const struct trace *trace)
{
	struct metrics *metrics = mem_alloc(1, sizeof(*metrics));
	metrics->trace = trace;
	metrics->classes = mem_alloc(trace->class_count, sizeof(*metrics->classes));
	for (size_t t = 0; t < METRICS_TIMES; t++)
		metrics->time_ms[t] = mem_alloc(trace->request_count, sizeof(*metrics->time_ms[t]));
	metrics->class_of = mem_alloc(trace->request_count, sizeof(*metrics->class_of));
	return metrics;
}

void metrics_close(struct metrics *metrics)
{
	if (!metrics)
		return;
	free(metrics->classes);
	for (size_t t = 0; t < METRICS_TIMES; t++)
		free(metrics->time_ms[t]);
	free(metrics->class_of);
	free(metrics);
}

static void group_add(struct metrics_group *group, const struct trace_request *request, const struct request_outcome *outcome)
{
	const struct ledger *from = &outcome->ledger;
	struct ledger *to = &group->ledger;
	group->requests++;
	group->prompt_tokens += request->prompt_tokens;
	group->blocks += outcome->path_blocks;
	group->hit_blocks += outcome->hit_blocks;
	group->full_hit_requests += outcome->full_hit;
	group->prefill_saved_s += (double)outcome->saved_ns / (double)NS_PER_S;
	group->request_hit_sum += (double)from->hit_tokens / (double)request->prompt_tokens;
	for (size_t tier = 0; tier < TIER_MOST; tier++)
		to->tier_hit_tokens[tier] += from->tier_hit_tokens[tier];
	to->hit_tokens += from->hit_tokens;
	to->cold_tokens += from->cold_tokens;
	to->evicted_tokens += from->evicted_tokens;
	to->expired_tokens += from->expired_tokens;
	to->orphaned_tokens += from->orphaned_tokens;
	to->partial_tokens += from->partial_tokens;
	to->forced_tokens += from->forced_tokens;
	to->not_loaded_tokens += from->not_loaded_tokens;
}

void metrics_add(struct metrics *metrics, const struct trace_request *request, const struct request_outcome *outcome)
{
	const struct ledger *l = &outcome->ledger;
	ASSERT(l->hit_tokens + l->cold_tokens + l->evicted_tokens + l->expired_tokens + l->orphaned_tokens +
	               l->partial_tokens + l->forced_tokens + l->not_loaded_tokens ==
	       request->prompt_tokens);
	group_add(&metrics->total, request, outcome);
	if (request->class_id != TRACE_NO_CLASS)
		group_add(&metrics->classes[request->class_id], request, outcome);
	const int64_t times_ns[METRICS_TIMES] = {
	        [METRICS_TTFT] = outcome->ttft_ns,
	        [METRICS_E2E] = outcome->e2e_ns,
	        [METRICS_QUEUE] = outcome->queue_ns,
	        [METRICS_LOAD] = outcome->load_ns,
	        [METRICS_PREFILL] = outcome->prefill_ns,
	};
	for (size_t t = 0; t < METRICS_TIMES; t++)
		metrics->time_ms[t][metrics->count] = (double)times_ns[t] / (double)NS_PER_MS;
	metrics->class_of[metrics->count++] = request->class_id;
}

/* As gsl_stats_quantile_from_sorted_data, but found by selection, which needs no sort of all. */
double metrics_quantile(double *values, size_t count, double share)
{
	const double place = (double)(count - 1) * share;
	const size_t below = (size_t)place;
	const double low = gsl_stats_select(values, 1, count, below);
	if (below + 1 == count)
		return low;
	/* Selection leaves nothing smaller than `low` behind it. */
	double high = values[below + 1];
	for (size_t i = below + 2; i < count; i++)
		high = values[i] < high ? values[i] : high;
	return low + (place - (double)below) * (high - low);
}

struct distribution metrics_distribution(double *values, size_t count)
{
	if (count == 0)
		return (struct distribution){0};
	return (struct distribution){
	        .mean = gsl_stats_mean(values, 1, count),
	        .p50 = metrics_quantile(values, count, 0.50),
	        .p90 = metrics_quantile(values, count, 0.90),
	        .p95 = metrics_quantile(values, count, 0.95),
	        .p99 = metrics_quantile(values, count, 0.99),
	        .max = gsl_stats_max(values, 1, count),
	};
}

void metrics_finish(struct metrics *metrics)
{
	double *some = mem_alloc(metrics->count, sizeof(*some));
	for (size_t t = 0; t < METRICS_TIMES; t++) {
		for (uint32_t k = 0; k < metrics->trace->class_count; k++) {
			size_t count = 0;
			for (size_t i = 0; i < metrics->count; i++) {
				if (metrics->class_of[i] == k)
					some[count++] = metrics->time_ms[t][i];
			}
			metrics->classes[k].time_ms[t] = metrics_distribution(some, count);
		}
		metrics->total.time_ms[t] = metrics_distribution(metrics->time_ms[t], metrics->count);
	}
	free(some);
}

const struct metrics_group *metrics_total(const struct metrics *metrics)
{
	return &metrics->total;
}

const struct metrics_group *metrics_class(const struct metrics *metrics, uint32_t class_id)
{
	ASSERT(class_id < metrics->trace->class_count);
	return &metrics->classes[class_id];
}

static double share(double part, uint64_t whole)
{
	return whole ? part / (double)whole : 0;
}

double metrics_block_hit_rate(const struct metrics_group *group)
{
	return share((double)group->hit_blocks, group->blocks);
}

double metrics_token_hit_rate(const struct metrics_group *group)
{
	return share((double)group->ledger.hit_tokens, group->prompt_tokens);
}

double metrics_request_hit_rate(const struct metrics_group *group)
{
	return share(group->request_hit_sum, group->requests);
}
