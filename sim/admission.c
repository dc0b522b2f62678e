/* admission.c - what a waiting sequence finds in the tiers, what is booked for it, and what it loads. */
#include "engine_log.h"
#include "engine_state.h"
#include "replay.h"

/* What an admission found: the prefix hit in the first tier, and how lower tiers go on from there. */
struct finding {
	uint32_t hit_blocks;       /* of them, at most the usable ones */
	uint32_t reachable_blocks; /* hit or in lower tiers, without a gap */
	uint32_t usable_blocks;    /* the last-token rule's bound */
	struct tier_segment segments[LOAD_SEGMENTS]; /* to be loaded */
	uint32_t segment_count, load_blocks;
};

/* Where the tokens of a block that no tier holds are booked. */
static uint64_t *absent_column(const struct engine *engine, struct ledger *ledger, block_id b)
{
	switch (tiers_absent_state(engine->tiers, b)) {
	case BLOCK_NEVER:
		return &ledger->cold_tokens;
	case BLOCK_EXPIRED:
		return &ledger->expired_tokens;
	default:
		return &ledger->evicted_tokens;
	}
}

/* Books the blocks from `place` on, which are neither hit nor loaded. Up to the first that is in no tier they could have
 * been, were it worth it or were their tiers not away. */
static void book_misses(struct engine *engine, struct sequence *sequence, const struct finding *finding, uint32_t place)
{
	struct ledger *ledger = &sequence->outcome.ledger;
	const uint32_t tier_count = tiers_count(engine->tiers);
	bool unbroken = true;
	struct trace_run stretch;
	for (struct path_walk walk = path_forward(sequence->path, place); path_next(&walk, &stretch);) {
		for (uint32_t i = 0; i < stretch.count; i++, place++) {
			uint64_t *column = &ledger->orphaned_tokens;
			const uint32_t holder = tiers_holder(engine->tiers, stretch.first + i);
			unbroken &= holder < tier_count;
			if (holder == tier_count) {
				column = absent_column(engine, ledger, stretch.first + i);
			} else if (unbroken && place >= finding->usable_blocks) {
				column = &ledger->forced_tokens;
			} else if (unbroken) {
				column = &ledger->not_loaded_tokens;
				if (link_is_down(tiers_link(engine->tiers, holder), engine->now_ns))
					engine->result->tiers[holder].away_tokens += engine->block_tokens;
			}
			*column += engine->block_tokens;
		}
	}
}

/* Books the prompt's tokens, at the first admission. */
static void book(struct engine *engine, uint32_t request, const struct finding *finding)
{
	struct sequence *sequence = &engine->sequences[request];
	struct ledger *ledger = &sequence->outcome.ledger;
	const uint64_t block = engine->block_tokens;
	const uint32_t covered = finding->hit_blocks + finding->load_blocks;
	*ledger = (struct ledger){.tier_hit_tokens = {finding->hit_blocks * block}, .hit_tokens = covered * block};
	for (uint32_t i = 0; i < finding->segment_count; i++)
		ledger->tier_hit_tokens[finding->segments[i].tier] += finding->segments[i].count * block;
	book_misses(engine, sequence, finding, covered);
	ledger->partial_tokens = engine->trace->requests[request].prompt_tokens - sequence->path.block_count * block;
	sequence->outcome.path_blocks = sequence->path.block_count;
	sequence->outcome.hit_blocks = covered;
	sequence->outcome.full_hit =
	        finding->reachable_blocks == sequence->path.block_count && ledger->partial_tokens == 0;
}

