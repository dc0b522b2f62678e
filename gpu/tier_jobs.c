#include "tier_jobs.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct tier_jobs {
	pthread_mutex_t mutex;
	pthread_cond_t has_work, has_done;
	struct tier_job *first, **last;
	bool closing;
	uint32_t thread_count;
	pthread_t threads[];
};

static void *work(void *argument)
{
	struct tier_jobs *jobs = argument;
	pthread_mutex_lock(&jobs->mutex);
	for (;;) {
		while (!jobs->first && !jobs->closing)
			pthread_cond_wait(&jobs->has_work, &jobs->mutex);
		struct tier_job *job = jobs->first;
		if (!job)
			break;
		jobs->first = job->next;
		if (!jobs->first)
			jobs->last = &jobs->first;
		pthread_mutex_unlock(&jobs->mutex);
		job->run(job);
		pthread_mutex_lock(&jobs->mutex);
		job->done = true;
		pthread_cond_broadcast(&jobs->has_done);
	}
	pthread_mutex_unlock(&jobs->mutex);
	return NULL;
}

struct tier_jobs *tier_jobs_open(uint32_t threads, struct err *err)
{
	ASSERT(threads > 0);
	struct tier_jobs *jobs = mem_alloc(1, sizeof(*jobs) + threads * sizeof(jobs->threads[0]));
	jobs->last = &jobs->first;
	pthread_mutex_init(&jobs->mutex, NULL);
	pthread_cond_init(&jobs->has_work, NULL);
	pthread_cond_init(&jobs->has_done, NULL);
	for (; jobs->thread_count < threads; jobs->thread_count++) {
		const int error = pthread_create(&jobs->threads[jobs->thread_count], NULL, work, jobs);
		if (error) {
			err_set(err, "The system gives no %u threads: %s.", threads, strerror(error));
			tier_jobs_close(jobs);
			return NULL;
		}
	}
	return jobs;
}

void tier_jobs_close(struct tier_jobs *jobs)
{
	if (!jobs)
		return;
	pthread_mutex_lock(&jobs->mutex);
	jobs->closing = true;
	pthread_cond_broadcast(&jobs->has_work);
	pthread_mutex_unlock(&jobs->mutex);
	for (uint32_t i = 0; i < jobs->thread_count; i++)
		pthread_join(jobs->threads[i], NULL);
	pthread_cond_destroy(&jobs->has_done);
	pthread_cond_destroy(&jobs->has_work);
	pthread_mutex_destroy(&jobs->mutex);
	free(jobs);
}

void tier_jobs_begin(struct tier_jobs *jobs, struct tier_job *job)
{
	job->next = NULL;
	job->done = false;
	pthread_mutex_lock(&jobs->mutex);
	*jobs->last = job;
	jobs->last = &job->next;
	pthread_cond_signal(&jobs->has_work);
	pthread_mutex_unlock(&jobs->mutex);
}

void tier_jobs_wait(struct tier_jobs *jobs, struct tier_job *job)
{
	pthread_mutex_lock(&jobs->mutex);
	while (!job->done)
		pthread_cond_wait(&jobs->has_done, &jobs->mutex);
	pthread_mutex_unlock(&jobs->mutex);
}
