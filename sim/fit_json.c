/* fit_json.c - what fit.h writes. */
#include "fit.h"

#include "output.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Six digits are more than any clock holds. */
static json_t *rounded(double value)
{
	char text[32];
	snprintf(text, sizeof(text), "%.6g", value);
	return json_real(strtod(text, NULL));
}

static json_t *term_json(const struct calibration_curve *curve)
{
	if (curve->count == 1)
		return rounded(curve->points[0].ns / curve->points[0].x);
	json_t *points = json_array();
	double last = 0;
	for (uint32_t i = 0; i < curve->count; i++) {
		/* Whole ns: rounding must not let a curve fall. */
		last = fmax(last, round(curve->points[i].ns));
		json_array_append_new(points, json_pack("[I, I]", (json_int_t)curve->points[i].x, (json_int_t)last));
	}
	return points;
}

static json_t *step_json(const struct calibration *c)
{
	json_t *step = json_object();
	json_object_set_new(step, "prompt_step_ns", rounded(c->prompt_step_ns));
	json_object_set_new(step, "decode_step_ns", rounded(c->decode_step_ns));
	json_object_set_new(step, "weights_ns", rounded(c->weights_ns));
	json_object_set_new(step, "sharpness", json_integer(c->sharpness));
	json_object_set_new(step, "row_tile_tokens", json_integer(c->row_tile_tokens));
	if (c->small_row_tile_tokens)
		json_object_set_new(step, "small_row_tile_tokens", json_integer(c->small_row_tile_tokens));
	json_object_set_new(step, "attention_tile_tokens", json_integer(c->attention_tile_tokens));
	if (c->distinct_free_64ths)
		json_object_set_new(step, "distinct_free_64ths", json_integer(c->distinct_free_64ths));
	for (int term = 0; term < TERM_COUNT; term++) {
		/* Without it decodes are as dear beside prompts as alone. */
		const bool means_something = term == TERM_BESIDE && c->terms[TERM_DECODES].count;
		if (c->terms[term].count && (means_something || c->terms[term].points[c->terms[term].count - 1].ns > 0))
			json_object_set_new(step, calibration_term_key((enum calibration_term)term), term_json(&c->terms[term]));
	}
	return step;
}

static json_t *attention_json(const struct attention_rounds *rounds)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "tile_tokens", (json_int_t)rounds->tile_tokens, "tile_blocks",
	                 (json_int_t)rounds->tile_blocks, "blocks_at_once", (json_int_t)rounds->blocks_at_once, "most_blocks",
	                 (json_int_t)rounds->most_blocks, "part_tokens", (json_int_t)rounds->part_tokens, "part_cost_tokens",
	                 (json_int_t)rounds->part_cost_tokens, "join_cost_tokens", (json_int_t)rounds->join_cost_tokens);
}

static json_t *budget_json(const struct calibration_budget *budget)
{
	return json_pack("{s:o, s:I, s:o, s:o}", "slowdown", rounded(budget->slowdown), "half_life_ns", (json_int_t)budget->half_life_ns, "from",
	                 rounded(budget->from), "full", rounded(budget->full));
}

static json_t *power_json(const struct calibration_power *power)
{
	json_t *json = budget_json(&power->fast);
	json_object_set_new(json, "light_slowdown", rounded(power->light_slowdown));
	json_object_set_new(json, "most", rounded(power->most));
	json_object_set_new(json, "pairs_load", rounded(power->pairs_load));
	json_object_set_new(json, "least_rows", json_integer(power->least_rows));
	if (power->slow.slowdown > 0)
		json_object_set_new(json, "slow", budget_json(&power->slow));
	return json;
}

static json_t *errors_json(const struct fit_errors *errors)
{
	char cell[160];
	return json_pack("{s:o, s:o, s:o, s:s}", "mean_error", rounded(errors->mean), "p90_error", rounded(errors->p90), "worst_error",
	                 rounded(errors->worst), "worst_cell", samples_show(errors->worst_cell, cell, sizeof(cell)));
}

