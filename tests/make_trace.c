#include "make_trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

uint64_t make_random(struct make_rng *rng, uint64_t below)
{
	uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % below;
}

bool make_chance(struct make_rng *rng, uint32_t percent)
{
	return make_random(rng, 100) < percent;
}

static const char **make_names(char letter, uint32_t count)
{
	const char **names = mem_alloc(count, sizeof(*names));
	for (uint32_t i = 0; i < count; i++) {
		char name[16] = {letter};
		uint32_t at = 1;
		if (i >= 10)
			name[at++] = (char)('0' + i / 10 % 10);
		name[at] = (char)('0' + i % 10);
		names[i] = mem_copy_text(name);
	}
	return names;
}

/* Appends the path to `tail` as runs of consecutive ids, some of them split. */
static void make_path(const struct make_parts *parts, const uint32_t *depth, struct make_rng *rng, struct trace *trace,
                      struct trace_run *runs, struct trace_request *request, block_id tail)
{
	request->run_first = trace->run_count;
	if (tail == BLOCK_NONE)
		return;
	request->block_count = depth[tail] + 1;
	block_id *path = mem_alloc(request->block_count, sizeof(*path));
	uint32_t i = request->block_count;
	for (block_id b = tail; b != BLOCK_NONE; b = parts->parent[b])
		path[--i] = b;
	for (i = 0; i < request->block_count; i++) {
		struct trace_run *last = request->run_count ? &runs[trace->run_count - 1] : NULL;
		if (last && last->first + last->count == path[i] && !make_chance(rng, parts->split_percent)) {
			last->count++;
			continue;
		}
		runs[trace->run_count++] = (struct trace_run){path[i], 1};
		request->run_count++;
	}
	free(path);
}

struct trace *make_trace(const struct make_parts *parts)
{
	struct make_rng rng = {parts->seed};
	struct trace *trace = mem_alloc(1, sizeof(*trace));
	struct trace_request *requests = mem_alloc(parts->request_count, sizeof(*requests));
	uint32_t *depth = mem_alloc(parts->block_count, sizeof(*depth));
	block_id *parent = mem_alloc(parts->block_count, sizeof(*parent));
	size_t most_runs = 0;
	for (uint32_t b = 0; b < parts->block_count; b++) {
		parent[b] = parts->parent[b];
		depth[b] = parent[b] == BLOCK_NONE ? 0 : depth[parent[b]] + 1;
	}
	for (uint32_t r = 0; r < parts->request_count; r++)
		most_runs += parts->requests[r].tail == BLOCK_NONE ? 0 : depth[parts->requests[r].tail] + 1;
	struct trace_run *runs = mem_alloc(most_runs, sizeof(*runs));
	struct trace_hints *hints = mem_alloc(parts->hints_count, sizeof(*hints));
	if (parts->hints_count)
		memcpy(hints, parts->hints, parts->hints_count * sizeof(*hints));
	*trace = (struct trace){
	        .name = mem_copy_text("made"),
	        .block_tokens = parts->block_tokens,
	        .tail_listed = parts->tail_listed,
	        .request_count = parts->request_count,
	        .block_count = parts->block_count,
	        .session_count = parts->session_count,
	        .class_count = parts->class_count,
	        .hints_count = parts->hints_count,
	        .requests = requests,
	        .runs = runs,
	        .parent = parent,
	        .depth = depth,
	        .hints = hints,
	        .session_names = make_names('s', parts->session_count),
	        .class_names = make_names('c', parts->class_count),
	};
	uint32_t *turns = mem_alloc(parts->session_count, sizeof(*turns));
	for (uint32_t r = 0; r < parts->request_count; r++) {
		const struct make_request *from = &parts->requests[r];
		requests[r] = (struct trace_request){
		        .arrival_ns = from->arrival_ns,
		        .think_ns = -1,
		        .ordinal = from->ordinal,
		        .session = from->session,
		        .turn = from->session == TRACE_NO_SESSION ? 1 : ++turns[from->session],
		        .class_id = from->class_id,
		        .output_tokens = 1 + r % 7,
		        .hints = from->hints,
		};
		make_path(parts, depth, &rng, trace, runs, &requests[r], from->tail);
		requests[r].prompt_tokens =
		        from->prompt_tokens ? from->prompt_tokens : requests[r].block_count * parts->block_tokens;
	}
	free(turns);
	return trace;
}

