/* input: lines and bytes of plain and gzip files, and what is wrong with them. */
#include "test.h"

#include "input.h"
#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static struct err err;

static struct input *open_or_fail(const char *path)
{
	struct input *input = input_open(path, &err);
	if (!input)
		fail_msg("%s", err.text);
	return input;
}

/* All lines of a file, each followed by '|'; at the end "." or the sentence of the error. */
static char *lines_of(const char *path)
{
	static char text[4096];
	struct input *input = open_or_fail(path);
	char *line;
	size_t length;
	int status;
	text[0] = '\0';
	while ((status = input_line(input, &line, &length, &err)) > 0) {
		assert_int_equal(strlen(line), length);
		strcat(text, line);
		strcat(text, "|");
	}
	strcat(text, status == 0 ? "." : err.text);
	input_close(input);
	return text;
}

static void lines_end_as_they_do(void **state)
{
	(void)state;
	static const struct {
		const char *data, *lines;
	} cases[] = {
	    {"", "."},
	    {"\n", "|."},
	    {"a", "a|."},
	    {"a\n", "a|."},
	    {"a\nb", "a|b|."},
	    {"a\r\nb\r\n", "a|b|."},
	    {"a\r", "a|."},
	    {"\n\na\n\n", "||a||."},
	    {"a\rb\n", "a\rb|."},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		scratch_write("lines", cases[i].data, strlen(cases[i].data));
		assert_string_equal(lines_of("lines"), cases[i].lines);
		scratch_write_gz("packed", cases[i].data, strlen(cases[i].data));
		assert_string_equal(lines_of("packed"), cases[i].lines);
	}
}

static void nul_bytes_are_refused(void **state)
{
	(void)state;
	scratch_write("nul", "good\nba\0d\n", 10);
	assert_string_equal(lines_of("nul"), "good|nul:2: byte 3 of the line is NUL; expected text.");
}

/* Lines of every length around the buffer's, so that each meets its end in another place. */
static void lines_cross_the_buffer(void **state)
{
	(void)state;
	const size_t count = 400;
	size_t size = 0;
	char *data = malloc(count * 4000);
	for (size_t i = 0; i < count; i++) {
		size_t length = i * 7;
		memset(data + size, 'a' + (int)(i % 26), length);
		data[size + length] = '\n';
		size += length + 1;
	}
	scratch_write_gz("many", data, size);
	struct input *input = open_or_fail("many");
	char *line;
	size_t length;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(input_line(input, &line, &length, &err), 1);
		assert_int_equal(length, i * 7);
		assert_int_equal(input_line_number(input), i + 1);
		for (size_t j = 0; j < length; j++)
			assert_int_equal(line[j], 'a' + (int)(i % 26));
	}
	assert_int_equal(input_line(input, &line, &length, &err), 0);
	input_close(input);
	free(data);
}

static void write_line(const char *name, size_t length)
{
	char *data = malloc(length + 3);
	memcpy(data, "x\n", 2);
	memset(data + 2, ' ', length);
	data[length + 2] = '\n';
	scratch_write_gz(name, data, length + 3);
	free(data);
}

static void a_line_has_a_limit(void **state)
{
	(void)state;
	static const char sentence[] = "x|long:2: the line is longer than 64 MiB, the most a line may have.";
	write_line("long", (size_t)100 << 20);
	assert_string_equal(lines_of("long"), sentence);
	write_line("long", INPUT_LINE_MOST + 1);
	assert_string_equal(lines_of("long"), sentence);
	write_line("long", INPUT_LINE_MOST);
	struct input *input = open_or_fail("long");
	char *line;
	size_t length;
	assert_int_equal(input_line(input, &line, &length, &err), 1);
	assert_int_equal(input_line(input, &line, &length, &err), 1);
	assert_int_equal(length, INPUT_LINE_MOST);
	input_close(input);
}

