/* Weights from safetensors files: all layouts give the same numbers, and what is damaged or does not fit is told. */
#include "test.h"

#include "llama_weights.h"
#include "make_weights.h"
#include "safetensors.h"
#include "scratch.h"

#include <gsl/gsl_rng.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct make_weights image; /* large */

static const struct model small = {.name = "m", .layers = 2, .hidden = 64, .heads = 4, .kv_heads = 2, .head_size = 16,
                                   .intermediate = 32, .vocabulary = 10, .norm_epsilon = 1e-5, .rope = {.theta = 1e4}};

/* Exact in bf16 and f16, and different wherever name or place are. */
static float value_at(const char *name, uint64_t place)
{
	uint32_t hash = 2166136261u;
	for (const char *at = name; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619u;
	return (float)((int)((hash + place * 7 + place / 31) % 251) - 125) / 8;
}

static void assert_reads(const struct llama_weights *weights, const struct model *m, enum llama_weight weight, uint32_t layer,
                         const char *const *parts, const uint64_t *counts, int part_count)
{
	const size_t count = llama_weight_count(m, weight);
	bf16_bits *bits = malloc(count * sizeof(*bits)), *at = bits;
	char name[96];
	uint64_t sum = 0;
	assert_non_null(bits);
	llama_weights_read(weights, weight, layer, bits);
	for (int p = 0; p < part_count; p++) {
		if (llama_weight_is_shared(weight))
			snprintf(name, sizeof(name), "%s", parts[p]);
		else
			snprintf(name, sizeof(name), "model.layers.%u.%s", layer, parts[p]);
		for (uint64_t i = 0; i < counts[p]; i++)
			assert_float_equal(bf16_to_float(*at++), value_at(name, i), 0);
		sum += counts[p];
	}
	assert_int_equal(sum, count);
	free(bits);
}

static void assert_holds_model(const struct llama_weights *weights, const struct model *m)
{
#define READS(weight, layer, parts, ...)                                                                               \
	assert_reads(weights, m, weight, layer, (const char *const[])parts, (const uint64_t[]){__VA_ARGS__},             \
	             COUNT_OF(((const uint64_t[]){__VA_ARGS__})))
#define LIST(...) {__VA_ARGS__}
	const uint64_t hidden = m->hidden, q = m->heads * m->head_size, k = m->kv_heads * m->head_size, inner = m->intermediate;
	for (uint32_t layer = 0; layer < m->layers; layer++) {
		READS(LLAMA_QKV, layer, LIST("self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"), q * hidden,
		      k * hidden, k * hidden);
		if (m->has_qkv_bias)
			READS(LLAMA_QKV_BIAS, layer, LIST("self_attn.q_proj.bias", "self_attn.k_proj.bias", "self_attn.v_proj.bias"), q, k, k);
		READS(LLAMA_GATE_UP, layer, LIST("mlp.gate_proj.weight", "mlp.up_proj.weight"), inner * hidden, inner * hidden);
		READS(LLAMA_NORM_ATTENTION, layer, LIST("input_layernorm.weight"), hidden);
		READS(LLAMA_OUT, layer, LIST("self_attn.o_proj.weight"), hidden * q);
		READS(LLAMA_NORM_MLP, layer, LIST("post_attention_layernorm.weight"), hidden);
		READS(LLAMA_DOWN, layer, LIST("mlp.down_proj.weight"), hidden * inner);
	}
	READS(LLAMA_EMBEDDING, 0, LIST("model.embed_tokens.weight"), m->vocabulary * hidden);
	READS(LLAMA_NORM_FINAL, 0, LIST("model.norm.weight"), hidden);
	if (m->ties_head)
		READS(LLAMA_HEAD, 0, LIST("model.embed_tokens.weight"), m->vocabulary * hidden);
	else
		READS(LLAMA_HEAD, 0, LIST("lm_head.weight"), m->vocabulary * hidden);
}

static void every_layout_gives_the_same(void **state)
{
	static const struct make_weights_layout layouts[] = {{"BF16", false, false}, {"F16", false, false}, {"F32", false, true},
	                                        {"BF16", true, false},  {"BF16", true, true}};
	(void)state;
	for (size_t l = 0; l < COUNT_OF(layouts); l++) {
		for (int variant = 0; variant < 4; variant++) {
			struct model m = small;
			struct err err;
			m.ties_head = variant & 1;
			m.has_qkv_bias = variant & 2 && !layouts[l].is_fused;
			make_weights_model(&m, &layouts[l], value_at);
			struct llama_weights *weights = llama_weights_open(&m, "m", &err);
			if (!weights)
				fail_msg("%s", err.text);
			assert_holds_model(weights, &m);
			llama_weights_close(weights);
		}
	}
}

static void assert_refused(const struct model *m, const char *sentence)
{
	struct err err = {""};
	struct llama_weights *weights = llama_weights_open(m, "m", &err);
	assert_null(weights);
	assert_string_equal(err.text, sentence);
}

static void what_does_not_fit_is_told(void **state)
{
	static const struct make_weights_layout plain = {"BF16", false, false}, sharded = {"BF16", false, true};
	struct model m = small;
	(void)state;
	make_weights_model(&small, &plain, value_at);
	m.intermediate = 48;
	assert_refused(&m, "m/model.safetensors: tensor \"model.layers.0.mlp.gate_proj.weight\" has shape [32, 64]; expected [48, "
	                   "64] by config.json.");
	m = small;
	m.has_qkv_bias = true;
	assert_refused(&m, "m: tensor \"model.layers.0.self_attn.q_proj.bias\" is missing; expected one of shape [64].");
	m = small;
	m.layers = 1;
	assert_refused(&m, "m/model.safetensors: tensor \"model.layers.1.input_layernorm.weight\" has no place in a model of 1 layers as "
	                   "config.json describes it.");
	m.layers = 3;
	assert_refused(&m, "m: tensor \"model.layers.2.input_layernorm.weight\" is missing; expected one of shape [64].");
	m = small;
	strcpy(m.lacks, "its weights are quantized; expected bf16, f16 or f32.");
	assert_refused(&m, "--model m: it cannot be run: its weights are quantized; expected bf16, f16 or f32.");
	make_weights_tensor(&image, "BF16", "model.embed_tokens.weight", 10, 64, value_at);
	make_weights_write(&image, "m/model.safetensors");
	m = small;
	m.layers = 0;
	assert_refused(&m, "m: tensor \"model.norm.weight\" is missing; expected one of shape [64].");
	make_weights_tensor(&image, "BF16", "model.embed_tokens.weight", 10, 64, value_at);
	make_weights_entry(&image, "model.norm.weight", "I16", 64, 0, 128);
	make_weights_write(&image, "m/model.safetensors");
	assert_refused(&m, "m/model.safetensors: tensor \"model.norm.weight\" is I16; expected BF16, F16 or F32.");
	remove("m/model.safetensors");
	assert_refused(&small, "m holds no weights: expected model.safetensors or model.safetensors.index.json.");
	make_weights_model(&small, &sharded, value_at);
	remove("m/1.safetensors");
	assert_refused(&small, "m/1.safetensors cannot be opened: No such file or directory.");
	make_weights_tensor(&image, "BF16", "model.norm.weight", 64, 0, value_at);
	make_weights_write(&image, "m/1.safetensors");
	assert_refused(&small, "m/1.safetensors: tensor \"model.norm.weight\" is also in m/rest.safetensors.");
	make_weights_tensor(&image, "BF16", "elsewhere", 64, 0, value_at);
	make_weights_write(&image, "m/1.safetensors");
	assert_refused(&small, "m/1.safetensors: tensor \"model.layers.1.input_layernorm.weight\" is missing; "
	                       "model.safetensors.index.json says that it is there.");
	scratch_write("m/model.safetensors.index.json", "{\"weight_map\": {\"a\": \"../b\"}}", 29);
	assert_refused(&small, "m/model.safetensors.index.json: tensor \"a\" has no file's name; expected one in the same directory.");
	scratch_write("m/model.safetensors.index.json", "{\"weight_map\"", 13);
	assert_refused(&small, "m/model.safetensors.index.json:1: not JSON: ':' expected near end of file.");
}

/* A file of this header, `length` of which its first bytes claim, and `data_size` bytes of data. */
static void write_damaged(const char *header, uint64_t length, size_t data_size)
{
	unsigned char bytes[4096] = {0};
	const size_t size = strlen(header);
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(length >> 8 * i);
	memcpy(bytes + 8, header, size);
	scratch_write("m/model.safetensors", bytes, 8 + size + data_size);
}

static void damage_is_told(void **state)
{
#define AT(offsets) "{\"a\": {\"dtype\": \"F32\", \"shape\": [2, 3], \"data_offsets\": [" offsets "]}}"
#define BOTH(one, two)                                                                                                 \
	"{\"a\": {\"dtype\": \"U8\", \"shape\": [4], \"data_offsets\": [" one "]}, \"b\": {\"dtype\": \"U8\", \"shape\": [4], "   \
	"\"data_offsets\": [" two "]}}"
#define FILE_SAYS "m/model.safetensors: "
	static const struct {
		const char *header;
		uint64_t more; /* than the header has, by its own account */
		size_t data;
		const char *sentence;
	} cases[] = {
	        {AT("0, 24"), 1000, 24, FILE_SAYS "its header has 1065 bytes by its own account, but the file has 97, and a header at most "
	                                          "104857600."},
	        {AT("0, 24"), UINT64_MAX - 65, 24,
	         FILE_SAYS "its header has 18446744073709551615 bytes by its own account, but the file has 97, and a header at most "
	                   "104857600."},
	        {AT("0, 24"), 0, 20, FILE_SAYS "tensor \"a\": it ends at byte 24 of the data, of which the file has 20: the file is cut "
	                                       "short, or the offsets are wrong."},
	        {AT("0, 24"), 0, 25, FILE_SAYS "1 bytes at its end belong to no tensor."},
	        {AT("4, 24"), 0, 24, FILE_SAYS "tensor \"a\": it takes 20 bytes by its offsets, but 24 by its shape and type."},
	        {AT("24, 0"), 0, 24, FILE_SAYS "tensor \"a\": field \"data_offsets\" is no pair of whole numbers, the first not above the "
	                                       "second."},
	        {AT("-8, 16"), 0, 24, FILE_SAYS "tensor \"a\": field \"data_offsets\" is no pair of whole numbers, the first not above the "
	                                        "second."},
	        {AT("1, 25"), 0, 25, FILE_SAYS "tensor \"a\" begins at byte 1 of the data; expected 0, where the one before it ends."},
	        {BOTH("0, 4", "2, 6"), 0, 8, FILE_SAYS "tensor \"b\" begins at byte 2 of the data; expected 4, where the one before it ends."},
	        {BOTH("0, 4", "5, 9"), 0, 9, FILE_SAYS "tensor \"b\" begins at byte 5 of the data; expected 4, where the one before it ends."},
	        {"{\"a\": {\"dtype\": \"X9\", \"shape\": [], \"data_offsets\": [0, 4]}}", 0, 4,
	         FILE_SAYS "tensor \"a\": field \"dtype\" is X9; expected BF16, F16, F32 or another of the format's types."},
	        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [1e3], \"data_offsets\": [0, 4]}}", 0, 4,
	         FILE_SAYS "tensor \"a\": field \"shape\" has a side that is no whole number, or too large."},
	        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [4294967296, 4294967296], \"data_offsets\": [0, 4]}}", 0, 4,
	         FILE_SAYS "tensor \"a\": field \"shape\" has a side that is no whole number, or too large."},
	        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [1, 1, 1, 1, 1], \"data_offsets\": [0, 4]}}", 0, 4,
	         FILE_SAYS "tensor \"a\": field \"shape\" is no list of at most 4 numbers."},
	        {"[1, 2, 3]", 0, 4, FILE_SAYS "its header is no JSON object."},
	        {"{\"a\": ", 0, 0, FILE_SAYS "its header is no JSON object: unexpected token near end of file."},
	        {"{\"a\": 1, \"a\": 2}", 0, 0, FILE_SAYS "its header is no JSON object: duplicate object key near '\"a\"'."},
	};
	struct err err;
	(void)state;
	mkdir("m", 0700);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		write_damaged(cases[i].header, strlen(cases[i].header) + cases[i].more, cases[i].data);
		assert_null(safetensors_open("m", &err));
		assert_string_equal(err.text, cases[i].sentence);
	}
	scratch_write("m/model.safetensors", "1234567", 7);
	assert_null(safetensors_open("m", &err));
	assert_string_equal(err.text, "m/model.safetensors is no safetensors file: expected a file of at least 8 bytes.");
	write_damaged("{\"__metadata__\": {\"format\": \"pt\"}}  ", 36, 0);
	struct safetensors *none = safetensors_open("m", &err);
	assert_non_null(none);
	assert_null(safetensors_find(none, "a"));
	safetensors_close(none);
}

