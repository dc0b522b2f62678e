#include "ttl_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int bind_rule(struct ttl_rules *rules, const struct spec *spec, const char *class_name, struct ttl_rule *rule,
                     union param_value common[TTL_COMMON_KEYS], struct err *err)
{
	struct param common_params[TTL_COMMON_KEYS + 1];
	static const struct param no_params[] = {{.name = NULL}};
	union param_value own[PARAM_MOST];
	const struct param *tables[] = {common_params, rules->ops->params ? rules->ops->params : no_params, NULL};
	union param_value *values[] = {common, own};
	registry_ttl_common(rules->ops, common_params);
	char what[128];
	snprintf(what, sizeof(what), "--ttl %s", spec->name);
	if (spec_bind(spec, class_name, tables, values, what, err) < 0)
		return -1;
	*rule = (struct ttl_rule){.mode = (enum ttl_mode)common[TTL_KEY_MODE].integer, .max_age_ns = TIME_NEVER_NS};
	if (rule->mode == TTL_SLIDING)
		rule->max_age_ns = common[TTL_KEY_MAX_AGE].integer;
	rules->capped |= rule->max_age_ns != TIME_NEVER_NS;
	rule->state = rules->ops->open(rules->env, own, err);
	if (!rule->state)
		return -1;
	rules->states[rules->state_count++] = rule->state;
	return 0;
}

/* What holds for all classes. */
static int bind_common(struct ttl_rules *rules, const struct spec *spec, const union param_value common[TTL_COMMON_KEYS],
                       struct err *err)
{
	rules->hard = common[TTL_KEY_HARD].integer != 0;
	rules->unpins = common[TTL_KEY_EXPIRE].integer == TTL_EXPIRE_UNPIN;
	rules->coherence = (enum ttl_coherence)common[TTL_KEY_COHERENCE].integer;
	if (rules->unpins && !rules->hard)
		return err_set(err, "--ttl %s: expire=unpin needs hard=1; without a shield a deadline would do nothing.", spec->text);
	if (rules->unpins && rules->coherence == TTL_COHERENCE_CASCADE)
		return err_set(err, "--ttl %s: coherence=cascade has nothing to take along where expire=unpin lets blocks stay.",
		               spec->text);
	if (rules->coherence == TTL_COHERENCE_DEFAULT)
		rules->coherence = common[TTL_KEY_MODE].integer == TTL_SLIDING ? TTL_COHERENCE_LIFT : TTL_COHERENCE_NONE;
	if (rules->env->never_busy) /* object semantics */
		rules->coherence = TTL_COHERENCE_NONE;
	return 0;
}

static bool overridden(const struct spec *spec, const char *class_name)
{
	for (size_t i = 0; i < spec->override_count; i++) {
		if (strcmp(spec->overrides[i].class_name, class_name) == 0)
			return true;
	}
	return false;
}

static int check_classes(const struct trace *trace, const struct spec *spec, struct err *err)
{
	for (size_t i = 0; i < spec->override_count; i++) {
		bool known = false;
		for (uint32_t k = 0; k < trace->class_count; k++)
			known |= strcmp(trace->class_names[k], spec->overrides[i].class_name) == 0;
		if (!known)
			return err_set(err, "--ttl %s: the trace has no class \"%s\".", spec->text, spec->overrides[i].class_name);
	}
	return 0;
}

int ttl_rules_open(struct ttl_rules *rules, const struct trace *trace, const struct evict_env *env,
                   const struct ttl_ops *ops, const struct spec *spec, struct err *err)
{
	union param_value common[TTL_COMMON_KEYS], other[TTL_COMMON_KEYS];
	*rules = (struct ttl_rules){.env = env, .ops = ops};
	rules->of_class = mem_alloc((size_t)trace->class_count + 1, sizeof(*rules->of_class));
	rules->states = mem_alloc((size_t)trace->class_count + 1, sizeof(*rules->states));
	struct ttl_rule *others = &rules->of_class[trace->class_count];
	if (bind_rule(rules, spec, NULL, others, common, err) < 0 || bind_common(rules, spec, common, err) < 0 ||
	    check_classes(trace, spec, err) < 0)
		return -1;
	for (uint32_t k = 0; k < trace->class_count; k++) {
		rules->of_class[k] = *others;
		if (!overridden(spec, trace->class_names[k]))
			continue;
		if (bind_rule(rules, spec, trace->class_names[k], &rules->of_class[k], other, err) < 0)
			return -1;
		static const enum ttl_common_key for_all[] = {TTL_KEY_COHERENCE, TTL_KEY_HARD, TTL_KEY_EXPIRE};
		for (size_t i = 0; i < COUNT_OF(for_all); i++) {
			if (other[for_all[i]].integer != common[for_all[i]].integer)
				return err_set(err, "--ttl %s: coherence, hard and expire hold for all classes; give them once, "
				                    "before the first ;class=.", spec->text);
		}
	}
	return 0;
}

void ttl_rules_close(struct ttl_rules *rules)
{
	for (uint32_t i = 0; i < rules->state_count; i++)
		rules->ops->close(rules->states[i]);
	free(rules->states);
	free(rules->of_class);
}

void ttl_rules_observe(const struct ttl_rules *rules, struct path path)
{
	const struct ttl_ops *ops = rules->ops;
	const void *ruling = ttl_rules_now(rules)->state;
	if (!ops->path && !ops->observe)
		return;
	for (uint32_t i = 0; i < rules->state_count; i++) {
		struct trace_run stretch;
		for (struct path_walk walk = path_forward(path, 0); ops->path && path_next(&walk, &stretch);)
			ops->path(rules->states[i], stretch.first, stretch.count);
		if (ops->observe)
			ops->observe(rules->states[i], rules->states[i] == ruling);
	}
}
