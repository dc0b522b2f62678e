#include "reader_jsonl.h"

#include "builder.h"
#include "fields.h"
#include "ints.h"
#include "tokenizer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_HASH_BLOCK_TOKENS    512
#define DEFAULT_CONTENT_BLOCK_TOKENS 16

struct reader {
	struct input *input;
	const char *name;
	const struct trace_load_options *options;
	struct builder *builder; /* from the first request on */
	/* What the header says; block_tokens is 0 where it says nothing. */
	bool has_header, tail_unlisted, session_scope, unchained;
	uint32_t block_tokens;
	struct ints ints; /* the lists of numbers of the line */
	uint32_t *tokens;
	size_t token_capacity;
};

/* The name space of a line's hash ids. */
struct line_scope {
	struct field_name name;
	const char *text;
};

static const struct field_range range_tokens = {1, UINT32_MAX, "tokens"};
static const struct field_range range_output = {0, UINT32_MAX, "tokens"};
static const struct field_range range_token_id = {0, UINT32_MAX, ""};
static const struct field_range range_block_id = {INT64_MIN, INT64_MAX, ""};
static const struct field_range range_run_count = {1, INT64_MAX, "ids"};

/* What the builder finds wrong gets the name of the field it was found in. */
static int reader_in_field(int status, const char *key, struct err *err)
{
	return status < 0 ? err_prefix(err, "field \"%s\": ", key) : 0;
}

/* --- lists of numbers --- */

static const char *const number_lists[] = {"hash_ids", "token_ids", "output_token_ids", NULL};

static size_t reader_count(const struct reader *reader, const char *key, const json_t *list)
{
	size_t count;
	return ints_find(&reader->ints, key, &count) ? count : json_array_size(list);
}

/* The numbers of a field in `number_lists`: as taken out of the line, or one by one from the JSON list, which is then
 * where the fault lies. NULL and a sentence if one is out of range. */
static const int64_t *reader_numbers(struct reader *reader, const char *key, const json_t *list,
				     const struct field_range *range, size_t *count, struct err *err)
{
	const int64_t *values = ints_find(&reader->ints, key, count);
	if (!values) {
		*count = json_array_size(list);
		int64_t *room = ints_add(&reader->ints, *count);
		for (size_t i = 0; i < *count; i++) {
			if (fields_element(json_array_get(list, i), key, i, range, &room[i], err) < 0)
				return NULL;
		}
		return room;
	}
	for (size_t i = 0; i < *count; i++) {
		if (values[i] < range->least || values[i] > range->most) {
			int64_t ignored;
			json_t *number = json_integer(values[i]);
			fields_element(number, key, i, range, &ignored, err);
			json_decref(number);
			return NULL;
		}
	}
	return values;
}

/* --- prompts --- */

static int reader_line_scope(const struct reader *reader, const json_t *line, struct line_scope *scope, struct err *err)
{
	scope->text = "";
	int own = fields_name(line, "hash_scope", &scope->name, err);
	if (own < 0)
		return -1;
	if (!reader->session_scope) {
		if (own)
			return fields_wrong("hash_scope", json_object_get(line, "hash_scope"), err,
					    "none, as no header says \"hash_scope\":\"session\"");
		return 0;
	}
	if (!own) {
		int session = fields_name(line, "session_id", &scope->name, err);
		if (session < 0)
			return -1;
		if (!session)
			return fields_wrong("session_id", NULL, err,
					    "it or \"hash_scope\", as the header says \"hash_scope\":\"session\"");
	}
	scope->text = scope->name.text;
	return 0;
}

static int reader_hash_ids(struct reader *reader, const json_t *line, const json_t *list, struct err *err)
{
	struct line_scope scope;
	if (reader_line_scope(reader, line, &scope, err) < 0)
		return -1;
	size_t size;
	const int64_t *ids = reader_numbers(reader, "hash_ids", list, &range_block_id, &size, err);
	if (!ids)
		return -1;
	for (size_t i = 0, end; i < size; i = end) {
		for (end = i + 1; end < size && ids[end - 1] < INT64_MAX && ids[end] == ids[end - 1] + 1; end++)
			;
		if (builder_path_hash_run(reader->builder, scope.text, ids[i], end - i, err) < 0)
			return reader_in_field(-1, "hash_ids", err);
	}
	return 0;
}

