/* scratch.h - a folder of its own for each test program, and traces written into it.
 *
 * scratch_enter and scratch_leave are cmocka group fixtures: the first makes the folder and moves into it, the second
 * removes it with all it holds, so that tests use plain names and sentences are the same everywhere.
 */
#ifndef KVCAST_SCRATCH_H
#define KVCAST_SCRATCH_H

#include "trace.h"

int scratch_enter(void **state);
int scratch_leave(void **state);

void scratch_write(const char *name, const void *data, size_t size);
void scratch_write_gz(const char *name, const void *data, size_t size);
/* The whole file, to be freed. */
unsigned char *scratch_read(const char *name, size_t *size);
/* How many names the folder holds. */
size_t scratch_count(void);

/* Loads `text` as the file "t.jsonl"; `block_tokens` as in trace_load_options. NULL and a sentence on failure. */
struct trace *scratch_try(const char *text, uint32_t block_tokens, struct err *err);
/* The same, where a failure fails the test. */
struct trace *scratch_trace(const char *text);

/* The path of the request at `index`, and its answer, as "0+3 7+1 | 8+2" (first + count). In a static buffer. */
const char *scratch_path(const struct trace *trace, uint32_t index);

#endif
