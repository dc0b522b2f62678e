#include "tiers.h"

#include <math.h>
#include <stdlib.h>

struct tier {
	const struct tier_config *config;
	struct cache *cache;
	struct link_path link;
	struct tier_counts counts;
	struct cache_counts before; /* when counting began */
	struct tiers *chain;
	uint32_t index;
};

struct tiers {
	const struct trace *trace;
	struct tiers_config config;
	struct tier *tiers[TIER_MOST]; /* a shared one is the first chain's */
	uint32_t count;
	int64_t now_ns;
	uint8_t *tier_hits; /* saturating at 2: hits in lower tiers, for promote=second; NULL where no tier asks */
	bool stores_second; /* some tier has store=second */
	/* The archive's worklist: computed blocks in order, each once until taken. */
	block_id *noted;
	uint8_t *is_noted;
	size_t noted_first, noted_count, noted_room;
	double allowance_bytes; /* left over by the last round, for want of a whole block's */
	uint32_t archive; /* its index; 0: none */
};

static void log_blocks(const struct tiers *tiers, int64_t now_ns, const char *kind, uint32_t tier, block_id first,
                       uint32_t count)
{
	if (tiers->config.log)
		tiers->config.log(tiers->config.log_context, now_ns, kind, tier, first, count);
}

static int64_t book(struct tier *tier, enum link_direction direction, int64_t now_ns, double bytes, int64_t took_ns)
{
	if (took_ns == BACKEND_AS_LINK)
		return link_transfer(&tier->link, direction, now_ns, bytes);
	return link_transfer_in(&tier->link, direction, now_ns, bytes, took_ns);
}

/* Writes block b, which tier `from` has, to a lower tier, which stands at `now_ns`, over its link; true if it is there now. */
static bool store(struct tiers *tiers, uint32_t from, uint32_t index, block_id b, const char *kind, int64_t now_ns)
{
	struct tier *tier = tiers->tiers[index];
	if (cache_block_state(tier->cache, b) == BLOCK_RESIDENT)
		return true;
	if (link_is_down(&tier->link, now_ns)) {
		tier->counts.missed_blocks++;
		return false;
	}
	if (!tiers->config.dry && !cache_put(tier->cache, b))
		return false;
	log_blocks(tiers, now_ns, kind, index, b, 1);
	if (tiers->config.dry)
		return false;
	const struct backend_ops *ops = tiers->config.ops;
	const int64_t took_ns = ops && ops->store_ns ? ops->store_ns(tiers->config.backend, from, index, b) : BACKEND_AS_LINK;
	book(tier, LINK_WRITE, now_ns, tiers->config.block_bytes * tier->config->compress_ratio, took_ns);
	tier->counts.stored_blocks++;
	return true;
}

/* Write-through tiers above `below` take b from tier `from`. */
static void store_through(struct tiers *tiers, uint32_t from, uint32_t below, block_id b, int64_t now_ns)
{
	for (uint32_t t = 1; t < below; t++) {
		if (tiers->tiers[t]->config->store == TIER_STORE_THROUGH && t != tiers->archive)
			store(tiers, from, t, b, "store", now_ns);
	}
}

static void advance_from(struct tiers *tiers, uint32_t first, int64_t now_ns)
{
	for (uint32_t i = first; i < tiers->count; i++) {
		struct cache *cache = tiers->tiers[i]->cache;
		/* Where blocks expire in two chains at one time, what they share is just past it for the second. */
		const int64_t least_ns = tiers->tiers[i]->config->shared ? cache_now(cache)->now_ns : now_ns;
		cache_advance(cache, now_ns > least_ns ? now_ns : least_ns);
	}
}

static void tell_of_drop(const struct tiers *tiers, uint32_t tier, block_id b)
{
	if (tiers->config.ops && tiers->config.ops->drop)
		tiers->config.ops->drop(tiers->config.backend, tier, b);
}

