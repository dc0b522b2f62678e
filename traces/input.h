/* input.h - a file or standard input, gzip or plain, read by lines or by bytes.
 *
 * gzip is told by its two magic bytes, so a name says nothing and a pipe works. Lines are handed out in the one buffer
 * the reader owns; it grows to the longest line and never past INPUT_LINE_MOST. A damaged or truncated gzip stream is
 * an error, not an end.
 *
 * Sentences carry the place themselves: "PATH:LINE: ..." or "PATH: ... after line N.".
 */
#ifndef KVCAST_INPUT_H
#define KVCAST_INPUT_H

#include "base.h"
#include "err.h"

#define INPUT_LINE_MOST ((size_t)64 << 20)

struct input;

/* "-" is standard input. NULL and a sentence where the file cannot be opened. */
struct input *input_open(const char *path, struct err *err);
void input_close(struct input *input);

/* For messages: the path, or "standard input". */
const char *input_name(const struct input *input);
/* Number, from 1, of the line input_line gave last; 0 before the first. */
uint64_t input_line_number(const struct input *input);

/* Copies up to `size` (at most 64) bytes from the start of the data without taking them; *got is smaller only where the
 * data is shorter. To be called before anything is read. */
int input_peek(struct input *input, void *data, size_t size, size_t *got, struct err *err);

/* Next line, without its LF or CRLF, ended by a NUL that `length` does not count; valid until the next call. The text
 * may be changed. 1: a line; 0: the end; -1: a sentence (read error, line too long, NUL byte). */
int input_line(struct input *input, char **line, size_t *length, struct err *err);

/* Reads up to `size` bytes; *got is smaller only at the end of the data. */
int input_read(struct input *input, void *data, size_t size, size_t *got, struct err *err);

#endif
