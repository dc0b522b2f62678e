/* cmd_trace.c - finds the subcommand of `kvcast trace`. */
#include "base.h"
#include "cli.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} subcommands[] = {
        {"info", cmd_trace_info, "lengths, sessions, reuse, the best that any cache could do"},
        {"gen", cmd_trace_gen, "make a trace: agents that ask about shared texts"},
        {"layout", cmd_trace_layout, "what keeps prompts from sharing, and what another order brings"},
        {"convert", cmd_trace_convert, "to native JSONL, or to the compiled form that loads at once"},
};

static void print_help(FILE *to)
{
	fputs("Usage: kvcast trace SUBCOMMAND [OPTION...]\n\n", to);
	for (size_t i = 0; i < COUNT_OF(subcommands); i++)
		fprintf(to, "  %-10s %s\n", subcommands[i].name, subcommands[i].help);
	fputs("\n`kvcast trace SUBCOMMAND --help` explains one.\n", to);
}

int cmd_trace(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0) {
		print_help(stdout);
		return cli_finish_stdout();
	}
	for (size_t i = 0; i < COUNT_OF(subcommands); i++) {
		if (strcmp(argv[1], subcommands[i].name) == 0) {
			char name[40];
			snprintf(name, sizeof(name), "kvcast trace %s", subcommands[i].name);
			argv[1] = name;
			return subcommands[i].run(argc - 1, argv + 1);
		}
	}
	fprintf(stderr, "kvcast: there is no command \"trace %s\"; `kvcast trace --help` lists them.\n", argv[1]);
	return 2;
}
