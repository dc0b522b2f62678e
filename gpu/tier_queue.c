#include "tier_queue.h"

#include <stdlib.h>

struct place {
	struct tier_io_request request;
	bool is_taken;
};

struct tier_queue {
	struct tier_queue_options options;
	uint32_t next; /* those from here on, round the ring, were begun before those up to here */
	struct place places[];
};

struct tier_queue *tier_queue_open(const struct tier_queue_options *options)
{
	ASSERT(!options->disk != !options->archive && options->places > 0);
	struct tier_queue *queue = mem_alloc(1, sizeof(*queue) + options->places * sizeof(queue->places[0]));
	queue->options = *options;
	return queue;
}

void tier_queue_close(struct tier_queue *queue)
{
	if (!queue)
		return;
	while (tier_queue_settle(queue))
		;
	free(queue);
}

enum tier_io_outcome tier_queue_wait(struct tier_queue *queue, struct tier_io_request *request)
{
	return queue->options.disk ? tier_disk_wait(queue->options.disk, request)
	                           : tier_archive_wait(queue->options.archive, request);
}

/* Whatever came of the write, the place is free. */
static void settle(struct tier_queue *queue, struct place *place)
{
	if (place->is_taken)
		tier_queue_wait(queue, &place->request);
	place->is_taken = false;
}

bool tier_queue_settle(struct tier_queue *queue)
{
	for (uint32_t i = 0; i < queue->options.places; i++) {
		struct place *place = &queue->places[(queue->next + i) % queue->options.places];
		if (place->is_taken) {
			settle(queue, place);
			return true;
		}
	}
	return false;
}

/* Returns when no write of the key is under way. */
static void settle_key(struct tier_queue *queue, struct tier_io_key key)
{
	for (uint32_t i = 0; i < queue->options.places; i++) {
		struct place *place = &queue->places[i];
		if (place->is_taken && place->request.key.high == key.high && place->request.key.low == key.low)
			settle(queue, place);
	}
}

void *tier_queue_place(struct tier_queue *queue)
{
	settle(queue, &queue->places[queue->next]);
	return (uint8_t *)queue->options.arena + queue->next * queue->options.block_bytes;
}

void tier_queue_begin(struct tier_queue *queue, struct tier_io_key key, int64_t now_ns)
{
	struct place *place = &queue->places[queue->next];
	const void *block = tier_queue_place(queue);
	settle_key(queue, key);
	if (queue->options.disk)
		tier_disk_write(queue->options.disk, key, block, &place->request);
	else
		tier_archive_write(queue->options.archive, key, block, now_ns, TIME_NEVER_NS, &place->request);
	place->is_taken = true;
	queue->next = (queue->next + 1) % queue->options.places;
}

void tier_queue_read(struct tier_queue *queue, struct tier_io_key key, void *block, int64_t now_ns,
                     struct tier_io_request *request)
{
	settle_key(queue, key);
	if (queue->options.disk)
		tier_disk_read(queue->options.disk, key, block, request);
	else
		tier_archive_read(queue->options.archive, key, block, now_ns, request);
}

void tier_queue_drop(struct tier_queue *queue, struct tier_io_key key)
{
	struct err err; /* an object that cannot be removed stays; nobody will ask for it */
	settle_key(queue, key);
	if (queue->options.disk)
		tier_disk_drop(queue->options.disk, key);
	else
		tier_archive_drop(queue->options.archive, key, &err);
}
