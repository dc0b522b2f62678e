/* vary.h - a sweep over keys of lower tiers, over the fleet, or over its pace: --vary NAME.KEY=VALUE,VALUE...
 *
 *   --vary disk.size=500GB,1TB,2TB --vary disk.ttl=none,static:ttl=5m,{static:ttl=1h,mode=absolute}
 *
 *   --vary replicas=1,2,4 --vary router=round-robin,prefix-load:alpha=0.5
 *
 *   --vary steps=0.97,1,1.03
 *
 * `steps` are factors on the duration of every step, from 0.5 to 2, to see how far a forecast moves when its calibration is as
 * much off; decisions.h makes use of that. They also hold for what is decided by such durations (a load that is faster than
 * computing), not for links, and power's slowdown is the same share of a step.
 *
 * KEY is `size` or one of --tier's keys. Each --vary is an axis; the points are their product, the last axis innermost.
 * Values are parted as in a list of SPECs: a piece that starts with `key=` belongs to the one before, and braces hold a
 * value together. The first tier's size and policies have lists of their own (--capacity, --evict, --ttl).
 */
#ifndef KVCAST_VARY_H
#define KVCAST_VARY_H

#include "router.h"
#include "tier_config.h"

#define VARY_MOST 4 /* axes */
#define VARY_POINTS_MOST 4096

struct vary_axis {
	char *name, *key; /* "disk.size"; key points behind the dot, and at the name where it has none: replicas, router, steps */
	char **values;
	size_t count;
};

struct vary {
	struct vary_axis axes[VARY_MOST];
	size_t count;
};

/* Adds an axis; 0, or -1 and a sentence. `text` is what follows --vary. */
int vary_add(struct vary *vary, const char *text, struct err *err);
void vary_free(struct vary *vary);
/* 1 without axes. */
size_t vary_points(const struct vary *vary);
const char *vary_value(const struct vary *vary, size_t axis, size_t point);

/* The values that the axes `replicas`, `router` and `steps` have at a point; NULL without such an axis. */
const char *vary_replicas(const struct vary *vary, size_t point);
const char *vary_router(const struct vary *vary, size_t point);
const char *vary_steps(const struct vary *vary, size_t point);

/* A value of `steps`: 0, or -1 and a sentence. */
int vary_read_steps(const char *text, double *factor, struct err *err);

/* The tiers at a point, from their texts as on the command line; the caller frees each. 0, or -1 and a sentence: then none
 * is left to free. */
int vary_chain(const struct vary *vary, size_t point, const char *const *tier_texts, uint32_t tier_count,
               struct tier_config *chain, struct err *err);

#endif
