/* tier_disk.h - blocks in one file, several requests in flight.
 *
 * The file is made in a folder, given all its space and unlinked at once: it belongs to this process and is gone with
 * it, however it ends. Slots are block_bytes apart. Which key lies where, and the checksum of each block, are in
 * memory, so that a block that is short, damaged or another's is refused; a refused block is dropped.
 *
 * O_DIRECT is used where the file system takes it, so that speeds are the disk's; elsewhere the page cache is in
 * between, and tier_disk_is_direct() says so. Requests on one key follow each other in the order they were begun:
 * beginning one waits for those before it.
 */
#ifndef KVCAST_TIER_DISK_H
#define KVCAST_TIER_DISK_H

#include "tier_io.h"

struct tier_disk;

struct tier_disk_options {
	const char *folder;
	uint32_t slots;
	size_t block_bytes; /* a multiple of TIER_IO_ALIGN */
	uint32_t depth;     /* requests that are worked on at a time */
};

/* NULL and a sentence for a folder that cannot be written or has no such space. */
struct tier_disk *tier_disk_open(const struct tier_disk_options *options, struct err *err);
/* Waits for what is in flight. */
void tier_disk_close(struct tier_disk *disk);
bool tier_disk_is_direct(const struct tier_disk *disk);
/* From the begin of its write to its drop, or to the wait of a request that failed or was refused. */
bool tier_disk_has(const struct tier_disk *disk, struct tier_io_key key);
uint32_t tier_disk_count(const struct tier_disk *disk);

/* Ends as done, full or failed. A key that is held keeps its slot and is written anew. */
void tier_disk_write(struct tier_disk *disk, struct tier_io_key key, const void *block,
		     struct tier_io_request *request);
/* Ends as done, absent, short, damaged or failed; `block` is of use only when done. */
void tier_disk_read(struct tier_disk *disk, struct tier_io_key key, void *block, struct tier_io_request *request);
enum tier_io_outcome tier_disk_wait(struct tier_disk *disk, struct tier_io_request *request);
/* Waits for requests on the key first; nothing where it is not held. */
void tier_disk_drop(struct tier_disk *disk, struct tier_io_key key);
const struct tier_io_counts *tier_disk_counts(const struct tier_disk *disk);

#endif
