/* output.h - files that appear whole or not at all.
 *
 * An output is written beside its final name under a temporary one; output_commit() flushes, syncs and renames it.
 * Whatever ends the program before that leaves no file: output_abort() removes the temporary one, and so does
 * output_abort_all(), which is safe in a signal handler. "-" is standard output (nothing to rename; a full disk or a
 * closed pipe is still reported by commit). A name that ends in ".gz" compresses (no time stamp inside: equal data,
 * equal bytes). Names of existing things that are no regular file (/dev/stdout, a fifo) are written in place.
 *
 * Write errors are remembered and told once, by output_commit(), as a sentence with the path.
 */
#ifndef KVCAST_OUTPUT_H
#define KVCAST_OUTPUT_H

#include "base.h"
#include "err.h"

struct output;

struct output *output_open(const char *path, struct err *err);
void output_write(struct output *output, const void *data, size_t size);
/* A field of a CSV, in quotes where it needs them. */
void output_csv_text(struct output *output, const char *text);
void output_printf(struct output *output, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Frees the output in every case. -1 and a sentence where the data did not reach the disk. */
int output_commit(struct output *output, struct err *err);
void output_abort(struct output *output);
void output_abort_all(void);

#endif
