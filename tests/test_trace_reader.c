/* reader_jsonl: what is taken, and how it is understood. Refusals have their own test. */
#include "test.h"

#include "scratch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct err err;

static void mooncake_as_it_is(void **state)
{
	(void)state;
	struct trace *trace = scratch_trace(
	    "{\"timestamp\": 0, \"input_length\": 1025, \"output_length\": 500, \"hash_ids\": [0, 1, 2]}\n"
	    "{\"timestamp\": 27, \"input_length\": 1500, \"output_length\": 490, \"hash_ids\": [0, 1, 46]}\n");
	assert_int_equal(trace->block_tokens, 512);
	assert_true(trace->tail_listed);
	assert_int_equal(trace->ids, TRACE_IDS_HASH);
	assert_int_equal(trace->request_count, 2);
	assert_string_equal(scratch_path(trace, 0), "0+3");
	assert_string_equal(scratch_path(trace, 1), "0+2 3+1");
	const struct trace_request *second = &trace->requests[1];
	assert_int_equal(second->arrival_ns, 27 * NS_PER_MS);
	assert_int_equal(second->think_ns, -1);
	assert_int_equal(second->prompt_tokens, 1500);
	assert_int_equal(second->output_tokens, 490);
	assert_int_equal(second->session, TRACE_NO_SESSION);
	assert_int_equal(second->class_id, TRACE_NO_CLASS);
	assert_int_equal(second->hints, UINT32_MAX);
	assert_int_equal(second->turn, 1);
	trace_free(trace);
}

static void header_and_optional_fields(void **state)
{
	(void)state;
	struct trace *trace = scratch_trace(
	    "\r\n"
	    "{\"kvcast\":1,\"block_tokens\":64,\"blocks\":\"full\",\"hash_scope\":\"session\",\"from\":\"x\"}\r\n"
	    "{\"session_id\":7,\"timestamp\":1.5,\"input_length\":130,\"output_length\":0,\"class\":\"main\",\"hash_"
	    "runs\":[[5,2]],"
	    "\"think_time\":12.25,\"turn\":9,\"cost\":0.5,\"expected_reuse\":3,\"priority\":-2,\"workload\":\"chat\","
	    "\"prefix_len_tokens\":64,\"perplexity\":1e3,\"time_variance\":0,\"stop\":{\"any\":[\"thing\"]}}\r\n"
	    "\n"
	    "{\"session_id\":\"7\",\"timestamp\":2,\"input_length\":200,\"output_length\":1,\"hash_ids\":[5,6,1],"
	    "\"class\":null}\n"
	    "{\"session_id\":\"b\",\"timestamp\":0,\"input_length\":64,\"output_length\":1,\"hash_ids\":[5],\"class\":"
	    "3}\n"
	    "{\"session_id\":\"c\",\"timestamp\":0,\"input_length\":64,\"output_length\":1,\"hash_ids\":[5],\"hash_"
	    "scope\":7}");
	assert_int_equal(trace->block_tokens, 64);
	assert_false(trace->tail_listed);
	assert_int_equal(trace->session_count, 3);
	/* b and c at 0, then the two of session 7 */
	assert_string_equal(scratch_path(trace, 0), "3+1");
	assert_string_equal(scratch_path(trace, 1), "0+1"); /* the name space of session 7 */
	assert_string_equal(scratch_path(trace, 2), "0+2");
	assert_string_equal(scratch_path(trace, 3), "0+3");
	const struct trace_request *first = &trace->requests[2];
	assert_int_equal(first->ordinal, 0);
	assert_string_equal(trace->session_names[first->session], "7");
	assert_int_equal(trace->requests[3].session, first->session);
	assert_int_equal(first->arrival_ns, 1500000);
	assert_int_equal(first->think_ns, INT64_C(12250000000));
	assert_int_equal(first->turn, 9);
	assert_int_equal(trace->requests[3].turn, 2);
	assert_string_equal(trace->class_names[first->class_id], "main");
	assert_int_equal(trace->requests[3].class_id, TRACE_NO_CLASS);
	assert_string_equal(trace->class_names[trace->requests[0].class_id], "3");
	assert_int_equal(trace->hints_count, 1);
	const struct trace_hints *hints = &trace->hints[first->hints];
	assert_true(hints->cost == 0.5 && hints->expected_reuse == 3 && hints->perplexity == 1000 &&
		    hints->time_variance == 0);
	assert_int_equal(hints->priority, -2);
	assert_int_equal(hints->prefix_tokens, 64);
	assert_string_equal(trace->class_names[hints->workload], "chat");
	trace_free(trace);
}

