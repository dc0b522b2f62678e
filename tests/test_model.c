/* Shapes and rotary frequencies from presets and config.json files. Frequencies were computed with Transformers 5.23
 * (modeling_rope_utils.py, float32). */
#include "test.h"

#include "model.h"
#include "scratch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SIZES                                                                                                          \
	"\"num_hidden_layers\": 2, \"hidden_size\": 256, \"num_attention_heads\": 4, \"num_key_value_heads\": 2,"              \
	"\"intermediate_size\": 512, \"vocab_size\": 300,"
#define LLAMA                                                                                                          \
	SIZES "\"architectures\": [\"LlamaForCausalLM\"], \"rms_norm_eps\": 1e-5, \"max_position_embeddings\": 131072,"

static struct model load(const char *config)
{
	struct model model;
	struct err err;
	scratch_write("config.json", config, strlen(config));
	if (model_load(&model, "config.json", &err) < 0)
		fail_msg("%s", err.text);
	return model;
}

static void assert_close(double value, double expected)
{
	if (!(fabs(value - expected) <= 1e-6 * fabs(expected)))
		fail_msg("%.10g, expected %.10g", value, expected);
}

static void llama3_scales_long_waves(void **state)
{
	static const double expected[][2] = {
	        {0, 1.0}, {20, 0.016560440883040428}, {28, 0.0032114461064338684}, {30, 0.0013718936825171113},
	        {32, 0.0005248460220173001}, {35, 9.556212171446532e-05}, {36, 7.784655463183299e-05}, {63, 3.068925877869333e-07}};
	struct model preset;
	struct err err;
	(void)state;
	assert_int_equal(model_load(&preset, "llama-3.1-8b", &err), 0);
	const struct model models[] = {
	        preset,
	        load("{" LLAMA "\"head_dim\": 128, \"rope_theta\": 500000.0, \"rope_scaling\": {\"factor\": 8.0, \"low_freq_factor\": 1.0,"
	             "\"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 8192, \"rope_type\": \"llama3\"}}"),
	        load("{" LLAMA "\"head_dim\": 128, \"rope_parameters\": {\"rope_theta\": 500000.0, \"factor\": 8, \"low_freq_factor\": 1,"
	             "\"high_freq_factor\": 4, \"original_max_position_embeddings\": 8192, \"rope_type\": \"llama3\"}}")};
	for (size_t m = 0; m < COUNT_OF(models); m++) {
		assert_string_equal(models[m].lacks, "");
		assert_int_equal(models[m].most_positions, 131072);
		assert_close(model_rope_magnitude(&models[m]), 1);
		for (size_t i = 0; i < COUNT_OF(expected); i++)
			assert_close(model_rope_frequency(&models[m], (uint32_t)expected[i][0]), expected[i][1]);
	}
}

static void longrope_holds_within_its_first_context(void **state)
{
	static const double expected[][2] = {{0, 1.0}, {1, 0.7860992550849915}, {20, 0.010772175155580044}, {47, 3.6165001802146435e-05}};
	char config[4096], *at = config;
	(void)state;
	at += sprintf(at, "{" SIZES "\"head_dim\": 96, \"architectures\": [\"Phi3ForCausalLM\"], \"rms_norm_eps\": 1e-5, "
	                  "\"rope_theta\": 10000.0, \"max_position_embeddings\": 131072, \"original_max_position_embeddings\": 4096, "
	                  "\"rope_scaling\": {\"type\": \"longrope\", \"long_factor\": [], \"short_factor\": [");
	for (int i = 0; i < 48; i++)
		at += sprintf(at, "%s%.2f", i ? ", " : "", 1 + 0.05 * i);
	sprintf(at, "]}}");
	const struct model model = load(config);
	assert_string_equal(model.lacks, "");
	assert_int_equal(model.most_positions, 4096);
	assert_close(model_rope_magnitude(&model), 1.1902380714238083);
	for (size_t i = 0; i < COUNT_OF(expected); i++)
		assert_close(model_rope_frequency(&model, (uint32_t)expected[i][0]), expected[i][1]);
}

static void a_window_bounds_the_context(void **state)
{
	static const struct {
		const char *fields;
		uint32_t expected;
	} cases[] = {
	        {"\"sliding_window\": 4096", 4096},
	        {"\"sliding_window\": null", 131072},
	        {"\"sliding_window\": 4096, \"use_sliding_window\": false", 131072},
	        {"\"sliding_window\": 4096, \"layer_types\": [\"full_attention\", \"full_attention\"]", 131072},
	        {"\"sliding_window\": 4096, \"layer_types\": [\"full_attention\", \"sliding_attention\"]", 4096},
	        {"\"sliding_window\": 200000", 131072},
	};
	char config[2048];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		snprintf(config, sizeof(config), "{" LLAMA "\"rope_theta\": 1e4, %s}", cases[i].fields);
		const struct model model = load(config);
		assert_string_equal(model.lacks, "");
		assert_int_equal(model.most_positions, cases[i].expected);
	}
}

