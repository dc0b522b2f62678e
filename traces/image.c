#include "image.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define IMAGE_BYTE_ORDER UINT32_C(0x01020304)

const unsigned char image_magic[IMAGE_MAGIC_BYTES] = {0x8b, 'K', 'V', 'T', '\r', '\n', 0x1a, '\n'};

_Static_assert(sizeof(struct trace_request) == 72 && sizeof(struct trace_hints) == 48 && sizeof(struct trace_run) == 8,
	       "the binary form has no padding, and another layout is another version");
_Static_assert(sizeof(struct image_header) % 8 == 0, "the requests behind the header hold 64-bit fields");

/* What a trace owns: its image and what is derived from it. */
struct image {
	const struct image_header *header;
	void *own; /* what `header` points to; NULL in a view */
	size_t bytes;
	uint32_t *depth;
	const char **names;
};

struct image_offsets {
	uint64_t requests, hints, runs, parent, names, end;
};

/* All counts are 32-bit, so only the names' length could overflow; a header that says so ends beyond any file. */
static struct image_offsets image_offsets(const struct image_shape *shape)
{
	struct image_offsets at;
	at.requests = sizeof(struct image_header);
	at.hints = at.requests + (uint64_t)shape->request_count * sizeof(struct trace_request);
	at.runs = at.hints + (uint64_t)shape->hints_count * sizeof(struct trace_hints);
	at.parent = at.runs + (uint64_t)shape->run_count * sizeof(struct trace_run);
	at.names = at.parent + (uint64_t)shape->block_count * sizeof(block_id);
	at.end = at.names + (shape->name_bytes < UINT64_MAX / 2 ? shape->name_bytes : UINT64_MAX / 2);
	return at;
}

static uint64_t image_content_checksum(const struct image_header *header, size_t bytes)
{
	uint64_t seed = XXH3_64bits(&header->shape, sizeof(header->shape));
	return XXH3_64bits_withSeed(header + 1, bytes - sizeof(*header), seed);
}

static uint64_t image_header_checksum(const struct image_header *header)
{
	struct image_header copy = *header;
	copy.header_checksum = 0;
	return XXH3_64bits(&copy, sizeof(copy));
}

/* Points a trace into its image. Parents have to be checked before. */
static struct trace *image_trace(const char *name, const struct image_header *header, size_t bytes, void *own)
{
	const struct image_shape *shape = &header->shape;
	struct image_offsets at = image_offsets(shape);
	const char *base = (const char *)header;
	struct image *image = mem_alloc(1, sizeof(*image));
	struct trace *trace = mem_alloc(1, sizeof(*trace));
	*trace = (struct trace){
	    .name = mem_copy_text(name),
	    .block_tokens = shape->block_tokens,
	    .tail_listed = shape->tail_listed,
	    .ids = (enum trace_ids)header->ids,
	    .request_count = shape->request_count,
	    .run_count = shape->run_count,
	    .block_count = shape->block_count,
	    .session_count = shape->session_count,
	    .class_count = shape->class_count,
	    .hints_count = shape->hints_count,
	    .requests = (const void *)(base + at.requests),
	    .runs = (const void *)(base + at.runs),
	    .parent = (const void *)(base + at.parent),
	    .hints = (const void *)(base + at.hints),
	    .checksum = header->content_checksum,
	    .owned = image,
	};
	image->header = header;
	image->own = own;
	image->bytes = bytes;
	image->depth = mem_alloc(shape->block_count, sizeof(*image->depth));
	for (uint32_t b = 0; b < shape->block_count; b++)
		image->depth[b] = trace->parent[b] == BLOCK_NONE ? 0 : image->depth[trace->parent[b]] + 1;
	size_t name_count = (size_t)shape->session_count + shape->class_count;
	image->names = mem_alloc(name_count, sizeof(*image->names));
	const char *text = base + at.names;
	for (size_t i = 0; i < name_count; i++, text += strlen(text) + 1)
		image->names[i] = text;
	trace->depth = image->depth;
	trace->session_names = image->names;
	trace->class_names = image->names + shape->session_count;
	return trace;
}

static uint64_t image_name_bytes(const char *const *names, uint32_t count)
{
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < count; i++)
		bytes += strlen(names[i]) + 1;
	return bytes;
}

static char *image_put(char *to, const void *from, size_t bytes)
{
	if (bytes)
		memcpy(to, from, bytes);
	return to + bytes;
}

