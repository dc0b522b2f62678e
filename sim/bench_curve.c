#include "bench_curve.h"

#include "bench_engine.h"
#include "curve.h"
#include "stack.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <stdio.h>
#include <stdlib.h>

#define RUNS_MOST 64
#define BATCH 4096

static void put_timing(double *seconds, int runs, double references)
{
	gsl_sort(seconds, 1, (size_t)runs);
	const double median_s = gsl_stats_median_from_sorted_data(seconds, 1, (size_t)runs);
	printf("%.4f s, %.1f M references/s, spread %.0f%%\n", median_s, references / median_s / 1e6,
	       100 * (seconds[runs - 1] - seconds[0]) / median_s);
}

void bench_curve_stack(const block_id *refs, size_t count, uint32_t block_count, int runs)
{
	double seconds[RUNS_MOST];
	for (int r = 0; r < runs; r++) {
		const double start_s = bench_engine_cpu_s();
		uint32_t ranks[BATCH];
		struct stack *stack = stack_open(block_count);
		for (size_t done = 0; done < count; done += BATCH)
			stack_use_all(stack, refs + done, count - done < BATCH ? count - done : BATCH, ranks);
		stack_close(stack);
		seconds[r] = bench_engine_cpu_s() - start_s;
	}
	printf("lru at every capacity (stack distances): ");
	put_timing(seconds, runs, (double)count);
}

void bench_curve(const struct trace *trace, int runs)
{
	static const char *const names[] = {[CURVE_CAPACITY] = "capacity", [CURVE_TTL] = "TTL"};
	const struct run_config config = {.tail_cached = true, .speed = 1};
	double seconds[RUNS_MOST];
	for (enum curve_axis axis = CURVE_CAPACITY; axis <= CURVE_TTL; axis++) {
		size_t points = 0;
		for (int r = 0; r < runs; r++) {
			struct curve_point point;
			const double start_s = bench_engine_cpu_s();
			struct reuse *reuse = reuse_open(trace, &config, NULL);
			struct curve *curve = curve_open(reuse, axis, (struct curve_group){CURVE_ALL, 0});
			for (points = 0; curve_next(curve, &point);)
				points++;
			curve_close(curve);
			reuse_close(reuse);
			seconds[r] = bench_engine_cpu_s() - start_s;
		}
		printf("curve over %s, %zu points: ", names[axis], points);
		put_timing(seconds, runs, (double)trace_references(trace));
	}
}
