/* rows.h - what becomes of a sweep's points: which are taken, which are done, and their rows in order.
 *
 * A point is taken once and done once; its row is the text that is printed of it. Rows come in any order and are handed on in
 * the order of points, each as soon as it and all before it are there. Rows of an earlier, interrupted run can be there from
 * the start: their points are not given out again. A row that is to be saved (resume.h) is, before it is handed on.
 *
 * The first failure ends the sweep: from then on no point is given out, and no row is saved or handed on.
 *
 * All functions but open and close may be called by several threads at once.
 */
#ifndef KVCAST_ROWS_H
#define KVCAST_ROWS_H

#include "base.h"
#include "err.h"

struct resume;
struct rows;

struct rows_sink {
	struct resume *resume; /* NULL: rows are not saved */
	/* Both are called by one thread at a time. */
	void (*on_row)(void *context, const char *row);
	/* `fresh` of the `done` points were not there from the start. May be NULL. */
	void (*on_progress)(void *context, size_t done, size_t fresh, size_t total);
	void *context;
};

/* `known` has a text or NULL for each point; the texts become the rows'. Those at the beginning are handed on at once. */
struct rows *rows_open(size_t points, char *const *known, const struct rows_sink *sink);
/* A point that nobody has had, the first there is; the number of points when none is left. */
size_t rows_take(struct rows *rows);
/* Takes `row` over. */
void rows_put(struct rows *rows, size_t point, char *row);
/* Ends the sweep for want of what another part of it, which tells the reason itself, should have done. */
void rows_stop(struct rows *rows);
/* -1 and a sentence where a row could not be saved. */
int rows_close(struct rows *rows, struct err *err);

#endif