/* Whether loading the last of `count` segments now, after the others, beats computing it. */
static bool worth_loading(const struct engine *engine, const struct tier_segment *segments, uint32_t count,
                          uint64_t target_tokens)
{
	const struct tier_segment *segment = &segments[count - 1];
	if (engine->config->load != LOAD_FASTER)
		return engine->config->load == LOAD_ALWAYS;
	const uint64_t start = (uint64_t)segment->from * engine->block_tokens;
	const uint64_t end = start + (uint64_t)segment->count * engine->block_tokens;
	const int64_t computing_ns = engine->ops->alone_ns(engine->backend, target_tokens - start, start) -
	                             engine->ops->alone_ns(engine->backend, target_tokens - end, end);
	return tiers_load_arrival_ns(engine->tiers, segments, count, engine->now_ns) - engine->now_ns < computing_ns;
}

static void find(const struct engine *engine, uint32_t request, struct finding *finding)
{
	const struct sequence *sequence = &engine->sequences[request];
	*finding = (struct finding){.usable_blocks = (uint32_t)((sequence->target_tokens - 1) / engine->block_tokens)};
	const uint32_t hit = cache_lookup(engine->cache, sequence->path);
	finding->hit_blocks = (uint32_t)smaller(hit, finding->usable_blocks);
	finding->reachable_blocks = hit;
	if (tiers_count(engine->tiers) == 1 || hit >= sequence->path.block_count)
		return;
	struct tier_segment found[LOAD_SEGMENTS];
	const uint32_t count =
	        tiers_find(engine->tiers, sequence->path, hit, engine->now_ns, found, LOAD_SEGMENTS);
	bool loading = engine->config->load != LOAD_NEVER && !engine->config->no_offload;
	for (uint32_t i = 0; i < count; i++) {
		finding->reachable_blocks += found[i].count;
		struct tier_segment *segment = &finding->segments[i];
		*segment = found[i];
		const uint32_t left = finding->usable_blocks - finding->hit_blocks - finding->load_blocks;
		segment->count = segment->count < left ? segment->count : left;
		loading = loading && segment->count > 0 &&
		          worth_loading(engine, finding->segments, i + 1, sequence->target_tokens);
		if (loading) {
			finding->segment_count++;
			finding->load_blocks += segment->count;
		}
	}
}

/* Whether a load from `tier` that starts now comes to nothing. */
static bool load_fails(struct engine *engine, uint32_t tier)
{
	bool fails = false;
	for (uint32_t f = 0; f < engine->config->fault_count; f++) {
		const struct fault *fault = &engine->config->faults[f];
		if (fault->tier == tier && fault->load_failure > 0)
			fails |= gsl_rng_uniform(engine->fleet->rng) < fault->load_failure;
	}
	return fails;
}

/* Takes the first tier's memory for a load, whose blocks are held in their tiers before that, since what makes room here
 * may push others out there. False, with nothing changed, where a policy would not make room. */
static bool hold_load(struct engine *engine, struct sequence *sequence, const struct finding *finding)
{
	for (uint32_t i = 0; i < finding->segment_count; i++)
		tiers_lend(engine->tiers, sequence->path, &finding->segments[i]);
	sequence->reserved_blocks = cache_reserve(engine->cache, finding->load_blocks);
	if (sequence->reserved_blocks == finding->load_blocks)
		return true;
	cache_unreserve(engine->cache, sequence->reserved_blocks);
	sequence->reserved_blocks = 0;
	for (uint32_t i = 0; i < finding->segment_count; i++)
		tiers_return(engine->tiers, sequence->path, &finding->segments[i], false);
	return false;
}

static int64_t transfer(const struct engine *engine, uint32_t request, const struct tier_segment *segment)
{
	if (!engine->ops->load_ns)
		return BACKEND_AS_LINK;
	return engine->ops->load_ns(engine->backend, request, segment->tier, engine->sequences[request].path, segment->from,
	                            segment->from + segment->count);
}

