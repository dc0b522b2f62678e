/* The engine as a queue: waiting times against theory and against Lindley's recursion, Little's law, order of service.
 *
 * Poisson arrivals, one server: the static engine, one request at a time, over a backend whose steps last as long as drawn.
 * Means over independent replications, with Student's interval (GSL). */
#include "test.h"

#include "timed.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_statistics_double.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define REQUESTS 25000
#define REPLICATIONS 20
#define WARMUP 0.1
#define CONFIDENCE 0.999

enum service { CONSTANT, EXPONENTIAL };

/* A server with a mean service time of a second. */
struct queue {
	enum service service;
	double load, slowness; /* arrivals a second; 1, or a planted error */
};

static int64_t drawn_ns(void *backend, const struct step *step)
{
	const int64_t *service_ns = backend;
	assert_int_equal(step->count, 1);
	return service_ns[step->parts[0].request];
}

static int64_t no_ns(void *backend, uint64_t new_tokens, uint64_t context_tokens)
{
	(void)backend, (void)new_tokens, (void)context_tokens;
	return 0;
}

static const struct backend_ops drawn = {.step_ns = drawn_ns, .alone_ns = no_ns};

/* Requests of one token and one token of answer: one step each. */
static struct trace *single_tokens(uint32_t count, const int64_t *arrival_ns)
{
	struct make_request *requests = mem_alloc(count, sizeof(*requests));
	for (uint32_t r = 0; r < count; r++)
		requests[r] = (struct make_request){.tail = BLOCK_NONE, .arrival_ns = arrival_ns[r], .session = TRACE_NO_SESSION,
		                                    .class_id = TRACE_NO_CLASS, .prompt_tokens = 1, .ordinal = r};
	struct trace *trace =
	        make_trace(&(struct make_parts){.block_tokens = 16, .request_count = count, .requests = requests});
	for (uint32_t r = 0; r < count; r++)
		((struct trace_request *)(uintptr_t)trace->requests)[r].output_tokens = 1;
	free(requests);
	return trace;
}

/* W(n+1) = max(0, W(n) + S(n) - A(n)): each request waited as long, to the nanosecond. */
static void assert_lindley(const struct timed_result *result, const int64_t *arrival_ns, const int64_t *service_ns)
{
	int64_t wait_ns = 0;
	for (uint32_t r = 0; r < REQUESTS; r++) {
		if (r > 0)
			wait_ns += service_ns[r - 1] - (arrival_ns[r] - arrival_ns[r - 1]);
		wait_ns = wait_ns > 0 ? wait_ns : 0;
		if (r >= (uint32_t)(WARMUP * REQUESTS))
			assert_int_equal(result->outcomes[r].queue_ns, wait_ns);
	}
}

static double mean_wait_s(const struct queue *queue, unsigned long seed)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	int64_t *arrival_ns = mem_alloc(REQUESTS, sizeof(*arrival_ns)), *service_ns = mem_alloc(REQUESTS, sizeof(*service_ns));
	double now_s = 0;
	gsl_rng_set(rng, seed);
	for (uint32_t r = 0; r < REQUESTS; r++) {
		now_s += gsl_ran_exponential(rng, 1 / queue->load);
		arrival_ns[r] = llround(now_s * 1e9);
		service_ns[r] = 1 + llround(queue->slowness * (queue->service == CONSTANT ? 1 : gsl_ran_exponential(rng, 1)) * 1e9);
	}
	struct trace *trace = single_tokens(REQUESTS, arrival_ns);
	const struct timed_setup setup = {.engine = ENGINE_STATIC, .warmup = WARMUP, .ops = &drawn, .backend = service_ns};
	struct timed_result result = timed_run(trace, &setup);
	assert_null(timed_wrong(trace, &setup, &result));
	assert_lindley(&result, arrival_ns, service_ns);
	const double wait_s = timed_total(&result)->time_ms[METRICS_QUEUE].mean / 1e3;
	timed_free(&result);
	make_trace_free(trace);
	free(arrival_ns);
	free(service_ns);
	gsl_rng_free(rng);
	return wait_s;
}

struct interval {
	double mean, half;
};

static struct interval measure(const struct queue *queue)
{
	double waits[REPLICATIONS];
	for (unsigned long i = 0; i < REPLICATIONS; i++)
		waits[i] = mean_wait_s(queue, 1000 + i);
	const double quantile = gsl_cdf_tdist_Pinv((1 + CONFIDENCE) / 2, REPLICATIONS - 1);
	return (struct interval){gsl_stats_mean(waits, 1, REPLICATIONS),
	                         quantile * gsl_stats_sd(waits, 1, REPLICATIONS) / sqrt(REPLICATIONS)};
}

