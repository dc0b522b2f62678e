/* test_curve.c - curves and surfaces are what replays count, at every point; ranks are what a list says. */
#include "curve.h"
#include "make_trace.h"
#include "replay.h"
#include "stack.h"
#include "surface.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TRACES 60

static const struct calibration calibration = {
        .terms = {[TERM_ROWS] = CALIBRATION_LINE(1000), [TERM_PAIRS] = CALIBRATION_LINE(10)}};

struct counted {
	uint64_t hit_blocks, hit_tokens;
	double request_hits, mean_resident_blocks;
	struct distribution ttft_ms;
	struct curve_group group;
};

static void count(void *context, const struct trace_request *request, int64_t arrival_ns,
                  const struct request_outcome *outcome)
{
	struct counted *counted = context;
	const uint64_t hit = outcome->ledger.hit_tokens;
	(void)arrival_ns;
	if ((counted->group.kind == CURVE_CLASS && request->class_id != counted->group.which) ||
	    (counted->group.kind == CURVE_TURN && request->turn != counted->group.which))
		return;
	counted->hit_blocks += outcome->hit_blocks;
	counted->hit_tokens += hit;
	counted->request_hits += (double)hit / (double)request->prompt_tokens;
}

static struct counted replayed(const struct trace *trace, const struct run_config *base, uint64_t capacity_blocks,
                               int64_t ttl_ns, struct curve_group group)
{
	struct counted counted = {.group = group};
	struct spec evict, ttl;
	struct err err;
	char text[64] = "none";
	if (ttl_ns != TIME_NEVER_NS)
		snprintf(text, sizeof(text), "static:ttl=%lldns", (long long)ttl_ns);
	assert_int_equal(spec_parse(&evict, "lru", &err), 0);
	assert_int_equal(spec_parse(&ttl, text, &err), 0);
	struct run_config config = *base;
	struct run_result result;
	config.evict = &evict;
	config.ttl = &ttl;
	config.capacity_blocks = capacity_blocks;
	config.on_request = count;
	config.on_request_context = &counted;
	assert_int_equal(replay_run(trace, &config, &result, &err), 0);
	counted.mean_resident_blocks = result.mean_resident_blocks;
	counted.ttft_ms = metrics_total(result.metrics)->time_ms[METRICS_TTFT];
	replay_free(&result);
	spec_free(&evict);
	spec_free(&ttl);
	return counted;
}

static void assert_same(const struct curve_point *point, const struct counted *counted)
{
	assert_int_equal(point->hit_blocks, counted->hit_blocks);
	assert_int_equal(point->hit_tokens, counted->hit_tokens);
	assert_true(fabs(point->request_hits - counted->request_hits) < 1e-9);
	assert_true(fabs(point->mean_resident_blocks - counted->mean_resident_blocks) < 1e-9);
}

static struct trace *random_trace(struct make_rng *rng)
{
	const struct make_shape shape = {
	        .requests = 1 + (uint32_t)make_random(rng, 60),
	        .block_tokens = 1 + (uint32_t)make_random(rng, 20),
	        .sessions = 1 + (uint32_t)make_random(rng, 4),
	        .classes = 1 + (uint32_t)make_random(rng, 3),
	        .root_percent = (uint32_t)make_random(rng, 40),
	        .repeat_percent = (uint32_t)make_random(rng, 60),
	        .growth = 1 + (uint32_t)make_random(rng, 6),
	        .same_time_percent = (uint32_t)make_random(rng, 60),
	        .tick_ns = 1000 * (1 + (int64_t)make_random(rng, 1000)),
	        .most_ticks = 1 + (uint32_t)make_random(rng, 30),
	        .tail_listed = make_chance(rng, 50),
	};
	return make_trace_random(rng, &shape);
}

static struct run_config random_config(struct make_rng *rng)
{
	return (struct run_config){
	        .leaf = make_chance(rng, 50),
	        .tail_cached = make_chance(rng, 50),
	        .speed = 1,
	        .warmup = make_chance(rng, 50) ? 0 : (double)make_random(rng, 90) / 100,
	        .calibration = &calibration,
	};
}

