#include "info.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- distributions --- */

struct sample {
	int64_t value;
	uint64_t count;
};

/* Zeroed is empty. */
struct samples {
	struct sample *list;
	size_t count, capacity;
};

static int compare_samples(const void *left, const void *right)
{
	int64_t a = ((const struct sample *)left)->value, b = ((const struct sample *)right)->value;
	return a < b ? -1 : a > b;
}

/* Sorts, and makes one of equal values. */
static void samples_merge(struct samples *samples)
{
	size_t kept = 0;
	if (samples->count == 0)
		return;
	qsort(samples->list, samples->count, sizeof(*samples->list), compare_samples);
	for (size_t i = 0; i < samples->count; i++) {
		if (kept > 0 && samples->list[kept - 1].value == samples->list[i].value)
			samples->list[kept - 1].count += samples->list[i].count;
		else
			samples->list[kept++] = samples->list[i];
	}
	samples->count = kept;
}

static void samples_add(struct samples *samples, int64_t value, uint64_t count)
{
	if (samples->count > 0 && samples->list[samples->count - 1].value == value) {
		samples->list[samples->count - 1].count += count;
		return;
	}
	if (samples->count == samples->capacity) {
		samples_merge(samples);
		if (samples->count * 2 >= samples->capacity) {
			samples->capacity = samples->capacity ? 2 * samples->capacity : 4096;
			samples->list = mem_grow(samples->list, samples->capacity, sizeof(*samples->list));
		}
	}
	samples->list[samples->count++] = (struct sample){value, count};
}

/* The value of 0-based rank `rank`. */
static double samples_at(const struct samples *samples, uint64_t rank)
{
	const struct sample *sample = samples->list;
	for (; rank >= sample->count; sample++)
		rank -= sample->count;
	return (double)sample->value;
}

static double samples_quantile(const struct samples *samples, uint64_t total, double share)
{
	double place = (double)(total - 1) * share, below = floor(place);
	double low = samples_at(samples, (uint64_t)below);
	if (place == below)
		return low;
	return low + (place - below) * (samples_at(samples, (uint64_t)below + 1) - low);
}

/* Frees the samples. */
static struct info_distribution samples_finish(struct samples *samples)
{
	struct info_distribution of = {0};
	long double sum = 0;
	samples_merge(samples);
	for (size_t i = 0; i < samples->count; i++) {
		of.count += samples->list[i].count;
		sum += (long double)samples->list[i].value * (long double)samples->list[i].count;
	}
	if (of.count > 0) {
		of.mean = (double)(sum / (long double)of.count);
		of.min = samples_at(samples, 0);
		of.p10 = samples_quantile(samples, of.count, 0.10);
		of.p50 = samples_quantile(samples, of.count, 0.50);
		of.p90 = samples_quantile(samples, of.count, 0.90);
		of.p99 = samples_quantile(samples, of.count, 0.99);
		of.max = samples_at(samples, of.count - 1);
	}
	free(samples->list);
	*samples = (struct samples){0};
	return of;
}

/* --- blocks --- */

#define NOT_YET INT64_MIN

struct collector {
	const struct trace *trace;
	struct info *info;
	int64_t *last_use_ns; /* [block], by a prompt */
	bool *reused;         /* [block] */
	bool *known;          /* [block], from a prompt or an answer; NULL where there are no answers */
	struct samples reuse_gaps;
};

static void ideal_add(struct info_ideal *ideal, const struct trace *trace, const struct trace_request *request,
		      uint32_t seen_blocks)
{
	uint64_t prompt = request->prompt_tokens, size = trace->block_tokens, whole = prompt / size;
	uint64_t path = request->block_count, hit = seen_blocks;
	if (!ideal->tail_cached && path > whole)
		path = whole;
	hit = hit < path ? hit : path;
	ideal->full_hit_requests += hit == path && path * size >= prompt;
	if (ideal->recompute_last && hit > (prompt - 1) / size)
		hit = (prompt - 1) / size;
	uint64_t tokens = hit * size < prompt ? hit * size : prompt;
	ideal->blocks += path;
	ideal->hit_blocks += hit;
	ideal->hit_tokens += tokens;
	ideal->request_hit_rate += (double)tokens / (double)prompt / (double)trace->request_count;
}

