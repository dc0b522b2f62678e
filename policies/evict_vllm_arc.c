/* evict_vllm_arc.c - the ARC of vLLM's CPU offloading, which is not the paper's.
 *
 * T1 holds what was used once, T2 what was used again; B1 and B2 remember what left them, up to a cache's worth each. A
 * block that comes always joins T1, also when a ghost list knows it (the paper: T2), but the ghost first moves the target
 * size of T1, by max(1, |B2| / |B1|) up if it is in B1, by max(1, |B1| / |B2|) down if in B2, within 0 and the capacity. The
 * victim is the oldest of T1 if |T1| >= floor(target), else of T2; where that list has no idle block, of the other.
 *
 * In vLLM a request touches all its keys, tail first, before anything is stored, and is stored whole or not at all; here
 * ghosts are touched block by block, each before the eviction for it, and a path that does not fit keeps its head.
 * The lists hold blocks that are not in use, in order of release (orphans, pinned but not used, keep their place);
 * in leaf scope T1 and T2 are heaps of idle leaves by last use. A block that expires leaves no ghost.
 * Source: vllm/v1/kv_offload/cpu/policies/arc.py, manager.py; POLICIES A2.
 */
#include "list.h"
#include "policy.h"
#include "ranked.h"

#include <stdlib.h>

enum place { T1, T2, B1, B2, LISTS, NOWHERE = LISTS };

struct vllm_arc {
	const struct evict_env *env;
	struct link *links;      /* leaf scope: of the ghosts only */
	struct ranked ranked[2]; /* leaf scope: T1 and T2 */
	uint64_t *used_seq;      /* leaf scope */
	uint8_t *place;          /* enum place; blocks in use count to their list */
	uint32_t size[LISTS];
	double target; /* of T1 */
	block_id touched; /* the ghost that has been counted already, in request touched_seq */
	uint64_t touched_seq;
	bool leaf;
};

static void *vllm_arc_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	struct vllm_arc *p = mem_alloc(1, sizeof(*p));
	*p = (struct vllm_arc){.env = env, .leaf = env->leaf, .touched = BLOCK_NONE};
	p->links = list_open(env->block_count, LISTS);
	p->place = mem_alloc(env->block_count, sizeof(*p->place));
	for (uint32_t b = 0; b < env->block_count; b++)
		p->place[b] = NOWHERE;
	if (p->leaf) {
		p->used_seq = mem_alloc(env->block_count, sizeof(*p->used_seq));
		ranked_open(&p->ranked[T1], env->block_count, env->capacity_blocks, env->depth);
		ranked_open(&p->ranked[T2], env->block_count, env->capacity_blocks, env->depth);
	}
	return p;
}

static void vllm_arc_close(void *state)
{
	struct vllm_arc *p = state;
	if (p->leaf) {
		ranked_close(&p->ranked[T1]);
		ranked_close(&p->ranked[T2]);
	}
	free(p->links);
	free(p->place);
	free(p->used_seq);
	free(p);
}

static inline block_id head_of(const struct vllm_arc *p, enum place place)
{
	return p->env->block_count + (block_id)place;
}

static inline void set_place(struct vllm_arc *p, block_id b, enum place place)
{
	if (p->place[b] != NOWHERE)
		p->size[p->place[b]]--;
	if (place != NOWHERE)
		p->size[place]++;
	p->place[b] = (uint8_t)place;
}

static inline void vllm_arc_hit(struct vllm_arc *p, block_id b)
{
	if (p->leaf) {
		p->used_seq[b] = p->env->now->seq;
	} else if (!list_is_out(p->links, b)) {
		list_take(p->links, b);
		list_set_out(p->links, b);
	}
	set_place(p, b, T2);
}

static inline void vllm_arc_busy(struct vllm_arc *p, block_id b)
{
	if (p->leaf)
		ranked_remove(&p->ranked[p->place[b]], b);
}

static inline void vllm_arc_idle(struct vllm_arc *p, block_id b)
{
	if (p->leaf)
		ranked_push(&p->ranked[p->place[b]], b, p->used_seq[b], 0);
	else if (list_is_out(p->links, b))
		list_push_back(p->links, head_of(p, p->place[b]), b);
}