typedef int (*add_run)(struct builder *, const char *, int64_t, uint64_t, struct err *);

static int reader_runs(struct reader *reader, const json_t *line, const char *key, const json_t *list, add_run add,
		       struct err *err)
{
	struct line_scope scope;
	if (reader_line_scope(reader, line, &scope, err) < 0)
		return -1;
	size_t size = json_array_size(list);
	for (size_t i = 0; i < size; i++) {
		const json_t *run = json_array_get(list, i);
		char name[64];
		snprintf(name, sizeof(name), "%s[%zu]", key, i);
		if (!json_is_array(run) || json_array_size(run) != 2)
			return fields_wrong(name, run, err, "a pair [first id, count]");
		int64_t first, count;
		if (fields_element(json_array_get(run, 0), name, 0, &range_block_id, &first, err) < 0 ||
		    fields_element(json_array_get(run, 1), name, 1, &range_run_count, &count, err) < 0)
			return -1;
		if (add(reader->builder, scope.text, first, (uint64_t)count, err) < 0)
			return reader_in_field(-1, key, err);
	}
	return 0;
}

static int reader_hash_runs(struct reader *reader, const json_t *line, const json_t *list, struct err *err)
{
	return reader_runs(reader, line, "hash_runs", list, builder_path_hash_run, err);
}

static int reader_tokens(struct reader *reader, const char *key, const json_t *list, size_t *count, struct err *err)
{
	const int64_t *values = reader_numbers(reader, key, list, &range_token_id, count, err);
	if (!values)
		return -1;
	if (*count > reader->token_capacity) {
		reader->token_capacity = *count;
		reader->tokens = mem_grow(reader->tokens, *count, sizeof(*reader->tokens));
	}
	for (size_t i = 0; i < *count; i++)
		reader->tokens[i] = (uint32_t)values[i];
	return 0;
}

static int reader_token_ids(struct reader *reader, const json_t *line, const json_t *list, struct err *err)
{
	(void)line;
	size_t count;
	if (reader_tokens(reader, "token_ids", list, &count, err) < 0)
		return -1;
	return reader_in_field(builder_path_tokens(reader->builder, reader->tokens, count, err), "token_ids", err);
}

static int reader_segments(struct reader *reader, const json_t *line, const json_t *list, struct err *err)
{
	(void)line;
	size_t size = json_array_size(list);
	if (size == 0)
		return fields_wrong("segments", list, err, "at least one segment");
	for (size_t i = 0; i < size; i++) {
		const json_t *segment = json_array_get(list, i);
		char place[32];
		snprintf(place, sizeof(place), "segments[%zu]", i);
		if (!json_is_object(segment))
			return fields_wrong(place, segment, err, "an object with \"tokens\" and, if shared, \"id\"");
		struct field_name id;
		int64_t tokens;
		int status = fields_name(segment, "id", &id, err);
		if (status >= 0)
			status = fields_whole(segment, "tokens", &range_tokens, &tokens, err);
		if (status == 0)
			status = fields_wrong("tokens", NULL, err, "a whole number of tokens");
		if (status < 0)
			return err_prefix(err, "%s: ", place);
		if (builder_path_segment(reader->builder, id.text, (uint64_t)tokens, err) < 0)
			return reader_in_field(-1, "segments", err);
	}
	return 0;
}

static int reader_prompt(struct reader *reader, const json_t *line, const json_t *text, struct err *err)
{
	(void)line;
	size_t count = tokenizer_encode(json_string_value(text), json_string_length(text), &reader->tokens,
					&reader->token_capacity);
	return reader_in_field(builder_path_tokens(reader->builder, reader->tokens, count, err), "prompt", err);
}

/* The five ways to say what was asked. */
struct prompt_form {
	const char *key;
	bool ids;            /* given by the file, else cut here */
	bool length_checked; /* a given input_length has to agree */
	json_type type;
	const char *expected;
	int (*read)(struct reader *reader, const json_t *line, const json_t *value, struct err *err);
};

