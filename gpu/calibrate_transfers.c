#include "calibrate_transfers.h"

#include "block_copy.h"
#include "tier_archive.h"
#include "tier_disk.h"

#include <gsl/gsl_sort.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPEATS_MOST 64

struct transfers {
	const struct calibrate_transfers *what;
	struct block_copy *copy;
	struct tier_disk *disk;
	struct tier_archive *archive;
	size_t block_bytes;
	uint8_t *arena; /* pinned */
	uint32_t blocks[CALIBRATE_TRANSFERS_BLOCKS];
	void *host[CALIBRATE_TRANSFERS_BLOCKS];
	struct tier_io_request *requests;
};

static struct tier_io_key key_of(uint32_t i)
{
	return (struct tier_io_key){UINT64_C(0x9e3779b97f4a7c15) * (i + 1), i};
}

static void begin(struct transfers *t, bool writes, uint32_t i)
{
	if (t->disk && writes)
		tier_disk_write(t->disk, key_of(i), t->host[i], &t->requests[i]);
	else if (t->disk)
		tier_disk_read(t->disk, key_of(i), t->host[i], &t->requests[i]);
	else if (writes)
		tier_archive_write(t->archive, key_of(i), t->host[i], 0, TIME_NEVER_NS, &t->requests[i]);
	else
		tier_archive_read(t->archive, key_of(i), t->host[i], 0, &t->requests[i]);
}

/* Between host memory and the medium, if there is one. */
static int move_medium(struct transfers *t, bool writes, uint32_t count, struct err *err)
{
	int status = 0;
	if (!t->disk && !t->archive)
		return 0;
	for (uint32_t i = 0; i < count; i++)
		begin(t, writes, i);
	for (uint32_t i = 0; i < count; i++) {
		if (t->disk)
			tier_disk_wait(t->disk, &t->requests[i]);
		else
			tier_archive_wait(t->archive, &t->requests[i]);
		if (status == 0 && t->requests[i].outcome != TIER_IO_DONE)
			status = err_set(err, "%s", t->requests[i].why.text);
	}
	return status;
}

static int move(struct transfers *t, bool writes, uint32_t count, struct err *err)
{
	if (writes) {
		block_copy_store(t->copy, t->blocks, t->host, count);
		block_copy_wait(t->copy);
	}
	if (move_medium(t, writes, count, err) < 0)
		return -1;
	if (!writes) {
		block_copy_load(t->copy, t->blocks, t->host, count);
		block_copy_wait(t->copy);
	}
	return 0;
}

/* Writes and reads in turn, so that every read has something to find. */
static int measure_size(struct transfers *t, const char *tier, uint32_t count, struct sample *samples, struct err *err)
{
	double ns[2][REPEATS_MOST];
	const uint32_t repeats = t->what->repeats;
	for (uint32_t run = 0; run <= repeats; run++) {
		for (int reads = 0; reads < 2; reads++) {
			const double start_ns = t->what->now_ns();
			if (move(t, !reads, count, err) < 0)
				return -1;
			if (run > 0)
				ns[reads][run - 1] = t->what->now_ns() - start_ns;
		}
	}
	for (int reads = 0; reads < 2; reads++) {
		gsl_sort(ns[reads], 1, repeats);
		samples[reads] = (struct sample){.kind = reads ? SAMPLE_READ : SAMPLE_WRITE, .repeats = repeats,
		                                 .bytes = (double)count * (double)t->block_bytes, .median_ns = ns[reads][repeats / 2],
		                                 .least_ns = ns[reads][0], .most_ns = ns[reads][repeats - 1]};
		snprintf(samples[reads].tier, sizeof(samples[reads].tier), "%s", tier);
	}
	return 0;
}

static int measure_tier(struct transfers *t, const char *tier, uint32_t most, struct sample *samples, struct err *err)
{
	int count = 0;
	for (uint32_t blocks = 1; blocks <= most; blocks *= 2, count += 2) {
		if (measure_size(t, tier, blocks, samples + count, err) < 0)
			return err_prefix(err, "Measuring transfers of %s: ", tier);
	}
	return count;
}

#define VERIFIED_BLOCKS 8

