/* kernels.h - the model's own kernels beside the matrix products and attention (attention.h).
 *
 * Activations are bf16, row by token; every kernel computes in float32 and rounds once at its end. All are launched on
 * `stream` and return at once. Shapes: `tokens` rows; `hidden`, `intermediate` and head sizes are multiples of 8, hidden at
 * most 8,192 (model.c refuses others).
 */
#ifndef KVCAST_KERNELS_H
#define KVCAST_KERNELS_H

#include "gpu.h"

#ifdef __cplusplus
extern "C" {
#endif

/* out[t] = table[ids[t]] */
void kernels_embed(bf16_bits *out, const bf16_bits *table, const uint32_t *ids, uint32_t tokens, uint32_t hidden,
                   cudaStream_t stream);

/* out = in / rms(in) x weight. Source: RMSNorm, Zhang and Sennrich 2019. */
void kernels_norm(bf16_bits *out, const bf16_bits *in, const bf16_bits *weight, uint32_t tokens, uint32_t hidden, float epsilon,
                  cudaStream_t stream);

/* Where a layer's keys and values lie: [token slot][kv head][head size], a slot being block x block_tokens + place. */
struct kernels_pool {
	bf16_bits *keys, *values;
};

/* Cosine and sine of position x frequency[i] radians, i < head_size / 2, times `magnitude`: float pairs
 * [tokens][head_size / 2], the same for every layer. */
void kernels_turns(float *turns, const uint32_t *positions, const float *frequency, float magnitude, uint32_t tokens,
                   uint32_t head_size, cudaStream_t stream);

/* Turns queries and keys of qkv ([tokens][heads + 2 kv_heads][head_size]), queries in place; writes keys and values to the
 * pool. Halves of a head are paired (i, i + head_size / 2), as Hugging Face's Llama does. Turns and slots have been on the
 * device since before the kernel launched last. */
void kernels_rope(bf16_bits *qkv, struct kernels_pool pool, const float *turns, const uint32_t *slots, uint32_t tokens,
                  uint32_t heads, uint32_t kv_heads, uint32_t head_size, cudaStream_t stream);

/* out = silu(gate) x up, of gate_up [tokens][2][intermediate] */
void kernels_swiglu(bf16_bits *out, const bf16_bits *gate_up, uint32_t tokens, uint32_t intermediate, cudaStream_t stream);

/* out[r] = in[rows[r]] */
void kernels_gather(bf16_bits *out, const bf16_bits *in, const uint32_t *rows, uint32_t count, uint32_t hidden,
                    cudaStream_t stream);

/* best[r] = the first index of the largest of logits[r][0..vocabulary-1] */
void kernels_argmax(uint32_t *best, const float *logits, uint32_t rows, uint32_t vocabulary, cudaStream_t stream);

/* Fills with values of mean 0 and the given deviation, a function of seed and index alone (uniform, so bounded). */
void kernels_random(bf16_bits *out, size_t count, uint64_t seed, float mean, float deviation, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
