#include "compare.h"

#include "csv.h"
#include "output.h"

#include <gsl/gsl_sort.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum column { REQUEST, PROMPT, HIT, QUEUE, TTFT, E2E, COLUMNS };

static const char *const column_names[COLUMNS] = {"request", "prompt_tokens", "hit_tokens", "queue_ms", "ttft_ms", "e2e_ms"};

/* What has to be the same for a comparison to mean anything, by its key in the column `run`. */
static const char *const same_keys[] = {"checksum", "block", "capacity", "kv_bytes", "engine", "evict", "ttl",   "tiers",
                                        "scope",    "load",  "arrivals", "speed",    "step_tokens", "max_running", "warmup"};

struct side {
	struct csv *csv;
	size_t at[COLUMNS];
	size_t tiers[TIER_MOST]; /* columns hit_TIER_tokens, in order */
	size_t tier_count;
	const char *run; /* what the file says of its run, or "" */
};

struct row {
	double request, prompt_tokens, hit_tokens, queue_ms, ttft_ms, e2e_ms;
	uint32_t lower_tier; /* 0: nothing loaded */
};

static bool is_tier_column(const char *name)
{
	const size_t length = strlen(name);
	return strncmp(name, "hit_", 4) == 0 && length > 11 && strcmp(name + length - 7, "_tokens") == 0;
}

static int open_side(struct side *side, const char *path, struct err *err)
{
	size_t run;
	*side = (struct side){.csv = csv_load(path, err), .run = ""};
	if (!side->csv)
		return -1;
	for (size_t c = 0; c < COLUMNS; c++) {
		if (csv_find(side->csv, column_names[c], &side->at[c], err) < 0)
			return -1;
	}
	if (csv_rows(side->csv) == 0)
		return err_set(err, "%s: there is no request in it.", csv_name(side->csv));
	for (size_t c = 0; c < csv_columns(side->csv) && side->tier_count < TIER_MOST; c++) {
		if (is_tier_column(csv_column_name(side->csv, c)))
			side->tiers[side->tier_count++] = c;
	}
	if (csv_has(side->csv, "run", &run))
		side->run = csv_text(side->csv, 0, run);
	return 0;
}

/* The value of `key` among "key=value|key=value"; its length, or -1. */
static int value_of(const char *run, const char *key, const char **value)
{
	const size_t length = strlen(key);
	for (const char *at = run; *at; at += strcspn(at, "|"), at += *at == '|') {
		if (strncmp(at, key, length) == 0 && at[length] == '=') {
			*value = at + length + 1;
			return (int)strcspn(*value, "|");
		}
	}
	return -1;
}

/* What runs say of their source: p for predicted, m for measured; 0 for nothing. */
static char source_of(const struct side *side)
{
	const char *value;
	return value_of(side->run, "source", &value) > 0 ? *value : 0;
}

static int check_runs(struct compare *compare, const struct side *sides, struct err *err)
{
	size_t used = 0;
	if (source_of(&sides[0]) == 'm' && source_of(&sides[1]) == 'p')
		return err_set(err, "%s was measured and %s predicted; the forecast comes first.", csv_name(sides[0].csv),
		               csv_name(sides[1].csv));
	for (size_t k = 0; k < COUNT_OF(same_keys); k++) {
		const char *values[2];
		int lengths[2];
		for (int s = 0; s < 2; s++)
			lengths[s] = value_of(sides[s].run, same_keys[k], &values[s]);
		if (lengths[0] < 0 || lengths[1] < 0)
			used += (size_t)snprintf(compare->unsaid + used, sizeof(compare->unsaid) - used, "%s%s", used ? ", " : "", same_keys[k]);
		else if (lengths[0] != lengths[1] || strncmp(values[0], values[1], (size_t)lengths[0]) != 0)
			return err_set(err, "%s has %s %.*s, but %s has %.*s: that comparison would mean nothing.", csv_name(sides[0].csv),
			               same_keys[k], lengths[0], values[0], csv_name(sides[1].csv), lengths[1], values[1]);
	}
	return 0;
}

