#include "model.h"

#include "model_config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PLAIN(base)                                                                                                    \
	{                                                                                                              \
		.theta = (base)                                                                                        \
	}
#define LLAMA3 {.theta = 5e5, .kind = MODEL_ROPE_LLAMA3, .factor = 8, .low = 1, .high = 4, .original = 8192}

/* Shapes from the models' published config.json files. Phi-3's is that of the 128k model, its long context without the
 * factors that go with it: random weights have no use for them. */
static const struct model presets[] = {
        {"tiny", 2, 256, 4, 2, 64, 512, 512, 2, 1e-5, false, false, 131072, PLAIN(1e4), ""},
        {"qwen2.5-0.5b", 24, 896, 14, 2, 64, 4864, 151936, 2, 1e-6, true, true, 32768, PLAIN(1e6), ""},
        {"qwen2.5-1.5b", 28, 1536, 12, 2, 128, 8960, 151936, 2, 1e-6, true, true, 131072, PLAIN(1e6), ""},
        {"phi-3-mini", 32, 3072, 32, 32, 96, 8192, 32064, 2, 1e-5, false, false, 131072, PLAIN(1e4), ""},
        {"mistral-7b", 32, 4096, 32, 8, 128, 14336, 32768, 2, 1e-5, false, false, 32768, PLAIN(1e6), ""},
        {"llama-3.1-8b", 32, 4096, 32, 8, 128, 14336, 128256, 2, 1e-5, false, false, 131072, LLAMA3, ""},
        {"llama-3.1-70b", 80, 8192, 64, 8, 128, 28672, 128256, 2, 1e-5, false, false, 131072, LLAMA3, ""},
};

#define PRESET_NAMES "tiny, qwen2.5-0.5b, qwen2.5-1.5b, phi-3-mini, mistral-7b, llama-3.1-8b, llama-3.1-70b"

static const struct model *find_preset(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(presets); i++) {
		if (strcmp(presets[i].name, name) == 0)
			return &presets[i];
	}
	return NULL;
}

bool model_is_directory(const char *name)
{
	struct stat status;
	return !find_preset(name) && stat(name, &status) == 0 && S_ISDIR(status.st_mode);
}

int model_load(struct model *model, const char *name, struct err *err)
{
	const struct model *preset = find_preset(name);
	struct stat status;
	char path[4096];
	if (preset) {
		*model = *preset;
		return 0;
	}
	if (stat(name, &status) < 0)
		return err_set(err, "--model %s: no such config.json, and no preset of that name (" PRESET_NAMES ").", name);
	const int length = snprintf(path, sizeof(path), "%s%s", name, S_ISDIR(status.st_mode) ? "/config.json" : "");
	if (length < 0 || (size_t)length >= sizeof(path))
		return err_set(err, "--model %s: a path this long is not taken.", name);
	*model = (struct model){.layers = 0};
	snprintf(model->name, sizeof(model->name), "%s", name);
	return model_config_read(model, path, err);
}

int64_t model_kv_bytes_per_token(const struct model *model)
{
	return (int64_t)2 * model->layers * model->kv_heads * model->head_size * model->dtype_bytes;
}

static double llama3_frequency(const struct model_rope *rope, double frequency)
{
	const double waves = rope->original * frequency / (2 * M_PI); /* in the original context */
	if (waves < rope->low)
		return frequency / rope->factor;
	if (waves > rope->high)
		return frequency;
	const double share = (waves - rope->low) / (rope->high - rope->low);
	return (1 - share) * frequency / rope->factor + share * frequency;
}

double model_rope_frequency(const struct model *model, uint32_t pair)
{
	const struct model_rope *rope = &model->rope;
	const double frequency = pow(rope->theta, -2.0 * pair / model->head_size);
	if (rope->kind == MODEL_ROPE_LLAMA3)
		return llama3_frequency(rope, frequency);
	return rope->kind == MODEL_ROPE_LONG ? frequency / rope->divisors[pair] : frequency;
}

double model_rope_magnitude(const struct model *model)
{
	return model->rope.kind == MODEL_ROPE_LONG ? model->rope.magnitude : 1;
}
