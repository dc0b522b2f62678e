#include "tune_spec.h"

#include "policy.h"
#include "ttl.h"
#include "units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LOGARITHMIC_FROM 100.0
/* What may be given, so that with all tuned values beside it a SPEC has room. */
#define GIVEN_MOST (TUNE_SPEC_MOST - TUNE_PARAMETERS_MOST * 80 - 1)

static bool is_logarithmic(const struct tune_parameter *p)
{
	return p->least > 0 && p->most / p->least >= LOGARITHMIC_FROM;
}

double tune_spec_value(const struct tune_parameter *p, double place)
{
	place = place < 0 ? 0 : place > 1 ? 1 : place;
	if (is_logarithmic(p))
		return p->least * pow(p->most / p->least, place);
	return p->least + (p->most - p->least) * place;
}

double tune_spec_place(const struct tune_parameter *p, double value)
{
	value = value < p->least ? p->least : value > p->most ? p->most : value;
	if (is_logarithmic(p))
		return log(value / p->least) / log(p->most / p->least);
	return p->most > p->least ? (value - p->least) / (p->most - p->least) : 0;
}

static void write_value(const struct tune_parameter *p, double value, char *text, size_t size)
{
	/* Finer than a ms is finer than the trace. */
	if (p->is_duration)
		snprintf(text, size, "%.0fms", fmax(1, value / (double)NS_PER_MS));
	else
		snprintf(text, size, "%.6g", value);
}

static void append(char *text, size_t size, const char *key, const char *value)
{
	const size_t used = strlen(text);
	const bool braces = strchr(value, ',') != NULL;
	const int length = snprintf(text + used, size - used, "%c%s=%s%s%s", strchr(text, ':') ? ',' : ':', key, braces ? "{" : "",
	                            value, braces ? "}" : "");
	ASSERT(length > 0 && (size_t)length < size - used);
}

static bool is_tuned(const struct tune *tune, bool of_eviction, const char *key)
{
	bool tuned = false;
	for (size_t p = 0; p < tune->parameter_count; p++)
		tuned |= tune->parameters[p].of_eviction == of_eviction && strcmp(tune->parameters[p].key, key) == 0;
	return tuned;
}

/* The SPEC with the values at `places`, or as it was given where that is NULL. */
void tune_spec_write(const struct tune *tune, bool of_eviction, const double *places, char *text, size_t size)
{
	const struct spec *spec = of_eviction ? tune->config->evict : tune->config->ttl;
	snprintf(text, size, "%s", spec->name);
	for (size_t i = 0; i < spec->count; i++) {
		if (!places || !is_tuned(tune, of_eviction, spec->pairs[i].key))
			append(text, size, spec->pairs[i].key, spec->pairs[i].value);
	}
	for (size_t p = 0; places && p < tune->parameter_count; p++) {
		const struct tune_parameter *parameter = &tune->parameters[p];
		char value[48];
		if (parameter->of_eviction != of_eviction)
			continue;
		write_value(parameter, tune_spec_value(parameter, places[p]), value, sizeof(value));
		append(text, size, parameter->key, value);
	}
}

/* Specs are written anew for every run. */
static int check_given(const struct spec *spec, const char *what, struct err *err)
{
	size_t length = strlen(spec->name);
	for (size_t i = 0; i < spec->count; i++)
		length += strlen(spec->pairs[i].key) + strlen(spec->pairs[i].value) + 4;
	if (spec->override_count)
		return err_set(err, "--%s %s: what holds for one class only cannot be tuned; expected a SPEC without ';class='.", what,
		               spec->text);
	if (length > GIVEN_MOST)
		return err_set(err, "--%s: a SPEC of %zu characters is too long to be tuned; expected at most %d.", what, length,
		               GIVEN_MOST);
	return 0;
}

