/* Each TTL rule on a trace worked out by hand: what is in the cache shows how long the rule kept it. In worked.h's traces
 * a block is one token, and computing one at depth d again takes d + 1 ms. */
#include "test.h"

#include "lineage.h"
#include "runs.h"
#include "make_trace.h"
#include "worked.h"

#include <math.h>
#include <string.h>

struct row {
	const char *ttl;
	uint64_t capacity_blocks;
	const char *requests, *want;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		const char *got = worked_ttl("lru", row->ttl, row->capacity_blocks, WORKED_LEAF, row->requests);
		if (strcmp(got, row->want) != 0)
			print_message("%s, %s\n  gives    %s\n  expected %s\n", row->ttl, row->requests, got, row->want);
		assert_string_equal(got, row->want);
	}
}

#define CHECK(rows) check_rows(rows, COUNT_OF(rows))
#define ANY UINT64_MAX

static void size_keeps_long_prompts_shorter(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        /* 2 tokens: 8 s. 4 tokens: 4 s. 1 token: 16 s, as have all the others. */
	        {"size:ttl=8s,s0=2,gamma=1,min=1s,max=100s", ANY, "@0:AB @0:CDEF @0:G @4:H @4.5:I @8:J @8.5:K @16:L @16.5:M",
	         "AB ABCDEF ABCDEFG ABCDEFGH ABGHI ABGHIJ GHIJK GHIJKL HIJKLM"},
	        /* 4 tokens: 4 s x (1/4)^0.5 = 2 s; with gamma -0.5: 8 s. */
	        {"size:ttl=4s,s0=1,min=0s", ANY, "@0:ABCD @2:E @2.5:F", "ABCD ABCDE EF"},
	        {"size:ttl=4s,s0=1,gamma=-0.5,min=0s", ANY, "@0:ABCD @8:E @8.5:F", "ABCD ABCDE EF"},
	        {"size:ttl=8s,s0=2,gamma=1,min=1s,max=5s", ANY, "@0:A @5:B @5.5:C", "A AB BC"},
	        {"size:ttl=8s,s0=2,gamma=1,min=5s,max=100s", ANY, "@0:ABCD @5:E @5.5:F", "ABCD ABCDE EF"},
	        /* A is shared: the long prompt, which comes last, leaves it 4 s. */
	        {"size:ttl=8s,s0=2,gamma=1,min=1s,max=100s", ANY, "@0:A @1:ABCD @5:E @5.5:F", "A ABCD ABCDE EF"},
	};
	CHECK(rows);
}

static void adaptive_grows_with_hits(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        /* 60 s; hit at 50: 90 s, until 140; hit at 120: 120 s, until 240. */
	        {"adaptive:base=60s,alpha=0.5", ANY, "@0:A @60:B @61:C", "A AB BC"},
	        {"adaptive:base=60s,alpha=0.5", ANY, "@0:A @50:A @140:B @141:C", "A A AB BC"},
	        {"adaptive:base=60s,alpha=0.5", ANY, "@0:A @50:A @120:A @240:B @241:C", "A A A AB BC"},
	        {"adaptive:base=60s,alpha=0.5,mode=absolute", ANY, "@0:A @50:A @60:B @61:C", "A A AB BC"},
	        {"adaptive:base=60s,alpha=0.5,max=70s", ANY, "@0:A @50:A @120:B @121:C", "A A AB BC"},
	        /* The count is lost with the block: at 70 it is new, and has 60 s again. */
	        {"adaptive:base=60s,alpha=0.5", ANY, "@0:A @1:A @100:A @160:B @161:C", "A A A AB BC"},
	};
	CHECK(rows);
}

static void cost_and_breakeven_keep_deep_blocks_longer(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        /* A 2 s, B 4 s, C 6 s; roots 2 s. */
	        {"cost:ttl=2s,min=0s,coherence=none", ANY, "@0:ABC @2.5:D @4.5:E @6.5:F", "ABC BCD CDE EF"},
	        {"cost:ttl=2s,min=0s", ANY, "@0:ABC @2.5:D @4.5:E @6:F @6.5:G", "ABC ABCD ABCDE ABCEF EFG"},
	        /* beta 2: C has 2 s x 9. */
	        {"cost:ttl=2s,beta=2,min=0s,coherence=none", ANY, "@0:ABC @18:D @18.5:E", "ABC CD DE"},
	        /* A block is 1 GB and a second of it costs 0.001 $, as does a ms of the GPU: A 1 s, B 2 s. */
	        {"breakeven:gpu=3600,rent=3.6,kv=1GB,coherence=none", ANY, "@0:AB @1:C @1.5:D @2:E @2.5:F", "AB ABC BCD BCDE DEF"},
	        {"breakeven:gpu=0", ANY, "@0:A @0:B @0.1:C", "A AB C"},
	        {"breakeven:rent=0", ANY, "@0:A @1e6:B", "A AB"},
	};
	CHECK(rows);
}

