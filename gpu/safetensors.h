/* safetensors.h - the tensors of a directory as `save_pretrained` writes it, mapped into memory.
 *
 * Either model.safetensors holds them all, or model.safetensors.index.json says in which of several files each one is. A
 * file is 8 bytes of header length (little endian), a JSON header, and data; the header names every tensor's type, shape
 * and place. All of it is checked when opened: places against shapes and types, that they fill the data without gap or
 * overlap, and the data against the file's size. So `data` of a tensor is there in full; files must not be cut while open.
 *
 * Source: the format's description in the repository huggingface/safetensors.
 */
#ifndef KVCAST_SAFETENSORS_H
#define KVCAST_SAFETENSORS_H

#include "base.h"
#include "err.h"

#define SAFETENSORS_MOST_RANK 4

struct safetensors_tensor {
	const char *name, *path; /* path: of its file */
	const char *type;        /* "BF16", "F16", "F32", ... */
	uint32_t rank;
	uint64_t shape[SAFETENSORS_MOST_RANK], count; /* count: elements */
	const uint8_t *data;                          /* little endian, not aligned */
};

struct safetensors;

/* NULL and a sentence for what is missing, damaged, or holds one tensor twice. */
struct safetensors *safetensors_open(const char *directory, struct err *err);
void safetensors_close(struct safetensors *tensors);
/* NULL where there is none of that name. */
const struct safetensors_tensor *safetensors_find(const struct safetensors *tensors, const char *name);
/* All of them, by name. */
const struct safetensors_tensor *safetensors_all(const struct safetensors *tensors, size_t *count);

#endif
