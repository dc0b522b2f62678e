/* What theory says of TTLs (POLICIES C2): the closed forms of gap_law.h against brute force, and caches under Poisson
 * traffic against the formulas for them, within the confidence that the number of requests gives. */
#include "test.h"

#include "gap_law.h"
#include "make_trace.h"
#include "runs.h"
#include "window.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_roots.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void assert_near(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance))
		print_message("got %.9g, expected %.9g within %.3g\n", got, want, tolerance);
	assert_true(fabs(got - want) <= tolerance);
}

/* --- what to keep for how long --- */

/* What keeping for `keep_s` costs over a gap, in seconds of rent. */
static double cost_of(double keep_s, double gap_s, double breakeven_s)
{
	return gap_s <= keep_s ? gap_s : keep_s + breakeven_s;
}

static void ski_rental_never_pays_twice(void **state)
{
	(void)state;
	const double b = 7;
	double worst = 0;
	for (double gap_s = 0.01; gap_s < 30; gap_s += 0.01)
		worst = fmax(worst, cost_of(b, gap_s, b) / fmin(gap_s, b));
	assert_true(worst <= 2 + 1e-12);
	assert_near(worst, 2, 0.01); /* a gap just beyond */
}

static void a_drawn_time_pays_less_on_average(void **state)
{
	(void)state;
	const double b = 7;
	assert_near(gap_law_randomised_s(b, 0), 0, 0);
	assert_near(gap_law_randomised_s(b, 1), b, 1e-12);
	/* The mean over the draw, by the midpoint rule, is the same multiple of hindsight's cost for every gap. */
	static const double gaps_s[] = {0.5, 3, 6.9, 7, 20};
	for (size_t i = 0; i < COUNT_OF(gaps_s); i++) {
		const int steps = 200000;
		double sum = 0;
		for (int k = 0; k < steps; k++)
			sum += cost_of(gap_law_randomised_s(b, (k + 0.5) / steps), gaps_s[i], b);
		assert_near(sum / steps / fmin(gaps_s[i], b), M_E / (M_E - 1), 1e-3);
	}
}

/* Mean cost with reuse of probability p after an exponential gap; a last use costs the rent only, the miss being due anyway. */
static double exponential_cost(double keep_s, double p, double mean_s, double breakeven_s)
{
	const double late = exp(-keep_s / mean_s);
	return p * mean_s * (1 - late) + (1 - p) * keep_s + p * late * breakeven_s;
}

static void the_exponential_law_keeps_while_it_pays(void **state)
{
	(void)state;
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus);
	for (int i = 0; i < 500; i++) {
		const double p = gsl_ran_flat(rng, 0.01, 0.99), mean_s = gsl_ran_flat(rng, 0.1, 50), b = gsl_ran_flat(rng, 0.1, 300);
		const double best_s = gap_law_exponential_s(p, mean_s, b), least = exponential_cost(best_s, p, mean_s, b);
		for (double keep_s = 0; keep_s < 20 * mean_s; keep_s += 0.01 * mean_s)
			assert_true(exponential_cost(keep_s, p, mean_s, b) >= least - 1e-9 * b);
		assert_true(best_s == 0 || fabs(exp(-best_s / mean_s) * p / mean_s * b - (p * exp(-best_s / mean_s) + 1 - p)) < 1e-9 * b);
	}
	gsl_rng_free(rng);
	assert_near(gap_law_exponential_s(0.8, 60, 300), 60 * log(16), 1e-9);
	assert_near(gap_law_exponential_s(0.2, 60, 300), 0, 0);
	assert_true(isinf(gap_law_exponential_s(1, 60, 300)));
	assert_near(gap_law_exponential_s(1, 60, 59), 0, 0);
	assert_near(gap_law_exponential_s(1, 0, 300), 0, 0);
}

