#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The ledger's columns after the hits per tier, in the order of DESIGN's Interface. */
const struct report_column report_ledger_columns[] = {
        {"cold_tokens", "missed: never seen before (cold)", offsetof(struct ledger, cold_tokens)},
        {"evicted_tokens", "missed: evicted for lack of room", offsetof(struct ledger, evicted_tokens)},
        {"expired_tokens", "missed: expired", offsetof(struct ledger, expired_tokens)},
        {"orphaned_tokens", "missed: there, but behind a gap", offsetof(struct ledger, orphaned_tokens)},
        {"partial_tokens", "missed: tail that is no full block", offsetof(struct ledger, partial_tokens)},
        {"forced_tokens", "computed again for the first token", offsetof(struct ledger, forced_tokens)},
        {"not_loaded_tokens", "not loaded: slower, failed or away", offsetof(struct ledger, not_loaded_tokens)},
};
const size_t report_ledger_column_count = COUNT_OF(report_ledger_columns);

uint64_t report_ledger_value(const struct ledger *ledger, const struct report_column *column)
{
	return *(const uint64_t *)(const void *)((const char *)ledger + column->offset);
}

const char *report_count(uint64_t value, char *buffer, size_t size)
{
	char digits[32];
	const size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, value);
	size_t used = 0;
	for (size_t i = 0; i < length && used + 2 < size; i++) {
		if (i && (length - i) % 3 == 0)
			buffer[used++] = ',';
		buffer[used++] = digits[i];
	}
	buffer[used] = '\0';
	return buffer;
}

const char *report_calibration(const struct calibration *calibration, const struct run_options *options, char *buffer, size_t size)
{
	const bool other = options && options->has_model && strcmp(options->model.name, calibration->model) != 0;
	snprintf(buffer, size, "%s, %s%s%s; %s", calibration->device, calibration->model, other ? ", not " : "",
	         other ? options->model.name : "", calibration->estimate ? "an estimate, not measured" : "measured");
	return buffer;
}

const char *report_options_times(const struct run_options *options, char *buffer, size_t size)
{
	const int length = snprintf(buffer, size, "%s", options->config.engine == ENGINE_REPLAY ? "TTFT is uncontended; " : "times: ");
	report_calibration(options->calibration, options, buffer + length, size - (size_t)length);
	return buffer;
}

const char *report_times(const struct report *report, char *buffer, size_t size)
{
	const struct calibration *calibration = report->config->calibration;
	if (!report->measured_on)
		return report_calibration(calibration, report->options, buffer, size);
	snprintf(buffer, size, "measured on %s\n  what was saved, and whether to load: by %s%s", report->measured_on, calibration->name,
	         calibration->estimate ? ", an estimate" : "");
	return buffer;
}

void report_csv_text(const char *text, FILE *to)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, to);
		return;
	}
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', to);
		fputc(*text, to);
	}
	fputc('"', to);
}

const char *report_engine_name(enum engine_kind engine)
{
	static const char *const names[] = {
	        [ENGINE_REPLAY] = "replay", [ENGINE_STATIC] = "static", [ENGINE_VLLM] = "vllm", [ENGINE_SGLANG] = "sglang"};
	return names[engine];
}

bool report_has_fleet(const struct report *report)
{
	return report->options->config.replicas > 1;
}

uint32_t report_replicas(const struct report *report)
{
	return report->config->replicas > 1 ? report->config->replicas : 1;
}

double report_link_share(const struct report *report, uint32_t tier)
{
	const struct tier_result *result = &report->result->tiers[tier];
	const double span_s = report->result->span_s;
	return span_s > 0 ? result->link_busy_s / result->copies / span_s : NAN;
}

uint32_t report_tier_count(const struct report *report)
{
	return report->config->tier_count ? report->config->tier_count : 1;
}

const char *report_tier_name(const struct report *report, uint32_t tier)
{
	return report->config->tier_count ? report->config->tiers[tier].name : "gpu";
}

double report_saved_requests(const struct metrics_group *total)
{
	const double computed_s = total->time_ms[METRICS_PREFILL].mean / 1e3 * (double)total->requests;
	const double cold_s = computed_s + total->prefill_saved_s;
	return cold_s > 0 ? total->prefill_saved_s / cold_s * (double)total->requests : 0;
}

double report_holding_dollars(const struct report *report, uint32_t tier)
{
	if (!report->options->has_model || tier >= report->config->tier_count)
		return NAN;
	const double gb_per_block = (double)model_kv_bytes_per_token(&report->options->model) * report->trace->block_tokens / 1e9;
	const double gb_months = report->result->tiers[tier].held_block_s * gb_per_block / (30 * 86400.0);
	return gb_months * report->config->tiers[tier].compress_ratio * report->config->tiers[tier].price_per_gb_month;
}

double report_all_holding_dollars(const struct report *report)
{
	double all = NAN;
	for (uint32_t tier = 0; tier < report->config->tier_count; tier++) {
		const double dollars = report_holding_dollars(report, tier);
		if (report->config->tiers[tier].price_per_gb_month > 0 && !isnan(dollars))
			all = isnan(all) ? dollars : all + dollars;
	}
	return all;
}

double report_saved_dollars(const struct report *report)
{
	return metrics_total(report->result->metrics)->prefill_saved_s / 3600 * report->options->gpu_price_per_hour;
}

