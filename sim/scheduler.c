/* scheduler.c - who runs in the next step, and with what memory. The rules are engine.h's. */
#include "engine_state.h"
#include "replay.h"

#include "engine_log.h"

static uint32_t waiting_at(const struct waiting *waiting, uint32_t place)
{
	return waiting->ring[(waiting->first + place) % waiting->room];
}

/* Most come last; those that come back belong near the front. */
void scheduler_wait(struct engine *engine, uint32_t request)
{
	struct waiting *waiting = &engine->waiting;
	const struct sequence *sequences = engine->sequences;
	const uint32_t order = sequences[request].order;
	uint32_t place = waiting->count;
	ASSERT(waiting->count < waiting->room);
	if (place > 0 && order < sequences[waiting_at(waiting, place - 1)].order) {
		for (place = 0; sequences[waiting_at(waiting, place)].order < order;)
			place++;
		waiting->first = (waiting->first + waiting->room - 1) % waiting->room;
		for (uint32_t i = 0; i < place; i++)
			waiting->ring[(waiting->first + i) % waiting->room] = waiting_at(waiting, i + 1);
	}
	waiting->ring[(waiting->first + place) % waiting->room] = request;
	waiting->count++;
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
	now.seq = ++engine->fleet->seq;
	tiers_describe(engine->tiers, &now);
}

/* Puts back what grow() has changed: nobody may hit blocks that will not be computed now. */
static void shrink_back(struct engine *engine, struct sequence *sequence, uint32_t held_blocks, uint32_t reserved_blocks)
{
	cache_retract(engine->cache, sequence->path, held_blocks, sequence->held_blocks);
	sequence->held_blocks = held_blocks;
	if (sequence->reserved_blocks > reserved_blocks) {
		cache_unreserve(engine->cache, sequence->reserved_blocks - reserved_blocks);
	} else {
		const uint32_t missing = reserved_blocks - sequence->reserved_blocks;
		const uint32_t got = cache_reserve(engine->cache, missing);
		ASSERT(got == missing); /* what it took is empty again */
	}
	sequence->reserved_blocks = reserved_blocks;
}

/* Memory for `tokens` tokens in all, of which those in the first `kept_tokens` are blocks to keep. False, with nothing
 * changed but that others may have been evicted, where the cache has no room. Who came short alone would only come to the
 * same point again, and gets all at once. */
static bool grow(struct engine *engine, uint32_t request, uint64_t tokens, uint64_t kept_tokens)
{
	struct sequence *sequence = &engine->sequences[request];
	const uint64_t least_tokens = sequence->takes_all ? sequence->target_tokens : 0;
	const uint32_t all = engine_blocks(engine, tokens > least_tokens ? tokens : least_tokens);
	uint32_t keep = (uint32_t)smaller(kept_tokens / engine->block_tokens, sequence->path.block_count);
	if (keep < sequence->held_blocks)
		keep = sequence->held_blocks;
	const uint32_t beside = all > keep ? all - keep : 0;
	const uint32_t held = sequence->held_blocks, reserved = sequence->reserved_blocks;
	if ((uint64_t)(keep - held) + beside > cache_free_blocks(engine->cache) + reserved)
		return false;
	/* A block that becomes whole needs no place beside any more. */
	if (reserved > beside) {
		cache_unreserve(engine->cache, reserved - beside);
		sequence->reserved_blocks = beside;
	}
	if (keep > held) {
		scheduler_describe(engine, request);
		sequence->held_blocks = cache_extend(engine->cache, sequence->path, held, keep);
	}
	if (sequence->held_blocks == keep && beside > sequence->reserved_blocks)
		sequence->reserved_blocks += cache_reserve(engine->cache, beside - sequence->reserved_blocks);
	if (sequence->held_blocks < keep || sequence->reserved_blocks < beside) {
		shrink_back(engine, sequence, held, reserved);
		return false;
	}
	engine_hold(engine, request, sequence->path, held, keep, held);
	return true;
}

static bool grow_for(struct engine *engine, uint32_t request, uint64_t tokens)
{
	const struct sequence *sequence = &engine->sequences[request];
	return grow(engine, request, tokens, engine->commits_at_once ? tokens : sequence->computed_tokens);
}

