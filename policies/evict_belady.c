/* evict_belady.c - farthest next use, from the trace's own future: the bound that the others are measured against.
 *
 * The victim is the idle block whose next request is farthest away (never again: farthest of all); of equals the one
 * used longest ago, then the deeper. A parent's next use is never later than that of its children, so leaf scope costs
 * nothing. Optimal for block hits when one request is served at a time and blocks are of one size; with requests in
 * flight it is a strong reference only, hence belady and not OPT.
 * The idle blocks stand in a heap. Under object semantics each reference has a seq of its own, so no two blocks have
 * the same next use: a bit a seq says where some block is used next, and the last bit is the victim's. Blocks that are
 * never used again stand in a queue in order of their last use, and go first.
 * Source: Belady 1966; on prefix trees POLICIES B16, E6.
 */
#include "bits.h"
#include "queues.h"
#include "ranked.h"

#include <stdlib.h>

struct belady {
	const struct evict_env *env;
	struct ranked ranked; /* unless direct, as what follows */
	uint64_t *used_seq;
	struct bits next_uses; /* direct, as what follows: of the resident blocks, by seq */
	block_id *user;        /* [seq] the block that is used then */
	struct queues dead;    /* one queue: never used again */
	bool direct;           /* object semantics without TTL */
	bool bypass;
};

static const struct param belady_params[] = {
        {"bypass", PARAM_INT, "0", 0, 1, NULL,
         "1: a block whose own next use is farther than every victim's is not cached"},
        {.name = NULL},
};

static void *belady_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct belady *p = mem_alloc(1, sizeof(*p));
	*p = (struct belady){.env = env, .direct = env->never_busy, .bypass = values[0].integer != 0};
	if (p->direct) {
		bits_open(&p->next_uses, env->last_use);
		p->user = mem_alloc((size_t)env->last_use + 1, sizeof(*p->user));
		queues_open(&p->dead, env, 1, &env->capacity_blocks, 0);
	} else {
		ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
		p->used_seq = mem_alloc(env->block_count, sizeof(*p->used_seq));
	}
	return p;
}

static void belady_close(void *state)
{
	struct belady *p = state;
	if (p->direct) {
		bits_close(&p->next_uses);
		queues_close(&p->dead);
	} else {
		ranked_close(&p->ranked);
	}
	free(p->user);
	free(p->used_seq);
	free(p);
}

static inline void belady_hit(struct belady *p, block_id b)
{
	if (!p->direct)
		p->used_seq[b] = p->env->now->seq;
}

static inline void belady_insert(struct belady *p, block_id b)
{
	belady_hit(p, b);
}

/* Direct: b's next use is now. */
static inline void belady_busy(struct belady *p, block_id b)
{
	if (p->direct)
		bits_drop(&p->next_uses, (uint32_t)p->env->now->seq);
	else
		ranked_remove(&p->ranked, b);
}

static inline void belady_idle(struct belady *p, block_id b)
{
	const uint32_t next = p->env->next_use[b];
	if (!p->direct) {
		ranked_push(&p->ranked, b, ~(uint64_t)next, p->used_seq[b]);
	} else if (next == UINT32_MAX) {
		queues_append(&p->dead, 0, b, true);
	} else {
		bits_add(&p->next_uses, next);
		p->user[next] = b;
	}
}

static inline void belady_remove(struct belady *p, block_id b)
{
	ranked_remove(&p->ranked, b); /* never where direct */
}

static inline block_id evict_direct(struct belady *p, block_id in)
{
	const block_id dead = queues_pop(&p->dead, 0);
	if (dead != BLOCK_NONE)
		return dead;
	const uint32_t last = bits_last(&p->next_uses);
	if (p->bypass && p->env->next_use[in] > last)
		return BLOCK_NONE;
	bits_drop(&p->next_uses, last);
	return p->user[last];
}

static inline block_id belady_evict(struct belady *p, block_id in)
{
	if (p->direct)
		return evict_direct(p, in);
	struct ranked_key key;
	const block_id top = ranked_top(&p->ranked, &key);
	if (p->bypass && in != BLOCK_NONE && top != BLOCK_NONE && ~(uint64_t)p->env->next_use[in] < key.first)
		return BLOCK_NONE;
	return ranked_pop(&p->ranked);
}

static inline void prefetch_use(const struct belady *p, uint32_t next)
{
	if (next == UINT32_MAX)
		return;
	__builtin_prefetch(&p->user[next], 1);
	bits_prefetch(&p->next_uses, next);
}

#define EVICT belady
#define EVICT_FUTURE
#define EVICT_OBJECT(p) ((p)->direct && (p)->dead.plain && !(p)->dead.by_name)
#define EVICT_PREFETCH(p, b) (void)(p) /* the block's residency is enough */
#define EVICT_PREFETCH_NEXT prefetch_use
#include "evict_hooks.h"

const struct evict_ops evict_belady = {
        .name = "belady",
        .rule = "the block whose next use in the trace is farthest away (offline bound)",
        .detail = "Reads the future from the trace. With room for 2 blocks, requests A, B, C, A, B: when C comes, A is "
                  "needed at the fourth request and B at the fifth, so B goes and the second A hits; then C, never used "
                  "again, makes room for B. lru, which drops A for C, gets no hit at all.",
        .source = "Belady 1966",
        .cost = "O(log idle); O(1), and 4 bytes a reference, under object semantics",
        .state_bytes = 36,
        .params = belady_params,
        .needs_future = true,
        .may_decline = true,
        .open = belady_open,
        .close = belady_close,
        .hit = belady_hit_run,
        .busy = belady_busy_run,
        .idle = belady_idle_run,
        EVICT_HOOKS(belady),
};
