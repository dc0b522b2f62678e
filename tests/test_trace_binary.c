/* The compiled form: what is written reads back, and nothing else is taken for it. */
#include "test.h"

#include "image.h"
#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static struct err err;

/* Small, and with all there is: sessions, classes, hints, tails, answers, shared and unshared blocks. */
static const char sample[] =
    "{\"kvcast\":1,\"block_tokens\":4}\n"
    "{\"timestamp\":5,\"session_id\":\"s\",\"class\":\"main\",\"think_time\":1,\"token_ids\":[1,2,3,4,5,6],"
    "\"output_token_ids\":[7,8,9],\"cost\":2.5,\"workload\":\"chat\"}\n"
    "{\"timestamp\":1,\"session_id\":\"t\",\"token_ids\":[1,2,3,4,9],\"output_length\":3}\n"
    "{\"timestamp\":6,\"session_id\":\"s\",\"token_ids\":[1,2,3,4,5,6,7,8,9,10],\"output_length\":0,\"priority\":1}\n";

static struct trace *load(const char *name)
{
	const struct trace_load_options options = {0};
	return trace_load(name, &options, &err);
}

static unsigned char *sample_image(size_t *size)
{
	struct trace *trace = scratch_trace(sample);
	assert_int_equal(trace_write_binary(trace, "sample.kvt", &err), 0);
	trace_free(trace);
	return scratch_read("sample.kvt", size);
}

static void reads_back(void **state)
{
	(void)state;
	static const char *const names[] = {"a.kvt", "a.kvt.gz"};
	struct trace *first = scratch_trace(sample);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_int_equal(trace_write_binary(first, names[i], &err), 0);
		struct trace *again = load(names[i]);
		if (!again)
			fail_msg("%s", err.text);
		assert_int_equal(again->checksum, first->checksum);
		assert_int_equal(again->ids, TRACE_IDS_TOKEN);
		assert_string_equal(again->name, names[i]);
		assert_int_equal(again->block_count, first->block_count);
		assert_memory_equal(again->depth, first->depth, first->block_count * sizeof(*first->depth));
		for (uint32_t r = 0; r < first->request_count; r++) {
			char path[512];
			snprintf(path, sizeof(path), "%s", scratch_path(first, r));
			assert_string_equal(scratch_path(again, r), path);
			assert_memory_equal(&again->requests[r], &first->requests[r], sizeof(*first->requests));
		}
		assert_string_equal(again->session_names[1], "t");
		assert_string_equal(again->class_names[0], "chat");
		assert_string_equal(again->class_names[1], "main");
		trace_free(again);
	}
	trace_free(first);
}

static void every_flipped_bit_is_refused(void **state)
{
	(void)state;
	size_t size;
	unsigned char *data = sample_image(&size);
	for (size_t at = 0; at < size; at++) {
		for (int bit = 0; bit < 8; bit++) {
			data[at] ^= (unsigned char)(1 << bit);
			scratch_write("flip.kvt", data, size);
			data[at] ^= (unsigned char)(1 << bit);
			if (load("flip.kvt"))
				fail_msg("bit %d of byte %zu", bit, at);
			assert_int_equal(err.text[strlen(err.text) - 1], '.');
			assert_memory_equal(err.text, "flip.kvt", 8);
		}
	}
	free(data);
}

static void every_truncation_is_refused(void **state)
{
	(void)state;
	size_t size;
	unsigned char *data = sample_image(&size);
	char sentence[128];
	for (size_t cut = 0; cut < size; cut++) {
		scratch_write("cut.kvt", data, cut);
		assert_null(load("cut.kvt"));
		if (cut == 0)
			snprintf(sentence, sizeof(sentence),
				 "cut.kvt: there is no request in it; expected at least one line with a request.");
		else if (cut < sizeof(struct image_header))
			snprintf(sentence, sizeof(sentence),
				 "cut.kvt ends after %zu of the %zu bytes of a header; it seems to be truncated.", cut,
				 sizeof(struct image_header));
		else
			snprintf(sentence, sizeof(sentence),
				 "cut.kvt ends after %zu of %zu bytes; it seems to be truncated.", cut, size);
		assert_string_equal(err.text, sentence);
	}
	scratch_write_gz("whole.kvt.gz", data, size);
	free(data);
	data = scratch_read("whole.kvt.gz", &size);
	for (size_t cut = 20; cut < size; cut++) {
		scratch_write("cut.kvt.gz", data, cut);
		assert_null(load("cut.kvt.gz"));
		assert_string_equal(err.text,
				    "cut.kvt.gz is a gzip file that ends too early; it seems to be truncated.");
	}
	free(data);
}

