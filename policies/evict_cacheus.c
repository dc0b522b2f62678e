/* evict_cacheus.c - CACHEUS: a scan-resistant lru or a churn-resistant lfu, whichever has been regretted less.
 *
 * The first expert, SR-LRU, keeps two queues. New blocks come into the scan queue and go from its front; a hit there, or a
 * ghost, takes a block into the stack, and what the stack has too many of, its front, is demoted to the scan queue's back.
 * The limits adapt: a hit on a demoted block lets the stack grow, by max(1, new / demoted), a new block that comes back while its
 * ghost is in the first history lets the scan queue grow, by max(1, demoted / new); `new` counts that history's ghosts of
 * blocks that were new, `demoted` the demoted ones in the cache. The second, CR-LFU, names the block with the fewest uses, of equals
 * the one used last, so that of a loop too long for the cache a part stays. Uses go on after an absence that left a ghost.
 *
 * The experts are followed by weight and blamed as in lecar (experts.h), here by the learning rate alone. Every `room` uses
 * of blocks the rate moves on by |rate x its last change| if the hit rate moved the same way, and back if not; where one
 * of both stood still and the hit rate fell, it takes a step of a quarter up or down by the toss of a coin; after ten
 * rounds without hits, or with fewer each, it starts again. Hit rates and rates count to three decimals there.
 *
 * As in the authors' code, whose initial rate is sqrt(2 ln 2 / room), but for one point: there a block that comes back has the uses
 * its ghost had, here one more. The paper draws the initial rate, and so does libCacheSim, whose hit rate is a quotient of
 * whole numbers and which gives SR-LRU a history of its own, of the cache's size: its miss ratios in E7 are within .007 of
 * ours up to 10,000 blocks and .04 lower at 30,000. Blocks in use, and parents in leaf scope, are stepped over by both experts, but
 * demoted like others. Blocks that expire leave no ghost.
 * Source: Rodriguez et al., FAST 2021; github.com/sylab/cacheus cacheus.py, POLICIES C, E7.
 */
#include "experts.h"
#include "queues.h"
#include "ranked.h"
#include "tally.h"

enum { SR_LRU, CR_LFU };
enum { STACK, SCAN, QUEUES };
enum { KEY_RATE, KEY_HISTORY, KEY_FLOOR, KEY_SCAN };
/* What is known of a block. */
enum { DEMOTED = 1, NEW = 2, STACKED = 4, RETURNS = 8 };

#define LEAST_RATE   0.001
#define MOST_RATE    1.0
#define BAD_ROUNDS   10

struct rate {
	double now, before, start;
	double hit_rate; /* of the last round */
	uint32_t zero_rounds, falling_rounds;
	uint64_t uses, hits; /* in this round */
};

struct cacheus {
	const struct evict_env *env;
	struct experts experts;
	struct queues q;
	struct tally tally;   /* CR-LFU's order where never_busy */
	struct ranked ranked; /* and otherwise, as what follows */
	uint64_t *used_seq;
	uint32_t *uses; /* [block] of absent blocks: what its ghost keeps */
	uint8_t *known;
	struct rate rate;
	uint32_t demoted_count, new_count;
	uint32_t stack_limit, scan_limit;
	bool never_busy;
	bool made_room; /* for the block that comes next */
};

static const struct param cacheus_params[] = {
        [KEY_RATE] = {"rate", PARAM_REAL, "0", 0, 1, NULL, "learning rate in the beginning; 0: sqrt(2 ln 2 / room)"},
        [KEY_HISTORY] = {"history", PARAM_REAL, "0.5", 0, 100, NULL, "ghosts of each expert, as a multiple of the room"},
        [KEY_FLOOR] = {"floor", PARAM_REAL, "0.01", 0, 0.5, NULL, "least weight of an expert"},
        [KEY_SCAN] = {"scan", PARAM_REAL, "0.01", 0, 1, NULL, "share of the scan queue in the beginning, at least a block"},
        {.name = NULL},
};

