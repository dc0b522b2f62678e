/* Traces written and read again, and shortened. */
#include "test.h"

#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct err err;

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

static const char *const samples[] = {
    /* hash ids, out of order in time, names that need quoting, every optional field */
    "{\"timestamp\":9.125,\"session_id\":\"a \\\"q\\\" "
    "\\u00e9\\n\",\"input_length\":600,\"output_length\":1,\"hash_ids\":[7,8],"
    "\"class\":\"x\",\"cost\":0.1,\"expected_reuse\":1e-7,\"priority\":-5,\"workload\":\"w\",\"prefix_len_tokens\":0,"
    "\"perplexity\":3,\"time_variance\":1e300,\"think_time\":0.000000001,\"turn\":4}\n"
    "{\"timestamp\":3,\"session_id\":12,\"input_length\":1024,\"output_length\":0,\"hash_ids\":[7,9],\"class\":\"y\"}\n"
    "{\"timestamp\":0,\"input_length\":511,\"output_length\":0,\"hash_ids\":[1000]}\n"
    "{\"timestamp\":9.125,\"session_id\":12,\"input_length\":1100,\"output_length\":0,\"hash_ids\":[7,9],\"tail_"
    "listed\":false}\n",
    /* full blocks only, name spaces, an empty path */
    "{\"kvcast\":1,\"block_tokens\":64,\"hash_scope\":\"session\",\"blocks\":\"full\"}\n"
    "{\"timestamp\":0,\"session_id\":\"a\",\"input_length\":129,\"output_length\":1,\"hash_runs\":[[1,2]]}\n"
    "{\"timestamp\":0,\"session_id\":\"b\",\"input_length\":129,\"output_length\":1,\"hash_runs\":[[1,2]]}\n"
    "{\"timestamp\":0,\"session_id\":\"b\",\"input_length\":63,\"output_length\":1,\"hash_runs\":[]}\n",
    /* the same id after different prefixes */
    "{\"kvcast\":1,\"chained\":false,\"block_tokens\":10}\n"
    "{\"timestamp\":0,\"input_length\":20,\"output_length\":1,\"hash_ids\":[1,1]}\n"
    "{\"timestamp\":0,\"input_length\":20,\"output_length\":1,\"hash_ids\":[2,1]}\n",
    /* tokens with answers, text, segments */
    "{\"kvcast\":1,\"block_tokens\":4}\n"
    "{\"timestamp\":0,\"token_ids\":[1,2,3,4,5,6],\"output_token_ids\":[6,7,8,9,10,11,12]}\n"
    "{\"timestamp\":1,\"token_ids\":[1,2,3,4,5,6,6,7,8],\"output_token_ids\":[1]}\n"
    "{\"timestamp\":2,\"output_length\":5,\"segments\":[{\"id\":\"m\",\"tokens\":11},{\"tokens\":5}]}\n"
    "{\"timestamp\":2,\"output_length\":5,\"segments\":[{\"id\":\"m\",\"tokens\":11},{\"tokens\":5}]}\n"
    "{\"timestamp\":3,\"output_length\":5,\"prompt\":\"What is a cache? What is a cache?\"}\n",
};

static void assert_same(const struct trace *a, const struct trace *b)
{
	assert_int_equal(a->request_count, b->request_count);
	assert_int_equal(a->block_count, b->block_count);
	for (uint32_t i = 0; i < a->request_count; i++) {
		char path[512];
		snprintf(path, sizeof(path), "%s", scratch_path(a, i));
		assert_string_equal(scratch_path(b, i), path);
		assert_int_equal(a->requests[i].arrival_ns, b->requests[i].arrival_ns);
	}
	assert_true(a->checksum == b->checksum);
}

static void both_forms_read_back_the_same(void **state)
{
	(void)state;
	static const char *const names[] = {"o.jsonl", "o.jsonl.gz", "o.kvt", "o.kvt.gz"};
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		struct trace *first = scratch_trace(samples[i]);
		for (size_t n = 0; n < COUNT_OF(names); n++) {
			assert_int_equal((n < 2 ? trace_write_jsonl : trace_write_binary)(first, names[n], &err), 0);
			struct trace *second = load(names[n]);
			assert_same(first, second);
			/* And once more in the other form, from what was read. */
			assert_int_equal((n < 2 ? trace_write_binary : trace_write_jsonl)(second, "again", &err), 0);
			struct trace *third = load("again");
			assert_same(first, third);
			trace_free(third);
			trace_free(second);
		}
		trace_free(first);
	}
}

