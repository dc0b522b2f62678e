/* The public traces, where they are at hand: counted, and the same again from every form. */
#include "test.h"

#include "scratch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Measured: 72 MiB (288 MiB under the address sanitizer) for the agents' 45.7 M references. */
#define PEAK_MOST_MIB 512

struct expected {
	const char *name;
	uint32_t requests, sessions, blocks, block_tokens;
	uint64_t references, prompt_tokens, output_tokens, answer_blocks;
	enum trace_ids ids;
};

static const struct expected mooncake = {"mooncake_conversation", 12031, 0, 182790, 512, 288500, 144793823, 4122048, 0,
					 TRACE_IDS_HASH};
static const struct expected agents = {
    "claude_code_sessions", 24669, 379, 1687576, 64, 45669486, 2923628445, 10872193, 0, TRACE_IDS_HASH};
/* 300 requests; blocks of 16, so that each answer completes (prompt mod 16 + answer) / 16 of them. */
static const struct expected sharegpt = {"sharegpt_llama3_300", 300, 0, 27147, 16, 16225, 257239, 195753, 12226,
					 TRACE_IDS_TOKEN};

static struct trace *load(const char *path)
{
	const struct trace_load_options options = {0};
	struct err err;
	struct trace *trace = trace_load(path, &options, &err);
	if (!trace)
		fail_msg("%s", err.text);
	return trace;
}

static void check_counts(const struct trace *trace, const struct expected *expected)
{
	uint64_t prompt = 0, output = 0, answers = 0;
	for (uint32_t i = 0; i < trace->request_count; i++) {
		prompt += trace->requests[i].prompt_tokens;
		output += trace->requests[i].output_tokens;
		answers += trace->requests[i].answer_block_count;
	}
	assert_int_equal(trace->request_count, expected->requests);
	assert_int_equal(trace->session_count, expected->sessions);
	assert_int_equal(trace->block_count, expected->blocks);
	assert_int_equal(trace->block_tokens, expected->block_tokens);
	assert_int_equal(trace_references(trace), expected->references);
	assert_int_equal(prompt, expected->prompt_tokens);
	assert_int_equal(output, expected->output_tokens);
	assert_int_equal(answers, expected->answer_blocks);
	assert_int_equal(trace->ids, expected->ids);
}

static void check(const struct expected *expected)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/traces/%s.jsonl.gz", KVCAST_SHARED, expected->name);
	if (access(path, R_OK) != 0) {
		print_message("skipped: %s is not there.\n", path);
		skip();
	}
	struct trace *trace = load(path);
	struct rusage usage;
	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	assert_in_range(usage.ru_maxrss >> 10, 1, PEAK_MOST_MIB);
	check_counts(trace, expected);
	static const char *const copies[] = {"copy.jsonl", "copy.kvt"};
	for (size_t i = 0; i < COUNT_OF(copies); i++) {
		struct err err;
		if ((i == 0 ? trace_write_jsonl : trace_write_binary)(trace, copies[i], &err) < 0)
			fail_msg("%s", err.text);
		struct trace *copy = load(copies[i]);
		assert_true(copy->checksum == trace->checksum);
		trace_free(copy);
	}
	trace_free(trace);
}

static void conversation(void **state)
{
	(void)state;
	check(&mooncake);
}

static void agent_sessions(void **state)
{
	(void)state;
	check(&agents);
}

static void chat_with_answers(void **state)
{
	(void)state;
	check(&sharegpt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(conversation),
	    cmocka_unit_test(chat_with_answers),
	    cmocka_unit_test(agent_sessions),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
