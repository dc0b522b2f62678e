#include "tier_archive.h"

#include "tier_files.h"
#include "tier_sidecar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define SIDECAR_MOST_BYTES 65536
#define MOST_BLOCK_BYTES   (1u << 31)

struct tier_archive {
	char *folder, *model, *dtype;
	struct tier_archive_identity identity;
	struct tier_jobs *jobs;
	struct tier_io_counts counts;
};

/* An object's two files, in the order they are put. */
enum { BLOCK, SIDECAR, FILES };

struct names {
	char block[TIER_IO_KEY_CHARS + 8], sidecar[TIER_IO_KEY_CHARS + 8];
	const char *both[FILES];
};

static void name_files(struct names *names, struct tier_io_key key)
{
	tier_io_key_format(key, names->block);
	tier_io_key_format(key, names->sidecar);
	strcat(names->block, ".kv");
	strcat(names->sidecar, ".json");
	names->both[BLOCK] = names->block;
	names->both[SIDECAR] = names->sidecar;
}

static int have_folder(const struct tier_archive *archive, struct err *err)
{
	if (mkdir(archive->folder, 0777) < 0 && errno != EEXIST)
		return err_set(err, "The archive %s cannot be made: %s.", archive->folder, strerror(errno));
	struct stat status;
	if (stat(archive->folder, &status) == 0 && !S_ISDIR(status.st_mode))
		return err_set(err, "The archive %s is no folder.", archive->folder);
	if (access(archive->folder, R_OK | W_OK | X_OK) < 0)
		return err_set(err, "The archive %s cannot be used: %s.", archive->folder, strerror(errno));
	return 0;
}

/* zlib counts in unsigned int; words that JSON cannot hold would make sidecars that nobody reads. */
static int check_identity(const struct tier_archive_identity *identity, struct err *err)
{
	if (identity->block_bytes == 0 || identity->block_bytes > MOST_BLOCK_BYTES)
		return err_set(err, "An archive of blocks of %zu bytes; expected 1 to %u.", identity->block_bytes,
			       MOST_BLOCK_BYTES);
	const struct tier_sidecar sidecar = {0};
	char *text = tier_sidecar_format(&sidecar, identity, (struct tier_io_key){0});
	if (!text)
		return err_set(err, "An archive's model and dtype are \"%s\" and \"%s\"; expected UTF-8.",
			       identity->model, identity->dtype);
	free(text);
	return 0;
}

struct tier_archive *tier_archive_open(const struct tier_archive_options *options, struct err *err)
{
	struct tier_archive *archive = mem_alloc(1, sizeof(*archive));
	archive->folder = mem_copy_text(options->folder);
	archive->model = mem_copy_text(options->identity.model);
	archive->dtype = mem_copy_text(options->identity.dtype);
	archive->identity = options->identity;
	archive->identity.model = archive->model;
	archive->identity.dtype = archive->dtype;
	if (check_identity(&archive->identity, err) == 0 && have_folder(archive, err) == 0)
		archive->jobs = tier_jobs_open(options->threads, err);
	if (!archive->jobs) {
		tier_archive_close(archive);
		return NULL;
	}
	return archive;
}

void tier_archive_close(struct tier_archive *archive)
{
	if (!archive)
		return;
	tier_jobs_close(archive->jobs);
	free(archive->folder);
	free(archive->model);
	free(archive->dtype);
	free(archive);
}

const struct tier_io_counts *tier_archive_counts(const struct tier_archive *archive)
{
	return &archive->counts;
}

static void refuse_by_errno(struct tier_io_request *request, int error, const char *name, const char *verb)
{
	const struct tier_archive *archive = request->medium;
	tier_io_refuse(request, tier_io_outcome_of(error), "%s/%s could not be %s: %s.", archive->folder, name, verb,
		       strerror(error));
}

