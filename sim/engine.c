/* engine.c - time: arrivals, steps, loads, answers, and what they add up to. */
#include "engine.h"

#include "engine_log.h"
#include "engine_state.h"
#include "replay.h"
#include "timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Brings Little's integral, the tiers and the timeline to `now_ns`. */
void engine_advance(struct engine *engine, int64_t now_ns)
{
	ASSERT(now_ns >= engine->now_ns);
	engine->in_system_ns += (u128)engine->in_system * (u128)(now_ns - engine->in_system_at_ns);
	engine->in_system_at_ns = now_ns;
	timeline_advance(engine->config->timeline, now_ns, cache_used_blocks(engine->cache), engine->running_count,
	                 engine->waiting.count);
	engine->now_ns = now_ns;
	panic_where = (struct panic_where){engine->finished, now_ns};
	tiers_advance(engine->tiers, now_ns);
}

int64_t engine_next_event_ns(const struct engine *engine)
{
	const int64_t queued_ns = event_queue_next_ns(&engine->queue);
	if (engine->config->closed_loop || engine->next_arrival == engine->trace->request_count)
		return queued_ns;
	const int64_t arrival_ns = engine->sequences[engine->next_arrival].arrival_ns;
	return arrival_ns < queued_ns ? arrival_ns : queued_ns;
}

/* The blocks that this request's answer fills, where its tokens or the session's next turn show them. */
static void find_answer(struct engine *engine, uint32_t request)
{
	const struct trace *trace = engine->trace;
	const struct trace_request *this = &trace->requests[request];
	struct sequence *sequence = &engine->sequences[request];
	const uint32_t prompt_blocks = this->prompt_tokens / engine->block_tokens;
	if (!engine->config->keep_answers || this->output_tokens == 0)
		return;
	/* The last token of an answer is nobody's context. */
	const uint64_t filled = ((uint64_t)this->prompt_tokens + this->output_tokens - 1) / engine->block_tokens;
	if (this->answer_block_count > 0) {
		sequence->answer = (struct path){trace->runs + this->answer_run_first, this->answer_block_count};
		sequence->answer_to = (uint32_t)smaller(this->answer_block_count, filled - prompt_blocks);
		return;
	}
	if (engine->next_turn[request] == UINT32_MAX)
		return;
	/* Equal ids have equal prefixes: if the next prompt has this one's last full block at its place, it continues it. */
	const struct trace_request *next = &trace->requests[engine->next_turn[request]];
	const struct path path = replay_path(trace, next, false);
	if (path.block_count <= prompt_blocks || path_block(path, prompt_blocks) == BLOCK_NONE)
		return;
	if (prompt_blocks > 0 &&
	    path_block(path, prompt_blocks - 1) != path_block(sequence->path, prompt_blocks - 1))
		return;
	sequence->answer = path;
	sequence->answer_from = prompt_blocks;
	sequence->answer_to = (uint32_t)smaller(filled, path.block_count);
}

static void arrive(struct engine *engine, uint32_t request)
{
	const struct trace_request *this = &engine->trace->requests[request];
	struct sequence *sequence = &engine->sequences[request];
	sequence->arrival_ns = engine->now_ns;
	sequence->path = replay_path(engine->trace, this, false);
	sequence->target_tokens = this->prompt_tokens;
	sequence->order = engine->arrived++;
	sequence->counted = sequence->order >= engine->first_counted;
	if (sequence->order == engine->first_counted) {
		engine->first_counted_ns = engine->now_ns;
		engine->uncounted_in_system_ns = engine->in_system_ns;
		engine->busy_ns = 0;
		tiers_count_from_here(engine->tiers);
		*engine->result = (struct run_result){0};
	}
	engine->in_system++;
	engine_log_event(engine->config->log, engine->now_ns, "arrive", request, this->prompt_tokens, 0);
	const uint64_t answered = this->output_tokens ? this->output_tokens - 1 : 0;
	const uint64_t most_tokens = this->prompt_tokens + answered;
	sequence->state = SEQUENCE_WAITING;
	if ((most_tokens + engine->block_tokens - 1) / engine->block_tokens > engine->capacity_blocks) {
		engine_reject(engine, request);
		return;
	}
	find_answer(engine, request);
	if (engine->ops->answer && sequence->answer_to > sequence->answer_from)
		engine->ops->answer(engine->backend, request, sequence->answer, sequence->answer_from, sequence->answer_to,
		                    this->prompt_tokens / engine->block_tokens);
	scheduler_wait(engine, request);
}

