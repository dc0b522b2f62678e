/* evict_wa.c - workload-aware: the block that is least likely to be used again while it can still be there.
 *
 * Blocks belong to categories, by kind of request and turn of the session. Reuse within a category is a share p_w of
 * its uses, after exponential gaps of rate lambda_w, so a block unused for t is used again within the next `life` with
 *   p_w (e^(-lambda_w t) - e^(-lambda_w (t + life)))
 * The lowest goes, of equals the one that stands latest in its prompt. This falls with t, so each category needs only
 * its least recently used block to be looked at: O(categories) an eviction. Within a category the order is that of
 * uses, also where a trace's clock calls two of them simultaneous: lists in flat scope (orphans, pinned but not used, keep
 * their place and are stepped over), heaps of idle leaves in leaf scope.
 *
 * Choices. A block's category is that of its last use: `workload`, else `class` (else none), and the turn, from `turns`
 * on all the same. The fit of a category rests on the last `window`, in ten slots, and is made anew at the end of every
 * slot: uses, uses that came back (to a block that had been evicted, too) and their gaps, joined with `prior` uses of
 * the kind all categories together show, so that a rare category is not judged by chance. Before the first slot is over
 * all are alike, which is lru. `life` is the mean time from last use to eviction over the window unless given. p=1
 * takes p_w out: whether a share belongs into the fit is our reading of the paper (POLICIES section H). Compared are
 * logarithms, which do not vanish when t is long.
 * Source: "KVCache Cache in the Wild" (USENIX ATC 2025, arXiv 2506.02634), vLLM pull request 22236; POLICIES B3.
 */
#include "heaps.h"
#include "kinds.h"
#include "list.h"
#include "recency.h"

#include <math.h>
#include <string.h>

#define SLOTS 10
#define CATEGORY_NONE UINT32_MAX

struct wa_sum {
	uint64_t uses, reuses;
	double gaps_ns;
};

struct wa_slot {
	struct wa_sum *sums; /* [category] */
	uint64_t evictions;
	double ages_ns;
};

struct wa {
	struct recency recency;
	bool leaf;
	struct heaps heaps; /* leaf scope: [category] idle blocks, the longest unused on top */
	struct link *links; /* flat scope: a list a category, which used blocks join when they are let go */
	uint32_t *category; /* [block] of its last use, also once it is gone */
	uint32_t categories, turns;
	double prior;
	int64_t life_ns; /* 0: measured */
	bool shares;
	int64_t slot_ns, slot_end_ns;
	uint32_t slot;
	struct wa_slot slots[SLOTS];
	/* The fit: logarithm of the probability at t = 0, and how it falls. */
	double *log_start, *rate;
};

enum { KEY_WINDOW, KEY_TURNS, KEY_P, KEY_LIFE, KEY_PRIOR };

static const struct param wa_params[] = {
        [KEY_WINDOW] = {"window", PARAM_DURATION, "10m", SLOTS, 9.3e18, NULL, "time that the fits look back"},
        [KEY_TURNS] = {"turns", PARAM_INT, "4", 1, 64, NULL, "turns told apart; the last stands for all later ones"},
        [KEY_P] = {"p", PARAM_CHOICE, "fitted", 0, 0, "fitted|1",
                   "share of uses that come back: as seen, or 1 for all"},
        [KEY_LIFE] = {"life", PARAM_DURATION, "0s", 0, 9.3e18, NULL,
                      "time ahead that counts; 0s: as long as blocks stay unused"},
        [KEY_PRIOR] = {"prior", PARAM_REAL, "100", 1e-3, 1e12, NULL,
                       "uses of the average kind added to each category's"},
        {.name = NULL},
};

static void *wa_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct wa *p = mem_alloc(1, sizeof(*p));
	*p = (struct wa){.leaf = env->leaf,
	                 .turns = (uint32_t)values[KEY_TURNS].integer,
	                 .shares = values[KEY_P].integer == 0,
	                 .life_ns = values[KEY_LIFE].integer,
	                 .prior = values[KEY_PRIOR].real,
	                 .slot_ns = values[KEY_WINDOW].integer / SLOTS};
	p->slot_end_ns = p->slot_ns;
	p->categories = kinds_count(env) * p->turns;
	recency_open(&p->recency, env);
	if (p->leaf)
		heaps_open(&p->heaps, env->block_count, p->categories, env->depth);
	else
		p->links = list_open(env->block_count, p->categories);
	p->category = mem_alloc(env->block_count, sizeof(*p->category));
	for (uint32_t b = 0; b < env->block_count; b++)
		p->category[b] = CATEGORY_NONE;
	for (uint32_t i = 0; i < SLOTS; i++)
		p->slots[i].sums = mem_alloc(p->categories, sizeof(*p->slots[i].sums));
	p->log_start = mem_alloc(p->categories, sizeof(*p->log_start));
	p->rate = mem_alloc(p->categories, sizeof(*p->rate));
	for (uint32_t w = 0; w < p->categories; w++)
		p->rate[w] = 1 / (double)NS_PER_S;
	return p;
}

