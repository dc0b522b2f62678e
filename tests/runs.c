#include "runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct collector {
	const struct trace *trace;
	struct runs_result *result;
};

static void collect(void *context, const struct trace_request *request, int64_t arrival_ns,
                    const struct request_outcome *outcome)
{
	const struct collector *collector = context;
	(void)arrival_ns;
	collector->result->outcomes[request - collector->trace->requests] = *outcome;
}

static void parse(struct spec *spec, const char *text)
{
	struct err err;
	if (spec_parse(spec, text, &err) == 0)
		return;
	fprintf(stderr, "%s: %s\n", text, err.text);
	exit(1);
}

struct runs_result runs_replay(const struct trace *trace, const struct runs_setup *setup)
{
	static const struct calibration calibration = {
	        .terms = {[TERM_ROWS] = CALIBRATION_LINE(1000), [TERM_PAIRS] = CALIBRATION_LINE(10)}};
	struct runs_result result = {.request_count = trace->request_count};
	result.outcomes = mem_alloc(trace->request_count, sizeof(*result.outcomes));
	struct collector collector = {trace, &result};
	struct spec evict, ttl;
	parse(&evict, setup->evict);
	parse(&ttl, setup->ttl);
	const struct run_config config = {
	        .evict = &evict,
	        .ttl = &ttl,
	        .capacity_blocks = setup->capacity_blocks,
	        .semantics = setup->object ? SEMANTICS_OBJECT : SEMANTICS_PREFIX,
	        .leaf = setup->leaf,
	        .tail_cached = !setup->tail_skipped,
	        .recompute_last = setup->recompute_last,
	        .speed = 1,
	        .seed = setup->seed,
	        .calibration = &calibration,
	        .on_request = collect,
	        .on_request_context = &collector,
	};
	struct err err;
	struct run_result run;
	if (replay_run(trace, &config, &run, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	result.hit_blocks = metrics_total(run.metrics)->hit_blocks;
	result.counts = run.counts;
	result.mean_resident_blocks = run.mean_resident_blocks;
	replay_free(&run);
	spec_free(&evict);
	spec_free(&ttl);
	return result;
}

void runs_free(struct runs_result *result)
{
	free(result->outcomes);
	result->outcomes = NULL;
}

bool runs_equal(const struct runs_result *a, const struct runs_result *b)
{
	if (a->request_count != b->request_count || memcmp(&a->counts, &b->counts, sizeof(a->counts)) != 0 ||
	    a->mean_resident_blocks != b->mean_resident_blocks)
		return false;
	for (uint32_t r = 0; r < a->request_count; r++) {
		const struct request_outcome *x = &a->outcomes[r], *y = &b->outcomes[r];
		if (x->hit_blocks != y->hit_blocks || x->path_blocks != y->path_blocks || x->full_hit != y->full_hit ||
		    memcmp(&x->ledger, &y->ledger, sizeof(x->ledger)) != 0 || x->ttft_ns != y->ttft_ns)
			return false;
	}
	return true;
}
