#include "expiry.h"

#include "ttl_rules.h"
#include "wheel.h"

#include <stdlib.h>
#include <string.h>

struct expiry {
	const struct evict_env *env;
	struct ttl_rules rules;
	int64_t *deadline_ns; /* the block's own; its complement, a negative number, where it is over or not resident */
	int64_t *born_ns;     /* only where some class has a max_age */
	uint32_t *hits;       /* since insertion; only for rules that look at single blocks */
	uint32_t *waits_for;  /* lift: how many resident children are not over */
	struct link *kin;     /* cascade: resident children, in a list whose head is block_count + parent */
	int64_t *ttl_ns;      /* only if they are to be recorded */
	uint32_t over_blocks;
	bool tail_first; /* of blocks with the same deadline, children come before their parent */
	struct wheel queue;
};

static int64_t add_saturated(int64_t a, int64_t b)
{
	int64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? TIME_NEVER_NS : sum;
}

static void open_arrays(struct expiry *expiry, bool records)
{
	const uint32_t count = expiry->env->block_count;
	const struct ttl_rules *rules = &expiry->rules;
	expiry->deadline_ns = mem_alloc(count, sizeof(*expiry->deadline_ns));
	for (uint32_t b = 0; b < count; b++)
		expiry->deadline_ns[b] = ~INT64_C(0);
	if (rules->capped)
		expiry->born_ns = mem_alloc(count, sizeof(*expiry->born_ns));
	if (!rules->ops->uniform)
		expiry->hits = mem_alloc(count, sizeof(*expiry->hits));
	if (rules->coherence == TTL_COHERENCE_LIFT)
		expiry->waits_for = mem_alloc(count, sizeof(*expiry->waits_for));
	if (rules->coherence == TTL_COHERENCE_CASCADE)
		expiry->kin = list_open(count, count);
	if (records)
		expiry->ttl_ns = mem_alloc(count, sizeof(*expiry->ttl_ns));
	expiry->tail_first = expiry->waits_for || rules->unpins;
	wheel_open(&expiry->queue, count);
}

struct expiry *expiry_open(const struct trace *trace, const struct evict_env *env, const struct spec *spec, bool records,
                           struct err *err)
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
	*expiry = (struct expiry){.env = env};
	if (ttl_rules_open(&expiry->rules, trace, env, ops, spec, err) < 0) {
		expiry_close(expiry);
		return NULL;
	}
	open_arrays(expiry, records);
	return expiry;
}

void expiry_close(struct expiry *expiry)
{
	if (!expiry)
		return;
	ttl_rules_close(&expiry->rules);
	wheel_close(&expiry->queue);
	free(expiry->deadline_ns);
	free(expiry->born_ns);
	free(expiry->hits);
	free(expiry->waits_for);
	free(expiry->kin);
	free(expiry->ttl_ns);
	free(expiry);
}

void expiry_observe(struct expiry *expiry, struct path path)
{
	ttl_rules_observe(&expiry->rules, path);
}

/* Sees to it that b is queued under a key no later than its deadline; an entry of an earlier stay may still be there. */
static inline void queue(struct expiry *expiry, block_id b)
{
	const int64_t key_ns = expiry->queue.key_ns[b], deadline_ns = expiry->deadline_ns[b];
	if (key_ns <= deadline_ns)
		return; /* also where both are never */
	if (key_ns != WHEEL_OUT)
		wheel_take(&expiry->queue, b);
	/* Under lift a parent has to wait for its child anyway; else a parent that goes first never gets to be idle. */
	wheel_put(&expiry->queue, b, deadline_ns, expiry->tail_first ? expiry->env->parent[b] : BLOCK_NONE);
}

/* Gives b a deadline. It is never before now, which is also where a block past its max_age gets it. */
static void date(struct expiry *expiry, const struct ttl_rule *rule, block_id b, int64_t ttl_ns)
{
	const int64_t now_ns = expiry->env->now->now_ns;
	int64_t deadline_ns = add_saturated(now_ns, ttl_ns);
	if (rule->max_age_ns != TIME_NEVER_NS) {
		const int64_t latest_ns = add_saturated(expiry->born_ns[b], rule->max_age_ns);
		if (deadline_ns > latest_ns)
			deadline_ns = latest_ns > now_ns ? latest_ns : now_ns;
	}
	expiry->deadline_ns[b] = deadline_ns;
	if (expiry->ttl_ns)
		expiry->ttl_ns[b] = ttl_ns;
	queue(expiry, b);
}

