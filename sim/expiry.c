#include "expiry.h"

#include "ranked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The rule as one class of requests sees it. Classes without overrides of their own share the common one. */
struct rule {
	void *state;
	enum ttl_mode mode;
	int64_t max_age_ns;
	bool shared;
};

struct expiry {
	const struct evict_env *env;
	const struct ttl_ops *ops;
	struct rule *rules; /* [class_count + 1]; the last is the common one */
	enum ttl_coherence coherence;
	bool hard;
	bool stamps_born; /* some rule has a max_age or ignores hits */
	int64_t *deadline_ns, *born_ns;
	uint32_t *hits; /* since insertion; only for rules that look at single blocks */
	struct ranked queue;
	block_id *child, *sibling; /* cascade, and lift where a block may come after its children */
};

static const struct rule *rule_now(const struct expiry *expiry)
{
	const uint32_t class_id = expiry->env->now->class_id;
	return &expiry->rules[class_id < expiry->env->class_count ? class_id : expiry->env->class_count];
}

static int64_t add_saturated(int64_t a, int64_t b)
{
	int64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? TIME_NEVER_NS : sum;
}

static int bind_rule(struct expiry *expiry, const struct spec *spec, const char *class_name, struct rule *rule,
                     union param_value common[TTL_COMMON_KEYS], struct err *err)
{
	union param_value own[PARAM_MOST];
	const struct param *tables[] = {ttl_common_params, expiry->ops->params, NULL};
	union param_value *values[] = {common, own};
	char what[128];
	snprintf(what, sizeof(what), "--ttl %s", spec->name);
	if (spec_bind(spec, class_name, tables, values, what, err) < 0)
		return -1;
	*rule = (struct rule){
	        .mode = common[TTL_KEY_MODE].integer == 0 ? TTL_SLIDING : TTL_ABSOLUTE,
	        .max_age_ns = common[TTL_KEY_MAX_AGE].integer,
	};
	rule->state = expiry->ops->open(expiry->env, own, err);
	if (!rule->state)
		return -1;
	if (rule->max_age_ns != TIME_NEVER_NS)
		expiry->stamps_born = true;
	return 0;
}

static const struct spec_override *override_for(const struct spec *spec, const char *class_name)
{
	for (size_t i = 0; i < spec->override_count; i++) {
		if (strcmp(spec->overrides[i].class_name, class_name) == 0)
			return &spec->overrides[i];
	}
	return NULL;
}

static int bind_rules(struct expiry *expiry, const struct trace *trace, const struct spec *spec, struct err *err)
{
	union param_value common[TTL_COMMON_KEYS], other[TTL_COMMON_KEYS];
	struct rule *shared = &expiry->rules[trace->class_count];
	if (bind_rule(expiry, spec, NULL, shared, common, err) < 0)
		return -1;
	expiry->hard = common[TTL_KEY_HARD].integer != 0;
	expiry->coherence = (enum ttl_coherence)common[TTL_KEY_COHERENCE].integer;
	if (expiry->coherence == TTL_COHERENCE_DEFAULT)
		expiry->coherence = shared->mode == TTL_SLIDING ? TTL_COHERENCE_LIFT : TTL_COHERENCE_NONE;
	if (expiry->env->never_busy) /* object semantics: no block has a parent */
		expiry->coherence = TTL_COHERENCE_NONE;
	for (size_t i = 0; i < spec->override_count; i++) {
		bool known = false;
		for (uint32_t k = 0; k < trace->class_count; k++)
			known |= strcmp(trace->class_names[k], spec->overrides[i].class_name) == 0;
		if (!known)
			return err_set(err, "--ttl %s: the trace has no class \"%s\".", spec->text,
			               spec->overrides[i].class_name);
	}
	for (uint32_t k = 0; k < trace->class_count; k++) {
		expiry->rules[k] = *shared;
		expiry->rules[k].shared = true;
		if (!override_for(spec, trace->class_names[k]))
			continue;
		expiry->rules[k].state = NULL;
		if (bind_rule(expiry, spec, trace->class_names[k], &expiry->rules[k], other, err) < 0)
			return -1;
		if (other[TTL_KEY_HARD].integer != common[TTL_KEY_HARD].integer ||
		    other[TTL_KEY_COHERENCE].integer != common[TTL_KEY_COHERENCE].integer)
			return err_set(err, "--ttl %s: hard and coherence hold for all classes; give them once, before the "
			                    "first ;class=.", spec->text);
	}
	return 0;
}

