/* test_step_compare.c - forecasts of single steps by hand: history from measured ends, true rests, repeated keys; and refusals. */
#include "test.h"

#include "scratch.h"
#include "step_compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "step,start_ms,took_ms,rest_ms,sequences,new_tokens,distinct_keys,parts\n"

/* 1 us a row; 2 ns for each 64th of a distinct token beyond half of the context. Work is 20 % slower while the level is
 * above 0.5, to which it takes a rested device 2 us of work, and from which half of it is gone after 2 us. */
static const struct calibration calibration = {
        .name = (char *)"made",
        .model = (char *)"m",
        .decode_step_ns = 100,
        .distinct_free_64ths = 32,
        .terms = {[TERM_ROWS] = CALIBRATION_LINE(1000), [TERM_DISTINCT] = CALIBRATION_LINE(2)},
        .power = {.fast = {.slowdown = 0.2, .half_life_ns = 2000, .from = 0.5, .full = 0.500001}, .most = 1, .least_rows = 2},
};

/* The engine's clock, here as if a gap had been left out, and its steps are of no account. */
static const char log_text[] = HEAD "7,40.0,0.005,0.000,1,4,0,4@0\n"
                                    "8,40.1,0.003,0.001,2,2,90,1@100 1@60\n"
                                    "9,90.0,0.004,0.001,1,4,8,4@8\n"
                                    "10,90.1,0.010,0.000,2,9,10,8@0 1@10\n"
                                    "11,99.0,0.002,0.012,1,2,0,2@0\n";

static const int64_t by_hand_ns[] = {
        4000 + 400,                            /* 2 us at full clock, then 20 % slower; a level of 0.782 after 4.4 */
        100 + 2000 + 2 * (32 * 160 - 64 * 70), /* of 160 tokens 70 are repeated; no prompt */
        4000 + 500,                            /* work ended 5 us ago, 0.138 is left: 0.5 after 1.57 us, in the seventh part of 16 */
        9640 + 1928,                           /* 9 rows, 10 tokens half free; from 0.819 on */
        2000,                                  /* 12 us later 0.015 is left */
};

static void near(double value, double expected)
{
	if (fabs(value - expected) > 1e-12)
		fail_msg("%.15g, but %.15g was expected", value, expected);
}

static struct step_compare compared(const char *path)
{
	struct step_compare compare;
	struct err err;
	if (step_compare_run(&compare, path, &calibration, &err) < 0)
		fail_msg("%s", err.text);
	return compare;
}

static void steps_by_hand(void **state)
{
	(void)state;
	scratch_write("log.csv", log_text, strlen(log_text));
	struct step_compare c = compared("log.csv");
	assert_int_equal(c.count, 5);
	for (size_t i = 0; i < c.count; i++) {
		assert_int_equal(c.steps[i].step, 7 + i);
		assert_int_equal(c.steps[i].predicted_ns, by_hand_ns[i]);
	}
	assert_int_equal(c.steps[3].measured_ns, 10000);
	assert_int_equal(c.steps[3].new_tokens, 9);
	assert_int_equal(c.steps[3].sequences, 2);
	step_compare_free(&c);
}

/* Where the log tells what decodes repeat, that is taken, and what a prompt shares with them is not. */
static void what_decodes_repeat_is_taken_from_the_log(void **state)
{
	(void)state;
	static const char text[] = "step,took_ms,rest_ms,sequences,new_tokens,distinct_keys,repeated_keys,parts\n"
	                           "1,0.003,0.001,3,5,60,70,1@100 1@60 3@60\n",
	                  wrong[] = "step,took_ms,rest_ms,sequences,new_tokens,distinct_keys,repeated_keys,parts\n"
	                            "1,0.003,0.001,2,4,60,61,1@60 3@60\n";
	struct step_compare c;
	struct err err;
	scratch_write("log.csv", text, strlen(text));
	c = compared("log.csv");
	const int64_t with_prompt_ns = c.steps[0].predicted_ns;
	step_compare_free(&c);
	scratch_write("log.csv", log_text, strlen(log_text));
	c = compared("log.csv");
	/* Three rows and 1 us each more, with the decodes of the second step of the log, less the 100 ns of steps that only decode. Its load is
	 * 5 / 6.28, so 0.5 is reached after 2.85 us, and nine sixteenths are slower. */
	assert_int_equal(with_prompt_ns, c.steps[1].predicted_ns + 3000 - 100 + 706);
	step_compare_free(&c);
	scratch_write("log.csv", wrong, strlen(wrong));
	assert_int_equal(step_compare_run(&c, "log.csv", &calibration, &err), -1);
	assert_string_equal(err.text, "log.csv:2: field \"repeated_keys\" is 61; expected at most 60, the tokens that decodes come after.");
}

