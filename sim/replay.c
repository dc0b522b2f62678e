#include "replay.h"

#include "blocks_csv.h"
#include "cost_model.h"
#include "future.h"

#include <math.h>
#include <stdlib.h>

/* References served per call under object semantics, while time stands still. */
#define OBJECT_BATCH 4096

struct run {
	const struct trace *trace;
	const struct run_config *config;
	struct replay_cost cost;
	struct cost_model model;
	struct cache *cache;
	struct future *future;       /* offline policies, prefix semantics */
	uint32_t *next;              /* offline policies, object semantics */
	uint64_t references_served;  /* object semantics */
	struct metrics *metrics;
	uint32_t first_counted;
	int64_t first_counted_ns, last_ns;
	struct cache_counts before; /* when counting began */
};

struct path replay_path(const struct trace *trace, const struct trace_request *request, bool tail_cached)
{
	struct path path = {trace->runs + request->run_first, request->block_count};
	const uint32_t whole = request->prompt_tokens / trace->block_tokens;
	if (!tail_cached && path.block_count > whole)
		path.block_count = whole;
	return path;
}

uint64_t replay_references(const struct trace *trace, bool tail_cached)
{
	uint64_t references = 0;
	for (uint32_t r = 0; r < trace->request_count; r++)
		references += replay_path(trace, &trace->requests[r], tail_cached).block_count;
	return references;
}

void replay_describe(struct policy_now *now, const struct trace *trace, uint32_t index)
{
	const struct trace_request *request = &trace->requests[index];
	now->request = index;
	now->ordinal = request->ordinal;
	now->session = request->session;
	now->turn = request->turn;
	now->class_id = request->class_id;
	now->prompt_tokens = request->prompt_tokens;
	now->output_tokens = request->output_tokens;
	now->think_ns = request->think_ns;
	now->queue_ns = 0;
	const struct trace_hints none = {NAN, NAN, NAN, NAN, INT32_MIN, UINT32_MAX, TRACE_NO_CLASS, 0};
	const struct trace_hints *hints = request->hints == UINT32_MAX ? &none : &trace->hints[request->hints];
	now->cost = hints->cost;
	now->expected_reuse = hints->expected_reuse;
	now->perplexity = hints->perplexity;
	now->time_variance = hints->time_variance;
	now->priority = hints->priority;
	now->prefix_tokens = hints->prefix_tokens;
	now->workload = hints->workload;
}

/* Books the tokens of a prefix-semantics request: `hit` blocks from the root, the others by the state they were in. */
static void book(const struct run *run, const struct trace_request *request, uint32_t path_blocks, uint32_t hit,
                 const uint32_t missed[BLOCK_STATES], uint8_t last_state, struct request_outcome *outcome)
{
	const uint64_t block = run->trace->block_tokens, prompt = request->prompt_tokens;
	struct ledger *ledger = &outcome->ledger;
	*ledger = (struct ledger){.hit_tokens = smaller(hit * block, prompt)};
	ledger->cold_tokens = missed[BLOCK_NEVER] * block;
	ledger->evicted_tokens = missed[BLOCK_EVICTED] * block;
	ledger->expired_tokens = missed[BLOCK_EXPIRED] * block;
	ledger->orphaned_tokens = missed[BLOCK_RESIDENT] * block;
	const uint64_t path_tokens = path_blocks * block;
	if (path_tokens <= prompt) {
		ledger->partial_tokens = prompt - path_tokens;
	} else if (hit < path_blocks) {
		/* The last block is a partial one that missed: it holds less than was booked. */
		uint64_t *const booked[BLOCK_STATES] = {
		        [BLOCK_NEVER] = &ledger->cold_tokens,
		        [BLOCK_RESIDENT] = &ledger->orphaned_tokens,
		        [BLOCK_EVICTED] = &ledger->evicted_tokens,
		        [BLOCK_EXPIRED] = &ledger->expired_tokens,
		};
		*booked[last_state] -= path_tokens - prompt;
	}
	if (run->config->recompute_last) {
		const uint64_t usable = (prompt - 1) / block * block;
		if (ledger->hit_tokens > usable) {
			ledger->forced_tokens = ledger->hit_tokens - usable;
			ledger->hit_tokens = usable;
		}
	}
	ledger->tier_hit_tokens[0] = ledger->hit_tokens;
	outcome->path_blocks = path_blocks;
	outcome->hit_blocks = run->config->recompute_last ? (uint32_t)smaller(hit, (prompt - 1) / block) : hit;
	outcome->full_hit = hit == path_blocks && ledger->partial_tokens == 0;
}

