#include "safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_HEADER_BYTES (UINT64_C(100) << 20) /* the format's own limit */
#define MOST_FILES 1000
#define INDEX_NAME "model.safetensors.index.json"
#define SINGLE_NAME "model.safetensors"

struct file {
	char *path;
	uint8_t *bytes;
	size_t size;
	json_t *header; /* names of tensors point into it */
};

struct safetensors {
	struct file *files;
	size_t file_count;
	struct safetensors_tensor *tensors;
	size_t count, room;
};

static const struct {
	const char *name;
	uint32_t bytes;
} types[] = {{"BF16", 2}, {"BOOL", 1}, {"F16", 2}, {"F32", 4}, {"F64", 8}, {"F8_E4M3", 1}, {"F8_E5M2", 1},
             {"I16", 2},  {"I32", 4},  {"I64", 8}, {"I8", 1},  {"U16", 2}, {"U32", 4},     {"U64", 8}, {"U8", 1}};

static int map_file(struct file *file, struct err *err)
{
	struct stat status;
	const int descriptor = open(file->path, O_RDONLY | O_CLOEXEC);
	if (descriptor < 0)
		return err_set(err, "%s cannot be opened: %s.", file->path, strerror(errno));
	if (fstat(descriptor, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size < 8) {
		close(descriptor);
		return err_set(err, "%s is no safetensors file: expected a file of at least 8 bytes.", file->path);
	}
	file->size = (size_t)status.st_size;
	void *bytes = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, descriptor, 0);
	const int failure = errno;
	close(descriptor);
	if (bytes == MAP_FAILED)
		return err_set(err, "%s cannot be mapped into memory: %s.", file->path, strerror(failure));
	file->bytes = bytes;
	return 0;
}

/* Parses the header; `data_start` is where the data begin. */
static int read_header(struct file *file, uint64_t *data_start, struct err *err)
{
	uint64_t length = 0;
	json_error_t problem;
	for (int i = 7; i >= 0; i--)
		length = length << 8 | file->bytes[i];
	if (length > file->size - 8 || length > MOST_HEADER_BYTES)
		return err_set(err, "%s: its header has %" PRIu64 " bytes by its own account, but the file has %zu, and a header at most "
		                    "%" PRIu64 ".", file->path, length, file->size, MOST_HEADER_BYTES);
	file->header = json_loadb((const char *)file->bytes + 8, (size_t)length, JSON_REJECT_DUPLICATES, &problem);
	if (!json_is_object(file->header))
		return err_set(err, "%s: its header is no JSON object%s%s.", file->path, file->header ? "" : ": ",
		               file->header ? "" : problem.text);
	*data_start = 8 + length;
	return 0;
}

static int read_shape(struct safetensors_tensor *tensor, const json_t *shape, struct err *err)
{
	const size_t rank = json_array_size(shape);
	if (!json_is_array(shape) || rank > SAFETENSORS_MOST_RANK)
		return err_set(err, "field \"shape\" is no list of at most %d numbers.", SAFETENSORS_MOST_RANK);
	tensor->rank = (uint32_t)rank;
	tensor->count = 1;
	for (size_t i = 0; i < rank; i++) {
		const json_t *side = json_array_get(shape, i);
		const json_int_t size = json_integer_value(side);
		if (!json_is_integer(side) || size < 0 || (size && tensor->count > (UINT64_MAX >> 4) / (uint64_t)size))
			return err_set(err, "field \"shape\" has a side that is no whole number, or too large.");
		tensor->shape[i] = (uint64_t)size;
		tensor->count *= (uint64_t)size;
	}
	return 0;
}

