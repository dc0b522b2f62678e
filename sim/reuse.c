#include "reuse.h"

#include "replay.h"
#include "fenwick.h"

#include <stdlib.h>

struct pass {
	struct reuse *reuse;
	size_t room;
	uint32_t *last;      /* [block_count] 1 + the request that used the block last; 0: none yet */
	struct fenwick blocks; /* of each request, those that no later one has used */
};

static void append(struct pass *pass, const struct reuse_stretch *stretch)
{
	struct reuse *reuse = pass->reuse;
	if (reuse->count == pass->room) {
		pass->room = pass->room ? pass->room * 2 : 4096;
		reuse->stretches = mem_grow(reuse->stretches, pass->room, sizeof(*reuse->stretches));
	}
	reuse->stretches[reuse->count++] = *stretch;
}

/* Blocks depth .. depth + count - 1 of the path were last used by `from`: the first ones that are left of its path. */
static void note(struct pass *pass, uint32_t request, uint32_t from, uint32_t depth, uint32_t count)
{
	struct reuse *reuse = pass->reuse;
	ASSERT(depth == reuse->path_blocks[from] - reuse->left_blocks[from]);
	const struct reuse_stretch stretch = {
	        .request = request,
	        .from = from,
	        .depth = depth,
	        .count = count,
	        .rank = fenwick_after(&pass->blocks, from),
	        .gap_ns = reuse->arrival_ns[request] - reuse->arrival_ns[from],
	};
	append(pass, &stretch);
}

/* Takes the blocks from those who used them last; a rank was counted before any of this request's uses. */
static void take(struct pass *pass, size_t first_stretch)
{
	struct reuse *reuse = pass->reuse;
	for (size_t i = first_stretch; i < reuse->count; i++) {
		const struct reuse_stretch *stretch = &reuse->stretches[i];
		reuse->left_blocks[stretch->from] -= stretch->count;
		fenwick_add(&pass->blocks, stretch->from, -(int64_t)stretch->count);
	}
}

static void use(struct pass *pass, uint32_t request)
{
	struct reuse *reuse = pass->reuse;
	const struct path path =
	        replay_path(reuse->trace, &reuse->trace->requests[request], reuse->config->tail_cached);
	const size_t first_stretch = reuse->count;
	uint32_t depth = 0, start = 0, from = 0; /* the stretch under way; from 0: blocks never used, which end the known ones */
	struct trace_run run;
	for (struct path_walk walk = path_forward(path, 0); path_next(&walk, &run);) {
		uint32_t *const last = pass->last + run.first;
		for (uint32_t i = 0; i < run.count; i++, depth++) {
			if (last[i] != from) {
				if (from)
					note(pass, request, from - 1, start, depth - start);
				from = last[i];
				start = depth;
			}
			last[i] = request + 1;
		}
	}
	if (from)
		note(pass, request, from - 1, start, depth - start);
	take(pass, first_stretch);
	reuse->path_blocks[request] = reuse->left_blocks[request] = path.block_count;
	fenwick_add(&pass->blocks, request, path.block_count);
}

struct reuse_gain reuse_gain(const struct trace *trace, uint32_t request, uint32_t depth, uint32_t count)
{
	const uint64_t prompt = trace->requests[request].prompt_tokens;
	const uint64_t from = (uint64_t)depth * trace->block_tokens, end = from + (uint64_t)count * trace->block_tokens;
	const uint64_t to = end < prompt ? end : prompt;
	return (struct reuse_gain){count, to - from, (double)(to - from) / (double)prompt};
}

uint32_t reuse_first_counted(const struct trace *trace, const struct run_config *config)
{
	return (uint32_t)(config->warmup * trace->request_count);
}

struct reuse *reuse_open(const struct trace *trace, const struct run_config *config)
{
	struct reuse *reuse = mem_alloc(1, sizeof(*reuse));
	*reuse = (struct reuse){
	        .trace = trace,
	        .config = config,
	        .arrival_ns = mem_alloc(trace->request_count, sizeof(*reuse->arrival_ns)),
	        .path_blocks = mem_alloc(trace->request_count, sizeof(*reuse->path_blocks)),
	        .left_blocks = mem_alloc(trace->request_count, sizeof(*reuse->left_blocks)),
	};
	struct pass pass = {.reuse = reuse, .last = mem_alloc(trace->block_count, sizeof(*pass.last)),
	                    .blocks = fenwick_open(trace->request_count)};
	for (uint32_t r = 0; r < trace->request_count; r++) {
		reuse->arrival_ns[r] = replay_sped_up_ns(config, trace->requests[r].arrival_ns);
		use(&pass, r);
	}
	free(pass.last);
	fenwick_free(&pass.blocks);
	return reuse;
}

void reuse_close(struct reuse *reuse)
{
	if (!reuse)
		return;
	free(reuse->stretches);
	free(reuse->arrival_ns);
	free(reuse->path_blocks);
	free(reuse->left_blocks);
	free(reuse);
}