static void what_follows_is_refused(void **state)
{
	(void)state;
	size_t size;
	unsigned char *data = sample_image(&size);
	data[size] = '\n';
	scratch_write("more.kvt", data, size + 1);
	assert_null(load("more.kvt"));
	char sentence[128];
	snprintf(sentence, sizeof(sentence),
		 "more.kvt goes on after the %zu bytes of its trace; expected nothing there.", size);
	assert_string_equal(err.text, sentence);
	free(data);
}

/* Puts right checksums on an image that was changed on purpose. */
static void seal(unsigned char *data, size_t size)
{
	struct image_header *header = (struct image_header *)data;
	header->content_checksum = XXH3_64bits_withSeed(header + 1, size - sizeof(*header),
							XXH3_64bits(&header->shape, sizeof(header->shape)));
	header->header_checksum = 0;
	header->header_checksum = XXH3_64bits(header, sizeof(*header));
}

static void other_versions_and_machines(void **state)
{
	(void)state;
	size_t size;
	unsigned char *data = sample_image(&size);
	struct image_header *header = (struct image_header *)data;
	seal(data, size);
	scratch_write("v.kvt", data, size);
	struct trace *trace = load("v.kvt");
	assert_non_null(trace); /* seal() seals as the writer does */
	trace_free(trace);
	header->version = 2;
	seal(data, size);
	scratch_write("v.kvt", data, size);
	assert_null(load("v.kvt"));
	assert_string_equal(err.text,
			    "v.kvt is a compiled trace of version 2; expected version 1; convert the original again.");
	header->version = 1;
	header->byte_order = UINT32_C(0x04030201);
	seal(data, size);
	scratch_write("v.kvt", data, size);
	assert_null(load("v.kvt"));
	assert_string_equal(
	    err.text, "v.kvt is a compiled trace of a machine with another byte order; convert the original here.");
	free(data);
}

/* A claim of 100 GB in a file of a few bytes must not ask for the memory. */
static void claims_cost_nothing(void **state)
{
	(void)state;
	size_t size;
	unsigned char *data = sample_image(&size);
	struct image_header *header = (struct image_header *)data;
	header->shape.request_count = 1000000000;
	header->shape.run_count = 4000000000;
	seal(data, size);
	scratch_write("claim.kvt", data, size);
	assert_null(load("claim.kvt"));
	assert_memory_equal(err.text, "claim.kvt ends after ", 21);
	header->shape.name_bytes = UINT64_MAX;
	seal(data, size);
	scratch_write("claim.kvt", data, size);
	assert_null(load("claim.kvt"));
	assert_memory_equal(err.text, "claim.kvt ends after ", 21);
	free(data);
}