static int read_tensor(const struct file *file, uint64_t data_start, struct safetensors_tensor *tensor, const json_t *entry,
                       struct err *err)
{
	const char *type = json_string_value(json_object_get(entry, "dtype"));
	uint32_t element_bytes = 0;
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (type && strcmp(type, types[i].name) == 0)
			element_bytes = types[i].bytes;
	}
	if (element_bytes == 0)
		return err_set(err, "field \"dtype\" is %.40s; expected BF16, F16, F32 or another of the format's types.",
		               type ? type : "missing or no string");
	if (read_shape(tensor, json_object_get(entry, "shape"), err) < 0)
		return -1;
	const json_t *offsets = json_object_get(entry, "data_offsets");
	const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
	const uint64_t data_bytes = file->size - data_start;
	if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(last) || json_integer_value(first) < 0 ||
	    json_integer_value(last) < json_integer_value(first))
		return err_set(err, "field \"data_offsets\" is no pair of whole numbers, the first not above the second.");
	const uint64_t begin = (uint64_t)json_integer_value(first), end = (uint64_t)json_integer_value(last);
	if (end > data_bytes)
		return err_set(err, "it ends at byte %" PRIu64 " of the data, of which the file has %" PRIu64 ": the file is cut short, or "
		                    "the offsets are wrong.", end, data_bytes);
	if (end - begin != tensor->count * element_bytes)
		return err_set(err, "it takes %" PRIu64 " bytes by its offsets, but %" PRIu64 " by its shape and type.", end - begin,
		               tensor->count * element_bytes);
	tensor->type = type;
	tensor->data = file->bytes + data_start + begin;
	return 0;
}

static int by_place(const void *left, const void *right)
{
	const struct safetensors_tensor *a = left, *b = right;
	if (a->data != b->data)
		return a->data < b->data ? -1 : 1;
	return (a->count > b->count) - (a->count < b->count);
}

static uint64_t bytes_of(const struct safetensors_tensor *tensor)
{
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (strcmp(tensor->type, types[i].name) == 0)
			return tensor->count * types[i].bytes;
	}
	return 0;
}

/* The file's tensors, sorted by place, must fill its data. */
static int check_places(const struct file *file, uint64_t data_start, struct safetensors_tensor *tensors, size_t count,
                        struct err *err)
{
	const uint8_t *at = file->bytes + data_start;
	if (count > 0)
		qsort(tensors, count, sizeof(*tensors), by_place);
	for (size_t i = 0; i < count; i++) {
		if (tensors[i].data != at)
			return err_set(err, "%s: tensor \"%s\" begins at byte %td of the data; expected %td, where the one before it ends.",
			               file->path, tensors[i].name, tensors[i].data - file->bytes - (ptrdiff_t)data_start,
			               at - file->bytes - (ptrdiff_t)data_start);
		at += bytes_of(&tensors[i]);
	}
	if (at != file->bytes + file->size)
		return err_set(err, "%s: %td bytes at its end belong to no tensor.", file->path, file->bytes + file->size - at);
	return 0;
}

static int add_file(struct safetensors *all, const char *directory, const char *name, struct err *err)
{
	struct file *file = &all->files[all->file_count++];
	uint64_t data_start;
	const char *key;
	json_t *entry;
	const size_t path_size = strlen(directory) + strlen(name) + 2, first = all->count;
	file->path = mem_alloc(path_size, 1);
	snprintf(file->path, path_size, "%s/%s", directory, name);
	if (map_file(file, err) < 0 || read_header(file, &data_start, err) < 0)
		return -1;
	json_object_foreach (file->header, key, entry) {
		if (strcmp(key, "__metadata__") == 0)
			continue;
		if (all->count == all->room) {
			all->room = all->room ? 2 * all->room : 256;
			all->tensors = mem_grow(all->tensors, all->room, sizeof(*all->tensors));
		}
		struct safetensors_tensor *tensor = &all->tensors[all->count++];
		*tensor = (struct safetensors_tensor){.name = key, .path = file->path};
		if (read_tensor(file, data_start, tensor, entry, err) < 0)
			return err_prefix(err, "%s: tensor \"%.200s\": ", file->path, key);
	}
	return check_places(file, data_start, all->tensors + first, all->count - first, err);
}

static bool is_open(const struct safetensors *all, const char *directory, const char *name)
{
	const size_t skip = strlen(directory) + 1;
	for (size_t i = 0; i < all->file_count; i++) {
		if (strcmp(all->files[i].path + skip, name) == 0)
			return true;
	}
	return false;
}

