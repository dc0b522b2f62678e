/* test_compare.c - figures worked by hand from small files; comparisons that mean nothing are refused; decisions. */
#include "test.h"

#include "compare.h"
#include "decisions.h"
#include "scratch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HEAD                                                                                                                    \
	"request,arrival_ms,session,turn,class,prompt_tokens,output_tokens,hit_tokens,hit_gpu_tokens,hit_host_tokens,queue_ms,load_ms," \
	"prefill_ms,ttft_ms,e2e_ms,run\n"

static void write_file(const char *name, const char *text)
{
	scratch_write(name, text, strlen(text));
}

static void near(double value, double expected)
{
	if (fabs(value - expected) > 1e-12)
		fail_msg("%.15g, but %.15g was expected", value, expected);
}

/* Five requests: two uncontended, two queued, one from host. Rows in another order. */
static void worked_by_hand(void **state)
{
	(void)state;
	struct compare c;
	struct err err;
	write_file("p.csv", HEAD "0,0,,1,,100,1,50,50,0,0,0,110,110,200,checksum=1|block=16\n"
	                         "1,0,,1,,100,1,60,60,0,5,0,95,100,300,\n"
	                         "2,0,,1,,200,1,80,80,0,0,0,90,90,100,\n"
	                         "3,0,,1,,300,1,96,64,32,0,10,30,40,50,\n"
	                         "4,0,,1,,300,1,96,96,0,20,0,180,200,210,\n");
	write_file("m.csv", HEAD "4,0,,1,,300,1,96,96,0,30,0,220,250,210,checksum=1|block=16|engine=vllm\n"
	                         "2,0,,1,,200,1,64,64,0,0,0,100,100,100,\n"
	                         "0,0,,1,,100,1,50,50,0,0,0,100,100,160,\n"
	                         "1,0,,1,,100,1,60,60,0,5,0,75,80,300,\n"
	                         "3,0,,1,,300,1,96,64,32,0,20,30,50,50,\n");
	if (compare_run(&c, "p.csv", "m.csv", &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(c.count, 5);
	assert_int_equal(c.prompt_tokens, 1000);
	assert_int_equal(c.hit_tokens[COMPARE_PREDICTED], 382);
	assert_int_equal(c.hit_tokens[COMPARE_MEASURED], 366);
	assert_int_equal(c.differing_hits, 1);
	assert_int_equal(c.group_count, 4);
	static const char *const names[] = {"all", "uncontended", "queued", "host"};
	static const size_t sizes[] = {5, 2, 2, 1};
	for (size_t g = 0; g < 4; g++) {
		assert_string_equal(c.groups[g].name, names[g]);
		assert_int_equal(c.groups[g].requests, sizes[g]);
	}
	/* Errors +10, +25, -10, -20, -20 %. */
	const struct compare_time *all = &c.groups[0].ttft;
	near(all->error.mean, 0.17);
	near(all->error.p50, 0.2);
	near(all->error.max, 0.25);
	near(all->bias, -0.03);
	near(all->ms[COMPARE_PREDICTED].mean, 108);
	near(all->ms[COMPARE_MEASURED].mean, 116);
	near(all->ms[COMPARE_PREDICTED].p50, 100);
	/* Sorted, 40 90 100 110 200 against 50 80 100 100 250: nowhere more than one apart. */
	near(all->ks, 0.2);
	near(c.groups[1].ttft.bias, 0);
	near(c.groups[1].ttft.error.mean, 0.1);
	near(c.groups[2].ttft.bias, 0.025);
	near(c.groups[3].ttft.bias, -0.2);
	near(c.groups[1].e2e.bias, 0.125);
	near(c.groups[2].e2e.error.max, 0);
	assert_non_null(strstr(c.unsaid, "engine"));
	assert_null(strstr(c.unsaid, "block"));
	compare_free(&c);
}

static void equal_files_have_no_error(void **state)
{
	(void)state;
	struct compare c;
	struct err err;
	write_file("same.csv", HEAD "7,0,,1,,100,1,50,50,0,0,0,110,110,200,\n9,0,,1,,100,1,50,50,0,0,0,11,11,20,\n");
	assert_int_equal(compare_run(&c, "same.csv", "same.csv", &err), 0);
	near(c.groups[0].ttft.error.max, 0);
	near(c.groups[0].ttft.ks, 0);
	assert_int_equal(c.groups[2].requests, 0);
	assert_int_equal(compare_write_rows(&c, "rows.csv", &err), 0);
	compare_free(&c);
	size_t size;
	char *rows = (char *)scratch_read("rows.csv", &size);
	assert_non_null(strstr(rows, "\n7,uncontended,100,50,50,110.000000,110.000000,200.000000,200.000000\n"));
	free(rows);
}

static void refuses(const char *predicted, const char *measured, const char *sentence)
{
	struct compare c;
	struct err err;
	write_file("p.csv", predicted);
	write_file("m.csv", measured);
	assert_int_equal(compare_run(&c, "p.csv", "m.csv", &err), -1);
	assert_string_equal(err.text, sentence);
}

#define ROW "0,0,,1,,100,1,50,50,0,0,0,110,110,200,"

static void meaningless_comparisons_are_refused(void **state)
{
	(void)state;
	refuses(HEAD ROW "checksum=ab|block=16\n", HEAD ROW "checksum=cd|block=16\n",
	        "p.csv has checksum ab, but m.csv has cd: that comparison would mean nothing.");
	refuses(HEAD ROW "source=measured|block=16\n", HEAD ROW "source=predicted|block=16\n",
	        "p.csv was measured and m.csv predicted; the forecast comes first.");
	refuses(HEAD ROW "block=16|capacity=10\n", HEAD ROW "capacity=100|block=16\n",
	        "p.csv has capacity 10, but m.csv has 100: that comparison would mean nothing.");
	refuses(HEAD ROW "kv_bytes=131072\n", HEAD ROW "kv_bytes=28672\n",
	        "p.csv has kv_bytes 131072, but m.csv has 28672: that comparison would mean nothing.");
	refuses(HEAD ROW "\n", HEAD "0,0,,1,,101,1,50,50,0,0,0,110,110,200,\n",
	        "p.csv has request 0 of 100 prompt tokens, where m.csv has request 0 of 101: that comparison would mean nothing.");
	refuses(HEAD ROW "\n", HEAD ROW "\n1,0,,1,,100,1,50,50,0,0,0,110,110,200,\n",
	        "p.csv has 1 requests, but m.csv has 2: that comparison would mean nothing.");
	refuses(HEAD ROW "\n" ROW "\n", HEAD ROW "\n" ROW "\n", "p.csv: request 0 stands in it twice.");
	refuses(HEAD, HEAD ROW "\n", "p.csv: there is no request in it.");
	refuses(HEAD ROW "\n", HEAD "0,0,,1,,100,1,50,50,0,0,0,0,0,200,\n", "m.csv:2: a TTFT or E2E of 0 has no relative error.");
	refuses("request,ttft_ms\n0,1\n", HEAD ROW "\n", "p.csv: there is no column \"prompt_tokens\".");
}

#define SWEEP "trace,evict,ttl,capacity_blocks,token_hit_rate,ttft_ms_mean,vary_disk.size\n"

/* TTFT: repeats scatter by 1 around their means, so the pooled deviation is sqrt(6 x 1 / 3), and the spread 2 sqrt(2) of it / sqrt(2). */
static void decisions_by_hand(void **state)
{
	(void)state;
	struct decisions d;
	struct err err;
	write_file("p.csv", SWEEP "t,lru,none,100,0.5,100,1TB\nt,arc,none,100,0.9,10,1TB\n"
	                          "t,fifo,none,100,0.4,120,1TB\nt,sieve,none,100,0.52,90,1TB\n"); /* arc was not measured */
	write_file("m.csv", SWEEP "t,lru,none,100,0.5,101,1TB\nt,lru,none,100,0.5,99,1TB\nt,fifo,none,100,0.41,119,1TB\n"
	                          "t,fifo,none,100,0.41,117,1TB\nt,sieve,none,100,0.49,102.5,1TB\nt,sieve,none,100,0.49,100.5,1TB\n");
	if (decisions_run(&d, "p.csv", "m.csv", 0.02, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(d.configuration_count, 3);
	assert_int_equal(d.unmeasured, 1);
	assert_string_equal(d.configurations[1], "fifo");
	assert_int_equal(d.metric_count, 2);
	const struct decision_metric *hits = &d.metrics[0], *ttft = &d.metrics[1];
	near(hits->deviation, 0);
	assert_int_equal(hits->pairs[0].verdict, DECISION_RIGHT);
	assert_int_equal(hits->pairs[1].verdict, DECISION_CONFIDENT_WRONG); /* +0.02 of 0.52, measured -0.01 */
	assert_int_equal(hits->pairs[2].verdict, DECISION_RIGHT);
	near(hits->rank_correlation, 0.5);
	near(ttft->deviation, sqrt(2));
	near(ttft->pairs[0].spread, 2 * sqrt(2));
	near(ttft->pairs[0].measured_gap, 18);
	assert_int_equal(ttft->pairs[0].verdict, DECISION_RIGHT);
	assert_int_equal(ttft->pairs[1].verdict, DECISION_CANNOT_TELL); /* -10, measured +1.5 */
	assert_int_equal(ttft->verdicts[DECISION_RIGHT], 2);
	decisions_free(&d);

	assert_int_equal(decisions_run(&d, "p.csv", "m.csv", 0.05, &err), 0);
	assert_int_equal(d.metrics[0].pairs[1].verdict, DECISION_WRONG);
	assert_int_equal(decisions_write_pairs(&d, "pairs.csv", &err), 0);
	decisions_free(&d);
	size_t size;
	char *pairs = (char *)scratch_read("pairs.csv", &size);
	assert_non_null(strstr(pairs, "\ntoken_hit_rate,lru,sieve,0.02,-0.01,0,wrong\n"));
	free(pairs);
}

static void decisions_refuse(const char *predicted, const char *measured, const char *sentence)
{
	struct decisions d;
	struct err err;
	write_file("p.csv", predicted);
	write_file("m.csv", measured);
	assert_int_equal(decisions_run(&d, "p.csv", "m.csv", 0.02, &err), -1);
	assert_string_equal(err.text, sentence);
}

static void decisions_need_repeats(void **state)
{
	(void)state;
	decisions_refuse(SWEEP "t,lru,none,100,0.5,100,a\n", SWEEP "t,lru,none,100,0.5,100,a\n",
	                 "m.csv: t, lru, ttl none, 100 blocks, disk.size a was measured 1 times; without a repeat there is no telling noise "
	                 "from a difference.");
	decisions_refuse(SWEEP "t,lru,none,100,0.5,100,a\n", SWEEP "t,lru,none,200,0.5,100,a\n",
	                 "m.csv:2: p.csv has no forecast of this configuration.");
	decisions_refuse(SWEEP "t,lru,none,100,0.5,100,a\nt,lru,none,100,0.6,100,a\n", SWEEP "t,lru,none,100,0.5,100,a\n",
	                 "p.csv: its configurations 1 and 2 are the same.");
	decisions_refuse(SWEEP "t,lru,none,100,0.5,100,a\n", SWEEP, "m.csv: there is no run in it.");
	decisions_refuse("trace,evict\na,b\n", SWEEP, "p.csv: there is no column \"ttl\".");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(worked_by_hand),
	        cmocka_unit_test(equal_files_have_no_error),
	        cmocka_unit_test(meaningless_comparisons_are_refused),
	        cmocka_unit_test(decisions_by_hand),
	        cmocka_unit_test(decisions_need_repeats),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
