/* evict_sglang_priority.c - SGLang's priority rule: lowest priority first, oldest use first among equals.
 *
 * A request's priority spreads over the blocks it hits and inserts: each keeps the highest it has ever been given, until
 * it leaves. So a parent's priority is never below that of a child. Key: (priority, last use); of one request's blocks
 * the deeper goes first. Where a request gives none it has `priority`, which may
 * differ by class; without any priorities the rule is lru.
 * Source: SGLang evict_policy.py, radix_cache.py (priority), POLICIES A3.
 */
#include "policy.h"
#include "ranked.h"

#include <stdlib.h>

struct sglang_priority {
	const struct evict_env *env;
	struct ranked ranked;
	uint64_t *used_seq;
	int32_t *priority;
};

static const struct param sglang_priority_params[] = {
        {"priority", PARAM_INT, "0", 0, 1e9, NULL, "priority of requests that give none; higher stays longer"},
        {.name = NULL},
};

static void *sglang_priority_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	struct sglang_priority *p = mem_alloc(1, sizeof(*p));
	*p = (struct sglang_priority){.env = env};
	p->used_seq = mem_alloc(env->block_count, sizeof(*p->used_seq));
	p->priority = mem_alloc(env->block_count, sizeof(*p->priority));
	ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
	return p;
}

static void sglang_priority_close(void *state)
{
	struct sglang_priority *p = state;
	ranked_close(&p->ranked);
	free(p->used_seq);
	free(p->priority);
	free(p);
}

static inline int32_t request_priority(const struct sglang_priority *p)
{
	const int32_t hint = p->env->now->priority;
	return hint == INT32_MIN ? (int32_t)evict_values_now(p->env)[0].integer : hint;
}

static inline void sglang_priority_insert(struct sglang_priority *p, block_id b)
{
	p->priority[b] = request_priority(p);
	p->used_seq[b] = p->env->now->seq;
}

static inline void sglang_priority_hit(struct sglang_priority *p, block_id b)
{
	const int32_t priority = request_priority(p);
	if (p->priority[b] < priority)
		p->priority[b] = priority;
	p->used_seq[b] = p->env->now->seq;
}

static inline void sglang_priority_busy(struct sglang_priority *p, block_id b)
{
	ranked_remove(&p->ranked, b);
}

static inline void sglang_priority_idle(struct sglang_priority *p, block_id b)
{
	ranked_push(&p->ranked, b, (uint64_t)((int64_t)p->priority[b] - INT32_MIN), p->used_seq[b]);
}

static inline void sglang_priority_remove(struct sglang_priority *p, block_id b)
{
	ranked_remove(&p->ranked, b);
}

static inline block_id sglang_priority_evict(struct sglang_priority *p, block_id in)
{
	(void)in;
	return ranked_pop(&p->ranked);
}

static double sglang_priority_score(const void *state, block_id b)
{
	const struct sglang_priority *p = state;
	return p->priority[b];
}

#define EVICT sglang_priority
#define EVICT_PREFETCH(p, b) (__builtin_prefetch(&(p)->ranked.at[b], 1), __builtin_prefetch(&(p)->used_seq[b], 1))
#include "evict_hooks.h"

const struct evict_ops evict_sglang_priority = {
        .name = "sglang_priority",
        .rule = "the block with the lowest priority that a request ever gave it; of equals the one used longest ago",
        .detail = "A trace's `priority` says what its requests are worth. With room for 3 blocks, requests A (priority 5), B, "
                  "C (none: 0), B: a new block D takes the place of C, the next that of B (0, used after C), and only "
                  "then A, the oldest, would go. A block never loses a priority while it stays.",
        .source = "SGLang evict_policy.py (priority)",
        .cost = "O(log idle)",
        .state_bytes = 16,
        .params = sglang_priority_params,
        .per_class = true,
        .open = sglang_priority_open,
        .close = sglang_priority_close,
        .hit = sglang_priority_hit_run,
        .busy = sglang_priority_busy_run,
        .idle = sglang_priority_idle_run,
        .score = sglang_priority_score,
        EVICT_HOOKS(sglang_priority),
};