/* A tier has lost b: the next one that takes victims gets it. */
static void on_drop(void *context, block_id b, enum block_state why)
{
	struct tier *tier = context;
	struct tiers *tiers = tier->chain;
	const uint32_t next = tier->index + 1;
	const int64_t now_ns = cache_now(tier->cache)->now_ns;
	/* Expiry runs ahead of the tiers below: what happened there before this comes first. */
	if (why == BLOCK_EXPIRED)
		advance_from(tiers, next, now_ns);
	log_blocks(tiers, now_ns, "drop", tier->index, b, 1);
	if (next < tiers->count && !tiers->tiers[next]->config->is_archive &&
	    tiers->tiers[next]->config->store == TIER_STORE_DEMOTE && (why == BLOCK_EVICTED || tier->config->demotes_expired))
		store(tiers, tier->index, next, b, "demote", now_ns);
	tell_of_drop(tiers, tier->index, b);
}

static int open_tier(struct tiers *tiers, uint32_t index, struct err *err)
{
	const struct tiers_config *config = &tiers->config;
	struct tier *tier = tiers->tiers[index] = mem_alloc(1, sizeof(*tier));
	*tier = (struct tier){.config = &config->tiers[index], .chain = tiers, .index = index};
	tier->link = (struct link_path){
	        .bytes_per_s = {[LINK_READ] = tier->config->read_bytes_per_s, [LINK_WRITE] = tier->config->write_bytes_per_s},
	        .latency_ns = tier->config->latency_ns,
	};
	const struct cache_config cache = {
	        .evict = &tier->config->evict,
	        .ttl = &tier->config->ttl,
	        .capacity_blocks = tier->config->capacity_blocks,
	        .leaf = config->leaf,
	        .seed = config->seed + index,
	        .history = config->history,
	        .block_bytes = config->block_bytes,
	        .recompute_ns = config->recompute_ns,
	        .cost = config->cost,
	        .on_drop = on_drop,
	        .on_drop_context = tier,
	};
	tier->cache = cache_open(tiers->trace, &cache, err);
	return tier->cache ? 0 : err_prefix(err, "tier %s: ", tier->config->name);
}

/* What the chain has to know of tier `index`, which is open. */
static void link_tier(struct tiers *tiers, uint32_t index)
{
	const struct tier_config *config = tiers->tiers[index]->config;
	tiers->stores_second |= index > 0 && config->store == TIER_STORE_SECOND;
	if (index > 0 && config->promote == TIER_PROMOTE_SECOND && !tiers->tier_hits)
		tiers->tier_hits = mem_alloc(tiers->trace->block_count, 1);
	if (config->is_archive)
		tiers->archive = index;
}

struct tiers *tiers_open(const struct trace *trace, const struct tiers_config *config, struct err *err)
{
	ASSERT(config->count >= 1 && config->count <= TIER_MOST);
	struct tiers *tiers = mem_alloc(1, sizeof(*tiers));
	tiers->trace = trace;
	tiers->config = *config;
	for (uint32_t i = 0; i < config->count; i++) {
		tiers->count++;
		if (config->sharer && config->tiers[i].shared) {
			tiers->tiers[i] = config->sharer->tiers[i];
		} else if (open_tier(tiers, i, err) < 0) {
			tiers_close(tiers);
			return NULL;
		}
		link_tier(tiers, i);
	}
	if (tiers->archive)
		tiers->is_noted = mem_alloc(trace->block_count, 1);
	return tiers;
}

void tiers_close(struct tiers *tiers)
{
	if (!tiers)
		return;
	for (uint32_t i = 0; i < tiers->count && tiers_owns(tiers, i); i++) {
		cache_close(tiers->tiers[i]->cache);
		free(tiers->tiers[i]);
	}
	free(tiers->tier_hits);
	free(tiers->noted);
	free(tiers->is_noted);
	free(tiers);
}

uint32_t tiers_count(const struct tiers *tiers)
{
	return tiers->count;
}

bool tiers_owns(const struct tiers *tiers, uint32_t tier)
{
	return tiers->tiers[tier]->chain == tiers;
}

