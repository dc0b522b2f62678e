#include "builder.h"

#include "content.h"
#include "idmap.h"
#include "image.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A hash id's key: the id below, above it the name space and, unchained, the block before. Its top bit is clear. */
#define SCOPE_BITS 31

struct words {
	struct idmap map; /* key: content_name(word) */
	char **texts;
	size_t capacity;
};

struct session_clock {
	int64_t last_ns;
	uint32_t requests;
};

enum path_kind { PATH_NONE, PATH_HASH, PATH_CONTENT };

struct builder {
	struct builder_options options;
	char *name;
	struct idmap blocks;
	block_id *parent;
	size_t parent_capacity;
	struct trace_run *runs;
	size_t run_capacity;
	struct trace_request *requests;
	size_t request_capacity;
	struct trace_hints *hints;
	size_t hints_capacity;
	struct words scopes, sessions, classes;
	struct session_clock *clocks; /* [sessions], and clocks[0] that of requests without a session */
	size_t clock_capacity;
	uint32_t request_count, run_count, hints_count;
	bool any_content;

	/* The request being built. */
	struct trace_request request;
	struct content content;
	enum path_kind kind;
	bool tail_listed, in_answer, answer_given;
	block_id last;                         /* what the next block follows; BLOCK_NONE at the root */
	uint64_t prompt_tokens, answer_tokens; /* given as content so far */
};

static void *grow(void *array, size_t *capacity, size_t needed, size_t size)
{
	if (needed <= *capacity)
		return array;
	size_t wanted = *capacity ? *capacity * 2 : 256;
	*capacity = wanted > needed ? wanted : needed;
	return mem_grow(array, *capacity, size);
}

static uint32_t words_add(struct words *words, const char *text)
{
	bool added;
	uint32_t index = idmap_add(&words->map, content_name(text), &added);
	if (added) {
		words->texts = grow(words->texts, &words->capacity, words->map.count, sizeof(*words->texts));
		words->texts[index] = mem_copy_text(text);
	}
	return index;
}

static void words_free(struct words *words)
{
	for (uint32_t i = 0; i < words->map.count; i++)
		free(words->texts[i]);
	free(words->texts);
	idmap_free(&words->map);
}

struct builder *builder_new(const struct builder_options *options)
{
	ASSERT(options->block_tokens > 0);
	struct builder *builder = mem_alloc(1, sizeof(*builder));
	builder->options = *options;
	builder->name = mem_copy_text(options->name);
	builder->options.name = builder->name;
	builder->content.block_tokens = options->block_tokens;
	return builder;
}

void builder_free(struct builder *builder)
{
	if (!builder)
		return;
	idmap_free(&builder->blocks);
	words_free(&builder->scopes);
	words_free(&builder->sessions);
	words_free(&builder->classes);
	free(builder->parent);
	free(builder->runs);
	free(builder->requests);
	free(builder->hints);
	free(builder->clocks);
	content_free(&builder->content);
	free(builder->name);
	free(builder);
}

uint32_t builder_word(struct builder *builder, const char *word)
{
	return words_add(&builder->classes, word);
}

/* Clock 0 belongs to the requests without a session, clock s + 1 to session s. */
static int builder_tick(struct builder *builder, uint32_t session, const char *name, struct err *err)
{
	struct trace_request *request = &builder->request;
	size_t index = session == TRACE_NO_SESSION ? 0 : (size_t)session + 1;
	size_t before = builder->clock_capacity;
	builder->clocks = grow(builder->clocks, &builder->clock_capacity, index + 1, sizeof(*builder->clocks));
	memset(builder->clocks + before, 0, (builder->clock_capacity - before) * sizeof(*builder->clocks));
	struct session_clock *clock = &builder->clocks[index];
	if (request->arrival_ns < clock->last_ns)
		return err_set(
		    err, "%.15g ms is before the %.15g ms of the previous request %s%.60s; expected no earlier time.",
		    (double)request->arrival_ns / (double)NS_PER_MS, (double)clock->last_ns / (double)NS_PER_MS,
		    name ? "of session " : "without a session", name ? name : "");
	clock->last_ns = request->arrival_ns;
	clock->requests++;
	if (request->turn == 0)
		request->turn = name ? clock->requests : 1;
	return 0;
}

