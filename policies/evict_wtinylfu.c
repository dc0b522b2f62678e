/* evict_wtinylfu.c - W-TinyLFU: newcomers pass a small window and stay only if they are used more than whom they replace.
 *
 * A block comes into the window (`window` of the room, LRU). The window's oldest moves on into the main part while that has
 * room; in a full cache it is compared with the main part's victim, the oldest on probation, else the oldest protected:
 * whichever has been used less goes, the newcomer on a tie. A hit on probation makes a block protected (`protected` of the
 * main part, LRU); the oldest protected makes room and is on probation again.
 *
 * Uses are counted per block, up to 15, for absent blocks too, and halved after every `sample` x room uses: the sketch of the
 * paper without its collisions, as ids are dense. Uses of blocks that are never offered (past the point where a path finds
 * no room) are not seen.
 *
 * A request longer than the window stands in it whole while it is used, and the main part gives up room for it without a
 * comparison; afterwards those of it that win theirs take that room back. Blocks in use count to their part. Leaf scope ranks
 * each part's idle leaves by their last use or move.
 *
 * libCacheSim's reading differs (its miss counts are higher): it counts neither uses in the window nor whole accesses, but a use
 * for each comparison, and goes on evicting after a newcomer has won.
 * Source: Einziger, Friedman, Manes 2017, POLICIES C and E7.
 */
#include "list.h"
#include "policy.h"
#include "ranked.h"

#include <stdlib.h>

enum part { WINDOW, PROBATION, PROTECTED, PARTS };

#define COUNT_BITS 4
#define COUNT_MOST ((1u << COUNT_BITS) - 1)

struct wtinylfu {
	const struct evict_env *env;
	struct link *links;           /* flat scope */
	struct ranked ranked[PARTS];  /* leaf scope */
	uint64_t *moved_seq;          /* leaf scope: last use or move */
	uint8_t *part;
	uint32_t *count; /* uses since, and in the upper bits the age in which they were counted last */
	uint32_t size[PARTS], window_most, main_most, protected_most;
	uint32_t age; /* number of halvings */
	uint64_t uses_left; /* until the next */
	uint64_t sample;
	bool leaf;
};

static const struct param wtinylfu_params[] = {
        {"window", PARAM_REAL, "0.01", 0, 1, NULL, "share of the room that newcomers pass through, at least a block"},
        {"protected", PARAM_REAL, "0.8", 0, 1, NULL, "share of the rest for blocks that were hit there"},
        {"sample", PARAM_REAL, "10", 0.1, 1e6, NULL, "counts are halved after so many uses per block of room"},
        {.name = NULL},
};

static void *wtinylfu_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	const double room = env->capacity_blocks;
	struct wtinylfu *p = mem_alloc(1, sizeof(*p));
	*p = (struct wtinylfu){.env = env, .leaf = env->leaf, .window_most = (uint32_t)(room * values[0].real)};
	if (p->window_most == 0)
		p->window_most = 1;
	p->main_most = env->capacity_blocks - p->window_most;
	p->protected_most = (uint32_t)(p->main_most * values[1].real);
	p->uses_left = p->sample = 1 + (uint64_t)(room * values[2].real);
	p->part = mem_alloc(env->block_count, sizeof(*p->part));
	p->count = mem_alloc(env->block_count, sizeof(*p->count));
	if (p->leaf) {
		p->moved_seq = mem_alloc(env->block_count, sizeof(*p->moved_seq));
		for (int part = 0; part < PARTS; part++)
			ranked_open(&p->ranked[part], env->block_count, env->capacity_blocks, env->depth);
	} else {
		p->links = list_open(env->block_count, PARTS);
	}
	return p;
}

static void wtinylfu_close(void *state)
{
	struct wtinylfu *p = state;
	for (int part = 0; p->leaf && part < PARTS; part++)
		ranked_close(&p->ranked[part]);
	free(p->links);
	free(p->moved_seq);
	free(p->part);
	free(p->count);
	free(p);
}

static inline uint32_t count_of(const struct wtinylfu *p, block_id b)
{
	const uint32_t halvings = (p->age - (p->count[b] >> COUNT_BITS)) & (UINT32_MAX >> COUNT_BITS);
	return halvings < COUNT_BITS ? (p->count[b] & COUNT_MOST) >> halvings : 0;
}

static inline void count_use(struct wtinylfu *p, block_id b)
{
	const uint32_t count = count_of(p, b);
	p->count[b] = (p->age << COUNT_BITS) | (count < COUNT_MOST ? count + 1 : count);
	if (--p->uses_left == 0) {
		p->uses_left = p->sample;
		p->age++;
	}
}

static inline void put(struct wtinylfu *p, block_id b)
{
	if (p->leaf)
		ranked_push(&p->ranked[p->part[b]], b, p->moved_seq[b], 0);
	else
		list_push_back(p->links, p->env->block_count + p->part[b], b);
}

