#include "curve_table.h"

#include "report.h"
#include "units.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* Round capacities go this many steps of 1-2-5 down from the largest. */
#define CAPACITY_STEPS 11
/* Capacities beside each other in a table of a surface. */
#define SURFACE_COLUMNS 7
/* TTLs among which the one worth most is sought: neighbours differ by 5 %. */
#define WORTH_RATIO 1.05
#define WORTH_MOST 600

static const int64_t round_ttls_s[] = {1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 2 * 3600, 5 * 3600,
                                       12 * 3600, 24 * 3600, 48 * 3600, 168 * 3600};

void curve_table_round_capacities(uint64_t most, struct curve_grid *grid)
{
	uint64_t steps[CURVE_TABLE_MOST], count = 0, decade = 1;
	static const uint64_t factors[] = {1, 2, 5};
	for (size_t i = 0; count < CURVE_TABLE_MOST && decade * factors[i] < most; i = (i + 1) % COUNT_OF(factors)) {
		steps[count++] = decade * factors[i];
		if (i + 1 == COUNT_OF(factors))
			decade *= 10;
	}
	const uint64_t skipped = count > CAPACITY_STEPS ? count - CAPACITY_STEPS : 0;
	grid->capacity_count = 0;
	for (uint64_t i = skipped; i < count; i++)
		grid->capacities[grid->capacity_count++] = steps[i];
	grid->capacities[grid->capacity_count++] = most;
}

void curve_table_round_ttls(int64_t most_ns, struct curve_grid *grid)
{
	grid->ttl_count = 0;
	for (size_t i = 0; i < COUNT_OF(round_ttls_s) && round_ttls_s[i] * NS_PER_S < most_ns; i++)
		grid->ttls_ns[grid->ttl_count++] = round_ttls_s[i] * NS_PER_S;
	grid->ttls_ns[grid->ttl_count++] = TIME_NEVER_NS;
}

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

/* A row's fields, in one of three forms: the columns' names, a row of CSV, a JSON object. */
struct row {
	enum curve_form form;
	FILE *to;
	bool begun;
};

static void begin_field(struct row *row, const char *name)
{
	if (row->begun)
		fputs(row->form == CURVE_FORM_JSON ? ", " : ",", row->to);
	row->begun = true;
	if (row->form == CURVE_FORM_JSON)
		fprintf(row->to, "\"%s\": ", name);
	else if (row->form == CURVE_FORM_NAMES)
		fputs(name, row->to);
}

static void put_whole(struct row *row, const char *name, uint64_t value)
{
	begin_field(row, name);
	if (row->form == CURVE_FORM_NAMES)
		return;
	if (value == UINT64_MAX) /* a capacity without limit */
		fputs(row->form == CURVE_FORM_JSON ? "null" : "inf", row->to);
	else
		fprintf(row->to, "%" PRIu64, value);
}

static void put_real(struct row *row, const char *name, double value)
{
	begin_field(row, name);
	if (row->form == CURVE_FORM_NAMES)
		return;
	if (isfinite(value))
		fprintf(row->to, "%.9g", value);
	else if (row->form == CURVE_FORM_JSON)
		fputs("null", row->to);
}

static void put_ttl(struct row *row, int64_t ttl_ns)
{
	begin_field(row, "ttl_ms");
	if (row->form == CURVE_FORM_NAMES)
		return;
	if (ttl_ns == TIME_NEVER_NS)
		fputs(row->form == CURVE_FORM_JSON ? "null" : "inf", row->to);
	else
		fprintf(row->to, "%" PRId64 ".%06" PRId64, ttl_ns / NS_PER_MS, ttl_ns % NS_PER_MS);
}

static void put_text(struct row *row, const char *name, const char *text)
{
	begin_field(row, name);
	if (row->form == CURVE_FORM_CSV) {
		report_csv_text(text, row->to);
	} else if (row->form == CURVE_FORM_JSON) {
		json_t *json = json_string(text);
		json_dumpf(json, row->to, JSON_ENCODE_ANY);
		json_decref(json);
	}
}

