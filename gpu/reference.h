/* reference.h - the same model in plain float32 C on the CPU, to check the GPU against. Slow, and meant to be read.
 *
 * Weights are the GPU's own bf16 values; nothing is rounded in between, so the two differ by bf16 rounding of activations.
 */
#ifndef KVCAST_REFERENCE_H
#define KVCAST_REFERENCE_H

#include "llama.h"

struct reference;

/* With the weights that are on the device, or those of files. */
struct reference *reference_open(const struct llama *llama);
struct reference *reference_open_files(const struct model *model, const struct llama_weights *weights);
void reference_close(struct reference *reference);
/* logits[count - first][vocabulary]: after each token from ids[first] to the last of `count`. */
void reference_logits(const struct reference *reference, const uint32_t *ids, uint32_t first, uint32_t count, float *logits);

/* Pieces, for checks of single kernels. */
void reference_norm(float *out, const float *in, const float *weight, uint32_t size, double epsilon);
void reference_rope(float *head, const struct model *model, uint32_t position);

#endif
