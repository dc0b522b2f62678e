/* experiment_layout.h - where to put the instructions: the agent's role after the manual, or before it.
 *
 * Two traces of experiment_manual.h, equal but for the order of the parts, are served one session after the other.
 * Every session is another agent's than the one before, and no agent has two: its first request is a change of agent,
 * and the first time that the agent asks. With the role after the manual, such a request hits the manual that others
 * have read; with the role before it, the very first block differs, and nothing of the manual is hit. The session's
 * later requests hit what its first one left either way.
 *
 * How much of the manual a request hit: its hit tokens are a prefix, so of them those count that lie behind the role
 * where that stands in front. Rates are of the manual's full blocks; one that is the role's or the question's in part
 * is left out.
 *
 * Files: after.predicted.csv, after.measured.csv, before.predicted.csv, before.measured.csv (requests_csv.h);
 * table.csv, a row a request, both sides; report.md.
 */
#ifndef KVCAST_EXPERIMENT_LAYOUT_H
#define KVCAST_EXPERIMENT_LAYOUT_H

#include "experiment.h"

enum experiment_layout_order { EXPERIMENT_AFTER, EXPERIMENT_BEFORE, EXPERIMENT_ORDERS };
extern const char *const experiment_layout_names[EXPERIMENT_ORDERS];  /* "after", "before" the manual */
extern const char *const experiment_layout_orders[EXPERIMENT_ORDERS]; /* gen.h */

/* The least, after, and the most, before the manual, of it that may be hit on a change of agent. */
#define EXPERIMENT_LAYOUT_LEAST 0.999
#define EXPERIMENT_LAYOUT_MOST  0.0

/* Requests on a change of agent, but for the very first, and all others. */
struct experiment_layout_part {
	uint32_t requests;
	double manual_hit_rate[EXPERIMENT_SIDES], manual_hit_least[EXPERIMENT_SIDES], manual_hit_most[EXPERIMENT_SIDES];
	double ttft_ms[EXPERIMENT_SIDES]; /* mean */
};

struct experiment_layout {
	/* Set by the caller. */
	struct experiment experiments[EXPERIMENT_ORDERS]; /* of traces that are files with segments */
	uint64_t manual_tokens;
	const uint64_t *manual_at[EXPERIMENT_ORDERS];                  /* experiment_manual.h */
	const char *command, *model, *calibration, *forecast, *folder; /* as in experiment_repeat.h */
	/* Set by experiment_layout_run. */
	const char *device;
	uint64_t common_tokens[EXPERIMENT_ORDERS]; /* with which all prompts begin */
	/* Of the trace with the role before the manual, as kvcast trace layout finds them: the pieces at which prefixes
	 * end although known ones follow, the one of them that costs most, and all that is lost. */
	char bust[64];
	size_t bust_count;
	uint32_t bust_requests;
	uint64_t bust_tokens;
	struct experiment_layout_part changes[EXPERIMENT_ORDERS], others[EXPERIMENT_ORDERS];
};

/* Runs, and writes the files. -1 and a sentence. */
int experiment_layout_run(struct experiment_layout *layout, const struct experiment_device *device, struct err *err);
void experiment_layout_report(const void *layout, FILE *to);
/* 0 where the manual was hit on changes of agent as it has to be, when measured; else -1 and a sentence with the
 * number. */
int experiment_layout_check(const struct experiment_layout *layout, struct err *err);

#endif
