/* report.h - a run's result in the three forms people and programs read: table, JSON, CSV row.
 *
 * Field names and their order are the Interface of DESIGN; new fields go at the end. What is not known (GiB without
 * --model, no limit as a number) is null in JSON, empty in CSV; an unlimited capacity is null in JSON and "inf" in CSV.
 * All functions write to a stream or an output given to them.
 */
#ifndef KVCAST_REPORT_H
#define KVCAST_REPORT_H

#include "ensemble.h"
#include "options.h"
#include "output.h"
#include "vary.h"

#include <jansson.h>
#include <stdio.h>

/* One point: a configuration and what came of it. */
struct report {
	const struct trace *trace;
	const struct run_options *options;
	const struct run_config *config;
	const struct run_result *result;
	double wall_s; /* negative: leave it out */
	const char *measured_on; /* the machine that the times are of; NULL: they come from the calibration */
	const struct vary *vary; /* NULL, or what was varied over tiers, and the point in it */
	size_t vary_point;
	const struct ensemble *ensemble; /* NULL: the forecast alone */
};

json_t *report_json(const struct report *report);
/* Prints compactly indented, with a line end; rates to 12 digits. */
void report_json_print(const json_t *json, FILE *to);
void report_csv_header(const struct report *report, FILE *to);
void report_csv_row(const struct report *report, FILE *to);
/* The result for people, in 80 columns. */
void report_table(const struct report *report, FILE *to);

/* "NVIDIA H200, llama-3.1-8b; an estimate, not measured", to stand beside every number from the calibration; with `options`, which may be
 * NULL, also which model was asked for, where that is another one. */
const char *report_calibration(const struct calibration *calibration, const struct run_options *options, char *buffer, size_t size);
/* The same, and whether requests wait: "TTFT is uncontended; NVIDIA H200, ...", or "times: NVIDIA H200, ...". */
const char *report_options_times(const struct run_options *options, char *buffer, size_t size);
/* The same for a report's times: "measured on ..." where they are. */
const char *report_times(const struct report *report, char *buffer, size_t size);
/* 12345678 -> "12,345,678". Returns `buffer`. */
const char *report_count(uint64_t value, char *buffer, size_t size);
/* Writes a CSV field, quoted where it must be. */
void report_csv_text(const char *text, FILE *to);

/* The ledger's columns after the hits per tier, in the order of DESIGN's Interface. */
struct report_column {
	const char *name, *label;
	size_t offset; /* in struct ledger */
};
extern const struct report_column report_ledger_columns[];
extern const size_t report_ledger_column_count;
uint64_t report_ledger_value(const struct ledger *ledger, const struct report_column *column);

/* Whether there are several replicas, here or at another point of the sweep. */
bool report_has_fleet(const struct report *report);
uint32_t report_replicas(const struct report *report);
uint32_t report_tier_count(const struct report *report);
/* Share of the span that the tier's links were busy, on average; NAN where there is no span. */
double report_link_share(const struct report *report, uint32_t tier);
const char *report_tier_name(const struct report *report, uint32_t tier);
const char *report_engine_name(enum engine_kind engine);
/* How many all-cold requests of the run's mean would have cost as much prefill as the hits saved. */
double report_saved_requests(const struct metrics_group *total);
/* What a tier's price makes of what it held, a month being 30 days; NAN without a model. */
double report_holding_dollars(const struct report *report, uint32_t tier);
/* The same over all tiers; NAN where no tier has a price. */
double report_all_holding_dollars(const struct report *report);
/* What --price makes of the prefill that was saved; NAN without. */
double report_saved_dollars(const struct report *report);

#endif
