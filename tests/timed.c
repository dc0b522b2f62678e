#include "timed.h"

#include "cost_model.h"
#include "engine.h"
#include "engine_log.h"
#include "replay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct calibration timed_calibration = {
        .name = "made",
        .device = "none",
        .model = "none",
        .provenance = "made up",
        .only_prompts_have_rows = true,
        .prompt_step_ns = 5000000,
        .decode_step_ns = 6000000.5,
        .terms = {
                [TERM_ROWS] = CALIBRATION_LINE(70000.25),
                [TERM_PAIRS] = CALIBRATION_LINE(3.125),
                [TERM_CONTEXT] = CALIBRATION_LINE(11.3),
        },
};

const struct calibration timed_curved_calibration = {
        .name = "curved",
        .device = "none",
        .model = "none",
        .provenance = "made up",
        .prompt_step_ns = 300000,
        .decode_step_ns = 200000.7,
        .weights_ns = 4000000.3,
        .sharpness = 4,
        .row_tile_tokens = 16,
        .attention_tile_tokens = 8,
        .distinct_free_64ths = 27,
        .power = {.fast = {.slowdown = 0.3, .half_life_ns = 3000000, .from = 0.02, .full = 0.3},
                  .slow = {.slowdown = 0.05, .half_life_ns = 20000000, .from = 0.01, .full = 0.1},
                  .light_slowdown = 0.1, .most = 0.25, .pairs_load = 0.5, .least_rows = 20},
        .terms = {
                [TERM_ROWS] = {3, {{16, 400000}, {24, 900000.1}, {60, 1300000}}},
                [TERM_ROW_TILES] = CALIBRATION_LINE(30000.3),
                [TERM_SEQUENCES] = CALIBRATION_LINE(1000.9),
                [TERM_PAIRS] = {2, {{1000, 70000}, {20000, 900000}}},
                [TERM_KEYS] = CALIBRATION_LINE(2.7),
                [TERM_DECODES] = {2, {{3, 5000.5}, {5, 9000}}},
                [TERM_CONTEXT] = {4, {{40, 3000.3}, {41, 30000}, {300, 30000}, {2000, 123456.7}}},
                [TERM_DISTINCT] = {2, {{500, 4000.3}, {30000, 150000.9}}},
                [TERM_UNEVEN] = {2, {{70, 3000.2}, {1500, 20000}}},
                [TERM_BESIDE] = {2, {{2, 2000.8}, {4, 9000}}},
        },
};

struct collector {
	const struct trace *trace;
	struct timed_result *result;
};

static void collect(void *context, const struct trace_request *request, int64_t arrival_ns,
                    const struct request_outcome *outcome)
{
	const struct collector *collector = context;
	struct timed_result *result = collector->result;
	const uint32_t index = (uint32_t)(request - collector->trace->requests);
	result->outcomes[index] = *outcome;
	result->arrival_ns[index] = arrival_ns;
	result->order[result->answered++] = index;
}

static void must(int failed, const struct err *err)
{
	if (!failed)
		return;
	fprintf(stderr, "%s\n", err->text);
	exit(1);
}

/* The lower tiers of the setup behind one that stands for the first; how many there are in all. */
static uint32_t open_tiers(const struct timed_setup *setup, struct tier_config *tiers)
{
	struct err err;
	uint32_t count = 1;
	must(tier_config_parse(&tiers[0], "gpu:inf", &err), &err);
	for (; count < TIER_MOST && setup->tiers[count - 1]; count++) {
		struct tier_config *tier = &tiers[count];
		must(tier_config_parse(tier, setup->tiers[count - 1], &err), &err);
		tier->capacity_blocks = strcmp(tier->capacity, "inf") == 0 ? UINT64_MAX : strtoull(tier->capacity, NULL, 10);
	}
	return count;
}

static uint32_t fault_count(const struct timed_setup *setup)
{
	uint32_t count = 0;
	while (count < TIMED_FAULTS && setup->faults[count].tier)
		count++;
	return count;
}

