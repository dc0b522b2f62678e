/* event_queue.h - what is to happen, in order of time; of equal time by rank, and of equal rank in the order put in.
 *
 * A binary heap; O(log n) a put or take. An event is a kind and a number, whose meanings are the engine's.
 */
#ifndef KVCAST_EVENT_QUEUE_H
#define KVCAST_EVENT_QUEUE_H

#include "base.h"

struct event {
	int64_t time_ns;
	uint64_t order; /* set by event_queue_put: rank, then a count */
	uint32_t kind, subject;
};

struct event_queue {
	struct event *heap;
	size_t count, room;
	uint64_t next_order;
};

/* `rank` is below 2^16. */
void event_queue_put(struct event_queue *queue, int64_t time_ns, uint32_t rank, uint32_t kind, uint32_t subject);
/* Time of the next event; TIME_NEVER_NS when there is none. */
int64_t event_queue_next_ns(const struct event_queue *queue);
/* Takes the next event; there must be one. */
struct event event_queue_take(struct event_queue *queue);
void event_queue_free(struct event_queue *queue);

#endif