static void jsonl_is_written_like_this(void **state)
{
	(void)state;
	struct trace *trace = scratch_trace(samples[0]);
	assert_int_equal(trace_write_jsonl(trace, "o.jsonl", &err), 0);
	char *text = text_of("o.jsonl");
	assert_string_equal(
	    text, "{\"kvcast\":1,\"block_tokens\":512,\"blocks\":\"ceil\"}\n"
		  "{\"timestamp\":9.125,\"input_length\":600,\"output_length\":1,\"session_id\":\"a \\\"q\\\" "
		  "\xc3\xa9\\n\",\"turn\":4,"
		  "\"think_time\":0.000000001,\"class\":\"x\",\"cost\":0.10000000000000001,\"expected_reuse\":9."
		  "9999999999999995e-08,"
		  "\"perplexity\":3,\"time_variance\":1.0000000000000001e+300,\"priority\":-5,\"prefix_len_tokens\":0,"
		  "\"workload\":\"w\",\"hash_runs\":[[0,2]]}\n"
		  "{\"timestamp\":3,\"input_length\":1024,\"output_length\":0,\"session_id\":\"12\",\"turn\":1,"
		  "\"class\":\"y\","
		  "\"hash_runs\":[[0,1],[2,1]]}\n"
		  "{\"timestamp\":0,\"input_length\":511,\"output_length\":0,\"hash_runs\":[[3,1]]}\n"
		  "{\"timestamp\":9.125,\"input_length\":1100,\"output_length\":0,\"session_id\":\"12\",\"turn\":2,"
		  "\"tail_listed\":false,\"hash_runs\":[[0,1],[2,1]]}\n");
	free(text);
	trace_free(trace);
	trace = scratch_trace(samples[3]);
	assert_int_equal(trace_write_jsonl(trace, "o.jsonl", &err), 0);
	text = text_of("o.jsonl");
	assert_non_null(strstr(
	    text, "{\"timestamp\":0,\"input_length\":6,\"output_length\":7,\"hash_runs\":[[0,2]],"
		  "\"output_hash_runs\":[[2,2]]}\n"
		  "{\"timestamp\":1,\"input_length\":9,\"output_length\":1,\"hash_runs\":[[0,1],[2,1],[4,1]]}\n"));
	free(text);
	trace_free(trace);
}

/* --- shortening --- */

static void prompts_and_answers_are_shortened(void **state)
{
	(void)state;
	struct trace *trace = scratch_trace(
	    "{\"kvcast\":1,\"block_tokens\":10}\n"
	    "{\"timestamp\":5,\"input_length\":45,\"output_length\":9,\"hash_ids\":[1,2,3,4,5]}\n"
	    "{\"timestamp\":1,\"session_id\":1,\"input_length\":25,\"output_length\":3,\"hash_ids\":[1,2,30]}\n"
	    "{\"timestamp\":6,\"input_length\":50,\"output_length\":3,\"hash_ids\":[1,2,3,4,50]}\n");
	/* 25 tokens: two whole blocks and a cut one, which loses its name; block 30 is a partial tail and keeps it. */
	assert_int_equal(trace_shorten(trace, 25, 4), 2);
	assert_string_equal(scratch_path(trace, 0), "0+3");
	assert_string_equal(scratch_path(trace, 1), "0+2");
	assert_string_equal(scratch_path(trace, 2), "0+2");
	assert_int_equal(trace->block_count, 3);
	assert_int_equal(trace->requests[1].prompt_tokens, 25);
	assert_int_equal(trace->requests[1].output_tokens, 4);
	assert_int_equal(trace->requests[0].output_tokens, 3);
	assert_int_equal(trace_references(trace), 7);
	/* Nothing is left to shorten, and what was is written and read as it is. */
	assert_int_equal(trace_shorten(trace, 25, 4), 0);
	assert_int_equal(trace_write_jsonl(trace, "short.jsonl", &err), 0);
	struct trace *again = load("short.jsonl");
	assert_same(trace, again);
	trace_free(again);
	trace_free(trace);
}

static void answers_are_cut_with_their_blocks(void **state)
{
	(void)state;
	static const char text[] =
	    "{\"kvcast\":1,\"block_tokens\":4}\n"
	    "{\"timestamp\":0,\"token_ids\":[1,2,3,4,5,6],\"output_token_ids\":[7,8,9,10,11,12,13,14,15]}\n"
	    "{\"timestamp\":1,\"token_ids\":[1,2,3,4,5,6,7,8,9,10,11,12,13],\"output_length\":1}\n";
	struct trace *trace = scratch_trace(text);
	assert_string_equal(scratch_path(trace, 0), "0+2 | 2+2");
	assert_int_equal(trace->requests[0].answer_block_count, 2);
	assert_int_equal(trace_shorten(trace, 0, 5), 1); /* 2 of the tail and 5: one block */
	assert_string_equal(scratch_path(trace, 0), "0+2 | 2+1");
	assert_string_equal(scratch_path(trace, 1), "0+1 2+3");
	assert_int_equal(trace->block_count, 5);
	trace_free(trace);
	/* An answer after a cut prompt stood after another one: its blocks go. */
	trace = scratch_trace(text);
	assert_int_equal(trace_shorten(trace, 5, 0), 2);
	assert_string_equal(scratch_path(trace, 0), "0+1");
	assert_int_equal(trace->requests[0].answer_run_count, 0);
	assert_int_equal(trace->requests[0].output_tokens, 9);
	assert_string_equal(scratch_path(trace, 1), "0+1");
	assert_int_equal(trace->block_count, 1);
	trace_free(trace);
}

static void zero_shortens_nothing(void **state)
{
	(void)state;
	struct trace *trace = scratch_trace(samples[0]);
	uint64_t checksum = trace->checksum;
	const struct trace_request *requests = trace->requests;
	assert_int_equal(trace_shorten(trace, 0, 0), 0);
	assert_int_equal(trace->checksum, checksum);
	assert_ptr_equal(trace->requests, requests);
	trace_free(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_forms_read_back_the_same),
	    cmocka_unit_test(jsonl_is_written_like_this),
	    cmocka_unit_test(prompts_and_answers_are_shortened),
	    cmocka_unit_test(answers_are_cut_with_their_blocks),
	    cmocka_unit_test(zero_shortens_nothing),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