int builder_begin(struct builder *builder, const struct trace_request *request, const char *session,
		  const char *class_name, const struct trace_hints *hints, struct err *err)
{
	ASSERT(request->arrival_ns >= 0 && request->arrival_ns <= TRACE_TIME_MOST_NS);
	ASSERT(request->think_ns >= -1 && request->think_ns <= TRACE_TIME_MOST_NS);
	builder->request = (struct trace_request){
	    .arrival_ns = request->arrival_ns,
	    .think_ns = request->think_ns,
	    .ordinal = builder->request_count,
	    .session = session ? words_add(&builder->sessions, session) : TRACE_NO_SESSION,
	    .turn = request->turn,
	    .class_id = class_name ? words_add(&builder->classes, class_name) : TRACE_NO_CLASS,
	    .prompt_tokens = request->prompt_tokens,
	    .output_tokens = request->output_tokens,
	    .run_first = builder->run_count,
	    .hints = hints ? builder->hints_count : UINT32_MAX,
	};
	if (hints) {
		builder->hints = grow(builder->hints, &builder->hints_capacity, (size_t)builder->hints_count + 1,
				      sizeof(*builder->hints));
		builder->hints[builder->hints_count++] = *hints;
	}
	builder->kind = PATH_NONE;
	builder->tail_listed = builder->options.tail_listed;
	builder->in_answer = builder->answer_given = false;
	builder->last = BLOCK_NONE;
	builder->prompt_tokens = builder->answer_tokens = 0;
	content_restart(&builder->content);
	return builder_tick(builder, builder->request.session, session, err);
}

void builder_tail_unnamed(struct builder *builder)
{
	ASSERT(builder->kind == PATH_NONE);
	builder->tail_listed = false;
}

static void builder_append_run(struct builder *builder, block_id block)
{
	uint32_t first = builder->in_answer ? builder->request.answer_run_first : builder->request.run_first;
	uint32_t *blocks = builder->in_answer ? &builder->request.answer_block_count : &builder->request.block_count;
	struct trace_run *run = builder->runs + builder->run_count;
	if (builder->run_count > first && run[-1].first + run[-1].count == block) {
		run[-1].count++;
	} else {
		builder->runs =
		    grow(builder->runs, &builder->run_capacity, (size_t)builder->run_count + 1, sizeof(*run));
		builder->runs[builder->run_count++] = (struct trace_run){.first = block, .count = 1};
	}
	++*blocks;
	builder->last = block;
}

/* Appends the block with this key to the path. What usually follows a block is the block that was named after it, so
 * that one is tried before any hashing. 0, or -1 without a sentence where the key stands after another prefix. */
static int builder_append(struct builder *builder, struct idmap_key key)
{
	block_id last = builder->last, block = last + 1;
	if (block >= builder->blocks.count || !idmap_key_equal(builder->blocks.keys[block], key) ||
	    builder->parent[block] != last) {
		bool added;
		block = idmap_add(&builder->blocks, key, &added);
		if (block == IDMAP_FULL)
			return -1;
		if (added) {
			builder->parent = grow(builder->parent, &builder->parent_capacity, builder->blocks.count,
					       sizeof(*builder->parent));
			builder->parent[block] = last;
		} else if (builder->parent[block] != last) {
			return -1;
		}
	}
	builder_append_run(builder, block);
	return 0;
}

static int builder_check_room(const struct builder *builder, uint64_t blocks, struct err *err)
{
	/* Every block may need a run of its own. */
	if (builder->run_count > UINT32_MAX - 2 * BUILDER_MOST_BLOCKS)
		return err_set(err, "the trace needs more than %" PRIu32 " runs of blocks, the most there may be.",
			       UINT32_MAX - 2 * BUILDER_MOST_BLOCKS);
	if (blocks > BUILDER_MOST_BLOCKS)
		return err_set(err, "the %s has %" PRIu64 " blocks; expected at most %" PRIu32 ".",
			       builder->in_answer ? "answer" : "prompt", blocks, BUILDER_MOST_BLOCKS);
	return 0;
}

