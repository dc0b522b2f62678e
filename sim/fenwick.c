#include "fenwick.h"

#include <stdlib.h>

struct fenwick fenwick_open(uint32_t count)
{
	return (struct fenwick){.sums = mem_alloc((size_t)count + 1, sizeof(uint64_t)), .count = count};
}

void fenwick_free(struct fenwick *fenwick)
{
	free(fenwick->sums);
}

void fenwick_add(struct fenwick *fenwick, uint32_t place, int64_t change)
{
	fenwick->whole += (uint64_t)change;
	for (uint32_t i = place + 1; i <= fenwick->count; i += i & -i)
		fenwick->sums[i] += (uint64_t)change;
}

uint64_t fenwick_after(const struct fenwick *fenwick, uint32_t place)
{
	uint64_t up_to = 0;
	for (uint32_t i = place + 1; i > 0; i -= i & -i)
		up_to += fenwick->sums[i];
	return fenwick->whole - up_to;
}