/* Counts and marks the request's blocks; returns how many of them an earlier prompt had. */
static uint32_t collector_use(struct collector *collector, const struct trace_request *request)
{
	uint32_t seen = 0;
	TRACE_EACH_RUN(collector->trace, request, run)
	{
		for (block_id block = run->first; block < run->first + run->count; block++) {
			int64_t *last_ns = &collector->last_use_ns[block];
			if (*last_ns == NOT_YET) {
				collector->info->distinct_blocks++;
			} else {
				seen++;
				collector->info->reused_blocks += !collector->reused[block];
				collector->reused[block] = true;
				samples_add(&collector->reuse_gaps, request->arrival_ns - *last_ns, 1);
			}
			*last_ns = request->arrival_ns;
		}
	}
	return seen;
}

/* The same for prompts and answers together. The partial tail of an earlier prompt is not taken along: the answer went
 * on filling that block. */
static uint32_t collector_know(struct collector *collector, const struct trace_request *request)
{
	const struct trace *trace = collector->trace;
	uint32_t seen = 0, left = request->prompt_tokens / trace->block_tokens;
	TRACE_EACH_RUN(trace, request, run)
	{
		uint32_t count = run->count < left ? run->count : left;
		left -= count;
		for (block_id block = run->first; block < run->first + count; block++) {
			seen += collector->known[block];
			collector->known[block] = true;
		}
	}
	for (uint32_t i = 0; i < request->answer_run_count; i++) {
		const struct trace_run *run = &trace->runs[request->answer_run_first + i];
		memset(collector->known + run->first, true, run->count * sizeof(*collector->known));
	}
	return seen;
}

static void prepare_ideals(struct collector *collector)
{
	static const struct info_ideal rules[INFO_IDEALS_MOST] = {
	    {.tail_cached = true},
	    {.tail_cached = true, .recompute_last = true},
	    {.tail_cached = false},
	    {.tail_cached = false, .recompute_last = true},
	    {.tail_cached = false, .recompute_last = true, .answers_kept = true},
	};
	const struct trace *trace = collector->trace;
	bool answers = false;
	for (uint32_t r = 0; r < trace->request_count; r++)
		answers = answers || trace->requests[r].answer_run_count > 0;
	collector->info->ideal_count = answers ? INFO_IDEALS_MOST : INFO_IDEALS_MOST - 1;
	memcpy(collector->info->ideals, rules, sizeof(rules));
	if (answers)
		collector->known = mem_alloc(trace->block_count, sizeof(*collector->known));
}

static void collect_blocks(struct info *info, const struct trace *trace)
{
	struct collector collector = {
	    .trace = trace,
	    .info = info,
	    .last_use_ns = mem_alloc(trace->block_count, sizeof(*collector.last_use_ns)),
	    .reused = mem_alloc(trace->block_count, sizeof(*collector.reused)),
	};
	for (uint32_t b = 0; b < trace->block_count; b++)
		collector.last_use_ns[b] = NOT_YET;
	prepare_ideals(&collector);
	for (uint32_t r = 0; r < trace->request_count; r++) {
		const struct trace_request *request = &trace->requests[r];
		uint64_t before = info->ideals[0].hit_tokens;
		uint32_t seen = collector_use(&collector, request);
		uint32_t known = collector.known ? collector_know(&collector, request) : 0;
		for (size_t i = 0; i < info->ideal_count; i++)
			ideal_add(&info->ideals[i], trace, request, info->ideals[i].answers_kept ? known : seen);
		if (info->class_count > 0)
			info->classes[request->class_id == TRACE_NO_CLASS ? info->class_count - 1 : request->class_id]
			    .hit_tokens += info->ideals[0].hit_tokens - before;
	}
	for (size_t i = 0; i < info->ideal_count; i++) {
		struct info_ideal *ideal = &info->ideals[i];
		ideal->block_hit_rate = ideal->blocks ? (double)ideal->hit_blocks / (double)ideal->blocks : 0;
		ideal->token_hit_rate = (double)ideal->hit_tokens / (double)info->prompt_tokens;
	}
	info->blocks = info->ideals[0].blocks;
	info->reuse_gap_ns = samples_finish(&collector.reuse_gaps);
	free(collector.last_use_ns);
	free(collector.reused);
	free(collector.known);
}

