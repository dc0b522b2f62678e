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
	int fault, fault_errno; /* why the end came too early (a zlib code); 0 where it did not */
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

/* Told when all that came before has been taken, so that the line it names is the last good one. */
static int input_fault(const struct input *input, struct err *err)
{
	char place[48] = "";
	if (input->line)
		snprintf(place, sizeof(place), " after line %" PRIu64, input->line);
	if (input->fault == Z_ERRNO)
		return err_set(err, "%s cannot be read%s: %s.", input->name, place, strerror(input->fault_errno));
	if (input->fault == Z_BUF_ERROR)
		return err_set(err, "%s is a gzip file that ends too early%s; it seems to be truncated.", input->name,
			       place);
	return err_set(err, "%s is a gzip file that is damaged%s.", input->name, place);
}

/* Straight from the stream, past the buffer. A short count is the end, be it good or not. */
static size_t input_fill(struct input *input, char *to, size_t size)
{
	size_t got = 0;
	while (got < size && !input->at_end) {
		unsigned piece = size - got < (1u << 30) ? (unsigned)(size - got) : 1u << 30;
		errno = 0;
		int count = gzread(input->file, to + got, piece);
		if (count < 0 || (unsigned)count < piece) {
			input->fault_errno = errno;
			gzerror(input->file, &input->fault);
			input->at_end = true;
		}
		got += count > 0 ? (size_t)count : 0;
	}
	return got;
}

int input_peek(struct input *input, void *data, size_t size, size_t *got, struct err *err)
{
	ASSERT(size <= 64 && input->line == 0 && input->begin == 0);
	if (input->end == 0)
		input->end = input_fill(input, input->buffer, input->capacity);
	if (input->end == 0 && input->fault)
		return input_fault(input, err);
	*got = size < input->end ? size : input->end;
	memcpy(data, input->buffer, *got);
	return 0;
}

static int input_line_too_long(const struct input *input, uint64_t line, struct err *err)
{
	return err_set(err, "%s:%" PRIu64 ": the line is longer than %zu MiB, the most a line may have.", input->name,
		       line, INPUT_LINE_MOST >> 20);
}

static void input_refill(struct input *input)
{
	memmove(input->buffer, input->buffer + input->begin, input->end - input->begin);
	input->end -= input->begin;
	input->begin = 0;
	if (input->end == input->capacity) {
		input->capacity *= 2;
		input->buffer = mem_grow(input->buffer, input->capacity + 1, 1);
	}
	input->end += input_fill(input, input->buffer + input->end, input->capacity - input->end);
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
		input_refill(input);
	}
	if (!newline && input->fault)
		return input_fault(input, err);
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
		return err_set(err, "%s:%" PRIu64 ": byte %zu of the line is NUL; expected text.", input->name,
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
	*got = buffered + input_fill(input, (char *)data + buffered, size - buffered);
	return *got < size && input->fault ? input_fault(input, err) : 0;
}
