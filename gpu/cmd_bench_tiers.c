/* cmd_bench_tiers.c - kvcast-gpu bench --tiers FOLDER: how fast blocks move between the pool and host memory, a disk
 * and an archive in FOLDER. Times are of the host's clock from the first call to the last block's arrival; medians,
 * with the spread (largest - smallest) / median. Before anything is timed, blocks have to come back as they were. */
#include "block_copy.h"
#include "gpu_cli.h"
#include "tier_archive.h"
#include "tier_disk.h"

#include <gsl/gsl_sort.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_TOKENS   16
#define MOST_BLOCKS    512u
#define DISK_BLOCKS    128u
#define ARCHIVE_BLOCKS 64u
#define MOST_RUNS      32
#define SLOW_RUNS      3 /* of disk and archive */

struct bench {
	const char *folder;
	int runs;
	struct llama *llama;
	struct block_copy *copy;
	size_t block_bytes;
	uint8_t *arenas[2]; /* pinned; stored to, loaded from */
	uint8_t *device;    /* as large as an arena */
	cudaStream_t streams[2];
	/* Of the copy that is timed. */
	uint32_t count, thread_blocks;
	uint32_t blocks[MOST_BLOCKS], other_blocks[MOST_BLOCKS]; /* of the pool, no block in both */
	void *host[2][MOST_BLOCKS];                              /* places in the arenas */
};

typedef void bench_act(struct bench *bench);

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double median_of(double *values, int count)
{
	gsl_sort(values, 1, (size_t)count);
	return values[count / 2];
}

static void print_rate(const char *what, double *seconds, int runs, double bytes)
{
	const double median = median_of(seconds, runs);
	printf("  %-48s %9.3f ms, spread %5.1f %%, %8.2f GB/s", what, median * 1e3,
	       100 * (seconds[runs - 1] - seconds[0]) / median, bytes / median / 1e9);
}

static double time_once(struct bench *bench, bench_act *act)
{
	const double start_s = now_s();
	act(bench);
	return now_s() - start_s;
}

/* A plain copy of as many bytes takes turns with it, so that both meet the bus in the same state; the share is the
 * median over the pairs. */
static void time_act(struct bench *bench, const char *what, bench_act *act, bench_act *plain, double directions)
{
	double seconds[MOST_RUNS], shares[MOST_RUNS];
	for (int run = -1; run < bench->runs; run++) {
		const int at = run < 0 ? 0 : run;
		const double plain_s = time_once(bench, plain);
		seconds[at] = time_once(bench, act);
		shares[at] = plain_s / seconds[at];
	}
	const double bytes = (double)bench->count * (double)bench->block_bytes;
	print_rate(what, seconds, bench->runs, directions * bytes);
	if (act == plain)
		puts("");
	else
		printf(", %5.1f %% of plain\n", 100 * median_of(shares, bench->runs));
	fflush(stdout);
}

static void plain_copy(struct bench *bench, bool loads, cudaStream_t stream)
{
	const size_t bytes = bench->count * bench->block_bytes;
	if (loads)
		GPU_CALL(cudaMemcpyAsync(bench->device, bench->arenas[1], bytes, cudaMemcpyHostToDevice, stream));
	else
		GPU_CALL(cudaMemcpyAsync(bench->arenas[0], bench->device, bytes, cudaMemcpyDeviceToHost, stream));
}

static void wait_streams(struct bench *bench)
{
	GPU_CALL(cudaStreamSynchronize(bench->streams[0]));
	GPU_CALL(cudaStreamSynchronize(bench->streams[1]));
}

static void plain_load(struct bench *bench)
{
	plain_copy(bench, true, bench->streams[0]);
	wait_streams(bench);
}

static void plain_store(struct bench *bench)
{
	plain_copy(bench, false, bench->streams[0]);
	wait_streams(bench);
}

static void plain_both(struct bench *bench)
{
	plain_copy(bench, true, bench->streams[0]);
	plain_copy(bench, false, bench->streams[1]);
	wait_streams(bench);
}

static void copied_load(struct bench *bench)
{
	block_copy_load(bench->copy, bench->blocks, bench->host[1], bench->count);
	block_copy_wait(bench->copy);
}

static void copied_store(struct bench *bench)
{
	block_copy_store(bench->copy, bench->blocks, bench->host[0], bench->count);
	block_copy_wait(bench->copy);
}

static void copied_both(struct bench *bench)
{
	block_copy_load(bench->copy, bench->blocks, bench->host[1], bench->count);
	block_copy_store(bench->copy, bench->other_blocks, bench->host[0], bench->count);
	block_copy_wait(bench->copy);
}

