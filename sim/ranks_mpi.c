#include "ranks.h"

#include "image.h"

#include <limits.h>
#include <mpi.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TAG_TAKE, TAG_PUT, TAG_DONE, TAG_POINT /* + the thread's number */ };

#define NAP_NS 500000
#define PIECE_BYTES ((size_t)1 << 30) /* MPI counts in int */

/* One job a process. Without ranks_start() it is a job of one. */
static struct {
	int rank, count;
	MPI_Comm points, node, leaders; /* leaders: the first rank of each node; MPI_COMM_NULL elsewhere */
	MPI_Win window;                 /* of the trace that is shared */
	struct rows *rows;
	size_t point_count;
	pthread_t server;
} job = {.count = 1};

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
}

/* MPI_Wait would keep a core busy. */
static void wait_for(MPI_Request request, MPI_Status *status)
{
	int done;
	for (MPI_Test(&request, &done, status); !done; MPI_Test(&request, &done, status))
		nap();
}

int ranks_start(struct err *err)
{
	int provided;
	MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &provided);
	MPI_Comm_rank(MPI_COMM_WORLD, &job.rank);
	MPI_Comm_size(MPI_COMM_WORLD, &job.count);
	MPI_Comm_dup(MPI_COMM_WORLD, &job.points);
	MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, job.rank, MPI_INFO_NULL, &job.node);
	int place;
	MPI_Comm_rank(job.node, &place);
	MPI_Comm_split(MPI_COMM_WORLD, place == 0 ? 0 : MPI_UNDEFINED, job.rank, &job.leaders);
	if (job.count == 1)
		return err_set(err, "The launcher has started several processes, but to MPI each is alone; expected the mpirun of the "
		                    "MPI that kvcast was built with.");
	if (provided < MPI_THREAD_MULTIPLE)
		return err_set(err, "This MPI was built without MPI_THREAD_MULTIPLE, which kvcast needs; expected one with it, as "
		                    "Debian's Open MPI.");
	return 0;
}

void ranks_finish(void)
{
	int started;
	MPI_Initialized(&started);
	if (started)
		MPI_Finalize();
}

bool ranks_is_first(void)
{
	return job.rank == 0;
}

int ranks_agree(int failed, struct err *err)
{
	if (job.count == 1)
		return failed;
	int mine = failed ? job.rank : INT_MAX, first;
	MPI_Request request;
	MPI_Iallreduce(&mine, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD, &request);
	wait_for(request, MPI_STATUS_IGNORE);
	if (first == INT_MAX)
		return 0;
	if (first == job.rank && first > 0) {
		char node[MPI_MAX_PROCESSOR_NAME];
		int length;
		MPI_Get_processor_name(node, &length);
		err_prefix(err, "on %s, rank %d: ", node, first);
	}
	MPI_Bcast(err->text, sizeof(err->text), MPI_CHAR, first, MPI_COMM_WORLD);
	return -1;
}

