/* gemm_choices.h - which of cuBLASLt's algorithms makes which matrix product, and the file that keeps it. Needs no CUDA.
 *
 * A choice is made for a shape whose rows are a point of a grid, and stands for others as gemm.h says. An algorithm is what
 * cuBLASLt says it is: opaque data that may be stored, and that only the same version of the library on the same device understands.
 *
 * The file is a CSV (csv.h) with notes ("# model: llama-3.1-8b", then device, cublaslt - its version - and checksum) and a row a
 * choice, `bias`, `float` and `adds` 0 or 1, times in microseconds, the algorithm in hexadecimal, word by word:
 *
 *   rows,outputs,inputs,bias,float,adds,first_us,best_us,algorithm
 *
 * The checksum is XXH3-64 over the rows as they are written, so that a file that was cut short or changed is seen: a wrong bit in
 * an algorithm is not for cuBLASLt to find.
 */
#ifndef KVCAST_GEMM_CHOICES_H
#define KVCAST_GEMM_CHOICES_H

#include "base.h"
#include "err.h"

#define GEMM_CHOICES_MOST  8192 /* rows: the grid's last point */
#define GEMM_CHOICES_WORDS 8    /* of an algorithm */
#define GEMM_CHOICES_TILE  64   /* rows, of all but the first tiles */

struct gemm_shape {
	uint32_t rows, outputs, inputs;
	bool has_bias, float_result, adds; /* adds: to what y holds; not with a bias */
};

struct gemm_choice {
	struct gemm_shape shape;
	double first_us, best_us; /* cuBLASLt's first choice, and this one */
	uint64_t algorithm[GEMM_CHOICES_WORDS];
};

/* Zeroed at first. */
struct gemm_choices {
	struct gemm_choice *choices;
	size_t count, room;
};

/* Where choices are good. */
struct gemm_choices_origin {
	const char *model, *device; /* device NULL: not known, and not compared, nor is cublaslt */
	size_t cublaslt;
};

/* The grid's point whose choice stands for so many rows, at least 1. */
uint32_t gemm_choices_point(uint32_t rows);
/* Rows that a product is made with in place of so many, where choices are in use: a point of the grid up to 2,048 rows (1,088 take longer
 * than 1,152: NOTES.md), whole tiles of GEMM_CHOICES_TILE up to the grid's end, and as many as given beyond. */
uint32_t gemm_choices_padded(uint32_t rows);
/* Whether they differ in no more than their rows. */
bool gemm_choices_same_sides(const struct gemm_shape *a, const struct gemm_shape *b);

void gemm_choices_add(struct gemm_choices *choices, const struct gemm_choice *choice);
/* The choice that stands for a shape; NULL where there is none. */
const struct gemm_choice *gemm_choices_find(const struct gemm_choices *choices, struct gemm_shape shape);
uint64_t gemm_choices_checksum(const struct gemm_choices *choices);
void gemm_choices_free(struct gemm_choices *choices);

/* Appears whole or not at all. -1 and a sentence. */
int gemm_choices_write(const struct gemm_choices *choices, const struct gemm_choices_origin *origin, const char *path,
                       struct err *err);
/* Into `choices`, to be freed in any case. -1 and a sentence for what cannot be read, is damaged, or comes from elsewhere. */
int gemm_choices_load(struct gemm_choices *choices, const struct gemm_choices_origin *origin, const char *path, struct err *err);

#endif