void scheduler_commit(struct engine *engine, uint32_t request)
{
	struct sequence *sequence = &engine->sequences[request];
	if (!engine->commits_at_once)
		grow(engine, request, sequence->computed_tokens, sequence->computed_tokens);
	if (tiers_count(engine->tiers) == 1)
		return;
	scheduler_describe(engine, request);
	tiers_hit(engine->tiers, sequence->path, sequence->hit_blocks, engine->now_ns);
	tiers_computed(engine->tiers, sequence->path, sequence->told_blocks, sequence->held_blocks, engine->now_ns);
	sequence->hit_blocks = 0;
	sequence->told_blocks = sequence->held_blocks;
}

void scheduler_release(struct engine *engine, uint32_t request)
{
	struct sequence *sequence = &engine->sequences[request];
	cache_unreserve(engine->cache, sequence->reserved_blocks);
	sequence->reserved_blocks = 0;
	cache_finish(engine->cache, sequence->path, sequence->held_blocks);
	holders_remove(&engine->holders, sequence->path, sequence->counted_blocks);
	sequence->held_blocks = sequence->counted_blocks = 0;
	if (engine->ops->release)
		engine->ops->release(engine->backend, request);
}

void scheduler_ready(struct engine *engine, uint32_t request)
{
	engine->sequences[request].state = SEQUENCE_READY;
	engine->ready[engine->ready_count++] = request;
}

/* It starts, or loses what it has. */
static void leave_ready(struct engine *engine, uint32_t request, enum sequence_state state)
{
	struct sequence *sequence = &engine->sequences[request];
	uint32_t place = engine->ready_count - 1;
	while (engine->ready[place] != request)
		place--;
	engine->ready[place] = engine->ready[--engine->ready_count];
	engine->missing_blocks -= sequence->missing_blocks;
	sequence->missing_blocks = 0;
	sequence->state = state;
}

/* The last in line that has memory already, but not `spared`, gives it all up so that others can go on. */
static bool drop_a_ready_one(struct engine *engine, uint32_t spared)
{
	uint32_t last = UINT32_MAX;
	for (uint32_t i = 0; i < engine->ready_count; i++) {
		const uint32_t request = engine->ready[i];
		if (request != spared && (last == UINT32_MAX || engine->sequences[request].order > engine->sequences[last].order))
			last = request;
	}
	if (last == UINT32_MAX)
		return false;
	scheduler_describe(engine, last);
	scheduler_release(engine, last);
	engine->sequences[last].computed_tokens = 0;
	leave_ready(engine, last, SEQUENCE_WAITING);
	engine->line_stands = false;
	return true;
}

/* The sequence that runs since the latest admission gives up its memory and will be computed again. Its request is returned. */
static uint32_t preempt(struct engine *engine)
{
	const uint32_t request = engine->running[--engine->running_count];
	struct sequence *sequence = &engine->sequences[request];
	engine_log_event(engine->config->log, engine->now_ns, "preempt", request, sequence->computed_tokens, 0);
	scheduler_describe(engine, request);
	scheduler_release(engine, request);
	if (sequence->computed_tokens > sequence->lost_tokens)
		sequence->lost_tokens = sequence->computed_tokens;
	sequence->computed_tokens = 0;
	sequence->target_tokens = engine->trace->requests[request].prompt_tokens + (uint64_t)sequence->answered_tokens;
	sequence->preemptions++;
	sequence->state = SEQUENCE_WAITING;
	engine->result->preemptions++;
	engine->line_stands = false;
	scheduler_wait(engine, request);
	return request;
}

static void add_part(struct engine *engine, uint32_t request, uint64_t tokens, bool decode)
{
	struct sequence *sequence = &engine->sequences[request];
	if (decode && sequence->counted_blocks == 0) {
		sequence->counted_blocks = sequence->held_blocks;
		holders_add(&engine->holders, sequence->path, sequence->held_blocks);
	}
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
		struct sequence *sequence = &engine->sequences[request];
		const bool decode = sequence->computed_tokens == sequence->target_tokens;
		const uint64_t tokens = decode ? 1 : smaller(*budget, sequence->target_tokens - sequence->computed_tokens);
		uint32_t victim = UINT32_MAX;
		while (victim != request && !grow_for(engine, request, sequence->computed_tokens + tokens)) {
			undisturbed = false;
			if (!drop_a_ready_one(engine, UINT32_MAX))
				victim = preempt(engine);
		}
		if (victim == request) {
			sequence->takes_all = engine->running_count == 0;
			break;
		}
		add_part(engine, request, tokens, decode);
		*budget -= tokens;
	}
	return undisturbed;
}

