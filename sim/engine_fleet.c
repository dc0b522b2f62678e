/* engine_fleet.c - what replicas have in common: tiers, the clock, and who gets a request. */
#include "engine_state.h"

#include "engine_log.h"
#include "timeline.h"

#include <math.h>
#include <stdlib.h>

static void log_tier_blocks(void *context, int64_t now_ns, const char *kind, uint32_t tier, block_id first, uint32_t count)
{
	const struct engine *engine = context;
	engine_log_blocks(engine->config->log, now_ns, kind, engine->fleet->tier_configs[tier].name, first, count);
}

static int open_chain(struct fleet *fleet, struct engine *engine, struct err *err)
{
	const struct run_config *config = fleet->config;
	const double block_bytes = config->kv_bytes_per_token * fleet->trace->block_tokens;
	const struct tiers_config chain = {
	        .tiers = fleet->tier_configs,
	        .count = config->tier_count ? config->tier_count : 1,
	        .leaf = config->leaf,
	        .seed = config->seed + (uint64_t)engine->index * TIER_MOST,
	        .block_bytes = block_bytes > 0 ? block_bytes : NAN,
	        .recompute_ns = replay_recompute_ns,
	        .cost = &fleet->cost,
	        .archive_bytes_per_s = config->archive_bytes_per_s,
	        .archive_every_ns = config->archive_every_ns,
	        .dry = config->no_offload,
	        .history = config->blocks != NULL,
	        .sharer = engine->index > 0 ? fleet->engines[0].tiers : NULL,
	        .log = config->log ? log_tier_blocks : NULL,
	        .log_context = engine,
	        .ops = fleet->ops,
	        .backend = fleet->backend,
	};
	engine->tiers = tiers_open(fleet->trace, &chain, err);
	if (!engine->tiers)
		return -1;
	for (uint32_t i = 0; i < chain.count; i++) {
		if (cache_needs_future(tiers_cache(engine->tiers, i)))
			return err_set(err, "tier %s: --evict %s: it reads the order of requests from the trace, which an engine that takes "
			                    "time does not keep; use --engine replay.", chain.tiers[i].name, chain.tiers[i].evict.text);
	}
	return 0;
}

int engine_fleet_open_tiers(struct fleet *fleet, struct err *err)
{
	const struct run_config *config = fleet->config;
	struct tier_config *first = &fleet->tier_configs[0];
	*first = (struct tier_config){.name = "gpu", .compress_ratio = 1};
	for (uint32_t i = 0; i < config->tier_count; i++)
		fleet->tier_configs[i] = config->tiers[i];
	first->evict = *config->evict;
	first->ttl = *config->ttl;
	first->capacity_blocks = config->capacity_blocks;
	first->shared = false;
	bool shares = false, demotes = false;
	for (uint32_t i = 0; i < config->tier_count; i++) {
		shares |= fleet->tier_configs[i].shared;
		demotes |= fleet->tier_configs[i].demotes_expired;
	}
	fleet->meets = fleet->engine_count > 1 && ((shares && demotes) || config->log);
	fleet->cost = (struct replay_cost){config->calibration, fleet->trace->block_tokens};
	for (uint32_t r = 0; r < fleet->engine_count; r++) {
		if (open_chain(fleet, &fleet->engines[r], err) < 0)
			return -1;
	}
	return 0;
}

/* The first chain, which owns what is shared, is the last to go. */
void engine_fleet_close_tiers(struct fleet *fleet)
{
	for (uint32_t r = fleet->engine_count; r-- > 0;)
		tiers_close(fleet->engines[r].tiers);
}

static void advance_timeline(const struct fleet *fleet, int64_t now_ns)
{
	uint64_t resident = 0;
	uint32_t running = 0, waiting = 0;
	for (uint32_t r = 0; r < fleet->engine_count; r++) {
		resident += cache_used_blocks(fleet->engines[r].cache);
		running += fleet->engines[r].running_count;
		waiting += fleet->engines[r].waiting.count;
	}
	timeline_advance(fleet->config->timeline, now_ns, resident, running, waiting);
}

/* Brings Little's integral, the timeline and the clock to `now_ns`. */
static void advance_clock(struct fleet *fleet, int64_t now_ns)
{
	ASSERT(now_ns >= fleet->now_ns);
	fleet->in_system_ns += (u128)fleet->in_system * (u128)(now_ns - fleet->in_system_at_ns);
	fleet->in_system_at_ns = now_ns;
	if (fleet->config->timeline)
		advance_timeline(fleet, now_ns);
	fleet->now_ns = now_ns;
	panic_where = (struct panic_where){fleet->finished, now_ns};
}

