/* The papers' policies and the seed scores, by hand. In worked examples a block is one token, and computing the first
 * block of a prompt again costs 1 ms, the second 2 ms, and so on. */
#include "test.h"

#include "make_trace.h"
#include "runs.h"
#include "worked.h"

/* Pensieve's value cost / age, evict_age_cost.c's example: when D comes at 3 s, A is worth 1 ms / 3 s, C 1 ms / 2 s and
 * B 2 ms / 3 s. The leading block of the conversation goes; where it has a child on it, the other leaf. */
static void age_cost_weighs_cost_against_age(void **state)
{
	(void)state;
	assert_string_equal(worked("age_cost", 3, WORKED_FLAT, "@0:AB @1:C @3:D"), "AB ABC BCD");
	assert_string_equal(worked("age_cost", 3, WORKED_LEAF, "@0:AB @1:C @3:D"), "AB ABC ABD");
	/* Twice the age makes up for twice the cost, and the older goes: B 2/8, C 1/4. A moment later C has less. */
	assert_string_equal(worked("age_cost", 3, WORKED_LEAF, "@0:AB @4:C @8:D"), "AB ABC ACD");
	assert_string_equal(worked("age_cost", 3, WORKED_LEAF, "@0:AB @4:C @7.9:D"), "AB ABC ACD");
	assert_string_equal(worked("age_cost", 3, WORKED_LEAF, "@0:AB @4:C @8.1:D"), "AB ABC ABD");
	/* At one instant all are worth infinitely much: the oldest use, the deeper block. */
	assert_string_equal(worked("age_cost", 3, WORKED_FLAT, "AB C D"), "AB ABC ACD");
}

/* beta=1 is age_cost. With beta=0, A and B are the older, B the deeper. With beta=2, A, C and B are worth 1/3, 1/2 and
 * 4/3; in leaf scope at 8.1 s, B is worth 4/8.1 and C 1/4.1, at 5 s with C used at 4.9 s, B 4/5 and C 1/0.1. */
static void score_age_cost_has_an_exponent(void **state)
{
	(void)state;
	assert_string_equal(worked("score_age_cost", 3, WORKED_FLAT, "@0:AB @1:C @3:D"), "AB ABC BCD");
	assert_string_equal(worked("score_age_cost:beta=0", 3, WORKED_FLAT, "@0:AB @1:C @3:D"), "AB ABC ACD");
	assert_string_equal(worked("score_age_cost", 3, WORKED_LEAF, "@0:AB @4:C @7.9:D"), "AB ABC ACD");
	assert_string_equal(worked("score_age_cost:beta=2", 3, WORKED_LEAF, "@0:AB @4:C @7.9:D"), "AB ABC ABD");
	assert_string_equal(worked("score_age_cost:beta=2", 3, WORKED_LEAF, "@0:AB @4.9:C @5:D"), "AB ABC ACD");
}

/* Marconi's sum of scaled quantities, evict_flops.c's example: when E comes recencies are 1/4 (D), 1/2 (A, B) and 1
 * (C), scaled 0, 1/3 and 1; savings are 1 ms but for B, scaled 0 and 1. D has 0, A 1/3, C 1, B 4/3. When F comes, E,
 * used just now, has recency 1000: A has 0 + 0, C 1/1999 + 0, E 1 + 0, B 0 + 1. */
static void flops_adds_scaled_recency_and_savings(void **state)
{
	(void)state;
	assert_string_equal(worked("flops", 4, WORKED_FLAT, "@0:D @2:AB @3:C @4:E @4:F"), "D ABD ABCD ABCE BCEF");
	assert_string_equal(worked("flops:alpha=0", 4, WORKED_FLAT, "@0:D @2:AB @3:C @4:E @4:F"), "D ABD ABCD ABCE ACEF");
	/* Leaves only: of D (0), B (4/3) and C (1) D goes; then, scaled over B, C and E, C has 1/1999 and B 1. */
	assert_string_equal(worked("flops", 4, WORKED_LEAF, "@0:D @2:AB @3:C @4:E @4:F"), "D ABD ABCD ABCE ABEF");
}

/* A is used at 0 s and again at 2 s, but in the middle of a path: touch=tail stamps only B, the last that matched, and
 * C. */
