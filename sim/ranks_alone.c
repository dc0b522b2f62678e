#include "ranks.h"

static struct rows *shared_rows;

int ranks_start(struct err *err)
{
	return err_set(err, "This kvcast was built without MPI and cannot share a sweep with others; install Open MPI "
	                    "(libopenmpi-dev) and build it again, or start it alone.");
}

void ranks_finish(void)
{
}

bool ranks_is_first(void)
{
	return true;
}

int ranks_agree(int failed, struct err *err)
{
	(void)err;
	return failed;
}

struct trace *ranks_share(struct trace *trace, const char *name, uint32_t *number)
{
	(void)name;
	(void)number;
	return trace;
}

void ranks_unshare(struct trace *trace)
{
	trace_free(trace);
}

void ranks_open(struct rows *rows, size_t points)
{
	(void)points;
	shared_rows = rows;
}

size_t ranks_take(void)
{
	return rows_take(shared_rows);
}

void ranks_put(size_t point, char *row)
{
	rows_put(shared_rows, point, row);
}

void ranks_close(int failed)
{
	if (failed)
		rows_stop(shared_rows);
}
