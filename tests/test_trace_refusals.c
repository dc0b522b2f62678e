/* Every way a trace can be wrong, and the sentence for it. */
#include "test.h"

#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTHS "\"timestamp\":0,\"input_length\":10,\"output_length\":1"

/* Sentences stand here without the file's name in front. */
static const struct {
	const char *what, *text, *sentence;
} refusals[] = {
    {"empty file", "", ": there is no request in it; expected at least one line with a request."},
    {"blank lines only", "\n\r\n  \n", ": there is no request in it; expected at least one line with a request."},
    {"header only", "{\"kvcast\":1}\n", ": there is no request in it; expected at least one line with a request."},
    {"no JSON", "hello\n",
     ":1: the line is not JSON (column 5: '[' or '{' expected near 'hello'); expected one object."},
    {"cut off", "{\"timestamp\":0,\"inp",
     ":1: the line is not JSON (column 19: premature end of input near '\"inp'); expected one object."},
    {"two values", "{" LENGTHS ",\"hash_ids\":[1]} {}\n",
     ":1: the line is not JSON (column 68: end of file expected near '{'); expected one object."},
    {"a list", "[1,2]\n", ":1: the line is a JSON list; expected an object."},
    {"field twice", "{" LENGTHS ",\"timestamp\":1,\"hash_ids\":[1]}\n",
     ":1: the line is not JSON (column 62: duplicate object key near '\"timestamp\"'); expected one object."},
    {"bad UTF-8", "{" LENGTHS ",\"class\":\"\377\",\"hash_ids\":[1]}\n",
     ":1: the line is not JSON (column 60: unable to decode byte 0xff near '\"'); expected one object."},
    {"NUL escaped", "{" LENGTHS ",\"class\":\"a\\u0000\",\"hash_ids\":[1]}\n",
     ":1: a string holds \\u0000 (column 68); expected text without NUL."},
    {"past 64 bits", "{" LENGTHS ",\"hash_ids\":[9223372036854775808]}\n",
     ":1: a number does not fit (column 82: too big integer near '9223372036854775808'); expected whole numbers of 64 "
     "bits and finite reals."},
    {"real too large", "{\"timestamp\":1e999,\"input_length\":10,\"output_length\":1,\"hash_ids\":[1]}\n",
     ":1: a number does not fit (column 18: real number overflow near '1e999'); expected whole numbers of 64 bits and "
     "finite reals."},
    {"NaN", "{\"timestamp\":NaN,\"input_length\":10,\"output_length\":1,\"hash_ids\":[1]}\n",
     ":1: the line is not JSON (column 16: invalid token near 'NaN'); expected one object."},
    {"negative length", "{\"timestamp\":0,\"input_length\":-3,\"output_length\":1,\"hash_ids\":[1]}\n",
     ":1: field \"input_length\" is -3; expected a whole number of tokens from 1 to 4294967295."},
    {"zero length", "{\"timestamp\":0,\"input_length\":0,\"output_length\":1,\"hash_ids\":[]}\n",
     ":1: field \"input_length\" is 0; expected a whole number of tokens from 1 to 4294967295."},
    {"length with fraction", "{\"timestamp\":0,\"input_length\":10.5,\"output_length\":1,\"hash_ids\":[1]}\n",
     ":1: field \"input_length\" is 10.5; expected a whole number of tokens from 1 to 4294967295."},
    {"length as text", "{\"timestamp\":0,\"input_length\":\"10\",\"output_length\":1,\"hash_ids\":[1]}\n",
     ":1: field \"input_length\" is \"10\"; expected a whole number of tokens from 1 to 4294967295."},
    {"length past 32 bits", "{\"timestamp\":0,\"input_length\":4294967296,\"output_length\":1,\"hash_ids\":[1]}\n",
     ":1: field \"input_length\" is 4294967296; expected a whole number of tokens from 1 to 4294967295."},
    {"length missing", "{\"timestamp\":0,\"output_length\":1,\"hash_ids\":[1]}\n",
     ":1: field \"input_length\" is missing; expected a whole number of tokens."},
    {"length null", "{\"timestamp\":0,\"input_length\":null,\"output_length\":1,\"hash_ids\":[1]}\n",
     ":1: field \"input_length\" is missing; expected a whole number of tokens."},
    {"answer negative", "{\"timestamp\":0,\"input_length\":10,\"output_length\":-1,\"hash_ids\":[1]}\n",
     ":1: field \"output_length\" is -1; expected a whole number of tokens from 0 to 4294967295."},
    {"answer missing", "{\"timestamp\":0,\"input_length\":10,\"hash_ids\":[1]}\n",
     ":1: field \"output_length\" is missing; expected a whole number of tokens, or \"output_token_ids\"."},
    {"time missing", "{\"input_length\":10,\"output_length\":1,\"hash_ids\":[1]}\n",
     ":1: field \"timestamp\" is missing; expected a number of ms."},
    {"time negative", "{\"timestamp\":-0.5,\"input_length\":10,\"output_length\":1,\"hash_ids\":[1]}\n",
     ":1: field \"timestamp\" is -0.5; expected a number of ms from 0 to 4611686018426."},
    {"time as text", "{\"timestamp\":\"noon\",\"input_length\":10,\"output_length\":1,\"hash_ids\":[1]}\n",
     ":1: field \"timestamp\" is \"noon\"; expected a number of ms from 0 to 4611686018426."},
    {"time too late", "{\"timestamp\":4611686018428,\"input_length\":10,\"output_length\":1,\"hash_ids\":[1]}\n",
     ":1: field \"timestamp\" is 4611686018428; expected a number of ms from 0 to 4611686018426."},
    {"time back",
     "{\"timestamp\":5,\"input_length\":10,\"output_length\":1,\"hash_ids\":[1]}\n{\"timestamp\":4.5,\"input_length\":"
     "10,\"output_length\":1,\"hash_ids\":[1]}\n",
     ":2: field \"timestamp\": 4.5 ms is before the 5 ms of the previous request without a session; expected no "
     "earlier time."},
    {"time back in a session",
     "{\"session_id\":\"a\",\"timestamp\":5,\"input_length\":10,\"output_length\":1,\"hash_ids\":[1]}\n{\"session_id\":"
     "\"b\"," LENGTHS ",\"hash_ids\":[1]}\n{\"session_id\":\"a\",\"timestamp\":4,\"input_length\":10,\"output_length\":"
     "1,\"hash_ids\":[1]}\n",
     ":3: field \"timestamp\": 4 ms is before the 5 ms of the previous request of session a; expected no earlier "
     "time."},
    {"think time", "{" LENGTHS ",\"think_time\":-1,\"hash_ids\":[1]}\n",
     ":1: field \"think_time\" is -1; expected a number of s from 0 to 4611686017."},
    {"turn", "{" LENGTHS ",\"turn\":0,\"hash_ids\":[1]}\n",
     ":1: field \"turn\" is 0; expected a whole number from 1 to 4294967295."},
    {"session", "{" LENGTHS ",\"session_id\":[1],\"hash_ids\":[1]}\n",
     ":1: field \"session_id\" is a list; expected a string or a whole number."},
    {"class", "{" LENGTHS ",\"class\":1.5,\"hash_ids\":[1]}\n",
     ":1: field \"class\" is 1.5; expected a string or a whole number."},
    {"cost", "{" LENGTHS ",\"cost\":\"high\",\"hash_ids\":[1]}\n",
     ":1: field \"cost\" is \"high\"; expected a number."},
    {"priority", "{" LENGTHS ",\"priority\":3000000000,\"hash_ids\":[1]}\n",
     ":1: field \"priority\" is 3000000000; expected a whole number from -2147483647 to 2147483647."},
    {"workload", "{" LENGTHS ",\"workload\":{},\"hash_ids\":[1]}\n",
     ":1: field \"workload\" is an object; expected a string or a whole number."},
    {"prefix length", "{" LENGTHS ",\"prefix_len_tokens\":-1,\"hash_ids\":[1]}\n",
     ":1: field \"prefix_len_tokens\" is -1; expected a whole number of tokens from 0 to 4294967294."},
    {"no prompt", "{" LENGTHS "}\n",
     ":1: no prompt stands here; expected one of the fields \"hash_ids\", \"hash_runs\", \"token_ids\", \"prompt\" or "
     "\"segments\"."},
    {"two prompts", "{" LENGTHS ",\"hash_ids\":[1],\"prompt\":\"x\"}\n",
     ":1: fields \"hash_ids\" and \"prompt\" both stand here; expected one of \"hash_ids\", \"hash_runs\", "
     "\"token_ids\", \"prompt\" or \"segments\"."},
    {"ids not a list", "{" LENGTHS ",\"hash_ids\":1}\n", ":1: field \"hash_ids\" is 1; expected a list of block ids."},
    {"id not a number", "{" LENGTHS ",\"hash_ids\":[1,\"x\"]}\n",
     ":1: field \"hash_ids[1]\" is \"x\"; expected a whole number of 64 bits."},
    {"id with fraction", "{" LENGTHS ",\"hash_ids\":[1.0]}\n",
     ":1: field \"hash_ids[0]\" is 1.0; expected a whole number of 64 bits."},
    {"too few ids", "{\"timestamp\":0,\"input_length\":1025,\"output_length\":1,\"hash_ids\":[1,2]}\n",
     ":1: field \"hash_ids\": the number of block ids is 2; expected 3, as the prompt has 1025 tokens in blocks of 512 "
     "(a partial last block is listed)."},
    {"too many ids", "{\"timestamp\":0,\"input_length\":1024,\"output_length\":1,\"hash_ids\":[1,2,3]}\n",
     ":1: field \"hash_ids\": the number of block ids is at least 3; expected 2, as the prompt has 1024 tokens in "
     "blocks of 512 (a partial last block is listed)."},
    {"full blocks only",
     "{\"kvcast\":1,\"block_tokens\":64,\"blocks\":\"full\"}\n{\"timestamp\":0,\"input_length\":100,\"output_length\":"
     "1,\"hash_ids\":[1,2]}\n",
     ":2: field \"hash_ids\": the number of block ids is at least 2; expected 1, as the prompt has 100 tokens in "
     "blocks of 64 (a partial last block is not listed)."},
    {"two prefixes",
     "{\"timestamp\":0,\"input_length\":1024,\"output_length\":1,\"hash_ids\":[1,2]}\n{\"timestamp\":0,\"input_"
     "length\":1024,\"output_length\":1,\"hash_ids\":[3,2]}\n",
     ":2: field \"hash_ids\": block id 2 stands after two different prefixes (after id 1 earlier, after id 3 here); "
     "only a header with \"chained\":false allows that."},
    {"id twice in one prompt", "{\"timestamp\":0,\"input_length\":1024,\"output_length\":1,\"hash_ids\":[1,1]}\n",
     ":1: field \"hash_ids\": block id 1 stands after two different prefixes (at the start of a prompt earlier, after "
     "id 1 here); only a header with \"chained\":false allows that."},
    {"run not a pair", "{" LENGTHS ",\"hash_runs\":[[1,1,1]]}\n",
     ":1: field \"hash_runs[0]\" is a list; expected a pair [first id, count]."},
    {"run not a list", "{" LENGTHS ",\"hash_runs\":[5]}\n",
     ":1: field \"hash_runs[0]\" is 5; expected a pair [first id, count]."},
    {"run of nothing", "{" LENGTHS ",\"hash_runs\":[[1,0]]}\n",
     ":1: field \"hash_runs[0][1]\" is 0; expected a whole number of ids from 1 to 9223372036854775807."},
    {"run count", "{" LENGTHS ",\"hash_runs\":[[1,\"2\"]]}\n",
     ":1: field \"hash_runs[0][1]\" is \"2\"; expected a whole number of ids from 1 to 9223372036854775807."},
    {"run much too long", "{" LENGTHS ",\"hash_runs\":[[1,9223372036854775807]]}\n",
     ":1: field \"hash_runs\": the number of block ids is at least 9223372036854775807; expected 1, as the prompt has "
     "10 tokens in blocks of 512 (a partial last block is listed)."},
    {"run past 64 bits",
     "{\"timestamp\":0,\"input_length\":1024,\"output_length\":1,\"hash_runs\":[[9223372036854775807,2]]}\n",
     ":1: field \"hash_runs\": a run of 2 block ids from 9223372036854775807 is too long; expected at most 16777216 "
     "ids below 2^63."},
    {"run too long to hold",
     "{\"kvcast\":1,\"block_tokens\":1}\n{\"timestamp\":0,\"input_length\":4000000000,\"output_length\":1,\"hash_"
     "runs\":[[1,4000000000]]}\n",
     ":2: field \"hash_runs\": a run of 4000000000 block ids from 1 is too long; expected at most 16777216 ids below "
     "2^63."},
    {"token negative", "{\"timestamp\":0,\"output_length\":1,\"token_ids\":[1,-1]}\n",
     ":1: field \"token_ids[1]\" is -1; expected a whole number from 0 to 4294967295."},
    {"token past 32 bits", "{\"timestamp\":0,\"output_length\":1,\"token_ids\":[4294967296]}\n",
     ":1: field \"token_ids[0]\" is 4294967296; expected a whole number from 0 to 4294967295."},
    {"no tokens", "{\"timestamp\":0,\"output_length\":1,\"token_ids\":[]}\n",
     ":1: field \"token_ids\": the prompt has 0 tokens; expected from 1 to 4294967295."},
    {"tokens and length", "{\"timestamp\":0,\"input_length\":3,\"output_length\":1,\"token_ids\":[1,2]}\n",
     ":1: field \"token_ids\": the prompt has 2 tokens, but input_length is 3; expected the same number."},
    {"prompt not text", "{\"timestamp\":0,\"output_length\":1,\"prompt\":[\"x\"]}\n",
     ":1: field \"prompt\" is a list; expected a text."},
    {"prompt empty", "{\"timestamp\":0,\"output_length\":1,\"prompt\":\"\"}\n",
     ":1: field \"prompt\": the prompt has 0 tokens; expected from 1 to 4294967295."},
    {"segments empty", "{\"timestamp\":0,\"output_length\":1,\"segments\":[]}\n",
     ":1: field \"segments\" is an empty list; expected at least one segment."},
    {"segment not an object", "{\"timestamp\":0,\"output_length\":1,\"segments\":[12]}\n",
     ":1: field \"segments[0]\" is 12; expected an object with \"tokens\" and, if shared, \"id\"."},
    {"segment without tokens", "{\"timestamp\":0,\"output_length\":1,\"segments\":[{\"tokens\":1},{\"id\":\"m\"}]}\n",
     ":1: segments[1]: field \"tokens\" is missing; expected a whole number of tokens."},
    {"segment of nothing", "{\"timestamp\":0,\"output_length\":1,\"segments\":[{\"id\":\"m\",\"tokens\":0}]}\n",
     ":1: segments[0]: field \"tokens\" is 0; expected a whole number of tokens from 1 to 4294967295."},
    {"segment id",
     "{\"timestamp\":0,\"output_length\":1,\"segments\":[{\"id\":null,\"tokens\":1},{\"id\":true,\"tokens\":1}]}\n",
     ":1: segments[1]: field \"id\" is true; expected a string or a whole number."},
    {"segments and length", "{\"timestamp\":0,\"input_length\":9,\"output_length\":1,\"segments\":[{\"tokens\":10}]}\n",
     ":1: field \"segments\": the prompt has 10 tokens, but input_length is 9; expected the same number."},
    {"segments too long", "{\"timestamp\":0,\"output_length\":1,\"segments\":[{\"tokens\":4294967295}]}\n",
     ":1: field \"segments\": the prompt has 268435455 blocks; expected at most 16777216."},
    {"answer not a list", "{\"timestamp\":0,\"token_ids\":[1],\"output_token_ids\":3}\n",
     ":1: field \"output_token_ids\" is 3; expected a list of tokens."},
    {"answer's token", "{\"timestamp\":0,\"token_ids\":[1],\"output_token_ids\":[null]}\n",
     ":1: field \"output_token_ids[0]\" is null; expected a whole number from 0 to 4294967295."},
    {"answer and length", "{\"timestamp\":0,\"output_length\":2,\"token_ids\":[1],\"output_token_ids\":[1,2,3]}\n",
     ":1: field \"output_token_ids\": the answer has 3 tokens, but output_length is 2; expected the same number."},
    {"answer beside ids", "{" LENGTHS ",\"hash_ids\":[1],\"output_token_ids\":[1]}\n",
     ":1: field \"output_token_ids\" stands beside \"hash_ids\"; expected it where the prompt is given as tokens, text "
     "or segments."},
    {"answer's runs beside tokens",
     "{\"timestamp\":0,\"output_length\":1,\"token_ids\":[1],\"output_hash_runs\":[[1,1]]}\n",
     ":1: field \"output_hash_runs\" stands beside \"token_ids\"; expected it where the prompt is given as ids."},
    {"answer's runs too few",
     "{\"timestamp\":0,\"input_length\":512,\"output_length\":1024,\"hash_ids\":[1],\"output_hash_runs\":[[2,1]]}\n",
     ":1: field \"output_hash_runs\": the number of block ids is 1; expected 2, as many as the answer's 1024 tokens "
     "complete."},
    {"answer's runs before the prompt's end",
     "{\"timestamp\":0,\"input_length\":1024,\"output_length\":512,\"hash_ids\":[1],\"output_hash_runs\":[[2,1]]}\n",
     ":1: field \"hash_ids\": the number of block ids is 1; expected 2, as the prompt has 1024 tokens in blocks of 512 "
     "(a partial last block is listed)."},
    {"answer's runs stand elsewhere",
     "{\"timestamp\":0,\"input_length\":600,\"output_length\":512,\"hash_ids\":[1,2],\"output_hash_runs\":[[3,1]]}\n{"
     "\"timestamp\":0,\"input_length\":1024,\"output_length\":512,\"hash_ids\":[4,3]}\n",
     ":2: field \"hash_ids\": block id 3 stands after two different prefixes (after id 1 earlier, after id 4 here); "
     "only a header with \"chained\":false allows that."},
    {"version", "{\"kvcast\":2}\n", ":1: field \"kvcast\" is 2; expected 1, the only version of the format there is."},
    {"version text", "{\"kvcast\":\"one\"}\n",
     ":1: field \"kvcast\" is \"one\"; expected 1, the only version of the format there is."},
    {"header late", "{" LENGTHS ",\"hash_ids\":[1]}\n{\"kvcast\":1}\n",
     ":2: a header stands after requests; expected it on the first line."},
    {"header twice", "{\"kvcast\":1}\n{\"kvcast\":1}\n",
     ":2: a second header stands here; expected one, on the first line."},
    {"header's block size", "{\"kvcast\":1,\"block_tokens\":0}\n",
     ":1: field \"block_tokens\" is 0; expected a whole number of tokens from 1 to 4294967295."},
    {"header's blocks", "{\"kvcast\":1,\"blocks\":\"floor\"}\n",
     ":1: field \"blocks\" is \"floor\"; expected \"ceil\" or \"full\"."},
    {"header's scope", "{\"kvcast\":1,\"hash_scope\":\"line\"}\n",
     ":1: field \"hash_scope\" is \"line\"; expected \"global\" or \"session\"."},
    {"header's chained", "{\"kvcast\":1,\"chained\":\"no\"}\n",
     ":1: field \"chained\" is \"no\"; expected true or false."},
    {"no name space", "{\"kvcast\":1,\"hash_scope\":\"session\"}\n{" LENGTHS ",\"hash_ids\":[1]}\n",
     ":2: field \"session_id\" is missing; expected it or \"hash_scope\", as the header says "
     "\"hash_scope\":\"session\"."},
    {"name space unasked", "{" LENGTHS ",\"hash_scope\":\"a\",\"hash_ids\":[1]}\n",
     ":1: field \"hash_scope\" is \"a\"; expected none, as no header says \"hash_scope\":\"session\"."},
    {"tail", "{\"kvcast\":1,\"blocks\":\"full\"}\n{" LENGTHS ",\"tail_listed\":true,\"hash_ids\":[]}\n",
     ":2: field \"tail_listed\" is true; expected false, as the header says \"blocks\":\"full\"."},
    {"tail flag", "{" LENGTHS ",\"tail_listed\":1,\"hash_ids\":[1]}\n",
     ":1: field \"tail_listed\" is 1; expected true or false."},
};

