#include "attention_rounds.h"

#include <stdio.h>
#include <string.h>

#define EVEN_ROUNDS 4
#define FORM "tile_tokens=%u tile_blocks=%u blocks_at_once=%u most_blocks=%u part_tokens=%u"

bool attention_rounds_parse(struct attention_rounds *rounds, const char *text)
{
	uint32_t *const numbers[] = {&rounds->tile_tokens, &rounds->tile_blocks, &rounds->blocks_at_once, &rounds->most_blocks,
	                             &rounds->part_tokens};
	char again[128];
	if (sscanf(text, FORM, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]) != (int)COUNT_OF(numbers))
		return false;
	/* Only what reads as it is written: no signs, no spaces, nothing too large. */
	snprintf(again, sizeof(again), FORM, *numbers[0], *numbers[1], *numbers[2], *numbers[3], *numbers[4]);
	if (strcmp(again, text) != 0)
		return false;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		if (*numbers[i] < 1 || *numbers[i] > ATTENTION_ROUNDS_MOST)
			return false;
	}
	return true;
}

static uint64_t rounds_of(const struct attention_rounds *rounds, uint64_t blocks)
{
	return (blocks + rounds->blocks_at_once - 1) / rounds->blocks_at_once;
}

uint64_t attention_rounds_parts(const struct attention_rounds *rounds, uint64_t tiles, uint64_t longest)
{
	const uint64_t blocks = tiles * rounds->tile_blocks, sensible = longest / rounds->part_tokens;
	uint64_t best = 1, fewest = rounds_of(rounds, blocks);
	/* fewest / best is the shortest time so far. */
	for (uint64_t parts = 2; parts <= sensible && blocks * parts <= rounds->most_blocks; parts++) {
		const uint64_t these = rounds_of(rounds, blocks * parts);
		if (10 * these * best < 9 * fewest * parts) {
			best = parts;
			fewest = these;
		}
	}
	return best;
}

u128 attention_rounds_pairs(const struct attention_rounds *rounds, u128 pairs, uint64_t tiles, uint64_t longest)
{
	const uint64_t parts = attention_rounds_parts(rounds, tiles, longest), blocks = tiles * rounds->tile_blocks * parts;
	const uint64_t room = rounds_of(rounds, blocks) * rounds->blocks_at_once;
	const uint64_t keys = longest + (parts > 1 ? parts * rounds->part_cost_tokens : 0);
	const uint64_t joined = parts > 1 ? parts * parts * rounds->join_cost_tokens : 0;
	const u128 time = (u128)room * keys + (u128)rounds->blocks_at_once * joined;
	/* Divided first where all of it would not go into 128 bits. */
	return time < ((u128)1 << 127) / (pairs + 1) ? pairs * time / blocks / longest : pairs / longest * time / blocks;
}

u128 attention_rounds_uneven(const struct attention_rounds *rounds, u128 decodes, u128 uneven)
{
	const bool many = rounds->blocks_at_once > 0 && decodes * rounds->tile_blocks > rounds->blocks_at_once;
	return many ? uneven / EVEN_ROUNDS : uneven;
}
