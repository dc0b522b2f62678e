/* naive_scored.c - the twins of the classics that keep a score and an age; see naive_policies.c. */
#include "naive.h"

#include <math.h>
#include <stdlib.h>

struct aging {
	double age;
	bool evicted; /* something, ever */
};

static void aging_open(struct naive *model)
{
	model->own = mem_alloc(1, sizeof(struct aging));
}

static void aging_close(struct naive *model)
{
	free(model->own);
}

static struct naive_key score_key(const struct naive *model, block_id b)
{
	return (struct naive_key){model->blocks[b].score, (double)model->blocks[b].used_seq};
}

/* The age is the highest score that went by eviction. */
static void aging_left(struct naive *model, block_id b, enum naive_state why)
{
	struct aging *aging = model->own;
	if (why != NAIVE_EVICTED)
		return;
	aging->evicted = true;
	if (model->blocks[b].score > aging->age)
		aging->age = model->blocks[b].score;
}

static double recompute_ns(const struct naive *model, uint32_t depth)
{
	const double block = model->config.trace->block_tokens;
	return block * model->config.token_ns + (block * block * depth + block * (block + 1) / 2) * model->config.pair_ns;
}

static void gdsf_use(struct naive *model, block_id b)
{
	const struct aging *aging = model->own;
	double cost = 1;
	if (naive_integer(&model->config.evict_values, "cost") == 1)
		cost = recompute_ns(model, model->config.trace->depth[b]) / recompute_ns(model, 0);
	model->blocks[b].score = aging->age + (double)model->blocks[b].uses * cost;
}

/* The age is also the lowest score of all that may go, and of b where that is used again. */
static void lfuda_get_older(struct naive *model, block_id b, bool hit)
{
	struct aging *aging = model->own;
	double lowest = hit ? model->blocks[b].score : HUGE_VAL;
	for (uint32_t i = 0; i < model->config.trace->block_count; i++) {
		if (i != b && naive_idle(model, i) && model->blocks[i].score < lowest)
			lowest = model->blocks[i].score;
	}
	if (aging->evicted && lowest != HUGE_VAL && lowest > aging->age)
		aging->age = lowest;
}

static double at_most(double value)
{
	return value < 0x1p62 ? value : 0x1p62;
}

static void lfuda_hit(struct naive *model, block_id b)
{
	lfuda_get_older(model, b, true);
	model->blocks[b].score = at_most(model->blocks[b].score + ((struct aging *)model->own)->age);
}

static void lfuda_insert(struct naive *model, block_id b)
{
	lfuda_get_older(model, b, false);
	model->blocks[b].score = at_most(((struct aging *)model->own)->age + 1);
}

const struct naive_policy naive_scored[] = {
        {.name = "gdsf", .key = score_key, .open = aging_open, .close = aging_close, .hit = gdsf_use, .insert = gdsf_use,
         .left = aging_left},
        {.name = "lfuda", .key = score_key, .open = aging_open, .close = aging_close, .hit = lfuda_hit, .insert = lfuda_insert,
         .left = aging_left},
};
const size_t naive_scored_count = COUNT_OF(naive_scored);
