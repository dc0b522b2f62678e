/* cmd_fit.c - kvcast fit SAMPLES: a calibration from measurements. */
#include "cli.h"
#include "fit.h"
#include "units.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

enum { KEY_NAME = 0x200, KEY_CELLS, KEY_MAX_ERROR, KEY_FOLDS, KEY_BOOTSTRAPS, KEY_SEED };

struct fit_command {
	const char *samples_path, *output_path, *cells_path, *name;
	double max_error;
	struct fit_options options;
};

static const struct argp_option option_table[] = {
        {"output", 'o', "FILE", 0, "write the calibration there; default: print the errors only", 0},
        {"name", KEY_NAME, "NAME", 0, "what the calibration calls itself; default: DEVICE-MODEL", 0},
        {"cells", KEY_CELLS, "FILE", 0, "write a CSV with a row for every step: measured, fitted, held out, band", 0},
        {"max-error", KEY_MAX_ERROR, "PERCENT", 0, "refuse a fit whose mean held-out error is larger; default 5", 0},
        {"folds", KEY_FOLDS, "N", 0, "parts that are held out in turn; default 10", 0},
        {"bootstraps", KEY_BOOTSTRAPS, "N", 0, "resamples that the bands come from; default 100", 0},
        {"seed", KEY_SEED, "N", 0, "how the parts are dealt and resamples drawn; default 1", 0},
        {0},
};

static uint32_t whole(const struct argp_state *state, const char *option, const char *text, int64_t least, int64_t most)
{
	struct err err;
	int64_t number = 0;
	if (units_count(text, &number, &err) < 0 || number < least || number > most)
		argp_error(state, "--%s %s: expected a whole number from %d to %d", option, text, (int)least, (int)most);
	return (uint32_t)number;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct fit_command *command = state->input;
	struct err err;
	switch (key) {
	case 'o':
		command->output_path = arg;
		return 0;
	case KEY_NAME:
		command->name = arg;
		return 0;
	case KEY_CELLS:
		command->cells_path = arg;
		return 0;
	case KEY_MAX_ERROR:
		if (units_real(arg, &command->max_error, &err) < 0 || !(command->max_error > 0))
			argp_error(state, "--max-error %s: expected a number of percent above 0", arg);
		return 0;
	case KEY_FOLDS:
		command->options.folds = whole(state, "folds", arg, 2, 100);
		return 0;
	case KEY_BOOTSTRAPS:
		command->options.bootstraps = whole(state, "bootstraps", arg, 2, 10000);
		return 0;
	case KEY_SEED:
		command->options.seed = whole(state, "seed", arg, 0, UINT32_MAX / 2);
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "one file of samples at a time");
		command->samples_path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "the samples are missing: a file of kvcast-gpu calibrate, or - for standard input");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_fit(const struct fit *fit)
{
	char cell[160];
	printf("samples  %s: %zu steps; %s, %s\n\n", fit->samples->name, fit->cell_count,
	       fit->samples->device[0] ? fit->samples->device : "unknown device",
	       fit->samples->model[0] ? fit->samples->model : "unknown model");
	printf("  held-out error, %%    mean      p90    worst  at\n");
	for (int model = 0; model < FIT_MODELS; model++) {
		const struct fit_errors *errors = &fit->held_out[model];
		printf("  %-16s %8.2f %8.2f %8.2f  %s%s\n", fit_model_names[model], 100 * errors->mean, 100 * errors->p90,
		       100 * errors->worst, samples_show(errors->worst_cell, cell, sizeof(cell)),
		       model == (int)fit->chosen ? "   <- chosen" : "");
	}
	if (fit->power.count)
		printf("\n  %zu steps after work: off by %.1f %% on average as forecast, %.1f %% taken for rested ones\n", fit->power.count,
		       100 * fit->power.mean, 100 * fit->power.mean_without);
	for (uint32_t i = 0; i < fit->calibration.transfer_count; i++) {
		const struct fit_transfer *t = &fit->transfers[i];
		printf("%s  %-8s read %.2f GB/s, write %.2f GB/s, latency %.1f us; mean error %.1f %%\n", i ? "" : "\n", t->rates.tier,
		       t->rates.read_bytes_per_s / 1e9, t->rates.write_bytes_per_s / 1e9, (double)t->rates.latency_ns / 1e3,
		       100 * t->mean_error);
	}
}

static int finish(const struct fit_command *command, const struct fit *fit, struct err *err)
{
	const double error = 100 * fit->held_out[fit->chosen].mean;
	char name[256];
	print_fit(fit);
	if (command->cells_path && fit_write_cells(fit, command->cells_path, err) < 0)
		return cli_fail(err);
	if (error > command->max_error) {
		err_set(err, "%s: the better model is off by %.2f %% on held-out steps, more than --max-error %g; no calibration was written.",
		        fit->samples->name, error, command->max_error);
		return cli_fail(err);
	}
	snprintf(name, sizeof(name), "%s-%s", fit->samples->device, fit->samples->model);
	if (command->output_path &&
	    fit_write_json(fit, &command->options, command->name ? command->name : name, command->output_path, err) < 0)
		return cli_fail(err);
	return cli_finish_stdout();
}

int cmd_fit(int argc, char **argv)
{
	static const struct argp argp = {
	        .options = option_table,
	        .parser = parse_option,
	        .args_doc = "SAMPLES",
	        .doc = "Turns what kvcast-gpu calibrate measured into a calibration for --calib, and says how far off its times are on "
	               "steps that were held out of the fit. Two models are tried, a physical one and curves through the measured "
	               "sizes; the better one is written.\v"
	               "Example: kvcast fit samples.csv -o calib.json && kvcast run trace.jsonl.gz --calib calib.json",
	};
	struct fit_command command = {.max_error = 5, .options = {.folds = 10, .bootstraps = 100, .seed = 1}};
	struct fit fit;
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &command) != 0)
		return 2;
	struct samples *samples = samples_load(command.samples_path, &err);
	if (!samples)
		return cli_fail(&err);
	int status;
	if (fit_run(&fit, samples, &command.options, &err) < 0) {
		status = cli_fail(&err);
	} else {
		status = finish(&command, &fit, &err);
		fit_free(&fit);
	}
	samples_free(samples);
	return status;
}
