/* gen.h - makes a trace: agents that hold conversations about shared manuals.
 *
 * Model. Sessions begin by an arrival process. Each draws a manual and an agent by popularity, a number of turns, and
 * for every turn a question, an answer and the time its user thinks before asking on. A prompt is put together from
 * the template's parts: the manual's text, the agent's role, and, where "question" stands, the conversation so far
 * (question, answer, question, answer, ...) and then the new question. A request's class is its agent's name.
 *
 * Times. A session's first request comes at its arrival; the next ones at the previous request's time, plus
 * GEN_TOKEN_MS for each token of its answer as an estimate of how long that takes, plus the think time. The trace has
 * these times for an open loop and `think_time` for a closed one. All are whole milliseconds.
 *
 * Forms. GEN_SEGMENTS names the parts and counts their tokens (gen_segments.h); GEN_PROMPT has the text. Both give the
 * same blocks when loaded. Lengths are the tokenizer's.
 *
 * Equal options, manuals and seed give equal bytes. Arrivals, who takes part, turns, lengths, think times and words
 * have a generator each, so that, say, other lengths of questions leave all else that is drawn as it was.
 */
#ifndef KVCAST_GEN_H
#define KVCAST_GEN_H

#include "base.h"
#include "err.h"

#define GEN_TOKEN_MS      20
#define GEN_AGENTS_MOST   100000
#define GEN_SESSIONS_MOST 10000000

enum gen_form { GEN_SEGMENTS, GEN_PROMPT };

/* Texts are as on the command line, and their sentences begin with the option's name. */
struct gen_options {
	const char *const *manual_paths;
	size_t manual_count;                   /* at least 1 */
	uint64_t manual_tokens;                /* length each manual is made to have; 0: its own */
	const char *agents_path;               /* prompts; NULL: the built-in roles */
	size_t agent_count;                    /* 0: all prompts of the file, or each built-in role once */
	uint64_t sessions;                     /* from 1 to GEN_SESSIONS_MOST */
	const char *turns, *question, *answer; /* gen_dist.h, counts */
	const char *think;                     /* gen_dist.h, a time */
	const char *arrivals;                  /* gen_arrivals.h */
	const char *popularity;                /* zipf:s=S (weight 1 / rank^S, in the order given), uniform or rotate */
	const char *order;                     /* "manual,agent,question" in any order */
	uint32_t block_tokens;                 /* at least 1; for the header */
	uint64_t seed;
	enum gen_form form;
};

/* What is used where nothing is said; without a manual. */
extern const struct gen_options gen_defaults;

struct gen_summary {
	uint64_t requests, sessions, agents, manuals, manual_tokens, prompt_tokens, output_tokens;
	int64_t span_ms; /* from the first to the last request */
};

/* Writes the trace (output.h). -1 and a sentence on failure; then nothing is left under `path`. */
int gen_write(const struct gen_options *options, const char *path, struct gen_summary *summary, struct err *err);

#endif
