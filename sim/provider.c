#include "provider.h"

#include "embedded.h"
#include "text_file.h"
#include "units.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_TTL, KEY_MODEL, KEY_INPUT, KEY_OUTPUT, KEY_READ, KEY_WRITE, KEY_STORAGE, KEY_PINGS, KEY_LEAST, KEY_FILE, KEY_COUNT };
static const char *const keys[KEY_COUNT] = {"ttl", "model", "input", "output", "read", "write", "storage", "pings", "least", "file"};

static const char *text_of(const json_t *object, const char *key, const char *other)
{
	const json_t *value = json_object_get(object, key);
	return json_is_string(value) ? json_string_value(value) : other;
}

static double number_of(const json_t *object, const char *key, double other)
{
	const json_t *value = json_object_get(object, key);
	return json_is_number(value) ? json_number_value(value) : other;
}

static uint32_t tokens_of(const json_t *object, const char *key, uint32_t other)
{
	const double tokens = number_of(object, key, other);
	return tokens >= 0 && tokens < UINT32_MAX ? (uint32_t)tokens : UINT32_MAX;
}

static int collect_keys(const struct spec *spec, const char *values[KEY_COUNT], struct err *err)
{
	for (size_t i = 0; i < spec->count; i++) {
		int key = 0;
		while (key < KEY_COUNT && strcmp(keys[key], spec->pairs[i].key) != 0)
			key++;
		if (key == KEY_COUNT)
			return err_set(err, "there is no key '%s'; expected ttl, model, input, output, read, write, storage, pings, least or file.",
			               spec->pairs[i].key);
		values[key] = spec->pairs[i].value;
	}
	if (spec->override_count)
		return err_set(err, "a provider has no classes.");
	return 0;
}

/* The model's entry; an empty object where the file has none and the SPEC names none. */
static const json_t *find_model(const json_t *root, const char *name, struct err *err)
{
	const json_t *models = json_object_get(root, "models"), *model;
	char names[1024] = "";
	size_t i;
	json_array_foreach(models, i, model) {
		if (!name || strcmp(text_of(model, "name", ""), name) == 0)
			return model;
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? ", " : "", text_of(model, "name", ""));
	}
	if (!name)
		return root;
	err_set(err, "model=%s: there are prices of %s; for any other model give input= and output= instead.", name,
	        names[0] ? names : "no model");
	return NULL;
}

static int lifetime(struct provider *p, const json_t *root, const char *wanted, double *write_times, struct err *err)
{
	const json_t *lifetimes = json_object_get(root, "lifetimes"), *entry;
	char names[256] = "";
	int64_t wanted_ns = -1;
	size_t i;
	if (wanted && (units_duration(wanted, &wanted_ns, err) < 0 || wanted_ns < 1))
		return err_prefix(err, "ttl=%s: ", wanted);
	p->max_age_ns = TIME_NEVER_NS;
	json_array_foreach(lifetimes, i, entry) {
		const char *ttl = text_of(entry, "ttl", ""), *max_age = text_of(entry, "max_age", "inf");
		if (units_duration(ttl, &p->ttl_ns, err) < 0 || units_duration(max_age, &p->max_age_ns, err) < 0)
			return -1;
		*write_times = number_of(entry, "write", 1);
		if (!wanted || wanted_ns == p->ttl_ns)
			return 0;
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? ", " : "", ttl);
	}
	if (!json_is_true(json_object_get(root, "any_ttl")))
		return err_set(err, "ttl=%s: lifetimes on offer are %s.", wanted, names);
	if (!wanted)
		return err_set(err, "how long a prefix lives is not published; give ttl=, e.g. ttl=1h.");
	p->ttl_ns = wanted_ns;
	p->max_age_ns = TIME_NEVER_NS;
	*write_times = number_of(root, "write", i ? *write_times : 1);
	return 0;
}

/* A price from the SPEC, else `other`; `key` in the sentence where there is neither. */
static int price(const char *values[KEY_COUNT], int key, double other, double *to, struct err *err)
{
	*to = other;
	if (values[key] && (units_real(values[key], to, err) < 0 || !(*to >= 0) || !isfinite(*to)))
		return err_set(err, "%s=%s: expected dollars per million tokens.", keys[key], values[key]);
	if (isnan(*to))
		return err_set(err, "no price is known here: give %s= in dollars per million tokens.", keys[key]);
	return *to >= 0 ? 0 : err_set(err, "the price for %s is below 0 in the list.", keys[key]);
}

