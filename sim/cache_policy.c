#include "cache_inside.h"

#include <stdio.h>
#include <string.h>

/* Binds the policy's parameters: once for all requests and once more for each class, with its overrides. */
static int bind(struct cache *cache, const struct spec *spec, struct err *err)
{
	static const struct param no_params[] = {{.name = NULL}};
	const struct trace *trace = cache->trace;
	const struct param *tables[] = {cache->ops->params ? cache->ops->params : no_params, NULL};
	char what[128];
	snprintf(what, sizeof(what), "--evict %s", spec->name);
	if (spec->override_count && !cache->ops->per_class)
		return err_set(err, "--evict %s: %s has one set of parameters for all classes.", spec->text, spec->name);
	for (size_t i = 0; i < spec->override_count; i++) {
		bool known = false;
		for (uint32_t k = 0; k < trace->class_count; k++)
			known |= strcmp(trace->class_names[k], spec->overrides[i].class_name) == 0;
		if (!known)
			return err_set(err, "--evict %s: the trace has no class \"%s\".", spec->text, spec->overrides[i].class_name);
	}
	cache->values = mem_alloc((size_t)trace->class_count + 1, sizeof(*cache->values));
	for (uint32_t k = 0; k <= trace->class_count; k++) {
		union param_value *values[] = {cache->values[k]};
		if (spec_bind(spec, k < trace->class_count ? trace->class_names[k] : NULL, tables, values, what, err) < 0)
			return -1;
	}
	cache->env.values = (const union param_value(*)[PARAM_MOST])cache->values;
	return 0;
}

int cache_policy_open(struct cache *cache, const struct spec *spec, struct err *err)
{
	cache->ops = registry_evict(spec->name);
	if (!cache->ops)
		return err_set(err, "--evict %s: there is no eviction policy of that name; `kvcast policies` lists them.",
		               spec->name);
	if (bind(cache, spec, err) < 0)
		return -1;
	if (cache->ops->needs_future) {
		cache->next_use = mem_alloc(cache->trace->block_count, sizeof(*cache->next_use));
		cache->env.next_use = cache->next_use;
	}
	cache->policy = cache->ops->open(&cache->env, cache->values[cache->trace->class_count], err);
	return cache->policy ? 0 : -1;
}
