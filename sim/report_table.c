/* report_table.c - a result for people, in 80 columns; see report.h. */
#include "report.h"

#include "replay.h"

#include <math.h>

/* Prompts that are longer than anything the calibration knows. */
static void table_beyond(const struct report *report, FILE *to)
{
	const uint32_t longest = report->config->calibration->longest_tokens;
	uint64_t beyond = 0;
	char a[32], b[32];
	if (longest == 0 || report->measured_on)
		return;
	for (uint32_t i = 0; i < report->trace->request_count; i++)
		beyond += report->trace->requests[i].prompt_tokens > longest;
	if (beyond > 0)
		fprintf(to, "  but for %s prompts of more than %s tokens, which are extrapolated\n", report_count(beyond, a, sizeof(a)),
		        report_count(longest, b, sizeof(b)));
}

static void table_times(const char *label, const struct distribution *d, FILE *to)
{
	fprintf(to, "  %-9s%11.1f%11.1f%11.1f%11.1f%11.1f%11.1f\n", label, d->mean, d->p50, d->p90, d->p95, d->p99, d->max);
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
	if (report_has_fleet(report))
		fprintf(to, ", each of %u replicas", report_replicas(report));
	fprintf(to, "\npolicy   %s: evict %s, ttl %s, %s\n", report_engine_name(config->engine), config->evict->text,
	        config->ttl->text,
	        config->semantics == SEMANTICS_OBJECT ? "object semantics"
	        : config->leaf                        ? "leaf scope"
	                                              : "flat scope");
}

static void table_tokens(const char *label, uint64_t tokens, uint64_t whole, FILE *to)
{
	char count[32];
	fprintf(to, "  %-36s%20s%8.2f %%\n", label, report_count(tokens, count, sizeof(count)),
	        whole ? 100 * (double)tokens / (double)whole : 0);
}

static void table_ledger(const struct report *report, const struct metrics_group *total, FILE *to)
{
	fputs("\nwhere every prompt token went\n", to);
	for (uint32_t tier = 0; tier < report_tier_count(report); tier++) {
		char label[64] = "hit";
		if (report_tier_count(report) > 1)
			snprintf(label, sizeof(label), "hit in %s", report_tier_name(report, tier));
		table_tokens(label, total->ledger.tier_hit_tokens[tier], total->prompt_tokens, to);
	}
	for (size_t i = 0; i < report_ledger_column_count; i++) {
		const uint64_t tokens = report_ledger_value(&total->ledger, &report_ledger_columns[i]);
		if (tokens > 0)
			table_tokens(report_ledger_columns[i].label, tokens, total->prompt_tokens, to);
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
			        100 * metrics_token_hit_rate(group), group->time_ms[METRICS_TTFT].p50);
	}
}

static void table_faults(const struct report *report, FILE *to)
{
	const char *label = "\nfaults  ";
	char a[32], b[32];
	for (uint32_t i = 0; i < report_tier_count(report); i++) {
		const struct tier_result *tier = &report->result->tiers[i];
		if (tier->failed_loads) {
			fprintf(to, "%s %s: %s loads failed; %s tokens computed after all, %.1f s waited in vain\n", label,
			        report_tier_name(report, i), report_count(tier->failed_loads, a, sizeof(a)),
			        report_count(tier->failed_tokens, b, sizeof(b)),
			        (double)tier->failed_wait_ns / (double)NS_PER_S);
			label = "        ";
		}
		if (tier->away_tokens || tier->missed_blocks) {
			fprintf(to, "%s %s: while away, %s tokens there were computed again, %s blocks not stored\n", label,
			        report_tier_name(report, i), report_count(tier->away_tokens, a, sizeof(a)),
			        report_count(tier->missed_blocks, b, sizeof(b)));
			label = "        ";
		}
	}
}

