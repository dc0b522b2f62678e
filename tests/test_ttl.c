/* Deadlines, and how they live together with eviction and with the tree, worked out by hand (POLICIES section F). */
#include "test.h"

#include "worked.h"

#include <string.h>

struct row {
	const char *evict, *ttl;
	uint64_t capacity_blocks;
	enum worked_scope scope;
	const char *requests, *want;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		const char *got = worked_ttl(row->evict, row->ttl, row->capacity_blocks, row->scope, row->requests);
		if (strcmp(got, row->want) != 0)
			print_message("%s with %s, %s\n  gives    %s\n  expected %s\n", row->evict, row->ttl, row->requests, got, row->want);
		assert_string_equal(got, row->want);
	}
}

#define CHECK(rows) check_rows(rows, COUNT_OF(rows))
#define ANY UINT64_MAX

static void a_reuse_at_the_deadline_hits(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        /* A until 5. B until 10, by its second use 14. C until 10.5; it comes anew at 11, until 16. */
	        {"lru", "static:ttl=5s", ANY, WORKED_LEAF, "@0:A @5:B @5.5:C @9:B @11:C @14:D @14.5:E", "A AB BC BC BC BCD CDE"},
	        /* A until 5, used or not; then it is new and stays until 11, as does B. */
	        {"lru", "static:ttl=5s,mode=absolute", ANY, WORKED_LEAF, "@0:A @4:A @6:B @6:A @11:C @11.5:D", "A A B AB ABC CD"},
	        /* A until 5, 9, 11, but not beyond 7. */
	        {"lru", "static:ttl=5s,max_age=7s", ANY, WORKED_LEAF, "@0:A @4:A @6:A @7:B @8:C", "A A A AB BC"},
	        /* max_age is for sliding deadlines only. */
	        {"lru", "static:ttl=5s,mode=absolute,max_age=1s", ANY, WORKED_LEAF, "@0:A @5:B @6:C", "A AB BC"},
	        /* With no time at all a block lasts as long as the clock stands still. */
	        {"lru", "static:ttl=0s", ANY, WORKED_LEAF, "@0:A @0:B @0.1:C", "A AB C"},
	        {"lru", "static:ttl=0s", ANY, WORKED_OBJECT, "@0:AB @0:C @0.1:D", "AB ABC D"},
	        {"lru", "static:ttl=inf", 2, WORKED_LEAF, "@0:A @1e6:B @2e6:C", "A AB BC"},
	};
	CHECK(rows);
}

/* Class l has 10 s, the others 2 s. A: until 2; at 1, by l, until 11, and so its child B; at 2 only until 4. */
#define PARENT_FIRST "@0:A @1:l.AB @2:A @5:C @11:D @12:E"

static void coherence_is_what_a_parents_deadline_means(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        /* A waits for B, which is there at 11 and not at 12. */
	        {"lru", "static:ttl=2s;class=l:ttl=10s", ANY, WORKED_LEAF, PARENT_FIRST, "A AB AB ABC ABD DE"},
	        {"lru", "static:ttl=2s;class=l:ttl=10s", ANY, WORKED_FLAT, PARENT_FIRST, "A AB AB ABC ABD DE"},
	        {"lru", "static:ttl=2s,coherence=none;class=l:ttl=10s", ANY, WORKED_LEAF, PARENT_FIRST, "A AB AB BC BD DE"},
	        {"lru", "static:ttl=2s,coherence=cascade;class=l:ttl=10s", ANY, WORKED_LEAF, PARENT_FIRST, "A AB AB C D DE"},
	        /* Objects have no parents. */
	        {"lru", "static:ttl=2s;class=l:ttl=10s", ANY, WORKED_OBJECT, PARENT_FIRST, "A AB AB BC BD DE"},
	        /* Without a child the shorter promise counts, though the longer one was given before. */
	        {"lru", "static:ttl=2s;class=l:ttl=10s", ANY, WORKED_LEAF, "@0:l.A @1:A @4:B", "A A B"},
	        /* The chain waits for its end: C until 11, so B and A too, whose own time is over at 2 and 4. */
	        {"lru", "static:ttl=2s;class=l:ttl=10s", ANY, WORKED_LEAF, "@0:A @1:l.ABC @2:AB @11:D @12:E", "A ABC ABC ABCD DE"},
	        /* A goes with the last of two children: C until 3, B until 11. */
	        {"lru", "static:ttl=2s;class=l:ttl=10s", ANY, WORKED_LEAF, "@0:l.AB @1:AC @9:D @10:E @11.5:F", "AB ABC ABD ABDE EF"},
	        /* Lift lets an absolute parent live as long as a child that came later. */
	        {"lru", "static:ttl=6s,mode=absolute,coherence=lift", ANY, WORKED_LEAF, "@0:A @5:AB @8:C @11:D @12:E", "A AB ABC ABCD CDE"},
	        /* max_age bounds A itself, not what its child makes of it. */
	        {"lru", "static:ttl=5s,max_age=6s", ANY, WORKED_LEAF, "@0:A @4:AB @8:C @9:D @10:E", "A AB ABC ABCD CDE"},
	        /* A cascade takes grandchildren, but not what stands beside. */
	        {"lru", "static:ttl=9s,coherence=cascade;class=s:ttl=2s", ANY, WORKED_FLAT, "@0:ABCD @0:AE @0:F @1:s.AB @4:G",
	         "ABCD ABCDE ABCDEF ABCDEF FG"},
	};
	CHECK(rows);
}

