/* csv.h - a CSV with a header line, read whole: fields by row and by the name of their column.
 *
 * Fields may stand in double quotes, with doubled quotes inside; a field does not go on in the next line. Lines before the
 * header of the form "# key: value" are notes; empty lines are skipped. Every row has as many fields as the header. Plain or
 * gzip, "-" is standard input (input.h).
 */
#ifndef KVCAST_CSV_H
#define KVCAST_CSV_H

#include "base.h"
#include "err.h"

struct csv;

/* NULL and a sentence for what cannot be read, has no header, or a row of another width. */
struct csv *csv_load(const char *path, struct err *err);
void csv_free(struct csv *csv);

const char *csv_name(const struct csv *csv);
size_t csv_rows(const struct csv *csv);
size_t csv_columns(const struct csv *csv);
const char *csv_column_name(const struct csv *csv, size_t column);
/* XXH3-64 of all lines. */
uint64_t csv_checksum(const struct csv *csv);
/* NULL where there is no such note. */
const char *csv_note(const struct csv *csv, const char *key);

/* The column's place; -1 and a sentence, also where the CSV does not have it. */
int csv_find(const struct csv *csv, const char *name, size_t *column, struct err *err);
bool csv_has(const struct csv *csv, const char *name, size_t *column);
const char *csv_text(const struct csv *csv, size_t row, size_t column);
/* A finite number of at least 0; otherwise -1 and a sentence with file, line and column. */
int csv_number(const struct csv *csv, size_t row, size_t column, double *number, struct err *err);
/* The same, a whole one of at most `most`, which is at most 2^53. */
int csv_whole(const struct csv *csv, size_t row, size_t column, uint64_t most, uint64_t *whole, struct err *err);
/* "FILE:LINE: " in front of the sentence that is there; returns -1. */
int csv_blame(const struct csv *csv, size_t row, struct err *err);

#endif
