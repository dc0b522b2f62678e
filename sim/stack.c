#include "stack.h"

#include "fenwick.h"

#include <stdlib.h>
#include <string.h>

/* Places whose bits share a cache line. */
#define GROUP_PLACES 512
#define GROUP_WORDS (GROUP_PLACES / 64)
#define NOWHERE UINT32_MAX
/* References looked ahead, so that their lines are there when their turn comes. */
#define AHEAD 12

struct stack {
	uint32_t block_count, places;
	uint32_t *place; /* of each block's last use */
	block_id *block; /* by place */
	uint64_t *bits;
	struct fenwick before; /* bits of each group that is full */
	uint32_t next, used;
	uint32_t group_used; /* bits in the group that `next` is in */
};

struct stack *stack_open(uint32_t block_count)
{
	struct stack *stack = mem_alloc(1, sizeof(*stack));
	const uint64_t wanted = ((uint64_t)block_count * 2 / GROUP_PLACES + 2) * GROUP_PLACES;
	stack->block_count = block_count;
	stack->places = (uint32_t)(wanted < NOWHERE ? wanted : NOWHERE / GROUP_PLACES * GROUP_PLACES);
	stack->place = mem_alloc(block_count, sizeof(*stack->place));
	memset(stack->place, 0xff, block_count * sizeof(*stack->place));
	stack->block = mem_alloc(stack->places, sizeof(*stack->block));
	stack->bits = mem_alloc(stack->places / 64, sizeof(*stack->bits));
	stack->before = fenwick_open(stack->places / GROUP_PLACES);
	return stack;
}

void stack_close(struct stack *stack)
{
	free(stack->place);
	free(stack->block);
	free(stack->bits);
	fenwick_free(&stack->before);
	free(stack);
}

static void put(struct stack *stack, block_id b)
{
	const uint32_t place = stack->next++;
	stack->place[b] = place;
	stack->block[place] = b;
	stack->bits[place / 64] |= UINT64_C(1) << place % 64;
	stack->group_used++;
	if (stack->next % GROUP_PLACES == 0) {
		fenwick_add(&stack->before, place / GROUP_PLACES, stack->group_used);
		stack->group_used = 0;
	}
}

/* Moves the places in use together. */
static void compact(struct stack *stack)
{
	const uint32_t end = stack->next;
	fenwick_free(&stack->before);
	stack->before = fenwick_open(stack->places / GROUP_PLACES);
	stack->next = stack->group_used = 0;
	for (uint32_t word = 0; word < end / 64; word++) {
		uint64_t bits = stack->bits[word];
		stack->bits[word] = 0;
		/* What is put lies at or before what was taken. */
		for (; bits; bits &= bits - 1)
			put(stack, stack->block[word * 64 + (uint32_t)__builtin_ctzll(bits)]);
	}
}

/* Bits behind `place` in its group. */
static uint32_t behind_in_group(const struct stack *stack, uint32_t place)
{
	const uint32_t last = place / GROUP_PLACES * GROUP_WORDS + GROUP_WORDS - 1;
	uint32_t word = place / 64;
	/* Shifted twice, as a shift by 64 would be none. */
	uint32_t count = (uint32_t)__builtin_popcountll(stack->bits[word] >> place % 64 >> 1);
	while (word++ < last)
		count += (uint32_t)__builtin_popcountll(stack->bits[word]);
	return count;
}

uint32_t stack_use(struct stack *stack, block_id b)
{
	uint32_t rank = STACK_NEVER;
	if (stack->next == stack->places)
		compact(stack);
	const uint32_t place = stack->place[b];
	if (place == NOWHERE) {
		stack->used++;
	} else {
		const uint32_t group = place / GROUP_PLACES;
		rank = behind_in_group(stack, place);
		stack->bits[place / 64] &= ~(UINT64_C(1) << place % 64);
		if (group == stack->next / GROUP_PLACES) {
			stack->group_used--;
		} else {
			rank += stack->group_used + (uint32_t)fenwick_after(&stack->before, group);
			fenwick_add(&stack->before, group, -1);
		}
	}
	put(stack, b);
	return rank;
}

void stack_use_all(struct stack *stack, const block_id *refs, size_t count, uint32_t *ranks)
{
	for (size_t i = 0; i < count; i++) {
		if (i + 2 * AHEAD < count)
			__builtin_prefetch(&stack->place[refs[i + 2 * AHEAD]]);
		if (i + AHEAD < count && stack->place[refs[i + AHEAD]] != NOWHERE)
			__builtin_prefetch(&stack->bits[stack->place[refs[i + AHEAD]] / GROUP_PLACES * GROUP_WORDS]);
		ranks[i] = stack_use(stack, refs[i]);
	}
}