static void reuse_weighs_hazard_and_rent(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        /* 60 s x ln(0.8 x (300/60 - 1) / 0.2) = 60 ln 16 = 166.36 s. */
	        {"reuse:p=0.8,gap=60s,breakeven=300s", ANY, "@0:A @166:B @166.5:C", "A AB BC"},
	        /* 0.15 / 60 s is below 1 / 300 s. */
	        {"reuse:p=0.15,gap=60s,breakeven=300s", ANY, "@0:A @0.1:B", "A B"},
	        {"reuse:p=1,gap=60s,breakeven=300s", ANY, "@0:A @3600:B @3600.5:C", "A AB BC"},
	        {"reuse:p=1,gap=60s,breakeven=59s", ANY, "@0:A @0.1:B", "A B"},
	        /* In the first 10 s nine of ten requests are followed, each after 1 s: ln(0.9 x 4 / 0.1) = 3.58 s. */
	        {"reuse:window=10s,breakeven=5s,least=1", ANY,
	         "@0:A @1:A @2:A @3:A @4:A @5:A @6:A @7:A @8:A @9:A @10:A @13.5:B @13.6:C", "A A A A A A A A A A A AB BC"},
	        /* Seen gaps only: 9 x 1 s and one that never came. T = 0 costs 50 s, T = 1 s 9 + 1 + 5 = 15 s. */
	        {"reuse:law=empirical,window=10s,breakeven=5s,least=1", ANY,
	         "@0:A @1:A @2:A @3:A @4:A @5:A @6:A @7:A @8:A @9:A @10:A @11:B @11.1:C", "A A A A A A A A A A A AB BC"},
	        /* By turns: first turns are all followed after 1 s (forever: max), second ones never (0). A until 60, B not at all, C, a
	         * first turn, until 60.5. In the time up to 60 nobody waited before coming back, so D and E get nothing. */
	        {"reuse:window=10s,breakeven=5s,least=2,turns=2,max=50s", ANY,
	         "@0:1#A @1:1#B @2:2#A @3:2#B @10:3#A @10:3#B @10.5:C @60:4#D @60.1:5#E", "A AB AB AB AB AB AC ACD CE"},
	};
	CHECK(rows);
}

static void tool_pct_follows_the_tools_latency(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        /* p95 before anything is known; a request of no class has the cap. */
	        {"tool_pct", ANY, "@0:1#t.A @2.4:B @2.5:C @302.4:D @302.45:E", "A AB BC BCD CDE"},
	        {"tool_pct;class=w:p50=850ms,p95=4500ms", ANY, "@0:1#t.A @0:2#w.B @2.5:C @4.5:D @4.6:E", "A AB BC BCD CDE"},
	        {"tool_pct:cap=1s", ANY, "@0:1#t.A @1:B @1.1:C", "A AB BC"},
	        /* All calls took 1 s. One of e seconds, half of weight: mean ln + 0.5, variance 0.25: p95 = e^(0.5 + 0.822) = 3.75 s. */
	        {"tool_pct:p50=1s,p95=1s,ema=0.5", ANY, "@0:1#t.A @2.718281828:1#t.A @6.4:B @6.5:C", "A A AB BC"},
	        /* 4 of 5 blocks in use: half-way from 0.7 to 0.9, 2.4 s x 0.75. */
	        {"tool_pct", 5, "@0:ABC @0:1#t.D @1.8:E @1.9:F", "ABC ABCD ABCDE ABCEF"},
	        {"tool_pct:low=0.9,high=1", 5, "@0:ABC @0:1#t.D @2.4:E @2.5:F", "ABC ABCD ABCDE ABCEF"},
	};
	CHECK(rows);
}

/* Session 1 makes the tool t come back after 1, 1, 2 and 9 ms. */
#define FOUR_CALLS "@0:1#t.A @0.001:1#t.A @0.002:1#t.A @0.004:1#t.A @0.013:1#t.A "
#define FOUR_STATES "A A A A A "