static const struct param *find_param(const struct tune *tune, const struct tune_parameter *wanted)
{
	const struct param *params = wanted->of_eviction ? registry_evict(tune->config->evict->name)->params
	                                                 : registry_ttl(tune->config->ttl->name)->params;
	for (; params && params->name; params++) {
		if (strcmp(params->name, wanted->key) == 0)
			return params;
	}
	return NULL;
}

static int read_given(const struct tune *tune, struct tune_parameter *p, const struct param *param, struct err *err)
{
	const struct spec *spec = p->of_eviction ? tune->config->evict : tune->config->ttl;
	const char *text = param->default_text;
	int64_t ns;
	for (size_t i = 0; i < spec->count; i++) {
		if (strcmp(spec->pairs[i].key, p->key) == 0)
			text = spec->pairs[i].value;
	}
	if (!p->is_duration)
		return units_real(text, &p->given, err);
	if (units_duration(text, &ns, err) < 0)
		return -1;
	p->given = (double)ns;
	return 0;
}

/* Every number of the TTL rule: durations up to the trace's span, other numbers up to a hundred times what is given. */
static int choose(struct tune *tune, struct err *err)
{
	const struct trace *trace = tune->trace;
	const struct param *params = registry_ttl(tune->config->ttl->name)->params;
	const double span_ns = (double)(trace->requests[trace->request_count - 1].arrival_ns - trace->requests[0].arrival_ns);
	for (; params && params->name && tune->parameter_count < TUNE_PARAMETERS_MOST; params++) {
		struct tune_parameter p = {.is_duration = params->kind == PARAM_DURATION, .least = params->least, .most = params->most};
		if (params->kind != PARAM_DURATION && params->kind != PARAM_REAL)
			continue;
		snprintf(p.key, sizeof(p.key), "%s", params->name);
		if (read_given(tune, &p, params, err) < 0)
			return -1;
		if (p.is_duration) {
			p.least = fmax(p.least, (double)NS_PER_S);
			p.most = fmin(p.most, fmax(span_ns, 2.0 * (double)NS_PER_S));
		} else if (p.given > 0) {
			p.least = fmax(p.least, p.given / 100);
			p.most = fmin(p.most, p.given * 100);
		} else {
			p.most = fmin(p.most, 10);
		}
		tune->parameters[tune->parameter_count++] = p;
	}
	if (tune->parameter_count == 0)
		return err_set(err, "--ttl %s: it has no number to tune; name parameters with --over.", tune->config->ttl->name);
	return 0;
}

static int check_ranges(struct tune *tune, struct err *err)
{
	for (size_t i = 0; i < tune->parameter_count; i++) {
		struct tune_parameter *p = &tune->parameters[i];
		const char *of = p->of_eviction ? "evict" : "ttl";
		const struct param *param = find_param(tune, p);
		if (!param || (param->kind != PARAM_DURATION && param->kind != PARAM_REAL))
			return err_set(err, "--over %s.%s: %s has no number or duration of that name.", of, p->key,
			               p->of_eviction ? tune->config->evict->name : tune->config->ttl->name);
		if (p->is_duration != (param->kind == PARAM_DURATION))
			return err_set(err, "--over %s.%s: expected a range of %s.", of, p->key,
			               param->kind == PARAM_DURATION ? "durations, such as 10s..1h" : "numbers, such as 0.1..10");
		if (!(p->least >= param->least) || !(p->most <= param->most) || !(p->most > p->least))
			return err_set(err, "--over %s.%s: expected a range within %g..%g, its smaller end first.", of, p->key, param->least,
			               param->most);
		if (read_given(tune, p, param, err) < 0)
			return -1;
	}
	return 0;
}

int tune_spec_check(struct tune *tune, struct err *err)
{
	if (check_given(tune->config->evict, "evict", err) < 0 || check_given(tune->config->ttl, "ttl", err) < 0)
		return -1;
	if (tune->parameter_count == 0 && choose(tune, err) < 0)
		return -1;
	return check_ranges(tune, err);
}
