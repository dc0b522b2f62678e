#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define INPUT_BUFFER_BYTES ((size_t)1 << 18)

struct input {
	char *name;
	gzFile file;
	char *buffer; /* one byte longer than `capacity`, for the NUL of a last line */
	size_t capacity;
	size_t begin, end; /* bytes read and not yet taken */
	uint64_t line;
	bool at_end;
};

struct input *input_open(const char *path, struct err *err)
{
	bool standard = strcmp(path, "-") == 0;
	const char *name = standard ? "standard input" : path;
	int fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err_set(err, "%s cannot be opened: %s.", name, strerror(errno));
		return NULL;
	}
	gzFile file = gzdopen(fd, "rb");
	if (!file) {
		close(fd);
		err_set(err, "%s cannot be read: zlib has no memory.", name);
		return NULL;
	}
	gzbuffer(file, 1 << 16);
	struct input *input = mem_alloc(1, sizeof(*input));
	input->name = mem_copy_text(name);
	input->file = file;
	input->capacity = INPUT_BUFFER_BYTES;
	input->buffer = mem_alloc(input->capacity + 1, 1);
	return input;
}

void input_close(struct input *input)
{
	if (!input)
		return;
	gzclose_r(input->file);
	free(input->buffer);
	free(input->name);
	free(input);
}

const char *input_name(const struct input *input)
{
	return input->name;
}

uint64_t input_line_number(const struct input *input)
{
	return input->line;
}

static int input_failed(const struct input *input, int code, const char *what, struct err *err)
{
	char place[48] = "";
	if (input->line)
		snprintf(place, sizeof(place), " after line %" PRIu64, input->line);
	if (code == Z_ERRNO)
		return err_set(err, "%s cannot be read%s: %s.", input->name, place, strerror(errno));
	if (code == Z_BUF_ERROR)
		return err_set(err, "%s is a gzip file that ends too early%s; it seems to be truncated.", input->name,
			       place);
	return err_set(err, "%s is a damaged gzip file%s (zlib: %s).", input->name, place, what);
}

/* Straight from the stream, past the buffer. A short count without an error is the end. */
static int input_fill(struct input *input, char *to, size_t size, size_t *got, struct err *err)
{
	*got = 0;
	while (*got < size && !input->at_end) {
		size_t left = size - *got;
		unsigned piece = left < (1u << 30) ? (unsigned)left : 1u << 30;
		errno = 0;
		int count = gzread(input->file, to + *got, piece);
		if (count < 0 || (unsigned)count < piece) {
			int code;
			const char *what = gzerror(input->file, &code);
			if (code != Z_OK && code != Z_STREAM_END)
				return input_failed(input, code, what, err);
			input->at_end = true;
		}
		*got += (size_t)count;
	}
	return 0;
}

int input_peek(struct input *input, void *data, size_t size, size_t *got, struct err *err)
{
	ASSERT(size <= 64 && input->line == 0 && input->begin == 0);
	if (input->end == 0 && input_fill(input, input->buffer, input->capacity, &input->end, err) < 0)
		return -1;
	*got = size < input->end ? size : input->end;
	memcpy(data, input->buffer, *got);
	return 0;
}

static int input_line_too_long(const struct input *input, uint64_t line, struct err *err)
{
	return err_set(err, "%s:%" PRIu64 ": the line is longer than %zu MiB, the most a line may have.", input->name,
		       line, INPUT_LINE_MOST >> 20);
}

static int input_refill(struct input *input, struct err *err)
{
	memmove(input->buffer, input->buffer + input->begin, input->end - input->begin);
	input->end -= input->begin;
	input->begin = 0;
	if (input->end == input->capacity) {
		input->capacity *= 2;
		input->buffer = mem_grow(input->buffer, input->capacity + 1, 1);
	}
	size_t got;
	if (input_fill(input, input->buffer + input->end, input->capacity - input->end, &got, err) < 0)
		return -1;
	input->end += got;
	return 0;
}

int input_line(struct input *input, char **line, size_t *length, struct err *err)
{
	size_t searched = 0;
	char *newline;
	for (;;) {
		char *from = input->buffer + input->begin;
		size_t have = input->end - input->begin;
		newline = memchr(from + searched, '\n', have - searched);
		if (newline || input->at_end)
			break;
		if (have > INPUT_LINE_MOST)
			return input_line_too_long(input, input->line + 1, err);
		searched = have;
		if (input_refill(input, err) < 0)
			return -1;
	}
	if (input->begin == input->end)
		return 0;
	input->line++;
	*line = input->buffer + input->begin;
	*length = newline ? (size_t)(newline - *line) : input->end - input->begin;
	input->begin += *length + (newline ? 1 : 0);
	if (*length > INPUT_LINE_MOST)
		return input_line_too_long(input, input->line, err);
	if (*length > 0 && (*line)[*length - 1] == '\r')
		--*length;
	(*line)[*length] = '\0';
	const char *nul = memchr(*line, '\0', *length);
	if (nul)
		return err_set(err, "%s:%" PRIu64 ": byte %zu of the line is NUL; expected JSON text.", input->name,
			       input->line, (size_t)(nul - *line) + 1);
	return 1;
}

int input_read(struct input *input, void *data, size_t size, size_t *got, struct err *err)
{
	size_t buffered = input->end - input->begin;
	if (buffered > size)
		buffered = size;
	memcpy(data, input->buffer + input->begin, buffered);
	input->begin += buffered;
	size_t more;
	if (input_fill(input, (char *)data + buffered, size - buffered, &more, err) < 0)
		return -1;
	*got = buffered + more;
	return 0;
}
