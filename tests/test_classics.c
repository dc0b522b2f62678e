/* The textbook's policies, by hand. Each first test is the example that `kvcast policies NAME` tells. */
#include "test.h"
#include "worked.h"

#include "policy.h"

#include <stdlib.h>

static void mru_lets_the_newest_go(void **state)
{
	(void)state;
	assert_string_equal(worked("mru", 3, WORKED_FLAT, "A B C A D E F"), "A AB ABC ABC BCD BCE BCF");
	/* A loop over 4 blocks with room for 3: two hits in three requests, after the first round. */
	assert_string_equal(worked("mru", 3, WORKED_OBJECT, "A B C D A B C D A B C D"),
			    "A AB ABC ABD ABD ABD ACD ACD ACD BCD BCD BCD");
	/* Of one request's blocks the deepest goes first, also when they are the newest. */
	assert_string_equal(worked("mru", 3, WORKED_FLAT, "X AB Y Z"), "X ABX AXY AXZ");
	/* Leaf scope: Z is newer than B, its parent's. */
	assert_string_equal(worked("mru", 3, WORKED_LEAF, "AB Z C D"), "AB ABZ ABC ABD");
}

static void filo_lets_the_newcomer_go(void **state)
{
	(void)state;
	assert_string_equal(worked("filo", 3, WORKED_FLAT, "A B C A D E"), "A AB ABC ABC ABD ABE");
	assert_string_equal(worked("filo", 3, WORKED_OBJECT, "A B C A D E"), "A AB ABC ABC ABD ABE");
	assert_string_equal(worked("filo", 3, WORKED_LEAF, "X AB X C D"), "X ABX ABX ACX ADX");
}

static void clock_gives_a_second_chance(void **state)
{
	(void)state;
	assert_string_equal(worked("clock", 3, WORKED_FLAT, "A B C A D E F"), "A AB ABC ABC ACD ADE DEF");
	assert_string_equal(worked("clock", 3, WORKED_OBJECT, "A B C A D E F"), "A AB ABC ABC ACD ADE DEF");
	/* Two hits count as one, unless there are two bits: then A goes round twice. */
	assert_string_equal(worked("clock:bits=2", 3, WORKED_FLAT, "A A A B C D E F G H"),
			    "A A A AB ABC ACD ADE AEF AFG FGH");
	/* All used: one lap clears the bits, and the oldest goes. */
	assert_string_equal(worked("clock", 2, WORKED_FLAT, "A B A B C"), "A AB AB AB BC");
}

static void sieve_keeps_its_hand_where_it_is(void **state)
{
	(void)state;
	assert_string_equal(worked("sieve", 3, WORKED_FLAT, "A B C A D E F"), "A AB ABC ABC ACD ADE AEF");
	assert_string_equal(worked("sieve", 3, WORKED_OBJECT, "A B C A D E F"), "A AB ABC ABC ACD ADE AEF");
	/* From the newest, which goes here, the hand starts again at the oldest: not at the block that comes next. */
	assert_string_equal(worked("sieve", 3, WORKED_FLAT, "A B C A B D E F"), "A AB ABC ABC ABC ABD BDE DEF");
}

static void s3fifo_tries_new_blocks_first(void **state)
{
	(void)state;
	assert_string_equal(worked("s3fifo:small=0.25", 4, WORKED_FLAT, "A A A B C D E B F"),
			    "A A A AB ABC ABCD ACDE ABDE ABEF");
	assert_string_equal(worked("s3fifo:small=0.25", 4, WORKED_OBJECT, "A A A B C D E B F"),
			    "A A A AB ABC ABCD ACDE ABDE ABEF");
	/* One use is not enough by default; without ghosts B is new again and goes when it is the oldest. */
	assert_string_equal(worked("s3fifo:small=0.25", 4, WORKED_FLAT, "A A B C D E"), "A A AB ABC ABCD BCDE");
	assert_string_equal(worked("s3fifo:small=0.25,threshold=1", 4, WORKED_FLAT, "A A B C D E"),
			    "A A AB ABC ABCD ACDE");
	assert_string_equal(worked("s3fifo:small=0.25,ghost=0", 4, WORKED_FLAT, "A A A B C D E B F G H"),
			    "A A A AB ABC ABCD ACDE ABDE ABEF ABFG AFGH");
}

static void twoq_takes_back_who_left(void **state)
{
	(void)state;
	assert_string_equal(worked("2q", 4, WORKED_FLAT, "A B C D E A A F G"),
			    "A AB ABC ABCD BCDE ACDE ACDE ADEF AEFG");
	assert_string_equal(worked("2q", 4, WORKED_OBJECT, "A B C D E A A F G"),
			    "A AB ABC ABCD BCDE ACDE ACDE ADEF AEFG");
	/* Hits in A1in change nothing. A1out remembers 2: A's ghost is gone when it comes back after two others left.
	 */
	assert_string_equal(worked("2q", 4, WORKED_FLAT, "A B C D A A E"), "A AB ABC ABCD ABCD ABCD BCDE");
	assert_string_equal(worked("2q", 4, WORKED_FLAT, "A B C D E F G A H I J K"),
			    "A AB ABC ABCD BCDE CDEF DEFG AEFG AFGH AGHI AHIJ HIJK");
}

