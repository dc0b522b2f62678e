#include "calibration.h"

#include "embedded.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_NAME "h200-llama-3.1-8b.estimate"

static const char *const term_keys[TERM_COUNT] = {
        [TERM_ROWS] = "rows_ns",   [TERM_ROW_TILES] = "row_tiles_ns", [TERM_SEQUENCES] = "sequences_ns", [TERM_PAIRS] = "pairs_ns",
        [TERM_KEYS] = "keys_ns",   [TERM_DECODES] = "decodes_ns",     [TERM_CONTEXT] = "context_ns",     [TERM_DISTINCT] = "distinct_ns",
        [TERM_UNEVEN] = "uneven_ns", [TERM_BESIDE] = "beside_ns",
};

const char *calibration_term_key(enum calibration_term term)
{
	return term_keys[term];
}

static int read_text(const json_t *root, const char *key, char **text, struct err *err)
{
	const json_t *value = json_object_get(root, key);
	if (!json_is_string(value))
		return err_set(err, "field \"%s\" is missing or no text.", key);
	*text = mem_copy_text(json_string_value(value));
	return 0;
}

static bool is_ns(const json_t *value)
{
	return json_is_number(value) && json_number_value(value) >= 0 && json_number_value(value) <= CALIBRATION_NS_MOST;
}

static int read_number(const json_t *root, const char *group, const char *key, double *number, struct err *err)
{
	const json_t *value = json_object_get(json_object_get(root, group), key);
	if (!is_ns(value))
		return err_set(err, "field \"%s\" of \"%s\" is missing or no number of nanoseconds from 0 to 1e12.", key, group);
	*number = json_number_value(value);
	return 0;
}

static int read_first_form(struct calibration *c, const json_t *root, struct err *err)
{
	double new_token_ns = 0, pair_ns = 0, context_token_ns = 0;
	if (read_number(root, "prefill", "fixed_ns", &c->prompt_step_ns, err) < 0 ||
	    read_number(root, "prefill", "per_new_token_ns", &new_token_ns, err) < 0 ||
	    read_number(root, "prefill", "per_token_pair_ns", &pair_ns, err) < 0 ||
	    read_number(root, "decode", "fixed_ns", &c->decode_step_ns, err) < 0 ||
	    read_number(root, "decode", "per_context_token_ns", &context_token_ns, err) < 0)
		return -1;
	c->only_prompts_have_rows = true;
	c->terms[TERM_ROWS] = (struct calibration_curve)CALIBRATION_LINE(new_token_ns);
	c->terms[TERM_PAIRS] = (struct calibration_curve)CALIBRATION_LINE(pair_ns);
	c->terms[TERM_CONTEXT] = (struct calibration_curve)CALIBRATION_LINE(context_token_ns);
	return 0;
}

static int read_points(struct calibration_curve *curve, const json_t *points, const char *key, struct err *err)
{
	double last_x = 0, last_ns = 0;
	size_t i;
	const json_t *point;
	json_array_foreach(points, i, point) {
		const json_t *x = json_array_get(point, 0), *ns = json_array_get(point, 1);
		if (i == CALIBRATION_POINTS_MOST)
			return err_set(err, "field \"%s\" of \"step\" has more than %d points.", key, CALIBRATION_POINTS_MOST);
		if (json_array_size(point) != 2 || !json_is_number(x) || !is_ns(ns) || !(json_number_value(x) >= last_x + 1) ||
		    !(json_number_value(x) <= 1e15) || floor(json_number_value(x)) != json_number_value(x) ||
		    !(json_number_value(ns) >= last_ns))
			return err_set(err, "field \"%s\" of \"step\", point %zu: expected [x, ns], x a larger whole number and ns no less than "
			                    "at the point before.", key, i + 1);
		last_x = json_number_value(x);
		last_ns = json_number_value(ns);
		curve->points[curve->count].x = last_x;
		curve->points[curve->count++].ns = last_ns;
	}
	return 0;
}

static int read_term(struct calibration_curve *curve, const json_t *value, const char *key, struct err *err)
{
	if (!value)
		return 0;
	if (json_is_array(value) && json_array_size(value) > 0)
		return read_points(curve, value, key, err);
	if (!is_ns(value))
		return err_set(err, "field \"%s\" of \"step\": expected a number of nanoseconds from 0 to 1e12, or a list of points.", key);
	*curve = (struct calibration_curve)CALIBRATION_LINE(json_number_value(value));
	return 0;
}

/* Left as it is where there is none. */
static int read_whole(const json_t *group, const char *name, const char *key, json_int_t least, json_int_t most, uint32_t *whole,
                      struct err *err)
{
	const json_t *value = json_object_get(group, key);
	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < least || json_integer_value(value) > most)
		return err_set(err, "field \"%s\" of \"%s\": expected a whole number from %d to %d.", key, name, (int)least, (int)most);
	*whole = (uint32_t)json_integer_value(value);
	return 0;
}