/* Files made by hand, checksums and all, are refused for what they say. Each case changes one 32-bit word. */
static void no_index_leads_astray(void **state)
{
	(void)state;
#define HEADER(field) offsetof(struct image_header, shape.field)
#define REQUEST(index, field)                                                                                          \
	(sizeof(struct image_header) + (index) * sizeof(struct trace_request) + offsetof(struct trace_request, field))
	size_t size;
	unsigned char *data = sample_image(&size);
	const struct image_header *header = (const struct image_header *)data;
	const size_t hints = sizeof(*header) + header->shape.request_count * sizeof(struct trace_request);
	const size_t runs = hints + header->shape.hints_count * sizeof(struct trace_hints);
	const size_t parents = runs + header->shape.run_count * sizeof(struct trace_run);
	const size_t names = parents + header->shape.block_count * sizeof(block_id);
	const struct {
		size_t at;
		uint32_t value;
		const char *sentence;
	} cases[] = {
	    {HEADER(block_tokens), 0, "its header holds impossible values"},
	    {HEADER(tail_listed), 2, "its header holds impossible values"},
	    {HEADER(block_tokens), 3, "request 1 is wrong in its answer's path"},
	    {HEADER(tail_listed), 0, "request 0 is wrong in its prompt's length"},
	    {offsetof(struct image_header, ids), 2, "its header holds impossible values"},
	    {REQUEST(0, arrival_ns) + 4, UINT32_C(0x80000000), "request 0 is wrong in its times"},
	    {REQUEST(2, arrival_ns) + 4, UINT32_C(0x7fffffff), "request 2 is wrong in its times"},
	    {REQUEST(0, think_ns) + 4, UINT32_C(0x80000000), "request 0 is wrong in its times"},
	    {REQUEST(0, arrival_ns) + 4, 1, "request 1 is wrong in its order"},
	    {REQUEST(1, ordinal), 1, "request 1 is wrong in its place in the file"},
	    {REQUEST(1, ordinal), 7, "request 1 is wrong in its place in the file"},
	    {REQUEST(1, session), 2, "request 1 is wrong in its session"},
	    {REQUEST(1, turn), 0, "request 1 is wrong in its turn"},
	    {REQUEST(1, class_id), 2, "request 1 is wrong in its class"},
	    {REQUEST(1, hints), 2, "request 1 is wrong in its hints"},
	    {REQUEST(0, prompt_tokens), 0, "request 0 is wrong in its prompt's length"},
	    {REQUEST(0, block_count), 1000, "request 0 is wrong in its prompt's length"},
	    {REQUEST(0, run_first), 100, "request 0 is wrong in its runs"},
	    {REQUEST(0, run_count), UINT32_MAX, "request 0 is wrong in its runs"},
	    {REQUEST(0, run_count), 0, "request 0 is wrong in its prompt's path"},
	    {REQUEST(0, run_first), 0, "request 0 is wrong in its prompt's path"},
	    {REQUEST(1, answer_run_first), 100, "request 1 is wrong in its runs"},
	    {REQUEST(1, answer_run_count), 100, "request 1 is wrong in its runs"},
	    {REQUEST(1, answer_block_count), 3, "request 1 is wrong in its answer's length"},
	    {REQUEST(1, answer_run_first), 0, "request 1 is wrong in its answer's path"},
	    {hints + offsetof(struct trace_hints, workload), 2, "the workload of hints 0 has no name"},
	    {runs, 1, "request 1 is wrong in its prompt's path"},
	    {runs, UINT32_MAX, "request 1 is wrong in its prompt's path"},
	    {runs + 4, 0, "request 1 is wrong in its prompt's path"},
	    {runs + 4, UINT32_MAX, "request 1 is wrong in its prompt's path"},
	    {parents, 0, "the parent of block 0 does not stand before it"},
	    {parents + 4, 3, "the parent of block 1 does not stand before it"},
	    {parents + 4, BLOCK_NONE, "request 1 is wrong in its prompt's path"},
	    {parents + 8, BLOCK_NONE, "request 1 is wrong in its answer's path"},
	    {names, 0, "its names do not add up"},
	    {size - 4, UINT32_C(0x41414141), "its names do not add up"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		unsigned char *copy = malloc(size);
		char sentence[128];
		memcpy(copy, data, size);
		memcpy(copy + cases[i].at, &cases[i].value, 4);
		seal(copy, size);
		scratch_write("made.kvt", copy, size);
		free(copy);
		if (load("made.kvt"))
			fail_msg("case %zu was taken", i);
		snprintf(sentence, sizeof(sentence), "made.kvt is not a valid trace: %s.", cases[i].sentence);
		assert_string_equal(err.text, sentence);
	}
	free(data);
}

/* Any change of any word under right checksums loads or is refused; under the sanitizers, nothing is read astray. */
static void no_word_leads_astray(void **state)
{
	(void)state;
	static const uint32_t values[] = {0, 1, 2, 3, 5, 100, 1u << 20, 1u << 31, UINT32_MAX - 1, UINT32_MAX};
	size_t size, taken = 0, refused = 0;
	unsigned char *data = sample_image(&size);
	for (size_t at = offsetof(struct image_header, ids); at + 4 <= size; at += 4) {
		for (size_t v = 0; v < COUNT_OF(values); v++) {
			unsigned char *copy = malloc(size);
			memcpy(copy, data, size);
			memcpy(copy + at, &values[v], 4);
			seal(copy, size);
			scratch_write("made.kvt", copy, size);
			free(copy);
			struct trace *trace = load("made.kvt");
			if (!trace) {
				assert_int_equal(err.text[strlen(err.text) - 1], '.');
				refused++;
				continue;
			}
			taken++;
			trace_references(trace);
			trace_shorten(trace, 3, 2);
			trace_write_jsonl(trace, "made.jsonl", &err);
			trace_free(trace);
		}
	}
	assert_true(taken > 100 && refused > 500);
	free(data);
}

static void a_compiled_trace_is_not_cut_anew(void **state)
{
	(void)state;
	size_t size;
	free(sample_image(&size));
	const struct trace_load_options asked = {.block_tokens = 8}, same = {.block_tokens = 4},
					preset = {.preset_block_tokens = 8};
	assert_null(trace_load("sample.kvt", &asked, &err));
	assert_string_equal(err.text,
			    "sample.kvt names blocks of 4 tokens and cannot be cut anew into blocks of 8; expected no "
			    "other block size.");
	struct trace *trace = trace_load("sample.kvt", &same, &err);
	assert_non_null(trace);
	trace_free(trace);
	trace = trace_load("sample.kvt", &preset, &err);
	assert_non_null(trace);
	assert_int_equal(trace->block_tokens, 4);
	trace_free(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_back),
	    cmocka_unit_test(every_flipped_bit_is_refused),
	    cmocka_unit_test(every_truncation_is_refused),
	    cmocka_unit_test(what_follows_is_refused),
	    cmocka_unit_test(other_versions_and_machines),
	    cmocka_unit_test(claims_cost_nothing),
	    cmocka_unit_test(no_index_leads_astray),
	    cmocka_unit_test(no_word_leads_astray),
	    cmocka_unit_test(a_compiled_trace_is_not_cut_anew),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
