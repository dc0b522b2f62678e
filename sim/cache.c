#include "cache_inside.h"

#include "expiry.h"

#include <math.h>
#include <stdlib.h>

static uint32_t *find_session_ends(const struct trace *trace)
{
	uint32_t *end = mem_alloc(trace->session_count, sizeof(*end));
	for (uint32_t i = 0; i < trace->request_count; i++) {
		if (trace->requests[i].session < trace->session_count)
			end[trace->requests[i].session] = i;
	}
	return end;
}

struct cache *cache_open(const struct trace *trace, const struct cache_config *config, struct err *err)
{
	ASSERT(config->capacity_blocks >= 1);
	struct cache *cache = mem_alloc(1, sizeof(*cache));
	cache->trace = trace;
	cache->state = mem_alloc(trace->block_count, sizeof(*cache->state));
	cache->pins = mem_alloc(trace->block_count, sizeof(*cache->pins));
	cache->children = mem_alloc(trace->block_count, sizeof(*cache->children));
	cache->env = (struct evict_env){
	        .now = &cache->now,
	        .block_count = trace->block_count,
	        .capacity_blocks = config->capacity_blocks < trace->block_count ? (uint32_t)config->capacity_blocks
	                                                                       : trace->block_count,
	        .room_blocks = config->capacity_blocks,
	        .used_blocks = &cache->used_blocks,
	        .block_bytes = config->block_bytes,
	        .block_tokens = trace->block_tokens,
	        .session_count = trace->session_count,
	        .class_count = trace->class_count,
	        .request_count = trace->request_count,
	        .leaf = config->leaf,
	        .never_busy = config->objects,
	        .last_use = config->references < UINT32_MAX ? (uint32_t)config->references : UINT32_MAX - 1,
	        .seed = config->seed,
	        .parent = trace->parent,
	        .depth = trace->depth,
	        .pins = cache->pins,
	        .children = cache->children,
	        .resident = cache->state,
	        .recompute_ns = config->recompute_ns,
	        .cost = config->cost,
	};
	/* Until the caller says more. */
	cache->now = (struct policy_now){.session = UINT32_MAX, .class_id = UINT32_MAX, .workload = UINT32_MAX,
	                                 .prefix_tokens = UINT32_MAX, .priority = INT32_MIN, .think_ns = -1, .cost = NAN,
	                                 .expected_reuse = NAN, .perplexity = NAN, .time_variance = NAN};
	cache->limit_blocks = config->capacity_blocks;
	if (config->history)
		cache_history_open(cache);
	cache->on_drop = config->on_drop;
	cache->on_drop_context = config->on_drop_context;
	cache->expiry = expiry_open(trace, &cache->env, config->ttl, config->history, err);
	if (cache->expiry)
		cache->env.never_busy = false; /* blocks may be shielded, and leave by remove() */
	if (cache->expiry && trace->session_count)
		cache->session_end = find_session_ends(trace);
	if ((!cache->expiry && err->text[0]) || cache_policy_open(cache, config->evict, err) < 0) {
		cache_close(cache);
		return NULL;
	}
	cache->objects = config->objects;
	cache->orphans = !config->leaf || cache->expiry;
	if (!cache_free_is_sure(cache))
		cache->former = mem_alloc(trace->block_count, sizeof(*cache->former));
	return cache;
}

void cache_close(struct cache *cache)
{
	if (!cache)
		return;
	if (cache->policy)
		cache->ops->close(cache->policy);
	expiry_close(cache->expiry);
	free(cache->session_end);
	cache_history_close(cache);
	free(cache->state);
	free(cache->former);
	free(cache->pins);
	free(cache->children);
	free(cache->next_use);
	free(cache->values);
	free(cache);
}

void cache_integrate(struct cache *cache, int64_t now_ns)
{
	cache->residency += (u128)cache->used_blocks * (u128)(now_ns - cache->residency_at_ns);
	cache->residency_at_ns = now_ns;
}

