/* fuzz_trace [COUNT [SEED]] - feeds COUNT damaged traces to the reader and looks at what comes of them.
 *
 * Each starts as a good one (every form of prompt, JSONL or compiled) and is then cut, spliced, and sprinkled with
 * bytes, numbers and words that mean something to the reader; a compiled one gets right checksums again every other
 * time. It must either be refused with a sentence, or load as a trace that keeps every promise of trace.h, can be
 * shortened, and reads back the same from both forms. Equal seeds make equal runs. Run it under the sanitizers.
 */
#include "test.h"

#include "image.h"
#include "scratch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define DATA_MOST 8192

static uint64_t fuzz_state;
static uint64_t fuzz_round, taken, refused;

/* splitmix64 */
static uint64_t draw(uint64_t below)
{
	uint64_t x = fuzz_state += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (x ^ (x >> 31)) % below;
}

static const char *const seeds[] = {
    "{\"timestamp\":0,\"input_length\":1025,\"output_length\":500,\"hash_ids\":[0,1,2]}\n"
    "{\"timestamp\":27.5,\"input_length\":1500,\"output_length\":490,\"hash_ids\":[0,1,46]}\n"
    "{\"timestamp\":30,\"input_length\":512,\"output_length\":1024,\"hash_ids\":[0],\"output_hash_runs\":[[50,2]]}\n",
    "{\"kvcast\":1,\"block_tokens\":64,\"hash_scope\":\"session\",\"blocks\":\"full\"}\n"
    "{\"session_id\":\"a\",\"turn\":1,\"timestamp\":0,\"think_time\":0.0,\"input_length\":711,\"output_length\":169,"
    "\"class\":\"main\",\"stop\":\"tool_use\",\"hash_runs\":[[1,11]]}\n"
    "{\"session_id\":\"b\",\"turn\":1,\"timestamp\":0,\"input_length\":199,\"output_length\":1,\"hash_scope\":\"a\","
    "\"hash_runs\":[[1,2],[30,1]],\"cost\":1.5,\"priority\":3,\"workload\":\"w\",\"prefix_len_tokens\":64}\n"
    "{\"session_id\":\"a\",\"turn\":2,\"timestamp\":19000,\"think_time\":12.0,\"input_length\":727,\"output_length\":"
    "29,"
    "\"hash_runs\":[[1,11]]}\n",
    "{\"kvcast\":1,\"block_tokens\":4,\"chained\":true}\r\n"
    "{\"timestamp\":0,\"token_ids\":[1,2,3,4,5,6],\"output_token_ids\":[7,8,9]}\r\n\r\n"
    "{\"timestamp\":1,\"input_length\":9,\"output_length\":2,\"token_ids\":[1,2,3,4,5,6,7,8,9]}\r\n"
    "{\"timestamp\":2,\"output_length\":2,\"segments\":[{\"id\":\"m\",\"tokens\":18},{\"tokens\":3}]}\r\n"
    "{\"timestamp\":3,\"output_length\":2,\"prompt\":\"The quick brown fox jumps over the lazy dog.\"}\r\n",
    "{\"kvcast\":1,\"chained\":false,\"block_tokens\":10}\n"
    "{\"timestamp\":0,\"input_length\":25,\"output_length\":1,\"hash_ids\":[1,1,1]}\n"
    "{\"timestamp\":0,\"input_length\":25,\"output_length\":1,\"hash_ids\":[2,1],\"tail_listed\":false}\n",
};

static const char *const words[] = {
    "-1",
    "0",
    "1",
    "2",
    "64",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "1e999",
    "0.5",
    "1e3",
    "-0.0",
    "null",
    "true",
    "false",
    "\"\"",
    "\"a\"",
    "[]",
    "{}",
    "[[1,2]]",
    "NaN",
    ",",
    ":",
    "\"",
    "[",
    "]",
    "{",
    "}",
    "\n",
    "\r\n",
    "\\",
    "\\u0000",
    "\xff",
    "\xc3\xa9",
    "\"hash_ids\":",
    "\"hash_runs\":",
    "\"token_ids\":",
    "\"prompt\":",
    "\"segments\":",
    "\"output_token_ids\":",
    "\"output_hash_runs\":",
    "\"kvcast\":1,",
    "\"session_id\":1,",
    "\"chained\":false,",
    "\"blocks\":\"full\",",
    "\"hash_scope\":\"session\",",
    "\"tail_listed\":false,",
    "{\"kvcast\":1}\n",
    "\x1f\x8b",
    "\x8b"
    "KVT\r\n\x1a\n",
};

