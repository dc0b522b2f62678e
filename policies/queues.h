/* queues.h - queues of blocks in which the first block that may go is found at once, also where most may not.
 *
 * Model. A block stands in at most one queue of a set. It comes in at the back and may leave from anywhere; the front
 * is the end that goes first. Each queue is a ring of slots. Positions count on for ever, and position x is slot x
 * modulo the ring's size; a block that leaves from the middle makes a hole, and when the ring is full of blocks and
 * holes the blocks move together. A bit a slot says where holes are; from the back to the end of its word all are 0.
 * Other bits (bits.h) say which slots hold a block that may go (idle, policy.h), so that blocks in use and, in leaf
 * scope, parents are stepped over in O(1), and a block keeps its place while it is busy. Where nothing is ever busy nor
 * removed (object semantics without TTL) a plain queue does without them.
 *
 * Order within a request. queues_join() is for the blocks of the request being served, which come root to tail: joining
 * one after the other they stand as a group, the deepest at its front. queues_append() puts b at the back as it is: for
 * blocks that a rule moves of its own accord, and for those that come in the order they are released in.
 *
 * Costs: O(1) for everything, amortized. 4 bytes a block, and a bit over 4 bytes a slot.
 */
#ifndef KVCAST_QUEUES_H
#define KVCAST_QUEUES_H

#include "bits.h"
#include "policy.h"

#define QUEUES_MOST 16

struct queue {
	uint64_t front, back; /* blocks stand from `front` to before `back`, where there is no hole */
	uint64_t hand;        /* a position for rules that go round; stays with its block */
	uint32_t start, mask; /* its slots: start + (position & mask); both are multiples of 64 (mask: less one) */
	uint32_t count;
	/* The last group: its first position, the depth of its last block and its request. Turned round when complete.
	 */
	uint32_t group_depth;
	uint64_t group, group_seq;
};

struct queues {
	const struct evict_env *env;
	block_id *at;     /* [slot] */
	uint32_t *slot;   /* [block] of the blocks that stand in a queue; unless plain, 0 for the others */
	uint64_t *holes;  /* a bit a slot */
	struct bits idle; /* not if plain */
	struct queue queue[QUEUES_MOST];
	bool plain;   /* nothing is ever busy or removed: whoever stands in a queue may go */
	bool by_name; /* `slot` is kept: always unless plain */
};

/* What a rule does with its queues. ROOMY: blocks leave from the middle often, so a ring gets many slots for a block,
 * to have them move together rarely. BY_NAME: the rule calls queues_take(), not only queues_pop() and
 * queues_take_from(). */
enum queues_use { QUEUES_ROOMY = 1, QUEUES_BY_NAME = 2 };

/* `most[k]`: how many blocks are ever in queue k at once; `uses`: of enum queues_use, joined by |. */
void queues_open(struct queues *q, const struct evict_env *env, uint32_t count, const uint32_t *most, unsigned uses);
void queues_close(struct queues *q);

void queues_compact(struct queues *q, struct queue *queue);
void queues_begin_group(struct queues *q, struct queue *queue);
void queues_end_group(struct queues *q, struct queue *queue);
block_id queues_front_of_group(struct queues *q, struct queue *queue);

static inline uint32_t queues_slot(const struct queue *queue, uint64_t position)
{
	return queue->start + ((uint32_t)position & queue->mask);
}

static inline void queues_put(struct queues *q, uint32_t k, block_id b, bool idle)
{
	struct queue *queue = &q->queue[k];
	if ((queue->back & 63) == 0) {
		if (queue->back - queue->front > queue->mask - 63)
			queues_compact(q, queue);
		else
			q->holes[queues_slot(queue, queue->back) >> 6] = 0;
	}
	const uint32_t slot = queues_slot(queue, queue->back++);
	q->at[slot] = b;
	if (q->by_name)
		q->slot[b] = slot;
	queue->count++;
	if (!q->plain && idle)
		bits_add(&q->idle, slot);
}

/* b, of the request being served and therefore busy, comes to the back: see "Order within a request". */
static inline void queues_join(struct queues *q, uint32_t k, block_id b)
{
	struct queue *queue = &q->queue[k];
	if (!q->plain) {
		if (queue->group_seq != q->env->now->seq || queue->group_depth >= q->env->depth[b])
			queues_begin_group(q, queue);
		queue->group_depth = q->env->depth[b];
	}
	queues_put(q, k, b, false);
}

/* b comes to the back; `idle`: whether it may go. */
static inline void queues_append(struct queues *q, uint32_t k, block_id b, bool idle)
{
	if (!q->plain)
		queues_end_group(q, &q->queue[k]);
	queues_put(q, k, b, idle);
}

