/* test_tune.c - the search finds what can be reckoned, tells luck from gain, and keeps promises with the least room. */
#include "curve.h"
#include "make_trace.h"
#include "promise.h"
#include "test.h"
#include "tune_search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 100

static const struct calibration calibration = {.terms = {[TERM_ROWS] = CALIBRATION_LINE(1e6)}};

struct setting {
	struct trace *trace;
	struct spec evict, ttl;
	struct run_config config;
	struct tune tune;
};

static void parse(struct spec *spec, const char *text)
{
	struct err err;
	if (spec_parse(spec, text, &err) < 0)
		fail_msg("%s", err.text);
}

static struct setting *set(struct trace *trace, const char *ttl)
{
	struct setting *s = mem_alloc(1, sizeof(*s));
	s->trace = trace;
	parse(&s->evict, "lru");
	parse(&s->ttl, ttl);
	s->config = (struct run_config){.evict = &s->evict, .ttl = &s->ttl, .capacity_blocks = UINT64_MAX, .leaf = true,
	                                .tail_cached = true, .speed = 1, .calibration = &calibration,
	                                .kv_bytes_per_token = 0x1p30 / BLOCK}; /* a GiB a block */
	s->tune = (struct tune){.trace = trace, .config = &s->config, .objective = TUNE_HELD, .training = 0.5, .runs = 120, .seed = 1,
	                        .gpu_per_hour = 3, .rent_per_gb_hour = 0.02};
	return s;
}

static void unset(struct setting *s)
{
	spec_free(&s->evict);
	spec_free(&s->ttl);
	make_trace_free(s->trace);
	free(s);
}

/* The searches in any order, and sent as text as to another process. */
static int tuned(struct tune *tune, struct err *err)
{
	struct tune_search searches[TUNE_STARTS];
	if (tune_prepare(tune, err) < 0)
		return -1;
	for (uint32_t s = TUNE_STARTS; s-- > 0;) {
		struct tune_search made;
		tune_search(tune, s, &made);
		char *text = tune_search_text(&made);
		tune_search_read(&searches[s], text);
		tune_search_free(&made);
		free(text);
	}
	const int failed = tune_judge(tune, searches, err);
	for (uint32_t s = 0; s < TUNE_STARTS; s++)
		tune_search_free(&searches[s]);
	return failed;
}

/* `sessions` sessions of `turns` turns each; a session's prompts are one block of its own, its turns `gap_s` apart, and its
 * beginning a second after the last one's. */
static struct trace *steady(uint32_t sessions, uint32_t turns, double gap_s)
{
	struct make_request *requests = mem_alloc((size_t)sessions * turns, sizeof(*requests));
	block_id *parent = mem_alloc(sessions, sizeof(*parent));
	uint32_t count = 0;
	for (uint32_t turn = 0; turn < turns; turn++) {
		for (uint32_t s = 0; s < sessions; s++, count++)
			requests[count] = (struct make_request){.tail = s, .arrival_ns = llround((turn * gap_s + s) * 1e9), .session = s,
			                                        .class_id = TRACE_NO_CLASS, .hints = UINT32_MAX, .ordinal = count};
	}
	for (uint32_t s = 0; s < sessions; s++)
		parent[s] = BLOCK_NONE;
	const struct make_parts parts = {.block_tokens = BLOCK, .block_count = sessions, .request_count = count,
	                                 .session_count = sessions, .tail_listed = true, .parent = parent, .requests = requests};
	struct trace *trace = make_trace(&parts);
	free(requests);
	free(parent);
	return trace;
}

/* Sessions of two turns, 100 s apart; one begins every 10 s. */
static struct trace *passing(uint32_t sessions)
{
	struct make_request *requests = mem_alloc((size_t)2 * sessions, sizeof(*requests));
	block_id *parent = mem_alloc(sessions, sizeof(*parent));
	uint32_t count = 0;
	for (uint32_t k = 0; k < sessions + 10; k++) {
		for (uint32_t turn = 0; turn < 2; turn++) {
			const uint32_t s = k - 10 * turn;
			if (k < 10 * turn || s >= sessions)
				continue;
			requests[count] = (struct make_request){.tail = s, .arrival_ns = 10 * NS_PER_S * k, .session = s,
			                                        .class_id = TRACE_NO_CLASS, .hints = UINT32_MAX, .ordinal = count};
			count++;
		}
	}
	for (uint32_t s = 0; s < sessions; s++)
		parent[s] = BLOCK_NONE;
	const struct make_parts parts = {.block_tokens = BLOCK, .block_count = sessions, .request_count = count,
	                                 .session_count = sessions, .tail_listed = true, .parent = parent, .requests = requests};
	struct trace *trace = make_trace(&parts);
	free(requests);
	free(parent);
	return trace;
}