void make_trace_free(struct trace *trace)
{
	if (!trace)
		return;
	for (uint32_t i = 0; i < trace->session_count; i++)
		free((void *)(uintptr_t)trace->session_names[i]);
	for (uint32_t i = 0; i < trace->class_count; i++)
		free((void *)(uintptr_t)trace->class_names[i]);
	const void *const arrays[] = {trace->requests, trace->runs,          trace->parent,     trace->depth,
	                              trace->hints,    trace->session_names, trace->class_names};
	for (size_t i = 0; i < COUNT_OF(arrays); i++)
		free((void *)(uintptr_t)arrays[i]);
	free(trace->name);
	free(trace);
}

/* A trace in the making, in order of the file. */
struct draft {
	block_id *parent;
	uint32_t *tail_tokens; /* of a block that is a partial tail; 0: a full block */
	uint32_t *depth;
	uint32_t block_count;
	struct make_request *requests;
	struct trace_hints *hints;
	uint32_t hints_count;
};

static block_id draft_block(struct draft *draft, block_id parent, uint32_t tail_tokens)
{
	const block_id b = draft->block_count++;
	draft->parent[b] = parent;
	draft->depth[b] = parent == BLOCK_NONE ? 0 : draft->depth[parent] + 1;
	draft->tail_tokens[b] = tail_tokens;
	return b;
}

/* A path that is there, or longer, or new; sets the request's tail and prompt length. */
static void draft_path(struct draft *draft, struct make_rng *rng, const struct make_shape *shape, struct make_request *request)
{
	const uint32_t rest = shape->block_tokens == 1 ? 0 : (uint32_t)make_random(rng, shape->block_tokens);
	if (!shape->tail_listed && rest && make_chance(rng, 3)) {
		request->tail = BLOCK_NONE;
		request->prompt_tokens = rest;
		return;
	}
	const bool fresh = draft->block_count == 0 || make_chance(rng, shape->root_percent);
	block_id tail = fresh ? BLOCK_NONE : (block_id)make_random(rng, draft->block_count);
	const bool repeats = !fresh && make_chance(rng, shape->repeat_percent);
	if (!repeats) {
		/* Nothing follows a partial tail; half of the time growth goes on from a recent block. */
		if (!fresh && make_chance(rng, 50))
			tail = draft->block_count - 1;
		if (tail != BLOCK_NONE && draft->tail_tokens[tail])
			tail = draft->parent[tail];
		for (uint64_t left = 1 + make_random(rng, shape->growth); left > 0; left--)
			tail = draft_block(draft, tail, 0);
	}
	const bool whole = tail != BLOCK_NONE && draft->tail_tokens[tail] == 0;
	if (shape->tail_listed && whole && !repeats && rest && make_chance(rng, 50))
		tail = draft_block(draft, tail, rest);
	request->tail = tail;
	request->prompt_tokens = (draft->depth[tail] + 1) * shape->block_tokens;
	if (draft->tail_tokens[tail])
		request->prompt_tokens -= shape->block_tokens - draft->tail_tokens[tail];
	else if (!shape->tail_listed)
		request->prompt_tokens += rest;
}

static uint32_t draft_hints(struct draft *draft, struct make_rng *rng, const struct make_shape *shape)
{
	if (make_chance(rng, 50))
		return UINT32_MAX;
	struct trace_hints *hints = &draft->hints[draft->hints_count];
	*hints = (struct trace_hints){
	        .cost = make_chance(rng, 50) ? NAN : (double)make_random(rng, 9),
	        .expected_reuse = make_chance(rng, 50) ? NAN : (double)make_random(rng, 5) / 2,
	        .perplexity = make_chance(rng, 50) ? NAN : (double)make_random(rng, 100),
	        .time_variance = make_chance(rng, 50) ? NAN : (double)make_random(rng, 101) / 100,
	        .priority = make_chance(rng, 50) ? INT32_MIN : (int32_t)make_random(rng, 101),
	        .prefix_tokens = make_chance(rng, 50) ? UINT32_MAX : (uint32_t)make_random(rng, 4 * shape->block_tokens),
	        .workload = shape->classes && make_chance(rng, 50) ? (uint32_t)make_random(rng, shape->classes)
	                                                           : TRACE_NO_CLASS,
	};
	return draft->hints_count++;
}

