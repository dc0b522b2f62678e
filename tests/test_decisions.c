/* test_decisions.c - decisions of a forecast that was made with several factors on its steps: which pairs are sure, by hand. */
#include "test.h"

#include "decisions.h"
#include "scratch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MEASURED "trace,evict,ttl,capacity_blocks,ttft_ms_mean\n"
#define FORECAST "trace,evict,ttl,capacity_blocks,vary_steps,ttft_ms_mean\n"

static void write_file(const char *name, const char *text)
{
	scratch_write(name, text, strlen(text));
}

static void near(double value, double expected)
{
	if (fabs(value - expected) > 1e-12)
		fail_msg("%.15g, but %.15g was expected", value, expected);
}

/* As a text; to be freed. */
static char *read_pairs(void)
{
	size_t size;
	unsigned char *bytes = scratch_read("pairs.csv", &size);
	char *text = mem_alloc(size + 1, 1);
	memcpy(text, bytes, size);
	free(bytes);
	return text;
}

static struct decisions decide(const char *forecast, const char *measured)
{
	struct decisions d;
	struct err err;
	write_file("p.csv", forecast);
	write_file("m.csv", measured);
	if (decisions_run(&d, "p.csv", "m.csv", 0.02, &err) < 0)
		fail_msg("%s", err.text);
	return d;
}

static const struct decision *pair_of(const struct decisions *d, const char *a, const char *b)
{
	for (size_t p = 0; p < d->metrics[0].pair_count; p++) {
		const struct decision *pair = &d->metrics[0].pairs[p];
		if (strcmp(d->configurations[pair->a], a) == 0 && strcmp(d->configurations[pair->b], b) == 0)
			return pair;
	}
	fail_msg("there is no pair of %s and %s", a, b);
	return NULL;
}

static void is(const struct decision *pair, double least, double gap, double most, bool sure, enum decision_verdict verdict)
{
	near(pair->predicted_least, least);
	near(pair->predicted_gap, gap);
	near(pair->predicted_most, most);
	assert_int_equal(pair->sure, sure);
	assert_string_equal(decision_verdict_names[pair->verdict], decision_verdict_names[verdict]);
}

/* In ms, with factors 0.9, 1, 1.1:   lru 90 100 110   fifo 120 130 141   sieve 95 104 105   arc 96 94 95
 * and measured, all twice the same:  lru 100          fifo 80            sieve 90           arc 97
 * Rows in any order; one configuration more was not measured. */
#define BY_HAND                                                                                                                 \
	FORECAST "t,lru,none,100,1.1,110\nt,lru,none,100,0.9,90\nt,lru,none,100,1,100\nt,fifo,none,100,0.9,120\n"                    \
	         "t,fifo,none,100,1.0,130\nt,fifo,none,100,1.1,141\nt,gone,none,100,0.9,1\nt,gone,none,100,1,1\n"                    \
	         "t,gone,none,100,1.1,1\nt,sieve,none,100,0.9,95\nt,sieve,none,100,1,104\nt,sieve,none,100,1.1,105\n"                \
	         "t,arc,none,100,0.9,96\nt,arc,none,100,1,94\nt,arc,none,100,1.1,95\n"
#define MEASURED_BY_HAND                                                                                                        \
	MEASURED "t,lru,none,100,100\nt,lru,none,100,100\nt,fifo,none,100,80\nt,fifo,none,100,80\nt,sieve,none,100,90\n"             \
	         "t,sieve,none,100,90\nt,arc,none,100,97\nt,arc,none,100,97\n"

static void pairs_by_hand(void **state)
{
	(void)state;
	struct decisions d = decide(BY_HAND, MEASURED_BY_HAND);
	const struct decision_metric *metric = &d.metrics[0];
	assert_int_equal(d.configuration_count, 4);
	assert_int_equal(d.unmeasured, 1);
	assert_true(d.has_factors);
	assert_int_equal(d.factor_count, 3);
	near(d.factors[d.one], 1);
	assert_string_equal(d.configurations[0], "lru");
	is(pair_of(&d, "lru", "fifo"), 30, 30, 31, true, DECISION_CONFIDENT_WRONG);
	is(pair_of(&d, "lru", "sieve"), -5, 4, 5, false, DECISION_WRONG); /* the same gap would be confident, were it sure */
	is(pair_of(&d, "lru", "arc"), -15, -6, 6, false, DECISION_RIGHT);
	is(pair_of(&d, "fifo", "sieve"), -36, -26, -25, true, DECISION_CONFIDENT_WRONG);
	is(pair_of(&d, "fifo", "arc"), -46, -36, -24, true, DECISION_CONFIDENT_WRONG);
	is(pair_of(&d, "sieve", "arc"), -10, -10, 1, false, DECISION_WRONG);
	assert_int_equal(metric->unsure_count, 3);
	assert_int_equal(metric->unsure[DECISION_RIGHT], 1);
	assert_int_equal(metric->unsure[DECISION_WRONG], 2);
	assert_int_equal(metric->unsure[DECISION_CONFIDENT_WRONG], 0);
	assert_int_equal(metric->verdicts[DECISION_CONFIDENT_WRONG], 3);
	struct err err;
	assert_int_equal(decisions_write_pairs(&d, "pairs.csv", &err), 0);
	decisions_free(&d);
	char *pairs = read_pairs();
	assert_non_null(strstr(pairs, ",verdict,predicted_gap_least,predicted_gap_most,sure\n"));
	assert_non_null(strstr(pairs, "\nttft_ms_mean,lru,fifo,30,-20,0,confidently wrong,30,31,yes\n"));
	assert_non_null(strstr(pairs, "\nttft_ms_mean,lru,sieve,4,-10,0,wrong,-5,5,no\n"));
	free(pairs);
}

