/* Lower tiers, with figures that a pencil gives. Blocks are of 4 tokens and 4,000 bytes, prompts of 5 blocks of their own and
 * one token more: 21 ms to compute. A link of 4 MB/s takes 1 ms a block. The first tier forgets after a second. */
#include "test.h"

#include "asks.h"
#include "link.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

static struct timed_setup with_tiers(const char *host, const char *disk)
{
	return (struct timed_setup){.ttl = "static:ttl=1s", .calibration = &asks_one_ms_a_token, .load = LOAD_ALWAYS,
	                            .step_tokens = UINT32_MAX, .tiers = {host, disk}};
}

/* Two waves of `count` chains, the second at 1000 s, when only lower tiers have them. */
static struct ask *two_waves(uint32_t count)
{
	struct ask *asks = mem_alloc((size_t)2 * count, sizeof(*asks));
	for (uint32_t i = 0; i < 2 * count; i++)
		asks[i] = (struct ask){i < count ? 0 : 1000000, i % count, 0};
	return asks;
}

/* 100 loads of 5 ms each wait for one link: it is busy without a break, and the last one is there after 500 ms and the
 * latency, so that 500 blocks took bytes / bandwidth. */
static void saturated_link_carries_its_bandwidth(void **state)
{
	(void)state;
	const struct timed_setup setup = with_tiers("host:inf,store=through,promote=never,read=4MB/s,latency=7ms", NULL);
	struct ask *asks = two_waves(100);
	struct timed_result result = asks_serve(asks, 200, &setup);
	const struct tier_result *host = &result.run.tiers[1];
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(result.outcomes[100 + i].load_ns, (5 * (i + 1) + 7) * NS_PER_MS);
	assert_int_equal(host->read_bytes, 100 * ASKS_CHAIN * 4000);
	assert_true(fabs((double)host->read_bytes / host->link_busy_s - 4e6) < 1e-3);
	timed_free(&result);
	free(asks);
}

/* At 2 s chain 0 is loaded, 5 ms, and chain 1 computed, 21 ms; then its blocks are stored, 2 ms each, most of them after the
 * last answer (2,022 ms). */
static void stores_and_loads_share_a_link(void **state)
{
	(void)state;
	const struct timed_setup setup = with_tiers("host:inf,store=through,promote=never,read=4MB/s,write=2MB/s", NULL);
	static const struct ask asks[] = {{0, 0, 0}, {2000, 0, 0}, {2000, 1, 0}};
	struct timed_result result = asks_serve(asks, 3, &setup);
	assert_int_equal(result.outcomes[1].load_ns, 5 * NS_PER_MS);
	assert_int_equal(result.run.tiers[1].written_bytes, 2 * ASKS_CHAIN * 4000);
	assert_true(fabs(result.run.tiers[1].link_busy_s - (0.010 + 0.005 + 0.001)) < 1e-9);
	assert_true(fabs(result.run.tiers[1].link_backlog_s - 0.009) < 1e-9);
	timed_free(&result);
}

static void tenfold_bandwidth_changes_ttft(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {2000, 0, 0}};
	int64_t ttft_ns[2];
	for (int fast = 0; fast < 2; fast++) {
		const struct timed_setup setup = with_tiers(fast ? "host:inf,read=40MB/s,store=through" : "host:inf,read=4MB/s,store=through", NULL);
		struct timed_result result = asks_serve(asks, 2, &setup);
		ttft_ns[fast] = result.outcomes[1].ttft_ns;
		timed_free(&result);
	}
	assert_int_equal(ttft_ns[0], 6 * NS_PER_MS); /* 5 of load, 1 of prefill */
	assert_int_equal(ttft_ns[1], 1500000);
}

