/* make_weights.h - safetensors files for tests, and whole models in the layouts that the families use.
 *
 * Values are a function of a tensor's name and place, `value`, and exact in bf16 and f16. Fused tensors hold the values that
 * their parts would have. Files go into the scratch folder's folder "m"; make_weights_leave() removes them.
 */
#ifndef KVCAST_MAKE_WEIGHTS_H
#define KVCAST_MAKE_WEIGHTS_H

#include "model.h"

/* A file in the making; begins empty, and is empty again once written. */
struct make_weights {
	char header[16384];
	unsigned char data[200000];
	size_t header_size, data_size;
};

typedef float make_weights_value(const char *name, uint64_t place);

struct make_weights_layout {
	const char *type; /* "BF16", "F16" or "F32"; fused tensors are BF16 */
	bool is_fused, is_sharded;
};

/* Room for a tensor of so many bytes; columns 0: a vector. */
void make_weights_entry(struct make_weights *image, const char *name, const char *type, uint64_t rows, uint64_t columns,
                        size_t bytes);
void make_weights_tensor(struct make_weights *image, const char *type, const char *name, uint64_t rows, uint64_t columns,
                         make_weights_value *value);
void make_weights_write(struct make_weights *image, const char *path);
/* All of a model of at most two layers: in one file, or a file a layer and one for the rest. */
void make_weights_model(const struct model *m, const struct make_weights_layout *layout, make_weights_value *value);
/* A group fixture: removes the folder "m", then does as scratch_leave. */
int make_weights_leave(void **state);

#endif
