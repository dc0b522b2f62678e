#include "block_copy.h"

#include <stdlib.h>

#define CHUNK_BYTES ((size_t)8 << 20)
/* Copies of less are worse than a kernel's reaching over the bus. */
#define LEAST_COPY_BYTES     ((size_t)1 << 20)
/* The fewest that fill the bus whatever the pieces' size (with pieces of 4 KiB 16 reach three quarters of it); and the
 * device's memory. */
#define BUS_THREAD_BLOCKS    32
#define MEMORY_THREAD_BLOCKS 1056

/* A chunk of staging memory: full when the first event has happened, free again when the second has. */
struct stage {
	uint8_t *device;
	cudaEvent_t full, empty;
};

struct lane {
	cudaStream_t bus, kernels;
	struct stage stages[2];
	uint32_t next;
};

struct block_copy {
	const struct llama *llama;
	struct kernels_blocks_shape shape;
	struct kernels_pool *device_pools;
	size_t block_bytes;
	uint32_t chunk_blocks;
	cudaEvent_t model_done, lane_done;
	struct lane loads, stores;
};

static cudaEvent_t new_event(void)
{
	cudaEvent_t event;
	GPU_CALL(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
	return event;
}

static void open_lane(struct lane *lane, size_t stage_bytes)
{
	GPU_CALL(cudaStreamCreateWithFlags(&lane->bus, cudaStreamNonBlocking));
	GPU_CALL(cudaStreamCreateWithFlags(&lane->kernels, cudaStreamNonBlocking));
	for (size_t i = 0; i < COUNT_OF(lane->stages); i++)
		lane->stages[i] = (struct stage){gpu_alloc(stage_bytes), new_event(), new_event()};
}

static void close_lane(struct lane *lane)
{
	GPU_CALL(cudaStreamDestroy(lane->bus));
	GPU_CALL(cudaStreamDestroy(lane->kernels));
	for (size_t i = 0; i < COUNT_OF(lane->stages); i++) {
		gpu_free(lane->stages[i].device);
		GPU_CALL(cudaEventDestroy(lane->stages[i].full));
		GPU_CALL(cudaEventDestroy(lane->stages[i].empty));
	}
}

struct block_copy *block_copy_open(const struct llama *llama)
{
	struct block_copy *copy = mem_alloc(1, sizeof(*copy));
	const uint32_t layers = llama_model(llama)->layers;
	struct kernels_pool *pools = mem_alloc(layers, sizeof(*pools));
	for (uint32_t i = 0; i < layers; i++)
		pools[i] = llama_pool(llama, i);
	copy->llama = llama;
	copy->device_pools = gpu_alloc(layers * sizeof(*pools));
	GPU_CALL(cudaMemcpy(copy->device_pools, pools, layers * sizeof(*pools), cudaMemcpyHostToDevice));
	free(pools);
	copy->block_bytes = llama_block_bytes(llama);
	copy->shape =
	    (struct kernels_blocks_shape){copy->device_pools, layers, (uint32_t)(copy->block_bytes / layers / 2)};
	const size_t blocks = CHUNK_BYTES / copy->block_bytes;
	copy->chunk_blocks = blocks == 0 ? 1 : blocks < KERNELS_BLOCKS_MOST ? (uint32_t)blocks : KERNELS_BLOCKS_MOST;
	copy->model_done = new_event();
	copy->lane_done = new_event();
	open_lane(&copy->loads, copy->chunk_blocks * copy->block_bytes);
	open_lane(&copy->stores, copy->chunk_blocks * copy->block_bytes);
	return copy;
}

void block_copy_close(struct block_copy *copy)
{
	if (!copy)
		return;
	block_copy_wait(copy);
	close_lane(&copy->loads);
	close_lane(&copy->stores);
	GPU_CALL(cudaEventDestroy(copy->model_done));
	GPU_CALL(cudaEventDestroy(copy->lane_done));
	gpu_free(copy->device_pools);
	free(copy);
}

struct kernels_blocks_shape block_copy_shape(const struct block_copy *copy)
{
	return copy->shape;
}

/* The end of the blocks from `from` on that lie one after the other in the host. */
static uint32_t end_of_run(const struct block_copy *copy, void *const *host, uint32_t from, uint32_t count)
{
	uint32_t to = from + 1;
	while (to < count && (uint8_t *)host[to] == (uint8_t *)host[to - 1] + copy->block_bytes)
		to++;
	return to;
}

static bool is_for_kernel(const struct block_copy *copy, void *const *host, uint32_t count)
{
	uint32_t runs = 0;
	for (uint32_t from = 0; from < count; from = end_of_run(copy, host, from, count))
		runs++;
	return count * copy->block_bytes < runs * LEAST_COPY_BYTES;
}

static void cross_bus(const struct block_copy *copy, cudaStream_t bus, uint8_t *stage, void *const *host,
		      uint32_t count, bool loads)
{
	for (uint32_t from = 0, to; from < count; from = to) {
		to = end_of_run(copy, host, from, count);
		uint8_t *device = stage + from * copy->block_bytes;
		const size_t bytes = (to - from) * copy->block_bytes;
		if (loads)
			GPU_CALL(cudaMemcpyAsync(device, host[from], bytes, cudaMemcpyHostToDevice, bus));
		else
			GPU_CALL(cudaMemcpyAsync(host[from], device, bytes, cudaMemcpyDeviceToHost, bus));
	}
}

static void move_by_kernel(const struct block_copy *copy, const struct lane *lane,
			   const struct kernels_blocks_list *list, uint32_t thread_blocks)
{
	if (lane == &copy->loads)
		kernels_blocks_scatter(list, copy->shape, thread_blocks, lane->kernels);
	else
		kernels_blocks_gather(list, copy->shape, thread_blocks, lane->kernels);
}

static void move_by_stage(struct block_copy *copy, struct lane *lane, struct kernels_blocks_list *list,
			  void *const *host)
{
	struct stage *stage = &lane->stages[lane->next];
	lane->next = (lane->next + 1) % COUNT_OF(lane->stages);
	for (uint32_t i = 0; i < list->count; i++)
		list->outside[i] = stage->device + i * copy->block_bytes;
	const bool loads = lane == &copy->loads;
	cudaStream_t first = loads ? lane->bus : lane->kernels, second = loads ? lane->kernels : lane->bus;
	GPU_CALL(cudaStreamWaitEvent(first, stage->empty, 0));
	if (loads)
		cross_bus(copy, lane->bus, stage->device, host, list->count, true);
	else
		move_by_kernel(copy, lane, list, MEMORY_THREAD_BLOCKS);
	GPU_CALL(cudaEventRecord(stage->full, first));
	GPU_CALL(cudaStreamWaitEvent(second, stage->full, 0));
	if (loads)
		move_by_kernel(copy, lane, list, MEMORY_THREAD_BLOCKS);
	else
		cross_bus(copy, lane->bus, stage->device, host, list->count, false);
	GPU_CALL(cudaEventRecord(stage->empty, second));
}

static void move_chunk(struct block_copy *copy, struct lane *lane, const uint32_t *blocks, void *const *host,
		       uint32_t count)
{
	struct kernels_blocks_list list = {.count = count};
	for (uint32_t i = 0; i < count; i++) {
		list.blocks[i] = blocks[i];
		list.outside[i] = host[i];
	}
	if (is_for_kernel(copy, host, count)) {
		for (size_t i = 0; i < COUNT_OF(lane->stages); i++)
			GPU_CALL(cudaStreamWaitEvent(lane->kernels, lane->stages[i].empty, 0));
		move_by_kernel(copy, lane, &list, BUS_THREAD_BLOCKS);
	} else {
		move_by_stage(copy, lane, &list, host);
	}
}

static void move_all(struct block_copy *copy, struct lane *lane, const uint32_t *blocks, void *const *host,
		     uint32_t count)
{
	GPU_CALL(cudaEventRecord(copy->model_done, llama_stream(copy->llama)));
	GPU_CALL(cudaStreamWaitEvent(lane->kernels, copy->model_done, 0));
	for (uint32_t from = 0; from < count; from += copy->chunk_blocks) {
		const uint32_t rest = count - from;
		move_chunk(copy, lane, blocks + from, host + from,
			   rest < copy->chunk_blocks ? rest : copy->chunk_blocks);
	}
}

void block_copy_load(struct block_copy *copy, const uint32_t *blocks, void *const *host, uint32_t count)
{
	move_all(copy, &copy->loads, blocks, host, count);
}

void block_copy_store(struct block_copy *copy, const uint32_t *blocks, void *const *host, uint32_t count)
{
	move_all(copy, &copy->stores, blocks, host, count);
}

void block_copy_join(struct block_copy *copy)
{
	cudaStream_t const touching[] = {copy->loads.kernels, copy->stores.kernels};
	for (size_t i = 0; i < COUNT_OF(touching); i++) {
		GPU_CALL(cudaEventRecord(copy->lane_done, touching[i]));
		GPU_CALL(cudaStreamWaitEvent(llama_stream(copy->llama), copy->lane_done, 0));
	}
}

void block_copy_wait(struct block_copy *copy)
{
	GPU_CALL(cudaStreamSynchronize(copy->loads.kernels));
	GPU_CALL(cudaStreamSynchronize(copy->stores.kernels));
	GPU_CALL(cudaStreamSynchronize(copy->stores.bus));
}
