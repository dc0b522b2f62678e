#include "timeline.h"

#include <inttypes.h>
#include <stdlib.h>

struct bucket {
	uint64_t requests, prompt_tokens, hit_tokens;
	double ttft_ms_sum, resident_ns, running_ns, waiting_ns;
};

struct timeline {
	struct output *output;
	int64_t bucket_ns, now_ns;
	struct bucket *buckets;
	size_t count, room;
};

struct timeline *timeline_open(const char *path, int64_t bucket_ns, struct err *err)
{
	struct output *output = output_open(path, err);
	if (!output)
		return NULL;
	struct timeline *timeline = mem_alloc(1, sizeof(*timeline));
	*timeline = (struct timeline){.output = output, .bucket_ns = bucket_ns};
	return timeline;
}

static struct bucket *bucket_at(struct timeline *timeline, int64_t time_ns)
{
	const size_t index = (size_t)(time_ns / timeline->bucket_ns);
	if (index >= timeline->room) {
		timeline->room = index + index / 2 + 64;
		timeline->buckets = mem_grow(timeline->buckets, timeline->room, sizeof(*timeline->buckets));
	}
	while (timeline->count <= index)
		timeline->buckets[timeline->count++] = (struct bucket){0};
	return &timeline->buckets[index];
}

void timeline_advance(struct timeline *timeline, int64_t now_ns, uint64_t resident, uint32_t running, uint32_t waiting)
{
	if (!timeline)
		return;
	while (timeline->now_ns < now_ns) {
		const int64_t bucket_end_ns = (timeline->now_ns / timeline->bucket_ns + 1) * timeline->bucket_ns;
		const int64_t until_ns = bucket_end_ns < now_ns ? bucket_end_ns : now_ns;
		const double span_ns = (double)(until_ns - timeline->now_ns);
		struct bucket *bucket = bucket_at(timeline, timeline->now_ns);
		bucket->resident_ns += (double)resident * span_ns;
		bucket->running_ns += running * span_ns;
		bucket->waiting_ns += waiting * span_ns;
		timeline->now_ns = until_ns;
	}
}

void timeline_finish(struct timeline *timeline, int64_t now_ns, uint32_t prompt_tokens, const struct request_outcome *outcome)
{
	if (!timeline)
		return;
	struct bucket *bucket = bucket_at(timeline, now_ns);
	bucket->requests++;
	bucket->prompt_tokens += prompt_tokens;
	bucket->hit_tokens += outcome->ledger.hit_tokens;
	bucket->ttft_ms_sum += (double)outcome->ttft_ns / (double)NS_PER_MS;
}

static void write_rows(struct timeline *timeline)
{
	struct output *output = timeline->output;
	output_printf(output, "start_s,requests,prompt_tokens,hit_tokens,token_hit_rate,ttft_ms_mean,resident_blocks,running,waiting\n");
	for (size_t i = 0; i < timeline->count; i++) {
		const struct bucket *bucket = &timeline->buckets[i];
		const int64_t start_ns = (int64_t)i * timeline->bucket_ns;
		/* The last bucket has only the time that has passed. */
		const int64_t end_ns = start_ns + timeline->bucket_ns < timeline->now_ns ? start_ns + timeline->bucket_ns : timeline->now_ns;
		const double span_ns = end_ns > start_ns ? (double)(end_ns - start_ns) : 1;
		output_printf(output, "%.9g,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", (double)start_ns / (double)NS_PER_S,
		              bucket->requests, bucket->prompt_tokens, bucket->hit_tokens);
		if (bucket->requests)
			output_printf(output, "%.9g,%.9g", (double)bucket->hit_tokens / (double)bucket->prompt_tokens,
			              bucket->ttft_ms_sum / (double)bucket->requests);
		else
			output_printf(output, ",");
		output_printf(output, ",%.9g,%.9g,%.9g\n", bucket->resident_ns / span_ns, bucket->running_ns / span_ns,
		              bucket->waiting_ns / span_ns);
	}
}

static void release(struct timeline *timeline)
{
	free(timeline->buckets);
	free(timeline);
}

int timeline_commit(struct timeline *timeline, struct err *err)
{
	if (!timeline)
		return 0;
	write_rows(timeline);
	const int failed = output_commit(timeline->output, err);
	release(timeline);
	return failed;
}

void timeline_abort(struct timeline *timeline)
{
	if (!timeline)
		return;
	output_abort(timeline->output);
	release(timeline);
}
