/* promise.h - the smallest capacity at which each policy keeps a promise, such as 95 % of first tokens within 500 ms. Who is not served
 * at all, as there is no room for the prompt, is promised that as well: with rejected requests no promise is kept.
 *
 * Found by halving the range of capacities, from one block to all that the trace has, until its ends are 1 % apart: exact for
 * policies that do better with more room, as lru does; others may keep the promise below a capacity at which they break it.
 */
#ifndef KVCAST_PROMISE_H
#define KVCAST_PROMISE_H

#include "tune.h"

struct promise {
	const struct spec *evict, *ttl;
	bool kept; /* at some capacity */
	uint64_t capacity_blocks;
	struct tune_measure measured; /* at it; or, where it is not kept, with room for all */
	struct tune_interval interval; /* of what was promised, there: it is as good as the requests are many */
};

/* `tune` says the trace, the config and, as its constraints, the promise; `promise` the policies. Several may be looked for at
 * the same time. */
int promise_find(const struct tune *tune, struct promise *promise, struct err *err);

#endif
