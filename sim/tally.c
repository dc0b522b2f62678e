#include "tally.h"

#include <stdlib.h>

struct tally tally_open(uint32_t count)
{
	return (struct tally){.sums = mem_alloc((size_t)count + 1, sizeof(uint64_t)), .count = count};
}

void tally_free(struct tally *tally)
{
	free(tally->sums);
}

void tally_add(struct tally *tally, uint32_t place, int64_t change)
{
	tally->whole += (uint64_t)change;
	for (uint32_t i = place + 1; i <= tally->count; i += i & -i)
		tally->sums[i] += (uint64_t)change;
}

uint64_t tally_after(const struct tally *tally, uint32_t place)
{
	uint64_t up_to = 0;
	for (uint32_t i = place + 1; i > 0; i -= i & -i)
		up_to += tally->sums[i];
	return tally->whole - up_to;
}
