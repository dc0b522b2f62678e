#include "decisions.h"

#include "csv.h"
#include "output.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMING_MOST 16
#define STEPS       "vary_steps"

const char *const decision_verdict_names[DECISION_VERDICTS] = {"right", "cannot tell", "wrong", "confidently wrong"};

/* The columns that name a configuration, of both files. */
struct naming {
	size_t at[2][NAMING_MOST], count;
};

static int find_naming(struct naming *naming, struct csv *const *csvs, struct err *err)
{
	static const char *const always[] = {"trace", "evict", "ttl", "capacity_blocks"};
	for (size_t i = 0; i < COUNT_OF(always); i++) {
		for (int s = 0; s < 2; s++) {
			if (csv_find(csvs[s], always[i], &naming->at[s][i], err) < 0)
				return -1;
		}
	}
	naming->count = COUNT_OF(always);
	for (size_t c = 0; c < csv_columns(csvs[0]) && naming->count < NAMING_MOST; c++) {
		const char *name = csv_column_name(csvs[0], c);
		if (strncmp(name, "vary_", 5) != 0 || strcmp(name, STEPS) == 0)
			continue;
		naming->at[0][naming->count] = c;
		if (csv_find(csvs[1], name, &naming->at[1][naming->count], err) < 0)
			return -1;
		naming->count++;
	}
	return 0;
}

static bool same_configuration(const struct naming *naming, struct csv *const *csvs, int s, size_t row, int other_s, size_t other)
{
	for (size_t i = 0; i < naming->count; i++) {
		if (strcmp(csv_text(csvs[s], row, naming->at[s][i]), csv_text(csvs[other_s], other, naming->at[other_s][i])) != 0)
			return false;
	}
	return true;
}

/* What tells a configuration from the others, in words; where there is only one, all of it. */
static char *describe(const struct naming *naming, struct csv *const *csvs, size_t row, bool is_only)
{
	char text[512] = "";
	for (size_t i = 0; i < naming->count; i++) {
		const char *value = csv_text(csvs[0], row, naming->at[0][i]), *name = csv_column_name(csvs[0], naming->at[0][i]);
		bool differs = is_only;
		for (size_t r = 0; r < csv_rows(csvs[0]) && !differs; r++)
			differs = strcmp(csv_text(csvs[0], r, naming->at[0][i]), value) != 0;
		if (!differs)
			continue;
		const size_t used = strlen(text);
		snprintf(text + used, sizeof(text) - used, "%s%s%s%s", used ? ", " : "", i == 2 ? "ttl " : i > 3 ? name + 5 : "",
		         i > 3 ? " " : "", value);
		if (i == 3)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " blocks");
	}
	return mem_copy_text(text);
}

static bool is_measured(const struct naming *naming, struct csv *const *csvs, size_t row)
{
	for (size_t r = 0; r < csv_rows(csvs[1]); r++) {
		if (same_configuration(naming, csvs, 0, row, 1, r))
			return true;
	}
	return false;
}

