/* evict_s3fifo.c - S3-FIFO: a small queue on probation before a main queue, and a ghost queue that remembers who
 * failed.
 *
 * New blocks come into the small queue. Its oldest block moves to main if it was used `threshold` times since it came,
 * else it goes and leaves a ghost; a block that comes back while its ghost is there goes straight to main. Main's
 * oldest goes if it was not used, else it comes back in with one use less (uses count to 3). Room is made in main when
 * main is over its share or the small queue has nothing to give, else in the small queue. A block that moves to main
 * starts there with no uses, as in the authors' code. Blocks in use, and parents in leaf scope, are stepped over.
 * Source: Yang et al., SOSP 2023; libCacheSim's first S3FIFO.c (`s3fifov0` of E7's oracles), POLICIES C.
 */
#include "queues.h"

#include <stdlib.h>

enum { SMALL, MAIN, GHOST, QUEUES };
enum place { OUT, IN_SMALL, IN_MAIN, IN_GHOST, CALLED_BACK }; /* the last: had a ghost, is about to come in */

#define MOST_USES 3

struct s3fifo {
	const struct evict_env *env;
	struct queues q;
	uint8_t *place, *uses;
	uint32_t main_share, ghost_share;
	uint8_t threshold;
};

static const struct param s3fifo_params[] = {
    {"small", PARAM_REAL, "0.1", 0, 1, NULL, "share of the cache for new blocks"},
    {"ghost", PARAM_REAL, "0.9", 0, 1, NULL, "how many blocks are remembered, as a share of the cache"},
    {"threshold", PARAM_INT, "2", 1, MOST_USES, NULL, "uses that take a new block to the main queue"},
    {.name = NULL},
};

static void *s3fifo_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	const uint32_t room = env->capacity_blocks;
	struct s3fifo *p = mem_alloc(1, sizeof(*p));
	*p = (struct s3fifo){
	    .env = env,
	    .main_share = room - (uint32_t)(room * values[0].real),
	    .ghost_share = (uint32_t)(room * values[1].real),
	    .threshold = (uint8_t)values[2].integer,
	};
	const uint32_t most[QUEUES] = {[SMALL] = room, [MAIN] = room, [GHOST] = p->ghost_share + 1};
	queues_open(&p->q, env, QUEUES, most, QUEUES_BY_NAME);
	p->place = mem_alloc(env->block_count, sizeof(*p->place));
	p->uses = mem_alloc(env->block_count, sizeof(*p->uses));
	return p;
}

static void s3fifo_close(void *state)
{
	struct s3fifo *p = state;
	queues_close(&p->q);
	free(p->place);
	free(p->uses);
	free(p);
}

static inline void s3fifo_hit(struct s3fifo *p, block_id b)
{
	if (p->uses[b] < MOST_USES)
		p->uses[b]++;
}

static inline void call_back(struct s3fifo *p, block_id b)
{
	if (p->place[b] != IN_GHOST)
		return;
	queues_take(&p->q, GHOST, b);
	p->place[b] = CALLED_BACK;
}

static inline void s3fifo_insert(struct s3fifo *p, block_id b)
{
	call_back(p, b);
	const bool known = p->place[b] == CALLED_BACK;
	p->place[b] = known ? IN_MAIN : IN_SMALL;
	p->uses[b] = 0;
	queues_join(&p->q, known ? MAIN : SMALL, b);
}

static inline void s3fifo_busy(struct s3fifo *p, block_id b)
{
	queues_set_busy(&p->q, b);
}

static inline void s3fifo_idle(struct s3fifo *p, block_id b)
{
	queues_set_idle(&p->q, b);
}

static inline void s3fifo_remove(struct s3fifo *p, block_id b)
{
	queues_take(&p->q, p->place[b] == IN_MAIN ? MAIN : SMALL, b);
	p->place[b] = OUT;
}

static inline void remember(struct s3fifo *p, block_id b)
{
	p->place[b] = IN_GHOST;
	queues_append(&p->q, GHOST, b, true);
	if (p->q.queue[GHOST].count > p->ghost_share)
		p->place[queues_pop(&p->q, GHOST)] = OUT;
}

/* Room in the small queue: BLOCK_NONE if all that may go has moved to main. */
static inline block_id evict_small(struct s3fifo *p)
{
	for (block_id b; (b = queues_pop(&p->q, SMALL)) != BLOCK_NONE;) {
		queues_prefetch_front(&p->q, SMALL);
		if (p->uses[b] < p->threshold) {
			remember(p, b);
			return b;
		}
		p->place[b] = IN_MAIN;
		p->uses[b] = 0;
		queues_append(&p->q, MAIN, b, true);
	}
	return BLOCK_NONE;
}

static inline block_id evict_main(struct s3fifo *p)
{
	for (block_id b; (b = queues_pop(&p->q, MAIN)) != BLOCK_NONE;) {
		queues_prefetch_front(&p->q, MAIN);
		if (p->uses[b] == 0) {
			p->place[b] = OUT;
			return b;
		}
		p->uses[b]--;
		queues_append(&p->q, MAIN, b, true);
	}
	return BLOCK_NONE;
}

static inline block_id s3fifo_evict(struct s3fifo *p, block_id in)
{
	if (in != BLOCK_NONE)
		call_back(p, in);
	block_id victim = BLOCK_NONE;
	if (p->q.queue[MAIN].count > p->main_share)
		victim = evict_main(p);
	if (victim == BLOCK_NONE)
		victim = evict_small(p);
	return victim != BLOCK_NONE ? victim : evict_main(p);
}

#define EVICT           s3fifo
#define EVICT_OBJECT(p) ((p)->q.plain && (p)->q.by_name)
#define EVICT_PREFETCH(p, b)                                                                                           \
	(__builtin_prefetch(&(p)->uses[b], 1), __builtin_prefetch(&(p)->place[b], 1),                                  \
	 __builtin_prefetch(&(p)->q.slot[b], 1))
#include "evict_hooks.h"

const struct evict_ops evict_s3fifo = {
    .name = "s3fifo",
    .rule = "the oldest new block, unless it was used; then the oldest of the others that was not used lately",
    .detail = "With room for 4 blocks and small=0.25, requests A, A, A, B, C, D, E: A, the oldest, was used twice "
	      "after it came and "
	      "moves to main; B goes for E and leaves a ghost. B comes back, straight to main, and C goes; then a new "
	      "block F takes the place of D. A and B stay while new blocks come that nobody uses again.",
    .source = "Yang et al., SOSP 2023; libCacheSim S3FIFO.c (2023)",
    .cost = "O(1) amortized",
    .state_bytes = 55,
    .params = s3fifo_params,
    .open = s3fifo_open,
    .close = s3fifo_close,
    .hit = s3fifo_hit_run,
    .busy = s3fifo_busy_run,
    .idle = s3fifo_idle_run,
    EVICT_HOOKS(s3fifo),
};
