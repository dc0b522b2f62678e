/* evict_lfu.c - least frequently used.
 *
 * A block counts 1 when it comes and one more per hit; the count is lost with the block. Of equal counts the one used
 * longest ago goes first, then the deeper. Flat scope keeps the blocks in one list per count (a chain of lists in order
 * of count: the textbook's O(1) LFU). A used block comes back when it is let go; an orphan that is pinned but not used
 * keeps its place and is stepped over. Leaf scope ranks the idle leaves.
 * Source: POLICIES C (LFU), A3 (lfu), E6.
 */
#include "list.h"
#include "policy.h"
#include "ranked.h"

#include <stdlib.h>

/* The lists' heads are nodes block_count + k of `links`; heads of the same k are chained in `chain`, in order of count,
 * from and to k = 0, which stands for count 0 and is always empty. */
struct lfu {
	const struct evict_env *env;
	uint32_t *uses;
	uint64_t *used_seq;   /* leaf scope */
	struct ranked ranked; /* leaf scope */
	struct link *links, *chain;
	uint32_t *count_of;  /* [k] the count that list k is for; 0: unused, or k = 0 */
	uint32_t *list_of;   /* [block] list it is in, or was in before it was used: where to start looking */
	uint32_t *spare;     /* unused k */
	uint32_t spare_count;
	bool leaf;
};

static void *lfu_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	struct lfu *p = mem_alloc(1, sizeof(*p));
	*p = (struct lfu){.env = env, .leaf = env->leaf};
	p->uses = mem_alloc(env->block_count, sizeof(*p->uses));
	if (p->leaf) {
		p->used_seq = mem_alloc(env->block_count, sizeof(*p->used_seq));
		ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
		return p;
	}
	const uint32_t lists = env->capacity_blocks + 2;
	p->links = list_open(env->block_count, lists);
	p->chain = list_open(0, lists);
	p->count_of = mem_alloc(lists, sizeof(*p->count_of));
	p->list_of = mem_alloc(env->block_count, sizeof(*p->list_of));
	p->spare = mem_alloc(lists, sizeof(*p->spare));
	for (uint32_t k = lists - 1; k > 0; k--)
		p->spare[p->spare_count++] = k;
	return p;
}

static void lfu_close(void *state)
{
	struct lfu *p = state;
	if (p->leaf)
		ranked_close(&p->ranked);
	free(p->uses);
	free(p->used_seq);
	free(p->links);
	free(p->chain);
	free(p->count_of);
	free(p->list_of);
	free(p->spare);
	free(p);
}

/* Takes a block out of its list; an emptied list is given back. */
static inline void lfu_take(struct lfu *p, block_id b)
{
	const uint32_t k = p->list_of[b];
	list_take(p->links, b);
	list_set_out(p->links, b);
	if (list_empty(p->links, p->env->block_count + k)) {
		p->list_of[b] = p->chain[k].prev;
		list_take(p->chain, k);
		p->count_of[k] = 0;
		p->spare[p->spare_count++] = k;
	}
}

static inline void lfu_hit(struct lfu *p, block_id b)
{
	if (p->uses[b] < UINT32_MAX)
		p->uses[b]++;
	if (p->leaf)
		p->used_seq[b] = p->env->now->seq;
	else if (!list_is_out(p->links, b))
		lfu_take(p, b);
}

static inline void lfu_insert(struct lfu *p, block_id b)
{
	p->uses[b] = 1;
	if (p->leaf) {
		p->used_seq[b] = p->env->now->seq;
	} else {
		p->list_of[b] = 0;
		list_set_out(p->links, b);
	}
}

static inline void lfu_busy(struct lfu *p, block_id b)
{
	if (p->leaf)
		ranked_remove(&p->ranked, b);
}

/* Walks from where the block was, usually one step: its count has grown by one or it is new. */
static inline void lfu_idle(struct lfu *p, block_id b)
{
	if (p->leaf) {
		ranked_push(&p->ranked, b, p->uses[b], p->used_seq[b]);
		return;
	}
	if (!list_is_out(p->links, b))
		return;
	const uint32_t uses = p->uses[b];
	uint32_t k = p->list_of[b];
	if (p->count_of[k] == 0 || p->count_of[k] > uses)
		k = 0;
	while (p->chain[k].next != 0 && p->count_of[p->chain[k].next] <= uses)
		k = p->chain[k].next;
	if (k == 0 || p->count_of[k] != uses) {
		const uint32_t fresh = p->spare[--p->spare_count];
		p->count_of[fresh] = uses;
		list_put_before(p->chain, p->chain[k].next, fresh);
		k = fresh;
	}
	p->list_of[b] = k;
	list_push_back(p->links, p->env->block_count + k, b);
}

static inline void lfu_remove(struct lfu *p, block_id b)
{
	if (p->leaf)
		ranked_remove(&p->ranked, b);
	else if (!list_is_out(p->links, b))
		lfu_take(p, b);
}

static inline block_id lfu_evict(struct lfu *p, block_id in)
{
	(void)in;
	if (p->leaf)
		return ranked_pop(&p->ranked);
	for (uint32_t k = p->chain[0].next; k != 0; k = p->chain[k].next) {
		const block_id end = p->env->block_count + k;
		for (block_id b = p->links[end].next; b != end; b = p->links[b].next) {
			if (evict_idle(p->env, b)) {
				lfu_take(p, b);
				return b;
			}
		}
	}
	return BLOCK_NONE;
}

#define EVICT lfu
#define EVICT_PREFETCH(p, b) __builtin_prefetch(&(p)->links[b], 1)
#include "evict_hooks.h"

const struct evict_ops evict_lfu = {
        .name = "lfu",
        .rule = "the block with the fewest uses since it came; of equals the one used longest ago",
        .detail = "With room for 3 blocks, requests A-B, C, A: A has two uses, B and C one. A new block D takes the place "
                  "of B (used before C), the next one that of C; A stays until others have been used twice.",
        .source = "textbook (O(1) lists); SGLang evict_policy.py (lfu)",
        .cost = "O(1) flat, O(log leaves) a request in leaf scope",
        .state_bytes = 20,
        .open = lfu_open,
        .close = lfu_close,
        .hit = lfu_hit_run,
        .busy = lfu_busy_run,
        .idle = lfu_idle_run,
        EVICT_HOOKS(lfu),
};
