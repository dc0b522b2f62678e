/* fenwick.h - sums over the places after a given one, while single places change: a Fenwick tree.
 *
 * Places 0..count-1 hold numbers >= 0, at first 0; their sum stays below 2^63. Both calls take O(log count).
 * Source: Fenwick, A new data structure for cumulative frequency tables, Software: Practice and Experience 24, 1994.
 */
#ifndef KVCAST_FENWICK_H
#define KVCAST_FENWICK_H

#include "base.h"

struct fenwick {
	uint64_t *sums; /* [count + 1] */
	uint64_t whole;
	uint32_t count;
};

struct fenwick fenwick_open(uint32_t count);
void fenwick_free(struct fenwick *fenwick);
void fenwick_add(struct fenwick *fenwick, uint32_t place, int64_t change);
/* The sum over the places behind `place`. */
uint64_t fenwick_after(const struct fenwick *fenwick, uint32_t place);

#endif
