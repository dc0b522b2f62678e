#include "gen_text.h"

#include "input.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void gen_text_add(struct gen_text *to, const char *text, size_t length)
{
	if (to->length + length + 1 > to->capacity) {
		to->capacity = 2 * (to->length + length + 1);
		to->text = mem_grow(to->text, to->capacity, 1);
	}
	memcpy(to->text + to->length, text, length);
	to->length += length;
	to->text[to->length] = '\0';
}

void gen_text_add_words(struct gen_text *to, const char *text)
{
	gen_text_add(to, text, strlen(text));
}

void gen_text_free(struct gen_text *text)
{
	free(text->text);
	*text = (struct gen_text){0};
}

void gen_text_list_add(struct gen_text_list *to, const char *text, size_t length)
{
	/* The capacity is the power of two at or above the count. */
	if ((to->count & (to->count - 1)) == 0)
		to->texts = mem_grow(to->texts, to->count ? 2 * to->count : 1, sizeof(*to->texts));
	char *copy = mem_alloc(length + 1, 1);
	memcpy(copy, text, length);
	to->texts[to->count++] = copy;
}

void gen_text_list_free(struct gen_text_list *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->texts[i]);
	free(texts->texts);
	*texts = (struct gen_text_list){0};
}

/* Length of the well-formed UTF-8 that `text` begins with: no overlong forms, surrogates, or code points past U+10FFFF.
 */
static size_t utf8_prefix(const unsigned char *text, size_t length)
{
	size_t at = 0;
	while (at < length) {
		unsigned char c = text[at];
		size_t bytes = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
		if (bytes == 0 || bytes > length - at)
			return at;
		for (size_t i = 1; i < bytes; i++)
			if ((text[at + i] & 0xC0) != 0x80)
				return at;
		if ((c == 0xE0 && text[at + 1] < 0xA0) || (c == 0xED && text[at + 1] >= 0xA0) ||
		    (c == 0xF0 && text[at + 1] < 0x90) || (c == 0xF4 && text[at + 1] >= 0x90))
			return at;
		at += bytes;
	}
	return at;
}

static int read_lines(struct gen_text *text, struct input *input, struct err *err)
{
	char *line;
	size_t length, waiting = 0; /* blank lines that are kept only if another line follows */
	int status;
	while ((status = input_line(input, &line, &length, err)) > 0) {
		size_t good = utf8_prefix((const unsigned char *)line, length);
		if (good < length)
			return err_set(err, "%s:%" PRIu64 ": byte %zu is no UTF-8; expected a text file.",
				       input_name(input), input_line_number(input), good + 1);
		if (text->length + length > GEN_TEXT_FILE_MOST)
			return err_set(err, "%s:%" PRIu64 ": the text passes %zu MiB, the most there may be.",
				       input_name(input), input_line_number(input), GEN_TEXT_FILE_MOST >> 20);
		if (strspn(line, " \t\f\v\r") == length) {
			waiting++;
			continue;
		}
		/* A stray CR would be a line end to the tokenizer. */
		for (char *cr = line; (cr = memchr(cr, '\r', length - (size_t)(cr - line))); cr++)
			*cr = ' ';
		for (waiting = text->length ? waiting + 1 : 0; waiting > 0; waiting--)
			gen_text_add(text, "\n", 1);
		gen_text_add(text, line, length);
	}
	if (status == 0 && text->length == 0)
		return err_set(err, "%s: the file is empty; expected text.", input_name(input));
	return status;
}

int gen_text_read(struct gen_text *text, const char *path, struct err *err)
{
	*text = (struct gen_text){0};
	struct input *input = input_open(path, err);
	if (!input)
		return -1;
	int status = read_lines(text, input, err);
	input_close(input);
	if (status < 0)
		gen_text_free(text);
	return status;
}