/* Takes b, which stands in `slot`, out of queue k. */
static inline void queues_take_from(struct queues *q, uint32_t k, block_id b, uint32_t slot)
{
	q->holes[slot >> 6] |= UINT64_C(1) << (slot & 63);
	q->queue[k].count--;
	if (!q->plain) {
		q->slot[b] = 0;
		bits_drop(&q->idle, slot);
	}
}

/* Takes b out of queue k, in which it stands. */
static inline void queues_take(struct queues *q, uint32_t k, block_id b)
{
	queues_take_from(q, k, b, q->slot[b]);
}

/* Whether b stands in some queue; not if plain. */
static inline bool queues_has(const struct queues *q, block_id b)
{
	return q->slot[b] != 0;
}

/* b, wherever it stands, may go from now on, or no more. */
static inline void queues_set_idle(struct queues *q, block_id b)
{
	if (!q->plain)
		bits_add(&q->idle, q->slot[b]);
}

static inline void queues_set_busy(struct queues *q, block_id b)
{
	if (!q->plain)
		bits_drop(&q->idle, q->slot[b]);
}

/* The first position from `from`, which is not before the front, on where a block stands; `back` or beyond if none. */
static inline uint64_t queues_next(const struct queues *q, const struct queue *queue, uint64_t from)
{
	while (from < queue->back) {
		const uint64_t blocks = ~q->holes[queues_slot(queue, from) >> 6] >> (from & 63);
		if (blocks)
			return from + (uint32_t)__builtin_ctzll(blocks);
		from = (from | 63) + 1;
	}
	return from;
}

/* The same, among the blocks that may go. */
static inline uint64_t queues_seek(struct queues *q, uint32_t k, uint64_t from)
{
	struct queue *queue = &q->queue[k];
	if (q->plain)
		return queues_next(q, queue, from);
	if (queue->group_seq != q->env->now->seq)
		queues_end_group(q, queue);
	const uint32_t at = queues_slot(queue, from);
	uint32_t slot = bits_next(&q->idle, at);
	if (slot - queue->start > queue->mask)
		slot = bits_next(&q->idle, queue->start);
	if (slot - queue->start > queue->mask)
		return queue->back;
	return from + ((slot - at) & queue->mask);
}

/* The block at the front of queue k, whether it may go or not; BLOCK_NONE if the queue is empty. */
static inline block_id queues_front(struct queues *q, uint32_t k)
{
	struct queue *queue = &q->queue[k];
	if (queue->count == 0)
		return BLOCK_NONE;
	queue->front = queues_next(q, queue, queue->front);
	if (!q->plain && queue->front >= queue->group)
		return queues_front_of_group(q, queue);
	return q->at[queues_slot(queue, queue->front)];
}

/* The first block of queue k that may go, left in; BLOCK_NONE if there is none. */
static inline block_id queues_first(struct queues *q, uint32_t k)
{
	struct queue *queue = &q->queue[k];
	const uint64_t position = queues_seek(q, k, queue->front);
	if (position >= queue->back)
		return BLOCK_NONE;
	if (q->plain)
		queue->front = position; /* before it are holes only */
	return q->at[queues_slot(queue, position)];
}

/* Takes the first block of queue k that may go out and returns it; BLOCK_NONE if there is none. */
static inline block_id queues_pop(struct queues *q, uint32_t k)
{
	struct queue *queue = &q->queue[k];
	const uint64_t position = queues_seek(q, k, queue->front);
	if (position >= queue->back)
		return BLOCK_NONE;
	const block_id b = q->at[queues_slot(queue, position)];
	if (q->plain) {
		queue->front = position + 1;
		queue->count--;
	} else {
		queues_take(q, k, b);
	}
	return b;
}

/* For a plain queue without holes, and without a branch: b comes to the back and the block at the front, which is
 * returned, leaves; unless `moves`, neither does. */
static inline block_id queues_exchange(struct queues *q, uint32_t k, block_id b, bool moves)
{
	struct queue *queue = &q->queue[k];
	const block_id front = q->at[queues_slot(queue, queue->front)];
	q->at[queues_slot(queue, queue->back)] = b;
	queue->front += moves;
	queue->back = queue->front + queue->count;
	return front;
}

/* A block that stands a little after `position`, for asking memory what is known of it; any other where there is none.
 */
static inline block_id queues_peek(const struct queues *q, uint32_t k, uint64_t position)
{
	return q->at[queues_slot(&q->queue[k], position + 16)];
}

/* Asks memory for what is to be written when the block that will soon be at the front of queue k goes. Returns that
 * block, or any other where the queue is short. */
static inline block_id queues_prefetch_front(const struct queues *q, uint32_t k)
{
	const block_id soon = queues_peek(q, k, q->queue[k].front);
	__builtin_prefetch(&q->env->resident[soon], 1);
	return soon;
}

#endif
