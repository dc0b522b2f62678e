#include "tier_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define NAME_BYTES 128

static int open_folder(const char *path, int *folder)
{
	*folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *folder < 0 ? errno : 0;
}

/* Held until the folder is closed. */
static int lock(int folder, int how)
{
	while (flock(folder, how) < 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

static int write_all(int fd, const void *data, size_t bytes)
{
	for (const char *from = data; bytes > 0;) {
		const ssize_t written = write(fd, from, bytes);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return errno;
		from += written;
		bytes -= (size_t)written;
	}
	return 0;
}

/* Under a name that nobody else has, also where process numbers repeat (other machines, a killed process before). */
static int write_beside(int folder, const struct tier_file *file, char name[NAME_BYTES])
{
	static atomic_uint serial;
	int fd;
	ASSERT(strlen(file->name) <= 64);
	do {
		snprintf(name, NAME_BYTES, "%s.%ld-%u.tmp", file->name, (long)getpid(), atomic_fetch_add(&serial, 1));
		fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	} while (fd < 0 && errno == EEXIST);
	if (fd < 0)
		return errno;
	int error = write_all(fd, file->data, file->bytes);
	if (close(fd) < 0 && !error)
		error = errno;
	if (error)
		unlinkat(folder, name, 0);
	return error;
}

static int rename_both(int folder, const struct tier_file files[2], char names[2][NAME_BYTES])
{
	int error = lock(folder, LOCK_EX), renamed = 0;
	for (; !error && renamed < 2; renamed++)
		error = renameat(folder, names[renamed], folder, files[renamed].name) < 0 ? errno : 0;
	if (!error)
		return 0;
	if (renamed == 2)
		unlinkat(folder, files[1].name, 0);
	unlinkat(folder, names[0], 0);
	unlinkat(folder, names[1], 0);
	return error;
}

int tier_files_put(const char *path, const struct tier_file files[2])
{
	char names[2][NAME_BYTES];
	int folder, error = open_folder(path, &folder);
	if (error)
		return error;
	error = write_beside(folder, &files[0], names[0]);
	if (!error) {
		error = write_beside(folder, &files[1], names[1]);
		if (error)
			unlinkat(folder, names[0], 0);
	}
	if (!error)
		error = rename_both(folder, files, names);
	close(folder);
	return error;
}

int tier_files_open(const char *path, const char *const names[2], int fds[2])
{
	int folder, error = open_folder(path, &folder);
	fds[0] = fds[1] = -1;
	if (error)
		return error;
	error = lock(folder, LOCK_SH);
	for (int i = 0; !error && i < 2; i++) {
		fds[i] = openat(folder, names[i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		error = fds[i] < 0 && errno != ENOENT ? errno : 0;
	}
	close(folder);
	if (error && fds[0] >= 0) {
		close(fds[0]);
		fds[0] = -1;
	}
	return error;
}

int tier_files_remove(const char *path, const char *const names[2])
{
	int folder, error = open_folder(path, &folder);
	if (error)
		return error;
	error = lock(folder, LOCK_EX);
	for (int i = 2; !error && i-- > 0;)
		error = unlinkat(folder, names[i], 0) < 0 && errno != ENOENT ? errno : 0;
	close(folder);
	return error;
}
