/* evict_retention.c - TensorRT-LLM's retention: lowest priority first, and a priority can run out.
 *
 * Each request gives its blocks a priority of 0 to 100 and a duration; what the last one said holds. The victim is the block
 * released longest ago among those of the lowest priority. A block let go with another priority than 35 keeps it for its
 * duration; then it goes to the back of the queue of 35, as if it had just been released: a high one is demoted and looks fresh,
 * a low one is promoted.
 *
 * What a request says. Its static prefix, the first `prefix_len_tokens` as the trace gives them or else `prefix` tokens, has
 * prefix_priority and prefix_duration, the rest priority and duration; a block that the prefix covers in part belongs to it. A
 * trace's `priority` is that of the prefix, or of the whole prompt where none is known. All keys may differ by class.
 * Levels below (offload from priority 30 on) and the priority of answers are not modelled here.
 *
 * Flat scope: a list a priority, in order of release (orphans, pinned but not used, keep their place), and a heap of timers. Leaf
 * scope: a heap of idle leaves by priority and last use; timers run from the last use, as the release of a block with
 * children is not seen.
 * Source: TensorRT-LLM evictionPolicy.cpp (LRUEvictionPolicy), executor.h (KvCacheRetentionConfig), POLICIES A6.
 */
#include "list.h"
#include "policy.h"
#include "ranked.h"

#include <stdlib.h>

#define MOST_PRIORITY    100
#define DEFAULT_PRIORITY 35

enum key { PRIORITY, DURATION, PREFIX, PREFIX_PRIORITY, PREFIX_DURATION, KEYS };

struct retention {
	const struct evict_env *env;
	struct link *links;            /* flat scope */
	uint64_t filled[2];            /* flat scope: bit b of word w: the list of priority 64 w + b may hold something */
	struct ranked ranked;          /* leaf scope */
	uint64_t *fresh_seq;           /* leaf scope: last use, or when its priority ran out */
	struct ranked timers;          /* by the time at which a priority runs out */
	int64_t *duration_ns;
	uint8_t *priority;
	bool leaf;
};

static const struct param retention_params[] = {
        [PRIORITY] = {"priority", PARAM_INT, "35", 0, MOST_PRIORITY, NULL, "of blocks; higher stays longer"},
        [DURATION] = {"duration", PARAM_DURATION, "inf", 0, 9.3e18, NULL, "how long a priority other than 35 lasts after use"},
        [PREFIX] = {"prefix", PARAM_INT, "0", 0, 4e9, NULL, "tokens of static prefix where the trace does not say"},
        [PREFIX_PRIORITY] = {"prefix_priority", PARAM_INT, "35", 0, MOST_PRIORITY, NULL, "priority of the static prefix"},
        [PREFIX_DURATION] = {"prefix_duration", PARAM_DURATION, "inf", 0, 9.3e18, NULL, "duration of that priority"},
        [KEYS] = {.name = NULL},
};

static void *retention_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	struct retention *p = mem_alloc(1, sizeof(*p));
	*p = (struct retention){.env = env, .leaf = env->leaf};
	p->priority = mem_alloc(env->block_count, sizeof(*p->priority));
	p->duration_ns = mem_alloc(env->block_count, sizeof(*p->duration_ns));
	ranked_open(&p->timers, env->block_count, env->capacity_blocks, env->depth);
	if (p->leaf) {
		p->fresh_seq = mem_alloc(env->block_count, sizeof(*p->fresh_seq));
		ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
	} else {
		p->links = list_open(env->block_count, MOST_PRIORITY + 1);
	}
	return p;
}

static void retention_close(void *state)
{
	struct retention *p = state;
	ranked_close(&p->timers);
	if (p->leaf)
		ranked_close(&p->ranked);
	free(p->links);
	free(p->fresh_seq);
	free(p->duration_ns);
	free(p->priority);
	free(p);
}

static inline void enqueue(struct retention *p, block_id b)
{
	const uint32_t priority = p->priority[b];
	if (p->leaf) {
		ranked_push(&p->ranked, b, priority, p->fresh_seq[b]);
		return;
	}
	p->filled[priority / 64] |= UINT64_C(1) << priority % 64;
	list_push_back(p->links, p->env->block_count + priority, b);
}

static void start_timer(struct retention *p, block_id b)
{
	int64_t end_ns;
	if (p->priority[b] != DEFAULT_PRIORITY && p->duration_ns[b] != TIME_NEVER_NS &&
	    !__builtin_add_overflow(p->env->now->now_ns, p->duration_ns[b], &end_ns))
		ranked_push(&p->timers, b, (uint64_t)end_ns, 0);
}

/* Priorities that have run out by now become the default one. */
static void retire_due(struct retention *p)
{
	struct ranked_key end_ns;
	block_id b;
	while ((b = ranked_top(&p->timers, &end_ns)) != BLOCK_NONE && end_ns.first <= (uint64_t)p->env->now->now_ns) {
		ranked_pop(&p->timers);
		p->priority[b] = DEFAULT_PRIORITY;
		if (!p->leaf) {
			list_take(p->links, b);
			enqueue(p, b);
			continue;
		}
		const bool in = p->ranked.at[b] != RANKED_OUT;
		ranked_remove(&p->ranked, b);
		p->fresh_seq[b] = p->env->now->seq;
		if (in)
			enqueue(p, b);
	}
}

