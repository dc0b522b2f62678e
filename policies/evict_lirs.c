/* evict_lirs.c - LIRS: blocks whose last two uses were close together (in distinct blocks between them) stay, the
 * others pass through a small queue.
 *
 * The cache is shared by LIR blocks (low inter-reference recency, all but `hir` of it) and resident HIR blocks. The
 * stack S holds blocks by last use, the most recent at the top: all LIR blocks, and those HIR blocks, resident or not,
 * that were used since the lowest LIR block was. What lies below that one is pruned, so S ends with a LIR block.
 * Resident HIR blocks stand in the queue Q, and its front is the victim; if it is in S it stays there as a ghost. A
 * used LIR block moves to the top of S. A used HIR block, or a ghost that comes back, becomes LIR if it was in S, and
 *   then the lowest LIR block becomes HIR and goes to the end of Q; else it goes to the top of S and the end of Q. New
 *   blocks are LIR until those have their share.
 * S holds at most `stack` times the cache; beyond that the ghost that left the cache first is forgotten. Where Q has no
 * block that may go, the lowest LIR block that may goes, and leaves a ghost.
 * libCacheSim differs in one point: there a hit on a HIR block that is not in S also makes the lowest LIR block HIR,
 * which evicts a block although nothing comes in. A hit frees no memory here. Source: Jiang & Zhang, SIGMETRICS 2002;
 * libCacheSim LIRS.c, POLICIES C, E7.
 */
#include "queues.h"

#include <stdlib.h>

enum { HIR_QUEUE, GHOSTS, LISTS };
enum kind { OUT, LIR, HIR, GHOST };

struct lirs {
	const struct evict_env *env;
	struct queues stack; /* one queue, the bottom at its front; idle: LIR blocks that may go */
	struct queues lists; /* resident HIR blocks; ghosts in the order they left */
	uint8_t *kind;
	uint8_t *stacked; /* HIR blocks: whether in the stack; LIR blocks and ghosts are */
	uint32_t lir_count, lir_share, stack_most;
};

static const struct param lirs_params[] = {
    {"hir", PARAM_REAL, "0.01", 0, 1, NULL, "share of the cache for HIR blocks, at least one block"},
    {"stack", PARAM_REAL, "2", 1, 100, NULL, "most blocks in the stack, as a multiple of the cache"},
    {.name = NULL},
};

static void *lirs_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	const uint32_t room = env->capacity_blocks, hir_share = (uint32_t)(room * values[0].real);
	const double stack_most = room * values[1].real;
	struct lirs *p = mem_alloc(1, sizeof(*p));
	*p = (struct lirs){
	    .env = env,
	    .lir_share = room - (hir_share > 0 ? hir_share : 1),
	    .stack_most = stack_most < env->block_count ? (uint32_t)stack_most : env->block_count,
	};
	const uint32_t stack = p->stack_most + 1, lists[LISTS] = {[HIR_QUEUE] = room, [GHOSTS] = stack};
	queues_open(&p->stack, env, 1, &stack, QUEUES_ROOMY | QUEUES_BY_NAME);
	queues_open(&p->lists, env, LISTS, lists, QUEUES_ROOMY | QUEUES_BY_NAME);
	p->kind = mem_alloc(env->block_count, sizeof(*p->kind));
	p->stacked = mem_alloc(env->block_count, sizeof(*p->stacked));
	return p;
}

static void lirs_close(void *state)
{
	struct lirs *p = state;
	queues_close(&p->stack);
	queues_close(&p->lists);
	free(p->kind);
	free(p->stacked);
	free(p);
}

static inline void forget_ghost(struct lirs *p, block_id b)
{
	queues_take(&p->lists, GHOSTS, b);
	p->kind[b] = OUT;
}

/* Takes what lies below the lowest LIR block off the stack. */
static inline void prune(struct lirs *p)
{
	for (block_id b; (b = queues_front(&p->stack, 0)) != BLOCK_NONE && p->kind[b] != LIR;) {
		queues_take(&p->stack, 0, b);
		p->stacked[b] = 0;
		if (p->kind[b] == GHOST)
			forget_ghost(p, b);
	}
}