/* Pollaczek and Khinchine: load / (1 - load) services of 1 s, times (1 + squared coefficient of variation) / 2. */
static double theory_s(const struct queue *queue)
{
	const double variation = queue->service == CONSTANT ? 0 : 1;
	return queue->load / (1 - queue->load) * (1 + variation) / 2;
}

/* The interval has to hold the theory and be narrow: a mean waiting time that is 6 % off fails at any of these loads. It
 * moves by (1 + 1 / (1 - load)) times an error in the service times: 3 % of those are 9 to 13 %, and must be found. */
static void assert_theory(enum service service, double load)
{
	const struct queue right = {service, load, 1}, wrong = {service, load, 1.03};
	const struct interval of_right = measure(&right), of_wrong = measure(&wrong);
	print_message("load %.1f: waits %.4f s +- %.4f, theory %.4f; 3 %% slower %.4f +- %.4f\n", load, of_right.mean,
	              of_right.half, theory_s(&right), of_wrong.mean, of_wrong.half);
	assert_true(of_right.half < 0.06 * of_right.mean);
	assert_true(fabs(of_right.mean - theory_s(&right)) < of_right.half);
	assert_false(fabs(of_wrong.mean - theory_s(&right)) < of_wrong.half);
}

static void md1_waits_as_theory_says(void **state)
{
	(void)state;
	assert_theory(CONSTANT, 0.5);
	assert_theory(CONSTANT, 0.7);
}

static void mm1_waits_as_theory_says(void **state)
{
	(void)state;
	assert_theory(EXPONENTIAL, 0.5);
	assert_theory(EXPONENTIAL, 0.7);
}

/* A made trace under a load that a small cache does not stand: prompts of up to 80 blocks, room for 100. */
static struct trace *crowd(struct make_rng *rng, uint32_t requests)
{
	const struct make_shape shape = {.requests = requests, .block_tokens = 16, .sessions = 12, .classes = 2, .root_percent = 30,
	                                 .repeat_percent = 20, .growth = 20, .same_time_percent = 20, .tick_ns = NS_PER_S / 10,
	                                 .most_ticks = 3};
	struct trace *trace = make_trace_random(rng, &shape);
	timed_dress(trace, rng, 200, NS_PER_S);
	return trace;
}

/* What the run reports, L = lambda W: the engine asserts it for itself, by two sums of its own; here the requests' own times
 * are the second. */
static void littles_law_holds_for_what_is_reported(void **state)
{
	(void)state;
	struct make_rng rng = {1};
	for (int closed = 0; closed < 2; closed++) {
		struct trace *trace = crowd(&rng, 2000);
		const struct timed_setup setup = {.capacity_blocks = 400, .closed_loop = closed == 1, .sessions = 5};
		struct timed_result result = timed_run(trace, &setup);
		double stay_s = 0;
		assert_int_equal(result.run.rejected_requests, 0);
		for (uint32_t r = 0; r < trace->request_count; r++)
			stay_s += (double)result.outcomes[r].e2e_ns / 1e9;
		assert_true(fabs(result.run.mean_in_system * result.run.span_s / stay_s - 1) < 1e-9);
		assert_true(result.run.mean_in_system > 1);
		timed_free(&result);
		make_trace_free(trace);
	}
}

/* First come, first served (timed_wrong), whatever has to be preempted on the way, and all are served. */
static void nothing_starves(void **state)
{
	(void)state;
	static const enum engine_kind engines[] = {ENGINE_VLLM, ENGINE_SGLANG, ENGINE_STATIC};
	struct make_rng rng = {2};
	for (size_t e = 0; e < COUNT_OF(engines); e++) {
		struct trace *trace = crowd(&rng, 1500);
		const struct timed_setup setup = {.engine = engines[e], .capacity_blocks = 100, .step_tokens = 256};
		struct timed_result result = timed_run(trace, &setup);
		assert_null(timed_wrong(trace, &setup, &result));
		assert_true(engines[e] == ENGINE_STATIC ? result.run.preemptions == 0 : result.run.preemptions > 50);
		assert_true(result.run.recomputed_tokens > 0 || engines[e] == ENGINE_STATIC);
		timed_free(&result);
		make_trace_free(trace);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(md1_waits_as_theory_says),
	        cmocka_unit_test(mm1_waits_as_theory_says),
	        cmocka_unit_test(littles_law_holds_for_what_is_reported),
	        cmocka_unit_test(nothing_starves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
