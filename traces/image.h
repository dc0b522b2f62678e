/* image.h - a compiled trace in one piece of memory, laid out as the binary file is.
 *
 * Layout, every part aligned for its type and written as the machine has it:
 *
 *   struct image_header
 *   struct trace_request [request_count]
 *   struct trace_hints   [hints_count]
 *   struct trace_run     [run_count]
 *   block_id             [block_count]     parents
 *   char                 [name_bytes]      session names, then class names, each ended by a NUL
 *
 * Everything else in a struct trace (depths, name pointers) is derived from it when the image is opened. The content
 * checksum covers the shape and all parts after the header, and is the trace's checksum; the header checksum covers the
 * header. image_open() trusts nothing: after the checksums it checks every index, so that a file made by hand cannot
 * lead a reader out of an array.
 */
#ifndef KVCAST_IMAGE_H
#define KVCAST_IMAGE_H

#include "trace.h"

#define IMAGE_MAGIC_BYTES 8
#define IMAGE_VERSION     1

/* Not text in any encoding, and damaged by anything that translates line ends. */
extern const unsigned char image_magic[IMAGE_MAGIC_BYTES];

struct image_shape {
	uint32_t block_tokens, tail_listed;
	uint32_t request_count, hints_count, run_count, block_count, session_count, class_count;
	uint64_t name_bytes;
};

struct image_header {
	unsigned char magic[IMAGE_MAGIC_BYTES];
	uint32_t byte_order; /* 0x01020304 in the writer's order */
	uint32_t version;
	uint64_t header_checksum; /* XXH3-64 of this header with 0 here */
	uint64_t content_checksum;
	uint32_t ids; /* enum trace_ids: how the blocks were named, which is not content */
	uint32_t reserved;
	struct image_shape shape;
};

/* What an image is built from; everything is copied. Requests stand in the order they are to have. */
struct image_parts {
	struct image_shape shape; /* name_bytes is found out by image_build */
	enum trace_ids ids;
	const struct trace_request *requests;
	const struct trace_hints *hints;
	const struct trace_run *runs;
	const block_id *parent;
	const char *const *session_names;
	const char *const *class_names;
};

struct trace *image_build(const char *name, const struct image_parts *parts);

/* Checks the part of a file that tells what follows: magic, byte order, version, header checksum. On success *bytes is
 * how long the whole image is. Sentences lack the place. */
int image_check_header(const struct image_header *header, uint64_t *bytes, struct err *err);

/* Makes a trace of an image of a checked header and the length it promises. Takes `image` (from mem_alloc), also when
 * it fails. */
struct trace *image_open(const char *name, struct image_header *image, struct err *err);

/* Makes a trace of an image that image_of gave, wherever it lies now: in memory that outlives the trace, and that several
 * processes may share. Images hold no addresses. */
struct trace *image_view(const char *name, const struct image_header *image);

/* The image of a trace, for writing it out or for a view of a copy. */
const struct image_header *image_of(const struct trace *trace, size_t *bytes);

/* Frees a trace and its image, unless it is a view. */
void image_free(struct trace *trace);

#endif
