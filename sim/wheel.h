/* wheel.h - blocks in order of a time: a hierarchical timing wheel, for keys that are never earlier than what came out.
 *
 * A block's key and `from_ns`, a time no key is earlier than, are read as numbers to the base 64. The block stands in the
 * slot of the highest digit in which the two differ (level) and of the value its key has there (slot), so the first slot in use
 * of the lowest level in use holds the earliest keys. When its turn comes, `from_ns` moves up to the earliest of them and the
 * slot is dealt out to lower levels; a slot of level 0 holds one key only.
 *
 * Equal keys come out in the order they were put in, except that a block may ask to come before another: children come
 * before their parent, so that a path put in root to tail is peeled from its tail.
 *
 * Costs: put and take O(1); a block is dealt out at most once a level, and as equal keys travel together two or three
 * times in practice. 16 bytes a block and 6 KB.
 * Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (SOSP 1987); setting the start to the earliest key
 * is the radix heap of Ahuja, Mehlhorn, Orlin and Tarjan (JACM 1990).
 */
#ifndef KVCAST_WHEEL_H
#define KVCAST_WHEEL_H

#include "list.h"

#define WHEEL_DIGIT_BITS 6
#define WHEEL_SLOTS (1u << WHEEL_DIGIT_BITS)
#define WHEEL_LEVELS 11 /* 63 bits */
/* Key of a block that is not in. */
#define WHEEL_OUT TIME_NEVER_NS

struct wheel {
	int64_t *key_ns; /* [block_count] */
	struct link *links;
	uint64_t used_slots[WHEEL_LEVELS];
	int64_t from_ns;
	uint32_t block_count;
};

void wheel_open(struct wheel *wheel, uint32_t block_count);
void wheel_close(struct wheel *wheel);
/* b is not in; from_ns <= key_ns < WHEEL_OUT. Where `parent` (BLOCK_NONE: none) is in under the same key, b comes right
 * before it. */
void wheel_put(struct wheel *wheel, block_id b, int64_t key_ns, block_id parent);
/* Takes b, which is in, out. */
void wheel_take(struct wheel *wheel, block_id b);
/* The earliest key; WHEEL_OUT if there is none. Costs as much as there are blocks in its slot. */
int64_t wheel_first_ns(const struct wheel *wheel);
/* No key is earlier; WHEEL_OUT if there is none. O(1), and finer the closer wheel_next() has looked. */
int64_t wheel_bound_ns(const struct wheel *wheel);
/* Takes out the block with the earliest key if that lies before `before_ns`, and says the key; else BLOCK_NONE. from_ns
 * stays below `before_ns`. */
block_id wheel_next(struct wheel *wheel, int64_t before_ns, int64_t *key_ns);

#endif
