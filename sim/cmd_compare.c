/* cmd_compare.c - kvcast compare PREDICTED MEASURED: how far off the forecast was; --steps: how far off its steps are. */
#include "cli.h"
#include "compare.h"
#include "decisions.h"
#include "report.h"
#include "step_compare.h"
#include "units.h"

#include <argp.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

enum { KEY_JSON = 0x200, KEY_ROWS, KEY_DECISIONS, KEY_MARGIN, KEY_STEPS, KEY_CALIB };

struct compare_command {
	const char *paths[2], *rows_path, *steps_path, *calibration;
	bool json, decisions;
	double margin_percent;
};

static const struct argp_option option_table[] = {
        {"json", KEY_JSON, 0, 0, "print one JSON object", 0},
        {"rows", KEY_ROWS, "FILE", 0, "write a CSV with a row for every request, for the charts (with --decisions: pair; with --steps: step)", 0},
        {"decisions", KEY_DECISIONS, 0, 0, "compare configurations: both files are of `kvcast sweep --csv`, each configuration measured at least twice", 0},
        {"margin", KEY_MARGIN, "PERCENT", 0, "a wrong choice is confident where the predicted gap is larger; default 2", 0},
        {"steps", KEY_STEPS, "FILE", 0, "hold a calibration against every measured step on its own: a CSV of `kvcast-gpu replay --steps`, whose steps are forecast after what came before them as measured, so that no queue has a part in it", 0},
        {"calib", KEY_CALIB, "NAME|FILE", 0, "the calibration for --steps: a file or the name of a built-in one", 0},
        {0},
};

