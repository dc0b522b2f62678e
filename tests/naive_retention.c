/* naive_retention.c - TensorRT-LLM's retention with a timer a block that everybody looks at; see evict_retention.c. */
#include "naive.h"

#include <stdlib.h>

#define DEFAULT_PRIORITY 35

struct kept {
	int64_t priority, duration_ns;
	int64_t over_ns; /* when the priority runs out; INT64_MAX: never, or it has */
	uint64_t order;  /* flat scope: of letting go; leaf scope: seq of the last use, or of running out */
};

struct retained {
	struct kept *blocks;
	uint64_t counter;
};

static void retention_open(struct naive *model)
{
	struct retained *own = model->own = mem_alloc(1, sizeof(*own));
	own->blocks = mem_alloc(model->config.trace->block_count, sizeof(*own->blocks));
	for (uint32_t b = 0; b < model->config.trace->block_count; b++)
		own->blocks[b].over_ns = INT64_MAX;
}

static void retention_close(struct naive *model)
{
	struct retained *own = model->own;
	free(own->blocks);
	free(own);
}

static void start_timer(const struct naive *model, struct kept *kept)
{
	const int64_t left_ns = INT64_MAX - model->now_ns;
	kept->over_ns = kept->priority != DEFAULT_PRIORITY && kept->duration_ns < left_ns ? model->now_ns + kept->duration_ns
	                                                                                  : INT64_MAX;
}

/* Ends the priorities whose time is up, the longest over first; of equals the deeper block's, then the smaller id's. */
static void run_out(struct naive *model)
{
	struct retained *own = model->own;
	const uint32_t *depth = model->config.trace->depth;
	for (;;) {
		block_id due = BLOCK_NONE;
		for (uint32_t b = 0; b < model->config.trace->block_count; b++) {
			const int64_t over_ns = own->blocks[b].over_ns;
			if (over_ns > model->now_ns)
				continue;
			if (due == BLOCK_NONE || over_ns < own->blocks[due].over_ns ||
			    (over_ns == own->blocks[due].over_ns && depth[b] > depth[due]))
				due = b;
		}
		if (due == BLOCK_NONE)
			return;
		own->blocks[due] = (struct kept){.priority = DEFAULT_PRIORITY, .over_ns = INT64_MAX,
		                                 .order = model->config.leaf ? model->seq : ++own->counter};
	}
}

static void retention_use(struct naive *model, block_id b)
{
	struct kept *kept = &((struct retained *)model->own)->blocks[b];
	const struct naive_values *values = &model->config.evict_values;
	const struct trace *trace = model->config.trace;
	const uint32_t index = trace->requests[model->request].hints;
	const struct trace_hints *hints = index == UINT32_MAX ? NULL : &trace->hints[index];
	const bool known = hints && hints->prefix_tokens != UINT32_MAX;
	const uint64_t prefix = known ? hints->prefix_tokens : (uint64_t)naive_integer(values, "prefix");
	const bool in_prefix = (uint64_t)trace->depth[b] * trace->block_tokens < prefix;
	kept->priority = naive_integer(values, in_prefix ? "prefix_priority" : "priority");
	kept->duration_ns = naive_integer(values, in_prefix ? "prefix_duration" : "duration");
	if (hints && hints->priority != INT32_MIN && (in_prefix || prefix == 0))
		kept->priority = hints->priority < 0 ? 0 : hints->priority > 100 ? 100 : hints->priority;
	kept->over_ns = INT64_MAX;
	kept->order = model->seq;
	if (model->config.leaf)
		start_timer(model, kept);
}

static void retention_let_go(struct naive *model, block_id b)
{
	struct retained *own = model->own;
	if (naive_idle(model, b))
		run_out(model);
	if (model->config.leaf)
		return;
	own->blocks[b].order = ++own->counter;
	start_timer(model, &own->blocks[b]);
}

static void retention_left(struct naive *model, block_id b, enum naive_state why)
{
	(void)why;
	struct retained *own = model->own;
	const block_id parent = model->config.trace->parent[b];
	own->blocks[b].over_ns = INT64_MAX;
	if (model->config.leaf && parent != BLOCK_NONE && naive_idle(model, parent))
		run_out(model);
}

static bool goes_before(const struct naive *model, block_id a, block_id b)
{
	const struct kept *kept = ((const struct retained *)model->own)->blocks;
	const uint32_t *depth = model->config.trace->depth;
	if (kept[a].priority != kept[b].priority)
		return kept[a].priority < kept[b].priority;
	if (kept[a].order != kept[b].order)
		return kept[a].order < kept[b].order;
	return depth[a] != depth[b] ? depth[a] > depth[b] : a < b;
}

static block_id retention_choose(struct naive *model, block_id in)
{
	(void)in;
	block_id victim = BLOCK_NONE;
	run_out(model);
	for (uint32_t b = 0; b < model->config.trace->block_count; b++) {
		if (naive_idle(model, b) && (victim == BLOCK_NONE || goes_before(model, b, victim)))
			victim = b;
	}
	return victim;
}

/* A priority runs out when the policy next hears of something, and the model does not say when a shield ends, nor when an
 * orphan, which nobody used, is released; in leaf scope, where the request counts that was served then, that makes a
 * difference. */
static bool retention_knows(const struct naive_config *config)
{
	return !config->hard && !(config->leaf && config->ttl && config->coherence != NAIVE_LIFT);
}

const struct naive_policy naive_retention = {
        .name = "retention",
        .open = retention_open,
        .close = retention_close,
        .hit = retention_use,
        .insert = retention_use,
        .let_go = retention_let_go,
        .left = retention_left,
        .choose = retention_choose,
        .knows = retention_knows,
};
