/* The engines' own policies, by hand. */
#include "test.h"
#include "worked.h"

#include "policy.h"

#include <stdlib.h>

/* evict_sglang_slru.c's example: A is hit twice and protected, so B (third in age) and then C go for D and E. */
static void sglang_slru_protects_after_two_hits(void **state)
{
	(void)state;
	assert_string_equal(worked("sglang_slru", 3, WORKED_FLAT, "A A A B C D E"), "A A A AB ABC ACD ADE");
	assert_string_equal(worked("lru", 3, WORKED_FLAT, "A A A B C D E"), "A A A AB ABC BCD CDE");
	/* One hit is not enough, unless `protected` says so. */
	assert_string_equal(worked("sglang_slru", 2, WORKED_FLAT, "A A B C"), "A A AB BC");
	assert_string_equal(worked("sglang_slru:protected=1", 2, WORKED_FLAT, "A A B C"), "A A AB AC");
	/* When all are protected the oldest use goes; a block that comes back starts on probation. */
	assert_string_equal(worked("sglang_slru:protected=1", 2, WORKED_FLAT, "A A B B C A D"), "A A AB AB BC AB BD");
}

/* Leaf scope: AB and AC share A. A has been hit by the second and third request and is protected; its leaves are not. X takes
 * the place of B (older), Y that of C; then X and Y, on probation, go before A although A is older. */
static void sglang_slru_in_leaf_scope(void **state)
{
	(void)state;
	assert_string_equal(worked("sglang_slru", 3, WORKED_LEAF, "AB AC A X Y Z W"), "AB ABC ABC ACX AXY AYZ AWZ");
}

/* evict_sglang_priority.c's example. */
static void sglang_priority_goes_lowest_first(void **state)
{
	(void)state;
	assert_string_equal(worked("sglang_priority", 3, WORKED_FLAT, "A!5 B C B D E F!-1 G"), "A AB ABC ABC ABD ADE AEF AEG");
	/* B was given 7 once: later requests without a priority take nothing from it. */
	assert_string_equal(worked("sglang_priority", 2, WORKED_FLAT, "B!7 A!5 B C D"), "B AB AB BC BD");
	assert_string_equal(worked("sglang_priority:priority=6", 2, WORKED_FLAT, "A!5 B C"), "A AB BC");
	assert_string_equal(worked("sglang_priority;class=a:priority=6", 2, WORKED_FLAT, "a.A B C"), "A AB AC");
}

/* A request spreads its priority over its whole path: AB!9 lifts A, so that C (3) goes first, then B before its parent. */
static void sglang_priority_spreads_over_the_path(void **state)
{
	(void)state;
	assert_string_equal(worked("sglang_priority", 3, WORKED_LEAF, "A C!3 AB!9 D!9 E!9 F!9"), "A AC ABC ABD ADE DEF");
}

/* An environment for a policy's hooks without a cache: flat, blocks are roots, everything idle unless pinned. */
struct bare {
	struct evict_env env;
	struct policy_now now;
	const struct evict_ops *ops;
	void *state;
	uint32_t pins[16], children[16], depth[16], used;
	block_id parent[16];
	uint8_t resident[16];
};

static void bare_open(struct bare *bare, const char *name, const union param_value *values, uint32_t capacity_blocks,
                      uint32_t block_tokens)
{
	struct err err;
	*bare = (struct bare){.ops = registry_evict(name)};
	for (int b = 0; b < 16; b++)
		bare->parent[b] = BLOCK_NONE;
	bare->env = (struct evict_env){.now = &bare->now, .block_count = 16, .capacity_blocks = capacity_blocks,
	                               .room_blocks = capacity_blocks, .used_blocks = &bare->used, .block_tokens = block_tokens,
	                               .parent = bare->parent, .depth = bare->depth, .pins = bare->pins,
	                               .children = bare->children, .resident = bare->resident};
	bare->state = bare->ops->open(&bare->env, values, &err);
	assert_non_null(bare->state);
}

/* Inserts b; what has to go for it, or BLOCK_NONE. It stays in use. */
static block_id bare_insert(struct bare *bare, block_id b)
{
	block_id out = BLOCK_NONE;
	if (bare->used == bare->env.capacity_blocks)
		out = bare->ops->evict(bare->state, b);
	bare->used += out == BLOCK_NONE;
	bare->pins[b] = 1;
	bare->resident[b] = 1;
	bare->ops->insert(bare->state, b);
	const block_id surplus = bare->ops->surplus(bare->state);
	if (surplus != BLOCK_NONE) {
		assert_int_equal(out, BLOCK_NONE);
		assert_int_equal(bare->ops->surplus(bare->state), BLOCK_NONE);
		bare->used--;
		out = surplus;
	}
	if (out != BLOCK_NONE) {
		assert_int_equal(bare->pins[out], 0);
		bare->resident[out] = 0;
	}
	return out;
}

