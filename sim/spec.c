#include "spec.h"

#include "spec_file.h"
#include "units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A part of the text being parsed. */
struct slice {
	const char *from;
	size_t length;
};

#define SLICE(slice) (int)(slice).length, (slice).from

static char *spec_copy(struct slice slice)
{
	char *text = mem_alloc(slice.length + 1, 1);
	memcpy(text, slice.from, slice.length);
	return text;
}

/* The part before the first of `ends` that stands outside braces; `rest` begins at that character, or is empty. */
static struct slice spec_cut(struct slice text, const char *ends, struct slice *rest)
{
	size_t at = 0, depth = 0;
	for (; at < text.length; at++) {
		char c = text.from[at];
		if (depth == 0 && strchr(ends, c))
			break;
		depth += c == '{';
		depth -= c == '}';
	}
	*rest = (struct slice){text.from + at, text.length - at};
	return (struct slice){text.from, at};
}

static struct slice spec_after(struct slice text, size_t count)
{
	return (struct slice){text.from + count, text.length - count};
}

static int spec_check_braces(const char *text, struct err *err)
{
	size_t depth = 0;
	for (const char *at = text; *at; at++) {
		if (*at == '}' && depth == 0)
			return err_set(err, "'%s' closes a brace that was never opened.", text);
		depth += *at == '{';
		depth -= *at == '}';
	}
	if (depth > 0)
		return err_set(err, "'%s' opens a brace and never closes it.", text);
	return 0;
}

/* Takes the outermost pair of braces off, where the whole text stands in one. */
static struct slice spec_unbrace(struct slice text)
{
	size_t depth = 0;
	if (text.length < 2 || text.from[0] != '{')
		return text;
	for (size_t at = 0; at < text.length; at++) {
		depth += text.from[at] == '{';
		depth -= text.from[at] == '}';
		if (depth == 0)
			return at + 1 == text.length ? (struct slice){text.from + 1, text.length - 2} : text;
	}
	return text;
}