/* Opens the files that the index names, each once. */
static int add_indexed(struct safetensors *all, const char *directory, const json_t *index, struct err *err)
{
	const char *tensor;
	json_t *place;
	json_t *map = json_object_get(index, "weight_map");
	if (!json_is_object(map))
		return err_set(err, "%s/" INDEX_NAME ": field \"weight_map\" is missing or no object.", directory);
	json_object_foreach (map, tensor, place) {
		const char *name = json_string_value(place);
		if (!name || strchr(name, '/'))
			return err_set(err, "%s/" INDEX_NAME ": tensor \"%.200s\" has no file's name; expected one in the same directory.",
			               directory, tensor);
		if (is_open(all, directory, name))
			continue;
		if (all->file_count == MOST_FILES)
			return err_set(err, "%s/" INDEX_NAME " names more than %d files.", directory, MOST_FILES);
		if (add_file(all, directory, name, err) < 0)
			return -1;
	}
	return 0;
}

static int by_name(const void *left, const void *right)
{
	const struct safetensors_tensor *a = left, *b = right;
	return strcmp(a->name, b->name);
}

/* What the index says of a tensor must be so. */
static int check_index(const struct safetensors *all, const char *directory, const json_t *index, struct err *err)
{
	const char *name;
	json_t *place;
	json_object_foreach (json_object_get(index, "weight_map"), name, place) {
		const struct safetensors_tensor *tensor = safetensors_find(all, name);
		if (!tensor || strcmp(tensor->path + strlen(directory) + 1, json_string_value(place)) != 0)
			return err_set(err, "%s/%s: tensor \"%.200s\" is missing; " INDEX_NAME " says that it is there.", directory,
			               json_string_value(place), name);
	}
	return 0;
}

static int open_files(struct safetensors *all, const char *directory, json_t **index, struct err *err)
{
	char path[4096];
	struct stat status;
	json_error_t problem;
	if (strlen(directory) + sizeof("/" INDEX_NAME) > sizeof(path))
		return err_set(err, "--model %s: a path this long is not taken.", directory);
	snprintf(path, sizeof(path), "%s/" SINGLE_NAME, directory);
	if (stat(path, &status) == 0)
		return add_file(all, directory, SINGLE_NAME, err);
	snprintf(path, sizeof(path), "%s/" INDEX_NAME, directory);
	if (stat(path, &status) < 0)
		return err_set(err, "%s holds no weights: expected " SINGLE_NAME " or " INDEX_NAME ".", directory);
	*index = json_load_file(path, JSON_REJECT_DUPLICATES, &problem);
	if (!*index)
		return err_set(err, "%s:%d: not JSON: %s.", path, problem.line, problem.text);
	return add_indexed(all, directory, *index, err);
}

struct safetensors *safetensors_open(const char *directory, struct err *err)
{
	struct safetensors *all = mem_alloc(1, sizeof(*all));
	json_t *index = NULL;
	all->files = mem_alloc(MOST_FILES, sizeof(*all->files));
	int failed = open_files(all, directory, &index, err);
	if (!failed && all->count > 0) {
		qsort(all->tensors, all->count, sizeof(*all->tensors), by_name);
		for (size_t i = 1; i < all->count && !failed; i++) {
			if (strcmp(all->tensors[i - 1].name, all->tensors[i].name) == 0)
				failed = err_set(err, "%s: tensor \"%.200s\" is also in %s.", all->tensors[i].path, all->tensors[i].name,
				                 all->tensors[i - 1].path);
		}
	}
	if (!failed && index)
		failed = check_index(all, directory, index, err);
	json_decref(index);
	if (!failed)
		return all;
	safetensors_close(all);
	return NULL;
}

void safetensors_close(struct safetensors *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->file_count; i++) {
		json_decref(all->files[i].header);
		if (all->files[i].bytes)
			munmap(all->files[i].bytes, all->files[i].size);
		free(all->files[i].path);
	}
	free(all->files);
	free(all->tensors);
	free(all);
}

const struct safetensors_tensor *safetensors_find(const struct safetensors *all, const char *name)
{
	const struct safetensors_tensor wanted = {.name = name};
	return all->count ? bsearch(&wanted, all->tensors, all->count, sizeof(wanted), by_name) : NULL;
}

const struct safetensors_tensor *safetensors_all(const struct safetensors *all, size_t *count)
{
	*count = all->count;
	return all->tensors;
}
