/* tier_queue.h - a disk or an archive whose writes go on while their sender does something else.
 *
 * Model. A ring of places, each memory for a block. What is to be written is put into the next place, and its write is begun;
 * the place is taken until that is over. The next place is the one that was begun longest ago: where it is still taken the
 * sender waits for it, and is then as slow as the medium with as many requests at a time as it works on. No block waits
 * without a place, so memory is bounded.
 *
 * Order. A read, a drop and another write of a key wait for the write of it that is under way, and for no other; an archive
 * by itself would do them in any order (tier_archive.h).
 *
 * A write that fails tells nobody but the medium's counts. The block is not there then, or an archive has what it had
 * before; a read says so.
 *
 * All calls that have to do with a medium go through its queue, from one thread.
 */
#ifndef KVCAST_TIER_QUEUE_H
#define KVCAST_TIER_QUEUE_H

#include "tier_archive.h"
#include "tier_disk.h"

struct tier_queue;

struct tier_queue_options {
	struct tier_disk *disk;       /* this */
	struct tier_archive *archive; /* or that; the other is NULL */
	void *arena;                  /* [places] blocks, aligned as the medium wants them */
	uint32_t places;              /* at least 1 */
	size_t block_bytes;
};

/* Medium and arena are the caller's, and outlive it. */
struct tier_queue *tier_queue_open(const struct tier_queue_options *options);
/* Waits for all writes. */
void tier_queue_close(struct tier_queue *queue);

/* Where the next block to be written goes: one place until it is begun. Waits where the ring is full. */
void *tier_queue_place(struct tier_queue *queue);
/* Begins to write what lies there, in an archive for ever. */
void tier_queue_begin(struct tier_queue *queue, struct tier_io_key key, int64_t now_ns);
/* Waits for the write that was begun longest ago; false where none is under way. */
bool tier_queue_settle(struct tier_queue *queue);

/* As the medium's. `now_ns` is for archives. */
void tier_queue_read(struct tier_queue *queue, struct tier_io_key key, void *block, int64_t now_ns,
                     struct tier_io_request *request);
enum tier_io_outcome tier_queue_wait(struct tier_queue *queue, struct tier_io_request *request);
void tier_queue_drop(struct tier_queue *queue, struct tier_io_key key);

#endif
