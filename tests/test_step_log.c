/* test_step_log.c - the rows of a replay's steps, by hand, in blocks of 4 tokens. */
#include "test.h"

#include "scratch.h"
#include "step_log.h"

#include <stdlib.h>
#include <string.h>

/* The sequences share slots 0 and 1; the first has 10 tokens in slots 0 to 2 and computes into 2 and 3, the second 9 in 0, 1 and 4. */
static struct step_batch_part two_parts[] = {{0, 3, 10, 0}, {3, 1, 9, 4}}, one_part[] = {{0, 2, 0, 0}},
                              both_parts[] = {{0, 1, 10, 0}, {1, 1, 9, 3}, {2, 3, 8, 6}};
static uint32_t two_table[] = {0, 1, 2, 3, 0, 1, 4}, one_table[] = {0}, both_table[] = {0, 1, 2, 0, 1, 4, 0, 1, 3};
static const struct step_batch two = {.parts = two_parts, .table = two_table, .part_count = 2, .token_count = 4, .table_count = 7},
                               one = {.parts = one_part, .table = one_table, .part_count = 1, .token_count = 2, .table_count = 1},
                               /* Both decode, and a prompt's tokens after the same 8 are nobody's repeats. */
                               both = {.parts = both_parts, .table = both_table, .part_count = 3, .token_count = 5, .table_count = 9};

static struct step_log *open_log(void)
{
	struct err err;
	struct step_log *log = step_log_open("s.csv", "tiny", 5, 4, &err);
	assert_non_null(log);
	return log;
}

/* Keys are counted anew in every step, and a prompt's first tokens find none. */
static void rows_by_hand(void **state)
{
	(void)state;
	struct step_log *log = open_log();
	struct err err;
	size_t size;
	step_log_add(log, &two, 1500000, 900000100, 902000100);
	step_log_add(log, &one, 70000001, 902500100, 902500101);
	step_log_add(log, &two, 80000000, 902500101, 903500101);
	step_log_add(log, &both, 90000000, 903500101, 904500101);
	assert_int_equal(step_log_commit(log, &err), 0);
	char *text = (char *)scratch_read("s.csv", &size);
	const char *expected = "# model: tiny\n"
	                       "step,start_ms,took_ms,rest_ms,sequences,new_tokens,distinct_keys,repeated_keys,parts\n"
	                       "1,1.500000,2.000000,0.000000,2,4,11,0,3@10 1@9\n"
	                       "2,70.000001,0.000001,0.500000,1,2,0,0,2@0\n"
	                       "3,80.000000,1.000000,0.000000,2,4,11,0,3@10 1@9\n"
	                       "4,90.000000,1.000000,0.000000,3,5,11,8,1@10 1@9 3@8\n";
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(text, expected, size);
	free(text);
}

static void an_aborted_log_leaves_nothing(void **state)
{
	(void)state;
	const size_t names = scratch_count();
	struct step_log *log = open_log();
	struct err err;
	step_log_add(log, &two, 0, 0, 1);
	step_log_abort(log);
	assert_int_equal(scratch_count(), names);
	step_log_add(NULL, &two, 0, 0, 1);
	step_log_abort(NULL);
	assert_int_equal(step_log_commit(NULL, &err), 0);
	assert_null(step_log_open("absent/s.csv", "tiny", 5, 4, &err));
	assert_non_null(strstr(err.text, "absent/s.csv"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_aborted_log_leaves_nothing),
	        cmocka_unit_test(rows_by_hand),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