struct data {
	unsigned char bytes[DATA_MOST];
	size_t size;
};

/* Puts `count` bytes in place of `old` ones at `at`, as far as there is room. */
static void replace(struct data *data, size_t at, size_t old, const void *bytes, size_t count)
{
	if (data->size - old + count > DATA_MOST)
		return;
	unsigned char copy[DATA_MOST];
	if (count)
		memcpy(copy, bytes, count);
	memmove(data->bytes + at + count, data->bytes + at + old, data->size - at - old);
	if (count)
		memcpy(data->bytes + at, copy, count);
	data->size += count - old;
}

static size_t number_at(const struct data *data, size_t at)
{
	size_t length = 0;
	while (at + length < data->size && strchr("0123456789", data->bytes[at + length]) && data->bytes[at + length])
		length++;
	return length;
}

static void mutate(struct data *data)
{
	size_t at = data->size ? (size_t)draw(data->size) : 0, left = data->size - at;
	size_t some = left ? (size_t)draw(left < 40 ? left : 40) + 1 : 0;
	const char *word = words[draw(COUNT_OF(words))];
	switch (draw(8)) {
	case 0:
		if (left)
			data->bytes[at] ^= (unsigned char)(1u << draw(8));
		break;
	case 1:
		replace(data, at, some, NULL, 0);
		break;
	case 2:
		replace(data, at, 0, data->bytes + at, some);
		break;
	case 3:
		replace(data, at, 0, word, strlen(word));
		break;
	case 4:
		replace(data, at, some, word, strlen(word));
		break;
	case 5:
		data->size = at;
		break;
	case 6: {
		const char *other = seeds[draw(COUNT_OF(seeds))];
		replace(data, at, left, other, strlen(other));
		break;
	}
	default: {
		/* The next number becomes another. */
		while (at < data->size && number_at(data, at) == 0)
			at++;
		char digits[24];
		snprintf(digits, sizeof(digits), "%" PRIu64, draw(draw(3) ? 20 : 5000));
		replace(data, at, number_at(data, at), digits, strlen(digits));
	}
	}
}

/* Makes the checksums right, so that what lies behind them is reached. */
static void seal(struct data *data)
{
	if (data->size < sizeof(struct image_header))
		return;
	struct image_header header;
	memcpy(&header, data->bytes, sizeof(header));
	header.content_checksum = XXH3_64bits_withSeed(data->bytes + sizeof(header), data->size - sizeof(header),
						       XXH3_64bits(&header.shape, sizeof(header.shape)));
	header.header_checksum = 0;
	header.header_checksum = XXH3_64bits(&header, sizeof(header));
	memcpy(data->bytes, &header, sizeof(header));
}

static struct trace *load(const char *name, struct err *err)
{
	const struct trace_load_options options = {0};
	memset(err, 0, sizeof(*err));
	return trace_load(name, &options, err);
}

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			fail_msg("round %" PRIu64 ": %s", fuzz_round, #condition);                                     \
	} while (0)

static block_id check_path(const struct trace *trace, const struct trace_run *run, uint32_t runs, block_id before,
			   uint32_t blocks)
{
	uint32_t count = 0;
	for (uint32_t r = 0; r < runs; r++) {
		CHECK(run[r].count > 0);
		for (uint32_t i = 0; i < run[r].count; i++, count++) {
			block_id block = run[r].first + i;
			CHECK(block < trace->block_count && trace->parent[block] == before);
			CHECK(trace->depth[block] == (before == BLOCK_NONE ? 0 : trace->depth[before] + 1));
			before = block;
		}
	}
	CHECK(count == blocks);
	return before;
}

