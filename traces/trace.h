/* trace.h - a loaded trace: what was asked, compiled once and then only read.
 *
 * Model. A trace is a list of requests. Each request's prompt is a path of blocks from the root: equal block id means
 * equal tokens and an equal prefix before them, so every block has one parent and one depth, and the blocks form a
 * forest. Blocks have dense ids 0..block_count-1 in order of first appearance in the file. A path is kept as runs of
 * consecutive ids (a real agent trace of 45.7 M references needs 84 k runs).
 *
 * Invariants.
 *  - A block's parent has a smaller id; a root's parent is BLOCK_NONE, its depth 0.
 *  - Requests stand in open-loop service order: by arrival, then by place in the file; a session's requests keep their
 *    order. The first arrival of a trace may be any time >= 0.
 *  - `block_count` blocks of a path cover min(block_count x block_tokens, prompt_tokens) tokens. With `tail_listed`
 *    the last block may be partial and belongs to the path; without it a partial tail has no id.
 *  - Everything is immutable after loading and shared by all threads of a sweep.
 *
 * Units: times in ns, lengths in tokens. All memory belongs to the trace and goes with trace_free().
 */
#ifndef KVCAST_TRACE_H
#define KVCAST_TRACE_H

#include "base.h"
#include "err.h"

#include <stdio.h>

#define TRACE_NO_SESSION UINT32_MAX
#define TRACE_NO_CLASS UINT32_MAX
/* Latest arrival and longest think time, 146 years: sums of a few of them stay within 64 bits. */
#define TRACE_TIME_MOST_NS (INT64_MAX / 2)

struct trace_run {
	block_id first;
	uint32_t count;
};

struct trace_request {
	int64_t arrival_ns;
	int64_t think_ns; /* from the session's previous answer to this arrival; -1 where the trace does not say */
	uint32_t ordinal; /* place in the file, from 0, the header not counted */
	uint32_t session; /* index into session_names, or TRACE_NO_SESSION */
	uint32_t turn;    /* as recorded, else the request's place in its session from 1, and 1 without a session */
	uint32_t class_id; /* index into class_names, or TRACE_NO_CLASS */
	uint32_t prompt_tokens, output_tokens;
	uint32_t run_first, run_count; /* the prompt's path, in runs[] */
	uint32_t block_count;          /* blocks on that path */
	/* Blocks that the answer completes, where the trace gives the answer's tokens: they follow the last full block of
	 * the prompt. answer_run_count is 0 where it does not. Only full blocks are listed. */
	uint32_t answer_run_first, answer_run_count, answer_block_count;
	uint32_t hints; /* index into hints[], or UINT32_MAX where the request carries none */
	uint32_t reserved; /* 0 */
};

/* Optional fields of a request that some policies use. NAN / UINT32_MAX / INT32_MIN where absent. */
struct trace_hints {
	double cost, expected_reuse, perplexity, time_variance;
	int32_t priority;
	uint32_t prefix_tokens; /* prefix_len_tokens: the prompt's static head */
	uint32_t workload;      /* index into class_names' table of words, or TRACE_NO_CLASS */
	uint32_t reserved;
};

enum trace_ids {
	TRACE_IDS_HASH = 0,  /* the file gave block ids: never re-blocked */
	TRACE_IDS_TOKEN = 1, /* at least one request gave tokens, text or segments: blocks were cut at loading */
};

struct trace {
	char *name; /* as given to trace_load, for output */
	uint32_t block_tokens;
	bool tail_listed;
	enum trace_ids ids;
	uint32_t request_count, run_count, block_count, session_count, class_count, hints_count;
	const struct trace_request *requests;
	const struct trace_run *runs;
	const block_id *parent; /* [block_count] */
	const uint32_t *depth;  /* [block_count], 0 at a root */
	const struct trace_hints *hints;
	const char *const *session_names;
	const char *const *class_names;
	/* XXH3-64 of the compiled content: equal traces, equal checksum, whatever the file form. `name` and `ids` are not
	 * content. */
	uint64_t checksum;
	void *owned;       /* what trace_free releases; not for callers */
};

struct trace_load_options {
	/* 0: the trace's own (header, else 512 for hash ids and 16 for tokens, text, segments). Tokens, text and segments
	 * are cut into blocks of this size; for ids it says the size where the file does not, and has to agree where it
	 * does, as ids cannot be cut anew. */
	uint32_t block_tokens;
	/* 0, or an engine's own block size: wins over the header where blocks are cut, and leaves ids alone. */
	uint32_t preset_block_tokens;
	/* NULL, or told what a prompt consists of, in order, where the file says it: the name (NULL: none) and tokens of a
	 * segment, or the whole text, whose tokens are not yet counted. `ordinal` is the request's place in the file. */
	void (*on_piece)(void *context, uint32_t ordinal, const char *name, uint64_t tokens, const char *text, size_t length);
	void *on_piece_context;
};

/* Reads a trace in any form: native or Mooncake JSONL, or the compiled binary form; plain or gzip, told by magic bytes;
 * `path` "-" is standard input. Memory follows the compiled trace, not the file. NULL and a sentence on failure. */
struct trace *trace_load(const char *path, const struct trace_load_options *options, struct err *err);
void trace_free(struct trace *trace);

/* Shortens requests in place: prompts to `max_prompt_tokens` (the blocks that are no longer whole leave the path; a cut
 * partial block has no id; the blocks of an answer, which stood after another prompt, go), answers to
 * `max_output_tokens`; 0 leaves that side alone. Blocks are numbered anew, so pointers into the trace are void. Returns how
 * many requests became shorter. To be called before the trace is shared. */
uint32_t trace_shorten(struct trace *trace, uint32_t max_prompt_tokens, uint32_t max_output_tokens);

/* Sum over requests of blocks on the path: the references a run looks up. */
uint64_t trace_references(const struct trace *trace);

/* Writers. `.gz` at the end of the name compresses; "-" is standard output. The file appears under its name only when
 * whole (temporary name, fsync, rename). JSONL is the native form with a header and hash_runs, requests in the order of
 * the file the trace came from; binary is the compiled form (image.h). Both read back with the same checksum. -1 and a
 * sentence on failure. */
int trace_write_jsonl(const struct trace *trace, const char *path, struct err *err);
int trace_write_binary(const struct trace *trace, const char *path, struct err *err);

/* Walks a path block by block:  TRACE_EACH_RUN(trace, request, run) for (b = run->first; ...) */
#define TRACE_EACH_RUN(trace, request, run)                                                                            \
	for (const struct trace_run *run = (trace)->runs + (request)->run_first, *run##_end = run + (request)->run_count; \
	     run < run##_end; run++)

#endif
