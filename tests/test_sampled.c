/* test_sampled.c - a sample of everything is exact, and the interval of a small one holds the truth as often as it says. */
#include "make_trace.h"
#include "sampled.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>

static const struct curve_group all = {CURVE_ALL, 0};

static struct trace *random_trace(struct make_rng *rng, uint32_t requests, uint32_t root_percent)
{
	const struct make_shape shape = {
	        .requests = requests,
	        .block_tokens = 1 + (uint32_t)make_random(rng, 20),
	        .sessions = 4,
	        .classes = 1,
	        .root_percent = root_percent,
	        .repeat_percent = 40,
	        .growth = 6,
	        .same_time_percent = (uint32_t)make_random(rng, 60),
	        .tick_ns = NS_PER_S,
	        .most_ticks = 30,
	        .tail_listed = true,
	};
	return make_trace_random(rng, &shape);
}

static struct sampled *sample(const struct trace *trace, const struct run_config *config, enum curve_axis axis, double rate,
                              uint64_t seed)
{
	struct err err;
	struct sampled *sampled = sampled_open(trace, config, axis, rate, seed, &err);
	if (!sampled)
		fail_msg("%s", err.text);
	return sampled;
}

/* Every point the same, with and without shared blocks, a warm-up, and partial tails. */
static void test_all_is_exact(void **state)
{
	struct make_rng rng = {1};
	uint32_t with_shared = 0;
	(void)state;
	for (int t = 0; t < 60; t++) {
		struct trace *trace = random_trace(&rng, 1 + (uint32_t)make_random(&rng, 600), 1 + (uint32_t)make_random(&rng, 30));
		const struct run_config config = {.tail_cached = make_chance(&rng, 50), .speed = 1,
		                                  .warmup = make_chance(&rng, 50) ? 0 : 0.3};
		const enum curve_axis axis = make_chance(&rng, 50) ? CURVE_TTL : CURVE_CAPACITY;
		struct reuse *reuse = reuse_open(trace, &config, NULL);
		struct curve *curve = curve_open(reuse, axis, all);
		struct sampled *sampled = sample(trace, &config, axis, 1, (uint64_t)t);
		struct curve_point exact;
		struct sampled_point point;
		assert_int_equal(sampled_drawn_trees(sampled), sampled_trees(sampled));
		with_shared += sampled_trees(sampled) > 0 && trace->request_count > 100;
		while (curve_next(curve, &exact)) {
			assert_true(sampled_next(sampled, &point));
			assert_int_equal(point.estimate.at, exact.at);
			assert_int_equal(point.estimate.hit_blocks, exact.hit_blocks);
			assert_int_equal(point.estimate.hit_tokens, exact.hit_tokens);
			assert_true(fabs(point.estimate.request_hits - exact.request_hits) < 1e-9);
			assert_true(point.estimate.mean_resident_blocks == exact.mean_resident_blocks);
			assert_true(point.low == point.high);
		}
		assert_false(sampled_next(sampled, &point));
		sampled_close(sampled);
		curve_close(curve);
		reuse_close(reuse);
		make_trace_free(trace);
	}
	assert_true(with_shared > 20);
}

enum { PLACES = 4, SEEDS = 200 };

/* How often the interval, and one half as wide, hold the truth at each of some places of the axis. */
static void check_coverage(const struct trace *trace, enum curve_axis axis, double rate, const uint64_t *places)
{
	const struct run_config config = {.tail_cached = true, .speed = 1};
	struct reuse *reuse = reuse_open(trace, &config, NULL);
	struct curve *curve = curve_open(reuse, axis, all);
	double truth[PLACES] = {0}, tokens = (double)curve_totals(curve)->prompt_tokens;
	struct curve_point exact;
	while (curve_next(curve, &exact)) {
		for (int p = 0; p < PLACES; p++)
			truth[p] = exact.at <= places[p] ? (double)exact.hit_tokens / tokens : truth[p];
	}
	uint32_t held[PLACES] = {0}, held_half[PLACES] = {0};
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct sampled *sampled = sample(trace, &config, axis, rate, seed);
		struct sampled_point point, at[PLACES] = {0};
		assert_true(sampled_begin(sampled) <= places[0]);
		while (sampled_next(sampled, &point)) {
			for (int p = 0; p < PLACES; p++)
				at[p] = point.estimate.at <= places[p] ? point : at[p];
		}
		for (int p = 0; p < PLACES; p++) {
			const double off = fabs((double)at[p].estimate.hit_tokens / tokens - truth[p]), reach = (at[p].high - at[p].low) / 2;
			held[p] += off <= reach;
			held_half[p] += off <= reach / 2;
		}
		sampled_close(sampled);
	}
	for (int p = 0; p < PLACES; p++) {
		print_message("at %llu: %.1f %%, half as wide: %.1f %%\n", (unsigned long long)places[p], 100.0 * held[p] / SEEDS,
		              100.0 * held_half[p] / SEEDS);
		/* 95 and 69 %, of 200 seeds within 4 and 11 points. */
		assert_true(held[p] > 0.91 * SEEDS && held[p] < 0.99 * SEEDS);
		assert_true(held_half[p] > 0.57 * SEEDS && held_half[p] < 0.8 * SEEDS);
	}
	curve_close(curve);
	reuse_close(reuse);
}

static void test_interval(void **state)
{
	struct make_rng rng = {2};
	(void)state;
	struct trace *trace = random_trace(&rng, 4000, 20);
	static const uint64_t capacities[PLACES] = {1000, 2000, 4000, 8000};
	static const uint64_t ttls_ns[PLACES] = {600 * NS_PER_S, 1200 * NS_PER_S, 3600 * NS_PER_S, 7200 * NS_PER_S};
	check_coverage(trace, CURVE_CAPACITY, 0.2, capacities);
	check_coverage(trace, CURVE_TTL, 0.2, ttls_ns);
	make_trace_free(trace);
}

static void test_seed(void **state)
{
	struct make_rng rng = {3};
	const struct run_config config = {.tail_cached = true, .speed = 1};
	(void)state;
	struct trace *trace = random_trace(&rng, 3000, 20);
	struct sampled *one = sample(trace, &config, CURVE_CAPACITY, 0.3, 1), *again = sample(trace, &config, CURVE_CAPACITY, 0.3, 1),
	               *other = sample(trace, &config, CURVE_CAPACITY, 0.3, 2);
	struct sampled_point a, b, c;
	bool differs = sampled_drawn_trees(one) != sampled_drawn_trees(other);
	while (sampled_next(one, &a)) {
		assert_true(sampled_next(again, &b));
		assert_memory_equal(&a, &b, sizeof(a));
		differs |= !sampled_next(other, &c) || c.estimate.hit_tokens != a.estimate.hit_tokens;
	}
	assert_true(differs);
	sampled_close(one);
	sampled_close(again);
	sampled_close(other);
	struct err err;
	assert_null(sampled_open(trace, &config, CURVE_CAPACITY, 1e-6, 1, &err));
	make_trace_free(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_all_is_exact),
	        cmocka_unit_test(test_interval),
	        cmocka_unit_test(test_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