static void *cacheus_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	const uint32_t room = env->capacity_blocks, most[QUEUES] = {room, room};
	const double history = room * values[KEY_HISTORY].real;
	struct cacheus *p = mem_alloc(1, sizeof(*p));
	*p = (struct cacheus){.env = env, .never_busy = env->never_busy};
	const uint32_t ghosts = history < env->block_count ? (uint32_t)history : env->block_count;
	experts_open(&p->experts, env, ghosts, 0.5, values[KEY_FLOOR].real);
	const double start = values[KEY_RATE].real > 0 ? values[KEY_RATE].real : sqrt(2 * log(2) / room);
	p->rate = (struct rate){.now = start, .start = start < LEAST_RATE ? LEAST_RATE : start > MOST_RATE ? MOST_RATE : start};
	p->scan_limit = (uint32_t)(room * values[KEY_SCAN].real + 0.5);
	if (p->scan_limit == 0)
		p->scan_limit = 1;
	p->stack_limit = room - p->scan_limit;
	queues_open(&p->q, env, QUEUES, most, QUEUES_ROOMY | QUEUES_BY_NAME);
	p->uses = mem_alloc(env->block_count, sizeof(*p->uses));
	p->known = mem_alloc(env->block_count, sizeof(*p->known));
	if (p->never_busy) {
		tally_open(&p->tally, env->block_count, room);
	} else {
		ranked_open(&p->ranked, env->block_count, room, env->depth);
		p->used_seq = mem_alloc(env->block_count, sizeof(*p->used_seq));
	}
	return p;
}

static void cacheus_close(void *state)
{
	struct cacheus *p = state;
	experts_close(&p->experts);
	queues_close(&p->q);
	if (p->never_busy)
		tally_close(&p->tally);
	else
		ranked_close(&p->ranked);
	free(p->used_seq);
	free(p->uses);
	free(p->known);
	free(p);
}

static inline uint32_t size_of(const struct cacheus *p, uint32_t k)
{
	return p->q.queue[k].count;
}

static double rounded(double value)
{
	return round(value * 1000) / 1000;
}

static double within(double rate)
{
	return rate < LEAST_RATE ? LEAST_RATE : rate > MOST_RATE ? MOST_RATE : rate;
}

static double step_at_random(const struct cacheus *p)
{
	const double rate = p->rate.now;
	if (rate >= MOST_RATE)
		return 0.9;
	if (rate <= LEAST_RATE)
		return 0.005;
	return within(rate * (gsl_rng_uniform(p->experts.rng) < 0.5 ? 1.25 : 0.75));
}

/* What the rate is to be after a round in which neither it nor the hit rate told a direction. */
static double rate_without_direction(struct cacheus *p, double hit_rate, double gain)
{
	struct rate *rate = &p->rate;
	if (gain > 0)
		return rate->now;
	rate->falling_rounds += gain < 0;
	rate->zero_rounds += gain < 0 || hit_rate <= 0;
	if (rate->zero_rounds >= BAD_ROUNDS) {
		rate->zero_rounds = 0;
		return rate->start;
	}
	if (gain == 0)
		return rate->now;
	if (rate->falling_rounds >= BAD_ROUNDS) {
		rate->falling_rounds = 0;
		return rate->start;
	}
	return step_at_random(p);
}

static void end_round(struct cacheus *p)
{
	struct rate *rate = &p->rate;
	const double hit_rate = rounded((double)rate->hits / (double)rate->uses), gain = rounded(hit_rate - rate->hit_rate);
	const double change = rounded(rate->now) - rounded(rate->before), now = rate->now;
	if (change * gain != 0) {
		const double step = fabs(now * change);
		rate->now = within(change * gain > 0 ? now + step : now - step);
		rate->zero_rounds = rate->falling_rounds = 0;
	} else {
		rate->now = rate_without_direction(p, hit_rate, gain);
	}
	rate->before = now;
	rate->hit_rate = hit_rate;
	rate->uses = rate->hits = 0;
}