static int compare_factors(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The factor of every row, in of_row[], and those that there are. */
static int read_factors(struct decisions *d, const struct csv *forecast, double *of_row, struct err *err)
{
	size_t column;
	d->has_factors = csv_has(forecast, STEPS, &column);
	d->factors = mem_alloc(csv_rows(forecast), sizeof(*d->factors));
	for (size_t row = 0; row < csv_rows(forecast); row++) {
		of_row[row] = 1;
		if (d->has_factors && csv_number(forecast, row, column, &of_row[row], err) < 0)
			return -1;
		size_t f = 0;
		while (f < d->factor_count && d->factors[f] != of_row[row])
			f++;
		d->factors[f] = of_row[row];
		d->factor_count = f == d->factor_count ? f + 1 : d->factor_count;
	}
	qsort(d->factors, d->factor_count, sizeof(*d->factors), compare_factors);
	while (d->one < d->factor_count && d->factors[d->one] != 1)
		d->one++;
	if (csv_rows(forecast) > 0 && d->one == d->factor_count)
		return err_set(err, "%s: there is no row with " STEPS " 1; what the forecast is sure of is told by other factors beside that.",
		               csv_name(forecast));
	return 0;
}

/* The rows of a configuration, one for each factor, in rows[]; `first` is the one that stands first. */
static int find_factors(const struct decisions *d, const struct naming *naming, struct csv *const *csvs,
                        const double *factor_of_row, size_t first, size_t *rows, struct err *err)
{
	for (size_t f = 0; f < d->factor_count; f++) {
		size_t row = first;
		while (row < csv_rows(csvs[0]) &&
		       (factor_of_row[row] != d->factors[f] || !same_configuration(naming, csvs, 0, first, 0, row)))
			row++;
		if (row == csv_rows(csvs[0])) {
			err_set(err, "this configuration has no row with " STEPS " %g, which others have; expected the same factors for all.",
			        d->factors[f]);
			return csv_blame(csvs[0], first, err);
		}
		rows[f] = row;
	}
	return 0;
}

/* Configurations are those of the forecast that were measured too; rows[c * factor_count + f] come to be theirs. */
static int choose_rows(struct decisions *d, const struct naming *naming, struct csv *const *csvs, const double *factor_of_row,
                       size_t *rows, struct err *err)
{
	for (size_t row = 0; row < csv_rows(csvs[0]); row++) {
		bool is_known = false;
		for (size_t other = 0; other < row; other++) {
			if (!same_configuration(naming, csvs, 0, row, 0, other))
				continue;
			if (factor_of_row[row] == factor_of_row[other])
				return err_set(err, "%s: its configurations %zu and %zu are the same.", csv_name(csvs[0]), other + 1, row + 1);
			is_known = true;
		}
		if (is_known)
			continue;
		if (find_factors(d, naming, csvs, factor_of_row, row, rows + d->configuration_count * d->factor_count, err) < 0)
			return -1;
		if (is_measured(naming, csvs, row))
			d->configuration_count++;
		else
			d->unmeasured++;
	}
	const bool is_only = d->configuration_count + d->unmeasured == 1;
	d->configurations = mem_alloc(d->configuration_count, sizeof(*d->configurations));
	for (size_t c = 0; c < d->configuration_count; c++)
		d->configurations[c] = describe(naming, csvs, rows[c * d->factor_count], is_only);
	return 0;
}

/* The measured rows of each configuration, in of_row[]. */
static int match_rows(struct decisions *d, const struct naming *naming, struct csv *const *csvs, const size_t *rows, size_t *of_row,
                      struct err *err)
{
	size_t *repeats = mem_alloc(d->configuration_count, sizeof(*repeats));
	int status = 0;
	for (size_t r = 0; r < d->run_count && status == 0; r++) {
		size_t c = 0;
		while (c < d->configuration_count && !same_configuration(naming, csvs, 1, r, 0, rows[c * d->factor_count]))
			c++;
		if (c == d->configuration_count) {
			err_set(err, "%s has no forecast of this configuration.", csv_name(csvs[0]));
			status = csv_blame(csvs[1], r, err);
		} else {
			of_row[r] = c;
			repeats[c]++;
		}
	}
	for (size_t c = 0; c < d->configuration_count && status == 0; c++) {
		if (repeats[c] < 2)
			status = err_set(err, "%s: %s was measured %zu times; without a repeat there is no telling noise from a difference.",
			                 csv_name(csvs[1]), d->configurations[c], repeats[c]);
	}
	free(repeats);
	return status;
}

static enum decision_verdict judge(const struct decision *decision, double larger, double margin)
{
	if (fabs(decision->measured_gap) <= decision->spread)
		return DECISION_CANNOT_TELL;
	if (decision->measured_gap * decision->predicted_gap > 0)
		return DECISION_RIGHT;
	return decision->sure && fabs(decision->predicted_gap) > margin * larger ? DECISION_CONFIDENT_WRONG : DECISION_WRONG;
}

/* How far the predicted gap goes from factor to factor. */
static void vary_gap(const struct decisions *d, const struct decision_metric *metric, struct decision *decision)
{
	decision->predicted_least = decision->predicted_most = decision->predicted_gap;
	for (size_t f = 0; f < d->factor_count; f++) {
		const double *predicted = metric->predicted + f * d->configuration_count;
		const double gap = predicted[decision->b] - predicted[decision->a];
		decision->predicted_least = fmin(decision->predicted_least, gap);
		decision->predicted_most = fmax(decision->predicted_most, gap);
	}
	decision->sure = decision->predicted_least > 0 || decision->predicted_most < 0;
}

static void judge_pairs(const struct decisions *d, struct decision_metric *metric, const size_t *repeats, double margin)
{
	const size_t count = d->configuration_count;
	const double *predicted = metric->predicted + d->one * count;
	metric->pairs = mem_alloc(count * (count - 1) / 2, sizeof(*metric->pairs));
	for (size_t a = 0; a < count; a++) {
		for (size_t b = a + 1; b < count; b++) {
			struct decision *decision = &metric->pairs[metric->pair_count++];
			*decision = (struct decision){
			        .a = a,
			        .b = b,
			        .predicted_gap = predicted[b] - predicted[a],
			        .measured_gap = metric->measured[b] - metric->measured[a],
			        .spread = 2 * metric->deviation * sqrt(1.0 / (double)repeats[a] + 1.0 / (double)repeats[b]),
			};
			vary_gap(d, metric, decision);
			decision->verdict = judge(decision, fmax(predicted[a], predicted[b]), margin);
			metric->verdicts[decision->verdict]++;
			metric->unsure[decision->verdict] += !decision->sure;
			metric->unsure_count += !decision->sure;
		}
	}
}

static int fill_metric(struct decisions *d, struct decision_metric *metric, struct csv *const *csvs, const size_t *at,
                       const size_t *rows, const size_t *of_row, double margin, struct err *err)
{
	const size_t count = d->configuration_count, factors = d->factor_count;
	size_t *repeats = mem_alloc(count, sizeof(*repeats));
	double *runs = mem_alloc(d->run_count, sizeof(*runs)), *work = mem_alloc(2 * count, sizeof(*work)), squares = 0;
	int status = 0;
	metric->predicted = mem_alloc(count * factors, sizeof(*metric->predicted));
	metric->measured = mem_alloc(count, sizeof(*metric->measured));
	for (size_t i = 0; i < count * factors && status == 0; i++)
		status = csv_number(csvs[0], rows[i], at[0], &metric->predicted[i % factors * count + i / factors], err);
	for (size_t r = 0; r < d->run_count && status == 0; r++) {
		status = csv_number(csvs[1], r, at[1], &runs[r], err);
		metric->measured[of_row[r]] += runs[r];
		repeats[of_row[r]]++;
	}
	if (status == 0) {
		for (size_t c = 0; c < count; c++)
			metric->measured[c] /= (double)repeats[c];
		for (size_t r = 0; r < d->run_count; r++)
			squares += (runs[r] - metric->measured[of_row[r]]) * (runs[r] - metric->measured[of_row[r]]);
		metric->deviation = sqrt(squares / (double)(d->run_count - count));
		const double *predicted = metric->predicted + d->one * count;
		metric->rank_correlation = count > 1 ? gsl_stats_spearman(predicted, 1, metric->measured, 1, count, work) : (double)NAN;
		judge_pairs(d, metric, repeats, margin);
	}
	free(repeats);
	free(runs);
	free(work);
	return status;
}

static int fill_metrics(struct decisions *d, struct csv *const *csvs, const size_t *rows, const size_t *of_row, double margin,
                        struct err *err)
{
	static const char *const names[DECISION_METRICS] = {"token_hit_rate", "ttft_ms_mean", "ttft_ms_p95"};
	for (size_t m = 0; m < DECISION_METRICS; m++) {
		size_t at[2];
		if (!csv_has(csvs[0], names[m], &at[0]) || !csv_has(csvs[1], names[m], &at[1]))
			continue;
		struct decision_metric *metric = &d->metrics[d->metric_count++];
		metric->name = names[m];
		if (fill_metric(d, metric, csvs, at, rows, of_row, margin, err) < 0)
			return -1;
	}
	if (d->metric_count == 0)
		return err_set(err, "%s and %s have none of the columns token_hit_rate, ttft_ms_mean and ttft_ms_p95 in common.",
		               csv_name(csvs[0]), csv_name(csvs[1]));
	return 0;
}

static int decide(struct decisions *d, struct csv *const *csvs, double margin, struct err *err)
{
	struct naming naming = {.count = 0};
	d->run_count = csv_rows(csvs[1]);
	if (find_naming(&naming, csvs, err) < 0)
		return -1;
	if (csv_rows(csvs[0]) == 0)
		return err_set(err, "%s: there is no configuration in it.", csv_name(csvs[0]));
	if (d->run_count == 0)
		return err_set(err, "%s: there is no run in it.", csv_name(csvs[1]));
	/* While they are looked for, the factors of one more configuration, which may lack some, stand in rows[]. */
	size_t *rows = mem_alloc(2 * csv_rows(csvs[0]), sizeof(*rows)), *of_row = mem_alloc(d->run_count, sizeof(*of_row));
	double *factor_of_row = mem_alloc(csv_rows(csvs[0]), sizeof(*factor_of_row));
	int status = read_factors(d, csvs[0], factor_of_row, err);
	if (status == 0)
		status = choose_rows(d, &naming, csvs, factor_of_row, rows, err);
	if (status == 0)
		status = match_rows(d, &naming, csvs, rows, of_row, err);
	if (status == 0)
		status = fill_metrics(d, csvs, rows, of_row, margin, err);
	free(rows);
	free(of_row);
	free(factor_of_row);
	return status;
}

int decisions_run(struct decisions *decisions, const char *predicted_path, const char *measured_path, double margin,
                  struct err *err)
{
	*decisions = (struct decisions){.configuration_count = 0};
	struct csv *csvs[2] = {csv_load(predicted_path, err), NULL};
	csvs[1] = csvs[0] ? csv_load(measured_path, err) : NULL;
	const int failed = !csvs[1] || decide(decisions, csvs, margin, err) < 0;
	csv_free(csvs[0]);
	csv_free(csvs[1]);
	if (failed)
		decisions_free(decisions);
	return failed ? -1 : 0;
}

void decisions_free(struct decisions *decisions)
{
	for (size_t c = 0; decisions->configurations && c < decisions->configuration_count; c++)
		free(decisions->configurations[c]);
	free(decisions->configurations);
	decisions->configurations = NULL;
	free(decisions->factors);
	decisions->factors = NULL;
	for (size_t m = 0; m < DECISION_METRICS; m++) {
		free(decisions->metrics[m].pairs);
		free(decisions->metrics[m].predicted);
		free(decisions->metrics[m].measured);
		decisions->metrics[m] = (struct decision_metric){.name = NULL};
	}
}

int decisions_write_pairs(const struct decisions *decisions, const char *path, struct err *err)
{
	struct output *output = output_open(path, err);
	if (!output)
		return -1;
	output_printf(output, "metric,a,b,predicted_gap,measured_gap,spread,verdict%s\n",
	              decisions->has_factors ? ",predicted_gap_least,predicted_gap_most,sure" : "");
	for (size_t m = 0; m < decisions->metric_count; m++) {
		const struct decision_metric *metric = &decisions->metrics[m];
		for (size_t p = 0; p < metric->pair_count; p++) {
			const struct decision *pair = &metric->pairs[p];
			output_printf(output, "%s,", metric->name);
			output_csv_text(output, decisions->configurations[pair->a]);
			output_write(output, ",", 1);
			output_csv_text(output, decisions->configurations[pair->b]);
			output_printf(output, ",%.9g,%.9g,%.9g,%s", pair->predicted_gap, pair->measured_gap, pair->spread,
			              decision_verdict_names[pair->verdict]);
			if (decisions->has_factors)
				output_printf(output, ",%.9g,%.9g,%s", pair->predicted_least, pair->predicted_most, pair->sure ? "yes" : "no");
			output_printf(output, "\n");
		}
	}
	return output_commit(output, err);
}
