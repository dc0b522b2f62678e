/* lineage.h - which request a request goes on from, for rules that learn from the gaps between them.
 *
 * Model. A request goes on from its session's request before it. In a trace without sessions it goes on from the last
 * request that used the deepest block of its path that anyone has used, whether it is still resident or not (else a TTL
 * would never see a gap longer than itself). The gap is the time between the two on the run's own clock, which is what a
 * deadline is compared with. Every request leaves a key, the category that a rule counts it under.
 *
 * In a trace with sessions, a request without one goes on from nothing. A request that is seen again (object semantics, or
 * an engine that took it back) is told apart and not counted twice.
 */
#ifndef KVCAST_LINEAGE_H
#define KVCAST_LINEAGE_H

#include "policy.h"

#define LINEAGE_NONE UINT32_MAX

struct lineage_request {
	int64_t at_ns;
	uint32_t key, path_blocks;
};

struct lineage {
	const struct evict_env *env;
	struct lineage_request *requests; /* [request_count] */
	uint32_t *last;  /* [session_count], or without sessions [block_count]: the last request there; LINEAGE_NONE */
	uint32_t before; /* that of the deepest block of the path being shown */
};

/* What is new by a request. */
struct lineage_step {
	bool again;                            /* seen before: nothing is */
	const struct lineage_request *before;  /* the one it goes on from; NULL: none */
	int64_t gap_ns;                        /* since then */
};

void lineage_open(struct lineage *lineage, const struct evict_env *env);
void lineage_close(struct lineage *lineage);
/* ttl.h's path(): call for every stretch, also where there are sessions. */
void lineage_path(struct lineage *lineage, block_id first, uint32_t count);
/* ttl.h's observe(): enters the request being served under `key`. */
struct lineage_step lineage_observe(struct lineage *lineage, uint32_t key);

#endif
