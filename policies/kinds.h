/* kinds.h - a small number for what kind of request this is, for rules that keep a table of kinds: 0 for none, else
 * class + 1.
 *
 * Tables stay small: the classes from KINDS_MOST - 1 on count as none.
 */
#ifndef KVCAST_KINDS_H
#define KVCAST_KINDS_H

#include "policy.h"

#define KINDS_MOST 256

static inline uint32_t kinds_count(const struct evict_env *env)
{
	return env->class_count < KINDS_MOST ? env->class_count + 1 : KINDS_MOST;
}

static inline uint32_t kinds_of(const struct evict_env *env, uint32_t class_id)
{
	return class_id < env->class_count && class_id < KINDS_MOST - 1 ? class_id + 1 : 0;
}

#endif
