/* tier_io.h - what the media below the GPU share: keys, requests and how they end, counts.
 *
 * Model. A medium (tier_host.h, tier_disk.h, tier_archive.h) holds blocks of one size under keys. It decides nothing:
 * who is stored, evicted or expired is the cache's business, and a full medium refuses. A block that comes back is what
 * was stored under that key, whole, or it is refused with a reason and counted; the caller computes it again.
 *
 * Host memory is addresses; disk and archive do requests: begin (tier_disk_read, ...) any number, wait for each in any
 * order. From begin to wait the request and the block's memory are the medium's. Each medium is called from one thread.
 *
 * Block memory for the disk is aligned to TIER_IO_ALIGN, and so is the block size; pinned memory and slots of tier_host
 * are. No clock is read: `now_ns` is the caller's, and objects of an archive mean the clock of all who share it.
 */
#ifndef KVCAST_TIER_IO_H
#define KVCAST_TIER_IO_H

#include "tier_jobs.h"

#define TIER_IO_ALIGN 4096
#define TIER_IO_DEPTH 16 /* requests to a disk or an archive at a time, where replayed as where calibrated */

/* Names a block's content and everything before it: the caller's chain of XXH3-128 over the prompt's tokens. */
struct tier_io_key {
	uint64_t high, low;
};

#define TIER_IO_KEY_CHARS 32 /* lower-case hexadecimal digits, `high` first */

/* `text` has room for TIER_IO_KEY_CHARS + 1. */
void tier_io_key_format(struct tier_io_key key, char *text);
/* False for anything but exactly TIER_IO_KEY_CHARS lower-case hexadecimal digits. */
bool tier_io_key_parse(const char *text, struct tier_io_key *key);

enum tier_io_outcome {
	TIER_IO_DONE,
	TIER_IO_ABSENT,  /* nothing is held under the key */
	TIER_IO_FULL,    /* no slot or no space is left */
	TIER_IO_SHORT,   /* less is there than was stored */
	TIER_IO_DAMAGED, /* it is not what was stored */
	TIER_IO_EXPIRED,
	TIER_IO_FOREIGN, /* of another model, dtype or block size */
	TIER_IO_FAILED,  /* the system's error */
	TIER_IO_OUTCOMES
};

/* "done", "absent", ... */
const char *tier_io_outcome_name(enum tier_io_outcome outcome);

struct tier_io_counts {
	uint64_t reads[TIER_IO_OUTCOMES], writes[TIER_IO_OUTCOMES];
	uint64_t read_bytes, written_bytes; /* by requests that were done; as stored: packed in the archive */
};

struct tier_io_request {
	enum tier_io_outcome outcome; /* valid after the wait */
	struct err why;               /* a finished sentence for every outcome but TIER_IO_DONE */
	/* The medium's. */
	struct tier_job job;
	void *medium;
	struct tier_io_key key;
	void *block;
	bool is_write, is_settled;
	uint32_t slot;
	struct tier_io_request *next_of_slot;
	uint64_t stored_bytes;
	int64_t now_ns, ttl_ns;
};

/* The rest is for the media. */
struct tier_io_request *tier_io_request_of(struct tier_job *job);
/* Ends a request with a sentence about it. */
void tier_io_refuse(struct tier_io_request *request, enum tier_io_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* TIER_IO_FULL where errno says that space or quota is used up, else TIER_IO_FAILED. */
enum tier_io_outcome tier_io_outcome_of(int error);
void tier_io_count(struct tier_io_counts *counts, const struct tier_io_request *request);
uint64_t tier_io_checksum(const void *data, size_t bytes); /* XXH3-64 */

#endif