/* Any decoder's sizes are taken; what keeps the GPU from running it is told. */
static void what_cannot_run_says_why(void **state)
{
	static const struct {
		const char *fields, *lacks;
	} cases[] = {
	        {"\"rope_theta\": 1e4", ""},
	        {"\"architectures\": [\"GPT2LMHeadModel\"], \"rope_theta\": 1e4",
	         "\"architectures\" names GPT2LMHeadModel; expected LlamaForCausalLM, MistralForCausalLM, Phi3ForCausalLM or "
	         "Qwen2ForCausalLM."},
	        {"\"rope_theta\": 1e4, \"hidden_act\": \"gelu\"", "\"hidden_act\" is gelu; expected silu."},
	        {"\"rope_theta\": 1e4, \"attention_bias\": true",
	         "\"attention_bias\" is true; only Qwen2's biases of queries, keys and values are known."},
	        {"\"rope_theta\": 1e4, \"quantization_config\": {\"bits\": 4}",
	         "its weights are quantized; expected bf16, f16 or f32."},
	        {"\"rope_theta\": 1e4, \"partial_rotary_factor\": 0.75", "\"partial_rotary_factor\" is 0.75; expected 1."},
	        {"\"rope_theta\": \"1e4\"", "field \"rope_theta\" is missing or no number above 0."},
	        {"\"rope_theta\": 1e4, \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4}",
	         "rotary positions are scaled by \"yarn\"; expected default, llama3 or longrope."},
	        {"\"rope_theta\": 1e4, \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8}",
	         "field \"low_freq_factor\" is missing or no number above 0."},
	        {"\"rope_theta\": 1e4, \"rope_scaling\": {\"rope_type\": \"longrope\", \"short_factor\": [1, 2], "
	         "\"original_max_position_embeddings\": 64}",
	         "\"short_factor\" has 2 numbers; expected half a head's size, 32, at most 64."},
	};
	char config[2048];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const bool names_family = strstr(cases[i].fields, "architectures");
		snprintf(config, sizeof(config), "{" SIZES "%s\"rms_norm_eps\": 1e-5, \"max_position_embeddings\": 131072, %s}",
		         names_family ? "" : "\"architectures\": [\"LlamaForCausalLM\"], ", cases[i].fields);
		const struct model model = load(config);
		assert_string_equal(model.lacks, cases[i].lacks);
		assert_int_equal(model_kv_bytes_per_token(&model), 2 * 2 * 2 * 64 * 2);
	}
}

static void a_directory_holds_a_config(void **state)
{
	static const char config[] = "{" LLAMA "\"rope_theta\": 1e4}";
	struct model model;
	struct err err;
	(void)state;
	assert_int_equal(mkdir("there", 0700), 0);
	assert_true(model_is_directory("there"));
	assert_false(model_is_directory("nowhere"));
	assert_int_equal(model_load(&model, "there", &err), -1);
	assert_string_equal(err.text, "there/config.json: cannot be opened; expected a Hugging Face config.json.");
	scratch_write("there/config.json", config, strlen(config));
	assert_int_equal(model_load(&model, "there", &err), 0);
	assert_int_equal(model.hidden, 256);
	assert_int_equal(remove("there/config.json") | remove("there"), 0);
	assert_int_equal(mkdir("tiny", 0700), 0);
	assert_false(model_is_directory("tiny")); /* a preset's name means the preset */
	assert_int_equal(remove("tiny"), 0);
}

static void sizes_are_needed(void **state)
{
	static const struct {
		const char *config, *sentence;
	} cases[] = {
	        {"{\"num_hidden_layers\": 2}", "config.json: field \"hidden_size\" is missing or no whole number from 1 to 16777216."},
	        {"{" SIZES "\"head_dim\": 0}", "config.json: field \"head_dim\" is missing or no whole number from 1 to 16777216."},
	        {"[1, 2", "config.json:1: not JSON: ']' expected near end of file."},
	};
	struct model model;
	struct err err;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		scratch_write("config.json", cases[i].config, strlen(cases[i].config));
		assert_int_equal(model_load(&model, "config.json", &err), -1);
		assert_string_equal(err.text, cases[i].sentence);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(llama3_scales_long_waves),
	        cmocka_unit_test(longrope_holds_within_its_first_context),
	        cmocka_unit_test(a_window_bounds_the_context),
	        cmocka_unit_test(what_cannot_run_says_why),
	        cmocka_unit_test(a_directory_holds_a_config),
	        cmocka_unit_test(sizes_are_needed),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