static uint32_t grown(uint32_t limit, uint32_t dividend, uint32_t divisor, uint32_t room)
{
	const double step = floor((double)dividend / (divisor ? divisor : 1) + 0.5);
	const double to = limit + (step > 1 ? step : 1);
	return to < room - 1 ? (uint32_t)to : room - 1;
}

static inline void demote(struct cacheus *p)
{
	const block_id b = queues_front(&p->q, STACK);
	queues_take(&p->q, STACK, b);
	p->known[b] = (uint8_t)((p->known[b] & ~STACKED) | DEMOTED);
	p->demoted_count++;
	queues_append(&p->q, SCAN, b, evict_idle(p->env, b));
}

static inline void restore(struct cacheus *p, block_id b)
{
	if (!(p->known[b] & DEMOTED))
		return;
	p->known[b] &= (uint8_t)~DEMOTED;
	p->demoted_count--;
}

/* If b left a ghost, that one goes, who is to blame for it loses weight, and b will come into the stack. */
static inline void call_back(struct cacheus *p, block_id b)
{
	const uint32_t expert = experts_call_back(&p->experts, b), room = p->env->capacity_blocks;
	if (expert == EXPERTS_NEITHER)
		return;
	if (expert == SR_LRU && (p->known[b] & NEW)) {
		p->new_count--;
		p->scan_limit = grown(p->scan_limit, p->demoted_count, p->new_count, room);
		p->stack_limit = room - p->scan_limit;
	}
	p->known[b] = RETURNS;
	experts_lose(&p->experts, expert, p->rate.now);
}

static inline void use(struct cacheus *p, block_id b, uint32_t k)
{
	p->known[b] = (uint8_t)(k == STACK ? p->known[b] | STACKED : p->known[b] & ~STACKED);
	queues_join(&p->q, k, b);
	p->uses[b] += p->uses[b] < UINT32_MAX;
	if (p->never_busy)
		tally_put(&p->tally, b, p->uses[b]);
	else
		p->used_seq[b] = p->env->now->seq;
	if (++p->rate.uses == p->env->capacity_blocks)
		end_round(p);
}

static inline void cacheus_hit(struct cacheus *p, block_id b)
{
	const uint32_t k = p->known[b] & STACKED ? STACK : SCAN;
	queues_take(&p->q, k, b);
	if (p->never_busy)
		tally_take(&p->tally, b);
	if (p->known[b] & DEMOTED) {
		const uint32_t room = p->env->capacity_blocks;
		p->stack_limit = grown(p->stack_limit, p->new_count, p->demoted_count, room);
		p->scan_limit = room - p->stack_limit;
		restore(p, b);
	}
	if (k == SCAN && size_of(p, STACK) > 0 && size_of(p, STACK) >= p->stack_limit)
		demote(p);
	p->rate.hits++;
	use(p, b, STACK);
}

static inline void cacheus_insert(struct cacheus *p, block_id b)
{
	call_back(p, b);
	const bool full = p->made_room;
	p->made_room = false;
	if (p->known[b] == RETURNS) {
		p->known[b] = 0;
		use(p, b, STACK);
	} else if (size_of(p, STACK) < p->stack_limit && size_of(p, SCAN) == 0 && !full) {
		use(p, b, STACK);
		return;
	} else if (!full && size_of(p, SCAN) < p->scan_limit) {
		use(p, b, SCAN);
		return;
	} else {
		p->known[b] = NEW;
		use(p, b, SCAN);
	}
	while (size_of(p, STACK) > 0 && size_of(p, STACK) >= p->stack_limit)
		demote(p);
}

static inline void cacheus_busy(struct cacheus *p, block_id b)
{
	queues_set_busy(&p->q, b);
	if (!p->never_busy)
		ranked_remove(&p->ranked, b);
}

static inline void cacheus_idle(struct cacheus *p, block_id b)
{
	queues_set_idle(&p->q, b);
	if (!p->never_busy)
		ranked_push(&p->ranked, b, p->uses[b], ~p->used_seq[b]);
}