void cache_pin(struct cache *cache, struct trace_run stretch)
{
	uint32_t *pins = cache->pins + stretch.first;
	const uint32_t *children = cache->children + stretch.first;
	const uint8_t *state = cache->state + stretch.first;
	for (uint32_t i = 0; i < stretch.count;) {
		if (state[i] != BLOCK_RESIDENT) {
			i++;
			continue;
		}
		cache->pinned_blocks += pins[i] == 0;
		if (pins[i]++ | children[i]) {
			i++;
			continue;
		}
		const uint32_t start = i++;
		while (i < stretch.count && state[i] == BLOCK_RESIDENT && (pins[i] | children[i]) == 0)
			pins[i++]++;
		cache->pinned_blocks += i - start - 1;
		if (cache->ops->busy)
			cache->ops->busy(cache->policy, stretch.first + start, i - start);
	}
}

void cache_unpin(struct cache *cache, struct trace_run stretch)
{
	uint32_t *pins = cache->pins + stretch.first;
	const uint32_t *children = cache->children + stretch.first;
	for (uint32_t i = stretch.count; i > 0;) {
		cache->pinned_blocks -= pins[i - 1] == 1;
		if (--pins[i - 1] | children[i - 1]) {
			i--;
			continue;
		}
		const uint32_t end = i--;
		while (i > 0 && pins[i - 1] == 1 && children[i - 1] == 0)
			pins[--i]--;
		cache->pinned_blocks -= end - i - 1;
		if (cache->ops->idle)
			cache->ops->idle(cache->policy, stretch.first + i, end - i);
	}
}

/* The cache's part of b's leaving, when policy and expiry have forgotten it. */
static void leave(struct cache *cache, block_id b, enum block_state why)
{
	ASSERT(cache->state[b] == BLOCK_RESIDENT && cache->pins[b] == 0);
	cache->state[b] = (uint8_t)why;
	cache->used_blocks--;
	const block_id parent = cache->trace->parent[b];
	if (cache->env.leaf && parent != BLOCK_NONE && --cache->children[parent] == 0 && cache->pins[parent] == 0 &&
	    (cache->state[parent] & BLOCK_RESIDENT) && cache->ops->idle)
		cache->ops->idle(cache->policy, parent, 1);
}

bool cache_drop(struct cache *cache, block_id b, enum block_state why)
{
	const bool ends = cache->expiry && expiry_leave(cache->expiry, b);
	leave(cache, b, why);
	if (cache->on_drop)
		cache->on_drop(cache->on_drop_context, b, why);
	return ends;
}

void cache_advance(struct cache *cache, int64_t now_ns)
{
	ASSERT(now_ns >= cache->now.now_ns);
	if (cache->expiry)
		cache_expire_sweep(cache, now_ns);
	cache_integrate(cache, now_ns);
	cache->now.now_ns = now_ns;
}

uint32_t cache_lookup(const struct cache *cache, struct path path)
{
	uint32_t hit = 0;
	struct trace_run stretch;
	for (struct path_walk walk = path_forward(path, 0); path_next(&walk, &stretch); hit += stretch.count) {
		const uint8_t *state = cache->state + stretch.first;
		for (uint32_t i = 0; i < stretch.count; i++) {
			if (state[i] != BLOCK_RESIDENT)
				return hit + i;
		}
	}
	return hit;
}

/* Orphans past the point where the path found no room are nobody's again. */
static void release_orphans(struct cache *cache, struct path path, uint32_t held)
{
	struct trace_run stretch;
	for (struct path_walk walk = path_forward(path, held); path_next(&walk, &stretch);) {
		for (uint32_t i = stretch.count; i-- > 0;) {
			if (cache->state[stretch.first + i] == BLOCK_RESIDENT)
				cache_expire_release(cache, (struct trace_run){stretch.first + i, 1});
		}
	}
}

/* Takes out a victim. Blocks that only lived for its sake go at once: they come before the next victim. */
static void evict(struct cache *cache, block_id victim)
{
	ASSERT(evict_idle(&cache->env, victim));
	cache->counts.evicted_blocks++;
	if (cache_drop(cache, victim, BLOCK_EVICTED))
		cache_expire_sweep(cache, cache->now.now_ns);
}

/* Takes out what the policy wants out of its own accord. */
static void drop_surplus(struct cache *cache)
{
	if (!cache->ops->surplus)
		return;
	for (block_id b; (b = cache->ops->surplus(cache->policy)) != BLOCK_NONE;)
		evict(cache, b);
}

/* Frees one block for `in`; false where nothing may go. */
static bool make_room(struct cache *cache, block_id in)
{
	const block_id victim = cache->ops->evict(cache->policy, in);
	if (victim == BLOCK_NONE)
		return false;
	evict(cache, victim);
	return true;
}

