/* surface.h - what lru and a sliding TTL do together, at chosen TTLs and capacities: hits, residency, TTFT.
 *
 * Exact (reuse.h says why), O(reused stretches + requests) a point, one thread a TTL. TTFT is replay.h's: uncontended, from
 * the calibration.
 */
#ifndef KVCAST_SURFACE_H
#define KVCAST_SURFACE_H

#include "curve.h"

#include <stdio.h>

struct surface_point {
	int64_t ttl_ns;
	struct curve_point hits; /* `at`: the capacity */
	struct distribution ttft_ms;
};

/* points[t * capacity_count + c] for ttls_ns[t] and capacities[c]; TIME_NEVER_NS and UINT64_MAX are no limit. Needs
 * config.calibration. */
void surface_points(const struct reuse *reuse, const int64_t *ttls_ns, size_t ttl_count, const uint64_t *capacities,
                    size_t capacity_count, struct surface_point *points);

/* A point as text, and back, to the bit; surface_read() gives what stands behind it. */
void surface_write(const struct surface_point *point, FILE *to);
const char *surface_read(struct surface_point *point, const char *text);

#endif
