/* reader_prompt.c - what was asked, in the five forms a line may have: ids, runs of ids, tokens, text, segments. */
#include "reader_inside.h"

#include "tokenizer.h"

#include <stdlib.h>
#include <stdio.h>

/* The name space of a line's hash ids. */
struct line_scope {
	struct field_name name;
	const char *text;
};

static const struct field_range range_tokens = {1, UINT32_MAX, "tokens"};
static const struct field_range range_token_id = {0, UINT32_MAX, ""};
static const struct field_range range_block_id = {INT64_MIN, INT64_MAX, ""};
static const struct field_range range_run_count = {1, INT64_MAX, "ids"};

int reader_prompt_in_field(int status, const char *key, struct err *err)
{
	return status < 0 ? err_prefix(err, "field \"%s\": ", key) : 0;
}

/* --- lists of numbers --- */

const char *const reader_prompt_lists[] = {"hash_ids", "token_ids", "output_token_ids", NULL};

size_t reader_prompt_count(const struct reader *reader, const char *key, const json_t *list)
{
	size_t count;
	return ints_find(&reader->ints, key, &count) ? count : json_array_size(list);
}

/* The numbers of a field in `reader_prompt_lists`: as taken out of the line, or one by one from the JSON list, which is then
 * where the fault lies. NULL and a sentence if one is out of range. */
static const int64_t *numbers_of(struct reader *reader, const char *key, const json_t *list,
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

static int read_line_scope(const struct reader *reader, const json_t *line, struct line_scope *scope, struct err *err)
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

static int read_hash_ids(struct reader *reader, const json_t *line, const json_t *list, struct err *err)
{
	struct line_scope scope;
	if (read_line_scope(reader, line, &scope, err) < 0)
		return -1;
	size_t size;
	const int64_t *ids = numbers_of(reader, "hash_ids", list, &range_block_id, &size, err);
	if (!ids)
		return -1;
	for (size_t i = 0, end; i < size; i = end) {
		for (end = i + 1; end < size && ids[end - 1] < INT64_MAX && ids[end] == ids[end - 1] + 1; end++)
			;
		if (builder_path_hash_run(reader->builder, scope.text, ids[i], end - i, err) < 0)
			return reader_prompt_in_field(-1, "hash_ids", err);
	}
	return 0;
}

int reader_prompt_runs(struct reader *reader, const json_t *line, const char *key, const json_t *list, reader_add_run add,
		       struct err *err)
{
	struct line_scope scope;
	if (read_line_scope(reader, line, &scope, err) < 0)
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
			return reader_prompt_in_field(-1, key, err);
	}
	return 0;
}

static int read_hash_runs(struct reader *reader, const json_t *line, const json_t *list, struct err *err)
{
	return reader_prompt_runs(reader, line, "hash_runs", list, builder_path_hash_run, err);
}

int reader_prompt_tokens(struct reader *reader, const char *key, const json_t *list, size_t *count, struct err *err)
{
	const int64_t *values = numbers_of(reader, key, list, &range_token_id, count, err);
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

static int read_token_ids(struct reader *reader, const json_t *line, const json_t *list, struct err *err)
{
	(void)line;
	size_t count;
	if (reader_prompt_tokens(reader, "token_ids", list, &count, err) < 0)
		return -1;
	return reader_prompt_in_field(builder_path_tokens(reader->builder, reader->tokens, count, err), "token_ids", err);
}

static int read_segments(struct reader *reader, const json_t *line, const json_t *list, struct err *err)
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
			return reader_prompt_in_field(-1, "segments", err);
		if (reader->options->on_piece)
			reader->options->on_piece(reader->options->on_piece_context, reader->requests, id.text, (uint64_t)tokens, NULL, 0);
	}
	return 0;
}

static int read_prompt(struct reader *reader, const json_t *line, const json_t *text, struct err *err)
{
	(void)line;
	size_t count = tokenizer_encode(json_string_value(text), json_string_length(text), &reader->tokens,
					&reader->token_capacity);
	if (reader->options->on_piece)
		reader->options->on_piece(reader->options->on_piece_context, reader->requests, NULL, 0, json_string_value(text),
					  json_string_length(text));
	return reader_prompt_in_field(builder_path_tokens(reader->builder, reader->tokens, count, err), "prompt", err);
}

static const struct prompt_form prompt_forms[] = {
    {"hash_ids", true, true, JSON_ARRAY, "a list of block ids", read_hash_ids},
    {"hash_runs", true, true, JSON_ARRAY, "a list of pairs [first id, count]", read_hash_runs},
    {"token_ids", false, true, JSON_ARRAY, "a list of tokens", read_token_ids},
    {"prompt", false, false, JSON_STRING, "a text", read_prompt},
    {"segments", false, true, JSON_ARRAY, "a list of segments", read_segments},
};

#define FORM_NAMES "\"hash_ids\", \"hash_runs\", \"token_ids\", \"prompt\" or \"segments\""

const struct prompt_form *reader_prompt_find(const json_t *line, const json_t **value, struct err *err)
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
