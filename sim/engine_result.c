/* engine_result.c - what a run adds up to, over all replicas and of each; see run_config.h. */
#include "engine_state.h"

#include "blocks_csv.h"

#include <stdlib.h>

/* No less than none. */
static double seconds(int64_t ns)
{
	return ns > 0 ? (double)ns / (double)NS_PER_S : 0;
}

/* Adds what one replica's tier came to. */
static void add_tier(const struct fleet *fleet, struct tiers *tiers, uint32_t index)
{
	struct tier_result *tier = &fleet->result->tiers[index];
	const struct tier_counts counts = tiers_counts(tiers, index);
	const struct cache_counts blocks = tiers_cache_counts(tiers, index);
	const struct link_path *link = tiers_link(tiers, index);
	const struct cache *cache = tiers_cache(tiers, index);
	tier->copies++;
	tier->stored_blocks += counts.stored_blocks;
	tier->loaded_blocks += counts.loaded_blocks;
	tier->missed_blocks += counts.missed_blocks;
	tier->evicted_blocks += blocks.evicted_blocks;
	tier->expired_blocks += blocks.expired_blocks;
	tier->resident_blocks += cache_used_blocks(cache);
	tier->read_bytes += link->bytes[LINK_READ];
	tier->written_bytes += link->bytes[LINK_WRITE];
	const double backlog_s = seconds(link->free_at_ns - fleet->last_ns);
	tier->link_backlog_s = backlog_s > tier->link_backlog_s ? backlog_s : tier->link_backlog_s;
	/* What is booked for later, maybe for the end of an outage, is not within the span. */
	const int64_t later_ns = link->busy_since_ns > fleet->last_ns ? link->busy_since_ns : fleet->last_ns;
	tier->link_busy_s += seconds(link->busy_ns - (link->free_at_ns > later_ns ? link->free_at_ns - later_ns : 0));
	tier->held_block_s += (double)cache_residency(cache) / (double)NS_PER_S;
}

static void collect_tier(const struct fleet *fleet, uint32_t index)
{
	struct tier_result *tier = &fleet->result->tiers[index];
	const double span_s = fleet->result->span_s;
	for (uint32_t r = 0; r < fleet->engine_count; r++) {
		struct tiers *tiers = fleet->engines[r].tiers;
		if (!tiers_owns(tiers, index))
			continue;
		add_tier(fleet, tiers, index);
		blocks_csv_rows(fleet->config->blocks, fleet->tier_configs[index].name, tiers_cache(tiers, index));
	}
	tier->mean_resident_blocks = span_s > 0 ? tier->held_block_s / span_s : 0;
}

/* Adds up what each replica's requests got; `ttft_ms` gets the times of replica r's from place first[r] on. */
static void sort_requests(const struct fleet *fleet, size_t *first, double *ttft_ms)
{
	const struct trace *trace = fleet->trace;
	struct replica_result *replicas = fleet->result->replicas;
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < trace->request_count; i++) {
			const struct sequence *sequence = &fleet->sequences[i];
			struct replica_result *replica = &replicas[sequence->replica];
			/* Who was rejected has no TTFT. */
			if (!sequence->counted || sequence->outcome.ttft_ns == 0)
				continue;
			if (round == 1)
				ttft_ms[first[sequence->replica] + replica->requests] = (double)sequence->outcome.ttft_ns / (double)NS_PER_MS;
			replica->requests++;
			replica->prompt_tokens += trace->requests[i].prompt_tokens;
			replica->hit_tokens += sequence->outcome.ledger.hit_tokens;
		}
		for (uint32_t r = 0, place = 0; round == 0 && r < fleet->engine_count; r++) {
			first[r] = place;
			place += (uint32_t)replicas[r].requests;
			replicas[r] = (struct replica_result){0};
		}
	}
}

static void collect_replicas(const struct fleet *fleet)
{
	struct run_result *result = fleet->result;
	const uint32_t count = fleet->engine_count;
	const struct metrics_group *total = metrics_total(fleet->metrics);
	result->replica_count = count;
	result->replicas = mem_alloc(count, sizeof(*result->replicas));
	result->imbalance = 1;
	if (count == 1) {
		result->replicas[0] = (struct replica_result){total->requests, total->prompt_tokens, total->ledger.hit_tokens,
		                                              result->busy_s, total->time_ms[METRICS_TTFT]};
		return;
	}
	size_t *first = mem_alloc(count, sizeof(*first));
	double *ttft_ms = mem_alloc(fleet->trace->request_count, sizeof(*ttft_ms)), most_s = 0;
	sort_requests(fleet, first, ttft_ms);
	for (uint32_t r = 0; r < count; r++) {
		struct replica_result *replica = &result->replicas[r];
		replica->busy_s = (double)fleet->engines[r].busy_ns / (double)NS_PER_S;
		replica->ttft_ms = metrics_distribution(ttft_ms + first[r], replica->requests);
		most_s = replica->busy_s > most_s ? replica->busy_s : most_s;
	}
	if (result->busy_s > 0)
		result->imbalance = most_s * count / result->busy_s;
	free(ttft_ms);
	free(first);
}

void engine_result_collect(struct fleet *fleet)
{
	struct run_result *result = fleet->result;
	if (fleet->engine_count > 1)
		engine_fleet_meet(fleet);
	metrics_finish(fleet->metrics);
	result->metrics = fleet->metrics;
	result->span_s = (double)(fleet->last_ns - fleet->first_counted_ns) / (double)NS_PER_S;
	int64_t busy_ns = 0;
	for (uint32_t r = 0; r < fleet->engine_count; r++) {
		const struct cache_counts counts = tiers_cache_counts(fleet->engines[r].tiers, 0);
		busy_ns += fleet->engines[r].busy_ns;
		result->counts.evicted_blocks += counts.evicted_blocks;
		result->counts.expired_blocks += counts.expired_blocks;
		result->counts.declined_blocks += counts.declined_blocks;
	}
	result->busy_s = (double)busy_ns / (double)NS_PER_S;
	if (fleet->last_ns > fleet->first_counted_ns)
		result->mean_in_system = (double)(fleet->in_system_ns - fleet->uncounted_in_system_ns) /
		                         (double)(fleet->last_ns - fleet->first_counted_ns);
	for (uint32_t i = 0; i < tiers_count(fleet->engines[0].tiers); i++)
		collect_tier(fleet, i);
	collect_replicas(fleet);
	result->held_block_s = result->tiers[0].held_block_s;
	result->mean_resident_blocks = result->tiers[0].mean_resident_blocks;
}