/* A load that fails takes its time like any other; it and those behind it in the path are of no use then. */
static void start_load(struct engine *engine, uint32_t request, const struct finding *finding)
{
	struct sequence *sequence = &engine->sequences[request];
	int64_t ready_ns = engine->now_ns, useful_ns = engine->now_ns;
	sequence->loading_count = sequence->useful_count = finding->segment_count;
	sequence->refused_segments = 0;
	for (uint32_t i = 0; i < finding->segment_count; i++) {
		const struct tier_segment *segment = &finding->segments[i];
		const int64_t took_ns = transfer(engine, request, segment);
		const int64_t arrival_ns = tiers_load(engine->tiers, sequence->path, segment,
		                                      took_ns == BACKEND_FAILED ? BACKEND_AS_LINK : took_ns, engine->now_ns);
		ready_ns = arrival_ns > ready_ns ? arrival_ns : ready_ns;
		sequence->loading[i] = *segment;
		sequence->refused_segments |= (uint32_t)(took_ns == BACKEND_FAILED) << i;
		if (load_fails(engine, segment->tier) || took_ns == BACKEND_FAILED) {
			engine->result->tiers[segment->tier].failed_loads++;
			sequence->useful_count = i < sequence->useful_count ? i : sequence->useful_count;
		}
		if (i < sequence->useful_count)
			useful_ns = ready_ns;
		else
			engine->result->tiers[segment->tier].failed_tokens += (uint64_t)segment->count * engine->block_tokens;
	}
	if (sequence->useful_count < sequence->loading_count)
		engine->result->tiers[sequence->loading[sequence->useful_count].tier].failed_wait_ns += ready_ns - useful_ns;
	sequence->state = SEQUENCE_LOADING;
	engine->loading_count++;
	engine_log_event(engine->config->log, engine->now_ns, "load", request,
	                 (uint64_t)finding->load_blocks * engine->block_tokens, ready_ns - engine->now_ns);
	engine_plan(engine, ready_ns, EVENT_LOADED, request);
}

/* What those that have begun still need to answer. */
static uint64_t missing_blocks(const struct engine *engine)
{
	uint64_t missing = engine->missing_blocks;
	for (uint32_t i = 0; i < engine->running_count; i++) {
		const struct sequence *sequence = &engine->sequences[engine->running[i]];
		if (sequence->computed_tokens < sequence->target_tokens)
			missing += engine_missing_blocks(engine, sequence);
	}
	return missing;
}

bool admission_admit(struct engine *engine, uint32_t request)
{
	struct sequence *sequence = &engine->sequences[request];
	struct finding finding;
	sequence->path = replay_path(engine->trace, &engine->trace->requests[request], false);
	find(engine, request, &finding);
	/* Hits that nobody uses now stop being free room. */
	const uint64_t idle = cache_idle_blocks(engine->cache, sequence->path, finding.hit_blocks);
	const uint64_t free = cache_free_blocks(engine->cache);
	if (idle + engine_blocks(engine, sequence->target_tokens) - finding.hit_blocks > free)
		return false;
	/* A load holds its memory without getting on, so it may not take what others wait for. */
	if (finding.load_blocks && idle + finding.load_blocks + missing_blocks(engine) > free)
		return false;
	scheduler_describe(engine, request);
	tiers_watch(engine->tiers, sequence->path, finding.reachable_blocks);
	cache_touch(engine->cache, sequence->path, finding.hit_blocks);
	sequence->held_blocks = sequence->hit_blocks = sequence->told_blocks = finding.hit_blocks;
	engine_hold(engine, request, sequence->path, 0, finding.hit_blocks, 0);
	sequence->computed_tokens = (uint64_t)finding.hit_blocks * engine->block_tokens;
	if (finding.load_blocks && !hold_load(engine, sequence, &finding))
		finding.load_blocks = finding.segment_count = 0;
	if (sequence->preemptions == 0) {
		sequence->admitted_ns = sequence->ready_ns = engine->now_ns;
		book(engine, request, &finding);
	}
	engine_log_event(engine->config->log, engine->now_ns, "admit", request, sequence->computed_tokens,
	                 engine->now_ns - sequence->arrival_ns);
	sequence->missing_blocks = engine_missing_blocks(engine, sequence);
	engine->missing_blocks += sequence->missing_blocks;
	if (finding.load_blocks)
		start_load(engine, request, &finding);
	else
		scheduler_ready(engine, request);
	return true;
}

