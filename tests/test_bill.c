/* test_bill.c - what providers charge: closed forms, a bill by hand, every file of prices, and a real trace where it is. */
#include "bill.h"
#include "embedded.h"
#include "make_trace.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 1000

static const struct calibration calibration = {.terms = {[TERM_ROWS] = CALIBRATION_LINE(1000)}};
static const struct run_config config = {.leaf = true, .tail_cached = true, .speed = 1, .calibration = &calibration};

static struct bill billed(const struct trace *trace, const char *spec_text)
{
	struct spec spec;
	struct provider provider;
	struct bill bill;
	struct err err;
	assert_int_equal(spec_parse(&spec, spec_text, &err), 0);
	if (provider_load(&provider, &spec, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(bill_make(trace, &config, &provider, &bill, &err), 0);
	provider_free(&provider);
	spec_free(&spec);
	return bill;
}

/* One prefix of one block for each root, used at the times given: `uses[i]` is a root and a second. */
struct use {
	block_id root;
	double at_s;
};

static struct trace *trace_of(const struct use *uses, uint32_t count, uint32_t roots, bool one_session)
{
	block_id *parent = mem_alloc(roots, sizeof(*parent));
	struct make_request *requests = mem_alloc(count, sizeof(*requests));
	for (uint32_t b = 0; b < roots; b++)
		parent[b] = BLOCK_NONE;
	for (uint32_t i = 0; i < count; i++)
		requests[i] = (struct make_request){.tail = uses[i].root, .arrival_ns = llround(uses[i].at_s * 1e9),
		                                    .session = one_session ? 0 : TRACE_NO_SESSION, .class_id = TRACE_NO_CLASS,
		                                    .hints = UINT32_MAX, .ordinal = i};
	const struct make_parts parts = {.block_tokens = BLOCK, .block_count = roots, .request_count = count,
	                                 .session_count = one_session, .tail_listed = true, .parent = parent, .requests = requests};
	struct trace *trace = make_trace(&parts);
	free(parent);
	free(requests);
	return trace;
}

static bool pays(const char *spec, uint32_t written, uint32_t read)
{
	struct use *uses = mem_alloc(written + read, sizeof(*uses));
	for (uint32_t i = 0; i < written + read; i++)
		uses[i] = (struct use){i % written, i * 0.01};
	struct trace *trace = trace_of(uses, written + read, written, false);
	const struct bill bill = billed(trace, spec);
	assert_int_equal(bill.read_tokens, (uint64_t)read * BLOCK);
	make_trace_free(trace);
	free(uses);
	return bill_dollars(&bill) < bill_uncached_dollars(&bill);
}

/* Writing pays from (w - 1) / 0.9 expected reads on: 0.278 at 1.25 times, 1.111 at twice the input price. */
static void test_writing_pays(void **state)
{
	(void)state;
	assert_false(pays("anthropic:least=0", 1000, 277));
	assert_true(pays("anthropic:least=0", 1000, 278));
	assert_false(pays("anthropic:least=0,ttl=1h", 1000, 1111));
	assert_true(pays("anthropic:least=0,ttl=1h", 1000, 1112));
}

/* An hour beats five minutes for a renewed prefix if and only if 1.9 q60 - 1.15 q5 > 0.75, q being the share of gaps within. */
static void test_hour_against_five_minutes(void **state)
{
	struct make_rng rng = {7};
	(void)state;
	enum { GAPS = 200 };
	for (int t = 0; t < 40; t++) {
		struct use uses[GAPS + 1] = {{0, 0}};
		uint32_t within_5m = 0, within_1h = 0;
		const uint64_t shorts = make_random(&rng, 101), middles = make_random(&rng, 101);
		for (uint32_t i = 1; i <= GAPS; i++) {
			const double gap_s = make_random(&rng, 100) < shorts ? 300 : make_random(&rng, 100) < middles ? 3600 : 3601;
			within_5m += gap_s <= 300;
			within_1h += gap_s <= 3600;
			uses[i] = (struct use){0, uses[i - 1].at_s + gap_s};
		}
		struct trace *trace = trace_of(uses, GAPS + 1, 1, false);
		const struct bill minutes = billed(trace, "anthropic:least=0"), hour = billed(trace, "anthropic:least=0,ttl=1h");
		/* The first use, written by both, is no gap. */
		const double first = 5e-6 * BLOCK, left = bill_input_dollars(&hour) - 2 * first,
		             right = bill_input_dollars(&minutes) - 1.25 * first;
		const double margin = 1.9 * within_1h / GAPS - 1.15 * within_5m / GAPS - 0.75;
		assert_true(fabs((right - left) / first / GAPS - margin) < 1e-9);
		make_trace_free(trace);
	}
}

/* Pings of 0.1 each beat writing anew while 0.1 n + 0.1 < 1.25: up to 11 of them, a gap of an hour. */
static void test_pings(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 14; n++) {
		const struct use uses[] = {{0, 0}, {0, 300.0 * (n + 1)}};
		struct trace *trace = trace_of(uses, 2, 1, true);
		char spec[64];
		snprintf(spec, sizeof(spec), "anthropic:least=0,pings=%u", n);
		const struct bill pinged = billed(trace, spec), plain = billed(trace, "anthropic:least=0");
		assert_int_equal(plain.read_tokens, 0);
		assert_int_equal(pinged.read_tokens, BLOCK);
		assert_int_equal(pinged.pings, 2 * n); /* after the last turn as many, in vain */
		const double vain = n * 0.1 * 5e-6 * BLOCK;
		assert_int_equal(bill_dollars(&pinged) - vain < bill_dollars(&plain), n <= 11);
		make_trace_free(trace);
	}
}

/* Three requests of a session at 0, 200 and 900 s, prompts of 2,000, 2,000 and 500 tokens, the last below the least; a dollar a
 * token in, 0.5 read, 2 written, 3 out, 0.1 a token and hour kept. Written 2,000, read 2,000, plain 500. Absolute lives of
 * 5 minutes from 0 s on: 2 blocks x 300 s = 166.7 token-hours. */
static void test_bill_by_hand(void **state)
{
	static const block_id parent[] = {BLOCK_NONE, 0, BLOCK_NONE};
	static const struct make_request requests[] = {
	        {.tail = 1, .class_id = TRACE_NO_CLASS, .hints = UINT32_MAX},
	        {.tail = 1, .arrival_ns = 200 * NS_PER_S, .class_id = TRACE_NO_CLASS, .hints = UINT32_MAX, .ordinal = 1},
	        {.tail = 2, .arrival_ns = 900 * NS_PER_S, .class_id = TRACE_NO_CLASS, .hints = UINT32_MAX, .ordinal = 2,
	         .prompt_tokens = 500},
	};
	const struct make_parts parts = {.block_tokens = BLOCK, .block_count = 3, .request_count = 3, .session_count = 1,
	                                 .tail_listed = true, .parent = parent, .requests = requests};
	(void)state;
	struct trace *trace = make_trace(&parts);
	const struct bill bill =
	        billed(trace, "gemini-explicit:ttl=5m,input=1e6,read=5e5,write=2e6,output=3e6,storage=1e5,least=1000");
	assert_int_equal(bill.written_tokens, 2000);
	assert_int_equal(bill.read_tokens, 2000);
	assert_int_equal(bill.plain_tokens, 500);
	assert_int_equal(bill.sessions, 1);
	assert_true(fabs(bill.stored_token_hours - 2000.0 * 300 / 3600) < 1e-9);
	assert_true(fabs(bill_input_dollars(&bill) - (1000 + 4000 + 500 + 0.1 * 2000 * 300 / 3600)) < 1e-6);
	assert_true(fabs(bill.uncached_input_dollars - 4500) < 1e-6);
	make_trace_free(trace);
}

/* Every list of prices can be used, with what it lacks given. */
static void test_lists(void **state)
{
	const struct use uses[] = {{0, 0}, {0, 60}};
	struct trace *trace = trace_of(uses, 2, 1, false);
	size_t lists = 0;
	(void)state;
	for (size_t i = 0; i < embedded_file_count; i++) {
		if (strcmp(embedded_files[i].group, "price") != 0)
			continue;
		char spec[128];
		const bool unpublished = strstr(embedded_files[i].text, "has to be given") != NULL;
		snprintf(spec, sizeof(spec), "%s:%sinput=2,read=0.2,output=8,least=0", embedded_files[i].name,
		         unpublished ? "ttl=1h," : "");
		const struct bill bill = billed(trace, spec);
		assert_int_equal(bill.read_tokens, BLOCK);
		assert_true(fabs(bill.read_dollars - 0.2e-6 * BLOCK) < 1e-12);
		lists++;
	}
	assert_true(lists >= 10);
	make_trace_free(trace);
}

/* POLICIES D: Mooncake's conversation trace at 5 dollars a million. */
static void test_conversation(void **state)
{
	static const struct trace_load_options options = {0};
	struct err err;
	struct trace *trace = trace_load(KVCAST_SHARED "/traces/mooncake_conversation.jsonl.gz", &options, &err);
	(void)state;
	if (!trace) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
	const struct bill minutes = billed(trace, "anthropic:model=claude-opus-5,least=0"),
	                  hour = billed(trace, "anthropic:model=claude-opus-5,least=0,ttl=1h");
	assert_int_equal(minutes.read_tokens, 42480677);
	assert_int_equal(minutes.written_tokens, 102313146);
	assert_int_equal(hour.read_tokens, 54098411);
	assert_int_equal(hour.written_tokens, 90695412);
	assert_true(fabs(minutes.uncached_input_dollars - 723.9691) < 5e-5);
	assert_true(fabs(bill_input_dollars(&minutes) - 660.6975) < 5e-5);
	assert_true(fabs(bill_input_dollars(&hour) - 934.0033) < 5e-5);
	assert_true(fabs(hour.output_dollars - 103.0512) < 5e-5);
	trace_free(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_writing_pays), cmocka_unit_test(test_hour_against_five_minutes),
	        cmocka_unit_test(test_pings),        cmocka_unit_test(test_bill_by_hand),
	        cmocka_unit_test(test_lists),        cmocka_unit_test(test_conversation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
