#include "trace.h"

#include "binary.h"
#include "image.h"
#include "input.h"
#include "reader_jsonl.h"

#include <stdlib.h>
#include <string.h>

struct trace *trace_load(const char *path, const struct trace_load_options *options, struct err *err)
{
	struct input *input = input_open(path, err);
	if (!input)
		return NULL;
	unsigned char magic[IMAGE_MAGIC_BYTES];
	size_t got;
	struct trace *trace = NULL;
	if (input_peek(input, magic, sizeof(magic), &got, err) == 0) {
		/* A file of less than a whole magic is a truncated binary or no trace; its first byte tells. */
		if (got > 0 && memcmp(magic, image_magic, got) == 0)
			trace = binary_load(input, path, options, err);
		else
			trace = reader_jsonl_load(input, path, options, err);
	}
	input_close(input);
	return trace;
}

void trace_free(struct trace *trace)
{
	if (trace)
		image_free(trace);
}

uint64_t trace_references(const struct trace *trace)
{
	uint64_t references = 0;
	for (uint32_t i = 0; i < trace->request_count; i++)
		references += trace->requests[i].block_count;
	return references;
}

/* --- shortening --- */

/* The new trace while it is made. Requests are walked in the order of the file, so that blocks are numbered and runs
 * stand as the builder would have it. */
struct shortening {
	const struct trace *old;
	block_id *renamed; /* [old blocks], BLOCK_NONE where no path holds it yet */
	block_id *parent;  /* [blocks so far] */
	struct trace_run *runs;
	size_t run_capacity;
	uint32_t block_count, run_count;
};

static void shortening_block(struct shortening *s, block_id old, uint32_t run_first)
{
	block_id block = s->renamed[old];
	if (block == BLOCK_NONE) {
		block = s->renamed[old] = s->block_count++;
		block_id parent = s->old->parent[old];
		s->parent[block] = parent == BLOCK_NONE ? BLOCK_NONE : s->renamed[parent];
	}
	if (s->run_count > run_first) {
		struct trace_run *last = &s->runs[s->run_count - 1];
		if (last->first + last->count == block) {
			last->count++;
			return;
		}
	}
	if (s->run_count == s->run_capacity) {
		s->run_capacity = s->run_capacity ? s->run_capacity * 2 : 1024;
		s->runs = mem_grow(s->runs, s->run_capacity, sizeof(*s->runs));
	}
	s->runs[s->run_count++] = (struct trace_run){.first = block, .count = 1};
}

/* Copies the first `blocks` of a path; gives its new first run and count. */
static void shortening_path(struct shortening *s, uint32_t *run_first, uint32_t *run_count, uint32_t blocks)
{
	const struct trace_run *run = s->old->runs + *run_first;
	*run_first = s->run_count;
	for (; blocks > 0; run++) {
		for (uint32_t i = 0; i < run->count && blocks > 0; i++, blocks--)
			shortening_block(s, run->first + i, *run_first);
	}
	*run_count = s->run_count - *run_first;
}

static bool shortening_request(struct shortening *s, struct trace_request *request, uint32_t max_prompt,
			       uint32_t max_output)
{
	bool cut_prompt = max_prompt && request->prompt_tokens > max_prompt;
	bool cut_output = max_output && request->output_tokens > max_output;
	uint32_t block_tokens = s->old->block_tokens;
	if (cut_prompt) {
		request->prompt_tokens = max_prompt;
		request->block_count = max_prompt / block_tokens;
		request->answer_block_count = 0;
	}
	if (cut_output) {
		request->output_tokens = max_output;
		uint64_t whole = ((uint64_t)(request->prompt_tokens % block_tokens) + max_output) / block_tokens;
		if (request->answer_block_count > whole)
			request->answer_block_count = (uint32_t)whole;
	}
	shortening_path(s, &request->run_first, &request->run_count, request->block_count);
	shortening_path(s, &request->answer_run_first, &request->answer_run_count, request->answer_block_count);
	return cut_prompt || cut_output;
}

/* Trades the trace's image for that of its shortened parts. */
static void shortening_finish(struct shortening *s, struct trace *trace, const struct trace_request *requests)
{
	struct image_parts parts = {
	    .shape = {.block_tokens = trace->block_tokens,
		      .tail_listed = trace->tail_listed,
		      .request_count = trace->request_count,
		      .hints_count = trace->hints_count,
		      .run_count = s->run_count,
		      .block_count = s->block_count,
		      .session_count = trace->session_count,
		      .class_count = trace->class_count},
	    .ids = trace->ids,
	    .requests = requests,
	    .hints = trace->hints,
	    .runs = s->runs,
	    .parent = s->parent,
	    .session_names = trace->session_names,
	    .class_names = trace->class_names,
	};
	struct trace *fresh = image_build(trace->name, &parts), old = *trace;
	*trace = *fresh;
	*fresh = old;
	image_free(fresh);
}

uint32_t trace_shorten(struct trace *trace, uint32_t max_prompt_tokens, uint32_t max_output_tokens)
{
	uint32_t count = trace->request_count, shorter = 0;
	struct trace_request *requests = mem_alloc(count, sizeof(*requests));
	memcpy(requests, trace->requests, count * sizeof(*requests));
	struct trace_request **by_ordinal = mem_alloc(count, sizeof(*by_ordinal));
	for (uint32_t i = 0; i < count; i++)
		by_ordinal[requests[i].ordinal] = &requests[i];
	struct shortening s = {
	    .old = trace,
	    .renamed = mem_alloc(trace->block_count, sizeof(block_id)),
	    .parent = mem_alloc(trace->block_count, sizeof(block_id)),
	};
	memset(s.renamed, 0xff, trace->block_count * sizeof(block_id));
	for (uint32_t i = 0; i < count; i++)
		shorter += shortening_request(&s, by_ordinal[i], max_prompt_tokens, max_output_tokens);
	if (shorter)
		shortening_finish(&s, trace, requests);
	free(by_ordinal);
	free(requests);
	free(s.renamed);
	free(s.parent);
	free(s.runs);
	return shorter;
}
