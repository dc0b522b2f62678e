/* evict_sieve.c - SIEVE: a hand that moves from old to new, takes the first block not used since it last came by and
 * leaves the others where they are.
 *
 * A hit marks a block; that is all it does. The hand starts at the oldest block; a marked block loses its mark and
 * stays, an unmarked one goes, and the hand waits at the next newer one. From the newest it goes back to the oldest.
 * New blocks come in at the new end, wherever the hand is. Blocks that are in use, or have children in leaf scope, are
 * stepped over and keep their marks. On prefix traces of an hour the hand may never complete a lap; then the rule
 * equals lfu to the last hit (POLICIES C). Source: Zhang et al., NSDI 2024; POLICIES C, E7.
 */
#include "queues.h"

#include <stdlib.h>

struct sieve {
	const struct evict_env *env;
	struct queues q;
	uint8_t *marked;
};

static void *sieve_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	struct sieve *p = mem_alloc(1, sizeof(*p));
	p->env = env;
	queues_open(&p->q, env, 1, &env->capacity_blocks, QUEUES_ROOMY);
	p->marked = mem_alloc(env->block_count, sizeof(*p->marked));
	return p;
}

static void sieve_close(void *state)
{
	struct sieve *p = state;
	queues_close(&p->q);
	free(p->marked);
	free(p);
}

static inline void sieve_hit(struct sieve *p, block_id b)
{
	p->marked[b] = 1;
}

static inline void sieve_insert(struct sieve *p, block_id b)
{
	p->marked[b] = 0;
	queues_join(&p->q, 0, b);
}

static inline void sieve_busy(struct sieve *p, block_id b)
{
	queues_set_busy(&p->q, b);
}

static inline void sieve_idle(struct sieve *p, block_id b)
{
	queues_set_idle(&p->q, b);
}

/* Where no newer block is left for the hand to wait at, it goes back to the oldest: not to one that is yet to come. */
static inline void settle_hand(struct sieve *p)
{
	struct queue *queue = &p->q.queue[0];
	if (queues_next(&p->q, queue, queue->hand) >= queue->back)
		queue->hand = queue->front;
}

static inline void sieve_remove(struct sieve *p, block_id b)
{
	queues_take(&p->q, 0, b);
	settle_hand(p);
}

static inline block_id sieve_evict(struct sieve *p, block_id in)
{
	(void)in;
	struct queue *queue = &p->q.queue[0];
	for (;;) {
		uint64_t at = queues_seek(&p->q, 0, queue->hand);
		if (at >= queue->back)
			at = queues_seek(&p->q, 0, queue->front);
		if (at >= queue->back)
			return BLOCK_NONE;
		const uint32_t slot = queues_slot(queue, at);
		const block_id b = p->q.at[slot], soon = queues_peek(&p->q, 0, at);
		__builtin_prefetch(&p->marked[soon], 1);
		__builtin_prefetch(&p->env->resident[soon], 1);
		queue->hand = at + 1;
		if (!p->marked[b]) {
			queues_take_from(&p->q, 0, b, slot);
			settle_hand(p);
			return b;
		}
		p->marked[b] = 0;
	}
}

#define EVICT                sieve
#define EVICT_OBJECT(p)      ((p)->q.plain && !(p)->q.by_name)
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
    .state_bytes = 38,
    .open = sieve_open,
    .close = sieve_close,
    .hit = sieve_hit_run,
    .busy = sieve_busy_run,
    .idle = sieve_idle_run,
    EVICT_HOOKS(sieve),
};
