/* llama_weights.h - what weights a model has, and how a Hugging Face directory holds them.
 *
 * Model. Some weights are fused: LLAMA_QKV is the rows of queries, keys and values one after the other, LLAMA_GATE_UP those
 * of gate and up. A directory may hold them so (Phi-3) or apart (Llama, Mistral, Qwen2), in bf16, f16 or f32; they are
 * read as bf16, rounded to the nearest. Opening checks that every weight is there in the shape that the model's config
 * asks for, and that no tensor is left over, which would be a part of the model that is not computed.
 *
 * No CUDA here: llama.c puts them on the device, reference.c computes with them on the CPU.
 */
#ifndef KVCAST_LLAMA_WEIGHTS_H
#define KVCAST_LLAMA_WEIGHTS_H

#include "bf16.h"
#include "model.h"

enum llama_weight { LLAMA_EMBEDDING, LLAMA_NORM_ATTENTION, LLAMA_QKV, LLAMA_QKV_BIAS, LLAMA_OUT, LLAMA_NORM_MLP, LLAMA_GATE_UP,
                    LLAMA_DOWN, LLAMA_NORM_FINAL, LLAMA_HEAD, LLAMA_WEIGHTS };

/* Values in a weight, of one layer where each has its own; matrices are rows of outputs. 0: the model has none. */
size_t llama_weight_count(const struct model *model, enum llama_weight weight);
/* Embedding, last norm and head, which no layer has of its own. */
static inline bool llama_weight_is_shared(enum llama_weight weight)
{
	return weight == LLAMA_EMBEDDING || weight == LLAMA_NORM_FINAL || weight == LLAMA_HEAD;
}

struct llama_weights;

/* NULL and a sentence that names file and tensor, what was found and what was expected. */
struct llama_weights *llama_weights_open(const struct model *model, const char *directory, struct err *err);
void llama_weights_close(struct llama_weights *weights);
/* llama_weight_count() values; a tied head is the embedding. */
void llama_weights_read(const struct llama_weights *weights, enum llama_weight weight, uint32_t layer, bf16_bits *to);

#endif
