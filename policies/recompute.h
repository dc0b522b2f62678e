/* recompute.h - env->recompute_ns as a table over depths, for rules that ask for it often. */
#ifndef KVCAST_RECOMPUTE_H
#define KVCAST_RECOMPUTE_H

#include "policy.h"

/* Depths there are: that of the deepest block, plus one. */
static inline uint32_t recompute_depths(const struct evict_env *env)
{
	uint32_t depths = 1;
	for (uint32_t b = 0; b < env->block_count; b++)
		depths = env->depth[b] >= depths ? env->depth[b] + 1 : depths;
	return depths;
}

/* Nanoseconds by depth, recompute_depths() of them; free() releases it. */
static inline double *recompute_table(const struct evict_env *env)
{
	const uint32_t depths = recompute_depths(env);
	double *ns = mem_alloc(depths, sizeof(*ns));
	for (uint32_t depth = 0; depth < depths; depth++)
		ns[depth] = env->recompute_ns(env->cost, depth);
	return ns;
}

#endif