static void seen_gaps_give_the_time_that_would_have_been_best(void **state)
{
	(void)state;
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus);
	for (int i = 0; i < 300; i++) {
		double gaps_s[40];
		const uint32_t count = (uint32_t)gsl_rng_uniform_int(rng, 41), never = (uint32_t)gsl_rng_uniform_int(rng, 20);
		const double b = gsl_ran_flat(rng, 0.1, 30);
		for (uint32_t k = 0; k < count; k++)
			gaps_s[k] = i % 2 ? gsl_ran_lognormal(rng, 1, 1) : (double)gsl_rng_uniform_int(rng, 6);
		gsl_sort(gaps_s, 1, count);
		double least = INFINITY, best_pin = 0;
		for (uint32_t t = 0; t <= count; t++) {
			const double keep_s = t ? gaps_s[t - 1] : 0;
			double cost = never * (keep_s + b), within = 0;
			for (uint32_t k = 0; k < count; k++) {
				cost += cost_of(keep_s, gaps_s[k], b);
				within += gaps_s[k] <= keep_s;
			}
			/* Time 0 means that nothing is kept: a gap of no length is missed as well. */
			if (t == 0)
				cost = (count + never) * b;
			least = fmin(least, cost);
			best_pin = fmax(best_pin, t ? within / count * b - keep_s : 0);
		}
		const double keep_s = gap_law_empirical_s(gaps_s, count, never, b), pin_s = gap_law_pin_s(gaps_s, count, b);
		double cost = keep_s > 0 ? never * (keep_s + b) : INFINITY, within = 0;
		for (uint32_t k = 0; k < count; k++) {
			cost += cost_of(keep_s, gaps_s[k], b);
			within += gaps_s[k] <= pin_s;
		}
		if (keep_s > 0)
			assert_near(cost, least, 1e-9);
		if (pin_s > 0)
			assert_near(within / count * b - pin_s, best_pin, 1e-9);
		else
			assert_true(best_pin < 1e-9 || gaps_s[0] == 0);
	}
	gsl_rng_free(rng);
	const double gaps_s[] = {1, 1, 2, 9};
	assert_near(gap_law_pin_s(gaps_s, 4, 4), 1, 0);
	assert_near(gap_law_pin_s(gaps_s, 4, 6), 2, 0);
	assert_near(gap_law_pin_s(gaps_s, 4, 0.9), 0, 0);
	assert_near(gap_law_pin_cold_s(M_E * M_E), 2, 1e-12);
	assert_near(gap_law_pin_cold_s(0.5), 0, 0);
}

static void turns_tell_of_turns_to_come(void **state)
{
	(void)state;
	struct gap_law_turns turns = {.n = 0};
	assert_near(gap_law_turns_eta(&turns), 1, 0);
	for (int i = 0; i < 5; i++)
		gap_law_turns_add(&turns, 10);
	assert_near(gap_law_turns_eta(&turns), 1, 1e-12);
	/* Programs that end by chance after each turn: what is to come does not depend on what was done. */
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus);
	turns = (struct gap_law_turns){.n = 0};
	for (int i = 0; i < 200000; i++)
		gap_law_turns_add(&turns, gsl_ran_geometric(rng, 0.2));
	assert_near(gap_law_turns_eta(&turns), 0, 0.01);
	gsl_rng_free(rng);
	/* Lengths 1 and 3, by hand: pairs (1,0), (1,2), (2,1), (3,0); covariance -1.25 / 4, variances 2.75 / 4 each. */
	turns = (struct gap_law_turns){.n = 0};
	gap_law_turns_add(&turns, 1);
	gap_law_turns_add(&turns, 3);
	assert_near(gap_law_turns_eta(&turns), 1.25 / 2.75, 1e-12);
}

static void a_window_forgets_the_oldest(void **state)
{
	(void)state;
	struct window window;
	struct make_rng rng = {1};
	double seen[1000];
	window_open(&window, 2, 7);
	for (uint32_t i = 0; i < COUNT_OF(seen); i++) {
		seen[i] = (double)make_random(&rng, 9);
		window_add(&window, 1, seen[i]);
		double last[7];
		const uint32_t count = i < 7 ? i + 1 : 7;
		for (uint32_t k = 0; k < count; k++)
			last[k] = seen[i - k];
		gsl_sort(last, 1, count);
		assert_int_equal(window_count(&window, 1), count);
		assert_memory_equal(window_sorted(&window, 1), last, count * sizeof(*last));
	}
	assert_int_equal(window_count(&window, 0), 0);
	window_close(&window);
}

/* --- caches under Poisson traffic --- */

