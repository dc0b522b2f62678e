#include "rows.h"

#include "resume.h"

#include <pthread.h>
#include <stdlib.h>

struct rows {
	struct rows_sink sink;
	pthread_mutex_t lock;
	char **texts; /* [points]; NULL where not there, or handed on */
	bool *is_done;
	size_t points, done, known;
	size_t next_free, next_row; /* all before are taken; handed on */
	bool stopped, failed;
	struct err err;
};

static void hand_on(struct rows *rows)
{
	for (; rows->next_row < rows->points && rows->is_done[rows->next_row]; rows->next_row++) {
		char *text = rows->texts[rows->next_row];
		rows->sink.on_row(rows->sink.context, text);
		rows->texts[rows->next_row] = NULL;
		free(text);
	}
}

struct rows *rows_open(size_t points, char *const *known, const struct rows_sink *sink)
{
	struct rows *rows = mem_alloc(1, sizeof(*rows));
	rows->sink = *sink;
	rows->points = points;
	rows->texts = mem_alloc(points, sizeof(*rows->texts));
	rows->is_done = mem_alloc(points, sizeof(*rows->is_done));
	pthread_mutex_init(&rows->lock, NULL);
	for (size_t i = 0; i < points; i++) {
		rows->texts[i] = known[i];
		rows->is_done[i] = known[i] != NULL;
		rows->known += rows->is_done[i];
	}
	rows->done = rows->known;
	hand_on(rows);
	return rows;
}

size_t rows_take(struct rows *rows)
{
	pthread_mutex_lock(&rows->lock);
	/* What is done ahead of next_free was there from the start. */
	while (rows->next_free < rows->points && rows->is_done[rows->next_free])
		rows->next_free++;
	size_t point = rows->points;
	if (!rows->stopped && rows->next_free < rows->points)
		point = rows->next_free++;
	pthread_mutex_unlock(&rows->lock);
	return point;
}

static void fail(struct rows *rows, const struct err *err)
{
	if (!rows->failed)
		rows->err = *err;
	rows->stopped = rows->failed = true;
}

void rows_put(struct rows *rows, size_t point, char *row)
{
	struct resume *resume = rows->sink.resume;
	struct err err;
	pthread_mutex_lock(&rows->lock);
	ASSERT(point < rows->next_free && !rows->is_done[point]);
	if (!rows->stopped && resume && resume_add(resume, point, row, &err) < 0)
		fail(rows, &err);
	rows->texts[point] = row;
	rows->is_done[point] = true;
	rows->done++;
	if (!rows->stopped) {
		hand_on(rows);
		if (rows->sink.on_progress)
			rows->sink.on_progress(rows->sink.context, rows->done, rows->done - rows->known, rows->points);
	}
	pthread_mutex_unlock(&rows->lock);
	/* Outside the lock: a disk takes milliseconds, in which other threads take points and put rows. */
	if (resume && resume_sync(resume, &err) < 0) {
		pthread_mutex_lock(&rows->lock);
		fail(rows, &err);
		pthread_mutex_unlock(&rows->lock);
	}
}

void rows_stop(struct rows *rows)
{
	pthread_mutex_lock(&rows->lock);
	rows->stopped = true;
	pthread_mutex_unlock(&rows->lock);
}

int rows_close(struct rows *rows, struct err *err)
{
	const int failed = rows->failed ? err_set(err, "%s", rows->err.text) : 0;
	for (size_t i = 0; i < rows->points; i++)
		free(rows->texts[i]);
	free(rows->texts);
	free(rows->is_done);
	pthread_mutex_destroy(&rows->lock);
	free(rows);
	return failed;
}
