#include "link.h"

#include <math.h>

/* However slow a link and long its queue, times can be added up; an engine stops long before (engine.h). */
#define LONGEST_NS (INT64_MAX / 4)

static int64_t transfer_ns(const struct link_path *link, enum link_direction direction, double bytes)
{
	const double ns = bytes / link->bytes_per_s[direction] * (double)NS_PER_S;
	return ns < (double)LONGEST_NS ? llround(ns) : LONGEST_NS;
}

/* The outage that holds at `time_ns`; NULL if the link is up. */
static const struct link_outage *outage_at(const struct link_path *link, int64_t time_ns)
{
	for (uint32_t i = 0; i < link->outage_count; i++) {
		if (time_ns >= link->outages[i].from_ns && time_ns < link->outages[i].until_ns)
			return &link->outages[i];
	}
	return NULL;
}

static int64_t start_ns(const struct link_path *link, int64_t now_ns)
{
	int64_t start = now_ns > link->free_at_ns ? now_ns : link->free_at_ns;
	for (const struct link_outage *outage; (outage = outage_at(link, start));)
		start = outage->until_ns;
	return start;
}

int64_t link_arrival_ns(const struct link_path *link, enum link_direction direction, int64_t now_ns, double bytes_before,
                        double bytes)
{
	struct link_path then = *link;
	if (bytes_before > 0)
		link_transfer(&then, direction, now_ns, bytes_before);
	return start_ns(&then, now_ns) + transfer_ns(link, direction, bytes) + link->latency_ns;
}

int64_t link_transfer_in(struct link_path *link, enum link_direction direction, int64_t now_ns, double bytes,
                         int64_t duration_ns)
{
	const int64_t start = start_ns(link, now_ns);
	if (start != link->free_at_ns)
		link->busy_since_ns = start;
	link->free_at_ns = start < INT64_MAX / 2 ? start + duration_ns : start;
	link->busy_ns += link->free_at_ns - start;
	link->bytes[direction] += (uint64_t)llround(bytes);
	link->transfers[direction]++;
	return link->free_at_ns;
}

int64_t link_transfer(struct link_path *link, enum link_direction direction, int64_t now_ns, double bytes)
{
	return link_transfer_in(link, direction, now_ns, bytes, transfer_ns(link, direction, bytes)) + link->latency_ns;
}

bool link_is_down(const struct link_path *link, int64_t now_ns)
{
	return outage_at(link, now_ns) != NULL;
}