struct trace *image_build(const char *name, const struct image_parts *parts)
{
	struct image_shape shape = parts->shape;
	shape.name_bytes = image_name_bytes(parts->session_names, shape.session_count) +
			   image_name_bytes(parts->class_names, shape.class_count);
	size_t bytes = (size_t)image_offsets(&shape).end;
	struct image_header *header = mem_alloc(bytes, 1);
	char *to = (char *)(header + 1);
	to = image_put(to, parts->requests, shape.request_count * sizeof(*parts->requests));
	to = image_put(to, parts->hints, shape.hints_count * sizeof(*parts->hints));
	to = image_put(to, parts->runs, shape.run_count * sizeof(*parts->runs));
	to = image_put(to, parts->parent, shape.block_count * sizeof(*parts->parent));
	for (uint32_t i = 0; i < shape.session_count; i++)
		to = image_put(to, parts->session_names[i], strlen(parts->session_names[i]) + 1);
	for (uint32_t i = 0; i < shape.class_count; i++)
		to = image_put(to, parts->class_names[i], strlen(parts->class_names[i]) + 1);
	memcpy(header->magic, image_magic, sizeof(header->magic));
	header->byte_order = IMAGE_BYTE_ORDER;
	header->version = IMAGE_VERSION;
	header->ids = parts->ids;
	header->shape = shape;
	header->content_checksum = image_content_checksum(header, bytes);
	header->header_checksum = image_header_checksum(header);
	return image_trace(name, header, bytes, header);
}

int image_check_header(const struct image_header *header, uint64_t *bytes, struct err *err)
{
	if (memcmp(header->magic, image_magic, sizeof(header->magic)) != 0)
		return err_set(err, "is no compiled kvcast trace: it does not begin with the magic bytes.");
	if (header->byte_order != IMAGE_BYTE_ORDER)
		return err_set(err,
			       "is a compiled trace of a machine with another byte order; convert the original here.");
	if (header->version != IMAGE_VERSION)
		return err_set(
		    err, "is a compiled trace of version %" PRIu32 "; expected version %d; convert the original again.",
		    header->version, IMAGE_VERSION);
	if (header->header_checksum != image_header_checksum(header))
		return err_set(err, "is damaged: its header does not match its checksum.");
	*bytes = image_offsets(&header->shape).end;
	return 0;
}

static int image_check_parents(const block_id *parent, uint32_t count, struct err *err)
{
	for (uint32_t b = 0; b < count; b++) {
		if (parent[b] != BLOCK_NONE && parent[b] >= b)
			return err_set(
			    err, "is not a valid trace: the parent of block %" PRIu32 " does not stand before it.", b);
	}
	return 0;
}

/* A path is right when each block's parent is the one before it. Inside a run that is one comparison with the help of
 * breaks[b]: how many blocks up to b do not follow their predecessor in number. */
static int image_check_path(const struct trace_run *runs, uint32_t count, block_id before, uint64_t blocks,
			    const block_id *parent, const uint32_t *breaks, uint32_t block_count)
{
	for (uint32_t r = 0; r < count; r++) {
		block_id first = runs[r].first;
		uint64_t end = (uint64_t)first + runs[r].count;
		if (runs[r].count == 0 || end > block_count || runs[r].count > blocks)
			return -1;
		if (parent[first] != before || breaks[end - 1] != breaks[first])
			return -1;
		blocks -= runs[r].count;
		before = (block_id)(end - 1);
	}
	return blocks == 0 ? 0 : -1;
}

/* The block that the answer's blocks follow: the last full one of the prompt. `path` holds a checked path. */
static block_id image_last_full(const struct trace_request *request, const struct trace_run *path,
				uint32_t block_tokens, const block_id *parent)
{
	if (request->run_count == 0)
		return BLOCK_NONE;
	const struct trace_run *last = &path[request->run_count - 1];
	block_id block = last->first + last->count - 1;
	bool partial = (uint64_t)request->block_count * block_tokens > request->prompt_tokens;
	return partial ? parent[block] : block;
}

static const char *image_request_fault(const struct image_header *header, const struct trace_request *request,
				       const uint32_t *breaks)
{
	const struct image_shape *shape = &header->shape;
	struct image_offsets at = image_offsets(shape);
	const struct trace_run *runs = (const void *)((const char *)header + at.runs);
	const block_id *parent = (const void *)((const char *)header + at.parent);
	if (request->arrival_ns < 0 || request->arrival_ns > TRACE_TIME_MOST_NS || request->think_ns < -1 ||
	    request->think_ns > TRACE_TIME_MOST_NS)
		return "its times";
	if (request->turn == 0)
		return "its turn";
	if (request->session != TRACE_NO_SESSION && request->session >= shape->session_count)
		return "its session";
	if (request->class_id != TRACE_NO_CLASS && request->class_id >= shape->class_count)
		return "its class";
	if (request->hints != UINT32_MAX && request->hints >= shape->hints_count)
		return "its hints";
	uint32_t full = request->prompt_tokens / shape->block_tokens,
		 tail = request->prompt_tokens % shape->block_tokens;
	if (request->prompt_tokens == 0 ||
	    (request->block_count != full && !(shape->tail_listed && tail > 0 && request->block_count == full + 1)))
		return "its prompt's length";
	if ((uint64_t)request->run_first + request->run_count > shape->run_count ||
	    (uint64_t)request->answer_run_first + request->answer_run_count > shape->run_count)
		return "its runs";
	const struct trace_run *path = runs + request->run_first;
	if (image_check_path(path, request->run_count, BLOCK_NONE, request->block_count, parent, breaks,
			     shape->block_count) < 0)
		return "its prompt's path";
	uint64_t completed = ((uint64_t)tail + request->output_tokens) / shape->block_tokens;
	if (request->answer_block_count != 0 && request->answer_block_count != completed)
		return "its answer's length";
	block_id before = image_last_full(request, path, shape->block_tokens, parent);
	if (image_check_path(runs + request->answer_run_first, request->answer_run_count, before,
			     request->answer_block_count, parent, breaks, shape->block_count) < 0)
		return "its answer's path";
	return NULL;
}

