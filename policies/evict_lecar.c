/* evict_lecar.c - LeCaR: lru or lfu, whichever has been regretted less.
 *
 * Both rank all resident blocks: lru by last use, lfu by uses and then last use. Where they name the same victim it goes and
 * leaves no trace. Otherwise a draw by weight says whom to follow (experts.h). A victim that comes back t uses of blocks
 * later, while its ghost is in the history of the expert that named it, costs that expert `rate` x d^t, d = `discount` ^ (1 / room).
 * The histories hold `history` x room each.
 *
 * A block that comes back has one use again, as in libCacheSim; with keep=1 it goes on from what its ghost had, as in the
 * authors' code. Weights stay within `floor` and its complement, as there. Blocks in use, and parents in leaf scope, are
 * stepped over by both. Blocks that expire leave no ghost.
 * Flat scope without blocks in use: a queue and lists by count, both O(1). Otherwise lfu's order is a heap of the idle blocks.
 * Source: Vietri et al., HotStorage 2018; github.com/sylab/cacheus lecar.py; libCacheSim LeCaR.c, POLICIES C, E7.
 */
#include "experts.h"
#include "queues.h"
#include "ranked.h"
#include "tally.h"

enum { LRU, LFU };
enum { KEY_RATE, KEY_DISCOUNT, KEY_HISTORY, KEY_FLOOR, KEY_WEIGHT, KEY_KEEP };

struct lecar {
	const struct evict_env *env;
	struct experts experts;
	struct queues q;      /* one queue: lru's order */
	struct tally tally;   /* lfu's order where never_busy */
	struct ranked ranked; /* and otherwise, as what follows */
	uint64_t *used_seq;
	uint32_t *uses; /* [block] of absent blocks: what its ghost keeps */
	uint64_t *left; /* [block] the clock at its eviction */
	uint64_t clock; /* uses of blocks so far */
	double rate, log_discount;
	bool never_busy, keep;
};

static const struct param lecar_params[] = {
        [KEY_RATE] = {"rate", PARAM_REAL, "0.45", 0, 1000, NULL, "learning rate"},
        [KEY_DISCOUNT] = {"discount", PARAM_REAL, "0.005", 1e-300, 1, NULL, "what is left of a regret after as many uses as there is room"},
        [KEY_HISTORY] = {"history", PARAM_REAL, "0.5", 0, 100, NULL, "ghosts of each expert, as a multiple of the room"},
        [KEY_FLOOR] = {"floor", PARAM_REAL, "0.01", 0, 0.5, NULL, "least weight of an expert"},
        [KEY_WEIGHT] = {"weight", PARAM_REAL, "0.5", 0, 1, NULL, "weight of lru in the beginning"},
        [KEY_KEEP] = {"keep", PARAM_INT, "0", 0, 1, NULL, "1: a block that comes back goes on from the uses it had"},
        {.name = NULL},
};

static void *lecar_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	const double room = env->capacity_blocks, history = room * values[KEY_HISTORY].real;
	struct lecar *p = mem_alloc(1, sizeof(*p));
	*p = (struct lecar){.env = env, .rate = values[KEY_RATE].real, .log_discount = log(values[KEY_DISCOUNT].real) / room,
	                    .never_busy = env->never_busy, .keep = values[KEY_KEEP].integer != 0};
	const uint32_t ghosts = history < env->block_count ? (uint32_t)history : env->block_count;
	experts_open(&p->experts, env, ghosts, values[KEY_WEIGHT].real, values[KEY_FLOOR].real);
	queues_open(&p->q, env, 1, &env->capacity_blocks, QUEUES_ROOMY | QUEUES_BY_NAME);
	p->uses = mem_alloc(env->block_count, sizeof(*p->uses));
	p->left = mem_alloc(env->block_count, sizeof(*p->left));
	if (p->never_busy) {
		tally_open(&p->tally, env->block_count, env->capacity_blocks);
	} else {
		ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
		p->used_seq = mem_alloc(env->block_count, sizeof(*p->used_seq));
	}
	return p;
}

static void lecar_close(void *state)
{
	struct lecar *p = state;
	experts_close(&p->experts);
	queues_close(&p->q);
	if (p->never_busy)
		tally_close(&p->tally);
	else
		ranked_close(&p->ranked);
	free(p->used_seq);
	free(p->uses);
	free(p->left);
	free(p);
}