static void advance_tiers(struct engine *engine, int64_t now_ns)
{
	if (engine_has_company(engine))
		engine_log_replica(engine->config->log, engine->index);
	engine->now_ns = now_ns;
	tiers_advance(engine->tiers, now_ns);
}

void engine_advance(struct engine *engine, int64_t now_ns)
{
	advance_clock(engine->fleet, now_ns);
	advance_tiers(engine, now_ns);
}

void engine_fleet_meet(struct fleet *fleet)
{
	for (;;) {
		struct engine *next = NULL;
		int64_t first_ns = fleet->now_ns, second_ns = fleet->now_ns;
		for (uint32_t r = 0; r < fleet->engine_count; r++) {
			const int64_t expiry_ns = tiers_expiry_bound_ns(fleet->engines[r].tiers);
			if (expiry_ns < first_ns) {
				second_ns = first_ns;
				first_ns = expiry_ns;
				next = &fleet->engines[r];
			} else if (expiry_ns < second_ns) {
				second_ns = expiry_ns;
			}
		}
		if (!next)
			break;
		/* What is due at a time goes when that is over. */
		const int64_t until_ns = second_ns > first_ns ? second_ns : first_ns + 1;
		advance_tiers(next, until_ns > next->now_ns ? until_ns : next->now_ns);
	}
	for (uint32_t r = 0; r < fleet->engine_count; r++)
		advance_tiers(&fleet->engines[r], fleet->now_ns);
}

void engine_fleet_advance(struct fleet *fleet, int64_t now_ns)
{
	if (fleet->engine_count == 1) {
		engine_advance(&fleet->engines[0], now_ns);
		return;
	}
	advance_clock(fleet, now_ns);
	if (fleet->meets)
		engine_fleet_meet(fleet);
}

/* A stretch of decode steps that ends early: its event is put anew, and the old one finds nothing to end. */
static void cut_stretch(struct engine *engine)
{
	const uint64_t planned = engine->step_repeats;
	if (!engine->in_step || !scheduler_cut(engine, engine->now_ns))
		return;
	const struct step step = engine_step(engine, engine->step_start_ns);
	const int64_t took_ns = engine->ops->decode_ns(engine->backend, &step, engine->step_repeats);
	const int64_t end_ns = engine->step_start_ns + took_ns;
	engine->busy_ns -= engine->step_end_ns - end_ns;
	engine->result->steps -= planned - engine->step_repeats;
	engine->step_end_ns = end_ns;
	engine_log_cut(engine->config->log, engine->now_ns, engine->part_count, engine->step_repeats,
	               engine->part_count * engine->step_repeats, took_ns);
	engine_plan(engine, end_ns, EVENT_STEP_END, 0);
}

void engine_fleet_touch(struct engine *engine)
{
	struct fleet *fleet = engine->fleet;
	if (!engine->touched) {
		uint32_t place = fleet->touched_count++;
		for (; place > 0 && fleet->touched[place - 1] > engine->index; place--)
			fleet->touched[place] = fleet->touched[place - 1];
		fleet->touched[place] = engine->index;
		engine->touched = true;
	}
	if (!engine_has_company(engine))
		return;
	advance_tiers(engine, fleet->now_ns);
	cut_stretch(engine);
}

struct engine *engine_fleet_route(struct fleet *fleet, uint32_t request)
{
	const struct router_config *router = &fleet->config->router;
	const struct trace *trace = fleet->trace;
	const struct trace_request *this = &trace->requests[request];
	if (fleet->engine_count == 1)
		return &fleet->engines[0];
	const struct path path = replay_path(trace, this, false);
	const uint32_t usable = (this->prompt_tokens - 1) / trace->block_tokens;
	for (uint32_t r = 0; r < fleet->engine_count && router_wants_hits(router); r++) {
		advance_tiers(&fleet->engines[r], fleet->now_ns);
		fleet->views[r].hit_tokens = smaller(cache_lookup(fleet->engines[r].cache, path), usable) * trace->block_tokens;
	}
	const char *session = this->session == TRACE_NO_SESSION ? NULL : trace->session_names[this->session];
	const uint32_t replica = router_pick(router, fleet->views, fleet->engine_count, fleet->arrived, session, this->prompt_tokens);
	return &fleet->engines[replica];
}
