/* Several replicas: whom a request goes to, by hand; that a replica of a fleet is what it would be alone; and that a shared tier
 * is one. Blocks are of 4 tokens and 4,000 bytes, a token takes 1 ms to compute, a link of 4 MB/s 1 ms a block. Chains of 5
 * blocks and one token more: 21 ms. */
#include "test.h"

#include "asks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct timed_setup of(uint32_t replicas, const char *router)
{
	return (struct timed_setup){.calibration = &asks_one_ms_a_token, .load = LOAD_ALWAYS, .step_tokens = UINT32_MAX,
	                            .replicas = replicas, .router = router};
}

/* Replica of each request, as digits. */
static void assert_routed(const struct ask *asks, uint32_t count, uint32_t replicas, const char *router, const char *expected)
{
	const struct timed_setup setup = of(replicas, router);
	struct timed_result result = asks_serve(asks, count, &setup);
	char digits[32] = "";
	for (uint32_t r = 0; r < count; r++)
		digits[r] = (char)('0' + result.outcomes[r].replica);
	assert_string_equal(digits, expected);
	timed_free(&result);
}

/* Five at once and one more when all are idle again. Of those at once the third finds 0 and 1 taken, the fourth all three with
 * one each. */
static void takes_turns_or_the_least_loaded(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {0, 1, 0}, {0, 2, 0}, {0, 3, 0}, {0, 4, 0}, {1000, 5, 0}};
	assert_routed(asks, 6, 3, "round-robin", "012012");
	assert_routed(asks, 6, 3, "least-loaded", "012010");
	/* At 100 ms the long one is still there, 201 ms of work; the others have left. The third then finds one everywhere. */
	static const struct ask later[] = {{0, ASKS_NO_CHAIN, 200}, {0, 0, 0}, {0, 1, 0}, {100, 2, 0}, {100, 3, 0}, {100, 4, 0}, {100, 5, 0}};
	assert_routed(later, 7, 3, "least-loaded", "0121201");
}

/* Chain 0 is computed on replica 0, chain 1 on replica 1, as 0 is taken. Later each goes where it is, also where that one is
 * busy; and a chain that is nowhere goes to who has less to do. */
static void follows_the_longest_prefix(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {0, 1, 0}, {1000, 1, 0}, {1000, 0, 0}, {2000, 1, 300}, {2001, 1, 0}, {2002, 2, 0}};
	assert_routed(asks, 7, 2, "prefix", "0110110");
}

/* At 1000 ms replica 0 has chain 0 and then 101 tokens in flight. Chain 0 there leaves 1 token to compute, elsewhere 21:
 * 1 + 101 alpha against 21, so that alpha = 0.198 is the point where it is worth the wait. A tie would go to the one with less
 * in flight. */
static void weighs_the_prefix_against_the_load(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {1000, ASKS_NO_CHAIN, 100}, {1000, 0, 0}};
	assert_routed(asks, 3, 2, "prefix-load:alpha=0.19", "000");
	assert_routed(asks, 3, 2, "prefix-load:alpha=0.2", "001");
	assert_routed(asks, 3, 2, "prefix-load", "001");
	assert_routed(asks, 3, 2, "prefix-load:alpha=0", "000");
	static const struct ask even[] = {{0, 0, 0}, {1000, ASKS_NO_CHAIN, 19}, {1000, 0, 0}};
	assert_routed(even, 3, 2, "prefix-load", "001");
}

static void refuses_other_routers(void **state)
{
	(void)state;
	static const char *const wrong[] = {"", "nearest", "prefix:alpha=1", "prefix-load:alpha=-1", "prefix-load:beta=1",
	                                    "prefix-load:alpha=x"};
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct router_config router;
		struct err err;
		assert_int_equal(router_parse(&router, wrong[i], &err), -1);
		assert_true(strlen(err.text) > 0 && err.text[strlen(err.text) - 1] == '.');
	}
}

