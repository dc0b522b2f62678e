#include "ages.h"

#include "recompute.h"

#include <math.h>

/* A search goes down one range at a time and keeps the other half of each level for later. */
#define MOST_PENDING 64

void ages_open(struct ages *ages, const struct evict_env *env, ages_score *score, const void *context, bool steady)
{
	const uint32_t depths = recompute_depths(env);
	*ages = (struct ages){
	        .width = 1, .score = score, .context = context, .steady = steady, .floor_ns = -1, .fresh = BLOCK_NONE};
	while (ages->width < depths)
		ages->width *= 2;
	recency_open(&ages->recency, env);
	heaps_open(&ages->heaps, env->block_count, depths, env->depth);
	bits_open(&ages->depths, depths);
	ages->top = mem_alloc(2 * (size_t)ages->width, sizeof(*ages->top));
	for (uint32_t n = 0; n < 2 * ages->width; n++)
		ages->top[n].block = BLOCK_NONE;
}

void ages_close(struct ages *ages)
{
	recency_close(&ages->recency);
	heaps_close(&ages->heaps);
	bits_close(&ages->depths);
	free(ages->top);
}

static struct ages_top older(const struct ages *ages, struct ages_top a, struct ages_top b)
{
	if (a.block == BLOCK_NONE || b.block == BLOCK_NONE)
		return a.block == BLOCK_NONE ? b : a;
	return ages->recency.order[b.block] < ages->recency.order[a.block] ? b : a;
}

/* Brings the tournament up to date with the top of a depth's heap. */
static void replay(struct ages *ages, uint32_t depth)
{
	uint32_t n = ages->width + depth;
	const block_id b = heaps_top(&ages->heaps, depth);
	if (b == BLOCK_NONE)
		bits_drop(&ages->depths, depth);
	else
		bits_add(&ages->depths, depth);
	struct ages_top now = {b == BLOCK_NONE ? 0 : ages->recency.used_ns[b], b};
	while (ages->top[n].block != now.block) {
		ages->top[n] = now;
		if (n == 1)
			return;
		now = older(ages, ages->top[n & ~1u], ages->top[n | 1u]);
		n /= 2;
	}
}

static void enter(struct ages *ages, block_id b)
{
	const uint32_t depth = ages->recency.env->depth[b];
	heaps_push(&ages->heaps, depth, b, ages->recency.order[b], 0);
	if (heaps_top(&ages->heaps, depth) == b)
		replay(ages, depth);
}

void ages_idle(struct ages *ages, block_id b)
{
	recency_idle(&ages->recency, b);
	if (ages->fresh != BLOCK_NONE) {
		if (ages->floor_ns == ages->recency.env->now->now_ns)
			ages->floor = fmin(ages->floor, ages_score_now(ages, ages->fresh));
		enter(ages, ages->fresh);
	}
	ages->fresh = b;
}

void ages_busy(struct ages *ages, block_id b)
{
	if (ages->fresh == b) {
		ages->fresh = BLOCK_NONE;
		return;
	}
	const uint32_t depth = ages->recency.env->depth[b];
	heaps_remove(&ages->heaps, depth, b);
	if (ages->top[ages->width + depth].block == b)
		replay(ages, depth);
}

/* Depths from least_depth on, `depths` of them; no block in it scores less than `bound`, a single depth's top just
 * that. */
struct range {
	uint32_t node, least_depth, depths;
	double bound;
};

static struct range range_at(const struct ages *ages, uint32_t node, uint32_t least_depth, uint32_t depths)
{
	const struct ages_top *top = &ages->top[node];
	struct range range = {node, least_depth, depths, INFINITY};
	if (top->block != BLOCK_NONE)
		range.bound = ages->score(ages->context, least_depth, ages->recency.env->now->now_ns - top->used_ns);
	return range;
}

static bool may_beat(const struct ages *ages, const struct range *range, block_id best, double best_score)
{
	if (ages->top[range->node].block == BLOCK_NONE)
		return false;
	if (best == BLOCK_NONE || range->bound != best_score)
		return best == BLOCK_NONE || range->bound < best_score;
	const uint64_t *order = ages->recency.order, oldest = order[ages->top[range->node].block];
	/* Of one order, blocks of one path, the deeper. */
	return oldest != order[best] ? oldest < order[best]
	                             : range->least_depth + range->depths - 1 > ages->recency.env->depth[best];
}

/* The least of all in the heaps and `best`, whose score `least` is. */
static block_id search(const struct ages *ages, block_id best, double *least)
{
	struct range pending[MOST_PENDING] = {range_at(ages, 1, 0, ages->width)};
	uint32_t count = 1;
	while (count > 0) {
		const struct range range = pending[--count];
		if (!may_beat(ages, &range, best, *least))
			continue;
		if (range.depths == 1) {
			best = ages->top[range.node].block;
			*least = range.bound;
			continue;
		}
		const uint32_t half = range.depths / 2;
		const struct range shallow = range_at(ages, 2 * range.node, range.least_depth, half);
		const struct range deep = range_at(ages, 2 * range.node + 1, range.least_depth + half, half);
		/* The more promising half on top, to be searched first. */
		const bool deep_first = deep.bound < shallow.bound;
		pending[count++] = deep_first ? shallow : deep;
		pending[count++] = deep_first ? deep : shallow;
	}
	return best;
}

block_id ages_evict(struct ages *ages)
{
	const int64_t now_ns = ages->recency.env->now->now_ns;
	block_id victim = ages->fresh;
	double least = victim == BLOCK_NONE ? INFINITY : ages_score_now(ages, victim);
	if (victim == BLOCK_NONE || ages->floor_ns != now_ns || least >= ages->floor) {
		victim = search(ages, victim, &least);
		ages->floor = least;
		ages->floor_ns = ages->steady ? now_ns : -1;
	}
	if (victim != BLOCK_NONE)
		ages_busy(ages, victim);
	return victim;
}

struct ages_spread ages_spread(const struct ages *ages)
{
	const bool any = ages->top[1].block != BLOCK_NONE;
	ASSERT(any || ages->fresh != BLOCK_NONE);
	struct ages_spread spread = {UINT32_MAX, 0, INT64_MAX};
	if (any)
		spread = (struct ages_spread){bits_next(&ages->depths, 0), bits_last(&ages->depths), ages->top[1].used_ns};
	if (ages->fresh != BLOCK_NONE) {
		const uint32_t depth = ages->recency.env->depth[ages->fresh];
		const int64_t used_ns = ages->recency.used_ns[ages->fresh];
		spread.least_depth = depth < spread.least_depth ? depth : spread.least_depth;
		spread.most_depth = depth > spread.most_depth ? depth : spread.most_depth;
		spread.oldest_ns = used_ns < spread.oldest_ns ? used_ns : spread.oldest_ns;
	}
	return spread;
}