/* The kernels themselves reach over the bus. */
static void reach(struct bench *bench, bool loads)
{
	for (uint32_t from = 0; from < bench->count; from += KERNELS_BLOCKS_MOST) {
		struct kernels_blocks_list list = {.count = bench->count - from};
		if (list.count > KERNELS_BLOCKS_MOST)
			list.count = KERNELS_BLOCKS_MOST;
		memcpy(list.blocks, bench->blocks + from, list.count * sizeof(list.blocks[0]));
		memcpy(list.outside, bench->host[loads] + from, list.count * sizeof(list.outside[0]));
		if (loads)
			kernels_blocks_scatter(&list, block_copy_shape(bench->copy), bench->thread_blocks,
					       bench->streams[0]);
		else
			kernels_blocks_gather(&list, block_copy_shape(bench->copy), bench->thread_blocks,
					      bench->streams[0]);
	}
	wait_streams(bench);
}

static void reach_load(struct bench *bench)
{
	reach(bench, true);
}

static void reach_store(struct bench *bench)
{
	reach(bench, false);
}

/* Every piece of every block by itself. */
static void piecewise_load(struct bench *bench)
{
	const size_t bytes = block_copy_shape(bench->copy).piece_bytes;
	for (uint32_t i = 0; i < bench->count; i++) {
		const uint8_t *from = bench->host[1][i];
		for (uint32_t layer = 0; layer < llama_model(bench->llama)->layers; layer++) {
			const struct kernels_pool pool = llama_pool(bench->llama, layer);
			uint8_t *keys = (uint8_t *)pool.keys + bench->blocks[i] * bytes;
			uint8_t *values = (uint8_t *)pool.values + bench->blocks[i] * bytes;
			GPU_CALL(cudaMemcpyAsync(keys, from, bytes, cudaMemcpyHostToDevice, bench->streams[0]));
			GPU_CALL(
			    cudaMemcpyAsync(values, from + bytes, bytes, cudaMemcpyHostToDevice, bench->streams[0]));
			from += 2 * bytes;
		}
	}
	wait_streams(bench);
}

/* Blocks of the pool from `first` on in a scattered order; places in the arenas too, or one after the other. */
static void choose_blocks(struct bench *bench, uint32_t count, uint32_t first, bool scattered)
{
	bench->count = count;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t place = scattered ? (i * 7 + 3) % count : i;
		bench->blocks[i] = first + (i * 5 + 1) % count;
		bench->other_blocks[i] = (bench->blocks[i] + MOST_BLOCKS) % (2 * MOST_BLOCKS);
		for (int a = 0; a < 2; a++)
			bench->host[a][i] = bench->arenas[a] + place * bench->block_bytes;
	}
}

/* Stores blocks, loads them into others, stores those: both times the host holds the same, and it is what the pool
 * held. */
static int verify(struct bench *bench, struct err *err)
{
	const size_t piece = block_copy_shape(bench->copy).piece_bytes, all = MOST_BLOCKS * bench->block_bytes;
	bf16_bits *expected = mem_alloc(piece, 1);
	memset(bench->arenas[0], 0xee, all);
	llama_fill_pool(bench->llama, 5);
	choose_blocks(bench, MOST_BLOCKS, 0, true);
	copied_store(bench);
	bool same = true;
	for (uint32_t layer = 0; layer < llama_model(bench->llama)->layers; layer++) {
		const uint32_t i = layer * 13 % MOST_BLOCKS;
		const struct kernels_pool pool = llama_pool(bench->llama, layer);
		for (int side = 0; side < 2; side++) {
			const uint8_t *from = (const uint8_t *)(side ? pool.values : pool.keys);
			const uint8_t *stored =
			    (const uint8_t *)bench->host[0][i] + (2 * layer + (uint32_t)side) * piece;
			GPU_CALL(cudaMemcpy(expected, from + bench->blocks[i] * piece, piece, cudaMemcpyDeviceToHost));
			same = same && memcmp(expected, stored, piece) == 0;
		}
	}
	free(expected);
	memcpy(bench->arenas[1], bench->arenas[0], all);
	memset(bench->arenas[0], 0xee, all);
	choose_blocks(bench, MOST_BLOCKS, MOST_BLOCKS, true);
	copied_load(bench);
	copied_store(bench);
	same = same && memcmp(bench->arenas[0], bench->arenas[1], all) == 0;
	return same ? 0 : err_set(err, "Blocks did not come back from host memory as they were in the pool.");
}

static void time_reaches(struct bench *bench, const char *what, bench_act *act, bench_act *plain)
{
	static const uint32_t thread_blocks[] = {8, 32, 1056};
	for (size_t i = 0; i < COUNT_OF(thread_blocks); i++) {
		char text[80];
		snprintf(text, sizeof(text), "%s, kernel across the bus, %u thread blocks", what, thread_blocks[i]);
		bench->thread_blocks = thread_blocks[i];
		time_act(bench, text, act, plain, 1);
	}
}