static void link_children(struct expiry *expiry)
{
	const uint32_t count = expiry->env->block_count;
	expiry->child = mem_alloc(count, sizeof(*expiry->child));
	expiry->sibling = mem_alloc(count, sizeof(*expiry->sibling));
	for (uint32_t b = 0; b < count; b++)
		expiry->child[b] = expiry->sibling[b] = BLOCK_NONE;
	for (uint32_t b = count; b-- > 0;) {
		const block_id parent = expiry->env->parent[b];
		if (parent == BLOCK_NONE)
			continue;
		expiry->sibling[b] = expiry->child[parent];
		expiry->child[parent] = b;
	}
}

struct expiry *expiry_open(const struct trace *trace, const struct evict_env *env, const struct spec *spec, struct err *err)
{
	err->text[0] = '\0';
	const struct ttl_ops *ops = registry_ttl(spec->name);
	if (!ops) {
		err_set(err, "--ttl %s: there is no TTL rule of that name; `kvcast policies` lists them.", spec->name);
		return NULL;
	}
	if (ops->never) {
		if (spec->count || spec->override_count)
			err_set(err, "--ttl %s: the rule none takes no parameters.", spec->text);
		return NULL;
	}
	struct expiry *expiry = mem_alloc(1, sizeof(*expiry));
	*expiry = (struct expiry){.env = env, .ops = ops};
	expiry->rules = mem_alloc((size_t)trace->class_count + 1, sizeof(*expiry->rules));
	expiry->deadline_ns = mem_alloc(env->block_count, sizeof(*expiry->deadline_ns));
	if (!ops->uniform)
		expiry->hits = mem_alloc(env->block_count, sizeof(*expiry->hits));
	ranked_open(&expiry->queue, env->block_count, env->block_count, env->depth);
	if (bind_rules(expiry, trace, spec, err) < 0) {
		expiry_close(expiry);
		return NULL;
	}
	if (expiry->stamps_born)
		expiry->born_ns = mem_alloc(env->block_count, sizeof(*expiry->born_ns));
	if (expiry->coherence == TTL_COHERENCE_CASCADE || (expiry->coherence == TTL_COHERENCE_LIFT && !env->leaf))
		link_children(expiry);
	return expiry;
}

void expiry_close(struct expiry *expiry)
{
	if (!expiry)
		return;
	for (uint32_t k = 0; k <= expiry->env->class_count; k++) {
		if (expiry->rules[k].state && !expiry->rules[k].shared)
			expiry->ops->close(expiry->rules[k].state);
	}
	ranked_close(&expiry->queue);
	free(expiry->rules);
	free(expiry->deadline_ns);
	free(expiry->born_ns);
	free(expiry->hits);
	free(expiry->child);
	free(expiry->sibling);
	free(expiry);
}

/* Deadlines are >= 0, so they order the same as unsigned. */
static void enqueue(struct expiry *expiry, block_id b)
{
	if (expiry->deadline_ns[b] != TIME_NEVER_NS)
		ranked_push(&expiry->queue, b, (uint64_t)expiry->deadline_ns[b], 0);
}

/* Sees to it that b is queued under a key no later than its deadline; an entry of an earlier stay may still be there. */
static void requeue(struct expiry *expiry, block_id b)
{
	const uint32_t at = expiry->queue.at[b];
	if (at != RANKED_OUT) {
		if (expiry->queue.heap[at].key.first <= (uint64_t)expiry->deadline_ns[b])
			return;
		ranked_remove(&expiry->queue, b);
	}
	enqueue(expiry, b);
}

static int64_t capped(const struct expiry *expiry, const struct rule *rule, block_id b, int64_t deadline_ns)
{
	if (rule->mode == TTL_ABSOLUTE || rule->max_age_ns == TIME_NEVER_NS)
		return deadline_ns;
	const int64_t latest_ns = add_saturated(expiry->born_ns[b], rule->max_age_ns);
	return deadline_ns < latest_ns ? deadline_ns : latest_ns;
}

void expiry_observe(struct expiry *expiry)
{
	if (expiry->ops->observe)
		expiry->ops->observe(rule_now(expiry)->state);
}

