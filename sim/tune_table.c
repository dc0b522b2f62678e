#include "tune_table.h"

#include "policy.h"
#include "report.h"

#include <stdlib.h>

static void print_row(FILE *to, const char *name, const struct tune_measure *measured, bool has_bytes)
{
	const double *v = measured->values;
	fprintf(to, "%-10s%10.2f%11.1f%11.1f%11.1f", name, 100 * v[TUNE_HIT], v[TUNE_TTFT_MEAN], v[TUNE_TTFT_P95], v[TUNE_TTFT_P99]);
	if (has_bytes)
		fprintf(to, "%14.1f%11.2f", v[TUNE_HELD], v[TUNE_COST]);
	fputc('\n', to);
}

static void print_parameters(FILE *to, const struct tune *tune)
{
	for (size_t i = 0; i < tune->parameter_count; i++) {
		const struct tune_parameter *p = &tune->parameters[i];
		const double unit = p->is_duration ? (double)NS_PER_S : 1;
		fprintf(to, "  %s.%-16s%14.6g -> %-12.6g%s in %.6g..%.6g\n", p->of_eviction ? "evict" : "ttl", p->key, p->given / unit,
		       p->best / unit, p->is_duration ? "s" : " ", p->least / unit, p->most / unit);
	}
}

static void print_verdict(FILE *to, const struct tune *tune)
{
	const bool share = tune->objective == TUNE_HIT, dollars = tune->objective == TUNE_COST;
	const double scale = share ? 100 : 1;
	const char *unit = share ? "percentage points" : dollars ? "dollars" : tune->objective == TUNE_HELD ? "GiB s" : "ms";
	fprintf(to, "\nOn the rest %s is better by %.4g to %.4g %s (95 %%, %s drawn anew): ", tune_metric_name(tune->objective),
	       scale * tune->gain_low, scale * tune->gain_high, unit, tune->trace->session_count ? "sessions" : "requests");
	if (tune->gain_low > 0)
		fputs("a gain.\n", to);
	else if (tune->gain_high < 0)
		fputs("a loss.\nWhat was best in training is worse here; keep what you had.\n", to);
	else
		fputs("no more\nthan noise.\n", to);
	if (!tune->best_is_allowed)
		fputs("No run kept to all constraints; this one came nearest.\n", to);
	else if (!tune->rest_is_allowed)
		fputs("But there it breaks a constraint that it kept in training: do not rely on it.\n", to);
}

static void print_table(const struct tune_table *table)
{
	const struct tune *tune = table->tune;
	const bool has_bytes = table->options->has_model;
	char count[32], times[256];
	const uint32_t training = (uint32_t)(tune->training * tune->trace->request_count);
	fprintf(table->to, "trace    %s\n         %s requests to train on, ", tune->trace->name, report_count(training, count, sizeof(count)));
	fprintf(table->to, "%s to judge by; %u runs\n", report_count(tune->trace->request_count - training, count, sizeof(count)),
	       tune->runs_made);
	fprintf(table->to, "given    evict %s, ttl %s\nfound    evict %s, ttl %s\n", tune->config->evict->text, tune->config->ttl->text,
	       tune->best_evict, tune->best_ttl);
	print_parameters(table->to, tune);
	fprintf(table->to, "\n%-10s%10s%11s%11s%11s%s\n", "", "tokens %", "TTFT mean", "p95", "p99", has_bytes ? "   held GiB s    dollars" : "");
	fputs("training\n", table->to);
	print_row(table->to, "  given", &tune->training_given, has_bytes);
	print_row(table->to, "  found", &tune->training_best, has_bytes);
	fputs("the rest\n", table->to);
	print_row(table->to, "  given", &tune->rest_given, has_bytes);
	print_row(table->to, "  found", &tune->rest_best, has_bytes);
	if (tune->has_bound)
		print_row(table->to, "  belady", &tune->rest_bound, has_bytes);
	print_verdict(table->to, tune);
	fprintf(table->to, "%s\n", report_options_times(table->options, times, sizeof(times)));
}

static json_t *measure_json(const struct tune_measure *measured, bool has_bytes)
{
	json_t *json = json_object();
	for (int metric = 0; metric < TUNE_METRICS; metric++) {
		const bool known = has_bytes || (metric != TUNE_HELD && metric != TUNE_COST);
		json_object_set_new(json, tune_metric_name((enum tune_metric)metric),
		                    known ? json_real(measured->values[metric]) : json_null());
	}
	return json;
}

static void print_json(const struct tune_table *table)
{
	const struct tune *tune = table->tune;
	const bool has_bytes = table->options->has_model;
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:f, s:f, s:f, s:b}", "trace", tune->trace->name, "evict",
	                         tune->best_evict, "ttl", tune->best_ttl, "given_ttl", tune->config->ttl->text, "objective",
	                         tune_metric_name(tune->objective), "runs", (int)tune->runs_made, "training", tune->training,
	                         "gain_low", tune->gain_low, "gain_high", tune->gain_high, "training_allowed", (int)tune->best_is_allowed);
	json_object_set_new(json, "rest_allowed", json_boolean(tune->rest_is_allowed));
	json_object_set_new(json, "training_given", measure_json(&tune->training_given, has_bytes));
	json_object_set_new(json, "training_found", measure_json(&tune->training_best, has_bytes));
	json_object_set_new(json, "rest_given", measure_json(&tune->rest_given, has_bytes));
	json_object_set_new(json, "rest_found", measure_json(&tune->rest_best, has_bytes));
	json_object_set_new(json, "rest_belady", tune->has_bound ? measure_json(&tune->rest_bound, has_bytes) : json_null());
	report_json_print(json, table->to);
	json_decref(json);
}

