/* link.h - the path to a lower tier: one queue, shared by loads and stores, served in order.
 *
 * A transfer starts when those before it are through, takes bytes / bandwidth, and is there `latency_ns` after that; the
 * next may start while the last one's latency runs. Both directions share the queue. While a link is down nothing starts.
 * Times in ns, bandwidth in bytes/s (INFINITY allowed).
 */
#ifndef KVCAST_LINK_H
#define KVCAST_LINK_H

#include "base.h"

enum link_direction { LINK_READ, LINK_WRITE };

struct link_path {
	double bytes_per_s[2]; /* by direction */
	int64_t latency_ns;
	int64_t down_from_ns, down_until_ns; /* equal: never down */
	int64_t free_at_ns;
	uint64_t bytes[2], transfers[2];
	int64_t busy_ns;
};

/* When a transfer asked for now would arrive. Changes nothing. */
int64_t link_arrival_ns(const struct link_path *link, enum link_direction direction, int64_t now_ns, double bytes);
/* Books it and says when it arrives. */
int64_t link_transfer(struct link_path *link, enum link_direction direction, int64_t now_ns, double bytes);
bool link_is_down(const struct link_path *link, int64_t now_ns);

#endif
