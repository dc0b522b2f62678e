/* ranks.h - the processes of one MPI job that share a sweep, or a single process that is alone with it.
 *
 *            rank 0                                     other ranks
 *   reads the trace  ---- its image, once a node --->   look into their node's copy
 *   rows.h: points   <------- "a point, please" -----   threads that run points
 *                    -------- point, or "none left" ->
 *   rows.h: in order <------- point, row -------------
 *
 * Points are dealt out one at a time, as threads become free, so no rank waits while there is one left. Rank 0's threads run
 * points too; another thread of it answers the others. A rank that has to wait sleeps in between looks (half a millisecond),
 * so that it takes no core from those that compute.
 *
 * Memory: a node holds the trace's image once, in an MPI-3 shared window, whatever number of ranks runs there; a rank's own are
 * its blocks' depths (4 bytes a block) and pointers to names. Images hold no addresses (image.h), so a window may lie
 * elsewhere in each rank.
 *
 * ranks_mpi.c is this with MPI; ranks_alone.c, for machines without, knows one process only. Functions called "collective"
 * are called by all ranks, in the same order, by their main threads. Not a part of the library.
 */
#ifndef KVCAST_RANKS_H
#define KVCAST_RANKS_H

#include "err.h"
#include "rows.h"
#include "trace.h"

/* Joins the job that this process was started in; to be called only where a launcher started several. Without it, the process
 * is alone. -1 and a sentence where that cannot be. */
int ranks_start(struct err *err);
/* Collective. The last call. */
void ranks_finish(void);
bool ranks_is_first(void);

/* Collective. 0 where `failed` is 0 in all ranks; else -1, with the sentence of the first rank where it is not. */
int ranks_agree(int failed, struct err *err);
/* Collective. Rank 0 gives the trace, which is taken over, and a number; all get a trace of that content and the number. */
struct trace *ranks_share(struct trace *trace, const char *name, uint32_t *number);
/* Collective. Frees what ranks_share gave. */
void ranks_unshare(struct trace *trace);

/* Collective. Begins a sweep; `rows` is rank 0's, and NULL elsewhere. Until ranks_close, any thread may take points and put
 * rows, as in rows.h; a row that is put is taken over. */
void ranks_open(struct rows *rows, size_t points);
size_t ranks_take(void);
void ranks_put(size_t point, char *row);
/* Collective. Returns when all ranks are done; `failed` ends the sweep for all. */
void ranks_close(int failed);

#endif