static const struct prompt_form prompt_forms[] = {
    {"hash_ids", true, true, JSON_ARRAY, "a list of block ids", reader_hash_ids},
    {"hash_runs", true, true, JSON_ARRAY, "a list of pairs [first id, count]", reader_hash_runs},
    {"token_ids", false, true, JSON_ARRAY, "a list of tokens", reader_token_ids},
    {"prompt", false, false, JSON_STRING, "a text", reader_prompt},
    {"segments", false, true, JSON_ARRAY, "a list of segments", reader_segments},
};

#define FORM_NAMES "\"hash_ids\", \"hash_runs\", \"token_ids\", \"prompt\" or \"segments\""

static const struct prompt_form *reader_find_form(const json_t *line, const json_t **value, struct err *err)
{
	const struct prompt_form *form = NULL;
	for (size_t i = 0; i < COUNT_OF(prompt_forms); i++) {
		const json_t *found = json_object_get(line, prompt_forms[i].key);
		if (!found || json_is_null(found))
			continue;
		if (form) {
			err_set(err, "fields \"%s\" and \"%s\" both stand here; expected one of " FORM_NAMES ".",
				form->key, prompt_forms[i].key);
			return NULL;
		}
		form = &prompt_forms[i];
		*value = found;
	}
	if (!form) {
		err_set(err, "no prompt stands here; expected one of the fields " FORM_NAMES ".");
		return NULL;
	}
	if (json_typeof(*value) != form->type) {
		fields_wrong(form->key, *value, err, "%s", form->expected);
		return NULL;
	}
	return form;
}

/* --- lines --- */

static int reader_header(struct reader *reader, const json_t *line, struct err *err)
{
	if (reader->has_header)
		return err_set(err, "a second header stands here; expected one, on the first line.");
	if (reader->builder)
		return err_set(err, "a header stands after requests; expected it on the first line.");
	reader->has_header = true;
	const json_t *version = json_object_get(line, "kvcast");
	if (!json_is_integer(version) || json_integer_value(version) != 1)
		return fields_wrong("kvcast", version, err, "1, the only version of the format there is");
	int64_t block_tokens;
	int status = fields_whole(line, "block_tokens", &range_tokens, &block_tokens, err);
	if (status < 0)
		return -1;
	if (status)
		reader->block_tokens = (uint32_t)block_tokens;
	bool chained = true;
	if (fields_either(line, "blocks", "ceil", "full", &reader->tail_unlisted, err) < 0 ||
	    fields_either(line, "hash_scope", "global", "session", &reader->session_scope, err) < 0 ||
	    fields_flag(line, "chained", &chained, err) < 0)
		return -1;
	reader->unchained = !chained;
	return 0;
}

/* An option re-cuts tokens and text; for ids it can only say what the file leaves open. */
static int reader_start_builder(struct reader *reader, const struct prompt_form *form, struct err *err)
{
	uint32_t asked = reader->options->block_tokens, preset = reader->options->preset_block_tokens;
	uint32_t block_tokens = reader->block_tokens;
	if (form->ids && asked && block_tokens && asked != block_tokens)
		return err_set(err,
			       "the trace names blocks of %" PRIu32
			       " tokens and cannot be cut anew into blocks of %" PRIu32
			       "; expected no other block size.",
			       block_tokens, asked);
	if (asked)
		block_tokens = asked;
	else if (!form->ids && preset)
		block_tokens = preset;
	if (!block_tokens)
		block_tokens = form->ids ? DEFAULT_HASH_BLOCK_TOKENS : DEFAULT_CONTENT_BLOCK_TOKENS;
	struct builder_options options = {
	    .name = reader->name,
	    .block_tokens = block_tokens,
	    .tail_listed = !reader->tail_unlisted,
	    .chained = !reader->unchained,
	};
	reader->builder = builder_new(&options);
	return 0;
}

