/* test_ensemble.c - an ensemble's ranges against its members run one by one; seeds, threads, refusals, and what it says of a calm
 * system and of one in which much turns. */
#include "test.h"

#include "asks.h"
#include "ensemble.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS 240

/* A run with all that it points at. */
struct setting {
	struct trace *trace;
	struct spec evict, ttl;
	struct calibration calibration;
	struct run_config config;
};

/* Twelve sessions. In a closed loop six at once, some ms between turns; in an open one requests are so far apart that none waits. */
static struct setting *setting_open(enum engine_kind engine, bool closed_loop, uint64_t capacity_blocks)
{
	struct setting *setting = mem_alloc(1, sizeof(*setting));
	struct make_rng rng = {4};
	struct err err;
	const struct make_shape shape = {.requests = REQUESTS, .block_tokens = 16, .sessions = 12, .root_percent = 15, .repeat_percent = 10,
	                                 .growth = 12, .tick_ns = closed_loop ? NS_PER_MS : NS_PER_S, .most_ticks = 30};
	setting->trace = make_trace_random(&rng, &shape);
	timed_dress(setting->trace, &rng, 30, 40 * NS_PER_MS);
	assert_int_equal(spec_parse(&setting->evict, "lru", &err), 0);
	assert_int_equal(spec_parse(&setting->ttl, "none", &err), 0);
	setting->calibration = timed_curved_calibration;
	setting->calibration.mean_error = 0.02;
	setting->config = (struct run_config){
	        .evict = &setting->evict, .ttl = &setting->ttl, .capacity_blocks = capacity_blocks, .leaf = true, .speed = 1, .seed = 1,
	        .recompute_last = true, .calibration = &setting->calibration, .kv_bytes_per_token = 1000, .engine = engine,
	        .step_tokens = engine == ENGINE_STATIC ? UINT32_MAX : 256, .most_running = engine == ENGINE_STATIC ? 1 : 8,
	        .keep_answers = true, .closed_loop = closed_loop, .sessions = 6};
	return setting;
}

static void setting_close(struct setting *setting)
{
	make_trace_free(setting->trace);
	spec_free(&setting->evict);
	spec_free(&setting->ttl);
	free(setting);
}

static struct ensemble ensemble_of(const struct setting *setting, uint32_t members, double step_error, uint64_t seed, int jobs)
{
	struct ensemble ensemble = {.members = members, .step_error = step_error, .seed = seed};
	struct err err;
	if (ensemble_run(&ensemble, setting->trace, &setting->config, jobs, &err) < 0)
		fail_msg("%s", err.text);
	return ensemble;
}

/* Hits; mean, p50, p90, p95 and p99 of TTFT; the same of E2E. */
static void figures_of(const struct setting *setting, const struct run_config *config, double figures[11])
{
	struct run_result result;
	struct err err;
	if (simulate_run(setting->trace, config, &result, &err) < 0)
		fail_msg("%s", err.text);
	const struct metrics_group *total = metrics_total(result.metrics);
	const struct distribution *times[] = {&total->time_ms[METRICS_TTFT], &total->time_ms[METRICS_E2E]};
	figures[0] = metrics_token_hit_rate(total);
	for (size_t t = 0; t < 2; t++) {
		const double values[] = {times[t]->mean, times[t]->p50, times[t]->p90, times[t]->p95, times[t]->p99};
		memcpy(&figures[1 + 5 * t], values, sizeof(values));
	}
	simulate_free(&result);
}

static void ranges_of(const struct ensemble *ensemble, struct ensemble_range ranges[11])
{
	const struct ensemble_times *times[] = {&ensemble->ttft_ms, &ensemble->e2e_ms};
	ranges[0] = ensemble->token_hit_rate;
	for (size_t t = 0; t < 2; t++) {
		const struct ensemble_range of[] = {times[t]->mean, times[t]->p50, times[t]->p90, times[t]->p95, times[t]->p99};
		memcpy(&ranges[1 + 5 * t], of, sizeof(of));
	}
}

static void of_two_and_three_members_by_hand(void **state)
{
	(void)state;
	struct setting *setting = setting_open(ENGINE_VLLM, true, 150);
	for (uint32_t members = 2; members <= 3; members++) {
		const struct ensemble ensemble = ensemble_of(setting, members, 0.02, 7, 1);
		struct ensemble_range ranges[11];
		double figures[3][11] = {{0}};
		ranges_of(&ensemble, ranges);
		for (uint32_t m = 0; m < members; m++) {
			const struct run_config own = ensemble_member(&ensemble, &setting->config, m);
			figures_of(setting, &own, figures[m]);
		}
		assert_true(figures[0][1] != figures[1][1]);
		for (size_t f = 0; f < 11; f++) {
			const double a = figures[0][f], b = figures[1][f], c = members == 3 ? figures[2][f] : a;
			const double low = fmin(a, fmin(b, c)), high = fmax(a, fmax(b, c));
			const double middle = members == 2 ? (a + b) / 2 : a + b + c - low - high;
			/* Of three, a tenth of the way to the middle one. */
			const double to = members == 2 ? high : middle, from = members == 2 ? low : middle, share = members == 2 ? 0.05 : 0.1;
			assert_true(fabs(ranges[f].p5 - (low + share * (to - low))) < 1e-9 * high);
			assert_true(fabs(ranges[f].p50 - middle) < 1e-9 * high);
			assert_true(fabs(ranges[f].p95 - (high - share * (high - from))) < 1e-9 * high);
		}
	}
	setting_close(setting);
}