/* Requests for single blocks, each block asked for at its own rate (per second), by one Poisson stream. */
static struct trace *poisson_trace(const double *rates, uint32_t blocks, uint32_t requests, uint64_t seed)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus);
	gsl_rng_set(rng, seed);
	gsl_ran_discrete_t *which = gsl_ran_discrete_preproc(blocks, rates);
	block_id *parent = mem_alloc(blocks, sizeof(*parent));
	struct make_request *made = mem_alloc(requests, sizeof(*made));
	double sum = 0, now_s = 0;
	for (uint32_t b = 0; b < blocks; b++) {
		parent[b] = BLOCK_NONE;
		sum += rates[b];
	}
	for (uint32_t i = 0; i < requests; i++) {
		now_s += gsl_ran_exponential(rng, 1 / sum);
		made[i] = (struct make_request){.tail = (block_id)gsl_ran_discrete(rng, which),
		                                .arrival_ns = (int64_t)(now_s * (double)NS_PER_S),
		                                .session = TRACE_NO_SESSION, .class_id = TRACE_NO_CLASS, .hints = UINT32_MAX, .ordinal = i};
	}
	struct trace *trace = make_trace(&(struct make_parts){
	        .block_tokens = 1, .block_count = blocks, .request_count = requests, .parent = parent, .requests = made});
	gsl_ran_discrete_free(which);
	gsl_rng_free(rng);
	free(parent);
	free(made);
	return trace;
}

static struct runs_result run_with(const struct trace *trace, const char *ttl, uint64_t capacity_blocks)
{
	return runs_replay(trace, &(struct runs_setup){.evict = "lru", .ttl = ttl, .capacity_blocks = capacity_blocks});
}

#define EQUAL_BLOCKS 200
#define EQUAL_REQUESTS 200000

/* All blocks at 0.01 a second: lambda T = T / 100. */
static void equal_rates_hit_as_the_formulas_say(void **state)
{
	(void)state;
	double rates[EQUAL_BLOCKS];
	for (uint32_t b = 0; b < EQUAL_BLOCKS; b++)
		rates[b] = 0.01;
	struct trace *trace = poisson_trace(rates, EQUAL_BLOCKS, EQUAL_REQUESTS, 1);
	static const int ttls_s[] = {5, 20, 70, 150, 300};
	for (size_t i = 0; i < COUNT_OF(ttls_s); i++) {
		const double x = ttls_s[i] / 100.0, n = EQUAL_REQUESTS - EQUAL_BLOCKS;
		char ttl[64];
		snprintf(ttl, sizeof(ttl), "static:ttl=%ds", ttls_s[i]);
		struct runs_result run = run_with(trace, ttl, UINT64_MAX);
		const double sliding = 1 - exp(-x);
		/* Gaps are independent: binomial. */
		assert_near((double)run.hit_blocks / n, sliding, 4 * sqrt(sliding * (1 - sliding) / n));
		assert_near(run.mean_resident_blocks / EQUAL_BLOCKS, sliding, 0.01);
		runs_free(&run);
		snprintf(ttl, sizeof(ttl), "static:ttl=%ds,mode=absolute", ttls_s[i]);
		run = run_with(trace, ttl, UINT64_MAX);
		const double absolute = x / (1 + x);
		/* A miss and the Poisson many hits of its time are one renewal: variance x / (n (1 + x)^3). */
		assert_near((double)run.hit_blocks / n, absolute, 4 * sqrt(x / (n * pow(1 + x, 3))));
		assert_near(run.mean_resident_blocks / EQUAL_BLOCKS, absolute, 0.01);
		runs_free(&run);
	}
	make_trace_free(trace);
}

#define ZIPF_BLOCKS 1000
#define ZIPF_REQUESTS 300000

static void zipf_rates(double rates[ZIPF_BLOCKS])
{
	for (uint32_t b = 0; b < ZIPF_BLOCKS; b++)
		rates[b] = 1 / pow(b + 1, 0.8);
}

/* Che: sum over blocks of 1 - e^(-rate T), less the capacity. */
static double che_excess(double ttl_s, void *capacity_blocks)
{
	double rates[ZIPF_BLOCKS], sum = -*(double *)capacity_blocks;
	zipf_rates(rates);
	for (uint32_t b = 0; b < ZIPF_BLOCKS; b++)
		sum += 1 - exp(-rates[b] * ttl_s);
	return sum;
}

static double characteristic_time_s(double capacity_blocks)
{
	gsl_function excess = {che_excess, &capacity_blocks};
	gsl_root_fsolver *solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
	gsl_root_fsolver_set(solver, &excess, 1e-6, 1e6);
	for (int i = 0; i < 200 && gsl_root_fsolver_x_upper(solver) - gsl_root_fsolver_x_lower(solver) > 1e-9; i++)
		gsl_root_fsolver_iterate(solver);
	const double root = gsl_root_fsolver_root(solver);
	gsl_root_fsolver_free(solver);
	return root;
}

