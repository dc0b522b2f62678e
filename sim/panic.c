/* panic.c - the two ends a run may come to that are not its caller's to handle: a broken invariant and no memory.
 * The only file of the library that prints or ends the process. */
#include "base.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Thread_local struct panic_where panic_where;

void panic_assert(const char *what, const char *file, int line)
{
	fprintf(stderr, "kvcast: bug: %s does not hold at %s:%d (event %" PRIu64 ", time %" PRId64 " ns). Please report it.\n",
	        what, file, line, panic_where.event, panic_where.now_ns);
	abort();
}

void panic_memory(size_t bytes, const char *file, int line)
{
	fprintf(stderr, "kvcast: no memory for %zu bytes at %s:%d.\n", bytes, file, line);
	exit(1);
}

void *mem_alloc_at(size_t count, size_t size, const char *file, int line)
{
	void *memory = calloc(count ? count : 1, size ? size : 1);
	if (!memory)
		panic_memory(count * size, file, line);
	return memory;
}

void *mem_grow_at(void *old, size_t count, size_t size, const char *file, int line)
{
	size_t bytes;
	if (__builtin_mul_overflow(count ? count : 1, size ? size : 1, &bytes))
		panic_memory(SIZE_MAX, file, line);
	void *memory = realloc(old, bytes);
	if (!memory)
		panic_memory(bytes, file, line);
	return memory;
}

char *mem_copy_text_at(const char *text, const char *file, int line)
{
	size_t bytes = strlen(text) + 1;
	return memcpy(mem_alloc_at(bytes, 1, file, line), text, bytes);
}
