/* naive_papers.c - the twins of the papers' policies whose score a formula gives, and of the seed scores: worked out
 * anew for every block at every eviction. */
#include "naive.h"

#include <math.h>
#include <stdlib.h>

static double age_ns(const struct naive *model, block_id b)
{
	return (double)(model->now_ns - model->blocks[b].used_ns);
}

static uint32_t depth_of(const struct naive *model, block_id b)
{
	return model->config.trace->depth[b];
}

static const struct trace_request *request_now(const struct naive *model)
{
	return &model->config.trace->requests[model->request];
}

static double value(const struct naive *model, const char *name)
{
	return naive_real(&model->config.evict_values, name);
}

static int64_t whole(const struct naive *model, const char *name)
{
	return naive_integer(&model->config.evict_values, name);
}

static void close_own(struct naive *model)
{
	free(model->own);
}

/* --- age_cost, score_age_cost, flops --- */

static struct naive_key age_cost_key(const struct naive *model, block_id b)
{
	const double age = age_ns(model, b), cost = naive_recompute_ns(model, depth_of(model, b));
	return (struct naive_key){age > 0 ? cost / age : INFINITY, naive_recency(model, b)};
}

static struct naive_key score_age_cost_key(const struct naive *model, block_id b)
{
	const double age = age_ns(model, b), cost = pow(naive_recompute_ns(model, depth_of(model, b)), value(model, "beta"));
	return (struct naive_key){age > 0 ? cost / age : INFINITY, naive_recency(model, b)};
}

/* `mark` is the order of the last stamp (0: of the use under way), `score` its time: what recency is to other rules. */
struct flops_own {
	double least_recency, recency_span, least_saved, saved_span;
};

static void flops_open(struct naive *model)
{
	model->own = mem_alloc(1, sizeof(struct flops_own));
}

static void flops_insert(struct naive *model, block_id b)
{
	model->blocks[b].mark = model->config.leaf ? model->seq : 0;
	model->blocks[b].score = (double)model->now_ns;
}

static void flops_let_go(struct naive *model, block_id b)
{
	if (model->blocks[b].mark == 0) {
		model->blocks[b].mark = model->blocks[b].let_go;
		model->blocks[b].score = (double)model->now_ns;
	}
}

static void flops_hit(struct naive *model, block_id b)
{
	if (whole(model, "touch") == 0 || model->config.object || depth_of(model, b) + 1 == model->hit_blocks)
		flops_insert(model, b);
}

static double flops_recency(const struct naive *model, block_id b)
{
	return 1e9 / fmax((double)model->now_ns - model->blocks[b].score, 1e6);
}

static struct naive_key flops_key(const struct naive *model, block_id b)
{
	const struct flops_own *own = model->own;
	const double recency = flops_recency(model, b), saved = naive_recompute_ns(model, depth_of(model, b));
	const double x = own->recency_span > 0 ? (recency - own->least_recency) / own->recency_span : 1;
	const double y = own->saved_span > 0 ? (saved - own->least_saved) / own->saved_span : 1;
	return (struct naive_key){x + value(model, "alpha") * y, (double)model->blocks[b].mark};
}

static block_id flops_choose(struct naive *model, block_id in)
{
	(void)in;
	double least[2] = {INFINITY, INFINITY}, most[2] = {-INFINITY, -INFINITY};
	for (uint32_t b = 0; b < model->config.trace->block_count; b++) {
		const double both[2] = {flops_recency(model, b), naive_recompute_ns(model, depth_of(model, b))};
		for (int i = 0; i < 2 && naive_idle(model, b); i++) {
			least[i] = fmin(least[i], both[i]);
			most[i] = fmax(most[i], both[i]);
		}
	}
	*(struct flops_own *)model->own = (struct flops_own){least[0], most[0] - least[0], least[1], most[1] - least[1]};
	return naive_first(model, flops_key);
}

/* --- length_aware, lookahead, tlru --- */

static struct naive_key length_aware_key(const struct naive *model, block_id b)
{
	const double position = whole(model, "late") == 1 ? depth_of(model, b) : -(double)depth_of(model, b);
	const double uses = (double)model->blocks[b].uses;
	const double most = 1e6; /* of depths and uses */
	return (struct naive_key){whole(model, "by") == 1 ? position * most + uses : uses * most + position,
	                          naive_recency(model, b)};
}

struct lookahead_own {
	uint64_t jobs, blocks, end;
	uint32_t next;
};

static void lookahead_open(struct naive *model)
{
	model->own = mem_alloc(1, sizeof(struct lookahead_own));
}

static void lookahead_use(struct naive *model, block_id b)
{
	struct lookahead_own *own = model->own;
	(void)b;
	if (own->next > model->request)
		return;
	own->next = model->request + 1;
	own->jobs++;
	own->blocks += model->path_blocks;
}

static struct naive_key lookahead_key(const struct naive *model, block_id b)
{
	const uint64_t next = naive_next_use(model, b);
	const bool waited_for = next <= ((const struct lookahead_own *)model->own)->end;
	return (struct naive_key){waited_for ? UINT32_MAX - (double)next : -1, naive_recency(model, b)};
}

static block_id lookahead_choose(struct naive *model, block_id in)
{
	struct lookahead_own *own = model->own;
	lookahead_use(model, in);
	const double fit = value(model, "fill") * (double)model->config.capacity_blocks * (double)own->jobs / (double)own->blocks;
	const double jobs = fmin(fmin(fit, value(model, "queue")), UINT32_MAX - 1.0);
	if (model->seq + (uint64_t)jobs > own->end)
		own->end = model->seq + (uint64_t)jobs;
	return naive_first(model, lookahead_key);
}

