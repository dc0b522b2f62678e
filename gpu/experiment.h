/* experiment.h - one trace under one configuration, twice: forecast by the simulator, and measured by whoever can.
 *
 * Both sides run the same engine with the same configuration and differ in the durations of steps alone. The measuring
 * side is a function, so that an experiment can be run, and tested, where there is no device.
 *
 * Sums are over the requests that count (run_config.warmup), which are the same on both sides, in the order of the
 * trace: mean_ttft_s and the like over requests; tok_s, tokens of answers a second of span_s, which is from the first
 * counted arrival to the last answer.
 *
 * Rates of hits are shares of prompt tokens, from 0 to 1.
 */
#ifndef KVCAST_EXPERIMENT_H
#define KVCAST_EXPERIMENT_H

#include "requests_csv.h"

enum experiment_side { EXPERIMENT_PREDICTED, EXPERIMENT_MEASURED, EXPERIMENT_SIDES };
extern const char *const experiment_side_names[EXPERIMENT_SIDES];

/* Who measures: runs `config` as simulate_run() does. 0; or -1 and a sentence. */
struct experiment_device {
	int (*measure)(void *context, const struct trace *trace, const struct run_config *config,
		       struct run_result *result, struct err *err);
	void *context;
	const char *name; /* for reports */
};

/* What one request got, by side. */
struct experiment_request {
	bool counts[EXPERIMENT_SIDES];
	uint64_t hit_tokens[EXPERIMENT_SIDES];
	double ttft_ms[EXPERIMENT_SIDES], e2e_ms[EXPERIMENT_SIDES];
};

struct experiment_sum {
	uint64_t requests, prompt_tokens, hit_tokens, output_tokens;
	double mean_ttft_s, mean_e2e_s, p95_e2e_s, tok_s, span_s;
	double mean_resident_blocks; /* of the first tier */
};

struct experiment {
	/* Set by the caller, and kept by it. */
	const struct trace *trace;
	struct run_config config;
	/* Set by experiment_run. */
	struct experiment_request *requests; /* [trace->request_count] */
	struct experiment_sum sums[EXPERIMENT_SIDES];
	struct run_config sides[EXPERIMENT_SIDES];
	struct requests_csv *csvs[EXPERIMENT_SIDES];
};

/* `folder`, where not NULL, will have predicted.csv and measured.csv (requests_csv.h), with `prefix` before their
 * names, once they are committed. -1 and a sentence, also where a request found no room; then nothing is left to
 * commit. */
int experiment_run(struct experiment *experiment, const struct experiment_device *device, const char *folder,
		   const char *prefix, struct err *err);
int experiment_commit(struct experiment *experiment, struct err *err);
/* Files that were not committed are not written. */
void experiment_free(struct experiment *experiment);

double experiment_hit_rate(const struct experiment_sum *sum);
/* predicted / measured - 1; 0 where nothing was measured. */
double experiment_error(double predicted, double measured);
/* "FOLDER/NAME"; the caller frees it. */
char *experiment_path(const char *folder, const char *name);
/* Has `write` fill a file that is there whole or not at all. */
int experiment_write(const char *folder, const char *name, void (*write)(const void *context, FILE *to),
		     const void *context, struct err *err);
/* The options with which `kvcast run` forecasts a run of this configuration: "--capacity 100 --engine vllm ...". */
void experiment_print_options(const struct run_config *config, FILE *to);

#endif
