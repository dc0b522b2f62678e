/* tally.h - sums over the places after a given one, while single places change: a Fenwick tree.
 *
 * Places 0..count-1 hold numbers >= 0, at first 0; their sum stays below 2^63. Both calls take O(log count).
 * Source: Fenwick, A new data structure for cumulative frequency tables, Software: Practice and Experience 24, 1994.
 */
#ifndef KVCAST_TALLY_H
#define KVCAST_TALLY_H

#include "base.h"

struct tally {
	uint64_t *sums; /* [count + 1] */
	uint64_t whole;
	uint32_t count;
};

struct tally tally_open(uint32_t count);
void tally_free(struct tally *tally);
void tally_add(struct tally *tally, uint32_t place, int64_t change);
/* The sum over the places behind `place`. */
uint64_t tally_after(const struct tally *tally, uint32_t place);

#endif