/* What deflate may make of noise, whatever its settings (compressBound() is for zlib's defaults alone). */
static size_t most_packed(size_t raw_bytes)
{
	return raw_bytes + (raw_bytes >> 3) + (raw_bytes >> 6) + 64;
}

/* An ordinary zlib stream. Keys and values hold no strings that repeat; looking for some costs two thirds of the speed
 * and even packs worse than Huffman codes and runs alone (0.773 against 0.750 of uniform bf16). */
static size_t pack(uint8_t *packed, void *raw, size_t raw_bytes)
{
	z_stream stream = {.next_in = raw, .avail_in = (uInt)raw_bytes, .next_out = packed};
	if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS, MAX_MEM_LEVEL, Z_RLE) != Z_OK)
		panic_memory(raw_bytes, __FILE__, __LINE__);
	stream.avail_out = (uInt)most_packed(raw_bytes);
	const int status = deflate(&stream, Z_FINISH);
	ASSERT(status == Z_STREAM_END);
	deflateEnd(&stream);
	return stream.total_out;
}

static void run_write(struct tier_job *job)
{
	struct tier_io_request *request = tier_io_request_of(job);
	const struct tier_archive *archive = request->medium;
	const size_t raw_bytes = archive->identity.block_bytes;
	uint8_t *packed = mem_alloc(most_packed(raw_bytes), 1);
	const size_t packed_bytes = pack(packed, request->block, raw_bytes);
	const struct tier_sidecar sidecar = {request->now_ns, request->ttl_ns, packed_bytes,
					     tier_io_checksum(request->block, raw_bytes)};
	char *text = tier_sidecar_format(&sidecar, &archive->identity, request->key);
	struct names names;
	name_files(&names, request->key);
	const struct tier_file files[FILES] = {{names.block, packed, packed_bytes},
					       {names.sidecar, text, strlen(text)}};
	const int error = tier_files_put(archive->folder, files);
	request->stored_bytes = packed_bytes;
	request->outcome = TIER_IO_DONE;
	if (error)
		refuse_by_errno(request, error, names.block, "written");
	free(text);
	free(packed);
}

/* Up to `most` bytes of the file; how many there are, or -1 and errno. */
static ssize_t read_all(int fd, void *to, size_t most)
{
	size_t bytes = 0;
	while (bytes < most) {
		const ssize_t now = read(fd, (char *)to + bytes, most - bytes);
		if (now < 0 && errno == EINTR)
			continue;
		if (now < 0)
			return -1;
		if (now == 0)
			break;
		bytes += (size_t)now;
	}
	return (ssize_t)bytes;
}

/* False where the request has been refused. */
static bool read_sidecar(struct tier_io_request *request, int fd, const char *name, struct tier_sidecar *sidecar)
{
	const struct tier_archive *archive = request->medium;
	struct err why;
	char *text = mem_alloc(SIDECAR_MOST_BYTES, 1);
	const ssize_t bytes = read_all(fd, text, SIDECAR_MOST_BYTES);
	if (bytes < 0) {
		refuse_by_errno(request, errno, name, "read");
	} else {
		const enum tier_io_outcome outcome = tier_sidecar_parse(
		    sidecar, text, (size_t)bytes, &archive->identity, request->key, request->now_ns, &why);
		if (outcome != TIER_IO_DONE)
			tier_io_refuse(request, outcome, "%s/%s is %s: %.900s.", archive->folder, name,
				       tier_io_outcome_name(outcome), why.text);
	}
	free(text);
	return request->outcome == TIER_IO_DONE;
}