static void check_usage(const struct compare_command *command, const struct argp_state *state)
{
	if (command->steps_path && (state->arg_num > 0 || command->decisions))
		argp_error(state, "--steps takes a log of steps and a calibration; expected neither two files nor --decisions beside it");
	if (!command->steps_path && command->calibration)
		argp_error(state, "--calib is for --steps; two files were made with their own");
	if (!command->steps_path && state->arg_num < 2)
		argp_error(state, "two files are needed: the forecast and the measurement");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct compare_command *command = state->input;
	struct err err;
	switch (key) {
	case KEY_JSON:
		command->json = true;
		return 0;
	case KEY_ROWS:
		command->rows_path = arg;
		return 0;
	case KEY_DECISIONS:
		command->decisions = true;
		return 0;
	case KEY_MARGIN:
		if (units_real(arg, &command->margin_percent, &err) < 0 || !(command->margin_percent >= 0))
			argp_error(state, "--margin %s: expected a number of percent of at least 0", arg);
		return 0;
	case KEY_STEPS:
		command->steps_path = arg;
		return 0;
	case KEY_CALIB:
		command->calibration = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			argp_error(state, "two files at a time: the forecast and the measurement");
		command->paths[state->arg_num] = arg;
		return 0;
	case ARGP_KEY_END:
		check_usage(command, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Errors of mean, p50, p95 and p99. */
static void figure_errors(const struct compare_time *time, double *errors)
{
	const struct distribution *p = &time->ms[COMPARE_PREDICTED], *m = &time->ms[COMPARE_MEASURED];
	errors[0] = compare_error(p->mean, m->mean);
	errors[1] = compare_error(p->p50, m->p50);
	errors[2] = compare_error(p->p95, m->p95);
	errors[3] = compare_error(p->p99, m->p99);
}

static void print_figures(const struct compare_time *time)
{
	double figures[4];
	figure_errors(time, figures);
	printf("%+7.2f %+7.2f %+7.2f %+7.2f %7.4f\n", 100 * figures[0], 100 * figures[1], 100 * figures[2], 100 * figures[3], time->ks);
}

static void print_single(const struct compare_time *time)
{
	printf("%7.2f %7.2f %7.2f %7.2f %+7.2f\n", 100 * time->error.mean, 100 * time->error.p50, 100 * time->error.p90,
	       100 * time->error.p99, 100 * time->bias);
}

/* Of TTFT or E2E, a row a group. */
static void print_times(const struct compare *compare, bool e2e, const char *what, const char *columns,
                        void (*print_row)(const struct compare_time *time))
{
	printf("\n%32s %s, in %%\n  %-18s %8s %s\n", "", what, e2e ? "E2E" : "TTFT", "requests", columns);
	for (size_t g = 0; g < compare->group_count; g++) {
		const struct compare_group *group = &compare->groups[g];
		if (group->requests == 0)
			continue;
		printf("  %-18s %8zu ", group->name, group->requests);
		print_row(e2e ? &group->e2e : &group->ttft);
	}
}

static double hit_rate(const struct compare *compare, enum compare_side side)
{
	return compare->prompt_tokens ? (double)compare->hit_tokens[side] / (double)compare->prompt_tokens : 0;
}

static void print_compare(const struct compare *compare)
{
	const double predicted = hit_rate(compare, COMPARE_PREDICTED), measured = hit_rate(compare, COMPARE_MEASURED);
	printf("requests %zu, %llu prompt tokens\n", compare->count, (unsigned long long)compare->prompt_tokens);
	printf("hits     predicted %.4f %%, measured %.4f %%: %+.4f percentage points\n         hit tokens differ for %zu of %zu requests\n", 100 * predicted, 100 * measured, 100 * (predicted - measured), compare->differing_hits, compare->count);
	for (int e2e = 0; e2e < 2; e2e++) {
		print_times(compare, e2e, "error of the figure", "   mean     p50     p95     p99      KS", print_figures);
		print_times(compare, e2e, "errors of single requests", "   MAPE     p50     p90     p99    bias", print_single);
	}
	printf("\nKS: the Kolmogorov-Smirnov distance. MAPE: the mean of the absolute errors.\n");
	if (compare->unsaid[0])
		printf("Not checked, because a file does not say it: %s.\n", compare->unsaid);
}

static json_t *time_json(const struct compare_time *time)
{
	double figures[4];
	figure_errors(time, figures);
	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:{s:f, s:f, s:f, s:f}, s:{s:f, s:f, s:f, s:f}, s:{s:f, s:f, s:f, s:f}, s:f}", "mape",
	                 time->error.mean, "p50", time->error.p50, "p90", time->error.p90, "p99", time->error.p99, "bias", time->bias,
	                 "figure_errors", "mean", figures[0], "p50", figures[1], "p95", figures[2], "p99", figures[3], "predicted_ms",
	                 "mean", time->ms[0].mean, "p50", time->ms[0].p50, "p95", time->ms[0].p95, "p99", time->ms[0].p99, "measured_ms",
	                 "mean", time->ms[1].mean, "p50", time->ms[1].p50, "p95", time->ms[1].p95, "p99", time->ms[1].p99, "ks", time->ks);
}

static json_t *compare_json(const struct compare *compare)
{
	json_t *groups = json_array();
	for (size_t g = 0; g < compare->group_count; g++) {
		const struct compare_group *group = &compare->groups[g];
		if (group->requests > 0)
			json_array_append_new(groups, json_pack("{s:s, s:I, s:o, s:o}", "name", group->name, "requests", (json_int_t)group->requests,
			                                        "ttft", time_json(&group->ttft), "e2e", time_json(&group->e2e)));
	}
	return json_pack("{s:I, s:I, s:{s:I, s:I, s:I, s:f, s:f, s:f}, s:s, s:o}", "requests", (json_int_t)compare->count, "prompt_tokens",
	                 (json_int_t)compare->prompt_tokens, "hits", "predicted_tokens", (json_int_t)compare->hit_tokens[0],
	                 "measured_tokens", (json_int_t)compare->hit_tokens[1], "differing_requests", (json_int_t)compare->differing_hits,
	                 "predicted_rate", hit_rate(compare, COMPARE_PREDICTED), "measured_rate", hit_rate(compare, COMPARE_MEASURED),
	                 "percentage_points", 100 * (hit_rate(compare, COMPARE_PREDICTED) - hit_rate(compare, COMPARE_MEASURED)),
	                 "unsaid", compare->unsaid, "groups", groups);
}

static void print_json(json_t *json)
{
	char *text = json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	puts(text);
	free(text);
	json_decref(json);
}

/* Under the table of all pairs, in the same columns. */
static void print_unsure(const struct decisions *d)
{
	printf("\n  unsure of them, with steps that take %g to %g times as long\n", d->factors[0], d->factors[d->factor_count - 1]);
	for (size_t m = 0; m < d->metric_count; m++) {
		const struct decision_metric *metric = &d->metrics[m];
		printf("  %-14s %6zu %6zu %7zu %6zu\n", metric->name, metric->unsure_count, metric->unsure[DECISION_RIGHT],
		       metric->unsure[DECISION_CANNOT_TELL], metric->unsure[DECISION_WRONG]);
	}
}

static void print_decisions(const struct decisions *d)
{
	printf("%zu configurations, %zu runs", d->configuration_count, d->run_count);
	if (d->unmeasured)
		printf("; %zu more were forecast and not measured", d->unmeasured);
	puts("\n");
	printf("  %-14s %6s %6s %7s %6s %11s %11s %9s\n", "", "", "", "cannot", "", "confidently", "rank", "spread");
	printf("  %-14s %6s %6s %7s %6s %11s %11s %9s\n", "metric", "pairs", "right", "tell", "wrong", "wrong", "correlation", "of runs");
	for (size_t m = 0; m < d->metric_count; m++) {
		const struct decision_metric *metric = &d->metrics[m];
		printf("  %-14s %6zu %6zu %7zu %6zu %11zu %11.3f %9.4g\n", metric->name, metric->pair_count, metric->verdicts[DECISION_RIGHT],
		       metric->verdicts[DECISION_CANNOT_TELL], metric->verdicts[DECISION_WRONG] + metric->verdicts[DECISION_CONFIDENT_WRONG],
		       metric->verdicts[DECISION_CONFIDENT_WRONG], metric->rank_correlation, metric->deviation);
	}
	if (d->has_factors)
		print_unsure(d);
	for (size_t m = 0; m < d->metric_count; m++) {
		for (size_t p = 0; p < d->metrics[m].pair_count; p++) {
			const struct decision *pair = &d->metrics[m].pairs[p];
			if (pair->verdict < DECISION_WRONG)
				continue;
			printf("\n%s, %s: from \"%s\" to \"%s\" predicted %+.4g, measured %+.4g (spread %.4g)", decision_verdict_names[pair->verdict],
			       d->metrics[m].name, d->configurations[pair->a], d->configurations[pair->b], pair->predicted_gap, pair->measured_gap,
			       pair->spread);
			if (d->has_factors && !pair->sure)
				printf("; unsure, %+.4g to %+.4g", pair->predicted_least, pair->predicted_most);
		}
	}
	puts("");
}

static json_t *pair_json(const struct decisions *d, const struct decision *pair)
{
	json_t *object = json_pack("{s:s, s:s, s:f, s:f, s:f, s:s}", "a", d->configurations[pair->a], "b", d->configurations[pair->b],
	                           "predicted_gap", pair->predicted_gap, "measured_gap", pair->measured_gap, "spread", pair->spread,
	                           "verdict", decision_verdict_names[pair->verdict]);
	if (d->has_factors)
		json_object_update_new(object, json_pack("{s:f, s:f, s:b}", "predicted_gap_least", pair->predicted_least,
		                                         "predicted_gap_most", pair->predicted_most, "sure", pair->sure));
	return object;
}

static json_t *unsure_json(const struct decision_metric *metric)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "pairs", (json_int_t)metric->unsure_count, "right",
	                 (json_int_t)metric->unsure[DECISION_RIGHT], "cannot_tell", (json_int_t)metric->unsure[DECISION_CANNOT_TELL],
	                 "wrong", (json_int_t)metric->unsure[DECISION_WRONG]);
}