static void serve_prefix(struct run *run, uint32_t index, struct request_outcome *outcome)
{
	const struct trace_request *request = &run->trace->requests[index];
	struct path path = replay_path(run->trace, request, run->config->tail_cached);
	if (request->prompt_tokens < run->config->least_prompt_tokens)
		path.block_count = 0;
	uint32_t missed[BLOCK_STATES] = {0};
	cache_now(run->cache)->seq++;
	if (run->future)
		future_show(run->future, index, path, cache_next_use(run->cache));
	const uint32_t hit = cache_lookup(run->cache, path);
	const block_id last = path_last(path);
	const uint8_t last_state = hit < path.block_count ? (uint8_t)cache_block_state(run->cache, last) : BLOCK_RESIDENT;
	/* Under the last-token rule the end of a full hit is computed again, beside its cached copy, which stays as it is. */
	struct path used = path;
	if (run->config->recompute_last && hit == path.block_count)
		used.block_count = (uint32_t)smaller(hit, (request->prompt_tokens - 1) / run->trace->block_tokens);
	const uint32_t held = cache_acquire(run->cache, used, (uint32_t)smaller(hit, used.block_count), missed);
	cache_release(run->cache, used, held);
	if (run->future && used.block_count < path.block_count)
		cache_reconsider(run->cache, last);
	book(run, request, path.block_count, hit, missed, last_state, outcome);
}

/* Each reference for itself; the ledger knows hits and, from the states before, why the others missed. */
static void serve_objects(struct run *run, uint32_t index, struct request_outcome *outcome)
{
	const struct trace_request *request = &run->trace->requests[index];
	const struct path path = replay_path(run->trace, request, run->config->tail_cached);
	const uint64_t block = run->trace->block_tokens;
	const uint64_t path_tokens = smaller(path.block_count * block, request->prompt_tokens);
	block_id refs[OBJECT_BATCH];
	uint8_t hit[OBJECT_BATCH], before[OBJECT_BATCH];
	struct trace_run stretch;
	uint64_t served_tokens = 0;
	outcome->path_blocks = path.block_count;
	struct ledger *ledger = &outcome->ledger;
	*ledger = (struct ledger){.partial_tokens = request->prompt_tokens - path_tokens};
	for (struct path_walk walk = path_forward(path, 0); path_next(&walk, &stretch);) {
		while (stretch.count > 0) {
			const uint32_t count = (uint32_t)smaller(stretch.count, OBJECT_BATCH);
			for (uint32_t i = 0; i < count; i++) {
				refs[i] = stretch.first + i;
				before[i] = (uint8_t)cache_block_state(run->cache, refs[i]);
			}
			cache_objects(run->cache, refs, run->next ? run->next + run->references_served : NULL, count, hit);
			run->references_served += count;
			for (uint32_t i = 0; i < count; i++) {
				const uint64_t tokens = smaller(block, path_tokens - served_tokens);
				served_tokens += tokens;
				outcome->hit_blocks += hit[i];
				if (hit[i])
					ledger->hit_tokens += tokens;
				else if (before[i] == BLOCK_EXPIRED)
					ledger->expired_tokens += tokens;
				else if (before[i] == BLOCK_NEVER)
					ledger->cold_tokens += tokens;
				else
					ledger->evicted_tokens += tokens;
			}
			stretch.first += count;
			stretch.count -= count;
		}
	}
	ledger->tier_hit_tokens[0] = ledger->hit_tokens;
	outcome->full_hit = outcome->hit_blocks == path.block_count && ledger->partial_tokens == 0;
}

static void price_time(const struct run *run, const struct trace_request *request, struct request_outcome *outcome)
{
	const uint64_t hit_tokens = outcome->ledger.hit_tokens;
	outcome->prefill_ns = cost_model_prompt_ns(&run->model, request->prompt_tokens - hit_tokens, hit_tokens);
	outcome->saved_ns = cost_model_prompt_ns(&run->model, request->prompt_tokens, 0) - outcome->prefill_ns;
	outcome->ttft_ns = outcome->prefill_ns;
	/* The prompt's prefill gives the first token. */
	outcome->e2e_ns = outcome->ttft_ns;
	if (request->output_tokens > 1)
		outcome->e2e_ns += cost_model_answer_ns(&run->model, request->prompt_tokens, request->output_tokens - 1);
}

