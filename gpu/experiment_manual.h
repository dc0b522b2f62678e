/* experiment_manual.h - traces of agents that ask about one manual, one agent after the other.
 *
 * Agents are the generator's roles ("You are the Compliance Auditor. ..."), each as often as any other, in turn: a new
 * session is another agent's. Questions and answers quote the manual. All but the order of a prompt's parts is the same
 * for equal options, so that orders can be compared.
 */
#ifndef KVCAST_EXPERIMENT_MANUAL_H
#define KVCAST_EXPERIMENT_MANUAL_H

#include "trace.h"

#define EXPERIMENT_BLOCK_TOKENS 16

struct experiment_manual {
	const char *const *paths; /* of the manual's texts, one put behind the other */
	size_t path_count;
	uint64_t manual_tokens; /* what it is shortened or repeated to */
	uint64_t agents, sessions, turns, answer_tokens;
	uint64_t seed;
	const char *order; /* gen.h */
};

struct experiment_manual_trace {
	struct trace *trace;
	uint64_t manual_tokens; /* how long the manual has become */
	uint64_t *manual_at;    /* by trace_request.ordinal: the prompt's tokens before it */
};

/* Writes the trace as FOLDER/NAME, with segments, and loads it; of several texts FOLDER/manual.txt is made and stays.
 * -1 and a sentence. */
int experiment_manual_make(struct experiment_manual_trace *made, const struct experiment_manual *manual,
			   const char *folder, const char *name, struct err *err);
void experiment_manual_free(struct experiment_manual_trace *made);

#endif
