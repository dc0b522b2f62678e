/* bench.c - kvcast-bench: how fast the parts are, on this machine, now.
 *
 * 1. Object semantics, flat scope: a Zipf(1.0) stream of 20 M references over 1 M unit blocks, at 1 % and 10 % of the
 *    blocks, through the call that `kvcast run --semantics object` uses. Block ids are in order of first appearance, as
 *    the loader gives them.
 * 2. One such run alone and two at once: each should take as long as alone, as runs share nothing that they write.
 * 3. Prefix semantics, leaf scope, on a trace: whole replays, with ledger and TTFT.
 * 4. Engine runs of that trace (bench_engine.h).
 * 5. Reading it.
 *
 * Figures are the median of several runs in CPU time of the one thread that works; spread is (max - min) / median. A
 * run's memory is touched for the first time inside the timed part, as in real use.
 */
#include "bench_curve.h"
#include "bench_engine.h"
#include "calibration.h"
#include "future.h"
#include "replay.h"
#include "trace.h"

#include <argp.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BATCH 4096

struct bench {
	const char *policies; /* NULL: all */
	size_t references;
	uint32_t blocks;
	int runs;
	char **traces;
	int trace_count;
	bool no_zipf;
};

struct timing {
	double median_s, spread;
};

static struct timing timing_of(double *seconds, int runs)
{
	gsl_sort(seconds, 1, (size_t)runs);
	const double median_s = seconds[runs / 2];
	return (struct timing){median_s, (seconds[runs - 1] - seconds[0]) / median_s};
}