static int read_step(struct calibration *c, const json_t *root, struct err *err)
{
	const json_t *step = json_object_get(root, "step");
	c->sharpness = c->row_tile_tokens = c->attention_tile_tokens = 1;
	if (read_number(root, "step", "prompt_step_ns", &c->prompt_step_ns, err) < 0 ||
	    read_number(root, "step", "decode_step_ns", &c->decode_step_ns, err) < 0 ||
	    (json_object_get(step, "weights_ns") && read_number(root, "step", "weights_ns", &c->weights_ns, err) < 0) ||
	    read_whole(step, "step", "sharpness", 1, 64, &c->sharpness, err) < 0 ||
	    read_whole(step, "step", "row_tile_tokens", 1, 1 << 16, &c->row_tile_tokens, err) < 0 ||
	    read_whole(step, "step", "small_row_tile_tokens", 1, (int)c->row_tile_tokens, &c->small_row_tile_tokens, err) < 0 ||
	    read_whole(step, "step", "attention_tile_tokens", 1, 1 << 16, &c->attention_tile_tokens, err) < 0 ||
	    read_whole(step, "step", "distinct_free_64ths", 0, 64, &c->distinct_free_64ths, err) < 0)
		return -1;
	if ((c->sharpness & (c->sharpness - 1)) != 0)
		return err_set(err, "field \"sharpness\" of \"step\": expected a power of two.");
	for (int term = 0; term < TERM_COUNT; term++) {
		if (read_term(&c->terms[term], json_object_get(step, term_keys[term]), term_keys[term], err) < 0)
			return -1;
	}
	return 0;
}

/* All or none of it is there. */
static int read_attention(struct calibration *c, const json_t *root, struct err *err)
{
	const json_t *group = json_object_get(root, "attention");
	struct attention_rounds *rounds = &c->attention;
	const struct {
		const char *key;
		uint32_t *number, least;
	} fields[] = {
	        {"tile_tokens", &rounds->tile_tokens, 1},       {"tile_blocks", &rounds->tile_blocks, 1},
	        {"blocks_at_once", &rounds->blocks_at_once, 1}, {"most_blocks", &rounds->most_blocks, 1},
	        {"part_tokens", &rounds->part_tokens, 1},       {"part_cost_tokens", &rounds->part_cost_tokens, 0},
	        {"join_cost_tokens", &rounds->join_cost_tokens, 0},
	};
	for (size_t i = 0; i < COUNT_OF(fields) && group; i++) {
		if (!json_object_get(group, fields[i].key))
			return err_set(err, "field \"%s\" of \"attention\" is missing%s", fields[i].key,
			               i + 1 < COUNT_OF(fields) ? "." : ", as in earlier calibrations; kvcast fit makes it anew of the same samples.");
		if (read_whole(group, "attention", fields[i].key, fields[i].least, ATTENTION_ROUNDS_MOST, fields[i].number, err) < 0)
			return -1;
	}
	return 0;
}

static int read_share(const json_t *group, const char *name, const char *key, int most, double *share, struct err *err)
{
	const json_t *value = json_object_get(group, key);
	if (!json_is_number(value) || !(json_number_value(value) >= 0) || !(json_number_value(value) <= most))
		return err_set(err, "field \"%s\" of \"%s\" is missing or no number from 0 to %d.", key, name, most);
	*share = json_number_value(value);
	return 0;
}

static int read_budget(struct calibration_budget *budget, const json_t *parent, const char *name, struct err *err)
{
	const json_t *group = json_object_get(parent, name);
	double half_life_ns = 0;
	if (!group)
		return 0;
	if (read_share(group, name, "slowdown", CALIBRATION_SHARE_MOST, &budget->slowdown, err) < 0 ||
	    read_share(group, name, "from", 1, &budget->from, err) < 0 || read_share(group, name, "full", 1, &budget->full, err) < 0 ||
	    read_number(parent, name, "half_life_ns", &half_life_ns, err) < 0)
		return -1;
	budget->half_life_ns = (int64_t)half_life_ns;
	if (budget->half_life_ns < 1)
		return err_set(err, "field \"half_life_ns\" of \"%s\": expected 1 at least.", name);
	if (!(budget->full - budget->from >= CALIBRATION_RAMP_LEAST * (1 - 1e-6)))
		return err_set(err, "field \"full\" of \"%s\": expected more than \"from\", by %g at least.", name, CALIBRATION_RAMP_LEAST);
	return 0;
}

static int read_power(struct calibration *c, const json_t *root, struct err *err)
{
	const json_t *group = json_object_get(root, "power");
	struct calibration_power *power = &c->power;
	power->least_rows = 1;
	if (!group)
		return 0;
	if (json_object_get(group, "from_ns"))
		return err_set(err, "\"power\" has \"from_ns\", as earlier calibrations do; kvcast fit makes it anew of the same samples.");
	if (read_budget(&power->fast, root, "power", err) < 0 || read_budget(&power->slow, group, "slow", err) < 0 ||
	    read_share(group, "power", "light_slowdown", CALIBRATION_SHARE_MOST, &power->light_slowdown, err) < 0 ||
	    read_share(group, "power", "most", 1, &power->most, err) < 0 ||
	    read_share(group, "power", "pairs_load", 1, &power->pairs_load, err) < 0)
		return -1;
	return read_whole(group, "power", "least_rows", 1, 1 << 30, &power->least_rows, err);
}