/* --- hash ids --- */

static void describe_hash(char *text, size_t size, const struct builder *builder, block_id block)
{
	if (block == BLOCK_NONE)
		snprintf(text, size, "at the start of a prompt");
	else
		snprintf(text, size, "after id %" PRId64, (int64_t)builder->blocks.keys[block].low);
}

/* Says why builder_append refused a hash id. */
static int builder_two_prefixes(struct builder *builder, struct idmap_key key, struct err *err)
{
	bool added;
	block_id block = idmap_add(&builder->blocks, key, &added);
	if (block == IDMAP_FULL)
		return err_set(err, "the trace has more than %" PRIu32 " distinct blocks, the most there may be.",
			       IDMAP_FULL - 1);
	char before[48], now[48];
	describe_hash(before, sizeof(before), builder, builder->parent[block]);
	describe_hash(now, sizeof(now), builder, builder->last);
	return err_set(err,
		       "block id %" PRId64 " stands after two different prefixes (%s earlier, %s here); "
		       "only a header with \"chained\":false allows that.",
		       (int64_t)key.low, before, now);
}

static int builder_hash_run(struct builder *builder, const char *scope, int64_t first, uint64_t count, struct err *err)
{
	uint64_t have = builder->in_answer ? builder->request.answer_block_count : builder->request.block_count;
	int64_t last;
	if (count > BUILDER_MOST_BLOCKS || __builtin_add_overflow(first, (int64_t)count - 1, &last))
		return err_set(err,
			       "a run of %" PRIu64 " block ids from %" PRId64 " is too long; expected at most %" PRIu32
			       " ids below 2^63.",
			       count, first, BUILDER_MOST_BLOCKS);
	if (builder_check_room(builder, have + count, err) < 0)
		return -1;
	uint32_t space = words_add(&builder->scopes, scope);
	if (space >> SCOPE_BITS)
		return err_set(err, "the trace has more than 2^%d name spaces of block ids, the most there may be.",
			       SCOPE_BITS);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t parent = builder->options.chained ? 0 : builder->last;
		struct idmap_key key = {.low = (uint64_t)first + i, .high = parent << SCOPE_BITS | space};
		if (builder_append(builder, key) < 0)
			return builder_two_prefixes(builder, key, err);
	}
	return 0;
}

static uint32_t builder_expected_blocks(const struct builder *builder)
{
	uint32_t block = builder->options.block_tokens, tokens = builder->request.prompt_tokens;
	return tokens / block + (builder->tail_listed && tokens % block ? 1 : 0);
}

static int builder_wrong_block_count(const struct builder *builder, const char *least, uint64_t count, struct err *err)
{
	uint32_t tokens = builder->request.prompt_tokens, expected = builder_expected_blocks(builder);
	return err_set(err,
		       "the number of block ids is %s%" PRIu64 "; expected %" PRIu32 ", as the prompt has %" PRIu32
		       " tokens in blocks of %" PRIu32 " (a partial last block is %slisted).",
		       least, count, expected, tokens, builder->options.block_tokens,
		       builder->tail_listed ? "" : "not ");
}

int builder_path_hash_run(struct builder *builder, const char *scope, int64_t first, uint64_t count, struct err *err)
{
	ASSERT(builder->kind != PATH_CONTENT && !builder->in_answer);
	builder->kind = PATH_HASH;
	/* Before the blocks are made: a wrong count must not cost memory. */
	uint64_t total = builder->request.block_count + count;
	if (total > builder_expected_blocks(builder))
		return builder_wrong_block_count(builder, "at least ", total, err);
	return builder_hash_run(builder, scope, first, count, err);
}

