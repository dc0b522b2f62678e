#include "slots.h"

#include "cost_model.h"
#include "step_batch.h"
#include "tier_config.h"

#include <stdlib.h>
#include <string.h>

#define VOCABULARY (UINT32_C(1) << 30)
#define POISON UINT64_C(0xdeadbeef)

struct slots {
	const struct trace *trace;
	struct slots_config config;
	struct cost_model model;
	struct make_rng rng;
	struct kv_pool *pool;
	struct prompt_tokens *tokens;
	struct step_batch batch;
	uint32_t slot_count, block_tokens;
	bool *used;
	uint64_t *content;           /* [slot_count][block_tokens] */
	uint64_t *expected;          /* [block_count][block_tokens] */
	uint64_t **tiers[TIER_MOST]; /* [block_count], NULL where the tier has not got the block */
	uint64_t *chain;             /* of the sequence being looked at */
	struct held {
		uint32_t request;
		block_id block;
	} *held; /* who holds what, in the order of the engine's words */
	size_t held_count, held_room;
	uint32_t *holders; /* [block_count]: while they are counted */
};

static uint64_t fold(uint64_t before, uint32_t token)
{
	struct make_rng rng = {before ^ (uint64_t)token << 20};
	return make_random(&rng, UINT64_MAX) | 1; /* never POISON's parent by chance */
}

static void expect_blocks(struct slots *slots)
{
	const struct trace *trace = slots->trace;
	uint32_t *ids = mem_alloc(slots->block_tokens, sizeof(*ids));
	slots->expected = mem_alloc((size_t)trace->block_count * slots->block_tokens, sizeof(*slots->expected));
	for (block_id b = 0; b < trace->block_count; b++) {
		const block_id parent = trace->parent[b];
		uint64_t before = parent == BLOCK_NONE ? 1 : slots->expected[(size_t)(parent + 1) * slots->block_tokens - 1];
		prompt_tokens_block(slots->tokens, b, ids);
		for (uint32_t i = 0; i < slots->block_tokens; i++)
			slots->expected[(size_t)b * slots->block_tokens + i] = before = fold(before, ids[i]);
	}
	free(ids);
}

/* Every sequence at once, and every block, where there is no limit. */
static uint32_t count_slots(const struct trace *trace, uint64_t capacity_blocks)
{
	uint64_t most = trace->block_count;
	for (uint32_t r = 0; r < trace->request_count; r++)
		most += (trace->requests[r].prompt_tokens + trace->requests[r].output_tokens) / trace->block_tokens + 1;
	return (uint32_t)(capacity_blocks && capacity_blocks < most ? capacity_blocks : most);
}

struct slots *slots_open(const struct trace *trace, const struct slots_config *config)
{
	struct slots *slots = mem_alloc(1, sizeof(*slots));
	uint64_t longest = 1;
	for (uint32_t r = 0; r < trace->request_count; r++) {
		const uint64_t tokens = (uint64_t)trace->requests[r].prompt_tokens + trace->requests[r].output_tokens;
		longest = tokens > longest ? tokens : longest;
	}
	slots->trace = trace;
	slots->config = *config;
	slots->model = cost_model_of(config->calibration);
	slots->rng.state = config->seed;
	slots->block_tokens = trace->block_tokens;
	slots->slot_count = count_slots(trace, config->capacity_blocks);
	slots->pool = kv_pool_open(slots->slot_count, trace->block_count, trace->request_count);
	slots->tokens = prompt_tokens_open(trace, VOCABULARY, config->seed);
	slots->used = mem_alloc(slots->slot_count, sizeof(*slots->used));
	slots->holders = mem_alloc(trace->block_count, sizeof(*slots->holders));
	slots->content = mem_alloc((size_t)slots->slot_count * slots->block_tokens, sizeof(*slots->content));
	slots->chain = mem_alloc(longest + 1, sizeof(*slots->chain));
	for (size_t t = 1; t < TIER_MOST; t++)
		slots->tiers[t] = mem_alloc(trace->block_count, sizeof(*slots->tiers[t]));
	expect_blocks(slots);
	return slots;
}

void slots_close(struct slots *slots)
{
	if (!slots)
		return;
	for (size_t t = 1; t < TIER_MOST; t++) {
		for (block_id b = 0; b < slots->trace->block_count; b++)
			free(slots->tiers[t][b]);
		free(slots->tiers[t]);
	}
	kv_pool_close(slots->pool);
	prompt_tokens_close(slots->tokens);
	step_batch_free(&slots->batch);
	free(slots->used);
	free(slots->content);
	free(slots->expected);
	free(slots->chain);
	free(slots->held);
	free(slots->holders);
	free(slots);
}

