#include "window.h"

#include <stdlib.h>
#include <string.h>

void window_open(struct window *window, uint32_t series, uint32_t most)
{
	ASSERT(most > 0);
	*window = (struct window){
	        .most = most,
	        .ring = mem_alloc((size_t)series * most, sizeof(double)),
	        .sorted = mem_alloc((size_t)series * most, sizeof(double)),
	        .count = mem_alloc(series, sizeof(uint32_t)),
	        .next = mem_alloc(series, sizeof(uint32_t)),
	};
}

void window_close(struct window *window)
{
	free(window->ring);
	free(window->sorted);
	free(window->count);
	free(window->next);
}

/* How many of the ascending values are less than `value`. */
static uint32_t rank_of(const double *sorted, uint32_t count, double value)
{
	uint32_t low = 0, high = count;
	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		if (sorted[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void window_add(struct window *window, uint32_t series, double value)
{
	double *const ring = window->ring + (size_t)series * window->most;
	double *const sorted = window->sorted + (size_t)series * window->most;
	uint32_t *const count = &window->count[series], *const next = &window->next[series];
	if (*count == window->most) {
		const uint32_t out = rank_of(sorted, *count, ring[*next]);
		memmove(sorted + out, sorted + out + 1, (--*count - out) * sizeof(*sorted));
	}
	const uint32_t in = rank_of(sorted, *count, value);
	memmove(sorted + in + 1, sorted + in, (*count - in) * sizeof(*sorted));
	sorted[in] = value;
	++*count;
	ring[*next] = value;
	*next = (*next + 1) % window->most;
}
