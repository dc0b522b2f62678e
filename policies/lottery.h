/* lottery.h - resident blocks in an array, those that may go in front, for rules that judge a sample instead of keeping
 * an order.
 *
 * Model. A block has a ticket as long as it is resident; what the rule scores by stands on the ticket, so that a draw
 * touches one cache line. Tickets 0 .. idle - 1 are of blocks that may go, in no order that means anything: so a sample
 * is a random first one and those at a random step from it, two draws for any number, and each as likely as the other.
 * Where no more than a sample may go it is all of them, which makes small caches exact.
 *
 * Costs: O(1) for everything. 16 bytes a block of room, 4 bytes a block. Draws come from a generator seeded with the
 * run's seed; a number below n is the upper half of draw x n, which favours none by more than n / 2^32.
 */
#ifndef KVCAST_LOTTERY_H
#define KVCAST_LOTTERY_H

#include "policy.h"

#include <gsl/gsl_rng.h>
#include <stdlib.h>

struct lottery_ticket {
	block_id block;
	uint32_t note;  /* the rule's */
	uint64_t since; /* the rule's */
};

struct lottery {
	const struct evict_env *env;
	gsl_rng *rng;
	struct lottery_ticket *tickets;
	uint32_t *place; /* [block] of the resident ones */
	uint32_t idle, count;
};

static inline void lottery_open(struct lottery *lottery, const struct evict_env *env)
{
	*lottery = (struct lottery){.env = env, .rng = gsl_rng_alloc(gsl_rng_taus2)};
	if (!lottery->rng)
		panic_memory(gsl_rng_taus2->size, __FILE__, __LINE__);
	gsl_rng_set(lottery->rng, (unsigned long)env->seed);
	lottery->tickets = mem_alloc(env->capacity_blocks, sizeof(*lottery->tickets));
	lottery->place = mem_alloc(env->block_count, sizeof(*lottery->place));
}

static inline void lottery_close(struct lottery *lottery)
{
	gsl_rng_free(lottery->rng);
	free(lottery->tickets);
	free(lottery->place);
}

static inline struct lottery_ticket *lottery_of(const struct lottery *lottery, block_id b)
{
	return &lottery->tickets[lottery->place[b]];
}

static inline void lottery_put(struct lottery *lottery, uint32_t place, struct lottery_ticket ticket)
{
	lottery->tickets[place] = ticket;
	lottery->place[ticket.block] = place;
}

/* b has come; it is in use. */
static inline void lottery_join(struct lottery *lottery, block_id b, uint32_t note, uint64_t since)
{
	lottery_put(lottery, lottery->count++, (struct lottery_ticket){b, note, since});
}

static inline void lottery_swap(struct lottery *lottery, block_id b, uint32_t place)
{
	const struct lottery_ticket ticket = *lottery_of(lottery, b);
	lottery_put(lottery, lottery->place[b], lottery->tickets[place]);
	lottery_put(lottery, place, ticket);
}

static inline void lottery_set_idle(struct lottery *lottery, block_id b)
{
	lottery_swap(lottery, b, lottery->idle++);
}

static inline void lottery_set_busy(struct lottery *lottery, block_id b)
{
	lottery_swap(lottery, b, --lottery->idle);
}

/* b, whether it may go or not, has left. */
static inline void lottery_leave(struct lottery *lottery, block_id b)
{
	uint32_t hole = lottery->place[b];
	if (hole < lottery->idle) {
		lottery_put(lottery, hole, lottery->tickets[--lottery->idle]);
		hole = lottery->idle;
	}
	if (hole < --lottery->count)
		lottery_put(lottery, hole, lottery->tickets[lottery->count]);
}

/* A walk over some of the tickets of blocks that may go: the first at `place`, then at equal steps, round and round. */
struct lottery_walk {
	uint32_t size; /* how many */
	uint32_t place, step;
};

static inline uint32_t lottery_below(struct lottery *lottery, uint32_t limit)
{
	return (uint32_t)((uint64_t)gsl_rng_get(lottery->rng) * limit >> 32);
}

/* A sample of at most `most`. */
static inline struct lottery_walk lottery_sample(struct lottery *lottery, uint32_t most)
{
	if (lottery->idle <= most)
		return (struct lottery_walk){lottery->idle, 0, 1};
	const uint32_t place = lottery_below(lottery, lottery->idle);
	return (struct lottery_walk){most, place, 1 + lottery_below(lottery, lottery->idle - 1)};
}

/* The walk's next ticket; may be called `size` times. */
static inline const struct lottery_ticket *lottery_next(const struct lottery *lottery, struct lottery_walk *walk)
{
	const struct lottery_ticket *ticket = &lottery->tickets[walk->place];
	const uint32_t left = lottery->idle - walk->place;
	walk->place = walk->step < left ? walk->place + walk->step : walk->step - left;
	return ticket;
}

#endif
