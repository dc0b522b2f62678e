/* ttl_rules.h - the TTL rule of a run as each class of requests has it.
 *
 * Model. A SPEC names one rule. Requests of a class with overrides of its own are ruled by a state of their own, all
 * others share one. Coherence, hard and expire are about how blocks of all classes live together: one value for all.
 */
#ifndef KVCAST_TTL_RULES_H
#define KVCAST_TTL_RULES_H

#include "path.h"
#include "ttl.h"

struct ttl_rule {
	void *state;
	enum ttl_mode mode;
	int64_t max_age_ns; /* TIME_NEVER_NS where absolute */
};

struct ttl_rules {
	const struct evict_env *env;
	const struct ttl_ops *ops;
	struct ttl_rule *of_class; /* [class_count + 1]; the last is that of the other classes */
	void **states;             /* [state_count], each once */
	uint32_t state_count;
	enum ttl_coherence coherence; /* never DEFAULT */
	bool hard, unpins;
	bool capped; /* some class has a max_age */
};

/* 0; or -1 and a sentence. `rules` is to be closed in both cases; it keeps `env`. */
int ttl_rules_open(struct ttl_rules *rules, const struct trace *trace, const struct evict_env *env,
                   const struct ttl_ops *ops, const struct spec *spec, struct err *err);
void ttl_rules_close(struct ttl_rules *rules);
/* Shows the request being served to all states. */
void ttl_rules_observe(const struct ttl_rules *rules, struct path path);

/* The rule of the request being served. */
static inline const struct ttl_rule *ttl_rules_now(const struct ttl_rules *rules)
{
	const uint32_t class_id = rules->env->now->class_id, others = rules->env->class_count;
	return &rules->of_class[class_id < others ? class_id : others];
}

#endif
