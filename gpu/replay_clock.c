#include "replay_clock.h"

static int64_t smaller_ns(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What the engine's clock lies ahead of true time; negative where true time is ahead. */
static int64_t gap_ns(const struct replay_clock *clock, int64_t now_ns)
{
	return clock->engine_ns - (now_ns - clock->start_ns);
}

int64_t replay_clock_advance(struct replay_clock *clock, int64_t engine_ns, int64_t now_ns)
{
	clock->engine_ns = engine_ns;
	if (!clock->has_started)
		clock->start_ns = now_ns - engine_ns;
	clock->has_started = true;
	const int64_t gap = gap_ns(clock, now_ns);
	if (gap <= 0)
		return 0;
	if (clock->wall)
		return gap;
	const int64_t needed_ns = smaller_ns(clock->worked_ns, REPLAY_CLOCK_MOST_REST_NS), rest_ns = smaller_ns(gap, needed_ns);
	clock->worked_ns = needed_ns - rest_ns;
	return rest_ns;
}

int64_t replay_clock_skip(struct replay_clock *clock, int64_t now_ns)
{
	const int64_t gap = gap_ns(clock, now_ns);
	if (gap <= 0 || clock->wall)
		return 0;
	clock->start_ns -= gap;
	return gap;
}

int64_t replay_clock_step(struct replay_clock *clock, int64_t prepare_ns, int64_t begin_ns, int64_t end_ns, bool has_prompt)
{
	int64_t took_ns = end_ns - begin_ns;
	if (clock->wall) {
		clock->start_ns += begin_ns - prepare_ns;
		took_ns = end_ns - clock->start_ns - clock->engine_ns;
	} else {
		clock->start_ns = end_ns - (clock->engine_ns + took_ns);
	}
	clock->worked_ns += has_prompt ? took_ns : 0;
	return took_ns > 0 ? took_ns : 1;
}