static uint64_t *content_of(struct slots *slots, uint32_t slot)
{
	ASSERT(slot < slots->slot_count);
	return slots->content + (size_t)slot * slots->block_tokens;
}

static size_t block_bytes(const struct slots *slots)
{
	return slots->block_tokens * sizeof(uint64_t);
}

static const uint64_t *expected_of(const struct slots *slots, block_id b)
{
	return slots->expected + (size_t)b * slots->block_tokens;
}

static uint64_t *place_of(struct slots *slots, const struct step_batch_part *part, uint64_t position)
{
	return content_of(slots, slots->batch.table[part->first_block + position / slots->block_tokens]) +
	       position % slots->block_tokens;
}

/* The hashes of the sequence's first `count` tokens. */
static const uint64_t *chain_of(struct slots *slots, uint32_t request, uint64_t count)
{
	uint32_t ids[64];
	uint64_t before = 1;
	for (uint64_t at = 0; at < count;) {
		const uint32_t some = count - at < COUNT_OF(ids) ? (uint32_t)(count - at) : COUNT_OF(ids);
		prompt_tokens_read(slots->tokens, request, at, some, ids);
		for (uint32_t i = 0; i < some; i++)
			slots->chain[at++] = before = fold(before, ids[i]);
	}
	return slots->chain;
}

static void write_part(struct slots *slots, const struct step_part *part, const struct step_batch_part *rows)
{
	const uint64_t count = part->context_tokens + part->new_tokens;
	const uint64_t *chain = chain_of(slots, part->request, count);
	for (uint64_t at = part->context_tokens; at < count; at++)
		*place_of(slots, rows, at) = chain[at];
}

static void read_part(struct slots *slots, const struct step_part *part, const struct step_batch_part *rows)
{
	const uint64_t count = part->context_tokens + part->new_tokens;
	const uint64_t *chain = chain_of(slots, part->request, count);
	for (uint64_t at = 0; at < count; at++)
		ASSERT(*place_of(slots, rows, at) == chain[at]);
	prompt_tokens_say(slots->tokens, part->request, count, (uint32_t)(chain[count - 1] % VOCABULARY));
}

static void note_held(struct slots *slots, uint32_t request, block_id b)
{
	if (slots->held_count == slots->held_room) {
		slots->held_room = slots->held_room ? 2 * slots->held_room : 64;
		slots->held = mem_grow(slots->held, slots->held_room, sizeof(*slots->held));
	}
	slots->held[slots->held_count++] = (struct held){request, b};
}

static bool decodes(const struct step *step, uint32_t request)
{
	for (uint32_t i = 0; i < step->count; i++) {
		if (step->parts[i].request == request)
			return step->parts[i].decode;
	}
	return false;
}

/* Each block that is held by one that decodes is counted once; tokens of all others' holding it are repeated. Where no time depends on it
 * nobody counts. */
static uint64_t repeated_tokens(struct slots *slots, const struct step *step)
{
	uint64_t repeated = 0;
	if (slots->config.calibration->terms[TERM_DISTINCT].count == 0)
		return 0;
	memset(slots->holders, 0, slots->trace->block_count * sizeof(*slots->holders));
	for (size_t i = 0; i < slots->held_count; i++) {
		if (decodes(step, slots->held[i].request))
			repeated += slots->holders[slots->held[i].block]++ > 0;
	}
	return repeated * slots->block_tokens;
}

static int64_t slots_step_ns(void *backend, const struct step *step)
{
	struct slots *slots = backend;
	ASSERT(step->repeated_tokens == repeated_tokens(slots, step));
	kv_pool_check(slots->pool, slots->used);
	for (uint32_t slot = 0; slot < slots->slot_count; slot++) {
		for (uint32_t i = 0; !slots->used[slot] && i < slots->block_tokens; i++)
			content_of(slots, slot)[i] = POISON;
	}
	step_batch_fill(&slots->batch, step, slots->block_tokens, slots->pool, slots->tokens);
	/* All keys are written before any is read, as in every layer of a model. */
	for (uint32_t i = 0; i < step->count; i++)
		write_part(slots, &step->parts[i], &slots->batch.parts[i]);
	for (uint32_t i = 0; i < step->count; i++)
		read_part(slots, &step->parts[i], &slots->batch.parts[i]);
	if (slots->config.erratic)
		return 1 + (int64_t)make_random(&slots->rng, 200 * NS_PER_MS);
	return cost_model_backend.step_ns(&slots->model, step);
}

