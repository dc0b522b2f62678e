/* bill_table.h - bills beside each other: a table of 80 columns, CSV or JSON. */
#ifndef KVCAST_BILL_TABLE_H
#define KVCAST_BILL_TABLE_H

#include "bill.h"

#include <jansson.h>
#include <stdio.h>

/* One bill: a provider and what the trace costs there. */
struct bill_entry {
	struct provider provider;
	struct bill bill;
};

void bill_table(const struct trace *trace, const struct bill_entry *entries, size_t count, FILE *to);
void bill_table_csv(const struct trace *trace, const struct bill_entry *entries, size_t count, FILE *to);
json_t *bill_table_json(const struct trace *trace, const struct bill_entry *entries, size_t count);

#endif