static struct trace *sessions_at_random(struct make_rng *rng)
{
	const struct make_shape shape = {.requests = 30 + (uint32_t)make_random(rng, 60),
	                                 .block_tokens = 1 + (uint32_t)make_random(rng, 8), .sessions = 2 + (uint32_t)make_random(rng, 9), .root_percent = 20, .repeat_percent = 30,
	                                 .growth = 6, .same_time_percent = 20, .tick_ns = NS_PER_MS * 7, .most_ticks = 60};
	struct trace *trace = make_trace_random(rng, &shape);
	timed_dress(trace, rng, 200, 300 * NS_PER_MS);
	return trace;
}

/* What replica `replica` was given. */
static struct trace part_of(const struct trace *trace, const struct timed_result *result, uint32_t replica,
                            struct trace_request *requests)
{
	struct trace part = *trace;
	part.request_count = 0;
	part.requests = requests;
	for (uint32_t r = 0; r < trace->request_count; r++) {
		if (result->outcomes[r].replica == replica)
			requests[part.request_count++] = trace->requests[r];
	}
	return part;
}

static void assert_same_outcomes(const struct trace *trace, const struct timed_result *fleet, uint32_t replica,
                                 const struct timed_result *alone)
{
	uint32_t place = 0;
	for (uint32_t r = 0; r < trace->request_count; r++) {
		struct request_outcome got = fleet->outcomes[r];
		if (got.replica != replica)
			continue;
		got.replica = 0;
		assert_int_equal(fleet->arrival_ns[r], alone->arrival_ns[place]);
		assert_memory_equal(&got, &alone->outcomes[place], sizeof(got));
		place++;
	}
	assert_int_equal(place, alone->request_count);
}

/* Replicas that share nothing have nothing to do with each other: each does what one machine does with its requests. */
static void a_replica_is_what_it_would_be_alone(void **state)
{
	(void)state;
	struct make_rng rng = {20261129};
	static const enum engine_kind engines[] = {ENGINE_VLLM, ENGINE_SGLANG, ENGINE_STATIC};
	static const char *const routers[] = {"session", "round-robin", "prefix", "least-loaded"};
	for (int i = 0; i < 400; i++) {
		struct trace *trace = sessions_at_random(&rng);
		const char *router = routers[make_random(&rng, COUNT_OF(routers))];
		const bool sticks = strcmp(router, "session") == 0;
		struct timed_setup setup = {.engine = engines[make_random(&rng, COUNT_OF(engines))], .capacity_blocks = 300,
		                            .replicas = 1 + (uint32_t)make_random(&rng, 5), .router = router,
		                            .most_running = 1 + (uint32_t)make_random(&rng, 6), .flat = make_chance(&rng, 50),
		                            .ttl = make_chance(&rng, 30) ? "static:ttl=200ms" : NULL,
		                            .calibration = i % 2 ? &timed_curved_calibration : &timed_calibration,
		                            /* Whose next turn shows the answer, and waits for it, is on the same replica. */
		                            .drop_answers = !sticks, .closed_loop = sticks && make_chance(&rng, 60),
		                            .tiers = {"host:40,read=1MB/s,store=through", make_chance(&rng, 50) ? "disk:80,latency=3ms" : NULL}};
		/* Tight: what one holds for steps that it will not take keeps others out. */
		uint32_t longest = 0;
		for (uint32_t r = 0; r < trace->request_count; r++) {
			const struct trace_request *q = &trace->requests[r];
			const uint32_t blocks = (q->prompt_tokens + q->output_tokens) / trace->block_tokens + 1;
			longest = blocks > longest ? blocks : longest;
		}
		setup.capacity_blocks = longest + make_random(&rng, 2 * (uint64_t)longest);
		struct timed_result fleet = timed_run(trace, &setup);
		assert_null(timed_wrong(trace, &setup, &fleet));
		assert_int_equal(fleet.answered, trace->request_count);
		struct trace_request *requests = mem_alloc(trace->request_count, sizeof(*requests));
		const uint32_t replicas = setup.replicas;
		for (uint32_t r = 0; r < replicas; r++) {
			const struct trace part = part_of(trace, &fleet, r, requests);
			if (part.request_count == 0)
				continue;
			setup.replicas = 1;
			struct timed_result alone = timed_run(&part, &setup);
			assert_same_outcomes(trace, &fleet, r, &alone);
			timed_free(&alone);
		}
		free(requests);
		timed_free(&fleet);
		make_trace_free(trace);
	}
}

