/* cache_put: a lower tier takes single blocks in any order; every policy, flat and leaf scope. */
#include "make_trace.h"
#include "test.h"

#include "cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Chain 0-1-2-3 and chain 4-5, one block of one token each. */
static struct trace *two_chains(void)
{
	static const block_id parents[] = {BLOCK_NONE, 0, 1, 2, BLOCK_NONE, 4};
	static const struct make_request requests[] = {
	        {.tail = 3, .session = TRACE_NO_SESSION, .class_id = TRACE_NO_CLASS, .hints = UINT32_MAX},
	        {.tail = 5, .session = TRACE_NO_SESSION, .class_id = TRACE_NO_CLASS, .hints = UINT32_MAX, .ordinal = 1},
	};
	const struct make_parts parts = {.block_tokens = 1, .block_count = 6, .request_count = 2, .parent = parents,
	                                 .requests = requests};
	return make_trace(&parts);
}

struct tier {
	struct spec evict, ttl;
	struct cache *cache;
	char left[64]; /* blocks in the order they were dropped */
};

static void on_drop(void *context, block_id b, enum block_state why)
{
	struct tier *tier = context;
	(void)why;
	sprintf(tier->left + strlen(tier->left), "%u", b);
}

static double recompute_ns(const void *cost, uint32_t depth)
{
	(void)cost;
	return 1e6 * (depth + 1);
}

static void open_tier(struct tier *tier, const struct trace *trace, const char *evict, uint64_t capacity_blocks, bool leaf)
{
	struct err err;
	*tier = (struct tier){.cache = NULL};
	assert_int_equal(spec_parse(&tier->evict, evict, &err), 0);
	assert_int_equal(spec_parse(&tier->ttl, "none", &err), 0);
	const struct cache_config config = {.evict = &tier->evict, .ttl = &tier->ttl, .capacity_blocks = capacity_blocks,
	                                    .leaf = leaf, .seed = 1, .on_drop = on_drop, .on_drop_context = tier,
	                                    .recompute_ns = recompute_ns};
	tier->cache = cache_open(trace, &config, &err);
	assert_non_null(tier->cache);
}

static void close_tier(struct tier *tier)
{
	cache_close(tier->cache);
	spec_free(&tier->evict);
	spec_free(&tier->ttl);
}

static bool put(struct tier *tier, block_id b)
{
	cache_now(tier->cache)->seq++;
	return cache_put(tier->cache, b);
}

/* Written through from the root, a chain leaves from its tail: a parent is a leaf again once its child has gone. */
static void chain_leaves_from_its_tail(void **state)
{
	(void)state;
	struct trace *trace = two_chains();
	struct tier tier;
	open_tier(&tier, trace, "lru", 4, true);
	for (block_id b = 0; b < 4; b++)
		assert_true(put(&tier, b));
	assert_true(put(&tier, 4));
	assert_true(put(&tier, 5));
	assert_string_equal(tier.left, "32");
	assert_int_equal(cache_used_blocks(tier.cache), 4);
	close_tier(&tier);
	make_trace_free(trace);
}

/* The only block that could go is the one to put under: then there is no room. */
static void parent_is_no_victim_for_its_child(void **state)
{
	(void)state;
	struct trace *trace = two_chains();
	struct tier tier;
	open_tier(&tier, trace, "lru", 1, true);
	assert_true(put(&tier, 0));
	assert_false(put(&tier, 1));
	assert_int_equal(cache_block_state(tier.cache, 0), BLOCK_RESIDENT);
	assert_true(put(&tier, 4));
	assert_string_equal(tier.left, "0");
	close_tier(&tier);
	make_trace_free(trace);
}

/* Victims of the tier above come tail first, so a child may be there before its parent. */
static void child_may_come_first(void **state)
{
	(void)state;
	struct trace *trace = two_chains();
	struct tier tier;
	open_tier(&tier, trace, "lru", 3, true);
	assert_true(put(&tier, 2));
	assert_true(put(&tier, 1));
	assert_true(put(&tier, 0));
	assert_true(put(&tier, 4));
	assert_true(put(&tier, 5));
	assert_string_equal(tier.left, "21");
	close_tier(&tier);
	make_trace_free(trace);
}

/* Any order, any policy: the tier is never over its size, and all that is told as dropped is gone. */
static void any_order_any_policy(void **state)
{
	(void)state;
	struct make_rng rng = {7};
	const struct make_shape shape = {.requests = 60, .block_tokens = 4, .root_percent = 20, .repeat_percent = 10, .growth = 5,
	                                 .most_ticks = 1};
	for (size_t i = 0; i < 2 * registry_eviction_count; i++) {
		const struct evict_ops *ops = registry_evictions[i / 2];
		if (ops->needs_future)
			continue;
		struct trace *trace = make_trace_random(&rng, &shape);
		struct tier tier;
		open_tier(&tier, trace, ops->name, 12, i % 2);
		for (int step = 0; step < 4000; step++) {
			const block_id b = (block_id)make_random(&rng, trace->block_count);
			tier.left[0] = '\0';
			if (put(&tier, b))
				assert_int_equal(cache_block_state(tier.cache, b), BLOCK_RESIDENT);
			assert_true(cache_used_blocks(tier.cache) <= 12);
		}
		assert_int_equal(cache_free_blocks(tier.cache), 12); /* nothing is in use */
		close_tier(&tier);
		make_trace_free(trace);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(chain_leaves_from_its_tail),
	        cmocka_unit_test(parent_is_no_victim_for_its_child),
	        cmocka_unit_test(child_may_come_first),
	        cmocka_unit_test(any_order_any_policy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
