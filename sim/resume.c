#include "resume.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct resume {
	char *path;
	int fd;
	json_t *lines; /* as they were when it was opened */
	size_t sweeps; /* gone on to, so far */
	atomic_bool is_unsynced, is_syncing;
};

static const char first_bytes[] = "{\"kvcast_sweep\": ";

static int failed_to(const struct resume *resume, const char *what, struct err *err)
{
	return err_set(err, "--resume %s cannot be %s: %s.", resume->path, what, strerror(errno));
}

/* 1: a whole line was read; 0: there is none any more. */
static int read_line(struct resume *resume, FILE *file, char **line, size_t *room, off_t *end, struct err *err)
{
	errno = 0;
	const ssize_t length = getline(line, room, file);
	if (length < 0)
		return ferror(file) ? failed_to(resume, "read", err) : 0;
	const size_t shared = (size_t)length < sizeof(first_bytes) - 1 ? (size_t)length : sizeof(first_bytes) - 1;
	if (*end == 0 && memcmp(*line, first_bytes, shared) != 0)
		return err_set(err, "--resume %s: line 1 is not the beginning of a file that --resume wrote; expected such a file, or "
		                    "none.", resume->path);
	if ((*line)[length - 1] != '\n')
		return 0;
	*end += length;
	json_t *object = json_loadb(*line, (size_t)length, 0, NULL);
	if (!json_is_object(object)) {
		json_decref(object);
		return err_set(err, "--resume %s: line %zu is no JSON object; the file is damaged.", resume->path,
		               json_array_size(resume->lines) + 1);
	}
	json_array_append_new(resume->lines, object);
	return 1;
}

static int read_lines(struct resume *resume, struct err *err)
{
	const int fd = dup(resume->fd);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	if (!file) {
		if (fd >= 0)
			close(fd);
		return failed_to(resume, "read", err);
	}
	char *line = NULL;
	size_t room = 0;
	off_t end = 0;
	int more;
	do {
		more = read_line(resume, file, &line, &room, &end, err);
	} while (more > 0);
	free(line);
	fclose(file);
	if (more == 0 && ftruncate(resume->fd, end) < 0)
		return failed_to(resume, "written", err);
	return more;
}

