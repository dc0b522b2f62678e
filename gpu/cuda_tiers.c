#include "cuda_tiers.h"

#include "block_copy.h"
#include "tier_host.h"
#include "tier_queue.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES ((size_t)256 << 20) /* both halves; and what is on its way to a disk, or to an archive, at most */
#define HALF_MOST 64u                    /* blocks */

struct cuda_tiers {
	struct cuda_tiers_options options;
	struct block_copy *copy;
	bool storing; /* stores to host memory are begun, and not waited for */
	size_t block_bytes;
	void *arena; /* the host tier's */
	struct tier_host *host;
	struct tier_disk *disk;
	struct tier_archive *archive;
	enum medium { POOL, HOST, DISK, ARCHIVE, MEDIA } media[TIER_MOST];
	struct tier_queue *queues[MEDIA]; /* of disk and archive */
	void *queue_arenas[MEDIA];
	uint32_t half; /* blocks in half a buffer */
	uint8_t *buffer;
	struct tier_io_request *requests; /* [half] */
	void **places; /* [most_blocks] */
};

static const char *const names[] = {[HOST] = "host", [DISK] = "disk", [ARCHIVE] = "archive"};

static enum medium medium_of(const struct tier_config *tier)
{
	for (enum medium medium = HOST; medium <= ARCHIVE; medium++) {
		if (strcmp(tier->name, names[medium]) == 0)
			return medium;
	}
	return POOL;
}

int cuda_tiers_check(const struct cuda_tiers_options *options, struct err *err)
{
	for (uint32_t i = 1; i < options->tier_count; i++) {
		const char *name = options->tiers[i].name;
		const enum medium medium = medium_of(&options->tiers[i]);
		if (medium == POOL)
			return err_set(err, "--tier %s: below the GPU there are host, disk and archive.", name);
		if (medium == DISK && !options->disk_folder)
			return err_set(err, "--tier disk: --disk-folder is missing: where the file is to be.");
		if (medium == ARCHIVE && !options->archive_folder)
			return err_set(err, "--tier archive: --archive-folder is missing: where the objects are to be.");
	}
	return 0;
}

static uint32_t slots_of(const struct cuda_tiers *tiers, const struct tier_config *tier)
{
	const uint32_t most = tiers->options.most_blocks;
	return tier->capacity_blocks < most ? (uint32_t)tier->capacity_blocks : most;
}

static int pin(const char *what, size_t bytes, void *memory, struct err *err)
{
	const cudaError_t status = cudaMallocHost(memory, bytes ? bytes : 1);
	if (status == cudaSuccess)
		return 0;
	(void)cudaGetLastError(); /* it is told here */
	return err_set(err, "%s: %.1f GiB of pinned memory are not to be had: %s.", what, (double)bytes / 0x1p30,
	               cudaGetErrorString(status));
}

/* The medium works on TIER_IO_DEPTH blocks at a time; as many again wait, so that it never does. */
static int open_queue(struct cuda_tiers *tiers, enum medium medium, struct err *err)
{
	const size_t fits = BUFFER_BYTES / tiers->block_bytes;
	const uint32_t places = fits < 1 ? 1 : fits < 2 * TIER_IO_DEPTH ? (uint32_t)fits : 2 * TIER_IO_DEPTH;
	if (pin("the blocks on their way to lower tiers", places * tiers->block_bytes, &tiers->queue_arenas[medium], err) < 0)
		return -1;
	const struct tier_queue_options options = {
	        .disk = medium == DISK ? tiers->disk : NULL,
	        .archive = medium == ARCHIVE ? tiers->archive : NULL,
	        .arena = tiers->queue_arenas[medium],
	        .places = places,
	        .block_bytes = tiers->block_bytes,
	};
	tiers->queues[medium] = tier_queue_open(&options);
	return 0;
}

