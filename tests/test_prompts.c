/* Prompts as lines of token ids. */
#include "test.h"

#include "prompts.h"
#include "scratch.h"

#include <stdlib.h>
#include <string.h>

static void lines_become_prompts(void **state)
{
	static const char text[] = "1 2\t 3\r\n\n   \n0\n  99 7";
	struct prompts prompts;
	struct err err;
	(void)state;
	scratch_write("p", text, sizeof(text) - 1);
	assert_int_equal(prompts_load(&prompts, "p", 100, 3, &err), 0);
	assert_int_equal(prompts.count, 3);
	assert_int_equal(prompts.list[0].length, 3);
	assert_memory_equal(prompts.list[0].ids, ((uint32_t[]){1, 2, 3}), 12);
	assert_memory_equal(prompts.list[1].ids, ((uint32_t[]){0}), 4);
	assert_memory_equal(prompts.list[2].ids, ((uint32_t[]){99, 7}), 8);
	prompts_free(&prompts);
}

static void a_line_of_any_length_is_read(void **state)
{
	enum { COUNT = 5000 };
	char *text = malloc(2 * COUNT);
	struct prompts prompts;
	struct err err;
	(void)state;
	assert_non_null(text);
	for (int i = 0; i < COUNT; i++)
		memcpy(text + 2 * i, i % 2 ? "7 " : "3 ", 2);
	scratch_write("p", text, 2 * COUNT);
	assert_int_equal(prompts_load(&prompts, "p", 8, COUNT, &err), 0);
	assert_int_equal(prompts.list[0].length, COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(prompts.list[0].ids[i], i % 2 ? 7 : 3);
	prompts_free(&prompts);
	free(text);
}

static void what_is_no_prompt_is_told(void **state)
{
	static const struct {
		const char *text, *sentence;
	} cases[] = {
	        {"1 2\n3 100\n", "p: line 2: \"100\" is no token id; expected a whole number below 100."},
	        {"1 -2\n", "p: line 1: \"-2\" is no token id; expected a whole number below 100."},
	        {"1 2x\n", "p: line 1: \"2x\" is no token id; expected a whole number below 100."},
	        {"99999999999999999999\n", "p: line 1: \"99999999999999999999\" is no token id; expected a whole number below 100."},
	        {"\n1 2 3 4\n", "p: line 2: the prompt has more than 3 tokens, the most that the model takes here."},
	        {" \n", "p: it holds no prompt; expected lines of token ids."},
	};
	struct prompts prompts;
	struct err err;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		scratch_write("p", cases[i].text, strlen(cases[i].text));
		assert_int_equal(prompts_load(&prompts, "p", 100, 3, &err), -1);
		assert_string_equal(err.text, cases[i].sentence);
	}
	assert_int_equal(prompts_load(&prompts, "q", 100, 3, &err), -1);
	assert_string_equal(err.text, "q cannot be opened: No such file or directory.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(lines_become_prompts),
	        cmocka_unit_test(a_line_of_any_length_is_read),
	        cmocka_unit_test(what_is_no_prompt_is_told),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