static void lru_is_a_ttl_cache_of_its_characteristic_time(void **state)
{
	(void)state;
	double rates[ZIPF_BLOCKS], sum = 0;
	zipf_rates(rates);
	for (uint32_t b = 0; b < ZIPF_BLOCKS; b++)
		sum += rates[b];
	struct trace *trace = poisson_trace(rates, ZIPF_BLOCKS, ZIPF_REQUESTS, 2);
	static const uint32_t capacities[] = {30, 100, 300, 600};
	for (size_t i = 0; i < COUNT_OF(capacities); i++) {
		const double ttl_s = characteristic_time_s(capacities[i]);
		double hit_rate = 0;
		char ttl[64];
		for (uint32_t b = 0; b < ZIPF_BLOCKS; b++)
			hit_rate += rates[b] / sum * (1 - exp(-rates[b] * ttl_s));
		snprintf(ttl, sizeof(ttl), "static:ttl=%.9fs", ttl_s);
		struct runs_result limited = run_with(trace, ttl, UINT64_MAX), lru = run_with(trace, "none", capacities[i]);
		/* The TTL cache is exact, 4 sigma and the cold start aside; the approximation is Che's, good to a few thousandths here. */
		assert_near((double)limited.hit_blocks / ZIPF_REQUESTS, hit_rate, 4 * 0.5 / sqrt(ZIPF_REQUESTS) + 600.0 / ZIPF_REQUESTS);
		assert_near(limited.mean_resident_blocks, capacities[i], 0.02 * capacities[i]);
		assert_near((double)lru.hit_blocks / ZIPF_REQUESTS, hit_rate, 0.008);
		runs_free(&limited);
		runs_free(&lru);
	}
	make_trace_free(trace);
}

/* Hit rate of the requests from the middle on. */
static double late_hit_rate(const struct runs_result *run)
{
	uint64_t hits = 0;
	for (uint32_t r = run->request_count / 2; r < run->request_count; r++)
		hits += run->outcomes[r].hit_blocks;
	return (double)hits / (run->request_count - run->request_count / 2);
}

static void d_ttl_comes_to_its_target(void **state)
{
	(void)state;
	double rates[ZIPF_BLOCKS];
	zipf_rates(rates);
	struct trace *trace = poisson_trace(rates, ZIPF_BLOCKS, ZIPF_REQUESTS, 3);
	static const char *const ttls[] = {
	        "target:hit=0.3,ttl=100s", "target:hit=0.5,ttl=0s", "target:hit=0.5,ttl=0s,eta=5s,decay=0.6",
	        "target:hit=0.7,ttl=1s,weight=requests", "two_level:hit=0.5,ttl=0s",
	};
	static const double targets[] = {0.3, 0.5, 0.5, 0.7, 0.5};
	for (size_t i = 0; i < COUNT_OF(ttls); i++) {
		struct runs_result run = run_with(trace, ttls[i], UINT64_MAX);
		assert_near(late_hit_rate(&run), targets[i], 0.006);
		runs_free(&run);
	}
	make_trace_free(trace);
}

/* 100 blocks that come again and again, and as many requests for blocks that come once. */
static void f_ttl_spends_less_on_what_comes_once(void **state)
{
	(void)state;
	enum { AGAIN = 100, ONCE = 40000 };
	double *rates = mem_alloc(AGAIN + ONCE, sizeof(*rates));
	for (uint32_t b = 0; b < AGAIN + ONCE; b++)
		rates[b] = b < AGAIN ? 0.01 : 0.01 * AGAIN / ONCE;
	struct trace *trace = poisson_trace(rates, AGAIN + ONCE, 80000, 4);
	struct runs_result one = run_with(trace, "target:hit=0.4,eta=1s,ttl=100s", UINT64_MAX);
	struct runs_result two = run_with(trace, "two_level:hit=0.4,eta=1s,ttl=100s,share=0", UINT64_MAX);
	struct runs_result sized = run_with(trace, "two_level:hit=0.4,eta=1s,ttl=100s,share=0,room=150", UINT64_MAX);
	assert_near(late_hit_rate(&one), 0.4, 0.01);
	assert_near(late_hit_rate(&two), 0.4, 0.01);
	assert_near(late_hit_rate(&sized), 0.4, 0.01);
	/* At the same hit rate: the hot ones and little else, against a TTL's worth of the stream. */
	assert_true(two.mean_resident_blocks < 0.5 * one.mean_resident_blocks);
	assert_near(sized.mean_resident_blocks, 150, 10);
	runs_free(&one);
	runs_free(&two);
	runs_free(&sized);
	make_trace_free(trace);
	free(rates);
}

