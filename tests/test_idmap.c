/* idmap: dense ids in order of first sight, whatever the keys look like. */
#include "test.h"

#include "idmap.h"

#include <stdlib.h>

#define KEYS 100000

static void ids_are_dense(void **state)
{
	(void)state;
	struct idmap map = {0};
	bool added;
	assert_int_equal(idmap_add(&map, (struct idmap_key){7, 7}, &added), 0);
	assert_true(added);
	assert_int_equal(idmap_add(&map, (struct idmap_key){7, 8}, &added), 1);
	assert_true(added);
	assert_int_equal(idmap_add(&map, (struct idmap_key){8, 7}, &added), 2);
	assert_int_equal(idmap_add(&map, (struct idmap_key){0, 0}, &added), 3);
	assert_true(added);
	assert_int_equal(idmap_add(&map, (struct idmap_key){7, 8}, &added), 1);
	assert_false(added);
	assert_int_equal(map.count, 4);
	assert_true(idmap_key_equal(map.keys[2], (struct idmap_key){8, 7}));
	idmap_free(&map);
	assert_int_equal(map.count, 0);
	assert_int_equal(idmap_add(&map, (struct idmap_key){5, 5}, &added), 0);
	idmap_free(&map);
}

/* Kinds of keys a trace brings: counting ids in counting name spaces, ids far apart, parents in the upper half. */
static struct idmap_key key_of_kind(int kind, uint64_t i)
{
	switch (kind) {
	case 0:
		return (struct idmap_key){i, 0};
	case 1:
		return (struct idmap_key){i % 1000, i / 1000};
	case 2:
		return (struct idmap_key){i << 32, i >> 32};
	case 3:
		return (struct idmap_key){0, i << 31};
	default:
		return (struct idmap_key){i * UINT64_C(0x9e3779b97f4a7c15), ~i};
	}
}

static void every_kind_of_key_is_found_again(void **state)
{
	(void)state;
	for (int kind = 0; kind < 5; kind++) {
		struct idmap map = {0};
		bool added;
		for (uint64_t i = 0; i < KEYS; i++) {
			assert_int_equal(idmap_add(&map, key_of_kind(kind, i), &added), i);
			assert_true(added);
		}
		for (uint64_t i = KEYS; i-- > 0;) {
			assert_int_equal(idmap_add(&map, key_of_kind(kind, i), &added), i);
			assert_false(added);
		}
		idmap_free(&map);
	}
}

/* Counting keys must not pile up: the longest chain of taken slots stays short in a table that is half full. */
static void probing_stays_short(void **state)
{
	(void)state;
	for (int kind = 0; kind < 5; kind++) {
		struct idmap map = {0};
		bool added;
		for (uint64_t i = 0; i < KEYS; i++)
			idmap_add(&map, key_of_kind(kind, i), &added);
		size_t longest = 0, taken = 0;
		for (size_t slot = 0; slot < map.slot_count; slot++) {
			taken = map.slots[slot] ? taken + 1 : 0;
			longest = taken > longest ? taken : longest;
		}
		assert_in_range(longest, 2, 150);
		idmap_free(&map);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ids_are_dense),
	    cmocka_unit_test(every_kind_of_key_is_found_again),
	    cmocka_unit_test(probing_stays_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