static int reader_hints(struct reader *reader, const json_t *line, struct trace_hints *hints, struct err *err)
{
	static const struct field_range range_priority = {-INT32_MAX, INT32_MAX, ""};
	static const struct field_range range_prefix = {0, UINT32_MAX - 1, "tokens"};
	*hints = (struct trace_hints){
	    .cost = NAN,
	    .expected_reuse = NAN,
	    .perplexity = NAN,
	    .time_variance = NAN,
	    .priority = INT32_MIN,
	    .prefix_tokens = UINT32_MAX,
	    .workload = TRACE_NO_CLASS,
	};
	int64_t priority = INT32_MIN, prefix = UINT32_MAX;
	struct field_name workload;
	int found[] = {
	    fields_real(line, "cost", &hints->cost, err),
	    fields_real(line, "expected_reuse", &hints->expected_reuse, err),
	    fields_real(line, "perplexity", &hints->perplexity, err),
	    fields_real(line, "time_variance", &hints->time_variance, err),
	    fields_whole(line, "priority", &range_priority, &priority, err),
	    fields_whole(line, "prefix_len_tokens", &range_prefix, &prefix, err),
	    fields_name(line, "workload", &workload, err),
	};
	int any = 0;
	for (size_t i = 0; i < COUNT_OF(found); i++) {
		if (found[i] < 0)
			return -1;
		any |= found[i];
	}
	hints->priority = (int32_t)priority;
	hints->prefix_tokens = (uint32_t)prefix;
	if (workload.text)
		hints->workload = builder_word(reader->builder, workload.text);
	return any;
}

static int reader_lengths(const struct reader *reader, const json_t *line, const struct prompt_form *form,
			  const json_t *answer, struct trace_request *request, struct err *err)
{
	int64_t length = 0;
	int status = form->length_checked ? fields_whole(line, "input_length", &range_tokens, &length, err) : 0;
	if (status == 0 && form->ids)
		status = fields_wrong("input_length", NULL, err, "a whole number of tokens");
	if (status < 0)
		return -1;
	request->prompt_tokens = (uint32_t)length;
	status = fields_whole(line, "output_length", &range_output, &length, err);
	if (status == 0) {
		if (!answer)
			return fields_wrong("output_length", NULL, err,
					    "a whole number of tokens, or \"output_token_ids\"");
		length = (int64_t)reader_count(reader, "output_token_ids", answer);
	}
	request->output_tokens = (uint32_t)length;
	return status < 0 ? -1 : 0;
}

static int reader_begin(struct reader *reader, const json_t *line, const struct prompt_form *form, const json_t *answer,
			struct err *err)
{
	static const struct field_range range_turn = {1, UINT32_MAX, ""};
	struct trace_request request = {.think_ns = -1};
	struct trace_hints hints;
	struct field_name session, class_name;
	int64_t turn = 0;
	if (reader_lengths(reader, line, form, answer, &request, err) < 0)
		return -1;
	int status = fields_time(line, "timestamp", NS_PER_MS, "ms", &request.arrival_ns, err);
	if (status == 0)
		return fields_wrong("timestamp", NULL, err, "a number of ms");
	if (status < 0 || fields_time(line, "think_time", NS_PER_S, "s", &request.think_ns, err) < 0 ||
	    fields_whole(line, "turn", &range_turn, &turn, err) < 0 ||
	    fields_name(line, "session_id", &session, err) < 0 || fields_name(line, "class", &class_name, err) < 0)
		return -1;
	int any_hints = reader_hints(reader, line, &hints, err);
	if (any_hints < 0)
		return -1;
	request.turn = (uint32_t)turn;
	status =
	    builder_begin(reader->builder, &request, session.text, class_name.text, any_hints ? &hints : NULL, err);
	return reader_in_field(status, "timestamp", err);
}

