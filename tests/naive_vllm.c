/* naive_vllm.c - vLLM's free queue as it is: an array of the physical blocks that are not in use, front first.
 *
 * A physical block in the queue may hold a cached one. Whoever needs room takes the first that may be had; what it held is
 * evicted. Source: evict_vllm.c's header, POLICIES A1.
 */
#include "naive.h"

#include <stdlib.h>
#include <string.h>

#define EMPTY BLOCK_NONE
#define ENDLESS 4096 /* physical blocks that no fuzz case uses up */

struct pool {
	block_id *queue;
	uint32_t count;
};

static void pool_open(struct naive *model)
{
	struct pool *pool = model->own = mem_alloc(1, sizeof(*pool));
	pool->count = model->config.capacity_blocks < ENDLESS ? (uint32_t)model->config.capacity_blocks : ENDLESS;
	pool->queue = mem_alloc(pool->count, sizeof(*pool->queue));
	for (uint32_t i = 0; i < pool->count; i++)
		pool->queue[i] = EMPTY;
}

static void pool_close(struct naive *model)
{
	struct pool *pool = model->own;
	free(pool->queue);
	free(pool);
}

static uint32_t find(const struct pool *pool, block_id b)
{
	uint32_t i = 0;
	while (i < pool->count && pool->queue[i] != b)
		i++;
	return i;
}

static void take_at(struct pool *pool, uint32_t at)
{
	pool->count--;
	memmove(&pool->queue[at], &pool->queue[at + 1], (pool->count - at) * sizeof(*pool->queue));
}

static void put_at(struct pool *pool, uint32_t at, block_id b)
{
	memmove(&pool->queue[at + 1], &pool->queue[at], (pool->count - at) * sizeof(*pool->queue));
	pool->queue[at] = b;
	pool->count++;
}

/* A used block is off the queue. */
static void pool_hit(struct naive *model, block_id b)
{
	struct pool *pool = model->own;
	const uint32_t at = find(pool, b);
	if (at < pool->count)
		take_at(pool, at);
}

static void pool_let_go(struct naive *model, block_id b)
{
	struct pool *pool = model->own;
	put_at(pool, pool->count, b);
}

/* An expired block's place stays, empty. One that is not in the queue was in use to the end (it is let go first). */
static void pool_left(struct naive *model, block_id b, enum naive_state why)
{
	struct pool *pool = model->own;
	const uint32_t at = find(pool, b);
	if (why == NAIVE_EXPIRED)
		pool->queue[at] = EMPTY;
}

/* The first physical block that is empty, or whose cached one is idle (an orphan in use is stepped over). */
static bool pool_room(struct naive *model, block_id in)
{
	struct pool *pool = model->own;
	(void)in;
	for (uint32_t i = 0; i < pool->count; i++) {
		const block_id b = pool->queue[i];
		if (b != EMPTY && !naive_idle(model, b))
			continue;
		take_at(pool, i);
		if (b != EMPTY)
			naive_evict(model, b);
		return true;
	}
	return false;
}

/* Physical blocks for the rest of the prompt and, with decode, the answer; they go back at once. */
static void pool_settle(struct naive *model)
{
	struct pool *pool = model->own;
	const struct trace_request *request = &model->config.trace->requests[model->request];
	const uint32_t size = model->config.trace->block_tokens;
	uint32_t tokens = request->prompt_tokens, had = 0;
	if (naive_integer(&model->config.evict_values, "decode") && request->output_tokens > 1)
		tokens += request->output_tokens - 1;
	const uint32_t needed = (tokens + size - 1) / size;
	const uint32_t extra = needed > model->path_blocks ? needed - model->path_blocks : 0;
	while (had < extra && pool_room(model, BLOCK_NONE))
		had++;
	/* The partial one is the last, so a pool that is too small lacks it first. */
	const bool partial = tokens % size != 0 && had == extra && had > 0;
	const bool to_head = partial && naive_integer(&model->config.evict_values, "partial") == 0;
	for (uint32_t i = 0; i < had - to_head; i++)
		put_at(pool, pool->count, EMPTY);
	if (to_head)
		put_at(pool, 0, EMPTY);
}

const struct naive_policy naive_vllm = {
        .name = "vllm",
        .open = pool_open,
        .close = pool_close,
        .hit = pool_hit,
        .let_go = pool_let_go,
        .left = pool_left,
        .room = pool_room,
        .settle = pool_settle,
        .flat_only = true,
};