static void bench_host(struct bench *bench)
{
	static const uint32_t counts[] = {32, MOST_BLOCKS};
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		printf("pool and pinned host memory, %u blocks, scattered in both:\n", counts[i]);
		choose_blocks(bench, counts[i], 0, true);
		time_act(bench, "load, plain cudaMemcpyAsync", plain_load, plain_load, 1);
		time_act(bench, "load, block_copy", copied_load, plain_load, 1);
		time_reaches(bench, "load", reach_load, plain_load);
		time_act(bench, "load, a cudaMemcpyAsync a piece", piecewise_load, plain_load, 1);
		time_act(bench, "store, plain cudaMemcpyAsync", plain_store, plain_store, 1);
		time_act(bench, "store, block_copy", copied_store, plain_store, 1);
		time_reaches(bench, "store", reach_store, plain_store);
		time_act(bench, "load and store at a time, plain", plain_both, plain_both, 2);
		time_act(bench, "load and store at a time, block_copy", copied_both, plain_both, 2);
		choose_blocks(bench, counts[i], 0, false);
		time_act(bench, "load, block_copy, neighbours in the host", copied_load, plain_load, 1);
		time_act(bench, "store, block_copy, neighbours in the host", copied_store, plain_store, 1);
	}
}

static struct tier_io_key key_of(uint32_t i)
{
	return (struct tier_io_key){UINT64_C(0x9e3779b97f4a7c15) * (i + 1), i};
}

static int check_outcome(const struct tier_io_request *request, struct err *err)
{
	return request->outcome == TIER_IO_DONE ? 0 : err_set(err, "%s", request->why.text);
}

/* Writes from the second arena, reads into the first. */
static int move_disk(struct bench *bench, struct tier_disk *disk, bool writes, double *seconds, struct err *err)
{
	struct tier_io_request *requests = mem_alloc(DISK_BLOCKS, sizeof(*requests));
	int status = 0;
	const double start_s = now_s();
	for (uint32_t i = 0; i < DISK_BLOCKS; i++) {
		if (writes)
			tier_disk_write(disk, key_of(i), bench->arenas[1] + i * bench->block_bytes, &requests[i]);
		else
			tier_disk_read(disk, key_of(i), bench->arenas[0] + i * bench->block_bytes, &requests[i]);
	}
	for (uint32_t i = 0; i < DISK_BLOCKS; i++) {
		tier_disk_wait(disk, &requests[i]);
		if (status == 0)
			status = check_outcome(&requests[i], err);
	}
	*seconds = now_s() - start_s;
	free(requests);
	return status;
}

static int bench_disk(struct bench *bench, uint32_t depth, struct err *err)
{
	double seconds[2][SLOW_RUNS];
	const struct tier_disk_options options = {bench->folder, DISK_BLOCKS, bench->block_bytes, depth};
	struct tier_disk *disk = tier_disk_open(&options, err);
	if (!disk)
		return -1;
	int status = 0;
	for (int run = 0; run < SLOW_RUNS && status == 0; run++)
		for (int reads = 0; reads < 2 && status == 0; reads++)
			status = move_disk(bench, disk, !reads, &seconds[reads][run], err);
	const bool is_direct = tier_disk_is_direct(disk);
	tier_disk_close(disk);
	if (status < 0)
		return -1;
	const double bytes = (double)DISK_BLOCKS * (double)bench->block_bytes;
	printf("disk, %u blocks, %u requests at a time, %s:\n", DISK_BLOCKS, depth,
	       is_direct ? "O_DIRECT" : "through the page cache");
	print_rate("write", seconds[0], SLOW_RUNS, bytes);
	puts("");
	print_rate("read", seconds[1], SLOW_RUNS, bytes);
	puts("");
	return 0;
}

static int move_archive(struct bench *bench, struct tier_archive *archive, bool writes, double *seconds,
			struct err *err)
{
	struct tier_io_request *requests = mem_alloc(ARCHIVE_BLOCKS, sizeof(*requests));
	int status = 0;
	const double start_s = now_s();
	for (uint32_t i = 0; i < ARCHIVE_BLOCKS; i++) {
		uint8_t *block = bench->arenas[writes] + i * bench->block_bytes;
		if (writes)
			tier_archive_write(archive, key_of(i), block, 0, TIME_NEVER_NS, &requests[i]);
		else
			tier_archive_read(archive, key_of(i), block, 0, &requests[i]);
	}
	for (uint32_t i = 0; i < ARCHIVE_BLOCKS; i++) {
		tier_archive_wait(archive, &requests[i]);
		if (status == 0)
			status = check_outcome(&requests[i], err);
	}
	*seconds = now_s() - start_s;
	free(requests);
	return status;
}

