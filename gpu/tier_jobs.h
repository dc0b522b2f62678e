/* tier_jobs.h - a few threads that do what they are given, in the order it was given.
 *
 * A job is the caller's: it lies inside a struct of its own and stays where it is until it has been waited for. All
 * calls come from one thread.
 */
#ifndef KVCAST_TIER_JOBS_H
#define KVCAST_TIER_JOBS_H

#include "base.h"
#include "err.h"

struct tier_job {
	void (*run)(struct tier_job *job);
	struct tier_job *next;
	bool done;
};

struct tier_jobs;

/* NULL and a sentence where the system gives no threads. */
struct tier_jobs *tier_jobs_open(uint32_t threads, struct err *err);
/* Every job must have been waited for. */
void tier_jobs_close(struct tier_jobs *jobs);
void tier_jobs_begin(struct tier_jobs *jobs, struct tier_job *job);
/* Returns at once for a job that was waited for before. */
void tier_jobs_wait(struct tier_jobs *jobs, struct tier_job *job);

#endif