/* How unlike each other the replicas are. */
static void table_fleet(const struct report *report, FILE *to)
{
	const struct run_result *result = report->result;
	uint64_t least = UINT64_MAX, most = 0;
	double low = INFINITY, high = 0, fast_ms = INFINITY, slow_ms = 0;
	char a[32], b[32];
	for (uint32_t r = 0; r < result->replica_count; r++) {
		const struct replica_result *replica = &result->replicas[r];
		const double rate = replica->prompt_tokens ? (double)replica->hit_tokens / (double)replica->prompt_tokens : 0;
		least = replica->requests < least ? replica->requests : least;
		most = replica->requests > most ? replica->requests : most;
		if (replica->requests == 0)
			continue;
		low = fmin(low, rate);
		high = fmax(high, rate);
		fast_ms = fmin(fast_ms, replica->ttft_ms.mean);
		slow_ms = fmax(slow_ms, replica->ttft_ms.mean);
	}
	fprintf(to, "\nfleet    router %s; the busiest replica was busy %.2f times the mean\n", report->config->router.text,
	        result->imbalance);
	fprintf(to, "         a replica: %s to %s requests", report_count(least, a, sizeof(a)), report_count(most, b, sizeof(b)));
	if (most > 0)
		fprintf(to, ", %.2f to %.2f %% hit, mean TTFT %.1f to %.1f ms", 100 * low, 100 * high, fast_ms, slow_ms);
	fputc('\n', to);
}

#define OVERLOAD_BUSY 0.9
#define OVERLOAD_LATE 0.1 /* of the time in which requests come */

/* Where requests come faster than they are served the queue grows to the end, and times say how long the trace is. */
static void table_overload(const struct report *report, double busy, FILE *to)
{
	const struct trace *trace = report->trace;
	if (report->config->closed_loop || trace->request_count == 0)
		return;
	const int64_t recorded_ns = trace->requests[trace->request_count - 1].arrival_ns - trace->requests[0].arrival_ns;
	const double come_s = (double)replay_sped_up_ns(report->config, recorded_ns) / (double)NS_PER_S;
	const double late_s = report->result->span_s - come_s;
	if (busy > OVERLOAD_BUSY && late_s > OVERLOAD_LATE * come_s)
		fprintf(to, "         overloaded: the last answer ends %.0f s after the last request came;\n"
		            "         TTFT is of a queue that grows, and larger for a longer trace\n", late_s);
}

static void table_engine(const struct report *report, FILE *to)
{
	const struct run_result *result = report->result;
	char a[32], b[32], c[32];
	if (report->config->engine == ENGINE_REPLAY)
		return;
	const double span_s = result->span_s > 0 ? result->span_s : 1;
	const double busy = result->busy_s / report_replicas(report) / span_s;
	fprintf(to, "\nengine   busy %.1f %% of %.0f s, %.1f requests in the system on average\n", 100 * busy, result->span_s,
	        result->mean_in_system);
	fprintf(to, "         %.0f prompt and %.0f answer tokens/s; %s preemptions, %s rejected\n",
	        (double)metrics_total(result->metrics)->prompt_tokens / span_s, (double)result->output_tokens / span_s,
	        report_count(result->preemptions, a, sizeof(a)), report_count(result->rejected_requests, b, sizeof(b)));
	table_overload(report, busy, to);
	if (report_has_fleet(report))
		table_fleet(report, to);
	if (report_tier_count(report) < 2)
		return;
	fprintf(to, "\n%-10s%14s%12s%12s%11s%11s%9s\n", "tier", "mean blocks", "stored", "loaded", "read GB", "write GB", "link %");
	for (uint32_t i = 0; i < report_tier_count(report); i++) {
		const struct tier_result *tier = &result->tiers[i];
		fprintf(to, "%-10.10s%14s%12s%12s%11.1f%11.1f%9.1f\n", report_tier_name(report, i),
		        report_count((uint64_t)llround(tier->mean_resident_blocks), a, sizeof(a)),
		        report_count(tier->stored_blocks, b, sizeof(b)), report_count(tier->loaded_blocks, c, sizeof(c)),
		        (double)tier->read_bytes / 1e9, (double)tier->written_bytes / 1e9,
		        result->span_s > 0 ? 100 * report_link_share(report, i) : 100 * tier->link_busy_s);
	}
	table_faults(report, to);
}

static void table_saved(const struct report *report, const struct metrics_group *total, FILE *to)
{
	fprintf(to, "\nsaved    %.1f s of prefill, as much as %.0f cold requests of this trace", total->prefill_saved_s,
	        report_saved_requests(total));
	if (!isnan(report_saved_dollars(report)))
		fprintf(to, "; $%.2f of GPU time", report_saved_dollars(report));
	fputc('\n', to);
	if (!isnan(report_all_holding_dollars(report)))
		fprintf(to, "         holding what the tiers hold cost $%.4f\n", report_all_holding_dollars(report));
}