static void put_hits(struct row *row, const struct curve_point *point, const struct curve_totals *totals)
{
	put_whole(row, "hit_blocks", point->hit_blocks);
	put_real(row, "block_hit_rate", share(point->hit_blocks, totals->blocks));
	put_whole(row, "hit_tokens", point->hit_tokens);
	put_real(row, "token_hit_rate", share(point->hit_tokens, totals->prompt_tokens));
	put_real(row, "request_hit_rate", totals->requests ? point->request_hits / (double)totals->requests : 0);
	put_real(row, "mean_resident_blocks", point->mean_resident_blocks);
}

static void begin_row(struct curve_table *table, struct row *row)
{
	*row = (struct row){table->form, table->to, false};
	if (table->form == CURVE_FORM_JSON)
		fputs(table->rows_begun++ ? ",\n  {" : "[\n  {", table->to);
}

static void end_row(const struct row *row)
{
	fputs(row->form == CURVE_FORM_JSON ? "}" : "\n", row->to);
}

/* `interval` is two token hit rates, or NULL, as `group` may be. */
static void put_point(struct curve_table *table, enum curve_axis axis, const struct curve_point *point,
                      const struct curve_totals *totals, const double *interval, const char *group)
{
	struct row row;
	begin_row(table, &row);
	if (axis == CURVE_TTL)
		put_ttl(&row, (int64_t)point->at);
	else
		put_whole(&row, "capacity_blocks", point->at);
	put_hits(&row, point, totals);
	if (axis == CURVE_TTL)
		put_real(&row, "mean_resident_gib", options_gib(table->options, table->trace, point->mean_resident_blocks));
	else
		put_real(&row, "capacity_gib", options_gib(table->options, table->trace, (double)point->at));
	if (interval) {
		put_real(&row, "token_hit_rate_low", interval[0]);
		put_real(&row, "token_hit_rate_high", interval[1]);
	}
	if (group)
		put_text(&row, "group", group);
	end_row(&row);
}

static void put_surface_point(struct curve_table *table, const struct surface_point *point, const struct curve_totals *totals)
{
	struct row row;
	const double capacity = point->hits.at == UINT64_MAX ? NAN : (double)point->hits.at;
	begin_row(table, &row);
	put_ttl(&row, point->ttl_ns);
	put_whole(&row, "capacity_blocks", point->hits.at);
	put_real(&row, "capacity_gib", options_gib(table->options, table->trace, capacity));
	put_hits(&row, &point->hits, totals);
	put_real(&row, "mean_resident_gib", options_gib(table->options, table->trace, point->hits.mean_resident_blocks));
	put_real(&row, "ttft_ms_mean", point->ttft_ms.mean);
	put_real(&row, "ttft_ms_p50", point->ttft_ms.p50);
	put_real(&row, "ttft_ms_p95", point->ttft_ms.p95);
	end_row(&row);
}

/* A file's first line holds the names of its columns. */
static void begin_csv(struct curve_table *table, enum curve_axis axis, bool sampled, bool grouped)
{
	static const double interval[2] = {0};
	static const struct curve_totals none = {0};
	if (table->form != CURVE_FORM_CSV || table->rows_begun++)
		return;
	table->form = CURVE_FORM_NAMES;
	put_point(table, axis, &(struct curve_point){0}, &none, sampled ? interval : NULL, grouped ? "" : NULL);
	table->form = CURVE_FORM_CSV;
}

void curve_table_rows(struct curve_table *table, enum curve_axis axis, struct curve *curve, const char *group)
{
	struct curve_point point;
	begin_csv(table, axis, false, group != NULL);
	while (curve_next(curve, &point))
		put_point(table, axis, &point, curve_totals(curve), NULL, group);
}

