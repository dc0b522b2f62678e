#include "binary.h"

#include "image.h"
#include "output.h"

#include <inttypes.h>
#include <stdlib.h>

#define BINARY_FIRST_BYTES (UINT64_C(64) << 20)

/* Reads the rest of an image of `bytes` behind its header, and sees that nothing follows. Grows `image`. */
static int binary_read_rest(struct input *input, struct image_header **image, uint64_t bytes, struct err *err)
{
	uint64_t have = sizeof(**image), room = BINARY_FIRST_BYTES;
	size_t got;
	while (have < bytes) {
		room = bytes < room ? bytes : room;
		*image = mem_grow(*image, (size_t)room, 1);
		if (input_read(input, (char *)*image + have, (size_t)(room - have), &got, err) < 0)
			return -1;
		have += got;
		if (have < room)
			return err_set(err, "%s ends after %" PRIu64 " of %" PRIu64 " bytes; it seems to be truncated.",
				       input_name(input), have, bytes);
		room *= 2;
	}
	char more;
	if (input_read(input, &more, 1, &got, err) < 0)
		return -1;
	if (got > 0)
		return err_set(err, "%s goes on after the %" PRIu64 " bytes of its trace; expected nothing there.",
			       input_name(input), bytes);
	return 0;
}

struct trace *binary_load(struct input *input, const char *name, const struct trace_load_options *options,
			  struct err *err)
{
	struct image_header *image = mem_alloc(1, sizeof(*image));
	size_t got;
	uint64_t bytes;
	if (input_read(input, image, sizeof(*image), &got, err) < 0)
		goto failed;
	if (got < sizeof(*image)) {
		err_set(err, "%s ends after %zu of the %zu bytes of a header; it seems to be truncated.",
			input_name(input), got, sizeof(*image));
		goto failed;
	}
	if (image_check_header(image, &bytes, err) < 0) {
		err_prefix(err, "%s ", input_name(input));
		goto failed;
	}
	if (binary_read_rest(input, &image, bytes, err) < 0)
		goto failed;
	struct trace *trace = image_open(name, image, err);
	if (!trace) {
		err_prefix(err, "%s ", input_name(input));
		return NULL;
	}
	if (options->block_tokens && options->block_tokens != trace->block_tokens) {
		err_set(err,
			"%s names blocks of %" PRIu32 " tokens and cannot be cut anew into blocks of %" PRIu32
			"; expected no other block size.",
			input_name(input), trace->block_tokens, options->block_tokens);
		trace_free(trace);
		return NULL;
	}
	return trace;
failed:
	free(image);
	return NULL;
}

int trace_write_binary(const struct trace *trace, const char *path, struct err *err)
{
	struct output *output = output_open(path, err);
	if (!output)
		return -1;
	size_t bytes;
	const struct image_header *image = image_of(trace, &bytes);
	output_write(output, image, bytes);
	return output_commit(output, err);
}
