/* builder: dense ids, paths, lengths, clocks, and the names of what is cut here. */
#include "test.h"

#include "builder.h"
#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct err err;

static struct builder *start(uint32_t block_tokens, bool tail_listed, bool chained)
{
	const struct builder_options options = {"test", block_tokens, tail_listed, chained};
	return builder_new(&options);
}

static int begin(struct builder *builder, int64_t arrival_ns, const char *session, uint32_t prompt, uint32_t output)
{
	const struct trace_request request = {
	    .arrival_ns = arrival_ns, .think_ns = -1, .prompt_tokens = prompt, .output_tokens = output};
	return builder_begin(builder, &request, session, NULL, NULL, &err);
}

static void ok(int status)
{
	if (status != 0)
		fail_msg("%s", err.text);
}

static struct trace *finish(struct builder *builder)
{
	struct trace *trace = builder_finish(builder, &err);
	if (!trace)
		fail_msg("%s", err.text);
	return trace;
}

/* One request of hash ids with blocks of 1 token, so that lengths follow from the ids. */
static int hash_request(struct builder *builder, const char *scope, const int64_t *ids, uint32_t count)
{
	ok(begin(builder, 0, NULL, count, 0));
	for (uint32_t i = 0; i < count; i++) {
		if (builder_path_hash_run(builder, scope, ids[i], 1, &err) < 0)
			return -1;
	}
	return builder_commit(builder, &err);
}
#define HASH_REQUEST(builder, scope, ...)                                                                              \
	hash_request(builder, scope, (const int64_t[]){__VA_ARGS__}, COUNT_OF(((const int64_t[]){__VA_ARGS__})))

static void paths_parents_depths(void **state)
{
	(void)state;
	struct builder *builder = start(1, true, true);
	ok(HASH_REQUEST(builder, "", 10, 11, 12));
	ok(HASH_REQUEST(builder, "", 10, 11, 99, 98));
	ok(HASH_REQUEST(builder, "", -5, INT64_MAX, INT64_MIN));
	ok(HASH_REQUEST(builder, "", 10, 11, 12, 13));
	struct trace *trace = finish(builder);
	assert_string_equal(scratch_path(trace, 0), "0+3");
	assert_string_equal(scratch_path(trace, 1), "0+2 3+2");
	assert_string_equal(scratch_path(trace, 2), "5+3");
	assert_string_equal(scratch_path(trace, 3), "0+3 8+1");
	static const block_id parents[] = {BLOCK_NONE, 0, 1, 1, 3, BLOCK_NONE, 5, 6, 2};
	static const uint32_t depths[] = {0, 1, 2, 2, 3, 0, 1, 2, 3};
	assert_int_equal(trace->block_count, COUNT_OF(parents));
	assert_memory_equal(trace->parent, parents, sizeof(parents));
	assert_memory_equal(trace->depth, depths, sizeof(depths));
	assert_int_equal(trace->ids, TRACE_IDS_HASH);
	assert_int_equal(trace_references(trace), 3 + 4 + 3 + 4);
	assert_string_equal(trace->name, "test");
	trace_free(trace);
}

static void an_id_has_one_prefix(void **state)
{
	(void)state;
	struct builder *builder = start(1, true, true);
	ok(HASH_REQUEST(builder, "", 1, 2));
	assert_int_equal(HASH_REQUEST(builder, "", 3, 2), -1);
	assert_string_equal(err.text,
			    "block id 2 stands after two different prefixes (after id 1 earlier, after id 3 here); "
			    "only a header with \"chained\":false allows that.");
	builder_free(builder);
	builder = start(1, true, true);
	ok(HASH_REQUEST(builder, "", 1, 2));
	assert_int_equal(HASH_REQUEST(builder, "", 2), -1);
	assert_string_equal(err.text,
			    "block id 2 stands after two different prefixes (after id 1 earlier, at the start of a "
			    "prompt here); only a header with \"chained\":false allows that.");
	builder_free(builder);
	builder = start(1, true, false);
	ok(HASH_REQUEST(builder, "", 1, 2, 2));
	ok(HASH_REQUEST(builder, "", 3, 2));
	ok(HASH_REQUEST(builder, "", 2));
	ok(HASH_REQUEST(builder, "", 1, 2));
	struct trace *trace = finish(builder);
	assert_string_equal(scratch_path(trace, 0), "0+3");
	assert_string_equal(scratch_path(trace, 1), "3+2");
	assert_string_equal(scratch_path(trace, 2), "5+1");
	assert_string_equal(scratch_path(trace, 3), "0+2");
	trace_free(trace);
}

