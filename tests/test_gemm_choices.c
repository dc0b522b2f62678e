/* test_gemm_choices.c - choices of algorithms: which rows they stand for, and the file that keeps them. */
#include "test.h"

#include "gemm_choices.h"
#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct gemm_choices_origin origin = {"llama-3.1-8b", "NVIDIA H200", 130100};

static void points_by_hand(void **state)
{
	(void)state;
	static const uint32_t pairs[][2] = {{1, 16},      {16, 16},     {17, 32},     {33, 48},     {49, 64},     {64, 64},
	                                    {65, 128},    {448, 448},   {449, 512},   {556, 576},   {1024, 1024}, {1025, 1152},
	                                    {2048, 2048}, {2049, 2304}, {4096, 4096}, {4097, 4608}, {7681, 8192}, {8192, 8192},
	                                    {8193, 8192}, {UINT32_MAX, 8192}};
	for (size_t i = 0; i < COUNT_OF(pairs); i++)
		assert_int_equal(gemm_choices_point(pairs[i][0]), pairs[i][1]);
}

static void padded_by_hand(void **state)
{
	(void)state;
	static const uint32_t pairs[][2] = {{0, 0},       {1, 16},      {16, 16},     {17, 32},     {63, 64},     {64, 64},     {65, 128},
	                                    {128, 128},   {129, 192},   {1024, 1024}, {1030, 1152}, {1985, 2048}, {2049, 2112}, {8129, 8192}, {8192, 8192}, {8193, 8193}, {UINT32_MAX, UINT32_MAX}};
	for (size_t i = 0; i < COUNT_OF(pairs); i++)
		assert_int_equal(gemm_choices_padded(pairs[i][0]), pairs[i][1]);
	/* A choice stands for as many rows as are made in place of its own. */
	for (uint32_t rows = 1; rows <= GEMM_CHOICES_MOST; rows++) {
		const uint32_t padded = gemm_choices_padded(rows);
		assert_true(padded >= rows && padded - rows < (rows <= 64 ? 16 : rows > 1024 && rows <= 2048 ? 128 : 64));
		assert_int_equal(gemm_choices_padded(padded), padded);
		assert_int_equal(gemm_choices_point(padded), gemm_choices_point(rows));
	}
}

static void grid_goes_up(void **state)
{
	(void)state;
	uint32_t count = 0;
	for (uint32_t rows = 0; rows < GEMM_CHOICES_MOST; count++) {
		const uint32_t point = gemm_choices_point(rows + 1);
		assert_true(point > rows);
		assert_int_equal(gemm_choices_point(point), point);
		rows = point;
	}
	assert_int_equal(count, 4 + 15 + 8 + 8 + 8);
}

/* Two shapes at three points; every bit of an algorithm is used somewhere. */
static struct gemm_choices make_choices(void)
{
	static const uint32_t rows[] = {16, 448, 8192};
	struct gemm_choices choices = {.choices = NULL};
	for (size_t i = 0; i < 6; i++) {
		struct gemm_choice choice = {.first_us = 16.04, .best_us = 12.5};
		choice.shape = (struct gemm_shape){rows[i / 2], 6144, 4096, i % 2 == 0, i % 2 == 1, i % 2 == 1};
		for (size_t w = 0; w < GEMM_CHOICES_WORDS; w++)
			choice.algorithm[w] = UINT64_C(0x9e3779b97f4a7c15) * (8 * i + w + 1);
		gemm_choices_add(&choices, &choice);
	}
	return choices;
}

static void write_or_fail(const struct gemm_choices *choices)
{
	struct err err;
	if (gemm_choices_write(choices, &origin, "p.csv", &err) < 0)
		fail_msg("%s", err.text);
}