static void flops_can_stamp_the_tail_only(void **state)
{
	(void)state;
	assert_string_equal(worked("flops:alpha=0", 4, WORKED_FLAT, "@0:AB @1:X @2:ABC @3:Y"), "AB ABX ABCX ABCY");
	assert_string_equal(worked("flops:alpha=0,touch=tail", 4, WORKED_FLAT, "@0:AB @1:X @2:ABC @3:Y"), "AB ABX ABCX BCXY");
}

/* All have been used once when Y comes: C stands latest. X is used again; then B, then A (as old, but earlier) go. */
static void length_aware_looks_at_the_place_in_the_prompt(void **state)
{
	(void)state;
	assert_string_equal(worked("length_aware", 4, WORKED_FLAT, "ABC X Y X Z W"), "ABC ABCX ABXY ABXY AXYZ WXYZ");
	/* Where lfu lets the older X go, the later B goes; uses still come first: B, used twice, stays. */
	assert_string_equal(worked("lfu", 3, WORKED_FLAT, "X AB Y"), "X ABX ABY");
	assert_string_equal(worked("length_aware", 3, WORKED_FLAT, "X AB Y"), "X ABX AXY");
	assert_string_equal(worked("length_aware", 3, WORKED_FLAT, "X AB AB Y"), "X ABX ABX ABY");
	assert_string_equal(worked("length_aware:by=position", 3, WORKED_FLAT, "X AB AB Y"), "X ABX ABX AXY");
	assert_string_equal(worked("length_aware:late=last", 4, WORKED_FLAT, "ABC X Y Z"), "ABC ABCX BCXY BCYZ");
}

/* evict_lookahead.c's example: when D comes three requests of one block fit, so A (next but none) and C are exempt. */
static void lookahead_spares_what_waits(void **state)
{
	(void)state;
	assert_string_equal(worked("lookahead", 3, WORKED_FLAT, "A B C D A C"), "A AB ABC ACD ACD ACD");
	assert_string_equal(worked("lookahead:fill=0", 3, WORKED_FLAT, "A B C D A C"), "A AB ABC BCD ACD ACD");
	assert_string_equal(worked("lookahead:queue=0", 3, WORKED_FLAT, "A B C D A C"), "A AB ABC BCD ACD ACD");
	/* When C comes A and B are both in the window of 2: B is nearer its tail. */
	assert_string_equal(worked("lookahead", 2, WORKED_FLAT, "A B C A B"), "A AB AC AC AB");
	assert_string_equal(worked("lookahead:queue=1", 2, WORKED_FLAT, "A B C A B"), "A AB AC AC AB");
	assert_string_equal(worked("lookahead:fill=0", 2, WORKED_FLAT, "A B C A B"), "A AB BC AC AB");
	/* Prompts of two blocks: room for 4 is a window of 2 requests, and of AB and CD, both in it, CD is nearer the
	 * tail. */
	assert_string_equal(worked("lookahead", 4, WORKED_LEAF, "AB CD GH AB CD"), "AB ABCD ABGH ABGH ABCD");
	assert_string_equal(worked("lookahead:fill=0", 4, WORKED_LEAF, "AB CD GH AB CD"), "AB ABCD CDGH ABGH ABCD");
}

/* evict_pgdsf.c's example, in ms. AB: 3 for two blocks, 1 1/2 each. C: 1, goes for D; clock 1, D 2. B (1 1/2) goes for
 * E; clock 1 1/2, E 2 1/2. AB: A 1 1/2 + 2 x 1 1/2, D goes, clock 2; B computed alone costs 2, so 2 + 2 x (1 1/2 + 2)/2
 * = 5 1/2. F takes E's place: 2 1/2 + 1; G F's: 4 1/2; H takes that of the lower of G (4 1/2) and B: G's. If B had no
 * history it would have 2 + 1 x 2 = 4 and go. */
static void pgdsf_averages_the_cost_of_misses(void **state)
{
	(void)state;
	assert_string_equal(worked("pgdsf", 3, WORKED_LEAF, "AB C D E AB F G H"), "AB ABC ABD ADE ABE ABF ABG ABH");
	assert_string_equal(worked("pgdsf:history=0", 3, WORKED_LEAF, "AB C D E AB F G H"), "AB ABC ABD ADE ABE ABF ABG AGH");
}

