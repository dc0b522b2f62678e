/* tune_table.h - what tuning found, as tables of 80 columns for people, and as JSON. */
#ifndef KVCAST_TUNE_TABLE_H
#define KVCAST_TUNE_TABLE_H

#include "options.h"
#include "promise.h"

#include <stdio.h>

struct tune_table {
	const struct tune *tune;
	const struct run_options *options;
	const char *promise; /* as it was asked for */
	bool json;
	FILE *to;
};

/* After tune_judge. */
void tune_table_found(const struct tune_table *table);
/* Sorts the promises by the room that they need. */
void tune_table_promises(const struct tune_table *table, struct promise *promises, size_t count);

#endif