static void check_promises(const struct trace *trace)
{
	CHECK(trace->request_count > 0 && trace->block_tokens > 0);
	for (uint32_t i = 0; i < trace->request_count; i++) {
		const struct trace_request *r = &trace->requests[i];
		CHECK(r->arrival_ns >= 0 && r->think_ns >= -1 && r->prompt_tokens > 0 && r->turn > 0);
		CHECK(r->ordinal < trace->request_count);
		CHECK(r->session == TRACE_NO_SESSION || strlen(trace->session_names[r->session]) < DATA_MOST);
		CHECK(r->class_id == TRACE_NO_CLASS || strlen(trace->class_names[r->class_id]) < DATA_MOST);
		CHECK(r->hints == UINT32_MAX || r->hints < trace->hints_count);
		CHECK(i == 0 || r[-1].arrival_ns < r->arrival_ns ||
		      (r[-1].arrival_ns == r->arrival_ns && r[-1].ordinal < r->ordinal));
		uint32_t full = r->prompt_tokens / trace->block_tokens;
		CHECK(r->block_count == full || (trace->tail_listed && r->block_count == full + 1));
		block_id last = check_path(trace, trace->runs + r->run_first, r->run_count, BLOCK_NONE, r->block_count);
		if (r->block_count > full)
			last = trace->parent[last];
		check_path(trace, trace->runs + r->answer_run_first, r->answer_run_count, last, r->answer_block_count);
	}
}

/* Both forms give back what was written. A made-up compiled trace may hold what JSONL cannot: names that are not UTF-8
 * (refused), and sessions or blocks no request has (left out); `exact` says that it may not. */
static void check_written(const struct trace *trace, bool exact)
{
	struct err err;
	CHECK(trace_write_binary(trace, "again.kvt", &err) == 0);
	struct trace *again = load("again.kvt", &err);
	CHECK(again && again->checksum == trace->checksum);
	trace_free(again);
	if (trace_write_jsonl(trace, "again.jsonl", &err) < 0) {
		CHECK(!exact && strstr(err.text, "not UTF-8"));
		return;
	}
	again = load("again.jsonl", &err);
	CHECK(again || !exact);
	CHECK(!exact || again->checksum == trace->checksum);
	trace_free(again);
}

static void feed(const struct data *data, bool compiled)
{
	struct err err;
	scratch_write("fuzzed", data->bytes, data->size);
	struct trace *trace = load("fuzzed", &err);
	if (!trace) {
		size_t length = strlen(err.text);
		CHECK(length > 10 && length < sizeof(err.text) - 1 && err.text[length - 1] == '.');
		CHECK(memcmp(err.text, "fuzzed", 6) == 0);
		refused++;
		return;
	}
	taken++;
	check_promises(trace);
	check_written(trace, !compiled);
	trace_shorten(trace, (uint32_t)draw(100), (uint32_t)draw(20));
	check_promises(trace);
	check_written(trace, !compiled);
	trace_free(trace);
}

static size_t seed_image(size_t which, struct data *data)
{
	struct err err;
	struct trace *trace = scratch_trace(seeds[which]);
	assert_int_equal(trace_write_binary(trace, "seed.kvt", &err), 0);
	trace_free(trace);
	unsigned char *bytes = scratch_read("seed.kvt", &data->size);
	assert_in_range(data->size, 1, DATA_MOST);
	memcpy(data->bytes, bytes, data->size);
	free(bytes);
	return data->size;
}

static uint64_t fuzz_count = 20000;

static void fuzz(void **state)
{
	(void)state;
	static struct data images[COUNT_OF(seeds)], data;
	for (size_t i = 0; i < COUNT_OF(seeds); i++)
		seed_image(i, &images[i]);
	for (fuzz_round = 0; fuzz_round < fuzz_count; fuzz_round++) {
		size_t which = (size_t)draw(COUNT_OF(seeds));
		bool compiled = draw(4) == 0;
		if (compiled) {
			data = images[which];
		} else {
			data.size = strlen(seeds[which]);
			memcpy(data.bytes, seeds[which], data.size);
		}
		for (uint64_t changes = draw(4); changes > 0; changes--)
			mutate(&data);
		if (compiled && draw(2))
			seal(&data);
		feed(&data, compiled);
	}
	print_message("%" PRIu64 " traces taken, %" PRIu64 " refused\n", taken, refused);
	/* A fuzzer whose inputs all end the same way tests little. */
	assert_true(fuzz_count < 1000 || (taken > fuzz_count / 10 && refused > fuzz_count / 4));
}

int main(int argc, char **argv)
{
	if (argc > 1)
		fuzz_count = strtoull(argv[1], NULL, 10);
	fuzz_state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	const struct CMUnitTest tests[] = {cmocka_unit_test(fuzz)};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
