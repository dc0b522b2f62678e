#include "link.h"

#include <math.h>

static int64_t duration_ns(const struct link_path *link, enum link_direction direction, double bytes)
{
	return isinf(link->bytes_per_s[direction]) ? 0 : llround(bytes / link->bytes_per_s[direction] * (double)NS_PER_S);
}

static int64_t start_ns(const struct link_path *link, int64_t now_ns)
{
	const int64_t start = now_ns > link->free_at_ns ? now_ns : link->free_at_ns;
	return start >= link->down_from_ns && start < link->down_until_ns ? link->down_until_ns : start;
}

int64_t link_arrival_ns(const struct link_path *link, enum link_direction direction, int64_t now_ns, double bytes)
{
	return start_ns(link, now_ns) + duration_ns(link, direction, bytes) + link->latency_ns;
}

int64_t link_transfer(struct link_path *link, enum link_direction direction, int64_t now_ns, double bytes)
{
	const int64_t start = start_ns(link, now_ns), duration = duration_ns(link, direction, bytes);
	link->free_at_ns = start + duration;
	link->busy_ns += duration;
	link->bytes[direction] += (uint64_t)llround(bytes);
	link->transfers[direction]++;
	return link->free_at_ns + link->latency_ns;
}

bool link_is_down(const struct link_path *link, int64_t now_ns)
{
	return now_ns >= link->down_from_ns && now_ns < link->down_until_ns;
}
