/* attention_rounds.h - attention to what is cached goes in rounds, as a device runs only so many thread blocks at a time.
 *
 * Prompts. The queries of a sequence's new tokens are worked on in tiles of tile_tokens, each by tile_blocks thread blocks (one for each
 * key head); all tiles of a step run together, blocks_at_once at a time. So 17 tiles of 8 blocks take two rounds on 132
 * multiprocessors, as 33 do. Where tiles are few, the keys of each are cut into parts, which are thread blocks of their own: as many as
 * make the rounds times their length least, where more parts count only if they save a tenth; no part has fewer than part_tokens keys
 * of the longest sequence, and there are at most most_blocks blocks then. Where they are cut, a round takes part_cost_tokens keys
 * longer, as its parts have to be begun; and for each part of a tile as long as a round of join_cost_tokens keys, to be put together.
 *
 * What comes of it is the number of pairs that the rounds have room for: as many as there are, where all blocks are at work to the end.
 *
 * Decodes. Each sequence is one tile, and cut into as many parts as any other, so that those of short ones wait for those of
 * the longest. Where the tiles alone are more blocks than run at a time, there are as many parts as make four rounds, which
 * evens three quarters of that out.
 *
 * Source: gpu/attention_prefill.cu and attention_decode.cu, whose rules these are; FlashAttention's kernels have rounds, too
 * (their "waves"), and FlashDecoding cuts keys so.
 */
#ifndef KVCAST_ATTENTION_ROUNDS_H
#define KVCAST_ATTENTION_ROUNDS_H

#include "base.h"

#define ATTENTION_ROUNDS_MOST 4096u /* of each number */

/* blocks_at_once 0: nothing is known of rounds, and the rest means nothing; else all but the costs are at least 1. */
struct attention_rounds {
	uint32_t tile_tokens, tile_blocks, blocks_at_once, most_blocks, part_tokens, part_cost_tokens, join_cost_tokens;
};

/* "tile_tokens=32 tile_blocks=8 blocks_at_once=132 most_blocks=512 part_tokens=256"; the costs stay. False: it is none. */
bool attention_rounds_parse(struct attention_rounds *rounds, const char *text);
/* Into how many parts the keys of `tiles` tiles are cut, the longest sequence having `longest` tokens. */
uint64_t attention_rounds_parts(const struct attention_rounds *rounds, uint64_t tiles, uint64_t longest);
/* For `pairs` of new and cached tokens, the new ones filling `tiles` > 0 tiles, the longest sequence having `longest` > 0 tokens. */
u128 attention_rounds_pairs(const struct attention_rounds *rounds, u128 pairs, uint64_t tiles, uint64_t longest);
/* What is waited for of the `uneven` tokens by which `decodes` contexts are shorter than the longest; all, where nothing is known
 * of rounds. */
u128 attention_rounds_uneven(const struct attention_rounds *rounds, u128 decodes, u128 uneven);

#endif
