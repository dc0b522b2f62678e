/* golden.c - the golden table: runs every row of golden/results.csv and compares whole numbers.
 *
 *   golden TABLE SOURCE_DIR [--update | --skip TRACE]
 *
 * The table holds rows of several kinds (golden_kinds.h), each kind below its header. A row is a configuration, what came of
 * it, and where the numbers are from. An empty cell is one that the source does not give; it is not compared. Rows with a
 * source of their own (E6, oracle, ...) are typed from it; rows whose source is `own` are our output, pinned so that a change
 * is seen, and the only ones --update writes.
 * Where a trace is absent its rows are skipped and counted.
 *
 * --skip leaves a trace's rows out, for builds in which they take too long. Traces are looked for in SOURCE_DIR/tests/golden,
 * SOURCE_DIR/traces/samples and SOURCE_DIR/../shared/traces. The whole run has to stay below 2 GiB.
 */
#include "golden_kinds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MOST_BYTES (UINT64_C(2) << 30)

struct row {
	char *text; /* the line as it stands, for lines that are kept */
	char *line; /* what the cells point into */
	const struct golden_kind *kind;
	char *cells[GOLDEN_COLUMNS_MOST]; /* NULL: a comment, an empty line, or a header */
};

struct table {
	const char *path, *source_dir, *skip;
	struct row *rows;
	size_t row_count;
	struct trace *trace; /* the last one used */
	char *trace_name;
	size_t compared, skipped, wrong;
};

_Noreturn static void die(const char *format, const char *what)
{
	fputs("golden: ", stderr);
	fprintf(stderr, format, what);
	fputc('\n', stderr);
	exit(1);
}

/* Cuts a CSV line in place; a cell may stand in quotes. */
static size_t split(char *line, char **cells, size_t most)
{
	size_t count = 0;
	for (char *p = line; count < most;) {
		const char end = *p == '"' ? '"' : ',';
		p += end == '"';
		cells[count++] = p;
		p += strcspn(p, end == '"' ? "\"" : ",");
		if (*p == '\0')
			break;
		*p++ = '\0';
		if (end == '"' && *p++ == '\0')
			break;
	}
	return count;
}

static const struct golden_kind *kind_with(const char *header)
{
	for (size_t i = 0; i < golden_kind_count; i++) {
		if (strcmp(golden_kinds[i].header, header) == 0)
			return &golden_kinds[i];
	}
	return NULL;
}

static void read_table(struct table *table)
{
	const struct golden_kind *kind = NULL;
	FILE *file = fopen(table->path, "r");
	char *line = NULL;
	size_t size = 0;
	if (!file)
		die("%s cannot be read.", table->path);
	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		table->rows = mem_grow(table->rows, table->row_count + 1, sizeof(*table->rows));
		struct row *row = &table->rows[table->row_count++];
		*row = (struct row){.text = mem_copy_text(line)};
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (kind_with(line)) {
			kind = kind_with(line);
			continue;
		}
		row->kind = kind;
		row->line = mem_copy_text(line);
		if (!kind || split(row->line, row->cells, GOLDEN_COLUMNS_MOST) != kind->columns)
			die("not as many cells as columns: %s", line);
	}
	free(line);
	fclose(file);
}

/* The trace of that name, or NULL where there is none. */
static const struct trace *find_trace(struct table *table, const char *name)
{
	static const char *const places[] = {"tests/golden/%s.jsonl", "traces/samples/%s.jsonl.gz", "../shared/traces/%s.jsonl.gz"};
	if (table->trace_name && strcmp(table->trace_name, name) == 0)
		return table->trace;
	trace_free(table->trace);
	free(table->trace_name);
	table->trace = NULL;
	table->trace_name = mem_copy_text(name);
	for (size_t i = 0; i < COUNT_OF(places) && !table->trace; i++) {
		char path[4096];
		struct err err;
		const int length = snprintf(path, sizeof(path), "%s/", table->source_dir);
		snprintf(path + length, sizeof(path) - (size_t)length, places[i], name);
		if (access(path, R_OK) != 0)
			continue;
		table->trace = trace_load(path, &(struct trace_load_options){0}, &err);
		if (!table->trace)
			die("%s", err.text);
	}
	if (!table->trace)
		printf("golden: there is no trace %s here; its rows are skipped.\n", name);
	return table->trace;
}