/* To hit the second turns a TTL has to be 100 s, and every second more only holds longer. */
static void check_least_memory(bool anneals, double most_ns)
{
	struct err err;
	struct setting *s = set(passing(200), "static:ttl=1h");
	s->tune.anneals = anneals;
	s->tune.parameters[0] = (struct tune_parameter){.key = "ttl", .is_duration = true, .least = 1e9, .most = 3600e9};
	s->tune.parameter_count = 1;
	s->tune.constraints[0] = (struct tune_constraint){TUNE_HIT, true, 0.4};
	s->tune.constraint_count = 1;
	if (tuned(&s->tune, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(s->tune.best_is_allowed);
	assert_int_equal(s->tune.runs_made, 120);
	assert_true(s->tune.parameters[0].best >= 100e9 && s->tune.parameters[0].best < most_ns);
	assert_true(s->tune.parameters[0].given == 3600e9);
	assert_true(s->tune.rest_best.values[TUNE_HELD] < s->tune.rest_given.values[TUNE_HELD] / 3);
	assert_true(s->tune.gain_low > 0);
	unset(s);
}

static void test_least_memory(void **state)
{
	(void)state;
	check_least_memory(false, 102e9);
	check_least_memory(true, 110e9);
}

/* A TTL of 10 s misses every turn, one of 100 s none: a gain of all requests, in every resample. */
static void test_gain(void **state)
{
	struct err err;
	(void)state;
	struct setting *s = set(steady(20, 20, 100), "static:ttl=10s");
	s->tune.objective = TUNE_HIT;
	if (tuned(&s->tune, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(s->tune.parameter_count, 1);
	assert_true(s->tune.rest_given.values[TUNE_HIT] == 0 && s->tune.rest_best.values[TUNE_HIT] == 1);
	assert_true(s->tune.gain_low == 1 && s->tune.gain_high == 1);
	assert_true(s->tune.has_bound && s->tune.rest_bound.values[TUNE_HIT] == 1);
	unset(s);
}

/* No TTL helps what never comes again, so whatever is found is no gain; and a loss is called one. */
static void test_no_gain(void **state)
{
	struct err err;
	(void)state;
	struct setting *s = set(steady(200, 1, 100), "static:ttl=5m");
	s->tune.objective = TUNE_TTFT_P95;
	if (tuned(&s->tune, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(s->tune.gain_low == 0 && s->tune.gain_high == 0);
	unset(s);
}

static bool by_annealing; /* for test_again: not NULL */

/* The same from the same seed, on however many cores; what is found holds in a run of its own. */
static void test_again(void **state)
{
	struct make_rng rng = {3};
	const struct make_shape shape = {.requests = 400, .block_tokens = BLOCK, .sessions = 20, .classes = 1, .root_percent = 20,
	                                 .repeat_percent = 50, .growth = 4, .tick_ns = NS_PER_S, .most_ticks = 100};
	struct err err;
	struct trace *trace = make_trace_random(&rng, &shape);
	struct setting *a = set(trace, "adaptive");
	a->config.capacity_blocks = trace->block_count / 10;
	a->tune.objective = TUNE_COST;
	a->tune.anneals = *state != NULL;
	struct tune b = a->tune;
	if (tuned(&a->tune, &err) < 0 || tuned(&b, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(a->tune.best_ttl, b.best_ttl);
	assert_memory_equal(&a->tune.rest_best, &b.rest_best, sizeof(b.rest_best));
	assert_true(a->tune.gain_low == b.gain_low && a->tune.gain_high == b.gain_high);
	assert_true(a->tune.training_best.values[TUNE_COST] <= a->tune.training_given.values[TUNE_COST]);
	struct tune_measure measured;
	assert_int_equal(tune_measure_run(&b, b.best_evict, b.best_ttl, trace->request_count, trace->request_count / 2, &measured, &err), 0);
	assert_memory_equal(&measured, &b.rest_best, sizeof(measured));
	unset(a);
}

/* lru's least capacity for a hit rate is where its curve comes to it. */
static void test_promise(void **state)
{
	struct make_rng rng = {5};
	const struct make_shape shape = {.requests = 300, .block_tokens = BLOCK, .sessions = 10, .classes = 1, .root_percent = 10,
	                                 .repeat_percent = 50, .growth = 4, .tick_ns = NS_PER_S, .most_ticks = 100};
	struct err err;
	(void)state;
	struct setting *s = set(make_trace_random(&rng, &shape), "none");
	struct spec_list evicts, ttls;
	assert_int_equal(spec_list_parse(&evicts, "lru", &err), 0);
	assert_int_equal(spec_list_parse(&ttls, "none", &err), 0);
	struct reuse *reuse = reuse_open(s->trace, &s->config, NULL);
	struct curve *curve = curve_open(reuse, CURVE_CAPACITY, (struct curve_group){CURVE_ALL, 0});
	const double prompt_tokens = (double)curve_totals(curve)->prompt_tokens;
	for (double hit = 0.05; hit < 1; hit += 0.1) {
		struct curve_point point;
		bool reached = false;
		curve_rewind(curve);
		while (!reached && curve_next(curve, &point))
			reached = (double)point.hit_tokens / prompt_tokens >= hit;
		s->tune.constraints[0] = (struct tune_constraint){TUNE_HIT, true, hit};
		s->tune.constraint_count = 1;
		struct promise promise = {.evict = &evicts.specs[0], .ttl = &ttls.specs[0]};
		assert_int_equal(promise_find(&s->tune, &promise, &err), 0);
		assert_int_equal(promise.kept, reached);
		assert_true(promise.interval.low < promise.measured.values[TUNE_HIT]);
		assert_true(promise.interval.high > promise.measured.values[TUNE_HIT]);
		if (reached) {
			assert_true(promise.capacity_blocks >= point.at);
			assert_true(promise.capacity_blocks <= point.at + point.at / 100 + 1);
		}
	}
	curve_close(curve);
	reuse_close(reuse);
	spec_list_free(&evicts);
	spec_list_free(&ttls);
	unset(s);
}

/* Sessions of one request, every second one that of the session before. */
static struct trace *paired(uint32_t sessions)
{
	struct make_request *requests = mem_alloc(sessions, sizeof(*requests));
	block_id *parent = mem_alloc(sessions / 2, sizeof(*parent));
	for (uint32_t s = 0; s < sessions; s++) {
		requests[s] = (struct make_request){.tail = s / 2, .arrival_ns = NS_PER_S * s, .session = s, .class_id = TRACE_NO_CLASS,
		                                    .hints = UINT32_MAX, .ordinal = s};
		parent[s / 2] = BLOCK_NONE;
	}
	const struct make_parts parts = {.block_tokens = BLOCK, .block_count = sessions / 2, .request_count = sessions,
	                                 .session_count = sessions, .tail_listed = true, .parent = parent, .requests = requests};
	struct trace *trace = make_trace(&parts);
	free(requests);
	free(parent);
	return trace;
}

/* Sessions that all fare alike, drawn anew, are the same again. Half of them hitting, a share lies around a half, as widely as a
 * coin's: 1.96 sqrt(0.25 / 200) = 0.069. */
static void test_interval(void **state)
{
	struct err err;
	struct tune_interval interval;
	(void)state;
	struct setting *s = set(steady(20, 20, 100), "static:ttl=100s");
	assert_int_equal(tune_measure_interval(&s->tune, "lru", "static:ttl=100s", TUNE_TTFT_MEAN, &interval, &err), 0);
	assert_true(interval.low == interval.high);
	unset(s);
	s = set(paired(200), "none");
	assert_int_equal(tune_measure_interval(&s->tune, "lru", "none", TUNE_HIT, &interval, &err), 0);
	assert_true(fabs(interval.low - (0.5 - 0.069)) < 0.01 && fabs(interval.high - (0.5 + 0.069)) < 0.01);
	unset(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_least_memory), cmocka_unit_test(test_gain),    cmocka_unit_test(test_no_gain),
	        cmocka_unit_test(test_again),        cmocka_unit_test(test_promise),
	        cmocka_unit_test(test_interval),     cmocka_unit_test_prestate(test_again, &by_annealing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
