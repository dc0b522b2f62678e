/* evict_hyperbolic.c - hyperbolic caching: the fewest uses per time since the block came, of a sample.
 *
 * The score is uses / age: 1 when a block comes and one more per hit, over the requests (object semantics: accesses) since
 * then. It falls in time for all blocks at different speeds, so no order lasts and the paper compares `samples` of them
 * drawn at random. Of equal scores the block that came first goes, then the deeper. Where no more blocks than a sample
 * may go, all are compared: small caches are exact.
 * The paper's cost and size are 1 here; its hint for new blocks (a class's past) is left out, as in libCacheSim. What is
 * drawn from is the blocks that may go, in leaf scope the idle leaves.
 * Source: Blankstein, Sen, Freedman, USENIX ATC 2017; libCacheSim Hyperbolic.c, POLICIES C, E7.
 */
#include "lottery.h"

/* A ticket's note: uses; since: the seq of insertion. */
struct hyperbolic {
	struct lottery lottery;
	uint32_t samples;
};

static const struct param hyperbolic_params[] = {
        {"samples", PARAM_INT, "64", 1, 1e6, NULL, "blocks compared for an eviction"},
        {.name = NULL},
};

static void *hyperbolic_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct hyperbolic *p = mem_alloc(1, sizeof(*p));
	p->samples = (uint32_t)values[0].integer;
	lottery_open(&p->lottery, env);
	return p;
}

static void hyperbolic_close(void *state)
{
	struct hyperbolic *p = state;
	lottery_close(&p->lottery);
	free(p);
}

static inline void hyperbolic_hit(struct hyperbolic *p, block_id b)
{
	struct lottery_ticket *ticket = lottery_of(&p->lottery, b);
	ticket->note += ticket->note < UINT32_MAX;
}

static inline void hyperbolic_insert(struct hyperbolic *p, block_id b)
{
	lottery_join(&p->lottery, b, 1, p->lottery.env->now->seq);
}

static inline void hyperbolic_busy(struct hyperbolic *p, block_id b)
{
	lottery_set_busy(&p->lottery, b);
}

static inline void hyperbolic_idle(struct hyperbolic *p, block_id b)
{
	lottery_set_idle(&p->lottery, b);
}

static inline void hyperbolic_remove(struct hyperbolic *p, block_id b)
{
	lottery_leave(&p->lottery, b);
}

static inline double score(const struct hyperbolic *p, const struct lottery_ticket *ticket)
{
	return (double)ticket->note / (double)(p->lottery.env->now->seq - ticket->since);
}

/* Whether a goes before b, of the same score. */
static bool breaks_tie(const struct hyperbolic *p, const struct lottery_ticket *a, const struct lottery_ticket *b)
{
	const uint32_t *depth = p->lottery.env->depth;
	if (a->since != b->since)
		return a->since < b->since;
	if (depth[a->block] != depth[b->block])
		return depth[a->block] > depth[b->block];
	return a->block < b->block;
}

static inline block_id hyperbolic_evict(struct hyperbolic *p, block_id in)
{
	(void)in;
	struct lottery_walk walk = lottery_sample(&p->lottery, p->samples);
	if (walk.size == 0)
		return BLOCK_NONE;
	const struct lottery_ticket *worst = lottery_next(&p->lottery, &walk);
	double least = score(p, worst);
	for (uint32_t i = 1; i < walk.size; i++) {
		const struct lottery_ticket *ticket = lottery_next(&p->lottery, &walk);
		const double other = score(p, ticket);
		if (other < least || (other == least && breaks_tie(p, ticket, worst))) {
			worst = ticket;
			least = other;
		}
	}
	const block_id victim = worst->block;
	lottery_leave(&p->lottery, victim);
	return victim;
}

static double hyperbolic_score(const void *state, block_id b)
{
	const struct hyperbolic *p = state;
	return score(p, lottery_of(&p->lottery, b));
}

#define EVICT                hyperbolic
#define EVICT_PREFETCH(p, b) __builtin_prefetch(&(p)->lottery.place[b], 1)
#define EVICT_PREFETCH_HIT(p, b) __builtin_prefetch(lottery_of(&(p)->lottery, b), 1)
#include "evict_hooks.h"

const struct evict_ops evict_hyperbolic = {
        .name = "hyperbolic",
        .rule = "the block with the fewest uses per time since it came, of a sample",
        .detail = "With room for 3 blocks, requests A, A, A, B, B, C, B, D: when D comes, A has 3 uses in 7 requests, B 3 in 4, "
                  "and C 1 in 2: A goes, although C has been used less. E comes next: B has 3 uses in 5, C 1 in 3, D 1 in 1, and C "
                  "goes.",
        .source = "Blankstein, Sen, Freedman, USENIX ATC 2017",
        .cost = "O(samples) an eviction, else O(1)",
        .state_bytes = 20,
        .params = hyperbolic_params,
        .open = hyperbolic_open,
        .close = hyperbolic_close,
        .hit = hyperbolic_hit_run,
        .busy = hyperbolic_busy_run,
        .idle = hyperbolic_idle_run,
        .score = hyperbolic_score,
        EVICT_HOOKS(hyperbolic),
};