static void name_spaces_are_apart(void **state)
{
	(void)state;
	struct builder *builder = start(1, true, true);
	ok(HASH_REQUEST(builder, "a", 1, 2));
	ok(HASH_REQUEST(builder, "b", 2, 1));
	ok(HASH_REQUEST(builder, "a", 1, 2, 3));
	ok(HASH_REQUEST(builder, "", 1));
	struct trace *trace = finish(builder);
	assert_string_equal(scratch_path(trace, 1), "2+2");
	assert_string_equal(scratch_path(trace, 2), "0+2 4+1");
	assert_string_equal(scratch_path(trace, 3), "5+1");
	trace_free(trace);
}

static void lengths_fit(void **state)
{
	(void)state;
	static const struct {
		bool listed;
		uint32_t tokens, blocks;
		const char *sentence;
	} cases[] = {
	    {true, 128, 2, NULL},
	    {true, 129, 3, NULL},
	    {true, 1, 1, NULL},
	    {false, 128, 2, NULL},
	    {false, 191, 2, NULL},
	    {false, 63, 0, NULL},
	    {true, 129, 2,
	     "the number of block ids is 2; expected 3, as the prompt has 129 tokens in blocks of 64 (a partial "
	     "last block is listed)."},
	    {true, 128, 3,
	     "the number of block ids is at least 3; expected 2, as the prompt has 128 tokens in blocks of 64 (a "
	     "partial last block is listed)."},
	    {false, 191, 3,
	     "the number of block ids is at least 3; expected 2, as the prompt has 191 tokens in blocks of 64 "
	     "(a partial last block is not listed)."},
	    {false, 128, 1,
	     "the number of block ids is 1; expected 2, as the prompt has 128 tokens in blocks of 64 (a partial "
	     "last block is not listed)."},
	    {true, 0, 0, "the prompt has 0 tokens; expected at least 1."},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct builder *builder = start(64, cases[i].listed, true);
		ok(begin(builder, 0, NULL, cases[i].tokens, 0));
		int status = builder_path_hash_run(builder, "", 1, cases[i].blocks, &err);
		if (status == 0)
			status = builder_commit(builder, &err);
		if (cases[i].sentence) {
			assert_int_equal(status, -1);
			assert_string_equal(err.text, cases[i].sentence);
		} else {
			ok(status);
		}
		builder_free(builder);
	}
}

static void an_unnamed_tail_is_left_out(void **state)
{
	(void)state;
	struct builder *builder = start(64, true, true);
	ok(begin(builder, 0, NULL, 100, 0));
	builder_tail_unnamed(builder);
	ok(builder_path_hash_run(builder, "", 1, 1, &err));
	ok(builder_commit(builder, &err));
	ok(begin(builder, 0, NULL, 100, 0));
	ok(builder_path_hash_run(builder, "", 1, 2, &err));
	ok(builder_commit(builder, &err));
	struct trace *trace = finish(builder);
	assert_string_equal(scratch_path(trace, 0), "0+1");
	assert_string_equal(scratch_path(trace, 1), "0+2");
	assert_true(trace->tail_listed);
	trace_free(trace);
}

static void clocks_turns_and_order(void **state)
{
	(void)state;
	struct builder *builder = start(1, true, true);
	static const struct {
		int64_t arrival_ns;
		const char *session;
	} requests[] = {{5, "a"}, {3, "b"}, {5, NULL}, {5, "a"}, {3, "c"}, {9, "b"}, {6, NULL}};
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		ok(begin(builder, requests[i].arrival_ns, requests[i].session, 1, 0));
		ok(builder_path_hash_run(builder, "", 1, 1, &err));
		ok(builder_commit(builder, &err));
	}
	assert_int_equal(begin(builder, 8 * NS_PER_MS / 2, "b", 1, 0), 0);
	ok(builder_path_hash_run(builder, "", 1, 1, &err));
	ok(builder_commit(builder, &err));
	struct trace *trace = finish(builder);
	static const uint32_t ordinals[] = {1, 4, 0, 2, 3, 6, 5, 7}, turns[] = {1, 1, 1, 1, 2, 1, 2, 3};
	for (size_t i = 0; i < COUNT_OF(ordinals); i++) {
		assert_int_equal(trace->requests[i].ordinal, ordinals[i]);
		assert_int_equal(trace->requests[i].turn, turns[i]);
	}
	assert_int_equal(trace->session_count, 3);
	assert_string_equal(trace->session_names[trace->requests[0].session], "b");
	assert_int_equal(trace->requests[3].session, TRACE_NO_SESSION);
	trace_free(trace);
}

