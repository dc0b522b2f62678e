/* sweep_table.h - a sweep's points for people: what differs in columns, what all have in common once above them.
 *
 * Numbers are shares of the prompt tokens hit (in all, and per tier where there are several), of blocks (one tier), TTFT, and
 * dollars where prices are given.
 */
#ifndef KVCAST_SWEEP_TABLE_H
#define KVCAST_SWEEP_TABLE_H

#include "report.h"
#include "sweep.h"

/* `first` is any point's report. */
void sweep_table_header(const struct sweep *sweep, const struct report *first, FILE *to);
void sweep_table_row(const struct sweep *sweep, const struct report *report, FILE *to);

#endif
