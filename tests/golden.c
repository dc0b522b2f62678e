/* golden.c - the golden table: runs every row of golden/results.csv and compares whole numbers.
 *
 *   golden TABLE SOURCE_DIR [--update | --skip TRACE]
 *
 * A row is a configuration (trace .. recompute_last), what came of it, and where the numbers are from. An empty cell is
 * one that the source does not give; it is not compared. Rows with a source of their own (E6, oracle, ...) are typed from
 * it; rows whose source is `own` are our output, pinned so that a change is seen, and the only ones --update writes.
 * Where a trace is absent its rows are skipped and counted.
 *
 * --skip leaves a trace's rows out, for builds in which they take too long. Traces are looked for in SOURCE_DIR/traces/samples and SOURCE_DIR/../shared/traces. The whole run has to stay below 2 GiB.
 */
#include "replay.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MOST_BYTES (UINT64_C(2) << 30)

enum column {
	TRACE,
	SEMANTICS,
	SCOPE,
	EVICT,
	TTL,
	CAPACITY,
	PARTIAL_TAIL,
	RECOMPUTE_LAST,
	KEYS, /* what stands before is the configuration */
	BLOCKS = KEYS,
	HIT_BLOCKS,
	MISS_BLOCKS,
	BLOCK_HIT_E6, /* rates in millionths, rounded */
	HIT_TOKENS,
	TOKEN_HIT_E6,
	EVICTED_BLOCKS,
	EXPIRED_BLOCKS,
	FULL_HIT_REQUESTS,
	RESIDENT_E1, /* time mean of resident blocks in tenths, rounded */
	SOURCE,
	COLUMNS,
};

static const char header[] =
        "trace,semantics,scope,evict,ttl,capacity_blocks,partial_tail,recompute_last,blocks,hit_blocks,miss_blocks,"
        "block_hit_e6,hit_tokens,token_hit_e6,evicted_blocks,expired_blocks,full_hit_requests,resident_e1,source";

struct row {
	char *text;           /* the line as it stands, for lines that are kept */
	char *line;           /* what the cells point into */
	char *cells[COLUMNS]; /* NULL: a comment, an empty line, or the header */
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

static void read_table(struct table *table)
{
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
		if (line[0] == '\0' || line[0] == '#' || strcmp(line, header) == 0)
			continue;
		row->line = mem_copy_text(line);
		if (split(row->line, row->cells, COLUMNS) != COLUMNS)
			die("not as many cells as columns: %s", line);
	}
	free(line);
	fclose(file);
}

/* The trace of that name, or NULL where there is none. */
static const struct trace *find_trace(struct table *table, const char *name)
{
	static const char *const places[] = {"%s/traces/samples/%s.jsonl.gz", "%s/../shared/traces/%s.jsonl.gz"};
	if (table->trace_name && strcmp(table->trace_name, name) == 0)
		return table->trace;
	trace_free(table->trace);
	free(table->trace_name);
	table->trace = NULL;
	table->trace_name = mem_copy_text(name);
	for (size_t i = 0; i < COUNT_OF(places) && !table->trace; i++) {
		char path[4096];
		struct err err;
		snprintf(path, sizeof(path), i == 0 ? places[0] : places[1], table->source_dir, name);
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

static bool is(const struct row *row, enum column column, const char *yes, const char *no)
{
	if (strcmp(row->cells[column], yes) != 0 && strcmp(row->cells[column], no) != 0)
		die("a cell is neither of its two words: %s", row->text);
	return strcmp(row->cells[column], yes) == 0;
}

static uint64_t rounded(double value, double parts)
{
	return (uint64_t)llround(value * parts);
}

static void run_row(const struct trace *trace, const struct row *row, uint64_t got[COLUMNS])
{
	/* Costs that grow with the place in the prompt, for policies that weigh them; nothing else here is about time. */
	const struct calibration calibration = {
	        .terms = {[TERM_ROWS] = CALIBRATION_LINE(23270), [TERM_PAIRS] = CALIBRATION_LINE(1.165)}};
	struct err err;
	struct spec evict, ttl;
	if (spec_parse(&evict, row->cells[EVICT], &err) < 0 || spec_parse(&ttl, row->cells[TTL], &err) < 0)
		die("%s", err.text);
	const struct run_config config = {
	        .evict = &evict,
	        .ttl = &ttl,
	        .capacity_blocks = strcmp(row->cells[CAPACITY], "inf") == 0 ? UINT64_MAX : strtoull(row->cells[CAPACITY], NULL, 10),
	        .semantics = is(row, SEMANTICS, "object", "prefix") ? SEMANTICS_OBJECT : SEMANTICS_PREFIX,
	        .leaf = is(row, SCOPE, "leaf", "flat"),
	        .tail_cached = is(row, PARTIAL_TAIL, "cache", "skip"),
	        .recompute_last = is(row, RECOMPUTE_LAST, "1", "0"),
	        .speed = 1,
	        .seed = 1,
	        .calibration = &calibration,
	};
	struct run_result result;
	if (replay_run(trace, &config, &result, &err) < 0)
		die("%s", err.text);
	const struct metrics_group *total = metrics_total(result.metrics);
	got[BLOCKS] = total->blocks;
	got[HIT_BLOCKS] = total->hit_blocks;
	got[MISS_BLOCKS] = total->blocks - total->hit_blocks;
	got[BLOCK_HIT_E6] = rounded(metrics_block_hit_rate(total), 1e6);
	got[HIT_TOKENS] = total->ledger.hit_tokens;
	got[TOKEN_HIT_E6] = rounded(metrics_token_hit_rate(total), 1e6);
	got[EVICTED_BLOCKS] = result.counts.evicted_blocks;
	got[EXPIRED_BLOCKS] = result.counts.expired_blocks;
	got[FULL_HIT_REQUESTS] = total->full_hit_requests;
	got[RESIDENT_E1] = rounded(result.mean_resident_blocks, 10);
	replay_free(&result);
	spec_free(&evict);
	spec_free(&ttl);
}

static void compare_row(struct table *table, struct row *row, const uint64_t got[COLUMNS])
{
	char *names[COLUMNS];
	char *copy = mem_copy_text(header);
	bool fine = true;
	split(copy, names, COLUMNS);
	for (int column = KEYS; column < SOURCE; column++) {
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
static void update_row(struct row *row, const uint64_t got[COLUMNS])
{
	char text[2048];
	size_t used = 0;
	for (int column = 0; column < KEYS; column++) {
		const char *quote = strchr(row->cells[column], ',') ? "\"" : "";
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s,", quote, row->cells[column], quote);
	}
	for (int column = KEYS; column < SOURCE; column++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%" PRIu64 ",", got[column]);
	snprintf(text + used, sizeof(text) - used, "%s", row->cells[SOURCE]);
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
		uint64_t got[COLUMNS];
		if (!row->cells[0])
			continue;
		const bool skip = table->skip && strcmp(row->cells[TRACE], table->skip) == 0;
		const struct trace *trace = skip ? NULL : find_trace(table, row->cells[TRACE]);
		if (!trace) {
			table->skipped++;
			continue;
		}
		run_row(trace, row, got);
		if (update && strcmp(row->cells[SOURCE], "own") == 0)
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