static void equal_seeds_give_equal_ensembles(void **state)
{
	(void)state;
	struct setting *setting = setting_open(ENGINE_VLLM, true, 150);
	const struct ensemble one = ensemble_of(setting, 20, 0.02, 1, 1), other = ensemble_of(setting, 20, 0.02, 2, 1);
	assert_true(other.ttft_ms.mean.p50 != one.ttft_ms.mean.p50);
	for (int jobs = 1; jobs <= 7; jobs += 3) {
		const struct ensemble again = ensemble_of(setting, 20, 0.02, 1, jobs);
		assert_memory_equal(&again, &one, sizeof(one));
	}
	for (int threads = 1; threads <= 3; threads++) {
		omp_set_num_threads(threads);
		const struct ensemble again = ensemble_of(setting, 20, 0.02, 1, 0);
		assert_memory_equal(&again, &one, sizeof(one));
	}
	setting_close(setting);
}

/* An error that is less than can be told: every member is the forecast, to the bit. */
static void without_an_error_members_are_the_forecast(void **state)
{
	(void)state;
	static const enum engine_kind engines[] = {ENGINE_STATIC, ENGINE_VLLM, ENGINE_SGLANG};
	for (size_t e = 0; e < COUNT_OF(engines); e++) {
		struct setting *setting = setting_open(engines[e], true, 150);
		const struct ensemble ensemble = ensemble_of(setting, 3, 1e-9, 1, 1);
		double figures[11];
		struct ensemble_range ranges[11];
		figures_of(setting, &setting->config, figures);
		ranges_of(&ensemble, ranges);
		for (size_t f = 0; f < 11; f++)
			assert_true(ranges[f].p5 == figures[f] && ranges[f].p50 == figures[f] && ranges[f].p95 == figures[f]);
		setting_close(setting);
	}
}

/* Nobody waits for anybody: the mean TTFT is off by a little more than steps are in common, and the forecast lies in the middle. Where
 * sessions wait for each other and evict each other's blocks, the same error makes much more. */
static void calm_systems_are_sure_and_chaotic_ones_are_not(void **state)
{
	(void)state;
	struct setting *calm = setting_open(ENGINE_STATIC, false, UINT64_MAX), *chaotic = setting_open(ENGINE_VLLM, true, 150);
	const struct ensemble sure = ensemble_of(calm, 200, 0.02, 1, 0), unsure = ensemble_of(chaotic, 200, 0.02, 1, 0);
	double forecast[11];
	figures_of(calm, &calm->config, forecast);
	assert_true(sure.token_hit_rate.p5 == forecast[0] && sure.token_hit_rate.p95 == forecast[0]);
	const struct ensemble_range mean = sure.ttft_ms.mean, other = unsure.ttft_ms.mean;
	assert_true(mean.p5 < forecast[1] && forecast[1] < mean.p95);
	assert_true(fabs(mean.p50 / forecast[1] - 1) < 0.005);
	/* A common factor of 1 + 0.0125 z' alone is 4.1 % from its 5th to its 95th percentile. */
	const double narrow = (mean.p95 - mean.p5) / mean.p50, wide = (other.p95 - other.p5) / other.p50;
	assert_true(narrow > 0.035 && narrow < 0.055);
	assert_true(wide > 2 * narrow);
	assert_true(unsure.token_hit_rate.p95 - unsure.token_hit_rate.p5 > 0.01);
	setting_close(calm);
	setting_close(chaotic);
}

static void count_requests(void *context, const struct trace_request *request, int64_t arrival_ns, const struct request_outcome *outcome)
{
	(void)request;
	(void)arrival_ns;
	(void)outcome;
	++*(uint32_t *)context;
}

static void members_write_to_no_file(void **state)
{
	(void)state;
	struct setting *setting = setting_open(ENGINE_VLLM, true, 150);
	uint32_t requests = 0;
	setting->config.on_request = count_requests;
	setting->config.on_request_context = &requests;
	const struct ensemble ensemble = ensemble_of(setting, 5, 0.02, 1, 1);
	assert_int_equal(requests, 0);
	/* Nor to the others. */
	struct run_config config = setting->config;
	config.log = (struct engine_log *)&requests;
	config.timeline = (struct timeline *)&requests;
	config.blocks = (struct blocks_csv *)&requests;
	config.step_factor = 2;
	const struct run_config own = ensemble_member(&ensemble, &config, 3), plain = ensemble_member(&ensemble, &setting->config, 3);
	assert_true(!own.log && !own.timeline && !own.blocks && !own.on_request && !own.on_request_context);
	assert_int_equal(own.seed, 1);
	/* The common factor is on what steps take longer anyway. */
	assert_true(own.step_factor == 2 * plain.step_factor && plain.step_factor != 1);
	assert_int_equal(own.step_error.sigma_ppm, 25066);
	setting_close(setting);
}

