#define _GNU_SOURCE /* O_DIRECT, mkostemp */
#include "tier_disk.h"

#include "tier_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct slot {
	uint64_t checksum;
	struct tier_io_request *in_flight; /* those on this slot that nobody has waited for, newest first */
};

struct tier_disk {
	char *folder;
	size_t block_bytes;
	int fd;
	bool is_direct;
	struct tier_keys *keys;
	struct slot *slots;
	struct tier_jobs *jobs;
	struct tier_io_counts counts;
};

/* An unnamed file in the folder; -1 and errno. */
static int open_unnamed(const char *folder, int flags)
{
	const size_t bytes = strlen(folder) + sizeof("/kvcast-disk-XXXXXX");
	char *path = mem_alloc(bytes, 1);
	snprintf(path, bytes, "%s/kvcast-disk-XXXXXX", folder);
	const int fd = mkostemp(path, flags | O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	free(path);
	return fd;
}

/* Some file systems refuse O_DIRECT when the file is opened, others when it is used. */
static int take_directly(struct tier_disk *disk)
{
	void *page = aligned_alloc(TIER_IO_ALIGN, TIER_IO_ALIGN);
	if (!page)
		panic_memory(TIER_IO_ALIGN, __FILE__, __LINE__);
	memset(page, 0, TIER_IO_ALIGN);
	int status = 0;
	if (pwrite(disk->fd, page, TIER_IO_ALIGN, 0) < 0) {
		disk->is_direct = false;
		status = errno == EINVAL ? fcntl(disk->fd, F_SETFL, 0) : -1;
	}
	free(page);
	return status;
}

static int open_file(struct tier_disk *disk, const struct tier_disk_options *options, struct err *err)
{
	disk->fd = open_unnamed(options->folder, O_DIRECT);
	disk->is_direct = disk->fd >= 0;
	if (disk->fd < 0 && errno == EINVAL)
		disk->fd = open_unnamed(options->folder, 0);
	if (disk->fd < 0)
		return err_set(err, "%s cannot hold the disk tier: %s.", options->folder, strerror(errno));
	const double mib = (double)options->slots * (double)options->block_bytes / 0x1p20;
	const int error = posix_fallocate(disk->fd, 0, (off_t)(options->slots * options->block_bytes));
	if (error)
		return err_set(err, "%s has no room for a disk tier of %.0f MiB: %s.", options->folder, mib,
			       strerror(error));
	if (disk->is_direct && take_directly(disk) < 0)
		return err_set(err, "%s cannot hold the disk tier: %s.", options->folder, strerror(errno));
	return 0;
}

struct tier_disk *tier_disk_open(const struct tier_disk_options *options, struct err *err)
{
	if (options->slots == 0 || options->block_bytes == 0 || options->block_bytes % TIER_IO_ALIGN) {
		err_set(err, "A disk tier of %u blocks of %zu bytes; expected at least one, of a multiple of %d bytes.",
			options->slots, options->block_bytes, TIER_IO_ALIGN);
		return NULL;
	}
	struct tier_disk *disk = mem_alloc(1, sizeof(*disk));
	disk->folder = mem_copy_text(options->folder);
	disk->block_bytes = options->block_bytes;
	disk->keys = tier_keys_open(options->slots);
	disk->slots = mem_alloc(options->slots, sizeof(*disk->slots));
	if (open_file(disk, options, err) == 0)
		disk->jobs = tier_jobs_open(options->depth, err);
	if (!disk->jobs) {
		tier_disk_close(disk);
		return NULL;
	}
	return disk;
}

void tier_disk_close(struct tier_disk *disk)
{
	if (!disk)
		return;
	tier_jobs_close(disk->jobs);
	if (disk->fd >= 0)
		close(disk->fd);
	tier_keys_close(disk->keys);
	free(disk->slots);
	free(disk->folder);
	free(disk);
}

bool tier_disk_is_direct(const struct tier_disk *disk)
{
	return disk->is_direct;
}

bool tier_disk_has(const struct tier_disk *disk, struct tier_io_key key)
{
	return tier_keys_find(disk->keys, key) != TIER_KEYS_NONE;
}

uint32_t tier_disk_count(const struct tier_disk *disk)
{
	return tier_keys_count(disk->keys);
}

const struct tier_io_counts *tier_disk_counts(const struct tier_disk *disk)
{
	return &disk->counts;
}

/* The whole block to or from its slot; the bytes that were moved, or -1 and errno. */
static ssize_t move(const struct tier_disk *disk, const struct tier_io_request *request)
{
	const off_t start = (off_t)(request->slot * disk->block_bytes);
	size_t moved = 0;
	while (moved < disk->block_bytes) {
		char *at = (char *)request->block + moved;
		const size_t rest = disk->block_bytes - moved;
		const ssize_t now = request->is_write ? pwrite(disk->fd, at, rest, start + (off_t)moved)
						      : pread(disk->fd, at, rest, start + (off_t)moved);
		if (now < 0 && errno == EINTR)
			continue;
		if (now < 0)
			return -1;
		if (now == 0)
			break;
		moved += (size_t)now;
	}
	return (ssize_t)moved;
}

static void run(struct tier_job *job)
{
	struct tier_io_request *request = tier_io_request_of(job);
	struct tier_disk *disk = request->medium;
	struct slot *slot = &disk->slots[request->slot];
	const char *verb = request->is_write ? "written" : "read";
	const ssize_t moved = move(disk, request);
	request->outcome = TIER_IO_DONE;
	request->stored_bytes = disk->block_bytes;
	if (moved < 0)
		tier_io_refuse(request, tier_io_outcome_of(errno),
			       "A block of the disk tier in %s could not be %s: %s.", disk->folder, verb,
			       strerror(errno));
	else if ((size_t)moved < disk->block_bytes)
		tier_io_refuse(request, TIER_IO_SHORT,
			       "A block of the disk tier in %s could not be %s: %zd bytes, not %zu.", disk->folder,
			       verb, moved, disk->block_bytes);
	else if (request->is_write)
		slot->checksum = tier_io_checksum(request->block, disk->block_bytes);
	else if (slot->checksum != tier_io_checksum(request->block, disk->block_bytes))
		tier_io_refuse(
		    request, TIER_IO_DAMAGED,
		    "A block of the disk tier in %s is damaged: its checksum is not that of what was written.",
		    disk->folder);
}

static void finish(struct tier_disk *disk, struct tier_io_request *request)
{
	tier_jobs_wait(disk->jobs, &request->job);
	request->is_settled = true;
	tier_io_count(&disk->counts, request);
	if (request->outcome != TIER_IO_DONE && tier_keys_find(disk->keys, request->key) == request->slot)
		tier_keys_remove(disk->keys, request->slot);
}

/* Until then nothing else may use the slot. */
static void finish_all_of(struct tier_disk *disk, uint32_t slot)
{
	struct tier_io_request *request = disk->slots[slot].in_flight;
	disk->slots[slot].in_flight = NULL;
	while (request) {
		struct tier_io_request *next = request->next_of_slot;
		finish(disk, request);
		request = next;
	}
}

/* The key's slot, with nothing in flight. */
static uint32_t quiet_slot(struct tier_disk *disk, struct tier_io_key key)
{
	const uint32_t slot = tier_keys_find(disk->keys, key);
	if (slot != TIER_KEYS_NONE)
		finish_all_of(disk, slot);
	return tier_keys_find(disk->keys, key);
}

static void begin(struct tier_disk *disk, struct tier_io_request *request, uint32_t slot)
{
	ASSERT((uintptr_t)request->block % TIER_IO_ALIGN == 0);
	request->slot = slot;
	request->next_of_slot = disk->slots[slot].in_flight;
	disk->slots[slot].in_flight = request;
	request->job.run = run;
	tier_jobs_begin(disk->jobs, &request->job);
}

void tier_disk_write(struct tier_disk *disk, struct tier_io_key key, const void *block, struct tier_io_request *request)
{
	*request = (struct tier_io_request){.medium = disk, .key = key, .block = (void *)block, .is_write = true};
	uint32_t slot = quiet_slot(disk, key);
	if (slot == TIER_KEYS_NONE)
		slot = tier_keys_add(disk->keys, key);
	if (slot != TIER_KEYS_NONE) {
		begin(disk, request, slot);
		return;
	}
	tier_io_refuse(request, TIER_IO_FULL, "The disk tier in %s is full: it holds %u blocks.", disk->folder,
		       tier_keys_count(disk->keys));
	request->is_settled = true;
	tier_io_count(&disk->counts, request);
}

void tier_disk_read(struct tier_disk *disk, struct tier_io_key key, void *block, struct tier_io_request *request)
{
	*request = (struct tier_io_request){.medium = disk, .key = key, .block = block};
	const uint32_t slot = quiet_slot(disk, key);
	if (slot != TIER_KEYS_NONE) {
		begin(disk, request, slot);
		return;
	}
	tier_io_refuse(request, TIER_IO_ABSENT, "The disk tier in %s does not hold the block.", disk->folder);
	request->is_settled = true;
	tier_io_count(&disk->counts, request);
}

enum tier_io_outcome tier_disk_wait(struct tier_disk *disk, struct tier_io_request *request)
{
	if (!request->is_settled)
		finish_all_of(disk, request->slot);
	return request->outcome;
}

void tier_disk_drop(struct tier_disk *disk, struct tier_io_key key)
{
	const uint32_t slot = quiet_slot(disk, key);
	if (slot != TIER_KEYS_NONE)
		tier_keys_remove(disk->keys, slot);
}
