#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* Most outputs that can be open at once; a fixed table, because a signal handler walks it. */
#define OUTPUT_MOST         32
#define OUTPUT_BUFFER_BYTES (1u << 18)

enum output_place { OUTPUT_STDOUT, OUTPUT_IN_PLACE, OUTPUT_RENAMED };

struct output {
	enum output_place place;
	char *path;  /* as given, for messages */
	char *final; /* what `temporary` is renamed to */
	char *temporary;
	int fd;
	FILE *plain; /* one of the two is open */
	gzFile packed;
	int error; /* errno of the first write that failed */
	size_t slot;
};

static _Atomic(struct output *) open_outputs[OUTPUT_MOST];

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);
	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static int output_slot(struct output *output, struct err *err)
{
	for (output->slot = 0; output->slot < OUTPUT_MOST; output->slot++) {
		struct output *empty = NULL;
		if (atomic_compare_exchange_strong(&open_outputs[output->slot], &empty, output))
			return 0;
	}
	return err_set(err, "%s cannot be written: %d outputs are open already.", output->path, OUTPUT_MOST);
}

/* The name has the process and a count in it, so that two programs writing to one folder do not meet; O_EXCL settles
 * what is left over from a killed one. */
static int output_create(struct output *output, struct err *err)
{
	static atomic_uint serial;
	const char *slash = strrchr(output->final, '/');
	int folder = slash ? (int)(slash + 1 - output->final) : 0;
	size_t bytes = (size_t)folder + 64;
	output->temporary = mem_alloc(bytes, 1);
	do {
		snprintf(output->temporary, bytes, "%.*s.kvcast-%ld-%u.tmp", folder, output->final, (long)getpid(),
			 atomic_fetch_add(&serial, 1));
		output->fd = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	} while (output->fd < 0 && errno == EEXIST);
	if (output->fd < 0)
		return err_set(err, "%s cannot be written: %s.", output->path, strerror(errno));
	return 0;
}