struct cache *tiers_cache(struct tiers *tiers, uint32_t tier)
{
	return tiers->tiers[tier]->cache;
}

struct link_path *tiers_link(struct tiers *tiers, uint32_t tier)
{
	return &tiers->tiers[tier]->link;
}

struct cache_counts tiers_cache_counts(const struct tiers *tiers, uint32_t tier)
{
	const struct cache_counts before = tiers->tiers[tier]->before, now = cache_counts(tiers->tiers[tier]->cache);
	return (struct cache_counts){now.evicted_blocks - before.evicted_blocks, now.expired_blocks - before.expired_blocks,
	                             now.declined_blocks - before.declined_blocks};
}

struct tier_counts tiers_counts(const struct tiers *tiers, uint32_t tier)
{
	return tiers->tiers[tier]->counts;
}

void tiers_count_from_here(struct tiers *tiers)
{
	for (uint32_t i = 0; i < tiers->count; i++) {
		struct tier *tier = tiers->tiers[i];
		tier->counts = (struct tier_counts){0};
		tier->link.busy_ns = 0;
		for (size_t direction = 0; direction < COUNT_OF(tier->link.bytes); direction++)
			tier->link.bytes[direction] = tier->link.transfers[direction] = 0;
		tier->before = cache_counts(tier->cache);
		cache_residency_reset(tier->cache);
	}
}

void tiers_advance(struct tiers *tiers, int64_t now_ns)
{
	/* From the top: what expires there brings the tiers below to its time, which must not be past it. */
	tiers->now_ns = now_ns;
	advance_from(tiers, 0, now_ns);
}

int64_t tiers_expiry_bound_ns(const struct tiers *tiers)
{
	int64_t first_ns = TIME_NEVER_NS;
	for (uint32_t i = 0; i < tiers->count; i++) {
		const int64_t expiry_ns = cache_expiry_bound_ns(tiers->tiers[i]->cache);
		first_ns = expiry_ns < first_ns ? expiry_ns : first_ns;
	}
	return first_ns;
}

void tiers_describe(struct tiers *tiers, const struct policy_now *now)
{
	for (uint32_t i = 0; i < tiers->count; i++) {
		struct policy_now *to = cache_now(tiers->tiers[i]->cache);
		const int64_t now_ns = to->now_ns;
		*to = *now;
		to->now_ns = now_ns;
	}
}

void tiers_watch(struct tiers *tiers, struct path path, uint32_t hit_blocks)
{
	for (uint32_t i = 1; i < tiers->count; i++)
		cache_watch(tiers->tiers[i]->cache, path, hit_blocks);
}

/* The fastest tier below the first that has b and can be reached; 0 if none. */
static uint32_t tier_of(const struct tiers *tiers, block_id b, int64_t now_ns)
{
	for (uint32_t i = 1; i < tiers->count; i++) {
		const struct tier *tier = tiers->tiers[i];
		if (cache_block_state(tier->cache, b) == BLOCK_RESIDENT && !link_is_down(&tier->link, now_ns))
			return i;
	}
	return 0;
}

uint32_t tiers_find(const struct tiers *tiers, struct path path, uint32_t from, int64_t now_ns, struct tier_segment *segments,
                    uint32_t room)
{
	uint32_t found = 0, at = from;
	struct trace_run stretch;
	for (struct path_walk walk = path_forward(path, from); path_next(&walk, &stretch);) {
		for (uint32_t i = 0; i < stretch.count; i++, at++) {
			const uint32_t tier = tier_of(tiers, stretch.first + i, now_ns);
			if (tier == 0)
				return found;
			if (found && segments[found - 1].tier == tier) {
				segments[found - 1].count++;
				continue;
			}
			if (found == room)
				return found;
			segments[found++] = (struct tier_segment){tier, at, 1};
		}
	}
	return found;
}

/* Bytes over the link, and ns of unpacking behind it. */
static double packed_bytes(const struct tiers *tiers, const struct tier_segment *segment)
{
	return tiers->config.block_bytes * segment->count * tiers->tiers[segment->tier]->config->compress_ratio;
}

