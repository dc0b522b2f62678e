/* naive_learned.c - the twins of the policies that learn from the trace: they keep a log and count it anew whenever
 * they ask. */
#include "naive.h"

#include <math.h>
#include <stdlib.h>

static double age_ns(const struct naive *model, block_id b)
{
	return (double)(model->now_ns - model->blocks[b].used_ns);
}

static uint32_t depth_of(const struct naive *model, block_id b)
{
	return model->config.trace->depth[b];
}

static const struct trace_request *request_now(const struct naive *model)
{
	return &model->config.trace->requests[model->request];
}

static double value(const struct naive *model, const char *name)
{
	return naive_real(&model->config.evict_values, name);
}

static int64_t whole(const struct naive *model, const char *name)
{
	return naive_integer(&model->config.evict_values, name);
}

/* --- saga --- */

struct saga_run {
	uint32_t session, kind, blocks;
};

struct saga_own {
	struct saga_run *runs; /* in order of service */
	uint32_t count, next, most_blocks;
};

static void saga_open(struct naive *model)
{
	struct saga_own *own = model->own = mem_alloc(1, sizeof(*own));
	own->runs = mem_alloc(model->config.trace->request_count, sizeof(*own->runs));
}

static void saga_close(struct naive *model)
{
	free(((struct saga_own *)model->own)->runs);
	free(model->own);
}

/* The run of the same session after run i; `count` where there is none. */
static uint32_t saga_next(const struct saga_own *own, uint32_t i)
{
	uint32_t next = i + 1;
	while (next < own->count && own->runs[next].session != own->runs[i].session)
		next++;
	return next;
}

static bool saga_followed_by(const struct saga_own *own, uint32_t i, uint32_t kind)
{
	const uint32_t next = saga_next(own, i);
	return next < own->count && own->runs[next].kind == kind;
}

static double saga_reuse(const struct saga_own *own, uint32_t kinds, const struct saga_run *now)
{
	double reuse = 0;
	for (uint32_t kind = 0; kind < kinds; kind++) {
		uint32_t runs = 0, times = 0, followed = 0;
		uint64_t added = 0;
		for (uint32_t i = 0; i < own->count; i++) {
			runs += own->runs[i].kind == now->kind;
			times += own->runs[i].kind == now->kind && saga_followed_by(own, i, kind);
			if (saga_followed_by(own, i, kind)) {
				const uint32_t before = own->runs[i].blocks, after = own->runs[saga_next(own, i)].blocks;
				followed++;
				added += after > before ? after - before : 0;
			}
		}
		if (times)
			reuse += (double)times / runs * (now->blocks / (now->blocks + (double)added / followed));
	}
	return reuse;
}

static void saga_use(struct naive *model, block_id b)
{
	struct saga_own *own = model->own;
	const struct trace *trace = model->config.trace;
	const struct trace_request *request = request_now(model);
	const uint32_t kind = request->class_id == TRACE_NO_CLASS ? 0 : request->class_id + 1;
	const struct saga_run run = {request->session, kind, model->path_blocks};
	if (own->next <= model->request && run.session != TRACE_NO_SESSION)
		own->runs[own->count++] = run;
	own->next = model->request + 1;
	own->most_blocks = run.blocks > own->most_blocks ? run.blocks : own->most_blocks;
	const double reuse = run.session == TRACE_NO_SESSION ? 0 : saga_reuse(own, trace->class_count + 1, &run);
	model->blocks[b].score = -value(model, "beta") * (1 - reuse) -
	                         value(model, "gamma") * ((double)run.blocks / own->most_blocks);
}

static struct naive_key saga_key(const struct naive *model, block_id b)
{
	const double per_ns = value(model, "alpha") / (double)whole(model, "tau");
	return (struct naive_key){model->blocks[b].score + per_ns * (double)model->blocks[b].used_ns, naive_recency(model, b)};
}

/* --- wa --- */

enum wa_event_kind { WA_USE, WA_REUSE, WA_EVICTION };

struct wa_event {
	enum wa_event_kind kind;
	int64_t at_ns;
	uint32_t category;
	double gap_ns;
};

struct wa_own {
	struct wa_event *events;
	size_t count, room;
	double *log_start, *rate;
	uint32_t categories;
};

static void wa_open(struct naive *model)
{
	struct wa_own *own = model->own = mem_alloc(1, sizeof(*own));
	own->categories = (model->config.trace->class_count + 1) * (uint32_t)whole(model, "turns");
	own->log_start = mem_alloc(own->categories, sizeof(*own->log_start));
	own->rate = mem_alloc(own->categories, sizeof(*own->rate));
	own->room = 16;
	own->events = mem_alloc(own->room, sizeof(*own->events));
}

static void wa_close(struct naive *model)
{
	struct wa_own *own = model->own;
	free(own->events);
	free(own->log_start);
	free(own->rate);
	free(own);
}

