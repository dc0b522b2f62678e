/* naive_engines.c - the twins of the engines' own policies; see naive_policies.c. */
#include "naive.h"

#include <stdlib.h>

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

/* vLLM's ARC. A block's `mark` is the list it is in, a ghost's `score` when it joined. */
enum arc_list { ARC_NONE, ARC_T1, ARC_T2, ARC_B1, ARC_B2 };

struct arc {
	double target, clock;
	block_id touched;
	uint64_t touched_seq;
};

static void vllm_arc_open(struct naive *model)
{
	struct arc *arc = mem_alloc(1, sizeof(*arc));
	arc->touched = BLOCK_NONE;
	model->own = arc;
}

static void vllm_arc_close(struct naive *model)
{
	free(model->own);
}

static uint32_t arc_size(const struct naive *model, enum arc_list list)
{
	uint32_t size = 0;
	for (uint32_t b = 0; b < model->config.trace->block_count; b++)
		size += model->blocks[b].mark == list;
	return size;
}

static double at_least_one(double ratio)
{
	return ratio > 1 ? ratio : 1;
}

static void arc_touch(struct naive *model, block_id b)
{
	struct arc *arc = model->own;
	const uint64_t list = model->blocks[b].mark;
	const double b1 = arc_size(model, ARC_B1), b2 = arc_size(model, ARC_B2), most = (double)model->config.capacity_blocks;
	if ((list != ARC_B1 && list != ARC_B2) || (arc->touched == b && arc->touched_seq == model->seq))
		return;
	arc->touched = b;
	arc->touched_seq = model->seq;
	arc->target += list == ARC_B1 ? at_least_one(b2 / b1) : -at_least_one(b1 / b2);
	arc->target = arc->target < 0 ? 0 : arc->target > most ? most : arc->target;
	model->blocks[b].score = ++arc->clock;
}

static void vllm_arc_insert(struct naive *model, block_id b)
{
	arc_touch(model, b);
	model->blocks[b].mark = ARC_T1;
}

static void vllm_arc_hit(struct naive *model, block_id b)
{
	model->blocks[b].mark = ARC_T2;
}

static struct naive_key arc_t1_first(const struct naive *model, block_id b)
{
	return (struct naive_key){model->blocks[b].mark != ARC_T1, naive_recency(model, b)};
}

static struct naive_key arc_t2_first(const struct naive *model, block_id b)
{
	return (struct naive_key){model->blocks[b].mark != ARC_T2, naive_recency(model, b)};
}

static block_id vllm_arc_choose(struct naive *model, block_id in)
{
	const struct arc *arc = model->own;
	arc_touch(model, in);
	return naive_first(model, arc_size(model, ARC_T1) >= (uint32_t)arc->target ? arc_t1_first : arc_t2_first);
}

static void vllm_arc_left(struct naive *model, block_id b, enum naive_state why)
{
	struct arc *arc = model->own;
	struct naive_block *blocks = model->blocks;
	const enum arc_list ghosts = blocks[b].mark == ARC_T1 ? ARC_B1 : ARC_B2;
	blocks[b].mark = why == NAIVE_EXPIRED ? ARC_NONE : ghosts;
	blocks[b].score = ++arc->clock;
	if (arc_size(model, ghosts) <= model->config.capacity_blocks)
		return;
	block_id oldest = b;
	for (uint32_t g = 0; g < model->config.trace->block_count; g++) {
		if (blocks[g].mark == ghosts && blocks[g].score < blocks[oldest].score)
			oldest = g;
	}
	blocks[oldest].mark = ARC_NONE;
}

const struct naive_policy naive_engines[] = {
        {.name = "sglang_priority", .key = sglang_priority_key, .hit = sglang_priority_use, .insert = sglang_priority_use},
        {.name = "sglang_slru", .key = sglang_slru_key},
        {.name = "vllm_arc",
         .choose = vllm_arc_choose,
         .open = vllm_arc_open,
         .close = vllm_arc_close,
         .hit = vllm_arc_hit,
         .insert = vllm_arc_insert,
         .left = vllm_arc_left},
};
const size_t naive_engine_count = COUNT_OF(naive_engines);
