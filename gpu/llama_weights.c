#include "llama_weights.h"

#include "safetensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PARTS 3

struct llama_weights {
	struct model model;
	struct safetensors *tensors;
	char *directory;
	bool fuses_qkv, fuses_gate_up;
};

/* A tensor that holds rows of a weight; columns 0: a vector. */
struct part {
	char name[96];
	uint64_t rows, columns;
};

size_t llama_weight_count(const struct model *m, enum llama_weight weight)
{
	const size_t hidden = m->hidden, qkv_rows = (size_t)(m->heads + 2 * m->kv_heads) * m->head_size;
	switch (weight) {
	case LLAMA_EMBEDDING:
	case LLAMA_HEAD:
		return (size_t)m->vocabulary * hidden;
	case LLAMA_NORM_ATTENTION:
	case LLAMA_NORM_MLP:
	case LLAMA_NORM_FINAL:
		return hidden;
	case LLAMA_QKV:
		return qkv_rows * hidden;
	case LLAMA_QKV_BIAS:
		return m->has_qkv_bias ? qkv_rows : 0;
	case LLAMA_OUT:
		return hidden * m->heads * m->head_size;
	case LLAMA_GATE_UP:
		return 2 * (size_t)m->intermediate * hidden;
	case LLAMA_DOWN:
		return (size_t)m->intermediate * hidden;
	case LLAMA_WEIGHTS:
		break;
	}
	return 0;
}

static struct part layer_part(uint32_t layer, const char *name, uint64_t rows, uint64_t columns)
{
	struct part part = {.rows = rows, .columns = columns};
	snprintf(part.name, sizeof(part.name), "model.layers.%" PRIu32 ".%s", layer, name);
	return part;
}

static struct part shared_part(const char *name, uint64_t rows, uint64_t columns)
{
	struct part part = {.rows = rows, .columns = columns};
	snprintf(part.name, sizeof(part.name), "%s", name);
	return part;
}

static uint32_t list_qkv(const struct llama_weights *w, uint32_t layer, bool is_bias, struct part *parts)
{
	static const char *const names[][2] = {{"self_attn.q_proj.weight", "self_attn.q_proj.bias"},
	                                       {"self_attn.k_proj.weight", "self_attn.k_proj.bias"},
	                                       {"self_attn.v_proj.weight", "self_attn.v_proj.bias"},
	                                       {"self_attn.qkv_proj.weight", "self_attn.qkv_proj.bias"}};
	const struct model *m = &w->model;
	const uint64_t columns = is_bias ? 0 : m->hidden;
	const uint64_t of_queries = (uint64_t)m->heads * m->head_size, of_keys = (uint64_t)m->kv_heads * m->head_size;
	if (w->fuses_qkv) {
		parts[0] = layer_part(layer, names[3][is_bias], of_queries + 2 * of_keys, columns);
		return 1;
	}
	for (int i = 0; i < 3; i++)
		parts[i] = layer_part(layer, names[i][is_bias], i == 0 ? of_queries : of_keys, columns);
	return 3;
}

static uint32_t list_gate_up(const struct llama_weights *w, uint32_t layer, struct part *parts)
{
	const struct model *m = &w->model;
	if (w->fuses_gate_up) {
		parts[0] = layer_part(layer, "mlp.gate_up_proj.weight", 2 * (uint64_t)m->intermediate, m->hidden);
		return 1;
	}
	parts[0] = layer_part(layer, "mlp.gate_proj.weight", m->intermediate, m->hidden);
	parts[1] = layer_part(layer, "mlp.up_proj.weight", m->intermediate, m->hidden);
	return 2;
}

/* The tensors of a weight, in the order of its rows. */
static uint32_t list_parts(const struct llama_weights *w, enum llama_weight weight, uint32_t layer, struct part *parts)
{
	const struct model *m = &w->model;
	switch (weight) {
	case LLAMA_EMBEDDING:
		parts[0] = shared_part("model.embed_tokens.weight", m->vocabulary, m->hidden);
		return 1;
	case LLAMA_NORM_ATTENTION:
		parts[0] = layer_part(layer, "input_layernorm.weight", m->hidden, 0);
		return 1;
	case LLAMA_QKV:
		return list_qkv(w, layer, false, parts);
	case LLAMA_QKV_BIAS:
		return m->has_qkv_bias ? list_qkv(w, layer, true, parts) : 0;
	case LLAMA_OUT:
		parts[0] = layer_part(layer, "self_attn.o_proj.weight", m->hidden, (uint64_t)m->heads * m->head_size);
		return 1;
	case LLAMA_NORM_MLP:
		parts[0] = layer_part(layer, "post_attention_layernorm.weight", m->hidden, 0);
		return 1;
	case LLAMA_GATE_UP:
		return list_gate_up(w, layer, parts);
	case LLAMA_DOWN:
		parts[0] = layer_part(layer, "mlp.down_proj.weight", m->hidden, m->intermediate);
		return 1;
	case LLAMA_NORM_FINAL:
		parts[0] = shared_part("model.norm.weight", m->hidden, 0);
		return 1;
	case LLAMA_HEAD:
		parts[0] = shared_part(m->ties_head ? "model.embed_tokens.weight" : "lm_head.weight", m->vocabulary, m->hidden);
		return 1;
	case LLAMA_WEIGHTS:
		break;
	}
	return 0;
}