/* 10 blocks. An answer of 20 tokens will need 5 of them, and has taken these for its stretch of steps of 2 ms, when at 6 ms a
 * prompt of 8 blocks comes. At 7 ms, after 4 tokens, the answer has and needs 2: there is room. */
static void a_stretch_is_cut_where_a_request_comes(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, ASKS_NO_CHAIN, 0}, {0, ASKS_NO_CHAIN, 0}, {6, ASKS_NO_CHAIN, 28}};
	struct timed_setup setup = of(2, "round-robin");
	setup.capacity_blocks = 10;
	struct trace *trace = asks_trace(asks, COUNT_OF(asks));
	((struct trace_request *)(uintptr_t)trace->requests)[0].output_tokens = 20;
	for (int single = 0; single < 2; single++) {
		setup.single_steps = single;
		struct timed_result result = timed_run(trace, &setup);
		assert_null(timed_wrong(trace, &setup, &result));
		assert_int_equal(result.outcomes[2].replica, 0);
		assert_int_equal(result.outcomes[2].queue_ns, 1 * NS_PER_MS);
		assert_int_equal(result.run.steps, 1 + 19 + 1);
		timed_free(&result);
	}
	make_trace_free(trace);
}

static void a_session_stays_together(void **state)
{
	(void)state;
	struct make_rng rng = {7};
	for (int i = 0; i < 50; i++) {
		struct trace *trace = sessions_at_random(&rng);
		struct timed_setup setup = of(4, "session");
		setup.closed_loop = i % 2;
		struct timed_result result = timed_run(trace, &setup);
		uint32_t *home = mem_alloc(trace->session_count, sizeof(*home)), used = 0;
		memset(home, 0xff, trace->session_count * sizeof(*home));
		for (uint32_t r = 0; r < trace->request_count; r++) {
			const uint32_t session = trace->requests[r].session, replica = result.outcomes[r].replica;
			if (session == TRACE_NO_SESSION)
				continue;
			assert_true(home[session] == UINT32_MAX || home[session] == replica);
			home[session] = replica;
			used |= 1u << replica;
		}
		/* Few sessions, but five of them are not all on one of four replicas. */
		assert_true(trace->session_count < 5 || (used & (used - 1)));
		free(home);
		timed_free(&result);
		make_trace_free(trace);
	}
}

/* Groups that share nothing but their own prefix: where that is, it hits; anywhere else it does not. */
static void prefix_hits_no_less_than_turns(void **state)
{
	(void)state;
	struct make_rng rng = {3};
	struct ask asks[120];
	for (int i = 0; i < 40; i++) {
		int64_t ms = 0;
		uint32_t chains = 0;
		for (size_t k = 0; k < COUNT_OF(asks); k++) {
			ms += (int64_t)make_random(&rng, 60);
			const uint32_t chain = (uint32_t)make_random(&rng, 12);
			asks[k] = (struct ask){ms, chain < chains ? chain : chains, (uint32_t)make_random(&rng, 9)};
			chains += chain >= chains;
		}
		uint64_t hits[2];
		for (int prefix = 0; prefix < 2; prefix++) {
			const struct timed_setup setup = of(4, prefix ? "prefix" : "round-robin");
			struct timed_result result = asks_serve(asks, COUNT_OF(asks), &setup);
			hits[prefix] = timed_total(&result)->ledger.hit_tokens;
			timed_free(&result);
		}
		assert_true(hits[1] > hits[0]);
	}
}