static void bare_release(struct bare *bare, block_id b)
{
	bare->pins[b] = 0;
	bare->ops->idle(bare->state, b, 1);
}

static const union param_value vllm_tail[] = {{.integer = 1}, {.integer = 0}};

/* The example of vLLM's design document (POLICIES A1): 10 blocks of 4 tokens. Request 0 has blocks 0-4, request 1 shares 0
 * and 1 and has 5 and 6; 7, 8, 9 were never used. 0 ends first: 4, 3, 2 are freed (0 and 1 are in use); then 1: 6, 5, 1, 0.
 * The queue is 7-8-9-4-3-2-6-5-1-0. Request 2 touches 0, 1, 2, which leaves 7-8-9-4-3-6-5: its next three blocks cost
 * nothing, the others 4, 3, 6 and 5 in this order, and then the pool is empty. */
static void vllm_free_queue_of_the_design_document(void **state)
{
	(void)state;
	static const block_id freed[] = {4, 3, 2, 6, 5, 1, 0};
	static const block_id cost[] = {BLOCK_NONE, BLOCK_NONE, BLOCK_NONE, 4, 3, 6, 5};
	struct bare bare;
	bare_open(&bare, "vllm", vllm_tail, 10, 4);
	for (block_id b = 0; b < 7; b++)
		assert_int_equal(bare_insert(&bare, b), BLOCK_NONE);
	for (size_t i = 0; i < COUNT_OF(freed); i++)
		bare_release(&bare, freed[i]);
	for (block_id b = 0; b < 3; b++) {
		bare.ops->busy(bare.state, b, 1);
		bare.ops->hit(bare.state, b, 1);
		bare.pins[b] = 1;
	}
	for (size_t i = 0; i < COUNT_OF(cost); i++)
		assert_int_equal(bare_insert(&bare, (block_id)(7 + i)), cost[i]);
	assert_int_equal(bare.ops->evict(bare.state, 14), BLOCK_NONE);
	bare.ops->close(bare.state);
}

/* Blocks of one token, so that only answers take more room than the path has blocks: AB+3 needs 4 physical blocks. A pool
 * of 6. After AB+3 the queue is (2 never used) (2 of the answer) B A. CD takes the two never used: (2) B A D C. E+3 takes
 * the two of the answer (one for E, one for its own) and B for the third: (2) goes back before E: A D C (2) E. F takes A. */
static void vllm_answers_take_room(void **state)
{
	(void)state;
	assert_string_equal(worked("vllm:decode=1,partial=tail", 6, WORKED_FLAT, "AB+3 CD E+3 F"), "AB ABCD ACDE CDEF");
	assert_string_equal(worked("vllm", 6, WORKED_FLAT, "AB+3 CD E+3 F"), "AB ABCD ABCDE ABCDEF");
	/* An answer that the pool cannot hold pushes everything else out, and its own path stays. */
	assert_string_equal(worked("vllm:decode=1", 3, WORKED_FLAT, "A B C+9 A"), "A AB C AC");
}

/* Blocks of 4 tokens, a pool of 3, requests of 6 tokens: a full block and a partial one, which is empty when it is let go.
 * Number of empty ones in brackets: after request 0 the queue is (2) 0 either way. Request 1 takes both; then it is 0 (1) 1
 * with partial=tail, (1) 0 1 with head. So request 2 pays for its full block with 0, or for its partial one. */
static void vllm_partial_blocks_go_to_either_end(void **state)
{
	(void)state;
	for (int tail = 0; tail < 2; tail++) {
		const union param_value values[] = {{.integer = tail}, {.integer = 0}};
		struct bare bare;
		bare_open(&bare, "vllm", values, 3, 4);
		for (block_id b = 0; b < 3; b++) {
			bare.now = (struct policy_now){.seq = b + 1, .prompt_tokens = 6, .path_blocks = 1};
			assert_int_equal(bare_insert(&bare, b), b == 2 && tail ? 0 : BLOCK_NONE);
			bare.ops->settle(bare.state);
			assert_int_equal(bare.ops->surplus(bare.state), b == 2 && !tail ? 0 : BLOCK_NONE);
			bare_release(&bare, b);
		}
		bare.ops->close(bare.state);
	}
}

/* A pool of 4 with block 0 cached: an engine takes three blocks for an answer, which cost nothing, and a fourth, which costs
 * 0. One comes back and takes block 1. Then the other three do: one of them (the partial one) goes to the front, two behind
 * 1, so the queue is (1) 1 (2). */
