/* evict_clock.c - second chance: first in, first out, but a block used since the hand last passed it goes round again.
 *
 * Each block has a counter that a hit raises, to at most 2^bits - 1 (one bit: used or not). The hand takes the oldest
 * block: where the counter is 0 it goes, else the counter is lowered and the block passes as if it had just come.
 * Blocks that are in use, or have children in leaf scope, are stepped over: they keep counter and place. The circle
 * with its hand is kept as a queue whose front is where the hand stands; under object semantics, where every block may
 * go, as what it is: a circle in which a new block takes the victim's place. Source: textbook (Corbato 1968);
 * libCacheSim's Clock for its place of insertion (behind the hand), POLICIES C, E7.
 */
#include "queues.h"

#include <stdlib.h>

struct clock {
	const struct evict_env *env;
	uint8_t *uses;
	uint8_t most;
	block_id *circle; /* object semantics without TTL, as what follows; else NULL */
	uint32_t held, hand;
	struct queues *q; /* otherwise; else NULL */
};

#define AHEAD 16 /* how far the hand looks for what it will come to */

static const struct param clock_params[] = {
    {"bits", PARAM_INT, "1", 1, 8, NULL, "bits of a block's counter; 1: used or not"},
    {.name = NULL},
};

static void *clock_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct clock *p = mem_alloc(1, sizeof(*p));
	*p = (struct clock){.env = env, .most = (uint8_t)((1u << values[0].integer) - 1)};
	if (env->never_busy) {
		p->circle = mem_alloc((size_t)env->capacity_blocks + AHEAD, sizeof(*p->circle));
	} else {
		p->q = mem_alloc(1, sizeof(*p->q));
		queues_open(p->q, env, 1, &env->capacity_blocks, 0);
	}
	p->uses = mem_alloc(env->block_count, sizeof(*p->uses));
	return p;
}

static void clock_close(void *state)
{
	struct clock *p = state;
	if (p->q)
		queues_close(p->q);
	free(p->q);
	free(p->circle);
	free(p->uses);
	free(p);
}

static inline void clock_hit(struct clock *p, block_id b)
{
	p->uses[b] = (uint8_t)(p->uses[b] + (p->uses[b] < p->most));
}

static inline void step(struct clock *p)
{
	if (++p->hand == p->env->capacity_blocks)
		p->hand = 0;
}

static inline void clock_insert(struct clock *p, block_id b)
{
	p->uses[b] = 0;
	if (!p->circle) {
		queues_join(p->q, 0, b);
	} else if (p->held < p->env->capacity_blocks) {
		p->circle[p->held++] = b;
	} else {
		p->circle[p->hand] = b;
		step(p);
	}
}

static inline void clock_busy(struct clock *p, block_id b)
{
	if (!p->circle)
		queues_set_busy(p->q, b);
}

static inline void clock_idle(struct clock *p, block_id b)
{
	if (!p->circle)
		queues_set_idle(p->q, b);
}

static inline void clock_remove(struct clock *p, block_id b)
{
	queues_take(p->q, 0, b);
}

/* The hand stops at the victim, for the block that comes next to take its place. */
static inline block_id evict_in_circle(struct clock *p)
{
	for (block_id b; p->uses[b = p->circle[p->hand]] != 0; step(p))
		p->uses[b]--;
	const block_id soon = p->circle[p->hand + AHEAD];
	__builtin_prefetch(&p->uses[soon], 1);
	__builtin_prefetch(&p->env->resident[soon], 1);
	return p->circle[p->hand];
}

static inline block_id clock_evict(struct clock *p, block_id in)
{
	(void)in;
	if (p->circle)
		return evict_in_circle(p);
	for (block_id b; (b = queues_pop(p->q, 0)) != BLOCK_NONE;) {
		if (p->uses[b] == 0)
			return b;
		p->uses[b]--;
		queues_append(p->q, 0, b, true);
	}
	return BLOCK_NONE;
}

#define EVICT clock
#define EVICT_SMALL
#define EVICT_OBJECT(p)      ((p)->circle)
#define EVICT_PREFETCH(p, b) __builtin_prefetch(&(p)->uses[b], 1)
#include "evict_hooks.h"

const struct evict_ops evict_clock = {
    .name = "clock",
    .rule = "the oldest block not used since the hand last passed it; those that were used go round again",
    .detail = "With room for 3 blocks, requests A, B, C, A, D: when D comes the hand is at A, which has been used; its "
	      "bit is "
	      "cleared and the hand goes on to B, which goes. The next new block E takes the place of C, and F that of "
	      "A, which was not used again.",
    .source = "textbook (Corbato 1968); libCacheSim Clock.c",
    .cost = "O(1) amortized",
    .state_bytes = 22,
    .params = clock_params,
    .open = clock_open,
    .close = clock_close,
    .hit = clock_hit_run,
    .busy = clock_busy_run,
    .idle = clock_idle_run,
    EVICT_HOOKS(clock),
};
