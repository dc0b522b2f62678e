#include "share.h"

#include "ranks.h"

#include <stdatomic.h>
#include <stdlib.h>

int share_rank(void)
{
	static const char *const variables[][2] = {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}, /* mpirun of Open MPI */
	                                           {"PMIX_RANK", "SLURM_STEP_NUM_TASKS"},            /* srun --mpi=pmix */
	                                           {"PMI_RANK", "PMI_SIZE"}};                        /* MPICH's, and srun */
	for (size_t i = 0; i < COUNT_OF(variables); i++) {
		const char *rank = getenv(variables[i][0]), *size = getenv(variables[i][1]);
		if (rank && size)
			return atoi(size) > 1 ? atoi(rank) : -1;
	}
	return -1;
}

struct trace *share_load(struct run_options *options, const char *path, bool evict_all, struct err *err)
{
	if (ranks_agree(options_load_settings(options, evict_all, err), err) < 0)
		return NULL;
	const bool reads = ranks_is_first();
	struct trace *trace = reads ? options_load_trace(options, path, err) : NULL;
	if (ranks_agree(reads && !trace ? -1 : 0, err) < 0)
		return NULL;
	trace = ranks_share(trace, path, &options->shortened_requests);
	if (ranks_agree(options_fit(options, trace, err), err) == 0)
		return trace;
	ranks_unshare(trace);
	return NULL;
}

static int make_parts(const struct share_work *work, struct err *err)
{
	atomic_bool failed = false;
#pragma omp parallel
	while (!failed) {
		const size_t part = ranks_take();
		if (part >= work->parts)
			break;
		struct err own;
		char *text = work->make(work->context, part, &own);
		if (text) {
			ranks_put(part, text);
			continue;
		}
#pragma omp critical(share_failure)
		*err = own;
		failed = true;
	}
	return failed ? -1 : 0;
}

int share_out(const struct share_work *work, struct err *err)
{
	struct rows *rows = NULL;
	if (ranks_is_first()) {
		const struct rows_sink sink = {.on_row = work->take, .context = work->context};
		char **known = mem_alloc(work->parts, sizeof(*known));
		rows = rows_open(work->parts, known, &sink);
		free(known);
	}
	ranks_open(rows, work->parts);
	int failed = make_parts(work, err);
	ranks_close(failed);
	if (rows && rows_close(rows, err) < 0)
		failed = -1;
	return ranks_agree(failed, err);
}