static int64_t slots_alone_ns(void *backend, uint64_t new_tokens, uint64_t context_tokens)
{
	struct slots *slots = backend;
	return cost_model_backend.alone_ns(&slots->model, new_tokens, context_tokens);
}

static void slots_answer(void *backend, uint32_t request, struct path path, uint32_t from, uint32_t to, uint32_t place)
{
	struct slots *slots = backend;
	prompt_tokens_expect(slots->tokens, request, path, from, to, place);
}

static void slots_hold(void *backend, uint32_t request, struct path path, uint32_t from, uint32_t to, uint32_t place)
{
	struct slots *slots = backend;
	const uint64_t *chain = chain_of(slots, request, (uint64_t)(place + to - from) * slots->block_tokens);
	for (uint32_t i = from; i < to; i++)
		ASSERT(memcmp(chain + (size_t)(place + i - from) * slots->block_tokens,
		              expected_of(slots, path_block(path, i)), block_bytes(slots)) == 0);
	if (slots->config.plant == SLOTS_PLANT_SKIP_ADOPTION)
		kv_pool_release(slots->pool, request);
	kv_pool_hold(slots->pool, request, path, from, to, place);
	for (uint32_t i = from; i < to; i++)
		note_held(slots, request, path_block(path, i));
}

static void slots_release(void *backend, uint32_t request)
{
	struct slots *slots = backend;
	size_t left = 0;
	kv_pool_release(slots->pool, request);
	for (size_t i = 0; i < slots->held_count; i++) {
		if (slots->held[i].request != request)
			slots->held[left++] = slots->held[i];
	}
	slots->held_count = left;
}

static int64_t transfer_ns(struct slots *slots)
{
	return slots->config.erratic ? 1 + (int64_t)make_random(&slots->rng, NS_PER_S) : BACKEND_AS_LINK;
}

static const uint64_t *content_in(struct slots *slots, uint32_t tier, block_id b)
{
	if (tier > 0)
		return slots->tiers[tier][b];
	const uint32_t slot = kv_pool_slot(slots->pool, b);
	return slot == KV_POOL_NONE ? NULL : content_of(slots, slot);
}

static int64_t slots_store_ns(void *backend, uint32_t from_tier, uint32_t tier, block_id b)
{
	struct slots *slots = backend;
	const uint64_t *content = content_in(slots, from_tier, b);
	ASSERT(content && !slots->tiers[tier][b]);
	ASSERT(memcmp(content, expected_of(slots, b), block_bytes(slots)) == 0);
	slots->tiers[tier][b] = mem_alloc(slots->block_tokens, sizeof(uint64_t));
	if (slots->config.plant != SLOTS_PLANT_STORE_NOTHING)
		memcpy(slots->tiers[tier][b], content, block_bytes(slots));
	return transfer_ns(slots);
}

static int64_t slots_load_ns(void *backend, uint32_t request, uint32_t tier, struct path path, uint32_t from, uint32_t to)
{
	struct slots *slots = backend;
	const bool fails = slots->config.erratic && make_chance(&slots->rng, 12);
	for (uint32_t place = from; place < to; place++) {
		const uint64_t *content = slots->tiers[tier][path_block(path, place)];
		ASSERT(content);
		const uint32_t shift = slots->config.plant == SLOTS_PLANT_LOAD_NEXT && place + 1 < to;
		uint64_t *slot = content_of(slots, kv_pool_place(slots->pool, request, place + shift));
		for (uint32_t i = 0; i < slots->block_tokens; i++)
			slot[i] = fails ? POISON : content[i];
	}
	return fails ? BACKEND_FAILED : transfer_ns(slots);
}

static void slots_trim(void *backend, uint32_t request, uint32_t place)
{
	struct slots *slots = backend;
	kv_pool_trim(slots->pool, request, place);
}

static void slots_drop(void *backend, uint32_t tier, block_id b)
{
	struct slots *slots = backend;
	if (tier == 0 && slots->config.plant != SLOTS_PLANT_FORGET_DROP)
		kv_pool_drop(slots->pool, b);
	if (tier == 0)
		return;
	ASSERT(slots->tiers[tier][b]);
	free(slots->tiers[tier][b]);
	slots->tiers[tier][b] = NULL;
}

const struct backend_ops slots_backend = {
        .step_ns = slots_step_ns,
        .alone_ns = slots_alone_ns,
        .answer = slots_answer,
        .hold = slots_hold,
        .release = slots_release,
        .store_ns = slots_store_ns,
        .load_ns = slots_load_ns,
        .trim = slots_trim,
        .drop = slots_drop,
};