void curve_table_sampled_rows(struct curve_table *table, enum curve_axis axis, struct sampled *sampled)
{
	const bool exact = sampled_rate(sampled) == 1;
	struct sampled_point point;
	begin_csv(table, axis, !exact, false);
	while (sampled_next(sampled, &point)) {
		const double interval[] = {point.low, point.high};
		put_point(table, axis, &point.estimate, sampled_totals(sampled), exact ? NULL : interval, NULL);
	}
}

void curve_table_surface_rows(struct curve_table *table, const struct surface_point *points, const struct curve *curve,
                              const struct curve_grid *grid)
{
	const size_t count = grid->ttl_count * grid->capacity_count;
	if (table->form == CURVE_FORM_CSV) {
		table->form = CURVE_FORM_NAMES;
		put_surface_point(table, &points[0], curve_totals(curve));
		table->form = CURVE_FORM_CSV;
	}
	for (size_t i = 0; i < count; i++)
		put_surface_point(table, &points[i], curve_totals(curve));
}

void curve_table_end(struct curve_table *table)
{
	if (table->form == CURVE_FORM_JSON)
		fputs(table->rows_begun ? "\n]\n" : "[]\n", table->to);
}

/* --- tables --- */

static void put_trace(const struct curve_table *table, const struct curve_totals *totals)
{
	char requests[32], tokens[32], blocks[32];
	fprintf(table->to, "trace    %s\n         %s requests, %s prompt tokens, %s blocks of %u tokens\n", table->trace->name,
	        report_count(totals->requests, requests, sizeof(requests)),
	        report_count(totals->prompt_tokens, tokens, sizeof(tokens)),
	        report_count(totals->blocks, blocks, sizeof(blocks)), table->trace->block_tokens);
}

static void put_times(const struct curve_table *table)
{
	char times[256];
	fprintf(table->to, "%s\n", report_options_times(table->options, times, sizeof(times)));
}

static void put_gib(const struct curve_table *table, double blocks)
{
	if (table->options->has_model)
		fprintf(table->to, "%10.1f", options_gib(table->options, table->trace, blocks));
}

static void put_rates(const struct curve_table *table, const struct curve_point *point, const struct curve_totals *totals)
{
	fprintf(table->to, "%10.2f%10.2f%10.2f", 100 * share(point->hit_tokens, totals->prompt_tokens),
	        100 * share(point->hit_blocks, totals->blocks),
	        totals->requests ? 100 * point->request_hits / (double)totals->requests : 0);
}

/* Where the curve comes to shares of what it can reach, and where it bends. */
static void put_landmarks(const struct curve_table *table, struct curve *curve, const struct curve_point *last)
{
	static const double shares[] = {0.5, 0.9, 0.95, 0.99, 1};
	struct curve_point point, knee = {0};
	double above = -1;
	size_t reached = 0;
	char count[32];
	fprintf(table->to, "\nof all hits that there are\n");
	for (curve_rewind(curve); curve_next(curve, &point);) {
		for (; reached < COUNT_OF(shares) && (double)point.hit_tokens >= shares[reached] * (double)last->hit_tokens; reached++) {
			fprintf(table->to, "  %3.0f %% in %15s blocks", 100 * shares[reached],
			        report_count(point.at, count, sizeof(count)));
			if (table->options->has_model)
				fprintf(table->to, " = %8.1f GiB", options_gib(table->options, table->trace, (double)point.at));
			fputc('\n', table->to);
		}
		const double rise = share(point.hit_tokens, last->hit_tokens) - share(point.at, last->at);
		if (rise > above) {
			above = rise;
			knee = point;
		}
	}
	fprintf(table->to, "the knee, beyond which a block brings less than the average one, is at %s blocks",
	        report_count(knee.at, count, sizeof(count)));
	if (table->options->has_model)
		fprintf(table->to, " = %.1f GiB", options_gib(table->options, table->trace, (double)knee.at));
	fprintf(table->to, " and %.1f %%\n", 100 * share(knee.hit_tokens, last->hit_tokens));
}

