/* ints.h - takes the long lists of whole numbers out of a line of JSON before the JSON parser sees it.
 *
 * Block ids and tokens are nearly all there is in a trace file, and a JSON value for each would cost ten times the memory
 * of its text and most of the time of reading. So the lists of a few fields, of the outermost object, are read here, and
 * spaces put in their place: the parser finds an empty list, every other byte where it was, and refuses what it would have
 * refused before. A list that is not all whole numbers of 64 bits, or whose key is written with escapes, is left alone.
 */
#ifndef KVCAST_INTS_H
#define KVCAST_INTS_H

#include "base.h"

#define INTS_LISTS 4

struct ints {
	int64_t *values; /* of all lists of the line */
	size_t count, capacity;
	struct {
		const char *key; /* one of those asked for */
		size_t first, count;
	} lists[INTS_LISTS];
	size_t list_count;
};

/* A zeroed struct is ready for use. */
void ints_free(struct ints *ints);

/* Takes the lists that are not empty of the fields named in `keys` (NULL ends them) out of `line`. What was taken of the
 * line before is forgotten. `line[length]` has to be NUL. */
void ints_take(struct ints *ints, const char *const *keys, char *line, size_t length);

/* The list of a field, NULL where none was taken. Valid until the next is taken or added. */
const int64_t *ints_find(const struct ints *ints, const char *key, size_t *count);

/* Room for the numbers of a field that had to be left to the parser. */
int64_t *ints_add(struct ints *ints, size_t count);

#endif