static int read_row(const struct side *side, size_t r, struct row *row, struct err *err)
{
	double *const to[COLUMNS] = {&row->request, &row->prompt_tokens, &row->hit_tokens, &row->queue_ms, &row->ttft_ms, &row->e2e_ms};
	for (size_t c = 0; c < COLUMNS; c++) {
		if (csv_number(side->csv, r, side->at[c], to[c], err) < 0)
			return -1;
	}
	row->lower_tier = 0;
	for (size_t t = 1; t < side->tier_count; t++) {
		double tokens;
		if (csv_number(side->csv, r, side->tiers[t], &tokens, err) < 0)
			return -1;
		if (tokens > 0)
			row->lower_tier = (uint32_t)t;
	}
	if (!(row->ttft_ms > 0) || !(row->e2e_ms > 0)) {
		err_set(err, "a TTFT or E2E of 0 has no relative error.");
		return csv_blame(side->csv, r, err);
	}
	return 0;
}

static int by_request(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	return (x->request > y->request) - (x->request < y->request);
}

/* All rows, by request. NULL and a sentence. */
static struct row *read_rows(const struct side *side, struct err *err)
{
	const size_t count = csv_rows(side->csv);
	struct row *rows = mem_alloc(count, sizeof(*rows));
	for (size_t r = 0; r < count; r++) {
		if (read_row(side, r, &rows[r], err) < 0) {
			free(rows);
			return NULL;
		}
	}
	qsort(rows, count, sizeof(*rows), by_request);
	for (size_t r = 1; r < count; r++) {
		if (rows[r].request == rows[r - 1].request) {
			err_set(err, "%s: request %.0f stands in it twice.", csv_name(side->csv), rows[r].request);
			free(rows);
			return NULL;
		}
	}
	return rows;
}

static int match_rows(struct compare *compare, const struct side *sides, const struct row *const *rows, struct err *err)
{
	const size_t count = csv_rows(sides[0].csv);
	if (count != csv_rows(sides[1].csv))
		return err_set(err, "%s has %zu requests, but %s has %zu: that comparison would mean nothing.", csv_name(sides[0].csv), count,
		               csv_name(sides[1].csv), csv_rows(sides[1].csv));
	compare->requests = mem_alloc(count, sizeof(*compare->requests));
	for (size_t i = 0; i < count; i++) {
		const struct row *p = &rows[COMPARE_PREDICTED][i], *m = &rows[COMPARE_MEASURED][i];
		if (p->request != m->request || p->prompt_tokens != m->prompt_tokens)
			return err_set(err, "%s has request %.0f of %.0f prompt tokens, where %s has request %.0f of %.0f: that comparison would "
			                    "mean nothing.", csv_name(sides[0].csv), p->request, p->prompt_tokens, csv_name(sides[1].csv),
			               m->request, m->prompt_tokens);
		compare->requests[compare->count++] = (struct compare_request){
		        .request = (uint32_t)m->request,
		        .group = m->lower_tier ? 2 + m->lower_tier : m->queue_ms > 0 ? 2 : 1,
		        .prompt_tokens = m->prompt_tokens,
		        .hit_tokens = {p->hit_tokens, m->hit_tokens},
		        .ttft_ms = {p->ttft_ms, m->ttft_ms},
		        .e2e_ms = {p->e2e_ms, m->e2e_ms},
		};
		compare->prompt_tokens += (uint64_t)m->prompt_tokens;
		compare->hit_tokens[COMPARE_PREDICTED] += (uint64_t)p->hit_tokens;
		compare->hit_tokens[COMPARE_MEASURED] += (uint64_t)m->hit_tokens;
		compare->differing_hits += p->hit_tokens != m->hit_tokens;
	}
	return 0;
}

/* Both are put in order. */
static double kolmogorov_smirnov(double *a, double *b, size_t count)
{
	size_t i = 0, j = 0;
	double most = 0;
	gsl_sort(a, 1, count);
	gsl_sort(b, 1, count);
	while (i < count && j < count) {
		const double x = fmin(a[i], b[j]);
		while (i < count && a[i] <= x)
			i++;
		while (j < count && b[j] <= x)
			j++;
		most = fmax(most, fabs((double)i - (double)j) / (double)count);
	}
	return most;
}

