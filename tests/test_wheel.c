/* The timing wheel against a plain table of keys. */
#include "test.h"

#include "make_trace.h"
#include "wheel.h"

#include <stdlib.h>

#define BLOCKS 200

/* The same order, said plainly: by key, then by when it was put in. */
struct table {
	int64_t key_ns[BLOCKS];
	uint64_t turn[BLOCKS];
	uint64_t turns;
};

static block_id table_first(const struct table *table)
{
	block_id first = BLOCK_NONE;
	for (uint32_t b = 0; b < BLOCKS; b++) {
		if (table->key_ns[b] != WHEEL_OUT && (first == BLOCK_NONE || table->key_ns[b] < table->key_ns[first] ||
		                                      (table->key_ns[b] == table->key_ns[first] && table->turn[b] < table->turn[first])))
			first = b;
	}
	return first;
}

/* A distance into the future: most near, some in steps so that keys coincide, some centuries away. */
static int64_t random_distance(struct make_rng *rng)
{
	switch (make_random(rng, 4)) {
	case 0:
		return (int64_t)make_random(rng, 100);
	case 1:
		return (int64_t)make_random(rng, 20) * 3 * NS_PER_S;
	case 2:
		return (int64_t)make_random(rng, UINT64_C(1) << make_random(rng, 62));
	default:
		return 300 * NS_PER_S;
	}
}

static void check_next(struct wheel *wheel, struct table *table, int64_t now_ns)
{
	for (;;) {
		int64_t key_ns = -1;
		const block_id want = table_first(table), got = wheel_next(wheel, now_ns, &key_ns);
		assert_true(wheel->from_ns < now_ns || now_ns == 0);
		if (want == BLOCK_NONE || table->key_ns[want] >= now_ns) {
			assert_int_equal(got, BLOCK_NONE);
			return;
		}
		assert_int_equal(got, want);
		assert_int_equal(key_ns, table->key_ns[want]);
		assert_int_equal(wheel->key_ns[got], WHEEL_OUT);
		table->key_ns[want] = WHEEL_OUT;
	}
}

static void comes_out_in_order(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		struct make_rng rng = {seed};
		struct wheel wheel;
		struct table table = {.turns = 0};
		int64_t now_ns = 0;
		wheel_open(&wheel, BLOCKS);
		for (uint32_t b = 0; b < BLOCKS; b++)
			table.key_ns[b] = WHEEL_OUT;
		for (int step = 0; step < 2000; step++) {
			const block_id b = (block_id)make_random(&rng, BLOCKS);
			if (table.key_ns[b] != WHEEL_OUT) {
				wheel_take(&wheel, b);
				table.key_ns[b] = WHEEL_OUT;
			} else {
				table.key_ns[b] = now_ns + random_distance(&rng);
				table.turn[b] = table.turns++;
				wheel_put(&wheel, b, table.key_ns[b], BLOCK_NONE);
			}
			if (make_chance(&rng, 30)) {
				now_ns += random_distance(&rng) / (1 + (int64_t)make_random(&rng, 1000));
				check_next(&wheel, &table, now_ns);
			}
		}
		check_next(&wheel, &table, INT64_MAX);
		wheel_close(&wheel);
	}
}

/* 0, its child 1, its child 2 under one key, put in from the root, beside 3, which came first: 3, then 2, 1, 0. */
static void children_come_before_their_parent(void **state)
{
	(void)state;
	struct wheel wheel;
	const block_id want[] = {3, 2, 1, 0};
	wheel_open(&wheel, 5);
	wheel_put(&wheel, 3, 1000, BLOCK_NONE);
	wheel_put(&wheel, 0, 1000, BLOCK_NONE);
	wheel_put(&wheel, 1, 1000, 0);
	wheel_put(&wheel, 2, 1000, 1);
	wheel_put(&wheel, 4, 2000, 2); /* another key: no place beside its parent */
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		int64_t key_ns;
		assert_int_equal(wheel_next(&wheel, 1001, &key_ns), want[i]);
		assert_int_equal(key_ns, 1000);
	}
	int64_t key_ns;
	assert_int_equal(wheel_next(&wheel, 2000, &key_ns), BLOCK_NONE);
	assert_int_equal(wheel_next(&wheel, 2001, &key_ns), 4);
	wheel_close(&wheel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(comes_out_in_order),
	        cmocka_unit_test(children_come_before_their_parent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
