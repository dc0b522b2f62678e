/* golden_kinds.h - what rows of the golden table can be: runs, points of whole curves, and bills of providers.
 *
 * A kind has a header of its own, which begins its rows in the file: the trace's name, the rest of the configuration, the whole
 * numbers that come of it, and the source.
 */
#ifndef KVCAST_GOLDEN_KINDS_H
#define KVCAST_GOLDEN_KINDS_H

#include "trace.h"

#define GOLDEN_COLUMNS_MOST 24

struct golden_kind {
	const char *header;
	size_t keys, columns; /* the first `keys` columns are the configuration, the last one is the source */
	/* Fills in got[keys] to got[columns - 2]; 0, or -1 and a sentence. */
	int (*run)(const struct trace *trace, char *const *cells, uint64_t *got, struct err *err);
};

extern const struct golden_kind golden_kinds[];
extern const size_t golden_kind_count;

#endif
