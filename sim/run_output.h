/* run_output.h - what a command that runs one cache over one trace writes: its result, and files beside it.
 *
 * run_output_argp is an argp child: a command lists it in `children` with a struct run_output as its input. The files are
 * opened before the run, which fills them, and committed after it: all appear, or none.
 */
#ifndef KVCAST_RUN_OUTPUT_H
#define KVCAST_RUN_OUTPUT_H

#include "options.h"
#include "report.h"

struct run_output {
	/* As given; NULL where not. */
	const char *requests_path, *groups_path, *events_path, *timeline_path, *bucket, *blocks_path;
	bool json, csv;
	/* Between open and commit or abort. */
	struct requests_csv *requests;
	struct groups_csv *groups;
	struct engine_log *events;
	struct timeline *timeline;
	struct blocks_csv *blocks;
};

extern const struct argp run_output_argp;

/* Puts the options' one policy, one TTL rule and capacity into their config; -1 and a sentence where they are lists. */
int run_output_single(struct run_options *options, const struct trace *trace, struct err *err);
/* Opens the files and has `config` fill them. -1 and a sentence; then abort is due. */
int run_output_open(struct run_output *output, const struct trace *trace, struct run_config *config, struct err *err);
int run_output_commit(struct run_output *output, struct err *err);
void run_output_abort(struct run_output *output);
/* The result in the form that was asked for. */
void run_output_print(const struct run_output *output, const struct report *report, FILE *to);

#endif
