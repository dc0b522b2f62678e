/* reference.h - the same model in plain float32 C on the CPU, to check the GPU against. Slow, and meant to be read.
 *
 * Weights are the GPU's own bf16 values; nothing is rounded in between, so the two differ by bf16 rounding of activations.
 * No CUDA here: the weights come through a function, from the device or from files.
 */
#ifndef KVCAST_REFERENCE_H
#define KVCAST_REFERENCE_H

#include "llama_weights.h"

struct reference;

/* Reads llama_weight_count() values. */
typedef void reference_read(const void *from, enum llama_weight weight, uint32_t layer, bf16_bits *to);

struct reference *reference_open(const struct model *model, reference_read *read, const void *from);
struct reference *reference_open_files(const struct model *model, const struct llama_weights *weights);
void reference_close(struct reference *reference);
/* logits[count - first][vocabulary]: after each token from ids[first] to the last of `count`. */
void reference_logits(const struct reference *reference, const uint32_t *ids, uint32_t first, uint32_t count, float *logits);

#endif