/* By arrival; equal ones as they stood. */
static void sort_requests(struct make_request *requests, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		const struct make_request moved = requests[i];
		uint32_t at = i;
		for (; at > 0 && requests[at - 1].arrival_ns > moved.arrival_ns; at--)
			requests[at] = requests[at - 1];
		requests[at] = moved;
	}
}

struct trace *make_trace_random(struct make_rng *rng, const struct make_shape *shape)
{
	const size_t most_blocks = (size_t)shape->requests * (shape->growth + 1);
	struct draft draft = {
	        .parent = mem_alloc(most_blocks, sizeof(*draft.parent)),
	        .tail_tokens = mem_alloc(most_blocks, sizeof(*draft.tail_tokens)),
	        .depth = mem_alloc(most_blocks, sizeof(*draft.depth)),
	        .requests = mem_alloc(shape->requests, sizeof(*draft.requests)),
	        .hints = mem_alloc(shape->requests, sizeof(*draft.hints)),
	};
	int64_t *clock_ns = mem_alloc((size_t)shape->sessions + 1, sizeof(*clock_ns));
	for (uint32_t r = 0; r < shape->requests; r++) {
		struct make_request *request = &draft.requests[r];
		const uint64_t session = make_random(rng, (uint64_t)shape->sessions + 1);
		request->ordinal = r;
		request->session = session < shape->sessions ? (uint32_t)session : TRACE_NO_SESSION;
		request->class_id = shape->classes && make_chance(rng, 85) ? (uint32_t)make_random(rng, shape->classes)
		                                                           : TRACE_NO_CLASS;
		if (!make_chance(rng, shape->same_time_percent))
			clock_ns[session] += shape->tick_ns * (int64_t)(1 + make_random(rng, shape->most_ticks));
		request->arrival_ns = clock_ns[session];
		draft_path(&draft, rng, shape, request);
		request->hints = draft_hints(&draft, rng, shape);
	}
	free(clock_ns);
	sort_requests(draft.requests, shape->requests);
	struct trace *trace = make_trace(&(struct make_parts){
	        .block_tokens = shape->block_tokens,
	        .block_count = draft.block_count,
	        .request_count = shape->requests,
	        .session_count = shape->sessions,
	        .class_count = shape->classes,
	        .hints_count = draft.hints_count,
	        .tail_listed = shape->tail_listed,
	        .parent = draft.parent,
	        .requests = draft.requests,
	        .hints = draft.hints,
	        .split_percent = 10,
	        .seed = rng->state,
	});
	void *const arrays[] = {draft.parent, draft.tail_tokens, draft.depth, draft.requests, draft.hints};
	for (size_t i = 0; i < COUNT_OF(arrays); i++)
		free(arrays[i]);
	return trace;
}

struct trace *make_trace_without(const struct trace *trace, uint32_t index)
{
	struct make_request *requests = mem_alloc(trace->request_count, sizeof(*requests));
	uint32_t count = 0;
	for (uint32_t r = 0; r < trace->request_count; r++) {
		const struct trace_request *from = &trace->requests[r];
		if (r == index)
			continue;
		const struct trace_run *last = from->run_count ? &trace->runs[from->run_first + from->run_count - 1] : NULL;
		requests[count++] = (struct make_request){
		        .tail = last ? last->first + last->count - 1 : BLOCK_NONE,
		        .arrival_ns = from->arrival_ns,
		        .session = from->session,
		        .class_id = from->class_id,
		        .prompt_tokens = from->prompt_tokens,
		        .hints = from->hints,
		        .ordinal = from->ordinal,
		};
	}
	struct trace *rest = make_trace(&(struct make_parts){
	        .block_tokens = trace->block_tokens,
	        .block_count = trace->block_count,
	        .request_count = count,
	        .session_count = trace->session_count,
	        .class_count = trace->class_count,
	        .hints_count = trace->hints_count,
	        .tail_listed = trace->tail_listed,
	        .parent = trace->parent,
	        .requests = requests,
	        .hints = trace->hints,
	});
	free(requests);
	return rest;
}