/* --- requests --- */

static void collect_lengths(struct info *info, const struct trace *trace)
{
	struct samples prompt = {0}, output = {0}, think = {0};
	info->first_ns = INT64_MAX;
	info->last_ns = INT64_MIN;
	for (uint32_t r = 0; r < trace->request_count; r++) {
		const struct trace_request *request = &trace->requests[r];
		info->first_ns = request->arrival_ns < info->first_ns ? request->arrival_ns : info->first_ns;
		info->last_ns = request->arrival_ns > info->last_ns ? request->arrival_ns : info->last_ns;
		info->prompt_tokens += request->prompt_tokens;
		info->output_tokens += request->output_tokens;
		samples_add(&prompt, request->prompt_tokens, 1);
		samples_add(&output, request->output_tokens, 1);
		if (request->think_ns >= 0)
			samples_add(&think, request->think_ns, 1);
	}
	info->prompt = samples_finish(&prompt);
	info->output = samples_finish(&output);
	info->think_ns = samples_finish(&think);
}

static void collect_sessions(struct info *info, const struct trace *trace)
{
	uint32_t *turns = mem_alloc(trace->session_count, sizeof(*turns));
	struct samples samples = {0};
	for (uint32_t r = 0; r < trace->request_count; r++) {
		if (trace->requests[r].session == TRACE_NO_SESSION)
			info->requests_without_session++;
		else
			turns[trace->requests[r].session]++;
	}
	for (uint32_t s = 0; s < trace->session_count; s++)
		samples_add(&samples, turns[s], 1);
	info->sessions = trace->session_count;
	info->turns = samples_finish(&samples);
	free(turns);
}

static int compare_classes(const void *left, const void *right)
{
	const struct info_class *a = left, *b = right;
	if (a->prompt_tokens != b->prompt_tokens)
		return a->prompt_tokens > b->prompt_tokens ? -1 : 1;
	return a->name && b->name ? strcmp(a->name, b->name) : (a->name == NULL) - (b->name == NULL);
}

/* One place for every name the trace has, whether of a class or another word, and the last for requests without. */
static void prepare_classes(struct info *info, const struct trace *trace)
{
	bool any = false;
	for (uint32_t r = 0; r < trace->request_count; r++)
		any = any || trace->requests[r].class_id != TRACE_NO_CLASS;
	if (!any)
		return;
	info->class_count = (size_t)trace->class_count + 1;
	info->classes = mem_alloc(info->class_count, sizeof(*info->classes));
	for (uint32_t c = 0; c < trace->class_count; c++)
		info->classes[c].name = trace->class_names[c];
	for (uint32_t r = 0; r < trace->request_count; r++) {
		const struct trace_request *request = &trace->requests[r];
		bool none = request->class_id == TRACE_NO_CLASS;
		struct info_class *of = &info->classes[none ? info->class_count - 1 : request->class_id];
		of->requests++;
		of->prompt_tokens += request->prompt_tokens;
		of->output_tokens += request->output_tokens;
	}
}

static void finish_classes(struct info *info)
{
	size_t kept = 0;
	for (size_t c = 0; c < info->class_count; c++)
		if (info->classes[c].requests > 0)
			info->classes[kept++] = info->classes[c];
	info->class_count = kept;
	if (kept > 0)
		qsort(info->classes, kept, sizeof(*info->classes), compare_classes);
}

void info_collect(struct info *info, const struct trace *trace)
{
	*info = (struct info){.requests = trace->request_count};
	collect_lengths(info, trace);
	collect_sessions(info, trace);
	prepare_classes(info, trace);
	collect_blocks(info, trace);
	finish_classes(info);
}

void info_free(struct info *info)
{
	free(info->classes);
	*info = (struct info){0};
}
