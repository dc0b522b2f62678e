#include "holders.h"

#include <stdlib.h>

void holders_open(struct holders *holders, uint32_t block_count)
{
	*holders = (struct holders){.counts = mem_alloc(block_count, sizeof(*holders->counts))};
}

void holders_close(struct holders *holders)
{
	free(holders->counts);
	*holders = (struct holders){0};
}

void holders_add(struct holders *holders, struct path path, uint32_t count)
{
	struct trace_run stretch;
	if (!holders->counts)
		return;
	for (struct path_walk walk = path_forward((struct path){path.runs, count}, 0); path_next(&walk, &stretch);) {
		for (uint32_t i = 0; i < stretch.count; i++)
			holders->repeated_blocks += holders->counts[stretch.first + i]++ > 0;
	}
}

void holders_remove(struct holders *holders, struct path path, uint32_t count)
{
	struct trace_run stretch;
	if (!holders->counts)
		return;
	for (struct path_walk walk = path_forward((struct path){path.runs, count}, 0); path_next(&walk, &stretch);) {
		for (uint32_t i = 0; i < stretch.count; i++)
			holders->repeated_blocks -= --holders->counts[stretch.first + i] > 0;
	}
}