static void every_refusal_has_its_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		struct err err = {""};
		char sentence[1024];
		snprintf(sentence, sizeof(sentence), "t.jsonl%s", refusals[i].sentence);
		if (scratch_try(refusals[i].text, 0, &err))
			fail_msg("%s: was taken", refusals[i].what);
		if (strcmp(err.text, sentence) != 0)
			fail_msg("%s:\n  %s\ninstead of\n  %s", refusals[i].what, err.text, sentence);
	}
}

/* The same lines behind a good one are refused as the second. */
static void the_line_is_counted(void **state)
{
	(void)state;
	struct err err;
	assert_null(scratch_try("\n{" LENGTHS ",\"hash_ids\":[1]}\r\n\n{\"timestamp\":1}\n", 0, &err));
	assert_memory_equal(err.text, "t.jsonl:4: ", 11);
}

static void nothing_is_taken_from_bytes_that_are_no_text(void **state)
{
	(void)state;
	static const char good[] = "{" LENGTHS ",\"hash_ids\":[1]}\n";
	struct trace_load_options options = {0};
	struct err err;
	char data[sizeof(good)];
	memcpy(data, good, sizeof(good));
	data[4] = '\0';
	scratch_write("n.jsonl", data, sizeof(good) - 1);
	assert_null(trace_load("n.jsonl", &options, &err));
	assert_string_equal(err.text, "n.jsonl:1: byte 5 of the line is NUL; expected text.");
	assert_null(trace_load("absent.jsonl", &options, &err));
	assert_string_equal(err.text, "absent.jsonl cannot be opened: No such file or directory.");
	assert_null(trace_load("/", &options, &err));
	assert_string_equal(err.text, "/ cannot be read: Is a directory.");
}

static void block_sizes_that_do_not_fit(void **state)
{
	(void)state;
	struct err err;
	assert_null(scratch_try("{\"kvcast\":1,\"block_tokens\":64}\n{" LENGTHS ",\"hash_ids\":[1]}\n", 16, &err));
	assert_string_equal(err.text,
			    "t.jsonl:2: the trace names blocks of 64 tokens and cannot be cut anew into blocks of 16; "
			    "expected no other block size.");
	/* Without a header the option says how large the blocks are, and has to fit the ids. */
	assert_null(
	    scratch_try("{\"timestamp\":0,\"input_length\":600,\"output_length\":1,\"hash_ids\":[1,2]}\n", 16, &err));
	assert_string_equal(
	    err.text, "t.jsonl:1: field \"hash_ids\": the number of block ids is 2; expected 38, as the prompt has "
		      "600 tokens in blocks of 16 (a partial last block is listed).");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_refusal_has_its_sentence),
	    cmocka_unit_test(the_line_is_counted),
	    cmocka_unit_test(nothing_is_taken_from_bytes_that_are_no_text),
	    cmocka_unit_test(block_sizes_that_do_not_fit),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
