/* resume.h - the file that a sweep's rows reach as they finish, so that an interrupted sweep can be completed.
 *
 * A line is a JSON object. Each trace's sweep has one that says what it is, and one a finished point, in the order in which
 * they finished:
 *
 *   {"kvcast_sweep": 0, "points": 12, "settings": {"trace": "a.jsonl", "--evict": "lru,sieve", ...}}
 *   {"sweep": 0, "point": 3, "row": "a.jsonl,lru,..."}
 *
 * A row is written with one call, so whatever kills the program, all lines but the last are whole; a last line without its
 * line end is dropped when the file is opened again. resume_sync makes rows survive the machine's end, too. A file whose settings differ from those of
 * the sweep at hand is another sweep's and is refused, as is one that another process has open (where the file system has
 * locks).
 */
#ifndef KVCAST_RESUME_H
#define KVCAST_RESUME_H

#include "base.h"
#include "err.h"

#include <jansson.h>

struct resume;

/* Opens `path`, or makes it. NULL and a sentence where it cannot be written, is in use, or is no such file: then it is as it
 * was. */
struct resume *resume_open(const char *path, struct err *err);
/* Goes on to the next sweep: puts the rows that are there into known[points], for the caller to free, and NULL elsewhere.
 * `settings`, an object of texts, is everything that the rows depend on. -1 and a sentence (then `known` holds nothing). */
int resume_sweep(struct resume *resume, const json_t *settings, size_t points, char **known, struct err *err);
/* Saves a row of that sweep. One call at a time. */
int resume_add(struct resume *resume, size_t point, const char *row, struct err *err);
/* Waits until the rows are on the disk, unless another thread does: that one then waits for the rows of both. */
int resume_sync(struct resume *resume, struct err *err);
void resume_close(struct resume *resume);

#endif