/* Halves of every kind, and floats where rounding decides. */
static void rounding_is_to_the_nearest(void **state)
{
	static const struct {
		uint16_t half;
		float value;
	} halves[] = {{0x0000, 0}, {0x8000, -0.0f}, {0x0001, 0x1p-24f}, {0x83ff, -0x3ffp-24f}, {0x0400, 0x1p-14f}, {0x3c00, 1},
	              {0xc500, -5}, {0x7bff, 65504}, {0x7c00, INFINITY}, {0xfc00, -INFINITY}, {0x7e00, NAN}};
	static const struct {
		float value;
		uint16_t bits;
	} floats[] = {{1, 0x3f80}, {1 + 0x1p-8f, 0x3f80}, {1 + 0x3p-8f, 0x3f82}, {1 + 0x1p-8f + 0x1p-20f, 0x3f81}, {-3.0e38f, 0xff62}};
	struct model m = {.name = "m", .hidden = COUNT_OF(halves), .vocabulary = 1, .ties_head = true};
	bf16_bits bits[COUNT_OF(halves)];
	struct err err;
	(void)state;
	mkdir("m", 0700);
	for (size_t i = 0; i < COUNT_OF(halves); i++)
		memcpy(image.data + 2 * i, &halves[i].half, 2);
	make_weights_entry(&image, "model.norm.weight", "F16", COUNT_OF(halves), 0, 2 * COUNT_OF(halves));
	make_weights_entry(&image, "model.embed_tokens.weight", "F16", 1, COUNT_OF(halves), 2 * COUNT_OF(halves));
	make_weights_write(&image, "m/model.safetensors");
	struct llama_weights *weights = llama_weights_open(&m, "m", &err);
	if (!weights)
		fail_msg("%s", err.text);
	llama_weights_read(weights, LLAMA_NORM_FINAL, 0, bits);
	for (size_t i = 0; i < COUNT_OF(halves); i++)
		assert_int_equal(bits[i], isnan(halves[i].value) ? 0x7fc0 : bf16_from_float(halves[i].value));
	llama_weights_close(weights);
	for (size_t i = 0; i < COUNT_OF(floats); i++)
		assert_int_equal(bf16_from_float(floats[i].value), floats[i].bits);
}