static struct curve_group random_group(struct make_rng *rng)
{
	const enum curve_kind kinds[] = {CURVE_ALL, CURVE_CLASS, CURVE_TURN};
	return (struct curve_group){kinds[make_random(rng, COUNT_OF(kinds))], (uint32_t)make_random(rng, 3)};
}

/* Every capacity up to all blocks and one more, those between two points included. */
static void check_capacities(const struct trace *trace, const struct run_config *config, struct curve *curve,
                             struct curve_group group)
{
	struct curve_point point = {0}, next;
	bool more = curve_next(curve, &next);
	assert_true(more);
	assert_int_equal(next.at, 1);
	for (uint64_t capacity = 1; capacity <= (uint64_t)trace->block_count + 1; capacity++) {
		const bool changes = more && next.at == capacity;
		if (changes) {
			point = next;
			more = curve_next(curve, &next);
		}
		struct counted counted = replayed(trace, config, capacity, TIME_NEVER_NS, group);
		if (!changes) /* hits stand still; what is held may grow */
			counted.mean_resident_blocks = point.mean_resident_blocks;
		assert_same(&point, &counted);
	}
	assert_false(more);
}

static void test_capacities_as_replayed(void **state)
{
	struct make_rng rng = {1};
	(void)state;
	for (int t = 0; t < TRACES; t++) {
		struct trace *trace = random_trace(&rng);
		const struct run_config config = random_config(&rng);
		const struct curve_group group = random_group(&rng);
		struct reuse *reuse = reuse_open(trace, &config, NULL);
		struct curve *curve = curve_open(reuse, CURVE_CAPACITY, group);
		check_capacities(trace, &config, curve, group);
		curve_close(curve);
		reuse_close(reuse);
		make_trace_free(trace);
	}
}

static void test_object_capacities_as_replayed(void **state)
{
	struct make_rng rng = {2};
	(void)state;
	for (int t = 0; t < TRACES; t++) {
		struct trace *trace = random_trace(&rng);
		struct run_config config = random_config(&rng);
		config.semantics = SEMANTICS_OBJECT;
		struct curve *curve = curve_open_objects(trace, &config);
		check_capacities(trace, &config, curve, (struct curve_group){CURVE_ALL, 0});
		curve_close(curve);
		make_trace_free(trace);
	}
}

static void test_ttls_as_replayed(void **state)
{
	struct make_rng rng = {3};
	(void)state;
	for (int t = 0; t < TRACES; t++) {
		struct trace *trace = random_trace(&rng);
		const struct run_config config = random_config(&rng);
		const struct curve_group group = random_group(&rng);
		struct reuse *reuse = reuse_open(trace, &config, NULL);
		struct curve *curve = curve_open(reuse, CURVE_TTL, group);
		struct curve_point point, before = {0};
		while (curve_next(curve, &point)) {
			const struct counted counted = replayed(trace, &config, UINT64_MAX, (int64_t)point.at, group);
			assert_same(&point, &counted);
			if (point.at > 0) { /* right before, hits are still those of the point before */
				const struct counted less = replayed(trace, &config, UINT64_MAX, (int64_t)point.at - 1, group);
				assert_int_equal(less.hit_blocks, before.hit_blocks);
			}
			before = point;
		}
		const struct counted all = replayed(trace, &config, UINT64_MAX, TIME_NEVER_NS, group);
		assert_int_equal(before.hit_tokens, all.hit_tokens);
		curve_close(curve);
		reuse_close(reuse);
		make_trace_free(trace);
	}
}

