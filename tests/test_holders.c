/* test_holders.c - how many sequences hold each block, against a count from the root for every sequence. */
#include "test.h"

#include "holders.h"
#include "make_trace.h"

#include <stdlib.h>

#define SEQUENCES 40

/* The first `held` blocks of each path. */
static uint64_t naive(const struct trace *trace, const struct path *paths, const uint32_t *held)
{
	uint64_t repeated = 0;
	for (block_id b = 0; b < trace->block_count; b++) {
		uint64_t holders = 0;
		for (uint32_t s = 0; s < SEQUENCES; s++) {
			for (uint32_t place = 0; place < held[s]; place++)
				holders += path_block(paths[s], place) == b;
		}
		repeated += holders > 1 ? holders - 1 : 0;
	}
	return repeated;
}

/* Sequences come, hold more of their paths, and let go of all, in any order. */
static void as_counted_from_the_root(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct make_rng rng = {seed};
		const struct make_shape shape = {.requests = SEQUENCES, .block_tokens = 4, .root_percent = 15, .repeat_percent = 40, .growth = 5,
		                                 .tick_ns = 1, .most_ticks = 3};
		struct trace *trace = make_trace_random(&rng, &shape);
		struct path paths[SEQUENCES];
		uint32_t held[SEQUENCES] = {0};
		uint64_t most = 0;
		struct holders holders;
		holders_open(&holders, trace->block_count);
		for (uint32_t s = 0; s < SEQUENCES; s++)
			paths[s] = (struct path){trace->runs + trace->requests[s].run_first, trace->requests[s].block_count};
		for (int i = 0; i < 200; i++) {
			const uint32_t s = (uint32_t)make_random(&rng, SEQUENCES);
			if (held[s] > 0) {
				holders_remove(&holders, paths[s], held[s]);
				held[s] = 0;
			} else {
				held[s] = (uint32_t)make_random(&rng, paths[s].block_count + 1);
				holders_add(&holders, paths[s], held[s]);
			}
			assert_int_equal(holders.repeated_blocks, naive(trace, paths, held));
			most = holders.repeated_blocks > most ? holders.repeated_blocks : most;
		}
		assert_true(most > 0);
		for (uint32_t s = 0; s < SEQUENCES; s++)
			holders_remove(&holders, paths[s], held[s]);
		assert_int_equal(holders.repeated_blocks, 0);
		for (block_id b = 0; b < trace->block_count; b++)
			assert_int_equal(holders.counts[b], 0);
		holders_close(&holders);
		make_trace_free(trace);
	}
}

static void nobody_counts_where_it_is_not_open(void **state)
{
	(void)state;
	const struct trace_run run = {0, 3};
	struct holders holders = {0};
	holders_add(&holders, (struct path){&run, 3}, 3);
	holders_add(&holders, (struct path){&run, 3}, 3);
	holders_remove(&holders, (struct path){&run, 3}, 3);
	assert_int_equal(holders.repeated_blocks, 0);
	holders_close(&holders);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(as_counted_from_the_root),
	        cmocka_unit_test(nobody_counts_where_it_is_not_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