static void read_block(struct tier_io_request *request, int fd, const char *name, const struct tier_sidecar *sidecar)
{
	const struct tier_archive *archive = request->medium;
	const size_t raw_bytes = archive->identity.block_bytes, most = most_packed(raw_bytes);
	uint8_t *packed = mem_alloc(most + 1, 1);
	const ssize_t bytes = read_all(fd, packed, most + 1);
	uLongf unpacked_bytes = raw_bytes, used_bytes = (uLongf)bytes;
	if (bytes < 0)
		refuse_by_errno(request, errno, name, "read");
	else if ((size_t)bytes < sidecar->packed_bytes)
		tier_io_refuse(request, TIER_IO_SHORT, "%s/%s is short: it has %zd bytes, its sidecar says %llu.",
			       archive->folder, name, bytes, (unsigned long long)sidecar->packed_bytes);
	else if ((size_t)bytes > sidecar->packed_bytes)
		tier_io_refuse(request, TIER_IO_DAMAGED, "%s/%s is damaged: it has more bytes than its sidecar says.",
			       archive->folder, name);
	else if (uncompress2(request->block, &unpacked_bytes, packed, &used_bytes) != Z_OK ||
		 unpacked_bytes != raw_bytes || used_bytes != (uLongf)bytes)
		tier_io_refuse(request, TIER_IO_DAMAGED, "%s/%s is damaged: it cannot be unpacked.", archive->folder,
			       name);
	else if (tier_io_checksum(request->block, raw_bytes) != sidecar->checksum)
		tier_io_refuse(request, TIER_IO_DAMAGED, "%s/%s is damaged: its checksum is not its sidecar's.",
			       archive->folder, name);
	request->stored_bytes = (uint64_t)sidecar->packed_bytes;
	free(packed);
}

static void run_read(struct tier_job *job)
{
	struct tier_io_request *request = tier_io_request_of(job);
	const struct tier_archive *archive = request->medium;
	struct tier_sidecar sidecar;
	struct names names;
	int fds[FILES];
	name_files(&names, request->key);
	request->outcome = TIER_IO_DONE;
	const int error = tier_files_open(archive->folder, names.both, fds);
	if (error)
		refuse_by_errno(request, error, names.block, "read");
	else if (fds[SIDECAR] < 0)
		tier_io_refuse(request, TIER_IO_ABSENT, "%s/%s is not there.", archive->folder, names.sidecar);
	else if (fds[BLOCK] < 0)
		tier_io_refuse(request, TIER_IO_DAMAGED, "%s/%s is not there, but its sidecar is.", archive->folder,
			       names.block);
	else if (read_sidecar(request, fds[SIDECAR], names.sidecar, &sidecar))
		read_block(request, fds[BLOCK], names.block, &sidecar);
	for (int i = 0; i < FILES; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

void tier_archive_write(struct tier_archive *archive, struct tier_io_key key, const void *block, int64_t now_ns,
			int64_t ttl_ns, struct tier_io_request *request)
{
	ASSERT(now_ns >= 0 && ttl_ns >= 0);
	*request = (struct tier_io_request){.medium = archive,
					    .key = key,
					    .block = (void *)block,
					    .is_write = true,
					    .now_ns = now_ns,
					    .ttl_ns = ttl_ns,
					    .job.run = run_write};
	tier_jobs_begin(archive->jobs, &request->job);
}

void tier_archive_read(struct tier_archive *archive, struct tier_io_key key, void *block, int64_t now_ns,
		       struct tier_io_request *request)
{
	ASSERT(now_ns >= 0);
	*request = (struct tier_io_request){
	    .medium = archive, .key = key, .block = block, .now_ns = now_ns, .job.run = run_read};
	tier_jobs_begin(archive->jobs, &request->job);
}

enum tier_io_outcome tier_archive_wait(struct tier_archive *archive, struct tier_io_request *request)
{
	tier_jobs_wait(archive->jobs, &request->job);
	if (!request->is_settled)
		tier_io_count(&archive->counts, request);
	request->is_settled = true;
	return request->outcome;
}

int tier_archive_drop(struct tier_archive *archive, struct tier_io_key key, struct err *err)
{
	struct names names;
	name_files(&names, key);
	const int error = tier_files_remove(archive->folder, names.both);
	return error ? err_set(err, "%s/%s could not be removed: %s.", archive->folder, names.block, strerror(error))
		     : 0;
}