/* A block that comes back to children which stayed without it, on this path or another, lives as long as they do. */
static void lift_to_children(struct expiry *expiry, block_id b)
{
	for (block_id c = expiry->child[b]; c != BLOCK_NONE; c = expiry->sibling[c]) {
		if ((expiry->env->resident[c] & 1u) && expiry->deadline_ns[c] > expiry->deadline_ns[b])
			expiry->deadline_ns[b] = expiry->deadline_ns[c];
	}
}

void expiry_insert(struct expiry *expiry, block_id b)
{
	const struct rule *rule = rule_now(expiry);
	const int64_t now_ns = expiry->env->now->now_ns;
	if (expiry->hits)
		expiry->hits[b] = 0;
	if (expiry->born_ns)
		expiry->born_ns[b] = now_ns;
	const int64_t ttl_ns = expiry->ops->ttl_ns(rule->state, b, 0);
	expiry->deadline_ns[b] = capped(expiry, rule, b, add_saturated(now_ns, ttl_ns));
	if (expiry->coherence == TTL_COHERENCE_LIFT && expiry->child)
		lift_to_children(expiry, b);
	requeue(expiry, b);
}

/* The new deadline of a hit block. Under lift a deadline never moves back, so that it stays beyond the children's. */
static void redate(struct expiry *expiry, const struct rule *rule, block_id b, int64_t deadline_ns)
{
	deadline_ns = capped(expiry, rule, b, deadline_ns);
	const int64_t old_ns = expiry->deadline_ns[b];
	if (expiry->coherence == TTL_COHERENCE_LIFT && deadline_ns < old_ns)
		return;
	expiry->deadline_ns[b] = deadline_ns;
	requeue(expiry, b);
}

void expiry_hit(struct expiry *expiry, block_id first, uint32_t count)
{
	const struct rule *rule = rule_now(expiry);
	const int64_t now_ns = expiry->env->now->now_ns;
	if (expiry->hits) {
		for (uint32_t i = 0; i < count; i++)
			expiry->hits[first + i] += expiry->hits[first + i] < UINT32_MAX;
	}
	if (rule->mode == TTL_ABSOLUTE)
		return;
	if (expiry->ops->uniform) {
		const int64_t deadline_ns = add_saturated(now_ns, expiry->ops->ttl_ns(rule->state, first + count - 1, 0));
		for (uint32_t i = 0; i < count; i++)
			redate(expiry, rule, first + i, deadline_ns);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		const block_id b = first + i;
		redate(expiry, rule, b, add_saturated(now_ns, expiry->ops->ttl_ns(rule->state, b, expiry->hits[b])));
	}
}

void expiry_settle(struct expiry *expiry, struct path path)
{
	if (expiry->coherence != TTL_COHERENCE_LIFT)
		return;
	/* From the tail: a child's deadline is final before its parent looks at it. */
	int64_t latest_ns = 0;
	struct trace_run stretch;
	for (struct path_walk walk = path_backward(path); path_previous(&walk, &stretch);) {
		for (uint32_t i = stretch.count; i-- > 0;) {
			const block_id b = stretch.first + i;
			if (expiry->deadline_ns[b] < latest_ns) {
				expiry->deadline_ns[b] = latest_ns;
				requeue(expiry, b); /* it may have come off the queue while it was in use */
			} else {
				latest_ns = expiry->deadline_ns[b];
			}
		}
	}
}

bool expiry_next(struct expiry *expiry, int64_t now_ns, block_id *b, int64_t *deadline_ns)
{
	struct ranked_key key;
	for (;;) {
		const block_id top = ranked_top(&expiry->queue, &key);
		if (top == BLOCK_NONE || key.first >= (uint64_t)now_ns)
			return false;
		ranked_pop(&expiry->queue);
		if (!(expiry->env->resident[top] & 1u))
			continue;
		if (expiry->deadline_ns[top] > (int64_t)key.first) {
			enqueue(expiry, top); /* came up too early */
			continue;
		}
		*b = top;
		*deadline_ns = expiry->deadline_ns[top];
		return true;
	}
}

bool expiry_due(const struct expiry *expiry, block_id b, int64_t now_ns)
{
	return expiry->deadline_ns[b] < now_ns;
}

bool expiry_hard(const struct expiry *expiry)
{
	return expiry->hard;
}

bool expiry_cascades(const struct expiry *expiry)
{
	return expiry->coherence == TTL_COHERENCE_CASCADE;
}

block_id expiry_child(const struct expiry *expiry, block_id b)
{
	return expiry->child[b];
}

block_id expiry_sibling(const struct expiry *expiry, block_id b)
{
	return expiry->sibling[b];
}