static void another_models_log_is_refused(void **state)
{
	(void)state;
	struct step_compare c;
	struct err err;
	char text[1024];
	snprintf(text, sizeof(text), "# model: m\n%s", log_text);
	scratch_write("log.csv", text, strlen(text));
	c = compared("log.csv");
	assert_int_equal(c.count, 5);
	step_compare_free(&c);
	snprintf(text, sizeof(text), "# model: qwen2.5-0.5b\n%s", log_text);
	scratch_write("log.csv", text, strlen(text));
	assert_int_equal(step_compare_run(&c, "log.csv", &calibration, &err), -1);
	assert_string_equal(err.text, "log.csv: it is of the model qwen2.5-0.5b, but the calibration made of m.");
}

static void classes_by_hand(void **state)
{
	(void)state;
	scratch_write_gz("log.csv.gz", log_text, strlen(log_text));
	struct step_compare c = compared("log.csv.gz");
	/* -12, +12.67, +12.5 and 0 % */
	const struct step_compare_class *small = &c.classes[0], *all = &c.classes[STEP_COMPARE_CLASSES - 1];
	assert_string_equal(small->name, "1-8");
	assert_int_equal(small->steps, 4);
	near(small->measured_ms, 0.014);
	near(small->sum_error, 14280. / 14000 - 1);
	near(small->time_share, 14. / 24);
	near(small->mean_absolute, (0.12 + 0.38 / 3 + 0.125 + 0) / 4);
	near(small->p5, -0.12 + 0.15 * 0.12);
	near(small->p50, 0.125 / 2);
	near(small->p95, 0.125 + 0.85 * (0.38 / 3 - 0.125));
	assert_string_equal(c.classes[1].name, "9-64");
	assert_int_equal(c.classes[1].steps, 1);
	near(c.classes[1].p5, 0.1568);
	near(c.classes[1].mean_absolute, 0.1568);
	for (size_t i = 2; i + 1 < STEP_COMPARE_CLASSES; i++)
		assert_true(c.classes[i].steps == 0 && c.classes[i].time_share == 0);
	assert_string_equal(all->name, "all");
	assert_int_equal(all->steps, 5);
	near(all->predicted_ms, 0.025848);
	near(all->time_share, 1);
	near(all->p50, 0.125);
	step_compare_free(&c);
}

static void classes_begin_where_they_say(void **state)
{
	(void)state;
	static const char text[] = HEAD "1,0,1,0,1,8,0,8@0\n2,0,1,0,1,9,0,9@0\n3,0,1,0,1,64,0,64@0\n4,0,1,0,1,256,0,256@0\n"
	                                "5,0,1,0,1,1024,0,1024@0\n6,0,1,0,1,4096,0,4096@0\n7,0,1,0,1,4097,0,4097@0\n";
	static const size_t sizes[STEP_COMPARE_CLASSES] = {1, 2, 1, 1, 1, 1, 7};
	scratch_write("log.csv", text, strlen(text));
	struct step_compare c = compared("log.csv");
	for (size_t i = 0; i < STEP_COMPARE_CLASSES; i++)
		assert_int_equal(c.classes[i].steps, sizes[i]);
	step_compare_free(&c);
}

static void rows_are_written(void **state)
{
	(void)state;
	struct err err;
	size_t size;
	scratch_write("log.csv", log_text, strlen(log_text));
	struct step_compare c = compared("log.csv");
	assert_int_equal(step_compare_write_rows(&c, "rows.csv", &err), 0);
	step_compare_free(&c);
	unsigned char *rows = scratch_read("rows.csv", &size);
	static const char expected[] = "step,new_tokens,sequences,measured_ms,predicted_ms\n"
	                               "7,4,1,0.005000,0.004400\n8,2,2,0.003000,0.003380\n9,4,1,0.004000,0.004500\n"
	                               "10,9,2,0.010000,0.011568\n11,2,1,0.002000,0.002000\n";
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(rows, expected, size);
	free(rows);
}