/* If b left a ghost, that one goes, and who is to blame for it loses weight. */
static inline void call_back(struct lecar *p, block_id b)
{
	const uint32_t expert = experts_call_back(&p->experts, b);
	if (expert == EXPERTS_NEITHER)
		return;
	experts_lose(&p->experts, expert, p->rate * exp(p->log_discount * (double)(p->clock - p->left[b])));
	if (!p->keep)
		p->uses[b] = 0;
}

static inline void use(struct lecar *p, block_id b)
{
	p->clock++;
	p->uses[b] += p->uses[b] < UINT32_MAX;
	queues_join(&p->q, 0, b);
	if (p->never_busy)
		tally_put(&p->tally, b, p->uses[b]);
	else
		p->used_seq[b] = p->env->now->seq;
}

static inline void lecar_hit(struct lecar *p, block_id b)
{
	queues_take(&p->q, 0, b);
	if (p->never_busy)
		tally_take(&p->tally, b);
	use(p, b);
}

static inline void lecar_insert(struct lecar *p, block_id b)
{
	call_back(p, b);
	use(p, b);
}

static inline void lecar_busy(struct lecar *p, block_id b)
{
	queues_set_busy(&p->q, b);
	if (!p->never_busy)
		ranked_remove(&p->ranked, b);
}

static inline void lecar_idle(struct lecar *p, block_id b)
{
	queues_set_idle(&p->q, b);
	if (!p->never_busy)
		ranked_push(&p->ranked, b, p->uses[b], p->used_seq[b]);
}

static inline void take(struct lecar *p, block_id b)
{
	queues_take(&p->q, 0, b);
	if (p->never_busy)
		tally_take(&p->tally, b);
	else
		ranked_remove(&p->ranked, b);
}

static inline void lecar_remove(struct lecar *p, block_id b)
{
	take(p, b);
	p->uses[b] = 0;
}

static inline block_id least_used(struct lecar *p)
{
	if (!p->never_busy)
		return ranked_top(&p->ranked, NULL);
	return p->tally.links[tally_head(&p->tally, tally_lowest(&p->tally))].next;
}

static inline block_id lecar_evict(struct lecar *p, block_id in)
{
	if (in != BLOCK_NONE)
		call_back(p, in);
	const block_id oldest = queues_first(&p->q, 0);
	if (oldest == BLOCK_NONE)
		return BLOCK_NONE;
	const block_id rarest = least_used(p);
	block_id victim = oldest, forgotten = oldest;
	if (oldest != rarest) {
		const uint32_t expert = experts_choose(&p->experts);
		victim = expert == LRU ? oldest : rarest;
		forgotten = experts_bury(&p->experts, expert, victim);
		p->left[victim] = p->clock;
	}
	take(p, victim);
	if (forgotten != BLOCK_NONE)
		p->uses[forgotten] = 0;
	return victim;
}

#define EVICT           lecar
#define EVICT_OBJECT(p) ((p)->never_busy && (p)->q.plain && (p)->q.by_name)
#define EVICT_PREFETCH(p, b)                                                                                       \
	(__builtin_prefetch(&(p)->tally.links[b], 1), __builtin_prefetch(&(p)->q.slot[b], 1),                         \
	 __builtin_prefetch(&(p)->uses[b], 1), __builtin_prefetch(&(p)->tally.list_of[b], 1),                         \
	 __builtin_prefetch(&(p)->experts.blamed[b]))
#define EVICT_PREFETCH_HIT(p, b) list_prefetch_around((p)->tally.links, b)
#include "evict_hooks.h"

const struct evict_ops evict_lecar = {
        .name = "lecar",
        .rule = "lru's victim or lfu's, drawn by weights that shrink when a victim comes back",
        .detail = "With room for 2 blocks and rate=1000,floor=0, requests A, A, B, C: lru names A and lfu B. Say the draw is for lru: A "
                  "goes, and its ghost is in lru's history. A comes back (both name B, which goes without a ghost) and costs lru all its "
                  "weight. After A, A, C the next block D finds A the oldest and C the least used: C goes.",
        .source = "Vietri et al., HotStorage 2018; libCacheSim LeCaR.c",
        .cost = "O(1); O(log idle) where blocks are in use or have children",
        .state_bytes = 94,
        .params = lecar_params,
        .open = lecar_open,
        .close = lecar_close,
        .hit = lecar_hit_run,
        .busy = lecar_busy_run,
        .idle = lecar_idle_run,
        EVICT_HOOKS(lecar),
};