void curve_table_capacity(const struct curve_table *table, const struct reuse *reuse, struct curve *curve,
                          const struct curve_grid *grid)
{
	const struct curve_totals *totals = curve_totals(curve);
	const int64_t never_ns = TIME_NEVER_NS;
	struct surface_point *points = mem_alloc(grid->capacity_count, sizeof(*points));
	struct curve_point point = {0}, next;
	char count[32];
	put_trace(table, totals);
	fprintf(table->to, "lru      exact at every capacity: %s has them all, these are some\n\n%12s%s%10s%10s%10s%s\n",
	        "--csv", "blocks", table->options->has_model ? "       GiB" : "", "tokens %", "blocks %", "request %",
	        reuse ? "  TTFT ms     p95" : "");
	if (reuse)
		surface_points(reuse, &never_ns, 1, grid->capacities, grid->capacity_count, points);
	curve_rewind(curve);
	bool more = curve_next(curve, &next);
	for (size_t i = 0; i < grid->capacity_count; i++) {
		while (more && next.at <= grid->capacities[i]) {
			point = next;
			more = curve_next(curve, &next);
		}
		const uint64_t capacity = grid->capacities[i];
		fprintf(table->to, "%12s", capacity == UINT64_MAX ? "inf" : report_count(capacity, count, sizeof(count)));
		put_gib(table, capacity == UINT64_MAX ? INFINITY : (double)capacity);
		put_rates(table, &point, totals);
		if (reuse)
			fprintf(table->to, "%9.1f%8.1f", points[i].ttft_ms.mean, points[i].ttft_ms.p95);
		fputc('\n', table->to);
	}
	while (more) {
		point = next;
		more = curve_next(curve, &next);
	}
	put_landmarks(table, curve, &point);
	if (reuse)
		put_times(table);
	free(points);
}

/* What a point's hits save of the GPU's time, in dollars, less what holding its blocks costs. */
struct worth {
	double gpu_per_s, rent_per_block_s;
	double cold_s, span_s, requests;
};

static double saved_s(const struct worth *worth, const struct surface_point *point)
{
	return worth->cold_s - point->ttft_ms.mean * worth->requests / 1e3;
}

static double net_dollars(const struct worth *worth, const struct surface_point *point)
{
	return saved_s(worth, point) * worth->gpu_per_s -
	       point->hits.mean_resident_blocks * worth->span_s * worth->rent_per_block_s;
}

static void put_best_ttl(const struct curve_table *table, const struct reuse *reuse, const struct worth *worth,
                         int64_t most_ns)
{
	static const uint64_t no_limit = UINT64_MAX;
	int64_t ttls_ns[WORTH_MOST] = {0};
	size_t count = 1, best = 0;
	for (double ttl_ns = (double)NS_PER_MS; count < WORTH_MOST && ttl_ns < (double)most_ns * WORTH_RATIO; ttl_ns *= WORTH_RATIO)
		ttls_ns[count++] = llround(ttl_ns);
	struct surface_point *points = mem_alloc(count, sizeof(*points));
	surface_points(reuse, ttls_ns, count, &no_limit, 1, points);
	for (size_t i = 1; i < count; i++) {
		if (net_dollars(worth, &points[i]) > net_dollars(worth, &points[best]))
			best = i;
	}
	const double saved = saved_s(worth, &points[best]) * worth->gpu_per_s;
	fprintf(table->to, "\nAt $%.4g a GPU hour and $%.4g a GB-hour held, ", worth->gpu_per_s * 3600, table->rent_per_gb_hour);
	if (ttls_ns[best] == 0)
		fputs("no TTL pays: holding costs more than what it saves.\n", table->to);
	else
		fprintf(table->to, "%.3g s (within %.0f %%) are worth most:\n$%.2f of prefill saved, $%.2f to hold. No other TTL leaves more.\n",
		        (double)ttls_ns[best] / (double)NS_PER_S, 100 * (WORTH_RATIO - 1), saved,
		        saved - net_dollars(worth, &points[best]));
	free(points);
}

