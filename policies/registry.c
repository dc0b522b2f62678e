/* registry.c - the only place that knows which policies exist: one word each. Their order is that of the tables. */
#include "policy.h"
#include "ttl.h"

#include <string.h>

/* Classics, the bound, engines, papers, seed scores. */
#define EVICTIONS(X)                                                                                                   \
	X(lru) X(fifo) X(mru) X(filo) X(random) X(clock) X(lfu) X(lfuda) X(slru) X(2q) X(arc) X(lirs) X(s3fifo) X(sieve)\
	X(wtinylfu) X(gdsf) X(hyperbolic) X(lhd) X(lecar) X(cacheus)                                                   \
	X(belady)                                                                                                      \
	X(sglang_priority) X(sglang_slru) X(vllm) X(vllm_arc) X(retention) X(mooncake)                                 \
	X(age_cost) X(flops) X(length_aware) X(lookahead) X(pgdsf) X(saga) X(steps) X(tlru) X(wa)                      \
	X(score_age_cost) X(score_reuse) X(score_size_cost)

#define TTLS(X) X(none) X(static) X(size) X(adaptive) X(score) X(cost) X(breakeven) X(reuse) X(tool_pct) X(continuum) X(target) X(two_level)

#define DECLARE_EVICTION(name) extern const struct evict_ops evict_##name;
#define DECLARE_TTL(name) extern const struct ttl_ops ttl_##name;
EVICTIONS(DECLARE_EVICTION)
TTLS(DECLARE_TTL)

#define EVICTION_ENTRY(name) &evict_##name,
#define TTL_ENTRY(name) &ttl_##name,
const struct evict_ops *const registry_evictions[] = {EVICTIONS(EVICTION_ENTRY)};
const struct ttl_ops *const registry_ttls[] = {TTLS(TTL_ENTRY)};
const size_t registry_eviction_count = COUNT_OF(registry_evictions);
const size_t registry_ttl_count = COUNT_OF(registry_ttls);

/* Source: POLICIES section F, interaction rules 1, 2 and 4. */
void registry_ttl_common(const struct ttl_ops *ops, struct param params[TTL_COMMON_KEYS + 1])
{
	const struct param all[TTL_COMMON_KEYS + 1] = {
	        [TTL_KEY_MODE] = {"mode", PARAM_CHOICE, "sliding", 0, 0, "sliding|absolute", "count from the last use or from insertion"},
	        [TTL_KEY_MAX_AGE] = {"max_age", PARAM_DURATION, "inf", 0, 9.3e18, NULL, "cap on a sliding TTL, from insertion"},
	        [TTL_KEY_COHERENCE] = {"coherence", PARAM_CHOICE, "default", 0, 0, "default|none|lift|cascade",
	                               "what a parent's deadline means for its children (default: lift when sliding, none when absolute)"},
	        [TTL_KEY_HARD] = {"hard", PARAM_INT, ops->pins ? "1" : "0", 0, 1, NULL, "1: no eviction before the deadline"},
	        [TTL_KEY_EXPIRE] = {"expire", PARAM_CHOICE, ops->pins ? "unpin" : "drop", 0, 0, "drop|unpin",
	                            "at its deadline a block goes, or only loses the shield of hard=1"},
	        [TTL_COMMON_KEYS] = {.name = NULL},
	};
	memcpy(params, all, sizeof(all));
}

const struct evict_ops *registry_evict(const char *name)
{
	for (size_t i = 0; i < registry_eviction_count; i++) {
		if (strcmp(registry_evictions[i]->name, name) == 0)
			return registry_evictions[i];
	}
	return NULL;
}

const struct ttl_ops *registry_ttl(const char *name)
{
	for (size_t i = 0; i < registry_ttl_count; i++) {
		if (strcmp(registry_ttls[i]->name, name) == 0)
			return registry_ttls[i];
	}
	return NULL;
}