/* --- the same thing said twice --- */

static void check_same(const struct trace *trace, const char *a, const char *b, uint64_t capacity_blocks, bool leaf)
{
	struct runs_setup setup = {.evict = "lru", .ttl = a, .capacity_blocks = capacity_blocks, .leaf = leaf};
	struct runs_result x = runs_replay(trace, &setup);
	setup.ttl = b;
	struct runs_result y = runs_replay(trace, &setup);
	if (!runs_equal(&x, &y))
		print_message("%s is not %s\n", a, b);
	assert_true(runs_equal(&x, &y));
	runs_free(&x);
	runs_free(&y);
}

static void rules_without_their_factors_are_static(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
	        {"adaptive:base=6s,alpha=0,min=0s", "static:ttl=6s"},
	        {"size:ttl=6s,gamma=0,min=0s", "static:ttl=6s"},
	        {"cost:ttl=6s,beta=0,min=0s", "static:ttl=6s"},
	        {"target:ttl=6s,eta=0s", "static:ttl=6s"},
	        {"two_level:ttl=6s,eta=0s,share=1", "static:ttl=6s"},
	        {"reuse:ttl=6s,window=1d", "static:ttl=6s"},
	        {"tool_pct:cap=6s", "static:ttl=6s"}, /* these requests have no class */
	        {"adaptive:base=6s,min=2s,max=2s", "static:ttl=2s"},
	        {"breakeven:gpu=0", "static:ttl=0s"},
	        {"breakeven:rent=0", "static:ttl=inf"},
	};
	static const char *const manners[] = {"", ",mode=absolute", ",coherence=cascade", ",coherence=none,max_age=9s", ",hard=1"};
	const struct make_shape shape = {.requests = 150, .block_tokens = 4, .root_percent = 20, .repeat_percent = 40, .growth = 4,
	                                 .same_time_percent = 30, .tick_ns = NS_PER_S, .most_ticks = 3, .tail_listed = true};
	for (uint64_t seed = 0; seed < 12; seed++) {
		struct make_rng rng = {seed};
		struct trace *trace = make_trace_random(&rng, &shape);
		for (size_t i = 0; i < COUNT_OF(pairs) * COUNT_OF(manners); i++) {
			char a[160], b[160];
			const char *manner = manners[i % COUNT_OF(manners)];
			snprintf(a, sizeof(a), "%s%s", pairs[i / COUNT_OF(manners)][0], manner);
			snprintf(b, sizeof(b), "%s%s", pairs[i / COUNT_OF(manners)][1], manner);
			check_same(trace, a, b, 5 + seed * 3, seed % 2);
		}
		make_trace_free(trace);
	}
	/* Without hints score is one of hits only. */
	const double rates[] = {1, 2, 3, 4, 5};
	struct trace *trace = poisson_trace(rates, COUNT_OF(rates), 500, 5);
	check_same(trace, "score:ttl=600ms,alpha=0,gamma=0", "static:ttl=600ms", UINT64_MAX, true);
	check_same(trace, "score:ttl=600ms,alpha=0", "static:ttl=600ms", 3, false);
	make_trace_free(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(ski_rental_never_pays_twice),
	        cmocka_unit_test(a_drawn_time_pays_less_on_average),
	        cmocka_unit_test(the_exponential_law_keeps_while_it_pays),
	        cmocka_unit_test(seen_gaps_give_the_time_that_would_have_been_best),
	        cmocka_unit_test(turns_tell_of_turns_to_come),
	        cmocka_unit_test(a_window_forgets_the_oldest),
	        cmocka_unit_test(equal_rates_hit_as_the_formulas_say),
	        cmocka_unit_test(lru_is_a_ttl_cache_of_its_characteristic_time),
	        cmocka_unit_test(d_ttl_comes_to_its_target),
	        cmocka_unit_test(f_ttl_spends_less_on_what_comes_once),
	        cmocka_unit_test(rules_without_their_factors_are_static),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