static void expired_blocks_go_before_victims(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        /* fifo would take A, which came first; but B's time was over at 6. */
	        {"fifo", "static:ttl=5s", 2, WORKED_LEAF, "@0:A @1:B @4:A @6.5:C", "A AB AB AC"},
	        {"fifo", "none", 2, WORKED_LEAF, "@0:A @1:B @4:A @6.5:C", "A AB AB BC"},
	        /* A's own time is over at 4. When its child B is the victim at 6, A goes too, before any other: D then finds room. */
	        {"lru", "static:ttl=2s;class=l:ttl=10s", 3, WORKED_LEAF, "@0:A @1:l.AB @2:A @5:l.C @6:l.D @6:l.E", "A AB AB ABC CD CDE"},
	        {"lru", "static:ttl=2s;class=l:ttl=10s", 3, WORKED_FLAT, "@0:A @1:l.AB @2:l.AB @3:A @5:l.C @6:l.D @6:l.E",
	         "A AB AB AB ABC CD CDE"},
	};
	CHECK(rows);
}

static void hard_deadlines_shield(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        /* A until 5, B until 6: C finds no room before. */
	        {"lru", "static:ttl=5s,hard=1", 2, WORKED_LEAF, "@0:A @1:B @2:C @5:C @6:C", "A AB AB AB BC"},
	        {"lru", "static:ttl=5s", 2, WORKED_LEAF, "@0:A @1:B @2:C", "A AB BC"},
	        /* A prompt keeps its head. */
	        {"lru", "static:ttl=5s,hard=1", 3, WORKED_FLAT, "@0:A @1:B @2:CDE @5.5:CDE", "A AB ABC BCD"},
	        {"lru", "static:ttl=5s,hard=1", 2, WORKED_OBJECT, "@0:A @1:B @2:C @6:C", "A AB AB BC"},
	        /* A shield that never comes off: the cache is as it was filled. */
	        {"lru", "static:ttl=inf,hard=1", 2, WORKED_LEAF, "@0:A @0:B @9:C @99:B", "A AB AB AB"},
	        /* Expiry by cascade is no eviction: A's end at 3 takes B along, whose shield would have lasted until 11. */
	        {"lru", "static:ttl=2s,hard=1,coherence=cascade;class=l:ttl=10s", 2, WORKED_FLAT, "@0:A @1:l.AB @1:A @4:C", "A AB AB C"},
	        /* expire=unpin: past its deadline a block only is a victim again. A until 5, B until 6. */
	        {"lru", "static:ttl=5s,hard=1,expire=unpin", 2, WORKED_LEAF, "@0:A @1:B @2:C @6:C @7:D @7:E", "A AB AB BC CD CD"},
	        {"lru", "static:ttl=5s,hard=1,expire=unpin", 3, WORKED_LEAF, "@0:A @1:B @9:C", "A AB ABC"},
	        /* A hit after the deadline shields anew: A until 5, then from 6 until 11. */
	        {"lru", "static:ttl=5s,hard=1,expire=unpin", 1, WORKED_LEAF, "@0:A @6:A @7:B @12:B", "A A A B"},
	        /* Flat scope: A (own deadline 4) stays shielded for the sake of B, until 11; C is not (until 7). At 11.5 they go in
	         * the order in which their shields came off: D at 10, B at 11 before its parent A. */
	        {"lru", "static:ttl=2s,hard=1,expire=unpin;class=l:ttl=10s", 3, WORKED_FLAT, "@0:A @1:l.AB @2:A @5:C @8:D @9:E @11.5:EF",
	         "A AB AB ABC ABD ABD AEF"},
	};
	CHECK(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_reuse_at_the_deadline_hits),
	        cmocka_unit_test(coherence_is_what_a_parents_deadline_means),
	        cmocka_unit_test(expired_blocks_go_before_victims),
	        cmocka_unit_test(hard_deadlines_shield),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
