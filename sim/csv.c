#include "csv.h"

#include "input.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct csv {
	char *name;
	char **notes; /* lines, without the # */
	size_t note_count;
	char **columns;
	size_t column_count;
	char **rows; /* [row_count], each its fields one after another, NUL at the end of each */
	uint64_t *lines;
	size_t row_count, row_room;
	uint64_t checksum;
};

/* Cuts `text` in place into fields that follow one another, each ended by a NUL; returns how many. 0: a quote is left open. */
static size_t cut(char *text)
{
	size_t count = 1;
	char *to = text;
	bool quoted = false;
	for (const char *from = text; *from; from++) {
		if (quoted && *from == '"' && from[1] == '"')
			*to++ = *from++;
		else if (*from == '"')
			quoted = !quoted;
		else if (*from == ',' && !quoted)
			*to++ = '\0', count++;
		else
			*to++ = *from;
	}
	*to = '\0';
	return quoted ? 0 : count;
}

static const char *field_of(const char *fields, size_t index)
{
	while (index-- > 0)
		fields += strlen(fields) + 1;
	return fields;
}

static void take_note(struct csv *csv, const char *line)
{
	csv->notes = mem_grow(csv->notes, csv->note_count + 1, sizeof(*csv->notes));
	csv->notes[csv->note_count++] = mem_copy_text(line + 1 + strspn(line + 1, " "));
}

static void take_header(struct csv *csv, const char *fields, size_t count)
{
	csv->columns = mem_alloc(count, sizeof(*csv->columns));
	csv->column_count = count;
	for (size_t c = 0; c < count; c++)
		csv->columns[c] = mem_copy_text(field_of(fields, c));
}

/* `length` is the line's before it was cut: fields only get shorter. */
static void take_row(struct csv *csv, const char *fields, size_t length, uint64_t line)
{
	if (csv->row_count == csv->row_room) {
		csv->row_room = csv->row_room ? 2 * csv->row_room : 64;
		csv->rows = mem_grow(csv->rows, csv->row_room, sizeof(*csv->rows));
		csv->lines = mem_grow(csv->lines, csv->row_room, sizeof(*csv->lines));
	}
	char *copy = mem_alloc(length + 1, 1);
	memcpy(copy, fields, length + 1);
	csv->rows[csv->row_count] = copy;
	csv->lines[csv->row_count++] = line;
}

static int take_line(struct csv *csv, char *line, size_t length, uint64_t number, struct err *err)
{
	if (length == 0)
		return 0;
	if (!csv->columns && line[0] == '#') {
		take_note(csv, line);
		return 0;
	}
	const size_t count = cut(line);
	if (count == 0)
		return err_set(err, "%s:%llu: a double quote is left open.", csv->name, (unsigned long long)number);
	if (!csv->columns) {
		take_header(csv, line, count);
		return 0;
	}
	if (count != csv->column_count)
		return err_set(err, "%s:%llu: the line has %zu fields, but the header names %zu columns.", csv->name,
		               (unsigned long long)number, count, csv->column_count);
	take_row(csv, line, length, number);
	return 0;
}

static int read_lines(struct csv *csv, struct input *input, struct err *err)
{
	char *line;
	size_t length;
	int status;
	XXH3_state_t *hash = XXH3_createState();
	ASSERT(hash);
	XXH3_64bits_reset(hash);
	while ((status = input_line(input, &line, &length, err)) > 0) {
		XXH3_64bits_update(hash, line, length);
		XXH3_64bits_update(hash, "\n", 1);
		if (take_line(csv, line, length, input_line_number(input), err) < 0) {
			status = -1;
			break;
		}
	}
	csv->checksum = XXH3_64bits_digest(hash);
	XXH3_freeState(hash);
	if (status == 0 && !csv->columns)
		status = err_set(err, "%s: it is empty, but a header line with column names was expected.", csv->name);
	return status;
}

struct csv *csv_load(const char *path, struct err *err)
{
	struct input *input = input_open(path, err);
	if (!input)
		return NULL;
	struct csv *csv = mem_alloc(1, sizeof(*csv));
	csv->name = mem_copy_text(input_name(input));
	const int status = read_lines(csv, input, err);
	input_close(input);
	if (status < 0) {
		csv_free(csv);
		return NULL;
	}
	return csv;
}

void csv_free(struct csv *csv)
{
	if (!csv)
		return;
	for (size_t i = 0; i < csv->note_count; i++)
		free(csv->notes[i]);
	for (size_t i = 0; i < csv->column_count; i++)
		free(csv->columns[i]);
	for (size_t i = 0; i < csv->row_count; i++)
		free(csv->rows[i]);
	free(csv->notes);
	free(csv->columns);
	free(csv->rows);
	free(csv->lines);
	free(csv->name);
	free(csv);
}

const char *csv_name(const struct csv *csv)
{
	return csv->name;
}

size_t csv_rows(const struct csv *csv)
{
	return csv->row_count;
}

size_t csv_columns(const struct csv *csv)
{
	return csv->column_count;
}

const char *csv_column_name(const struct csv *csv, size_t column)
{
	return csv->columns[column];
}

uint64_t csv_checksum(const struct csv *csv)
{
	return csv->checksum;
}

const char *csv_note(const struct csv *csv, const char *key)
{
	const size_t length = strlen(key);
	for (size_t i = 0; i < csv->note_count; i++) {
		if (strncmp(csv->notes[i], key, length) == 0 && csv->notes[i][length] == ':')
			return csv->notes[i] + length + 1 + strspn(csv->notes[i] + length + 1, " ");
	}
	return NULL;
}

bool csv_has(const struct csv *csv, const char *name, size_t *column)
{
	for (size_t c = 0; c < csv->column_count; c++) {
		if (strcmp(csv->columns[c], name) == 0) {
			*column = c;
			return true;
		}
	}
	return false;
}

int csv_find(const struct csv *csv, const char *name, size_t *column, struct err *err)
{
	*column = 0;
	return csv_has(csv, name, column) ? 0 : err_set(err, "%s: there is no column \"%s\".", csv->name, name);
}

const char *csv_text(const struct csv *csv, size_t row, size_t column)
{
	return field_of(csv->rows[row], column);
}

int csv_number(const struct csv *csv, size_t row, size_t column, double *number, struct err *err)
{
	const char *text = csv_text(csv, row, column);
	char *end;
	*number = strtod(text, &end);
	if (end == text || *end || !isfinite(*number) || *number < 0)
		return err_set(err, "%s:%llu: field \"%s\" is \"%s\"; expected a number of at least 0.", csv->name,
		               (unsigned long long)csv->lines[row], csv->columns[column], text);
	return 0;
}

int csv_whole(const struct csv *csv, size_t row, size_t column, uint64_t most, uint64_t *whole, struct err *err)
{
	double number = 0;
	*whole = 0;
	if (csv_number(csv, row, column, &number, err) < 0)
		return -1;
	if (number != floor(number) || number > (double)most) {
		err_set(err, "field \"%s\" is \"%s\"; expected a whole number of at most %" PRIu64 ".", csv_column_name(csv, column),
		        csv_text(csv, row, column), most);
		return csv_blame(csv, row, err);
	}
	*whole = (uint64_t)number;
	return 0;
}

int csv_blame(const struct csv *csv, size_t row, struct err *err)
{
	return err_prefix(err, "%s:%llu: ", csv->name, (unsigned long long)csv->lines[row]);
}