/* How many characters of a name or key `text` begins with. */
static size_t spec_word(struct slice text)
{
	size_t length = 0;
	for (; length < text.length; length++) {
		char c = text.from[length];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool inner = (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
		if (!letter && !inner)
			break;
	}
	return length;
}

static bool spec_starts_with_key(struct slice piece)
{
	size_t length = spec_word(piece);
	return length > 0 && length < piece.length && piece.from[length] == '=';
}

/* key=value(,key=value)* */
static int spec_parse_pairs(struct slice text, struct spec_pair **pairs, size_t *count, const char *whole,
			    struct err *err)
{
	for (struct slice rest;; text = spec_after(rest, 1)) {
		struct slice piece = spec_cut(text, ",", &rest);
		if (!spec_starts_with_key(piece))
			return err_set(err, "'%.*s' in '%s' is not of the form key=value.", SLICE(piece), whole);
		struct slice key = {piece.from, spec_word(piece)};
		struct slice value = spec_unbrace(spec_after(piece, key.length + 1));
		if (value.length == 0)
			return err_set(err, "'%.*s=' in '%s' has no value.", SLICE(key), whole);
		for (size_t i = 0; i < *count; i++)
			if (strlen((*pairs)[i].key) == key.length && memcmp((*pairs)[i].key, key.from, key.length) == 0)
				return err_set(err, "'%.*s' is given twice in '%s'.", SLICE(key), whole);
		*pairs = mem_grow(*pairs, *count + 1, sizeof(**pairs));
		(*pairs)[(*count)++] = (struct spec_pair){spec_copy(key), spec_copy(value)};
		if (rest.length == 0)
			return 0;
	}
}

/* class=CLASS:key=value(,key=value)* */
static int spec_parse_override(struct slice text, struct spec *spec, struct err *err)
{
	static const char keyword[] = "class=";
	size_t keyword_length = sizeof(keyword) - 1;
	if (text.length < keyword_length || memcmp(text.from, keyword, keyword_length) != 0)
		return err_set(err, "'%.*s' in '%s' should read class=NAME:key=value, as all that follows a ';'.",
			       SLICE(text), spec->text);
	struct slice rest;
	struct slice name = spec_unbrace(spec_cut(spec_after(text, keyword_length), ":", &rest));
	if (name.length == 0)
		return err_set(err, "'%s' names no class after 'class='.", spec->text);
	if (rest.length < 2)
		return err_set(err, "'%s' says nothing about class '%.*s'; expected class=%.*s:key=value.", spec->text,
			       SLICE(name), SLICE(name));
	for (size_t i = 0; i < spec->override_count; i++)
		if (strlen(spec->overrides[i].class_name) == name.length &&
		    memcmp(spec->overrides[i].class_name, name.from, name.length) == 0)
			return err_set(err, "class '%.*s' is given twice in '%s'.", SLICE(name), spec->text);
	spec->overrides = mem_grow(spec->overrides, spec->override_count + 1, sizeof(*spec->overrides));
	struct spec_override *override = &spec->overrides[spec->override_count++];
	*override = (struct spec_override){.class_name = spec_copy(name)};
	return spec_parse_pairs(spec_after(rest, 1), &override->pairs, &override->count, spec->text, err);
}

static int spec_parse_body(struct spec *spec, struct err *err)
{
	struct slice text = {spec->text, strlen(spec->text)}, rest;
	struct slice name = spec_cut(text, ":;,", &rest);
	if (name.length == 0)
		return err_set(err, "'%s' does not begin with a name; expected NAME or NAME:key=value,...", spec->text);
	if (spec_word(name) != name.length)
		return err_set(err, "'%.*s' is not a name; a name is made of letters, digits, '-', '_' and '.'.",
			       SLICE(name));
	spec->name = spec_copy(name);
	if (rest.length > 0 && *rest.from == ',')
		return err_set(err,
			       "'%s' is a list where one is expected; parameters follow a ':', as in %s:key=value.",
			       spec->text, spec->name);
	if (rest.length > 0 && *rest.from == ':') {
		struct slice pairs = spec_cut(spec_after(rest, 1), ";", &rest);
		if (pairs.length == 0)
			return err_set(err, "'%s' has nothing after '%s:'; expected key=value.", spec->text,
				       spec->name);
		if (spec_parse_pairs(pairs, &spec->pairs, &spec->count, spec->text, err) < 0)
			return -1;
	}
	while (rest.length > 0) {
		struct slice override = spec_cut(spec_after(rest, 1), ";", &rest);
		if (spec_parse_override(override, spec, err) < 0)
			return -1;
	}
	return 0;
}

int spec_parse(struct spec *spec, const char *text, struct err *err)
{
	if (*text == '@')
		return spec_file_parse(spec, text + 1, err);
	*spec = (struct spec){0};
	if (spec_check_braces(text, err) < 0)
		return -1;
	spec->text = mem_copy_text(text);
	if (spec_parse_body(spec, err) == 0)
		return 0;
	spec_free(spec);
	return -1;
}

int spec_parse_plain(struct spec *spec, const char *text, struct err *err)
{
	if (spec_parse(spec, text, err) < 0)
		return -1;
	if (spec->override_count == 0)
		return 0;
	spec_free(spec);
	return err_set(err, "'%s' has something for one class only, which cannot be here.", text);
}

/* The pieces of `text` from its start up to the next that does not belong to the first's SPEC. */
static struct slice spec_list_item(struct slice text, struct slice *rest)
{
	spec_cut(text, ",", rest);
	while (rest->length > 0 && spec_starts_with_key(spec_after(*rest, 1)))
		spec_cut(spec_after(*rest, 1), ",", rest);
	return (struct slice){text.from, text.length - rest->length};
}

int spec_list_parse(struct spec_list *list, const char *text, struct err *err)
{
	*list = (struct spec_list){0};
	if (spec_check_braces(text, err) < 0)
		return -1;
	struct slice left = {text, strlen(text)};
	if (spec_starts_with_key(left))
		return err_set(err, "'%s' begins with a parameter; expected NAME or NAME:key=value,...", text);
	for (struct slice rest;; left = spec_after(rest, 1)) {
		struct slice item = spec_list_item(left, &rest);
		if (item.length == 0) {
			spec_list_free(list);
			return err_set(err, "'%s' has an empty place in its list.", text);
		}
		char *copy = spec_copy(item);
		struct spec spec;
		int status = spec_parse(&spec, copy, err);
		free(copy);
		if (status < 0) {
			spec_list_free(list);
			return -1;
		}
		list->specs = mem_grow(list->specs, list->count + 1, sizeof(*list->specs));
		list->specs[list->count++] = spec;
		if (rest.length == 0)
			return 0;
	}
}

static void spec_free_pairs(struct spec_pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(pairs[i].key);
		free(pairs[i].value);
	}
	free(pairs);
}

void spec_free(struct spec *spec)
{
	spec_free_pairs(spec->pairs, spec->count);
	for (size_t i = 0; i < spec->override_count; i++) {
		free(spec->overrides[i].class_name);
		spec_free_pairs(spec->overrides[i].pairs, spec->overrides[i].count);
	}
	free(spec->overrides);
	free(spec->name);
	free(spec->text);
	*spec = (struct spec){0};
}

void spec_list_free(struct spec_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		spec_free(&list->specs[i]);
	free(list->specs);
	*list = (struct spec_list){0};
}

/* ---- binding ---- */

