#include "cache_inside.h"

#include "expiry.h"

static void expire_one(struct cache *cache, block_id b)
{
	if (cache->ops->remove)
		cache->ops->remove(cache->policy, b);
	cache_drop(cache, b, BLOCK_EXPIRED);
	cache->counts.expired_blocks++;
}

/* The first of b and its next siblings that is not in use. All up to it are over from now on, so that those in use (a lower
 * tier lends blocks without their ancestors) go when they are released, and what hangs on them with them. */
static block_id cut_siblings(struct cache *cache, block_id b)
{
	for (; b != BLOCK_NONE; b = expiry_sibling(cache->expiry, b)) {
		if (expiry_cut(cache->expiry, b) && expiry_hard(cache->expiry))
			cache_unpin(cache, (struct trace_run){b, 1});
		if (cache->pins[b] == 0)
			return b;
	}
	return BLOCK_NONE;
}

/* Takes out b, which is over and not in use, and under cascade first what hangs on it. */
static void expire(struct cache *cache, block_id top)
{
	block_id b = top;
	bool down = expiry_cascades(cache->expiry);
	for (;;) {
		const block_id child = down ? cut_siblings(cache, expiry_child(cache->expiry, b)) : BLOCK_NONE;
		if (child != BLOCK_NONE) {
			b = child;
			continue;
		}
		if (b == top) {
			expire_one(cache, b);
			return;
		}
		const block_id parent = cache->trace->parent[b], next = cut_siblings(cache, expiry_sibling(cache->expiry, b));
		expire_one(cache, b);
		down = next != BLOCK_NONE;
		b = down ? next : parent;
	}
}

/* Unpins a stretch. What is over and was only held by its use goes. */
void cache_expire_release(struct cache *cache, struct trace_run stretch)
{
	cache_unpin(cache, stretch);
	if (!cache->expiry || expiry_over_blocks(cache->expiry) == 0 || !expiry_drops(cache->expiry))
		return;
	for (block_id b = stretch.first + stretch.count; b-- > stretch.first;) {
		if (expiry_is_over(cache->expiry, b) && cache->pins[b] == 0 && cache->state[b] == BLOCK_RESIDENT)
			expire(cache, b);
	}
}

/* Ends the stay of blocks whose time was over before `now_ns`, or only their shield, which is a pin. */
void cache_expire_sweep(struct cache *cache, int64_t now_ns)
{
	block_id b;
	int64_t end_ns;
	while (expiry_next(cache->expiry, now_ns, &b, &end_ns)) {
		if (end_ns > cache->now.now_ns) {
			cache_integrate(cache, end_ns);
			cache->now.now_ns = end_ns;
		}
		if (expiry_hard(cache->expiry))
			cache_unpin(cache, (struct trace_run){b, 1});
		if (expiry_drops(cache->expiry) && cache->pins[b] == 0)
			expire(cache, b);
	}
}

/* b gets its first deadline. Its ancestors, if over, live on for its sake. */
void cache_expire_date(struct cache *cache, block_id b)
{
	const uint32_t shield = expiry_hard(cache->expiry);
	expiry_insert(cache->expiry, b);
	cache->pins[b] += shield;
	if (expiry_over_blocks(cache->expiry) == 0)
		return;
	for (b = cache->trace->parent[b]; b != BLOCK_NONE && expiry_lift(cache->expiry, b); b = cache->trace->parent[b])
		cache_pin(cache, (struct trace_run){b, shield});
}

/* The hit blocks' deadlines move; those that were over are shielded again. */
void cache_expire_redate(struct cache *cache, struct trace_run stretch)
{
	if (expiry_over_blocks(cache->expiry) > 0) {
		const uint32_t shield = expiry_hard(cache->expiry);
		for (block_id b = stretch.first; b < stretch.first + stretch.count; b++) {
			if (expiry_renew(cache->expiry, b))
				cache_pin(cache, (struct trace_run){b, shield});
		}
	}
	expiry_hit(cache->expiry, stretch.first, stretch.count);
}
