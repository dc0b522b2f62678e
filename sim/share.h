/* share.h - commands of which several MPI ranks do a part: loading for all of them, and parts dealt out (ranks.h).
 *
 * Not a part of the library; only cmd_*.c include it. Functions called "collective" are those of ranks.h.
 */
#ifndef KVCAST_SHARE_H
#define KVCAST_SHARE_H

#include "options.h"

/* Of the ranks of MPI that a launcher started, which is this; -1: it started only one, or there is none. ranks_start() is due
 * where it is not -1. */
int share_rank(void);

/* Collective. options_load() in its three parts: each rank reads the small files that the options name, the first one the
 * trace, which is freed by ranks_unshare(). NULL and a sentence, the same in all ranks. */
struct trace *share_load(struct run_options *options, const char *path, bool evict_all, struct err *err);

struct share_work {
	size_t parts;
	/* Makes a part and says what came of it as text, for free(); NULL and a sentence ends the work. By several threads. */
	char *(*make)(void *context, size_t part, struct err *err);
	/* In the first rank: the texts in order of parts. */
	void (*take)(void *context, const char *text);
	void *context;
};

/* Collective. Makes all parts, on all cores of all ranks, each as soon as a thread is free. -1 and a sentence in all ranks. */
int share_out(const struct share_work *work, struct err *err);

#endif
