/* gen_text.h - text that grows, and the reading of text files for the generator. */
#ifndef KVCAST_GEN_TEXT_H
#define KVCAST_GEN_TEXT_H

#include "base.h"
#include "err.h"

/* Zeroed is empty. `text` ends with a NUL that `length` does not count, and is NULL until something is added. */
struct gen_text {
	char *text;
	size_t length, capacity;
};

void gen_text_add(struct gen_text *to, const char *text, size_t length);
void gen_text_add_words(struct gen_text *to, const char *text); /* all of a C string */
void gen_text_free(struct gen_text *text);

/* A list of texts it owns. Zeroed is empty. */
struct gen_text_list {
	char **texts;
	size_t count;
};

void gen_text_list_add(struct gen_text_list *to, const char *text, size_t length);
void gen_text_list_free(struct gen_text_list *texts);

/* Reads a text file ("-", gzip too) into `text`: UTF-8, lines ended by LF, no blank line at either end, and no line end
 * after the last line; a CR inside a line becomes a blank. -1 and a sentence with file:line where it is no text, is
 * empty, or passes GEN_TEXT_FILE_MOST. */
#define GEN_TEXT_FILE_MOST ((size_t)256 << 20)
int gen_text_read(struct gen_text *text, const char *path, struct err *err);

#endif