static int bench_archive(struct bench *bench, const char *folder, uint32_t threads, struct err *err)
{
	double seconds[2][SLOW_RUNS];
	const struct tier_archive_options options = {
	    folder, {llama_model(bench->llama)->name, "bf16", BLOCK_TOKENS, bench->block_bytes}, threads};
	struct tier_archive *archive = tier_archive_open(&options, err);
	if (!archive)
		return -1;
	int status = 0;
	for (int run = 0; run < SLOW_RUNS && status == 0; run++)
		for (int reads = 0; reads < 2 && status == 0; reads++)
			status = move_archive(bench, archive, !reads, &seconds[reads][run], err);
	const double packed = (double)tier_archive_counts(archive)->written_bytes / SLOW_RUNS;
	for (uint32_t i = 0; i < ARCHIVE_BLOCKS && status == 0; i++)
		status = tier_archive_drop(archive, key_of(i), err);
	tier_archive_close(archive);
	if (status < 0)
		return -1;
	const double bytes = (double)ARCHIVE_BLOCKS * (double)bench->block_bytes;
	printf("archive, %u blocks, %u threads, packed to %.3f:\n", ARCHIVE_BLOCKS, threads, packed / bytes);
	print_rate("deflate and write", seconds[0], SLOW_RUNS, bytes);
	puts("");
	print_rate("read and inflate", seconds[1], SLOW_RUNS, bytes);
	puts("");
	return 0;
}

static int bench_slow(struct bench *bench, struct err *err)
{
	static const uint32_t at_a_time[] = {1, 4, 16};
	for (size_t i = 0; i < COUNT_OF(at_a_time); i++)
		if (bench_disk(bench, at_a_time[i], err) < 0)
			return -1;
	const size_t bytes = strlen(bench->folder) + sizeof("/kvcast-bench-archive");
	char *folder = mem_alloc(bytes, 1);
	snprintf(folder, bytes, "%s/kvcast-bench-archive", bench->folder);
	int status = 0;
	for (size_t i = 0; i < COUNT_OF(at_a_time) && status == 0; i++)
		status = bench_archive(bench, folder, at_a_time[i], err);
	rmdir(folder);
	free(folder);
	return status;
}

static void open_rest(struct bench *bench)
{
	const size_t bytes = MOST_BLOCKS * bench->block_bytes;
	bench->copy = block_copy_open(bench->llama);
	bench->device = gpu_alloc(bytes);
	for (int a = 0; a < 2; a++) {
		GPU_CALL(cudaMallocHost((void **)&bench->arenas[a], bytes));
		GPU_CALL(cudaStreamCreateWithFlags(&bench->streams[a], cudaStreamNonBlocking));
	}
}

static void close_all(struct bench *bench)
{
	for (int a = 0; a < 2; a++) {
		GPU_CALL(cudaFreeHost(bench->arenas[a]));
		GPU_CALL(cudaStreamDestroy(bench->streams[a]));
	}
	gpu_free(bench->device);
	block_copy_close(bench->copy);
	llama_close(bench->llama);
}

int cmd_bench_tiers(const struct model *model, const char *folder, int runs)
{
	const struct llama_options options = {.seed = 1,
					      .block_tokens = BLOCK_TOKENS,
					      .pool_blocks = 2 * MOST_BLOCKS,
					      .most_tokens = BLOCK_TOKENS,
					      .most_sequences = 1,
					      .most_table = 1};
	struct err err;
	struct bench *bench = mem_alloc(1, sizeof(*bench));
	bench->folder = folder;
	bench->runs = runs < MOST_RUNS ? runs : MOST_RUNS;
	bench->llama = llama_open(model, &options, &err);
	if (!bench->llama)
		return gpu_cli_fail(&err);
	bench->block_bytes = llama_block_bytes(bench->llama);
	open_rest(bench);
	printf("# %s, blocks of %u tokens and %zu KiB, random keys and values; median of %d, of disk and archive %d\n",
	       model->name, BLOCK_TOKENS, bench->block_bytes / 1024, bench->runs, SLOW_RUNS);
	int status = verify(bench, &err);
	if (status == 0) {
		printf("blocks come back from host memory as they were\n");
		bench_host(bench);
		/* What the arenas hold now is old: the first has what the pool held last. */
		memcpy(bench->arenas[1], bench->arenas[0], MOST_BLOCKS * bench->block_bytes);
		status = bench_slow(bench, &err);
	}
	close_all(bench);
	free(bench);
	return status < 0 ? gpu_cli_fail(&err) : 0;
}
