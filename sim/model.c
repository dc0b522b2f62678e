#include "model.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Shapes from the models' published config.json files. */
static const struct model presets[] = {
        {"tiny", 2, 256, 4, 2, 64, 512, 512, 2, 1e4, 1e-5, false, false},
        {"qwen2.5-0.5b", 24, 896, 14, 2, 64, 4864, 151936, 2, 1e6, 1e-6, true, true},
        {"qwen2.5-1.5b", 28, 1536, 12, 2, 128, 8960, 151936, 2, 1e6, 1e-6, true, true},
        {"phi-3-mini", 32, 3072, 32, 32, 96, 8192, 32064, 2, 1e4, 1e-5, false, false},
        {"mistral-7b", 32, 4096, 32, 8, 128, 14336, 32768, 2, 1e6, 1e-5, false, false},
        {"llama-3.1-8b", 32, 4096, 32, 8, 128, 14336, 128256, 2, 5e5, 1e-5, false, false},
        {"llama-3.1-70b", 80, 8192, 64, 8, 128, 28672, 128256, 2, 5e5, 1e-5, false, false},
};

#define PRESET_NAMES "tiny, qwen2.5-0.5b, qwen2.5-1.5b, phi-3-mini, mistral-7b, llama-3.1-8b, llama-3.1-70b"

static int read_count(const json_t *root, const char *key, uint32_t *value, struct err *err)
{
	const json_int_t number = json_integer_value(json_object_get(root, key));
	if (number < 1 || number > 1 << 24)
		return err_set(err, "field \"%s\" is missing or no whole number from 1 to 16777216.", key);
	*value = (uint32_t)number;
	return 0;
}

static int read_config(struct model *model, const json_t *root, struct err *err)
{
	if (read_count(root, "num_hidden_layers", &model->layers, err) < 0 ||
	    read_count(root, "hidden_size", &model->hidden, err) < 0 ||
	    read_count(root, "num_attention_heads", &model->heads, err) < 0 ||
	    read_count(root, "intermediate_size", &model->intermediate, err) < 0 ||
	    read_count(root, "vocab_size", &model->vocabulary, err) < 0)
		return -1;
	model->kv_heads = model->heads;
	const json_t *kv_heads = json_object_get(root, "num_key_value_heads");
	if (kv_heads && !json_is_null(kv_heads) && read_count(root, "num_key_value_heads", &model->kv_heads, err) < 0)
		return -1;
	model->head_size = model->hidden / model->heads;
	const json_t *head_size = json_object_get(root, "head_dim");
	if (head_size && !json_is_null(head_size) && read_count(root, "head_dim", &model->head_size, err) < 0)
		return -1;
	const char *dtype = json_string_value(json_object_get(root, "torch_dtype"));
	if (!dtype)
		dtype = json_string_value(json_object_get(root, "dtype"));
	model->dtype_bytes = dtype && strcmp(dtype, "float32") == 0 ? 4 : 2;
	return 0;
}

int model_load(struct model *model, const char *name, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(presets); i++) {
		if (strcmp(presets[i].name, name) == 0) {
			*model = presets[i];
			return 0;
		}
	}
	json_error_t problem;
	json_t *root = json_load_file(name, JSON_REJECT_DUPLICATES, &problem);
	if (!root && json_error_code(&problem) == json_error_cannot_open_file)
		return err_set(err, "--model %s: no such config.json, and no preset of that name (" PRESET_NAMES ").", name);
	if (!root)
		return err_set(err, "%s:%d: not JSON: %s.", name, problem.line, problem.text);
	*model = (struct model){.layers = 0};
	snprintf(model->name, sizeof(model->name), "%s", name);
	const int failed = read_config(model, root, err);
	json_decref(root);
	return failed ? err_prefix(err, "%s: ", name) : 0;
}

int64_t model_kv_bytes_per_token(const struct model *model)
{
	return (int64_t)2 * model->layers * model->kv_heads * model->head_size * model->dtype_bytes;
}