/* The 5th percentiles in one row and the 95th in the next. */
static void table_ranges(const char *label, const struct ensemble_times *times, FILE *to)
{
	const struct ensemble_range *ranges[] = {&times->mean, &times->p50, &times->p90, &times->p95, &times->p99};
	fprintf(to, "  %-5sfrom", label);
	for (size_t i = 0; i < COUNT_OF(ranges); i++)
		fprintf(to, "%11.1f", ranges[i]->p5);
	fprintf(to, "\n  %-5s  to", "");
	for (size_t i = 0; i < COUNT_OF(ranges); i++)
		fprintf(to, "%11.1f", ranges[i]->p95);
	fputc('\n', to);
}

static void table_ensemble(const struct ensemble *ensemble, FILE *to)
{
	fprintf(to, "\nensemble %u more forecasts, with steps that are off by %.3g %% on average;\n", ensemble->members,
	        100 * ensemble->step_error);
	fprintf(to, "         from the 5th to the 95th percentile of each figure:\n");
	fprintf(to, "         %.2f to %.2f %% of tokens hit\n", 100 * ensemble->token_hit_rate.p5, 100 * ensemble->token_hit_rate.p95);
	fprintf(to, "  %-9s%11s%11s%11s%11s%11s\n", "ms", "mean", "p50", "p90", "p95", "p99");
	table_ranges("TTFT", &ensemble->ttft_ms, to);
	table_ranges("E2E", &ensemble->e2e_ms, to);
}

void report_table(const struct report *report, FILE *to)
{
	const struct run_result *result = report->result;
	const struct metrics_group *total = metrics_total(result->metrics);
	char requests[32], tokens[32], blocks[32], buffer[512];
	fprintf(to, "trace    %s\n", report->trace->name);
	fprintf(to, "         %s requests, %s prompt tokens, %s blocks of %u tokens\n",
	        report_count(total->requests, requests, sizeof(requests)),
	        report_count(total->prompt_tokens, tokens, sizeof(tokens)),
	        report_count(total->blocks, blocks, sizeof(blocks)), report->trace->block_tokens);
	if (result->rejected_requests)
		fprintf(to, "         %s more do not fit the first tier: rejected, and in no figure below\n",
		        report_count(result->rejected_requests, requests, sizeof(requests)));
	table_cache(report, to);
	fprintf(to, "\nhit rate %.2f %% of tokens, %.2f %% of blocks; mean of requests %.2f %%\n",
	        100 * metrics_token_hit_rate(total), 100 * metrics_block_hit_rate(total),
	        100 * metrics_request_hit_rate(total));
	fprintf(to, "         %s requests found their whole prompt\n",
	        report_count(total->full_hit_requests, requests, sizeof(requests)));
	table_ledger(report, total, to);
	fprintf(to, "\n%-9s%s evicted, %s expired; %.1f resident on average", report_tier_count(report) > 1 ? "tier 1" : "blocks",
	        report_count(result->counts.evicted_blocks, requests, sizeof(requests)),
	        report_count(result->counts.expired_blocks, tokens, sizeof(tokens)), result->mean_resident_blocks);
	if (report->options->has_model)
		fprintf(to, " (%.1f GiB)", options_gib(report->options, report->trace, result->mean_resident_blocks));
	fprintf(to, "\n\n  %-9s%11s%11s%11s%11s%11s%11s\n", "ms", "mean", "p50", "p90", "p95", "p99", "max");
	table_times("TTFT", &total->time_ms[METRICS_TTFT], to);
	if (report->config->engine != ENGINE_REPLAY) {
		table_times(" queue", &total->time_ms[METRICS_QUEUE], to);
		if (report_tier_count(report) > 1)
			table_times(" load", &total->time_ms[METRICS_LOAD], to);
		table_times(" prefill", &total->time_ms[METRICS_PREFILL], to);
	}
	table_times("E2E", &total->time_ms[METRICS_E2E], to);
	fprintf(to, "  %s%s\n", report->config->engine == ENGINE_REPLAY ? "uncontended; " : "",
	        report_times(report, buffer, sizeof(buffer)));
	table_beyond(report, to);
	if (report->ensemble)
		table_ensemble(report->ensemble, to);
	table_engine(report, to);
	table_saved(report, total, to);
	table_classes(report, to);
	if (report->options->shortened_requests)
		fprintf(to, "\n%s requests were shortened by --max-prompt or --max-output\n",
		        report_count(report->options->shortened_requests, requests, sizeof(requests)));
}