static void insert(struct cache *cache, block_id b)
{
	cache->state[b] = BLOCK_RESIDENT;
	cache->pins[b] = 1;
	cache->pinned_blocks++;
	cache->used_blocks++;
	const block_id parent = cache->trace->parent[b];
	if (cache->env.leaf && parent != BLOCK_NONE)
		cache->children[parent]++;
	if (cache->ops->insert)
		cache->ops->insert(cache->policy, b);
	if (cache->expiry)
		cache_expire_date(cache, b);
	if (cache->history)
		cache_history_insert(cache, b);
	drop_surplus(cache);
}

/* Inserts the absent blocks from `hit_blocks` on; returns how many blocks of the path were held before the first one that
 * found no room. */
static uint32_t fill(struct cache *cache, struct path path, uint32_t hit_blocks, uint32_t missed[BLOCK_STATES])
{
	uint32_t held = hit_blocks;
	bool room = true;
	struct trace_run stretch;
	for (struct path_walk walk = path_forward(path, hit_blocks); path_next(&walk, &stretch);) {
		for (block_id b = stretch.first; b < stretch.first + stretch.count; b++) {
			const uint8_t state = cache->state[b];
			missed[state]++;
			if (state != BLOCK_RESIDENT) {
				if (room && cache_empty_blocks(cache) == 0)
					room = make_room(cache, b);
				if (!room) {
					cache->state[b] = BLOCK_EVICTED;
					cache->counts.declined_blocks++;
					continue;
				}
				insert(cache, b);
			}
			held += room;
		}
	}
	return held;
}

/* Pins the resident blocks of `path` and touches the first `hit_blocks`, which are all resident. */
static void use_path(struct cache *cache, struct path path, uint32_t hit_blocks)
{
	struct trace_run stretch;
	for (struct path_walk walk = path_forward(path, 0); path_next(&walk, &stretch);)
		cache_pin(cache, stretch);
	const struct path hit = {path.runs, hit_blocks};
	for (struct path_walk walk = path_forward(hit, 0); path_next(&walk, &stretch);) {
		if (cache->ops->hit)
			cache->ops->hit(cache->policy, stretch.first, stretch.count);
		if (cache->expiry)
			cache_expire_redate(cache, stretch);
		if (cache->history)
			cache_history_hit(cache, stretch);
	}
}

void cache_watch(struct cache *cache, struct path path, uint32_t hit_blocks)
{
	struct policy_now *now = &cache->now;
	now->path_blocks = path.block_count;
	now->hit_blocks = hit_blocks;
	now->session_ends = cache->session_end && now->session < cache->env.session_count &&
	                    cache->session_end[now->session] == now->request;
	if (cache->ops->observe)
		cache->ops->observe(cache->policy);
	if (cache->expiry)
		expiry_observe(cache->expiry, path);
}

uint32_t cache_acquire(struct cache *cache, struct path path, uint32_t hit_blocks, uint32_t missed[BLOCK_STATES])
{
	ASSERT(hit_blocks <= path.block_count);
	cache_watch(cache, path, hit_blocks);
	/* The whole resident path is pinned before anything is evicted; orphans on it too, though nothing touches them. */
	use_path(cache, (struct path){path.runs, cache->orphans ? path.block_count : hit_blocks}, hit_blocks);
	const uint32_t held = fill(cache, path, hit_blocks, missed);
	if (held < path.block_count && cache->orphans)
		release_orphans(cache, path, held);
	if (cache->ops->settle && !cache->objects) {
		cache->ops->settle(cache->policy);
		drop_surplus(cache);
	}
	return held;
}

void cache_release(struct cache *cache, struct path path, uint32_t held_blocks)
{
	struct trace_run stretch;
	const struct path held = {path.runs, held_blocks};
	for (struct path_walk walk = path_backward(held); path_previous(&walk, &stretch);)
		cache_expire_release(cache, stretch);
}

void cache_reconsider(struct cache *cache, block_id b)
{
	if (!(cache->state[b] & BLOCK_RESIDENT) || !evict_idle(&cache->env, b))
		return;
	if (cache->ops->busy)
		cache->ops->busy(cache->policy, b, 1);
	if (cache->ops->idle)
		cache->ops->idle(cache->policy, b, 1);
}

