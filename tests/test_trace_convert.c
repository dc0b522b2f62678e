/* kvcast trace convert: the command, run as a function. */
#include "test.h"

#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err err;

/* What cmd_trace_convert.c and cli.c offer each other; here the test stands in for cli.c. */
int cmd_trace_convert(int argc, char **argv);
int cli_fail(const struct err *why);

static char failure[sizeof(err.text)];

int cli_fail(const struct err *why)
{
	snprintf(failure, sizeof(failure), "%s", why->text);
	return 1;
}

static struct trace *load(const char *name)
{
	const struct trace_load_options options = {0};
	struct trace *trace = trace_load(name, &options, &err);
	if (!trace)
		fail_msg("%s", err.text);
	return trace;
}

static char *text_of(const char *name)
{
	size_t size;
	char *text = (char *)scratch_read(name, &size);
	text[size] = '\0';
	return text;
}

static const char sample[] =
    "{\"kvcast\":1,\"block_tokens\":4}\n"
    "{\"timestamp\":0,\"token_ids\":[1,2,3,4,5,6],\"output_token_ids\":[6,7,8,9,10,11,12]}\n"
    "{\"timestamp\":1,\"token_ids\":[1,2,3,4,5,6,6,7,8],\"output_token_ids\":[1]}\n"
    "{\"timestamp\":2,\"output_length\":5,\"segments\":[{\"id\":\"m\",\"tokens\":11},{\"tokens\":5}]}\n"
    "{\"timestamp\":2,\"output_length\":5,\"segments\":[{\"id\":\"m\",\"tokens\":11},{\"tokens\":5}]}\n";

/* Runs it with stderr in "stderr"; argp's own exits are for the tests of the program. */
static int convert(int count, const char *const *arguments)
{
	char *argv[12] = {"kvcast trace convert"};
	for (int i = 0; i < count; i++)
		argv[i + 1] = (char *)arguments[i];
	int before = dup(STDERR_FILENO);
	assert_non_null(freopen("stderr", "wb", stderr));
	int status = cmd_trace_convert(count + 1, argv);
	fflush(stderr);
	dup2(before, STDERR_FILENO);
	close(before);
	return status;
}
#define CONVERT(...) convert(COUNT_OF(((const char *[]){__VA_ARGS__})), (const char *const[]){__VA_ARGS__})

static void converts_by_the_ending(void **state)
{
	(void)state;
	struct trace *first = scratch_trace(sample);
	assert_int_equal(CONVERT("t.jsonl", "c.kvt.gz"), 0);
	char *told = text_of("stderr");
	assert_string_equal(told, "kvcast: c.kvt.gz holds 4 requests over 11 blocks of 4 tokens.\n");
	free(told);
	assert_int_equal(CONVERT("c.kvt.gz", "c.jsonl", "--quiet"), 0);
	told = text_of("stderr");
	assert_string_equal(told, "");
	free(told);
	assert_int_equal(CONVERT("--to", "binary", "c.jsonl", "c.bin"), 0);
	struct trace *last = load("c.bin");
	assert_int_equal(last->checksum, first->checksum);
	char *text = text_of("c.bin");
	assert_int_equal((unsigned char)text[0], 0x8b);
	free(text);
	trace_free(last);
	trace_free(first);
}

static void converts_and_shortens(void **state)
{
	(void)state;
	trace_free(scratch_trace(sample));
	assert_int_equal(CONVERT("t.jsonl", "c.kvt", "--block", "2", "--max-prompt", "10", "--max-output=3"), 0);
	char *told = text_of("stderr");
	assert_non_null(strstr(told, " blocks of 2 tokens; 3 requests were shortened.\n"));
	free(told);
	struct trace *trace = load("c.kvt");
	assert_int_equal(trace->block_tokens, 2);
	for (uint32_t i = 0; i < trace->request_count; i++) {
		assert_in_range(trace->requests[i].prompt_tokens, 1, 10);
		assert_in_range(trace->requests[i].output_tokens, 0, 3);
	}
	trace_free(trace);
}

static void says_what_is_wrong_and_writes_nothing(void **state)
{
	(void)state;
	trace_free(scratch_trace(sample));
	size_t before = scratch_count();
	assert_int_equal(CONVERT("absent.jsonl", "w.kvt"), 1);
	assert_string_equal(failure, "absent.jsonl cannot be opened: No such file or directory.");
	assert_int_equal(CONVERT("t.jsonl", "w.kvt", "--max-prompt", "0"), 1);
	assert_string_equal(failure, "--max-prompt 0: expected a whole number of tokens from 1 to 4294967295.");
	assert_int_equal(CONVERT("t.jsonl", "w.kvt", "--max-output", "many"), 1);
	assert_memory_equal(failure, "--max-output: ", 14);
	assert_int_equal(CONVERT("t.jsonl", "no/folder/w.kvt"), 1);
	assert_string_equal(failure, "no/folder/w.kvt cannot be written: No such file or directory.");
	assert_int_equal(scratch_count(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(converts_by_the_ending),
	    cmocka_unit_test(converts_and_shortens),
	    cmocka_unit_test(says_what_is_wrong_and_writes_nothing),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
