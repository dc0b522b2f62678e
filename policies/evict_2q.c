/* evict_2q.c - 2Q: new blocks queue up in A1in, and only those that are asked for again after they left it join the
 * main list Am.
 *
 * A1in is first in, first out; hits there change nothing, so a burst of uses right after arrival does not count. When
 * A1in is over its share its oldest block goes and leaves a ghost in A1out; otherwise the least recently used block of
 * Am goes, without one. A block that comes back while its ghost is there joins Am, where a hit makes it the most
 * recent. Blocks in use, and parents in leaf scope, are stepped over; where one queue has nothing that may go, the
 * other gives. Shares are of the cache, rounded down, as in libCacheSim. Source: Johnson & Shasha, VLDB 1994 (full
 * version); libCacheSim TwoQ.c, POLICIES C, E7.
 */
#include "queues.h"

#include <stdlib.h>

enum { A1IN, AM, A1OUT, QUEUES };
enum place { OUT, IN_A1IN, IN_AM, IN_A1OUT, CALLED_BACK }; /* the last: had a ghost, is about to come in */

struct twoq {
	const struct evict_env *env;
	struct queues q;
	uint8_t *place;
	uint32_t in_share, out_share;
};

static const struct param twoq_params[] = {
    {"in", PARAM_REAL, "0.25", 0, 1, NULL, "share of the cache that A1in may hold"},
    {"out", PARAM_REAL, "0.5", 0, 1, NULL, "how many blocks A1out remembers, as a share of the cache"},
    {.name = NULL},
};

static void *twoq_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	const uint32_t room = env->capacity_blocks;
	struct twoq *p = mem_alloc(1, sizeof(*p));
	*p = (struct twoq){
	    .env = env,
	    .in_share = (uint32_t)(room * values[0].real),
	    .out_share = (uint32_t)(room * values[1].real),
	};
	const uint32_t most[QUEUES] = {[A1IN] = room, [AM] = room, [A1OUT] = p->out_share + 1};
	queues_open(&p->q, env, QUEUES, most, QUEUES_ROOMY | QUEUES_BY_NAME);
	p->place = mem_alloc(env->block_count, sizeof(*p->place));
	return p;
}

static void twoq_close(void *state)
{
	struct twoq *p = state;
	queues_close(&p->q);
	free(p->place);
	free(p);
}

static inline void twoq_hit(struct twoq *p, block_id b)
{
	if (p->place[b] != IN_AM)
		return;
	queues_take(&p->q, AM, b);
	queues_join(&p->q, AM, b);
}

static inline void call_back(struct twoq *p, block_id b)
{
	if (p->place[b] != IN_A1OUT)
		return;
	queues_take(&p->q, A1OUT, b);
	p->place[b] = CALLED_BACK;
}

static inline void twoq_insert(struct twoq *p, block_id b)
{
	call_back(p, b);
	const bool known = p->place[b] == CALLED_BACK;
	p->place[b] = known ? IN_AM : IN_A1IN;
	queues_join(&p->q, known ? AM : A1IN, b);
}

static inline void twoq_busy(struct twoq *p, block_id b)
{
	queues_set_busy(&p->q, b);
}

static inline void twoq_idle(struct twoq *p, block_id b)
{
	queues_set_idle(&p->q, b);
}

static inline void twoq_remove(struct twoq *p, block_id b)
{
	queues_take(&p->q, p->place[b] == IN_AM ? AM : A1IN, b);
	p->place[b] = OUT;
}

static inline block_id evict_in(struct twoq *p)
{
	const block_id b = queues_pop(&p->q, A1IN);
	if (b == BLOCK_NONE)
		return b;
	queues_prefetch_front(&p->q, A1IN);
	p->place[b] = IN_A1OUT;
	queues_append(&p->q, A1OUT, b, true);
	if (p->q.queue[A1OUT].count > p->out_share)
		p->place[queues_pop(&p->q, A1OUT)] = OUT;
	return b;
}

static inline block_id evict_main(struct twoq *p)
{
	const block_id b = queues_pop(&p->q, AM);
	if (b != BLOCK_NONE)
		p->place[b] = OUT;
	queues_prefetch_front(&p->q, AM);
	return b;
}

static inline block_id twoq_evict(struct twoq *p, block_id in)
{
	if (in != BLOCK_NONE)
		call_back(p, in);
	if (p->q.queue[A1IN].count > p->in_share) {
		const block_id victim = evict_in(p);
		return victim != BLOCK_NONE ? victim : evict_main(p);
	}
	const block_id victim = evict_main(p);
	return victim != BLOCK_NONE ? victim : evict_in(p);
}

#define EVICT                twoq
#define EVICT_OBJECT(p)      ((p)->q.plain && (p)->q.by_name)
#define EVICT_PREFETCH(p, b) (__builtin_prefetch(&(p)->place[b], 1), __builtin_prefetch(&(p)->q.slot[b], 1))
#include "evict_hooks.h"

const struct evict_ops evict_2q = {
    .name = "2q",
    .rule = "the oldest new block while these have more than their share, else the least recently used of the others",
    .detail = "With room for 4 blocks (in=0.25: A1in may hold 1), requests A, B, C, D, E: A is the oldest of four new "
	      "blocks, goes "
	      "and leaves a ghost. A comes back, joins Am, and B goes. After a hit on A, new blocks F and G take the "
	      "places of C and D: A is not in their queue.",
    .source = "Johnson & Shasha, VLDB 1994; libCacheSim TwoQ.c",
    .cost = "O(1)",
    .state_bytes = 48,
    .params = twoq_params,
    .open = twoq_open,
    .close = twoq_close,
    .hit = twoq_hit_run,
    .busy = twoq_busy_run,
    .idle = twoq_idle_run,
    EVICT_HOOKS(twoq),
};
