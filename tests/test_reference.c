/* The plain CPU model against Transformers 5.23 (float64, the same weights): one of each kind of attention, rotary scaling
 * and layout. */
#include "test.h"

#include "make_weights.h"
#include "reference.h"
#include "scratch.h"

#include <math.h>
#include <stdlib.h>

#define COUNT 12
#define VOCABULARY 20

static float value_at(const char *name, uint64_t place)
{
	uint32_t hash = 2166136261u;
	bool is_norm = false;
	for (const char *at = name; *at; at++) {
		hash = (hash ^ (unsigned char)*at) * 16777619u;
		is_norm = is_norm || (at[0] == 'n' && at[1] == 'o' && at[2] == 'r' && at[3] == 'm');
	}
	const float value = (float)((int)((hash + place * 7 + place / 31) % 127) - 63) / 128;
	return is_norm ? 1 + value : value;
}

static void assert_last_logits(const struct model *model, const struct make_weights_layout *layout, const double *expected)
{
	uint32_t ids[COUNT];
	float *logits = malloc(COUNT * VOCABULARY * sizeof(*logits)), alone[VOCABULARY];
	struct err err;
	assert_non_null(logits);
	for (uint32_t i = 0; i < COUNT; i++)
		ids[i] = (7 * i + 3) % VOCABULARY;
	make_weights_model(model, layout, value_at);
	struct llama_weights *weights = llama_weights_open(model, "m", &err);
	if (!weights)
		fail_msg("%s", err.text);
	struct reference *reference = reference_open_files(model, weights);
	llama_weights_close(weights);
	reference_logits(reference, ids, 0, COUNT, logits);
	for (uint32_t i = 0; i < VOCABULARY; i++) {
		if (!(fabs((double)logits[(COUNT - 1) * VOCABULARY + i] - expected[i]) < 3e-5))
			fail_msg("logit %u is %.6f, expected %.6f", i, (double)logits[(COUNT - 1) * VOCABULARY + i], expected[i]);
	}
	for (uint32_t t = 0; t < COUNT; t++) {
		reference_logits(reference, ids, t, t + 1, alone);
		for (uint32_t i = 0; i < VOCABULARY; i++)
			assert_float_equal(alone[i], logits[t * VOCABULARY + i], 0);
	}
	reference_close(reference);
	free(logits);
}

static struct model base_model(void)
{
	return (struct model){.name = "m", .layers = 2, .hidden = 64, .heads = 4, .head_size = 16, .intermediate = 32,
	                      .vocabulary = VOCABULARY, .norm_epsilon = 1e-5, .most_positions = 2048, .rope = {.theta = 1e4}};
}

static void llama_with_scaled_rotations(void **state)
{
	static const double expected[] = {2.46856, -2.92457, 0.73309,  -2.72695, 0.01206, 2.58795,  -0.6795, 1.75274, 0.15351, -0.74563,
	                                  -0.37322, 1.03478, -1.4736, 1.76333,  -2.67358, 0.04313, 2.40039, -0.43344, 1.78599, 0.18425};
	struct model model = base_model();
	(void)state;
	model.kv_heads = 2;
	model.rope = (struct model_rope){.theta = 1e4, .kind = MODEL_ROPE_LLAMA3, .factor = 8, .low = 1, .high = 4, .original = 64};
	assert_last_logits(&model, &(struct make_weights_layout){"BF16", false, false}, expected);
}

static void qwen2_with_biases_and_tied_head(void **state)
{
	static const double expected[] = {1.52633, -0.92794, -0.17045, -0.36123, 2.50088,  -0.46774, 2.26267, -2.08351, -0.24951, 0.25997,
	                                  1.62441, 1.23449,  -0.89717, -0.13076, -0.86484, 0.0764,   0.03158, 2.29698,  -2.03871, 0.55174};
	struct model model = base_model();
	(void)state;
	model.kv_heads = 1;
	model.has_qkv_bias = model.ties_head = true;
	model.rope.theta = 1e6;
	assert_last_logits(&model, &(struct make_weights_layout){"F32", false, true}, expected);
}

static void phi3_with_longrope_and_fused_parts(void **state)
{
	static const double expected[] = {2.02247, -2.07706, 0.83504,  -6.16809, 1.95626,  -0.19704, 1.04949, 3.04697, 0.11856, -0.11765,
	                                  0.43751, 0.96207,  -1.16869, 1.26841,  -6.12171, 1.99015,  0.73737, 0.59051, 3.06522, 0.13714};
	struct model model = base_model();
	(void)state;
	model.kv_heads = 4;
	model.rope.kind = MODEL_ROPE_LONG;
	model.rope.magnitude = sqrt(1 + log(2048 / 256.0) / log(256));
	for (uint32_t i = 0; i < 8; i++)
		model.rope.divisors[i] = 1 + 0.25 * i;
	assert_last_logits(&model, &(struct make_weights_layout){"BF16", true, false}, expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(llama_with_scaled_rotations),
	        cmocka_unit_test(qwen2_with_biases_and_tied_head),
	        cmocka_unit_test(phi3_with_longrope_and_fused_parts),
	};
	return cmocka_run_group_tests(tests, scratch_enter, make_weights_leave);
}
