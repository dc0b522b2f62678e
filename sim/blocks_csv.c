#include "blocks_csv.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

struct blocks_csv {
	struct output *output;
	const char *tier;
};

struct blocks_csv *blocks_csv_open(const char *path, struct err *err)
{
	struct output *output = output_open(path, err);
	if (!output)
		return NULL;
	struct blocks_csv *csv = mem_alloc(1, sizeof(*csv));
	csv->output = output;
	output_printf(output, "block,inserted_at,ttl_s,deadline,last_accessed,access_count,score,tier\n");
	return csv;
}

static void put_ms(struct output *output, int64_t ns)
{
	output_printf(output, "%" PRId64 ".%06" PRId64, ns / NS_PER_MS, ns % NS_PER_MS);
}

static void put_row(void *context, block_id b, const struct cache_entry *entry)
{
	const struct blocks_csv *csv = context;
	output_printf(csv->output, "%" PRIu32 ",", b);
	put_ms(csv->output, entry->inserted_ns);
	if (entry->ttl_ns == TIME_NEVER_NS)
		output_printf(csv->output, ",,");
	else
		output_printf(csv->output, ",%.12g,", (double)entry->ttl_ns / (double)NS_PER_S);
	if (entry->deadline_ns != TIME_NEVER_NS)
		put_ms(csv->output, entry->deadline_ns);
	output_printf(csv->output, ",");
	put_ms(csv->output, entry->used_ns);
	output_printf(csv->output, ",%" PRIu32 ",", entry->hits);
	if (!isnan(entry->score))
		output_printf(csv->output, "%.9g", entry->score);
	output_printf(csv->output, ",%s\n", csv->tier);
}

void blocks_csv_rows(struct blocks_csv *csv, const char *tier, const struct cache *cache)
{
	if (!csv)
		return;
	csv->tier = tier;
	cache_history_each(cache, put_row, csv);
}

int blocks_csv_commit(struct blocks_csv *csv, struct err *err)
{
	const int failed = csv ? output_commit(csv->output, err) : 0;
	free(csv);
	return failed;
}

void blocks_csv_abort(struct blocks_csv *csv)
{
	if (csv)
		output_abort(csv->output);
	free(csv);
}
