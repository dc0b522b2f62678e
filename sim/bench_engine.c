#include "bench_engine.h"

#include "calibration.h"
#include "simulate.h"

#include <gsl/gsl_sort.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define KV_BYTES_PER_TOKEN 131072.0 /* Llama-3.1-8B: 32 layers x 8 heads x 128 x 2 x 2 bytes */
#define SESSIONS 64
#define RUNS_MOST 64
#define REPLICAS 64
#define FLEET_SESSIONS 1024
/* Of larger traces no copies are made. */
#define COPIED_REFERENCES_MOST 2000000

static const char *const tier_texts[] = {
        "gpu:inf,evict=vllm",
        "host:inf,store=through,read=50GB/s,write=50GB/s,latency=10us",
        "disk:inf,store=through,read=6.5GB/s,write=3.5GB/s,latency=100us",
};
static const double tier_bytes[] = {60.0 * 1073741824, 200.0 * 1073741824, 2e12};

double bench_engine_cpu_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / (double)NS_PER_S;
}

static void copy_request(const struct trace *trace, uint32_t copy, int64_t later_ns, struct trace_request *request)
{
	request->arrival_ns += (int64_t)copy * later_ns;
	request->ordinal += copy * trace->request_count;
	request->session += request->session == TRACE_NO_SESSION ? 0 : copy * trace->session_count;
	request->run_first += copy * trace->run_count;
	request->answer_run_first += copy * trace->run_count;
}

/* The trace `times` over, one copy after another. */
static struct trace *repeat(const struct trace *trace, uint32_t times)
{
	const int64_t later_ns = trace->requests[trace->request_count - 1].arrival_ns + NS_PER_S;
	struct trace *all = mem_alloc(1, sizeof(*all));
	struct trace_request *requests = mem_alloc((size_t)times * trace->request_count, sizeof(*requests));
	struct trace_run *runs = mem_alloc((size_t)times * trace->run_count, sizeof(*runs));
	block_id *parent = mem_alloc((size_t)times * trace->block_count, sizeof(*parent));
	uint32_t *depth = mem_alloc((size_t)times * trace->block_count, sizeof(*depth));
	for (uint32_t copy = 0, r = 0, n = 0, b = 0; copy < times; copy++) {
		const block_id first = copy * trace->block_count;
		for (uint32_t i = 0; i < trace->request_count; i++, r++) {
			requests[r] = trace->requests[i];
			copy_request(trace, copy, later_ns, &requests[r]);
		}
		for (uint32_t i = 0; i < trace->run_count; i++, n++)
			runs[n] = (struct trace_run){trace->runs[i].first + first, trace->runs[i].count};
		for (uint32_t i = 0; i < trace->block_count; i++, b++) {
			parent[b] = trace->parent[i] == BLOCK_NONE ? BLOCK_NONE : trace->parent[i] + first;
			depth[b] = trace->depth[i];
		}
	}
	*all = *trace;
	all->request_count *= times;
	all->session_count *= times;
	all->run_count *= times;
	all->block_count *= times;
	all->requests = requests;
	all->runs = runs;
	all->parent = parent;
	all->depth = depth;
	return all;
}

static void free_repeated(struct trace *trace)
{
	free((void *)(uintptr_t)trace->requests);
	free((void *)(uintptr_t)trace->runs);
	free((void *)(uintptr_t)trace->parent);
	free((void *)(uintptr_t)trace->depth);
	free(trace);
}

struct engine_bench {
	struct tier_config tiers[COUNT_OF(tier_texts)];
	struct spec evict, ttl;
	struct calibration *calibration;
	int runs;
};

