#include "drive.h"

#include "replay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

uint32_t drive_path(const struct drive *drive, uint32_t request, block_id *path)
{
	const struct path p = replay_path(drive->trace, &drive->trace->requests[request], drive->config.tail_cached);
	uint32_t count = 0;
	struct trace_run stretch;
	for (struct path_walk walk = path_forward(p, 0); path_next(&walk, &stretch);) {
		for (uint32_t i = 0; i < stretch.count; i++)
			path[count++] = stretch.first + i;
	}
	return count;
}

/* For offline policies: seq of the next request (object semantics: reference) that uses b, or UINT32_MAX. */
static uint32_t next_use(const struct drive *drive, uint32_t request, block_id b)
{
	const struct trace *trace = drive->trace;
	block_id *path = mem_alloc(trace->block_count, sizeof(*path));
	uint32_t found = UINT32_MAX;
	for (uint32_t r = request + 1; r < trace->request_count && found == UINT32_MAX; r++) {
		const uint32_t count = drive_path(drive, r, path);
		if (trace->depth[b] < count && path[trace->depth[b]] == b)
			found = drive->config.object ? (uint32_t)drive->first_reference[r] + trace->depth[b] + 1 : r + 1;
	}
	free(path);
	return found;
}

/* policy.h: block `depth` of a prompt, the blocks before it being there. */
static double recompute_ns(const void *cost, uint32_t depth)
{
	const struct drive *drive = cost;
	const double block = drive->trace->block_tokens;
	return block * drive->config.token_ns + (block * block * depth + block * (block + 1) / 2) * drive->config.pair_ns;
}

static void on_drop(void *context, block_id b, enum block_state why)
{
	struct drive *drive = context;
	if (why == BLOCK_EVICTED)
		drive->evicted[b] = ++drive->evictions;
}

struct drive *drive_open(const struct trace *trace, const struct drive_config *config)
{
	struct err err;
	struct drive *drive = mem_alloc(1, sizeof(*drive));
	*drive = (struct drive){.trace = trace, .config = *config};
	if (spec_parse(&drive->evict, config->evict, &err) < 0 || spec_parse(&drive->ttl, config->ttl, &err) < 0) {
		fprintf(stderr, "drive_open: %s\n", err.text);
		exit(1);
	}
	drive->first_reference = mem_alloc((size_t)trace->request_count + 1, sizeof(*drive->first_reference));
	for (uint32_t r = 0; r < trace->request_count; r++)
		drive->first_reference[r + 1] =
		        drive->first_reference[r] + replay_path(trace, &trace->requests[r], config->tail_cached).block_count;
	const struct cache_config cache_config = {
	        .evict = &drive->evict,
	        .ttl = &drive->ttl,
	        .capacity_blocks = config->capacity_blocks,
	        .leaf = config->leaf && !config->object,
	        .objects = config->object && !config->single,
	        .references = drive->first_reference[trace->request_count],
	        .seed = config->seed,
	        .block_bytes = NAN,
	        .recompute_ns = recompute_ns,
	        .cost = drive,
	        .on_drop = on_drop,
	        .on_drop_context = drive,
	};
	drive->evicted = mem_alloc(trace->block_count, sizeof(*drive->evicted));
	drive->cache = cache_open(trace, &cache_config, &err);
	if (!drive->cache) {
		fprintf(stderr, "drive_open: %s\n", err.text);
		exit(1);
	}
	return drive;
}

void drive_close(struct drive *drive)
{
	cache_close(drive->cache);
	spec_free(&drive->evict);
	spec_free(&drive->ttl);
	free(drive->first_reference);
	free(drive->evicted);
	free(drive);
}

static void check(const struct drive *drive)
{
	ASSERT(cache_used_blocks(drive->cache) <= drive->config.capacity_blocks);
}

void drive_time(struct drive *drive, int64_t now_ns)
{
	cache_advance(drive->cache, now_ns);
	check(drive);
}

