/* link.h - the path to a lower tier: one queue, shared by loads and stores, served in order.
 *
 * A transfer starts when those before it are through, takes bytes / bandwidth, and is there `latency_ns` after that; the
 * next may start while the last one's latency runs. Both directions share the queue. While a link is down nothing starts;
 * what has started goes on. Times in ns, bandwidth in bytes/s (INFINITY allowed).
 */
#ifndef KVCAST_LINK_H
#define KVCAST_LINK_H

#include "base.h"

#define LINK_OUTAGE_MOST 16

enum link_direction { LINK_READ, LINK_WRITE };

/* Down from from_ns until right before until_ns, which is finite. */
struct link_outage {
	int64_t from_ns, until_ns;
};

struct link_path {
	double bytes_per_s[2]; /* by direction */
	int64_t latency_ns;
	struct link_outage outages[LINK_OUTAGE_MOST];
	uint32_t outage_count;
	int64_t free_at_ns, busy_since_ns; /* without a break */
	uint64_t bytes[2], transfers[2];
	int64_t busy_ns;
};

/* When a transfer asked for now would arrive, after `bytes_before` of others that are yet to be asked for. Changes nothing. */
int64_t link_arrival_ns(const struct link_path *link, enum link_direction direction, int64_t now_ns, double bytes_before,
                        double bytes);
/* Books it and says when it arrives. */
int64_t link_transfer(struct link_path *link, enum link_direction direction, int64_t now_ns, double bytes);
/* The same for a transfer of which it is known that it takes `duration_ns`, latency included. */
int64_t link_transfer_in(struct link_path *link, enum link_direction direction, int64_t now_ns, double bytes,
                         int64_t duration_ns);
bool link_is_down(const struct link_path *link, int64_t now_ns);

#endif
