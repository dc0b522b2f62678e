#include "units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	double factor;
};

/* From the largest to the smallest, as units_show_duration() needs them; every factor is a whole number of ns. */
static const struct unit duration_units[] = {
    {"d", 86400e9}, {"h", 3600e9}, {"m", 60e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {NULL, 0},
};

static const struct unit size_units[] = {
    {"", 1},     {"B", 1},    {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}, {"PiB", 0x1p50},
    {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6},     {"GB", 1e9},     {"TB", 1e12},    {"PB", 1e15},    {NULL, 0},
};

static const struct unit count_units[] = {
    {"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {NULL, 0},
};

#define DURATION_FORM "a duration is a number with ns, us, ms, s, m, h or d, such as 250ms, or inf"
#define SIZE_FORM                                                                                                      \
	"a size is a number of bytes, or a number with KiB, MiB, GiB, TiB, kB, MB, GB or TB, such as 40GiB, or inf"
#define RATE_FORM  "a rate is a size per second, such as 50GB/s, or inf"
#define COUNT_FORM "a count is a whole number such as 1000, 10k, 1e6 or 2M, or inf"
#define REAL_FORM  "a number such as 3, 0.25 or 1e-6 is expected, or inf"

/* The decimal number that `text` begins with (digits, one point, an exponent; no sign); returns what follows it, NULL
 * where there is none. strtold() alone would also take hexadecimal, NaN, blanks and signs. */
static const char *units_number(const char *text, long double *number)
{
	const char *at = text + strspn(text, "0123456789");
	size_t digits = (size_t)(at - text);
	if (*at == '.') {
		size_t fraction = strspn(at + 1, "0123456789");
		digits += fraction;
		at += 1 + fraction;
	}
	if (digits == 0)
		return NULL;
	if (*at == 'e' || *at == 'E') {
		const char *exponent = at + 1 + (at[1] == '+' || at[1] == '-');
		size_t exponent_digits = strspn(exponent, "0123456789");
		if (exponent_digits > 0)
			at = exponent + exponent_digits;
	}
	*number = strtold(text, NULL);
	return at;
}

static const struct unit *units_find(const struct unit *units, const char *name, size_t length)
{
	for (const struct unit *unit = units; unit->name; unit++)
		if (strlen(unit->name) == length && memcmp(unit->name, name, length) == 0)
			return unit;
	return NULL;
}

/* A number, one of `units` and `ending`, as their product; INFINITY for "inf". `form` says what was expected. */
static int units_product(const char *text, const struct unit *units, const char *ending, const char *form,
			 long double *product, struct err *err)
{
	if (strcmp(text, "inf") == 0) {
		*product = (long double)INFINITY;
		return 0;
	}
	if (*text == '-')
		return err_set(err, "'%s' is negative; %s.", text, form);
	long double number;
	const char *name = units_number(text, &number);
	if (!name)
		return err_set(err, "'%s' does not begin with a number; %s.", text, form);
	size_t length = strlen(name), ending_length = strlen(ending);
	if (length < ending_length || strcmp(name + length - ending_length, ending) != 0)
		return err_set(err, "'%s' does not end in '%s'; %s.", text, ending, form);
	length -= ending_length;
	const struct unit *unit = units_find(units, name, length);
	if (!unit && length == 0)
		return err_set(err, "'%s' has no unit; %s.", text, form);
	if (!unit)
		return err_set(err, "'%.*s' in '%s' is not a unit known here; %s.", (int)length, name, text, form);
	*product = number * (long double)unit->factor;
	return 0;
}

/* The nearest integer; where `whole` is asked for, nothing may be lost in rounding. */
static int units_integer(const char *text, long double product, bool whole, const char *form, int64_t *value,
			 struct err *err)
{
	if (isinf(product) && strcmp(text, "inf") == 0) {
		*value = INT64_MAX;
		return 0;
	}
	long double nearest = roundl(product);
	if (nearest >= 0x1p63L)
		return err_set(err, "'%s' is too large; the limit is below 2^63, and inf stands for no limit.", text);
	/* Decimal fractions such as 1.1k are not exact in binary; a loss of one part in 2^50 is theirs, not the user's.
	 */
	if (whole && fabsl(product - nearest) > product * 0x1p-50L)
		return err_set(err, "'%s' is not a whole number; %s.", text, form);
	*value = (int64_t)nearest;
	return 0;
}

int units_duration(const char *text, int64_t *ns, struct err *err)
{
	long double product;
	if (units_product(text, duration_units, "", DURATION_FORM, &product, err) < 0)
		return -1;
	if (product >= 0x1p63L && strcmp(text, "inf") != 0)
		return err_set(
		    err, "'%s' is too long; the longest duration is about 106751 days, and inf stands for no limit.",
		    text);
	return units_integer(text, product, false, DURATION_FORM, ns, err);
}

int units_size(const char *text, int64_t *bytes, struct err *err)
{
	long double product;
	if (units_product(text, size_units, "", SIZE_FORM, &product, err) < 0)
		return -1;
	/* 0.3 bytes are a slip; 1.7 GiB are 1825361100.8 bytes and meant so. */
	char last = *text ? text[strlen(text) - 1] : '\0';
	bool has_unit = last == 'B';
	return units_integer(text, product, !has_unit, SIZE_FORM, bytes, err);
}

int units_rate(const char *text, double *bytes_per_s, struct err *err)
{
	long double product;
	if (units_product(text, size_units, "/s", RATE_FORM, &product, err) < 0)
		return -1;
	double rate = (double)product;
	if (!(rate > 0))
		return err_set(err, "'%s' is no rate at which anything arrives; a rate is above zero.", text);
	if (isinf(rate) && strcmp(text, "inf") != 0)
		return err_set(err, "'%s' is too large; inf stands for no limit.", text);
	*bytes_per_s = rate;
	return 0;
}

int units_count(const char *text, int64_t *count, struct err *err)
{
	long double product;
	if (units_product(text, count_units, "", COUNT_FORM, &product, err) < 0)
		return -1;
	return units_integer(text, product, true, COUNT_FORM, count, err);
}

int units_real(const char *text, double *value, struct err *err)
{
	bool negative = *text == '-';
	const char *magnitude = text + negative;
	long double number = (long double)INFINITY;
	if (strcmp(magnitude, "inf") != 0) {
		const char *rest = units_number(magnitude, &number);
		if (!rest || *rest)
			return err_set(err, "'%s' is not a number; %s.", text, REAL_FORM);
		if (isinf((double)number))
			return err_set(err, "'%s' is too large; inf stands for no limit.", text);
	}
	*value = (double)(negative ? -number : number);
	return 0;
}

const char *units_show_duration(int64_t ns, char *buffer, size_t size)
{
	if (ns == TIME_NEVER_NS) {
		snprintf(buffer, size, "inf");
		return buffer;
	}
	if (ns == 0) {
		snprintf(buffer, size, "0s");
		return buffer;
	}
	const struct unit *unit = duration_units;
	while (ns % (int64_t)unit->factor != 0)
		unit++;
	snprintf(buffer, size, "%" PRId64 "%s", ns / (int64_t)unit->factor, unit->name);
	return buffer;
}

const char *units_show_size(double bytes, char *buffer, size_t size)
{
	static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	if (isinf(bytes)) {
		snprintf(buffer, size, "inf");
		return buffer;
	}
	size_t step = 0;
	/* 1023.95 and above would be shown as 1024.0 of the smaller unit. */
	while (step + 1 < COUNT_OF(names) && bytes >= (step == 0 ? 1023.5 : 1023.95)) {
		bytes /= 1024;
		step++;
	}
	snprintf(buffer, size, "%.*f %s", step == 0 ? 0 : 1, bytes, names[step]);
	return buffer;
}