static inline double at_least_one(uint32_t a, uint32_t b)
{
	return a > b ? (double)a / b : 1;
}

/* b, which is missing, has been asked for: a ghost moves the target, once a request. */
static inline void touch_ghost(struct vllm_arc *p, block_id b)
{
	if (p->place[b] == NOWHERE || (p->touched == b && p->touched_seq == p->env->now->seq))
		return;
	const double most = p->env->capacity_blocks;
	p->touched = b;
	p->touched_seq = p->env->now->seq;
	p->target += p->place[b] == B1 ? at_least_one(p->size[B2], p->size[B1]) : -at_least_one(p->size[B1], p->size[B2]);
	if (p->target < 0)
		p->target = 0;
	else if (p->target > most)
		p->target = most;
	list_take(p->links, b);
	list_push_back(p->links, head_of(p, p->place[b]), b);
}

static inline void vllm_arc_insert(struct vllm_arc *p, block_id b)
{
	touch_ghost(p, b);
	if (p->place[b] != NOWHERE)
		list_take(p->links, b);
	list_set_out(p->links, b);
	set_place(p, b, T1);
	if (p->leaf)
		p->used_seq[b] = p->env->now->seq;
}

static inline void vllm_arc_remove(struct vllm_arc *p, block_id b)
{
	if (p->leaf)
		ranked_remove(&p->ranked[p->place[b]], b);
	else if (!list_is_out(p->links, b))
		list_take(p->links, b);
	set_place(p, b, NOWHERE);
}

/* The oldest idle block of T1 or T2, taken out of its order; BLOCK_NONE where there is none. */
static inline block_id take_oldest(struct vllm_arc *p, enum place place)
{
	if (p->leaf)
		return ranked_pop(&p->ranked[place]);
	const block_id end = head_of(p, place);
	for (block_id b = p->links[end].next; b != end; b = p->links[b].next) {
		if (evict_idle(p->env, b)) {
			list_take(p->links, b);
			return b;
		}
	}
	return BLOCK_NONE;
}

static inline void haunt(struct vllm_arc *p, block_id b, enum place ghosts)
{
	set_place(p, b, ghosts);
	list_push_back(p->links, head_of(p, ghosts), b);
	if (p->size[ghosts] > p->env->capacity_blocks)
		set_place(p, list_pop_front(p->links, head_of(p, ghosts)), NOWHERE);
}

static inline block_id vllm_arc_evict(struct vllm_arc *p, block_id in)
{
	if (in != BLOCK_NONE)
		touch_ghost(p, in);
	const enum place first = p->size[T1] >= (uint32_t)p->target ? T1 : T2;
	block_id victim = take_oldest(p, first);
	if (victim == BLOCK_NONE)
		victim = take_oldest(p, first == T1 ? T2 : T1);
	if (victim != BLOCK_NONE)
		haunt(p, victim, p->place[victim] == T1 ? B1 : B2);
	return victim;
}

#define EVICT vllm_arc
#define EVICT_PREFETCH(p, b)     (__builtin_prefetch(&(p)->links[b], 1), __builtin_prefetch(&(p)->place[b], 1))
#define EVICT_PREFETCH_HIT(p, b) list_prefetch_around((p)->links, b)
#include "evict_hooks.h"

const struct evict_ops evict_vllm_arc = {
        .name = "vllm_arc",
        .rule = "the oldest of the blocks used once if those are as many as an adaptive target, else of those used again",
        .detail = "Ghosts of evicted blocks teach the target. With room for 2 blocks, requests A, A, B, C: A is in T2, and B, "
                  "alone in T1 (target 0), makes room for C and leaves a ghost in B1. B again: the ghost moves the target to 1; "
                  "C, as T1 is not below 1, makes room for B, which joins T1, where the paper's ARC has it join T2.",
        .source = "vLLM v1 kv_offload/cpu/policies/arc.py, PR #27039",
        .cost = "O(1) flat, O(log leaves) a request in leaf scope",
        .state_bytes = 25,
        .open = vllm_arc_open,
        .close = vllm_arc_close,
        .hit = vllm_arc_hit_run,
        .busy = vllm_arc_busy_run,
        .idle = vllm_arc_idle_run,
        EVICT_HOOKS(vllm_arc),
};