static int open_tier(struct cuda_tiers *tiers, uint32_t index, struct err *err)
{
	const struct cuda_tiers_options *options = &tiers->options;
	const struct tier_config *tier = &options->tiers[index];
	const uint32_t slots = slots_of(tiers, tier);
	tiers->media[index] = medium_of(tier);
	switch (tiers->media[index]) {
	case HOST:
		if (pin("--tier host", slots * tiers->block_bytes, &tiers->arena, err) < 0)
			return -1;
		tiers->host = tier_host_open(tiers->arena, slots, tiers->block_bytes);
		return 0;
	case DISK: {
		const struct tier_disk_options disk = {options->disk_folder, slots, tiers->block_bytes, TIER_IO_DEPTH};
		tiers->disk = tier_disk_open(&disk, err);
		return tiers->disk ? open_queue(tiers, DISK, err) : -1;
	}
	case ARCHIVE: {
		const struct tier_archive_options archive = {
		        .folder = options->archive_folder,
		        .identity = {options->weights, "bf16", options->block_tokens, tiers->block_bytes},
		        .threads = TIER_IO_DEPTH,
		};
		tiers->archive = tier_archive_open(&archive, err);
		return tiers->archive ? open_queue(tiers, ARCHIVE, err) : -1;
	}
	case POOL:
	case MEDIA:
		break;
	}
	return -1;
}

struct cuda_tiers *cuda_tiers_open(const struct llama *llama, const struct cuda_tiers_options *options, struct err *err)
{
	if (cuda_tiers_check(options, err) < 0)
		return NULL;
	struct cuda_tiers *tiers = mem_alloc(1, sizeof(*tiers));
	tiers->options = *options;
	tiers->block_bytes = llama_block_bytes(llama);
	const size_t fits = BUFFER_BYTES / 2 / tiers->block_bytes;
	tiers->half = fits < 1 ? 1 : fits < HALF_MOST ? (uint32_t)fits : HALF_MOST;
	tiers->requests = mem_alloc(tiers->half, sizeof(*tiers->requests));
	tiers->places = mem_alloc(options->most_blocks, sizeof(*tiers->places));
	int failed = pin("the buffers of lower tiers", 2 * tiers->half * tiers->block_bytes, &tiers->buffer, err);
	for (uint32_t i = 1; !failed && i < options->tier_count; i++)
		failed = open_tier(tiers, i, err);
	if (failed) {
		cuda_tiers_close(tiers);
		return NULL;
	}
	tiers->copy = block_copy_open(llama);
	return tiers;
}

void cuda_tiers_close(struct cuda_tiers *tiers)
{
	if (!tiers)
		return;
	if (tiers->copy)
		block_copy_close(tiers->copy);
	for (enum medium medium = POOL; medium < MEDIA; medium++)
		tier_queue_close(tiers->queues[medium]);
	if (tiers->host)
		tier_host_close(tiers->host);
	if (tiers->disk)
		tier_disk_close(tiers->disk);
	if (tiers->archive)
		tier_archive_close(tiers->archive);
	for (enum medium medium = POOL; medium < MEDIA; medium++)
		GPU_CALL(cudaFreeHost(tiers->queue_arenas[medium]));
	GPU_CALL(cudaFreeHost(tiers->arena));
	GPU_CALL(cudaFreeHost(tiers->buffer));
	free(tiers->requests);
	free(tiers->places);
	free(tiers);
}

void cuda_tiers_settle(struct cuda_tiers *tiers)
{
	if (tiers->storing)
		block_copy_wait(tiers->copy);
	tiers->storing = false;
}