static json_t *decisions_json(const struct decisions *d)
{
	json_t *metrics = json_array();
	for (size_t m = 0; m < d->metric_count; m++) {
		const struct decision_metric *metric = &d->metrics[m];
		json_t *pairs = json_array();
		for (size_t p = 0; p < metric->pair_count; p++)
			json_array_append_new(pairs, pair_json(d, &metric->pairs[p]));
		json_t *object = json_pack("{s:s, s:I, s:I, s:I, s:I, s:f, s:o}", "metric", metric->name, "right",
		                           (json_int_t)metric->verdicts[DECISION_RIGHT], "cannot_tell",
		                           (json_int_t)metric->verdicts[DECISION_CANNOT_TELL], "wrong",
		                           (json_int_t)metric->verdicts[DECISION_WRONG], "confidently_wrong",
		                           (json_int_t)metric->verdicts[DECISION_CONFIDENT_WRONG], "deviation", metric->deviation, "pairs", pairs);
		json_object_set_new(object, "rank_correlation",
		                    isfinite(metric->rank_correlation) ? json_real(metric->rank_correlation) : json_null());
		if (d->has_factors)
			json_object_set_new(object, "unsure", unsure_json(metric));
		json_array_append_new(metrics, object);
	}
	return json_pack("{s:I, s:I, s:I, s:o}", "configurations", (json_int_t)d->configuration_count, "unmeasured",
	                 (json_int_t)d->unmeasured, "runs", (json_int_t)d->run_count,
	                 "metrics", metrics);
}