static void serve(struct run *run, uint32_t index)
{
	const struct trace_request *request = &run->trace->requests[index];
	const int64_t arrival_ns = replay_sped_up_ns(run->config, request->arrival_ns);
	panic_where = (struct panic_where){index, arrival_ns};
	cache_advance(run->cache, arrival_ns);
	if (index == run->first_counted) {
		run->before = cache_counts(run->cache);
		run->first_counted_ns = arrival_ns;
		cache_residency_reset(run->cache);
	}
	run->last_ns = arrival_ns;
	replay_describe(cache_now(run->cache), run->trace, index);
	struct request_outcome outcome = {0};
	if (run->config->semantics == SEMANTICS_OBJECT)
		serve_objects(run, index, &outcome);
	else
		serve_prefix(run, index, &outcome);
	if (index < run->first_counted)
		return;
	price_time(run, request, &outcome);
	metrics_add(run->metrics, request, &outcome);
	if (run->config->on_request)
		run->config->on_request(run->config->on_request_context, request, arrival_ns, &outcome);
}

int64_t replay_sped_up_ns(const struct run_config *config, int64_t ns)
{
	return config->speed == 1 ? ns : llround((double)ns / config->speed);
}

double replay_recompute_ns(const void *cost, uint32_t depth)
{
	const struct replay_cost *of = cost;
	return calibration_block_ns(of->calibration, of->block_tokens, depth);
}

static int open_cache(struct run *run, struct err *err)
{
	const struct run_config *config = run->config;
	run->cost = (struct replay_cost){config->calibration, run->trace->block_tokens};
	run->model = cost_model_of(config->calibration);
	const struct cache_config cache_config = {
	        .evict = config->evict,
	        .ttl = config->ttl,
	        .capacity_blocks = config->capacity_blocks,
	        .leaf = config->leaf && config->semantics == SEMANTICS_PREFIX,
	        .objects = config->semantics == SEMANTICS_OBJECT,
	        .references = config->semantics == SEMANTICS_OBJECT ? replay_references(run->trace, config->tail_cached) : 0,
	        .seed = config->seed,
	        .history = config->blocks != NULL,
	        .recompute_ns = replay_recompute_ns,
	        .cost = &run->cost,
	        .block_bytes = config->kv_bytes_per_token > 0 ? config->kv_bytes_per_token * run->trace->block_tokens : NAN,
	};
	run->cache = cache_open(run->trace, &cache_config, err);
	return run->cache ? 0 : -1;
}

static int open_run(struct run *run, struct err *err)
{
	const struct run_config *config = run->config;
	if (open_cache(run, err) < 0)
		return -1;
	if (cache_needs_future(run->cache)) {
		if (config->semantics == SEMANTICS_PREFIX)
			run->future = future_open(run->trace, config->tail_cached);
		else if (!(run->next = future_objects(run->trace, config->tail_cached, err)))
			return -1;
	}
	return 0;
}

int replay_check(const struct trace *trace, const struct run_config *config, struct err *err)
{
	struct run_config smallest = *config;
	smallest.capacity_blocks = 1;
	struct run run = {.trace = trace, .config = &smallest};
	const int failed = open_cache(&run, err);
	cache_close(run.cache);
	return failed;
}

int replay_run(const struct trace *trace, const struct run_config *config, struct run_result *result, struct err *err)
{
	struct run run = {.trace = trace, .config = config};
	run.first_counted = (uint32_t)(config->warmup * trace->request_count);
	int failed = open_run(&run, err);
	if (!failed) {
		run.metrics = metrics_open(trace);
		for (uint32_t index = 0; index < trace->request_count; index++)
			serve(&run, index);
		metrics_finish(run.metrics);
		blocks_csv_rows(config->blocks, config->tier_count ? config->tiers[0].name : "gpu", run.cache);
		const struct cache_counts after = cache_counts(run.cache);
		*result = (struct run_result){
		        .metrics = run.metrics,
		        .counts = {after.evicted_blocks - run.before.evicted_blocks,
		                   after.expired_blocks - run.before.expired_blocks,
		                   after.declined_blocks - run.before.declined_blocks},
		        .held_block_s = (double)cache_residency(run.cache) / (double)NS_PER_S,
		        .span_s = (double)(run.last_ns - run.first_counted_ns) / (double)NS_PER_S,
		};
		if (result->span_s > 0)
			result->mean_resident_blocks = result->held_block_s / result->span_s;
	}
	cache_close(run.cache);
	future_close(run.future);
	free(run.next);
	return failed;
}

void replay_free(struct run_result *result)
{
	metrics_close(result->metrics);
	result->metrics = NULL;
	free(result->replicas);
	result->replicas = NULL;
}
