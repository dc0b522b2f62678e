/* curve.h - hits as a function of capacity or of the TTL, from the reuses of a trace.
 *
 * Capacity: lru without a TTL in a cache of C blocks. TTL: a sliding TTL in a cache without limit. Both exact, at every
 * value; the same as replays would count (reuse.h says why). Definitions are those of metrics.h; requests before the
 * warm-up's end are served and not counted.
 *
 * Under object semantics only the curve over capacity exists, with ranks from a stack of single references.
 */
#ifndef KVCAST_CURVE_H
#define KVCAST_CURVE_H

#include "reuse.h"

enum curve_axis { CURVE_CAPACITY, CURVE_TTL };

/* Whose requests count. */
enum curve_kind { CURVE_ALL, CURVE_CLASS, CURVE_TURN };
struct curve_group {
	enum curve_kind kind;
	uint32_t which; /* class_id or turn */
};

struct curve_totals {
	uint64_t requests, blocks, prompt_tokens;
};

struct curve_point {
	uint64_t at; /* blocks or ns */
	uint64_t hit_blocks, hit_tokens;
	double request_hits;         /* sum over requests of their token hit rates */
	double mean_resident_blocks; /* of all requests' blocks, whatever the group */
};

struct curve;

struct curve *curve_open(const struct reuse *reuse, enum curve_axis axis, struct curve_group group);
/* Capacity under object semantics. */
struct curve *curve_open_objects(const struct trace *trace, const struct run_config *config);
void curve_close(struct curve *curve);
const struct curve_totals *curve_totals(const struct curve *curve);

/* The values of the axis at which the hits grow, ascending; false after the last. A capacity of one block and a TTL of 0
 * come first, whatever they hit. */
bool curve_next(struct curve *curve, struct curve_point *point);
void curve_rewind(struct curve *curve);

#endif