static struct compare_time compare_times(const struct compare *compare, uint32_t group, bool e2e)
{
	struct compare_time time = {.bias = 0};
	double *ms[2] = {mem_alloc(compare->count, sizeof(double)), mem_alloc(compare->count, sizeof(double))};
	double *errors = mem_alloc(compare->count, sizeof(*errors));
	size_t count = 0;
	for (size_t i = 0; i < compare->count; i++) {
		const struct compare_request *r = &compare->requests[i];
		const double *of = e2e ? r->e2e_ms : r->ttft_ms;
		if (group && r->group != group)
			continue;
		const double error = compare_error(of[COMPARE_PREDICTED], of[COMPARE_MEASURED]);
		time.bias += error;
		errors[count] = fabs(error);
		ms[0][count] = of[0];
		ms[1][count++] = of[1];
	}
	if (count > 0)
		time.bias /= (double)count;
	time.ks = kolmogorov_smirnov(ms[0], ms[1], count);
	for (int s = 0; s < 2; s++)
		time.ms[s] = metrics_distribution(ms[s], count);
	time.error = metrics_distribution(errors, count);
	free(ms[0]);
	free(ms[1]);
	free(errors);
	return time;
}

static void fill_groups(struct compare *compare, const struct side *measured)
{
	static const char *const names[] = {"all", "uncontended", "queued"};
	compare->group_count = measured->tier_count > 1 ? 2 + measured->tier_count : 3;
	for (uint32_t g = 0; g < compare->group_count; g++) {
		struct compare_group *group = &compare->groups[g];
		if (g < COUNT_OF(names)) {
			snprintf(group->name, sizeof(group->name), "%s", names[g]);
		} else {
			const char *column = csv_column_name(measured->csv, measured->tiers[g - 2]); /* hit_TIER_tokens */
			snprintf(group->name, sizeof(group->name), "%.*s", (int)strlen(column) - 11, column + 4);
		}
		for (size_t i = 0; i < compare->count; i++)
			group->requests += g == 0 || compare->requests[i].group == g;
		group->ttft = compare_times(compare, g, false);
		group->e2e = compare_times(compare, g, true);
	}
}

int compare_run(struct compare *compare, const char *predicted_path, const char *measured_path, struct err *err)
{
	struct side sides[2] = {{.csv = NULL}, {.csv = NULL}};
	struct row *rows[2] = {NULL, NULL};
	*compare = (struct compare){.count = 0};
	int failed = open_side(&sides[0], predicted_path, err) < 0 || open_side(&sides[1], measured_path, err) < 0 ||
	             check_runs(compare, sides, err) < 0;
	for (int s = 0; s < 2 && !failed; s++) {
		rows[s] = read_rows(&sides[s], err);
		failed = !rows[s];
	}
	if (!failed)
		failed = match_rows(compare, sides, (const struct row *const *)rows, err) < 0;
	if (!failed)
		fill_groups(compare, &sides[COMPARE_MEASURED]);
	for (int s = 0; s < 2; s++) {
		csv_free(sides[s].csv);
		free(rows[s]);
	}
	if (failed)
		compare_free(compare);
	return failed ? -1 : 0;
}

void compare_free(struct compare *compare)
{
	free(compare->requests);
	compare->requests = NULL;
}

int compare_write_rows(const struct compare *compare, const char *path, struct err *err)
{
	struct output *output = output_open(path, err);
	if (!output)
		return -1;
	output_printf(output, "request,group,prompt_tokens,predicted_hit_tokens,measured_hit_tokens,predicted_ttft_ms,measured_ttft_ms,"
	                      "predicted_e2e_ms,measured_e2e_ms\n");
	for (size_t i = 0; i < compare->count; i++) {
		const struct compare_request *r = &compare->requests[i];
		output_printf(output, "%u,%s,%.0f,%.0f,%.0f,%.6f,%.6f,%.6f,%.6f\n", r->request, compare->groups[r->group].name,
		              r->prompt_tokens, r->hit_tokens[0], r->hit_tokens[1], r->ttft_ms[0], r->ttft_ms[1], r->e2e_ms[0], r->e2e_ms[1]);
	}
	return output_commit(output, err);
}
