/* cmd_trace_convert.c - kvcast trace convert IN OUT: a trace in another form, shortened or cut anew. */
#include "cli.h"
#include "trace.h"
#include "units.h"

#include <argp.h>
#include <inttypes.h>
#include <string.h>

enum { KEY_BLOCK = 0x200, KEY_MAX_PROMPT, KEY_MAX_OUTPUT, KEY_TO, KEY_QUIET };

enum trace_form { FORM_BY_NAME, FORM_JSONL, FORM_BINARY };

struct convert_command {
	const char *from, *to;
	const char *block, *max_prompt, *max_output;
	enum trace_form form;
	bool quiet;
};

static const struct argp_option option_table[] = {
        {"to", KEY_TO, "jsonl|binary", 0, "the form of OUT; default: by its ending, .jsonl or .kvt; - is jsonl", 0},
        {"block", KEY_BLOCK, "TOKENS", 0, "block size of token, text and segment traces; default: the trace's own", 0},
        {"max-prompt", KEY_MAX_PROMPT, "N", 0, "shorten prompts to N tokens", 0},
        {"max-output", KEY_MAX_OUTPUT, "N", 0, "shorten answers to N tokens", 0},
        {"quiet", KEY_QUIET, 0, 0, "no messages on stderr", 0},
        {0},
};

static bool name_ends(const char *name, const char *ending)
{
	size_t length = strlen(name), size = strlen(ending);
	if (length > 3 && strcmp(name + length - 3, ".gz") == 0)
		length -= 3;
	return length > size && memcmp(name + length - size, ending, size) == 0;
}

static void settle_form(struct convert_command *command, struct argp_state *state)
{
	if (!command->to)
		argp_error(state, "IN and OUT are needed: two files, or - for standard input and output");
	else if (command->form != FORM_BY_NAME)
		return;
	else if (name_ends(command->to, ".kvt"))
		command->form = FORM_BINARY;
	else if (name_ends(command->to, ".jsonl") || strcmp(command->to, "-") == 0)
		command->form = FORM_JSONL;
	else
		argp_error(state, "%s ends neither in .jsonl nor in .kvt (.gz may follow); --to says which form is meant",
		           command->to);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct convert_command *command = state->input;
	switch (key) {
	case KEY_TO:
		if (strcmp(arg, "jsonl") != 0 && strcmp(arg, "binary") != 0)
			argp_error(state, "--to %s: expected jsonl or binary", arg);
		command->form = strcmp(arg, "jsonl") == 0 ? FORM_JSONL : FORM_BINARY;
		return 0;
	case KEY_BLOCK:
		command->block = arg;
		return 0;
	case KEY_MAX_PROMPT:
		command->max_prompt = arg;
		return 0;
	case KEY_MAX_OUTPUT:
		command->max_output = arg;
		return 0;
	case KEY_QUIET:
		command->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			argp_error(state, "IN and OUT are all there is to name, \"%s\" is too much", arg);
		*(state->arg_num ? &command->to : &command->from) = arg;
		return 0;
	case ARGP_KEY_END:
		settle_form(command, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* 0 where the option is not given. */
static int read_tokens(const char *option, const char *text, uint32_t *tokens, struct err *err)
{
	int64_t value = 0;
	*tokens = 0;
	if (!text)
		return 0;
	if (units_count(text, &value, err) < 0)
		return err_prefix(err, "%s: ", option);
	if (value < 1 || value > UINT32_MAX)
		return err_set(err, "%s %s: expected a whole number of tokens from 1 to %" PRIu32 ".", option, text, UINT32_MAX);
	*tokens = (uint32_t)value;
	return 0;
}

static int convert(const struct convert_command *command, struct err *err)
{
	struct trace_load_options options = {0};
	uint32_t max_prompt, max_output;
	if (read_tokens("--block", command->block, &options.block_tokens, err) < 0 ||
	    read_tokens("--max-prompt", command->max_prompt, &max_prompt, err) < 0 ||
	    read_tokens("--max-output", command->max_output, &max_output, err) < 0)
		return -1;
	struct trace *trace = trace_load(command->from, &options, err);
	if (!trace)
		return -1;
	uint32_t shortened = trace_shorten(trace, max_prompt, max_output);
	int status = command->form == FORM_BINARY ? trace_write_binary(trace, command->to, err)
	                                          : trace_write_jsonl(trace, command->to, err);
	if (status == 0 && !command->quiet) {
		fprintf(stderr, "kvcast: %s holds %" PRIu32 " requests over %" PRIu32 " blocks of %" PRIu32 " tokens",
		        command->to, trace->request_count, trace->block_count, trace->block_tokens);
		if (max_prompt || max_output)
			fprintf(stderr, "; %" PRIu32 " requests were shortened", shortened);
		fputs(".\n", stderr);
	}
	trace_free(trace);
	return status;
}

int cmd_trace_convert(int argc, char **argv)
{
	static const struct argp argp = {
	        .options = option_table,
	        .parser = parse_option,
	        .args_doc = "IN OUT",
	        .doc = "Writes the trace IN, in whatever form it is, as OUT: native JSONL, or the compiled form, which loads "
	               "at once. A name that ends in .gz is compressed.\v"
	               "Example: kvcast trace convert trace.jsonl.gz trace.kvt",
	};
	struct convert_command command = {.form = FORM_BY_NAME};
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &command) != 0)
		return 2;
	return convert(&command, &err) < 0 ? cli_fail(&err) : 0;
}