static void wa_log(struct wa_own *own, struct wa_event event)
{
	if (own->count == own->room)
		own->events = mem_grow(own->events, own->room *= 2, sizeof(*own->events));
	own->events[own->count++] = event;
}

/* Count and sum of the events of a kind in [from, to); category UINT32_MAX: of all. */
static double wa_count(const struct wa_own *own, enum wa_event_kind kind, uint32_t category, int64_t from_ns, int64_t to_ns,
                       double *sum_ns)
{
	double count = 0;
	*sum_ns = 0;
	for (size_t i = 0; i < own->count; i++) {
		const struct wa_event *event = &own->events[i];
		if (event->kind != kind || event->at_ns < from_ns || event->at_ns >= to_ns)
			continue;
		if (category != UINT32_MAX && event->category != category)
			continue;
		count++;
		*sum_ns += event->gap_ns;
	}
	return count;
}

/* The fit that holds now: over the ten slots before the one under way; none in the first. */
static void wa_fit(const struct naive *model)
{
	struct wa_own *own = model->own;
	const int64_t slot_ns = whole(model, "window") / 10, end_ns = model->now_ns / slot_ns * slot_ns;
	const int64_t from_ns = end_ns / slot_ns > 10 ? end_ns - 10 * slot_ns : 0;
	double gaps_ns, ages_ns, none;
	const double all_uses = wa_count(own, WA_USE, UINT32_MAX, from_ns, end_ns, &none);
	const double all_reuses = wa_count(own, WA_REUSE, UINT32_MAX, from_ns, end_ns, &gaps_ns);
	const double evictions = wa_count(own, WA_EVICTION, UINT32_MAX, from_ns, end_ns, &ages_ns);
	const double share = fmin(1, (all_reuses + 1) / (all_uses + 1)), gap_ns = (gaps_ns + (double)slot_ns) / (all_reuses + 1);
	double life_ns = evictions > 0 ? fmax(1, ages_ns / evictions) : INFINITY;
	if (whole(model, "life") > 0)
		life_ns = (double)whole(model, "life");
	const double prior = value(model, "prior");
	for (uint32_t w = 0; w < own->categories; w++) {
		const double uses = wa_count(own, WA_USE, w, from_ns, end_ns, &none);
		const double reuses = wa_count(own, WA_REUSE, w, from_ns, end_ns, &gaps_ns) + prior * share;
		own->rate[w] = end_ns == 0 ? 1e-9 : reuses / (gaps_ns + prior * share * gap_ns);
		own->log_start[w] = end_ns == 0 ? 0 : log1p(-exp(-own->rate[w] * life_ns));
		if (end_ns > 0 && whole(model, "p") == 0)
			own->log_start[w] += log(fmin(1, reuses / (uses + prior)));
	}
}

/* `mark` is the category of the last use, plus 1. */
static void wa_use(struct naive *model, block_id b)
{
	const struct trace_request *request = request_now(model);
	const struct trace *trace = model->config.trace;
	struct naive_block *block = &model->blocks[b];
	const uint32_t turns = (uint32_t)whole(model, "turns");
	uint32_t named = request->class_id;
	if (request->hints != UINT32_MAX && trace->hints[request->hints].workload != TRACE_NO_CLASS)
		named = trace->hints[request->hints].workload;
	const uint32_t kind = named == TRACE_NO_CLASS ? 0 : named + 1;
	const uint32_t turn = request->turn < 1 ? 1 : request->turn < turns ? request->turn : turns;
	if (block->mark)
		wa_log(model->own, (struct wa_event){WA_REUSE, model->now_ns, (uint32_t)block->mark - 1, age_ns(model, b)});
	block->mark = kind * turns + turn;
	wa_log(model->own, (struct wa_event){WA_USE, model->now_ns, (uint32_t)block->mark - 1, 0});
}

static double wa_chance(const struct naive *model, block_id b)
{
	const struct wa_own *own = model->own;
	const uint32_t w = (uint32_t)model->blocks[b].mark - 1;
	return own->log_start[w] - own->rate[w] * age_ns(model, b);
}

/* The least recent of a category goes first, whatever the clock says of the others. */
static bool wa_is_oldest(const struct naive *model, block_id b)
{
	for (uint32_t other = 0; other < model->config.trace->block_count; other++) {
		if (!naive_idle(model, other) || model->blocks[other].mark != model->blocks[b].mark)
			continue;
		const double x = naive_recency(model, other), y = naive_recency(model, b);
		if (x < y || (x == y && depth_of(model, other) > depth_of(model, b)))
			return false;
	}
	return true;
}

static struct naive_key wa_key(const struct naive *model, block_id b)
{
	if (!wa_is_oldest(model, b))
		return (struct naive_key){INFINITY, 0};
	return (struct naive_key){wa_chance(model, b), naive_recency(model, b) - 1e6 * depth_of(model, b)};
}