static void absent_hints_say_so(void **state)
{
	(void)state;
	struct trace *trace = scratch_trace(
	    "{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"hash_ids\":[1],\"priority\":0,\"cost\":null}\n");
	const struct trace_hints *hints = &trace->hints[trace->requests[0].hints];
	assert_true(isnan(hints->cost) && isnan(hints->expected_reuse) && isnan(hints->perplexity) &&
		    isnan(hints->time_variance));
	assert_int_equal(hints->priority, 0);
	assert_int_equal(hints->prefix_tokens, UINT32_MAX);
	assert_int_equal(hints->workload, TRACE_NO_CLASS);
	trace_free(trace);
}

static void times_are_rounded_to_the_nanosecond(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
	    {"0", 0},
	    {"46.927", 46927000},
	    {"0.0000004", 0},
	    {"0.0000006", 1},
	    {"1700000000000", INT64_C(1700000000000000000)},
	    {"1700000000000.5", INT64_C(1700000000000500000)},
	    {"1e3", 1000000000},
	    {"0.1", 100000},
	    {"123456789.123456", INT64_C(123456789123456)},
	    {"4611686018426", INT64_C(4611686018426000000)},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char line[256];
		snprintf(line, sizeof(line),
			 "{\"timestamp\":%s,\"input_length\":1,\"output_length\":1,\"hash_ids\":[1]}", cases[i].text);
		struct trace *trace = scratch_trace(line);
		assert_int_equal(trace->requests[0].arrival_ns, cases[i].ns);
		trace_free(trace);
	}
}

static void hash_ids_and_runs_are_the_same(void **state)
{
	(void)state;
	static const char *const forms[] = {
	    "\"hash_ids\":[-3,-2,-1,7,8,100]",
	    "\"hash_runs\":[[-3,3],[7,2],[100,1]]",
	    "\"hash\\u005fids\":[-3,-2,-1,7,8,100]",
	    "\"hash_runs\":[[-3,1],[-2,2],[7,1],[8,1],[100,1]],\"token_ids\":null",
	};
	uint64_t checksum = 0;
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		char line[256];
		snprintf(line, sizeof(line), "{\"timestamp\":0,\"input_length\":3000,\"output_length\":1,%s}\n",
			 forms[i]);
		struct trace *trace = scratch_trace(line);
		assert_string_equal(scratch_path(trace, 0), "0+6");
		assert_true(i == 0 || trace->checksum == checksum);
		checksum = trace->checksum;
		trace_free(trace);
	}
}

static void ids_that_count_across_the_end_of_64_bits(void **state)
{
	(void)state;
	struct trace *trace = scratch_trace("{\"timestamp\":0,\"input_length\":1024,\"output_length\":1,"
					    "\"hash_ids\":[9223372036854775807,-9223372036854775808]}\n");
	assert_string_equal(scratch_path(trace, 0), "0+2");
	trace_free(trace);
}

static void unchained_ids(void **state)
{
	(void)state;
	struct trace *trace =
	    scratch_trace("{\"kvcast\":1,\"chained\":false}\n"
			  "{\"timestamp\":0,\"input_length\":1024,\"output_length\":1,\"hash_ids\":[1,2]}\n"
			  "{\"timestamp\":0,\"input_length\":1024,\"output_length\":1,\"hash_ids\":[3,2]}\n"
			  "{\"timestamp\":0,\"input_length\":1024,\"output_length\":1,\"hash_ids\":[1,2]}\n");
	assert_string_equal(scratch_path(trace, 1), "2+2");
	assert_string_equal(scratch_path(trace, 2), "0+2");
	trace_free(trace);
}

