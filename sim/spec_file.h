/* spec_file.h - a SPEC in a file, where it is too long for a command line: --ttl @FILE.
 *
 * The file's lines are one SPEC. Each line is a part of it, as parted by ';' in one line; a line that ends in ':' or ',' goes
 * on in the next. Blanks around a line, a ';' at its end, empty lines, and what follows a # at the start of a line or after a
 * blank do not count:
 *
 *     static:ttl=5m          # for all
 *     class=planner:ttl=1h
 *     class=coder:
 *         ttl=10m,
 *         max_age=1h
 */
#ifndef KVCAST_SPEC_FILE_H
#define KVCAST_SPEC_FILE_H

#include "spec.h"

/* spec->text becomes the SPEC in one line. -1 and a sentence that names file and line. */
int spec_file_parse(struct spec *spec, const char *path, struct err *err);

#endif