/* The request is through: what comes after it in its session, or in place of it, is due. */
static void leave(struct engine *engine, uint32_t request)
{
	engine->in_system--;
	engine->stay_ns += (uint64_t)(engine->now_ns - engine->sequences[request].arrival_ns);
	engine->finished++;
	engine->last_ns = engine->now_ns;
	engine->sequences[request].state = SEQUENCE_NONE;
	if (!engine->config->closed_loop)
		return;
	const uint32_t next = engine->next_turn[request];
	if (next != UINT32_MAX) {
		const struct trace_request *turn = &engine->trace->requests[next];
		const int64_t recorded_ns = turn->arrival_ns - engine->trace->requests[request].arrival_ns;
		const int64_t think_ns = turn->think_ns >= 0 ? turn->think_ns : recorded_ns;
		event_queue_put(&engine->queue, engine->now_ns + replay_sped_up_ns(engine->config, think_ns), EVENT_ARRIVAL, next);
	} else if (engine->next_start < engine->start_count) {
		event_queue_put(&engine->queue, engine->now_ns, EVENT_ARRIVAL, engine->starts[engine->next_start++]);
	}
}

void engine_reject(struct engine *engine, uint32_t request)
{
	engine_log_event(engine->config->log, engine->now_ns, "reject", request,
	                 engine->trace->requests[request].prompt_tokens, 0);
	engine->result->rejected_requests += engine->sequences[request].counted;
	leave(engine, request);
}

/* The answer's blocks become blocks to keep; then all of the request's blocks are let go, tail first. */
static void let_go(struct engine *engine, uint32_t request)
{
	struct sequence *sequence = &engine->sequences[request];
	scheduler_describe(engine, request);
	const bool continues_path = sequence->answer_from > 0 || sequence->path.block_count == 0;
	const uint32_t prompt_blocks = engine->trace->requests[request].prompt_tokens / engine->block_tokens;
	const bool whole = sequence->held_blocks == prompt_blocks;
	if (sequence->answer_to > sequence->answer_from && whole) {
		const uint32_t count = sequence->answer_to - sequence->answer_from;
		const uint32_t spare = count < sequence->reserved_blocks ? count : sequence->reserved_blocks;
		cache_unreserve(engine->cache, spare);
		sequence->reserved_blocks -= spare;
		const uint32_t to = sequence->answer_from + spare;
		const uint32_t held = cache_extend(engine->cache, sequence->answer, sequence->answer_from, to);
		engine_hold(engine, request, sequence->answer, sequence->answer_from, held, prompt_blocks);
		tiers_computed(engine->tiers, sequence->answer, sequence->answer_from, held, engine->now_ns);
		if (continues_path) {
			sequence->path = sequence->answer;
			sequence->held_blocks = held;
		} else {
			cache_finish(engine->cache, sequence->answer, held);
		}
	}
	scheduler_release(engine, request);
}

/* What a request's hits save of its prefill, were it alone. */
static int64_t saved_ns(const struct engine *engine, const struct trace_request *request, uint64_t hit_tokens)
{
	return engine->ops->alone_ns(engine->backend, request->prompt_tokens, 0) -
	       engine->ops->alone_ns(engine->backend, request->prompt_tokens - hit_tokens, hit_tokens);
}

static void finish(struct engine *engine, uint32_t request)
{
	const struct trace_request *this = &engine->trace->requests[request];
	struct sequence *sequence = &engine->sequences[request];
	struct request_outcome *outcome = &sequence->outcome;
	let_go(engine, request);
	outcome->ttft_ns = sequence->first_token_ns - sequence->arrival_ns;
	outcome->load_ns = sequence->ready_ns - sequence->admitted_ns;
	outcome->queue_ns = sequence->admitted_ns - sequence->arrival_ns + sequence->started_ns - sequence->ready_ns;
	outcome->prefill_ns = sequence->first_token_ns - sequence->started_ns;
	outcome->e2e_ns = engine->now_ns - sequence->arrival_ns;
	outcome->saved_ns = saved_ns(engine, this, outcome->ledger.hit_tokens);
	engine_log_event(engine->config->log, engine->now_ns, "finish", request, this->output_tokens, outcome->e2e_ns);
	if (sequence->counted) {
		metrics_add(engine->metrics, this, outcome);
		timeline_finish(engine->config->timeline, engine->now_ns, this->prompt_tokens, outcome);
		engine->result->output_tokens += this->output_tokens;
		if (engine->config->on_request)
			engine->config->on_request(engine->config->on_request_context, this, sequence->arrival_ns, outcome);
	}
	leave(engine, request);
}

