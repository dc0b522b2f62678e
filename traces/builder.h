/* builder.h - compiles requests, one by one, into a trace (trace.h).
 *
 * A block's identity is given in one of three ways, and all end in a 128-bit key that idmap.h turns into a dense id:
 *   hash ids, chained     (name space, id)          an id that stands after two different prefixes is refused
 *   hash ids, unchained   (name space, parent, id)  "chained":false
 *   tokens, text, segments  XXH3-128 over the parent's key and the block's content
 * The reader calls builder_begin(), one builder_path_*() per piece, builder_commit(). Any failure returns -1 with a
 * sentence that lacks the place: the reader adds file:line. After a failure the builder can only be freed.
 */
#ifndef KVCAST_BUILDER_H
#define KVCAST_BUILDER_H

#include "trace.h"

struct builder;

struct builder_options {
	const char *name;
	uint32_t block_tokens;
	bool tail_listed; /* "blocks":"ceil" */
	bool chained;
};

/* Blocks one prompt, or one answer, may have: keeps a crafted line of a few bytes from filling the memory. */
#define BUILDER_MOST_BLOCKS (UINT32_C(1) << 24)

struct builder *builder_new(const struct builder_options *options);
void builder_free(struct builder *builder);

/* Index of a word in the trace's class_names, for trace_hints.workload; to be called before builder_begin, once per
 * request that has a workload. UINT32_MAX only after 2^32 - 2 words. */
uint32_t builder_word(struct builder *builder, const char *word);

/* Starts a request; `request` carries what the caller knows: arrival, think time, lengths, and the turn, 0 where it is
 * not recorded. Paths, session, class, hints and ordinal are the builder's. A prompt_tokens of 0 means: as many as the
 * path brings, which hash ids cannot say. Names may be NULL. `hints` may be NULL. The session's clock is checked here,
 * requests without a session sharing one. */
int builder_begin(struct builder *builder, const struct trace_request *request, const char *session,
                  const char *class_name, const struct trace_hints *hints, struct err *err);

/* This request's partial tail has no id, whatever the options say. Before any path. */
void builder_tail_unnamed(struct builder *builder);

/* `scope` is the name space of hash ids ("" where global). A run is ids first..first+count-1. */
int builder_path_hash_run(struct builder *builder, const char *scope, int64_t first, uint64_t count, struct err *err);

/* Appends tokens to the prompt; blocks are cut as they fill, across calls. */
int builder_path_tokens(struct builder *builder, const uint32_t *tokens, size_t count, struct err *err);

/* Appends `count` tokens of a segment, from its first; NULL id: unlike any other. */
int builder_path_segment(struct builder *builder, const char *id, uint64_t count, struct err *err);

/* Checks the prompt against its length; what follows is the answer's. builder_answer_*() and builder_commit() do it too. */
int builder_end_prompt(struct builder *builder, struct err *err);

/* Appends the answer's tokens (after the whole prompt, given as tokens or segments too). */
int builder_answer_tokens(struct builder *builder, const uint32_t *tokens, size_t count, struct err *err);

/* Appends blocks that the answer completes, after the whole prompt, given as hash ids too. All of them or none. */
int builder_answer_hash_run(struct builder *builder, const char *scope, int64_t first, uint64_t count,
                            struct err *err);

/* Ends the request: the partial tail became a block if listed; the answer's length is checked against its path. */
int builder_commit(struct builder *builder, struct err *err);

/* Sorts, freezes and hands over the trace; frees the builder. NULL and a sentence if there is no request. */
struct trace *builder_finish(struct builder *builder, struct err *err);

#endif
