/* test_replay_clock.c - what a replay sleeps and leaves out: by hand, in ms; the caller's clock began at 1,000. */
#include "test.h"

#include "replay_clock.h"

#define MS NS_PER_MS

static int64_t advance_ms(struct replay_clock *clock, int64_t engine_ms, int64_t now_ms)
{
	return replay_clock_advance(clock, engine_ms * MS, now_ms * MS) / MS;
}

static int64_t skip_ms(struct replay_clock *clock, int64_t now_ms)
{
	return replay_clock_skip(clock, now_ms * MS) / MS;
}

/* Prepared in 2 ms. */
static int64_t step_ms(struct replay_clock *clock, int64_t begin_ms, int64_t end_ms, bool has_prompt)
{
	return replay_clock_step(clock, (begin_ms - 2) * MS, begin_ms * MS, end_ms * MS, has_prompt) / MS;
}

/* A request arrives 50 ms into a prompt's step of 250 ms, which is over in true time when the clock moves there. */
static void what_happens_in_a_step_is_no_gap(void **state)
{
	(void)state;
	struct replay_clock clock = {.wall = false};
	assert_int_equal(advance_ms(&clock, 10, 1000), 0);
	assert_int_equal(skip_ms(&clock, 1000), 0);
	assert_int_equal(step_ms(&clock, 1002, 1252, true), 250);
	assert_int_equal(advance_ms(&clock, 60, 1252), 0);
	assert_int_equal(skip_ms(&clock, 1252), 0);
	assert_int_equal(advance_ms(&clock, 260, 1253), 0);
	assert_int_equal(skip_ms(&clock, 1253), 0);
	/* Nor is what the program had to do since then taken off the gap that comes. */
	assert_int_equal(advance_ms(&clock, 300, 1255), 37);
}

/* Of a gap of 10 s 250 ms are slept after 250 ms of prompts, 8 after 8, none after decodes. */
static void a_gap_is_slept_as_long_as_it_takes_to_rest(void **state)
{
	(void)state;
	struct replay_clock clock = {.wall = false};
	advance_ms(&clock, 0, 1000);
	step_ms(&clock, 1002, 1252, true);
	assert_int_equal(advance_ms(&clock, 10250, 1252), 250);
	assert_int_equal(skip_ms(&clock, 1503), 10000 - 251);
	step_ms(&clock, 1505, 1513, true);
	assert_int_equal(advance_ms(&clock, 20258, 1513), 8);
	assert_int_equal(skip_ms(&clock, 1521), 10000 - 8);
	step_ms(&clock, 1523, 1533, false);
	assert_int_equal(advance_ms(&clock, 30268, 1533), 0);
	assert_int_equal(skip_ms(&clock, 1533), 10000);
}

/* A second, however long it worked. */
static void no_rest_is_longer_than_a_second(void **state)
{
	(void)state;
	struct replay_clock clock = {.wall = false};
	advance_ms(&clock, 0, 1000);
	step_ms(&clock, 1000, 4000, true);
	assert_int_equal(advance_ms(&clock, 10000, 4000), 1000);
	assert_int_equal(skip_ms(&clock, 5000), 6000);
	assert_int_equal(advance_ms(&clock, 20000, 5000), 0);
}

/* A rest may come in pieces. */
static void a_short_gap_leaves_the_rest_of_a_rest(void **state)
{
	(void)state;
	struct replay_clock clock = {.wall = false};
	advance_ms(&clock, 0, 1000);
	step_ms(&clock, 1002, 1102, true);
	assert_int_equal(advance_ms(&clock, 101, 1102), 1);
	assert_int_equal(skip_ms(&clock, 1103), 0);
	assert_int_equal(advance_ms(&clock, 131, 1103), 30);
	assert_int_equal(skip_ms(&clock, 1133), 0);
	assert_int_equal(advance_ms(&clock, 1131, 1133), 69);
	assert_int_equal(skip_ms(&clock, 1202), 931);
	assert_int_equal(advance_ms(&clock, 9000, 1202), 0);
}

static void on_the_wall_nothing_is_left_out(void **state)
{
	(void)state;
	struct replay_clock clock = {.wall = true};
	assert_int_equal(advance_ms(&clock, 5, 1000), 0);
	/* What a server does not do is not counted, all else is: 3 ms since the step began to be looked for. */
	assert_int_equal(replay_clock_step(&clock, 1003 * MS, 1007 * MS, 1107 * MS, true) / MS, 103);
	assert_int_equal(advance_ms(&clock, 50, 1107), 0);
	assert_int_equal(advance_ms(&clock, 108, 1107), 0);
	assert_int_equal(skip_ms(&clock, 1107), 0);
	assert_int_equal(advance_ms(&clock, 1000, 1108), 891);
	assert_int_equal(skip_ms(&clock, 1999), 0);
}

static void a_step_takes_some_time(void **state)
{
	(void)state;
	struct replay_clock clock = {.wall = false};
	replay_clock_advance(&clock, 0, 7);
	assert_int_equal(replay_clock_step(&clock, 8, 9, 9, false), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_happens_in_a_step_is_no_gap),
	        cmocka_unit_test(a_gap_is_slept_as_long_as_it_takes_to_rest),
	        cmocka_unit_test(no_rest_is_longer_than_a_second),
	        cmocka_unit_test(a_short_gap_leaves_the_rest_of_a_rest),
	        cmocka_unit_test(on_the_wall_nothing_is_left_out),
	        cmocka_unit_test(a_step_takes_some_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
