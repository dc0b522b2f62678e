/* evict_vllm.c - vLLM's block pool: the block released longest ago, from a free queue of all physical blocks.
 *
 * Model. The cache's room is a pool of physical blocks. A block in use stands outside the free queue; one let go joins its
 * back, tail of the path first, and its cached content stays until it reaches the front and is taken. Physical blocks
 * without cached content (never used, or used for what no later prompt can find: a partial tail, the answer) wait in the
 * same queue, take part in the order and cost cached blocks their place, although there is room for the cache.
 *
 * The queue lists the cached blocks that are not in use (an orphan, pinned but not used, keeps its place and is stepped
 * over). Empty physical blocks are alike, so each cached one (and the back end) only counts how many stand right before
 * it. Empty + resident + taken = room, always.
 *
 * A request needs ceil(tokens / B) physical blocks in all, tokens = prompt, with `decode` + answer - 1 (the last token's KV
 * is never written). Those that are no block of its path come after it, at settle(), and are let go at once, before the
 * path, as requests take no time in replay; an engine that models time reserves and unreserves them itself.
 *
 * `partial` says where an empty one goes: to the back, as in vLLM up to 2026-05, or to the front (PR #42656, merged then).
 * With head only the partial one does: a block that is full has a hash, also when it holds an answer or is the copy of a
 * block that is cached already (a full hit's last block, computed again; the first copy stays the one that is found), and
 * goes to the back.
 *
 * A request that does not fit waits in vLLM; in replay its head is kept. An expired block's place in the queue stays where
 * it is, empty, as with evict_blocks(). Leaf scope is not vLLM's: a parent that its last child has left comes in by its
 * last use.
 * Source: block_pool.py, kv_cache_manager.py, single_type_kv_cache_manager.py, POLICIES A1, E6 (pool table).
 */
#include "list.h"
#include "policy.h"

#include <stdlib.h>

struct vllm {
	const struct evict_env *env;
	struct link *links;
	uint32_t *empty_before; /* [block_count + 1]: right before an idle block; before the end */
	uint64_t *used_seq;     /* leaf scope */
	block_id queue;
	block_id near;    /* leaf scope: a block of the queue, or its head, beside the one that left last */
	bool in_hand;     /* evict() has taken the block that insert() is going to use */
	uint32_t wanted;  /* still to be taken from the front */
	uint32_t to_head, to_tail; /* taken ones that go back when no more are wanted */
	bool leaf, partial_to_head, decode;
};

static const struct param vllm_params[] = {
        {"partial", PARAM_CHOICE, "head", 0, 0, "head|tail", "where a partial block goes when it is let go"},
        {"decode", PARAM_INT, "0", 0, 1, NULL, "1: answers take room in the pool too"},
        {.name = NULL},
};

static void *vllm_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct vllm *p = mem_alloc(1, sizeof(*p));
	*p = (struct vllm){.env = env, .queue = env->block_count, .near = env->block_count, .leaf = env->leaf,
	                   .partial_to_head = values[0].integer == 0, .decode = values[1].integer != 0};
	p->links = list_open(env->block_count, 1);
	p->empty_before = mem_alloc((size_t)env->block_count + 1, sizeof(*p->empty_before));
	p->empty_before[p->queue] = env->room_blocks < UINT32_MAX ? (uint32_t)env->room_blocks : UINT32_MAX;
	if (p->leaf)
		p->used_seq = mem_alloc(env->block_count, sizeof(*p->used_seq));
	return p;
}

static void vllm_close(void *state)
{
	struct vllm *p = state;
	free(p->links);
	free(p->empty_before);
	free(p->used_seq);
	free(p);
}

/* Takes a block out of the queue; the empty ones before it stay. */
static inline void vllm_take(struct vllm *p, block_id b)
{
	p->empty_before[p->links[b].next] += p->empty_before[b];
	list_take_near(p->links, b, &p->near);
	list_set_out(p->links, b);
}

static inline void vllm_hit(struct vllm *p, block_id b)
{
	if (p->leaf)
		p->used_seq[b] = p->env->now->seq;
	else if (!list_is_out(p->links, b))
		vllm_take(p, b);
}

static inline void vllm_busy(struct vllm *p, block_id b)
{
	if (p->leaf)
		vllm_take(p, b);
}

static inline void vllm_idle(struct vllm *p, block_id b)
{
	if (p->leaf)
		list_put_by_seq(p->links, p->queue, b, p->used_seq, p->env->depth, p->near);
	else if (list_is_out(p->links, b))
		list_push_back(p->links, p->queue, b);
	else
		return;
	p->empty_before[b] = 0;
	if (p->links[b].next == p->queue) {
		p->empty_before[b] = p->empty_before[p->queue];
		p->empty_before[p->queue] = 0;
	}
}

static inline void vllm_insert(struct vllm *p, block_id b)
{
	list_set_out(p->links, b);
	if (p->leaf)
		p->used_seq[b] = p->env->now->seq;
	p->wanted = !p->in_hand;
	p->in_hand = false;
}