/* One sequence's part of the step is done; true if its answer is complete. */
static bool advance_part(struct engine *engine, const struct step_part *part)
{
	struct sequence *sequence = &engine->sequences[part->request];
	const uint32_t wanted = engine->trace->requests[part->request].output_tokens;
	if (part->decode) {
		sequence->computed_tokens += engine->step_repeats;
		sequence->target_tokens += engine->step_repeats;
		sequence->answered_tokens += (uint32_t)engine->step_repeats;
		return sequence->answered_tokens >= wanted;
	}
	const uint64_t before = sequence->computed_tokens;
	sequence->computed_tokens += part->new_tokens;
	if (before < sequence->lost_tokens)
		engine->result->recomputed_tokens += smaller(sequence->computed_tokens, sequence->lost_tokens) - before;
	scheduler_commit(engine, part->request);
	if (sequence->computed_tokens < sequence->target_tokens)
		return false;
	if (sequence->answered_tokens++ == 0) {
		sequence->first_token_ns = engine->now_ns;
		engine_log_event(engine->config->log, engine->now_ns, "first", part->request,
		                 engine->trace->requests[part->request].prompt_tokens,
		                 engine->now_ns - sequence->arrival_ns);
	}
	return sequence->answered_tokens >= wanted;
}

static void end_step(struct engine *engine)
{
	engine->in_step = false;
	for (uint32_t i = 0; i < engine->part_count; i++) {
		const struct step_part *part = &engine->parts[i];
		/* Answers that only grow make no room. */
		engine->line_stands &= part->decode;
		if (!advance_part(engine, part))
			continue;
		engine->line_stands = false;
		uint32_t place = 0;
		while (engine->running[place] != part->request)
			place++;
		memmove(&engine->running[place], &engine->running[place + 1],
		        (engine->running_count - place - 1) * sizeof(*engine->running));
		engine->running_count--;
		finish(engine, part->request);
	}
}

static void start_step(struct engine *engine)
{
	if (engine->in_step || !scheduler_build(engine))
		return;
	const struct step step = {engine->parts, engine->part_count};
	const int64_t took_ns = engine->step_repeats > 1
	                                ? engine->ops->decode_ns(engine->backend, &step, engine->step_repeats)
	                                : engine->ops->step_ns(engine->backend, &step);
	ASSERT(took_ns > 0);
	uint64_t tokens = 0;
	for (uint32_t i = 0; i < engine->part_count; i++)
		tokens += engine->parts[i].new_tokens * engine->step_repeats;
	engine_log_step(engine->config->log, engine->now_ns, engine->part_count, engine->step_repeats, tokens, took_ns);
	engine->result->steps += engine->step_repeats;
	engine->busy_ns += took_ns;
	engine->in_step = true;
	event_queue_put(&engine->queue, engine->now_ns + took_ns, EVENT_STEP_END, 0);
	if (engine->step_repeats > 1)
		scheduler_stretch(engine);
}

static void archive_tick(struct engine *engine)
{
	const uint32_t uploaded = tiers_archive_tick(engine->tiers, engine->now_ns);
	if (uploaded)
		engine_log_event(engine->config->log, engine->now_ns, "archive", -1, uploaded, 0);
	engine->archive_planned = false;
}

/* Rounds are at whole multiples of their interval; those that would find nothing to do are left out. */
static void plan_archive(struct engine *engine)
{
	const int64_t every_ns = engine->config->archive_every_ns;
	if (engine->archive_planned || !tiers_archive_waits(engine->tiers))
		return;
	engine->archive_planned = true;
	event_queue_put(&engine->queue, (engine->now_ns / every_ns + 1) * every_ns, EVENT_ARCHIVE, 0);
}

