/* main.c - finds the command. */
#include "cli.h"
#include "output.h"

#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

static const struct command commands[] = {
        {"run", cmd_run, "one cache over a trace: hit rates, TTFT, where tokens went"},
        {"sweep", cmd_sweep, "the same over lists of policies, TTLs and capacities, on all cores"},
        {"curve", cmd_curve, "lru at every capacity, a TTL at every TTL, or both, from one pass"},
        {"fit", cmd_fit, "a calibration from what kvcast-gpu calibrate has measured"},
        {"compare", cmd_compare, "a forecast beside a measurement: hits, TTFT, E2E, decisions"},
        {"tune", cmd_tune, "find a policy's parameters, judged on another part of the trace"},
        {"policies", cmd_policies, "eviction policies, TTL rules and presets, and what they do"},
        {"trace", cmd_trace, "look into, make and convert traces"},
};

static void print_help(FILE *to)
{
	fputs("Usage: kvcast COMMAND [OPTION...]\n"
	      "Forecasts from a trace what a KV cache will do: hit rate, TTFT and cost.\n\n",
	      to);
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
	fputs("\n`kvcast COMMAND --help` explains a command. `-` is standard input or output.\n"
	      "Exit codes: 0 fine, 1 failed (with a sentence on stderr), 2 wrong usage.\n",
	      to);
}

/* No half-written file is left behind; then the signal takes its usual course. */
static void on_signal(int number)
{
	output_abort_all();
	signal(number, SIG_DFL);
	raise(number);
}

int main(int argc, char **argv)
{
	argp_err_exit_status = 2;
	argp_program_version = "kvcast " KVCAST_VERSION;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGHUP, on_signal);
	if (argc < 2) {
		print_help(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return cli_finish_stdout();
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts(argp_program_version);
		return cli_finish_stdout();
	}
	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			char name[32];
			snprintf(name, sizeof(name), "kvcast %s", commands[i].name);
			argv[1] = name;
			return commands[i].run(argc - 1, argv + 1);
		}
	}
	fprintf(stderr, "kvcast: there is no command \"%s\"; `kvcast --help` lists them.\n", argv[1]);
	return 2;
}