static void times_do_not_go_back(void **state)
{
	(void)state;
	struct builder *builder = start(1, true, true);
	ok(begin(builder, 2 * NS_PER_MS, "s", 1, 0));
	ok(begin(builder, 0, NULL, 1, 0));
	ok(begin(builder, NS_PER_MS, "other", 1, 0));
	assert_int_equal(begin(builder, 3 * NS_PER_MS / 2, "s", 1, 0), -1);
	assert_string_equal(
	    err.text, "1.5 ms is before the 2 ms of the previous request of session s; expected no earlier time.");
	builder_free(builder);
	builder = start(1, true, true);
	ok(begin(builder, INT64_C(1700000000000) * NS_PER_MS, NULL, 1, 0));
	assert_int_equal(begin(builder, INT64_C(1699999999999) * NS_PER_MS, NULL, 1, 0), -1);
	assert_string_equal(err.text,
			    "1699999999999 ms is before the 1700000000000 ms of the previous request without a "
			    "session; expected no earlier time.");
	builder_free(builder);
}

/* --- tokens --- */

static void token_request(struct builder *builder, const uint32_t *tokens, size_t count, const uint32_t *answer,
			  size_t answer_count)
{
	ok(begin(builder, 0, NULL, 0, (uint32_t)answer_count));
	ok(builder_path_tokens(builder, tokens, count, &err));
	if (answer)
		ok(builder_answer_tokens(builder, answer, answer_count, &err));
	ok(builder_commit(builder, &err));
}

static void blocks_are_cut_whatever_the_calls(void **state)
{
	(void)state;
	uint32_t tokens[1000];
	srand(1);
	for (size_t i = 0; i < COUNT_OF(tokens); i++)
		tokens[i] = (uint32_t)rand();
	struct builder *builder = start(16, true, true);
	for (int round = 0; round < 200; round++) {
		ok(begin(builder, 0, NULL, 0, 0));
		for (size_t at = 0; at < COUNT_OF(tokens);) {
			size_t piece = round == 0 ? COUNT_OF(tokens) : (size_t)(rand() % 40);
			piece = piece < COUNT_OF(tokens) - at ? piece : COUNT_OF(tokens) - at;
			ok(builder_path_tokens(builder, tokens + at, piece, &err));
			at += piece;
		}
		ok(builder_commit(builder, &err));
	}
	struct trace *trace = finish(builder);
	assert_int_equal(trace->block_count, 63);
	for (uint32_t i = 0; i < trace->request_count; i++) {
		assert_string_equal(scratch_path(trace, i), "0+63");
		assert_int_equal(trace->requests[i].prompt_tokens, 1000);
	}
	assert_int_equal(trace->ids, TRACE_IDS_TOKEN);
	trace_free(trace);
}

static void tokens_name_their_prefix(void **state)
{
	(void)state;
	static const uint32_t abcdef[] = {1, 2, 3, 4, 5, 6}, xbcdef[] = {9, 2, 3, 4, 5, 6},
			      abcdxf[] = {1, 2, 3, 4, 9, 6};
	struct builder *builder = start(2, true, true);
	token_request(builder, abcdef, 6, NULL, 0);
	token_request(builder, abcdxf, 6, NULL, 0); /* shares the first two blocks */
	token_request(builder, xbcdef, 6, NULL, 0); /* equal blocks after another first: none shared */
	token_request(builder, abcdef, 5, NULL, 0); /* its tail is no full block */
	token_request(builder, abcdef, 5, NULL, 0); /* but the same as the one before */
	struct trace *trace = finish(builder);
	assert_string_equal(scratch_path(trace, 0), "0+3");
	assert_string_equal(scratch_path(trace, 1), "0+2 3+1");
	assert_string_equal(scratch_path(trace, 2), "4+3");
	assert_string_equal(scratch_path(trace, 3), "0+2 7+1");
	assert_string_equal(scratch_path(trace, 4), "0+2 7+1");
	trace_free(trace);
}