static void describe(struct drive *drive, uint32_t index)
{
	const struct trace_request *request = &drive->trace->requests[index];
	struct policy_now *now = cache_now(drive->cache);
	now->request = index;
	now->ordinal = request->ordinal;
	now->session = request->session;
	now->turn = request->turn;
	now->class_id = request->class_id;
	now->prompt_tokens = request->prompt_tokens;
	now->output_tokens = request->output_tokens;
	now->think_ns = request->think_ns;
	const struct trace_hints none = {NAN, NAN, NAN, NAN, INT32_MIN, UINT32_MAX, TRACE_NO_CLASS, 0};
	const struct trace_hints *hints = request->hints == UINT32_MAX ? &none : &drive->trace->hints[request->hints];
	now->cost = hints->cost;
	now->expected_reuse = hints->expected_reuse;
	now->perplexity = hints->perplexity;
	now->time_variance = hints->time_variance;
	now->priority = hints->priority;
	now->prefix_tokens = hints->prefix_tokens;
	now->workload = hints->workload;
}

struct drive_hold drive_acquire(struct drive *drive, uint32_t request, uint32_t missed[BLOCK_STATES])
{
	uint32_t unwanted[BLOCK_STATES] = {0};
	struct drive_hold hold = {.request = request};
	hold.path = replay_path(drive->trace, &drive->trace->requests[request], drive->config.tail_cached);
	describe(drive, request);
	cache_now(drive->cache)->seq++;
	if (cache_needs_future(drive->cache)) {
		block_id *path = mem_alloc(drive->trace->block_count, sizeof(*path));
		const uint32_t count = drive_path(drive, request, path);
		for (uint32_t i = 0; i < count; i++)
			cache_next_use(drive->cache)[path[i]] = next_use(drive, request, path[i]);
		free(path);
	}
	hold.hit_blocks = cache_lookup(drive->cache, hold.path);
	hold.held_blocks = cache_acquire(drive->cache, hold.path, hold.hit_blocks, missed ? missed : unwanted);
	ASSERT(hold.held_blocks >= hold.hit_blocks && hold.held_blocks <= hold.path.block_count);
	ASSERT(cache_lookup(drive->cache, hold.path) == hold.held_blocks);
	check(drive);
	return hold;
}

void drive_release(struct drive *drive, const struct drive_hold *hold)
{
	ASSERT(cache_lookup(drive->cache, hold->path) >= hold->held_blocks);
	cache_release(drive->cache, hold->path, hold->held_blocks);
	check(drive);
}

static void single_blocks(struct drive *drive, const block_id *path, const uint32_t *next, uint32_t count, uint8_t *hit)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct trace_run run = {path[i], 1};
		const struct path one = {&run, 1};
		uint32_t missed[BLOCK_STATES] = {0};
		/* The request's whole prompt is this block. */
		cache_now(drive->cache)->prompt_tokens = drive->trace->block_tokens;
		cache_now(drive->cache)->output_tokens = 0;
		cache_now(drive->cache)->seq++;
		if (next)
			cache_next_use(drive->cache)[path[i]] = next[i];
		hit[i] = (uint8_t)cache_lookup(drive->cache, one);
		cache_release(drive->cache, one, cache_acquire(drive->cache, one, hit[i], missed));
	}
}

uint32_t drive_objects(struct drive *drive, uint32_t request, uint8_t *hit)
{
	block_id *path = mem_alloc(drive->trace->block_count, sizeof(*path));
	uint32_t *next = NULL, hits = 0;
	const uint32_t count = drive_path(drive, request, path);
	describe(drive, request);
	if (cache_needs_future(drive->cache)) {
		next = mem_alloc(count, sizeof(*next));
		for (uint32_t i = 0; i < count; i++)
			next[i] = next_use(drive, request, path[i]);
	}
	if (!drive->config.single)
		cache_objects(drive->cache, path, next, count, hit);
	else
		single_blocks(drive, path, next, count, hit);
	check(drive);
	for (uint32_t i = 0; i < count; i++)
		hits += hit[i];
	free(next);
	free(path);
	return hits;
}

void drive_states(const struct drive *drive, char *states)
{
	static const char letters[BLOCK_STATES] = {[BLOCK_NEVER] = '.', [BLOCK_RESIDENT] = 'r', [BLOCK_EVICTED] = 'e',
	                                           [BLOCK_EXPIRED] = 'x'};
	for (uint32_t b = 0; b < drive->trace->block_count; b++)
		states[b] = letters[cache_block_state(drive->cache, b)];
	states[drive->trace->block_count] = '\0';
}