static void spoil(struct transfers *t, int value)
{
	for (uint32_t i = 0; i < VERIFIED_BLOCKS; i++)
		memset(t->host[i], value, t->block_bytes);
}

/* The whole way there and back, with other data in host memory in between. */
static int verify(struct transfers *t, struct err *err)
{
	uint8_t *before = mem_alloc(VERIFIED_BLOCKS, t->block_bytes);
	bool same = true;
	int status = move(t, true, VERIFIED_BLOCKS, err);
	for (uint32_t i = 0; i < VERIFIED_BLOCKS; i++)
		memcpy(before + i * t->block_bytes, t->host[i], t->block_bytes);
	spoil(t, 0x5a);
	if (status == 0)
		status = move(t, false, VERIFIED_BLOCKS, err);
	spoil(t, 0xa5);
	block_copy_store(t->copy, t->blocks, t->host, VERIFIED_BLOCKS);
	block_copy_wait(t->copy);
	for (uint32_t i = 0; i < VERIFIED_BLOCKS; i++)
		same = same && memcmp(before + i * t->block_bytes, t->host[i], t->block_bytes) == 0;
	free(before);
	if (status == 0 && !same)
		status = err_set(err, "Blocks did not come back from a lower tier as they were.");
	return status;
}

static int measure_disk(struct transfers *t, struct sample *samples, struct err *err)
{
	const struct tier_disk_options options = {t->what->folder, CALIBRATE_TRANSFERS_BLOCKS, t->block_bytes, TIER_IO_DEPTH};
	t->disk = tier_disk_open(&options, err);
	if (!t->disk)
		return -1;
	int count = verify(t, err);
	if (count == 0)
		count = measure_tier(t, "disk", 128, samples, err);
	tier_disk_close(t->disk);
	t->disk = NULL;
	return count;
}

static int measure_archive(struct transfers *t, struct sample *samples, struct err *err)
{
	char folder[512];
	snprintf(folder, sizeof(folder), "%s/kvcast-calibrate-archive", t->what->folder);
	const struct tier_archive_options options = {
	        folder, {llama_model(t->what->llama)->name, "bf16", t->what->block_tokens, t->block_bytes}, TIER_IO_DEPTH};
	t->archive = tier_archive_open(&options, err);
	if (!t->archive)
		return -1;
	int count = verify(t, err);
	if (count == 0)
		count = measure_tier(t, "archive", 64, samples, err);
	for (uint32_t i = 0; i < 64 && count >= 0; i++) {
		if (tier_archive_drop(t->archive, key_of(i), err) < 0)
			count = -1;
	}
	tier_archive_close(t->archive);
	t->archive = NULL;
	rmdir(folder);
	return count;
}

int calibrate_transfers_measure(const struct calibrate_transfers *what, struct sample *samples, struct err *err)
{
	struct transfers *t = mem_alloc(1, sizeof(*t));
	ASSERT(what->repeats >= 1 && what->repeats <= REPEATS_MOST);
	t->what = what;
	t->block_bytes = llama_block_bytes(what->llama);
	t->copy = block_copy_open(what->llama);
	t->requests = mem_alloc(CALIBRATE_TRANSFERS_BLOCKS, sizeof(*t->requests));
	GPU_CALL(cudaMallocHost((void **)&t->arena, CALIBRATE_TRANSFERS_BLOCKS * t->block_bytes));
	for (uint32_t i = 0; i < CALIBRATE_TRANSFERS_BLOCKS; i++) {
		t->blocks[i] = (i * 5 + 1) % CALIBRATE_TRANSFERS_BLOCKS;
		t->host[i] = t->arena + (i * 7 + 3) % CALIBRATE_TRANSFERS_BLOCKS * t->block_bytes;
	}
	int count = measure_tier(t, "host", CALIBRATE_TRANSFERS_BLOCKS, samples, err);
	for (int medium = 0; medium < 2 && what->folder && count >= 0; medium++) {
		const int more = medium ? measure_archive(t, samples + count, err) : measure_disk(t, samples + count, err);
		count = more < 0 ? -1 : count + more;
	}
	GPU_CALL(cudaFreeHost(t->arena));
	block_copy_close(t->copy);
	free(t->requests);
	free(t);
	return count;
}
