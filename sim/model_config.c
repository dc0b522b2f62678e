#include "model_config.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void lack(struct model *model, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The first reason stays. */
static void lack(struct model *model, const char *format, ...)
{
	va_list args;
	if (model->lacks[0])
		return;
	va_start(args, format);
	vsnprintf(model->lacks, sizeof(model->lacks), format, args);
	va_end(args);
}

static int read_count(const json_t *root, const char *key, uint32_t *value, struct err *err)
{
	const json_int_t number = json_integer_value(json_object_get(root, key));
	if (number < 1 || number > 1 << 24)
		return err_set(err, "field \"%s\" is missing or no whole number from 1 to 16777216.", key);
	*value = (uint32_t)number;
	return 0;
}

/* A field that may be absent or null, and leaves `value` as it is then. */
static int read_optional_count(const json_t *root, const char *key, uint32_t *value, struct err *err)
{
	const json_t *field = json_object_get(root, key);
	return field && !json_is_null(field) ? read_count(root, key, value, err) : 0;
}

static int read_sizes(struct model *model, const json_t *root, struct err *err)
{
	if (read_count(root, "num_hidden_layers", &model->layers, err) < 0 ||
	    read_count(root, "hidden_size", &model->hidden, err) < 0 ||
	    read_count(root, "num_attention_heads", &model->heads, err) < 0 ||
	    read_count(root, "intermediate_size", &model->intermediate, err) < 0 ||
	    read_count(root, "vocab_size", &model->vocabulary, err) < 0)
		return -1;
	model->kv_heads = model->heads;
	model->head_size = model->hidden / model->heads;
	if (read_optional_count(root, "num_key_value_heads", &model->kv_heads, err) < 0 ||
	    read_optional_count(root, "head_dim", &model->head_size, err) < 0)
		return -1;
	const char *dtype = json_string_value(json_object_get(root, "torch_dtype"));
	if (!dtype)
		dtype = json_string_value(json_object_get(root, "dtype"));
	model->dtype_bytes = dtype && strcmp(dtype, "float32") == 0 ? 4 : 2;
	return 0;
}

static void read_family(struct model *model, const json_t *root)
{
	static const char *const families[] = {"LlamaForCausalLM", "MistralForCausalLM", "Phi3ForCausalLM", "Qwen2ForCausalLM"};
	const char *name = json_string_value(json_array_get(json_object_get(root, "architectures"), 0));
	bool known = false;
	for (size_t i = 0; i < COUNT_OF(families); i++)
		known = known || (name && strcmp(name, families[i]) == 0);
	if (!known)
		lack(model, "\"architectures\" names %.60s; expected LlamaForCausalLM, MistralForCausalLM, Phi3ForCausalLM or "
		            "Qwen2ForCausalLM.", name ? name : "none");
	model->has_qkv_bias = name && strcmp(name, "Qwen2ForCausalLM") == 0;
	model->ties_head = json_is_true(json_object_get(root, "tie_word_embeddings"));
	const char *activation = json_string_value(json_object_get(root, "hidden_act"));
	if (activation && strcmp(activation, "silu") != 0)
		lack(model, "\"hidden_act\" is %.40s; expected silu.", activation);
	static const char *const foreign[] = {"attention_bias", "mlp_bias"};
	for (size_t i = 0; i < COUNT_OF(foreign); i++) {
		if (json_is_true(json_object_get(root, foreign[i])))
			lack(model, "\"%s\" is true; only Qwen2's biases of queries, keys and values are known.", foreign[i]);
	}
	const json_t *quantized = json_object_get(root, "quantization_config");
	if (quantized && !json_is_null(quantized))
		lack(model, "its weights are quantized; expected bf16, f16 or f32.");
	model->norm_epsilon = json_number_value(json_object_get(root, "rms_norm_eps"));
	if (!(model->norm_epsilon > 0))
		lack(model, "field \"rms_norm_eps\" is missing or no number above 0.");
}

/* A number above 0 of `first`, else of `second`; 0 and a reason where neither has one. */
static double positive(struct model *model, const json_t *first, const json_t *second, const char *key)
{
	double value = json_number_value(json_object_get(first, key));
	if (!(value > 0))
		value = json_number_value(json_object_get(second, key));
	if (!(value > 0 && isfinite(value)))
		lack(model, "field \"%s\" is missing or no number above 0.", key);
	return value;
}

static void read_llama3(struct model *model, const json_t *scaling)
{
	struct model_rope *rope = &model->rope;
	rope->kind = MODEL_ROPE_LLAMA3;
	rope->factor = positive(model, scaling, NULL, "factor");
	rope->low = positive(model, scaling, NULL, "low_freq_factor");
	rope->high = positive(model, scaling, NULL, "high_freq_factor");
	rope->original = positive(model, scaling, NULL, "original_max_position_embeddings");
	if (rope->low >= rope->high)
		lack(model, "\"low_freq_factor\" is not below \"high_freq_factor\".");
}

