/* units.h - durations, sizes and rates as people write them, and back.
 *
 *   duration  250us 250ms 300s 5m 1h 7d inf       bare numbers are refused: the unit is never guessed
 *   size      512 (bytes) 40GiB 1TiB 40GB 1.5TB inf
 *   rate      50GB/s 100MB/s inf                  a size per second
 *   count     1000 1e6 10k 2M inf                 k, M and G are powers of 1000
 *
 * Each parse function takes the whole text (nothing may follow), returns 0, or -1 with a sentence in `err` that
 * names the text and what was expected. `inf` gives INT64_MAX (TIME_NEVER_NS for a duration) or INFINITY.
 */
#ifndef KVCAST_UNITS_H
#define KVCAST_UNITS_H

#include "base.h"
#include "err.h"

int units_duration(const char *text, int64_t *ns, struct err *err);
int units_size(const char *text, int64_t *bytes, struct err *err);
int units_rate(const char *text, double *bytes_per_s, struct err *err);
int units_count(const char *text, int64_t *count, struct err *err);
int units_real(const char *text, double *value, struct err *err);

/* Shortest exact form, e.g. 300 s -> "5m", 1500 ms -> "1500ms", TIME_NEVER_NS -> "inf". Returns `buffer`. */
const char *units_show_duration(int64_t ns, char *buffer, size_t size);
/* Rounded for people: "39.1 GiB". Returns `buffer`. */
const char *units_show_size(double bytes, char *buffer, size_t size);

#endif
