#include "fields.h"

#include "trace.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_BYTES 48

/* The value as it stood there, short. */
static const char *fields_show(const json_t *value, char *buffer)
{
	if (!value)
		return "missing";
	if (json_is_array(value))
		return json_array_size(value) ? "a list" : "an empty list";
	if (json_is_object(value))
		return "an object";
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
	snprintf(buffer, SHOWN_BYTES, "%s", text ? text : "unreadable");
	if (text && strlen(text) >= SHOWN_BYTES)
		memcpy(buffer + SHOWN_BYTES - 4, "...", 4);
	free(text);
	return buffer;
}

int fields_wrong(const char *key, const json_t *value, struct err *err, const char *format, ...)
{
	char shown[SHOWN_BYTES], expected[256];
	va_list args;
	va_start(args, format);
	vsnprintf(expected, sizeof(expected), format, args);
	va_end(args);
	return err_set(err, "field \"%s\" is %s; expected %s.", key, fields_show(value, shown), expected);
}

/* NULL for an absent field. */
static const json_t *fields_get(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	return json_is_null(value) ? NULL : value;
}

static int fields_number(const json_t *value, const char *key, const struct field_range *range, int64_t *number,
			 struct err *err)
{
	if (!json_is_integer(value) && range->least == INT64_MIN)
		return fields_wrong(key, value, err, "a whole number of 64 bits");
	if (!json_is_integer(value) || json_integer_value(value) < range->least ||
	    json_integer_value(value) > range->most)
		return fields_wrong(key, value, err, "a whole number%s%s from %" PRId64 " to %" PRId64,
				    *range->unit ? " of " : "", range->unit, range->least, range->most);
	*number = json_integer_value(value);
	return 1;
}

int fields_whole(const json_t *object, const char *key, const struct field_range *range, int64_t *value,
		 struct err *err)
{
	const json_t *found = fields_get(object, key);
	return found ? fields_number(found, key, range, value, err) : 0;
}

int fields_element(const json_t *value, const char *key, size_t index, const struct field_range *range, int64_t *number,
		   struct err *err)
{
	if (json_is_integer(value) && json_integer_value(value) >= range->least &&
	    json_integer_value(value) <= range->most) {
		*number = json_integer_value(value);
		return 1;
	}
	char name[96];
	snprintf(name, sizeof(name), "%s[%zu]", key, index);
	return fields_number(value, name, range, number, err);
}

int fields_real(const json_t *object, const char *key, double *value, struct err *err)
{
	const json_t *found = fields_get(object, key);
	if (!found)
		return 0;
	if (!json_is_number(found))
		return fields_wrong(key, found, err, "a number");
	*value = json_number_value(found);
	return 1;
}

int fields_time(const json_t *object, const char *key, int64_t unit_ns, const char *unit, int64_t *time_ns,
		struct err *err)
{
	const json_t *found = fields_get(object, key);
	if (!found)
		return 0;
	int64_t most = TRACE_TIME_MOST_NS / unit_ns - 1;
	if (json_is_integer(found) && json_integer_value(found) >= 0 && json_integer_value(found) <= most) {
		*time_ns = json_integer_value(found) * unit_ns;
		return 1;
	}
	double real = json_real_value(found), whole;
	if (!json_is_real(found) || !(real >= 0 && real <= (double)most))
		return fields_wrong(key, found, err, "a number of %s from 0 to %" PRId64, unit, most);
	/* Apart, so that the whole part stays exact however large it is. */
	double fraction = modf(real, &whole);
	*time_ns = (int64_t)whole * unit_ns + llround(fraction * (double)unit_ns);
	return 1;
}

int fields_name(const json_t *object, const char *key, struct field_name *name, struct err *err)
{
	const json_t *found = fields_get(object, key);
	name->text = NULL;
	if (!found)
		return 0;
	if (json_is_integer(found)) {
		snprintf(name->digits, sizeof(name->digits), "%" JSON_INTEGER_FORMAT, json_integer_value(found));
		name->text = name->digits;
		return 1;
	}
	name->text = json_string_value(found);
	return name->text ? 1 : fields_wrong(key, found, err, "a string or a whole number");
}

int fields_either(const json_t *object, const char *key, const char *no, const char *yes, bool *value, struct err *err)
{
	const json_t *found = fields_get(object, key);
	if (!found)
		return 0;
	const char *text = json_string_value(found);
	if (!text || (strcmp(text, no) != 0 && strcmp(text, yes) != 0))
		return fields_wrong(key, found, err, "\"%s\" or \"%s\"", no, yes);
	*value = strcmp(text, yes) == 0;
	return 1;
}

int fields_flag(const json_t *object, const char *key, bool *value, struct err *err)
{
	const json_t *found = fields_get(object, key);
	if (!found)
		return 0;
	if (!json_is_boolean(found))
		return fields_wrong(key, found, err, "true or false");
	*value = json_is_true(found);
	return 1;
}

int fields_list(const json_t *object, const char *key, const char *of_what, const json_t **list, struct err *err)
{
	const json_t *found = fields_get(object, key);
	if (!found)
		return 0;
	if (!json_is_array(found))
		return fields_wrong(key, found, err, "a list of %s", of_what);
	*list = found;
	return 1;
}
