#include "sweep_table.h"

#include <math.h>
#include <string.h>

static int spec_width(const struct spec_list *list, const char *name)
{
	size_t width = strlen(name);
	for (size_t i = 0; i < list->count; i++) {
		const size_t length = strlen(list->specs[i].text);
		width = length > width ? length : width;
	}
	return (int)width + 2;
}

static int vary_width(const struct vary_axis *axis)
{
	size_t width = strlen(axis->name);
	for (size_t i = 0; i < axis->count; i++) {
		const size_t length = strlen(axis->values[i]);
		width = length > width ? length : width;
	}
	return (int)width + 2;
}

static const char *capacity_text(uint64_t blocks, char *buffer, size_t size)
{
	return blocks == UINT64_MAX ? "inf" : report_count(blocks, buffer, size);
}

/* What does not differ, as far as a column would have told it. */
static void common(const struct sweep *sweep, const struct report *first, FILE *to)
{
	const bool tells = sweep->evicts->count == 1 || sweep->ttls->count == 1 || sweep->capacity_count == 1;
	const char *gap = "";
	char count[32];
	if (tells && report_tier_count(first) > 1)
		fprintf(to, "%s: ", report_tier_name(first, 0));
	if (sweep->evicts->count == 1) {
		fprintf(to, "evict %s", sweep->evicts->specs[0].text);
		gap = ", ";
	}
	if (sweep->ttls->count == 1) {
		fprintf(to, "%sttl %s", gap, sweep->ttls->specs[0].text);
		gap = ", ";
	}
	if (sweep->capacity_count == 1) {
		fprintf(to, "%scapacity %s", gap, capacity_text(sweep->capacities[0], count, sizeof(count)));
		if (sweep->capacities[0] != UINT64_MAX)
			fputs(" blocks", to);
		if (first->options->has_model && sweep->capacities[0] != UINT64_MAX)
			fprintf(to, " = %.1f GiB", options_gib(first->options, first->trace, (double)sweep->capacities[0]));
	}
	if (tells)
		fputc('\n', to);
}

/* The same of the fleet. */
static void common_fleet(const struct report *first, FILE *to)
{
	const bool replicas = !first->vary || !vary_replicas(first->vary, 0), router = !first->vary || !vary_router(first->vary, 0);
	if (!report_has_fleet(first) || !(replicas || router))
		return;
	if (replicas)
		fprintf(to, "%u replicas", first->config->replicas);
	if (router)
		fprintf(to, "%srouter %s", replicas ? ", " : "", first->config->router.text);
	fputc('\n', to);
}

static void number_headings(const struct report *first, int line, FILE *to)
{
	static const char *const fixed[][2] = {{"tokens", "hit %"}, {"blocks", "hit %"}, {"TTFT ms", "mean"}, {"TTFT ms", "p95"},
	                                       {"saved", "$"}, {"held", "$"}};
	const uint32_t tiers = report_tier_count(first);
	fprintf(to, "%8s", fixed[0][line]);
	if (tiers == 1)
		fprintf(to, "%9s", fixed[1][line]);
	for (uint32_t tier = 0; tiers > 1 && tier < tiers; tier++)
		fprintf(to, "%9.8s", line ? "hit %" : report_tier_name(first, tier));
	fprintf(to, "%10s", fixed[2][line]);
	fprintf(to, "%10s", fixed[3][line]);
	if (!isnan(report_saved_dollars(first)))
		fprintf(to, "%10s", fixed[4][line]);
	if (!isnan(report_all_holding_dollars(first)))
		fprintf(to, "%10s", fixed[5][line]);
	if (report_has_fleet(first))
		fprintf(to, "%11s", line ? "mean" : "busiest /");
	fputc('\n', to);
}

void sweep_table_header(const struct sweep *sweep, const struct report *first, FILE *to)
{
	fprintf(to, "%s\n", first->trace->name);
	common(sweep, first, to);
	common_fleet(first, to);
	for (int line = 0; line < 2; line++) {
		if (sweep->evicts->count > 1)
			fprintf(to, "%-*s", spec_width(sweep->evicts, "evict"), line ? "" : "evict");
		if (sweep->ttls->count > 1)
			fprintf(to, "%-*s", spec_width(sweep->ttls, "ttl"), line ? "" : "ttl");
		for (size_t a = 0; first->vary && a < first->vary->count; a++)
			fprintf(to, "%-*s", vary_width(&first->vary->axes[a]), line ? "" : first->vary->axes[a].name);
		if (sweep->capacity_count > 1)
			fprintf(to, "%10s", line ? "blocks" : "capacity");
		number_headings(first, line, to);
	}
}

void sweep_table_row(const struct sweep *sweep, const struct report *report, FILE *to)
{
	const struct run_config *config = report->config;
	const struct metrics_group *total = metrics_total(report->result->metrics);
	const uint32_t tiers = report_tier_count(report);
	char count[32];
	if (sweep->evicts->count > 1)
		fprintf(to, "%-*s", spec_width(sweep->evicts, "evict"), config->evict->text);
	if (sweep->ttls->count > 1)
		fprintf(to, "%-*s", spec_width(sweep->ttls, "ttl"), config->ttl->text);
	for (size_t a = 0; report->vary && a < report->vary->count; a++)
		fprintf(to, "%-*s", vary_width(&report->vary->axes[a]), vary_value(report->vary, a, report->vary_point));
	if (sweep->capacity_count > 1)
		fprintf(to, "%10s", capacity_text(config->capacity_blocks, count, sizeof(count)));
	if (total->requests == 0) {
		fprintf(to, "  nobody was served: %s rejected\n", report_count(report->result->rejected_requests, count, sizeof(count)));
		return;
	}
	fprintf(to, "%8.2f", 100 * metrics_token_hit_rate(total));
	if (tiers == 1)
		fprintf(to, "%9.2f", 100 * metrics_block_hit_rate(total));
	const double prompt_tokens = total->prompt_tokens ? (double)total->prompt_tokens : 1;
	for (uint32_t tier = 0; tiers > 1 && tier < tiers; tier++)
		fprintf(to, "%9.2f", 100 * (double)total->ledger.tier_hit_tokens[tier] / prompt_tokens);
	fprintf(to, "%10.1f%10.1f", total->time_ms[METRICS_TTFT].mean, total->time_ms[METRICS_TTFT].p95);
	if (!isnan(report_saved_dollars(report)))
		fprintf(to, "%10.2f", report_saved_dollars(report));
	if (!isnan(report_all_holding_dollars(report)))
		fprintf(to, "%10.2f", report_all_holding_dollars(report));
	if (report_has_fleet(report))
		fprintf(to, "%11.2f", report->result->imbalance);
	if (report->result->rejected_requests > 0)
		fprintf(to, "  %s rejected", report_count(report->result->rejected_requests, count, sizeof(count)));
	fputc('\n', to);
}