void report_csv_header(const struct report *report, FILE *to)
{
	fputs("trace,evict,ttl,capacity_blocks,capacity_gib,requests,prompt_tokens,hit_tokens,token_hit_rate,"
	      "block_hit_rate,request_hit_rate,evicted_blocks,expired_blocks,held_gib_s,"
	      "ttft_ms_mean,ttft_ms_p50,ttft_ms_p90,ttft_ms_p95,ttft_ms_p99,ttft_is_estimate,"
	      "blocks,hit_blocks,full_hit_requests,mean_resident_blocks",
	      to);
	for (uint32_t tier = 0; tier < report_tier_count(report); tier++)
		fprintf(to, ",ledger_hit_%s_tokens", report_tier_name(report, tier));
	for (size_t i = 0; i < report_ledger_column_count; i++)
		fprintf(to, ",ledger_%s", report_ledger_columns[i].name);
	fputs(",queue_ms_mean,load_ms_mean,prefill_ms_mean,e2e_ms_mean,e2e_ms_p95,prefill_saved_s,span_s,busy_share,"
	      "output_tokens_per_s,preemptions,rejected_requests,saved_dollars,holding_dollars",
	      to);
	for (uint32_t tier = 1; tier < report_tier_count(report); tier++) {
		const char *name = report_tier_name(report, tier);
		fprintf(to, ",link_%s_share,link_%s_read_bytes,link_%s_written_bytes,held_%s_gib", name, name, name, name);
	}
	for (size_t axis = 0; report->vary && axis < report->vary->count; axis++)
		fprintf(to, ",vary_%s", report->vary->axes[axis].name);
	if (report_has_fleet(report))
		fputs(",replicas,router,imbalance", to);
	if (report->wall_s >= 0)
		fputs(",wall_s", to);
	fputc('\n', to);
}

static void csv_real(double value, FILE *to)
{
	if (isnan(value))
		fputc(',', to);
	else
		fprintf(to, ",%.9g", value);
}

void report_csv_row(const struct report *report, FILE *to)
{
	const struct run_config *config = report->config;
	const struct run_result *result = report->result;
	const struct metrics_group *total = metrics_total(result->metrics);
	const bool unlimited = config->capacity_blocks == UINT64_MAX;
	report_csv_text(report->trace->name, to);
	fputc(',', to);
	report_csv_text(config->evict->text, to);
	fputc(',', to);
	report_csv_text(config->ttl->text, to);
	if (unlimited)
		fputs(",inf", to);
	else
		fprintf(to, ",%" PRIu64, config->capacity_blocks);
	csv_real(unlimited ? NAN : options_gib(report->options, report->trace, (double)config->capacity_blocks), to);
	fprintf(to, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, total->requests, total->prompt_tokens, total->ledger.hit_tokens);
	csv_real(metrics_token_hit_rate(total), to);
	csv_real(metrics_block_hit_rate(total), to);
	csv_real(metrics_request_hit_rate(total), to);
	fprintf(to, ",%" PRIu64 ",%" PRIu64, result->counts.evicted_blocks, result->counts.expired_blocks);
	csv_real(options_gib(report->options, report->trace, result->held_block_s), to);
	const struct distribution *ttft = &total->time_ms[METRICS_TTFT];
	const double times[] = {ttft->mean, ttft->p50, ttft->p90, ttft->p95, ttft->p99};
	for (size_t i = 0; i < COUNT_OF(times); i++)
		csv_real(times[i], to);
	fprintf(to, ",%d,%" PRIu64 ",%" PRIu64 ",%" PRIu64, !report->measured_on && config->calibration->estimate, total->blocks,
	        total->hit_blocks, total->full_hit_requests);
	csv_real(result->mean_resident_blocks, to);
	for (uint32_t tier = 0; tier < report_tier_count(report); tier++)
		fprintf(to, ",%" PRIu64, total->ledger.tier_hit_tokens[tier]);
	for (size_t i = 0; i < report_ledger_column_count; i++)
		fprintf(to, ",%" PRIu64, report_ledger_value(&total->ledger, &report_ledger_columns[i]));
	csv_real(total->time_ms[METRICS_QUEUE].mean, to);
	csv_real(total->time_ms[METRICS_LOAD].mean, to);
	csv_real(total->time_ms[METRICS_PREFILL].mean, to);
	csv_real(total->time_ms[METRICS_E2E].mean, to);
	csv_real(total->time_ms[METRICS_E2E].p95, to);
	csv_real(total->prefill_saved_s, to);
	csv_real(result->span_s, to);
	const bool timed = config->engine != ENGINE_REPLAY && result->span_s > 0;
	csv_real(timed ? result->busy_s / report_replicas(report) / result->span_s : NAN, to);
	csv_real(timed ? (double)result->output_tokens / result->span_s : NAN, to);
	fprintf(to, ",%" PRIu64 ",%" PRIu64, result->preemptions, result->rejected_requests);
	csv_real(report_saved_dollars(report), to);
	csv_real(report_all_holding_dollars(report), to);
	for (uint32_t tier = 1; tier < report_tier_count(report); tier++) {
		const struct tier_result *held = &result->tiers[tier];
		csv_real(report_link_share(report, tier), to);
		fprintf(to, ",%" PRIu64 ",%" PRIu64, held->read_bytes, held->written_bytes);
		csv_real(options_gib(report->options, report->trace, held->mean_resident_blocks), to);
	}
	for (size_t axis = 0; report->vary && axis < report->vary->count; axis++) {
		fputc(',', to);
		report_csv_text(vary_value(report->vary, axis, report->vary_point), to);
	}
	if (report_has_fleet(report)) {
		fprintf(to, ",%u,", report_replicas(report));
		report_csv_text(config->router.text, to);
		csv_real(result->imbalance, to);
	}
	if (report->wall_s >= 0)
		csv_real(report->wall_s, to);
	fputc('\n', to);
}