static void continuum_pins_for_the_best_gain(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        /* Reload of B C D: 6 ms. 1 ms gains 3 - 1, 2 ms 4.5 - 2, 9 ms 6 - 9: 2 ms. E and F, of 1 ms, are not kept at all. */
	        {"continuum:k=4,hard=0,expire=drop", ANY, FOUR_CALLS "@0.1:2#t.BCD @0.102:E @0.1021:F @9:2#t.B",
	         FOUR_STATES "BCD BCDE F B"},
	        /* Reload of B C: 3 ms. 1 ms gains 1.5 - 1, 2 ms 2.25 - 2: 1 ms. */
	        {"continuum:k=4,hard=0,expire=drop", ANY, FOUR_CALLS "@0.1:2#t.BC @0.101:E @0.1011:F @9:2#t.B", FOUR_STATES "BC BCE F B"},
	        /* The last turn is let go at once. */
	        {"continuum:k=4,hard=0,expire=drop", ANY, FOUR_CALLS "@0.1:2#t.BCD @0.1001:E", FOUR_STATES "BCD E"},
	        /* A tool that is not known yet takes the durations of all. */
	        {"continuum:k=4,hard=0,expire=drop", ANY, FOUR_CALLS "@0.1:2#u.BCD @0.102:E @0.1021:F @9:2#u.B",
	         FOUR_STATES "BCD BCDE F B"},
	        /* Too few in all: a reload below 1 s is not worth a pin. */
	        {"continuum:k=5,samples=5,hard=0,expire=drop", ANY, FOUR_CALLS "@0.1:2#t.BCD @0.1001:E @9:2#t.B", FOUR_STATES "BCD E B"},
	        /* As it is meant: pinned for 2 ms, in which E finds no room; then a victim like any other. */
	        {"continuum:k=4", 3, FOUR_CALLS "@0.1:2#t.BCD @0.101:E @0.103:F @9:2#t.B", FOUR_STATES "BCD BCD BCF BCF"},
	};
	CHECK(rows);
}

static void target_moves_towards_the_hit_rate(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        /* 10 s + 0.5 x 4 = 12 s; four hits: 12 + 2 - 4 = 10 s, until 22; then E, one miss: 10.5 s. */
	        {"target:hit=0.5,eta=1s,ttl=10s", ANY, "@0:ABCD @12:ABCD @22:E @22.5:F @32.5:G @33:H", "ABCD ABCD ABCDE EF EFG FGH"},
	        /* Requests count alike: 10.5 s; then 10.5 - 0.5. */
	        {"target:hit=0.5,eta=1s,ttl=10s,weight=requests", ANY, "@0:ABCD @10.5:ABCD @20.5:E @20.6:F", "ABCD ABCD ABCDE EF"},
	        /* The second step is eta / 2: 12 s, then 12 - 1. */
	        {"target:hit=0.5,eta=1s,ttl=10s,decay=1", ANY, "@0:ABCD @12:ABCD @23:E @23.1:F", "ABCD ABCD ABCDE EF"},
	        {"target:hit=1,eta=10s,ttl=10s,max=15s", ANY, "@0:A @15:B @15.1:C", "A AB BC"},
	        {"target:hit=0,eta=10s,ttl=10s", ANY, "@0:A @0:A @0.1:B", "A A B"},
	        /* Class l is steered to 1 by its own requests: 11 s, 11 s; the others to 0: 10 s, and 9 s after their hit. */
	        {"target:hit=0,eta=1s,ttl=10s;class=l:hit=1", ANY, "@0:l.A @1:B @2:l.A @3:B @12:C @12.5:D @13:E @13.1:F",
	         "A AB AB AB ABC ACD ACDE CDEF"},
	};
	CHECK(rows);
}