static void compare_row(struct table *table, struct row *row, const uint64_t *got)
{
	char *names[GOLDEN_COLUMNS_MOST];
	char *copy = mem_copy_text(row->kind->header);
	bool fine = true;
	split(copy, names, GOLDEN_COLUMNS_MOST);
	for (size_t column = row->kind->keys; column < row->kind->columns - 1; column++) {
		const char *want = row->cells[column];
		if (!want[0] || strtoull(want, NULL, 10) == got[column])
			continue;
		if (fine)
			printf("golden: %s\n", row->text);
		printf("  %s is %" PRIu64 "\n", names[column], got[column]);
		fine = false;
	}
	free(copy);
	table->compared++;
	table->wrong += !fine;
}

/* The row with our own numbers in every cell. */
static void update_row(struct row *row, const uint64_t *got)
{
	const size_t source = row->kind->columns - 1;
	char text[2048];
	size_t used = 0;
	for (size_t column = 0; column < row->kind->keys; column++) {
		const char *quote = strchr(row->cells[column], ',') ? "\"" : "";
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s,", quote, row->cells[column], quote);
	}
	for (size_t column = row->kind->keys; column < source; column++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%" PRIu64 ",", got[column]);
	snprintf(text + used, sizeof(text) - used, "%s", row->cells[source]);
	free(row->text);
	row->text = mem_copy_text(text);
}

static void write_table(const struct table *table)
{
	FILE *file = fopen(table->path, "w");
	if (!file)
		die("%s cannot be written.", table->path);
	for (size_t i = 0; i < table->row_count; i++)
		fprintf(file, "%s\n", table->rows[i].text);
	if (fclose(file) != 0)
		die("%s could not be written whole.", table->path);
}

static void run_table(struct table *table, bool update)
{
	for (size_t i = 0; i < table->row_count; i++) {
		struct row *row = &table->rows[i];
		uint64_t got[GOLDEN_COLUMNS_MOST];
		struct err err;
		if (!row->cells[0])
			continue;
		const bool skip = table->skip && strcmp(row->cells[0], table->skip) == 0;
		const struct trace *trace = skip ? NULL : find_trace(table, row->cells[0]);
		if (!trace) {
			table->skipped++;
			continue;
		}
		if (row->kind->run(trace, row->cells, got, &err) < 0)
			die("%s", err.text);
		if (update && strcmp(row->cells[row->kind->columns - 1], "own") == 0)
			update_row(row, got);
		else
			compare_row(table, row, got);
	}
	if (update)
		write_table(table);
}

/* Sanitizers need several times the memory. */
static bool memory_is_fine(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return true;
#else
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	const uint64_t bytes = (uint64_t)usage.ru_maxrss * 1024;
	printf("golden: at most %.0f MiB of memory.\n", (double)bytes / (1 << 20));
	return bytes < MOST_BYTES;
#endif
}

int main(int argc, char **argv)
{
	const bool update = argc == 4 && strcmp(argv[3], "--update") == 0;
	const bool skip = argc == 5 && strcmp(argv[3], "--skip") == 0;
	if (argc != 3 && !update && !skip) {
		fputs("Usage: golden TABLE SOURCE_DIR [--update | --skip TRACE]\n", stderr);
		return 2;
	}
	struct table table = {.path = argv[1], .source_dir = argv[2], .skip = skip ? argv[4] : NULL};
	read_table(&table);
	run_table(&table, update);
	printf("golden: %zu rows as they should be, %zu not, %zu skipped.\n", table.compared - table.wrong, table.wrong, table.skipped);
	if (!memory_is_fine()) {
		fputs("golden: that is more than 2 GiB.\n", stderr);
		return 1;
	}
	for (size_t i = 0; i < table.row_count; i++) {
		free(table.rows[i].text);
		free(table.rows[i].line);
	}
	free(table.rows);
	free(table.trace_name);
	trace_free(table.trace);
	return table.wrong > 0;
}
