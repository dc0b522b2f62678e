/* evict_lfu.c - least frequently used.
 *
 * A block counts 1 when it comes and one more per hit; the count is lost with the block. Of equal counts the one used
 * longest ago goes first, then the deeper. Flat scope keeps the blocks in one list per count (tally.h). A used block comes
 * back when it is let go; an orphan that is pinned but not used keeps its place and is stepped over. Leaf scope ranks the
 * idle leaves.
 * Source: POLICIES C (LFU), A3 (lfu), E6.
 */
#include "policy.h"
#include "ranked.h"
#include "tally.h"

#include <stdlib.h>

struct lfu {
	const struct evict_env *env;
	uint32_t *uses;
	struct tally tally;   /* flat scope */
	uint64_t *used_seq;   /* leaf scope */
	struct ranked ranked; /* leaf scope */
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
	} else {
		tally_open(&p->tally, env->block_count, env->capacity_blocks);
	}
	return p;
}

static void lfu_close(void *state)
{
	struct lfu *p = state;
	if (p->leaf)
		ranked_close(&p->ranked);
	else
		tally_close(&p->tally);
	free(p->uses);
	free(p->used_seq);
	free(p);
}

static inline void lfu_hit(struct lfu *p, block_id b)
{
	if (p->uses[b] < UINT32_MAX)
		p->uses[b]++;
	if (p->leaf)
		p->used_seq[b] = p->env->now->seq;
	else if (!list_is_out(p->tally.links, b))
		tally_take(&p->tally, b);
}

static inline void lfu_insert(struct lfu *p, block_id b)
{
	p->uses[b] = 1;
	if (p->leaf)
		p->used_seq[b] = p->env->now->seq;
	else
		tally_expect(&p->tally, b);
}

static inline void lfu_busy(struct lfu *p, block_id b)
{
	if (p->leaf)
		ranked_remove(&p->ranked, b);
}

static inline void lfu_idle(struct lfu *p, block_id b)
{
	if (p->leaf)
		ranked_push(&p->ranked, b, p->uses[b], p->used_seq[b]);
	else if (list_is_out(p->tally.links, b))
		tally_put(&p->tally, b, p->uses[b]);
}

static inline void lfu_remove(struct lfu *p, block_id b)
{
	if (p->leaf)
		ranked_remove(&p->ranked, b);
	else if (!list_is_out(p->tally.links, b))
		tally_take(&p->tally, b);
}

static inline block_id lfu_evict(struct lfu *p, block_id in)
{
	(void)in;
	if (p->leaf)
		return ranked_pop(&p->ranked);
	const struct tally *tally = &p->tally;
	for (uint32_t k = tally_lowest(tally); k != 0; k = tally->chain[k].next) {
		const block_id end = tally_head(tally, k);
		for (block_id b = tally->links[end].next; b != end; b = tally->links[b].next) {
			if (evict_idle(p->env, b)) {
				tally_take(&p->tally, b);
				return b;
			}
		}
	}
	return BLOCK_NONE;
}

#define EVICT lfu
#define EVICT_PREFETCH(p, b) __builtin_prefetch(&(p)->tally.links[b], 1)
#include "evict_hooks.h"

const struct evict_ops evict_lfu = {
        .name = "lfu",
        .rule = "the block with the fewest uses since it came; of equals the one used longest ago",
        .detail = "With room for 3 blocks, requests A-B, C, A: A has two uses, B and C one. A new block D takes the place "
                  "of B (used before C), the next one that of C; A stays until others have been used twice.",
        .source = "textbook (O(1) lists); SGLang evict_policy.py (lfu)",
        .cost = "O(1) flat, O(log leaves) a request in leaf scope",
        .state_bytes = 40,
        .open = lfu_open,
        .close = lfu_close,
        .hit = lfu_hit_run,
        .busy = lfu_busy_run,
        .idle = lfu_idle_run,
        EVICT_HOOKS(lfu),
};
