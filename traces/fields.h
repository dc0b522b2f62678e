/* fields.h - typed fields of a JSON object, and the sentences for what is wrong with them.
 *
 * Every function gives 1 where the field is there and right, 0 where it is absent (or null, which says the same), and
 * -1 with a sentence that names the field, shows what stands there and says what was expected. Sentences lack the
 * place; the reader adds file:line. Fields nobody asks for are ignored.
 */
#ifndef KVCAST_FIELDS_H
#define KVCAST_FIELDS_H

#include "base.h"
#include "err.h"

#include <jansson.h>

/* A name may be written as a string or as an integer: `text` points into the JSON value or at `digits`. */
struct field_name {
	const char *text; /* NULL where absent */
	char digits[24];
};

/* A whole number from `least` to `most`; `unit` ends "a whole number of ...", or is "". */
struct field_range {
	int64_t least, most;
	const char *unit;
};

int fields_whole(const json_t *object, const char *key, const struct field_range *range, int64_t *value,
		 struct err *err);
/* The same for an element of a list: `key` and `index` are for the sentence. */
int fields_element(const json_t *value, const char *key, size_t index, const struct field_range *range, int64_t *number,
		   struct err *err);
int fields_real(const json_t *object, const char *key, double *value, struct err *err);
/* A time of `unit_ns` ns (`unit`: "ms"), whole or with a fraction, from 0 to TRACE_TIME_MOST_NS; rounded to the ns. */
int fields_time(const json_t *object, const char *key, int64_t unit_ns, const char *unit, int64_t *time_ns,
		struct err *err);
int fields_name(const json_t *object, const char *key, struct field_name *name, struct err *err);
/* One of two words; `value` is true for the second. */
int fields_either(const json_t *object, const char *key, const char *no, const char *yes, bool *value, struct err *err);
int fields_flag(const json_t *object, const char *key, bool *value, struct err *err);
int fields_list(const json_t *object, const char *key, const char *of_what, const json_t **list, struct err *err);

/* `field "KEY" is VALUE; expected EXPECTED.`, `value` NULL giving "missing". */
int fields_wrong(const char *key, const json_t *value, struct err *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
