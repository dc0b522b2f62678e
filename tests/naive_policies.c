/* naive_policies.c - the twins: each policy and TTL rule as one small function. To add one, write its key (the idle block
 * with the smallest goes) or, for rules that are no key, choose() with the hooks it needs, and put it into the table. */
#include "naive.h"

#include <string.h>

static struct naive_key lru_key(const struct naive *model, block_id b)
{
	return (struct naive_key){naive_recency(model, b), 0};
}

static struct naive_key fifo_key(const struct naive *model, block_id b)
{
	return (struct naive_key){(double)model->blocks[b].born_seq, 0};
}

static struct naive_key lfu_key(const struct naive *model, block_id b)
{
	return (struct naive_key){(double)model->blocks[b].uses, naive_recency(model, b)};
}

static struct naive_key belady_key(const struct naive *model, block_id b)
{
	return (struct naive_key){-(double)naive_next_use(model, b), 0};
}

/* bypass=1: a block whose own next use is farther than every victim's stays out. */
static block_id belady_choose(struct naive *model, block_id in)
{
	const block_id victim = naive_first(model, belady_key);
	const bool bypass = naive_integer(&model->config.evict_values, "bypass") != 0;
	if (bypass && victim != BLOCK_NONE && naive_next_use(model, in) > naive_next_use(model, victim))
		return BLOCK_NONE;
	return victim;
}

/* Protected blocks are those with so many hits after the insertion. */
static struct naive_key sglang_slru_key(const struct naive *model, block_id b)
{
	const int64_t hits = (int64_t)model->blocks[b].uses - 1;
	return (struct naive_key){hits >= naive_integer(&model->config.evict_values, "protected"), naive_recency(model, b)};
}

/* What the request says, for as long as no later one says more. */
static void sglang_priority_use(struct naive *model, block_id b)
{
	const struct trace *trace = model->config.trace;
	const uint32_t hints = trace->requests[model->request].hints;
	double priority = (double)naive_integer(&model->config.evict_values, "priority");
	if (hints != UINT32_MAX && trace->hints[hints].priority != INT32_MIN)
		priority = trace->hints[hints].priority;
	if (model->blocks[b].uses == 1 || model->blocks[b].score < priority)
		model->blocks[b].score = priority;
}

static struct naive_key sglang_priority_key(const struct naive *model, block_id b)
{
	return (struct naive_key){model->blocks[b].score, (double)model->blocks[b].used_seq};
}

static int64_t static_ttl_ns(const struct naive *model, const struct naive_values *own, block_id b, uint64_t hits)
{
	(void)model, (void)b, (void)hits;
	return naive_integer(own, "ttl");
}

static const struct naive_policy policies[] = {
        {.name = "lru", .key = lru_key},
        {.name = "fifo", .key = fifo_key},
        {.name = "lfu", .key = lfu_key},
        {.name = "belady", .choose = belady_choose},
        {.name = "sglang_priority", .key = sglang_priority_key, .hit = sglang_priority_use, .insert = sglang_priority_use},
        {.name = "sglang_slru", .key = sglang_slru_key},
};

static const struct naive_ttl ttls[] = {
        {"static", static_ttl_ns},
};

const struct naive_policy *naive_policy_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(policies); i++) {
		if (strcmp(policies[i].name, name) == 0)
			return &policies[i];
	}
	return NULL;
}

const struct naive_ttl *naive_ttl_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(ttls); i++) {
		if (strcmp(ttls[i].name, name) == 0)
			return &ttls[i];
	}
	return NULL;
}
