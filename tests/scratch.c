#include "test.h"

#include "scratch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static char folder[64];

/* In memory if there is such a place: outputs are synced to disk, and a fuzzer writes many. */
int scratch_enter(void **state)
{
	static const char *const places[] = {"/dev/shm", "/tmp"};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		snprintf(folder, sizeof(folder), "%s/kvcast-test-XXXXXX", places[i]);
		if (mkdtemp(folder))
			return chdir(folder);
	}
	return -1;
}

static size_t each_name(void (*act)(const char *name))
{
	size_t count = 0;
	DIR *open_folder = opendir(folder);
	assert_non_null(open_folder);
	for (struct dirent *entry; (entry = readdir(open_folder));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		count++;
		if (act)
			act(entry->d_name);
	}
	closedir(open_folder);
	return count;
}

static void discard(const char *name)
{
	remove(name);
}

int scratch_leave(void **state)
{
	(void)state;
	each_name(discard);
	return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

size_t scratch_count(void)
{
	return each_name(NULL);
}

void scratch_write(const char *name, const void *data, size_t size)
{
	FILE *file = fopen(name, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

void scratch_write_gz(const char *name, const void *data, size_t size)
{
	gzFile file = gzopen(name, "wb");
	assert_non_null(file);
	assert_int_equal(gzwrite(file, data, (unsigned)size), size);
	assert_int_equal(gzclose(file), Z_OK);
}

unsigned char *scratch_read(const char *name, size_t *size)
{
	FILE *file = fopen(name, "rb");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	*size = (size_t)ftell(file);
	rewind(file);
	unsigned char *data = malloc(*size + 1);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, *size, file), *size);
	fclose(file);
	return data;
}

struct trace *scratch_try(const char *text, uint32_t block_tokens, struct err *err)
{
	const struct trace_load_options options = {.block_tokens = block_tokens};
	scratch_write("t.jsonl", text, strlen(text));
	return trace_load("t.jsonl", &options, err);
}

struct trace *scratch_trace(const char *text)
{
	struct err err;
	struct trace *trace = scratch_try(text, 0, &err);
	if (!trace)
		fail_msg("%s", err.text);
	return trace;
}

const char *scratch_path(const struct trace *trace, uint32_t index)
{
	static char text[512];
	const struct trace_request *request = &trace->requests[index];
	int at = 0;
	text[0] = '\0';
	for (uint32_t i = 0; i < request->run_count + request->answer_run_count; i++) {
		uint32_t in_answer = i >= request->run_count ? i - request->run_count : 0;
		const struct trace_run *run = i < request->run_count
						  ? &trace->runs[request->run_first + i]
						  : &trace->runs[request->answer_run_first + in_answer];
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%s%u+%u",
			       i == request->run_count ? " | "
			       : i                     ? " "
						       : "",
			       run->first, run->count);
		assert_in_range(at, 0, sizeof(text) - 1);
	}
	return text;
}