/* After the prompt: the answer's content, where the line has it. */
static int reader_end(struct reader *reader, const json_t *line, const struct prompt_form *form, const json_t *answer,
		      struct err *err)
{
	const json_t *runs = NULL;
	int has_runs = fields_list(line, "output_hash_runs", "pairs [first id, count]", &runs, err);
	if (has_runs < 0)
		return -1;
	if (answer && form->ids)
		return err_set(err,
			       "field \"output_token_ids\" stands beside \"%s\"; expected it where the prompt is given "
			       "as tokens, text or segments.",
			       form->key);
	if (runs && !form->ids)
		return err_set(err,
			       "field \"output_hash_runs\" stands beside \"%s\"; expected it where the prompt is given "
			       "as ids.",
			       form->key);
	if (runs && reader_runs(reader, line, "output_hash_runs", runs, builder_answer_hash_run, err) < 0)
		return -1;
	size_t count;
	if (answer && reader_tokens(reader, "output_token_ids", answer, &count, err) < 0)
		return -1;
	if (answer && builder_answer_tokens(reader->builder, reader->tokens, count, err) < 0)
		return reader_in_field(-1, "output_token_ids", err);
	return reader_in_field(builder_commit(reader->builder, err), runs ? "output_hash_runs" : "output_token_ids",
			       err);
}

static int reader_request(struct reader *reader, const json_t *line, struct err *err)
{
	const json_t *prompt = NULL, *answer = NULL;
	const struct prompt_form *form = reader_find_form(line, &prompt, err);
	if (!form || (!reader->builder && reader_start_builder(reader, form, err) < 0))
		return -1;
	bool tail_listed = !reader->tail_unlisted;
	if (fields_list(line, "output_token_ids", "tokens", &answer, err) < 0 ||
	    fields_flag(line, "tail_listed", &tail_listed, err) < 0 ||
	    reader_begin(reader, line, form, answer, err) < 0)
		return -1;
	if (tail_listed && reader->tail_unlisted)
		return fields_wrong("tail_listed", json_true(), err, "false, as the header says \"blocks\":\"full\"");
	if (!tail_listed)
		builder_tail_unnamed(reader->builder);
	if (form->read(reader, line, prompt, err) < 0 ||
	    reader_in_field(builder_end_prompt(reader->builder, err), form->key, err) < 0)
		return -1;
	return reader_end(reader, line, form, answer, err);
}

static int reader_not_json(const json_error_t *error, struct err *err)
{
	if (json_error_code(error) == json_error_numeric_overflow)
		return err_set(
		    err, "a number does not fit (column %d: %s); expected whole numbers of 64 bits and finite reals.",
		    error->column, error->text);
	if (json_error_code(error) == json_error_null_character)
		return err_set(err, "a string holds \\u0000 (column %d); expected text without NUL.", error->column);
	return err_set(err, "the line is not JSON (column %d: %s); expected one object.", error->column, error->text);
}

static int reader_line(struct reader *reader, char *text, size_t length, struct err *err)
{
	json_error_t error;
	ints_take(&reader->ints, number_lists, text, length);
	json_t *line = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	if (!line)
		return reader_not_json(&error, err);
	int status;
	if (!json_is_object(line))
		status = err_set(err, "the line is a JSON list; expected an object.");
	else if (json_object_get(line, "kvcast"))
		status = reader_header(reader, line, err);
	else
		status = reader_request(reader, line, err);
	json_decref(line);
	return status;
}

static bool is_blank(const char *text, size_t length)
{
	return strspn(text, " \t\r") == length;
}

struct trace *reader_jsonl_load(struct input *input, const char *name, const struct trace_load_options *options,
				struct err *err)
{
	struct reader reader = {.input = input, .name = name, .options = options};
	struct trace *trace = NULL;
	char *text;
	size_t length;
	int status;
	while ((status = input_line(input, &text, &length, err)) > 0) {
		if (is_blank(text, length))
			continue;
		status = reader_line(&reader, text, length, err);
		if (status < 0) {
			err_prefix(err, "%s:%" PRIu64 ": ", input_name(input), input_line_number(input));
			break;
		}
	}
	ints_free(&reader.ints);
	free(reader.tokens);
	if (status == 0 && !reader.builder)
		status = err_set(err, "%s: there is no request in it; expected at least one line with a request.",
				 input_name(input));
	if (status == 0)
		trace = builder_finish(reader.builder, err);
	else
		builder_free(reader.builder);
	return trace;
}
