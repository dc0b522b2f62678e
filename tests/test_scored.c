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

/* evict_wtinylfu.c's example: room 3, so a window of 1, a main part of 2, 1 of it protected. A (2 uses) and B are in the main part.
 * C, D, E, D and E lose to A in turn, the fourth and fifth with 2 uses; D's third is enough to replace A. B is hit: protected. F:
 * E (3 uses) does not beat D (3), the oldest on probation. D is hit: protected, which B has to leave. G: F (1) loses to B (2). */
static void wtinylfu_compares_newcomers(void **state)
{
	(void)state;
	static const char requests[] = "A A B C D E D E D E B F D G";
	static const char resident[] = "A A AB ABC ABD ABE ABD ABE ABD BDE BDE BDF BDF BDG";
	assert_string_equal(worked("wtinylfu", 3, WORKED_FLAT, requests), resident);
	assert_string_equal(worked("wtinylfu", 3, WORKED_OBJECT, requests), resident);
	assert_string_equal(worked("wtinylfu", 3, WORKED_LEAF, requests), resident);
	/* Counts halved after every 1 + 3 x 1 uses: when C has come A's 2 are 1, so that D's 2 beat it, which they do not otherwise. */
	assert_string_equal(worked("wtinylfu", 3, WORKED_FLAT, "A A B C D D E"), "A A AB ABC ABD ABD ABE");
	assert_string_equal(worked("wtinylfu:sample=1", 3, WORKED_FLAT, "A A B C D D E"), "A A AB ABC ABD ABD BDE");
}

/* A path of 3 passes a window of 1 in one go: none of it can leave while it is used. D's coming moves the oldest, C, on (the main part
 * has room), E's coming compares B with C: a tie. */
static void wtinylfu_takes_long_paths(void **state)
{
	(void)state;
	assert_string_equal(worked("wtinylfu", 4, WORKED_FLAT, "ABC D E"), "ABC ABCD ACDE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(gdsf_ages),
	        cmocka_unit_test(gdsf_counts_costs),
	        cmocka_unit_test(lfuda_ages),
	        cmocka_unit_test(wtinylfu_compares_newcomers),
	        cmocka_unit_test(wtinylfu_takes_long_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
