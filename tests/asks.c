#include "test.h"

#include "asks.h"
#include "make_trace.h"
#include "simulate.h"

#include <stdlib.h>

const struct calibration asks_one_ms_a_token = {
        .name = "made", .device = "none", .model = "none", .provenance = "made up",
        .only_prompts_have_rows = true, .decode_step_ns = 2e6, .terms = {[TERM_ROWS] = CALIBRATION_LINE(1e6)},
};

struct trace *asks_trace(const struct ask *asks, uint32_t count)
{
	uint32_t chains = 0;
	for (uint32_t r = 0; r < count; r++)
		chains = asks[r].chain != ASKS_NO_CHAIN && asks[r].chain >= chains ? asks[r].chain + 1 : chains;
	struct make_request *requests = mem_alloc(count, sizeof(*requests));
	block_id *parent = mem_alloc((size_t)chains * ASKS_CHAIN, sizeof(*parent));
	for (uint32_t b = 0; b < chains * ASKS_CHAIN; b++)
		parent[b] = b % ASKS_CHAIN ? b - 1 : BLOCK_NONE;
	for (uint32_t r = 0; r < count; r++) {
		const bool chained = asks[r].chain != ASKS_NO_CHAIN;
		requests[r] = (struct make_request){.tail = chained ? asks[r].chain * ASKS_CHAIN + ASKS_CHAIN - 1 : BLOCK_NONE,
		                                    .arrival_ns = asks[r].ms * NS_PER_MS, .session = TRACE_NO_SESSION,
		                                    .class_id = TRACE_NO_CLASS,
		                                    .prompt_tokens = (chained ? ASKS_FULL + 1u : 1u) + asks[r].more_tokens, .ordinal = r};
	}
	struct trace *trace = make_trace(&(struct make_parts){.block_tokens = ASKS_BLOCK_TOKENS, .block_count = chains * ASKS_CHAIN,
	                                                      .request_count = count, .requests = requests, .parent = parent});
	for (uint32_t r = 0; r < count; r++)
		((struct trace_request *)(uintptr_t)trace->requests)[r].output_tokens = 1;
	free(requests);
	free(parent);
	return trace;
}

struct timed_result asks_serve(const struct ask *asks, uint32_t count, const struct timed_setup *setup)
{
	struct trace *trace = asks_trace(asks, count);
	struct timed_result result = timed_run(trace, setup);
	assert_null(timed_wrong(trace, setup, &result));
	assert_int_equal(result.answered, count);
	make_trace_free(trace);
	return result;
}

static void collect(void *context, const struct trace_request *request, int64_t arrival_ns, const struct request_outcome *outcome)
{
	(void)request;
	(void)arrival_ns;
	struct request_outcome **next = context;
	*(*next)++ = *outcome;
}

void asks_outcomes(double step_factor, struct step_error step_error, struct request_outcome outcomes[3])
{
	static const struct ask asks[] = {{0, 0, 0}, {0, 1, 0}, {1000, 0, 0}};
	struct trace *trace = asks_trace(asks, COUNT_OF(asks));
	struct spec evict, ttl;
	struct err err;
	struct run_result result;
	assert_int_equal(spec_parse(&evict, "lru", &err), 0);
	assert_int_equal(spec_parse(&ttl, "none", &err), 0);
	const struct run_config config = {.evict = &evict, .ttl = &ttl, .capacity_blocks = UINT64_MAX, .leaf = true, .speed = 1,
	                                  .recompute_last = true, .calibration = &asks_one_ms_a_token, .kv_bytes_per_token = 1000,
	                                  .engine = ENGINE_STATIC, .step_tokens = UINT32_MAX, .most_running = 1,
	                                  .step_factor = step_factor, .step_error = step_error,
	                                  .on_request = collect, .on_request_context = &outcomes};
	if (simulate_run(trace, &config, &result, &err) < 0)
		fail_msg("%s", err.text);
	simulate_free(&result);
	spec_free(&evict);
	spec_free(&ttl);
	make_trace_free(trace);
}