/* Order: arrivals never go back, equal ones stand by ordinal, ordinals are a permutation, and within a session they
 * rise with the arrivals. */
static const char *image_order_fault(const struct trace_request *requests, const struct image_shape *shape,
				     uint32_t *where)
{
	const char *fault = NULL;
	bool *seen = mem_alloc(shape->request_count, sizeof(*seen));
	uint32_t *next = mem_alloc(shape->session_count, sizeof(*next));
	for (uint32_t i = 0; i < shape->request_count && !fault; i++) {
		const struct trace_request *r = &requests[i];
		*where = i;
		if (r->ordinal >= shape->request_count || seen[r->ordinal]) {
			fault = "its place in the file";
			break;
		}
		seen[r->ordinal] = true;
		if (i > 0 && (r->arrival_ns < r[-1].arrival_ns ||
			      (r->arrival_ns == r[-1].arrival_ns && r->ordinal < r[-1].ordinal)))
			fault = "its order";
		if (r->session < shape->session_count) {
			if (r->ordinal < next[r->session])
				fault = "its order within its session";
			next[r->session] = r->ordinal + 1;
		}
	}
	free(next);
	free(seen);
	return fault;
}

static int image_check_requests(const struct image_header *header, struct err *err)
{
	const struct image_shape *shape = &header->shape;
	struct image_offsets at = image_offsets(shape);
	const struct trace_request *requests = (const void *)((const char *)header + at.requests);
	const block_id *parent = (const void *)((const char *)header + at.parent);
	const struct trace_hints *hints = (const void *)((const char *)header + at.hints);
	for (uint32_t i = 0; i < shape->hints_count; i++) {
		if (hints[i].workload != TRACE_NO_CLASS && hints[i].workload >= shape->class_count)
			return err_set(err, "is not a valid trace: the workload of hints %" PRIu32 " has no name.", i);
	}
	uint32_t *breaks = mem_alloc(shape->block_count, sizeof(*breaks));
	for (uint32_t b = 1; b < shape->block_count; b++)
		breaks[b] = breaks[b - 1] + (parent[b] != b - 1);
	uint32_t where = 0;
	const char *fault = image_order_fault(requests, shape, &where);
	for (uint32_t i = 0; i < shape->request_count && !fault; i++) {
		fault = image_request_fault(header, &requests[i], breaks);
		where = i;
	}
	free(breaks);
	if (fault)
		return err_set(err, "is not a valid trace: request %" PRIu32 " is wrong in %s.", where, fault);
	return 0;
}

static int image_check_names(const struct image_header *header, struct err *err)
{
	const struct image_shape *shape = &header->shape;
	const char *names = (const char *)header + image_offsets(shape).names;
	uint64_t count = 0;
	for (uint64_t i = 0; i < shape->name_bytes; i++)
		count += names[i] == '\0';
	bool ended = shape->name_bytes == 0 || names[shape->name_bytes - 1] == '\0';
	if (count != (uint64_t)shape->session_count + shape->class_count || !ended)
		return err_set(err, "is not a valid trace: its names do not add up.");
	return 0;
}

struct trace *image_open(const char *name, struct image_header *header, struct err *err)
{
	const struct image_shape *shape = &header->shape;
	struct image_offsets at = image_offsets(shape);
	int status = 0;
	if (header->content_checksum != image_content_checksum(header, (size_t)at.end))
		status = err_set(err, "is damaged: its content does not match its checksum.");
	else if (shape->block_tokens == 0 || shape->tail_listed > 1 || header->ids > TRACE_IDS_TOKEN ||
		 shape->request_count == 0 || shape->session_count == UINT32_MAX || shape->class_count == UINT32_MAX ||
		 shape->block_count == BLOCK_NONE)
		status = err_set(err, "is not a valid trace: its header holds impossible values.");
	if (status == 0)
		status = image_check_parents((const void *)((const char *)header + at.parent), shape->block_count, err);
	if (status == 0)
		status = image_check_names(header, err);
	if (status == 0)
		status = image_check_requests(header, err);
	if (status < 0) {
		free(header);
		return NULL;
	}
	return image_trace(name, header, (size_t)at.end, header);
}

struct trace *image_view(const char *name, const struct image_header *image)
{
	return image_trace(name, image, (size_t)image_offsets(&image->shape).end, NULL);
}

const struct image_header *image_of(const struct trace *trace, size_t *bytes)
{
	const struct image *image = trace->owned;
	*bytes = image->bytes;
	return image->header;
}

void image_free(struct trace *trace)
{
	struct image *image = trace->owned;
	free(image->own);
	free(image->depth);
	free(image->names);
	free(image);
	free(trace->name);
	free(trace);
}
