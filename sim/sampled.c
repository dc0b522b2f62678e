#include "sampled.h"

#include "replay.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

/* Blocks that a larger share of the requests uses are shared ones. */
#define SHARED_FROM 0.01
#define CONFIDENCE 0.95
/* Requests whose blocks a cache that is as much smaller as the sample has room for at least. */
#define REQUESTS_LEAST 10
#define NO_GROUP UINT8_MAX

/* One estimate: of the whole sample, or of what is left without a group. */
struct estimate {
	struct reuse_sample sample;
	bool *drawn;
	struct curve *curve;
	struct curve_point here, next;
	bool more;
};

struct sampled {
	const struct trace *trace;
	const struct run_config *config;
	double rate;
	uint64_t begin_blocks;
	uint32_t tree_count, drawn_count;
	uint32_t *tree, *shared_blocks; /* [request_count] */
	uint64_t *tree_blocks;          /* [tree_count] */
	struct reuse_weight *uses;      /* [tree_count] references of requests that count, in the tree */
	uint8_t *group;                 /* [tree_count]; NO_GROUP: not drawn */
	struct estimate whole, without[SAMPLED_GROUPS];
};

static uint64_t hash(uint64_t number, uint64_t seed)
{
	/* splitmix64's last steps */
	uint64_t x = number + (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static struct path path_of(const struct sampled *sampled, uint32_t request)
{
	return replay_path(sampled->trace, &sampled->trace->requests[request], sampled->config->tail_cached);
}

/* How many requests use each block. */
static uint32_t *count_uses(const struct sampled *sampled)
{
	const struct trace *trace = sampled->trace;
	uint32_t *uses = mem_alloc(trace->block_count, sizeof(*uses));
	for (uint32_t r = 0; r < trace->request_count; r++) {
		const block_id last = path_last(path_of(sampled, r));
		if (last != BLOCK_NONE)
			uses[last]++;
	}
	for (block_id b = trace->block_count; b-- > 0;) {
		if (trace->parent[b] != BLOCK_NONE)
			uses[trace->parent[b]] += uses[b];
	}
	return uses;
}

/* The trees, in order of their roots. */
static void find_trees(struct sampled *sampled)
{
	const struct trace *trace = sampled->trace;
	const double shared_from = fmax(1, SHARED_FROM * trace->request_count);
	uint32_t *uses = count_uses(sampled), *tree_of = mem_alloc(trace->block_count, sizeof(*tree_of)), *root_depth = NULL;
	size_t room = 0;
	for (block_id b = 0; b < trace->block_count; b++) {
		const block_id parent = trace->parent[b];
		tree_of[b] = parent == BLOCK_NONE ? REUSE_NO_TREE : tree_of[parent];
		if (uses[b] == 0 || uses[b] > shared_from)
			continue;
		if (tree_of[b] == REUSE_NO_TREE) {
			if (sampled->tree_count == room) {
				room = room ? room * 2 : 1024;
				sampled->tree_blocks = mem_grow(sampled->tree_blocks, room, sizeof(*sampled->tree_blocks));
				root_depth = mem_grow(root_depth, room, sizeof(*root_depth));
			}
			tree_of[b] = sampled->tree_count++;
			sampled->tree_blocks[tree_of[b]] = 0;
			root_depth[tree_of[b]] = trace->depth[b];
		}
		sampled->tree_blocks[tree_of[b]]++;
	}
	for (uint32_t r = 0; r < trace->request_count; r++) {
		const struct path path = path_of(sampled, r);
		const block_id last = path_last(path);
		sampled->tree[r] = last == BLOCK_NONE ? REUSE_NO_TREE : tree_of[last];
		sampled->shared_blocks[r] = sampled->tree[r] == REUSE_NO_TREE ? path.block_count : root_depth[sampled->tree[r]];
	}
	free(uses);
	free(tree_of);
	free(root_depth);
}

static void add(struct reuse_weight *to, const struct reuse_weight *more)
{
	to->blocks += more->blocks;
	to->tokens += more->tokens;
	to->share += more->share;
}

/* References in trees; and what a request has there, on the average over references. */
static double count_references(struct sampled *sampled)
{
	double squares = 0, sum = 0;
	const struct trace *trace = sampled->trace;
	sampled->uses = mem_alloc(sampled->tree_count, sizeof(*sampled->uses));
	for (uint32_t r = reuse_first_counted(trace, sampled->config); r < trace->request_count; r++) {
		const uint32_t shared = sampled->shared_blocks[r];
		if (sampled->tree[r] == REUSE_NO_TREE)
			continue;
		const struct reuse_gain all = reuse_gain(trace, r, shared, path_of(sampled, r).block_count - shared);
		add(&sampled->uses[sampled->tree[r]], &(struct reuse_weight){(double)all.blocks, (double)all.tokens, all.share});
		squares += (double)all.blocks * (double)all.blocks;
		sum += (double)all.blocks;
	}
	return sum > 0 ? squares / sum : 0;
}

struct ticket {
	uint64_t hash;
	uint32_t tree;
};

static int by_hash(const void *a, const void *b)
{
	const struct ticket *x = a, *y = b;
	return x->hash != y->hash ? (x->hash > y->hash) - (x->hash < y->hash) : (x->tree > y->tree) - (x->tree < y->tree);
}

/* A tree is drawn if its hash is small enough, and the groups come round and round in the order of hashes. */
static void draw(struct sampled *sampled, uint64_t seed)
{
	struct ticket *tickets = mem_alloc(sampled->tree_count, sizeof(*tickets));
	sampled->group = mem_alloc(sampled->tree_count, sizeof(*sampled->group));
	for (uint32_t t = 0; t < sampled->tree_count; t++) {
		const uint64_t own = hash(t, seed);
		sampled->group[t] = NO_GROUP;
		if ((double)(own >> 11) * 0x1p-53 < sampled->rate)
			tickets[sampled->drawn_count++] = (struct ticket){own, t};
	}
	if (sampled->drawn_count)
		qsort(tickets, sampled->drawn_count, sizeof(*tickets), by_hash);
	for (uint32_t i = 0; i < sampled->drawn_count; i++)
		sampled->group[tickets[i].tree] = (uint8_t)(i % SAMPLED_GROUPS);
	free(tickets);
}

static double ratio(double all, double drawn)
{
	return drawn > 0 ? all / drawn : 1;
}

static void make_estimate(const struct sampled *sampled, struct estimate *estimate, uint8_t without, enum curve_axis axis)
{
	struct reuse_sample *sample = &estimate->sample;
	struct reuse_weight all = {0}, drawn = {0};
	estimate->drawn = mem_alloc(sampled->tree_count, sizeof(*estimate->drawn));
	*sample = (struct reuse_sample){
	        .tree = sampled->tree,
	        .shared_blocks = sampled->shared_blocks,
	        .tree_blocks = sampled->tree_blocks,
	        .drawn = estimate->drawn,
	        .tree_count = sampled->tree_count,
	};
	for (uint32_t t = 0; t < sampled->tree_count; t++) {
		sample->all_blocks += sampled->tree_blocks[t];
		add(&all, &sampled->uses[t]);
		if (sampled->group[t] == NO_GROUP || sampled->group[t] == without)
			continue;
		estimate->drawn[t] = true;
		sample->drawn_blocks += sampled->tree_blocks[t];
		add(&drawn, &sampled->uses[t]);
	}
	sample->weight = (struct reuse_weight){ratio(all.blocks, drawn.blocks), ratio(all.tokens, drawn.tokens),
	                                       ratio(all.share, drawn.share)};
	struct reuse *reuse = reuse_open(sampled->trace, sampled->config, sample);
	estimate->curve = curve_open(reuse, axis, (struct curve_group){CURVE_ALL, 0});
	estimate->more = curve_next(estimate->curve, &estimate->next);
	reuse_close(reuse);
}

struct sampled *sampled_open(const struct trace *trace, const struct run_config *config, enum curve_axis axis, double rate,
                             uint64_t seed, struct err *err)
{
	struct sampled *sampled = mem_alloc(1, sizeof(*sampled));
	*sampled = (struct sampled){.trace = trace, .config = config, .rate = rate,
	                            .tree = mem_alloc(trace->request_count, sizeof(*sampled->tree)),
	                            .shared_blocks = mem_alloc(trace->request_count, sizeof(*sampled->shared_blocks))};
	find_trees(sampled);
	const double request_blocks = count_references(sampled);
	if (rate < 1 && axis == CURVE_CAPACITY)
		sampled->begin_blocks = (uint64_t)ceil(REQUESTS_LEAST * request_blocks / rate);
	draw(sampled, seed);
	if (rate < 1 && sampled->drawn_count < SAMPLED_TREES_LEAST) {
		err_set(err, "%s: of %u prefix trees %u would be looked at; expected at least %d, from which an error can be told.",
		        trace->name, sampled->tree_count, sampled->drawn_count, SAMPLED_TREES_LEAST);
		sampled_close(sampled);
		return NULL;
	}
	make_estimate(sampled, &sampled->whole, NO_GROUP, axis);
#pragma omp parallel for schedule(dynamic)
	for (int g = 0; g < (rate < 1 ? SAMPLED_GROUPS : 0); g++)
		make_estimate(sampled, &sampled->without[g], (uint8_t)g, axis);
	return sampled;
}

static void close_estimate(struct estimate *estimate)
{
	curve_close(estimate->curve);
	free(estimate->drawn);
}

void sampled_close(struct sampled *sampled)
{
	if (!sampled)
		return;
	close_estimate(&sampled->whole);
	for (int g = 0; g < SAMPLED_GROUPS; g++)
		close_estimate(&sampled->without[g]);
	free(sampled->tree);
	free(sampled->shared_blocks);
	free(sampled->tree_blocks);
	free(sampled->uses);
	free(sampled->group);
	free(sampled);
}

const struct curve_totals *sampled_totals(const struct sampled *sampled)
{
	return curve_totals(sampled->whole.curve);
}

double sampled_rate(const struct sampled *sampled)
{
	return sampled->rate;
}

uint64_t sampled_begin(const struct sampled *sampled)
{
	return sampled->begin_blocks;
}

uint32_t sampled_trees(const struct sampled *sampled)
{
	return sampled->tree_count;
}

uint32_t sampled_drawn_trees(const struct sampled *sampled)
{
	return sampled->drawn_count;
}

static void go_to(struct estimate *estimate, uint64_t at)
{
	while (estimate->more && estimate->next.at <= at) {
		estimate->here = estimate->next;
		estimate->more = curve_next(estimate->curve, &estimate->next);
	}
}

bool sampled_next(struct sampled *sampled, struct sampled_point *point)
{
	struct estimate *whole = &sampled->whole;
	if (!whole->more)
		return false;
	do
		go_to(whole, whole->next.at);
	while (whole->here.at < sampled->begin_blocks && whole->more);
	const double prompt_tokens = (double)curve_totals(whole->curve)->prompt_tokens;
	const double rate = prompt_tokens > 0 ? (double)whole->here.hit_tokens / prompt_tokens : 0;
	double squares = 0;
	for (int g = 0; g < SAMPLED_GROUPS && sampled->rate < 1; g++) {
		go_to(&sampled->without[g], whole->here.at);
		const double apart = prompt_tokens > 0 ? (double)sampled->without[g].here.hit_tokens / prompt_tokens - rate : 0;
		squares += apart * apart;
	}
	const double variance = squares * (SAMPLED_GROUPS - 1) / SAMPLED_GROUPS * (1 - sampled->rate);
	const double reach = gsl_cdf_tdist_Pinv(0.5 + CONFIDENCE / 2, SAMPLED_GROUPS - 1) * sqrt(variance);
	*point = (struct sampled_point){whole->here, fmax(0, rate - reach), fmin(1, rate + reach)};
	return true;
}
