/* evict_filo.c - first in, last out: the newcomer goes, and what came first stays for good.
 *
 * Age is the now->seq of a block's insertion, one value for all blocks a request brought; of equals the deeper goes
 * first. The idle blocks stand in a heap, the newest on top. Under object semantics, where all seqs differ and nothing
 * is ever busy, a list does. Source: SGLang evict_policy.py (filo), POLICIES A3, E6.
 */
#include "list.h"
#include "policy.h"
#include "ranked.h"

#include <stdlib.h>

struct filo {
	const struct evict_env *env;
	struct link *links;   /* never_busy: the newest at the front */
	struct ranked ranked; /* otherwise, as what follows */
	uint64_t *born_seq;
	bool listed;
};

static void *filo_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)values, (void)err;
	struct filo *p = mem_alloc(1, sizeof(*p));
	*p = (struct filo){.env = env, .listed = env->never_busy};
	if (p->listed) {
		p->links = list_open(env->block_count, 1);
	} else {
		ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
		p->born_seq = mem_alloc(env->block_count, sizeof(*p->born_seq));
	}
	return p;
}

static void filo_close(void *state)
{
	struct filo *p = state;
	if (!p->listed)
		ranked_close(&p->ranked);
	free(p->links);
	free(p->born_seq);
	free(p);
}

static inline void filo_hit(struct filo *p, block_id b)
{
	(void)p, (void)b;
}

static inline void filo_insert(struct filo *p, block_id b)
{
	if (p->listed)
		list_push_front(p->links, p->env->block_count, b);
	else
		p->born_seq[b] = p->env->now->seq;
}

static inline void filo_busy(struct filo *p, block_id b)
{
	if (!p->listed)
		ranked_remove(&p->ranked, b);
}

static inline void filo_idle(struct filo *p, block_id b)
{
	if (!p->listed)
		ranked_push(&p->ranked, b, ~p->born_seq[b], 0);
}

static inline void filo_remove(struct filo *p, block_id b)
{
	ranked_remove(&p->ranked, b); /* not under never_busy */
}

static inline block_id filo_evict(struct filo *p, block_id in)
{
	(void)in;
	return p->listed ? list_pop_front(p->links, p->env->block_count) : ranked_pop(&p->ranked);
}

#define EVICT                filo
#define EVICT_OBJECT(p)      (p)->listed
#define EVICT_PREFETCH(p, b) __builtin_prefetch(&(p)->links[b], 1)
#include "evict_hooks.h"

const struct evict_ops evict_filo = {
    .name = "filo",
    .rule = "the block that came last; of those that came with one request the deepest first",
    .detail = "Hits change nothing. With room for 3 blocks, requests A, B, C, A, D: C came last and makes room for D, "
	      "E takes "
	      "the place of D, and so on: A and B stay for good.",
    .source = "SGLang evict_policy.py (filo)",
    .cost = "O(log idle), O(1) under object semantics",
    .state_bytes = 36,
    .open = filo_open,
    .close = filo_close,
    .busy = filo_busy_run,
    .idle = filo_idle_run,
    EVICT_HOOKS(filo),
};
