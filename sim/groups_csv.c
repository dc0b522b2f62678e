#include "groups_csv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { KIND_CLASS, KIND_TURN, KIND_SESSION, KINDS };

#define NO_GROUP UINT32_MAX

struct sums {
	uint64_t requests, prompt_tokens, output_tokens, hit_tokens, tier_hit_tokens[TIER_MOST];
};

/* A counted request: its group of each kind, its times. */
struct sample {
	uint32_t group[KINDS];
	double time_ms[METRICS_TIMES];
};

struct groups_csv {
	const struct trace *trace;
	const struct run_config *config;
	struct output *output;
	uint32_t group_count[KINDS];
	struct sums *sums[KINDS];
	struct sample *samples;
	size_t sample_count, sample_room;
};

static uint32_t tier_count(const struct groups_csv *csv)
{
	return csv->config->tier_count ? csv->config->tier_count : 1;
}

struct groups_csv *groups_csv_open(const char *path, const struct trace *trace, const struct run_config *config,
                                   struct err *err)
{
	struct output *output = output_open(path, err);
	if (!output)
		return NULL;
	struct groups_csv *csv = mem_alloc(1, sizeof(*csv));
	*csv = (struct groups_csv){
	        .trace = trace,
	        .config = config,
	        .output = output,
	        .group_count = {trace->class_count, GROUPS_CSV_LAST_TURN + 1, trace->session_count},
	};
	for (int kind = 0; kind < KINDS; kind++)
		csv->sums[kind] = mem_alloc(csv->group_count[kind], sizeof(*csv->sums[kind]));
	return csv;
}

void groups_csv_row(void *context, const struct trace_request *request, int64_t arrival_ns,
                    const struct request_outcome *outcome)
{
	struct groups_csv *csv = context;
	(void)arrival_ns;
	if (csv->sample_count == csv->sample_room) {
		csv->sample_room = csv->sample_room ? 2 * csv->sample_room : 4096;
		csv->samples = mem_grow(csv->samples, csv->sample_room, sizeof(*csv->samples));
	}
	struct sample *sample = &csv->samples[csv->sample_count++];
	const bool in_session = request->session != TRACE_NO_SESSION;
	const uint32_t turn = request->turn < GROUPS_CSV_LAST_TURN ? request->turn : GROUPS_CSV_LAST_TURN;
	sample->group[KIND_CLASS] = request->class_id != TRACE_NO_CLASS ? request->class_id : NO_GROUP;
	sample->group[KIND_TURN] = in_session ? turn : NO_GROUP;
	sample->group[KIND_SESSION] = in_session ? request->session : NO_GROUP;
	const int64_t times_ns[METRICS_TIMES] = {
	        [METRICS_TTFT] = outcome->ttft_ns,
	        [METRICS_E2E] = outcome->e2e_ns,
	        [METRICS_QUEUE] = outcome->queue_ns,
	        [METRICS_LOAD] = outcome->load_ns,
	        [METRICS_PREFILL] = outcome->prefill_ns,
	};
	for (int t = 0; t < METRICS_TIMES; t++)
		sample->time_ms[t] = (double)times_ns[t] / (double)NS_PER_MS;
	for (int kind = 0; kind < KINDS; kind++) {
		if (sample->group[kind] == NO_GROUP)
			continue;
		struct sums *sums = &csv->sums[kind][sample->group[kind]];
		sums->requests++;
		sums->prompt_tokens += request->prompt_tokens;
		sums->output_tokens += request->output_tokens;
		sums->hit_tokens += outcome->ledger.hit_tokens;
		for (uint32_t tier = 0; tier < tier_count(csv); tier++)
			sums->tier_hit_tokens[tier] += outcome->ledger.tier_hit_tokens[tier];
	}
}

static void put_name(const struct groups_csv *csv, int kind, uint32_t group)
{
	char turn[16];
	switch (kind) {
	case KIND_CLASS:
		output_csv_text(csv->output, csv->trace->class_names[group]);
		break;
	case KIND_SESSION:
		output_csv_text(csv->output, csv->trace->session_names[group]);
		break;
	default:
		snprintf(turn, sizeof(turn), "%u%s", group, group == GROUPS_CSV_LAST_TURN ? "+" : "");
		output_csv_text(csv->output, turn);
	}
}

