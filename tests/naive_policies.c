/* naive_policies.c - the twins: each policy as one small function. To add one, write its key (the idle block with the
 * smallest goes) or, for rules that are no key, choose() with the hooks it needs, and put it into the table.
 * naive_engines.c has those of the engines, naive_queued.c, naive_scored.c, naive_sampled.c and naive_experts.c those with queues,
 * scores, samples and experts, naive_ttls.c the TTL rules'. */
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

static struct naive_key mru_key(const struct naive *model, block_id b)
{
	return (struct naive_key){-(double)model->blocks[b].used_seq, 0};
}

static struct naive_key filo_key(const struct naive *model, block_id b)
{
	return (struct naive_key){-(double)model->blocks[b].born_seq, 0};
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

static const struct naive_policy policies[] = {
        {.name = "lru", .key = lru_key},
        {.name = "fifo", .key = fifo_key},
        {.name = "mru", .key = mru_key},
        {.name = "filo", .key = filo_key},
        {.name = "lfu", .key = lfu_key},
        {.name = "belady", .choose = belady_choose},
};

static const struct naive_policy *find_in(const struct naive_policy *table, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	}
	return NULL;
}

const struct naive_policy *naive_policy_find(const char *name, bool leaf)
{
	const struct naive_policy *found = find_in(policies, COUNT_OF(policies), name);
	if (!found)
		found = find_in(naive_engines, naive_engine_count, name);
	if (!found)
		found = find_in(naive_queued, naive_queued_count, name);
	if (!found)
		found = find_in(naive_scored, naive_scored_count, name);
	if (!found)
		found = find_in(naive_papers, naive_paper_count, name);
	if (!found)
		found = find_in(naive_learned, naive_learned_count, name);
	if (!found)
		found = find_in(naive_sampled, naive_sampled_count, name);
	if (!found)
		found = find_in(naive_experts, naive_expert_count, name);
	if (!found)
		found = find_in(&naive_retention, 1, name);
	if (!found)
		found = find_in(&naive_vllm, 1, name);
	if (!found)
		found = find_in(&naive_wtinylfu, 1, name);
	return found && !(leaf && found->flat_only) ? found : NULL;
}