static inline void take(struct wtinylfu *p, block_id b)
{
	if (p->leaf) {
		ranked_remove(&p->ranked[p->part[b]], b);
	} else {
		list_take(p->links, b);
		list_set_out(p->links, b);
	}
}

/* The oldest idle block of a part, left in; BLOCK_NONE where there is none. */
static inline block_id oldest(struct wtinylfu *p, enum part part)
{
	if (p->leaf)
		return ranked_top(&p->ranked[part], NULL);
	const block_id end = p->env->block_count + (block_id)part;
	block_id b = p->links[end].next;
	while (b != end && !evict_idle(p->env, b))
		b = p->links[b].next;
	return b == end ? BLOCK_NONE : b;
}

static inline void join(struct wtinylfu *p, block_id b, enum part part)
{
	p->part[b] = (uint8_t)part;
	p->size[part]++;
	if (p->leaf)
		p->moved_seq[b] = p->env->now->seq;
}

/* An idle block changes parts. */
static inline void move(struct wtinylfu *p, block_id b, enum part part)
{
	take(p, b);
	p->size[p->part[b]]--;
	join(p, b, part);
	put(p, b);
}

static inline void wtinylfu_hit(struct wtinylfu *p, block_id b)
{
	count_use(p, b);
	if (!p->leaf && !list_is_out(p->links, b))
		take(p, b);
	const enum part part = p->part[b];
	p->size[part]--;
	join(p, b, part == PROBATION ? PROTECTED : part);
	if (p->size[PROTECTED] > p->protected_most) {
		const block_id cooled = oldest(p, PROTECTED);
		if (cooled != BLOCK_NONE)
			move(p, cooled, PROBATION);
	}
}

static inline void wtinylfu_insert(struct wtinylfu *p, block_id b)
{
	count_use(p, b);
	join(p, b, WINDOW);
	if (!p->leaf)
		list_set_out(p->links, b);
	if (p->size[WINDOW] > p->window_most && p->size[PROBATION] + p->size[PROTECTED] < p->main_most) {
		const block_id passed = oldest(p, WINDOW);
		if (passed != BLOCK_NONE)
			move(p, passed, PROBATION);
	}
}

static inline void wtinylfu_busy(struct wtinylfu *p, block_id b)
{
	if (p->leaf)
		take(p, b);
}

static inline void wtinylfu_idle(struct wtinylfu *p, block_id b)
{
	if (p->leaf || list_is_out(p->links, b))
		put(p, b);
}

static inline void wtinylfu_remove(struct wtinylfu *p, block_id b)
{
	if (p->leaf || !list_is_out(p->links, b))
		take(p, b);
	p->size[p->part[b]]--;
}

static inline block_id wtinylfu_evict(struct wtinylfu *p, block_id in)
{
	(void)in;
	block_id victim = oldest(p, PROBATION);
	if (victim == BLOCK_NONE)
		victim = oldest(p, PROTECTED);
	while (victim == BLOCK_NONE || p->size[WINDOW] >= p->window_most) {
		const block_id candidate = oldest(p, WINDOW);
		if (candidate == BLOCK_NONE)
			break;
		if (victim == BLOCK_NONE || count_of(p, candidate) <= count_of(p, victim)) {
			victim = candidate;
			break;
		}
		const bool room = p->size[PROBATION] + p->size[PROTECTED] < p->main_most;
		move(p, candidate, PROBATION);
		if (!room)
			break;
	}
	if (victim != BLOCK_NONE)
		wtinylfu_remove(p, victim);
	return victim;
}

static double wtinylfu_score(const void *state, block_id b)
{
	return count_of(state, b);
}

#define EVICT wtinylfu
#define EVICT_PREFETCH(p, b) \
	(__builtin_prefetch(&(p)->links[b], 1), __builtin_prefetch(&(p)->count[b], 1), __builtin_prefetch(&(p)->part[b], 1))
#define EVICT_PREFETCH_HIT(p, b) list_prefetch_around((p)->links, b)
#include "evict_hooks.h"

const struct evict_ops evict_wtinylfu = {
        .name = "wtinylfu",
        .rule = "of the oldest newcomer and the oldest block on probation the one used less of late",
        .detail = "With room for 3 blocks (window 1, main part 2), requests A, A, B, C: A (2 uses) and B have passed the window, C is "
                  "in it. D comes: C (1 use) against A, the oldest on probation: C goes. E, D, E, D: each newcomer loses to A in "
                  "turn, the tie at 2 uses included. E again: D has 3 uses now and stays, and A goes.",
        .source = "Einziger, Friedman, Manes 2017",
        .cost = "O(1) flat, O(log leaves) a request in leaf scope",
        .state_bytes = 25,
        .params = wtinylfu_params,
        .open = wtinylfu_open,
        .close = wtinylfu_close,
        .hit = wtinylfu_hit_run,
        .busy = wtinylfu_busy_run,
        .idle = wtinylfu_idle_run,
        .score = wtinylfu_score,
        EVICT_HOOKS(wtinylfu),
};