static void tokens_text_and_segments(void **state)
{
	(void)state;
	struct trace *trace = scratch_trace(
	    "{\"kvcast\":1,\"block_tokens\":4}\n"
	    "{\"timestamp\":0,\"token_ids\":[1,2,3,4,5,4294967295],\"output_token_ids\":[6,7,8]}\n"
	    "{\"timestamp\":0,\"input_length\":9,\"output_length\":2,\"token_ids\":[1,2,3,4,5,4294967295,6,7,8]}\n"
	    "{\"timestamp\":0,\"output_length\":2,\"segments\":[{\"id\":\"m\",\"tokens\":8},{\"tokens\":1}]}\n"
	    "{\"timestamp\":0,\"output_length\":2,\"segments\":[{\"id\":\"m\",\"tokens\":8},{\"tokens\":1}]}\n"
	    "{\"timestamp\":0,\"input_length\":1,\"output_length\":2,\"prompt\":\"The quick brown fox jumps over "
	    "it.\"}\n"
	    "{\"timestamp\":0,\"output_length\":2,\"prompt\":\"The quick brown fox jumps over it.\"}\n");
	assert_int_equal(trace->ids, TRACE_IDS_TOKEN);
	assert_string_equal(scratch_path(trace, 0), "0+2 | 2+1");
	assert_int_equal(trace->requests[0].prompt_tokens, 6);
	assert_int_equal(trace->requests[0].output_tokens, 3);
	assert_string_equal(scratch_path(trace, 1), "0+1 2+2");
	assert_string_equal(scratch_path(trace, 2), "4+3");
	assert_string_equal(scratch_path(trace, 3), "4+2 7+1");
	/* Text: as many tokens as the tokenizer gives, whatever input_length says. */
	assert_in_range(trace->requests[4].prompt_tokens, 6, 12);
	assert_int_equal(trace->requests[4].prompt_tokens, trace->requests[5].prompt_tokens);
	char path[64];
	snprintf(path, sizeof(path), "%s", scratch_path(trace, 4));
	assert_string_equal(scratch_path(trace, 5), path);
	trace_free(trace);
}

static void block_size_rules(void **state)
{
	(void)state;
	static const char tokens[] = "{\"timestamp\":0,\"output_length\":1,\"segments\":[{\"tokens\":100}]}\n";
	static const char header_tokens[] = "{\"kvcast\":1,\"block_tokens\":32}\n"
					    "{\"timestamp\":0,\"output_length\":1,\"segments\":[{\"tokens\":100}]}\n";
	static const char ids[] = "{\"timestamp\":0,\"input_length\":64,\"output_length\":1,\"hash_ids\":[1]}\n";
	static const char header_ids[] = "{\"kvcast\":1,\"block_tokens\":64}\n"
					 "{\"timestamp\":0,\"input_length\":64,\"output_length\":1,\"hash_ids\":[1]}\n";
	static const struct {
		const char *text;
		uint32_t asked, preset, expected;
	} cases[] = {
	    {tokens, 0, 0, 16},        {tokens, 8, 0, 8},        {tokens, 0, 48, 48},        {tokens, 8, 48, 8},
	    {header_tokens, 0, 0, 32}, {header_tokens, 8, 0, 8}, {header_tokens, 0, 48, 48}, {ids, 0, 0, 512},
	    {ids, 128, 0, 128},        {ids, 0, 16, 512},        {header_ids, 0, 16, 64},    {header_ids, 64, 0, 64},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		scratch_write("b.jsonl", cases[i].text, strlen(cases[i].text));
		const struct trace_load_options options = {.block_tokens = cases[i].asked, .preset_block_tokens = cases[i].preset};
		struct trace *trace = trace_load("b.jsonl", &options, &err);
		if (!trace)
			fail_msg("%s", err.text);
		assert_int_equal(trace->block_tokens, cases[i].expected);
		trace_free(trace);
	}
}