/* `mark` is L, in tokens. */
static void tlru_use(struct naive *model, block_id b)
{
	const uint64_t size = model->config.trace->block_tokens;
	const uint64_t tokens = (uint64_t)request_now(model)->prompt_tokens + request_now(model)->output_tokens;
	struct naive_block *block = &model->blocks[b];
	if (whole(model, "form") == 1)
		block->mark = (tokens + size - 1) / size * size;
	else if (block->uses == 1 || block->mark < tokens)
		block->mark = tokens;
}

static struct naive_key tlru_key(const struct naive *model, block_id b)
{
	const int64_t size = model->config.trace->block_tokens;
	int64_t xi = whole(model, "xi"), q = whole(model, "q");
	if (whole(model, "form") == 1) {
		xi = xi / size * size;
		q = (q + size - 1) / size * size;
	}
	const int64_t needed = (int64_t)model->blocks[b].mark + q - xi;
	return (struct naive_key){depth_of(model, b) * size >= (needed > 0 ? needed : 0) ? 0 : 1, naive_recency(model, b)};
}

/* --- pgdsf, score_size_cost, score_reuse: `score` is the priority --- */

struct pgdsf_block {
	double miss_s;
	uint64_t misses, uses;
};

struct greedy_own {
	double clock;
	struct pgdsf_block *blocks;
};

static void greedy_open(struct naive *model)
{
	struct greedy_own *own = model->own = mem_alloc(1, sizeof(*own));
	own->blocks = mem_alloc(model->config.trace->block_count, sizeof(*own->blocks));
}

static void greedy_close(struct naive *model)
{
	free(((struct greedy_own *)model->own)->blocks);
	free(model->own);
}

static void greedy_left(struct naive *model, block_id b, enum naive_state why)
{
	struct greedy_own *own = model->own;
	if (why == NAIVE_EVICTED && model->blocks[b].score > own->clock)
		own->clock = model->blocks[b].score;
}

static struct naive_key greedy_key(const struct naive *model, block_id b)
{
	return (struct naive_key){model->blocks[b].score, naive_recency(model, b)};
}

static void score_size_cost_use(struct naive *model, block_id b)
{
	const double weight = pow(naive_recompute_ns(model, depth_of(model, b)) / 1e9, value(model, "beta"));
	model->blocks[b].score = ((struct greedy_own *)model->own)->clock + (double)model->blocks[b].uses * weight;
}

static void pgdsf_hit(struct naive *model, block_id b)
{
	struct greedy_own *own = model->own;
	struct pgdsf_block *block = &own->blocks[b];
	block->uses++;
	model->blocks[b].score = own->clock + (double)block->uses * (block->miss_s / (double)block->misses);
}

/* Sums of costs are differences of sums from the root, as the rule rounds them. */
static double cost_before_s(const struct naive *model, uint32_t depth)
{
	double sum = 0;
	for (uint32_t d = 0; d < depth; d++)
		sum += naive_recompute_ns(model, d) / 1e9;
	return sum;
}

static void pgdsf_insert(struct naive *model, block_id b)
{
	struct pgdsf_block *block = &((struct greedy_own *)model->own)->blocks[b];
	const uint32_t from = model->config.object ? depth_of(model, b) : model->hit_blocks;
	const uint32_t to = model->config.object ? from + 1 : model->path_blocks;
	if (whole(model, "history") == 0)
		*block = (struct pgdsf_block){0};
	block->misses++;
	block->miss_s += (cost_before_s(model, to) - cost_before_s(model, from)) / (to - from);
	pgdsf_hit(model, b);
}

static struct naive_key score_reuse_key(const struct naive *model, block_id b)
{
	const double hits = (double)model->blocks[b].uses - 1;
	const double score = log((hits + value(model, "p")) / (hits + 1)) +
	                     (double)model->blocks[b].used_ns / (double)whole(model, "gap");
	/* Of equals the deeper, then the less recent: depths and recencies are small. */
	return (struct naive_key){score, naive_recency(model, b) - 1e6 * depth_of(model, b)};
}

const struct naive_policy naive_papers[] = {
        {.name = "age_cost", .key = age_cost_key},
        {.name = "flops", .choose = flops_choose, .open = flops_open, .close = close_own, .hit = flops_hit,
         .insert = flops_insert, .let_go = flops_let_go},
        {.name = "length_aware", .key = length_aware_key},
        {.name = "lookahead", .choose = lookahead_choose, .open = lookahead_open, .close = close_own, .hit = lookahead_use,
         .insert = lookahead_use},
        {.name = "pgdsf", .key = greedy_key, .open = greedy_open, .close = greedy_close, .hit = pgdsf_hit,
         .insert = pgdsf_insert, .left = greedy_left},
        {.name = "score_age_cost", .key = score_age_cost_key},
        {.name = "score_reuse", .key = score_reuse_key},
        {.name = "score_size_cost", .key = greedy_key, .open = greedy_open, .close = greedy_close, .hit = score_size_cost_use,
         .insert = score_size_cost_use, .left = greedy_left},
        {.name = "tlru", .key = tlru_key, .hit = tlru_use, .insert = tlru_use},
};
const size_t naive_paper_count = COUNT_OF(naive_papers);