static bool wanted(const struct bench *bench, const char *name)
{
	if (!bench->policies)
		return true;
	const size_t length = strlen(name);
	for (const char *at = bench->policies; (at = strstr(at, name)); at += length) {
		if ((at == bench->policies || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
			return true;
	}
	return false;
}

/* Draws the stream and renames its blocks by first appearance. */
static block_id *zipf_stream(size_t count, uint32_t blocks)
{
	double *weight = mem_alloc(blocks, sizeof(*weight));
	for (uint32_t b = 0; b < blocks; b++)
		weight[b] = 1.0 / (b + 1.0);
	gsl_ran_discrete_t *table = gsl_ran_discrete_preproc(blocks, weight);
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(rng, 42);
	block_id *refs = mem_alloc(count, sizeof(*refs));
	block_id *name = mem_alloc(blocks, sizeof(*name));
	uint32_t seen = 0;
	for (uint32_t b = 0; b < blocks; b++)
		name[b] = BLOCK_NONE;
	for (size_t i = 0; i < count; i++) {
		const size_t rank = gsl_ran_discrete(rng, table);
		if (name[rank] == BLOCK_NONE)
			name[rank] = seen++;
		refs[i] = name[rank];
	}
	free(name);
	free(weight);
	gsl_ran_discrete_free(table);
	gsl_rng_free(rng);
	return refs;
}

static uint32_t *next_uses(const block_id *refs, size_t count, uint32_t blocks)
{
	uint32_t *next = mem_alloc(count, sizeof(*next)), *seen = mem_alloc(blocks, sizeof(*seen));
	memset(seen, 0xff, blocks * sizeof(*seen));
	for (size_t i = count; i-- > 0;) {
		next[i] = seen[refs[i]];
		seen[refs[i]] = (uint32_t)i + 1;
	}
	free(seen);
	return next;
}

static int object_run(const struct bench *bench, const struct trace *trace, const struct cache_config *config,
                      const block_id *refs, const uint32_t *next, double *seconds, uint64_t *hits, struct err *err)
{
	uint8_t hit[BATCH];
	const double start_s = bench_engine_cpu_s();
	struct cache *cache = cache_open(trace, config, err);
	if (!cache)
		return -1;
	*hits = 0;
	for (size_t at = 0; at < bench->references; at += BATCH) {
		const size_t count = bench->references - at < BATCH ? bench->references - at : BATCH;
		cache_objects(cache, refs + at, next + at, count, hit);
		for (size_t i = 0; i < count; i++)
			*hits += hit[i];
	}
	cache_close(cache);
	*seconds = bench_engine_cpu_s() - start_s;
	return 0;
}

static double no_cost(const void *cost, uint32_t depth)
{
	(void)cost, (void)depth;
	return 1e6;
}

static struct cache_config zipf_config(const struct bench *bench, const struct spec *evict, const struct spec *ttl,
                                       uint32_t share)
{
	return (struct cache_config){
	        .evict = evict,
	        .ttl = ttl,
	        .capacity_blocks = bench->blocks / share,
	        .objects = true,
	        .references = bench->references,
	        .seed = 1,
	        .recompute_ns = no_cost,
	};
}

/* One run alone and two side by side, in turns. Of two the slower counts, in CPU time of its thread: what one run does
 * to the other's cache lines shows there, and what other programs do to the clock on the wall does not. */
static int bench_pair(const struct bench *bench, const struct trace *trace, const struct cache_config *config,
                      const block_id *refs, const uint32_t *next, struct err *err)
{
	double alone[64], beside[64];
	uint64_t hits[2];
	int failed = 0;
	for (int r = 0; r < bench->runs && !failed; r++) {
		double seconds[2];
		int failures[2];
		struct err errs[2];
		failed = object_run(bench, trace, config, refs, next, &alone[r], hits, err);
#pragma omp parallel for num_threads(2) schedule(static, 1)
		for (int side = 0; side < 2; side++)
			failures[side] = object_run(bench, trace, config, refs, next, &seconds[side], &hits[side], &errs[side]);
		for (int side = 0; side < 2 && !failed; side++) {
			failed = failures[side];
			if (failed)
				*err = errs[side];
		}
		beside[r] = seconds[0] > seconds[1] ? seconds[0] : seconds[1];
	}
	if (failed)
		return failed;
	const struct timing one = timing_of(alone, bench->runs), two = timing_of(beside, bench->runs);
	printf("# %s, %" PRIu64 " blocks: %.3f s alone, %.3f s beside another run, ratio %.2f, spread %.0f%% and %.0f%%\n",
	       config->evict->name, config->capacity_blocks, one.median_s, two.median_s, two.median_s / one.median_s,
	       100 * one.spread, 100 * two.spread);
	return 0;
}

static int bench_zipf(const struct bench *bench, struct err *err)
{
	block_id *refs = zipf_stream(bench->references, bench->blocks);
	uint32_t *next = next_uses(refs, bench->references, bench->blocks);
	block_id *parent = mem_alloc(bench->blocks, sizeof(*parent));
	uint32_t *depth = mem_alloc(bench->blocks, sizeof(*depth));
	memset(parent, 0xff, bench->blocks * sizeof(*parent));
	const struct trace trace = {.block_tokens = 16, .block_count = bench->blocks, .parent = parent, .depth = depth};
	struct spec evict = {0}, ttl = {0};
	int failed = spec_parse(&ttl, "none", err);
	const char *first = NULL;
	printf("# object semantics, flat: Zipf(1.0), %zu references over %u blocks, median of %d\n", bench->references,
	       bench->blocks, bench->runs);
	printf("%-16s%10s%14s%12s%9s\n", "name", "capacity", "M_accesses/s", "miss_ratio", "spread");
	for (size_t p = 0; p < registry_eviction_count && !failed; p++) {
		if (!wanted(bench, registry_evictions[p]->name))
			continue;
		first = first ? first : registry_evictions[p]->name;
		failed = spec_parse(&evict, registry_evictions[p]->name, err);
		for (uint32_t share = 100; share >= 10 && !failed; share /= 10) {
			const struct cache_config config = zipf_config(bench, &evict, &ttl, share);
			double seconds[64];
			uint64_t hits = 0;
			for (int r = 0; r < bench->runs && !failed; r++)
				failed = object_run(bench, &trace, &config, refs, next, &seconds[r], &hits, err);
			if (failed)
				break;
			const struct timing timing = timing_of(seconds, bench->runs);
			printf("%-16s%10" PRIu64 "%14.1f%12.4f%8.0f%%\n", registry_evictions[p]->name, config.capacity_blocks,
			       (double)bench->references / timing.median_s / 1e6,
			       1 - (double)hits / (double)bench->references, 100 * timing.spread);
			fflush(stdout);
		}
		spec_free(&evict);
	}
	if (first && !failed) {
		failed = spec_parse(&evict, first, err);
		const struct cache_config config = zipf_config(bench, &evict, &ttl, 100);
		failed = failed ? failed : bench_pair(bench, &trace, &config, refs, next, err);
		spec_free(&evict);
	}
	if (!failed && !bench->policies)
		bench_curve_stack(refs, bench->references, bench->blocks, bench->runs);
	spec_free(&ttl);
	free(refs);
	free(next);
	free(parent);
	free(depth);
	return failed;
}

static int bench_reader(const struct bench *bench, const char *path, struct trace **trace, struct err *err)
{
	struct trace_load_options options = {0};
	double seconds[64];
	struct stat file;
	*trace = NULL;
	for (int r = 0; r < bench->runs; r++) {
		trace_free(*trace);
		const double start_s = bench_engine_cpu_s();
		*trace = trace_load(path, &options, err);
		seconds[r] = bench_engine_cpu_s() - start_s;
		if (!*trace)
			return -1;
	}
	const struct timing timing = timing_of(seconds, bench->runs);
	const double megabytes = stat(path, &file) == 0 ? (double)file.st_size / 1e6 : 0;
	printf("\n# %s: %u requests, %" PRIu64 " references, %u distinct blocks\n", path, (*trace)->request_count,
	       trace_references(*trace), (*trace)->block_count);
	printf("reading: %.3f s, %.1f MB/s of file, %.2f M references/s, spread %.0f%%\n", timing.median_s,
	       megabytes / timing.median_s, (double)trace_references(*trace) / timing.median_s / 1e6, 100 * timing.spread);
	return 0;
}

static int bench_replay(const struct bench *bench, const struct trace *trace, struct err *err)
{
	struct spec evict = {0}, ttl = {0};
	struct calibration *calibration = calibration_load(NULL, err);
	int failed = calibration ? spec_parse(&ttl, "none", err) : -1;
	printf("# prefix semantics, leaf: whole replays with ledger and TTFT\n");
	printf("%-16s%10s%14s%12s%14s%9s\n", "name", "capacity", "M_accesses/s", "miss_ratio", "requests/s", "spread");
	for (size_t p = 0; p < registry_eviction_count && !failed; p++) {
		if (!wanted(bench, registry_evictions[p]->name))
			continue;
		failed = spec_parse(&evict, registry_evictions[p]->name, err);
		const struct run_config config = {.evict = &evict, .ttl = &ttl, .capacity_blocks = trace->block_count / 20 + 1,
		                                  .leaf = true, .tail_cached = true, .speed = 1, .seed = 1,
		                                  .calibration = calibration};
		double seconds[64], miss_ratio = 0;
		for (int r = 0; r < bench->runs && !failed; r++) {
			struct run_result result;
			const double start_s = bench_engine_cpu_s();
			failed = replay_run(trace, &config, &result, err);
			seconds[r] = bench_engine_cpu_s() - start_s;
			if (failed)
				break;
			miss_ratio = 1 - metrics_block_hit_rate(metrics_total(result.metrics));
			replay_free(&result);
		}
		if (!failed) {
			const struct timing timing = timing_of(seconds, bench->runs);
			printf("%-16s%10" PRIu64 "%14.1f%12.4f%14.0f%8.0f%%\n", evict.name, config.capacity_blocks,
			       (double)trace_references(trace) / timing.median_s / 1e6, miss_ratio,
			       trace->request_count / timing.median_s, 100 * timing.spread);
			fflush(stdout);
		}
		spec_free(&evict);
	}
	spec_free(&ttl);
	calibration_free(calibration);
	return failed;
}

static const struct argp_option option_table[] = {
        {"policy", 'p', "NAME[,NAME...]", 0, "only these eviction policies", 0},
        {"references", 'n', "N", 0, "length of the Zipf stream; default 20000000", 0},
        {"runs", 'r', "N", 0, "runs a figure is the median of, 1 to 64; default 3", 0},
        {"no-zipf", 'z', 0, 0, "only the traces", 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct bench *bench = state->input;
	switch (key) {
	case 'p':
		bench->policies = arg;
		return 0;
	case 'n':
		bench->references = strtoull(arg, NULL, 10);
		if (bench->references < 1 || bench->references >= UINT32_MAX)
			argp_error(state, "--references %s: expected a whole number from 1 to 4294967294", arg);
		return 0;
	case 'r':
		bench->runs = atoi(arg);
		if (bench->runs < 1 || bench->runs > 64)
			argp_error(state, "--runs %s: expected a whole number from 1 to 64", arg);
		return 0;
	case 'z':
		bench->no_zipf = true;
		return 0;
	case ARGP_KEY_ARGS:
		bench->traces = state->argv + state->next;
		bench->trace_count = state->argc - state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static char sample[] = KVCAST_SAMPLE_TRACE;
	static char *sample_list[] = {sample};
	static const struct argp argp = {
	        .options = option_table,
	        .parser = parse_option,
	        .args_doc = "[TRACE...]",
	        .doc = "Times the eviction policies on a Zipf stream, then the reader, whole replays, engine runs and curves on each TRACE "
	               "(default: the sample trace of the source tree).",
	};
	struct bench bench = {.references = 20000000, .blocks = 1000000, .runs = 3, .traces = sample_list, .trace_count = 1};
	struct err err;
	argp_err_exit_status = 2;
	if (argp_parse(&argp, argc, argv, 0, NULL, &bench) != 0)
		return 2;
	int failed = bench.no_zipf ? 0 : bench_zipf(&bench, &err);
	for (int t = 0; t < bench.trace_count && !failed; t++) {
		struct trace *trace = NULL;
		failed = bench_reader(&bench, bench.traces[t], &trace, &err);
		if (!failed)
			failed = bench_replay(&bench, trace, &err);
		if (!failed)
			failed = bench_engine(trace, bench.runs, &err);
		if (!failed)
			bench_curve(trace, bench.runs);
		trace_free(trace);
	}
	if (failed)
		fprintf(stderr, "kvcast-bench: %s\n", err.text);
	return failed ? 1 : 0;
}