/* How far the chosen model was off; a calibration that was written by hand may say nothing of it. */
static int read_fit(struct calibration *c, const json_t *root, struct err *err)
{
	const json_t *fit = json_object_get(root, "fit"), *held_out = json_object_get(fit, "held_out");
	if (!held_out)
		return 0;
	const json_t *errors = json_object_get(held_out, json_string_value(json_object_get(fit, "model")));
	if (!errors)
		return err_set(err, "field \"model\" of \"fit\" is missing or names none of \"held_out\".");
	const json_t *error = json_object_get(errors, "mean_error");
	if (!json_is_number(error) || !(json_number_value(error) >= 0) || !isfinite(json_number_value(error)))
		return err_set(err, "field \"mean_error\" of \"held_out\" is missing or no number from 0 on.");
	c->mean_error = json_number_value(error);
	return read_whole(fit, "fit", "longest_tokens", 1, INT32_MAX, &c->longest_tokens, err);
}

static int read_transfers(struct calibration *c, const json_t *root, struct err *err)
{
	size_t i;
	const json_t *transfer;
	json_array_foreach(json_object_get(root, "transfers"), i, transfer) {
		const char *tier = json_string_value(json_object_get(transfer, "tier"));
		const json_t *latency = json_object_get(transfer, "latency_ns");
		const double read = json_number_value(json_object_get(transfer, "read_bytes_per_s"));
		const double write = json_number_value(json_object_get(transfer, "write_bytes_per_s"));
		struct calibration_transfer *to = &c->transfers[c->transfer_count];
		if (c->transfer_count == CALIBRATION_TIERS_MOST)
			return err_set(err, "field \"transfers\" names more than %d tiers.", CALIBRATION_TIERS_MOST);
		if (!tier || !tier[0] || strlen(tier) >= sizeof(to->tier))
			return err_set(err, "field \"tier\" of transfer %zu is missing or no name of at most %zu letters.", i + 1,
			               sizeof(to->tier) - 1);
		if (!(read > 0) || !(write > 0) || !is_ns(latency))
			return err_set(err, "transfer %zu, %s: expected read_bytes_per_s and write_bytes_per_s above 0, and latency_ns from 0 "
			                    "to 1e12.", i + 1, tier);
		*to = (struct calibration_transfer){.read_bytes_per_s = read, .write_bytes_per_s = write,
		                                    .latency_ns = (int64_t)json_number_value(latency)};
		snprintf(to->tier, sizeof(to->tier), "%s", tier);
		c->transfer_count++;
	}
	return 0;
}

static int read_fields(struct calibration *c, const json_t *root, struct err *err)
{
	const json_int_t form = json_integer_value(json_object_get(root, "kvcast_calibration"));
	if (form != 1 && form != 2)
		return err_set(err, "field \"kvcast_calibration\" is neither 1 nor 2: this is no calibration of a version known here.");
	const json_t *estimate = json_object_get(root, "estimate");
	if (!json_is_boolean(estimate))
		return err_set(err, "field \"estimate\" is missing; expected true or false.");
	c->estimate = json_is_true(estimate);
	if (read_text(root, "name", &c->name, err) < 0 || read_text(root, "device", &c->device, err) < 0 ||
	    read_text(root, "model", &c->model, err) < 0 || read_text(root, "provenance", &c->provenance, err) < 0)
		return -1;
	if ((form == 1 ? read_first_form(c, root, err) : read_step(c, root, err)) < 0)
		return -1;
	if (read_attention(c, root, err) < 0 || read_power(c, root, err) < 0 || read_fit(c, root, err) < 0)
		return -1;
	return read_transfers(c, root, err);
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

double calibration_curve_ns(const struct calibration_curve *curve, double x)
{
	double from_x = 0, from_ns = 0, slope = 0;
	for (uint32_t i = 0; i < curve->count; i++) {
		const double to_x = curve->points[i].x, to_ns = curve->points[i].ns;
		slope = (to_ns - from_ns) / (to_x - from_x);
		if (x <= to_x || i + 1 == curve->count)
			break;
		from_x = to_x;
		from_ns = to_ns;
	}
	return from_ns + slope * (x - from_x);
}

double calibration_block_ns(const struct calibration *c, uint32_t block_tokens, uint32_t depth)
{
	const double block = block_tokens, large = 2048;
	const double rows_ns = calibration_curve_ns(&c->terms[TERM_ROWS], large) + calibration_curve_ns(&c->terms[TERM_ROW_TILES], large);
	const double pairs = block * (block * depth) + block * (block + 1) / 2;
	return rows_ns / large * block + calibration_curve_ns(&c->terms[TERM_PAIRS], pairs);
}

const struct calibration_transfer *calibration_transfer(const struct calibration *calibration, const char *tier)
{
	for (uint32_t i = 0; i < calibration->transfer_count; i++) {
		if (strcmp(calibration->transfers[i].tier, tier) == 0)
			return &calibration->transfers[i];
	}
	return NULL;
}