/* `router`: NULL, or that of a fleet of REPLICAS in a closed loop. */
static int run_case(const struct engine_bench *bench, const struct trace *trace, uint32_t tier_count, bool closed,
                    const char *router, const char *name, struct err *err)
{
	struct run_config config = {
	        .evict = &bench->evict,
	        .ttl = &bench->ttl,
	        .capacity_blocks = bench->tiers[0].capacity_blocks,
	        .recompute_last = true,
	        .speed = 1,
	        .seed = 1,
	        .calibration = bench->calibration,
	        .kv_bytes_per_token = KV_BYTES_PER_TOKEN,
	        .engine = ENGINE_VLLM,
	        .tiers = bench->tiers,
	        .tier_count = tier_count,
	        .step_tokens = 8192,
	        .most_running = 256,
	        .keep_answers = true,
	        .closed_loop = closed,
	        .sessions = router ? FLEET_SESSIONS : SESSIONS,
	        .replicas = router ? REPLICAS : 1,
	        .archive_every_ns = 60 * NS_PER_S,
	        .archive_bytes_per_s = INFINITY,
	};
	double seconds[RUNS_MOST], hit_rate = 0;
	if (router && router_parse(&config.router, router, err) < 0)
		return -1;
	for (int r = 0; r < bench->runs; r++) {
		struct run_result result;
		const double start_s = bench_engine_cpu_s();
		if (simulate_run(trace, &config, &result, err) < 0)
			return -1;
		seconds[r] = bench_engine_cpu_s() - start_s;
		hit_rate = metrics_token_hit_rate(metrics_total(result.metrics));
		simulate_free(&result);
	}
	gsl_sort(seconds, 1, (size_t)bench->runs);
	const double median_s = seconds[bench->runs / 2];
	printf("%-26s%10u%14.0f%14.1f%12.4f%10.3f%8.0f%%\n", name, trace->request_count, trace->request_count / median_s,
	       (double)trace_references(trace) / median_s / 1e6, hit_rate, median_s,
	       100 * (seconds[bench->runs - 1] - seconds[0]) / median_s);
	fflush(stdout);
	return 0;
}

static int run_copies(const struct engine_bench *bench, const struct trace *trace, uint32_t times, struct err *err)
{
	char name[64];
	struct trace *all = repeat(trace, times);
	snprintf(name, sizeof(name), "open, 1 tier, %u times", times);
	const int failed = run_case(bench, all, 1, false, NULL, name, err);
	free_repeated(all);
	return failed;
}

/* The bar: 64 replicas on the agent trace in under a minute on 2 cores; one run has one thread. */
static const char *const fleet_routers[][2] = {{"round-robin", "64 replicas, round-robin"}, {"session", "64 replicas, session"},
                                               {"prefix-load", "64 replicas, prefix-load"}};

static int run_cases(const struct engine_bench *bench, const struct trace *trace, struct err *err)
{
	printf("# engine: vllm's rules, llama-3.1-8b, GPU 60 GiB; 3 tiers: with 200 GiB of host memory and 2 TB of disk\n");
	printf("%-26s%10s%14s%14s%12s%10s%9s\n", "case", "requests", "requests/s", "M_accesses/s", "token_hit", "seconds", "spread");
	int failed = run_case(bench, trace, 1, false, NULL, "open, 1 tier", err);
	if (!failed)
		failed = run_case(bench, trace, COUNT_OF(tier_texts), false, NULL, "open, 3 tiers", err);
	if (!failed && trace_references(trace) <= COPIED_REFERENCES_MOST) {
		failed = run_copies(bench, trace, 4, err);
		if (!failed)
			failed = run_copies(bench, trace, 16, err);
	}
	if (!failed && trace->session_count > 0) {
		failed = run_case(bench, trace, 1, true, NULL, "closed, 64, 1 tier", err);
		if (!failed)
			failed = run_case(bench, trace, COUNT_OF(tier_texts), true, NULL, "closed, 64, 3 tiers", err);
		for (size_t i = 0; i < COUNT_OF(fleet_routers) && !failed; i++)
			failed = run_case(bench, trace, COUNT_OF(tier_texts), true, fleet_routers[i][0], fleet_routers[i][1], err);
	}
	return failed;
}

int bench_engine(const struct trace *trace, int runs, struct err *err)
{
	struct engine_bench bench = {.runs = runs, .calibration = calibration_load(NULL, err)};
	int failed = bench.calibration ? 0 : -1;
	ASSERT(runs <= RUNS_MOST);
	for (size_t t = 0; t < COUNT_OF(tier_texts) && !failed; t++) {
		failed = tier_config_parse(&bench.tiers[t], tier_texts[t], err);
		bench.tiers[t].capacity_blocks = (uint64_t)(tier_bytes[t] / KV_BYTES_PER_TOKEN / trace->block_tokens);
	}
	if (!failed)
		failed = spec_parse(&bench.evict, bench.tiers[0].evict.text, err);
	if (!failed)
		failed = spec_parse(&bench.ttl, "none", err);
	if (!failed)
		failed = run_cases(&bench, trace, err);
	for (size_t t = 0; t < COUNT_OF(tier_texts); t++)
		tier_config_free(&bench.tiers[t]);
	spec_free(&bench.evict);
	spec_free(&bench.ttl);
	calibration_free(bench.calibration);
	return failed;
}