static void print_steps(const struct step_compare *compare, const char *path, const struct calibration *calibration)
{
	char words[256];
	const struct step_compare_class *all = &compare->classes[STEP_COMPARE_CLASSES - 1];
	printf("log          %s\n             %zu steps; %.5g s measured, %.5g predicted\n", path, compare->count, all->measured_ms / 1e3,
	       all->predicted_ms / 1e3);
	printf("calibration  %s\n             %s\n\n", calibration->name, report_calibration(calibration, NULL, words, sizeof(words)));
	printf("                        share of   error of         error of a step, in %%\n");
	printf("  new tokens    steps  time, in %%  sum, in %%   mean |.|     p5     p50     p95\n");
	for (size_t c = 0; c < STEP_COMPARE_CLASSES; c++) {
		const struct step_compare_class *class = &compare->classes[c];
		if (class->steps > 0)
			printf("  %-10s %8zu %11.2f %+10.2f %10.2f %+6.2f %+7.2f %+7.2f\n", class->name, class->steps, 100 * class->time_share,
			       100 * class->sum_error, 100 * class->mean_absolute, 100 * class->p5, 100 * class->p50, 100 * class->p95);
	}
}

static json_t *steps_json(const struct step_compare *compare, const char *path, const struct calibration *calibration)
{
	json_t *classes = json_array();
	for (size_t c = 0; c < STEP_COMPARE_CLASSES; c++) {
		const struct step_compare_class *class = &compare->classes[c];
		if (class->steps > 0)
			json_array_append_new(classes, json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:{s:f, s:f, s:f, s:f}}", "new_tokens", class->name,
			                                         "steps", (json_int_t)class->steps, "measured_ms", class->measured_ms,
			                                         "predicted_ms", class->predicted_ms, "time_share", class->time_share, "sum_error",
			                                         class->sum_error, "step_error", "mean_absolute", class->mean_absolute, "p5",
			                                         class->p5, "p50", class->p50, "p95", class->p95));
	}
	return json_pack("{s:o?, s:{s:s, s:s, s:s, s:b}, s:o}", "log", json_string(path), "calibration", "name", calibration->name,
	                 "device", calibration->device, "model", calibration->model, "estimate", calibration->estimate, "classes",
	                 classes);
}

static int run_steps(const struct compare_command *command, struct err *err)
{
	struct step_compare compare = {.count = 0};
	int status = 0;
	struct calibration *calibration = calibration_load(command->calibration, err);
	if (!calibration || step_compare_run(&compare, command->steps_path, calibration, err) < 0 ||
	    (command->rows_path && step_compare_write_rows(&compare, command->rows_path, err) < 0))
		status = cli_fail(err);
	else if (command->json)
		print_json(steps_json(&compare, command->steps_path, calibration));
	else
		print_steps(&compare, command->steps_path, calibration);
	step_compare_free(&compare);
	calibration_free(calibration);
	return status ? status : cli_finish_stdout();
}

static int run_decisions(const struct compare_command *command, struct err *err)
{
	struct decisions decisions;
	if (decisions_run(&decisions, command->paths[0], command->paths[1], command->margin_percent / 100, err) < 0)
		return cli_fail(err);
	int status = 0;
	if (command->rows_path && decisions_write_pairs(&decisions, command->rows_path, err) < 0)
		status = cli_fail(err);
	else if (command->json)
		print_json(decisions_json(&decisions));
	else
		print_decisions(&decisions);
	decisions_free(&decisions);
	return status ? status : cli_finish_stdout();
}

static int run_compare(const struct compare_command *command, struct err *err)
{
	struct compare compare;
	if (compare_run(&compare, command->paths[0], command->paths[1], err) < 0)
		return cli_fail(err);
	int status = 0;
	if (command->rows_path && compare_write_rows(&compare, command->rows_path, err) < 0)
		status = cli_fail(err);
	else if (command->json)
		print_json(compare_json(&compare));
	else
		print_compare(&compare);
	compare_free(&compare);
	return status ? status : cli_finish_stdout();
}

int cmd_compare(int argc, char **argv)
{
	static const struct argp argp = {
	        .options = option_table,
	        .parser = parse_option,
	        .args_doc = "PREDICTED MEASURED\n--steps=FILE",
	        .doc = "Says how far off a forecast was: hit tokens, TTFT and E2E of every request and of the whole, told apart by whether "
	               "requests queued or were loaded from a lower tier. PREDICTED and MEASURED are written by `kvcast run --requests` and "
	               "`kvcast-gpu replay --requests`. With --steps it says how far off the steps alone are, by how many tokens they "
	               "compute.\v"
	               "Example: kvcast compare predicted.csv measured.csv --rows both.csv && gnuplot -c plots/predicted_vs_measured.gp "
	               "both.csv out.svg",
	};
	struct compare_command command = {.margin_percent = 2};
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &command) != 0)
		return 2;
	if (command.steps_path)
		return run_steps(&command, &err);
	return command.decisions ? run_decisions(&command, &err) : run_compare(&command, &err);
}