/* Index of the word in "a|b|c"; -1 where it is none of them. */
static int64_t spec_choice(const char *choices, const char *word)
{
	size_t length = strlen(word);
	int64_t index = 0;
	for (const char *at = choices;; index++) {
		size_t choice = strcspn(at, "|");
		if (choice == length && memcmp(at, word, length) == 0)
			return index;
		if (at[choice] == '\0')
			return -1;
		at += choice + 1;
	}
}

/* `bound` in the words of the parameter's kind. */
static const char *spec_show_bound(const struct param *param, double bound, char *buffer, size_t size)
{
	if (param->kind == PARAM_DURATION)
		return units_show_duration(bound >= 0x1p63 ? TIME_NEVER_NS : (int64_t)bound, buffer, size);
	if (param->kind == PARAM_SIZE)
		return units_show_size(bound, buffer, size);
	snprintf(buffer, size, "%.15g", bound);
	return buffer;
}

static int spec_check_range(const struct param *param, const char *text, double value, struct err *err)
{
	char least[48], most[48];
	if (value >= param->least && value <= param->most)
		return 0;
	spec_show_bound(param, param->least, least, sizeof(least));
	spec_show_bound(param, param->most, most, sizeof(most));
	if (param->most >= 0x1p63)
		return err_set(err, "%s=%s is out of range; at least %s is expected.", param->name, text, least);
	return err_set(err, "%s=%s is out of range; %s to %s is expected.", param->name, text, least, most);
}

static int spec_param_value(const struct param *param, const char *text, union param_value *value, struct err *err)
{
	int status = 0;
	/* Counts are never negative, but a whole number, such as a priority, may be. */
	bool negative = param->kind == PARAM_INT && param->least < 0 && *text == '-';
	switch (param->kind) {
	case PARAM_REAL:
		status = units_real(text, &value->real, err);
		break;
	case PARAM_INT:
		status = units_count(text + negative, &value->integer, err);
		value->integer = negative && status == 0 ? -value->integer : value->integer;
		break;
	case PARAM_DURATION:
		status = units_duration(text, &value->integer, err);
		break;
	case PARAM_SIZE:
		status = units_size(text, &value->integer, err);
		break;
	case PARAM_CHOICE:
		value->integer = spec_choice(param->choices, text);
		if (value->integer >= 0)
			return 0;
		return err_set(err, "%s=%s is none of %s.", param->name, text, param->choices);
	}
	if (status < 0)
		return err_prefix(err, "%s: ", param->name);
	return spec_check_range(param, text, param->kind == PARAM_REAL ? value->real : (double)value->integer, err);
}

static int spec_unknown_key(const char *key, const struct param *const *tables, struct err *err)
{
	char names[512] = "";
	size_t length = 0;
	for (size_t t = 0; tables[t]; t++)
		for (const struct param *param = tables[t]; param->name && length < sizeof(names); param++)
			length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s", length ? ", " : "",
						   param->name);
	if (length == 0)
		return err_set(err, "'%s' is given, but there are no parameters to set.", key);
	return err_set(err, "there is no parameter '%s'; there are: %s.", key, names);
}

/* Checks one pair; stores its value where `applies`. */
static int spec_bind_pair(const struct spec_pair *pair, bool applies, const struct param *const *tables,
			  union param_value *const *values, struct err *err)
{
	for (size_t t = 0; tables[t]; t++) {
		for (size_t i = 0; tables[t][i].name; i++) {
			union param_value value;
			if (strcmp(tables[t][i].name, pair->key) != 0)
				continue;
			if (spec_param_value(&tables[t][i], pair->value, &value, err) < 0)
				return -1;
			if (applies)
				values[t][i] = value;
			return 0;
		}
	}
	return spec_unknown_key(pair->key, tables, err);
}

int spec_bind(const struct spec *spec, const char *class_name, const struct param *const *tables,
	      union param_value *const *values, const char *what, struct err *err)
{
	for (size_t t = 0; tables[t]; t++) {
		for (size_t i = 0; tables[t][i].name; i++) {
			int status = spec_param_value(&tables[t][i], tables[t][i].default_text, &values[t][i], err);
			/* A default that its own table refuses is our bug. */
			ASSERT(i < PARAM_MOST && status == 0);
		}
	}
	for (size_t i = 0; i < spec->count; i++)
		if (spec_bind_pair(&spec->pairs[i], true, tables, values, err) < 0)
			return err_prefix(err, "%s: ", what);
	/* Other classes' overrides are checked too, so that a slip is told whichever class is bound first. */
	for (size_t o = 0; o < spec->override_count; o++) {
		const struct spec_override *override = &spec->overrides[o];
		bool applies = class_name && strcmp(class_name, override->class_name) == 0;
		for (size_t i = 0; i < override->count; i++)
			if (spec_bind_pair(&override->pairs[i], applies, tables, values, err) < 0)
				return err_prefix(err, "%s;class=%s: ", what, override->class_name);
	}
	return 0;
}
