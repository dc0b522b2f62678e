/* text_file.h - small files of settings, read whole. */
#ifndef KVCAST_TEXT_FILE_H
#define KVCAST_TEXT_FILE_H

#include "base.h"
#include "err.h"

/* The file's text, ended by a NUL; the caller frees it. NULL and a sentence for what cannot be read, holds a NUL byte, or
 * is larger than a MiB. */
char *text_file_read(const char *path, struct err *err);

#endif
