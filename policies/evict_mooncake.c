/* evict_mooncake.c - Mooncake Store's rule: the oldest lease goes, in batches, as soon as the store is nearly full.
 *
 * A lookup that finds a block leases it for `lease`; one that was only stored has a lease that ended then. Blocks with a lease
 * never go. When more than `high` of the room is used after something was stored, a batch goes: target = used - high + `batch`,
 * and of n blocks ceil(target x n), those whose lease ended first; of equals the one used longest ago, then the deeper. Blocks may be pinned softly when they are stored, for `soft_ttl`, which reads do not extend: all of them, or
 * those of the static prefix (as the trace gives it, else `prefix` tokens). A batch spares them, unless without them it is short
 * of ceil(max(target / 2, used - high) x n): then the oldest leases among them go up to that number (`spare`=1: never).
 * Where the store is full and nothing may go, what comes is not stored.
 *
 * The store's thread looks every 10 ms; here a batch goes with the insertion that passes the mark, and one that fell short
 * is tried again with the next. A put that finds no room makes room for itself if it can; there it fails and the
 * client comes again. Without shards, so exactly the oldest. Groups, hard pins and copies on disk are not modelled; an expired
 * block is gone at once.
 * Leaf scope ranks the idle leaves; in flat scope holes are left, as in the store.
 * Source: Mooncake master_service.cpp (BatchEvict, EvictionThreadFunc), mooncake-store.md, POLICIES A8.
 */
#include "list.h"
#include "policy.h"
#include "ranked.h"

#include <math.h>
#include <stdlib.h>

enum { LEASE, HIGH, BATCH, SOFT, SOFT_TTL, PREFIX, SPARE };
enum { SOFT_NONE, SOFT_PREFIX, SOFT_ALL };

struct mooncake {
	const struct evict_env *env;
	struct ranked plain, soft; /* the idle ones, by the end of their lease */
	struct link *pins;         /* the softly pinned, in the order they came; out: the others */
	int64_t *lease_end_ns, *pin_end_ns;
	uint64_t *used_seq;
	uint32_t count;       /* resident */
	uint32_t left, least; /* of a batch: still to go; still to go even if softly pinned */
	bool in_batch;
	int64_t lease_ns, soft_ns;
	double room, high, batch;
	int64_t soft_kind;
	uint64_t prefix_tokens;
	bool spare;
};

static const struct param mooncake_params[] = {
        [LEASE] = {"lease", PARAM_DURATION, "10s", 0, 9.3e18, NULL, "how long a lookup protects what it found"},
        [HIGH] = {"high", PARAM_REAL, "0.9", 0, 1, NULL, "share of the room beyond which a batch goes"},
        [BATCH] = {"batch", PARAM_REAL, "0.05", 0, 1, NULL, "share of the blocks that a batch takes beyond that excess"},
        [SOFT] = {"soft", PARAM_CHOICE, "none", 0, 0, "none|prefix|all", "which blocks are pinned softly"},
        [SOFT_TTL] = {"soft_ttl", PARAM_DURATION, "30m", 0, 9.3e18, NULL, "how long after they were stored"},
        [PREFIX] = {"prefix", PARAM_INT, "0", 0, 4e9, NULL, "tokens of static prefix where the trace does not say"},
        [SPARE] = {"spare", PARAM_INT, "0", 0, 1, NULL, "1: softly pinned blocks never go"},
        {.name = NULL},
};

static void *mooncake_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct mooncake *p = mem_alloc(1, sizeof(*p));
	*p = (struct mooncake){.env = env,
	                       .room = env->room_blocks == UINT64_MAX ? INFINITY : (double)env->room_blocks,
	                       .lease_ns = values[LEASE].integer,
	                       .high = values[HIGH].real,
	                       .batch = values[BATCH].real,
	                       .soft_kind = values[SOFT].integer,
	                       .soft_ns = values[SOFT_TTL].integer,
	                       .prefix_tokens = (uint64_t)values[PREFIX].integer,
	                       .spare = values[SPARE].integer != 0};
	ranked_open(&p->plain, env->block_count, env->capacity_blocks, env->depth);
	ranked_open(&p->soft, env->block_count, env->capacity_blocks, env->depth);
	p->pins = list_open(env->block_count, 1);
	p->lease_end_ns = mem_alloc(env->block_count, sizeof(*p->lease_end_ns));
	p->pin_end_ns = mem_alloc(env->block_count, sizeof(*p->pin_end_ns));
	p->used_seq = mem_alloc(env->block_count, sizeof(*p->used_seq));
	return p;
}

static void mooncake_close(void *state)
{
	struct mooncake *p = state;
	ranked_close(&p->plain);
	ranked_close(&p->soft);
	free(p->pins);
	free(p->lease_end_ns);
	free(p->pin_end_ns);
	free(p->used_seq);
	free(p);
}

static inline int64_t from_now(const struct mooncake *p, int64_t ns)
{
	int64_t end_ns;
	return __builtin_add_overflow(p->env->now->now_ns, ns, &end_ns) ? TIME_NEVER_NS : end_ns;
}

static inline void enqueue(struct mooncake *p, block_id b)
{
	struct ranked *ranked = list_is_out(p->pins, b) ? &p->plain : &p->soft;
	ranked_push(ranked, b, (uint64_t)p->lease_end_ns[b], p->used_seq[b]);
}

static inline void dequeue(struct mooncake *p, block_id b)
{
	ranked_remove(list_is_out(p->pins, b) ? &p->plain : &p->soft, b);
}