static void put_distribution(struct output *output, const struct distribution *d)
{
	output_printf(output, ",%.9g,%.9g,%.9g,%.9g,%.9g,%.9g", d->mean, d->p50, d->p90, d->p95, d->p99, d->max);
}

/* `members` are the group's samples; `some` has room for a value of each. */
static void put_group(struct groups_csv *csv, int kind, uint32_t group, const uint32_t *members, double *some)
{
	static const char *const kinds[KINDS] = {"class", "turn", "session"};
	const struct sums *sums = &csv->sums[kind][group];
	struct output *output = csv->output;
	struct distribution times[METRICS_TIMES];
	for (int t = 0; t < METRICS_TIMES; t++) {
		for (size_t i = 0; i < sums->requests; i++)
			some[i] = csv->samples[members[i]].time_ms[t];
		times[t] = metrics_distribution(some, sums->requests);
	}
	output_printf(output, "%s,", kinds[kind]);
	put_name(csv, kind, group);
	output_printf(output, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.9g", sums->requests, sums->prompt_tokens,
	              sums->hit_tokens, (double)sums->hit_tokens / (double)sums->prompt_tokens);
	for (uint32_t tier = 0; tier < tier_count(csv); tier++)
		output_printf(output, ",%" PRIu64, sums->tier_hit_tokens[tier]);
	output_printf(output, ",%" PRIu64, sums->output_tokens);
	put_distribution(output, &times[METRICS_TTFT]);
	output_printf(output, ",%.9g,%.9g,%.9g", times[METRICS_QUEUE].mean, times[METRICS_LOAD].mean,
	              times[METRICS_PREFILL].mean);
	put_distribution(output, &times[METRICS_E2E]);
	output_write(output, "\n", 1);
}

static void put_kind(struct groups_csv *csv, int kind)
{
	const uint32_t count = csv->group_count[kind];
	size_t *next = mem_alloc((size_t)count + 1, sizeof(*next));
	uint32_t *members = mem_alloc(csv->sample_count, sizeof(*members));
	double *some = mem_alloc(csv->sample_count, sizeof(*some));
	/* Samples sorted by group: where each group begins, then each sample in its place. */
	for (uint32_t group = 0; group < count; group++)
		next[group + 1] = next[group] + csv->sums[kind][group].requests;
	for (size_t i = 0; i < csv->sample_count; i++) {
		const uint32_t group = csv->samples[i].group[kind];
		if (group != NO_GROUP)
			members[next[group]++] = (uint32_t)i;
	}
	for (uint32_t group = 0; group < count; group++) {
		const size_t requests = csv->sums[kind][group].requests;
		if (requests > 0)
			put_group(csv, kind, group, members + next[group] - requests, some);
	}
	free(next);
	free(members);
	free(some);
}

static void release(struct groups_csv *csv)
{
	for (int kind = 0; kind < KINDS; kind++)
		free(csv->sums[kind]);
	free(csv->samples);
	free(csv);
}

int groups_csv_commit(struct groups_csv *csv, struct err *err)
{
	if (!csv)
		return 0;
	output_printf(csv->output, "kind,name,requests,prompt_tokens,hit_tokens,token_hit_rate");
	for (uint32_t tier = 0; tier < tier_count(csv); tier++)
		output_printf(csv->output, ",hit_%s_tokens", csv->config->tier_count ? csv->config->tiers[tier].name : "gpu");
	output_printf(csv->output, ",output_tokens,ttft_ms_mean,ttft_ms_p50,ttft_ms_p90,ttft_ms_p95,ttft_ms_p99,ttft_ms_max,"
	                           "queue_ms_mean,load_ms_mean,prefill_ms_mean,"
	                           "e2e_ms_mean,e2e_ms_p50,e2e_ms_p90,e2e_ms_p95,e2e_ms_p99,e2e_ms_max\n");
	for (int kind = 0; kind < KINDS; kind++)
		put_kind(csv, kind);
	const int failed = output_commit(csv->output, err);
	release(csv);
	return failed;
}

void groups_csv_abort(struct groups_csv *csv)
{
	if (!csv)
		return;
	output_abort(csv->output);
	release(csv);
}