/* Gives the first in line what it needs to run, or to be loaded; false where there is no room for that. */
static bool serve_first(struct engine *engine, uint64_t *budget)
{
	const uint32_t request = waiting_at(&engine->waiting, 0);
	struct sequence *sequence = &engine->sequences[request];
	if (sequence->state == SEQUENCE_WAITING && !admission_admit(engine, request))
		return false;
	if (sequence->state == SEQUENCE_LOADING) {
		waiting_take(&engine->waiting, 0);
		return true;
	}
	const uint64_t tokens = smaller(*budget, sequence->target_tokens - sequence->computed_tokens);
	if (engine_missing_blocks(engine, sequence) > cache_free_blocks(engine->cache) ||
	    !grow_for(engine, request, sequence->computed_tokens + tokens))
		return false;
	waiting_take(&engine->waiting, 0);
	leave_ready(engine, request, SEQUENCE_RUNNING);
	if (sequence->preemptions == 0)
		sequence->started_ns = engine->now_ns;
	engine->running[engine->running_count++] = request;
	add_part(engine, request, tokens, false);
	*budget -= tokens;
	return true;
}

static void serve_waiting(struct engine *engine, uint64_t *budget)
{
	while (!engine->line_stands && engine->waiting.count > 0 && engine->running_count < engine->config->most_running &&
	       *budget > 0)
		engine->line_stands = !serve_first(engine, budget);
}

/* Blocks that `steps` steps of this batch need beyond what the first of them has. */
static uint64_t blocks_to_come(const struct engine *engine, uint64_t steps)
{
	uint64_t blocks = 0;
	for (uint32_t i = 0; i < engine->part_count; i++) {
		const uint64_t tokens = engine->parts[i].context_tokens;
		blocks += engine_blocks(engine, tokens + steps) - engine_blocks(engine, tokens + 1);
	}
	return blocks;
}

/* The fewest steps of this batch, begun at `start_ns`, that last until `until_ns`, `most` if that comes later. */
static uint64_t steps_until(struct engine *engine, int64_t start_ns, int64_t until_ns, uint64_t most)
{
	const struct step step = engine_step(engine, start_ns);
	if (until_ns == TIME_NEVER_NS || engine->ops->decode_ns(engine->backend, &step, most) <= until_ns - start_ns)
		return most;
	uint64_t too_few = 0;
	while (most - too_few > 1) {
		const uint64_t middle = too_few + (most - too_few) / 2;
		if (engine->ops->decode_ns(engine->backend, &step, middle) < until_ns - start_ns)
			too_few = middle;
		else
			most = middle;
	}
	return most;
}

/* After how many steps of the stretch, more than `done`, some part needs another block for the next. */
static uint64_t next_growth(const struct engine *engine, uint64_t done)
{
	uint64_t next = UINT64_MAX;
	for (uint32_t i = 0; i < engine->part_count; i++) {
		const uint64_t used = (engine->parts[i].context_tokens + done) % engine->block_tokens;
		next = smaller(next, done + engine->block_tokens - used);
	}
	return next;
}

/* Whether nobody sees when the blocks for `steps` steps are got: they are empty, and no policy ranks them. */
static bool unseen(const struct engine *engine, uint64_t steps)
{
	return !cache_ranks_reservations(engine->cache) && blocks_to_come(engine, steps) <= cache_empty_blocks(engine->cache);
}

/* How many steps of this batch can be one event: until an answer is complete, something else happens, or memory runs out.
 * Among replicas what happens next to one of them is not known, as an answer of another may bring it a request; its stretch
 * ends where memory is got that somebody could see, and is cut where something happens. */
