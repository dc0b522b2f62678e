/* naive_wtinylfu.c - W-TinyLFU's parts as a number a block, and its counts halved one by one; see evict_wtinylfu.c. */
#include "naive.h"

#include <stdlib.h>

enum part { OUT, WINDOW, PROBATION, PROTECTED };

#define MOST_USES 15

struct tiny {
	enum part *part;   /* [block] */
	uint64_t *order;   /* [block] the greater, the later it came to where it stands */
	uint32_t *uses;    /* [block] also while absent */
	uint64_t counter, counted;
	uint32_t window, main, protected;
	uint64_t sample;
};

static void tiny_open(struct naive *model)
{
	const uint32_t blocks = model->config.trace->block_count;
	const struct naive_values *values = &model->config.evict_values;
	const double room = (double)(model->config.capacity_blocks < blocks ? model->config.capacity_blocks : blocks);
	struct tiny *own = model->own = mem_alloc(1, sizeof(*own));
	own->part = mem_alloc(blocks, sizeof(*own->part));
	own->order = mem_alloc(blocks, sizeof(*own->order));
	own->uses = mem_alloc(blocks, sizeof(*own->uses));
	own->window = (uint32_t)(room * naive_real(values, "window"));
	own->window += own->window == 0;
	own->main = (uint32_t)room - own->window;
	own->protected = (uint32_t)(own->main * naive_real(values, "protected"));
	own->sample = 1 + (uint64_t)(room * naive_real(values, "sample"));
}

static void tiny_close(struct naive *model)
{
	struct tiny *own = model->own;
	free(own->part);
	free(own->order);
	free(own->uses);
	free(own);
}

static uint32_t tiny_size(const struct naive *model, enum part part)
{
	const struct tiny *own = model->own;
	uint32_t size = 0;
	for (uint32_t b = 0; b < model->config.trace->block_count; b++)
		size += own->part[b] == part;
	return size;
}

static bool main_has_room(const struct naive *model)
{
	return tiny_size(model, PROBATION) + tiny_size(model, PROTECTED) < ((const struct tiny *)model->own)->main;
}

/* Of the part's blocks that may go the one that came first; of equals the deeper, then the smaller id. */
static block_id tiny_oldest(const struct naive *model, enum part part)
{
	const struct tiny *own = model->own;
	const uint32_t *depth = model->config.trace->depth;
	block_id oldest = BLOCK_NONE;
	for (uint32_t b = 0; b < model->config.trace->block_count; b++) {
		if (own->part[b] != part || model->blocks[b].in_use || !naive_idle(model, b))
			continue;
		if (oldest == BLOCK_NONE || own->order[b] < own->order[oldest] ||
		    (own->order[b] == own->order[oldest] && depth[b] > depth[oldest]))
			oldest = b;
	}
	return oldest;
}

/* In flat scope in the order of letting go, in leaf scope by request. */
static void tiny_stand(struct naive *model, block_id b, enum part part)
{
	struct tiny *own = model->own;
	own->part[b] = part;
	own->order[b] = model->config.leaf ? model->seq : ++own->counter;
}

static void tiny_count(struct naive *model, block_id b)
{
	struct tiny *own = model->own;
	own->uses[b] += own->uses[b] < MOST_USES;
	if (++own->counted % own->sample != 0)
		return;
	for (uint32_t c = 0; c < model->config.trace->block_count; c++)
		own->uses[c] /= 2;
}

static void tiny_hit(struct naive *model, block_id b)
{
	struct tiny *own = model->own;
	tiny_count(model, b);
	tiny_stand(model, b, own->part[b] == WINDOW ? WINDOW : PROTECTED);
	const block_id cooled = tiny_oldest(model, PROTECTED);
	if (tiny_size(model, PROTECTED) > own->protected && cooled != BLOCK_NONE)
		tiny_stand(model, cooled, PROBATION);
}

static void tiny_insert(struct naive *model, block_id b)
{
	struct tiny *own = model->own;
	tiny_count(model, b);
	tiny_stand(model, b, WINDOW);
	const block_id passed = tiny_oldest(model, WINDOW);
	if (tiny_size(model, WINDOW) > own->window && main_has_room(model) && passed != BLOCK_NONE)
		tiny_stand(model, passed, PROBATION);
}

static void tiny_let_go(struct naive *model, block_id b)
{
	struct tiny *own = model->own;
	if (!model->config.leaf)
		tiny_stand(model, b, own->part[b]);
}

static void tiny_left(struct naive *model, block_id b, enum naive_state why)
{
	(void)why;
	((struct tiny *)model->own)->part[b] = OUT;
}

static block_id tiny_choose(struct naive *model, block_id in)
{
	(void)in;
	const struct tiny *own = model->own;
	block_id victim = tiny_oldest(model, PROBATION);
	if (victim == BLOCK_NONE)
		victim = tiny_oldest(model, PROTECTED);
	while (victim == BLOCK_NONE || tiny_size(model, WINDOW) >= own->window) {
		const block_id newcomer = tiny_oldest(model, WINDOW);
		if (newcomer == BLOCK_NONE)
			return victim;
		if (victim == BLOCK_NONE || own->uses[newcomer] <= own->uses[victim])
			return newcomer;
		const bool room = main_has_room(model);
		tiny_stand(model, newcomer, PROBATION);
		if (!room)
			return victim;
	}
	return victim;
}

const struct naive_policy naive_wtinylfu = {
        .name = "wtinylfu",
        .open = tiny_open,
        .close = tiny_close,
        .hit = tiny_hit,
        .insert = tiny_insert,
        .let_go = tiny_let_go,
        .left = tiny_left,
        .choose = tiny_choose,
};