#define ONE_PAIR(lru, fifo) "t,lru,none,100," lru "\nt,fifo,none,100," fifo "\n"
#define TWICE(lru, fifo)    MEASURED ONE_PAIR(lru, fifo) ONE_PAIR(lru, fifo)

/* A gap of 0 has no sign, whatever the others say; and where there is one factor only it is the one. */
static void no_gap_is_not_sure(void **state)
{
	(void)state;
	struct decisions d = decide(FORECAST ONE_PAIR("0.9,10", "0.9,10") ONE_PAIR("1,10", "1,20"), TWICE("30", "20"));
	is(pair_of(&d, "lru", "fifo"), 0, 10, 10, false, DECISION_WRONG);
	decisions_free(&d);
	d = decide(FORECAST ONE_PAIR("1,10", "1,20"), TWICE("30", "20"));
	is(pair_of(&d, "lru", "fifo"), 10, 10, 10, true, DECISION_CONFIDENT_WRONG);
	decisions_free(&d);
}

/* As before there was such a column: nothing is said about being sure. */
static void without_factors_nothing_is_unsure(void **state)
{
	(void)state;
	struct decisions d = decide(MEASURED ONE_PAIR("10", "20"), TWICE("30", "20"));
	struct err err;
	assert_false(d.has_factors);
	is(pair_of(&d, "lru", "fifo"), 10, 10, 10, true, DECISION_CONFIDENT_WRONG);
	assert_int_equal(decisions_write_pairs(&d, "pairs.csv", &err), 0);
	decisions_free(&d);
	char *pairs = read_pairs();
	assert_string_equal(pairs, "metric,a,b,predicted_gap,measured_gap,spread,verdict\n"
	                           "ttft_ms_mean,lru,fifo,10,-10,0,confidently wrong\n");
	free(pairs);
}

static void refuses(const char *forecast, const char *sentence)
{
	struct decisions d;
	struct err err;
	write_file("p.csv", forecast);
	write_file("m.csv", TWICE("30", "20"));
	assert_int_equal(decisions_run(&d, "p.csv", "m.csv", 0.02, &err), -1);
	assert_string_equal(err.text, sentence);
}

static void other_factors_are_refused(void **state)
{
	(void)state;
	refuses(FORECAST ONE_PAIR("1,10", "1,20") "t,lru,none,100,1.1,9\n",
	        "p.csv:3: this configuration has no row with vary_steps 1.1, which others have; expected the same factors for all.");
	refuses(FORECAST ONE_PAIR("1,10", "1.1,20"),
	        "p.csv:2: this configuration has no row with vary_steps 1.1, which others have; expected the same factors for all.");
	refuses(FORECAST ONE_PAIR("0.97,10", "0.97,20"),
	        "p.csv: there is no row with vary_steps 1; what the forecast is sure of is told by other factors beside that.");
	refuses(FORECAST ONE_PAIR("1,10", "1,20") "t,lru,none,100,1.0,9\n", "p.csv: its configurations 1 and 3 are the same.");
	refuses(FORECAST ONE_PAIR("1,10", "fast,20"), "p.csv:3: field \"vary_steps\" is \"fast\"; expected a number of at least 0.");
	refuses(FORECAST "t,lru,none,100,1,10\nt,lru,none,100,2,10\n", "m.csv:3: p.csv has no forecast of this configuration.");
}

/* One configuration alone is told by all that names it, also where it has several rows. */
static void a_single_configuration_is_told_whole(void **state)
{
	(void)state;
	struct decisions d = decide(FORECAST "t,lru,none,100,1,10\nt,lru,none,100,2,20\n",
	                            MEASURED "t,lru,none,100,9\nt,lru,none,100,9\n");
	assert_int_equal(d.configuration_count, 1);
	assert_string_equal(d.configurations[0], "t, lru, ttl none, 100 blocks");
	decisions_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(pairs_by_hand),
	        cmocka_unit_test(no_gap_is_not_sure),
	        cmocka_unit_test(without_factors_nothing_is_unsure),
	        cmocka_unit_test(other_factors_are_refused),
	        cmocka_unit_test(a_single_configuration_is_told_whole),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
