/* experiment_repeat.h - cold versus repeat: what a manual costs the first time it is read, and every time after.
 *
 * A trace of experiment_manual.h in the order manual, agent, question is served one request at a time. The first
 * request finds nothing; every other one begins with the same manual. The static prefix is the manual's full blocks;
 * its hit rate is how many of their tokens a request hit.
 *
 * Files: predicted.csv, measured.csv (requests_csv.h); table.csv, a row a request, both sides (what
 * plots/cold_repeat.gp draws); report.md.
 */
#ifndef KVCAST_EXPERIMENT_REPEAT_H
#define KVCAST_EXPERIMENT_REPEAT_H

#include "experiment.h"

/* The least that a repeat's TTFT has to be shorter by. */
#define EXPERIMENT_REPEAT_LEAST 0.70

struct experiment_repeat {
	/* Set by the caller. */
	struct experiment experiment;
	uint64_t manual_tokens;
	const char *command, *model,
	    *calibration;     /* for the report: the command line; --model and --calib of the forecast */
	const char *forecast; /* a sentence about the calibration: report_calibration() */
	const char *folder;
	/* Set by experiment_repeat_run. */
	const char *device;
	uint64_t prefix_tokens;  /* of the manual, in full blocks */
	uint32_t first, repeats; /* the cold request's index; how many others there are */
	double cold_ttft_ms[EXPERIMENT_SIDES], repeat_ttft_ms[EXPERIMENT_SIDES]; /* repeats: mean */
	double repeat_least_ms[EXPERIMENT_SIDES], repeat_most_ms[EXPERIMENT_SIDES];
	double reduction[EXPERIMENT_SIDES];        /* 1 - repeat / cold */
	double prefix_hit_rate[EXPERIMENT_SIDES];  /* over repeats */
	double prefix_hit_least[EXPERIMENT_SIDES]; /* of any repeat */
};

/* Runs, and writes the files. -1 and a sentence. */
int experiment_repeat_run(struct experiment_repeat *repeat, const struct experiment_device *device, struct err *err);
void experiment_repeat_report(const void *repeat, FILE *to);
/* 0 where every measured repeat hit the whole static prefix, and TTFT fell by EXPERIMENT_REPEAT_LEAST or more; else -1
 * and a sentence with the number. */
int experiment_repeat_check(const struct experiment_repeat *repeat, struct err *err);

#endif
