#include "bits.h"

#include <stdlib.h>

void bits_open(struct bits *bits, uint32_t most)
{
	size_t words[BITS_LEVELS], sum = 0;
	*bits = (struct bits){.levels = 0};
	/* Each level has room for one number more than it needs, for bits_next_word() to look at. */
	for (size_t size = (size_t)most + 1; bits->levels == 0 || size > 1; size = words[bits->levels++])
		sum += words[bits->levels] = size / 64 + 1;
	uint64_t *at = mem_alloc(sum, sizeof(*at));
	for (uint32_t l = 0; l < bits->levels; at += words[l++])
		bits->level[l] = at;
}

void bits_close(struct bits *bits)
{
	free(bits->level[0]);
}

/* The word of `number` is about to get its first member. */
void bits_raise(struct bits *bits, uint32_t number)
{
	for (uint32_t l = 1; l < bits->levels; l++) {
		number >>= 6;
		uint64_t *word = &bits->level[l][number >> 6];
		const uint64_t old = *word;
		*word |= UINT64_C(1) << (number & 63);
		if (old)
			return;
	}
}

/* The word of `number` has lost its last member. */
void bits_lower(struct bits *bits, uint32_t number)
{
	for (uint32_t l = 1; l < bits->levels; l++) {
		number >>= 6;
		uint64_t *word = &bits->level[l][number >> 6];
		*word &= ~(UINT64_C(1) << (number & 63));
		if (*word)
			return;
	}
}

/* The smallest member in the words after that of `number`. */
uint32_t bits_next_word(const struct bits *bits, uint32_t number)
{
	uint32_t at = number;
	for (uint32_t l = 1; l < bits->levels; l++) {
		at = (at >> 6) + 1;
		const uint64_t word = bits->level[l][at >> 6] >> (at & 63);
		if (word == 0)
			continue;
		at += (uint32_t)__builtin_ctzll(word);
		while (l-- > 0)
			at = at << 6 | (uint32_t)__builtin_ctzll(bits->level[l][at]);
		return at;
	}
	return BITS_NONE;
}