/* P_reuse of A-B-C: its agent ran twice and was followed once, by one that added 1 block: 1/2 x 3/(3 + 1) = 3/8, so
 * it has 0.5 x 5/8 + 0.2 = 0.51; X, without a session, 0.5 + 0.2/3 = 0.57. After 60 s A-B-C has 0.06 more than at
 * first. */
static void saga_adds_up_age_reuse_and_size(void **state)
{
	(void)state;
	assert_string_equal(worked("saga", 4, WORKED_FLAT, "1#a.AB 1#a.ABC X Y"), "AB ABC ABCX ABCY");
	assert_string_equal(worked("saga", 4, WORKED_FLAT, "1#a.AB 1#a.ABC @60:X @60:Y"), "AB ABC ABCX ABXY");
	assert_string_equal(worked("saga:alpha=0", 4, WORKED_FLAT, "1#a.AB 1#a.ABC @60:X @60:Y"), "AB ABC ABCX ABCY");
	assert_string_equal(worked("saga:tau=600s", 4, WORKED_FLAT, "1#a.AB 1#a.ABC @60:X @60:Y"), "AB ABC ABCX ABCY");
	/* Size alone: prompts of one block have half the size of those of two, so X outlives B, which was used
	 * later. */
	assert_string_equal(worked("saga:alpha=0,beta=0", 5, WORKED_FLAT, "CD X AB Y Z W"), "CD CDX ABCDX ABCXY ABXYZ AWXYZ");
	assert_string_equal(worked("lru", 5, WORKED_FLAT, "CD X AB Y Z W"), "CD CDX ABCDX ABCXY ABXYZ ABWYZ");
	/* After b, nothing ever came; after a, b did: with no weight on size, D of agent b goes before A of agent a. */
	assert_string_equal(worked("saga:gamma=0", 2, WORKED_FLAT, "1#a.A 1#b.A 2#b.D 3#a.A X"), "A A AD AD AX");
	assert_string_equal(worked("saga:gamma=0", 2, WORKED_FLAT, "1#a.A 1#b.A 3#a.A 2#b.D X"), "A A A AD AX");
	assert_string_equal(worked("lru", 2, WORKED_FLAT, "1#a.A 1#b.A 3#a.A 2#b.D X"), "A A A AD DX");
}

/* KVFlow's cycle of three agents, evict_steps.c's example. Said: at C's turn A has 1 step to go and B 2; at B's second
 * turn C has 1 and A 2. Inferred: the second round shows the distance 3 of each, and the third keeps to it. */
static void steps_keeps_what_runs_next(void **state)
{
	(void)state;
	assert_string_equal(worked("steps", 2, WORKED_FLAT, "1#A?3 1#B?3 1#C?3 1#A?3 1#B?3 1#C?3"), "A AB AC AC BC BC");
	assert_string_equal(worked("lru", 2, WORKED_FLAT, "1#A?3 1#B?3 1#C?3 1#A?3 1#B?3 1#C?3"), "A AB BC AC AB BC");
	assert_string_equal(worked("steps", 2, WORKED_FLAT,
	                           "1#a.A 1#b.B 1#c.C 1#a.A 1#b.B 1#c.C 1#a.A 1#b.B 1#c.C 1#a.A 1#b.B 1#c.C"),
	                    "A AB BC AC AB BC AC AB AC AC BC BC");
}

static void steps_lets_the_unknown_go_first(void **state)
{
	(void)state;
	/* Nothing is said of A, or that it is not used again. */
	assert_string_equal(worked("steps", 2, WORKED_FLAT, "2#X?5 1#A 3#Y?1"), "X AX XY");
	assert_string_equal(worked("steps", 2, WORKED_FLAT, "2#X?5 1#A?0 3#Y?1"), "X AX XY");
	/* A was to be used by the next step of session 1, which used B: it went another way. */
	assert_string_equal(worked("steps", 3, WORKED_FLAT, "2#X?1 1#A?1 1#B?1 3#Y?1"), "X AX ABX BXY");
	/* A is a fixed prompt of one token, B the variable end: it goes before X, which is older, and before the
	 * unknown Y. */
	assert_string_equal(worked("steps", 3, WORKED_FLAT, "2#X?1 1#AB?1/1 3#Y"), "X ABX AXY");
	assert_string_equal(worked("steps", 3, WORKED_FLAT, "Z 1#AB?1/1 3#Y"), "Z ABZ AYZ");
	/* Without sessions all is unknown. */
	assert_string_equal(worked("steps", 2, WORKED_FLAT, "A B A C"), "A AB AB AC");
}

