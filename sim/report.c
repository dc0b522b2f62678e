#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The ledger's columns, in the order of DESIGN's Interface. */
struct ledger_column {
	const char *name, *label;
	size_t offset;
};

static const struct ledger_column ledger_columns[] = {
        {"hit_gpu_tokens", "hit", offsetof(struct ledger, hit_tokens)},
        {"cold_tokens", "missed: never seen before (cold)", offsetof(struct ledger, cold_tokens)},
        {"evicted_tokens", "missed: evicted for lack of room", offsetof(struct ledger, evicted_tokens)},
        {"expired_tokens", "missed: expired", offsetof(struct ledger, expired_tokens)},
        {"orphaned_tokens", "missed: there, but behind a gap", offsetof(struct ledger, orphaned_tokens)},
        {"partial_tokens", "missed: tail that is no full block", offsetof(struct ledger, partial_tokens)},
        {"forced_tokens", "computed again for the first token", offsetof(struct ledger, forced_tokens)},
};

static uint64_t ledger_value(const struct ledger *ledger, const struct ledger_column *column)
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

const char *report_calibration(const struct calibration *calibration, char *buffer, size_t size)
{
	snprintf(buffer, size, "%s, %s; %s", calibration->device, calibration->model,
	         calibration->estimate ? "an estimate, not measured" : "measured");
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

static json_t *whole(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *real_or_null(double value)
{
	return isnan(value) ? json_null() : json_real(value);
}

static json_t *distribution_json(const struct distribution *d)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "mean", d->mean, "p50", d->p50, "p90", d->p90, "p95", d->p95,
	                 "p99", d->p99, "max", d->max);
}

static json_t *ledger_json(const struct ledger *ledger)
{
	json_t *object = json_object();
	for (size_t i = 0; i < COUNT_OF(ledger_columns); i++)
		json_object_set_new(object, ledger_columns[i].name, whole(ledger_value(ledger, &ledger_columns[i])));
	return object;
}

/* The fields that the total and each class have. */
static void put_group(json_t *object, const struct metrics_group *group)
{
	json_object_set_new(object, "requests", whole(group->requests));
	json_object_set_new(object, "prompt_tokens", whole(group->prompt_tokens));
	json_object_set_new(object, "hit_tokens", whole(group->ledger.hit_tokens));
	json_object_set_new(object, "token_hit_rate", json_real(metrics_token_hit_rate(group)));
	json_object_set_new(object, "blocks", whole(group->blocks));
	json_object_set_new(object, "hit_blocks", whole(group->hit_blocks));
	json_object_set_new(object, "block_hit_rate", json_real(metrics_block_hit_rate(group)));
	json_object_set_new(object, "request_hit_rate", json_real(metrics_request_hit_rate(group)));
}

static json_t *classes_json(const struct report *report)
{
	json_t *classes = json_array();
	for (uint32_t k = 0; k < report->trace->class_count; k++) {
		const struct metrics_group *group = metrics_class(report->result->metrics, k);
		if (group->requests == 0)
			continue;
		json_t *object = json_object();
		json_object_set_new(object, "class", json_string(report->trace->class_names[k]));
		put_group(object, group);
		json_object_set_new(object, "full_hit_requests", whole(group->full_hit_requests));
		json_object_set_new(object, "ledger", ledger_json(&group->ledger));
		json_object_set_new(object, "ttft_ms", distribution_json(&group->ttft_ms));
		json_object_set_new(object, "e2e_ms", distribution_json(&group->e2e_ms));
		json_array_append_new(classes, object);
	}
	return classes;
}

