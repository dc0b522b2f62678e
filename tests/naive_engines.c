/* naive_engines.c - the twins of the engines' own policies; see naive_policies.c. */
#include "naive.h"

#include <math.h>
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

/* Mooncake's store. A block's `mark` is when its lease ends. */
struct store {
	int64_t *pin_end_ns; /* [block] 0: not pinned softly */
	block_id coming;     /* in use, though no pin says so yet */
	bool soft;           /* pinned ones may go */
};

static void mooncake_open(struct naive *model)
{
	struct store *store = model->own = mem_alloc(1, sizeof(*store));
	store->pin_end_ns = mem_alloc(model->config.trace->block_count, sizeof(*store->pin_end_ns));
	store->coming = BLOCK_NONE;
}

static void mooncake_close(struct naive *model)
{
	struct store *store = model->own;
	free(store->pin_end_ns);
	free(store);
}

static int64_t ns_from_now(const struct naive *model, const char *name)
{
	const int64_t ns = naive_integer(&model->config.evict_values, name);
	return ns > INT64_MAX - model->now_ns ? INT64_MAX : model->now_ns + ns;
}

static void mooncake_hit(struct naive *model, block_id b)
{
	model->blocks[b].mark = (uint64_t)ns_from_now(model, "lease");
}

/* Without a lease, and without a soft pin unless those may go too. */
static struct naive_key mooncake_key(const struct naive *model, block_id b)
{
	const struct store *store = model->own;
	const bool leased = model->blocks[b].mark > (uint64_t)model->now_ns;
	const bool pinned = store->pin_end_ns[b] > model->now_ns && !store->soft;
	return (struct naive_key){leased || pinned || b == store->coming ? INFINITY : (double)model->blocks[b].mark, 0};
}

static block_id mooncake_oldest(struct naive *model, bool soft)
{
	struct store *store = model->own;
	store->soft = soft;
	const block_id b = naive_first(model, mooncake_key);
	return b != BLOCK_NONE && isfinite(mooncake_key(model, b).first) ? b : BLOCK_NONE;
}

/* Softly pinned ones only after all others. */
static block_id mooncake_choose(struct naive *model, block_id in)
{
	(void)in;
	const block_id b = mooncake_oldest(model, false);
	const bool spare = naive_integer(&model->config.evict_values, "spare") != 0;
	return b != BLOCK_NONE || spare ? b : mooncake_oldest(model, true);
}

static void mooncake_insert(struct naive *model, block_id b)
{
	struct store *store = model->own;
	const struct naive_values *values = &model->config.evict_values;
	const struct trace *trace = model->config.trace;
	const uint32_t hints = trace->requests[model->request].hints;
	uint64_t prefix = (uint64_t)naive_integer(values, "prefix");
	if (hints != UINT32_MAX && trace->hints[hints].prefix_tokens != UINT32_MAX)
		prefix = trace->hints[hints].prefix_tokens;
	const int64_t soft = naive_integer(values, "soft"); /* none, prefix, all */
	const bool pinned = soft == 2 || (soft == 1 && (uint64_t)trace->depth[b] * trace->block_tokens < prefix);
	model->blocks[b].mark = (uint64_t)model->now_ns;
	store->pin_end_ns[b] = pinned ? ns_from_now(model, "soft_ttl") : 0;
	store->coming = b;
	const double count = naive_used(model), over = count / (double)model->config.capacity_blocks - naive_real(values, "high");
	const double target = over + naive_real(values, "batch");
	const bool endless = model->config.capacity_blocks == UINT64_MAX;
	double gone = 0;
	for (; !endless && over > 0; gone++) {
		block_id victim = BLOCK_NONE;
		if (gone < ceil(target * count))
			victim = mooncake_oldest(model, false);
		if (victim == BLOCK_NONE && gone < ceil(fmax(target / 2, over) * count))
			victim = mooncake_choose(model, BLOCK_NONE);
		if (victim == BLOCK_NONE)
			break;
		naive_evict(model, victim);
	}
	store->coming = BLOCK_NONE;
}

const struct naive_policy naive_engines[] = {
        {.name = "mooncake",
         .choose = mooncake_choose,
         .open = mooncake_open,
         .close = mooncake_close,
         .hit = mooncake_hit,
         .insert = mooncake_insert},
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