/* evict_tlru.c's example: L = 3, so A-B-C needs its first 3 + 0 - 2 tokens; X, Y, Z, W need nothing. With an answer of
 * 2, L = 5 and all of A-B-C is needed. */
static void tlru_frees_what_keeps_the_target(void **state)
{
	(void)state;
	const char *const all[] = {"tlru:xi=2,q=0", "tlru:form=vllm,xi=2,q=0"};
	for (int i = 0; i < 2; i++) {
		assert_string_equal(worked(all[i], 4, WORKED_FLAT, "ABC+0 X+0 Y+0 Z+0 W+0"), "ABC ABCX ABXY AXYZ AWYZ");
		assert_string_equal(worked(all[i], 4, WORKED_LEAF, "ABC+0 X+0 Y+0 Z+0 W+0"), "ABC ABCX ABXY AXYZ AWYZ");
		assert_string_equal(worked(all[i], 4, WORKED_FLAT, "ABC+2 X+0 Y+0 Z+0"), "ABC ABCX ABCY ABCZ");
	}
	assert_string_equal(worked("tlru:xi=2,q=2", 4, WORKED_FLAT, "ABC+0 X+0 Y+0"), "ABC ABCX ABXY");
	assert_string_equal(worked("tlru", 4, WORKED_FLAT, "ABC+0 X+0 Y+0 Z+0 W+0"), "ABC ABCX ABXY AXYZ WXYZ");
}

/* A alone needs nothing. SGLang's form remembers that A has carried A-B-C, vLLM's goes by the last request. */
static void tlru_comes_in_two_forms(void **state)
{
	(void)state;
	assert_string_equal(worked("tlru:xi=2,q=0", 4, WORKED_FLAT, "ABC+0 A+0 X+0 Y+0 Z+0 W+0"), "ABC ABC ABCX ABXY AXYZ AWYZ");
	assert_string_equal(worked("tlru:form=vllm,xi=2,q=0", 4, WORKED_FLAT, "ABC+0 A+0 X+0 Y+0 Z+0 W+0"),
	                    "ABC ABC ABCX ABXY AXYZ WXYZ");
}

/* The slot that ends at 50 s: class a has been used 5 times and came back 4 times after 1 s each, class b twice and
 * once after 30 s. At 50 s A has not been used for 15 s and B for 20 s. With next to no prior, in logarithms: A -15 and
 * ln(1 - e^-10) = 0, B -20/30 + ln(1 - e^(-10/30)) = -1.93: A goes. A prior of 100 uses, 75 of which came back after
 * (34 + 10)/6 = 7.33 s, makes the mean gaps 554/79 = 7.01 and 580/76 = 7.63 s: A -15/7.01 + ln(1 - e^(-10/7.01)) =
 * -2.41, B -2.94: B goes, as under lru. */
static void wa_compares_what_kinds_of_requests_do(void **state)
{
	(void)state;
	static const char requests[] = "@0:b.B @30:b.B @31:a.A @32:a.A @33:a.A @34:a.A @35:a.A @50:c.C";
	assert_string_equal(worked("wa:window=100s,life=10s,prior=0.001,p=1", 2, WORKED_FLAT, requests), "B B AB AB AB AB AB BC");
	assert_string_equal(worked("wa:window=100s,prior=0.001", 2, WORKED_FLAT, requests), "B B AB AB AB AB AB BC");
	assert_string_equal(worked("wa:window=100s,life=10s,prior=100,p=1", 2, WORKED_FLAT, requests), "B B AB AB AB AB AB AC");
	/* The window of 10 s does not reach back: nothing was used from 40 to 50 s. */
	assert_string_equal(worked("wa:window=10s,life=10s,prior=0.001,p=1", 2, WORKED_FLAT, requests), "B B AB AB AB AB AB AC");
}

/* The share: both kinds come back after 1 s, a in 2 of 3 uses, b in 1 of 4. At 10 s A has not been used for 2.1 s and B
 * for 2: ln(2/3) - 2.1 = -2.51 against ln(1/4) - 2 = -3.39, so B goes. Without shares the older A does. */
