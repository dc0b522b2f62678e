/* tier_archive.h - a folder of compressed blocks that outlives the process and may be shared by several.
 *
 * An object is two files: KEY.kv, the block as a zlib stream, and KEY.json, its sidecar: model, dtype, tokens (a
 * block's), key, created and ttl_s (seconds of the callers' clock; ttl_s null: for ever), raw_bytes, packed_bytes,
 * checksum (XXH3-64 of the raw block, 16 hexadecimal digits). KEY.kv without a sidecar is no object.
 *
 * Both files are written under temporary names and renamed, KEY.kv first, while the folder is locked (flock), and
 * opened for reading under the shared lock; so whoever reads gets the two of one writer, and of two that write one key
 * one object stays, whole. A writer that is killed leaves at worst a file *.tmp, or a new KEY.kv under an older
 * sidecar, which is refused as damaged until it is written again. Nothing is synced: what a power failure loses is
 * computed again, what it damages is refused.
 *
 * Blocks are packed and unpacked in the threads of the archive.
 */
#ifndef KVCAST_TIER_ARCHIVE_H
#define KVCAST_TIER_ARCHIVE_H

#include "tier_io.h"

struct tier_archive;

/* What a block is worth to a reader: objects that differ in any of these are foreign. */
struct tier_archive_identity {
	const char *model, *dtype; /* copied; the model's name says which weights, too */
	uint32_t block_tokens;
	size_t block_bytes;
};

struct tier_archive_options {
	const char *folder; /* made where it is not there; its parent must be */
	struct tier_archive_identity identity;
	uint32_t threads;
};

/* NULL and a sentence for a folder that cannot be had or written. */
struct tier_archive *tier_archive_open(const struct tier_archive_options *options, struct err *err);
/* Waits for what is in flight. */
void tier_archive_close(struct tier_archive *archive);

/* Ends as done, full or failed, and then leaves what was there before or nothing. `ttl_ns` TIME_NEVER_NS: for ever. */
void tier_archive_write(struct tier_archive *archive, struct tier_io_key key, const void *block, int64_t now_ns,
			int64_t ttl_ns, struct tier_io_request *request);
/* Any outcome but full; `block` is of use only when done. Refused objects stay where they are. */
void tier_archive_read(struct tier_archive *archive, struct tier_io_key key, void *block, int64_t now_ns,
		       struct tier_io_request *request);
enum tier_io_outcome tier_archive_wait(struct tier_archive *archive, struct tier_io_request *request);
/* Removes the object, the sidecar first; nothing where there is none. -1 and a sentence where it cannot be removed. */
int tier_archive_drop(struct tier_archive *archive, struct tier_io_key key, struct err *err);
const struct tier_io_counts *tier_archive_counts(const struct tier_archive *archive);

#endif
