/* The SPEC grammar: what is taken, how it is read, and with which sentence the rest is refused. */
#include "test.h"

#include "spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A SPEC read and written again in one plain form: name(key>value key>value){class(key>value)} */
static const char *shown(const struct spec *spec)
{
	static char text[1024];
	int at = snprintf(text, sizeof(text), "%s(", spec->name);
	for (size_t i = 0; i < spec->count; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%s%s>%s", i ? " " : "", spec->pairs[i].key,
			       spec->pairs[i].value);
	at += snprintf(text + at, sizeof(text) - (size_t)at, ")");
	for (size_t o = 0; o < spec->override_count; o++) {
		at += snprintf(text + at, sizeof(text) - (size_t)at, "{%s(", spec->overrides[o].class_name);
		for (size_t i = 0; i < spec->overrides[o].count; i++)
			at += snprintf(text + at, sizeof(text) - (size_t)at, "%s%s>%s", i ? " " : "",
				       spec->overrides[o].pairs[i].key, spec->overrides[o].pairs[i].value);
		at += snprintf(text + at, sizeof(text) - (size_t)at, ")}");
	}
	return text;
}

static void good_specs(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
	    {"lru", "lru()"},
	    {"s3-fifo", "s3-fifo()"},
	    {"2q", "2q()"},
	    {"lfu:aging=1", "lfu(aging>1)"},
	    {"static:ttl=1h,mode=absolute", "static(ttl>1h mode>absolute)"},
	    {"x:a={b:c=1,d=2},e=3", "x(a>b:c=1,d=2 e>3)"},
	    {"x:a={{b}}", "x(a>{b})"},
	    {"x:a={b}{c}", "x(a>{b}{c})"},
	    {"x:a=b{c,d}", "x(a>b{c,d})"},
	    {"x:a=b=c:d", "x(a>b=c:d)"},
	    {"static:ttl=5m;class=auditor:ttl=1h,mode=absolute", "static(ttl>5m){auditor(ttl>1h mode>absolute)}"},
	    {"static;class=a:ttl=1h;class=Big One:ttl=inf", "static(){a(ttl>1h)}{Big One(ttl>inf)}"},
	    {"static;class={a;b:c}:ttl=1h", "static(){a;b:c(ttl>1h)}"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct spec spec;
		struct err err;
		if (spec_parse(&spec, cases[i][0], &err) < 0)
			fail_msg("'%s': %s", cases[i][0], err.text);
		assert_string_equal(shown(&spec), cases[i][1]);
		assert_string_equal(spec.text, cases[i][0]);
		spec_free(&spec);
	}
}

static void bad_specs(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
	    {"", "'' does not begin with a name; expected NAME or NAME:key=value,..."},
	    {":a=1", "':a=1' does not begin with a name; expected NAME or NAME:key=value,..."},
	    {"a b", "'a b' is not a name; a name is made of letters, digits, '-', '_' and '.'."},
	    {"ttl=1h", "'ttl=1h' is not a name; a name is made of letters, digits, '-', '_' and '.'."},
	    {"lru,lfu", "'lru,lfu' is a list where one is expected; parameters follow a ':', as in lru:key=value."},
	    {"lru:", "'lru:' has nothing after 'lru:'; expected key=value."},
	    {"lru:;class=a:b=1", "'lru:;class=a:b=1' has nothing after 'lru:'; expected key=value."},
	    {"lru:fast", "'fast' in 'lru:fast' is not of the form key=value."},
	    {"lru:a=1,", "'' in 'lru:a=1,' is not of the form key=value."},
	    {"lru:a=1,lfu", "'lfu' in 'lru:a=1,lfu' is not of the form key=value."},
	    {"lru:a=", "'a=' in 'lru:a=' has no value."},
	    {"lru:a={}", "'a=' in 'lru:a={}' has no value."},
	    {"lru:a=1,a=2", "'a' is given twice in 'lru:a=1,a=2'."},
	    {"lru:a={1", "'lru:a={1' opens a brace and never closes it."},
	    {"lru:a=1}", "'lru:a=1}' closes a brace that was never opened."},
	    {"lru;a=1", "'a=1' in 'lru;a=1' should read class=NAME:key=value, as all that follows a ';'."},
	    {"lru;class=:a=1", "'lru;class=:a=1' names no class after 'class='."},
	    {"lru;class=x", "'lru;class=x' says nothing about class 'x'; expected class=x:key=value."},
	    {"lru;class=x:", "'lru;class=x:' says nothing about class 'x'; expected class=x:key=value."},
	    {"lru;class=x:a", "'a' in 'lru;class=x:a' is not of the form key=value."},
	    {"lru;class=x:a=1;class=x:a=2", "class 'x' is given twice in 'lru;class=x:a=1;class=x:a=2'."},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct spec spec;
		struct err err = {"no sentence"};
		assert_int_equal(spec_parse(&spec, cases[i][0], &err), -1);
		assert_string_equal(err.text, cases[i][1]);
	}
}

