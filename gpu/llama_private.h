/* llama_private.h - what llama.c (weights, pool, room) and llama_step.c (steps) share. */
#ifndef KVCAST_LLAMA_PRIVATE_H
#define KVCAST_LLAMA_PRIVATE_H

#include "gemm.h"
#include "gemv.h"
#include "llama.h"

struct layer {
	bf16_bits *weights[LLAMA_WEIGHTS]; /* those that every layer has of its own */
	struct kernels_pool pool;
};

struct llama {
	struct model model;
	struct llama_options options;
	cudaStream_t stream;
	struct gemm *gemm;
	struct layer *layers;
	bf16_bits *embedding, *norm_final, *head;
	float *frequency;
	bool pads; /* products have whole tiles of rows; what the rows beyond a step's hold is nobody's business */
	/* Activations; all hold most_tokens rows, padded. */
	bf16_bits *residual, *normed, *qkv, *attended, *gate_up, *activated;
	float *turns;
	bf16_bits *last_rows;
	float *logits;
	uint32_t *best;
	/* A step's description: filled in pinned host memory, then copied. */
	uint8_t *host_step, *device_step;
	size_t step_bytes;
	void *prefill_work, *decode_work;
};

/* Rows of a step's products. */
static inline uint32_t llama_product_rows(const struct llama *llama, uint32_t rows)
{
	return llama->pads ? gemm_choices_padded(rows) : rows;
}

static inline uint32_t llama_qkv_rows(const struct model *model)
{
	return (model->heads + 2 * model->kv_heads) * model->head_size;
}

static inline struct attention_shape llama_attention_shape(const struct llama *llama)
{
	return (struct attention_shape){llama->model.heads, llama->model.kv_heads, llama->model.head_size,
	                                llama->options.block_tokens};
}

/* Bytes of a step's description, for llama_open() to make room for. */
size_t llama_step_bytes(const struct llama *llama);

#endif
