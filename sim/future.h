/* future.h - what offline policies know: the next request that refers to each block of a path.
 *
 * For a path the answer is the same over long stretches of blocks, so it is kept as (blocks, next request) pieces: the
 * 45.7 M references of an agent trace need a few hundred thousand. Built by one pass from the last request to the first.
 */
#ifndef KVCAST_FUTURE_H
#define KVCAST_FUTURE_H

#include "path.h"

struct future;

/* `tail_cached` as in struct run_config: whether partial tails are references. */
struct future *future_open(const struct trace *trace, bool tail_cached);
void future_close(struct future *future);
/* Writes next_use[b] for every block of request `index`'s path: the next request's seq, which is its index + 1, or
 * UINT32_MAX. */
void future_show(const struct future *future, uint32_t index, struct path path, uint32_t *next_use);

/* Object semantics: for every reference of the trace, in service order, the seq of the next access to the same block
 * (seq counts accesses from 1), or UINT32_MAX. The caller frees it. NULL and a sentence past 2^32 - 2 references. */
uint32_t *future_objects(const struct trace *trace, bool tail_cached, struct err *err);

#endif
