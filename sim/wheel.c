#include "wheel.h"

#include <stdlib.h>

void wheel_open(struct wheel *wheel, uint32_t block_count)
{
	*wheel = (struct wheel){
	        .block_count = block_count,
	        .key_ns = mem_alloc(block_count, sizeof(*wheel->key_ns)),
	        .links = list_open(block_count, WHEEL_LEVELS * WHEEL_SLOTS),
	};
	for (uint32_t b = 0; b < block_count; b++)
		wheel->key_ns[b] = WHEEL_OUT;
}

void wheel_close(struct wheel *wheel)
{
	free(wheel->key_ns);
	free(wheel->links);
}

/* Puts the chain first..last, whose keys are equal, where that key belongs, at the back. */
static void deal(struct wheel *wheel, block_id first, block_id last)
{
	const uint64_t key = (uint64_t)wheel->key_ns[first];
	const uint64_t differs = key ^ (uint64_t)wheel->from_ns;
	const uint32_t level = differs ? (63 - (uint32_t)__builtin_clzll(differs)) / WHEEL_DIGIT_BITS : 0;
	const uint32_t slot = (uint32_t)(key >> level * WHEEL_DIGIT_BITS) % WHEEL_SLOTS;
	const block_id head = wheel->block_count + level * WHEEL_SLOTS + slot, back = wheel->links[head].prev;
	wheel->used_slots[level] |= UINT64_C(1) << slot;
	wheel->links[back].next = first;
	wheel->links[first].prev = back;
	wheel->links[last].next = head;
	wheel->links[head].prev = last;
}

void wheel_put(struct wheel *wheel, block_id b, int64_t key_ns, block_id parent)
{
	ASSERT(wheel->key_ns[b] == WHEEL_OUT && wheel->from_ns <= key_ns && key_ns < WHEEL_OUT);
	wheel->key_ns[b] = key_ns;
	if (parent != BLOCK_NONE && wheel->key_ns[parent] == key_ns)
		list_put_before(wheel->links, parent, b);
	else
		deal(wheel, b, b);
}

void wheel_take(struct wheel *wheel, block_id b)
{
	const block_id beside = wheel->links[b].prev;
	wheel->key_ns[b] = WHEEL_OUT;
	list_take(wheel->links, b);
	if (beside >= wheel->block_count && list_empty(wheel->links, beside)) {
		const uint32_t at = beside - wheel->block_count;
		wheel->used_slots[at / WHEEL_SLOTS] &= ~(UINT64_C(1) << at % WHEEL_SLOTS);
	}
}

/* Deals the blocks of a slot out to lower levels, from_ns moving up to the earliest of them or to just below `before_ns`,
 * which lies in or beyond the slot's range. */
static void deal_out(struct wheel *wheel, uint32_t level, uint32_t slot, int64_t before_ns)
{
	const block_id head = wheel->block_count + level * WHEEL_SLOTS + slot;
	struct link *links = wheel->links;
	wheel->from_ns = before_ns - 1;
	for (block_id b = links[head].next; b != head; b = links[b].next) {
		if (wheel->key_ns[b] < wheel->from_ns)
			wheel->from_ns = wheel->key_ns[b];
	}
	wheel->used_slots[level] &= ~(UINT64_C(1) << slot);
	block_id b = links[head].next;
	links[head] = (struct link){head, head};
	while (b != head) {
		block_id last = b, next;
		while ((next = links[last].next) != head && wheel->key_ns[next] == wheel->key_ns[b])
			last = next;
		deal(wheel, b, last);
		b = next;
	}
}

/* The lowest level in use; WHEEL_LEVELS if none is. */
static uint32_t lowest_level(const struct wheel *wheel)
{
	uint32_t level = 0;
	while (level < WHEEL_LEVELS && wheel->used_slots[level] == 0)
		level++;
	return level;
}

int64_t wheel_first_ns(const struct wheel *wheel)
{
	int64_t first_ns = WHEEL_OUT;
	const uint32_t level = lowest_level(wheel);
	if (level == WHEEL_LEVELS)
		return WHEEL_OUT;
	const uint32_t slot = (uint32_t)__builtin_ctzll(wheel->used_slots[level]);
	const block_id head = wheel->block_count + level * WHEEL_SLOTS + slot;
	for (block_id b = wheel->links[head].next; b != head; b = wheel->links[b].next)
		first_ns = wheel->key_ns[b] < first_ns ? wheel->key_ns[b] : first_ns;
	return first_ns;
}

/* The least key that the first slot in use of a level could hold. */
static int64_t slot_start_ns(const struct wheel *wheel, uint32_t level, uint32_t slot)
{
	const uint32_t shift = level * WHEEL_DIGIT_BITS;
	const uint64_t above = ((uint64_t)wheel->from_ns >> shift) & ~(uint64_t)(WHEEL_SLOTS - 1);
	return (int64_t)((above | slot) << shift);
}

int64_t wheel_bound_ns(const struct wheel *wheel)
{
	const uint32_t level = lowest_level(wheel);
	if (level == WHEEL_LEVELS)
		return WHEEL_OUT;
	return slot_start_ns(wheel, level, (uint32_t)__builtin_ctzll(wheel->used_slots[level]));
}

block_id wheel_next(struct wheel *wheel, int64_t before_ns, int64_t *key_ns)
{
	uint32_t level = 0;
	while (level < WHEEL_LEVELS) {
		if (wheel->used_slots[level] == 0) {
			level++;
			continue;
		}
		const uint32_t slot = (uint32_t)__builtin_ctzll(wheel->used_slots[level]);
		const int64_t start_ns = slot_start_ns(wheel, level, slot);
		if (start_ns >= before_ns)
			return BLOCK_NONE;
		if (level == 0) {
			const block_id b = wheel->links[wheel->block_count + slot].next;
			*key_ns = wheel->from_ns = start_ns;
			wheel_take(wheel, b);
			return b;
		}
		deal_out(wheel, level, slot, before_ns);
		level = 0;
	}
	return BLOCK_NONE;
}
