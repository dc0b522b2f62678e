/* model.h - the shape of a decoder-only transformer, as far as memory and time depend on it.
 *
 * A model is named (one of the presets) or read from a Hugging Face config.json. KV bytes a token: keys and values, for
 * every layer and KV head, at `dtype_bytes` each (bf16: 2).
 */
#ifndef KVCAST_MODEL_H
#define KVCAST_MODEL_H

#include "base.h"
#include "err.h"

struct model {
	char name[64];
	uint32_t layers, hidden, heads, kv_heads, head_size, intermediate, vocabulary;
	uint32_t dtype_bytes;
	double rope_theta, norm_epsilon;
	bool has_qkv_bias, ties_head; /* Qwen2's biases; the embedding serves as head */
};

/* 0, or -1 and a sentence; `name` is a preset, or the path of a config.json. */
int model_load(struct model *model, const char *name, struct err *err);
int64_t model_kv_bytes_per_token(const struct model *model);

#endif
