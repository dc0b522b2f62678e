#include "gemm_choices.h"

#include "csv.h"
#include "output.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define DIGITS (16 * GEMM_CHOICES_WORDS) /* of an algorithm */

/* Rows up to which points of the grid are so near that products are made of as many. */
#define FILLED_MOST 2048

enum column { ROWS, OUTPUTS, INPUTS, BIAS, FLOAT, ADDS, FIRST, BEST, ALGORITHM, COLUMNS };

static const char *const column_names[COLUMNS] = {"rows", "outputs",  "inputs",  "bias",     "float",
                                                  "adds", "first_us", "best_us", "algorithm"};

uint32_t gemm_choices_point(uint32_t rows)
{
	static const struct {
		uint32_t most, step;
	} grid[] = {{64, 16}, {1024, 64}, {2048, 128}, {4096, 256}, {GEMM_CHOICES_MOST, 512}};
	for (size_t i = 0; i < COUNT_OF(grid); i++) {
		if (rows <= grid[i].most)
			return (rows + grid[i].step - 1) / grid[i].step * grid[i].step;
	}
	return GEMM_CHOICES_MOST;
}

uint32_t gemm_choices_padded(uint32_t rows)
{
	if (rows <= FILLED_MOST)
		return gemm_choices_point(rows);
	return rows <= GEMM_CHOICES_MOST ? (rows + GEMM_CHOICES_TILE - 1) / GEMM_CHOICES_TILE * GEMM_CHOICES_TILE : rows;
}

bool gemm_choices_same_sides(const struct gemm_shape *a, const struct gemm_shape *b)
{
	return a->outputs == b->outputs && a->inputs == b->inputs && a->has_bias == b->has_bias &&
	       a->float_result == b->float_result && a->adds == b->adds;
}

void gemm_choices_add(struct gemm_choices *choices, const struct gemm_choice *choice)
{
	if (choices->count == choices->room) {
		choices->room = choices->room ? choices->room * 2 : 64;
		choices->choices = mem_grow(choices->choices, choices->room, sizeof(*choices->choices));
	}
	choices->choices[choices->count++] = *choice;
}

const struct gemm_choice *gemm_choices_find(const struct gemm_choices *choices, struct gemm_shape shape)
{
	const uint32_t rows = gemm_choices_point(shape.rows);
	for (size_t i = 0; i < choices->count; i++) {
		const struct gemm_choice *choice = &choices->choices[i];
		if (choice->shape.rows == rows && gemm_choices_same_sides(&choice->shape, &shape))
			return choice;
	}
	return NULL;
}

void gemm_choices_free(struct gemm_choices *choices)
{
	free(choices->choices);
	*choices = (struct gemm_choices){0};
}

/* A row of the file, with its newline. */
static void show(const struct gemm_choice *choice, char *line, size_t size)
{
	const struct gemm_shape *s = &choice->shape;
	int length = snprintf(line, size, "%u,%u,%u,%d,%d,%d,%.2f,%.2f,", s->rows, s->outputs, s->inputs, s->has_bias,
	                      s->float_result, s->adds, choice->first_us, choice->best_us);
	for (size_t w = 0; w < GEMM_CHOICES_WORDS; w++)
		length += snprintf(line + length, size - (size_t)length, "%016" PRIx64, choice->algorithm[w]);
	snprintf(line + length, size - (size_t)length, "\n");
}

uint64_t gemm_choices_checksum(const struct gemm_choices *choices)
{
	char line[512];
	XXH3_state_t *hash = XXH3_createState();
	ASSERT(hash);
	XXH3_64bits_reset(hash);
	for (size_t i = 0; i < choices->count; i++) {
		show(&choices->choices[i], line, sizeof(line));
		XXH3_64bits_update(hash, line, strlen(line));
	}
	const uint64_t checksum = XXH3_64bits_digest(hash);
	XXH3_freeState(hash);
	return checksum;
}

int gemm_choices_write(const struct gemm_choices *choices, const struct gemm_choices_origin *origin, const char *path,
                       struct err *err)
{
	char line[512];
	struct output *output = output_open(path, err);
	if (!output)
		return -1;
	output_printf(output, "# model: %s\n# device: %s\n# cublaslt: %zu\n# checksum: %016" PRIx64 "\n", origin->model,
	              origin->device, origin->cublaslt, gemm_choices_checksum(choices));
	for (size_t c = 0; c < COLUMNS; c++)
		output_printf(output, "%s%s", c ? "," : "", column_names[c]);
	output_printf(output, "\n");
	for (size_t i = 0; i < choices->count; i++) {
		show(&choices->choices[i], line, sizeof(line));
		output_printf(output, "%s", line);
	}
	return output_commit(output, err);
}

/* A whole number; csv_number() would take 1e3, too. */
static int read_whole(const struct csv *csv, size_t row, size_t column, uint32_t least, uint32_t most, uint32_t *value,
                      struct err *err)
{
	const char *text = csv_text(csv, row, column);
	char *end;
	const unsigned long number = strtoul(text, &end, 10);
	*value = (uint32_t)number;
	if (strspn(text, "0123456789") > 0 && !*end && strlen(text) <= 10 && number >= least && number <= most)
		return 0;
	err_set(err, "field \"%s\" is \"%s\"; expected a whole number from %u to %u.", column_names[column], text, least, most);
	return csv_blame(csv, row, err);
}