json_t *report_json(const struct report *report)
{
	const struct run_config *config = report->config;
	const struct run_result *result = report->result;
	const struct metrics_group *total = metrics_total(result->metrics);
	json_t *object = json_object();
	json_object_set_new(object, "trace", json_string(report->trace->name));
	put_group(object, total);
	json_object_set_new(object, "capacity_blocks",
	                    config->capacity_blocks == UINT64_MAX ? json_null() : whole(config->capacity_blocks));
	json_object_set_new(object, "evict", json_string(config->evict->text));
	json_object_set_new(object, "ttl", json_string(config->ttl->text));
	json_object_set_new(object, "evicted_blocks", whole(result->counts.evicted_blocks));
	json_object_set_new(object, "expired_blocks", whole(result->counts.expired_blocks));
	json_object_set_new(object, "declined_blocks", whole(result->counts.declined_blocks));
	json_object_set_new(object, "mean_resident_blocks", json_real(result->mean_resident_blocks));
	json_object_set_new(object, "full_hit_requests", whole(total->full_hit_requests));
	json_object_set_new(object, "held_gib_s",
	                    real_or_null(options_gib(report->options, report->trace, result->held_block_s)));
	json_object_set_new(object, "ledger", ledger_json(&total->ledger));
	json_object_set_new(object, "ttft_ms", distribution_json(&total->ttft_ms));
	json_object_set_new(object, "e2e_ms", distribution_json(&total->e2e_ms));
	json_object_set_new(object, "classes", classes_json(report));
	json_object_set_new(object, "block_tokens", whole(report->trace->block_tokens));
	json_object_set_new(object, "engine", json_string("replay"));
	json_object_set_new(object, "semantics",
	                    json_string(config->semantics == SEMANTICS_OBJECT ? "object" : "prefix"));
	json_object_set_new(object, "scope",
	                    json_string(config->leaf && config->semantics == SEMANTICS_PREFIX ? "leaf" : "flat"));
	json_object_set_new(object, "calibration",
	                    json_pack("{s:s, s:s, s:s, s:b}", "name", config->calibration->name, "device",
	                              config->calibration->device, "model", config->calibration->model, "estimate",
	                              config->calibration->estimate));
	json_object_set_new(object, "shortened_requests", whole(report->options->shortened_requests));
	if (report->wall_s >= 0)
		json_object_set_new(object, "wall_s", json_real(report->wall_s));
	return object;
}