static void wa_close(void *state)
{
	struct wa *p = state;
	recency_close(&p->recency);
	if (p->leaf)
		heaps_close(&p->heaps);
	free(p->links);
	for (uint32_t i = 0; i < SLOTS; i++)
		free(p->slots[i].sums);
	free(p->category);
	free(p->log_start);
	free(p->rate);
	free(p);
}

static struct wa_sum window_sum(const struct wa *p, uint32_t category)
{
	struct wa_sum sum = {0};
	for (uint32_t i = 0; i < SLOTS; i++) {
		const struct wa_sum *part = &p->slots[i].sums[category];
		sum.uses += part->uses;
		sum.reuses += part->reuses;
		sum.gaps_ns += part->gaps_ns;
	}
	return sum;
}

/* How long a block is expected to stay without being used; infinite before the first eviction. */
static double expected_life_ns(const struct wa *p)
{
	if (p->life_ns > 0)
		return (double)p->life_ns;
	double ages_ns = 0;
	uint64_t evictions = 0;
	for (uint32_t i = 0; i < SLOTS; i++) {
		ages_ns += p->slots[i].ages_ns;
		evictions += p->slots[i].evictions;
	}
	return evictions ? fmax(1, ages_ns / (double)evictions) : INFINITY;
}

static void fit(struct wa *p)
{
	struct wa_sum all = {0};
	for (uint32_t w = 0; w < p->categories; w++) {
		const struct wa_sum sum = window_sum(p, w);
		all.uses += sum.uses;
		all.reuses += sum.reuses;
		all.gaps_ns += sum.gaps_ns;
	}
	/* As if one more use had come back after a slot's time: then there is always a gap to speak of. */
	const double share = fmin(1, ((double)all.reuses + 1) / ((double)all.uses + 1));
	const double gap_ns = (all.gaps_ns + (double)p->slot_ns) / ((double)all.reuses + 1);
	const double life_ns = expected_life_ns(p);
	for (uint32_t w = 0; w < p->categories; w++) {
		const struct wa_sum sum = window_sum(p, w);
		const double reuses = (double)sum.reuses + p->prior * share;
		p->rate[w] = reuses / (sum.gaps_ns + p->prior * share * gap_ns);
		p->log_start[w] = log1p(-exp(-p->rate[w] * life_ns));
		if (p->shares)
			p->log_start[w] += log(fmin(1, reuses / ((double)sum.uses + p->prior)));
	}
}

static void begin_slot(struct wa *p)
{
	p->slot = (p->slot + 1) % SLOTS;
	struct wa_slot *slot = &p->slots[p->slot];
	memset(slot->sums, 0, p->categories * sizeof(*slot->sums));
	slot->evictions = 0;
	slot->ages_ns = 0;
}

/* Ends the slots that are over, and fits at the end of the last one. */
static inline void keep_time(struct wa *p)
{
	const int64_t now_ns = p->recency.env->now->now_ns;
	if (now_ns < p->slot_end_ns)
		return;
	const int64_t ended = (now_ns - p->slot_end_ns) / p->slot_ns + 1;
	for (int64_t i = 1; i < ended && i <= SLOTS; i++)
		begin_slot(p);
	fit(p);
	begin_slot(p);
	p->slot_end_ns += ended * p->slot_ns;
}

static uint32_t category_now(const struct wa *p)
{
	const struct policy_now *now = p->recency.env->now;
	const uint32_t named = now->workload != UINT32_MAX ? now->workload : now->class_id;
	const uint32_t turn = now->turn < 1 ? 1 : now->turn < p->turns ? now->turn : p->turns;
	return kinds_of(p->recency.env, named) * p->turns + turn - 1;
}

static inline void use(struct wa *p, block_id b)
{
	keep_time(p);
	struct wa_sum *sums = p->slots[p->slot].sums;
	if (p->category[b] != CATEGORY_NONE) {
		sums[p->category[b]].reuses++;
		sums[p->category[b]].gaps_ns += (double)recency_age_ns(&p->recency, b);
	}
	p->category[b] = category_now(p);
	sums[p->category[b]].uses++;
	recency_use(&p->recency, b);
}

static inline void wa_hit(struct wa *p, block_id b)
{
	if (!p->leaf && !list_is_out(p->links, b)) {
		list_take(p->links, b);
		list_set_out(p->links, b);
	}
	use(p, b);
}