static json_t *bands_json(const struct fit *fit)
{
	json_t *bands = json_array();
	char cell[160];
	for (size_t i = 0; i < fit->cell_count; i++) {
		const struct fit_cell *c = &fit->cells[i];
		json_array_append_new(bands, json_pack("[s, I, I, I, I]", samples_show(c->sample, cell, sizeof(cell)),
		                                       (json_int_t)c->sample->median_ns, (json_int_t)c->fitted_ns,
		                                       (json_int_t)llround(c->low_ns), (json_int_t)llround(c->high_ns)));
	}
	return bands;
}

/* Of a sequence in a step: beyond it times are no more than curves that go straight on. */
static uint64_t longest_tokens(const struct fit *fit)
{
	uint64_t longest = 0;
	for (size_t i = 0; i < fit->cell_count; i++) {
		const struct sample *s = fit->cells[i].sample;
		const uint64_t prompt = s->prompts ? s->cached_tokens + s->new_tokens : 0, decode = s->decodes ? s->context_tokens + 1 : 0;
		const uint64_t tokens = prompt > decode ? prompt : decode;
		longest = tokens > longest ? tokens : longest;
	}
	return longest;
}

static json_t *fit_part(const struct fit *fit, const struct fit_options *options)
{
	const struct samples *samples = fit->samples;
	char checksum[32];
	snprintf(checksum, sizeof(checksum), "%016" PRIx64, samples->checksum);
	json_t *held_out = json_object();
	for (int model = 0; model < FIT_MODELS; model++)
		json_object_set_new(held_out, fit_model_names[model], errors_json(&fit->held_out[model]));
	json_t *part = json_pack("{s:s, s:I, s:I, s:i, s:i, s:I, s:o}", "model", fit_model_names[fit->chosen], "steps",
	                         (json_int_t)fit->cell_count, "longest_tokens", (json_int_t)longest_tokens(fit), "folds",
	                         (int)options->folds, "bootstraps", (int)options->bootstraps, "seed", (json_int_t)options->seed, "held_out", held_out);
	if (fit->power.count)
		json_object_set_new(part, "power", json_pack("{s:I, s:o, s:o}", "steps", (json_int_t)fit->power.count, "mean_error",
		                                             rounded(fit->power.mean), "mean_error_without", rounded(fit->power.mean_without)));
	json_object_set_new(part, "samples", json_pack("{s:s, s:s, s:s, s:s}", "checksum", checksum, "driver", samples->driver, "commit",
	                                               samples->commit, "conditions", samples->conditions));
	json_object_set_new(part, "bands_columns", json_pack("[s, s, s, s, s]", "step", "measured_ns", "fitted_ns", "p5_ns", "p95_ns"));
	json_object_set_new(part, "bands", bands_json(fit));
	return part;
}

static json_t *transfers_json(const struct fit *fit)
{
	json_t *transfers = json_array();
	for (uint32_t i = 0; i < fit->calibration.transfer_count; i++) {
		const struct fit_transfer *t = &fit->transfers[i];
		json_array_append_new(transfers, json_pack("{s:s, s:o, s:o, s:I, s:o}", "tier", t->rates.tier, "read_bytes_per_s",
		                                           rounded(t->rates.read_bytes_per_s), "write_bytes_per_s",
		                                           rounded(t->rates.write_bytes_per_s), "latency_ns",
		                                           (json_int_t)t->rates.latency_ns, "mean_error", rounded(t->mean_error)));
	}
	return transfers;
}

static json_t *provenance(const struct fit *fit)
{
	const struct samples *samples = fit->samples;
	const struct fit_errors *errors = &fit->held_out[fit->chosen];
	char text[512];
	snprintf(text, sizeof(text),
	         "Measured with kvcast-gpu calibrate%s%s%s%s, fitted with kvcast fit (%s, %zu steps): held-out errors %.1f %% on average, "
	         "%.1f %% at the 90th percentile, %.1f %% at worst.",
	         samples->commit[0] ? " at commit " : "", samples->commit, samples->driver[0] ? ", driver " : "", samples->driver,
	         fit_model_names[fit->chosen], fit->cell_count, 100 * errors->mean, 100 * errors->p90, 100 * errors->worst);
	return json_string(text);
}