void report_print_json(const json_t *json, FILE *to)
{
	json_dumpf(json, to, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
	fputc('\n', to);
}

void report_csv_header(const struct report *report, FILE *to)
{
	fputs("trace,evict,ttl,capacity_blocks,capacity_gib,requests,prompt_tokens,hit_tokens,token_hit_rate,"
	      "block_hit_rate,request_hit_rate,evicted_blocks,expired_blocks,held_gib_s,"
	      "ttft_ms_mean,ttft_ms_p50,ttft_ms_p90,ttft_ms_p95,ttft_ms_p99,ttft_is_estimate,"
	      "blocks,hit_blocks,full_hit_requests,mean_resident_blocks",
	      to);
	for (size_t i = 0; i < COUNT_OF(ledger_columns); i++)
		fprintf(to, ",ledger_%s", ledger_columns[i].name);
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
	const struct distribution *ttft = &total->ttft_ms;
	const double times[] = {ttft->mean, ttft->p50, ttft->p90, ttft->p95, ttft->p99};
	for (size_t i = 0; i < COUNT_OF(times); i++)
		csv_real(times[i], to);
	fprintf(to, ",%d,%" PRIu64 ",%" PRIu64 ",%" PRIu64, config->calibration->estimate, total->blocks,
	        total->hit_blocks, total->full_hit_requests);
	csv_real(result->mean_resident_blocks, to);
	for (size_t i = 0; i < COUNT_OF(ledger_columns); i++)
		fprintf(to, ",%" PRIu64, ledger_value(&total->ledger, &ledger_columns[i]));
	if (report->wall_s >= 0)
		csv_real(report->wall_s, to);
	fputc('\n', to);
}

static void table_times(const char *label, const struct distribution *d, FILE *to)
{
	fprintf(to, "  %-6s%10.1f%10.1f%10.1f%10.1f%10.1f%10.1f\n", label, d->mean, d->p50, d->p90, d->p95, d->p99, d->max);
}

static void table_cache(const struct report *report, FILE *to)
{
	const struct run_config *config = report->config;
	char count[32];
	fputs("cache    ", to);
	if (config->capacity_blocks == UINT64_MAX)
		fputs("no limit", to);
	else
		fprintf(to, "%s blocks", report_count(config->capacity_blocks, count, sizeof(count)));
	if (report->options->has_model && config->capacity_blocks != UINT64_MAX)
		fprintf(to, " = %.1f GiB of %s KV",
		        options_gib(report->options, report->trace, (double)config->capacity_blocks),
		        report->options->model.name);
	fprintf(to, "\npolicy   evict %s, ttl %s, %s\n", config->evict->text, config->ttl->text,
	        config->semantics == SEMANTICS_OBJECT ? "object semantics"
	        : config->leaf                        ? "leaf scope"
	                                              : "flat scope");
}

static void table_ledger(const struct metrics_group *total, FILE *to)
{
	char count[32];
	fputs("\nwhere every prompt token went\n", to);
	for (size_t i = 0; i < COUNT_OF(ledger_columns); i++) {
		const uint64_t tokens = ledger_value(&total->ledger, &ledger_columns[i]);
		if (i > 0 && tokens == 0)
			continue;
		fprintf(to, "  %-36s%20s%8.2f %%\n", ledger_columns[i].label, report_count(tokens, count, sizeof(count)),
		        total->prompt_tokens ? 100 * (double)tokens / (double)total->prompt_tokens : 0);
	}
}

static void table_classes(const struct report *report, FILE *to)
{
	char requests[32], tokens[32];
	if (report->trace->class_count < 2)
		return;
	fprintf(to, "\n%-24s%12s%18s%12s%14s\n", "class", "requests", "prompt tokens", "token hits", "TTFT p50 ms");
	for (uint32_t k = 0; k < report->trace->class_count; k++) {
		const struct metrics_group *group = metrics_class(report->result->metrics, k);
		if (group->requests)
			fprintf(to, "%-24.24s%12s%18s%10.2f %%%14.1f\n", report->trace->class_names[k],
			        report_count(group->requests, requests, sizeof(requests)),
			        report_count(group->prompt_tokens, tokens, sizeof(tokens)),
			        100 * metrics_token_hit_rate(group), group->ttft_ms.p50);
	}
}

void report_table(const struct report *report, FILE *to)
{
	const struct run_result *result = report->result;
	const struct metrics_group *total = metrics_total(result->metrics);
	char requests[32], tokens[32], blocks[32], buffer[256];
	fprintf(to, "trace    %s\n", report->trace->name);
	fprintf(to, "         %s requests, %s prompt tokens, %s blocks of %u tokens\n",
	        report_count(total->requests, requests, sizeof(requests)),
	        report_count(total->prompt_tokens, tokens, sizeof(tokens)),
	        report_count(total->blocks, blocks, sizeof(blocks)), report->trace->block_tokens);
	table_cache(report, to);
	fprintf(to, "\nhit rate %.2f %% of tokens, %.2f %% of blocks; mean of requests %.2f %%\n",
	        100 * metrics_token_hit_rate(total), 100 * metrics_block_hit_rate(total),
	        100 * metrics_request_hit_rate(total));
	fprintf(to, "         %s requests found their whole prompt\n",
	        report_count(total->full_hit_requests, requests, sizeof(requests)));
	table_ledger(total, to);
	fprintf(to, "\nblocks   %s evicted, %s expired; %.1f resident on average",
	        report_count(result->counts.evicted_blocks, requests, sizeof(requests)),
	        report_count(result->counts.expired_blocks, tokens, sizeof(tokens)), result->mean_resident_blocks);
	if (report->options->has_model)
		fprintf(to, " (%.1f GiB)", options_gib(report->options, report->trace, result->mean_resident_blocks));
	fprintf(to, "\n\n  %-6s%10s%10s%10s%10s%10s%10s\n", "ms", "mean", "p50", "p90", "p95", "p99", "max");
	table_times("TTFT", &total->ttft_ms, to);
	table_times("E2E", &total->e2e_ms, to);
	fprintf(to, "  uncontended; %s\n", report_calibration(report->config->calibration, buffer, sizeof(buffer)));
	table_classes(report, to);
	if (report->options->shortened_requests)
		fprintf(to, "\n%s requests were shortened by --max-prompt or --max-output\n",
		        report_count(report->options->shortened_requests, requests, sizeof(requests)));
}