static struct run_config configure(const struct timed_setup *setup, const struct tier_config *tiers, uint32_t tier_count)
{
	const bool fixed = setup->engine == ENGINE_STATIC;
	return (struct run_config){
	        .capacity_blocks = setup->capacity_blocks ? setup->capacity_blocks : UINT64_MAX,
	        .leaf = !setup->flat,
	        .recompute_last = true,
	        .speed = setup->speed > 0 ? setup->speed : 1,
	        .warmup = setup->warmup,
	        .seed = setup->seed,
	        .calibration = setup->calibration ? setup->calibration : &timed_calibration,
	        .kv_bytes_per_token = setup->bytes_per_token > 0 ? setup->bytes_per_token : 1000,
	        .engine = setup->engine ? setup->engine : ENGINE_VLLM,
	        .tiers = tiers,
	        .tier_count = tier_count,
	        .load = setup->load,
	        .step_tokens = fixed ? UINT32_MAX : setup->step_tokens ? setup->step_tokens : 8192,
	        .most_running = fixed ? 1 : setup->most_running ? setup->most_running : 256,
	        .keep_answers = !setup->drop_answers,
	        .closed_loop = setup->closed_loop,
	        .sessions = setup->sessions ? setup->sessions : 64,
	        .replicas = setup->replicas,
	        .archive_every_ns = setup->archive_every_ns ? setup->archive_every_ns : 60 * NS_PER_S,
	        .archive_bytes_per_s = setup->archive_bytes_per_s > 0 ? setup->archive_bytes_per_s : INFINITY,
	        .no_offload = setup->no_offload,
	        .faults = setup->faults,
	        .fault_count = fault_count(setup),
	        .on_request = collect,
	};
}

int timed_try(const struct trace *trace, const struct timed_setup *setup, struct timed_result *result, struct err *err)
{
	struct tier_config tiers[TIER_MOST];
	const uint32_t tier_count = open_tiers(setup, tiers);
	struct run_config config = configure(setup, tiers, tier_count);
	struct collector collector = {trace, result};
	struct cost_model model = cost_model_of(config.calibration);
	struct backend_ops ops = setup->ops ? *setup->ops : cost_model_backend;
	struct spec evict, ttl;
	struct err other;
	*result = (struct timed_result){.request_count = trace->request_count};
	result->outcomes = mem_alloc(trace->request_count, sizeof(*result->outcomes));
	result->arrival_ns = mem_alloc(trace->request_count, sizeof(*result->arrival_ns));
	result->order = mem_alloc(trace->request_count, sizeof(*result->order));
	must(spec_parse(&evict, setup->evict ? setup->evict : "lru", &other), &other);
	must(spec_parse(&ttl, setup->ttl ? setup->ttl : "none", &other), &other);
	must(router_parse(&config.router, setup->router ? setup->router : "least-loaded", &other), &other);
	if (setup->single_steps)
		ops.decode_ns = NULL;
	if (setup->log)
		must(!(config.log = engine_log_open(setup->log, &other)), &other);
	config.evict = &evict;
	config.ttl = &ttl;
	config.on_request_context = &collector;
	const int failed = engine_run(trace, &config, &ops, setup->ops ? setup->backend : &model, &result->run, err);
	must(engine_log_commit(config.log, &other), &other);
	spec_free(&evict);
	spec_free(&ttl);
	for (uint32_t i = 0; i < tier_count; i++)
		tier_config_free(&tiers[i]);
	if (failed)
		timed_free(result);
	return failed;
}

struct timed_result timed_run(const struct trace *trace, const struct timed_setup *setup)
{
	struct timed_result result;
	struct err err;
	must(timed_try(trace, setup, &result, &err), &err);
	return result;
}

void timed_free(struct timed_result *result)
{
	replay_free(&result->run);
	free(result->outcomes);
	free(result->arrival_ns);
	free(result->order);
	*result = (struct timed_result){0};
}

const struct metrics_group *timed_total(const struct timed_result *result)
{
	return metrics_total(result->run.metrics);
}

static bool outcomes_equal(const struct request_outcome *a, const struct request_outcome *b)
{
	return a->path_blocks == b->path_blocks && a->hit_blocks == b->hit_blocks && a->full_hit == b->full_hit &&
	       memcmp(&a->ledger, &b->ledger, sizeof(a->ledger)) == 0 && a->queue_ns == b->queue_ns &&
	       a->load_ns == b->load_ns && a->prefill_ns == b->prefill_ns && a->ttft_ns == b->ttft_ns &&
	       a->e2e_ns == b->e2e_ns && a->saved_ns == b->saved_ns && a->replica == b->replica;
}