static void test_surface_as_replayed(void **state)
{
	struct make_rng rng = {4};
	(void)state;
	for (int t = 0; t < TRACES; t++) {
		struct trace *trace = random_trace(&rng);
		const struct run_config config = random_config(&rng);
		struct reuse *reuse = reuse_open(trace, &config, NULL);
		const int64_t unit_ns = 1 + (int64_t)make_random(&rng, 3000000);
		const int64_t ttls_ns[] = {0, unit_ns, 3 * unit_ns, 10 * unit_ns, 50 * unit_ns, TIME_NEVER_NS};
		const uint64_t capacities[] = {1, 2, 3, 1 + trace->block_count / 3, 1 + trace->block_count / 2, UINT64_MAX};
		struct surface_point points[COUNT_OF(ttls_ns) * COUNT_OF(capacities)];
		surface_points(reuse, ttls_ns, COUNT_OF(ttls_ns), capacities, COUNT_OF(capacities), points);
		for (size_t i = 0; i < COUNT_OF(points); i++) {
			const uint64_t capacity = capacities[i % COUNT_OF(capacities)];
			assert_int_equal(points[i].hits.at, capacity);
			const struct counted counted = replayed(trace, &config, capacity, ttls_ns[i / COUNT_OF(capacities)],
			                                        (struct curve_group){CURVE_ALL, 0});
			assert_same(&points[i].hits, &counted);
			assert_true(fabs(points[i].ttft_ms.mean - counted.ttft_ms.mean) < 1e-9);
			assert_true(fabs(points[i].ttft_ms.p95 - counted.ttft_ms.p95) < 1e-9);
		}
		reuse_close(reuse);
		make_trace_free(trace);
	}
}

/* The last point at or below `at`. */
static struct curve_point point_at(struct curve *curve, uint64_t at)
{
	struct curve_point point = {0}, next;
	curve_rewind(curve);
	while (curve_next(curve, &next) && next.at <= at)
		point = next;
	return point;
}

/* Public traces, where they are: E6's six capacities and five TTLs of the one, a few of the other, which is large. */
static void check_public(const char *path, const uint64_t *capacities, size_t capacity_count, const int64_t *ttls_s,
                         size_t ttl_count)
{
	static const struct trace_load_options options = {0};
	const struct run_config config = {.leaf = true, .tail_cached = true, .speed = 1, .calibration = &calibration};
	const struct curve_group all = {CURVE_ALL, 0};
	struct err err;
	struct trace *trace = trace_load(path, &options, &err);
	if (!trace) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
	struct reuse *reuse = reuse_open(trace, &config, NULL);
	struct curve *over_capacity = curve_open(reuse, CURVE_CAPACITY, all), *over_ttl = curve_open(reuse, CURVE_TTL, all);
	for (size_t i = 0; i < capacity_count; i++) {
		const struct curve_point point = point_at(over_capacity, capacities[i]);
		const struct counted counted = replayed(trace, &config, capacities[i], TIME_NEVER_NS, all);
		assert_int_equal(point.hit_blocks, counted.hit_blocks);
		assert_int_equal(point.hit_tokens, counted.hit_tokens);
	}
	for (size_t i = 0; i < ttl_count; i++) {
		const struct curve_point point = point_at(over_ttl, (uint64_t)(ttls_s[i] * NS_PER_S));
		const struct counted counted = replayed(trace, &config, UINT64_MAX, ttls_s[i] * NS_PER_S, all);
		assert_int_equal(point.hit_blocks, counted.hit_blocks);
		assert_int_equal(point.hit_tokens, counted.hit_tokens);
	}
	curve_close(over_capacity);
	curve_close(over_ttl);
	reuse_close(reuse);
	trace_free(trace);
}

static void test_conversation(void **state)
{
	static const uint64_t capacities[] = {1000, 5000, 10000, 20000, 30000, 50000, 100000};
	static const int64_t ttls_s[] = {1, 30, 60, 300, 600, 3600};
	(void)state;
	check_public(KVCAST_SHARED "/traces/mooncake_conversation.jsonl.gz", capacities, COUNT_OF(capacities), ttls_s,
	             COUNT_OF(ttls_s));
}