static int64_t inflate_ns(const struct tiers *tiers, const struct tier_segment *segment)
{
	const double rate = tiers->tiers[segment->tier]->config->inflate_bytes_per_s;
	return isinf(rate) ? 0 : llround(tiers->config.block_bytes * segment->count / rate * (double)NS_PER_S);
}

int64_t tiers_load_arrival_ns(const struct tiers *tiers, const struct tier_segment *segments, uint32_t count,
                              int64_t now_ns)
{
	const struct tier_segment *last = &segments[count - 1];
	double bytes_before = 0;
	for (uint32_t i = 0; i + 1 < count; i++)
		bytes_before += segments[i].tier == last->tier ? packed_bytes(tiers, &segments[i]) : 0;
	return link_arrival_ns(&tiers->tiers[last->tier]->link, LINK_READ, now_ns, bytes_before, packed_bytes(tiers, last)) +
	       inflate_ns(tiers, last);
}

void tiers_lend(struct tiers *tiers, struct path path, const struct tier_segment *segment)
{
	struct trace_run stretch;
	const struct path part = {path.runs, segment->from + segment->count};
	for (struct path_walk walk = path_forward(part, segment->from); path_next(&walk, &stretch);)
		cache_lend(tiers->tiers[segment->tier]->cache, stretch.first, stretch.count);
}

void tiers_return(struct tiers *tiers, struct path path, const struct tier_segment *segment, bool came)
{
	struct trace_run stretch;
	const struct path part = {path.runs, segment->from + segment->count};
	for (struct path_walk walk = path_forward(part, segment->from); path_next(&walk, &stretch);) {
		for (uint32_t i = 0; came && i < stretch.count; i++)
			store_through(tiers, segment->tier, segment->tier, stretch.first + i, tiers->now_ns);
		cache_return(tiers->tiers[segment->tier]->cache, stretch.first, stretch.count);
	}
}

void tiers_lose(struct tiers *tiers, struct path path, const struct tier_segment *segment)
{
	struct trace_run stretch;
	const struct path part = {path.runs, segment->from + segment->count};
	for (struct path_walk walk = path_forward(part, segment->from); path_next(&walk, &stretch);) {
		for (block_id b = stretch.first; b < stretch.first + stretch.count; b++) {
			if (!cache_lose(tiers->tiers[segment->tier]->cache, b))
				continue;
			log_blocks(tiers, tiers->now_ns, "drop", segment->tier, b, 1);
			tell_of_drop(tiers, segment->tier, b);
		}
	}
}

int64_t tiers_load(struct tiers *tiers, struct path path, const struct tier_segment *segment, int64_t took_ns,
                   int64_t now_ns)
{
	struct tier *tier = tiers->tiers[segment->tier];
	struct trace_run stretch;
	const struct path part = {path.runs, segment->from + segment->count};
	for (struct path_walk walk = path_forward(part, segment->from); path_next(&walk, &stretch);)
		log_blocks(tiers, now_ns, "load", segment->tier, stretch.first, stretch.count);
	tier->counts.loaded_blocks += segment->count;
	return book(tier, LINK_READ, now_ns, packed_bytes(tiers, segment), took_ns) +
	       (took_ns == BACKEND_AS_LINK ? inflate_ns(tiers, segment) : 0);
}

static void note_for_archive(struct tiers *tiers, block_id b)
{
	if (tiers->is_noted[b])
		return;
	if (tiers->noted_count == tiers->noted_room) {
		/* Taken ones at the front make room before the array grows. */
		if (tiers->noted_first > tiers->noted_room / 2) {
			for (size_t i = tiers->noted_first; i < tiers->noted_count; i++)
				tiers->noted[i - tiers->noted_first] = tiers->noted[i];
			tiers->noted_count -= tiers->noted_first;
			tiers->noted_first = 0;
		} else {
			tiers->noted_room = tiers->noted_room ? tiers->noted_room * 2 : 4096;
			tiers->noted = mem_grow(tiers->noted, tiers->noted_room, sizeof(*tiers->noted));
		}
	}
	tiers->noted[tiers->noted_count++] = b;
	tiers->is_noted[b] = 1;
}

