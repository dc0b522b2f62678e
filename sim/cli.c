#include "cli.h"

#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int cli_fail(const struct err *err)
{
	fflush(stdout);
	fprintf(stderr, "kvcast: %s\n", err->text);
	return 1;
}

void cli_note(const char *sentence)
{
	fprintf(stderr, "kvcast: note: %s\n", sentence);
}

int cli_finish_stdout(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fprintf(stderr, "kvcast: standard output took not all of the data: %s.\n", strerror(errno));
	return 1;
}

int cli_end(bool speaks, bool failed, const struct err *err)
{
	if (!speaks)
		return failed ? 1 : 0;
	return failed ? cli_fail(err) : cli_finish_stdout();
}