/* 20 tokens take 20 ms to compute; 5 blocks and the latency are faster at 14 ms, not at 15. */
static void loads_only_what_is_faster(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {2000, 0, 0}};
	static const struct {
		enum load_rule load;
		const char *host;
		uint64_t loaded_blocks;
		int64_t ttft_ms;
	} cases[] = {
	        {LOAD_FASTER, "host:inf,store=through,read=4MB/s,latency=14ms", 5, 20},
	        {LOAD_FASTER, "host:inf,store=through,read=4MB/s,latency=15ms", 0, 21},
	        {LOAD_ALWAYS, "host:inf,store=through,read=4MB/s,latency=15ms", 5, 21},
	        {LOAD_NEVER, "host:inf,store=through,read=4MB/s", 0, 21},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct timed_setup setup = with_tiers(cases[i].host, NULL);
		setup.load = cases[i].load;
		struct timed_result result = asks_serve(asks, 2, &setup);
		const struct ledger *ledger = &result.outcomes[1].ledger;
		assert_int_equal(result.run.tiers[1].loaded_blocks, cases[i].loaded_blocks);
		assert_int_equal(result.outcomes[1].ttft_ns, cases[i].ttft_ms * NS_PER_MS);
		assert_int_equal(ledger->tier_hit_tokens[1], cases[i].loaded_blocks * ASKS_BLOCK_TOKENS);
		assert_int_equal(ledger->not_loaded_tokens, cases[i].loaded_blocks ? 0 : ASKS_FULL);
		timed_free(&result);
	}
}

/* Ten come at once. The loads of the first three would be there after 5, 10 and 15 ms; that of the fourth after 20, which is
 * not faster than computing it, and so for those behind it. */
static void a_long_queue_makes_loading_slower(void **state)
{
	(void)state;
	struct timed_setup setup = with_tiers("host:inf,store=through,read=4MB/s", NULL);
	setup.load = LOAD_FASTER;
	struct ask *asks = two_waves(10);
	struct timed_result result = asks_serve(asks, 20, &setup);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(result.outcomes[10 + i].ledger.tier_hit_tokens[1], i < 3 ? ASKS_FULL : 0);
	assert_int_equal(result.run.tiers[1].loaded_blocks, 3 * ASKS_CHAIN);
	timed_free(&result);
	free(asks);
}

/* Uses at 10, 10.5 and 11 s; the first tier holds what it is given for a second. */
static void promotes_always_at_the_second_use_or_never(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {10000, 0, 0}, {10500, 0, 0}, {11000, 0, 0}};
	static const struct {
		const char *host;
		uint64_t loads;
	} cases[] = {{"host:inf,store=through,promote=always", 1},
	             {"host:inf,store=through,promote=second", 2},
	             {"host:inf,store=through,promote=never", 3}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct timed_setup setup = with_tiers(cases[i].host, NULL);
		struct timed_result result = asks_serve(asks, 4, &setup);
		assert_int_equal(result.run.tiers[1].loaded_blocks, cases[i].loads * ASKS_CHAIN);
		assert_int_equal(timed_total(&result)->ledger.tier_hit_tokens[0], (3 - cases[i].loads) * ASKS_FULL);
		timed_free(&result);
	}
}

/* Computed three times or loaded twice: stored once. */
static void writes_through_once(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {10000, 0, 0}, {20000, 0, 0}};
	for (int load = 0; load < 2; load++) {
		struct timed_setup setup = with_tiers("host:inf,store=through", NULL);
		setup.load = load ? LOAD_ALWAYS : LOAD_NEVER;
		struct timed_result result = asks_serve(asks, 3, &setup);
		assert_int_equal(result.run.tiers[1].stored_blocks, ASKS_CHAIN);
		assert_int_equal(result.run.tiers[1].written_bytes, ASKS_CHAIN * 4000);
		assert_int_equal(result.run.tiers[1].loaded_blocks, load ? 2 * ASKS_CHAIN : 0);
		timed_free(&result);
	}
}

/* The host has room for one chain. Chain 0 comes back from disk and passes the host on its way, but is not written to disk
 * again; what is stored is that each chain went to both, and chain 0 to the host once more. */
static void what_comes_from_below_passes_write_through_tiers(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {10000, 1, 0}, {20000, 0, 0}, {30000, 0, 0}};
	const struct timed_setup setup = with_tiers("host:5,store=through", "disk:inf,store=through");
	struct timed_result result = asks_serve(asks, 4, &setup);
	assert_int_equal(result.run.tiers[1].stored_blocks, 3 * ASKS_CHAIN);
	assert_int_equal(result.run.tiers[2].stored_blocks, 2 * ASKS_CHAIN);
	assert_int_equal(result.run.tiers[2].loaded_blocks, ASKS_CHAIN);
	assert_int_equal(result.outcomes[3].ledger.tier_hit_tokens[1], ASKS_FULL);
	timed_free(&result);
}