void cache_objects(struct cache *cache, const block_id *refs, const uint32_t *next, size_t count, uint8_t *hit)
{
	if (!cache->expiry && !cache->ops->observe && !cache->history) {
		struct object_pass pass = {
		        .refs = refs,
		        .next = next,
		        .count = count,
		        .now = &cache->now,
		        .next_use = cache->next_use,
		        .resident = cache->state,
		        .used = cache->used_blocks,
		        .capacity_blocks = cache->env.capacity_blocks,
		        .hit = hit,
		};
		cache->ops->object(cache->policy, &pass);
		/* One time for all of them: the integral needs the count at the end only. */
		cache->used_blocks = pass.used;
		cache->counts.evicted_blocks += pass.evicted;
		cache->counts.declined_blocks += pass.declined;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const struct trace_run run = {refs[i], 1};
		const struct path path = {&run, 1};
		uint32_t missed[BLOCK_STATES] = {0};
		cache->now.seq++;
		if (cache->next_use)
			cache->next_use[refs[i]] = next[i];
		hit[i] = cache->state[refs[i]] == BLOCK_RESIDENT;
		cache_release(cache, path, cache_acquire(cache, path, hit[i], missed));
	}
}

void cache_touch(struct cache *cache, struct path path, uint32_t hit_blocks)
{
	cache_watch(cache, path, hit_blocks);
	use_path(cache, (struct path){path.runs, hit_blocks}, hit_blocks);
}

uint32_t cache_extend(struct cache *cache, struct path path, uint32_t from, uint32_t to)
{
	struct trace_run stretch;
	uint32_t held = from;
	for (struct path_walk walk = path_forward((struct path){path.runs, to}, from); path_next(&walk, &stretch);) {
		for (block_id b = stretch.first; b < stretch.first + stretch.count; b++, held++) {
			if (cache->former)
				cache->former[b] = cache->state[b];
			if (cache->state[b] == BLOCK_RESIDENT) {
				cache_pin(cache, (struct trace_run){b, 1});
				continue;
			}
			if (cache_empty_blocks(cache) == 0 && !make_room(cache, b))
				return held;
			insert(cache, b);
		}
	}
	return held;
}

/* b, pinned by its shield at most, goes without a trace in policy and expiry; lower tiers are not told. */
static void withdraw(struct cache *cache, block_id b, enum block_state why)
{
	if (cache->expiry && expiry_cut(cache->expiry, b) && expiry_hard(cache->expiry))
		cache_unpin(cache, (struct trace_run){b, 1});
	if (cache->ops->remove)
		cache->ops->remove(cache->policy, b);
	const bool ends = cache->expiry && expiry_withdraw(cache->expiry, b);
	leave(cache, b, why);
	if (ends)
		cache_expire_sweep(cache, cache->now.now_ns);
}

bool cache_lose(struct cache *cache, block_id b)
{
	const uint32_t shield = cache->expiry && expiry_hard(cache->expiry) && !expiry_is_over(cache->expiry, b);
	if (cache->state[b] != BLOCK_RESIDENT || cache->pins[b] > shield)
		return false;
	withdraw(cache, b, BLOCK_EVICTED);
	cache->counts.evicted_blocks++;
	return true;
}

void cache_retract(struct cache *cache, struct path path, uint32_t from, uint32_t held)
{
	struct trace_run stretch;
	uint32_t left = held;
	for (struct path_walk walk = path_backward((struct path){path.runs, held});
	     left > from && path_previous(&walk, &stretch);) {
		for (block_id b = stretch.first + stretch.count; left > from && b-- > stretch.first; left--) {
			if (cache->former[b] == BLOCK_RESIDENT) {
				cache_expire_release(cache, (struct trace_run){b, 1});
				continue;
			}
			cache_unpin(cache, (struct trace_run){b, 1});
			withdraw(cache, b, (enum block_state)cache->former[b]);
		}
	}
}

void cache_finish(struct cache *cache, struct path path, uint32_t held_blocks)
{
	struct trace_run stretch;
	const struct path held = {path.runs, held_blocks};
	if (cache->ops->release) {
		for (struct path_walk walk = path_forward(held, 0); path_next(&walk, &stretch);)
			cache->ops->release(cache->policy, stretch.first, stretch.count);
	}
	cache_release(cache, path, held_blocks);
}