struct trace *ranks_share(struct trace *trace, const char *name, uint32_t *number)
{
	if (job.count == 1)
		return trace;
	uint64_t bytes = 0;
	const struct image_header *image = NULL;
	if (trace) {
		size_t size;
		image = image_of(trace, &size);
		bytes = size;
	}
	MPI_Bcast(&bytes, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
	MPI_Bcast(number, 1, MPI_UINT32_T, 0, MPI_COMM_WORLD);
	const bool leads = job.leaders != MPI_COMM_NULL;
	char *base;
	MPI_Aint size;
	int unit;
	MPI_Win_allocate_shared(leads ? (MPI_Aint)bytes : 0, 1, MPI_INFO_NULL, job.node, &base, &job.window);
	MPI_Win_shared_query(job.window, 0, &size, &unit, &base);
	MPI_Win_fence(0, job.window);
	if (trace)
		memcpy(base, image, bytes);
	for (size_t at = 0; leads && at < bytes; at += PIECE_BYTES)
		MPI_Bcast(base + at, (int)(bytes - at < PIECE_BYTES ? bytes - at : PIECE_BYTES), MPI_BYTE, 0, job.leaders);
	MPI_Win_fence(0, job.window);
	trace_free(trace);
	return image_view(name, (const struct image_header *)(const void *)base);
}

void ranks_unshare(struct trace *trace)
{
	trace_free(trace);
	if (job.count > 1)
		MPI_Win_free(&job.window);
}

/* A message of another rank. TAKE holds the number of the thread that asks, PUT a point and its row, DONE whether the rank
 * failed. */
static void answer(char *message, size_t bytes, const MPI_Status *status)
{
	uint64_t first;
	memcpy(&first, message, sizeof(first));
	if (status->MPI_TAG == TAG_TAKE) {
		const uint64_t point = rows_take(job.rows);
		MPI_Send(&point, 1, MPI_UINT64_T, status->MPI_SOURCE, TAG_POINT + (int)first, job.points);
	} else if (status->MPI_TAG == TAG_PUT) {
		char *row = mem_alloc(bytes - sizeof(first) + 1, 1);
		memcpy(row, message + sizeof(first), bytes - sizeof(first));
		rows_put(job.rows, first, row);
	} else if (first) {
		rows_stop(job.rows);
	}
}

/* Rank 0: answers the others until all are done. */
static void *serve(void *unused)
{
	int working = job.count - 1;
	while (working > 0) {
		MPI_Message handle;
		MPI_Status status;
		int there, bytes;
		MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, job.points, &there, &handle, &status);
		if (!there) {
			nap();
			continue;
		}
		MPI_Get_count(&status, MPI_BYTE, &bytes);
		char *message = mem_alloc((size_t)bytes, 1);
		MPI_Mrecv(message, bytes, MPI_BYTE, &handle, MPI_STATUS_IGNORE);
		answer(message, (size_t)bytes, &status);
		free(message);
		working -= status.MPI_TAG == TAG_DONE;
	}
	return unused;
}

static void tell_first(int tag, uint64_t first, const char *text)
{
	const size_t length = text ? strlen(text) : 0, bytes = sizeof(first) + length;
	ASSERT(bytes <= INT_MAX);
	char *message = mem_alloc(bytes, 1);
	memcpy(message, &first, sizeof(first));
	if (text)
		memcpy(message + sizeof(first), text, length);
	MPI_Request request;
	MPI_Isend(message, (int)bytes, MPI_BYTE, 0, tag, job.points, &request);
	wait_for(request, MPI_STATUS_IGNORE);
	free(message);
}

void ranks_open(struct rows *rows, size_t points)
{
	job.rows = rows;
	job.point_count = points;
	if (rows && job.count > 1 && pthread_create(&job.server, NULL, serve, NULL) != 0)
		panic_memory((size_t)8 << 20, __FILE__, __LINE__); /* its stack */
}

size_t ranks_take(void)
{
	if (job.rows)
		return rows_take(job.rows);
	const int thread = omp_get_thread_num();
	uint64_t point = job.point_count;
	MPI_Request request;
	MPI_Irecv(&point, 1, MPI_UINT64_T, 0, TAG_POINT + thread, job.points, &request);
	tell_first(TAG_TAKE, (uint64_t)thread, NULL);
	wait_for(request, MPI_STATUS_IGNORE);
	return point;
}

void ranks_put(size_t point, char *row)
{
	if (job.rows) {
		rows_put(job.rows, point, row);
		return;
	}
	tell_first(TAG_PUT, point, row);
	free(row);
}

void ranks_close(int failed)
{
	if (!job.rows) {
		tell_first(TAG_DONE, failed != 0, NULL);
		return;
	}
	if (failed)
		rows_stop(job.rows);
	if (job.count > 1)
		pthread_join(job.server, NULL);
}