static void arc_moves_its_target(void **state)
{
	(void)state;
	assert_string_equal(worked("arc", 3, WORKED_FLAT, "A B C A D E C F"), "A AB ABC ABC ACD ADE ACE CEF");
	assert_string_equal(worked("arc", 3, WORKED_OBJECT, "A B C A D E C F"), "A AB ABC ABC ACD ADE ACE CEF");
	/* T1 alone fills the cache and leaves no ghost, so C is new again and lru's order holds. */
	assert_string_equal(worked("arc", 2, WORKED_FLAT, "A B C A D"), "A AB BC AC AD");
	/* As the first, but then A comes back from B2: p falls to 0, so T1, with E and F, gives E. */
	assert_string_equal(worked("arc", 3, WORKED_FLAT, "A B C A D E C F A"), "A AB ABC ABC ACD ADE ACE CEF ACF");
}

static void slru_hands_down(void **state)
{
	(void)state;
	assert_string_equal(worked("slru:segments=2,fill=lowest", 4, WORKED_FLAT, "A B C D A B C E F"),
			    "A AB ABC ABCD ABCD ABCD ABCD ABCE BCEF");
	assert_string_equal(worked("slru:segments=2,fill=lowest", 4, WORKED_OBJECT, "A B C D A B C E F"),
			    "A AB ABC ABCD ABCD ABCD ABCD ABCE BCEF");
	/* Filling all segments, C and D start in the upper one: a hit on A hands C down, before which B goes. */
	assert_string_equal(worked("slru:segments=2", 4, WORKED_FLAT, "A B C D A E F"), "A AB ABC ABCD ABCD ACDE ADEF");
	/* One segment is lru. */
	assert_string_equal(worked("slru:segments=1", 3, WORKED_FLAT, "A B C A D E"), "A AB ABC ABC ACD ADE");
}

static void lirs_keeps_what_comes_back_soon(void **state)
{
	(void)state;
	assert_string_equal(worked("lirs", 4, WORKED_FLAT, "A B C D E D F"), "A AB ABC ABCD ABCE ABCD BCDF");
	assert_string_equal(worked("lirs", 4, WORKED_OBJECT, "A B C D E D F"), "A AB ABC ABCD ABCE ABCD BCDF");
	/* A, B and C used again before D comes back: D, pruned off the stack, is new, and all three stay. */
	assert_string_equal(worked("lirs", 4, WORKED_FLAT, "A B C D E A B C D F"),
			    "A AB ABC ABCD ABCE ABCE ABCE ABCE ABCD ABCF");
}

/* D finds A used 3 times in 7 requests, B 3 in 4 and C once in 2; E finds B 3 in 5, C 1 in 3, D 1 in 1. Where C, new and
 * used once, would be lfu's victim both times, it is that of E only. */
static void hyperbolic_divides_by_age(void **state)
{
	(void)state;
	assert_string_equal(worked("hyperbolic", 3, WORKED_FLAT, "A A A B B C B D E"), "A A A AB AB ABC ABC BCD BDE");
	assert_string_equal(worked("hyperbolic", 3, WORKED_OBJECT, "A A A B B C B D E"), "A A A AB AB ABC ABC BCD BDE");
	assert_string_equal(worked("lfu", 3, WORKED_FLAT, "A A A B B C B D E"), "A A A AB AB ABC ABC ABD ABE");
	/* Equal scores: A with 2 uses in 4 and C with 1 in 2 when D comes; A came first. */
	assert_string_equal(worked("hyperbolic", 3, WORKED_FLAT, "A A C X D"), "A A AC ACX CDX");
	/* Leaf scope, when Y comes: B and its parent A both have 1 use in 2, X 1 in 1; A is no leaf. */
	assert_string_equal(worked("hyperbolic", 3, WORKED_LEAF, "AB X Y Z"), "AB ABX AXY XYZ");
}

/* At D the clock says 4: A, last used at 1, has (15 + 17) / 4 = 8, B 17 / 3 = 5.67, C 17 / 2 = 8.5. At E: A 32 / 5 = 6.4, C
 * 17 / 3, D 17 / 2. Then it is A's turn, with 32 / 6 = 5.33 to 17 / 3 of D, while a low prior keeps it for longer. */
