/* evict_sieve.c - SIEVE: a hand that moves from old to new, takes the first block not used since it last came by and
 * leaves the others where they are.
 *
 * A hit marks a block; that is all it does. The hand starts at the oldest block; a marked block loses its mark and
 * stays, an unmarked one goes, and the hand waits at the next newer one. From the newest it goes back to the oldest.
 * New blocks come in at the new end, wherever the hand is. Blocks that are in use, or have children in leaf scope, are
 * stepped over and keep their marks. Under object semantics, where every block may go, the queue is a plain row. On
 * prefix traces of an hour the hand may never complete a lap; then the rule equals lfu to the last hit (POLICIES C).
 * Source: Zhang et al., NSDI 2024; POLICIES C, E7.
 */
#include "queues.h"

#include <stdlib.h>

struct sieve {
	const struct evict_env *env;
	uint8_t *marked; /* HOLE for the id that stands for a hole */
	block_id *row;   /* object semantics without TTL, from old to new, as what follows; else NULL */
	uint32_t held, end, hand;
	block_id hole;
	struct queues *q; /* otherwise; else NULL */
};

#define HOLE  2
#define AHEAD 16 /* how far the hand looks for what it will come to */

static void *sieve_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	struct sieve *p = mem_alloc(1, sizeof(*p));
	*p = (struct sieve){.env = env, .hole = env->block_count};
	p->marked = mem_alloc((size_t)env->block_count + 1, sizeof(*p->marked));
	p->marked[p->hole] = HOLE;
	if (env->never_busy) {
		const uint64_t end = 4 * (uint64_t)env->capacity_blocks + AHEAD;
		p->end = end < UINT32_MAX ? (uint32_t)end : UINT32_MAX;
		p->row = mem_alloc((size_t)p->end + AHEAD, sizeof(*p->row));
	} else {
		p->q = mem_alloc(1, sizeof(*p->q));
		queues_open(p->q, env, 1, &env->capacity_blocks, QUEUES_ROOMY);
	}
	return p;
}

static void sieve_close(void *state)
{
	struct sieve *p = state;
	if (p->q)
		queues_close(p->q);
	free(p->q);
	free(p->row);
	free(p->marked);
	free(p);
}

static inline void sieve_hit(struct sieve *p, block_id b)
{
	p->marked[b] = 1;
}

/* Moves the blocks of the row together; returns how many they are. */
static uint32_t close_holes(block_id *row, uint32_t count, block_id hole, uint32_t *hand)
{
	uint32_t to = 0, hand_to = 0;
	for (uint32_t from = 0; from < count; from++) {
		if (from == *hand)
			hand_to = to;
		if (row[from] != hole)
			row[to++] = row[from];
	}
	*hand = hand_to;
	return to;
}

static inline void sieve_insert(struct sieve *p, block_id b)
{
	p->marked[b] = 0;
	if (!p->row) {
		queues_join(p->q, 0, b);
		return;
	}
	if (p->held == p->end) {
		uint32_t hand = p->hand;
		p->held = close_holes(p->row, p->held, p->hole, &hand);
		p->hand = hand;
	}
	p->row[p->held++] = b;
}

static inline void sieve_busy(struct sieve *p, block_id b)
{
	if (!p->row)
		queues_set_busy(p->q, b);
}

static inline void sieve_idle(struct sieve *p, block_id b)
{
	if (!p->row)
		queues_set_idle(p->q, b);
}

/* Where no newer block is left for the hand to wait at, it goes back to the oldest: not to one that is yet to come. */
static inline void settle_hand(struct sieve *p)
{
	struct queue *queue = &p->q->queue[0];
	if (queues_next(p->q, queue, queue->hand) >= queue->back)
		queue->hand = queue->front;
}

static inline void sieve_remove(struct sieve *p, block_id b)
{
	queues_take(p->q, 0, b);
	settle_hand(p);
}

static inline uint32_t step_in_row(struct sieve *p)
{
	const uint32_t at = p->hand;
	p->hand = at + 1 == p->held ? 0 : at + 1;
	return at;
}

static inline block_id evict_in_row(struct sieve *p)
{
	uint32_t at;
	block_id b;
	for (at = step_in_row(p); p->marked[b = p->row[at]]; at = step_in_row(p))
		p->marked[b] &= HOLE;
	p->row[at] = p->hole;
	const block_id soon = p->row[p->hand + AHEAD];
	__builtin_prefetch(&p->marked[soon], 1);
	__builtin_prefetch(&p->env->resident[soon], 1);
	return b;
}

static inline block_id sieve_evict(struct sieve *p, block_id in)
{
	(void)in;
	if (p->row)
		return evict_in_row(p);
	struct queue *queue = &p->q->queue[0];
	for (;;) {
		uint64_t at = queues_seek(p->q, 0, queue->hand);
		if (at >= queue->back)
			at = queues_seek(p->q, 0, queue->front);
		if (at >= queue->back)
			return BLOCK_NONE;
		const uint32_t slot = queues_slot(queue, at);
		const block_id b = p->q->at[slot];
		queue->hand = at + 1;
		if (!p->marked[b]) {
			queues_take_from(p->q, 0, b, slot);
			settle_hand(p);
			return b;
		}
		p->marked[b] = 0;
	}
}

#define EVICT sieve
#define EVICT_SMALL
#define EVICT_OBJECT(p)      ((p)->row)
#define EVICT_PREFETCH(p, b) __builtin_prefetch(&(p)->marked[b], 1)
#include "evict_hooks.h"

const struct evict_ops evict_sieve = {
    .name = "sieve",
    .rule = "the first block, from the hand towards newer ones, that was not used since the hand last came by",
    .detail = "With room for 3 blocks, requests A, B, C, A, D: when D comes the hand is at A, which has been used; its "
	      "mark is cleared and B goes. The hand waits at C, so E takes the place of C, and F that of D, although "
	      "A is older and has no mark left: the hand gets to A again when it has been to the newest.",
    .source = "Zhang et al., NSDI 2024; libCacheSim Sieve.c",
    .cost = "O(1) amortized",
    .state_bytes = 22,
    .open = sieve_open,
    .close = sieve_close,
    .hit = sieve_hit_run,
    .busy = sieve_busy_run,
    .idle = sieve_idle_run,
    EVICT_HOOKS(sieve),
};