/* Most runs set no timers. */
static inline void retire(struct retention *p)
{
	if (p->timers.count > 0)
		retire_due(p);
}

static inline void stop_timer(struct retention *p, block_id b)
{
	if (p->timers.count > 0)
		ranked_remove(&p->timers, b);
}

/* The request being served uses b and says how much it is worth. */
static inline void instruct(struct retention *p, block_id b)
{
	const struct policy_now *now = p->env->now;
	const union param_value *values = evict_values_now(p->env);
	const uint64_t prefix_tokens =
	        now->prefix_tokens != UINT32_MAX ? now->prefix_tokens : (uint64_t)values[PREFIX].integer;
	const bool in_prefix = prefix_tokens > 0 && (uint64_t)p->env->depth[b] * p->env->block_tokens < prefix_tokens;
	int64_t priority = values[in_prefix ? PREFIX_PRIORITY : PRIORITY].integer;
	if (now->priority != INT32_MIN && (in_prefix || prefix_tokens == 0))
		priority = now->priority < 0 ? 0 : now->priority > MOST_PRIORITY ? MOST_PRIORITY : now->priority;
	p->priority[b] = (uint8_t)priority;
	p->duration_ns[b] = values[in_prefix ? PREFIX_DURATION : DURATION].integer;
	if (p->leaf) {
		p->fresh_seq[b] = now->seq;
		start_timer(p, b);
	}
}

static inline void retention_hit(struct retention *p, block_id b)
{
	if (!p->leaf && !list_is_out(p->links, b)) {
		list_take(p->links, b);
		list_set_out(p->links, b);
	}
	stop_timer(p, b);
	instruct(p, b);
}

static inline void retention_insert(struct retention *p, block_id b)
{
	if (!p->leaf)
		list_set_out(p->links, b);
	instruct(p, b);
}

static inline void retention_busy(struct retention *p, block_id b)
{
	if (p->leaf)
		ranked_remove(&p->ranked, b);
}

static inline void retention_idle(struct retention *p, block_id b)
{
	retire(p);
	if (p->leaf) {
		enqueue(p, b);
	} else if (list_is_out(p->links, b)) {
		enqueue(p, b);
		start_timer(p, b);
	}
}

static inline void retention_remove(struct retention *p, block_id b)
{
	stop_timer(p, b);
	if (p->leaf)
		ranked_remove(&p->ranked, b);
	else if (!list_is_out(p->links, b))
		list_take(p->links, b);
}

/* The first idle block of the lowest priority, left in. */
static inline block_id first_listed(struct retention *p)
{
	for (uint32_t word = 0; word < COUNT_OF(p->filled); word++) {
		for (uint64_t left = p->filled[word]; left; left &= left - 1) {
			const uint32_t bit = (uint32_t)__builtin_ctzll(left);
			const block_id end = p->env->block_count + 64 * word + bit;
			if (list_empty(p->links, end))
				p->filled[word] &= ~(UINT64_C(1) << bit);
			for (block_id b = p->links[end].next; b != end; b = p->links[b].next) {
				if (evict_idle(p->env, b))
					return b;
			}
		}
	}
	return BLOCK_NONE;
}

static inline block_id retention_evict(struct retention *p, block_id in)
{
	(void)in;
	retire(p);
	const block_id victim = p->leaf ? ranked_top(&p->ranked, NULL) : first_listed(p);
	if (victim != BLOCK_NONE)
		retention_remove(p, victim);
	return victim;
}

static double retention_score(const void *state, block_id b)
{
	const struct retention *p = state;
	return p->priority[b];
}

#define EVICT retention
#define EVICT_PREFETCH(p, b)                                                                            \
	(__builtin_prefetch(&(p)->links[b], 1), __builtin_prefetch(&(p)->priority[b], 1),                \
	 __builtin_prefetch(&(p)->duration_ns[b], 1))
#define EVICT_PREFETCH_HIT(p, b) list_prefetch_around((p)->links, b)
#include "evict_hooks.h"

const struct evict_ops evict_retention = {
        .name = "retention",
        .rule = "the block released longest ago of those with the lowest priority; a priority may last for a time only",
        .detail = "With room for 3 blocks and prefix_priority=80,prefix_duration=1m, requests with a static prefix A: A-B at 0 s, "
                  "C at 10 s. D at 20 s takes the place of B and E at 30 s that of C, as A has 80 and they have 35. At 60 s A's "
                  "minute is over: it joins the others behind E, as if just released, so F takes the place of D.",
        .source = "TensorRT-LLM evictionPolicy.cpp, executor.h (KvCacheRetentionConfig)",
        .cost = "O(1) flat, O(log leaves) a request in leaf scope; O(log timers) where a duration is set",
        .state_bytes = 21,
        .params = retention_params,
        .needs_time = true,
        .per_class = true,
        .open = retention_open,
        .close = retention_close,
        .hit = retention_hit_run,
        .busy = retention_busy_run,
        .idle = retention_idle_run,
        .score = retention_score,
        EVICT_HOOKS(retention),
};