/* Soft pins that are over: what holds for one that came first holds for one that came later. */
static inline void unpin(struct mooncake *p)
{
	const block_id end = p->env->block_count;
	for (block_id b; (b = p->pins[end].next) != end && p->pin_end_ns[b] <= p->env->now->now_ns;) {
		const bool in = p->soft.at[b] != RANKED_OUT;
		dequeue(p, b);
		list_take(p->pins, b);
		list_set_out(p->pins, b);
		if (in)
			enqueue(p, b);
	}
}

static inline bool is_pinned_softly(const struct mooncake *p, block_id b)
{
	const uint32_t said = p->env->now->prefix_tokens;
	const uint64_t prefix_tokens = said != UINT32_MAX ? said : p->prefix_tokens;
	return p->soft_kind == SOFT_ALL ||
	       (p->soft_kind == SOFT_PREFIX && (uint64_t)p->env->depth[b] * p->env->block_tokens < prefix_tokens);
}

static inline void mooncake_hit(struct mooncake *p, block_id b)
{
	p->used_seq[b] = p->env->now->seq;
	p->lease_end_ns[b] = from_now(p, p->lease_ns);
}

static inline void mooncake_insert(struct mooncake *p, block_id b)
{
	p->count++;
	p->used_seq[b] = p->env->now->seq;
	p->lease_end_ns[b] = p->env->now->now_ns;
	list_set_out(p->pins, b);
	if (is_pinned_softly(p, b)) {
		p->pin_end_ns[b] = from_now(p, p->soft_ns);
		list_push_back(p->pins, p->env->block_count, b);
	}
}

static inline void mooncake_busy(struct mooncake *p, block_id b)
{
	dequeue(p, b);
}

static inline void mooncake_idle(struct mooncake *p, block_id b)
{
	enqueue(p, b);
}

static inline void mooncake_remove(struct mooncake *p, block_id b)
{
	p->count--;
	dequeue(p, b);
	if (!list_is_out(p->pins, b))
		list_take(p->pins, b);
}

/* Takes out the block whose lease ended first, or returns BLOCK_NONE where all are leased. */
static inline block_id take_oldest(struct mooncake *p, struct ranked *ranked)
{
	struct ranked_key lease_end_ns;
	const block_id b = ranked_top(ranked, &lease_end_ns);
	if (b == BLOCK_NONE || lease_end_ns.first > (uint64_t)p->env->now->now_ns)
		return BLOCK_NONE;
	mooncake_remove(p, b);
	return b;
}

static inline block_id mooncake_evict(struct mooncake *p, block_id in)
{
	(void)in;
	unpin(p);
	const block_id victim = take_oldest(p, &p->plain);
	return victim != BLOCK_NONE || p->spare ? victim : take_oldest(p, &p->soft);
}

static inline bool begin_batch(struct mooncake *p)
{
	const double used = p->count / p->room, over = used - p->high;
	if (over <= 0)
		return false;
	const double target = over + p->batch;
	p->left = (uint32_t)ceil(target * p->count);
	p->least = (uint32_t)ceil(fmax(target / 2, over) * p->count);
	unpin(p);
	return true;
}

static inline block_id mooncake_surplus(struct mooncake *p)
{
	if (!p->in_batch && !begin_batch(p))
		return BLOCK_NONE;
	p->in_batch = true;
	block_id b = BLOCK_NONE;
	if (p->left > 0)
		b = take_oldest(p, &p->plain);
	if (b == BLOCK_NONE && p->least > 0 && !p->spare)
		b = take_oldest(p, &p->soft);
	p->left -= p->left > 0;
	p->least -= p->least > 0;
	p->in_batch = b != BLOCK_NONE;
	return b;
}

static block_id mooncake_surplus_one(void *state)
{
	return mooncake_surplus(state);
}

static double mooncake_score(const void *state, block_id b)
{
	const struct mooncake *p = state;
	return (double)p->lease_end_ns[b] / (double)NS_PER_S;
}

#define EVICT mooncake
#define EVICT_SURPLUS
#define EVICT_PREFETCH(p, b)                                                                                       \
	(__builtin_prefetch(&(p)->plain.at[b], 1), __builtin_prefetch(&(p)->pins[b], 1),                              \
	 __builtin_prefetch(&(p)->used_seq[b], 1), __builtin_prefetch(&(p)->lease_end_ns[b], 1))
#include "evict_hooks.h"

const struct evict_ops evict_mooncake = {
        .name = "mooncake",
        .rule = "the block whose lease ended first, never one with a lease; they go in batches, when the room is nearly used up",
        .detail = "With room for 4 blocks and high=0.5,batch=0.25: A and B come at 0 s, and A is used at 1 s, which leases it until 11 s. C "
                  "at 2 s makes it 3 of 4, more than half: .75 - .5 + .25 = half of 3, rounded up, are to go, but only B may, as A has "
                  "a lease and C is in use. D at 12 s: C, whose lease ended when it was stored, and A go.",
        .source = "Mooncake Store master_service.cpp, docs/source/design/store/mooncake-store.md",
        .cost = "O(log idle)",
        .state_bytes = 88,
        .params = mooncake_params,
        .needs_time = true,
        .may_decline = true,
        .open = mooncake_open,
        .close = mooncake_close,
        .hit = mooncake_hit_run,
        .busy = mooncake_busy_run,
        .idle = mooncake_idle_run,
        .surplus = mooncake_surplus_one,
        .score = mooncake_score,
        EVICT_HOOKS(mooncake),
};
