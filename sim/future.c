#include "future.h"

#include "replay.h"

#include <stdlib.h>

struct piece {
	uint32_t count, next;
};

struct future {
	struct piece *pieces;
	size_t count, room;
	size_t *start; /* [request_count] first piece of each request; pieces lie in reverse order of requests */
};

static void append(struct future *future, uint32_t count, uint32_t next)
{
	if (future->count == future->room) {
		future->room = future->room ? future->room * 2 : 4096;
		future->pieces = mem_grow(future->pieces, future->room, sizeof(*future->pieces));
	}
	future->pieces[future->count++] = (struct piece){count, next};
}

struct future *future_open(const struct trace *trace, bool tail_cached)
{
	struct future *future = mem_alloc(1, sizeof(*future));
	future->start = mem_alloc(trace->request_count, sizeof(*future->start));
	uint32_t *next = mem_alloc(trace->block_count, sizeof(*next));
	for (uint32_t b = 0; b < trace->block_count; b++)
		next[b] = UINT32_MAX;
	for (uint32_t r = trace->request_count; r-- > 0;) {
		future->start[r] = future->count;
		struct piece piece = {0, UINT32_MAX};
		struct trace_run stretch;
		const struct path path = replay_path(trace, &trace->requests[r], tail_cached);
		for (struct path_walk walk = path_forward(path, 0); path_next(&walk, &stretch);) {
			for (block_id b = stretch.first; b < stretch.first + stretch.count; b++) {
				if (next[b] != piece.next && piece.count) {
					append(future, piece.count, piece.next);
					piece.count = 0;
				}
				piece = (struct piece){piece.count + 1, next[b]};
				next[b] = r + 1;
			}
		}
		append(future, piece.count, piece.next);
	}
	free(next);
	return future;
}

void future_close(struct future *future)
{
	if (!future)
		return;
	free(future->pieces);
	free(future->start);
	free(future);
}

void future_show(const struct future *future, uint32_t index, struct path path, uint32_t *next_use)
{
	const struct piece *piece = &future->pieces[future->start[index]];
	uint32_t left = piece->count;
	struct trace_run stretch;
	for (struct path_walk walk = path_forward(path, 0); path_next(&walk, &stretch);) {
		for (uint32_t i = 0; i < stretch.count; i++) {
			if (left == 0)
				left = (++piece)->count;
			next_use[stretch.first + i] = piece->next;
			left--;
		}
	}
}

uint32_t *future_objects(const struct trace *trace, bool tail_cached, struct err *err)
{
	const uint64_t references = replay_references(trace, tail_cached);
	if (references >= UINT32_MAX) {
		err_set(err, "%s: %llu block references are too many for an offline policy under object semantics; at most %u.",
		        trace->name, (unsigned long long)references, UINT32_MAX - 1);
		return NULL;
	}
	uint32_t *next = mem_alloc(references, sizeof(*next));
	uint32_t *seen = mem_alloc(trace->block_count, sizeof(*seen));
	for (uint32_t b = 0; b < trace->block_count; b++)
		seen[b] = UINT32_MAX;
	uint32_t seq = (uint32_t)references;
	for (uint32_t r = trace->request_count; r-- > 0;) {
		struct trace_run stretch;
		const struct path path = replay_path(trace, &trace->requests[r], tail_cached);
		for (struct path_walk walk = path_backward(path); path_previous(&walk, &stretch);) {
			for (uint32_t i = stretch.count; i-- > 0; seq--) {
				next[seq - 1] = seen[stretch.first + i];
				seen[stretch.first + i] = seq;
			}
		}
	}
	ASSERT(seq == 0);
	free(seen);
	return next;
}