static int read_flag(const struct csv *csv, size_t row, size_t column, bool *flag, struct err *err)
{
	uint32_t value;
	if (read_whole(csv, row, column, 0, 1, &value, err) < 0)
		return -1;
	*flag = value;
	return 0;
}

static int read_algorithm(const struct csv *csv, size_t row, size_t column, uint64_t *words, struct err *err)
{
	const char *text = csv_text(csv, row, column);
	const size_t length = strlen(text);
	if (length != DIGITS || strspn(text, "0123456789abcdef") != DIGITS) {
		err_set(err, "field \"algorithm\" has %zu characters; expected %d hexadecimal digits.", length, DIGITS);
		return csv_blame(csv, row, err);
	}
	for (size_t w = 0; w < GEMM_CHOICES_WORDS; w++) {
		char word[17];
		snprintf(word, sizeof(word), "%.16s", text + 16 * w);
		words[w] = strtoull(word, NULL, 16);
	}
	return 0;
}

static int read_choice(const struct csv *csv, size_t row, const size_t *at, struct gemm_choice *choice, struct err *err)
{
	struct gemm_shape *s = &choice->shape;
	if (read_whole(csv, row, at[ROWS], 1, GEMM_CHOICES_MOST, &s->rows, err) < 0 ||
	    read_whole(csv, row, at[OUTPUTS], 1, UINT32_MAX, &s->outputs, err) < 0 ||
	    read_whole(csv, row, at[INPUTS], 1, UINT32_MAX, &s->inputs, err) < 0 ||
	    read_flag(csv, row, at[BIAS], &s->has_bias, err) < 0 || read_flag(csv, row, at[FLOAT], &s->float_result, err) < 0 ||
	    read_flag(csv, row, at[ADDS], &s->adds, err) < 0 || csv_number(csv, row, at[FIRST], &choice->first_us, err) < 0 ||
	    csv_number(csv, row, at[BEST], &choice->best_us, err) < 0 ||
	    read_algorithm(csv, row, at[ALGORITHM], choice->algorithm, err) < 0)
		return -1;
	if (s->rows == gemm_choices_point(s->rows))
		return 0;
	err_set(err, "field \"rows\" is \"%u\"; expected a point of the grid, as %u.", s->rows, gemm_choices_point(s->rows));
	return csv_blame(csv, row, err);
}

static int read_choices(struct gemm_choices *choices, const struct csv *csv, struct err *err)
{
	size_t at[COLUMNS];
	for (size_t c = 0; c < COLUMNS; c++) {
		if (csv_find(csv, column_names[c], &at[c], err) < 0)
			return -1;
	}
	for (size_t row = 0; row < csv_rows(csv); row++) {
		struct gemm_choice choice;
		if (read_choice(csv, row, at, &choice, err) < 0)
			return -1;
		if (gemm_choices_find(choices, choice.shape)) {
			err_set(err, "the product stands there twice; expected one choice a shape.");
			return csv_blame(csv, row, err);
		}
		gemm_choices_add(choices, &choice);
	}
	return 0;
}

/* A note that has to be there and be as expected. `otherwise` ends the sentence. */
static int check_note(const struct csv *csv, const char *key, const char *expected, const char *otherwise, struct err *err)
{
	const char *note = csv_note(csv, key);
	if (note && strcmp(note, expected) == 0)
		return 0;
	return err_set(err, "%s: note \"%s\" is \"%s\"; expected \"%s\": %s.", csv_name(csv), key, note ? note : "", expected,
	               otherwise);
}

static int check_origin(const struct csv *csv, const struct gemm_choices_origin *origin, struct err *err)
{
	static const char of_another[] = "a file of products is good for one model, device and version of cuBLASLt; name another, "
	                                 "which is then made";
	char version[32];
	snprintf(version, sizeof(version), "%zu", origin->cublaslt);
	if (check_note(csv, "model", origin->model, of_another, err) < 0)
		return -1;
	if (!origin->device)
		return 0;
	if (check_note(csv, "device", origin->device, of_another, err) < 0)
		return -1;
	return check_note(csv, "cublaslt", version, of_another, err);
}

int gemm_choices_load(struct gemm_choices *choices, const struct gemm_choices_origin *origin, const char *path, struct err *err)
{
	char checksum[32];
	*choices = (struct gemm_choices){0};
	struct csv *csv = csv_load(path, err);
	if (!csv)
		return -1;
	int failed = check_origin(csv, origin, err) < 0 || read_choices(choices, csv, err) < 0;
	if (!failed) {
		snprintf(checksum, sizeof(checksum), "%016" PRIx64, gemm_choices_checksum(choices));
		failed = check_note(csv, "checksum", checksum, "it was cut short or changed; remove it, and it is made anew",
		                    err) < 0;
	}
	csv_free(csv);
	return failed ? -1 : 0;
}
