#include "reuse.h"

#include "replay.h"
#include "fenwick.h"

#include <math.h>
#include <stdlib.h>

#define NO_REQUEST UINT32_MAX

struct pass {
	struct reuse *reuse;
	size_t room;
	uint32_t *last;      /* [block_count] 1 + the request that used the block last; 0: none yet */
	struct fenwick blocks; /* of each request, those that no later one has used */
	/* Of a sample only: the same of blocks in trees, which `blocks` then lacks; and each tree's requests, the latest first. */
	struct fenwick in_trees;
	uint32_t *latest, *before; /* [tree_count], [request_count] */
	uint32_t own_until;        /* the walk over the requests of the tree that the request under way ends in */
	uint64_t own_blocks;       /* of those after own_until, left in the tree */
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

/* Of the request's path, where the blocks end that count once. */
static uint32_t shared_end(const struct reuse *reuse, uint32_t request)
{
	const uint32_t path_blocks = reuse->path_blocks[request];
	return reuse->sample ? (uint32_t)smaller(reuse->sample->shared_blocks[request], path_blocks) : path_blocks;
}

/* Blocks in trees that stand before one that its tree's `own` others stand before, estimated. */
static uint64_t before_in_trees(const struct pass *pass, uint32_t from, uint32_t tree, uint64_t own)
{
	const struct reuse_sample *sample = pass->reuse->sample;
	const uint64_t mine = tree == REUSE_NO_TREE ? 0 : sample->tree_blocks[tree];
	const uint64_t others = fenwick_after(&pass->in_trees, from) - own;
	if (others == 0)
		return own;
	return own + (uint64_t)llround((double)others * (double)(sample->all_blocks - mine) / (double)(sample->drawn_blocks - mine));
}

/* Goes on from the tree's latest request to `from`, and says what is left in the tree of those between. */
static uint64_t own_after(struct pass *pass, uint32_t from)
{
	const struct reuse *reuse = pass->reuse;
	for (; pass->own_until != from; pass->own_until = pass->before[pass->own_until]) {
		const uint32_t request = pass->own_until, in_tree = reuse->path_blocks[request] - shared_end(reuse, request);
		pass->own_blocks += smaller(reuse->left_blocks[request], in_tree);
	}
	return pass->own_blocks;
}

/* Blocks depth .. depth + count - 1 of the path were last used by `from`: the first ones that are left of its path. */
static void note(struct pass *pass, uint32_t request, uint32_t from, uint32_t depth, uint32_t count)
{
	struct reuse *reuse = pass->reuse;
	ASSERT(depth == reuse->path_blocks[from] - reuse->left_blocks[from]);
	const uint32_t border = shared_end(reuse, request);
	struct reuse_stretch stretch = {
	        .request = request,
	        .from = from,
	        .depth = depth,
	        .count = depth + count <= border ? count : depth < border ? border - depth : 0,
	        .rank = fenwick_after(&pass->blocks, from),
	        .gap_ns = reuse->arrival_ns[request] - reuse->arrival_ns[from],
	};
	if (!reuse->sample) {
		append(pass, &stretch);
		return;
	}
	const uint64_t shared = stretch.rank + stretch.count;
	if (stretch.count) {
		stretch.rank += before_in_trees(pass, from, REUSE_NO_TREE, 0);
		append(pass, &stretch);
	}
	if (stretch.count == count)
		return;
	stretch.depth += stretch.count;
	stretch.count = count - stretch.count;
	stretch.rank = shared + before_in_trees(pass, from, reuse->sample->tree[request], own_after(pass, from));
	stretch.in_tree = true;
	append(pass, &stretch);
}

static void add_blocks(struct pass *pass, uint32_t request, bool in_tree, int64_t change)
{
	fenwick_add(in_tree ? &pass->in_trees : &pass->blocks, request, change);
}

/* Takes the blocks from those who used them last; a rank was counted before any of this request's uses. */
static void take(struct pass *pass, size_t first_stretch)
{
	struct reuse *reuse = pass->reuse;
	for (size_t i = first_stretch; i < reuse->count; i++) {
		const struct reuse_stretch *stretch = &reuse->stretches[i];
		reuse->left_blocks[stretch->from] -= stretch->count;
		add_blocks(pass, stretch->from, stretch->in_tree, -(int64_t)stretch->count);
	}
}

/* What of a request is looked at. */
static struct path looked_at(struct pass *pass, uint32_t request)
{
	const struct reuse *reuse = pass->reuse;
	const struct reuse_sample *sample = reuse->sample;
	struct path path = replay_path(reuse->trace, &reuse->trace->requests[request], reuse->config->tail_cached);
	const uint32_t tree = sample ? sample->tree[request] : REUSE_NO_TREE;
	if (tree == REUSE_NO_TREE)
		return path;
	if (!sample->drawn[tree]) {
		path.block_count = sample->shared_blocks[request];
		return path;
	}
	pass->own_until = pass->before[request] = pass->latest[tree];
	pass->own_blocks = 0;
	pass->latest[tree] = request;
	return path;
}

static void use(struct pass *pass, uint32_t request)
{
	struct reuse *reuse = pass->reuse;
	const struct path path = looked_at(pass, request);
	const size_t first_stretch = reuse->count;
	reuse->path_blocks[request] = path.block_count;
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
	reuse->left_blocks[request] = path.block_count;
	const uint32_t shared = shared_end(reuse, request);
	add_blocks(pass, request, false, shared);
	if (shared < path.block_count)
		add_blocks(pass, request, true, path.block_count - shared);
}

uint64_t reuse_stand_for(const struct reuse *reuse, uint32_t request, uint32_t from, uint32_t to)
{
	const struct reuse_sample *sample = reuse->sample;
	const uint32_t border = shared_end(reuse, request);
	const uint32_t in_tree = to <= border ? 0 : from < border ? to - border : to - from;
	if (!in_tree)
		return to - from;
	return to - from - in_tree + (uint64_t)llround((double)in_tree * (double)sample->all_blocks / (double)sample->drawn_blocks);
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

struct reuse *reuse_open(const struct trace *trace, const struct run_config *config, const struct reuse_sample *sample)
{
	struct reuse *reuse = mem_alloc(1, sizeof(*reuse));
	*reuse = (struct reuse){
	        .trace = trace,
	        .config = config,
	        .sample = sample,
	        .arrival_ns = mem_alloc(trace->request_count, sizeof(*reuse->arrival_ns)),
	        .path_blocks = mem_alloc(trace->request_count, sizeof(*reuse->path_blocks)),
	        .left_blocks = mem_alloc(trace->request_count, sizeof(*reuse->left_blocks)),
	};
	struct pass pass = {.reuse = reuse, .last = mem_alloc(trace->block_count, sizeof(*pass.last)),
	                    .blocks = fenwick_open(trace->request_count)};
	if (sample) {
		pass.in_trees = fenwick_open(trace->request_count);
		pass.latest = mem_alloc(sample->tree_count, sizeof(*pass.latest));
		pass.before = mem_alloc(trace->request_count, sizeof(*pass.before));
		for (uint32_t tree = 0; tree < sample->tree_count; tree++)
			pass.latest[tree] = NO_REQUEST;
	}
	for (uint32_t r = 0; r < trace->request_count; r++) {
		reuse->arrival_ns[r] = replay_sped_up_ns(config, trace->requests[r].arrival_ns);
		use(&pass, r);
	}
	free(pass.last);
	free(pass.latest);
	free(pass.before);
	fenwick_free(&pass.blocks);
	fenwick_free(&pass.in_trees);
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
