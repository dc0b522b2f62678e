/* scheduler.c - who runs in the next step, and with what memory. The rules are engine.h's. */
#include "engine_state.h"
#include "replay.h"

#include "engine_log.h"

void scheduler_wait(struct engine *engine, uint32_t request, bool at_front)
{
	struct waiting *waiting = &engine->waiting;
	ASSERT(waiting->count < waiting->room);
	if (at_front)
		waiting->first = (waiting->first + waiting->room - 1) % waiting->room;
	waiting->ring[at_front ? waiting->first : (waiting->first + waiting->count) % waiting->room] = request;
	waiting->count++;
}

static uint32_t waiting_at(const struct waiting *waiting, uint32_t place)
{
	return waiting->ring[(waiting->first + place) % waiting->room];
}

/* Takes out the entry at `place`; those before it move up, since places near the front are the usual ones. */
static void waiting_take(struct waiting *waiting, uint32_t place)
{
	for (uint32_t i = place; i > 0; i--)
		waiting->ring[(waiting->first + i) % waiting->room] = waiting_at(waiting, i - 1);
	waiting->first = (waiting->first + 1) % waiting->room;
	waiting->count--;
}

void scheduler_describe(struct engine *engine, uint32_t request)
{
	struct policy_now now = *cache_now(engine->cache);
	replay_describe(&now, engine->trace, request);
	now.queue_ns = engine->now_ns - engine->sequences[request].arrival_ns;
	now.seq++;
	tiers_describe(engine->tiers, &now);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint32_t blocks_for(const struct engine *engine, uint64_t tokens)
{
	return (uint32_t)((tokens + engine->block_tokens - 1) / engine->block_tokens);
}

/* Memory for `tokens` tokens in all, of which those in the first `kept_tokens` are blocks to keep. False, with nothing
 * changed but what was got, where the cache has no room. */
static bool grow(struct engine *engine, uint32_t request, uint64_t tokens, uint64_t kept_tokens)
{
	struct sequence *sequence = &engine->sequences[request];
	const uint32_t all = blocks_for(engine, tokens);
	uint32_t keep = (uint32_t)least(kept_tokens / engine->block_tokens, sequence->path.block_count);
	if (keep < sequence->held_blocks)
		keep = sequence->held_blocks;
	const uint32_t beside = all > keep ? all - keep : 0;
	/* A block that becomes whole needs no place beside any more. */
	if (sequence->reserved_blocks > beside) {
		cache_unreserve(engine->cache, sequence->reserved_blocks - beside);
		sequence->reserved_blocks = beside;
	}
	const uint64_t needed = (keep - sequence->held_blocks) + (beside - sequence->reserved_blocks);
	if (needed > cache_free_blocks(engine->cache))
		return false;
	if (keep > sequence->held_blocks) {
		const uint32_t from = sequence->held_blocks;
		scheduler_describe(engine, request);
		sequence->held_blocks = cache_extend(engine->cache, sequence->path, from, keep);
		tiers_computed(engine->tiers, sequence->path, from, sequence->held_blocks, engine->now_ns);
		if (sequence->held_blocks < keep)
			return false;
	}
	if (beside > sequence->reserved_blocks) {
		const block_id in = engine->trace->runs[engine->trace->requests[request].run_first].first;
		sequence->reserved_blocks += cache_reserve(engine->cache, beside - sequence->reserved_blocks, in);
	}
	return sequence->reserved_blocks == beside;
}

static bool grow_for(struct engine *engine, uint32_t request, uint64_t tokens)
{
	const struct sequence *sequence = &engine->sequences[request];
	return grow(engine, request, tokens, engine->commits_at_once ? tokens : sequence->computed_tokens);
}

void scheduler_commit(struct engine *engine, uint32_t request)
{
	const struct sequence *sequence = &engine->sequences[request];
	if (!engine->commits_at_once)
		grow(engine, request, sequence->computed_tokens, sequence->computed_tokens);
}

void scheduler_release(struct engine *engine, uint32_t request)
{
	struct sequence *sequence = &engine->sequences[request];
	cache_unreserve(engine->cache, sequence->reserved_blocks);
	sequence->reserved_blocks = sequence->loading_blocks = 0;
	cache_finish(engine->cache, sequence->path, sequence->held_blocks);
	sequence->held_blocks = 0;
}

/* The latest admitted sequence gives up its memory and will be computed again. Its request is returned. */
static uint32_t preempt(struct engine *engine)
{
	const uint32_t request = engine->running[--engine->running_count];
	struct sequence *sequence = &engine->sequences[request];
	engine_log_event(engine->config->log, engine->now_ns, "preempt", request, sequence->computed_tokens, 0);
	scheduler_describe(engine, request);
	scheduler_release(engine, request);
	sequence->computed_tokens = 0;
	sequence->target_tokens = engine->trace->requests[request].prompt_tokens + (uint64_t)sequence->answered_tokens;
	sequence->preemptions++;
	sequence->state = SEQUENCE_WAITING;
	engine->result->preemptions++;
	scheduler_wait(engine, request, true);
	return request;
}

/* What an admission found: the prefix hit in the first tier, and how lower tiers go on from there. */
struct finding {
	uint32_t hit_blocks;       /* of them, at most the usable ones */
	uint32_t reachable_blocks; /* hit or in lower tiers, without a gap */
	uint32_t usable_blocks;    /* the last-token rule's bound */
	struct tier_segment segments[LOAD_SEGMENTS]; /* to be loaded */
	uint32_t segment_count, load_blocks;
};

/* Where the tokens of a block that is neither hit nor loaded are booked. */
static uint64_t *miss_column(const struct engine *engine, struct ledger *ledger, const struct finding *finding,
                             uint32_t place, block_id b)
{
	if (place < finding->reachable_blocks)
		return place >= finding->usable_blocks ? &ledger->forced_tokens : &ledger->not_loaded_tokens;
	if (tiers_holds(engine->tiers, b))
		return &ledger->orphaned_tokens;
	switch (tiers_absent_state(engine->tiers, b)) {
	case BLOCK_NEVER:
		return &ledger->cold_tokens;
	case BLOCK_EXPIRED:
		return &ledger->expired_tokens;
	default:
		return &ledger->evicted_tokens;
	}
}

/* Books the prompt's tokens, at the first admission. */
static void book(struct engine *engine, uint32_t request, const struct finding *finding)
{
	struct sequence *sequence = &engine->sequences[request];
	struct ledger *ledger = &sequence->outcome.ledger;
	const uint64_t block = engine->block_tokens;
	const uint32_t covered = finding->hit_blocks + finding->load_blocks;
	*ledger = (struct ledger){.tier_hit_tokens = {finding->hit_blocks * block}, .hit_tokens = covered * block};
	for (uint32_t i = 0; i < finding->segment_count; i++)
		ledger->tier_hit_tokens[finding->segments[i].tier] += finding->segments[i].count * block;
	uint32_t place = covered;
	struct trace_run stretch;
	for (struct path_walk walk = path_forward(sequence->path, covered); path_next(&walk, &stretch);) {
		for (uint32_t i = 0; i < stretch.count; i++, place++)
			*miss_column(engine, ledger, finding, place, stretch.first + i) += block;
	}
	ledger->partial_tokens = engine->trace->requests[request].prompt_tokens - sequence->path.block_count * block;
	sequence->outcome.path_blocks = sequence->path.block_count;
	sequence->outcome.hit_blocks = covered;
	sequence->outcome.full_hit =
	        finding->reachable_blocks == sequence->path.block_count && ledger->partial_tokens == 0;
}

/* Whether loading a segment now, with `after` tokens of the prompt to follow it, beats computing it. */
static bool worth_loading(const struct engine *engine, const struct tier_segment *segment, uint64_t target_tokens)
{
	if (engine->config->load != LOAD_FASTER)
		return engine->config->load == LOAD_ALWAYS;
	const uint64_t start = (uint64_t)segment->from * engine->block_tokens;
	const uint64_t end = start + (uint64_t)segment->count * engine->block_tokens;
	const int64_t computing_ns = engine->ops->alone_ns(engine->backend, target_tokens - start, start) -
	                             engine->ops->alone_ns(engine->backend, target_tokens - end, end);
	return tiers_load_arrival_ns(engine->tiers, segment, engine->now_ns) - engine->now_ns < computing_ns;
}

static void find(const struct engine *engine, uint32_t request, struct finding *finding)
{
	const struct sequence *sequence = &engine->sequences[request];
	*finding = (struct finding){.usable_blocks = (uint32_t)((sequence->target_tokens - 1) / engine->block_tokens)};
	const uint32_t hit = cache_lookup(engine->cache, sequence->path);
	finding->hit_blocks = (uint32_t)least(hit, finding->usable_blocks);
	finding->reachable_blocks = hit;
	if (tiers_count(engine->tiers) == 1 || hit >= sequence->path.block_count)
		return;
	struct tier_segment found[LOAD_SEGMENTS];
	const uint32_t count =
	        tiers_find(engine->tiers, sequence->path, hit, engine->now_ns, found, LOAD_SEGMENTS);
	bool loading = engine->config->load != LOAD_NEVER && !engine->config->no_offload;
	for (uint32_t i = 0; i < count; i++) {
		finding->reachable_blocks += found[i].count;
		struct tier_segment segment = found[i];
		const uint32_t place = finding->hit_blocks + finding->load_blocks;
		segment.count = (uint32_t)least(segment.count, finding->usable_blocks - place);
		loading = loading && segment.count > 0 && worth_loading(engine, &segment, sequence->target_tokens);
		if (loading) {
			finding->segments[finding->segment_count++] = segment;
			finding->load_blocks += segment.count;
		}
	}
}

/* Loads may fail: then the sequence goes on without them, after the time they took. */
static void start_load(struct engine *engine, uint32_t request, const struct finding *finding)
{
	struct sequence *sequence = &engine->sequences[request];
	int64_t ready_ns = engine->now_ns;
	for (uint32_t i = 0; i < finding->segment_count; i++) {
		const struct tier_segment *segment = &finding->segments[i];
		sequence->loading[i] = *segment;
		const int64_t arrival_ns = tiers_load(engine->tiers, sequence->path, segment, engine->now_ns);
		ready_ns = arrival_ns > ready_ns ? arrival_ns : ready_ns;
		for (uint32_t f = 0; f < engine->config->fault_count; f++) {
			const struct fault *fault = &engine->config->faults[f];
			if (fault->tier == segment->tier && fault->load_failure > 0 &&
			    gsl_rng_uniform(engine->rng) < fault->load_failure) {
				sequence->load_fails = true;
				engine->result->tiers[segment->tier].failed_loads++;
			}
		}
	}
	sequence->state = SEQUENCE_LOADING;
	sequence->loading_blocks = finding->load_blocks;
	sequence->loading_count = finding->segment_count;
	engine->holding_count++;
	engine_log_event(engine->config->log, engine->now_ns, "load", request,
	                 (uint64_t)finding->load_blocks * engine->block_tokens, ready_ns - engine->now_ns);
	event_queue_put(&engine->queue, ready_ns, EVENT_LOADED, request);
}

/* Gives a waiting sequence its hit, and starts what has to be loaded. False where the cache has no room for it now: then
 * nothing has changed. `chunk` is what the step could compute of it. */
static bool admit(struct engine *engine, uint32_t request, uint64_t budget)
{
	struct sequence *sequence = &engine->sequences[request];
	struct finding finding;
	sequence->path = replay_path(engine->trace, &engine->trace->requests[request], false);
	find(engine, request, &finding);
	const uint32_t covered = finding.hit_blocks + finding.load_blocks;
	const uint64_t start = (uint64_t)covered * engine->block_tokens;
	const uint64_t chunk = least(budget, sequence->target_tokens - start);
	/* Hits that nobody uses now stop being free room; a load takes its blocks at once and computes later. */
	const uint64_t needed = cache_idle_blocks(engine->cache, sequence->path, finding.hit_blocks) + finding.load_blocks +
	                        (finding.load_blocks ? 0 : blocks_for(engine, start + chunk) - covered);
	if (needed > cache_free_blocks(engine->cache))
		return false;
	scheduler_describe(engine, request);
	tiers_watch(engine->tiers, sequence->path, finding.reachable_blocks);
	cache_touch(engine->cache, sequence->path, finding.hit_blocks);
	tiers_hit(engine->tiers, sequence->path, finding.hit_blocks, engine->now_ns);
	sequence->held_blocks = finding.hit_blocks;
	sequence->computed_tokens = (uint64_t)finding.hit_blocks * engine->block_tokens;
	if (sequence->preemptions == 0) {
		sequence->admitted_ns = sequence->ready_ns = engine->now_ns;
		book(engine, request, &finding);
	}
	engine_log_event(engine->config->log, engine->now_ns, "admit", request, sequence->computed_tokens,
	                 engine->now_ns - sequence->arrival_ns);
	if (finding.load_blocks) {
		/* The load holds its blocks in their tiers before room is made here, which may push others down there. */
		start_load(engine, request, &finding);
		const block_id in = sequence->path.runs->first;
		sequence->reserved_blocks = cache_reserve(engine->cache, finding.load_blocks, in);
		ASSERT(sequence->reserved_blocks == finding.load_blocks);
	}
	return true;
}

/* The blocks that have come become blocks of the first tier, as far as their tiers promote them; the rest serves this
 * request only, and what follows it cannot be kept either, since its prefix is not there. */
static void keep_loaded(struct engine *engine, uint32_t request, uint32_t from, uint32_t blocks)
{
	struct sequence *sequence = &engine->sequences[request];
	uint32_t kept = 0;
	bool promotes = true;
	struct trace_run stretch;
	const struct path loaded = {sequence->path.runs, from + blocks};
	for (struct path_walk walk = path_forward(loaded, from); promotes && path_next(&walk, &stretch);) {
		for (uint32_t i = 0; i < stretch.count && promotes; i++) {
			promotes = tiers_promotes(engine->tiers, stretch.first + i);
			kept += promotes;
		}
	}
	if (kept < blocks)
		sequence->path.block_count = from + kept;
	cache_unreserve(engine->cache, kept);
	sequence->reserved_blocks -= kept;
	scheduler_describe(engine, request);
	sequence->held_blocks = cache_extend(engine->cache, sequence->path, from, from + kept);
	ASSERT(sequence->held_blocks == from + kept);
}

/* The load failed: its tokens are computed after all. */
static void unbook_load(struct sequence *sequence, uint64_t block_tokens, uint32_t blocks)
{
	struct ledger *ledger = &sequence->outcome.ledger;
	for (size_t tier = 1; tier < TIER_MOST; tier++)
		ledger->tier_hit_tokens[tier] = 0;
	ledger->hit_tokens -= blocks * block_tokens;
	ledger->not_loaded_tokens += blocks * block_tokens;
	sequence->outcome.hit_blocks -= blocks;
}

void scheduler_loaded(struct engine *engine, uint32_t request)
{
	struct sequence *sequence = &engine->sequences[request];
	const uint32_t from = sequence->held_blocks, blocks = sequence->loading_blocks;
	sequence->loading_blocks = 0;
	sequence->state = SEQUENCE_READY;
	for (uint32_t i = 0; i < sequence->loading_count; i++)
		tiers_loaded(engine->tiers, sequence->path, &sequence->loading[i], sequence->load_fails);
	if (sequence->preemptions == 0)
		sequence->ready_ns = engine->now_ns;
	if (sequence->load_fails) {
		/* Their room stays reserved for the tokens that are now computed. */
		sequence->load_fails = false;
		if (sequence->preemptions == 0)
			unbook_load(sequence, engine->block_tokens, blocks);
	} else {
		keep_loaded(engine, request, from, blocks);
		sequence->computed_tokens += (uint64_t)blocks * engine->block_tokens;
	}
	scheduler_wait(engine, request, true);
}

/* A sequence with memory that waits to run; it gives it all up so that others can go on. */
static bool drop_a_ready_one(struct engine *engine)
{
	for (uint32_t i = engine->waiting.count; i-- > 0;) {
		const uint32_t request = waiting_at(&engine->waiting, i);
		struct sequence *sequence = &engine->sequences[request];
		if (sequence->state != SEQUENCE_READY)
			continue;
		scheduler_describe(engine, request);
		scheduler_release(engine, request);
		sequence->computed_tokens = 0;
		sequence->state = SEQUENCE_WAITING;
		engine->holding_count--;
		return true;
	}
	return false;
}

static void add_part(struct engine *engine, uint32_t request, uint64_t tokens, bool decode)
{
	const struct sequence *sequence = &engine->sequences[request];
	engine->parts[engine->part_count++] = (struct step_part){
	        .request = request,
	        .new_tokens = (uint32_t)tokens,
	        .context_tokens = sequence->computed_tokens,
	        .decode = decode,
	};
}

/* Gives the running sequences their tokens; false if one of them lost its memory for another. */
static bool serve_running(struct engine *engine, uint64_t *budget)
{
	bool undisturbed = true;
	for (uint32_t i = 0; i < engine->running_count && *budget > 0; i++) {
		const uint32_t request = engine->running[i];
		const struct sequence *sequence = &engine->sequences[request];
		const bool decode = sequence->computed_tokens == sequence->target_tokens;
		const uint64_t tokens = decode ? 1 : least(*budget, sequence->target_tokens - sequence->computed_tokens);
		uint32_t victim = UINT32_MAX;
		while (victim != request && !grow_for(engine, request, sequence->computed_tokens + tokens)) {
			victim = preempt(engine);
			undisturbed = false;
		}
		if (victim == request)
			break;
		add_part(engine, request, tokens, decode);
		*budget -= tokens;
	}
	return undisturbed;
}

static void serve_waiting(struct engine *engine, uint64_t *budget)
{
	struct waiting *waiting = &engine->waiting;
	while (waiting->count > 0 && engine->running_count < engine->config->most_running && *budget > 0) {
		const uint32_t request = waiting_at(waiting, 0);
		struct sequence *sequence = &engine->sequences[request];
		if (sequence->state == SEQUENCE_WAITING) {
			if (!admit(engine, request, *budget))
				return;
			if (sequence->state == SEQUENCE_LOADING) {
				waiting_take(waiting, 0);
				continue;
			}
			sequence->state = SEQUENCE_READY;
			engine->holding_count++;
		}
		const uint64_t tokens = least(*budget, sequence->target_tokens - sequence->computed_tokens);
		if (!grow_for(engine, request, sequence->computed_tokens + tokens))
			return;
		waiting_take(waiting, 0);
		engine->holding_count--;
		sequence->state = SEQUENCE_RUNNING;
		if (sequence->preemptions == 0)
			sequence->started_ns = engine->now_ns;
		engine->running[engine->running_count++] = request;
		add_part(engine, request, tokens, false);
		*budget -= tokens;
	}
}

/* Blocks that `steps` more tokens of each part will need beyond what the first of them has. */
static uint64_t blocks_to_come(const struct engine *engine, uint64_t steps)
{
	uint64_t blocks = 0;
	for (uint32_t i = 0; i < engine->part_count; i++) {
		const uint64_t tokens = engine->parts[i].context_tokens;
		blocks += blocks_for(engine, tokens + steps) - blocks_for(engine, tokens + 1);
	}
	return blocks;
}

/* How many steps of this batch can be one event: until an answer is complete, something else happens, or memory is in
 * question. Evictions in the stretch are the same as step by step if nothing looks at the time of one: no TTL, no link. */
static uint64_t repeats(const struct engine *engine)
{
	uint64_t most = UINT64_MAX, same_blocks = UINT64_MAX;
	for (uint32_t i = 0; i < engine->part_count; i++) {
		const struct step_part *part = &engine->parts[i];
		const struct sequence *sequence = &engine->sequences[part->request];
		if (!part->decode)
			return 1;
		const uint64_t left = engine->trace->requests[part->request].output_tokens - sequence->answered_tokens;
		most = least(most, left);
		const uint64_t used = (part->context_tokens + 1) % engine->block_tokens;
		same_blocks = least(same_blocks, used ? engine->block_tokens - used + 1 : 1);
	}
	const struct step step = {engine->parts, engine->part_count};
	const int64_t until_ns = engine_next_event_ns(engine);
	if (until_ns != TIME_NEVER_NS && engine->ops->decode_ns(engine->backend, &step, most) > until_ns - engine->now_ns) {
		/* The step during which it happens is the last: fewest steps that reach it. */
		uint64_t too_few = 0;
		while (most - too_few > 1) {
			const uint64_t middle = too_few + (most - too_few) / 2;
			if (engine->ops->decode_ns(engine->backend, &step, middle) < until_ns - engine->now_ns)
				too_few = middle;
			else
				most = middle;
		}
	}
	const uint64_t blocks = blocks_to_come(engine, most);
	const bool timeless = tiers_count(engine->tiers) == 1 && !engine->has_ttl;
	if (blocks <= cache_empty_blocks(engine->cache) || (timeless && blocks <= cache_free_blocks(engine->cache)))
		return most;
	return least(most, same_blocks);
}

bool scheduler_build(struct engine *engine)
{
	for (;;) {
		uint64_t budget = engine->config->step_tokens;
		engine->part_count = 0;
		engine->step_repeats = 1;
		if (serve_running(engine, &budget))
			serve_waiting(engine, &budget);
		if (engine->part_count > 0)
			break;
		if (engine->waiting.count == 0)
			return false;
		/* Nothing runs and the first in line has no room: what others hold while they wait goes first. */
		if (engine->running_count > 0 || drop_a_ready_one(engine))
			continue;
		if (engine->holding_count > 0)
			return false; /* loads are under way and will be ready */
		const uint32_t request = waiting_at(&engine->waiting, 0);
		waiting_take(&engine->waiting, 0);
		engine_reject(engine, request);
	}
	if (engine->ops->decode_ns)
		engine->step_repeats = repeats(engine);
	for (uint32_t i = 0; engine->step_repeats > 1 && i < engine->part_count; i++) {
		const struct step_part *part = &engine->parts[i];
		const bool had_room = grow_for(engine, part->request, part->context_tokens + engine->step_repeats);
		ASSERT(had_room);
	}
	return true;
}
