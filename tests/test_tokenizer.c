/* The tokenizer's rule: which pieces a text is cut into, that they compose at newlines, and how many there are. */
#include "test.h"

#include "tokenizer.h"

#include <gsl/gsl_rng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* The pieces expected of a text are written behind one another with '|' between them; the text is what is left when the
 * bars are taken out. */
static void expect_pieces(const char *barred, size_t length)
{
	char *text = mem_alloc(length + 1, 1);
	uint32_t *tokens = NULL;
	size_t capacity = 0, text_length = 0, expected = 0;
	for (size_t i = 0; i < length; i++)
		if (barred[i] != '|')
			text[text_length++] = barred[i];
	size_t count = tokenizer_encode(text, text_length, &tokens, &capacity);
	assert_true(count <= capacity);
	for (size_t at = 0; at < length; expected++) {
		const char *bar = memchr(barred + at, '|', length - at);
		size_t piece = bar ? (size_t)(bar - barred) - at : length - at;
		if (expected >= count || tokens[expected] != XXH32(barred + at, piece, 0))
			fail_msg("piece %zu of '%s' is not '%.*s'", expected, barred, (int)piece, barred + at);
		at += piece + 1;
	}
	if (expected != count)
		fail_msg("'%s' gave %zu pieces", barred, count);
	free(tokens);
	free(text);
}

#define PIECES(text) expect_pieces((text), sizeof(text) - 1)

static void words(void **state)
{
	(void)state;
	PIECES("");
	PIECES("The| licence| of| the| program");
	PIECES("a| b|  | c");
	PIECES("don|'t| stop");
	PIECES("x|(a|,b|)| {|c|}");
	PIECES("struct| task|_struct| *|p| =| get|_task|(that|->|pid|);");
	PIECES("camel|Case|Word| HTTP|SERV|ER|e");
	PIECES(" internationa|lization");
	PIECES("internat|ionaliza|tion");
	PIECES(" wee|k| M|c|Donald");
}

static void numbers_and_signs(void **state)
{
	(void)state;
	PIECES("in| |199|5|,| |12|:|345|678");
	PIECES("----------------|----| end");
	PIECES("===!|?");
	PIECES("$%&/|$%&");
	PIECES(" ----------------|----\n|x");
	PIECES("\"|key|\":[{\n| | \"|a|\":");
}

static void blanks_and_newlines(void **state)
{
	(void)state;
	PIECES("end|.\n\n|Next");
	PIECES("end|.\r\n|\t|Next");
	PIECES("end|  \n\n\n|   | indented");
	PIECES("   ");
	PIECES("\n");
	PIECES("tab|\t\t|return|  |7");
}

static void wide_letters(void **state)
{
	(void)state;
	PIECES(" gr|ößere| f|ür| Stra|ße");
	PIECES("中|文");
	PIECES(" ли|ст");
	PIECES("a|—|b| §| |12");
}

static void bytes_that_are_no_text(void **state)
{
	(void)state;
	PIECES("a|\0\0|b");
	PIECES("a|\xff|b");
	PIECES("a|\xc3");
	PIECES("a|\xc3\n|b");
	PIECES("a|\xe4\xb8|b");
	PIECES("\x80\x80\x80\x80");
}

static void composes_after_newlines(void **state)
{
	(void)state;
	static const char *const parts[] = {"a",
					    "B",
					    " ",
					    "  ",
					    "\t",
					    "\n",
					    "\r",
					    ".",
					    "--------",
					    "7",
					    "12345",
					    "\xc3\xa4",
					    "\xe4\xb8\xad",
					    "\xe2\x80\x93",
					    "\xc3",
					    "word",
					    "Words",
					    "CAPS",
					    "_",
					    "(",
					    "\"",
					    "qx"};
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	uint32_t *whole = NULL, *half = NULL;
	size_t whole_capacity = 0, half_capacity = 0, followed_by_blank = 0;
	for (int round = 0; round < 20000; round++) {
		char text[512] = "";
		size_t cut = 0;
		for (int side = 0; side < 2; side++) {
			for (unsigned long n = gsl_rng_uniform_int(rng, 8); n > 0; n--)
				strcat(text, parts[gsl_rng_uniform_int(rng, COUNT_OF(parts))]);
			if (side == 0) {
				strcat(text, "\n\n");
				cut = strlen(text);
			}
		}
		if (text[cut] == '\n' || text[cut] == '\r')
			continue;
		followed_by_blank += text[cut] == ' ';
		size_t count = tokenizer_encode(text, strlen(text), &whole, &whole_capacity);
		size_t first = tokenizer_encode(text, cut, &half, &half_capacity);
		assert_true(first <= count);
		if (first)
			assert_memory_equal(whole, half, first * sizeof(*whole));
		size_t second = tokenizer_encode(text + cut, strlen(text + cut), &half, &half_capacity);
		assert_int_equal(first + second, count);
		if (second)
			assert_memory_equal(whole + first, half, second * sizeof(*whole));
	}
	assert_true(followed_by_blank > 100);
	free(whole);
	free(half);
	gsl_rng_free(rng);
}

/* The header states counts for texts that every Debian has; hold it to them. */
static void licence_texts(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		size_t bytes, tokens;
	} cases[] = {
	    {"/usr/share/common-licenses/GPL-3", 35149, 7597},
	    {"/usr/share/common-licenses/GPL-2", 18092, 3994},
	    {"/usr/share/common-licenses/Apache-2.0", 11358, 2319},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *text = mem_alloc(cases[i].bytes + 2, 1);
		uint32_t *tokens = NULL;
		size_t capacity = 0;
		FILE *file = fopen(cases[i].path, "rb");
		size_t bytes = file ? fread(text, 1, cases[i].bytes + 1, file) : 0;
		if (file)
			fclose(file);
		if (bytes != cases[i].bytes)
			print_message("%s is absent or of another edition; not counted.\n", cases[i].path);
		else
			assert_int_equal(tokenizer_encode(text, bytes, &tokens, &capacity), cases[i].tokens);
		free(tokens);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words),
	    cmocka_unit_test(numbers_and_signs),
	    cmocka_unit_test(blanks_and_newlines),
	    cmocka_unit_test(wide_letters),
	    cmocka_unit_test(bytes_that_are_no_text),
	    cmocka_unit_test(composes_after_newlines),
	    cmocka_unit_test(licence_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