static inline void take(struct cacheus *p, block_id b)
{
	restore(p, b);
	queues_take(&p->q, p->known[b] & STACKED ? STACK : SCAN, b);
	p->known[b] &= NEW;
	if (p->never_busy)
		tally_take(&p->tally, b);
	else
		ranked_remove(&p->ranked, b);
}

/* A block of which nothing is kept, not even a ghost. */
static inline void forget(struct cacheus *p, block_id b)
{
	p->uses[b] = 0;
	p->known[b] = 0;
}

static inline void cacheus_remove(struct cacheus *p, block_id b)
{
	take(p, b);
	forget(p, b);
}

static inline block_id least_used(struct cacheus *p)
{
	if (!p->never_busy)
		return ranked_top(&p->ranked, NULL);
	return p->tally.links[tally_head(&p->tally, tally_lowest(&p->tally))].prev;
}

/* The victim leaves a ghost with `expert`; the oldest there may have to go. */
static inline void bury(struct cacheus *p, uint32_t expert, block_id victim)
{
	if (expert == SR_LRU)
		p->new_count += (p->known[victim] & NEW) != 0;
	const block_id forgotten = experts_bury(&p->experts, expert, victim);
	if (forgotten == BLOCK_NONE)
		return;
	if (expert == SR_LRU)
		p->new_count -= (p->known[forgotten] & NEW) != 0;
	forget(p, forgotten);
}

static inline block_id cacheus_evict(struct cacheus *p, block_id in)
{
	if (in != BLOCK_NONE)
		call_back(p, in);
	block_id oldest = queues_first(&p->q, SCAN);
	if (oldest == BLOCK_NONE)
		oldest = queues_first(&p->q, STACK);
	if (oldest == BLOCK_NONE)
		return BLOCK_NONE;
	const block_id rarest = least_used(p);
	const uint32_t expert = oldest == rarest ? EXPERTS_NEITHER : experts_choose(&p->experts);
	const block_id victim = expert == CR_LFU ? rarest : oldest;
	take(p, victim);
	if (expert == EXPERTS_NEITHER)
		forget(p, victim);
	else
		bury(p, expert, victim);
	p->made_room = in != BLOCK_NONE;
	return victim;
}

#define EVICT           cacheus
#define EVICT_OBJECT(p) ((p)->never_busy && (p)->q.plain && (p)->q.by_name)
#define EVICT_PREFETCH(p, b)                                                                                       \
	(__builtin_prefetch(&(p)->tally.links[b], 1), __builtin_prefetch(&(p)->q.slot[b], 1),                         \
	 __builtin_prefetch(&(p)->uses[b], 1), __builtin_prefetch(&(p)->tally.list_of[b], 1),                         \
	 __builtin_prefetch(&(p)->known[b], 1), __builtin_prefetch(&(p)->experts.blamed[b]))
#define EVICT_PREFETCH_HIT(p, b) list_prefetch_around((p)->tally.links, b)
#include "evict_hooks.h"

const struct evict_ops evict_cacheus = {
        .name = "cacheus",
        .rule = "a scan-resistant lru's victim or a churn-resistant lfu's, drawn by weights that learn",
        .detail = "With room for 3 blocks, requests A, B, C: A and B come into the stack, which may hold 2, C into the scan queue. D: C is "
                  "that queue's front and, of those used once, the one used last, so both name it. A is one too many in the stack by now "
                  "and is demoted behind D; when it is used, it goes back. E takes the place of D, F that of E: the scan passes, A and B "
                  "stay. lru would have let B go for D.",
        .source = "Rodriguez et al., FAST 2021; github.com/sylab/cacheus",
        .cost = "O(1) amortised; O(log idle) where blocks are in use or have children",
        .state_bytes = 120,
        .params = cacheus_params,
        .open = cacheus_open,
        .close = cacheus_close,
        .hit = cacheus_hit_run,
        .busy = cacheus_busy_run,
        .idle = cacheus_idle_run,
        EVICT_HOOKS(cacheus),
};
