/* curve_table.h - curves and surfaces as CSV or JSON, for programs, and as tables of 80 columns, for people.
 *
 * For programs a curve has a row for every value at which hits change (curve.h), a table those of a few round ones.
 */
#ifndef KVCAST_CURVE_TABLE_H
#define KVCAST_CURVE_TABLE_H

#include "options.h"
#include "sampled.h"
#include "surface.h"

#include <stdio.h>

#define CURVE_TABLE_MOST 64

/* Round values up to the largest that matters, ascending; the last is that one, or "no limit" for a TTL. */
struct curve_grid {
	uint64_t capacities[CURVE_TABLE_MOST];
	size_t capacity_count;
	int64_t ttls_ns[CURVE_TABLE_MOST];
	size_t ttl_count;
};

/* Names: what the first line of a CSV holds. */
enum curve_form { CURVE_FORM_TABLE, CURVE_FORM_CSV, CURVE_FORM_JSON, CURVE_FORM_NAMES };

struct curve_table {
	const struct trace *trace;
	const struct run_options *options;
	double rent_per_gb_hour; /* dollars */
	enum curve_form form;
	FILE *to;
	size_t rows_begun; /* 0 */
};

/* `most`: the least value of the axis at which all hits are there. */
void curve_table_round_capacities(uint64_t most, struct curve_grid *grid);
void curve_table_round_ttls(int64_t most_ns, struct curve_grid *grid);

/* Rows for programs, in CSV or JSON; several curves may follow each other. `group` names the class or turn in a last column;
 * NULL: none. curve_table_end() is due after the last. */
void curve_table_rows(struct curve_table *table, enum curve_axis axis, struct curve *curve, const char *group);
/* The same of a sample, with two more columns, the interval of the token hit rate, unless everything was drawn. */
void curve_table_sampled_rows(struct curve_table *table, enum curve_axis axis, struct sampled *sampled);
/* `points` as surface_points() gives them for the grid. */
void curve_table_surface_rows(struct curve_table *table, const struct surface_point *points, const struct curve *curve,
                              const struct curve_grid *grid);
void curve_table_end(struct curve_table *table);

/* `reuse` is NULL under object semantics, where no TTFT is known. */
void curve_table_capacity(const struct curve_table *table, const struct reuse *reuse, struct curve *curve,
                          const struct curve_grid *grid);
void curve_table_ttl(const struct curve_table *table, const struct reuse *reuse, const struct curve *curve,
                     const struct curve_grid *grid);
void curve_table_surface(const struct curve_table *table, const struct surface_point *points, const struct curve *curve,
                         const struct curve_grid *grid);

#endif