/* Between creating the temporary file and noting it no signal may come, else its handler would leave the file. */
static int output_create_noted(struct output *output, struct err *err)
{
	sigset_t every, before;
	sigfillset(&every);
	pthread_sigmask(SIG_BLOCK, &every, &before);
	int status = output_create(output, err);
	if (status == 0 && output_slot(output, err) < 0) {
		unlink(output->temporary);
		status = -1;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return status;
}

static int output_place(struct output *output, struct err *err)
{
	if (strcmp(output->path, "-") == 0 || strcmp(output->path, "/dev/stdout") == 0) {
		output->place = OUTPUT_STDOUT;
		return 0;
	}
	struct stat status;
	bool exists = stat(output->path, &status) == 0;
	if (exists && S_ISDIR(status.st_mode))
		return err_set(err, "%s cannot be written: it is a folder.", output->path);
	if (exists && !S_ISREG(status.st_mode)) {
		output->place = OUTPUT_IN_PLACE;
		output->fd = open(output->path, O_WRONLY | O_CLOEXEC);
		return output->fd < 0 ? err_set(err, "%s cannot be written: %s.", output->path, strerror(errno)) : 0;
	}
	output->place = OUTPUT_RENAMED;
	/* A link keeps pointing where it points; what it points to is replaced. */
	output->final = exists ? realpath(output->path, NULL) : NULL;
	if (!output->final)
		output->final = mem_copy_text(output->path);
	if (output_create_noted(output, err) < 0)
		return -1;
	if (exists)
		(void)!fchmod(output->fd, status.st_mode & 07777); /* a refusal leaves the default mode, no harm */
	return 0;
}

static void output_free(struct output *output)
{
	if (output->place == OUTPUT_RENAMED && output->slot < OUTPUT_MOST)
		atomic_store(&open_outputs[output->slot], NULL);
	if (output->fd >= 0)
		close(output->fd);
	free(output->path);
	free(output->final);
	free(output->temporary);
	free(output);
}

struct output *output_open(const char *path, struct err *err)
{
	if (!path[0]) {
		err_set(err, "The name of an output is empty; a file name, or - for standard output, is expected.");
		return NULL;
	}
	struct output *output = mem_alloc(1, sizeof(*output));
	output->fd = -1;
	output->slot = OUTPUT_MOST;
	output->path = mem_copy_text(path);
	if (output_place(output, err) < 0) {
		output_free(output);
		return NULL;
	}
	if (output->place == OUTPUT_STDOUT) {
		output->plain = stdout;
		return output;
	}
	/* The stream gets a descriptor of its own: ours is synced after the stream has been closed. */
	int stream_fd = dup(output->fd);
	if (stream_fd >= 0 && ends_with(path, ".gz"))
		output->packed = gzdopen(stream_fd, "wb6");
	else if (stream_fd >= 0)
		output->plain = fdopen(stream_fd, "wb");
	if (!output->packed && !output->plain) {
		err_set(err, "%s cannot be written: %s.", path, strerror(errno));
		if (stream_fd >= 0)
			close(stream_fd);
		output_abort(output);
		return NULL;
	}
	if (output->packed)
		gzbuffer(output->packed, OUTPUT_BUFFER_BYTES);
	else
		setvbuf(output->plain, NULL, _IOFBF, OUTPUT_BUFFER_BYTES);
	return output;
}

static void output_failed(struct output *output)
{
	if (!output->error)
		output->error = errno ? errno : EIO;
}

void output_write(struct output *output, const void *data, size_t size)
{
	const char *from = data;
	while (size > 0 && !output->error) {
		/* zlib counts in unsigned int. */
		size_t piece = size < (1u << 30) ? size : (1u << 30);
		errno = 0;
		size_t written = output->packed ? (size_t)gzwrite(output->packed, from, (unsigned)piece)
						: fwrite(from, 1, piece, output->plain);
		if (written != piece)
			output_failed(output);
		from += piece;
		size -= piece;
	}
}

void output_csv_text(struct output *output, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		output_write(output, text, strlen(text));
		return;
	}
	output_write(output, "\"", 1);
	for (; *text; text++)
		output_write(output, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
	output_write(output, "\"", 1);
}

void output_printf(struct output *output, const char *format, ...)
{
	char few[1024];
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int length = vsnprintf(few, sizeof(few), format, args);
	va_end(args);
	ASSERT(length >= 0);
	if ((size_t)length < sizeof(few)) {
		output_write(output, few, (size_t)length);
	} else {
		char *many = mem_alloc((size_t)length + 1, 1);
		vsnprintf(many, (size_t)length + 1, format, again);
		output_write(output, many, (size_t)length);
		free(many);
	}
	va_end(again);
}

static void output_close_stream(struct output *output)
{
	errno = 0;
	int status = 0;
	if (output->place == OUTPUT_STDOUT)
		status = fflush(output->plain);
	else if (output->packed)
		status = gzclose_w(output->packed);
	else if (output->plain)
		status = fclose(output->plain);
	if (status != 0)
		output_failed(output);
	output->packed = NULL;
	output->plain = NULL;
}

/* The rename itself reaches the disk with its folder. A file system that cannot sync folders is let be. */
static void output_sync_folder(const char *path)
{
	char *folder = mem_copy_text(path);
	char *slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder ? 1 : 0] = '\0';
	int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(folder);
}

int output_commit(struct output *output, struct err *err)
{
	output_close_stream(output);
	if (output->place == OUTPUT_RENAMED) {
		if (!output->error && fsync(output->fd) != 0)
			output_failed(output);
		if (!output->error && rename(output->temporary, output->final) != 0)
			output_failed(output);
		if (output->error)
			unlink(output->temporary);
		else
			output_sync_folder(output->final);
	}
	int status = 0;
	if (output->error)
		status =
		    err_set(err, "%s could not be written: %s.",
			    output->place == OUTPUT_STDOUT ? "Standard output" : output->path, strerror(output->error));
	output_free(output);
	return status;
}

void output_abort(struct output *output)
{
	output_close_stream(output);
	if (output->place == OUTPUT_RENAMED)
		unlink(output->temporary);
	output_free(output);
}

void output_abort_all(void)
{
	for (size_t slot = 0; slot < OUTPUT_MOST; slot++) {
		struct output *output = atomic_load(&open_outputs[slot]);
		if (output)
			unlink(output->temporary);
	}
}