static void two_level_filters_what_comes_once(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        /* 10 s at first. Back at 60, within 100 s, though gone: 100 s. */
	        {"two_level:ttl=100s,share=0.1,eta=0s", ANY, "@0:A @10:B @11:C @60:A @160:D @161:E", "A AB BC A AD DE"},
	        {"two_level:ttl=100s,share=0.1,eta=0s", ANY, "@0:A @180:A @190:B @191:C", "A A AB BC"},
	        /* A hit is a return as well. */
	        {"two_level:ttl=100s,share=0.1,eta=0s", ANY, "@0:A @5:A @105:B @106:C", "A A AB BC"},
	        /* A shadow entry only: gone as soon as time goes on. */
	        {"two_level:ttl=100s,share=0,eta=0s", ANY, "@0:A @1:B @2:A @102:C @103:D", "A B A AC D"},
	        /* The deep TTL is steered as in target: one miss at hit=1 makes 100 s 110 s, a tenth of which is 11 s. */
	        {"two_level:ttl=100s,share=0.1,eta=10s,hit=1", ANY, "@0:A @11:B @11.1:C", "A AB BC"},
	        /* Size: at the first request 0 of 2 blocks are there, so the share grows by 0.1 to 0.2: 20 s. At the next it is half
	         * full, 0.25: 25 s; then full, 0.25. */
	        {"two_level:ttl=100s,share=0.1,eta=0s,room=2,pace=0.1", ANY, "@0:A @1:B @20:C @21:D @26:E @26.1:F",
	         "A AB ABC BCD BCDE CDEF"},
	};
	CHECK(rows);
}

/* Requests for one block, which carry hints; the second comes `gap_ns` after the first. Whether it hits. */
static bool hits_after(const char *ttl, const struct trace_hints *hints, int64_t gap_ns)
{
	const block_id parent = BLOCK_NONE;
	const struct make_request requests[] = {
	        {.session = TRACE_NO_SESSION, .class_id = TRACE_NO_CLASS, .hints = 0},
	        {.session = TRACE_NO_SESSION, .class_id = TRACE_NO_CLASS, .hints = UINT32_MAX, .arrival_ns = gap_ns, .ordinal = 1},
	};
	struct trace *trace = make_trace(&(struct make_parts){.block_tokens = 1, .block_count = 1, .request_count = 2,
	                                                     .hints_count = 1, .parent = &parent, .requests = requests, .hints = hints});
	struct runs_result run = runs_replay(trace, &(struct runs_setup){.evict = "lru", .ttl = ttl, .capacity_blocks = 1});
	const bool hits = run.hit_blocks == 1;
	runs_free(&run);
	make_trace_free(trace);
	return hits;
}

static void score_reads_hits_and_hints(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        /* 10 s; after a hit 10 s x (1 + ln 2) = 16.93 s. */
	        {"score:ttl=10s,alpha=1", ANY, "@0:A @10:B @10.1:C", "A AB BC"},
	        {"score:ttl=10s,alpha=1", ANY, "@0:A @0:A @16.9:B @17:C", "A A AB BC"},
	        {"score:ttl=10s,alpha=1,max=12s", ANY, "@0:A @0:A @12:B @12.1:C", "A A AB BC"},
	};
	CHECK(rows);
	struct trace_hints hints = {.cost = NAN, .expected_reuse = NAN, .perplexity = 60, .time_variance = NAN,
	                            .priority = INT32_MIN, .prefix_tokens = UINT32_MAX, .workload = TRACE_NO_CLASS};
	/* Perplexity 60: 1.5 times. */
	assert_true(hits_after("score:ttl=10s", &hints, 15 * NS_PER_S));
	assert_false(hits_after("score:ttl=10s", &hints, 15 * NS_PER_S + 1));
	/* Below 10 it plays no part; variance 0.5 leaves 1 - 0.8 x 0.5. */
	hints.perplexity = 3;
	hints.time_variance = 0.5;
	assert_true(hits_after("score:ttl=10s,gamma=0.8", &hints, 6 * NS_PER_S));
	assert_false(hits_after("score:ttl=10s,gamma=0.8", &hints, 6 * NS_PER_S + 1));
	assert_true(hits_after("score:ttl=10s,gamma=0", &hints, 10 * NS_PER_S));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(size_keeps_long_prompts_shorter),
	        cmocka_unit_test(adaptive_grows_with_hits),
	        cmocka_unit_test(cost_and_breakeven_keep_deep_blocks_longer),
	        cmocka_unit_test(reuse_weighs_hazard_and_rent),
	        cmocka_unit_test(tool_pct_follows_the_tools_latency),
	        cmocka_unit_test(continuum_pins_for_the_best_gain),
	        cmocka_unit_test(target_moves_towards_the_hit_rate),
	        cmocka_unit_test(two_level_filters_what_comes_once),
	        cmocka_unit_test(score_reads_hits_and_hints),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
