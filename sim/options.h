/* options.h - the options that commands which run a cache have in common, and what they resolve to.
 *
 * options_argp is an argp child: a command lists it in `children` with a struct run_options as its input. It only keeps
 * texts; options_load() then loads what they name, and options_capacity() turns a capacity into blocks of the trace.
 *
 * A preset is a file of options, one a line as on the command line ("--engine vllm"); a # at a word's beginning starts a
 * comment. What the command line says wins; a --tier of it takes the place of the preset's tier of the same name, and is
 * otherwise added after the preset's, but before an archive. An engine has defaults too (block size, eviction, scope),
 * which both win over. Those of sim/presets are compiled in.
 */
#ifndef KVCAST_OPTIONS_H
#define KVCAST_OPTIONS_H

#include "calibration.h"
#include "model.h"
#include "run_config.h"
#include "spec.h"

#include <argp.h>

#define OPTION_LIST_MOST 16 /* --tier and --fail may be given so often */

/* Every option's place among the texts; the order of the table in options.c. */
enum option_id {
	OPTION_CAPACITY, OPTION_EVICT, OPTION_TTL, OPTION_SCOPE, OPTION_SEMANTICS, OPTION_PARTIAL_TAIL, OPTION_RECOMPUTE_LAST,
	OPTION_LOAD, OPTION_NO_OFFLOAD, OPTION_ARCHIVE_EVERY, OPTION_ARCHIVE_RATE,
	OPTION_BLOCK, OPTION_ARRIVALS, OPTION_SESSIONS, OPTION_SPEED, OPTION_WARMUP, OPTION_MAX_PROMPT, OPTION_MAX_OUTPUT,
	OPTION_ANSWERS,
	OPTION_ENGINE, OPTION_STEP_TOKENS, OPTION_MAX_RUNNING, OPTION_REPLICAS, OPTION_ROUTER, OPTION_MODEL, OPTION_CALIB,
	OPTION_PRICE, OPTION_PRESET,
	OPTION_SEED, OPTION_NO_TIMING, OPTION_QUIET,
	OPTION_COUNT,
	/* Those that may be repeated; they are kept in lists of their own. */
	OPTION_TIER = OPTION_COUNT, OPTION_FAIL
};

struct run_options {
	/* As given: NULL where not; "1" for flags. */
	const char *text[OPTION_COUNT];
	const char *tier_texts[OPTION_LIST_MOST], *fault_texts[OPTION_LIST_MOST];
	uint32_t tier_text_count, fault_text_count;

	/* Set by options_load. */
	char *preset_text; /* what the preset's texts point into */
	uint32_t preset_lines[OPTION_COUNT], tier_lines[OPTION_LIST_MOST]; /* where in it a text stands; 0: not in it */
	struct spec_list evicts, ttls;
	struct model model;
	bool has_model;
	struct calibration *calibration;
	struct tier_config tiers[TIER_MOST];
	uint32_t tier_count;
	struct fault faults[OPTION_LIST_MOST];
	const char *capacity; /* of the first tier */
	double gpu_price_per_hour; /* dollars; NAN: not given */
	struct run_config config;  /* evict, ttl and capacity_blocks are left to the command */
	uint32_t engine_block_tokens; /* 0: the engine has no block size of its own */
	uint32_t shortened_requests;
};

extern const struct argp options_argp;

/* Resolves the options and loads the trace, shortened where asked. NULL and a sentence on failure; options_free() is due
 * in both cases and leaves the texts. `evict_all` allows the word "all". */
struct trace *options_load(struct run_options *options, const char *trace_path, bool evict_all, struct err *err);
/* Its three parts: what needs no trace; the trace, and shortened_requests; what the settings say of this trace. */
int options_load_settings(struct run_options *options, bool evict_all, struct err *err);
struct trace *options_load_trace(struct run_options *options, const char *path, struct err *err);
int options_fit(struct run_options *options, const struct trace *trace, struct err *err);
void options_free(struct run_options *options);

/* Tells, a sentence each, which options of the command line have no effect in this run; those of a preset may have none. */
void options_idle(const struct run_options *options, void (*tell)(const char *sentence));

/* `text`: "inf", a plain number of blocks, or a size in bytes (which needs --model). `what` begins the sentence. */
int options_capacity(const struct run_options *options, const struct trace *trace, const char *what, const char *text,
                     uint64_t *blocks, struct err *err);

/* Dollars of a GPU hour where --price does not say, and of a GB-hour (GB = 10^9 bytes) of memory where --rent does not: a
 * GPU with 141 GB at $3 an hour lets a GB-hour of its own memory for $0.02. The TTL rule `breakeven` takes the same. */
#define OPTIONS_GPU_PRICE 3
#define OPTIONS_RENT      0.02
double options_gpu_price(const struct run_options *options);
/* The text of --rent, DOLLARS/GB-hour; NULL: the default. */
int options_rent(const char *text, double *dollars, struct err *err);

/* GiB of KV that `blocks` take; NAN without --model. */
double options_gib(const struct run_options *options, const struct trace *trace, double blocks);

/* Puts the preset's line in front of a sentence about an option that came from there; a sentence about anything else stays
 * as it is. Returns -1. */
int options_blame(const struct run_options *options, struct err *err);

/* What --replicas says, for the engine that is resolved. */
int options_replicas(const struct run_options *options, const char *text, uint32_t *replicas, struct err *err);

/* For options_*.c. Puts the preset's texts where the command line gave none. */
int options_apply_preset(struct run_options *options, struct err *err);
/* Turns texts into config, policies, tiers and faults; no trace needed. */
int options_resolve(struct run_options *options, bool evict_all, struct err *err);
/* A whole number from an option; `value` stays as it is where the option was not given. */
int options_resolve_whole(const struct run_options *options, enum option_id id, int64_t least, int64_t most, int64_t *value,
                  struct err *err);
/* "capacity", for messages. */
const char *options_name(enum option_id id);
/* Its opposite: an option_id, or -1. */
int options_id(const char *name, bool *wants_value);

#endif
