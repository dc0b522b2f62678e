#include "queues.h"

#include <stdlib.h>

#define LEAST_SLOTS     64u
#define MOST_FREE_SLOTS (1u << 20) /* beyond what the blocks need: enough for them to move together rarely */

static uint32_t ring_size(uint32_t most, bool roomy)
{
	uint64_t wanted = (roomy ? 4 * (uint64_t)most : most + most / 8) + LEAST_SLOTS;
	if (wanted > (uint64_t)most + MOST_FREE_SLOTS)
		wanted = (uint64_t)most + MOST_FREE_SLOTS;
	uint32_t size = LEAST_SLOTS;
	while (size <= wanted)
		size *= 2;
	return size;
}

void queues_open(struct queues *q, const struct evict_env *env, uint32_t count, const uint32_t *most, unsigned uses)
{
	*q = (struct queues){.env = env, .plain = env->never_busy};
	q->by_name = !q->plain || (uses & QUEUES_BY_NAME);
	ASSERT(count <= QUEUES_MOST);
	uint64_t end = LEAST_SLOTS; /* slot 0 is nowhere */
	for (uint32_t k = 0; k < count; k++) {
		const uint32_t size = ring_size(most[k], !q->plain || (uses & QUEUES_ROOMY));
		q->queue[k] = (struct queue){.start = (uint32_t)end, .mask = size - 1, .group_seq = UINT64_MAX};
		end += size;
		ASSERT(end < BITS_NONE);
	}
	q->at = mem_alloc(end, sizeof(*q->at));
	q->holes = mem_alloc(end / 64, sizeof(*q->holes));
	if (q->by_name)
		q->slot = mem_alloc(env->block_count, sizeof(*q->slot));
	if (!q->plain)
		bits_open(&q->idle, (uint32_t)end);
}

void queues_close(struct queues *q)
{
	free(q->at);
	free(q->slot);
	free(q->holes);
	bits_close(&q->idle);
}

/* What a slot of a queue that is not plain holds. */
struct holding {
	block_id b;
	bool hole, idle;
};

static struct holding holding_at(const struct queues *q, uint32_t slot)
{
	return (struct holding){q->at[slot], q->holes[slot >> 6] >> (slot & 63) & 1, bits_has(&q->idle, slot)};
}

static void hold(struct queues *q, uint32_t slot, struct holding holding)
{
	const uint64_t bit = UINT64_C(1) << (slot & 63);
	q->at[slot] = holding.b;
	if (holding.hole) {
		q->holes[slot >> 6] |= bit;
	} else {
		q->holes[slot >> 6] &= ~bit;
		q->slot[holding.b] = slot;
	}
	if (holding.idle)
		bits_add(&q->idle, slot);
	else
		bits_drop(&q->idle, slot);
}

/* Turns the last group round, deepest first, and closes it. */
void queues_end_group(struct queues *q, struct queue *queue)
{
	const uint64_t first =
	    queue->group > queue->front ? queue->group : queue->front; /* nothing moves before the front */
	for (uint64_t i = first, j = queue->back; i + 1 < j; i++) {
		const uint32_t one = queues_slot(queue, i), other = queues_slot(queue, --j);
		const struct holding moved = holding_at(q, one);
		hold(q, one, holding_at(q, other));
		hold(q, other, moved);
	}
	queue->group = queue->back;
	queue->group_seq = UINT64_MAX;
}

void queues_begin_group(struct queues *q, struct queue *queue)
{
	queues_end_group(q, queue);
	queue->group_seq = q->env->now->seq;
}

/* The queue is nothing but a group that has not been turned round: its front is its last block. */
block_id queues_front_of_group(struct queues *q, struct queue *queue)
{
	for (;;) {
		const uint32_t last = queues_slot(queue, queue->back - 1);
		if (!holding_at(q, last).hole)
			return q->at[last];
		q->holes[last >> 6] &= ~(UINT64_C(1) << (last & 63));
		queue->back--;
	}
}

/* Moves the blocks of a queue together, towards its front. */
void queues_compact(struct queues *q, struct queue *queue)
{
	uint64_t to = queue->front, hand = UINT64_MAX, group = UINT64_MAX;
	for (uint64_t from = to; (from = queues_next(q, queue, from)) < queue->back; from++, to++) {
		const uint32_t source = queues_slot(queue, from), target = queues_slot(queue, to);
		const block_id b = q->at[source];
		if (hand == UINT64_MAX && from >= queue->hand)
			hand = to;
		if (group == UINT64_MAX && from >= queue->group)
			group = to;
		q->at[target] = b;
		q->holes[target >> 6] &= ~(UINT64_C(1) << (target & 63));
		if (q->by_name)
			q->slot[b] = target;
		if (!q->plain && source != target && bits_has(&q->idle, source)) {
			bits_drop(&q->idle, source);
			bits_add(&q->idle, target);
		}
	}
	queue->hand = hand == UINT64_MAX ? to : hand;
	queue->group = group == UINT64_MAX ? to : group;
	queue->back = to;
	q->holes[queues_slot(queue, to) >> 6] &= (UINT64_C(1) << (to & 63)) - 1;
	ASSERT(queue->back - queue->front <= queue->mask - 63);
}
