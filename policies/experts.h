/* experts.h - two experts who name victims, and what is learned from the victims that come back.
 *
 * Model. Each expert has a weight, both add up to 1. Where they name different blocks a draw by weight decides, and the
 * victim leaves a ghost in the history of the expert that was followed, a queue of limited length. A block that comes back
 * while its ghost is there is that expert's loss: its weight shrinks by e^-loss. No weight falls below `floor`, so that
 * neither is silenced for good. Draws come from a generator seeded with the run's seed.
 *
 * Costs: O(1), no allocation after open. 9 bytes a block.
 * Source: LeCaR (Vietri et al., HotStorage 2018) and CACHEUS (Rodriguez et al., FAST 2021), in the authors' code.
 */
#ifndef KVCAST_EXPERTS_H
#define KVCAST_EXPERTS_H

#include "list.h"
#include "policy.h"

#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>

enum { EXPERTS = 2, EXPERTS_NEITHER = EXPERTS };

struct experts {
	gsl_rng *rng;
	double weight; /* of the first */
	double floor;
	struct link *ghosts; /* a list an expert, the oldest at its front */
	uint8_t *blamed;     /* [block] 1 + the expert whose ghost it is; 0: has none */
	uint32_t count[EXPERTS];
	uint32_t most; /* ghosts an expert */
	uint32_t block_count;
};

static inline void experts_open(struct experts *experts, const struct evict_env *env, uint32_t most, double weight,
                                double floor)
{
	*experts = (struct experts){.rng = gsl_rng_alloc(gsl_rng_taus2), .weight = weight, .floor = floor, .most = most,
	                            .block_count = env->block_count};
	if (!experts->rng)
		panic_memory(gsl_rng_taus2->size, __FILE__, __LINE__);
	gsl_rng_set(experts->rng, (unsigned long)env->seed);
	experts->ghosts = list_open(env->block_count, EXPERTS);
	experts->blamed = mem_alloc(env->block_count, sizeof(*experts->blamed));
}

static inline void experts_close(struct experts *experts)
{
	gsl_rng_free(experts->rng);
	free(experts->ghosts);
	free(experts->blamed);
}

/* Whom to follow this time. */
static inline uint32_t experts_choose(struct experts *experts)
{
	return gsl_rng_uniform(experts->rng) < experts->weight ? 0 : 1;
}

/* Ends the ghost of b, if it has one. Returns the expert it was of, or EXPERTS_NEITHER. */
static inline uint32_t experts_call_back(struct experts *experts, block_id b)
{
	if (experts->blamed[b] == 0)
		return EXPERTS_NEITHER;
	const uint32_t expert = experts->blamed[b] - 1u;
	experts->blamed[b] = 0;
	experts->count[expert]--;
	list_take(experts->ghosts, b);
	return expert;
}

/* b, which has none, leaves a ghost. Returns whose ghost had to go for it, which may be b's own; or BLOCK_NONE. */
static inline block_id experts_bury(struct experts *experts, uint32_t expert, block_id b)
{
	block_id forgotten = BLOCK_NONE;
	if (experts->most == 0)
		return b;
	if (experts->count[expert] == experts->most) {
		forgotten = experts->ghosts[experts->block_count + expert].next;
		experts_call_back(experts, forgotten);
	}
	experts->blamed[b] = (uint8_t)(1 + expert);
	experts->count[expert]++;
	list_push_back(experts->ghosts, experts->block_count + expert, b);
	return forgotten;
}

static inline void experts_lose(struct experts *experts, uint32_t expert, double loss)
{
	const double factor = exp(-loss), first = experts->weight, second = 1 - first;
	const double weight = expert == 0 ? first * factor / (first * factor + second) : first / (first + second * factor);
	const double most = 1 - experts->floor;
	experts->weight = weight < experts->floor ? experts->floor : weight > most ? most : weight;
}

#endif