bool timed_equal(const struct timed_result *a, const struct timed_result *b)
{
	struct run_result x = a->run, y = b->run;
	x.metrics = y.metrics = NULL;
	x.replicas = y.replicas = NULL;
	/* Both are zeroed before they are filled, padding included. */
	if (a->answered != b->answered || memcmp(&x, &y, sizeof(x)) != 0 ||
	    memcmp(a->run.replicas, b->run.replicas, x.replica_count * sizeof(*a->run.replicas)) != 0 ||
	    memcmp(a->order, b->order, a->answered * sizeof(*a->order)) != 0 ||
	    memcmp(a->arrival_ns, b->arrival_ns, a->request_count * sizeof(*a->arrival_ns)) != 0)
		return false;
	for (uint32_t r = 0; r < a->request_count; r++) {
		if (!outcomes_equal(&a->outcomes[r], &b->outcomes[r]))
			return false;
	}
	return true;
}

/* `whole`: all was counted from the first request on. */
static const char *tier_wrong(const struct tier_result *tier, const struct tier_config *config, double block_bytes,
                              bool whole)
{
	const double stored_bytes = (double)tier->stored_blocks * (double)llround(block_bytes * config->compress_ratio);
	const double loaded_bytes = (double)tier->loaded_blocks * block_bytes * config->compress_ratio;
	if (fabs((double)tier->written_bytes - stored_bytes) > 0.5)
		return "written bytes are not those of the stored blocks";
	/* Each load is rounded to whole bytes. */
	if (fabs((double)tier->read_bytes - loaded_bytes) > 0.5 * (double)tier->loaded_blocks)
		return "read bytes are not those of the loaded blocks";
	if (config->capacity_blocks != UINT64_MAX &&
	    tier->mean_resident_blocks > (double)config->capacity_blocks * tier->copies * (1 + 1e-9))
		return "a tier holds more than it can on average";
	if (whole && tier->stored_blocks != tier->evicted_blocks + tier->expired_blocks + tier->resident_blocks)
		return "what a tier took is neither there nor gone";
	return NULL;
}

/* Each request is one replica's: together they are the whole. */
static const char *replicas_wrong(const struct timed_setup *setup, const struct timed_result *result)
{
	const struct run_result *run = &result->run;
	const struct metrics_group *total = timed_total(result);
	struct replica_result sum = {0};
	double most_s = 0;
	if (run->replica_count != (setup->replicas ? setup->replicas : 1))
		return "there are not as many replicas as asked for";
	for (uint32_t r = 0; r < run->replica_count; r++) {
		const struct replica_result *replica = &run->replicas[r];
		sum.requests += replica->requests;
		sum.prompt_tokens += replica->prompt_tokens;
		sum.hit_tokens += replica->hit_tokens;
		sum.busy_s += replica->busy_s;
		sum.ttft_ms.mean += replica->ttft_ms.mean * (double)replica->requests;
		most_s = fmax(most_s, replica->busy_s);
	}
	if (sum.requests != total->requests || sum.prompt_tokens != total->prompt_tokens ||
	    sum.hit_tokens != total->ledger.hit_tokens)
		return "the replicas' requests and tokens are not those of all";
	if (fabs(sum.busy_s - run->busy_s) > 1e-9 * (1 + run->busy_s))
		return "the replicas' busy times do not add up";
	const double ttft_sum_ms = total->time_ms[METRICS_TTFT].mean * (double)total->requests;
	if (fabs(sum.ttft_ms.mean - ttft_sum_ms) > 1e-9 * (1 + ttft_sum_ms))
		return "the replicas' mean TTFTs are not the mean of all";
	if (run->busy_s > 0 && fabs(run->imbalance - most_s * run->replica_count / run->busy_s) > 1e-9 * run->replica_count)
		return "the imbalance is not that of the busy times";
	return NULL;
}

struct start {
	int64_t arrival_ns, started_ns;
};

