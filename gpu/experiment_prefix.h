/* experiment_prefix.h - what sharing a prefix is worth, by its length, the share of requests that have it, and how many
 * are served at once; with prefix caching and without.
 *
 * A point is one run: requests of a prefix and a question, `concurrency` of them at once in a closed loop. Of every
 * stretch of requests the share `reuse` begins with one shared prefix, evenly spread and the first among them; all
 * others have a prefix of the same length, and every request a question, that nobody else has. Without caching no two
 * requests have anything in common: engine and capacity are the same, it finds nothing. Reuse makes no difference then,
 * so there is one such point for a length and a concurrency.
 *
 * The first `concurrency` requests warm the cache up and do not count. Of the others there are three for every one
 * served at once, and EXPERIMENT_PREFIX_LEAST at least.
 *
 * Files: table.csv, a row a point; requests.csv and requests.json, a row or object a counted request; report.md;
 * traces/POINT.jsonl.gz, of which `kvcast run` makes the same forecast.
 */
#ifndef KVCAST_EXPERIMENT_PREFIX_H
#define KVCAST_EXPERIMENT_PREFIX_H

#include "experiment.h"

#define EXPERIMENT_PREFIX_LEAST 16
#define EXPERIMENT_PREFIX_MOST  16 /* of each list of the grid */

struct experiment_prefix_grid {
	uint32_t lengths[EXPERIMENT_PREFIX_MOST], concurrencies[EXPERIMENT_PREFIX_MOST];
	double reuses[EXPERIMENT_PREFIX_MOST];
	uint32_t length_count, concurrency_count, reuse_count;
	bool cache_off, cache_on;
	uint32_t question_tokens, answer_tokens; /* at least 1 */
};

struct experiment_prefix_point {
	uint32_t prefix_tokens, concurrency, warmups; /* requests that do not count */
	double reuse;                                 /* 0 without caching */
	bool cached;
	char name[64]; /* "cache_on_reuse_0.5-4096-16" */
	struct trace *trace;
	struct experiment experiment;
};

struct experiment_prefix {
	struct experiment_prefix_grid grid;
	const char *command, *model, *calibration, *forecast,
	    *folder; /* as in experiment_repeat.h; kept by the caller */
	double kv_bytes_per_token, capacity_blocks;
	const char *device;
	struct experiment_prefix_point *points;
	size_t point_count;
};

/* Makes the points' traces; `config` is what they have in common. -1 and a sentence; free is due in both cases. */
int experiment_prefix_open(struct experiment_prefix *prefix, const struct experiment_prefix_grid *grid,
			   const struct run_config *config, const char *folder, struct err *err);
void experiment_prefix_free(struct experiment_prefix *prefix);
/* Runs every point, and writes the files; FOLDER/traces is there. `tell`, where not NULL, hears of each point once it
 * is done. */
int experiment_prefix_run(struct experiment_prefix *prefix, const struct experiment_device *device,
			  void (*tell)(const struct experiment_prefix_point *point), struct err *err);

/* The point without caching, or the cached one of that reuse; NULL where the grid does not have it. */
const struct experiment_prefix_point *experiment_prefix_find(const struct experiment_prefix *prefix,
							     uint32_t prefix_tokens, uint32_t concurrency, bool cached,
							     double reuse);
/* The table as CSV, and the report; each is a write function of experiment.h. */
void experiment_prefix_table(const void *prefix, FILE *to);
void experiment_prefix_report(const void *prefix, FILE *to);
/* 0 where every measured request of a cached point with reuse that should have hit the shared prefix's full blocks did,
 * and none without caching hit any; else -1 and a sentence. */
int experiment_prefix_check(const struct experiment_prefix *prefix, struct err *err);

#endif
