/* engine.c - time: arrivals, steps, loads, answers, and what they add up to. */
#include "engine.h"

#include "engine_log.h"
#include "engine_state.h"
#include "replay.h"
#include "timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t engine_next_event_ns(const struct fleet *fleet)
{
	const int64_t queued_ns = event_queue_next_ns(&fleet->queue);
	if (fleet->config->closed_loop || fleet->next_arrival == fleet->trace->request_count)
		return queued_ns;
	const int64_t arrival_ns = fleet->sequences[fleet->next_arrival].arrival_ns;
	return arrival_ns < queued_ns ? arrival_ns : queued_ns;
}

/* Of events at one time those of a replica come in the order they were put in, and replicas by number; what they bring, requests
 * that arrive then, comes behind. A replica alone takes all as it comes. */
static void plan(struct fleet *fleet, int64_t time_ns, uint32_t replica, enum engine_event kind, uint32_t subject)
{
	event_queue_put(&fleet->queue, time_ns, fleet->engine_count > 1 ? replica : 0, kind, subject);
}

void engine_plan(struct engine *engine, int64_t time_ns, enum engine_event kind, uint32_t subject)
{
	plan(engine->fleet, time_ns, engine->index, kind, kind == EVENT_LOADED ? subject : engine->index);
}

static void plan_arrival(struct fleet *fleet, int64_t time_ns, uint32_t request)
{
	plan(fleet, time_ns, fleet->engine_count, EVENT_ARRIVAL, request);
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
	const uint32_t turn = engine->fleet->next_turn[request];
	if (turn == UINT32_MAX)
		return;
	/* Equal ids have equal prefixes: if the next prompt has this one's last full block at its place, it continues it. */
	const struct trace_request *next = &trace->requests[turn];
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

/* Counting begins with the request that arrives now. */
static void count_from_here(struct fleet *fleet)
{
	fleet->first_counted_ns = fleet->now_ns;
	fleet->uncounted_in_system_ns = fleet->in_system_ns;
	if (fleet->engine_count > 1)
		engine_fleet_meet(fleet);
	for (uint32_t r = 0; r < fleet->engine_count; r++) {
		/* Of a stretch under way the steps that are yet to begin count. */
		if (fleet->engine_count > 1)
			engine_fleet_touch(&fleet->engines[r]);
		fleet->engines[r].busy_ns = 0;
		tiers_count_from_here(fleet->engines[r].tiers);
	}
	*fleet->result = (struct run_result){0};
}

/* Its replica. */
static struct engine *arrive(struct fleet *fleet, uint32_t request)
{
	const struct trace_request *this = &fleet->trace->requests[request];
	struct sequence *sequence = &fleet->sequences[request];
	if (fleet->arrived == fleet->first_counted)
		count_from_here(fleet);
	struct engine *engine = engine_fleet_route(fleet, request);
	engine_fleet_touch(engine);
	sequence->replica = engine->index;
	sequence->arrival_ns = fleet->now_ns;
	sequence->path = replay_path(fleet->trace, this, false);
	sequence->target_tokens = this->prompt_tokens;
	sequence->order = fleet->arrived++;
	sequence->counted = sequence->order >= fleet->first_counted;
	fleet->in_system++;
	fleet->views[engine->index].requests++;
	fleet->views[engine->index].prompt_tokens += this->prompt_tokens;
	engine_log_event(engine->config->log, engine->now_ns, "arrive", request, this->prompt_tokens, 0);
	const uint64_t answered = this->output_tokens ? this->output_tokens - 1 : 0;
	const uint64_t most_tokens = this->prompt_tokens + answered;
	sequence->state = SEQUENCE_WAITING;
	if ((most_tokens + engine->block_tokens - 1) / engine->block_tokens > engine->capacity_blocks) {
		engine_reject(engine, request);
		return engine;
	}
	find_answer(engine, request);
	if (engine->ops->answer && sequence->answer_to > sequence->answer_from)
		engine->ops->answer(engine->backend, request, sequence->answer, sequence->answer_from, sequence->answer_to,
		                    this->prompt_tokens / engine->block_tokens);
	scheduler_wait(engine, request);
	return engine;
}

/* The request is through: what comes after it in its session, or in place of it, is due. */
static void leave(struct engine *engine, uint32_t request)
{
	struct fleet *fleet = engine->fleet;
	fleet->in_system--;
	fleet->views[engine->index].requests--;
	fleet->views[engine->index].prompt_tokens -= fleet->trace->requests[request].prompt_tokens;
	fleet->stay_ns += (uint64_t)(engine->now_ns - fleet->sequences[request].arrival_ns);
	fleet->finished++;
	fleet->last_ns = engine->now_ns;
	fleet->sequences[request].state = SEQUENCE_NONE;
	if (!fleet->config->closed_loop)
		return;
	const uint32_t next = fleet->next_turn[request];
	if (next != UINT32_MAX) {
		const struct trace_request *turn = &fleet->trace->requests[next];
		const int64_t recorded_ns = turn->arrival_ns - fleet->trace->requests[request].arrival_ns;
		const int64_t think_ns = turn->think_ns >= 0 ? turn->think_ns : recorded_ns;
		plan_arrival(fleet, engine->now_ns + replay_sped_up_ns(fleet->config, think_ns), next);
	} else if (fleet->next_start < fleet->start_count) {
		plan_arrival(fleet, engine->now_ns, fleet->starts[fleet->next_start++]);
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
	outcome->replica = engine->index;
	outcome->ttft_ns = sequence->first_token_ns - sequence->arrival_ns;
	outcome->load_ns = sequence->ready_ns - sequence->admitted_ns;
	outcome->queue_ns = sequence->admitted_ns - sequence->arrival_ns + sequence->started_ns - sequence->ready_ns;
	outcome->prefill_ns = sequence->first_token_ns - sequence->started_ns;
	outcome->e2e_ns = engine->now_ns - sequence->arrival_ns;
	outcome->saved_ns = saved_ns(engine, this, outcome->ledger.hit_tokens);
	engine_log_event(engine->config->log, engine->now_ns, "finish", request, this->output_tokens, outcome->e2e_ns);
	if (sequence->counted) {
		metrics_add(engine->fleet->metrics, this, outcome);
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
	const struct step step = engine_step(engine, engine->now_ns);
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
	engine->step_start_ns = engine->now_ns;
	engine->step_end_ns = engine->now_ns + took_ns;
	engine_plan(engine, engine->step_end_ns, EVENT_STEP_END, 0);
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
	engine_plan(engine, (engine->now_ns / every_ns + 1) * every_ns, EVENT_ARCHIVE, 0);
}

static void handle(struct fleet *fleet, const struct event *event)
{
	if (event->kind == EVENT_ARRIVAL) {
		arrive(fleet, event->subject)->line_stands = false;
		return;
	}
	const uint32_t replica = event->kind == EVENT_LOADED ? fleet->sequences[event->subject].replica : event->subject;
	struct engine *engine = &fleet->engines[replica];
	/* What is left of a step whose stretch was cut. */
	if (event->kind == EVENT_STEP_END && !(engine->in_step && engine->step_end_ns == fleet->now_ns))
		return;
	engine_fleet_touch(engine);
	engine->line_stands &= event->kind == EVENT_STEP_END;
	switch ((enum engine_event)event->kind) {
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
	case EVENT_ARRIVAL:
	case EVENT_RETRY:
		break;
	}
}

/* What follows from the events of one time, replica by replica: a step may start. */
static void go_on(struct fleet *fleet)
{
	for (uint32_t i = 0; i < fleet->touched_count; i++) {
		struct engine *engine = &fleet->engines[fleet->touched[i]];
		if (engine_has_company(engine))
			engine_log_replica(engine->config->log, engine->index);
		/* Before it is decided how long a step may last, and after blocks have come with it. */
		plan_archive(engine);
		start_step(engine);
		plan_archive(engine);
		engine->touched = false;
	}
	fleet->touched_count = 0;
}

/* All events of one time, recorded arrivals first; then steps may start. */
static int run_events(struct fleet *fleet, struct err *err)
{
	while (fleet->finished < fleet->trace->request_count) {
		const int64_t next_ns = engine_next_event_ns(fleet);
		ASSERT(next_ns != TIME_NEVER_NS);
		if (next_ns > TRACE_TIME_MOST_NS)
			return err_set(err, "%s: after %u of %u requests the run had passed 146 years, and was stopped; its times or "
			                    "rates cannot be meant.", fleet->trace->name, fleet->finished,
			               fleet->trace->request_count);
		if (fleet->ops->advance)
			fleet->ops->advance(fleet->backend, next_ns);
		engine_fleet_advance(fleet, next_ns);
		if (!fleet->config->closed_loop) {
			while (fleet->next_arrival < fleet->trace->request_count &&
			       fleet->sequences[fleet->next_arrival].arrival_ns == next_ns)
				arrive(fleet, fleet->next_arrival++);
		}
		while (event_queue_next_ns(&fleet->queue) == next_ns) {
			const struct event event = event_queue_take(&fleet->queue);
			handle(fleet, &event);
		}
		go_on(fleet);
	}
	ASSERT(fleet->finished == fleet->arrived && fleet->in_system == 0);
	ASSERT(fleet->stay_ns == fleet->in_system_ns);
	return 0;
}

/* Who follows whom in a session, and who begins one. */
static void link_turns(struct fleet *fleet)
{
	const struct trace *trace = fleet->trace;
	fleet->next_turn = mem_alloc(trace->request_count, sizeof(*fleet->next_turn));
	fleet->starts = mem_alloc(trace->request_count, sizeof(*fleet->starts));
	uint32_t *last = mem_alloc(trace->session_count, sizeof(*last));
	memset(last, 0xff, trace->session_count * sizeof(*last));
	for (uint32_t r = 0; r < trace->request_count; r++) {
		fleet->next_turn[r] = UINT32_MAX;
		const uint32_t session = trace->requests[r].session;
		if (session == TRACE_NO_SESSION || last[session] == UINT32_MAX)
			fleet->starts[fleet->start_count++] = r;
		else
			fleet->next_turn[last[session]] = r;
		if (session != TRACE_NO_SESSION)
			last[session] = r;
	}
	free(last);
}

/* Tiers of every replica that are of the fault's name are away together. */
static void plan_fault(struct fleet *fleet, const struct fault *fault)
{
	if (fault->from_ns == fault->until_ns)
		return;
	for (uint32_t r = 0; r < fleet->engine_count; r++) {
		struct link_path *link = tiers_link(fleet->engines[r].tiers, fault->tier);
		if (!tiers_owns(fleet->engines[r].tiers, fault->tier))
			continue;
		ASSERT(link->outage_count < LINK_OUTAGE_MOST);
		link->outages[link->outage_count++] = (struct link_outage){fault->from_ns, fault->until_ns};
	}
}

static void plan_traffic(struct fleet *fleet)
{
	const struct run_config *config = fleet->config;
	const struct trace *trace = fleet->trace;
	if (config->closed_loop) {
		while (fleet->next_start < fleet->start_count && fleet->next_start < config->sessions)
			plan_arrival(fleet, 0, fleet->starts[fleet->next_start++]);
	} else {
		for (uint32_t r = 0; r < trace->request_count; r++)
			fleet->sequences[r].arrival_ns = replay_sped_up_ns(config, trace->requests[r].arrival_ns);
	}
	for (uint32_t f = 0; f < config->fault_count; f++)
		plan_fault(fleet, &config->faults[f]);
}

static void open_engine(struct fleet *fleet, struct engine *engine)
{
	const struct trace *trace = fleet->trace;
	const struct run_config *config = fleet->config;
	engine->sequences = fleet->sequences;
	engine->result = fleet->result;
	engine->cache = tiers_cache(engine->tiers, 0);
	engine->capacity_blocks = config->capacity_blocks;
	engine->block_tokens = trace->block_tokens;
	engine->commits_at_once = config->engine != ENGINE_SGLANG;
	engine->waiting = (struct waiting){.ring = mem_alloc((size_t)trace->request_count + 1, sizeof(uint32_t)),
	                                   .room = trace->request_count + 1};
	engine->running = mem_alloc(config->most_running, sizeof(*engine->running));
	engine->ready = mem_alloc(trace->request_count, sizeof(*engine->ready));
	engine->parts = mem_alloc(config->most_running, sizeof(*engine->parts));
	if (config->calibration->terms[TERM_DISTINCT].count > 0)
		holders_open(&engine->holders, trace->block_count);
}

/* So many replicas, without their tiers. */
static void set_up(struct fleet *fleet)
{
	fleet->engine_count = fleet->config->replicas ? fleet->config->replicas : 1;
	fleet->engines = mem_alloc(fleet->engine_count, sizeof(*fleet->engines));
	for (uint32_t r = 0; r < fleet->engine_count; r++)
		fleet->engines[r] = (struct engine){.fleet = fleet, .index = r, .trace = fleet->trace, .config = fleet->config,
		                                    .ops = fleet->ops, .backend = fleet->backend};
}

static int open_fleet(struct fleet *fleet, struct err *err)
{
	const struct trace *trace = fleet->trace;
	const struct run_config *config = fleet->config;
	set_up(fleet);
	ASSERT(fleet->engine_count == 1 || !fleet->ops->hold);
	if (engine_fleet_open_tiers(fleet, err) < 0)
		return -1;
	fleet->first_counted = (uint32_t)(config->warmup * trace->request_count);
	fleet->rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(fleet->rng, (unsigned long)config->seed);
	fleet->sequences = mem_alloc(trace->request_count, sizeof(*fleet->sequences));
	fleet->touched = mem_alloc(fleet->engine_count, sizeof(*fleet->touched));
	fleet->views = mem_alloc(fleet->engine_count, sizeof(*fleet->views));
	for (uint32_t r = 0; r < fleet->engine_count; r++)
		open_engine(fleet, &fleet->engines[r]);
	fleet->metrics = metrics_open(trace);
	link_turns(fleet);
	plan_traffic(fleet);
	return 0;
}

static void close_fleet(struct fleet *fleet)
{
	engine_fleet_close_tiers(fleet);
	event_queue_free(&fleet->queue);
	if (fleet->rng)
		gsl_rng_free(fleet->rng);
	for (uint32_t r = 0; r < fleet->engine_count; r++) {
		struct engine *engine = &fleet->engines[r];
		free(engine->waiting.ring);
		free(engine->running);
		free(engine->ready);
		free(engine->parts);
		holders_close(&engine->holders);
	}
	free(fleet->engines);
	free(fleet->sequences);
	free(fleet->touched);
	free(fleet->views);
	free(fleet->next_turn);
	free(fleet->starts);
}

int engine_check(const struct trace *trace, const struct run_config *config, struct err *err)
{
	struct run_config one = *config;
	one.replicas = 1;
	struct fleet fleet = {.trace = trace, .config = &one};
	set_up(&fleet);
	const int failed = engine_fleet_open_tiers(&fleet, err);
	close_fleet(&fleet);
	return failed;
}

int engine_run(const struct trace *trace, const struct run_config *config, const struct backend_ops *ops, void *backend,
               struct run_result *result, struct err *err)
{
	*result = (struct run_result){0};
	struct fleet fleet = {.trace = trace, .config = config, .ops = ops, .backend = backend, .result = result};
	int failed = open_fleet(&fleet, err);
	if (!failed)
		failed = run_events(&fleet, err);
	if (!failed)
		engine_result_collect(&fleet);
	else
		metrics_close(fleet.metrics);
	close_fleet(&fleet);
	return failed;
}
