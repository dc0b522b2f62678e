/* replay_clock.h - the engine's clock beside the caller's, which is true time: what of a gap a replay sleeps, and what it leaves out.
 *
 * The engine's clock goes by the time of steps and transfers. A step is over in true time before the engine's clock is moved to its
 * end, and to whatever happens in the middle of it; so only what lies ahead of the true time is a gap. Of each gap a device gets what it
 * needs to rest from prompts (calibration.h, power): as long as they took, REPLAY_CLOCK_MOST_REST_NS at most, as longer makes no
 * difference: a chip keeps its average power over 0.8 s below its limit. What the program does between steps that a server does not
 * do (tokens, plans) is no time of the engine's.
 *
 * With `wall` the engine's clock is the caller's: gaps are slept through.
 *
 * Times in ns; the caller's clock never goes back. Start with zeroes but for `wall`.
 */
#ifndef KVCAST_REPLAY_CLOCK_H
#define KVCAST_REPLAY_CLOCK_H

#include "base.h"

#define REPLAY_CLOCK_MOST_REST_NS NS_PER_S

struct replay_clock {
	bool wall;
	bool has_started;
	int64_t engine_ns; /* the engine's clock */
	int64_t start_ns;  /* the caller's, when the engine's was 0 */
	int64_t worked_ns; /* on prompts, and not rested from */
};

/* The engine's clock moves on to `engine_ns`: how long to sleep now. */
int64_t replay_clock_advance(struct replay_clock *clock, int64_t engine_ns, int64_t now_ns);
/* After that sleep: how much of the gap is left out. */
int64_t replay_clock_skip(struct replay_clock *clock, int64_t now_ns);
/* A step was prepared from prepare_ns on, done from begin_ns to end_ns: what it took by the engine's clock, more than 0. */
int64_t replay_clock_step(struct replay_clock *clock, int64_t prepare_ns, int64_t begin_ns, int64_t end_ns, bool has_prompt);

#endif
