/* tune_spec.h - the parameters that tune.c varies: their ranges, their places 0..1 in them, and the SPECs that come of it. */
#ifndef KVCAST_TUNE_SPEC_H
#define KVCAST_TUNE_SPEC_H

#include "tune.h"

/* Checks what is given and the parameters' ranges, and reads their given values; where no parameter is named, takes every number of the
 * TTL rule: durations up to the trace's span, other numbers up to a hundred times what is given. */
int tune_spec_check(struct tune *tune, struct err *err);
/* The value at a place, which is clamped to 0..1, and back. */
double tune_spec_value(const struct tune_parameter *parameter, double place);
double tune_spec_place(const struct tune_parameter *parameter, double value);
/* The SPEC with the values at `places` (one a parameter), or as it was given where that is NULL. */
void tune_spec_write(const struct tune *tune, bool of_eviction, const double *places, char *text, size_t size);

#endif