static void lhd_goes_by_its_prior_at_first(void **state)
{
	(void)state;
	assert_string_equal(worked("lhd", 3, WORKED_FLAT, "A A B C D E F"), "A A AB ABC ACD ADE DEF");
	assert_string_equal(worked("lhd", 3, WORKED_OBJECT, "A A B C D E F"), "A A AB ABC ACD ADE DEF");
	assert_string_equal(worked("lhd:prior=1", 3, WORKED_FLAT, "A A B C D E F"), "A A AB ABC ACD ADE AEF");
	/* The blocks of a path are of one age: B goes before A. */
	assert_string_equal(worked("lhd", 3, WORKED_LEAF, "AB X Y Z"), "AB ABX AXY XYZ");
}

/* Seed 1 draws lru first. With C's second use A is the oldest and C the least used: lfu is followed, as nothing is left of
 * lru's weight (e^-70: .005^(1/2) of the rate, one use after A went). */
static void lecar_loses_trust_in_who_was_wrong(void **state)
{
	(void)state;
	static const char blocks[] = "A A B C A A A C D";
	assert_string_equal(worked("lecar:rate=1000,floor=0", 2, WORKED_FLAT, blocks), "A A AB BC AC AC AC AC AD");
	assert_string_equal(worked("lecar:rate=1000,floor=0", 2, WORKED_OBJECT, blocks), "A A AB BC AC AC AC AC AD");
	assert_string_equal(worked("lru", 2, WORKED_FLAT, blocks), "A A AB BC AC AC AC AC CD");
	/* With keep=1 A comes back with 3 uses, so that without further ones C's 2 are still fewer. */
	assert_string_equal(worked("lecar:rate=1000,floor=0", 2, WORKED_FLAT, "A A B C A C D"), "A A AB BC AC AC CD");
	assert_string_equal(worked("lecar:rate=1000,floor=0,keep=1", 2, WORKED_FLAT, "A A B C A C D"),
	                    "A A AB BC AC AC AD");
}

/* After the example's scan: E is hit and joins A in the stack, B is alone in the scan queue and the least used: F takes its
 * place, and A (2 uses) is demoted behind it. F is hit. Now SR-LRU names A, CR-LFU, of those used twice, the newest: F. Seed 1
 * draws the first: G takes A's place. A comes back with 3 uses, for G, which both name, and H finds E the oldest in the
 * scan queue and F, used twice like E, the newest: the second draw is for CR-LFU. */
static void cacheus_lets_scans_pass(void **state)
{
	(void)state;
	assert_string_equal(worked("cacheus", 3, WORKED_FLAT, "A B C D A E F"), "A AB ABC ABD ABD ABE ABF");
	assert_string_equal(worked("cacheus", 3, WORKED_OBJECT, "A B C D A E F"), "A AB ABC ABD ABD ABE ABF");
	assert_string_equal(worked("lru", 3, WORKED_FLAT, "A B C D A E F"), "A AB ABC BCD ACD ADE AEF");
	assert_string_equal(worked("cacheus", 3, WORKED_FLAT, "A B C D A E E F F G A H"),
	                    "A AB ABC ABD ABD ABE ABE AEF AEF EFG AEF AEH");
	/* Leaf scope: both name C, the newest leaf; then B is one, but the scan queue's D is newer and used as often. */
	assert_string_equal(worked("cacheus", 3, WORKED_LEAF, "AB C D E"), "AB ABC ABD ABE");
}

/* A chain of 3 fills the cache: in flat scope the deepest goes first, whatever the queue. */
static void a_request_goes_from_its_tail(void **state)
{
	(void)state;
	static const char *const names[] = {"fifo", "lru",  "clock",           "sieve", "s3fifo", "2q",
					    "arc",  "slru", "slru:segments=1", "mru",   "filo", "hyperbolic", "lhd", "lecar"};
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_string_equal(worked(names[i], 3, WORKED_FLAT, "ABC D"), "ABC ABD");
		assert_string_equal(worked(names[i], 3, WORKED_LEAF, "ABC D"), "ABC ABD");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mru_lets_the_newest_go),
	    cmocka_unit_test(filo_lets_the_newcomer_go),
	    cmocka_unit_test(clock_gives_a_second_chance),
	    cmocka_unit_test(sieve_keeps_its_hand_where_it_is),
	    cmocka_unit_test(s3fifo_tries_new_blocks_first),
	    cmocka_unit_test(twoq_takes_back_who_left),
	    cmocka_unit_test(arc_moves_its_target),
	    cmocka_unit_test(slru_hands_down),
	    cmocka_unit_test(lirs_keeps_what_comes_back_soon),
	    cmocka_unit_test(hyperbolic_divides_by_age),
	    cmocka_unit_test(lhd_goes_by_its_prior_at_first),
	    cmocka_unit_test(lecar_loses_trust_in_who_was_wrong),
	    cmocka_unit_test(cacheus_lets_scans_pass),
	    cmocka_unit_test(a_request_goes_from_its_tail),
	};
	return cmocka_run_group_tests_name("classics", tests, NULL, NULL);
}
