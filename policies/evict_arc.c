/* evict_arc.c - ARC: two lists, for blocks used once and for those used more often, whose sizes follow from what was
 * regretted.
 *
 * T1 holds the blocks used once since they came, T2 those used again, each with the least recently used at its front. A
 * victim leaves a ghost in B1 or B2. A block that comes back while its ghost is there joins T2, and moves the target p
 * for T1's size: up by max(1, |B2|/|B1|) if the ghost was in B1, down by max(1, |B1|/|B2|) if in B2 (p is a real
 * number, as in libCacheSim; the paper does not say). T1 gives the victim while it is larger than p, or as large and
 * the block coming in had its ghost in B2; else T2 does. T1 and B1 together hold at most as many blocks as the cache,
 * all four twice as many; a T1 that fills the cache alone leaves no ghost. Blocks in use, and parents in leaf scope,
 * are stepped over; where one list has nothing that may go, the other gives. Source: Megiddo & Modha, FAST 2003;
 * libCacheSim ARC.c, POLICIES C, E7. vLLM's variant is another rule.
 */
#include "queues.h"

#include <stdlib.h>

enum { T1, T2, B1, B2, QUEUES };
/* Where a block is: 1 + the queue; 0 nowhere. The last two had a ghost in B1 or B2 and are about to come in. */
enum place { OUT, IN_T1, IN_T2, IN_B1, IN_B2, BACK_FROM_B1, BACK_FROM_B2 };

struct arc {
	const struct evict_env *env;
	struct queues q;
	uint8_t *place;
	double target; /* p */
};

static void *arc_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	const uint32_t room = env->capacity_blocks;
	struct arc *p = mem_alloc(1, sizeof(*p));
	*p = (struct arc){.env = env};
	const uint32_t most[QUEUES] = {[T1] = room, [T2] = room, [B1] = room + 1, [B2] = 2 * room + 1};
	queues_open(&p->q, env, QUEUES, most, QUEUES_ROOMY | QUEUES_BY_NAME);
	p->place = mem_alloc(env->block_count, sizeof(*p->place));
	return p;
}

static void arc_close(void *state)
{
	struct arc *p = state;
	queues_close(&p->q);
	free(p->place);
	free(p);
}

static inline uint32_t size_of(const struct arc *p, uint32_t k)
{
	return p->q.queue[k].count;
}

static inline void arc_hit(struct arc *p, block_id b)
{
	queues_take(&p->q, p->place[b] == IN_T1 ? T1 : T2, b);
	p->place[b] = IN_T2;
	queues_join(&p->q, T2, b);
}

/* If b left a ghost, that one goes, and the target moves. */
static inline void call_back(struct arc *p, block_id b)
{
	if (p->place[b] != IN_B1 && p->place[b] != IN_B2)
		return;
	const double once = size_of(p, B1), often = size_of(p, B2);
	if (p->place[b] == IN_B1) {
		const double step = often > once ? often / once : 1, most = p->env->capacity_blocks;
		p->target = p->target + step < most ? p->target + step : most;
		queues_take(&p->q, B1, b);
		p->place[b] = BACK_FROM_B1;
	} else {
		const double step = once > often ? once / often : 1;
		p->target = p->target > step ? p->target - step : 0;
		queues_take(&p->q, B2, b);
		p->place[b] = BACK_FROM_B2;
	}
}

static inline void arc_insert(struct arc *p, block_id b)
{
	call_back(p, b);
	const bool known = p->place[b] >= BACK_FROM_B1;
	p->place[b] = known ? IN_T2 : IN_T1;
	queues_join(&p->q, known ? T2 : T1, b);
}

static inline void arc_busy(struct arc *p, block_id b)
{
	queues_set_busy(&p->q, b);
}

static inline void arc_idle(struct arc *p, block_id b)
{
	queues_set_idle(&p->q, b);
}

static inline void arc_remove(struct arc *p, block_id b)
{
	queues_take(&p->q, p->place[b] == IN_T1 ? T1 : T2, b);
	p->place[b] = OUT;
}

static inline void forget_ghost(struct arc *p, uint32_t k)
{
	p->place[queues_pop(&p->q, k)] = OUT;
}

/* The victim is the first of T1 or T2 that may go; it leaves a ghost if `ghost` says so. */
static inline block_id take_from(struct arc *p, uint32_t k, bool ghost)
{
	const block_id b = queues_pop(&p->q, k);
	if (b == BLOCK_NONE)
		return b;
	__builtin_prefetch(&p->place[queues_prefetch_front(&p->q, k)], 1);
	p->place[b] = OUT;
	if (ghost) {
		const uint32_t to = k == T1 ? B1 : B2;
		p->place[b] = k == T1 ? IN_B1 : IN_B2;
		queues_append(&p->q, to, b, true);
	}
	return b;
}

static inline block_id arc_evict(struct arc *p, block_id in)
{
	const uint32_t room = p->env->capacity_blocks;
	bool ghost = true;
	if (in != BLOCK_NONE)
		call_back(p, in);
	if (in != BLOCK_NONE && p->place[in] == OUT) {
		if (size_of(p, T1) + size_of(p, B1) >= room) {
			ghost = size_of(p, B1) > 0;
			if (ghost)
				forget_ghost(p, B1);
		} else if (room + size_of(p, B1) + size_of(p, B2) >= 2 * room && size_of(p, B2) > 0) {
			forget_ghost(p, B2);
		}
	}
	const double once = size_of(p, T1);
	const bool from_once = once > p->target || (once == p->target && in != BLOCK_NONE && p->place[in] == BACK_FROM_B2);
	const bool first = !ghost || (once > 0 && from_once) || size_of(p, T2) == 0;
	const block_id victim = take_from(p, first ? T1 : T2, ghost);
	return victim != BLOCK_NONE ? victim : take_from(p, first ? T2 : T1, ghost);
}

#define EVICT                arc
#define EVICT_OBJECT(p)      ((p)->q.plain && (p)->q.by_name)
#define EVICT_PREFETCH(p, b) (__builtin_prefetch(&(p)->place[b], 1), __builtin_prefetch(&(p)->q.slot[b], 1))
#include "evict_hooks.h"

const struct evict_ops evict_arc = {
    .name = "arc",
    .rule =
	"the least recently used of the blocks used once while these exceed a target that adapts, else of the others",
    .detail = "With room for 3 blocks, requests A, B, C, A: T2 holds A, T1 B and C. p is 0, so T1 gives: D takes the "
	      "place of B, E "
	      "that of C. C comes back while its ghost is in B1: p becomes 1, T1 (D, E) is larger and gives D, C joins "
	      "T2. Now F comes: T1 holds E alone, no more than p, so A, the least recent of T2, goes.",
    .source = "Megiddo & Modha, FAST 2003; libCacheSim ARC.c",
    .cost = "O(1)",
    .state_bytes = 90,
    .open = arc_open,
    .close = arc_close,
    .hit = arc_hit_run,
    .busy = arc_busy_run,
    .idle = arc_idle_run,
    EVICT_HOOKS(arc),
};
