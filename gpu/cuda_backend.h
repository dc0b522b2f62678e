/* cuda_backend.h - the backend that does the work: real steps of a real model over a paged pool, timed.
 *
 * The engine says who runs and whose blocks are whose (backend.h); kv_pool.h gives blocks their places, prompt_tokens.h says
 * what is computed, llama.h computes it. A step takes from the call to the tokens in hand by the caller's clock; what a
 * server does not do (making up tokens, planning matrix products for a new shape) is done before and not counted.
 *
 * The engine's clock goes by these times, so a trace's idle gaps cost next to nothing, a rest at most (replay_clock.h). With `wall` the
 * clock is the wall's: gaps are slept through, and a step ends when it ends, whatever else the program had to do since the last one.
 *
 * What goes to lower tiers and comes from there is moved while the engine waits (cuda_tiers.h), and takes as long as it took.
 * What a load is weighed against comes from the calibration, as in the simulator, so that both decide alike.
 */
#ifndef KVCAST_CUDA_BACKEND_H
#define KVCAST_CUDA_BACKEND_H

#include "backend.h"
#include "llama.h"
#include "run_config.h"
#include "step_log.h"

struct cuda_backend;

struct cuda_backend_options {
	const struct trace *trace;
	const struct run_config *config;
	const struct model *model;
	const char *directory; /* of weights; NULL: random ones */
	struct llama *llama;   /* open already, used and left open; as large as cuda_backend_shape() says. NULL: one is opened */
	const char *products;  /* a file as for llama_take_products(), where a model is opened; NULL: cuBLASLt's first choices */
	int64_t (*now_ns)(void); /* never goes back */
	void (*sleep_ns)(int64_t ns);
	bool wall;
	struct step_log *steps; /* NULL: not logged */
	bool checks_logits; /* they are copied from the device in every step, which takes time */
	/* Of lower tiers, as in cuda_tiers.h. */
	const char *disk_folder, *archive_folder;
	int64_t (*date_ns)(void);
};

/* 0, or -1 and a sentence for tiers that cannot be, or a request that is longer than the model takes. Needs no device. */
int cuda_backend_check(const struct cuda_backend_options *options, struct err *err);

/* Raises `shape`, zeroed at first, to what this run needs, so that a model opened with it can serve several. */
void cuda_backend_shape(const struct cuda_backend_options *options, struct llama_options *shape);
/* How many blocks of the trace the device has room for beside the model and its steps. */
uint64_t cuda_backend_room(const struct cuda_backend_options *options);
/* config->capacity_blocks is at most that. NULL and a sentence where blocks have a size that the kernels do not take, and for
 * memory, a folder or space that is not to be had. What options point to outlives it. */
struct cuda_backend *cuda_backend_open(const struct cuda_backend_options *options, struct err *err);
void cuda_backend_close(struct cuda_backend *backend);
const struct llama *cuda_backend_llama(const struct cuda_backend *backend);

/* The model's answer to a request; NULL where there is none. `checksum`: XXH3-64 over the logits of all of the request's steps, to
 * the last bit; 0 without options.checks_logits. */
const uint32_t *cuda_backend_answer(const struct cuda_backend *backend, uint32_t request, uint32_t *count, uint64_t *checksum);

extern const struct backend_ops cuda_backend_ops;

#endif