static uint64_t repeats(struct engine *engine)
{
	uint64_t most = UINT64_MAX;
	for (uint32_t i = 0; i < engine->part_count; i++) {
		const struct step_part *part = &engine->parts[i];
		if (!part->decode)
			return 1;
		const uint32_t wanted = engine->trace->requests[part->request].output_tokens;
		most = smaller(most, wanted - engine->sequences[part->request].answered_tokens);
	}
	if (engine_has_company(engine))
		return unseen(engine, most) ? most : smaller(most, next_growth(engine, 0));
	most = steps_until(engine, engine->now_ns, engine_next_event_ns(engine->fleet), most);
	const uint64_t room_blocks = cache_free_is_sure(engine->cache) ? cache_free_blocks(engine->cache)
	                                                               : cache_empty_blocks(engine->cache);
	if (blocks_to_come(engine, most) <= room_blocks)
		return most;
	uint64_t enough = 1;
	while (most - enough > 1) {
		const uint64_t middle = enough + (most - enough) / 2;
		if (blocks_to_come(engine, middle) <= room_blocks)
			enough = middle;
		else
			most = middle;
	}
	return enough;
}

/* Each block is got at the time of the step that needs it: what is evicted for it, and where that goes, is then the same as
 * step by step. Only empty memory can be taken at any time, as nobody sees it. */
void scheduler_stretch(struct engine *engine)
{
	const int64_t start_ns = engine->now_ns;
	const struct step step = engine_step(engine, start_ns);
	const bool at_once = unseen(engine, engine->step_repeats);
	uint64_t done = at_once ? engine->step_repeats - 1 : next_growth(engine, 0);
	for (; done < engine->step_repeats && engine->step_repeats > 1; done = next_growth(engine, done)) {
		if (!at_once)
			engine_advance(engine, start_ns + engine->ops->decode_ns(engine->backend, &step, done));
		for (uint32_t i = 0; i < engine->part_count; i++) {
			const uint64_t tokens = engine->parts[i].context_tokens + done;
			if (!at_once && tokens % engine->block_tokens != 0)
				continue;
			const bool had_room = grow_for(engine, engine->parts[i].request, tokens + 1);
			ASSERT(had_room);
		}
	}
}

/* What was taken for later steps goes back when the next is built, before anybody else asks for room (grow). */
bool scheduler_cut(struct engine *engine, int64_t now_ns)
{
	if (engine->step_repeats == 1)
		return false;
	const uint64_t steps = steps_until(engine, engine->step_start_ns, now_ns, engine->step_repeats);
	const bool shorter = steps < engine->step_repeats;
	engine->step_repeats = steps;
	return shorter;
}

/* The first in line found no room although nothing runs. True where that may change by itself: then it is tried again. */
static bool wait_for_room(struct engine *engine)
{
	if (engine->loading_count > 0)
		return true; /* what holds the memory will be ready */
	const int64_t ends_ns = cache_shield_ends_ns(engine->cache);
	if (ends_ns >= TRACE_TIME_MOST_NS)
		return false;
	const int64_t retry_ns = (ends_ns > engine->now_ns ? ends_ns : engine->now_ns) + 1;
	if (engine->retry_ns <= engine->now_ns || engine->retry_ns > retry_ns) {
		engine->retry_ns = retry_ns;
		engine_plan(engine, retry_ns, EVENT_RETRY, 0);
	}
	return true;
}

/* There will never be room for the first in line. */
static void give_up_first(struct engine *engine)
{
	const uint32_t request = waiting_at(&engine->waiting, 0);
	waiting_take(&engine->waiting, 0);
	if (engine->sequences[request].state == SEQUENCE_READY) {
		scheduler_describe(engine, request);
		scheduler_release(engine, request);
		leave_ready(engine, request, SEQUENCE_WAITING);
	}
	engine->line_stands = false;
	engine_reject(engine, request);
}

bool scheduler_build(struct engine *engine)
{
	bool undisturbed;
	for (;;) {
		uint64_t budget = engine->config->step_tokens;
		engine->part_count = 0;
		undisturbed = serve_running(engine, &budget);
		if (undisturbed)
			serve_waiting(engine, &budget);
		if (engine->part_count > 0)
			break;
		if (engine->waiting.count == 0)
			return false;
		/* Nothing runs and the first in line has no room: what others hold while they wait goes first. */
		if (!undisturbed || drop_a_ready_one(engine, waiting_at(&engine->waiting, 0)))
			continue;
		if (wait_for_room(engine))
			return false;
		give_up_first(engine);
	}
	engine->repeated_tokens = engine->holders.repeated_blocks * engine->block_tokens;
	/* After a preemption the line has not been looked at. */
	engine->step_repeats = engine->ops->decode_ns && undisturbed ? repeats(engine) : 1;
	return true;
}