void tiers_computed(struct tiers *tiers, struct path path, uint32_t from, uint32_t to, int64_t now_ns)
{
	ASSERT(now_ns == tiers->now_ns);
	struct trace_run stretch;
	const struct path part = {path.runs, to};
	for (struct path_walk walk = path_forward(part, from); path_next(&walk, &stretch);) {
		for (uint32_t i = 0; i < stretch.count; i++) {
			store_through(tiers, 0, tiers->count, stretch.first + i, now_ns);
			if (tiers->archive)
				note_for_archive(tiers, stretch.first + i);
		}
	}
}

void tiers_hit(struct tiers *tiers, struct path path, uint32_t hit_blocks, int64_t now_ns)
{
	ASSERT(now_ns == tiers->now_ns);
	if (!tiers->stores_second)
		return;
	struct trace_run stretch;
	const struct path hit = {path.runs, hit_blocks};
	for (struct path_walk walk = path_forward(hit, 0); path_next(&walk, &stretch);) {
		for (uint32_t i = 0; i < stretch.count; i++) {
			for (uint32_t t = 1; t < tiers->count; t++) {
				if (tiers->tiers[t]->config->store == TIER_STORE_SECOND && t != tiers->archive)
					store(tiers, 0, t, stretch.first + i, "store", now_ns);
			}
		}
	}
}

bool tiers_promotes(struct tiers *tiers, uint32_t tier, block_id b)
{
	switch (tiers->tiers[tier]->config->promote) {
	case TIER_PROMOTE_ALWAYS:
		return true;
	case TIER_PROMOTE_NEVER:
		return false;
	case TIER_PROMOTE_SECOND:
		if (tiers->tier_hits[b] < 2)
			tiers->tier_hits[b]++;
		return tiers->tier_hits[b] == 2;
	}
	return true;
}

bool tiers_archive_waits(const struct tiers *tiers)
{
	return tiers->noted_first < tiers->noted_count;
}

uint32_t tiers_archive_tick(struct tiers *tiers, int64_t now_ns)
{
	const double every_s = (double)tiers->config.archive_every_ns / (double)NS_PER_S;
	const double block_bytes = tiers->config.block_bytes;
	double allowance_bytes = tiers->allowance_bytes + tiers->config.archive_bytes_per_s * every_s;
	uint32_t uploaded = 0;
	ASSERT(now_ns == tiers->now_ns);
	if (link_is_down(&tiers->tiers[tiers->archive]->link, now_ns))
		return 0;
	while (tiers->noted_first < tiers->noted_count && allowance_bytes >= block_bytes) {
		const block_id b = tiers->noted[tiers->noted_first++];
		tiers->is_noted[b] = 0;
		const uint32_t holder = tiers_holder(tiers, b);
		if (holder >= tiers->archive ||
		    cache_block_state(tiers->tiers[tiers->archive]->cache, b) == BLOCK_RESIDENT)
			continue;
		uploaded += store(tiers, holder, tiers->archive, b, "archive", now_ns);
		allowance_bytes -= block_bytes;
	}
	/* The rate is a limit, not an average: all that a round passes on is what was too little for a block. */
	tiers->allowance_bytes = allowance_bytes < block_bytes ? allowance_bytes : 0;
	return uploaded;
}

enum block_state tiers_absent_state(const struct tiers *tiers, block_id b)
{
	for (uint32_t i = tiers->count; i-- > 0;) {
		const enum block_state state = cache_block_state(tiers->tiers[i]->cache, b);
		if (state != BLOCK_NEVER)
			return state;
	}
	return BLOCK_NEVER;
}

uint32_t tiers_holder(const struct tiers *tiers, block_id b)
{
	uint32_t tier = 0;
	while (tier < tiers->count && cache_block_state(tiers->tiers[tier]->cache, b) != BLOCK_RESIDENT)
		tier++;
	return tier;
}
