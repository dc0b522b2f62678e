/* bf16.h - the 16-bit float of weights and caches, as the host holds it: the upper half of a float. */
#ifndef KVCAST_BF16_H
#define KVCAST_BF16_H

#include <stdint.h>

typedef uint16_t bf16_bits;

static inline float bf16_to_float(bf16_bits bits)
{
	union {
		uint32_t bits;
		float value;
	} both = {(uint32_t)bits << 16};
	return both.value;
}

/* To the nearest, ties to even; not a number stays so. */
static inline bf16_bits bf16_from_float(float value)
{
	union {
		float value;
		uint32_t bits;
	} both = {value};
	if (value != value)
		return (bf16_bits)(both.bits >> 16 | 0x40);
	return (bf16_bits)((both.bits + 0x7fff + ((both.bits >> 16) & 1)) >> 16);
}

#endif