/* While there are too many LIR blocks the lowest becomes HIR; then the stack is brought to its size. */
static inline void settle(struct lirs *p)
{
	prune(p);
	while (p->lir_count > p->lir_share) {
		const block_id b = queues_front(&p->stack, 0);
		queues_take(&p->stack, 0, b);
		p->kind[b] = HIR;
		p->stacked[b] = 0;
		p->lir_count--;
		queues_append(&p->lists, HIR_QUEUE, b, evict_idle(p->env, b));
		prune(p);
	}
	while (p->stack.queue[0].count > p->stack_most) {
		const block_id b = queues_front(&p->lists, GHOSTS);
		if (b == BLOCK_NONE)
			break;
		queues_take(&p->stack, 0, b);
		forget_ghost(p, b);
	}
}

static inline void lirs_hit(struct lirs *p, block_id b)
{
	const bool stacked = p->kind[b] == LIR || p->stacked[b];
	if (stacked)
		queues_take(&p->stack, 0, b);
	queues_join(&p->stack, 0, b);
	if (p->kind[b] == HIR) {
		queues_take(&p->lists, HIR_QUEUE, b);
		if (stacked) {
			p->kind[b] = LIR;
			p->lir_count++;
		} else {
			queues_join(&p->lists, HIR_QUEUE, b);
		}
	}
	p->stacked[b] = 1;
	settle(p);
}

static inline void lirs_insert(struct lirs *p, block_id b)
{
	const bool known = p->kind[b] == GHOST;
	if (known) {
		forget_ghost(p, b);
		queues_take(&p->stack, 0, b);
	}
	queues_join(&p->stack, 0, b);
	p->stacked[b] = 1;
	if (known || p->lir_count < p->lir_share) {
		p->kind[b] = LIR;
		p->lir_count++;
	} else {
		p->kind[b] = HIR;
		queues_join(&p->lists, HIR_QUEUE, b);
	}
	settle(p);
}

static inline void lirs_busy(struct lirs *p, block_id b)
{
	queues_set_busy(p->kind[b] == LIR ? &p->stack : &p->lists, b);
}

static inline void lirs_idle(struct lirs *p, block_id b)
{
	queues_set_idle(p->kind[b] == LIR ? &p->stack : &p->lists, b);
}

static inline void lirs_remove(struct lirs *p, block_id b)
{
	if (p->kind[b] == LIR)
		p->lir_count--;
	else
		queues_take(&p->lists, HIR_QUEUE, b);
	if (p->kind[b] == LIR || p->stacked[b])
		queues_take(&p->stack, 0, b);
	p->kind[b] = OUT;
	p->stacked[b] = 0;
	prune(p);
}

static inline block_id lirs_evict(struct lirs *p, block_id in)
{
	(void)in;
	block_id b = queues_pop(&p->lists, HIR_QUEUE);
	if (b == BLOCK_NONE) {
		const uint64_t at = queues_seek(&p->stack, 0, p->stack.queue[0].front);
		if (at >= p->stack.queue[0].back)
			return BLOCK_NONE;
		b = p->stack.at[queues_slot(&p->stack.queue[0], at)];
		queues_set_busy(&p->stack, b);
		p->lir_count--;
	}
	__builtin_prefetch(&p->kind[queues_prefetch_front(&p->lists, HIR_QUEUE)], 1);
	p->kind[b] = p->stacked[b] ? GHOST : OUT;
	if (p->stacked[b])
		queues_append(&p->lists, GHOSTS, b, true);
	return b;
}

#define EVICT           lirs
#define EVICT_OBJECT(p) ((p)->stack.plain && (p)->lists.plain)
#define EVICT_PREFETCH(p, b)                                                                                           \
	(__builtin_prefetch(&(p)->kind[b], 1), __builtin_prefetch(&(p)->stacked[b], 1),                                \
	 __builtin_prefetch(&(p)->stack.slot[b], 1), __builtin_prefetch(&(p)->lists.slot[b], 1))
#include "evict_hooks.h"

const struct evict_ops evict_lirs = {
    .name = "lirs",
    .rule = "the block longest in a small queue of those whose last two uses were far apart",
    .detail = "With room for 4 blocks, one of them for HIR, requests A, B, C, D, E: A, B and C are LIR, D was HIR and "
	      "goes for E; in "
	      "the stack it stands above A. So D, when it comes back (E goes), becomes LIR, and A, the lowest, HIR. A "
	      "new block F takes the place of A.",
    .source = "Jiang & Zhang, SIGMETRICS 2002; libCacheSim LIRS.c",
    .cost = "O(1) amortized",
    .state_bytes = 95,
    .params = lirs_params,
    .open = lirs_open,
    .close = lirs_close,
    .hit = lirs_hit_run,
    .busy = lirs_busy_run,
    .idle = lirs_idle_run,
    EVICT_HOOKS(lirs),
};
