/* main.c - kvcast-gpu: finds the command. */
#include "base.h"
#include "gpu_cli.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
        {"info", cmd_info, "the device, its memory, and how many blocks of a model's KV fit"},
        {"check", cmd_check, "compare kernels and whole steps with a plain CPU model"},
        {"calibrate", cmd_calibrate, "time a grid of steps and transfers, for kvcast fit"},
        {"replay", cmd_replay, "serve a trace with a real model, and time it"},
        {"bench", cmd_bench, "time steps; or an experiment: cold-repeat, layout, prefix"},
};

static void print_help(FILE *to)
{
	fputs("Usage: kvcast-gpu COMMAND [OPTION...]\n"
	      "Runs a real transformer over a real paged KV cache on a GPU (sm_80 or later).\n\n",
	      to);
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
	fputs("\n`kvcast-gpu COMMAND --help` explains a command.\n", to);
}

int main(int argc, char **argv)
{
	argp_err_exit_status = 2;
	argp_program_version = "kvcast-gpu " KVCAST_VERSION;
	if (argc < 2) {
		print_help(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--help") == 0) {
		print_help(stdout);
		return 0;
	}
	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			char name[32];
			snprintf(name, sizeof(name), "kvcast-gpu %s", commands[i].name);
			argv[1] = name;
			return commands[i].run(argc - 1, argv + 1);
		}
	}
	fprintf(stderr, "kvcast-gpu: there is no command \"%s\"; `kvcast-gpu --help` lists them.\n", argv[1]);
	return 2;
}
