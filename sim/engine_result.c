/* engine_result.c - what an engine's run adds up to; see run_config.h. */
#include "engine_state.h"

#include "blocks_csv.h"

/* No less than none. */
static double seconds(int64_t ns)
{
	return ns > 0 ? (double)ns / (double)NS_PER_S : 0;
}

static void collect_tier(struct engine *engine, uint32_t index)
{
	struct tier_result *tier = &engine->result->tiers[index];
	const struct tier_counts counts = tiers_counts(engine->tiers, index);
	const struct cache_counts blocks = tiers_cache_counts(engine->tiers, index);
	const struct link_path *link = tiers_link(engine->tiers, index);
	const struct cache *cache = tiers_cache(engine->tiers, index);
	const double span_s = engine->result->span_s;
	tier->stored_blocks = counts.stored_blocks;
	tier->loaded_blocks = counts.loaded_blocks;
	tier->missed_blocks = counts.missed_blocks;
	tier->evicted_blocks = blocks.evicted_blocks;
	tier->expired_blocks = blocks.expired_blocks;
	tier->resident_blocks = cache_used_blocks(cache);
	tier->read_bytes = link->bytes[LINK_READ];
	tier->written_bytes = link->bytes[LINK_WRITE];
	tier->link_backlog_s = seconds(link->free_at_ns - engine->last_ns);
	/* What is booked for later, maybe for the end of an outage, is not within the span. */
	const int64_t later_ns = link->busy_since_ns > engine->last_ns ? link->busy_since_ns : engine->last_ns;
	tier->link_busy_s = seconds(link->busy_ns - (link->free_at_ns > later_ns ? link->free_at_ns - later_ns : 0));
	tier->held_block_s = (double)cache_residency(cache) / (double)NS_PER_S;
	tier->mean_resident_blocks = span_s > 0 ? tier->held_block_s / span_s : 0;
}

void engine_result_collect(struct engine *engine)
{
	struct run_result *result = engine->result;
	metrics_finish(engine->metrics);
	result->metrics = engine->metrics;
	result->counts = tiers_cache_counts(engine->tiers, 0);
	result->span_s = (double)(engine->last_ns - engine->first_counted_ns) / (double)NS_PER_S;
	result->busy_s = (double)engine->busy_ns / (double)NS_PER_S;
	if (engine->last_ns > engine->first_counted_ns)
		result->mean_in_system = (double)(engine->in_system_ns - engine->uncounted_in_system_ns) /
		                         (double)(engine->last_ns - engine->first_counted_ns);
	for (uint32_t i = 0; i < tiers_count(engine->tiers); i++) {
		collect_tier(engine, i);
		blocks_csv_rows(engine->config->blocks, engine->tier_configs[i].name, tiers_cache(engine->tiers, i));
	}
	result->held_block_s = result->tiers[0].held_block_s;
	result->mean_resident_blocks = result->tiers[0].mean_resident_blocks;
}