static void plain_specs(void **state)
{
	(void)state;
	struct spec spec;
	struct err err;
	assert_int_equal(spec_parse_plain(&spec, "zipf:s=1", &err), 0);
	spec_free(&spec);
	assert_int_equal(spec_parse_plain(&spec, "zipf:s=1;class=a:s=2", &err), -1);
	assert_string_equal(err.text, "'zipf:s=1;class=a:s=2' has something for one class only, which cannot be here.");
}

static void lists(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
	    {"lru", "lru()"},
	    {"lru,fifo,lfu", "lru() fifo() lfu()"},
	    {"lru,lfu:aging=1,decay=2,fifo", "lru() lfu(aging>1 decay>2) fifo()"},
	    {"none,static:ttl=5m;class=a:ttl=1h,mode=absolute,static:ttl=1h",
	     "none() static(ttl>5m){a(ttl>1h mode>absolute)} static(ttl>1h)"},
	    {"a:x={p,q},b", "a(x>p,q) b()"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct spec_list list;
		struct err err;
		char text[512] = "";
		if (spec_list_parse(&list, cases[i][0], &err) < 0)
			fail_msg("'%s': %s", cases[i][0], err.text);
		for (size_t s = 0; s < list.count; s++) {
			strcat(text, s ? " " : "");
			strcat(text, shown(&list.specs[s]));
		}
		assert_string_equal(text, cases[i][1]);
		spec_list_free(&list);
	}
}

static void bad_lists(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
	    {"", "'' has an empty place in its list."},
	    {"lru,", "'lru,' has an empty place in its list."},
	    {",lru", "',lru' has an empty place in its list."},
	    {"lru,,lfu", "'lru,,lfu' has an empty place in its list."},
	    {"ttl=1h,lru", "'ttl=1h,lru' begins with a parameter; expected NAME or NAME:key=value,..."},
	    {"lru,aging=1",
	     "'lru,aging=1' is a list where one is expected; parameters follow a ':', as in lru:key=value."},
	    {"lru, lfu", "' lfu' is not a name; a name is made of letters, digits, '-', '_' and '.'."},
	    {"lru,{", "'lru,{' opens a brace and never closes it."},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct spec_list list;
		struct err err = {"no sentence"};
		assert_int_equal(spec_list_parse(&list, cases[i][0], &err), -1);
		assert_string_equal(err.text, cases[i][1]);
	}
}

static const struct param common[] = {
    {.name = "ttl", .kind = PARAM_DURATION, .default_text = "5m", .least = 0, .most = INFINITY},
    {.name = "mode", .kind = PARAM_CHOICE, .default_text = "sliding", .choices = "sliding|absolute"},
    {.name = NULL},
};

static const struct param own[] = {
    {.name = "window", .kind = PARAM_INT, .default_text = "64", .least = 1, .most = 1000},
    {.name = "alpha", .kind = PARAM_REAL, .default_text = "0.5", .least = 0, .most = 1},
    {.name = "room", .kind = PARAM_SIZE, .default_text = "1GiB", .least = 1024, .most = 0x1p40},
    {.name = "gap", .kind = PARAM_DURATION, .default_text = "1s", .least = 1e6, .most = 60e9},
    {.name = NULL},
};

static int bind(const char *text, const char *class_name, union param_value *first, union param_value *second,
		struct err *err)
{
	const struct param *const tables[] = {common, own, NULL};
	union param_value *const values[] = {first, second};
	struct spec spec;
	assert_int_equal(spec_parse(&spec, text, err), 0);
	int status = spec_bind(&spec, class_name, tables, values, "--ttl x", err);
	spec_free(&spec);
	return status;
}

