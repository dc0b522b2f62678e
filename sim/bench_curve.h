/* bench_curve.h - how fast whole curves are: stack distances of single references, and a trace's curves over capacity and TTL
 * (reading the trace not counted).
 */
#ifndef KVCAST_BENCH_CURVE_H
#define KVCAST_BENCH_CURVE_H

#include "trace.h"

/* Each prints a line a figure, the median of `runs` with (most - least) / median. */
void bench_curve_stack(const block_id *refs, size_t count, uint32_t block_count, int runs);
void bench_curve(const struct trace *trace, int runs);

#endif