/* Victims of the first tier (room for a chain and its tail) go to the host, those of the host to disk. Nothing else does. */
static void victims_go_down_the_chain(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {1000, 1, 0}, {2000, 2, 0}, {3000, 0, 0}};
	struct timed_setup setup = with_tiers("host:5", "disk:inf");
	setup.ttl = "none";
	setup.capacity_blocks = ASKS_CHAIN + 1;
	struct timed_result result = asks_serve(asks, 4, &setup);
	assert_int_equal(result.run.tiers[0].evicted_blocks, 3 * ASKS_CHAIN);
	assert_int_equal(result.run.tiers[1].stored_blocks, 3 * ASKS_CHAIN);
	assert_int_equal(result.run.tiers[1].evicted_blocks, 2 * ASKS_CHAIN);
	assert_int_equal(result.run.tiers[2].stored_blocks, 2 * ASKS_CHAIN);
	assert_int_equal(result.outcomes[3].ledger.tier_hit_tokens[2], ASKS_FULL);
	timed_free(&result);
}

static void stores_what_is_used_twice(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {100, 1, 0}, {500, 0, 0}, {600, 0, 0}};
	const struct timed_setup setup = with_tiers("host:inf,store=second", NULL);
	struct timed_result result = asks_serve(asks, 4, &setup);
	assert_int_equal(result.run.tiers[1].stored_blocks, ASKS_CHAIN);
	timed_free(&result);
}

static void expired_blocks_are_dropped_or_demoted(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {5000, 0, 0}};
	for (int demoted = 0; demoted < 2; demoted++) {
		/* What leaves the host at its time goes to disk, if at all; the first tier has no say in the test. */
		const struct timed_setup setup = with_tiers(demoted ? "host:inf,store=through,ttl={static:ttl=2s},expired=demote"
		                                                    : "host:inf,store=through,ttl={static:ttl=2s}", "disk:inf");
		struct timed_result result = asks_serve(asks, 2, &setup);
		assert_int_equal(result.run.tiers[1].expired_blocks, ASKS_CHAIN);
		assert_int_equal(result.outcomes[1].ledger.tier_hit_tokens[2], demoted ? ASKS_FULL : 0);
		assert_int_equal(result.outcomes[1].ledger.expired_tokens, demoted ? 0 : ASKS_FULL);
		timed_free(&result);
	}
}

/* 2,000 loads of one chain each. So many fail as a coin would have it (99.9 % of its range; 0.15 for 0.1 is outside),
 * and each is computed after all: no token is lost or counted twice. */
static void loads_fail_as_often_as_told(void **state)
{
	(void)state;
	struct ask *asks = two_waves(2000);
	static const double chances[] = {0, 0.1, 1};
	for (size_t i = 0; i < COUNT_OF(chances); i++) {
		struct timed_setup setup = with_tiers("host:inf,store=through,promote=never,read=4MB/s", NULL);
		setup.faults[0] = (struct fault){.tier = 1, .load_failure = chances[i]};
		setup.seed = 5;
		struct timed_result result = asks_serve(asks, 4000, &setup);
		const struct tier_result *host = &result.run.tiers[1];
		const unsigned failed = (unsigned)host->failed_loads;
		assert_true(gsl_cdf_binomial_P(failed, chances[i], 2000) > 0.0005);
		assert_true(failed == 0 || gsl_cdf_binomial_P(failed - 1, chances[i], 2000) < 0.9995);
		assert_true(gsl_cdf_binomial_P(failed, 0.15, 2000) < 0.0005 || chances[i] == 1);
		assert_int_equal(host->loaded_blocks, 2000 * ASKS_CHAIN);
		assert_int_equal(host->failed_tokens, failed * ASKS_FULL);
		assert_int_equal(timed_total(&result)->ledger.not_loaded_tokens, failed * ASKS_FULL);
		assert_int_equal(timed_total(&result)->ledger.tier_hit_tokens[1], (2000 - failed) * ASKS_FULL);
		assert_int_equal(host->failed_wait_ns > 0, failed > 0);
		timed_free(&result);
	}
	free(asks);
}

