/* reader_inside.h - the insides of the JSONL reader, shared by reader_jsonl.c (lines) and reader_prompt.c (what was asked, in
 * its five forms). Nobody else includes it. */
#ifndef KVCAST_READER_INSIDE_H
#define KVCAST_READER_INSIDE_H

#include "builder.h"
#include "fields.h"
#include "input.h"
#include "ints.h"

struct reader {
	struct input *input;
	const char *name;
	const struct trace_load_options *options;
	struct builder *builder; /* from the first request on */
	uint32_t requests;       /* committed */
	/* What the header says; block_tokens is 0 where it says nothing. */
	bool has_header, tail_unlisted, session_scope, unchained;
	uint32_t block_tokens;
	struct ints ints; /* the lists of numbers of the line */
	uint32_t *tokens;
	size_t token_capacity;
};

/* The five ways to say what was asked. */
struct prompt_form {
	const char *key;
	bool ids;            /* given by the file, else cut here */
	bool length_checked; /* a given input_length has to agree */
	json_type type;
	const char *expected;
	int (*read)(struct reader *reader, const json_t *line, const json_t *value, struct err *err);
};

/* What the builder finds wrong gets the name of the field it was found in. */
int reader_prompt_in_field(int status, const char *key, struct err *err);

/* The fields of a line whose numbers ints.h takes out before the line is parsed; ended by NULL. */
extern const char *const reader_prompt_lists[];
/* How many numbers a field of that list has. */
size_t reader_prompt_count(const struct reader *reader, const char *key, const json_t *list);
/* A list of tokens, into reader->tokens. */
int reader_prompt_tokens(struct reader *reader, const char *key, const json_t *list, size_t *count, struct err *err);
/* A list of pairs [first id, count], each given to the builder by `add`. */
typedef int (*reader_add_run)(struct builder *, const char *, int64_t, uint64_t, struct err *);
int reader_prompt_runs(struct reader *reader, const json_t *line, const char *key, const json_t *list, reader_add_run add,
                       struct err *err);
/* The form that a line uses, and its value. */
const struct prompt_form *reader_prompt_find(const json_t *line, const json_t **value, struct err *err);

#endif