/* The common factor's spread is half of a shape's, and no two members have the same one. */
static void common_factors_are_half_as_far_off(void **state)
{
	(void)state;
	const struct ensemble ensemble = {.members = 1000, .step_error = 0.02, .seed = 5};
	const struct run_config config = {.seed = 5};
	double sum = 0, absolute = 0;
	for (uint32_t m = 0; m < ensemble.members; m++) {
		const struct run_config own = ensemble_member(&ensemble, &config, m);
		sum += own.step_factor - 1;
		absolute += fabs(own.step_factor - 1);
		assert_true(m == 0 || own.step_error.seed != ensemble_member(&ensemble, &config, m - 1).step_error.seed);
	}
	assert_true(fabs(sum / ensemble.members) < 0.002);
	assert_true(fabs(absolute / ensemble.members - 0.01) < 0.001);
}

static void refuses(const struct run_config *config, const char *members, const char *step_error, const char *sentence)
{
	struct ensemble ensemble;
	struct err err;
	assert_int_equal(ensemble_resolve(&ensemble, members, step_error, config, &err), -1);
	assert_string_equal(err.text, sentence);
}

static void what_is_asked_for_is_checked(void **state)
{
	(void)state;
	struct setting *setting = setting_open(ENGINE_VLLM, true, 150);
	struct run_config *config = &setting->config;
	struct ensemble ensemble;
	struct err err;
	assert_int_equal(ensemble_resolve(&ensemble, "1k", "2.5", config, &err), 0);
	assert_true(ensemble.members == 1000 && ensemble.step_error == 0.025 && ensemble.seed == 1);
	assert_int_equal(ensemble_resolve(&ensemble, "2", NULL, config, &err), 0);
	assert_true(ensemble.members == 2 && ensemble.step_error == 0.02);
	assert_int_equal(ensemble_resolve(&ensemble, "2", "50", config, &err), 0);
	refuses(config, "1", "2", "--ensemble 1: expected a whole number of forecasts from 2 to 1000.");
	refuses(config, "1001", "2", "--ensemble 1001: expected a whole number of forecasts from 2 to 1000.");
	refuses(config, "many", "2", "--ensemble many: expected a whole number of forecasts from 2 to 1000.");
	static const char *const wrong[] = {"0", "-1", "50.1", "inf", "nan", "2%", ""};
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		assert_int_equal(ensemble_resolve(&ensemble, "9", wrong[i], config, &err), -1);
		assert_non_null(strstr(err.text, ": expected by how many percent a step is off on average, above 0 and at most 50."));
	}
	setting->calibration.mean_error = 0.6;
	refuses(config, "9", NULL, "--ensemble: the calibration curved is off by 60 % on average, and more than 50 says nothing; expected "
	                           "--step-error PERCENT beside it.");
	assert_int_equal(ensemble_resolve(&ensemble, "9", "2", config, &err), 0);
	setting->calibration.mean_error = 0;
	refuses(config, "9", NULL, "--ensemble: the calibration curved does not say how far its steps are off; expected --step-error PERCENT "
	                           "beside it, or --calib with one that kvcast fit made.");
	config->engine = ENGINE_REPLAY;
	refuses(config, "9", "2", "--ensemble: in --engine replay nothing takes time, so there are no steps that could be off; choose static, "
	                          "vllm or sglang.");
	setting_close(setting);
}

/* Whatever the threads do, it is the first one's sentence. */
static void refused_members_are_told(void **state)
{
	(void)state;
	struct setting *setting = setting_open(ENGINE_VLLM, true, 150);
	struct ensemble ensemble = {.members = 9, .step_error = 0.02};
	struct err err;
	spec_free(&setting->evict);
	assert_int_equal(spec_parse(&setting->evict, "belady", &err), 0);
	for (int jobs = 1; jobs <= 4; jobs++) {
		assert_int_equal(ensemble_run(&ensemble, setting->trace, &setting->config, jobs, &err), -1);
		assert_true(strncmp(err.text, "--ensemble, forecast 1: tier gpu: --evict belady: ", 50) == 0);
	}
	setting_close(setting);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(of_two_and_three_members_by_hand),
	        cmocka_unit_test(equal_seeds_give_equal_ensembles),
	        cmocka_unit_test(without_an_error_members_are_the_forecast),
	        cmocka_unit_test(calm_systems_are_sure_and_chaotic_ones_are_not),
	        cmocka_unit_test(members_write_to_no_file),
	        cmocka_unit_test(common_factors_are_half_as_far_off),
	        cmocka_unit_test(what_is_asked_for_is_checked),
	        cmocka_unit_test(refused_members_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