static inline void wa_insert(struct wa *p, block_id b)
{
	if (!p->leaf)
		list_set_out(p->links, b);
	use(p, b);
}

static inline void wa_busy(struct wa *p, block_id b)
{
	if (p->leaf)
		heaps_remove(&p->heaps, p->category[b], b);
}

static inline void wa_idle(struct wa *p, block_id b)
{
	recency_idle(&p->recency, b);
	if (p->leaf)
		heaps_push(&p->heaps, p->category[b], b, p->recency.order[b], 0);
	else if (list_is_out(p->links, b))
		list_push_back(p->links, p->recency.env->block_count + p->category[b], b);
}

static inline void wa_remove(struct wa *p, block_id b)
{
	if (p->leaf && evict_idle(p->recency.env, b))
		heaps_remove(&p->heaps, p->category[b], b);
	if (!p->leaf && !list_is_out(p->links, b))
		list_take(p->links, b);
}

/* The category's idle block that has gone unused longest. Orphans of the path being served stand in their list. */
static inline block_id longest_unused(const struct wa *p, uint32_t category)
{
	const struct evict_env *env = p->recency.env;
	if (p->leaf)
		return heaps_top(&p->heaps, category);
	const block_id end = env->block_count + category;
	block_id b = p->links[end].next;
	while (b != end && !evict_idle(env, b))
		b = p->links[b].next;
	return b == end ? BLOCK_NONE : b;
}

static double log_chance(const struct wa *p, block_id b)
{
	const uint32_t w = p->category[b];
	return p->log_start[w] - p->rate[w] * (double)recency_age_ns(&p->recency, b);
}

static bool goes_before(const struct wa *p, block_id a, double x, block_id b, double y)
{
	const uint32_t *depth = p->recency.env->depth;
	if (x != y)
		return x < y;
	return depth[a] != depth[b] ? depth[a] > depth[b] : p->recency.order[a] < p->recency.order[b];
}

static inline block_id wa_evict(struct wa *p, block_id in)
{
	(void)in;
	keep_time(p);
	block_id victim = BLOCK_NONE;
	double least = 0;
	for (uint32_t w = 0; w < p->categories; w++) {
		const block_id b = longest_unused(p, w);
		if (b == BLOCK_NONE)
			continue;
		const double chance = log_chance(p, b);
		if (victim == BLOCK_NONE || goes_before(p, b, chance, victim, least)) {
			victim = b;
			least = chance;
		}
	}
	if (victim == BLOCK_NONE)
		return BLOCK_NONE;
	wa_remove(p, victim);
	p->slots[p->slot].evictions++;
	p->slots[p->slot].ages_ns += (double)recency_age_ns(&p->recency, victim);
	return victim;
}

static void wa_release_run(void *state, block_id first, uint32_t count)
{
	recency_use_run(&((struct wa *)state)->recency, first, count);
}

static double wa_score(const void *state, block_id b)
{
	return exp(log_chance(state, b));
}

#define EVICT wa
#define EVICT_PREFETCH(p, b)     (__builtin_prefetch(&(p)->links[b], 1), __builtin_prefetch(&(p)->category[b], 1))
#define EVICT_PREFETCH_HIT(p, b) list_prefetch_around((p)->links, b)
#include "evict_hooks.h"

const struct evict_ops evict_wa = {
        .name = "wa",
        .rule = "the block least likely to be used again soon, by what its kind of request and turn did lately; of "
                "equals the latest in its prompt",
        .detail = "So far prompts of kind a have come back after 1 s and those of kind b after 30 s. A, of kind a, "
                  "was last used 15 s ago, B, of kind b, 20 s ago. With life=10s and hardly any prior, A is used "
                  "again in that time with a chance of e^-15 (1 - e^-10) = 3e-7 and B with e^(-20/30) (1 - "
                  "e^(-10/30)) = 0.15, each times its share: A goes, where lru lets B go. With a prior of 100 uses "
                  "both kinds have gaps of about 7 s, for want of evidence, and B goes.",
        .source = "KVCache Cache in the Wild, USENIX ATC 2025, arXiv 2506.02634; vLLM pull request 22236",
        .cost = "O(1) a use (leaf scope: O(log leaves)), O(categories) an eviction",
        .state_bytes = 52,
        .params = wa_params,
        .needs_time = true,
        .open = wa_open,
        .close = wa_close,
        .hit = wa_hit_run,
        .release = wa_release_run,
        .busy = wa_busy_run,
        .idle = wa_idle_run,
        .score = wa_score,
        EVICT_HOOKS(wa),
};