/* The next prompt holds the last one and its answer: it finds the answer's blocks, and the block they share. */
static void answers_are_reused(void **state)
{
	(void)state;
	uint32_t talk[40];
	for (uint32_t i = 0; i < 40; i++)
		talk[i] = 100 + i;
	struct builder *builder = start(4, true, true);
	token_request(builder, talk, 10, talk + 10, 13); /* 2 full blocks and a tail; the answer completes 3 more */
	token_request(builder, talk, 30, talk + 30,
		      1);                             /* all 5 of them, 2 new full ones and a tail; completes nothing */
	token_request(builder, talk, 8, talk + 8, 3); /* ends on a block's edge; completes nothing */
	token_request(builder, talk, 2, talk + 2, 3); /* less than a block: the answer's first block is a root */
	struct trace *trace = finish(builder);
	assert_string_equal(scratch_path(trace, 0), "0+3 | 3+3");
	assert_int_equal(trace->parent[2], 1);
	assert_int_equal(trace->parent[3], 1);
	assert_int_equal(trace->depth[5], 4);
	assert_string_equal(scratch_path(trace, 1), "0+2 3+6");
	assert_int_equal(trace->requests[1].answer_block_count, 0);
	assert_string_equal(scratch_path(trace, 2), "0+2");
	assert_string_equal(scratch_path(trace, 3), "9+1 | 0+1");
	trace_free(trace);
}

static void answers_without_listed_tails(void **state)
{
	(void)state;
	static const uint32_t talk[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
	struct builder *builder = start(4, false, true);
	token_request(builder, talk, 6, talk + 6, 2);
	token_request(builder, talk, 9, NULL, 0);
	struct trace *trace = finish(builder);
	assert_string_equal(scratch_path(trace, 0), "0+1 | 1+1");
	assert_string_equal(scratch_path(trace, 1), "0+2");
	trace_free(trace);
}

static void answers_of_hash_ids(void **state)
{
	(void)state;
	struct builder *builder = start(64, true, true);
	ok(begin(builder, 0, NULL, 100, 200)); /* 36 of the tail and 200: completes 3 blocks */
	ok(builder_path_hash_run(builder, "", 1, 2, &err));
	ok(builder_answer_hash_run(builder, "", 10, 2, &err));
	ok(builder_answer_hash_run(builder, "", 20, 1, &err));
	ok(builder_commit(builder, &err));
	ok(begin(builder, 0, NULL, 256, 0));
	ok(builder_path_hash_run(builder, "", 1, 1, &err));
	ok(builder_path_hash_run(builder, "", 10, 2, &err));
	ok(builder_path_hash_run(builder, "", 20, 1, &err));
	ok(builder_commit(builder, &err));
	struct trace *trace = finish(builder);
	assert_string_equal(scratch_path(trace, 0), "0+2 | 2+3");
	assert_string_equal(scratch_path(trace, 1), "0+1 2+3");
	assert_int_equal(trace->parent[2], 0);
	trace_free(trace);
	builder = start(64, true, true);
	ok(begin(builder, 0, NULL, 64, 200));
	ok(builder_path_hash_run(builder, "", 1, 1, &err));
	ok(builder_answer_hash_run(builder, "", 10, 2, &err));
	assert_int_equal(builder_commit(builder, &err), -1);
	assert_string_equal(err.text,
			    "the number of block ids is 2; expected 3, as many as the answer's 200 tokens complete.");
	builder_free(builder);
}

/* --- segments --- */

static void segments_share_after_the_same_prefix(void **state)
{
	(void)state;
	static const uint32_t token = 5;
	struct builder *builder = start(10, true, true);
	for (int i = 0; i < 5; i++) {
		ok(begin(builder, 0, NULL, 0, 0));
		if (i == 2)
			ok(builder_path_tokens(builder, &token, 1, &err));
		ok(builder_path_segment(builder, "manual", i == 3 ? 25 : 35, &err));
		ok(builder_path_segment(builder, i == 4 ? "question" : NULL, 10, &err));
		ok(builder_commit(builder, &err));
	}
	struct trace *trace = finish(builder);
	assert_string_equal(scratch_path(trace, 0), "0+5");      /* 3 blocks of the manual, a mixed one, a tail */
	assert_string_equal(scratch_path(trace, 1), "0+3 5+2");  /* unnamed: unlike the first request's */
	assert_string_equal(scratch_path(trace, 2), "7+5");      /* the same segment after another prefix */
	assert_string_equal(scratch_path(trace, 3), "0+2 12+2"); /* a shorter stretch shares its full blocks */
	assert_string_equal(scratch_path(trace, 4), "0+3 14+2");
	assert_int_equal(trace->requests[0].prompt_tokens, 45);
	assert_int_equal(trace->ids, TRACE_IDS_TOKEN);
	trace_free(trace);
}

static void the_same_segment_twice_starts_again(void **state)
{
	(void)state;
	struct builder *builder = start(10, true, true);
	static const uint64_t pieces[][2] = {{20, 20}, {40, 0}, {20, 10}};
	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		ok(begin(builder, 0, NULL, 0, 0));
		for (size_t j = 0; j < 2; j++)
			ok(builder_path_segment(builder, "m", pieces[i][j], &err));
		ok(builder_commit(builder, &err));
	}
	struct trace *trace = finish(builder);
	assert_string_equal(scratch_path(trace, 0), "0+4");
	assert_string_equal(scratch_path(trace, 1), "0+2 4+2");
	assert_string_equal(scratch_path(trace, 2), "0+3");
	trace_free(trace);
}

