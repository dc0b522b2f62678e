/* attention.h - attention over the paged KV pool, for prompts and for decoding.
 *
 * Model. A batch is a list of sequences. Sequence s has `new_tokens` queries, the rows first_row.. of qkv, at positions
 * context_tokens .. context_tokens + new_tokens - 1; query at position p attends to the keys at positions 0..p of its own
 * sequence, which lie in the pool through its block table (table[first_block + position / block_tokens] names the block).
 * Its own keys and values are in the pool already; what else its last block holds is finite numbers. With grouped queries, heads / kv_heads queries share a key head.
 *
 * qkv: bf16 [rows][heads + 2 kv_heads][head_size], of which queries are read. out: bf16 [rows][heads][head_size].
 * Softmax is scaled by 1 / sqrt(head_size), in float32; weights are rounded to bf16 for the product with values.
 * Head sizes 64, 96 and 128; block_tokens a multiple of 16; at most 8 queries a key head.
 *
 * Source of the scheme: FlashAttention-2 (Dao 2023), online softmax over tiles of keys, and on sm_90a FlashAttention-3
 * (Shah et al. 2024); splitting decode over the context as in FlashDecoding (Dao et al. 2023).
 */
#ifndef KVCAST_ATTENTION_H
#define KVCAST_ATTENTION_H

#include "kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

struct attention_sequence {
	uint32_t first_row, new_tokens, context_tokens, first_block;
};

/* A tile of queries that thread blocks compute, one a key head: the queries of `sequence` that share the key head, token by
 * token, from `first_row` on. There are new_tokens x heads / kv_heads of them. */
struct attention_tile {
	uint32_t sequence, first_row;
};

struct attention_shape {
	uint32_t heads, kv_heads, head_size, block_tokens;
};

/* Queries in a tile of attention_prefill: the caller lists tiles of that many. */
#define ATTENTION_TILE 128

/* Multiprocessors to keep busy: an H200's. On another chip only the balance suffers. */
#define ATTENTION_CHIP 132

/* Of attention_prefill where keys are cut into parts: a part's least tokens, and the most thread blocks. */
#define ATTENTION_PART_TOKENS 256
#define ATTENTION_MOST_BLOCKS 512

/* All arrays are on the device. The keys of every tile are cut into `parts`, attention_prefill_parts() for the longest
 * context and its new tokens; `work` holds attention_prefill_bytes(). */
void attention_prefill(bf16_bits *out, const bf16_bits *qkv, struct kernels_pool pool,
                       const struct attention_sequence *sequences, const uint32_t *table, const struct attention_tile *tiles,
                       uint32_t tile_count, uint32_t parts, void *work, struct attention_shape shape, cudaStream_t stream);
uint32_t attention_prefill_parts(uint32_t tile_count, uint32_t longest, struct attention_shape shape);
size_t attention_prefill_bytes(struct attention_shape shape);

/* Sequences of one new token each. `work` holds attention_decode_bytes(); `longest` is the longest context + 1. */
void attention_decode(bf16_bits *out, const bf16_bits *qkv, struct kernels_pool pool,
                      const struct attention_sequence *sequences, const uint32_t *table, uint32_t count, uint32_t longest,
                      void *work, struct attention_shape shape, cudaStream_t stream);
size_t attention_decode_bytes(uint32_t count, struct attention_shape shape);

#ifdef __cplusplus
}
#endif

#endif
