#include "test.h"

#include "make_weights.h"

#include "bf16.h"
#include "scratch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Of normal numbers and zero. */
static uint16_t to_f16(float value)
{
	union {
		float value;
		uint32_t bits;
	} both = {value};
	if (value == 0)
		return 0;
	return (uint16_t)((both.bits >> 16 & 0x8000) | (((both.bits >> 23 & 255) - 112) << 10) | (both.bits >> 13 & 0x3ff));
}

void make_weights_entry(struct make_weights *image, const char *name, const char *type, uint64_t rows, uint64_t columns,
                        size_t bytes)
{
	char shape[64];
	snprintf(shape, sizeof(shape), columns ? "%" PRIu64 ", %" PRIu64 : "%" PRIu64, rows, columns);
	image->header_size +=
	        (size_t)snprintf(image->header + image->header_size, sizeof(image->header) - image->header_size,
	                         "%s\"%s\": {\"dtype\": \"%s\", \"shape\": [%s], \"data_offsets\": [%zu, %zu]}",
	                         image->header_size ? ", " : "{", name, type, shape, image->data_size, image->data_size + bytes);
	assert_true(image->header_size < sizeof(image->header));
	image->data_size += bytes;
	assert_true(image->data_size <= sizeof(image->data));
}

void make_weights_tensor(struct make_weights *image, const char *type, const char *name, uint64_t rows, uint64_t columns,
                         make_weights_value *value)
{
	const uint64_t count = rows * (columns ? columns : 1);
	const size_t size = strcmp(type, "F32") == 0 ? 4 : 2;
	unsigned char *to = image->data + image->data_size;
	make_weights_entry(image, name, type, rows, columns, count * size);
	for (uint64_t i = 0; i < count; i++) {
		const float exact = value(name, i);
		const uint16_t half = strcmp(type, "F16") == 0 ? to_f16(exact) : bf16_from_float(exact);
		memcpy(to + i * size, size == 4 ? (const void *)&exact : (const void *)&half, size);
	}
}

static void put_fused(struct make_weights *image, const char *name, const char *const *parts, const uint64_t *rows, int count,
                      uint64_t columns, make_weights_value *value)
{
	uint64_t all_rows = 0;
	unsigned char *to = image->data + image->data_size;
	for (int p = 0; p < count; p++)
		all_rows += rows[p];
	make_weights_entry(image, name, "BF16", all_rows, columns, all_rows * columns * 2);
	for (int p = 0; p < count; p++) {
		for (uint64_t i = 0; i < rows[p] * columns; i++, to += 2) {
			const bf16_bits bits = bf16_from_float(value(parts[p], i));
			memcpy(to, &bits, 2);
		}
	}
}

void make_weights_write(struct make_weights *image, const char *path)
{
	unsigned char *bytes = malloc(8 + image->header_size + 1 + image->data_size);
	const uint64_t length = image->header_size + 1;
	assert_non_null(bytes);
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(length >> 8 * i);
	memcpy(bytes + 8, image->header, image->header_size);
	bytes[8 + image->header_size] = '}';
	memcpy(bytes + 8 + length, image->data, image->data_size);
	scratch_write(path, bytes, 8 + (size_t)length + image->data_size);
	free(bytes);
	image->header_size = image->data_size = 0;
}

static void put_layer(struct make_weights *image, const struct model *m, const struct make_weights_layout *layout,
                      uint32_t layer, make_weights_value *value)
{
	char text[3][96];
	const char *const names[] = {text[0], text[1], text[2]};
	const uint64_t rows[] = {m->heads * m->head_size, m->kv_heads * m->head_size, m->kv_heads * m->head_size};
	const uint64_t inner[] = {m->intermediate, m->intermediate};
	char name[96];
#define NAME(to, tail) snprintf(to, 96, "model.layers.%u.%s", layer, tail)
	for (int i = 0; i < 3; i++)
		snprintf(text[i], 96, "model.layers.%u.self_attn.%c_proj.weight", layer, "qkv"[i]);
	NAME(name, "self_attn.qkv_proj.weight");
	if (layout->is_fused)
		put_fused(image, name, names, rows, 3, m->hidden, value);
	for (int i = 0; i < 3 && !layout->is_fused; i++)
		make_weights_tensor(image, layout->type, names[i], rows[i], m->hidden, value);
	for (int i = 0; i < 3 && m->has_qkv_bias; i++) {
		snprintf(name, 96, "model.layers.%u.self_attn.%c_proj.bias", layer, "qkv"[i]);
		make_weights_tensor(image, layout->type, name, rows[i], 0, value);
	}
	NAME(text[0], "mlp.gate_proj.weight");
	NAME(text[1], "mlp.up_proj.weight");
	NAME(name, "mlp.gate_up_proj.weight");
	if (layout->is_fused)
		put_fused(image, name, names, inner, 2, m->hidden, value);
	for (int i = 0; i < 2 && !layout->is_fused; i++)
		make_weights_tensor(image, layout->type, names[i], inner[i], m->hidden, value);
	make_weights_tensor(image, layout->type, (NAME(name, "input_layernorm.weight"), name), m->hidden, 0, value);
	make_weights_tensor(image, layout->type, (NAME(name, "self_attn.o_proj.weight"), name), m->hidden, m->heads * m->head_size, value);
	make_weights_tensor(image, layout->type, (NAME(name, "post_attention_layernorm.weight"), name), m->hidden, 0, value);
	make_weights_tensor(image, layout->type, (NAME(name, "mlp.down_proj.weight"), name), m->hidden, m->intermediate, value);
#undef NAME
}

void make_weights_model(const struct model *m, const struct make_weights_layout *layout, make_weights_value *value)
{
	static const char index[] = "{\"weight_map\": {\"model.norm.weight\": \"rest.safetensors\","
	                            "\"model.layers.0.input_layernorm.weight\": \"0.safetensors\","
	                            "\"model.layers.1.input_layernorm.weight\": \"1.safetensors\"}}";
	mkdir("m", 0700);
	remove("m/model.safetensors");
	remove("m/model.safetensors.index.json");
	struct make_weights *image = mem_alloc(1, sizeof(*image));
	for (uint32_t layer = 0; layer < m->layers; layer++) {
		put_layer(image, m, layout, layer, value);
		if (layout->is_sharded)
			make_weights_write(image, layer ? "m/1.safetensors" : "m/0.safetensors");
	}
	make_weights_tensor(image, layout->type, "model.embed_tokens.weight", m->vocabulary, m->hidden, value);
	make_weights_tensor(image, layout->type, "model.norm.weight", m->hidden, 0, value);
	if (!m->ties_head)
		make_weights_tensor(image, layout->type, "lm_head.weight", m->vocabulary, m->hidden, value);
	if (layout->is_sharded)
		scratch_write("m/model.safetensors.index.json", index, sizeof(index) - 1);
	make_weights_write(image, layout->is_sharded ? "m/rest.safetensors" : "m/model.safetensors");
	free(image);
}

int make_weights_leave(void **state)
{
	static const char *const files[] = {"m/model.safetensors", "m/model.safetensors.index.json", "m/0.safetensors", "m/1.safetensors",
	                                    "m/rest.safetensors", "m"};
	for (size_t i = 0; i < COUNT_OF(files); i++)
		remove(files[i]);
	return scratch_leave(state);
}