static void content_lengths_fit(void **state)
{
	(void)state;
	static const uint32_t tokens[3] = {1, 2, 3};
	struct builder *builder = start(10, true, true);
	ok(begin(builder, 0, NULL, 4, 0));
	ok(builder_path_tokens(builder, tokens, 3, &err));
	assert_int_equal(builder_commit(builder, &err), -1);
	assert_string_equal(err.text, "the prompt has 3 tokens, but input_length is 4; expected the same number.");
	builder_free(builder);
	builder = start(10, true, true);
	ok(begin(builder, 0, NULL, 0, 5));
	ok(builder_path_tokens(builder, tokens, 3, &err));
	ok(builder_answer_tokens(builder, tokens, 3, &err));
	assert_int_equal(builder_commit(builder, &err), -1);
	assert_string_equal(err.text, "the answer has 3 tokens, but output_length is 5; expected the same number.");
	builder_free(builder);
	builder = start(10, true, true);
	ok(begin(builder, 0, NULL, 0, 5));
	ok(builder_path_tokens(builder, tokens, 0, &err));
	assert_int_equal(builder_commit(builder, &err), -1);
	assert_string_equal(err.text, "the prompt has 0 tokens; expected from 1 to 4294967295.");
	builder_free(builder);
}

static void huge_claims_are_refused_at_once(void **state)
{
	(void)state;
	struct builder *builder = start(1, true, true);
	ok(begin(builder, 0, NULL, UINT32_MAX, 0));
	assert_int_equal(builder_path_hash_run(builder, "", 0, UINT32_MAX, &err), -1);
	assert_string_equal(
	    err.text, "a run of 4294967295 block ids from 0 is too long; expected at most 16777216 ids below 2^63.");
	builder_free(builder);
	builder = start(16, true, true);
	ok(begin(builder, 0, NULL, 0, 0));
	assert_int_equal(builder_path_segment(builder, "x", UINT64_MAX, &err), -1);
	assert_string_equal(err.text, "the prompt has 1152921504606846975 blocks; expected at most 16777216.");
	builder_free(builder);
	builder = start(16, true, true);
	assert_null(builder_finish(builder, &err));
	assert_string_equal(err.text, "there is no request in it; expected at least one.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(paths_parents_depths),
	    cmocka_unit_test(an_id_has_one_prefix),
	    cmocka_unit_test(name_spaces_are_apart),
	    cmocka_unit_test(lengths_fit),
	    cmocka_unit_test(an_unnamed_tail_is_left_out),
	    cmocka_unit_test(clocks_turns_and_order),
	    cmocka_unit_test(times_do_not_go_back),
	    cmocka_unit_test(blocks_are_cut_whatever_the_calls),
	    cmocka_unit_test(tokens_name_their_prefix),
	    cmocka_unit_test(answers_are_reused),
	    cmocka_unit_test(answers_without_listed_tails),
	    cmocka_unit_test(answers_of_hash_ids),
	    cmocka_unit_test(segments_share_after_the_same_prefix),
	    cmocka_unit_test(the_same_segment_twice_starts_again),
	    cmocka_unit_test(content_lengths_fit),
	    cmocka_unit_test(huge_claims_are_refused_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
