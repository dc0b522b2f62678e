#include "requests_csv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct requests_csv {
	const struct trace *trace;
	const struct run_config *config;
	struct output *output;
	bool has_rows;
};

static uint32_t tier_count(const struct requests_csv *csv)
{
	return csv->config->tier_count ? csv->config->tier_count : 1;
}

struct requests_csv *requests_csv_open(const char *path, const struct trace *trace, const struct run_config *config,
                                       struct err *err)
{
	struct output *output = output_open(path, err);
	if (!output)
		return NULL;
	struct requests_csv *csv = mem_alloc(1, sizeof(*csv));
	*csv = (struct requests_csv){trace, config, output, false};
	output_printf(output, "request,arrival_ms,session,turn,class,prompt_tokens,output_tokens,hit_tokens");
	for (uint32_t tier = 0; tier < tier_count(csv); tier++)
		output_printf(output, ",hit_%s_tokens", config->tier_count ? config->tiers[tier].name : "gpu");
	output_printf(output, ",queue_ms,load_ms,prefill_ms,ttft_ms,e2e_ms,run%s\n", config->replicas > 1 ? ",replica" : "");
	return csv;
}

static void put_ms(struct output *output, int64_t ns)
{
	output_printf(output, ",%" PRId64 ".%06" PRId64, ns / NS_PER_MS, ns % NS_PER_MS);
}

static void put_run(const struct requests_csv *csv)
{
	static const char *const engines[] = {"replay", "static", "vllm", "sglang"};
	static const char *const loads[] = {"faster", "always", "never"};
	const struct run_config *config = csv->config;
	char text[2048], capacity[24] = "inf";
	if (config->capacity_blocks != UINT64_MAX)
		snprintf(capacity, sizeof(capacity), "%" PRIu64, config->capacity_blocks);
	int used = snprintf(text, sizeof(text),
	                    "source=%s|trace=%s|checksum=%016" PRIx64 "|block=%u|capacity=%s|kv_bytes=%.0f|calibration=%s|engine=%s|evict=%s|"
	                    "ttl=%s|scope=%s|load=%s|arrivals=%s|speed=%g|step_tokens=%u|max_running=%u|warmup=%g|tiers=",
	                    config->measured ? "measured" : "predicted", csv->trace->name, csv->trace->checksum, csv->trace->block_tokens,
	                    capacity, config->kv_bytes_per_token, config->calibration->name, engines[config->engine], config->evict->text,
	                    config->ttl->text, config->leaf ? "leaf" : "flat", loads[config->load], config->closed_loop ? "closed" : "open",
	                    config->speed, config->step_tokens, config->most_running, config->warmup);
	for (uint32_t tier = 1; tier < config->tier_count && used < (int)sizeof(text); tier++)
		used += snprintf(text + used, sizeof(text) - (size_t)used, "%s%s:%" PRIu64, tier > 1 ? "," : "", config->tiers[tier].name,
		                 config->tiers[tier].capacity_blocks);
	if (config->replicas > 1 && used < (int)sizeof(text))
		snprintf(text + used, sizeof(text) - (size_t)used, "|replicas=%u|router=%s", config->replicas, config->router.text);
	output_csv_text(csv->output, text);
}

void requests_csv_row(void *context, const struct trace_request *request, int64_t arrival_ns,
                      const struct request_outcome *outcome)
{
	struct requests_csv *csv = context;
	struct output *output = csv->output;
	const struct trace *trace = csv->trace;
	output_printf(output, "%u", request->ordinal);
	put_ms(output, arrival_ns);
	output_write(output, ",", 1);
	output_csv_text(output, request->session == TRACE_NO_SESSION ? "" : trace->session_names[request->session]);
	output_printf(output, ",%u,", request->turn);
	output_csv_text(output, request->class_id == TRACE_NO_CLASS ? "" : trace->class_names[request->class_id]);
	output_printf(output, ",%u,%u,%" PRIu64, request->prompt_tokens, request->output_tokens, outcome->ledger.hit_tokens);
	for (uint32_t tier = 0; tier < tier_count(csv); tier++)
		output_printf(output, ",%" PRIu64, outcome->ledger.tier_hit_tokens[tier]);
	const int64_t times_ns[] = {outcome->queue_ns, outcome->load_ns, outcome->prefill_ns, outcome->ttft_ns, outcome->e2e_ns};
	for (size_t i = 0; i < COUNT_OF(times_ns); i++)
		put_ms(output, times_ns[i]);
	output_write(output, ",", 1);
	if (!csv->has_rows)
		put_run(csv);
	csv->has_rows = true;
	if (csv->config->replicas > 1)
		output_printf(output, ",%u", outcome->replica);
	output_write(output, "\n", 1);
}

int requests_csv_commit(struct requests_csv *csv, struct err *err)
{
	if (!csv)
		return 0;
	const int failed = output_commit(csv->output, err);
	free(csv);
	return failed;
}

void requests_csv_abort(struct requests_csv *csv)
{
	if (csv)
		output_abort(csv->output);
	free(csv);
}
