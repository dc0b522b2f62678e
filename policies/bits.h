/* bits.h - a set of numbers below a fixed size, in which the next member after a number is found in a few steps.
 *
 * Model. A bit a number, and above them a bit for each word that is not 0, and so on until one word is left. Adding and
 * dropping touch one word, and those above only when it turns from or to 0; looking for a member goes up until a word
 * has one and down again: at most twice the levels, 3 for 200,000 numbers and 5 for a billion.
 */
#ifndef KVCAST_BITS_H
#define KVCAST_BITS_H

#include "base.h"

#define BITS_LEVELS 6 /* 64^6 > 2^32 */
#define BITS_NONE   UINT32_MAX

struct bits {
	uint64_t *level[BITS_LEVELS]; /* [0] the numbers themselves */
	uint32_t levels;
};

/* The empty set of numbers up to and including `most`. */
void bits_open(struct bits *bits, uint32_t most);
void bits_close(struct bits *bits);

void bits_raise(struct bits *bits, uint32_t number);
void bits_lower(struct bits *bits, uint32_t number);
uint32_t bits_next_word(const struct bits *bits, uint32_t number);

static inline bool bits_has(const struct bits *bits, uint32_t number)
{
	return bits->level[0][number >> 6] >> (number & 63) & 1;
}

static inline void bits_add(struct bits *bits, uint32_t number)
{
	uint64_t *word = &bits->level[0][number >> 6];
	if (*word == 0)
		bits_raise(bits, number);
	*word |= UINT64_C(1) << (number & 63);
}

static inline void bits_drop(struct bits *bits, uint32_t number)
{
	uint64_t *word = &bits->level[0][number >> 6];
	*word &= ~(UINT64_C(1) << (number & 63));
	if (*word == 0)
		bits_lower(bits, number);
}

/* Asks memory for what adding the number will write to. */
static inline void bits_prefetch(const struct bits *bits, uint32_t number)
{
	__builtin_prefetch(&bits->level[0][number >> 6], 1);
}

/* The smallest member that is `from` or above; BITS_NONE if there is none. */
static inline uint32_t bits_next(const struct bits *bits, uint32_t from)
{
	const uint64_t word = bits->level[0][from >> 6] >> (from & 63);
	return word ? from + (uint32_t)__builtin_ctzll(word) : bits_next_word(bits, from);
}

/* The largest member; BITS_NONE if there is none. */
static inline uint32_t bits_last(const struct bits *bits)
{
	uint32_t at = 0;
	for (uint32_t l = bits->levels; l-- > 0;) {
		const uint64_t word = bits->level[l][at];
		if (word == 0)
			return BITS_NONE;
		at = at << 6 | (63 - (uint32_t)__builtin_clzll(word));
	}
	return at;
}

#endif
