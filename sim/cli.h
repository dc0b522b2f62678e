/* cli.h - what the commands of kvcast share. Only main.c and cmd_*.c include it: they alone print and exit.
 *
 * A command is `int cmd_NAME(int argc, char **argv)` in cmd_NAME.c (argv[0] is "kvcast NAME"); it returns the exit code:
 * 0 fine, 1 failed, 2 wrong usage. Options are parsed with argp, so that --help, --usage and wrapping at 80 columns are
 * the same everywhere; main() sets argp_err_exit_status to 2. stdout carries data, stderr messages and progress.
 */
#ifndef KVCAST_CLI_H
#define KVCAST_CLI_H

#include "base.h"
#include "err.h"

int cmd_run(int argc, char **argv);
int cmd_sweep(int argc, char **argv);
int cmd_curve(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_fit(int argc, char **argv);
int cmd_policies(int argc, char **argv);
int cmd_tune(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_trace_info(int argc, char **argv);
int cmd_trace_gen(int argc, char **argv);
int cmd_trace_convert(int argc, char **argv);
int cmd_trace_layout(int argc, char **argv);

/* Prints "kvcast: SENTENCE" on stderr and returns 1. */
int cli_fail(const struct err *err);

/* Prints "kvcast: note: SENTENCE" on stderr. */
void cli_note(const char *sentence);

/* Flushes stdout; 0, or 1 after telling that the data did not arrive (full disk, closed pipe). Every command that prints
 * data ends with it. */
int cli_finish_stdout(void);

/* How a command ends that may have run with several ranks: `failed` with `err`, or well, which only the one that speaks tells. The
 * exit code. */
int cli_end(bool speaks, bool failed, const struct err *err);

#endif
