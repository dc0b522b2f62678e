/* make_trace.h - small traces without a file: drawn at random, or written down block by block.
 *
 * What comes out keeps the invariants of trace.h: a parent's id is smaller, ids are dense in order of first appearance in
 * the file, requests stand by arrival and then by place in the file, a partial tail has no children. Random traces grow the way real
 * ones do: a request repeats a path, goes on from one, or starts a new root.
 */
#ifndef KVCAST_MAKE_TRACE_H
#define KVCAST_MAKE_TRACE_H

#include "trace.h"

/* splitmix64: the same numbers on every machine. */
struct make_rng {
	uint64_t state;
};

uint64_t make_random(struct make_rng *rng, uint64_t below);
/* True `percent` times in a hundred. */
bool make_chance(struct make_rng *rng, uint32_t percent);

struct make_request {
	block_id tail;           /* the path is from its root to here; BLOCK_NONE: no whole block */
	int64_t arrival_ns;
	uint32_t session, class_id; /* TRACE_NO_SESSION, TRACE_NO_CLASS: none */
	uint32_t prompt_tokens;  /* 0: as many as the path's blocks hold */
	uint32_t hints;
	uint32_t ordinal;
};

struct make_parts {
	uint32_t block_tokens, block_count, request_count, session_count, class_count, hints_count;
	bool tail_listed;
	const block_id *parent;
	const struct make_request *requests; /* in service order */
	const struct trace_hints *hints;
	uint32_t split_percent; /* so many runs of consecutive ids are given in two pieces */
	uint64_t seed;          /* of those splits */
};

struct make_shape {
	uint32_t requests, block_tokens, sessions, classes;
	uint32_t root_percent;   /* requests that start a new root */
	uint32_t repeat_percent; /* requests that add nothing to a path that is there */
	uint32_t growth;         /* most new blocks of a request */
	uint32_t same_time_percent;
	int64_t tick_ns;
	uint32_t most_ticks; /* between arrivals of a session that differ */
	bool tail_listed;
};

struct trace *make_trace(const struct make_parts *parts);
struct trace *make_trace_random(struct make_rng *rng, const struct make_shape *shape);
/* The same without request `index`; its blocks stay. */
struct trace *make_trace_without(const struct trace *trace, uint32_t index);
void make_trace_free(struct trace *trace);

#endif