uint32_t cache_reserve(struct cache *cache, uint32_t blocks)
{
	for (uint32_t got = 0; got < blocks; got++) {
		if (cache->ops->reserve) {
			cache->ops->reserve(cache->policy);
			drop_surplus(cache);
		}
		if (cache_empty_blocks(cache) == 0 && (cache->ops->reserve || !make_room(cache, BLOCK_NONE)))
			return got;
		cache->reserved_blocks++;
	}
	return blocks;
}

void cache_unreserve(struct cache *cache, uint32_t blocks)
{
	ASSERT(blocks <= cache->reserved_blocks);
	cache->reserved_blocks -= blocks;
	if (cache->ops->unreserve)
		cache->ops->unreserve(cache->policy, blocks);
}

bool cache_ranks_reservations(const struct cache *cache)
{
	return cache->ops->reserve != NULL;
}

bool cache_free_is_sure(const struct cache *cache)
{
	const bool shields = cache->expiry && expiry_hard(cache->expiry);
	return !cache->ops->may_decline && !(cache->env.leaf && shields);
}

int64_t cache_shield_ends_ns(const struct cache *cache)
{
	return cache->expiry && expiry_hard(cache->expiry) ? expiry_first_ns(cache->expiry) : TIME_NEVER_NS;
}

int64_t cache_expiry_bound_ns(const struct cache *cache)
{
	return cache->expiry ? expiry_bound_ns(cache->expiry) : TIME_NEVER_NS;
}

uint64_t cache_free_blocks(const struct cache *cache)
{
	return cache->limit_blocks - cache->pinned_blocks - cache->reserved_blocks;
}

uint64_t cache_empty_blocks(const struct cache *cache)
{
	return cache->limit_blocks - cache->used_blocks - cache->reserved_blocks;
}

uint32_t cache_idle_blocks(const struct cache *cache, struct path path, uint32_t hit_blocks)
{
	uint32_t idle = 0;
	struct trace_run stretch;
	for (struct path_walk walk = path_forward((struct path){path.runs, hit_blocks}, 0); path_next(&walk, &stretch);) {
		for (uint32_t i = 0; i < stretch.count; i++)
			idle += cache->pins[stretch.first + i] == 0;
	}
	return idle;
}

void cache_lend(struct cache *cache, block_id first, uint32_t count)
{
	const struct trace_run stretch = {first, count};
	for (uint32_t i = 0; i < count; i++)
		ASSERT(cache->state[first + i] == BLOCK_RESIDENT);
	use_path(cache, (struct path){&stretch, count}, count);
}

void cache_return(struct cache *cache, block_id first, uint32_t count)
{
	const struct trace_run stretch = {first, count};
	cache_release(cache, (struct path){&stretch, count}, count);
}

bool cache_put(struct cache *cache, block_id b)
{
	if (cache->state[b] == BLOCK_RESIDENT) {
		cache_lend(cache, b, 1);
		cache_return(cache, b, 1);
		return true;
	}
	/* In leaf scope the parent stops being a leaf. Nobody holds it here, so it could otherwise be the victim, too. */
	const block_id parent = cache->env.leaf ? cache->trace->parent[b] : BLOCK_NONE;
	const struct trace_run above = {parent, parent != BLOCK_NONE && cache->state[parent] == BLOCK_RESIDENT};
	cache_pin(cache, above);
	const bool fits = cache_empty_blocks(cache) > 0 || make_room(cache, b);
	if (fits) {
		insert(cache, b);
		cache_expire_release(cache, (struct trace_run){b, 1});
	} else {
		cache->state[b] = BLOCK_EVICTED;
		cache->counts.declined_blocks++;
	}
	cache_expire_release(cache, above);
	return fits;
}

struct policy_now *cache_now(struct cache *cache)
{
	return &cache->now;
}

bool cache_needs_future(const struct cache *cache)
{
	return cache->ops->needs_future;
}

uint32_t *cache_next_use(struct cache *cache)
{
	return cache->next_use;
}

uint64_t cache_used_blocks(const struct cache *cache)
{
	return cache->used_blocks;
}

struct cache_counts cache_counts(const struct cache *cache)
{
	return cache->counts;
}

u128 cache_residency(const struct cache *cache)
{
	return cache->residency;
}

void cache_residency_reset(struct cache *cache)
{
	cache->residency = 0;
}

enum block_state cache_block_state(const struct cache *cache, block_id b)
{
	return (enum block_state)cache->state[b];
}