static void refuses(const char *text, const char *sentence)
{
	struct step_compare compare;
	struct err err;
	scratch_write("log.csv", text, strlen(text));
	assert_int_equal(step_compare_run(&compare, "log.csv", &calibration, &err), -1);
	assert_string_equal(err.text, sentence);
}

#define NO_PART(number, text)                                                                                                   \
	"log.csv:2: field \"parts\", part " number " is \"" text "\"; expected NEW@CONTEXT, such as 512@16384, whole numbers "        \
	"of tokens up to 1000000000, with one space between parts."

static void bad_logs_are_refused(void **state)
{
	(void)state;
	refuses("step,took_ms,rest_ms,sequences,new_tokens,parts\n", "log.csv: there is no column \"distinct_keys\".");
	refuses(HEAD, "log.csv: there is no step in it.");
	refuses(HEAD "1,0,1,0,1,4,0,\n", NO_PART("1", ""));
	refuses(HEAD "1,0,1,0,1,4,0,4\n", NO_PART("1", "4"));
	refuses(HEAD "1,0,1,0,1,4,0,4@\n", NO_PART("1", "4@"));
	refuses(HEAD "1,0,1,0,1,4,0,4@-1\n", NO_PART("1", "4@-1"));
	refuses(HEAD "1,0,1,0,2,5,0,4@0 0@7\n", NO_PART("2", "0@7"));
	refuses(HEAD "1,0,1,0,2,5,0,4@0  1@7\n", NO_PART("2", ""));
	refuses(HEAD "1,0,1,0,1,4,0,4@0 \n", NO_PART("2", ""));
	refuses(HEAD "1,0,1,0,2,5,0,4@0;1@7\n", NO_PART("1", "4@0;1@7"));
	refuses(HEAD "1,0,1,0,1,4,0,4@99999999999999999999999\n",
	        NO_PART("1", "4@99999999999999999999999"));
	refuses(HEAD "1,0,1,0,2,5,16,4@8 1@7\n",
	        "log.csv:2: field \"distinct_keys\" is 16; expected at most 15, the tokens that \"parts\" come after.");
	refuses(HEAD "1,0,1,0,3,5,0,4@8 1@7\n", "log.csv:2: field \"sequences\" is 3; expected 2, as many as \"parts\" has.");
	refuses(HEAD "1,0,1,0,2,6,0,4@8 1@7\n", "log.csv:2: field \"new_tokens\" is 6; expected 5, as many as \"parts\" has.");
	refuses(HEAD "1,0,1,0,1,4,0,4@0\n\n3,0,1,0,1,4,0,4@0\n",
	        "log.csv:4: field \"step\" is 3; expected 2, as a step depends on those before it.");
	refuses(HEAD "1,0,1,0,1,4,0.5,4@8\n",
	        "log.csv:2: field \"distinct_keys\" is \"0.5\"; expected a whole number of at most 1000000000000000.");
	refuses(HEAD "1,0,0,0,1,4,0,4@0\n",
	        "log.csv:2: field \"took_ms\" is \"0\"; expected more than 0, which has no relative error.");
	refuses(HEAD "1,0,1,-2,1,4,0,4@0\n", "log.csv:2: field \"rest_ms\" is \"-2\"; expected a number of at least 0.");
	refuses(HEAD "1,0,1,9e11,1,4,0,4@0\n2,0,2e11,0,1,4,0,4@0\n",
	        "log.csv:3: with field \"took_ms\" the log is longer than 1e+12 ms.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(steps_by_hand),
	        cmocka_unit_test(what_decodes_repeat_is_taken_from_the_log),
	        cmocka_unit_test(another_models_log_is_refused),
	        cmocka_unit_test(classes_by_hand),
	        cmocka_unit_test(classes_begin_where_they_say),
	        cmocka_unit_test(rows_are_written),
	        cmocka_unit_test(bad_logs_are_refused),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