static int compare_starts(const void *a, const void *b)
{
	const struct start *x = a, *y = b;
	if (x->arrival_ns != y->arrival_ns)
		return x->arrival_ns < y->arrival_ns ? -1 : 1;
	return (x->started_ns > y->started_ns) - (x->started_ns < y->started_ns);
}

/* First come, first served: nobody who came later began before. Where nothing is loaded. */
static bool overtaken(const struct timed_result *result)
{
	struct start *starts = mem_alloc(result->answered, sizeof(*starts));
	bool found = false;
	for (uint32_t i = 0; i < result->answered; i++) {
		const uint32_t r = result->order[i];
		starts[i] = (struct start){result->arrival_ns[r], result->arrival_ns[r] + result->outcomes[r].queue_ns};
	}
	qsort(starts, result->answered, sizeof(*starts), compare_starts);
	for (uint32_t i = 1; i < result->answered; i++)
		found |= starts[i].started_ns < starts[i - 1].started_ns;
	free(starts);
	return found;
}

const char *timed_wrong(const struct trace *trace, const struct timed_setup *setup, const struct timed_result *result)
{
	const double block_bytes = (setup->bytes_per_token > 0 ? setup->bytes_per_token : 1000) * trace->block_tokens;
	const char *wrong = NULL;
	struct tier_config tiers[TIER_MOST];
	const uint32_t tier_count = open_tiers(setup, tiers);
	tiers[0].capacity_blocks = setup->capacity_blocks ? setup->capacity_blocks : UINT64_MAX;
	for (uint32_t t = 0; t < tier_count && !wrong; t++)
		wrong = tier_wrong(&result->run.tiers[t], &tiers[t], block_bytes, t > 0 && setup->warmup == 0);
	for (uint32_t t = 0; t < tier_count; t++)
		tier_config_free(&tiers[t]);
	if (result->answered + result->run.rejected_requests !=
	    trace->request_count - (uint32_t)(setup->warmup * trace->request_count))
		return "requests are neither answered nor rejected";
	if (!wrong)
		wrong = replicas_wrong(setup, result);
	if (tier_count == 1 && setup->replicas <= 1 && overtaken(result))
		return "a later request overtook an earlier one";
	for (uint32_t i = 0; i < result->answered && !wrong; i++) {
		const uint32_t r = result->order[i];
		const struct request_outcome *o = &result->outcomes[r];
		const struct ledger *l = &o->ledger;
		uint64_t hits = 0;
		for (size_t t = 0; t < TIER_MOST; t++)
			hits += l->tier_hit_tokens[t];
		if (hits != l->hit_tokens || hits + l->cold_tokens + l->evicted_tokens + l->expired_tokens + l->orphaned_tokens +
		                                             l->partial_tokens + l->forced_tokens + l->not_loaded_tokens !=
		                                     trace->requests[r].prompt_tokens)
			wrong = "a ledger does not add up";
		if (l->hit_tokens != (uint64_t)o->hit_blocks * trace->block_tokens || l->hit_tokens >= trace->requests[r].prompt_tokens)
			wrong = "hit tokens are not whole blocks that leave a token";
		if (o->queue_ns < 0 || o->load_ns < 0 || o->prefill_ns <= 0 || o->queue_ns + o->load_ns + o->prefill_ns != o->ttft_ns ||
		    o->e2e_ns < o->ttft_ns)
			wrong = "times do not add up";
	}
	return wrong;
}

void timed_dress(struct trace *trace, struct make_rng *rng, uint32_t most_output, int64_t most_think_ns)
{
	struct trace_request *requests = (struct trace_request *)(uintptr_t)trace->requests;
	for (uint32_t r = 0; r < trace->request_count; r++) {
		/* Short ones are as likely as long ones. */
		const uint32_t most = make_chance(rng, 50) ? most_output : most_output / 16 + 2;
		requests[r].output_tokens = make_chance(rng, 5) ? 0 : 1 + (uint32_t)make_random(rng, most);
		if (most_think_ns > 0 && make_chance(rng, 80))
			requests[r].think_ns = (int64_t)make_random(rng, (uint64_t)most_think_ns);
	}
}
