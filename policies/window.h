/* window.h - the latest values of each of several series, held in ascending order.
 *
 * A series keeps its last `most` values: a ring in order of coming and the same values sorted. Adding one costs
 * O(log most) to find its place and a move of at most `most` doubles.
 */
#ifndef KVCAST_WINDOW_H
#define KVCAST_WINDOW_H

#include "base.h"

struct window {
	uint32_t most;
	double *ring, *sorted; /* [series][most] */
	uint32_t *count, *next; /* [series]; place in the ring that comes next */
};

void window_open(struct window *window, uint32_t series, uint32_t most);
void window_close(struct window *window);
void window_add(struct window *window, uint32_t series, double value);

static inline uint32_t window_count(const struct window *window, uint32_t series)
{
	return window->count[series];
}

/* The values in ascending order. */
static inline const double *window_sorted(const struct window *window, uint32_t series)
{
	return window->sorted + (size_t)series * window->most;
}

#endif