/* Away from 10 to 20 s: what it holds is of no use meanwhile, and what is computed does not get there; after that it is back. */
static void a_tier_goes_and_comes_back(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {15000, 0, 0}, {15000, 1, 0}, {25000, 0, 0}, {25000, 1, 0}};
	struct timed_setup setup = with_tiers("host:inf,store=through", NULL);
	setup.faults[0] = (struct fault){.tier = 1, .from_ns = 10 * NS_PER_S, .until_ns = 20 * NS_PER_S};
	struct timed_result result = asks_serve(asks, 5, &setup);
	const struct tier_result *host = &result.run.tiers[1];
	assert_int_equal(result.outcomes[1].ledger.not_loaded_tokens, ASKS_FULL);
	assert_int_equal(host->away_tokens, ASKS_FULL);
	assert_int_equal(host->missed_blocks, ASKS_CHAIN); /* chain 1; chain 0 is there */
	assert_int_equal(result.outcomes[3].ledger.tier_hit_tokens[1], ASKS_FULL);
	assert_int_equal(result.outcomes[4].ledger.expired_tokens, ASKS_FULL);
	assert_int_equal(host->stored_blocks, 2 * ASKS_CHAIN);
	timed_free(&result);
}

/* From 21 ms on chain 0 is stored, 2 ms a block; the link goes at 23 ms and is back long after the last answer, at 121 ms. */
static void what_waits_for_a_link_is_not_within_the_run(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {100, 1, 0}};
	struct timed_setup setup = with_tiers("host:inf,store=through,write=2MB/s", NULL);
	setup.faults[0] = (struct fault){.tier = 1, .from_ns = 23 * NS_PER_MS, .until_ns = 1000 * NS_PER_S};
	struct timed_result result = asks_serve(asks, 2, &setup);
	assert_true(fabs(result.run.tiers[1].link_busy_s - 0.002) < 1e-9);
	assert_true(fabs(result.run.tiers[1].link_backlog_s - (1000.008 - 0.121)) < 1e-9);
	timed_free(&result);
}

/* 100 ms each, asked for at 9.85 s: the second has begun when the link goes at 10 s, the third waits until it is back. */
static void what_has_begun_outlasts_an_outage(void **state)
{
	(void)state;
	struct link_path link = {.bytes_per_s = {1e6, 1e6}, .latency_ns = 1, .outages = {{10 * NS_PER_S, 20 * NS_PER_S}}, .outage_count = 1};
	const int64_t now_ns = 9850 * NS_PER_MS;
	assert_int_equal(link_arrival_ns(&link, LINK_READ, now_ns, 2e5, 1e5), 20100 * NS_PER_MS + 1);
	assert_int_equal(link_transfer(&link, LINK_READ, now_ns, 1e5), 9950 * NS_PER_MS + 1);
	assert_int_equal(link_transfer(&link, LINK_WRITE, now_ns, 1e5), 10050 * NS_PER_MS + 1);
	assert_int_equal(link_transfer(&link, LINK_READ, now_ns, 1e5), 20100 * NS_PER_MS + 1);
	assert_false(link_is_down(&link, 10 * NS_PER_S - 1));
	assert_true(link_is_down(&link, 10 * NS_PER_S));
	assert_true(link_is_down(&link, 20 * NS_PER_S - 1));
	assert_false(link_is_down(&link, 20 * NS_PER_S));
	assert_int_equal(link.busy_ns, 300 * NS_PER_MS);
}

/* Three chains are computed at once; the worker may upload 2,000 bytes a second, in rounds of 10 s: 5 blocks each,
 * while the first tier still has them. Compression is not in the limit, but on the link. */
