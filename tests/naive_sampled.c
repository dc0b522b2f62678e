/* naive_sampled.c - the twins of the rules that judge a sample, for parameters under which the sample is all that may go;
 * see naive_policies.c. */
#include "naive.h"

#include <stdlib.h>

static bool samples_all(const struct naive_config *config)
{
	const uint64_t blocks = config->trace->block_count;
	const uint64_t most = config->capacity_blocks < blocks ? config->capacity_blocks : blocks;
	return (uint64_t)naive_integer(&config->evict_values, "samples") >= most;
}

static struct naive_key hyperbolic_key(const struct naive *model, block_id b)
{
	const struct naive_block *block = &model->blocks[b];
	return (struct naive_key){(double)block->uses / (double)(model->seq - block->born_seq), (double)block->born_seq};
}

/* --- lhd: mark is the clock at the last use --- */

#define CLASSES 16
#define AGES    20000

struct lhd_ends {
	float hits[AGES], losses[AGES], density[AGES];
};

struct lhd_own {
	struct lhd_ends ends[CLASSES];
	uint64_t uses, clock, seq, step;
	uint32_t *class, *last_age; /* [block] */
};

static bool lhd_knows(const struct naive_config *config)
{
	const uint64_t blocks = config->trace->block_count;
	const uint64_t room = config->capacity_blocks < blocks ? config->capacity_blocks : blocks;
	return samples_all(config) && naive_real(&config->evict_values, "explorers") * (double)room < 1;
}

static void lhd_open(struct naive *model)
{
	const uint64_t blocks = model->config.trace->block_count;
	const uint64_t room = model->config.capacity_blocks < blocks ? model->config.capacity_blocks : blocks;
	struct lhd_own *own = model->own = mem_alloc(1, sizeof(*own));
	own->class = mem_alloc(blocks, sizeof(*own->class));
	own->last_age = mem_alloc(blocks, sizeof(*own->last_age));
	own->step = 1;
	while (own->step * 200 < room)
		own->step *= 2;
	const float prior = (float)naive_real(&model->config.evict_values, "prior");
	for (uint32_t k = 0; k < CLASSES; k++)
		for (uint32_t age = 0; age < AGES; age++)
			own->ends[k].density[age] = ((float)k + prior) / (float)(age + 1);
}

static void lhd_close(struct naive *model)
{
	struct lhd_own *own = model->own;
	free(own->class);
	free(own->last_age);
	free(own);
}

static uint32_t lhd_age(const struct naive *model, block_id b)
{
	const struct lhd_own *own = model->own;
	const uint64_t clock = own->seq == model->seq ? own->clock : own->uses;
	const uint64_t age = (clock - model->blocks[b].mark) / own->step;
	return age < AGES - 1 ? (uint32_t)age : AGES - 1;
}

static void lhd_learn(struct lhd_ends *ends, float decay)
{
	float hits = 0, all = 0, time = 0;
	for (int age = AGES - 1; age >= 0; age--) {
		ends->hits[age] *= decay;
		ends->losses[age] *= decay;
		hits += ends->hits[age];
		all += ends->hits[age] + ends->losses[age];
		time += all;
		ends->density[age] = all > 1e-5f ? hits / time : 0;
	}
}

static void lhd_use(struct naive *model, block_id b)
{
	struct lhd_own *own = model->own;
	if (own->seq != model->seq) {
		own->seq = model->seq;
		own->clock = own->uses;
	}
	model->blocks[b].mark = own->clock;
	own->uses++;
	if (own->uses % (uint64_t)naive_integer(&model->config.evict_values, "every") == 0) {
		for (uint32_t k = 0; k < CLASSES; k++)
			lhd_learn(&own->ends[k], (float)naive_real(&model->config.evict_values, "decay"));
	}
}

static void lhd_insert(struct naive *model, block_id b)
{
	struct lhd_own *own = model->own;
	own->class[b] = own->last_age[b] = 0;
	lhd_use(model, b);
}

static void lhd_hit(struct naive *model, block_id b)
{
	struct lhd_own *own = model->own;
	const uint32_t age = lhd_age(model, b), sum = age + own->last_age[b];
	own->ends[own->class[b]].hits[age]++;
	own->class[b] = sum == 0 ? CLASSES - 1 : 0;
	for (uint32_t doubled = sum; doubled > 0 && doubled < AGES && own->class[b] < CLASSES - 1; doubled *= 2)
		own->class[b]++;
	own->last_age[b] = age;
	lhd_use(model, b);
}

static void lhd_left(struct naive *model, block_id b, enum naive_state why)
{
	(void)why;
	struct lhd_own *own = model->own;
	own->ends[own->class[b]].losses[lhd_age(model, b)]++;
}

static struct naive_key lhd_key(const struct naive *model, block_id b)
{
	const struct lhd_own *own = model->own;
	const uint32_t age = lhd_age(model, b);
	const float density = age == AGES - 1 ? -1 : own->ends[own->class[b]].density[age];
	return (struct naive_key){(double)density, (double)model->blocks[b].mark};
}

const struct naive_policy naive_sampled[] = {
        {.name = "hyperbolic", .key = hyperbolic_key, .knows = samples_all},
        {.name = "lhd", .open = lhd_open, .close = lhd_close, .hit = lhd_hit, .insert = lhd_insert, .left = lhd_left,
         .key = lhd_key, .knows = lhd_knows},
};
const size_t naive_sampled_count = COUNT_OF(naive_sampled);