/* How many of the blocks that have come stay in the first tier: up to the first that its tier does not promote. Each of
 * them has been hit there, whether it stays or not. */
static uint32_t promoted_blocks(struct engine *engine, const struct sequence *sequence)
{
	uint32_t promoted = 0;
	bool unbroken = true;
	for (uint32_t i = 0; i < sequence->useful_count; i++) {
		const struct tier_segment *segment = &sequence->loading[i];
		const struct path part = {sequence->path.runs, segment->from + segment->count};
		struct trace_run stretch;
		for (struct path_walk walk = path_forward(part, segment->from); path_next(&walk, &stretch);) {
			for (uint32_t k = 0; k < stretch.count; k++) {
				unbroken &= tiers_promotes(engine->tiers, segment->tier, stretch.first + k);
				promoted += unbroken;
			}
		}
	}
	return promoted;
}

/* The blocks that have come become blocks of the first tier, as far as their tiers promote them; the rest serves this
 * request only, and what follows it cannot be kept either, since its prefix is not there. */
static void keep_loaded(struct engine *engine, uint32_t request, uint32_t blocks)
{
	struct sequence *sequence = &engine->sequences[request];
	const uint32_t from = sequence->held_blocks, kept = promoted_blocks(engine, sequence);
	if (kept < blocks)
		sequence->path.block_count = from + kept;
	cache_unreserve(engine->cache, kept);
	sequence->reserved_blocks -= kept;
	scheduler_describe(engine, request);
	sequence->held_blocks = cache_extend(engine->cache, sequence->path, from, from + kept);
	ASSERT(sequence->held_blocks == from + kept);
	sequence->told_blocks = sequence->held_blocks;
	engine_hold(engine, request, sequence->path, from, from + kept, from);
	sequence->computed_tokens += (uint64_t)blocks * engine->block_tokens;
}

/* What did not come is computed after all; its room stays reserved for that. */
static void unbook_failed(struct sequence *sequence, uint64_t block_tokens)
{
	struct ledger *ledger = &sequence->outcome.ledger;
	for (uint32_t i = sequence->useful_count; i < sequence->loading_count; i++) {
		const struct tier_segment *segment = &sequence->loading[i];
		ledger->tier_hit_tokens[segment->tier] -= segment->count * block_tokens;
		ledger->hit_tokens -= segment->count * block_tokens;
		ledger->not_loaded_tokens += segment->count * block_tokens;
		sequence->outcome.hit_blocks -= segment->count;
	}
}

void admission_loaded(struct engine *engine, uint32_t request)
{
	struct sequence *sequence = &engine->sequences[request];
	uint32_t blocks = 0;
	for (uint32_t i = 0; i < sequence->useful_count; i++)
		blocks += sequence->loading[i].count;
	for (uint32_t i = 0; i < sequence->loading_count; i++)
		tiers_return(engine->tiers, sequence->path, &sequence->loading[i], i < sequence->useful_count);
	for (uint32_t i = 0; i < sequence->loading_count; i++) {
		if (sequence->refused_segments >> i & 1)
			tiers_lose(engine->tiers, sequence->path, &sequence->loading[i]);
	}
	engine->loading_count--;
	scheduler_ready(engine, request);
	if (sequence->preemptions == 0) {
		sequence->ready_ns = engine->now_ns;
		unbook_failed(sequence, engine->block_tokens);
	}
	if (engine->ops->trim && sequence->useful_count < sequence->loading_count)
		engine->ops->trim(engine->backend, request, sequence->held_blocks + blocks);
	keep_loaded(engine, request, blocks);
	scheduler_wait(engine, request);
}