static struct timed_setup with_host(const char *host)
{
	struct timed_setup setup = of(2, "least-loaded");
	setup.ttl = "static:ttl=1s";
	setup.tiers[0] = host;
	return setup;
}

/* Replica 0 computes the chain; when it comes again, to replica 1, only a shared tier has it. */
static void a_shared_tier_is_one(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {10000, ASKS_NO_CHAIN, 100}, {10000, 0, 0}};
	for (int shared = 0; shared < 2; shared++) {
		const struct timed_setup setup =
		        with_host(shared ? "host:inf,store=through,read=4MB/s,shared=1" : "host:inf,store=through,read=4MB/s");
		struct timed_result result = asks_serve(asks, 3, &setup);
		assert_int_equal(result.outcomes[2].replica, 1);
		assert_int_equal(result.outcomes[2].ledger.tier_hit_tokens[1], shared ? ASKS_FULL : 0);
		assert_int_equal(result.outcomes[2].ttft_ns, (shared ? 5 + 1 : 21) * NS_PER_MS);
		assert_int_equal(result.run.tiers[1].copies, shared ? 1 : 2);
		assert_int_equal(result.run.tiers[1].resident_blocks, shared ? ASKS_CHAIN : 2 * ASKS_CHAIN);
		assert_int_equal(result.run.tiers[0].copies, 2);
		timed_free(&result);
	}
}

/* Two loads at once, of 5 ms each, wait for each other on one link and not on two. */
static void a_shared_link_queues(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {0, 1, 0}, {10000, 0, 0}, {10000, 1, 0}};
	for (int shared = 0; shared < 2; shared++) {
		const struct timed_setup setup = with_host(shared ? "host:inf,store=through,promote=never,read=4MB/s,shared=1"
		                                                  : "host:inf,store=through,promote=never,read=4MB/s");
		struct timed_result result = asks_serve(asks, 4, &setup);
		assert_int_equal(result.outcomes[2].load_ns, 5 * NS_PER_MS);
		assert_int_equal(result.outcomes[3].replica, 1);
		assert_int_equal(result.outcomes[3].load_ns, (shared ? 10 : 5) * NS_PER_MS);
		timed_free(&result);
	}
}

/* Room for two chains. Replica 0 has served more requests than replica 1 when it stores chain 0; then 1 stores chain 1, which is
 * the younger one all the same, and chain 2 takes the place of chain 0. */
static void a_shared_tier_has_one_order(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, ASKS_NO_CHAIN, 3},   {100, ASKS_NO_CHAIN, 3},     {200, ASKS_NO_CHAIN, 3}, {300, ASKS_NO_CHAIN, 3},
	                                  {400, ASKS_NO_CHAIN, 3}, {10000, 0, 0},          {20000, ASKS_NO_CHAIN, 100},
	                                  {20000, 1, 0},      {30000, 2, 0},          {40000, 1, 0},      {50000, 0, 0}};
	const struct timed_setup setup = with_host("host:10,store=through,promote=never,shared=1");
	struct timed_result result = asks_serve(asks, COUNT_OF(asks), &setup);
	assert_int_equal(result.outcomes[7].replica, 1);
	assert_int_equal(result.outcomes[9].ledger.tier_hit_tokens[1], ASKS_FULL);
	assert_int_equal(result.outcomes[10].ledger.tier_hit_tokens[1], 0);
	timed_free(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(takes_turns_or_the_least_loaded),
	        cmocka_unit_test(follows_the_longest_prefix),
	        cmocka_unit_test(weighs_the_prefix_against_the_load),
	        cmocka_unit_test(refuses_other_routers),
	        cmocka_unit_test(a_replica_is_what_it_would_be_alone),
	        cmocka_unit_test(a_stretch_is_cut_where_a_request_comes),
	        cmocka_unit_test(a_session_stays_together),
	        cmocka_unit_test(prefix_hits_no_less_than_turns),
	        cmocka_unit_test(a_shared_tier_is_one),
	        cmocka_unit_test(a_shared_link_queues),
	        cmocka_unit_test(a_shared_tier_has_one_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