int builder_answer_hash_run(struct builder *builder, const char *scope, int64_t first, uint64_t count, struct err *err)
{
	ASSERT(builder->kind != PATH_CONTENT);
	if (builder_end_prompt(builder, err) < 0)
		return -1;
	return builder_hash_run(builder, scope, first, count, err);
}

/* --- tokens and segments --- */

static int builder_append_content(struct builder *builder, struct idmap_key key, struct err *err)
{
	struct trace_request *request = &builder->request;
	uint64_t have = builder->in_answer ? request->answer_block_count : request->block_count;
	if (builder_check_room(builder, have + 1, err) < 0)
		return -1;
	if (builder_append(builder, key) < 0)
		return err_set(err, "a block cannot be named: the trace has too many, or two of them hash alike.");
	return 0;
}

static int builder_add_tokens(struct builder *builder, const uint32_t *tokens, size_t count, struct err *err)
{
	while (count > 0) {
		size_t taken = content_add_tokens(&builder->content, tokens, count);
		tokens += taken;
		count -= taken;
		struct idmap_key key;
		if (content_full(&builder->content, &key) && builder_append_content(builder, key, err) < 0)
			return -1;
	}
	return 0;
}

int builder_path_tokens(struct builder *builder, const uint32_t *tokens, size_t count, struct err *err)
{
	ASSERT(builder->kind != PATH_HASH && !builder->in_answer);
	builder->kind = PATH_CONTENT;
	builder->prompt_tokens += count;
	return builder_add_tokens(builder, tokens, count, err);
}

int builder_path_segment(struct builder *builder, const char *id, uint64_t count, struct err *err)
{
	ASSERT(builder->kind != PATH_HASH && !builder->in_answer);
	builder->kind = PATH_CONTENT;
	if (__builtin_add_overflow(builder->prompt_tokens, count, &builder->prompt_tokens))
		return err_set(err, "the prompt's segments hold more than 2^64 tokens.");
	/* Before the blocks are made: a few bytes of input can ask for billions. */
	if (builder_check_room(builder, builder->prompt_tokens / builder->options.block_tokens, err) < 0)
		return -1;
	struct idmap_key name = id ? content_name(id) : content_unnamed(&builder->content);
	for (uint64_t offset = 0; offset < count;) {
		offset += content_add_segment(&builder->content, name, offset, count - offset);
		struct idmap_key key;
		if (content_full(&builder->content, &key) && builder_append_content(builder, key, err) < 0)
			return -1;
	}
	return 0;
}

int builder_answer_tokens(struct builder *builder, const uint32_t *tokens, size_t count, struct err *err)
{
	ASSERT(builder->kind == PATH_CONTENT);
	if (builder_end_prompt(builder, err) < 0)
		return -1;
	builder->answer_given = true;
	builder->answer_tokens += count;
	return builder_add_tokens(builder, tokens, count, err);
}

/* --- the whole --- */

static int builder_end_hash(const struct builder *builder, struct err *err)
{
	if (builder->request.prompt_tokens == 0)
		return err_set(err, "the prompt has 0 tokens; expected at least 1.");
	if (builder->request.block_count != builder_expected_blocks(builder))
		return builder_wrong_block_count(builder, "", builder->request.block_count, err);
	return 0;
}

/* The partial tail gets its own name, but stays pending: the answer goes on filling that block. */
static int builder_end_content(struct builder *builder, struct err *err)
{
	struct trace_request *request = &builder->request;
	if (request->prompt_tokens != 0 && builder->prompt_tokens != request->prompt_tokens)
		return err_set(err,
			       "the prompt has %" PRIu64 " tokens, but input_length is %" PRIu32
			       "; expected the same number.",
			       builder->prompt_tokens, request->prompt_tokens);
	if (builder->prompt_tokens == 0 || builder->prompt_tokens > UINT32_MAX)
		return err_set(err, "the prompt has %" PRIu64 " tokens; expected from 1 to %" PRIu32 ".",
			       builder->prompt_tokens, UINT32_MAX);
	request->prompt_tokens = (uint32_t)builder->prompt_tokens;
	builder->any_content = true;
	struct idmap_key key;
	if (builder->tail_listed && content_tail(&builder->content, &key))
		return builder_append_content(builder, key, err);
	return 0;
}

