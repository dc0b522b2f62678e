#include "event_queue.h"

#include <stdlib.h>

static bool before(const struct event *a, const struct event *b)
{
	return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->order < b->order;
}

void event_queue_put(struct event_queue *queue, int64_t time_ns, uint32_t rank, uint32_t kind, uint32_t subject)
{
	if (queue->count == queue->room) {
		queue->room = queue->room ? queue->room * 2 : 256;
		queue->heap = mem_grow(queue->heap, queue->room, sizeof(*queue->heap));
	}
	const struct event event = {time_ns, (uint64_t)rank << 48 | queue->next_order++, kind, subject};
	size_t i = queue->count++;
	while (i > 0 && before(&event, &queue->heap[(i - 1) / 2])) {
		queue->heap[i] = queue->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	queue->heap[i] = event;
}

int64_t event_queue_next_ns(const struct event_queue *queue)
{
	return queue->count ? queue->heap[0].time_ns : TIME_NEVER_NS;
}

struct event event_queue_take(struct event_queue *queue)
{
	ASSERT(queue->count > 0);
	const struct event first = queue->heap[0], last = queue->heap[--queue->count];
	size_t i = 0;
	for (;;) {
		size_t down = 2 * i + 1;
		if (down >= queue->count)
			break;
		if (down + 1 < queue->count && before(&queue->heap[down + 1], &queue->heap[down]))
			down++;
		if (!before(&queue->heap[down], &last))
			break;
		queue->heap[i] = queue->heap[down];
		i = down;
	}
	queue->heap[i] = last;
	return first;
}

void event_queue_free(struct event_queue *queue)
{
	free(queue->heap);
	*queue = (struct event_queue){0};
}