static void file_keeps_all(void **state)
{
	(void)state;
	struct gemm_choices written = make_choices(), read;
	struct err err;
	write_or_fail(&written);
	if (gemm_choices_load(&read, &origin, "p.csv", &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(read.count, written.count);
	for (size_t i = 0; i < read.count; i++) {
		const struct gemm_choice *a = &written.choices[i], *b = &read.choices[i];
		assert_int_equal(a->shape.rows, b->shape.rows);
		assert_true(gemm_choices_same_sides(&a->shape, &b->shape));
		assert_memory_equal(a->algorithm, b->algorithm, sizeof(a->algorithm));
		assert_true(a->first_us == b->first_us && a->best_us == b->best_us);
	}
	assert_true(gemm_choices_checksum(&read) == gemm_choices_checksum(&written));
	gemm_choices_free(&read);
	gemm_choices_free(&written);
}

static void stands_up_to_its_point(void **state)
{
	(void)state;
	struct gemm_choices choices = make_choices();
	const struct gemm_shape biased = {0, 6144, 4096, true, false, false};
	static const struct {
		uint32_t rows, by; /* 0: none */
	} all[] = {{1, 16}, {16, 16}, {17, 0}, {384, 0}, {385, 448}, {448, 448}, {449, 0}, {7680, 0}, {7681, 8192}, {20000, 8192}};
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		struct gemm_shape shape = biased;
		shape.rows = all[i].rows;
		const struct gemm_choice *found = gemm_choices_find(&choices, shape);
		assert_int_equal(found ? found->shape.rows : 0, all[i].by);
		assert_true(!found || found->shape.has_bias);
		shape.outputs = 4096;
		assert_null(gemm_choices_find(&choices, shape));
	}
	gemm_choices_free(&choices);
}

/* Refused with this sentence when `from` in the file is `to`; `sentence` NULL: what is there is taken. */
static void refuse(const struct gemm_choices_origin *expected, const char *from, const char *to, const char *sentence)
{
	struct gemm_choices choices = make_choices();
	struct err err = {""};
	size_t size;
	write_or_fail(&choices);
	gemm_choices_free(&choices);
	char *text = (char *)scratch_read("p.csv", &size), *changed = mem_alloc(size + strlen(to) + 1, 1);
	text[size] = '\0';
	const char *at = strstr(text, from);
	assert_non_null(at);
	snprintf(changed, size + strlen(to) + 1, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	scratch_write("p.csv", changed, strlen(changed));
	const int failed = gemm_choices_load(&choices, expected, "p.csv", &err);
	assert_int_equal(failed, sentence ? -1 : 0);
	if (sentence && strncmp(err.text, sentence, strlen(sentence)) != 0)
		fail_msg("said: %s\nexpected: %s", err.text, sentence);
	gemm_choices_free(&choices);
	free(text);
	free(changed);
}

static void is_refused_elsewhere(void **state)
{
	(void)state;
	const struct gemm_choices_origin model = {"qwen2.5-1.5b", "NVIDIA H200", 130100},
	                                 device = {"llama-3.1-8b", "NVIDIA A100", 130100},
	                                 version = {"llama-3.1-8b", "NVIDIA H200", 130200}, unknown = {"llama-3.1-8b", NULL, 0};
	refuse(&origin, "#", "#", NULL);
	refuse(&unknown, "#", "#", NULL);
	refuse(&model, "#", "#", "p.csv: note \"model\" is \"llama-3.1-8b\"; expected \"qwen2.5-1.5b\": a file of ");
	refuse(&device, "#", "#", "p.csv: note \"device\" is \"NVIDIA H200\"; expected \"NVIDIA A100\": ");
	refuse(&version, "#", "#", "p.csv: note \"cublaslt\" is \"130100\"; expected \"130200\": ");
	refuse(&origin, "# model", "# trace", "p.csv: note \"model\" is \"\"; expected \"llama-3.1-8b\": ");
}

static void damage_is_told(void **state)
{
	(void)state;
	static const char *const cases[][3] = {
	        {"\n16,", "\n16.5,", "p.csv:6: field \"rows\" is \"16.5\"; expected a whole number from 1 to 8192."},
	        {"\n16,", "\n,", "p.csv:6: field \"rows\" is \"\"; expected a whole number from 1 to 8192."},
	        {"\n16,", "\n17,", "p.csv:6: field \"rows\" is \"17\"; expected a point of the grid, as 32."},
	        {"\n448,", "\n99999999999999999999,", "p.csv:8: field \"rows\" is \"99999999999999999999\"; expected a "},
	        {",6144,", ",0,", "p.csv:6: field \"outputs\" is \"0\"; expected a whole number from 1 to 4294967295."},
	        {",4096,1,", ",4096,2,", "p.csv:6: field \"bias\" is \"2\"; expected a whole number from 0 to 1."},
	        {",16.04,", ",inf,", "p.csv:6: field \"first_us\" is \"inf\"; expected a number of at least 0."},
	        {",12.50,", ",12.50,z", "p.csv:6: field \"algorithm\" has 129 characters; expected 128 hexadecimal digits."},
	        {",12.50,9", ",12.50,G", "p.csv:6: field \"algorithm\" has 128 characters; expected 128 hexadecimal digits."},
	        {",12.50,9", ",12.50,8", "p.csv: note \"checksum\" is "},
	        {"\n448,", "\n16,", "p.csv:8: the product stands there twice; expected one choice a shape."},
	        {",adds,", ",sums,", "p.csv: there is no column \"adds\"."},
	        {",12.50,", ",", "p.csv:6: the line has 8 fields, but the header names 9 columns."},
	        {"# checksum", "# sum", "p.csv: note \"checksum\" is \"\"; expected "},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		refuse(&origin, cases[i][0], cases[i][1], cases[i][2]);
}

/* Wherever a file ends too early. */
static void short_files_are_refused(void **state)
{
	(void)state;
	struct gemm_choices choices = make_choices();
	size_t size;
	write_or_fail(&choices);
	gemm_choices_free(&choices);
	unsigned char *text = scratch_read("p.csv", &size);
	for (size_t length = 0; length + 1 < size; length++) {
		struct err err = {""};
		scratch_write("p.csv", text, length);
		assert_int_equal(gemm_choices_load(&choices, &origin, "p.csv", &err), -1);
		assert_int_equal(strncmp(err.text, "p.csv", 5), 0);
		gemm_choices_free(&choices);
	}
	free(text);
}

static void no_file_is_told(void **state)
{
	(void)state;
	struct gemm_choices choices;
	struct err err = {""};
	assert_int_equal(gemm_choices_load(&choices, &origin, "absent.csv", &err), -1);
	assert_non_null(strstr(err.text, "absent.csv"));
	gemm_choices_free(&choices);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(points_by_hand),       cmocka_unit_test(padded_by_hand),
	        cmocka_unit_test(grid_goes_up),
	        cmocka_unit_test(file_keeps_all),       cmocka_unit_test(stands_up_to_its_point),
	        cmocka_unit_test(is_refused_elsewhere), cmocka_unit_test(damage_is_told),
	        cmocka_unit_test(short_files_are_refused), cmocka_unit_test(no_file_is_told),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