static int by_capacity(const void *a, const void *b)
{
	const struct promise *x = a, *y = b;
	if (x->kept != y->kept)
		return x->kept ? -1 : 1;
	if (x->kept && x->capacity_blocks != y->capacity_blocks)
		return x->capacity_blocks < y->capacity_blocks ? -1 : 1;
	return (x > y) - (x < y);
}

/* What the capacity rests on. */
static void print_evidence(const struct tune_table *table, const struct promise *promise)
{
	const struct tune *tune = table->tune;
	const enum tune_metric metric = tune->constraints[0].metric;
	char count[32];
	fprintf(table->to, "It rests on %s requests", report_count(tune->trace->request_count, count, sizeof(count)));
	if (metric == TUNE_HELD || metric == TUNE_COST)
		fputs(".\n", table->to);
	else
		fprintf(table->to, ": with %s drawn anew, %s is %.4g to %.4g (95 %%).\n", tune->trace->session_count ? "their sessions" : "these",
		        tune_metric_name(metric), promise->interval.low, promise->interval.high);
}

/* Of those that need not know the future. */
static void print_choice(const struct tune_table *table, const struct promise *promises, size_t count)
{
	const struct promise *first = NULL, *second = NULL;
	FILE *to = table->to;
	for (size_t i = 0; i < count; i++) {
		if (!promises[i].kept || registry_evict(promises[i].evict->name)->needs_future)
			continue;
		if (!first)
			first = &promises[i];
		else if (!second)
			second = &promises[i];
	}
	if (!first) {
		fputs("\nNo policy that could be had keeps it, with room for every block of the trace.\n", to);
		return;
	}
	fprintf(to, "\n%s with ttl %s keeps it with the least room", first->evict->text, first->ttl->text);
	if (second && second->capacity_blocks == first->capacity_blocks) {
		fprintf(to, ", and\n%s with ttl %s with as much", second->evict->text, second->ttl->text);
	} else if (second) {
		const double more = (double)(second->capacity_blocks - first->capacity_blocks);
		const double gib = options_gib(table->options, table->tune->trace, more);
		fprintf(to, "; the next,\n%s with ttl %s, needs %.0f %% more", second->evict->text, second->ttl->text,
		        100 * more / (double)first->capacity_blocks);
		if (table->options->has_model)
			fprintf(to, ": %.1f GiB, $%.2f an hour", gib, gib * 0x1p30 / 1e9 * table->tune->rent_per_gb_hour);
	}
	fputs(".\n", to);
	print_evidence(table, first);
}

static void print_promises(const struct tune_table *table, const struct promise *promises, size_t count)
{
	const struct run_options *options = table->options;
	const struct tune *tune = table->tune;
	char text[256];
	int width = 8;
	for (size_t i = 0; i < count; i++) {
		const int length = snprintf(NULL, 0, "%s, ttl %s", promises[i].evict->text, promises[i].ttl->text);
		width = length > width ? length : width;
	}
	fprintf(table->to, "trace    %s\npromise  %s\n\n%-*s%12s%s%10s%11s%9s%9s\n", tune->trace->name, table->promise, width, "policy", "blocks",
	       options->has_model ? "       GiB" : "", "tokens %", "TTFT mean", "p95", "p99");
	for (size_t i = 0; i < count; i++) {
		const struct promise *promise = &promises[i];
		const double *v = promise->measured.values;
		snprintf(text, sizeof(text), "%s, ttl %s", promise->evict->text, promise->ttl->text);
		fprintf(table->to, "%-*s", width, text);
		fprintf(table->to, "%12s", promise->kept ? report_count(promise->capacity_blocks, text, sizeof(text)) : "never");
		if (options->has_model && promise->kept)
			fprintf(table->to, "%10.1f", options_gib(options, tune->trace, (double)promise->capacity_blocks));
		else if (options->has_model)
			fprintf(table->to, "%10s", "");
		fprintf(table->to, "%10.2f%11.1f%9.1f%9.1f\n", 100 * v[TUNE_HIT], v[TUNE_TTFT_MEAN], v[TUNE_TTFT_P95], v[TUNE_TTFT_P99]);
	}
	print_choice(table, promises, count);
	fputs("Capacities within 1 %, for policies that do no worse with more room.\n", table->to);
	fprintf(table->to, "%s\n", report_options_times(options, text, sizeof(text)));
}

static json_t *promises_json(const struct promise *promises, size_t count, bool has_bytes)
{
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++) {
		const struct promise *promise = &promises[i];
		json_array_append_new(array, json_pack("{s:s, s:s, s:b, s:o, s:f, s:f, s:o}", "evict", promise->evict->text, "ttl",
		                                       promise->ttl->text, "kept", (int)promise->kept, "capacity_blocks",
		                                       promise->kept ? json_integer((json_int_t)promise->capacity_blocks) : json_null(),
		                                       "low", promise->interval.low, "high", promise->interval.high, "measured",
		                                       measure_json(&promise->measured, has_bytes)));
	}
	return array;
}


void tune_table_found(const struct tune_table *table)
{
	if (table->json)
		print_json(table);
	else
		print_table(table);
}

void tune_table_promises(const struct tune_table *table, struct promise *promises, size_t count)
{
	qsort(promises, count, sizeof(*promises), by_capacity);
	if (!table->json) {
		print_promises(table, promises, count);
		return;
	}
	json_t *json = promises_json(promises, count, table->options->has_model);
	report_json_print(json, table->to);
	json_decref(json);
}
