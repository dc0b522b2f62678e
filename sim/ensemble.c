#include "ensemble.h"

#include "units.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

/* Figures of a member, in the order of those of struct ensemble. */
enum { FIGURE_HITS, FIGURE_TTFT, FIGURE_E2E = FIGURE_TTFT + 5, FIGURE_COUNT = FIGURE_E2E + 5 };

/* What the common factor's spread is of that of a single step's. */
#define COMMON_PART 2

int ensemble_resolve(struct ensemble *ensemble, const char *members, const char *step_error, const struct run_config *config,
                     struct err *err)
{
	int64_t count = 0;
	double percent = 0;
	if (units_count(members, &count, err) < 0 || count < 2 || count > ENSEMBLE_MEMBERS_MOST)
		return err_set(err, "--ensemble %s: expected a whole number of forecasts from 2 to %d.", members, ENSEMBLE_MEMBERS_MOST);
	if (config->engine == ENGINE_REPLAY)
		return err_set(err, "--ensemble: in --engine replay nothing takes time, so there are no steps that could be off; choose static, "
		                    "vllm or sglang.");
	if (step_error && (units_real(step_error, &percent, err) < 0 || !(percent > 0 && percent <= 100 * ENSEMBLE_ERROR_MOST)))
		return err_set(err, "--step-error %s: expected by how many percent a step is off on average, above 0 and at most %g.",
		               step_error, 100 * ENSEMBLE_ERROR_MOST);
	if (!step_error && !(config->calibration->mean_error > 0))
		return err_set(err, "--ensemble: the calibration %s does not say how far its steps are off; expected --step-error PERCENT "
		                    "beside it, or --calib with one that kvcast fit made.", config->calibration->name);
	if (!step_error && config->calibration->mean_error > ENSEMBLE_ERROR_MOST)
		return err_set(err, "--ensemble: the calibration %s is off by %g %% on average, and more than %g says nothing; expected --step-error "
		                    "PERCENT beside it.", config->calibration->name, 100 * config->calibration->mean_error,
		               100 * ENSEMBLE_ERROR_MOST);
	*ensemble = (struct ensemble){.members = (uint32_t)count, .seed = config->seed,
	                              .step_error = step_error ? percent / 100 : config->calibration->mean_error};
	return 0;
}

struct run_config ensemble_member(const struct ensemble *ensemble, const struct run_config *config, uint32_t member)
{
	struct run_config own = *config;
	const uint64_t seed = step_error_seed(ensemble->seed, member);
	own.step_error = step_error_of(ensemble->step_error, step_error_seed(seed, 0));
	const int64_t common = step_error_factor(own.step_error.sigma_ppm / COMMON_PART, step_error_seed(seed, 1));
	own.step_factor = (config->step_factor > 0 ? config->step_factor : 1) * ldexp((double)common, -32);
	own.log = NULL;
	own.timeline = NULL;
	own.blocks = NULL;
	own.on_request = NULL;
	own.on_request_context = NULL;
	return own;
}

static void put_times(double *figures, size_t stride, const struct distribution *time)
{
	const double values[] = {time->mean, time->p50, time->p90, time->p95, time->p99};
	for (size_t i = 0; i < COUNT_OF(values); i++)
		figures[i * stride] = values[i];
}

/* `figures` has a row for each figure, in which a member has its place. */
static int run_member(const struct ensemble *ensemble, const struct trace *trace, const struct run_config *config, uint32_t member,
                      double *figures, struct err *err)
{
	const struct run_config own = ensemble_member(ensemble, config, member);
	const size_t stride = ensemble->members;
	struct run_result result;
	if (simulate_run(trace, &own, &result, err) < 0)
		return -1;
	const struct metrics_group *total = metrics_total(result.metrics);
	figures[FIGURE_HITS * stride + member] = metrics_token_hit_rate(total);
	put_times(&figures[FIGURE_TTFT * stride + member], stride, &total->time_ms[METRICS_TTFT]);
	put_times(&figures[FIGURE_E2E * stride + member], stride, &total->time_ms[METRICS_E2E]);
	simulate_free(&result);
	return 0;
}

static struct ensemble_range range_of(double *values, size_t count)
{
	return (struct ensemble_range){.p5 = metrics_quantile(values, count, 0.05), .p50 = metrics_quantile(values, count, 0.50),
	                               .p95 = metrics_quantile(values, count, 0.95)};
}

static struct ensemble_times times_of(double *figures, size_t count)
{
	return (struct ensemble_times){.mean = range_of(figures, count), .p50 = range_of(figures + count, count),
	                               .p90 = range_of(figures + 2 * count, count), .p95 = range_of(figures + 3 * count, count),
	                               .p99 = range_of(figures + 4 * count, count)};
}

int ensemble_run(struct ensemble *ensemble, const struct trace *trace, const struct run_config *config, int jobs, struct err *err)
{
	const size_t count = ensemble->members;
	const int threads = jobs > 0 ? jobs : omp_get_max_threads();
	double *figures = mem_alloc(FIGURE_COUNT * count, sizeof(*figures));
	/* Members are dealt out in order, so all before the first that fails are run to their end. */
	uint32_t next = 0, failed = UINT32_MAX;
#pragma omp parallel num_threads(threads)
	for (;;) {
		uint32_t member;
		struct err own;
#pragma omp critical(ensemble_members)
		member = failed == UINT32_MAX ? next++ : UINT32_MAX;
		if (member >= count)
			break;
		if (run_member(ensemble, trace, config, member, figures, &own) == 0)
			continue;
#pragma omp critical(ensemble_members)
		if (member < failed) {
			failed = member;
			*err = own;
		}
	}
	if (failed < count) {
		err_prefix(err, "--ensemble, forecast %u: ", failed + 1);
	} else {
		ensemble->token_hit_rate = range_of(figures + FIGURE_HITS * count, count);
		ensemble->ttft_ms = times_of(figures + FIGURE_TTFT * count, count);
		ensemble->e2e_ms = times_of(figures + FIGURE_E2E * count, count);
	}
	free(figures);
	return failed < count ? -1 : 0;
}
