/* evict_hooks.h - stamps a policy's run-wise hooks and its object loop out of its single-block hooks.
 *
 * A policy file defines, for `#define EVICT lru`, the type `struct lru` and the static functions
 *
 *   lru_hit(p, b)  lru_busy(p, b)  lru_idle(p, b)  lru_insert(p, b)  lru_remove(p, b)  lru_evict(p, in)
 *
 * (contract: policy.h; empty bodies cost nothing) and then includes this file. It gets lru_hit_run, lru_busy_run,
 * lru_idle_run, lru_insert_one, lru_remove_one, lru_evict_one and lru_object with the signatures of struct evict_ops.
 * EVICT_HOOKS(lru) places the last four in the vtable; the policy names the first three itself (.hit = lru_hit_run)
 * where the hook does something: one left NULL is not called at all. A policy with an observe hook is never run through
 * the object loop: there are no requests in it. One with surplus defines EVICT_SURPLUS and lru_surplus(p).
 *
 * Deliberately without an include guard: each policy includes it once, in its own file.
 */
#include "policy.h"

#define EVICT_JOIN_(a, b) a##b
#define EVICT_JOIN(a, b) EVICT_JOIN_(a, b)
#define EVICT_FN(suffix) EVICT_JOIN(EVICT, suffix)

__attribute__((unused)) static void EVICT_FN(_hit_run)(void *state, block_id first, uint32_t count)
{
	struct EVICT *p = state;
	for (uint32_t i = 0; i < count; i++)
		EVICT_FN(_hit)(p, first + i);
}

__attribute__((unused)) static void EVICT_FN(_busy_run)(void *state, block_id first, uint32_t count)
{
	struct EVICT *p = state;
	for (uint32_t i = 0; i < count; i++)
		EVICT_FN(_busy)(p, first + i);
}

__attribute__((unused)) static void EVICT_FN(_idle_run)(void *state, block_id first, uint32_t count)
{
	struct EVICT *p = state;
	for (uint32_t i = count; i-- > 0;)
		EVICT_FN(_idle)(p, first + i);
}

static void EVICT_FN(_insert_one)(void *state, block_id b)
{
	EVICT_FN(_insert)(state, b);
}

static void EVICT_FN(_remove_one)(void *state, block_id b)
{
	EVICT_FN(_remove)(state, b);
}

static block_id EVICT_FN(_evict_one)(void *state, block_id in)
{
	return EVICT_FN(_evict)(state, in);
}

/* The loop knows what comes next and asks memory for it in time, about two latencies ahead: EVICT_PREFETCH(p, b) for
 * what every access needs; half-way, EVICT_PREFETCH_HIT(p, b), for a resident block, for what its state points to (its
 * neighbours in a list); EVICT_PREFETCH_NEXT(p, next), with EVICT_FUTURE, for the place of its next use. A policy
 * defines them where it gains from it; they may read stale state and change nothing.
 * EVICT_OBJECT(p) says what always holds of p's state under object semantics, for the compiler to leave out the rest.
 * EVICT_SMALL says that p's state is small and nothing points into it, so that the loop may keep it in registers.
 * EVICT_FULL: there is a NAME_full(p, b, hit), all that happens when b is used and the cache is full, without a branch
 * on `hit`, which no processor guesses well. It returns who leaves: b on a hit, else the victim, whose room b has then;
 * see evict_either(). */
#ifndef EVICT_OBJECT
#define EVICT_OBJECT(p) true
#endif
#define EVICT_ASSUME(p) ((EVICT_OBJECT(p)) ? (void)0 : __builtin_unreachable())

#define EVICT_AHEAD 20
#define EVICT_AHEAD_HIT 10

__attribute__((flatten)) static void EVICT_FN(_object)(void *state, struct object_pass *pass)
{
#ifdef EVICT_SMALL
	struct EVICT own = *(struct EVICT *)state, *const p = &own;
#else
	struct EVICT *const p = state;
#endif
	uint8_t *const restrict resident = pass->resident;
	const block_id *const refs = pass->refs;
	uint8_t *const restrict hit = pass->hit;
	uint32_t used = pass->used;
	const uint32_t capacity_blocks = pass->capacity_blocks;
	const size_t count = pass->count;
	struct policy_now *const now = pass->now;
	uint64_t evicted = 0, declined = 0, seq = now->seq;
	for (size_t i = 0; i < count; i++) {
		const block_id b = refs[i];
#ifdef EVICT_PREFETCH
		if (i + EVICT_AHEAD < count) {
			__builtin_prefetch(&resident[refs[i + EVICT_AHEAD]], 1);
			EVICT_PREFETCH(p, refs[i + EVICT_AHEAD]);
#ifdef EVICT_PREFETCH_NEXT
			EVICT_PREFETCH_NEXT(p, pass->next[i + EVICT_AHEAD]);
#endif
		}
#endif
#ifdef EVICT_PREFETCH_HIT
		if (i + EVICT_AHEAD_HIT < count && (resident[refs[i + EVICT_AHEAD_HIT]] & 1u))
			EVICT_PREFETCH_HIT(p, refs[i + EVICT_AHEAD_HIT]);
#endif
		now->seq = ++seq;
#ifdef EVICT_FUTURE
		pass->next_use[b] = pass->next[i];
#endif
		const bool is_hit = resident[b] & 1u;
		hit[i] = is_hit;
		EVICT_ASSUME(p);
#ifdef EVICT_FULL
		if (__builtin_expect(used == capacity_blocks, 1)) {
			resident[EVICT_FN(_full)(p, b, is_hit)] = 2; /* evicted, see cache.h */
			resident[b] = 1;
			evicted += !is_hit;
			continue;
		}
#endif
		if (__builtin_expect(is_hit, 1)) {
			EVICT_FN(_busy)(p, b);
			EVICT_FN(_hit)(p, b);
			EVICT_FN(_idle)(p, b);
			continue;
		}
		if (__builtin_expect(used == capacity_blocks, 1)) {
			const block_id victim = EVICT_FN(_evict)(p, b);
			if (victim == BLOCK_NONE) {
				resident[b] = 2; /* found no room, which counts as evicted */
				declined++;
				continue;
			}
			resident[victim] = 2; /* evicted, see cache.h */
			evicted++;
		} else {
			used++;
		}
		resident[b] = 1;
		EVICT_ASSUME(p);
		EVICT_FN(_insert)(p, b);
#ifdef EVICT_SURPLUS
		for (block_id out; (out = EVICT_FN(_surplus)(p)) != BLOCK_NONE; used--, evicted++)
			resident[out] = 2;
#endif
		EVICT_FN(_idle)(p, b);
	}
#ifdef EVICT_SMALL
	*(struct EVICT *)state = own;
#endif
	pass->used = used;
	pass->evicted += evicted;
	pass->declined += declined;
}

#define EVICT_HOOKS(prefix)                                                                                            \
	.insert = prefix##_insert_one, .remove = prefix##_remove_one, .evict = prefix##_evict_one, .object = prefix##_object