static void handle(struct engine *engine, const struct event *event)
{
	engine->line_stands &= event->kind == EVENT_STEP_END;
	switch ((enum engine_event)event->kind) {
	case EVENT_ARRIVAL:
		arrive(engine, event->subject);
		break;
	case EVENT_STEP_END:
		end_step(engine);
		break;
	case EVENT_LOADED:
		admission_loaded(engine, event->subject);
		engine_log_event(engine->config->log, engine->now_ns, "loaded", event->subject,
		                 engine->sequences[event->subject].computed_tokens, 0);
		break;
	case EVENT_ARCHIVE:
		archive_tick(engine);
		break;
	case EVENT_RETRY:
		break;
	}
}

/* All events of one time, recorded arrivals first; then a step may start. */
static int run_events(struct engine *engine, struct err *err)
{
	while (engine->finished < engine->trace->request_count) {
		const int64_t next_ns = engine_next_event_ns(engine);
		ASSERT(next_ns != TIME_NEVER_NS);
		if (next_ns > TRACE_TIME_MOST_NS)
			return err_set(err, "%s: after %u of %u requests the run had passed 146 years, and was stopped; its times or "
			                    "rates cannot be meant.", engine->trace->name, engine->finished,
			               engine->trace->request_count);
		if (engine->ops->advance)
			engine->ops->advance(engine->backend, next_ns);
		engine_advance(engine, next_ns);
		if (!engine->config->closed_loop) {
			while (engine->next_arrival < engine->trace->request_count &&
			       engine->sequences[engine->next_arrival].arrival_ns == next_ns)
				arrive(engine, engine->next_arrival++);
		}
		while (event_queue_next_ns(&engine->queue) == next_ns) {
			const struct event event = event_queue_take(&engine->queue);
			handle(engine, &event);
		}
		/* Before it is decided how long a step may last, and after blocks have come with it. */
		plan_archive(engine);
		start_step(engine);
		plan_archive(engine);
	}
	ASSERT(engine->finished == engine->arrived && engine->in_system == 0);
	ASSERT(engine->stay_ns == engine->in_system_ns);
	return 0;
}

/* Who follows whom in a session, and who begins one. */
static void link_turns(struct engine *engine)
{
	const struct trace *trace = engine->trace;
	engine->next_turn = mem_alloc(trace->request_count, sizeof(*engine->next_turn));
	engine->starts = mem_alloc(trace->request_count, sizeof(*engine->starts));
	uint32_t *last = mem_alloc(trace->session_count, sizeof(*last));
	memset(last, 0xff, trace->session_count * sizeof(*last));
	for (uint32_t r = 0; r < trace->request_count; r++) {
		engine->next_turn[r] = UINT32_MAX;
		const uint32_t session = trace->requests[r].session;
		if (session == TRACE_NO_SESSION || last[session] == UINT32_MAX)
			engine->starts[engine->start_count++] = r;
		else
			engine->next_turn[last[session]] = r;
		if (session != TRACE_NO_SESSION)
			last[session] = r;
	}
	free(last);
}

static void plan_traffic(struct engine *engine)
{
	const struct run_config *config = engine->config;
	const struct trace *trace = engine->trace;
	if (config->closed_loop) {
		while (engine->next_start < engine->start_count && engine->next_start < config->sessions)
			event_queue_put(&engine->queue, 0, EVENT_ARRIVAL, engine->starts[engine->next_start++]);
	} else {
		for (uint32_t r = 0; r < trace->request_count; r++)
			engine->sequences[r].arrival_ns = replay_sped_up_ns(config, trace->requests[r].arrival_ns);
	}
	for (uint32_t f = 0; f < config->fault_count; f++) {
		const struct fault *fault = &config->faults[f];
		struct link_path *link = tiers_link(engine->tiers, fault->tier);
		if (fault->from_ns == fault->until_ns)
			continue;
		ASSERT(link->outage_count < LINK_OUTAGE_MOST);
		link->outages[link->outage_count++] = (struct link_outage){fault->from_ns, fault->until_ns};
	}
}

static void log_tier_blocks(void *context, int64_t now_ns, const char *kind, uint32_t tier, block_id first, uint32_t count)
{
	const struct engine *engine = context;
	engine_log_blocks(engine->config->log, now_ns, kind, engine->tier_configs[tier].name, first, count);
}