/* Within the original context only: beyond it other factors hold, and keys cached under these would be wrong. */
static void read_longrope(struct model *model, const json_t *root, const json_t *scaling)
{
	struct model_rope *rope = &model->rope;
	const json_t *factors = json_object_get(scaling, "short_factor");
	const uint32_t made_for = model->most_positions;
	rope->kind = MODEL_ROPE_LONG;
	rope->original = positive(model, scaling, root, "original_max_position_embeddings");
	if (json_array_size(factors) != model->head_size / 2 || model->head_size / 2 > MODEL_MOST_PAIRS) {
		lack(model, "\"short_factor\" has %zu numbers; expected half a head's size, %u, at most %d.", json_array_size(factors),
		     model->head_size / 2, MODEL_MOST_PAIRS);
		return;
	}
	for (uint32_t i = 0; i < model->head_size / 2; i++) {
		rope->divisors[i] = json_number_value(json_array_get(factors, i));
		if (!(rope->divisors[i] > 0))
			lack(model, "\"short_factor\" has something else than numbers above 0.");
	}
	const json_t *stated_factor = json_object_get(scaling, "factor");
	const json_t *stated_magnitude = json_object_get(scaling, "attention_factor");
	const double factor = json_is_number(stated_factor) ? json_number_value(stated_factor) : made_for / rope->original;
	rope->magnitude = json_is_number(stated_magnitude) ? json_number_value(stated_magnitude)
	                  : factor > 1                     ? sqrt(1 + log(factor) / log(rope->original))
	                                                   : 1;
	if (!(rope->magnitude > 0 && isfinite(rope->magnitude)))
		lack(model, "LongRoPE's \"attention_factor\" does not come out above 0.");
	if (rope->original < made_for)
		model->most_positions = (uint32_t)rope->original;
}

static void read_rope(struct model *model, const json_t *root)
{
	/* Transformers 5 keeps all in rope_parameters; before, rope_theta stood alone and rope_scaling was often null. */
	const json_t *scaling = json_object_get(root, "rope_parameters");
	if (!json_is_object(scaling))
		scaling = json_object_get(root, "rope_scaling");
	model->rope.theta = positive(model, scaling, root, "rope_theta");
	const json_t *share = json_object_get(scaling, "partial_rotary_factor");
	if (!share)
		share = json_object_get(root, "partial_rotary_factor");
	if (json_is_number(share) && json_number_value(share) != 1)
		lack(model, "\"partial_rotary_factor\" is %g; expected 1.", json_number_value(share));
	const char *kind = json_string_value(json_object_get(scaling, "rope_type"));
	if (!kind)
		kind = json_string_value(json_object_get(scaling, "type"));
	if (!kind || strcmp(kind, "default") == 0)
		return;
	if (strcmp(kind, "llama3") == 0)
		read_llama3(model, scaling);
	else if (strcmp(kind, "longrope") == 0 || strcmp(kind, "su") == 0)
		read_longrope(model, root, scaling);
	else
		lack(model, "rotary positions are scaled by \"%.40s\"; expected default, llama3 or longrope.", kind);
}

/* Layers that see only the last so many positions see all of a context that is no longer. */
static void read_window(struct model *model, const json_t *root)
{
	const json_int_t window = json_integer_value(json_object_get(root, "sliding_window"));
	const json_t *types = json_object_get(root, "layer_types"), *type;
	bool slides = window > 0 && !json_is_false(json_object_get(root, "use_sliding_window"));
	size_t i, sliding = 0;
	json_array_foreach (types, i, type) {
		const char *name = json_string_value(type);
		sliding += !(name && strcmp(name, "full_attention") == 0);
	}
	if (json_array_size(types) > 0)
		slides = slides && sliding > 0;
	if (slides && window < model->most_positions)
		model->most_positions = (uint32_t)window;
}

int model_config_read(struct model *model, const char *path, struct err *err)
{
	json_error_t problem;
	struct err unread;
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &problem);
	if (!root && json_error_code(&problem) == json_error_cannot_open_file)
		return err_set(err, "%s: cannot be opened; expected a Hugging Face config.json.", path);
	if (!root)
		return err_set(err, "%s:%d: not JSON: %s.", path, problem.line, problem.text);
	const int failed = read_sizes(model, root, err);
	if (!failed) {
		if (read_count(root, "max_position_embeddings", &model->most_positions, &unread) < 0)
			lack(model, "%s", unread.text);
		read_family(model, root);
		read_window(model, root);
		read_rope(model, root);
	}
	json_decref(root);
	return failed ? err_prefix(err, "%s: ", path) : 0;
}
