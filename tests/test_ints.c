/* ints: what is taken out of a line, what is left, and that it is what the JSON parser would have read. */
#include "test.h"

#include "ints.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const keys[] = {"a", "bb", NULL};

/* The line as the parser will see it, then what was taken: `{"a":[   ]} a 1 2`. */
static const char *after(const char *text)
{
	static char shown[1024];
	char line[512];
	struct ints ints = {0};
	snprintf(line, sizeof(line), "%s", text);
	ints_take(&ints, keys, line, strlen(line));
	int at = snprintf(shown, sizeof(shown), "%s", line);
	for (const char *const *key = keys; *key; key++) {
		size_t count;
		const int64_t *values = ints_find(&ints, *key, &count);
		if (!values)
			continue;
		at += snprintf(shown + at, sizeof(shown) - (size_t)at, " %s", *key);
		for (size_t i = 0; i < count; i++)
			at += snprintf(shown + at, sizeof(shown) - (size_t)at, " %lld", (long long)values[i]);
	}
	ints_free(&ints);
	return shown;
}

static void lists_of_numbers_are_taken(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
	    {"{\"a\":[1,2]}", "{\"a\":[   ]} a 1 2"},
	    {"{\"a\" : [ -1 ,\t0 ] ,\"bb\":[7]}", "{\"a\" : [        ] ,\"bb\":[ ]} a -1 0 bb 7"},
	    {"{\"a\":[9223372036854775807,-9223372036854775808]}",
	     "{\"a\":[                                        ]} a 9223372036854775807 -9223372036854775808"},
	    {"{\"x\":\"\\\"a\\\":[1]\",\"a\":[2]}", "{\"x\":\"\\\"a\\\":[1]\",\"a\":[ ]} a 2"},
	    {"{\"x\":{\"a\":[1]},\"bb\":[2]}", "{\"x\":{\"a\":[1]},\"bb\":[ ]} bb 2"},
	    {"{\"x\":[{\"a\":[1]}],\"bb\":[2]}", "{\"x\":[{\"a\":[1]}],\"bb\":[ ]} bb 2"},
	    {"{\"a\":[-0]}", "{\"a\":[  ]} a 0"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_string_equal(after(cases[i][0]), cases[i][1]);
}

static void all_else_is_left(void **state)
{
	(void)state;
	static const char *const lines[] = {
	    "",
	    "{}",
	    "{\"a\":[]}",
	    "{\"a\":[ ]}",
	    "{\"a\":1}",
	    "{\"ab\":[1]}",
	    "{\"A\":[1]}",
	    "{\"b\":[1]}",
	    "{\"\\u0061\":[1]}",
	    "[\"x\",{\"a\":[1]}]",
	    "{\"a\":[1,]}",
	    "{\"a\":[,1]}",
	    "{\"a\":[1 2]}",
	    "{\"a\":[1,2",
	    "{\"a\":[1,2}",
	    "{\"a\":[1",
	    "{\"a\":[",
	    "{\"a\":",
	    "{\"a\"",
	    "{\"a",
	    "{\"a\\",
	    "{\"a\":[01]}",
	    "{\"a\":[-01]}",
	    "{\"a\":[-]}",
	    "{\"a\":[+1]}",
	    "{\"a\":[1.0]}",
	    "{\"a\":[1e3]}",
	    "{\"a\":[1,\"2\"]}",
	    "{\"a\":[1,null]}",
	    "{\"a\":[[1]]}",
	    "{\"a\":[9223372036854775808]}",
	    "{\"a\":[-9223372036854775809]}",
	    "{\"a\":[18446744073709551616]}",
	    "{\"a\":[99999999999999999999999999]}",
	    "}}{\"a\"[1]}",
	};
	for (size_t i = 0; i < COUNT_OF(lines); i++)
		assert_string_equal(after(lines[i]), lines[i]);
}

/* What is taken of the line before is forgotten, and lists beyond the last place are left. */
static void lines_do_not_mix(void **state)
{
	(void)state;
	struct ints ints = {0};
	size_t count;
	char first[] = "{\"a\":[1,2,3]}", second[] = "{\"bb\":[4]}",
	     many[] = "{\"a\":[1],\"a\":[2],\"a\":[3],\"a\":[4],\"a\":[5]}";
	ints_take(&ints, keys, first, strlen(first));
	ints_take(&ints, keys, second, strlen(second));
	assert_null(ints_find(&ints, "a", &count));
	assert_int_equal(*ints_find(&ints, "bb", &count), 4);
	assert_int_equal(count, 1);
	ints_take(&ints, keys, many, strlen(many));
	assert_string_equal(many, "{\"a\":[ ],\"a\":[ ],\"a\":[ ],\"a\":[ ],\"a\":[5]}");
	int64_t *room = ints_add(&ints, 100000);
	memset(room, 0x55, 100000 * sizeof(*room));
	assert_int_equal(*ints_find(&ints, "a", &count), 1);
	ints_free(&ints);
}

/* Random lines, most of them broken: they stay as right or wrong as they were, and right ones read the same. */
static void the_parser_agrees(void **state)
{
	(void)state;
	static const char *const pieces[] = {"{",      "}",       "[",  "]",  ",",  ":",         "\"a\"",
					     "\"bb\"", "\"a\":[", "1",  "-2", "30", "1.5",       "null",
					     "\"c\"",  " ",       "\\", "\"", "0",  "{\"a\":[1,"};
	size_t right = 0, took = 0;
	srand(1);
	for (int round = 0; round < 300000; round++) {
		char line[256] = "{\"a\":[1,2", copy[256];
		size_t count, size = (size_t)(rand() % 12);
		for (size_t i = 0; i < size; i++)
			strcat(line, pieces[(size_t)rand() % COUNT_OF(pieces)]);
		if (rand() % 2)
			strcat(line, "]}");
		memcpy(copy, line, sizeof(copy));
		struct ints ints = {0};
		ints_take(&ints, keys, copy, strlen(copy));
		json_t *before = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		json_t *behind = json_loads(copy, JSON_REJECT_DUPLICATES, NULL);
		assert_int_equal(!before, !behind);
		for (const char *const *key = keys; before && *key; key++) {
			const json_t *list = json_object_get(before, *key);
			const int64_t *values = ints_find(&ints, *key, &count);
			if (!values) {
				assert_true(json_equal(list, json_object_get(behind, *key)) || !list);
				continue;
			}
			took++;
			assert_int_equal(json_array_size(list), count);
			for (size_t i = 0; i < count; i++)
				assert_int_equal(json_integer_value(json_array_get(list, i)), values[i]);
		}
		right += before != NULL;
		json_decref(before);
		json_decref(behind);
		ints_free(&ints);
	}
	assert_true(right > 3000 && took > 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lists_of_numbers_are_taken),
	    cmocka_unit_test(all_else_is_left),
	    cmocka_unit_test(lines_do_not_mix),
	    cmocka_unit_test(the_parser_agrees),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
