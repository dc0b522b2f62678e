/* bench_engine.h - how many requests a second the engine that takes time serves: arrivals, batched steps, answers, tiers.
 *
 * vLLM's rules, Llama-3.1-8B's KV, the built-in calibration; one tier of 60 GiB, or three with the lmcache preset's host and
 * disk. At recorded times, and the same requests 4 and 16 times over, each copy with blocks and sessions of its own, to show
 * that cost grows with the requests alone; where there are sessions also in closed loop, 64 at once.
 */
#ifndef KVCAST_BENCH_ENGINE_H
#define KVCAST_BENCH_ENGINE_H

#include "trace.h"

/* CPU time of this thread. */
double bench_engine_cpu_s(void);
/* Prints a line per case, the median of `runs`. -1 and a sentence on failure. */
int bench_engine(const struct trace *trace, int runs, struct err *err);

#endif