static void vllm_reservations_take_room(void **state)
{
	(void)state;
	static const union param_value head[] = {{.integer = 0}, {.integer = 0}};
	struct bare bare;
	bare_open(&bare, "vllm", head, 4, 4);
	assert_int_equal(bare_insert(&bare, 0), BLOCK_NONE);
	bare_release(&bare, 0);
	for (int taken = 0; taken < 4; taken++) {
		bare.ops->reserve(bare.state);
		assert_int_equal(bare.ops->surplus(bare.state), taken == 3 ? 0 : BLOCK_NONE);
	}
	bare.used = 0;
	bare.ops->reserve(bare.state); /* nothing is left to take */
	assert_int_equal(bare.ops->surplus(bare.state), BLOCK_NONE);
	bare.ops->unreserve(bare.state, 1);
	assert_int_equal(bare_insert(&bare, 1), BLOCK_NONE);
	bare_release(&bare, 1);
	bare.ops->unreserve(bare.state, 3);
	static const block_id cost[] = {BLOCK_NONE, 1, BLOCK_NONE, BLOCK_NONE};
	for (size_t i = 0; i < COUNT_OF(cost); i++)
		assert_int_equal(bare_insert(&bare, (block_id)(2 + i)), cost[i]);
	bare.ops->close(bare.state);
}

/* Room for 3. A and B are in T2. C, then D, leave T1 for ghosts (target 0). C comes back: its ghost in B1 moves the target to 1,
 * and D, as |T1| = 1 is not below it, makes room. D comes back: target 2, |T1| = 1 is below, so T2's oldest, A, goes. A comes
 * back: its ghost in B2 moves the target to 1 again, |T1| = 2, and T1's oldest, C, goes. A hit moves D to T2, behind B; E finds
 * A alone in T1, not below the target. */
static void vllm_arc_learns_from_ghosts(void **state)
{
	(void)state;
	assert_string_equal(worked("vllm_arc", 3, WORKED_FLAT, "A A B B C D C D A D E"),
	                    "A A AB AB ABC ABD ABC BCD ABD ABD BDE");
	assert_string_equal(worked("vllm_arc", 2, WORKED_FLAT, "A A B C B"), "A A AB AC AB");
	assert_string_equal(worked("vllm_arc", 3, WORKED_OBJECT, "A A B B C D C D A D E"),
	                    "A A AB AB ABC ABD ABC BCD ABD ABD BDE");
}

/* evict_retention.c's example. A is static prefix (80 for a minute), all else has 35. At 60 s A goes behind E, D is the oldest. */
static void retention_prefix_lasts_for_its_duration(void **state)
{
	(void)state;
	static const char spec[] = "retention:prefix_priority=80,prefix_duration=1m";
	static const char requests[] = "AB/1 @10:C @20:D @30:E @60:F @61:G @62:H";
	static const char resident[] = "AB ABC ACD ADE AEF AFG FGH";
	assert_string_equal(worked(spec, 3, WORKED_FLAT, requests), resident);
	assert_string_equal(worked(spec, 3, WORKED_LEAF, requests), resident);
	/* A hit starts the minute anew: at 60 s A has 80 until 100 s. */
	assert_string_equal(worked(spec, 3, WORKED_FLAT, "AB/1 @10:C @40:A/1 @60:D @61:E @62:F"), "AB ABC ABC ACD ADE AEF");
	/* The prefix's length may be said once for all: C and F have 35. For E goes C; for F one of 80 has to, B; for G F. */
	assert_string_equal(worked("retention:prefix=2,prefix_priority=80", 4, WORKED_FLAT, "ABC DEF G"), "ABC ADEF ADEG");
}

/* Priorities below 35 go first, until their time is over: A (10 for a minute) goes before B, or, from 60 s on, after it. */
static void retention_low_priorities(void **state)
{
	(void)state;
	static const char spec[] = "retention:priority=10,duration=1m;class=b:priority=35";
	assert_string_equal(worked(spec, 2, WORKED_FLAT, "b.B A @59:b.C"), "B AB BC");
	assert_string_equal(worked(spec, 2, WORKED_FLAT, "b.B A @60:b.C"), "B AB AC");
	assert_string_equal(worked(spec, 2, WORKED_LEAF, "b.B A @59:b.C"), "B AB BC");
	assert_string_equal(worked(spec, 2, WORKED_LEAF, "b.B A @60:b.C"), "B AB AC");
}

/* A trace's own priority holds for the prefix, or all of the prompt where none is known; the last request's word counts. */
static void retention_hints(void **state)
{
	(void)state;
	assert_string_equal(worked("retention", 3, WORKED_FLAT, "AB!90 C D E"), "AB ABC ABD ABE");
	assert_string_equal(worked("retention", 3, WORKED_FLAT, "AB!90/1 C D E"), "AB ABC ACD ADE");
	assert_string_equal(worked("retention", 3, WORKED_FLAT, "AB!90 C AB!5 D E"), "AB ABC ABC ACD CDE");
	assert_string_equal(worked("retention", 2, WORKED_FLAT, "A!1000 B!100 C!100 D!-7 E"), "A AB BC CD CE");
}