void curve_table_ttl(const struct curve_table *table, const struct reuse *reuse, const struct curve *curve,
                     const struct curve_grid *grid)
{
	static const uint64_t no_limit = UINT64_MAX;
	const struct curve_totals *totals = curve_totals(curve);
	const uint32_t first = reuse_first_counted(reuse->trace, reuse->config), requests = reuse->trace->request_count;
	const int64_t nothing_ns = -1;
	struct surface_point *points = mem_alloc(grid->ttl_count, sizeof(*points)), cold;
	surface_points(reuse, &nothing_ns, 1, &no_limit, 1, &cold);
	surface_points(reuse, grid->ttls_ns, grid->ttl_count, &no_limit, 1, points);
	const double block_gb = options_gib(table->options, table->trace, 1) * 0x1p30 / 1e9;
	const struct worth worth = {
	        .gpu_per_s = options_gpu_price(table->options) / 3600,
	        .rent_per_block_s = table->rent_per_gb_hour / 3600 * block_gb,
	        .cold_s = cold.ttft_ms.mean * (double)totals->requests / 1e3,
	        .span_s = (double)(reuse->arrival_ns[requests - 1] - reuse->arrival_ns[first]) / (double)NS_PER_S,
	        .requests = (double)totals->requests,
	};
	put_trace(table, totals);
	fprintf(table->to, "ttl      sliding, no limit of memory; exact at every TTL, --csv has them all\n\n%12s%10s%10s%10s%s%s\n",
	        "TTL", "tokens %", "blocks %", "request %", "  TTFT ms     p95", table->options->has_model ? " held GiB" : " resident");
	int64_t most_ns = 0;
	for (size_t i = 0; i < reuse->count; i++)
		most_ns = reuse->stretches[i].gap_ns > most_ns ? reuse->stretches[i].gap_ns : most_ns;
	for (size_t i = 0; i < grid->ttl_count; i++) {
		char text[32];
		const double resident = points[i].hits.mean_resident_blocks;
		fprintf(table->to, "%12s", units_show_duration(grid->ttls_ns[i], text, sizeof(text)));
		put_rates(table, &points[i].hits, totals);
		fprintf(table->to, "%9.1f%8.1f%9.1f\n", points[i].ttft_ms.mean, points[i].ttft_ms.p95,
		        table->options->has_model ? options_gib(table->options, table->trace, resident) : resident);
	}
	if (table->options->has_model)
		put_best_ttl(table, reuse, &worth, most_ns);
	put_times(table);
	free(points);
}

/* As many capacities as fit, from `first` on. */
static void put_panel(const struct curve_table *table, const struct curve_grid *grid, const struct surface_point *points,
                      size_t first, const struct curve_totals *totals)
{
	const size_t end = first + SURFACE_COLUMNS < grid->capacity_count ? first + SURFACE_COLUMNS : grid->capacity_count;
	char text[32];
	fprintf(table->to, "\n%10s", "");
	for (size_t c = first; c < end; c++)
		fprintf(table->to, "%10s",
		        grid->capacities[c] == UINT64_MAX ? "inf" : report_count(grid->capacities[c], text, sizeof(text)));
	for (size_t t = 0; t < grid->ttl_count; t++) {
		fprintf(table->to, "\n%10s", units_show_duration(grid->ttls_ns[t], text, sizeof(text)));
		for (size_t c = first; c < end; c++)
			fprintf(table->to, "%10.2f",
			        100 * share(points[t * grid->capacity_count + c].hits.hit_tokens, totals->prompt_tokens));
	}
	fputc('\n', table->to);
}

void curve_table_surface(const struct curve_table *table, const struct surface_point *points, const struct curve *curve,
                         const struct curve_grid *grid)
{
	const struct curve_totals *totals = curve_totals(curve);
	put_trace(table, totals);
	fputs("         token hit rate in %: the TTL on the left, the capacity in blocks above\n", table->to);
	for (size_t c = 0; c < grid->capacity_count; c += SURFACE_COLUMNS)
		put_panel(table, grid, points, c, totals);
}