static void binding(void **state)
{
	(void)state;
	union param_value a[2], b[4];
	struct err err;

	assert_int_equal(bind("x", NULL, a, b, &err), 0);
	assert_int_equal(a[0].integer, 300 * NS_PER_S);
	assert_int_equal(a[1].integer, 0);
	assert_int_equal(b[0].integer, 64);
	assert_true(b[1].real == 0.5);
	assert_int_equal(b[2].integer, 1 << 30);

	const char *text = "x:ttl=inf,mode=absolute,alpha=1,window=10,room=1MB;class=auditor:ttl=1h,window=1k";
	assert_int_equal(bind(text, NULL, a, b, &err), 0);
	assert_int_equal(a[0].integer, TIME_NEVER_NS);
	assert_int_equal(a[1].integer, 1);
	assert_int_equal(b[0].integer, 10);
	assert_true(b[1].real == 1);
	assert_int_equal(b[2].integer, 1000000);
	assert_int_equal(bind(text, "clerk", a, b, &err), 0);
	assert_int_equal(a[0].integer, TIME_NEVER_NS);
	assert_int_equal(bind(text, "auditor", a, b, &err), 0);
	assert_int_equal(a[0].integer, 3600 * NS_PER_S);
	assert_int_equal(a[1].integer, 1);
	assert_int_equal(b[0].integer, 1000);
}

static void bad_binding(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
	    {"x:colour=red",
	     "--ttl x: there is no parameter 'colour'; there are: ttl, mode, window, alpha, room, gap."},
	    {"x:mode=slide", "--ttl x: mode=slide is none of sliding|absolute."},
	    {"x:ttl=5",
	     "--ttl x: ttl: '5' has no unit; a duration is a number with ns, us, ms, s, m, h or d, such as 250ms, "
	     "or inf."},
	    {"x:window=0", "--ttl x: window=0 is out of range; 1 to 1000 is expected."},
	    {"x:window=inf", "--ttl x: window=inf is out of range; 1 to 1000 is expected."},
	    {"x:alpha=-0.1", "--ttl x: alpha=-0.1 is out of range; 0 to 1 is expected."},
	    {"x:room=1B", "--ttl x: room=1B is out of range; 1.0 KiB to 1.0 TiB is expected."},
	    {"x:gap=2m", "--ttl x: gap=2m is out of range; 1ms to 1m is expected."},
	    {"x;class=clerk:alpha=2", "--ttl x;class=clerk: alpha=2 is out of range; 0 to 1 is expected."},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		union param_value a[2], b[4];
		struct err err = {"no sentence"};
		assert_int_equal(bind(cases[i][0], "auditor", a, b, &err), -1);
		assert_string_equal(err.text, cases[i][1]);
	}
}

static void whole_numbers_below_zero(void **state)
{
	(void)state;
	static const struct param params[] = {
	    {.name = "priority", .kind = PARAM_INT, .default_text = "-3", .least = -10, .most = 10},
	    {.name = NULL},
	};
	static const struct {
		const char *text;
		int64_t value;
		const char *sentence;
	} cases[] = {
	    {"x", -3, NULL},
	    {"x:priority=-7", -7, NULL},
	    {"x:priority=7", 7, NULL},
	    {"x:priority=-11", 0, "x: priority=-11 is out of range; -10 to 10 is expected."},
	    {"x:priority=-inf", 0, "x: priority=-inf is out of range; -10 to 10 is expected."},
	    {"x:priority=--1", 0,
	     "x: priority: '-1' is negative; a count is a whole number such as 1000, 10k, 1e6 or 2M, or inf."},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct param *const tables[] = {params, NULL};
		union param_value value;
		union param_value *const values[] = {&value};
		struct spec spec;
		struct err err;
		assert_int_equal(spec_parse(&spec, cases[i].text, &err), 0);
		int status = spec_bind(&spec, NULL, tables, values, "x", &err);
		assert_int_equal(status, cases[i].sentence ? -1 : 0);
		if (cases[i].sentence)
			assert_string_equal(err.text, cases[i].sentence);
		else
			assert_int_equal(value.integer, cases[i].value);
		spec_free(&spec);
	}
}

static void binding_without_parameters(void **state)
{
	(void)state;
	static const struct param none[] = {{.name = NULL}};
	const struct param *const tables[] = {none, NULL};
	union param_value *const values[] = {NULL};
	struct spec spec;
	struct err err;
	assert_int_equal(spec_parse(&spec, "lru:k=2", &err), 0);
	assert_int_equal(spec_bind(&spec, NULL, tables, values, "--evict lru", &err), -1);
	assert_string_equal(err.text, "--evict lru: 'k' is given, but there are no parameters to set.");
	spec_free(&spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_specs),
	    cmocka_unit_test(bad_specs),
	    cmocka_unit_test(plain_specs),
	    cmocka_unit_test(lists),
	    cmocka_unit_test(bad_lists),
	    cmocka_unit_test(binding),
	    cmocka_unit_test(bad_binding),
	    cmocka_unit_test(whole_numbers_below_zero),
	    cmocka_unit_test(binding_without_parameters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