/* Whatever its bytes, a file is refused, or every tensor of it can be read. */
static void no_header_leads_astray(void **state)
{
	static const char *const words[] = {"0", "1", "-1", "24", "9223372036854775807", "18446744073709551615", "\"a\"", "[", "]", "{", "}",
	                                    ",", ":", "null", "\"F32\"", "1e9", "\"shape\"", " ", "4294967296"};
	static const char header[] = BOTH("0, 4", "4, 8");
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	unsigned opened = 0, sum = 0;
	(void)state;
	mkdir("m", 0700);
	for (int round = 0; round < 20000; round++) {
		char bytes[512];
		size_t size = 8 + sizeof(header) - 1 + 8;
		memset(bytes, 0, sizeof(bytes));
		bytes[0] = (char)(sizeof(header) - 1);
		memcpy(bytes + 8, header, sizeof(header) - 1);
		for (unsigned long change = gsl_rng_uniform_int(rng, 4); change > 0; change--) {
			const size_t at = gsl_rng_uniform_int(rng, size);
			const char *word = words[gsl_rng_uniform_int(rng, COUNT_OF(words))];
			if (gsl_rng_uniform_int(rng, 2))
				bytes[at] = (char)gsl_rng_uniform_int(rng, 256);
			else if (at + strlen(word) <= size)
				memcpy(bytes + at, word, strlen(word));
		}
		if (gsl_rng_uniform_int(rng, 8) == 0)
			size = gsl_rng_uniform_int(rng, size + 1);
		scratch_write("m/model.safetensors", bytes, size);
		struct err err = {""};
		struct safetensors *tensors = safetensors_open("m", &err);
		if (!tensors) {
			assert_true(strlen(err.text) > 20 && err.text[strlen(err.text) - 1] == '.');
			continue;
		}
		size_t count;
		const struct safetensors_tensor *all = safetensors_all(tensors, &count);
		for (size_t t = 0; t < count; t++) {
			for (uint64_t i = 0; i < all[t].count; i++)
				sum += all[t].data[i];
		}
		opened++;
		safetensors_close(tensors);
	}
	gsl_rng_free(rng);
	assert_in_range(opened, 1000, 19000);
	assert_true(sum > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_layout_gives_the_same),
	        cmocka_unit_test(what_does_not_fit_is_told),
	        cmocka_unit_test(damage_is_told),
	        cmocka_unit_test(rounding_is_to_the_nearest),
	        cmocka_unit_test(no_header_leads_astray),
	};
	return cmocka_run_group_tests(tests, scratch_enter, make_weights_leave);
}