struct resume *resume_open(const char *path, struct err *err)
{
	struct resume *resume = mem_alloc(1, sizeof(*resume));
	resume->path = mem_copy_text(path);
	resume->lines = json_array();
	resume->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	int failed = 0;
	struct stat status;
	if (resume->fd < 0 || fstat(resume->fd, &status) < 0)
		failed = failed_to(resume, "opened", err);
	else if (!S_ISREG(status.st_mode))
		failed = err_set(err, "--resume %s is no regular file; expected one that can be read and added to.", path);
	else if (flock(resume->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		failed = err_set(err, "--resume %s is in use by another sweep; expected a file of its own for each.", path);
	if (!failed)
		failed = read_lines(resume, err);
	if (!failed)
		return resume;
	resume_close(resume);
	return NULL;
}

/* Takes `object` over; NULL stands for one with texts that are not UTF-8. */
static int append(struct resume *resume, json_t *object, struct err *err)
{
	char *text = object ? json_dumps(object, JSON_ENSURE_ASCII) : NULL;
	json_decref(object);
	if (!text)
		return err_set(err, "--resume %s: a file or option is named in other letters than UTF-8, which --resume needs.",
		               resume->path);
	const size_t length = strlen(text);
	text[length] = '\n'; /* in place of the NUL: one call writes the whole line */
	errno = 0;
	const ssize_t written = write(resume->fd, text, length + 1);
	free(text);
	resume->is_unsynced = true;
	if (written < 0)
		return failed_to(resume, "written", err);
	if ((size_t)written <= length)
		return err_set(err, "--resume %s took a part of a row only; the disk seems to be full.", resume->path);
	return 0;
}

/* The first setting that is not the same in both; NULL where all are. */
static const char *difference(const json_t *a, const json_t *b)
{
	const json_t *const both[] = {a, b};
	for (size_t i = 0; i < COUNT_OF(both); i++) {
		const char *key;
		json_t *value;
		json_object_foreach((json_t *)(uintptr_t)both[i], key, value) {
			if (!json_equal(value, json_object_get(both[!i], key)))
				return key;
		}
	}
	return NULL;
}

/* How a setting stands in a sentence, from letter `from` on: "lru" or "...lru..." or nothing at all. */
static const char *setting(const char *text, size_t from, char *buffer, size_t size)
{
	const int most = 60;
	if (!text)
		return "not given";
	snprintf(buffer, size, "\"%s%.*s%s\"", from ? "..." : "", most, text + from, strlen(text + from) > (size_t)most ? "..." : "");
	return buffer;
}

static int tell_difference(const struct resume *resume, size_t line, const char *key, const char *there, const char *here,
                           struct err *err)
{
	char buffers[2][128];
	size_t from = 0;
	for (size_t i = 0; there && here && there[i] && there[i] == here[i]; i++)
		from = there[i] == ',' ? i + 1 : from;
	return err_set(err, "--resume %s: line %zu was written by another sweep: %s is %s there and %s here; expected the same "
	                    "command, or a file of its own for this one.", resume->path, line + 1, key,
	               setting(there, from, buffers[0], sizeof(buffers[0])), setting(here, from, buffers[1], sizeof(buffers[1])));
}

static int check_settings(const struct resume *resume, size_t line, const json_t *settings, size_t points, struct err *err)
{
	const json_t *object = json_array_get(resume->lines, line), *theirs = json_object_get(object, "settings");
	const char *key = difference(theirs, settings);
	if (key)
		return tell_difference(resume, line, key, json_string_value(json_object_get(theirs, key)),
		                       json_string_value(json_object_get(settings, key)), err);
	if (json_integer_value(json_object_get(object, "points")) != (json_int_t)points)
		return err_set(err, "--resume %s: line %zu tells of another number of points than this sweep's %zu; expected the same "
		                    "command.", resume->path, line + 1, points);
	return 0;
}

static int read_row(const struct resume *resume, size_t line, size_t points, char **known, struct err *err)
{
	const json_t *object = json_array_get(resume->lines, line);
	const json_t *point = json_object_get(object, "point");
	const char *row = json_string_value(json_object_get(object, "row"));
	const json_int_t index = json_is_integer(point) ? json_integer_value(point) : -1;
	if (index < 0 || (uint64_t)index >= points || !row || known[index])
		return err_set(err, "--resume %s: line %zu is no row of a point below %zu that no line had before; the file is damaged.",
		               resume->path, line + 1, points);
	known[index] = mem_copy_text(row);
	return 0;
}

int resume_sweep(struct resume *resume, const json_t *settings, size_t points, char **known, struct err *err)
{
	const json_int_t number = (json_int_t)resume->sweeps++;
	bool begun = false;
	int failed = 0;
	memset(known, 0, points * sizeof(*known));
	for (size_t i = 0; i < json_array_size(resume->lines) && !failed; i++) {
		const json_t *object = json_array_get(resume->lines, i);
		const json_t *begins = json_object_get(object, "kvcast_sweep"), *of = json_object_get(object, "sweep");
		if (json_is_integer(begins) && json_integer_value(begins) == number) {
			begun = true;
			failed = check_settings(resume, i, settings, points, err);
		} else if (json_is_integer(of) && json_integer_value(of) == number) {
			failed = read_row(resume, i, points, known, err);
		}
	}
	if (!begun && !failed)
		failed = append(resume, json_pack("{s:I, s:I, s:O}", "kvcast_sweep", number, "points", (json_int_t)points,
		                                  "settings", settings), err);
	for (size_t i = 0; i < points && failed; i++) {
		free(known[i]);
		known[i] = NULL;
	}
	return failed;
}

int resume_add(struct resume *resume, size_t point, const char *row, struct err *err)
{
	return append(resume, json_pack("{s:I, s:I, s:s}", "sweep", (json_int_t)resume->sweeps - 1, "point", (json_int_t)point,
	                                "row", row), err);
}

int resume_sync(struct resume *resume, struct err *err)
{
	int failed = 0;
	/* Looked at again at the end: a row may have come between the last sync and the end of syncing. */
	while (resume->is_unsynced && !failed && !atomic_exchange(&resume->is_syncing, true)) {
		while (atomic_exchange(&resume->is_unsynced, false) && !failed)
			failed = fdatasync(resume->fd) < 0 ? failed_to(resume, "written", err) : 0;
		resume->is_syncing = false;
	}
	return failed;
}

void resume_close(struct resume *resume)
{
	if (resume->fd >= 0)
		close(resume->fd);
	json_decref(resume->lines);
	free(resume->path);
	free(resume);
}
