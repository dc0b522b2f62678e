/* cmd_bench_lab.h - what the experiments of kvcast-gpu bench share: options, the device, and one model for all runs.
 * Only cmd_bench_*.c include it. */
#ifndef KVCAST_CMD_BENCH_LAB_H
#define KVCAST_CMD_BENCH_LAB_H

#include "experiment.h"
#include "experiment_manual.h"
#include "llama.h"
#include "options.h"

#define CMD_BENCH_LAB_MANUALS 64

struct cmd_bench_lab {
	struct run_options options;
	const char *folder, *products_path; /* -o, --products */
	/* Those of cmd_bench_lab_manual_argp. */
	const char *manual_paths[CMD_BENCH_LAB_MANUALS];
	struct experiment_manual manual;

	/* Set by cmd_bench_lab_load. */
	char *command;                   /* the command line */
	char forecast[256];              /* what forecasts are made from: report_calibration() */
	const char *model, *calibration; /* names for kvcast run */

	/* Set by cmd_bench_lab_open. */
	struct llama *llama;
	char machine[256];
	struct experiment_device device;
};

/* argp children; their input is a struct cmd_bench_lab. The second is for experiments with a manual. */
extern const struct argp cmd_bench_lab_argp, cmd_bench_lab_manual_argp;

/* A whole number of an option, or the end of the program as argp ends it. */
uint32_t cmd_bench_lab_whole(struct argp_state *state, const char *option, const char *text, uint32_t least,
			     uint32_t most);

/* Resolves the options into lab->options.config, and makes the folder. -1 and a sentence. */
int cmd_bench_lab_load(struct cmd_bench_lab *lab, int argc, char **argv, struct err *err);
/* Opens a model that serves all of the runs. -1 and a sentence. */
int cmd_bench_lab_open(struct cmd_bench_lab *lab, const struct experiment *const *experiments, size_t count,
		       struct err *err);
void cmd_bench_lab_close(struct cmd_bench_lab *lab);
/* The folder, or one in it. */
int cmd_bench_lab_make_folder(const char *path, struct err *err);

#endif