static inline void vllm_remove(struct vllm *p, block_id b)
{
	block_id after = p->links[p->queue].next;
	if (!list_is_out(p->links, b)) {
		after = p->links[b].next;
		vllm_take(p, b);
	}
	p->empty_before[after]++;
}

/* From `b` on, the first that can be had: one before which empty ones stand, an idle one, or the end. */
static inline block_id first_free(const struct vllm *p, block_id b)
{
	while (b != p->queue && p->empty_before[b] == 0 && !evict_idle(p->env, b))
		b = p->links[b].next;
	return b;
}

static inline block_id vllm_evict(struct vllm *p, block_id in)
{
	(void)in;
	/* Every physical block holds a cached one, so there are no empty ones to be taken first. */
	const block_id victim = first_free(p, p->links[p->queue].next);
	if (victim == p->queue)
		return BLOCK_NONE;
	vllm_take(p, victim);
	p->in_hand = true;
	return victim;
}

/* Room for what the request computes beside the blocks of its path. */
static void vllm_settle(void *state)
{
	struct vllm *p = state;
	const struct policy_now *now = p->env->now;
	const uint32_t block = p->env->block_tokens;
	uint64_t tokens = now->prompt_tokens;
	if (p->decode && now->output_tokens > 1)
		tokens += now->output_tokens - 1;
	const uint64_t needed = (tokens + block - 1) / block;
	if (needed <= now->path_blocks)
		return;
	const uint64_t extra = needed - now->path_blocks;
	p->wanted = extra < UINT32_MAX ? (uint32_t)extra : UINT32_MAX;
	p->to_head = p->partial_to_head && tokens % block != 0;
	p->to_tail = p->wanted - p->to_head;
}

static void vllm_reserve(void *state)
{
	struct vllm *p = state;
	p->wanted = 1;
}

/* At most one block of what a request gives back is partial, and nearly always one is. */
static void vllm_unreserve(void *state, uint32_t blocks)
{
	struct vllm *p = state;
	const uint32_t to_head = p->partial_to_head && blocks > 0;
	p->empty_before[p->links[p->queue].next] += to_head;
	p->empty_before[p->queue] += blocks - to_head;
}

/* Takes the wanted ones from the front: an empty one is just had, a cached one has to go. */
static inline block_id vllm_surplus(struct vllm *p)
{
	block_id b = p->links[p->queue].next;
	while (p->wanted > 0) {
		b = first_free(p, b);
		const uint32_t had = p->empty_before[b] < p->wanted ? p->empty_before[b] : p->wanted;
		p->empty_before[b] -= had;
		p->wanted -= had;
		if (p->wanted == 0 || b == p->queue)
			break;
		if (evict_idle(p->env, b)) {
			p->wanted--;
			vllm_take(p, b);
			return b;
		}
	}
	/* What a pool too small for the request could not give does not come back: the partial block, which is the last, first. */
	const uint32_t head_lacks = p->wanted < p->to_head ? p->wanted : p->to_head;
	const uint32_t tail_lacks = p->wanted - head_lacks < p->to_tail ? p->wanted - head_lacks : p->to_tail;
	p->empty_before[p->queue] += p->to_tail - tail_lacks;
	p->empty_before[p->links[p->queue].next] += p->to_head - head_lacks;
	p->wanted = p->to_head = p->to_tail = 0;
	return BLOCK_NONE;
}

static block_id vllm_surplus_one(void *state)
{
	return vllm_surplus(state);
}

#define EVICT vllm
#define EVICT_SURPLUS
#define EVICT_PREFETCH(p, b)     (__builtin_prefetch(&(p)->links[b], 1), __builtin_prefetch(&(p)->empty_before[b], 1))
#define EVICT_PREFETCH_HIT(p, b) list_prefetch_around((p)->links, b)
#include "evict_hooks.h"

const struct evict_ops evict_vllm = {
        .name = "vllm",
        .rule = "the block released longest ago; partial blocks and, with decode=1, answers take room as well",
        .detail = "A pool of 10 blocks of 4 tokens; blocks are freed in the order 4-3-2-6-5-1-0 behind the never used 7-8-9, so "
                  "the queue is 7-8-9-4-3-2-6-5-1-0. A request that hits 0, 1 and 2 takes them off: 7-8-9-4-3-6-5 is left, and the "
                  "first cached block that its new blocks cost is 4.",
        .source = "vLLM v1 block_pool.py, docs/design/prefix_caching.md, PR #42656",
        .cost = "O(1)",
        .state_bytes = 20,
        .params = vllm_params,
        .open = vllm_open,
        .close = vllm_close,
        .hit = vllm_hit_run,
        .busy = vllm_busy_run,
        .idle = vllm_idle_run,
        .settle = vllm_settle,
        .reserve = vllm_reserve,
        .unreserve = vllm_unreserve,
        .surplus = vllm_surplus_one,
        EVICT_HOOKS(vllm),
};