/* POLICIES E3: the figure of the FAST'25 paper, which counts finer than in blocks of 512, within .037; an independent replay of
 * the published ids to its four digits. */
static void test_figure(void **state)
{
	static const struct {
		double tokens, figure, replayed;
	} points[] = {{1e4, .0449, .0425}, {1e5, .0731, .0427}, {1e6, .0866, .0543}, {2e6, .1202, .0865}, {4e6, .2149, .1783},
	              {5e6, .2471, .2111}, {8e6, .2997, .2663}, {1e7, .3263, .2908}, {5e7, .3983, .3707}, {1e8, .4006, .3736}};
	static const struct trace_load_options options = {0};
	const struct run_config config = {.leaf = true, .tail_cached = true, .speed = 1};
	struct err err;
	struct trace *trace = trace_load(KVCAST_SHARED "/traces/mooncake_conversation.jsonl.gz", &options, &err);
	(void)state;
	if (!trace) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
	struct reuse *reuse = reuse_open(trace, &config, NULL);
	struct curve *curve = curve_open(reuse, CURVE_CAPACITY, (struct curve_group){CURVE_ALL, 0});
	for (size_t i = 0; i < COUNT_OF(points); i++) {
		const struct curve_point point = point_at(curve, (uint64_t)(points[i].tokens / trace->block_tokens));
		const double rate = (double)point.hit_tokens / (double)curve_totals(curve)->prompt_tokens;
		assert_true(fabs(rate - points[i].figure) <= .037);
		assert_true(fabs(rate - points[i].replayed) <= .0001);
	}
	curve_close(curve);
	reuse_close(reuse);
	trace_free(trace);
}

static void test_agents(void **state)
{
	static const uint64_t capacities[] = {100000};
	static const int64_t ttls_s[] = {300};
	(void)state;
	check_public(KVCAST_SHARED "/traces/claude_code_sessions.jsonl.gz", capacities, COUNT_OF(capacities), ttls_s,
	             COUNT_OF(ttls_s));
}

/* The rank as a list says it. */
static uint32_t list_use(block_id *list, uint32_t *count, block_id b)
{
	uint32_t rank = 0;
	while (rank < *count && list[rank] != b)
		rank++;
	const bool known = rank < *count;
	if (!known)
		++*count;
	memmove(list + 1, list, rank * sizeof(*list));
	list[0] = b;
	return known ? rank : STACK_NEVER;
}

static void test_stack_as_a_list(void **state)
{
	struct make_rng rng = {5};
	(void)state;
	for (uint32_t blocks = 1; blocks <= 2000; blocks = blocks * 3 + 1) {
		enum { USES = 20000 };
		block_id *list = mem_alloc(blocks, sizeof(*list)), *refs = mem_alloc(USES, sizeof(*refs));
		uint32_t *ranks = mem_alloc(USES, sizeof(*ranks)), count = 0;
		struct stack *one = stack_open(blocks), *row = stack_open(blocks);
		for (size_t i = 0; i < USES; i++)
			refs[i] = (block_id)make_random(&rng, make_chance(&rng, 50) ? blocks : 1 + blocks / 8);
		stack_use_all(row, refs, USES, ranks);
		for (size_t i = 0; i < USES; i++) {
			const uint32_t rank = list_use(list, &count, refs[i]);
			assert_int_equal(stack_use(one, refs[i]), rank);
			assert_int_equal(ranks[i], rank);
		}
		stack_close(one);
		stack_close(row);
		free(list);
		free(refs);
		free(ranks);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_stack_as_a_list),
	        cmocka_unit_test(test_capacities_as_replayed),
	        cmocka_unit_test(test_object_capacities_as_replayed),
	        cmocka_unit_test(test_ttls_as_replayed),
	        cmocka_unit_test(test_surface_as_replayed),
	        cmocka_unit_test(test_conversation),
	        cmocka_unit_test(test_figure),
	        cmocka_unit_test(test_agents),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