void expiry_insert(struct expiry *expiry, block_id b)
{
	const struct ttl_rule *rule = ttl_rules_now(&expiry->rules);
	const block_id parent = expiry->env->parent[b];
	if (expiry->hits)
		expiry->hits[b] = 0;
	if (expiry->born_ns)
		expiry->born_ns[b] = expiry->env->now->now_ns;
	if (expiry->waits_for && parent != BLOCK_NONE)
		expiry->waits_for[parent]++;
	if (expiry->kin && parent != BLOCK_NONE)
		list_push_back(expiry->kin, expiry->env->block_count + parent, b);
	date(expiry, rule, b, expiry->rules.ops->ttl_ns(rule->state, b, 0));
}

/* One deadline for a stretch; only blocks queued beyond it, or not at all, need more than a store. */
static void fill(struct expiry *expiry, block_id first, uint32_t count, int64_t ttl_ns)
{
	const int64_t deadline_ns = add_saturated(expiry->env->now->now_ns, ttl_ns);
	int64_t *const deadlines_ns = expiry->deadline_ns + first;
	const int64_t *const keys_ns = expiry->queue.key_ns + first;
	uint32_t late = 0;
	for (uint32_t i = 0; i < count; i++) {
		deadlines_ns[i] = deadline_ns;
		late |= keys_ns[i] > deadline_ns;
	}
	for (uint32_t i = 0; late && i < count; i++)
		queue(expiry, first + i);
	for (uint32_t i = 0; expiry->ttl_ns && i < count; i++)
		expiry->ttl_ns[first + i] = ttl_ns;
}

