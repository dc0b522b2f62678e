/* The classics that keep scores, by hand. */
#include "test.h"
#include "worked.h"

/* evict_gdsf.c's example. A has 2, B 1: B goes and the age is 1. C has 1 + 1 = 2 like A, which was used before it: A goes, the
 * age is 2, D has 3. C is hit: 2 + 2 = 4, so E takes the place of D, and the age is 3; E has 4 like C, and C is older. */
static void gdsf_ages(void **state)
{
	(void)state;
	static const char requests[] = "A A B C D C E F", resident[] = "A A AB AC CD CD CE EF";
	assert_string_equal(worked("gdsf", 2, WORKED_FLAT, requests), resident);
	assert_string_equal(worked("gdsf", 2, WORKED_OBJECT, requests), resident);
	assert_string_equal(worked("gdsf", 2, WORKED_LEAF, requests), resident);
}

/* Block B, at depth 1, costs twice what A costs (worked.h's costs): A has 1 and B 2, so A goes first where it may. */
static void gdsf_counts_costs(void **state)
{
	(void)state;
	assert_string_equal(worked("gdsf", 2, WORKED_FLAT, "AB C"), "AB AC");
	assert_string_equal(worked("gdsf:cost=recompute", 2, WORKED_FLAT, "AB C"), "AB BC");
	assert_string_equal(worked("gdsf:cost=recompute", 2, WORKED_LEAF, "AB C"), "AB AC");
	assert_string_equal(worked("gdsf:cost=recompute", 2, WORKED_OBJECT, "AB C"), "AB BC");
}

/* evict_lfuda.c's example. Nothing has been evicted, so the hit adds 0 and A has 1 like B: A, the older, goes. The lowest count is
 * B's 1 now: C comes with 2, the hit makes it 3. B goes for D, which comes with C's 3 + 1. C goes for E, which comes with 5. */
static void lfuda_ages(void **state)
{
	(void)state;
	static const char requests[] = "A A B C C D E", resident[] = "A A AB BC BC CD DE";
	assert_string_equal(worked("lfuda", 2, WORKED_FLAT, requests), resident);
	assert_string_equal(worked("lfuda", 2, WORKED_OBJECT, requests), resident);
	assert_string_equal(worked("lfuda", 2, WORKED_LEAF, requests), resident);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(gdsf_ages),
	        cmocka_unit_test(gdsf_counts_costs),
	        cmocka_unit_test(lfuda_ages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
