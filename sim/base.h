/* base.h - the words every part of kvcast shares.
 *
 * Blocks have dense ids 0..n-1, given when a trace is loaded, so that everything known of a block lives in
 * plain arrays. Simulated time is an integer count of nanoseconds; no library code reads a clock.
 *
 * ASSERT states what only a bug of ours can break. It stays on in release builds, names the event and the
 * simulated time it happened at, and aborts. Bad input is never an ASSERT: see err.h.
 */
#ifndef KVCAST_BASE_H
#define KVCAST_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t block_id;

#define BLOCK_NONE UINT32_MAX
#define TIME_NEVER_NS INT64_MAX
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/* Residency integrals (blocks x ns) pass 2^63 on a million blocks over three hours. */
__extension__ typedef unsigned __int128 u128;

/* Where the run of this thread stands; the engine keeps it current so that a failed ASSERT can say it. */
struct panic_where {
	uint64_t event;
	int64_t now_ns;
};
extern _Thread_local struct panic_where panic_where;

_Noreturn void panic_assert(const char *what, const char *file, int line);
_Noreturn void panic_memory(size_t bytes, const char *file, int line);

#define ASSERT(condition)                                                                                              \
	((__builtin_expect(!(condition), 0)) ? panic_assert(#condition, __FILE__, __LINE__) : (void)0)

/* Memory is either had or the program ends with a message that names the place: no caller can go on without it.
 * `mem_alloc` gives zeroed memory for `count` things of `size` bytes, `mem_grow` enlarges (new part not zeroed);
 * free() releases both. Neither returns NULL, also for count 0. */
#define mem_alloc(count, size) mem_alloc_at((count), (size), __FILE__, __LINE__)
#define mem_grow(old, count, size) mem_grow_at((old), (count), (size), __FILE__, __LINE__)
#define mem_copy_text(text) mem_copy_text_at((text), __FILE__, __LINE__)
void *mem_alloc_at(size_t count, size_t size, const char *file, int line);
void *mem_grow_at(void *old, size_t count, size_t size, const char *file, int line);
char *mem_copy_text_at(const char *text, const char *file, int line);

static inline uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