void expiry_hit(struct expiry *expiry, block_id first, uint32_t count)
{
	const struct ttl_rule *rule = ttl_rules_now(&expiry->rules);
	const struct ttl_ops *ops = expiry->rules.ops;
	for (uint32_t i = 0; expiry->hits && i < count; i++)
		expiry->hits[first + i] += expiry->hits[first + i] < UINT32_MAX;
	if (rule->mode == TTL_ABSOLUTE)
		return;
	if (ops->uniform && rule->max_age_ns == TIME_NEVER_NS) {
		fill(expiry, first, count, ops->ttl_ns(rule->state, first + count - 1, 0));
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		date(expiry, rule, first + i, ops->ttl_ns(rule->state, first + i, expiry->hits ? expiry->hits[first + i] : 0));
}

/* b's time is over, or it has left without being over. The parent that waited for nothing else; else BLOCK_NONE. */
static block_id let_go(struct expiry *expiry, block_id b)
{
	const block_id parent = expiry->env->parent[b];
	expiry->deadline_ns[b] = ~expiry->deadline_ns[b];
	if (!expiry->waits_for || parent == BLOCK_NONE || --expiry->waits_for[parent] > 0)
		return BLOCK_NONE;
	const int64_t deadline_ns = expiry->deadline_ns[parent];
	const bool waits = deadline_ns >= 0 && deadline_ns != TIME_NEVER_NS && expiry->queue.key_ns[parent] == WHEEL_OUT;
	return waits ? parent : BLOCK_NONE;
}

bool expiry_leave(struct expiry *expiry, block_id b)
{
	if (expiry->kin && expiry->env->parent[b] != BLOCK_NONE)
		list_take(expiry->kin, b);
	if (expiry_is_over(expiry, b)) {
		expiry->over_blocks--;
		return false;
	}
	const block_id parent = let_go(expiry, b);
	if (parent == BLOCK_NONE)
		return false;
	/* It came up before, so the queue has begun: its start lies before now. */
	wheel_put(&expiry->queue, parent, expiry->queue.from_ns, BLOCK_NONE);
	return true;
}

bool expiry_withdraw(struct expiry *expiry, block_id b)
{
	if (expiry->queue.key_ns[b] != WHEEL_OUT)
		wheel_take(&expiry->queue, b);
	return expiry_leave(expiry, b);
}

int64_t expiry_first_ns(const struct expiry *expiry)
{
	return wheel_first_ns(&expiry->queue);
}

int64_t expiry_bound_ns(const struct expiry *expiry)
{
	return wheel_bound_ns(&expiry->queue);
}

bool expiry_next(struct expiry *expiry, int64_t now_ns, block_id *b, int64_t *end_ns)
{
	int64_t key_ns;
	for (block_id top; (top = wheel_next(&expiry->queue, now_ns, &key_ns)) != BLOCK_NONE;) {
		const int64_t deadline_ns = expiry->deadline_ns[top];
		if (deadline_ns < 0)
			continue; /* it left before */
		if (deadline_ns > key_ns) {
			queue(expiry, top); /* used since */
			continue;
		}
		if (expiry->waits_for && expiry->waits_for[top] > 0)
			continue;
		const block_id parent = let_go(expiry, top);
		if (parent != BLOCK_NONE)
			wheel_put(&expiry->queue, parent, key_ns, BLOCK_NONE);
		expiry->over_blocks++;
		*b = top;
		*end_ns = key_ns;
		return true;
	}
	return false;
}

uint32_t expiry_over_blocks(const struct expiry *expiry)
{
	return expiry->over_blocks;
}

bool expiry_is_over(const struct expiry *expiry, block_id b)
{
	return expiry->deadline_ns[b] < 0;
}

/* b is no longer over. */
static bool revive(struct expiry *expiry, block_id b)
{
	const block_id parent = expiry->env->parent[b];
	expiry->deadline_ns[b] = ~expiry->deadline_ns[b];
	expiry->over_blocks--;
	if (expiry->waits_for && parent != BLOCK_NONE)
		expiry->waits_for[parent]++;
	return true;
}

bool expiry_renew(struct expiry *expiry, block_id b)
{
	return expiry_is_over(expiry, b) && ttl_rules_now(&expiry->rules)->mode == TTL_SLIDING && revive(expiry, b);
}

bool expiry_lift(struct expiry *expiry, block_id b)
{
	return expiry->waits_for && (expiry->env->resident[b] & 1u) && expiry_is_over(expiry, b) && revive(expiry, b);
}

bool expiry_cut(struct expiry *expiry, block_id b)
{
	if (expiry_is_over(expiry, b))
		return false;
	expiry->deadline_ns[b] = ~expiry->deadline_ns[b];
	expiry->over_blocks++;
	return true;
}

bool expiry_hard(const struct expiry *expiry)
{
	return expiry->rules.hard;
}

bool expiry_drops(const struct expiry *expiry)
{
	return !expiry->rules.unpins;
}

bool expiry_cascades(const struct expiry *expiry)
{
	return expiry->kin != NULL;
}

/* A head is no block: the end of a list. */
static block_id block_or_none(const struct expiry *expiry, block_id b)
{
	return b < expiry->env->block_count ? b : BLOCK_NONE;
}

block_id expiry_child(const struct expiry *expiry, block_id b)
{
	return block_or_none(expiry, expiry->kin[expiry->env->block_count + b].next);
}

block_id expiry_sibling(const struct expiry *expiry, block_id b)
{
	return block_or_none(expiry, expiry->kin[b].next);
}

int64_t expiry_ttl_ns(const struct expiry *expiry, block_id b)
{
	return expiry->ttl_ns[b];
}

void expiry_deadlines(const struct expiry *expiry, int64_t *deadline_ns)
{
	const uint32_t count = expiry->env->block_count;
	const uint8_t *resident = expiry->env->resident;
	for (uint32_t b = 0; b < count; b++)
		deadline_ns[b] = expiry->deadline_ns[b] < 0 ? ~expiry->deadline_ns[b] : expiry->deadline_ns[b];
	/* A parent's id is smaller: children first for lift, parents first for cascade. */
	for (uint32_t b = count; expiry->waits_for && b-- > 0;) {
		const block_id parent = expiry->env->parent[b];
		if ((resident[b] & 1u) && parent != BLOCK_NONE && deadline_ns[parent] < deadline_ns[b])
			deadline_ns[parent] = deadline_ns[b];
	}
	for (uint32_t b = 0; expiry->kin && b < count; b++) {
		const block_id parent = expiry->env->parent[b];
		if (parent != BLOCK_NONE && (resident[parent] & 1u) && deadline_ns[parent] < deadline_ns[b])
			deadline_ns[b] = deadline_ns[parent];
	}
}