static block_id wa_choose(struct naive *model, block_id in)
{
	(void)in;
	wa_fit(model);
	return naive_first(model, wa_key);
}

static void wa_left(struct naive *model, block_id b, enum naive_state why)
{
	if (why == NAIVE_EVICTED)
		wa_log(model->own, (struct wa_event){WA_EVICTION, model->now_ns, 0, age_ns(model, b)});
}

/* --- steps --- */

struct steps_block {
	uint32_t session, used_step, due_step; /* 0: unknown */
	bool used, is_variable;
};

struct steps_own {
	struct steps_block *blocks;
	uint32_t *step;      /* [session + 1], the last for requests without one */
	uint32_t *came_back; /* [request] steps since its path was used in its session; 0: never */
	uint32_t next;
};

static uint32_t session_of(const struct naive *model, uint32_t request)
{
	const uint32_t session = model->config.trace->requests[request].session;
	return session == TRACE_NO_SESSION ? model->config.trace->session_count : session;
}

static void steps_open(struct naive *model)
{
	const struct trace *trace = model->config.trace;
	struct steps_own *own = model->own = mem_alloc(1, sizeof(*own));
	own->blocks = mem_alloc(trace->block_count, sizeof(*own->blocks));
	own->step = mem_alloc((size_t)trace->session_count + 1, sizeof(*own->step));
	own->came_back = mem_alloc(trace->request_count, sizeof(*own->came_back));
}

static void steps_close(struct naive *model)
{
	struct steps_own *own = model->own;
	free(own->blocks);
	free(own->step);
	free(own->came_back);
	free(own);
}

static void steps_begin(struct naive *model)
{
	struct steps_own *own = model->own;
	if (own->next > model->request)
		return;
	own->next = model->request + 1;
	own->step[session_of(model, model->request)]++;
}

static uint32_t steps_ahead(const struct naive *model)
{
	const struct trace *trace = model->config.trace;
	const struct steps_own *own = model->own;
	const struct trace_request *now = request_now(model);
	if (now->hints != UINT32_MAX && !isnan(trace->hints[now->hints].expected_reuse)) {
		const double said = trace->hints[now->hints].expected_reuse;
		return said < 1 ? 0 : (uint32_t)round(said);
	}
	double steps = 0, count = 0;
	for (uint32_t r = 0; r < model->request; r++) {
		if (own->came_back[r] && trace->requests[r].class_id == now->class_id) {
			steps += own->came_back[r];
			count++;
		}
	}
	return now->session == TRACE_NO_SESSION || count == 0 ? 0 : (uint32_t)floor(steps / count + 0.5);
}

static void steps_use(struct naive *model, block_id b)
{
	const struct trace *trace = model->config.trace;
	struct steps_own *own = model->own;
	struct steps_block *block = &own->blocks[b];
	const struct trace_request *now = request_now(model);
	steps_begin(model);
	const uint32_t session = session_of(model, model->request), step = own->step[session], ahead = steps_ahead(model);
	const uint32_t prefix = now->hints == UINT32_MAX ? UINT32_MAX : trace->hints[now->hints].prefix_tokens;
	uint32_t due = ahead ? step + ahead : 0;
	if (block->used && block->session == session) {
		if (now->session != TRACE_NO_SESSION)
			own->came_back[model->request] = step - block->used_step;
		if (block->due_step > step && (due == 0 || block->due_step < due))
			due = block->due_step;
	}
	*block = (struct steps_block){session, step, due, true,
	                              prefix != UINT32_MAX && (depth_of(model, b) + 1) * trace->block_tokens > prefix};
}

static struct naive_key steps_key(const struct naive *model, block_id b)
{
	const struct steps_own *own = model->own;
	const struct steps_block *block = &own->blocks[b];
	const double to_go = (double)block->due_step - own->step[block->session];
	if (block->is_variable)
		return (struct naive_key){-INFINITY, naive_recency(model, b)};
	return (struct naive_key){to_go > 0 ? -to_go : -1e9, naive_recency(model, b)};
}

static block_id steps_choose(struct naive *model, block_id in)
{
	(void)in;
	steps_begin(model);
	return naive_first(model, steps_key);
}

const struct naive_policy naive_learned[] = {
        {.name = "saga", .key = saga_key, .open = saga_open, .close = saga_close, .hit = saga_use, .insert = saga_use},
        {.name = "steps", .choose = steps_choose, .open = steps_open, .close = steps_close, .hit = steps_use,
         .insert = steps_use},
        {.name = "wa", .choose = wa_choose, .open = wa_open, .close = wa_close, .hit = wa_use, .insert = wa_use,
         .left = wa_left},
};
const size_t naive_learned_count = COUNT_OF(naive_learned);
