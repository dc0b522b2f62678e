#include "calibration.h"

#include "embedded.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_NAME "h200-llama-3.1-8b.estimate"

static int read_text(const json_t *root, const char *key, char **text, struct err *err)
{
	const json_t *value = json_object_get(root, key);
	if (!json_is_string(value))
		return err_set(err, "field \"%s\" is missing or no text.", key);
	*text = mem_copy_text(json_string_value(value));
	return 0;
}

static int read_number(const json_t *root, const char *group, const char *key, double *number, struct err *err)
{
	const json_t *value = json_object_get(json_object_get(root, group), key);
	if (!json_is_number(value) || !(json_number_value(value) >= 0 && json_number_value(value) <= 1e12))
		return err_set(err, "field \"%s\" of \"%s\" is missing or no number of nanoseconds from 0 to 1e12.", key, group);
	*number = json_number_value(value);
	return 0;
}

static int read_fields(struct calibration *c, const json_t *root, struct err *err)
{
	if (json_integer_value(json_object_get(root, "kvcast_calibration")) != 1)
		return err_set(err, "field \"kvcast_calibration\" is not 1: this is no calibration of a version known here.");
	const json_t *estimate = json_object_get(root, "estimate");
	if (!json_is_boolean(estimate))
		return err_set(err, "field \"estimate\" is missing; expected true or false.");
	c->estimate = json_is_true(estimate);
	if (read_text(root, "name", &c->name, err) < 0 || read_text(root, "device", &c->device, err) < 0 ||
	    read_text(root, "model", &c->model, err) < 0 || read_text(root, "provenance", &c->provenance, err) < 0 ||
	    read_number(root, "prefill", "fixed_ns", &c->prefill_fixed_ns, err) < 0 ||
	    read_number(root, "prefill", "per_new_token_ns", &c->prefill_per_new_token_ns, err) < 0 ||
	    read_number(root, "prefill", "per_token_pair_ns", &c->prefill_per_token_pair_ns, err) < 0 ||
	    read_number(root, "decode", "fixed_ns", &c->decode_fixed_ns, err) < 0 ||
	    read_number(root, "decode", "per_context_token_ns", &c->decode_per_context_token_ns, err) < 0)
		return -1;
	return 0;
}

struct calibration *calibration_load(const char *name, struct err *err)
{
	if (!name)
		name = DEFAULT_NAME;
	const struct embedded_file *built_in = embedded_find("calib", name);
	json_error_t problem;
	json_t *root = built_in ? json_loads(built_in->text, JSON_REJECT_DUPLICATES, &problem)
	                        : json_load_file(name, JSON_REJECT_DUPLICATES, &problem);
	if (!root) {
		if (json_error_code(&problem) == json_error_cannot_open_file)
			err_set(err, "--calib %s: no such file, and no built-in calibration of that name (%s).", name,
			        embedded_names("calib"));
		else
			err_set(err, "%s:%d: not JSON: %s.", name, problem.line, problem.text);
		return NULL;
	}
	struct calibration *calibration = mem_alloc(1, sizeof(*calibration));
	const int failed = read_fields(calibration, root, err);
	json_decref(root);
	if (failed) {
		err_prefix(err, "%s: ", name);
		calibration_free(calibration);
		return NULL;
	}
	return calibration;
}

void calibration_free(struct calibration *calibration)
{
	if (!calibration)
		return;
	free(calibration->name);
	free(calibration->device);
	free(calibration->model);
	free(calibration->provenance);
	free(calibration);
}

int64_t calibration_prefill_ns(const struct calibration *c, uint64_t new_tokens, uint64_t cached_tokens)
{
	const double fresh = (double)new_tokens, cached = (double)cached_tokens;
	const double pairs = fresh * cached + fresh * (fresh + 1) / 2;
	return llround(c->prefill_fixed_ns + c->prefill_per_new_token_ns * fresh + c->prefill_per_token_pair_ns * pairs);
}

int64_t calibration_decode_ns(const struct calibration *c, uint64_t context_tokens, uint64_t count)
{
	const double n = (double)count;
	const double contexts = n * (double)context_tokens + n * (n - 1) / 2;
	return llround(c->decode_fixed_ns * n + c->decode_per_context_token_ns * contexts);
}
