/* gemm.h - matrix products through cuBLASLt, planned once per shape.
 *
 *   y[rows][outputs] = x[rows][inputs] W^T (+ bias) (+ y),  W [outputs][inputs], all bf16 (y optionally float32), sums in float32
 *
 * A plan is descriptors and an algorithm, and takes a millisecond or more to make; gemm_plan() is called for the shapes to
 * come before anything is timed. gemm_run() looks the plan up, and makes it if it must.
 *
 * The algorithm is cuBLASLt's first choice, the same in every run, unless choices are named (gemm_choose()), which gemm_tune()
 * makes. They are made for a grid of rows: 16, 32, 48, 64, then every 64 to 1,024, every 128 to 2,048, every 256 to 4,096 and
 * every 512 to 8,192. A choice holds for plans of the same sides with rows above the grid's point before it and up to its own;
 * beyond 8,192 rows the one for so many. What is fastest with 256 rows is up to 43 % slower than the first choice with 160
 * (NOTES.md), so up to 1,024 rows those that share a choice fill as many tiles of 64. Where no choice holds, or cuBLASLt does not
 * take it for a plan's rows, the plan has the first choice, and gemm_missed() tells.
 */
#ifndef KVCAST_GEMM_H
#define KVCAST_GEMM_H

#include "gemm_choices.h"
#include "gpu.h"

struct gemm;

struct gemm *gemm_open(cudaStream_t stream);
void gemm_close(struct gemm *gemm);

struct gemm_operands {
	void *y;
	const bf16_bits *x, *weight, *bias; /* bias [outputs], used where the shape has one */
};

/* Whether the plan had to be made. */
bool gemm_plan(struct gemm *gemm, struct gemm_shape shape);
void gemm_run(struct gemm *gemm, struct gemm_shape shape, struct gemm_operands operands);

/* Takes over a copy of the choices; plans made before are forgotten. */
void gemm_choose(struct gemm *gemm, const struct gemm_choices *choices);
const struct gemm_choices *gemm_chosen(const struct gemm *gemm);
/* How many plans have cuBLASLt's first choice although choices are named, and the shape of the first of them. */
size_t gemm_missed(const struct gemm *gemm, struct gemm_shape *shape);
/* The library's version, and the device it runs on in `text`: what choices are good for. */
size_t gemm_version(char *text, size_t size);

/* Times the candidates on `count` sets of operands in turn, enough of them that the cache does not hold the weights; every y
 * is overwritten. The first choice is given up only for what is faster by more than the noise, 1 %. Call it while nothing else
 * is timed. */
struct gemm_choice gemm_tune(struct gemm *gemm, struct gemm_shape shape, const struct gemm_operands *operands, uint32_t count);

#endif
