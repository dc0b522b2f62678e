/* evict_random.c - any block that may go, each as likely as the other: the yardstick for rules that claim to know
 * better.
 *
 * The idle blocks stand in an array in no order; a draw takes one of them, the last fills its place. Draws come from a
 * generator seeded with the run's seed, so equal runs give equal results.
 * Source: textbook; POLICIES C.
 */
#include "policy.h"

#include <gsl/gsl_rng.h>
#include <stdlib.h>

struct random {
	const struct evict_env *env;
	gsl_rng *rng;
	block_id *idle;
	uint32_t *at; /* [block] its place in idle */
	uint32_t count;
};

static void *random_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	struct random *p = mem_alloc(1, sizeof(*p));
	*p = (struct random){.env = env, .rng = gsl_rng_alloc(gsl_rng_taus2)};
	if (!p->rng)
		panic_memory(gsl_rng_taus2->size, __FILE__, __LINE__);
	gsl_rng_set(p->rng, (unsigned long)env->seed);
	p->idle = mem_alloc(env->capacity_blocks, sizeof(*p->idle));
	p->at = mem_alloc(env->block_count, sizeof(*p->at));
	return p;
}

static void random_close(void *state)
{
	struct random *p = state;
	gsl_rng_free(p->rng);
	free(p->idle);
	free(p->at);
	free(p);
}

static inline void random_hit(struct random *p, block_id b)
{
	(void)p, (void)b;
}

static inline void random_insert(struct random *p, block_id b)
{
	(void)p, (void)b;
}

static inline void put(struct random *p, block_id b)
{
	p->at[b] = p->count;
	p->idle[p->count++] = b;
}

static inline void take(struct random *p, block_id b)
{
	const block_id last = p->idle[--p->count];
	p->idle[p->at[b]] = last;
	p->at[last] = p->at[b];
}

static inline void random_busy(struct random *p, block_id b)
{
	take(p, b);
}

static inline void random_idle(struct random *p, block_id b)
{
	put(p, b);
}

static inline void random_remove(struct random *p, block_id b)
{
	if (evict_idle(p->env, b))
		take(p, b);
}

static inline block_id random_evict(struct random *p, block_id in)
{
	(void)in;
	if (p->count == 0)
		return BLOCK_NONE;
	const block_id victim = p->idle[gsl_rng_uniform_int(p->rng, p->count)];
	take(p, victim);
	return victim;
}

#define EVICT                random
#define EVICT_PREFETCH(p, b) __builtin_prefetch(&(p)->at[b], 1)
#include "evict_hooks.h"

const struct evict_ops evict_random = {
    .name = "random",
    .rule = "any block that may go, drawn with equal chances (--seed)",
    .detail =
	"With room for 2 blocks, requests A, B, C: A and B have the same chance to make room for C. Equal seeds give "
	"equal runs. A rule that hits less than this one is worse than knowing nothing.",
    .source = "textbook",
    .cost = "O(1)",
    .state_bytes = 8,
    .open = random_open,
    .close = random_close,
    .busy = random_busy_run,
    .idle = random_idle_run,
    EVICT_HOOKS(random),
};
