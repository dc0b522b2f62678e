#include "reader_jsonl.h"

#include "reader_inside.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_HASH_BLOCK_TOKENS    512
#define DEFAULT_CONTENT_BLOCK_TOKENS 16

static const struct field_range range_tokens = {1, UINT32_MAX, "tokens"};
static const struct field_range range_output = {0, UINT32_MAX, "tokens"};

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
		length = (int64_t)reader_prompt_count(reader, "output_token_ids", answer);
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
	return reader_prompt_in_field(status, "timestamp", err);
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
	if (runs && reader_prompt_runs(reader, line, "output_hash_runs", runs, builder_answer_hash_run, err) < 0)
		return -1;
	size_t count;
	if (answer && reader_prompt_tokens(reader, "output_token_ids", answer, &count, err) < 0)
		return -1;
	if (answer && builder_answer_tokens(reader->builder, reader->tokens, count, err) < 0)
		return reader_prompt_in_field(-1, "output_token_ids", err);
	if (builder_commit(reader->builder, err) < 0)
		return reader_prompt_in_field(-1, runs ? "output_hash_runs" : "output_token_ids", err);
	reader->requests++;
	return 0;
}

static int reader_request(struct reader *reader, const json_t *line, struct err *err)
{
	const json_t *prompt = NULL, *answer = NULL;
	const struct prompt_form *form = reader_prompt_find(line, &prompt, err);
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
	    reader_prompt_in_field(builder_end_prompt(reader->builder, err), form->key, err) < 0)
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
	ints_take(&reader->ints, reader_prompt_lists, text, length);
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