static void wa_knows_the_share_that_comes_back(void **state)
{
	(void)state;
	static const char requests[] = "@5.9:a.A @6.9:a.A @7:b.B @7.9:a.A @8:b.B @8.5:b.C @8.6:b.D @10:c.X";
	assert_string_equal(worked("wa:window=100s,prior=0.001", 4, WORKED_FLAT, requests), "A A AB AB AB ABC ABCD ACDX");
	assert_string_equal(worked("wa:window=100s,prior=0.001,p=1", 4, WORKED_FLAT, requests), "A A AB AB AB ABC ABCD BCDX");
}

/* Of equals the latest in its prompt: at one instant, before any fit, B goes and not the older C of another class. */
static void wa_takes_the_later_of_equals(void **state)
{
	(void)state;
	assert_string_equal(worked("wa", 3, WORKED_FLAT, "b.C a.AB a.D"), "C ABC ACD");
	assert_string_equal(worked("lru", 3, WORKED_FLAT, "b.C a.AB a.D"), "C ABC ABD");
	/* Within a class the order is that of use. */
	assert_string_equal(worked("wa", 3, WORKED_FLAT, "a.C a.AB a.D"), "C ABC ABD");
}

/* evict_score_reuse.c's example: at 200 s A has 0.75 e^(-140/300) = 0.470, B 0.5 e^(-100/300) = 0.358, or 0.476 if used
 * at 185 s. */
static void score_reuse_trusts_blocks_that_hit(void **state)
{
	(void)state;
	assert_string_equal(worked("score_reuse", 2, WORKED_FLAT, "@0:A @60:A @100:B @200:C"), "A A AB AC");
	assert_string_equal(worked("score_reuse", 2, WORKED_FLAT, "@0:A @60:A @185:B @200:C"), "A A AB BC");
	assert_string_equal(worked("score_reuse:p=1", 2, WORKED_FLAT, "@0:A @60:A @100:B @200:C"), "A A AB BC");
	/* With a gap of 60 s, A has 0.75 e^(-140/60) = 0.073 and B 0.5 e^(-100/60) = 0.094. */
	assert_string_equal(worked("score_reuse:gap=60s", 2, WORKED_FLAT, "@0:A @60:A @100:B @200:C"), "A A AB BC");
	/* Of equals the latest in its prompt, and then the oldest use. */
	assert_string_equal(worked("score_reuse", 3, WORKED_FLAT, "C AB D E"), "C ABC ACD ADE");
}

/* evict_score_size_cost.c's example, in ms: A 1, B 2, C 2 x 1. D takes A's place; then the clock is 1 and B, C and D
 * have 2. In leaf scope D takes that of B, the older of the leaves, has 2 + 1, and E takes that of A. */
static void score_size_cost_counts_uses_and_cost(void **state)
{
	(void)state;
	assert_string_equal(worked("score_size_cost", 3, WORKED_FLAT, "AB C C D E"), "AB ABC ABC BCD CDE");
	assert_string_equal(worked("score_size_cost", 3, WORKED_LEAF, "AB C C D E"), "AB ABC ABC ACD CDE");
	assert_string_equal(worked("score_size_cost:beta=0", 3, WORKED_FLAT, "AB C C D E"), "AB ABC ABC ACD CDE");
}

/* --- what one rule is when its parameters say so --- */

static void check_same(const struct trace *trace, const char *one, const char *other, bool leaf)
{
	for (uint64_t capacity = 2; capacity <= 40; capacity += 7) {
		struct runs_setup setup = {.evict = one, .ttl = "none", .capacity_blocks = capacity, .leaf = leaf};
		struct runs_result a = runs_replay(trace, &setup);
		setup.evict = other;
		struct runs_result b = runs_replay(trace, &setup);
		if (!runs_equal(&a, &b))
			fail_msg("%s and %s differ at %llu blocks", one, other, (unsigned long long)capacity);
		runs_free(&a);
		runs_free(&b);
	}
}