static int open_tiers(struct engine *engine, struct err *err)
{
	const struct run_config *config = engine->config;
	engine->block_tokens = engine->trace->block_tokens;
	struct tier_config *first = &engine->tier_configs[0];
	*first = (struct tier_config){.name = "gpu", .compress_ratio = 1};
	for (uint32_t i = 0; i < config->tier_count; i++)
		engine->tier_configs[i] = config->tiers[i];
	first->evict = *config->evict;
	first->ttl = *config->ttl;
	first->capacity_blocks = config->capacity_blocks;
	engine->cost = (struct replay_cost){config->calibration, engine->block_tokens};
	const struct tiers_config chain = {
	        .tiers = engine->tier_configs,
	        .count = config->tier_count ? config->tier_count : 1,
	        .leaf = config->leaf,
	        .seed = config->seed,
	        .block_bytes = config->kv_bytes_per_token > 0 ? config->kv_bytes_per_token * engine->block_tokens : NAN,
	        .recompute_ns = replay_recompute_ns,
	        .cost = &engine->cost,
	        .archive_bytes_per_s = config->archive_bytes_per_s,
	        .archive_every_ns = config->archive_every_ns,
	        .dry = config->no_offload,
	        .history = config->blocks != NULL,
	        .log = config->log ? log_tier_blocks : NULL,
	        .log_context = engine,
	        .ops = engine->ops,
	        .backend = engine->backend,
	};
	engine->tiers = tiers_open(engine->trace, &chain, err);
	if (!engine->tiers)
		return -1;
	for (uint32_t i = 0; i < chain.count; i++) {
		if (cache_needs_future(tiers_cache(engine->tiers, i)))
			return err_set(err, "tier %s: --evict %s: it reads the order of requests from the trace, which an engine that takes "
			                    "time does not keep; use --engine replay.", chain.tiers[i].name, chain.tiers[i].evict.text);
	}
	return 0;
}

static int open_engine(struct engine *engine, struct err *err)
{
	const struct trace *trace = engine->trace;
	const struct run_config *config = engine->config;
	engine->capacity_blocks = config->capacity_blocks;
	engine->commits_at_once = config->engine != ENGINE_SGLANG;
	engine->first_counted = (uint32_t)(config->warmup * trace->request_count);
	engine->has_ttl = strcmp(config->ttl->name, "none") != 0;
	if (open_tiers(engine, err) < 0)
		return -1;
	engine->cache = tiers_cache(engine->tiers, 0);
	engine->rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(engine->rng, (unsigned long)config->seed);
	engine->sequences = mem_alloc(trace->request_count, sizeof(*engine->sequences));
	engine->waiting = (struct waiting){.ring = mem_alloc((size_t)trace->request_count + 1, sizeof(uint32_t)),
	                                   .room = trace->request_count + 1};
	engine->running = mem_alloc(config->most_running, sizeof(*engine->running));
	engine->ready = mem_alloc(trace->request_count, sizeof(*engine->ready));
	engine->parts = mem_alloc(config->most_running, sizeof(*engine->parts));
	engine->metrics = metrics_open(trace);
	link_turns(engine);
	plan_traffic(engine);
	return 0;
}

static void close_engine(struct engine *engine)
{
	tiers_close(engine->tiers);
	event_queue_free(&engine->queue);
	if (engine->rng)
		gsl_rng_free(engine->rng);
	free(engine->sequences);
	free(engine->waiting.ring);
	free(engine->running);
	free(engine->ready);
	free(engine->parts);
	free(engine->next_turn);
	free(engine->starts);
}

int engine_check(const struct trace *trace, const struct run_config *config, struct err *err)
{
	struct engine engine = {.trace = trace, .config = config};
	const int failed = open_tiers(&engine, err);
	tiers_close(engine.tiers);
	return failed;
}

int engine_run(const struct trace *trace, const struct run_config *config, const struct backend_ops *ops, void *backend,
               struct run_result *result, struct err *err)
{
	*result = (struct run_result){0};
	struct engine engine = {.trace = trace, .config = config, .ops = ops, .backend = backend, .result = result};
	int failed = open_engine(&engine, err);
	if (!failed)
		failed = run_events(&engine, err);
	if (!failed)
		engine_result_collect(&engine);
	else
		metrics_close(engine.metrics);
	close_engine(&engine);
	return failed;
}
