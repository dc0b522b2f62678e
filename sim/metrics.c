#include "metrics.h"

#include <gsl/gsl_statistics_double.h>
#include <stdlib.h>

struct metrics {
	const struct trace *trace;
	struct metrics_group total, *classes;
	/* Times of the counted requests in ms, in order of service, and whose class each is. */
	double *ttft_ms, *e2e_ms;
	uint32_t *class_of;
	size_t count;
};

struct metrics *metrics_open(const struct trace *trace)
{
	struct metrics *metrics = mem_alloc(1, sizeof(*metrics));
	metrics->trace = trace;
	metrics->classes = mem_alloc(trace->class_count, sizeof(*metrics->classes));
	metrics->ttft_ms = mem_alloc(trace->request_count, sizeof(*metrics->ttft_ms));
	metrics->e2e_ms = mem_alloc(trace->request_count, sizeof(*metrics->e2e_ms));
	metrics->class_of = mem_alloc(trace->request_count, sizeof(*metrics->class_of));
	return metrics;
}

void metrics_close(struct metrics *metrics)
{
	if (!metrics)
		return;
	free(metrics->classes);
	free(metrics->ttft_ms);
	free(metrics->e2e_ms);
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
	metrics->ttft_ms[metrics->count] = (double)outcome->ttft_ns / (double)NS_PER_MS;
	metrics->e2e_ms[metrics->count] = (double)outcome->e2e_ns / (double)NS_PER_MS;
	metrics->class_of[metrics->count++] = request->class_id;
}

/* Linear between order statistics, as gsl_stats_quantile_from_sorted_data, but found by selection, which needs no sort of
 * all. Reorders `values`. */
static double quantile(double *values, size_t count, double share)
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

/* Reorders `values`. */
static struct distribution distribution_of(double *values, size_t count)
{
	if (count == 0)
		return (struct distribution){0};
	return (struct distribution){
	        .mean = gsl_stats_mean(values, 1, count),
	        .p50 = quantile(values, count, 0.50),
	        .p90 = quantile(values, count, 0.90),
	        .p95 = quantile(values, count, 0.95),
	        .p99 = quantile(values, count, 0.99),
	        .max = gsl_stats_max(values, 1, count),
	};
}

void metrics_finish(struct metrics *metrics)
{
	double *some = mem_alloc(metrics->count, sizeof(*some));
	for (uint32_t k = 0; k < metrics->trace->class_count; k++) {
		struct metrics_group *group = &metrics->classes[k];
		double *const values[] = {metrics->ttft_ms, metrics->e2e_ms};
		struct distribution *const results[] = {&group->ttft_ms, &group->e2e_ms};
		for (size_t v = 0; v < COUNT_OF(values); v++) {
			size_t count = 0;
			for (size_t i = 0; i < metrics->count; i++) {
				if (metrics->class_of[i] == k)
					some[count++] = values[v][i];
			}
			*results[v] = distribution_of(some, count);
		}
	}
	free(some);
	metrics->total.ttft_ms = distribution_of(metrics->ttft_ms, metrics->count);
	metrics->total.e2e_ms = distribution_of(metrics->e2e_ms, metrics->count);
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