/* "[128, 64]" */
static const char *format_shape(char *text, size_t size, uint32_t rank, const uint64_t *shape)
{
	size_t at = (size_t)snprintf(text, size, "[");
	for (uint32_t i = 0; i < rank; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%" PRIu64, i ? ", " : "", shape[i]);
	snprintf(text + at, size - at, "]");
	return text;
}

static int check_part(const struct llama_weights *w, const struct part *part, struct err *err)
{
	char found[128], expected[128];
	const uint64_t shape[] = {part->rows, part->columns};
	const uint32_t rank = part->columns ? 2 : 1;
	const struct safetensors_tensor *tensor = safetensors_find(w->tensors, part->name);
	format_shape(expected, sizeof(expected), rank, shape);
	if (!tensor)
		return err_set(err, "%s: tensor \"%s\" is missing; expected one of shape %s.", w->directory, part->name, expected);
	if (tensor->rank != rank || memcmp(tensor->shape, shape, rank * sizeof(*shape)) != 0)
		return err_set(err, "%s: tensor \"%s\" has shape %s; expected %s by config.json.", tensor->path, part->name,
		               format_shape(found, sizeof(found), tensor->rank, tensor->shape), expected);
	if (strcmp(tensor->type, "BF16") != 0 && strcmp(tensor->type, "F16") != 0 && strcmp(tensor->type, "F32") != 0)
		return err_set(err, "%s: tensor \"%s\" is %s; expected BF16, F16 or F32.", tensor->path, part->name, tensor->type);
	return 0;
}

/* Rotary frequencies are computed; older files hold them too. A tied head may be written out. */
static bool may_be_left(const struct llama_weights *w, const char *name)
{
	static const char frequencies[] = ".rotary_emb.inv_freq";
	const size_t length = strlen(name), end = sizeof(frequencies) - 1;
	return (length >= end && strcmp(name + length - end, frequencies) == 0) ||
	       (w->model.ties_head && strcmp(name, "lm_head.weight") == 0);
}

static int check_all(const struct llama_weights *w, struct err *err)
{
	size_t count;
	const struct safetensors_tensor *tensors = safetensors_all(w->tensors, &count);
	bool *used = mem_alloc(count, sizeof(*used));
	int failed = 0;
	for (int weight = 0; weight < LLAMA_WEIGHTS; weight++) {
		const uint32_t layers = llama_weight_is_shared((enum llama_weight)weight) ? 1 : w->model.layers;
		for (uint32_t layer = 0; layer < layers && !failed; layer++) {
			struct part parts[MOST_PARTS];
			const uint32_t part_count = list_parts(w, (enum llama_weight)weight, layer, parts);
			for (uint32_t i = 0; i < part_count && !failed; i++) {
				failed = check_part(w, &parts[i], err);
				if (!failed)
					used[safetensors_find(w->tensors, parts[i].name) - tensors] = true;
			}
		}
	}
	for (size_t i = 0; i < count && !failed; i++) {
		if (!used[i] && !may_be_left(w, tensors[i].name))
			failed = err_set(err, "%s: tensor \"%.200s\" has no place in a model of %u layers as config.json describes it.",
			                 tensors[i].path, tensors[i].name, w->model.layers);
	}
	free(used);
	return failed;
}

struct llama_weights *llama_weights_open(const struct model *model, const char *directory, struct err *err)
{
	if (model->lacks[0]) {
		err_set(err, "--model %s: it cannot be run: %s", model->name, model->lacks);
		return NULL;
	}
	struct llama_weights *weights = mem_alloc(1, sizeof(*weights));
	weights->model = *model;
	weights->directory = mem_copy_text(directory);
	weights->tensors = safetensors_open(directory, err);
	if (weights->tensors) {
		weights->fuses_qkv = safetensors_find(weights->tensors, "model.layers.0.self_attn.qkv_proj.weight");
		weights->fuses_gate_up = safetensors_find(weights->tensors, "model.layers.0.mlp.gate_up_proj.weight");
		if (check_all(weights, err) == 0)
			return weights;
	}
	llama_weights_close(weights);
	return NULL;
}

void llama_weights_close(struct llama_weights *weights)
{
	if (!weights)
		return;
	safetensors_close(weights->tensors);
	free(weights->directory);
	free(weights);
}

static float from_f16(uint16_t bits)
{
	const uint32_t exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
	union {
		uint32_t bits;
		float value;
	} both;
	if (exponent == 0)
		both.value = (float)fraction * 0x1p-24f;
	else
		both.bits = (exponent == 31 ? 255u : exponent + 112) << 23 | fraction << 13;
	both.bits |= (uint32_t)(bits & 0x8000) << 16;
	return both.value;
}

static void copy_rounded(bf16_bits *to, const struct safetensors_tensor *tensor)
{
	if (strcmp(tensor->type, "BF16") == 0) {
		memcpy(to, tensor->data, tensor->count * sizeof(*to));
		return;
	}
	const bool is_half = strcmp(tensor->type, "F16") == 0;
	for (uint64_t i = 0; i < tensor->count; i++) {
		uint16_t half;
		float value;
		if (is_half) {
			memcpy(&half, tensor->data + i * sizeof(half), sizeof(half));
			value = from_f16(half);
		} else {
			memcpy(&value, tensor->data + i * sizeof(value), sizeof(value));
		}
		to[i] = bf16_from_float(value);
	}
}

void llama_weights_read(const struct llama_weights *weights, enum llama_weight weight, uint32_t layer, bf16_bits *to)
{
	struct part parts[MOST_PARTS];
	const uint32_t count = list_parts(weights, weight, layer, parts);
	for (uint32_t i = 0; i < count; i++) {
		const struct safetensors_tensor *tensor = safetensors_find(weights->tensors, parts[i].name);
		copy_rounded(to, tensor);
		to += tensor->count;
	}
}