/* Brings a block to `place` in pinned memory, or begins to where it comes from the pool; false where it cannot be had. */
static bool fetch(struct cuda_tiers *tiers, enum medium from, struct tier_io_key key, uint32_t slot, void *place)
{
	if (from == POOL) {
		block_copy_store(tiers->copy, &slot, &place, 1);
		tiers->storing = true;
		return true;
	}
	cuda_tiers_settle(tiers);
	if (from == HOST) {
		const void *block = tier_host_get(tiers->host, key);
		if (block)
			memcpy(place, block, tiers->block_bytes);
		return block != NULL;
	}
	tier_queue_read(tiers->queues[from], key, place, tiers->options.date_ns(), &tiers->requests[0]);
	return tier_queue_wait(tiers->queues[from], &tiers->requests[0]) == TIER_IO_DONE;
}

void cuda_tiers_store(struct cuda_tiers *tiers, uint32_t from_tier, uint32_t tier, struct tier_io_key key, uint32_t slot)
{
	const enum medium from = tiers->media[from_tier], to = tiers->media[tier];
	void *place = to == HOST ? tier_host_put(tiers->host, key) : tier_queue_place(tiers->queues[to]);
	ASSERT(place); /* the engine keeps to the tier's capacity */
	const bool came = fetch(tiers, from, key, slot, place);
	if (came && to != HOST) {
		cuda_tiers_settle(tiers);
		tier_queue_begin(tiers->queues[to], key, tiers->options.date_ns());
	}
	if (!came && to == HOST)
		tier_host_drop(tiers->host, key);
}

static bool load_from_host(struct cuda_tiers *tiers, const struct tier_io_key *keys, const uint32_t *slots, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		tiers->places[i] = tier_host_get(tiers->host, keys[i]);
		if (!tiers->places[i])
			return false;
	}
	block_copy_load(tiers->copy, slots, tiers->places, count);
	block_copy_wait(tiers->copy);
	return true;
}

/* One half of the buffer is read into while the other is on its way to the device. */
static bool load_through_buffer(struct cuda_tiers *tiers, struct tier_queue *queue, const struct tier_io_key *keys,
                                const uint32_t *slots, uint32_t count)
{
	bool whole = true;
	uint32_t half = 0;
	for (uint32_t done = 0; done < count && whole; done += tiers->half, half = !half) {
		const uint32_t some = count - done < tiers->half ? count - done : tiers->half;
		for (uint32_t i = 0; i < some; i++) {
			tiers->places[i] = tiers->buffer + ((size_t)half * tiers->half + i) * tiers->block_bytes;
			tier_queue_read(queue, keys[done + i], tiers->places[i], tiers->options.date_ns(), &tiers->requests[i]);
		}
		for (uint32_t i = 0; i < some; i++)
			whole &= tier_queue_wait(queue, &tiers->requests[i]) == TIER_IO_DONE;
		block_copy_wait(tiers->copy);
		if (whole)
			block_copy_load(tiers->copy, slots + done, tiers->places, some);
	}
	block_copy_wait(tiers->copy);
	return whole;
}

bool cuda_tiers_load(struct cuda_tiers *tiers, uint32_t tier, const struct tier_io_key *keys, const uint32_t *slots,
                     uint32_t count)
{
	cuda_tiers_settle(tiers);
	if (tiers->media[tier] == HOST)
		return load_from_host(tiers, keys, slots, count);
	return load_through_buffer(tiers, tiers->queues[tiers->media[tier]], keys, slots, count);
}

void cuda_tiers_drop(struct cuda_tiers *tiers, uint32_t tier, struct tier_io_key key)
{
	if (tiers->media[tier] == HOST)
		tier_host_drop(tiers->host, key);
	else
		tier_queue_drop(tiers->queues[tiers->media[tier]], key);
}

void cuda_tiers_skip(struct cuda_tiers *tiers, int64_t ns)
{
	const int64_t start_ns = tiers->options.date_ns();
	cuda_tiers_settle(tiers);
	for (enum medium medium = DISK; medium <= ARCHIVE; medium++) {
		while (tiers->queues[medium] && tiers->options.date_ns() - start_ns < ns && tier_queue_settle(tiers->queues[medium]))
			;
	}
}
