/* binary.h - the compiled form on disk: an image (image.h), plain or gzip.
 *
 * Reading is one pass into one piece of memory that grows with what arrives, not with what the header claims. Damaged,
 * short and overlong files, other versions and other byte orders are refused.
 */
#ifndef KVCAST_BINARY_H
#define KVCAST_BINARY_H

#include "input.h"
#include "trace.h"

/* Reads to the end. `name` becomes the trace's. */
struct trace *binary_load(struct input *input, const char *name, const struct trace_load_options *options,
			  struct err *err);

#endif