static bool is_nested(const json_t *value)
{
	const json_t *first = json_array_get(value, 0);
	return json_is_object(value) || json_is_array(first) || json_is_object(first);
}

/* A line for each key of the two outer objects and for each entry of a list of lists: to be read and compared by people. */
static void write_value(struct output *output, const json_t *value, int depth)
{
	if (depth > 2 || !is_nested(value)) {
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
		output_printf(output, "%s", text);
		free(text);
		return;
	}
	const bool is_object = json_is_object(value);
	const char *key, *comma = "";
	json_t *part;
	size_t i;
	output_printf(output, is_object ? "{" : "[");
	if (is_object) {
		json_object_foreach((json_t *)(uintptr_t)value, key, part) {
			output_printf(output, "%s\n%*s\"%s\": ", comma, depth + 1, "", key);
			write_value(output, part, depth + 1);
			comma = ",";
		}
	} else {
		json_array_foreach(value, i, part) {
			output_printf(output, "%s\n%*s", comma, depth + 1, "");
			write_value(output, part, 3);
			comma = ",";
		}
	}
	output_printf(output, "\n%*s%s", depth, "", is_object ? "}" : "]");
}

int fit_write_json(const struct fit *fit, const struct fit_options *options, const char *name, const char *path, struct err *err)
{
	const struct samples *samples = fit->samples;
	struct output *output = output_open(path, err);
	if (!output)
		return -1;
	json_t *root = json_pack("{s:i, s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:o}", "kvcast_calibration", 2, "name", name, "device",
	                         samples->device[0] ? samples->device : "unknown device", "model",
	                         samples->model[0] ? samples->model : "unknown model", "estimate", 0, "provenance", provenance(fit), "step",
	                         step_json(&fit->calibration), "transfers", transfers_json(fit), "fit", fit_part(fit, options));
	ASSERT(root);
	if (fit->calibration.attention.blocks_at_once)
		json_object_set_new(root, "attention", attention_json(&fit->calibration.attention));
	if (fit->calibration.power.fast.slowdown > 0)
		json_object_set_new(root, "power", power_json(&fit->calibration.power));
	write_value(output, root, 0);
	output_printf(output, "\n");
	json_decref(root);
	return output_commit(output, err);
}

int fit_write_cells(const struct fit *fit, const char *path, struct err *err)
{
	struct output *output = output_open(path, err);
	if (!output)
		return -1;
	output_printf(output, "prompts,new_tokens,cached_tokens,decodes,context_tokens,measured_ms,least_ms,most_ms,fitted_ms,low_ms,"
	                      "high_ms,held_out_physical_ms,held_out_curves_ms,chosen\n");
	for (size_t i = 0; i < fit->cell_count; i++) {
		const struct fit_cell *c = &fit->cells[i];
		const struct sample *s = c->sample;
		output_printf(output, "%u,%u,%" PRIu64 ",%u,%" PRIu64 ",%.6f,%.6f,%.6f,%.6f,%.6f,%.6f,%.6f,%.6f,%s\n", s->prompts,
		              s->new_tokens, s->cached_tokens, s->decodes, s->context_tokens, s->median_ns / 1e6, s->least_ns / 1e6,
		              s->most_ns / 1e6, (double)c->fitted_ns / 1e6, c->low_ns / 1e6, c->high_ns / 1e6,
		              (double)c->held_out_ns[FIT_PHYSICAL] / 1e6, (double)c->held_out_ns[FIT_CURVES] / 1e6,
		              fit_model_names[fit->chosen]);
	}
	return output_commit(output, err);
}
