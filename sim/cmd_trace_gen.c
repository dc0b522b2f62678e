/* cmd_trace_gen.c - kvcast trace gen: makes a trace of agents that ask about shared manuals. */
#include "cli.h"
#include "gen.h"
#include "units.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEY_MANUAL = 0x200,
	KEY_MANUAL_TOKENS,
	KEY_AGENTS,
	KEY_AGENTS_FILE,
	KEY_SESSIONS,
	KEY_TURNS,
	KEY_ARRIVALS,
	KEY_THINK,
	KEY_QUESTION,
	KEY_ANSWER,
	KEY_POPULARITY,
	KEY_TEMPLATE,
	KEY_BLOCK,
	KEY_SEED,
	KEY_EMIT,
	KEY_QUIET,
};

struct gen_command {
	struct gen_options options;
	const char **manual_paths;
	const char *manual_tokens, *agents, *sessions, *block, *seed, *emit, *output;
	bool quiet;
};

static const struct argp_option option_table[] = {
    {0, 0, 0, 0, "What is asked about, and by whom:", 1},
    {"manual", KEY_MANUAL, "FILE", 0, "a text all agents share; may be given several times", 0},
    {"manual-tokens", KEY_MANUAL_TOKENS, "N", 0, "shorten or repeat each manual to N tokens", 0},
    {"agents", KEY_AGENTS, "N", 0, "number of agents (default: 12, or all of --agents-file)", 0},
    {"agents-file", KEY_AGENTS_FILE, "FILE", 0,
     "the agents' prompts, parted by blank lines (default: built-in roles such as the Compliance Auditor)", 0},
    {"popularity", KEY_POPULARITY, "SPEC", 0,
     "of manuals and agents, in the order given: zipf:s=S, uniform, or rotate, where agents take turns (default: zipf:s=1)", 0},
    {"template", KEY_TEMPLATE, "PARTS", 0,
     "order of a prompt's parts; earlier questions and answers stand before the new question (default: "
     "manual,agent,question)",
     0},
    {0, 0, 0, 0, "Sessions:", 2},
    {"sessions", KEY_SESSIONS, "N", 0, "number of sessions (default: 100)", 0},
    {"turns", KEY_TURNS, "DIST", 0, "questions a session has (default: geometric:mean=4)", 0},
    {"question", KEY_QUESTION, "DIST", 0, "tokens of a question (default: lognormal:median=40,sigma=0.5)", 0},
    {"answer", KEY_ANSWER, "DIST", 0, "tokens of an answer (default: lognormal:median=200,sigma=0.7)", 0},
    {"think", KEY_THINK, "DIST", 0,
     "time between an answer and the next question (default: lognormal:median=20s,sigma=1)", 0},
    {"arrivals", KEY_ARRIVALS, "SPEC", 0, "when sessions begin (default: poisson:rate=0.5)", 0},
    {"seed", KEY_SEED, "N", 0, "of the random numbers (default: 1)", 0},
    {0, 0, 0, 0, "Output:", 3},
    {"emit", KEY_EMIT, "FORM", 0,
     "segments: the parts' names and lengths, compact; prompt: the text. Both have the same blocks (default: segments)",
     0},
    {"block", KEY_BLOCK, "TOKENS", 0, "block size to write into the header (default: 16)", 0},
    {"output", 'o', "FILE", 0, "where the trace goes; .gz compresses (default: -)", 0},
    {"quiet", KEY_QUIET, 0, 0, "no summary on stderr", 0},
    {0},
};

static const char doc[] =
    "Makes a trace of agents that ask about shared manuals, out of text files.\v"
    "DIST is a number, or one of\n"
    "  fixed:V                     uniform:least=A,most=B\n"
    "  exponential:mean=M          gamma:mean=M,cv=C\n"
    "  lognormal:median=M,sigma=S  geometric:mean=M (counts only)\n"
    "with counts such as 40, or times such as 20s.\n\n"
    "Arrivals, R in sessions per second, are one of\n"
    "  poisson:rate=R              gamma:rate=R,cv=C\n"
    "  fixed:rate=R                onoff:rate=R,on=30s,off=120s (bursts)\n\n"
    "A question comes after the previous answer, for which 20 ms a token are reckoned, and the time to think. "
    "Equal options, texts and seed give equal bytes.\n\n"
    "Example:\n"
    "  kvcast trace gen --manual handbook.txt --agents 20 -o agents.jsonl.gz\n";