/* However a gzip file is cut, it is never taken for a whole one. */
static void truncated_gzip_is_told(void **state)
{
	(void)state;
	char data[3000];
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = "abcdefghijklmnopqrstuvwxyz\n"[i % 30 == 29 ? 26 : rand() % 26];
	scratch_write_gz("whole", data, sizeof(data));
	size_t size;
	unsigned char *packed = scratch_read("whole", &size);
	for (size_t cut = 2; cut < size; cut++) {
		scratch_write("cut", packed, cut);
		const char *text = lines_of("cut"), *sentence = strstr(text, "cut is a gzip file that ends too early");
		assert_non_null(sentence);
		assert_non_null(strstr(sentence, "; it seems to be truncated."));
	}
	scratch_write("cut", packed, size - 3);
	assert_non_null(strstr(lines_of("cut"),
			       "|cut is a gzip file that ends too early after line 100; it seems to be truncated."));
	free(packed);
}

static void damaged_gzip_is_told(void **state)
{
	(void)state;
	char data[3000];
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = "abcdefghijklmnopqrstuvwxyz\n"[i % 30 == 29 ? 26 : rand() % 26];
	scratch_write_gz("whole", data, sizeof(data));
	size_t size;
	unsigned char *packed = scratch_read("whole", &size);
	for (size_t at = 10; at < size; at++) {
		if (at == size - 9)
			continue; /* the last byte of the compressed data ends in unused bits */
		packed[at] ^= 0x10;
		scratch_write("bad", packed, size);
		packed[at] ^= 0x10;
		/* What comes out before the damage shows may be refused for itself. */
		const char *text = lines_of("bad"), *sentence = strstr(text, "bad");
		assert_non_null(sentence);
		assert_true(strncmp(sentence, "bad is a gzip file that ", 24) == 0 || strstr(sentence, " is NUL; "));
	}
	packed[size - 8] ^= 1;
	scratch_write("bad", packed, size);
	assert_string_equal(lines_of("bad"), "bad is a gzip file that is damaged.");
	free(packed);
}

static void peeking_takes_nothing(void **state)
{
	(void)state;
	char data[64], again[64];
	size_t got;
	scratch_write_gz("few", "abc\ndef", 7);
	struct input *input = open_or_fail("few");
	assert_int_equal(input_peek(input, data, 8, &got, &err), 0);
	assert_int_equal(got, 7);
	assert_memory_equal(data, "abc\ndef", 7);
	assert_int_equal(input_peek(input, data, 2, &got, &err), 0);
	assert_int_equal(got, 2);
	char *line;
	size_t length;
	assert_int_equal(input_line(input, &line, &length, &err), 1);
	assert_string_equal(line, "abc");
	assert_int_equal(input_read(input, again, sizeof(again), &got, &err), 0);
	assert_int_equal(got, 3);
	assert_memory_equal(again, "def", 3);
	assert_int_equal(input_read(input, again, sizeof(again), &got, &err), 0);
	assert_int_equal(got, 0);
	input_close(input);
}

static void standard_input_is_a_dash(void **state)
{
	(void)state;
	scratch_write_gz("piped", "a\nb\n", 4);
	int before = dup(STDIN_FILENO);
	assert_non_null(freopen("piped", "rb", stdin));
	assert_string_equal(lines_of("-"), "a|b|.");
	scratch_write("piped", "a\nb\0\n", 5);
	assert_non_null(freopen("piped", "rb", stdin));
	assert_string_equal(lines_of("-"), "a|standard input:2: byte 2 of the line is NUL; expected text.");
	dup2(before, STDIN_FILENO);
	close(before);
}

static void unreadable_files_are_told(void **state)
{
	(void)state;
	assert_null(input_open("none.jsonl", &err));
	assert_string_equal(err.text, "none.jsonl cannot be opened: No such file or directory.");
	assert_int_equal(mkdir("folder", 0700), 0);
	assert_string_equal(lines_of("folder"), "folder cannot be read: Is a directory.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_end_as_they_do),      cmocka_unit_test(nul_bytes_are_refused),
	    cmocka_unit_test(lines_cross_the_buffer),    cmocka_unit_test(a_line_has_a_limit),
	    cmocka_unit_test(truncated_gzip_is_told),    cmocka_unit_test(damaged_gzip_is_told),
	    cmocka_unit_test(peeking_takes_nothing),     cmocka_unit_test(standard_input_is_a_dash),
	    cmocka_unit_test(unreadable_files_are_told),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
