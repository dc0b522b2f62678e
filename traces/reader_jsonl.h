/* reader_jsonl.h - the native trace format: one JSON object a line, a superset of the public Mooncake format.
 *
 * First line, optional:
 *   kvcast         1, the version
 *   block_tokens   tokens of a block; 512 where ids are given and 16 where blocks are cut here
 *   blocks         "ceil" (default): a partial last block has an id; "full": it has not
 *   hash_scope     "global" (default) or "session": then a line's own hash_scope, else its session_id, is the name space
 *   chained        true (default): an id stands for its whole prefix; false: for its own tokens only
 *
 * Every other line is a request:
 *   timestamp      ms, whole or not, from 0; never back within a session
 *   input_length   tokens; needed with ids, checked with token_ids and segments, ignored with prompt (the tokenizer counts)
 *   output_length  tokens; may be left out where output_token_ids is there
 * and one of
 *   hash_ids       [id, ...], whole numbers of 64 bits
 *   hash_runs      [[first, count], ...]: the same, written short
 *   token_ids      [token, ...], from 0 to 2^32 - 1
 *   prompt         text, see tokenizer.h
 *   segments       [{"id": name, "tokens": count}, ...], without id: unlike any other
 * optional:
 *   session_id, turn, think_time (s since the session's previous answer), class, workload (names: a string or a whole
 *   number), cost, expected_reuse, perplexity, time_variance, priority, prefix_len_tokens, and
 *   output_token_ids   [token, ...]: the answer, so that its blocks can be reused; not with ids
 *   output_hash_runs   the same for ids: the full blocks that the answer completes, after the last full one of the prompt
 *   tail_listed        false: this line's partial last block has no id although blocks is "ceil"
 *
 * null says the same as leaving a field out; unknown fields are ignored; a field may not stand twice. Blank lines are
 * skipped, lines may end in CRLF. Everything else gets a sentence with file:line and field.
 *
 * Sources: Mooncake trace format, https://github.com/kvcache-ai/Mooncake (FAST25-release/traces).
 */
#ifndef KVCAST_READER_JSONL_H
#define KVCAST_READER_JSONL_H

#include "input.h"
#include "trace.h"

/* Reads to the end. `name` becomes the trace's. */
struct trace *reader_jsonl_load(struct input *input, const char *name, const struct trace_load_options *options,
				struct err *err);

#endif
