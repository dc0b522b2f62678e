/* llama.h - a decoder-only transformer of the Llama family on the GPU: weights, a paged KV pool, and the step.
 *
 * Model. Every layer: RMSNorm, grouped-query attention with rotary positions, RMSNorm, SwiGLU, both added to a residual
 * stream; at the end RMSNorm and a head. Weights, activations and KV are bf16, sums float32. The matrices of queries, keys
 * and values are one ([heads + 2 kv_heads] x head_size rows), and so are gate and up.
 *
 * A step computes new tokens of some sequences: prompts' chunks, decodes, or both. Their keys and values go to the pool's
 * blocks that the batch's tables name; attention reads what is there. Who gets which block is the caller's business.
 *
 * Weights come from files, or are seeded random numbers (timing does not depend on their values): uniform, with deviations
 * that keep activations near 1. Not thread safe; one stream.
 */
#ifndef KVCAST_LLAMA_H
#define KVCAST_LLAMA_H

#include "attention.h"
#include "base.h"
#include "err.h"
#include "gemm_choices.h"
#include "llama_weights.h"

struct llama;

struct llama_options {
	const struct llama_weights *weights; /* used while opening; NULL: random ones */
	uint64_t seed;                       /* of random ones */
	uint32_t block_tokens; /* a multiple of 16 */
	uint32_t pool_blocks;
	uint32_t most_tokens;    /* of a step */
	uint32_t most_sequences; /* of a step */
	uint32_t most_table;     /* blocks in all tables of a step */
};

/* What a step computes; host arrays. A sequence's rows are first_row .. first_row + new_tokens - 1 of `ids`, in order of
 * sequences and without gaps. */
struct llama_batch {
	const struct attention_sequence *sequences;
	uint32_t sequence_count;
	const uint32_t *ids;
	uint32_t token_count;
	const uint32_t *table;
	uint32_t table_count;
};

/* How many blocks a pool can have in the device's free memory beside weights and steps; pool_blocks is not looked at. */
uint64_t llama_room(const struct model *model, const struct llama_options *options);
/* NULL and a sentence for a shape that the kernels do not take, or where the device has too little memory. */
struct llama *llama_open(const struct model *model, const struct llama_options *options, struct err *err);
void llama_close(struct llama *llama);
/* Whether it was opened with the same blocks, and with as much of everything or more. */
bool llama_fits(const struct llama *llama, const struct llama_options *options);
const struct model *llama_model(const struct llama *llama);
cudaStream_t llama_stream(const struct llama *llama);

/* Makes the plans for steps of so many tokens and sequences, and has their kernels loaded, so that timed ones find them.
 * Overwrites activations. */
void llama_prepare(struct llama *llama, uint32_t tokens, uint32_t sequences);

/* A product's part and rows, and its time with cuBLASLt's first choice and with the fastest. */
struct llama_tuning {
	uint32_t rows;
	int part; /* enum llama_part */
	double first_ms, best_ms;
};

/* Has matrix products of steps to come run with cuBLASLt's fastest algorithms, timed here, where gemm.h says that they hold:
 * layers' to 8,192 rows and beyond, the head's to 256 sequences, however few a step of this model has, so that all who run a model
 * on a device choose for the same shapes. Takes some seconds. Another process may choose otherwise, and results then differ in
 * their last bits. `tell`, where not NULL, hears of every product, part by part for 16 rows, 32 and so on. -1 and a sentence where
 * memory is lacking. */
int llama_tune(struct llama *llama, void (*tell)(void *context, const struct llama_tuning *tuning), void *context, struct err *err);
/* From now on products have whole tiles of rows (gemm_choices.h), as they have once they are tuned: of two numbers of rows that fill as
 * many tiles cuBLASLt makes the smaller up to 10 % slower than the larger (NOTES.md), and a step takes as long for both. Results are the
 * same but for the algorithm. */
void llama_pad(struct llama *llama);
/* The same as llama_tune by a file (gemm_choices.h), so that processes choose alike: what it says, where it is; else products are tuned and it is
 * written. -1 and a sentence, also for a file that is damaged or of another model, device or cuBLASLt. */
int llama_take_products(struct llama *llama, const char *path, void (*tell)(void *context, const struct llama_tuning *tuning),
                        void *context, struct err *err);
/* Of the algorithms chosen; 0 where all are cuBLASLt's first choices. */
uint64_t llama_products_checksum(const struct llama *llama);
/* As gemm_missed(). */
size_t llama_products_missed(const struct llama *llama, struct gemm_shape *shape);

/* Begins a step. best[s] will be the likeliest next token of sequence s and, where `logits` is not NULL, logits[s] its
 * vocabulary's values; both are host arrays and valid after llama_wait(). */
void llama_step(struct llama *llama, const struct llama_batch *batch, uint32_t *best, float *logits);
void llama_wait(struct llama *llama);

/* What a step is made of, in its order: all but the last once in every layer. */
enum llama_part { LLAMA_PART_NORM_ATTENTION, LLAMA_PART_QKV, LLAMA_PART_ROPE, LLAMA_PART_ATTENTION, LLAMA_PART_OUT,
                  LLAMA_PART_NORM_MLP, LLAMA_PART_GATE_UP, LLAMA_PART_SWIGLU, LLAMA_PART_DOWN, LLAMA_PART_HEAD, LLAMA_PARTS };
#define LLAMA_PART_IS_PRODUCT(part)                                                                                    \
	((part) == LLAMA_PART_QKV || (part) == LLAMA_PART_OUT || (part) == LLAMA_PART_GATE_UP || (part) == LLAMA_PART_DOWN || \
	 (part) == LLAMA_PART_HEAD)

/* Runs one part of a step in all layers, one after the other, on what the steps before left behind: milliseconds of the
 * device's clock. For timing; the pool's keys and values at the batch's new tokens are overwritten. */
double llama_time_part(struct llama *llama, const struct llama_batch *batch, enum llama_part part);

/* A layer's part of the pool on the device, for checks and copies: [slot][kv_heads][head_size]. */
struct kernels_pool llama_pool(const struct llama *llama, uint32_t layer);
/* Bytes of one block over all layers, keys and values. */
size_t llama_block_bytes(const struct llama *llama);
uint32_t llama_block_tokens(const struct llama *llama);
/* Fills what a step writes, logits too, with not-a-numbers: what it does not write is seen then. */
void llama_poison(struct llama *llama);
/* Fills the whole pool with random keys and values, for timing over cached prefixes. */
void llama_fill_pool(struct llama *llama, uint64_t seed);

/* Copies a weight to the host: rows x columns bf16 as listed in enum llama_weight. `to` has room for it. */
void llama_read_weight(const struct llama *llama, enum llama_weight weight, uint32_t layer, bf16_bits *to);

#endif
