/* path.h - a request's blocks, root to tail, and the walks over them in stretches of consecutive ids.
 *
 * A path is the first `block_count` blocks of its runs: a request that was cut short, or whose partial tail is not
 * cached, uses less than its runs hold. The runs belong to the trace.
 */
#ifndef KVCAST_PATH_H
#define KVCAST_PATH_H

#include "trace.h"

struct path {
	const struct trace_run *runs;
	uint32_t block_count;
};

struct path_walk {
	const struct trace_run *run;
	uint32_t offset, left;
};

/* From block `skip` of the path on. */
static inline struct path_walk path_forward(struct path path, uint32_t skip)
{
	struct path_walk walk = {path.runs, skip, path.block_count - skip};
	while (walk.left && walk.offset >= walk.run->count)
		walk.offset -= walk.run++->count;
	return walk;
}

/* The next stretch in order; false at the tail. */
static inline bool path_next(struct path_walk *walk, struct trace_run *stretch)
{
	if (walk->left == 0)
		return false;
	const uint32_t rest = walk->run->count - walk->offset;
	*stretch = (struct trace_run){walk->run->first + walk->offset, rest < walk->left ? rest : walk->left};
	walk->left -= stretch->count;
	walk->offset = 0;
	walk->run++;
	return true;
}

/* From the tail to the root: path_previous gives stretches in reverse, each still as (first, count). */
static inline struct path_walk path_backward(struct path path)
{
	struct path_walk walk = {path.runs, path.block_count, path.block_count};
	while (walk.left && walk.offset > walk.run->count)
		walk.offset -= walk.run++->count;
	return walk;
}

static inline bool path_previous(struct path_walk *walk, struct trace_run *stretch)
{
	if (walk->left == 0)
		return false;
	*stretch = (struct trace_run){walk->run->first, walk->offset};
	walk->left -= walk->offset;
	if (walk->left)
		walk->offset = (--walk->run)->count;
	return true;
}

/* The deepest block; BLOCK_NONE where there is none. */
static inline block_id path_last(struct path path)
{
	struct path_walk walk = path_backward(path);
	struct trace_run stretch;
	return path_previous(&walk, &stretch) ? stretch.first + stretch.count - 1 : BLOCK_NONE;
}

/* The id at `place`, which is below block_count. */
static inline block_id path_block(struct path path, uint32_t place)
{
	const struct trace_run *run = path.runs;
	while (place >= run->count)
		place -= run++->count;
	return run->first + place;
}

#endif
