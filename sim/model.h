/* model.h - the shape of a decoder-only transformer, as far as memory, time and its own arithmetic depend on it.
 *
 * A model is named (one of the presets) or read from a Hugging Face config.json. KV bytes a token: keys and values, for
 * every layer and KV head, at `dtype_bytes` each (bf16: 2).
 *
 * Any decoder's config.json gives the sizes. Running it (kvcast-gpu) takes more: the Llama family, SiLU, RMSNorm and
 * rotary positions that `rope` can say. What stands in the way of that is kept in `lacks`, for whoever wants to run it;
 * forecasts of other families go on without.
 *
 * Sources: config.json of the models named; scaling of rotary frequencies: Llama 3.1's (Grattafiori et al. 2024 and its
 * reference code), LongRoPE's (Ding et al. 2024) as Phi-3 uses it.
 */
#ifndef KVCAST_MODEL_H
#define KVCAST_MODEL_H

#include "base.h"
#include "err.h"

#define MODEL_MOST_PAIRS 64 /* pairs of a head that turn together: head sizes up to 128 */

enum model_rope_kind { MODEL_ROPE_PLAIN, MODEL_ROPE_LLAMA3, MODEL_ROPE_LONG };

struct model_rope {
	double theta;
	enum model_rope_kind kind;
	/* Llama 3: waves longer than original / low are slowed by `factor`, those shorter than original / high are left. */
	double factor, low, high, original;
	/* LongRoPE: divisors of the pairs' frequencies, those for prompts within the original context, and what the turned
	 * queries and keys are multiplied by. */
	double divisors[MODEL_MOST_PAIRS], magnitude;
};

struct model {
	char name[64];
	uint32_t layers, hidden, heads, kv_heads, head_size, intermediate, vocabulary;
	uint32_t dtype_bytes;
	double norm_epsilon;
	bool has_qkv_bias, ties_head; /* Qwen2's biases; the embedding serves as head */
	/* Longest context: what it was made for, its sliding window (within which it sees everything), or what `rope` is good
	 * for, whichever is least. */
	uint32_t most_positions;
	struct model_rope rope;
	char lacks[192]; /* "" or a sentence: why kvcast-gpu cannot run it */
};

/* 0, or -1 and a sentence; `name` is a preset, the path of a config.json, or of a directory that holds one. */
int model_load(struct model *model, const char *name, struct err *err);
/* Whether `name` is such a directory, where weights may be too. */
bool model_is_directory(const char *name);
int64_t model_kv_bytes_per_token(const struct model *model);

/* Radians a position that pair `pair` < head_size / 2 of a head turns by. */
double model_rope_frequency(const struct model *model, uint32_t pair);
/* What turned queries and keys are multiplied by; 1 for all but LongRoPE. */
double model_rope_magnitude(const struct model *model);

#endif
