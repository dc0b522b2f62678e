#include "text_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES ((size_t)1 << 20)

char *text_file_read(const char *path, struct err *err)
{
	FILE *file = fopen(path, "rb");
	if (!file) {
		err_set(err, "%s cannot be opened: %s.", path, strerror(errno));
		return NULL;
	}
	char *text = mem_alloc(MOST_BYTES + 1, 1);
	const size_t size = fread(text, 1, MOST_BYTES, file);
	const bool more = fgetc(file) != EOF, failed = ferror(file) != 0;
	fclose(file);
	if (failed)
		err_set(err, "%s cannot be read: %s.", path, strerror(errno));
	else if (more)
		err_set(err, "%s is larger than %zu bytes; expected a small file of settings.", path, MOST_BYTES);
	else if (memchr(text, '\0', size))
		err_set(err, "%s holds a NUL byte; expected text.", path);
	else
		return text;
	free(text);
	return NULL;
}