static int read_prices(struct provider *p, const json_t *root, const json_t *model, const char *values[KEY_COUNT],
                       double write_times, struct err *err)
{
	int64_t pings = 0;
	if (price(values, KEY_INPUT, number_of(model, "input", NAN), &p->input_price, err) < 0)
		return -1;
	const double read_price = number_of(model, "read_price", number_of(root, "read", NAN) * p->input_price);
	p->prices_answers = values[KEY_OUTPUT] || json_object_get(model, "output");
	if (price(values, KEY_OUTPUT, number_of(model, "output", 0), &p->output_price, err) < 0 ||
	    price(values, KEY_READ, values[KEY_INPUT] ? number_of(root, "read", NAN) * p->input_price : read_price, &p->read_price,
	          err) < 0 ||
	    price(values, KEY_WRITE, write_times * p->input_price, &p->write_price, err) < 0 ||
	    price(values, KEY_STORAGE, number_of(model, "storage", 0), &p->storage_price, err) < 0)
		return -1;
	if (values[KEY_PINGS] && (units_count(values[KEY_PINGS], &pings, err) < 0 || pings < 0 || pings > PROVIDER_PINGS_MOST))
		return err_set(err, "pings=%s: expected a whole number from 0 to %d.", values[KEY_PINGS], PROVIDER_PINGS_MOST);
	if (pings && !p->sliding)
		return err_set(err, "pings=%s: a read does not lengthen a life here.", values[KEY_PINGS]);
	p->pings = (uint32_t)pings;
	return 0;
}

static int read_provider(struct provider *p, const json_t *root, const char *values[KEY_COUNT], struct err *err)
{
	double write_times = 1;
	if (json_integer_value(json_object_get(root, "kvcast_prices")) != 1)
		return err_set(err, "field \"kvcast_prices\" is not 1: this is no list of prices of a version known here.");
	/* Prices by hand need no model. */
	const json_t *model = values[KEY_INPUT] && !values[KEY_MODEL] ? root : find_model(root, values[KEY_MODEL], err);
	if (!model)
		return -1;
	p->sliding = strcmp(text_of(root, "refresh", "sliding"), "sliding") == 0;
	if (lifetime(p, root, values[KEY_TTL], &write_times, err) < 0 ||
	    read_prices(p, root, model, values, write_times, err) < 0)
		return -1;
	int64_t least = tokens_of(model, "least_prompt_tokens", tokens_of(root, "least_prompt_tokens", 0));
	if (values[KEY_LEAST] && (units_count(values[KEY_LEAST], &least, err) < 0 || least < 0 || least > UINT32_MAX))
		return err_set(err, "least=%s: expected a number of tokens.", values[KEY_LEAST]);
	p->least_prompt_tokens = (uint32_t)least;
	p->most_cached_tokens = tokens_of(root, "most_cached_tokens", UINT32_MAX);
	p->title = mem_copy_text(text_of(root, "provider", ""));
	p->model = mem_copy_text(text_of(model, "name", ""));
	p->as_of = mem_copy_text(text_of(root, "as_of", ""));
	p->note = mem_copy_text(text_of(root, "note", ""));
	return 0;
}

int provider_load(struct provider *provider, const struct spec *spec, struct err *err)
{
	json_error_t where;
	const char *values[KEY_COUNT] = {NULL};
	const struct embedded_file *built_in = embedded_find("price", spec->name);
	char *text = NULL;
	*provider = (struct provider){.spec = mem_copy_text(spec->text)};
	int failed = collect_keys(spec, values, err);
	if (!failed && values[KEY_FILE])
		failed = (text = text_file_read(values[KEY_FILE], err)) ? 0 : -1;
	else if (!failed && !built_in)
		failed = err_set(err, "there are %s; a list of your own is given by file=.", embedded_names("price"));
	if (!failed) {
		json_t *root = json_loads(text ? text : built_in->text, JSON_REJECT_DUPLICATES, &where);
		failed = root ? read_provider(provider, root, values, err) : err_set(err, "line %d: %s.", where.line, where.text);
		json_decref(root);
	}
	free(text);
	return failed ? err_prefix(err, "--provider %s: ", spec->text) : 0;
}

void provider_free(struct provider *provider)
{
	free(provider->spec);
	free(provider->title);
	free(provider->model);
	free(provider->as_of);
	free(provider->note);
	*provider = (struct provider){0};
}