static void gzip_is_told_by_its_bytes(void **state)
{
	(void)state;
	static const char line[] = "{\"timestamp\":0,\"input_length\":64,\"output_length\":1,\"hash_ids\":[1]}\n";
	const struct trace_load_options options = {0};
	scratch_write_gz("packed.jsonl", line, sizeof(line) - 1);
	scratch_write("plain.gz", line, sizeof(line) - 1);
	struct trace *packed = trace_load("packed.jsonl", &options, &err),
		     *plain = trace_load("plain.gz", &options, &err);
	assert_non_null(packed);
	assert_non_null(plain);
	assert_int_equal(packed->checksum, plain->checksum);
	assert_string_equal(plain->name, "plain.gz");
	trace_free(packed);
	trace_free(plain);
}

/* What is content changes the checksum, each thing on its own. */
static void the_checksum_sees_everything(void **state)
{
	(void)state;
	static const char *const variants[] = {
	    "{\"timestamp\":0,\"input_length\":600,\"output_length\":1,\"hash_ids\":[1,2]}",
	    "{\"timestamp\":1,\"input_length\":600,\"output_length\":1,\"hash_ids\":[1,2]}",
	    "{\"timestamp\":0,\"input_length\":601,\"output_length\":1,\"hash_ids\":[1,2]}",
	    "{\"timestamp\":0,\"input_length\":600,\"output_length\":2,\"hash_ids\":[1,2]}",
	    "{\"timestamp\":0,\"input_length\":600,\"output_length\":1,\"hash_ids\":[1,2],\"session_id\":\"a\"}",
	    "{\"timestamp\":0,\"input_length\":600,\"output_length\":1,\"hash_ids\":[1,2],\"session_id\":\"b\"}",
	    "{\"timestamp\":0,\"input_length\":600,\"output_length\":1,\"hash_ids\":[1,2],\"class\":\"a\"}",
	    "{\"timestamp\":0,\"input_length\":600,\"output_length\":1,\"hash_ids\":[1,2],\"turn\":2}",
	    "{\"timestamp\":0,\"input_length\":600,\"output_length\":1,\"hash_ids\":[1,2],\"think_time\":0}",
	    "{\"timestamp\":0,\"input_length\":600,\"output_length\":1,\"hash_ids\":[1,2],\"cost\":1}",
	    "{\"timestamp\":0,\"input_length\":600,\"output_length\":1,\"hash_ids\":[1,2],\"cost\":2}",
	    "{\"timestamp\":0,\"input_length\":600,\"output_length\":1,\"hash_ids\":[1],\"tail_listed\":false}",
	    "{\"kvcast\":1,\"block_tokens\":500}\n{\"timestamp\":0,\"input_length\":600,\"output_length\":1,\"hash_"
	    "ids\":[1,2]}",
	    "{\"kvcast\":1,\"blocks\":\"full\"}\n{\"timestamp\":0,\"input_length\":600,\"output_length\":1,\"hash_"
	    "ids\":[1]}",
	};
	uint64_t seen[COUNT_OF(variants)];
	for (size_t i = 0; i < COUNT_OF(variants); i++) {
		struct trace *trace = scratch_trace(variants[i]);
		seen[i] = trace->checksum;
		trace_free(trace);
		for (size_t j = 0; j < i; j++)
			assert_true(seen[i] != seen[j]);
	}
	/* And what is not content does not: the ids themselves, spelling, unknown fields. */
	struct trace *trace =
	    scratch_trace("{ \"hash_runs\":[[77,2]],\"output_length\":1,\"note\":3,\"input_length\":600,"
			  "\"timestamp\":0.0 }\r\n\r\n");
	assert_int_equal(trace->checksum, seen[0]);
	trace_free(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mooncake_as_it_is),
	    cmocka_unit_test(header_and_optional_fields),
	    cmocka_unit_test(absent_hints_say_so),
	    cmocka_unit_test(times_are_rounded_to_the_nanosecond),
	    cmocka_unit_test(hash_ids_and_runs_are_the_same),
	    cmocka_unit_test(ids_that_count_across_the_end_of_64_bits),
	    cmocka_unit_test(unchained_ids),
	    cmocka_unit_test(tokens_text_and_segments),
	    cmocka_unit_test(block_size_rules),
	    cmocka_unit_test(gzip_is_told_by_its_bytes),
	    cmocka_unit_test(the_checksum_sees_everything),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