static void some_parameters_give_other_rules(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
	        {"age_cost", "score_age_cost"},
	        {"flops:alpha=0", "lru"},
	        {"lecar:weight=1,rate=0,floor=0", "lru"},
	        {"lecar:weight=0,rate=0,floor=0", "lfu"},
	        {"lookahead:fill=0", "lru"},
	        {"lookahead:fill=inf", "belady"},
	        {"saga:beta=0,gamma=0", "lru"},
	        {"score_age_cost:beta=0", "lru"},
	        {"tlru", "lru"},
	        {"tlru:form=vllm", "lru"},
	        {"wa:turns=1", "lru"},
	};
	for (uint64_t t = 0; t < 10; t++) {
		struct make_rng rng = {t};
		const struct make_shape shape = {.requests = 120, .block_tokens = 4, .sessions = 3, .root_percent = 20,
		                                 .repeat_percent = 40, .growth = 4, .same_time_percent = 30, .tick_ns = NS_PER_S,
		                                 .most_ticks = 5, .tail_listed = t % 2 == 0};
		struct trace *trace = make_trace_random(&rng, &shape);
		for (size_t i = 0; i < COUNT_OF(pairs); i++) {
			check_same(trace, pairs[i][0], pairs[i][1], false);
			check_same(trace, pairs[i][0], pairs[i][1], true);
		}
		make_trace_free(trace);
	}
}

/* Blocks of 4 tokens, xi=9, q=1; the answers have 1, 2, 3, ... tokens. A-B-C (13 tokens) needs 13 + 1 - 9 = 5, so C,
 * which begins at 8, is safe, and B, at 4, is not; X, of 6 tokens, needs nothing. Y takes the place of C, Z that of X.
 * vLLM's form counts in blocks: A-B-C needs 4 + 1 - 2 = 3, so C is not safe, and X needs 2 + 1 - 2 = 1: Y takes C's
 * place and Z B's. */
static void tlru_rounds_to_blocks_in_vllms_form(void **state)
{
	(void)state;
	static const block_id parent[] = {BLOCK_NONE, 0, 1, BLOCK_NONE, BLOCK_NONE, BLOCK_NONE};
	enum { A, B, C, X, Y, Z };
	static const block_id tails[] = {C, X, Y, Z, B};
	struct make_request requests[COUNT_OF(tails)];
	for (uint32_t i = 0; i < COUNT_OF(tails); i++)
		requests[i] = (struct make_request){.tail = tails[i], .session = TRACE_NO_SESSION, .class_id = TRACE_NO_CLASS,
		                                    .hints = UINT32_MAX, .ordinal = i};
	struct trace *trace = make_trace(&(struct make_parts){.block_tokens = 4, .block_count = COUNT_OF(parent),
	                                                      .request_count = COUNT_OF(tails), .parent = parent,
	                                                      .requests = requests});
	struct runs_setup setup = {.evict = "tlru:xi=9,q=1", .ttl = "none", .capacity_blocks = 4};
	struct runs_result tokens = runs_replay(trace, &setup);
	setup.evict = "tlru:form=vllm,xi=9,q=1";
	struct runs_result blocks = runs_replay(trace, &setup);
	assert_int_equal(tokens.outcomes[4].hit_blocks, 2);
	assert_int_equal(blocks.outcomes[4].hit_blocks, 1);
	runs_free(&tokens);
	runs_free(&blocks);
	make_trace_free(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(age_cost_weighs_cost_against_age),
	        cmocka_unit_test(score_age_cost_has_an_exponent),
	        cmocka_unit_test(flops_adds_scaled_recency_and_savings),
	        cmocka_unit_test(flops_can_stamp_the_tail_only),
	        cmocka_unit_test(length_aware_looks_at_the_place_in_the_prompt),
	        cmocka_unit_test(lookahead_spares_what_waits),
	        cmocka_unit_test(pgdsf_averages_the_cost_of_misses),
	        cmocka_unit_test(saga_adds_up_age_reuse_and_size),
	        cmocka_unit_test(steps_keeps_what_runs_next),
	        cmocka_unit_test(steps_lets_the_unknown_go_first),
	        cmocka_unit_test(tlru_frees_what_keeps_the_target),
	        cmocka_unit_test(tlru_comes_in_two_forms),
	        cmocka_unit_test(tlru_rounds_to_blocks_in_vllms_form),
	        cmocka_unit_test(wa_compares_what_kinds_of_requests_do),
	        cmocka_unit_test(wa_knows_the_share_that_comes_back),
	        cmocka_unit_test(wa_takes_the_later_of_equals),
	        cmocka_unit_test(score_reuse_trusts_blocks_that_hit),
	        cmocka_unit_test(score_size_cost_counts_uses_and_cost),
	        cmocka_unit_test(some_parameters_give_other_rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
