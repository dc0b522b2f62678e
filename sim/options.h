/* options.h - the options that commands which run a cache have in common, and what they resolve to.
 *
 * options_argp is an argp child: a command lists it in `children` with a struct run_options as its input. It only keeps
 * texts; options_load() then loads what they name and options_capacity() turns a capacity into blocks of the trace.
 */
#ifndef KVCAST_OPTIONS_H
#define KVCAST_OPTIONS_H

#include "calibration.h"
#include "model.h"
#include "replay.h"
#include "spec.h"

#include <argp.h>

struct run_options {
	/* As given; NULL or 0 where not. */
	const char *block, *model_name, *capacity, *evict, *ttl, *calib, *semantics, *scope, *partial_tail, *recompute_last;
	const char *engine, *speed, *seed, *warmup, *max_prompt, *max_output;
	bool quiet, no_timing;

	/* Set by options_load. */
	struct spec_list evicts, ttls;
	struct model model;
	bool has_model;
	struct calibration *calibration;
	struct run_config config; /* evict, ttl and capacity_blocks are left to the command */
	uint32_t shortened_requests;
};

extern const struct argp options_argp;

/* Resolves the options and loads the trace, shortened where asked. NULL and a sentence on failure; options_free() is due
 * in both cases. `evict_all` allows the word "all". */
struct trace *options_load(struct run_options *options, const char *trace_path, bool evict_all, struct err *err);
void options_free(struct run_options *options);

/* `text`: "inf", a plain number of blocks, or a size in bytes (which needs --model). */
int options_capacity(const struct run_options *options, const struct trace *trace, const char *text, uint64_t *blocks,
                     struct err *err);

/* GiB of KV that `blocks` take; NAN without --model. */
double options_gib(const struct run_options *options, const struct trace *trace, double blocks);

#endif