/* evict_mooncake.c's example; the store holds 4 and is nearly full from 3 on. */
static void mooncake_goes_by_leases_in_batches(void **state)
{
	(void)state;
	static const char half[] = "mooncake:high=0.5,batch=0.25";
	assert_string_equal(worked(half, 4, WORKED_FLAT, "@0:A B @1:A @2:C @12:D"), "A AB AB AC D");
	assert_string_equal(worked(half, 4, WORKED_OBJECT, "@0:A B @1:A @2:C @12:D"), "A AB AB AC D");
	/* At 11 s, to the nanosecond, the lease is over. */
	assert_string_equal(worked(half, 4, WORKED_FLAT, "@0:A B @1:A @2:C @10.999:D @11:E"), "A AB AB AC AD E");
	assert_string_equal(worked("mooncake:high=0.5,batch=0.25,lease=0s", 4, WORKED_FLAT, "@0:A B @1:A @2:C"), "A AB AB C");
	/* Leaf scope: B goes, then A, which has become a leaf. */
	assert_string_equal(worked(half, 4, WORKED_LEAF, "@0:AB @1:X"), "AB X");
}

/* A full store whose blocks are all leased takes nothing in; when a lease is over a put makes room for itself. */
static void mooncake_stores_nothing_where_all_is_leased(void **state)
{
	(void)state;
	assert_string_equal(worked("mooncake:high=1", 2, WORKED_FLAT, "@0:A B A B C @9:C @10:C"), "A AB AB AB AB AB BC");
	assert_string_equal(worked("mooncake:high=1,lease=inf", 2, WORKED_FLAT, "@0:A B A B C @9000:C"), "A AB AB AB AB AB");
}

/* A and B, both of 0 s, are to go for C. A softly pinned A stays: B is the one that has to go at least. Where all are pinned
 * that one is A; with spare=1 none. After a pin of 10 s A goes by its lease, which ended before B's. */
static void mooncake_spares_soft_pins(void **state)
{
	(void)state;
	assert_string_equal(worked("mooncake:high=0.5,batch=0.25", 4, WORKED_FLAT, "@0:A/1 B/0 C/0"), "A AB C");
	assert_string_equal(worked("mooncake:high=0.5,batch=0.25,soft=prefix", 4, WORKED_FLAT, "@0:A/1 B/0 C/0"), "A AB AC");
	assert_string_equal(worked("mooncake:high=0.5,batch=0.25,soft=prefix,prefix=1", 4, WORKED_FLAT, "@0:A B/0 C/0"), "A AB AC");
	assert_string_equal(worked("mooncake:high=0.5,batch=0.25,soft=all", 4, WORKED_FLAT, "@0:A B C"), "A AB BC");
	assert_string_equal(worked("mooncake:high=0.5,batch=0.25,soft=all,spare=1", 4, WORKED_FLAT, "@0:A B C D E"),
	                    "A AB ABC ABCD ABCD");
	static const char ends[] = "mooncake:high=0.5,batch=0,soft=prefix,soft_ttl=10s";
	assert_string_equal(worked(ends, 4, WORKED_FLAT, "@0:A/1 @5:B/0 @9.999:C/0"), "A AB AC");
	assert_string_equal(worked(ends, 4, WORKED_FLAT, "@0:A/1 @5:B/0 @10:C/0"), "A AB BC");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(sglang_slru_protects_after_two_hits),
	        cmocka_unit_test(sglang_slru_in_leaf_scope),
	        cmocka_unit_test(sglang_priority_goes_lowest_first),
	        cmocka_unit_test(sglang_priority_spreads_over_the_path),
	        cmocka_unit_test(vllm_free_queue_of_the_design_document),
	        cmocka_unit_test(vllm_answers_take_room),
	        cmocka_unit_test(vllm_partial_blocks_go_to_either_end),
	        cmocka_unit_test(vllm_reservations_take_room),
	        cmocka_unit_test(vllm_arc_learns_from_ghosts),
	        cmocka_unit_test(retention_prefix_lasts_for_its_duration),
	        cmocka_unit_test(retention_low_priorities),
	        cmocka_unit_test(retention_hints),
	        cmocka_unit_test(mooncake_goes_by_leases_in_batches),
	        cmocka_unit_test(mooncake_stores_nothing_where_all_is_leased),
	        cmocka_unit_test(mooncake_spares_soft_pins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