static void the_archive_is_written_at_its_pace(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {0, 1, 0}, {0, 2, 0}, {35000, 0, 0}};
	struct timed_setup setup = with_tiers("archive:inf,compress=0.5,read=4MB/s,inflate=1MB/s", NULL);
	setup.ttl = "static:ttl=25s";
	setup.archive_every_ns = 10 * NS_PER_S;
	setup.archive_bytes_per_s = 2000;
	struct timed_result result = asks_serve(asks, 4, &setup);
	const struct tier_result *archive = &result.run.tiers[1];
	/* 10 s: chain 0; 20 s: chain 1; at 30 s nobody has chain 2 any more. */
	assert_int_equal(archive->stored_blocks, 2 * ASKS_CHAIN);
	assert_int_equal(archive->written_bytes, 2 * ASKS_CHAIN * 2000);
	assert_int_equal(result.outcomes[3].ledger.tier_hit_tokens[1], ASKS_FULL);
	/* 5 x 2,000 bytes at 4 MB/s, and 20,000 bytes unpacked at 1 MB/s. */
	assert_int_equal(result.outcomes[3].load_ns, 22500000);
	timed_free(&result);
}

/* Chunks of a block. With 12 blocks both prompts have room, with 11 the second begins when the first has ended, although
 * its first chunks would have fitted. */
static void begins_only_what_fits(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {0, 1, 0}};
	for (uint32_t room = 11; room <= 12; room++) {
		struct timed_setup setup = with_tiers(NULL, NULL);
		setup.capacity_blocks = room;
		setup.step_tokens = 8;
		struct timed_result result = asks_serve(asks, 2, &setup);
		/* The last step of the first prompt has 5 tokens, and in it 3 of the second where that fits beside it. */
		assert_int_equal(result.outcomes[1].queue_ns, (room == 12 ? 16 : 21) * NS_PER_MS);
		assert_int_equal(result.run.preemptions, 0);
		timed_free(&result);
	}
}

/* Both chains are in the host. The first request loads 5 blocks and needs 11 more for 40 tokens and its last one; the second
 * loads 5. With 21 blocks both loads go, one behind the other on the link; with 20 the second would take one that the first
 * needs, and waits until that has ended: 5 ms of load, 41 of prefill. */
static void loads_leave_room_for_those_that_have_begun(void **state)
{
	(void)state;
	static const struct ask asks[] = {{0, 0, 0}, {100, 1, 0}, {5000, 0, 40}, {5000, 1, 0}};
	for (uint32_t room = 20; room <= 21; room++) {
		struct timed_setup setup = with_tiers("host:inf,store=through,read=4MB/s", NULL);
		setup.capacity_blocks = room;
		struct timed_result result = asks_serve(asks, 4, &setup);
		const struct request_outcome *second = &result.outcomes[3];
		assert_int_equal(result.outcomes[2].ttft_ns, 46 * NS_PER_MS);
		assert_int_equal(second->load_ns, (room == 21 ? 10 : 5) * NS_PER_MS);
		assert_int_equal(second->ttft_ns, (room == 21 ? 47 : 46 + 5 + 1) * NS_PER_MS);
		assert_int_equal(result.run.preemptions, 0);
		timed_free(&result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(saturated_link_carries_its_bandwidth),
	        cmocka_unit_test(stores_and_loads_share_a_link),
	        cmocka_unit_test(tenfold_bandwidth_changes_ttft),
	        cmocka_unit_test(loads_only_what_is_faster),
	        cmocka_unit_test(a_long_queue_makes_loading_slower),
	        cmocka_unit_test(promotes_always_at_the_second_use_or_never),
	        cmocka_unit_test(writes_through_once),
	        cmocka_unit_test(what_comes_from_below_passes_write_through_tiers),
	        cmocka_unit_test(victims_go_down_the_chain),
	        cmocka_unit_test(stores_what_is_used_twice),
	        cmocka_unit_test(expired_blocks_are_dropped_or_demoted),
	        cmocka_unit_test(loads_fail_as_often_as_told),
	        cmocka_unit_test(a_tier_goes_and_comes_back),
	        cmocka_unit_test(what_waits_for_a_link_is_not_within_the_run),
	        cmocka_unit_test(what_has_begun_outlasts_an_outage),
	        cmocka_unit_test(the_archive_is_written_at_its_pace),
	        cmocka_unit_test(begins_only_what_fits),
	        cmocka_unit_test(loads_leave_room_for_those_that_have_begun),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