int builder_end_prompt(struct builder *builder, struct err *err)
{
	struct trace_request *request = &builder->request;
	if (builder->in_answer)
		return 0;
	if ((builder->kind == PATH_CONTENT ? builder_end_content(builder, err) : builder_end_hash(builder, err)) < 0)
		return -1;
	request->run_count = builder->run_count - request->run_first;
	request->answer_run_first = builder->run_count;
	builder->in_answer = true;
	/* The answer's blocks follow the last full block, not the partial tail. */
	if ((uint64_t)request->block_count * builder->options.block_tokens > request->prompt_tokens)
		builder->last = builder->parent[builder->last];
	return 0;
}

static int builder_check_answer(const struct builder *builder, struct err *err)
{
	const struct trace_request *request = &builder->request;
	if (builder->answer_given && builder->answer_tokens != request->output_tokens)
		return err_set(err,
			       "the answer has %" PRIu64 " tokens, but output_length is %" PRIu32
			       "; expected the same number.",
			       builder->answer_tokens, request->output_tokens);
	uint32_t block = builder->options.block_tokens;
	uint64_t completed = ((uint64_t)(request->prompt_tokens % block) + request->output_tokens) / block;
	if (request->answer_block_count != 0 && request->answer_block_count != completed)
		return err_set(err,
			       "the number of block ids is %" PRIu32 "; expected %" PRIu64
			       ", as many as the answer's %" PRIu32 " tokens complete.",
			       request->answer_block_count, completed, request->output_tokens);
	return 0;
}

int builder_commit(struct builder *builder, struct err *err)
{
	struct trace_request *request = &builder->request;
	if (builder_end_prompt(builder, err) < 0)
		return -1;
	request->answer_run_count = builder->run_count - request->answer_run_first;
	if (builder_check_answer(builder, err) < 0)
		return -1;
	if (builder->request_count == UINT32_MAX - 1)
		return err_set(err, "the trace has more than %" PRIu32 " requests, the most there may be.",
			       UINT32_MAX - 1);
	builder->requests = grow(builder->requests, &builder->request_capacity, (size_t)builder->request_count + 1,
				 sizeof(*builder->requests));
	builder->requests[builder->request_count++] = *request;
	return 0;
}

static int compare_requests(const void *a, const void *b)
{
	const struct trace_request *x = a, *y = b;
	if (x->arrival_ns != y->arrival_ns)
		return x->arrival_ns < y->arrival_ns ? -1 : 1;
	return x->ordinal < y->ordinal ? -1 : 1;
}

struct trace *builder_finish(struct builder *builder, struct err *err)
{
	if (builder->request_count == 0) {
		err_set(err, "there is no request in it; expected at least one.");
		builder_free(builder);
		return NULL;
	}
	/* The table is not needed any more, and would stand beside the image. */
	uint32_t block_count = builder->blocks.count;
	idmap_free(&builder->blocks);
	qsort(builder->requests, builder->request_count, sizeof(*builder->requests), compare_requests);
	struct image_parts parts = {
	    .shape = {.block_tokens = builder->options.block_tokens,
		      .tail_listed = builder->options.tail_listed,
		      .request_count = builder->request_count,
		      .hints_count = builder->hints_count,
		      .run_count = builder->run_count,
		      .block_count = block_count,
		      .session_count = builder->sessions.map.count,
		      .class_count = builder->classes.map.count},
	    .ids = builder->any_content ? TRACE_IDS_TOKEN : TRACE_IDS_HASH,
	    .requests = builder->requests,
	    .hints = builder->hints,
	    .runs = builder->runs,
	    .parent = builder->parent,
	    .session_names = (const char *const *)builder->sessions.texts,
	    .class_names = (const char *const *)builder->classes.texts,
	};
	struct trace *trace = image_build(builder->name, &parts);
	builder_free(builder);
	return trace;
}
