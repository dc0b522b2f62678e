/* spec.h - the SPEC grammar of the command line: how a policy and its parameters are named.
 *
 *   SPEC     = NAME[:key=value(,key=value)*] (;class=CLASS:key=value(,key=value)*)*
 *   LIST     = pieces parted by commas; a piece that starts with `key=` belongs to the SPEC before it
 *   {..}     a value may stand in braces, so that it can hold commas; the outermost pair is taken off
 *   @FILE    in place of a SPEC: it stands in that file (spec_file.h)
 *
 * A parsed SPEC owns its texts. A parameter table (struct param, ended by a NULL name) says which keys a SPEC may
 * carry, their kind, range and default; spec_bind() checks and turns texts into values, in the table's order.
 */
#ifndef KVCAST_SPEC_H
#define KVCAST_SPEC_H

#include "base.h"
#include "err.h"

struct spec_pair {
	char *key, *value;
};

struct spec_override {
	char *class_name;
	struct spec_pair *pairs;
	size_t count;
};

struct spec {
	char *text; /* as written, for messages and output columns */
	char *name;
	struct spec_pair *pairs;
	size_t count;
	struct spec_override *overrides;
	size_t override_count;
};

struct spec_list {
	struct spec *specs;
	size_t count;
};

int spec_parse(struct spec *spec, const char *text, struct err *err);
/* The same where there are no classes to tell apart: an override is refused. */
int spec_parse_plain(struct spec *spec, const char *text, struct err *err);
int spec_list_parse(struct spec_list *list, const char *text, struct err *err);
void spec_free(struct spec *spec);
void spec_list_free(struct spec_list *list);

enum param_kind { PARAM_INT, PARAM_REAL, PARAM_DURATION, PARAM_SIZE, PARAM_CHOICE };

/* One parameter of a policy. `choices` ("a|b|c") is for PARAM_CHOICE only, whose value is the index of the word;
 * `least` and `most` bound the numeric kinds (ns for durations), both inclusive. */
struct param {
	const char *name;
	enum param_kind kind;
	const char *default_text;
	double least, most;
	const char *choices;
	const char *help;
};

/* `integer` holds PARAM_INT, PARAM_DURATION (ns), PARAM_SIZE (bytes) and PARAM_CHOICE (index), `real` PARAM_REAL. */
union param_value {
	int64_t integer;
	double real;
};

/* Most parameters a table may have, the sentinel not counted. */
#define PARAM_MOST 24

/* Binds `spec` to the tables (`tables` ends with NULL; several may be joined, e.g. the TTL keys all families share and
 * a family's own). `values[t]` receives table t's values. `class_name` picks the overrides that apply on top of the
 * common pairs; NULL for none. An unknown key is refused with the keys there are. `what` begins the sentence
 * ("--evict lru"). */
int spec_bind(const struct spec *spec, const char *class_name, const struct param *const *tables,
              union param_value *const *values, const char *what, struct err *err);

#endif