static const char **text_option(struct gen_command *command, int key)
{
	switch (key) {
	case KEY_MANUAL_TOKENS:
		return &command->manual_tokens;
	case KEY_AGENTS:
		return &command->agents;
	case KEY_AGENTS_FILE:
		return &command->options.agents_path;
	case KEY_SESSIONS:
		return &command->sessions;
	case KEY_TURNS:
		return &command->options.turns;
	case KEY_ARRIVALS:
		return &command->options.arrivals;
	case KEY_THINK:
		return &command->options.think;
	case KEY_QUESTION:
		return &command->options.question;
	case KEY_ANSWER:
		return &command->options.answer;
	case KEY_POPULARITY:
		return &command->options.popularity;
	case KEY_TEMPLATE:
		return &command->options.order;
	case KEY_BLOCK:
		return &command->block;
	case KEY_SEED:
		return &command->seed;
	case KEY_EMIT:
		return &command->emit;
	case 'o':
		return &command->output;
	default:
		return NULL;
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct gen_command *command = state->input;
	const char **text = text_option(command, key);
	if (text) {
		*text = arg;
		return 0;
	}
	switch (key) {
	case KEY_MANUAL:
		command->manual_paths =
		    mem_grow(command->manual_paths, command->options.manual_count + 1, sizeof(char *));
		command->manual_paths[command->options.manual_count++] = arg;
		return 0;
	case KEY_QUIET:
		command->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "`%s' is no option; manuals are named with --manual", arg);
		return 0;
	case ARGP_KEY_END:
		if (command->options.manual_count == 0)
			argp_error(state, "a manual is missing: --manual FILE, a text that the agents share");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* A whole number in a range; `value` stays where the option was not given. */
static int read_count(const char *option, const char *text, int64_t least, int64_t most, int64_t *value,
		      struct err *err)
{
	if (!text)
		return 0;
	if (units_count(text, value, err) < 0)
		return err_prefix(err, "%s: ", option);
	if (*value < least || *value > most)
		return err_set(err, "%s: %s is out of range; expected %" PRId64 " to %" PRId64 ".", option, text, least,
			       most);
	return 0;
}

static int read_options(struct gen_command *command, struct err *err)
{
	struct gen_options *options = &command->options;
	int64_t manual_tokens = 0, agents = 0, sessions = (int64_t)options->sessions, block = options->block_tokens,
		seed = (int64_t)options->seed;
	if (read_count("--manual-tokens", command->manual_tokens, 2, 10000000, &manual_tokens, err) < 0 ||
	    read_count("--agents", command->agents, 1, GEN_AGENTS_MOST, &agents, err) < 0 ||
	    read_count("--sessions", command->sessions, 1, GEN_SESSIONS_MOST, &sessions, err) < 0 ||
	    read_count("--block", command->block, 1, UINT32_MAX, &block, err) < 0 ||
	    read_count("--seed", command->seed, 0, INT64_MAX, &seed, err) < 0)
		return -1;
	if (command->emit && strcmp(command->emit, "segments") != 0 && strcmp(command->emit, "prompt") != 0)
		return err_set(err, "--emit: '%s' is no form of a trace; expected segments or prompt.", command->emit);
	options->form = command->emit && strcmp(command->emit, "prompt") == 0 ? GEN_PROMPT : GEN_SEGMENTS;
	options->manual_paths = command->manual_paths;
	options->manual_tokens = (uint64_t)manual_tokens;
	options->agent_count = (size_t)agents;
	options->sessions = (uint64_t)sessions;
	options->block_tokens = (uint32_t)block;
	options->seed = (uint64_t)seed;
	return 0;
}

static void print_summary(const struct gen_summary *summary)
{
	fprintf(stderr,
		"%" PRIu64 " requests in %" PRIu64 " sessions over %.1f min: %" PRIu64 " agent%s, %" PRIu64
		" manual%s of %" PRIu64 " tokens%s,\nprompts of %.0f and answers of %.0f tokens on average.\n",
		summary->requests, summary->sessions, (double)summary->span_ms / 60000, summary->agents,
		summary->agents == 1 ? "" : "s", summary->manuals, summary->manuals == 1 ? "" : "s",
		summary->manual_tokens, summary->manuals == 1 ? "" : " together",
		(double)summary->prompt_tokens / (double)summary->requests,
		(double)summary->output_tokens / (double)summary->requests);
}

int cmd_trace_gen(int argc, char **argv)
{
	static const struct argp argp = {.options = option_table, .parser = parse_option, .doc = doc};
	struct gen_command command = {.options = gen_defaults, .output = "-"};
	struct gen_summary summary;
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &command) != 0)
		return 2;
	int status = read_options(&command, &err);
	if (status == 0)
		status = gen_write(&command.options, command.output, &summary, &err);
	if (status < 0)
		status = cli_fail(&err);
	else if (!command.quiet)
		print_summary(&summary);
	free(command.manual_paths);
	return status;
}
