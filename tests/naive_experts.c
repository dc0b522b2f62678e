/* naive_experts.c - the twins of the rules that follow one of two experts; see naive_policies.c. They draw from the same
 * generator as the product, and as often. A ghost is a number that says when it was left. */
#include "naive.h"

#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>

struct two {
	gsl_rng *rng;
	double weight[2];
	uint64_t *ghost[2]; /* [block] 0: none */
	uint64_t *left;     /* [block] clock */
	uint64_t *uses;     /* [block] its ghost's if absent */
	uint64_t clock, burials;
};

static void two_open(struct naive *model)
{
	const uint32_t blocks = model->config.trace->block_count;
	struct two *own = model->own = mem_alloc(1, sizeof(*own));
	own->rng = gsl_rng_alloc(gsl_rng_taus2);
	gsl_rng_set(own->rng, (unsigned long)model->config.seed);
	own->ghost[0] = mem_alloc(blocks, sizeof(uint64_t));
	own->ghost[1] = mem_alloc(blocks, sizeof(uint64_t));
	own->left = mem_alloc(blocks, sizeof(uint64_t));
	own->uses = mem_alloc(blocks, sizeof(uint64_t));
}

static void two_close(struct naive *model)
{
	struct two *own = model->own;
	gsl_rng_free(own->rng);
	free(own->ghost[0]);
	free(own->ghost[1]);
	free(own->left);
	free(own->uses);
	free(own);
}

static double real(const struct naive *model, const char *name)
{
	return naive_real(&model->config.evict_values, name);
}

static double room(const struct naive *model)
{
	const uint64_t blocks = model->config.trace->block_count, capacity = model->config.capacity_blocks;
	return (double)(capacity < blocks ? capacity : blocks);
}

/* Leaves a ghost; the oldest goes where there are more than `most`. Whose that is, or BLOCK_NONE. */
static block_id bury(struct naive *model, int expert, block_id b, uint64_t most)
{
	struct two *own = model->own;
	block_id oldest = BLOCK_NONE;
	uint64_t ghosts = 0;
	own->ghost[expert][b] = ++own->burials;
	for (uint32_t c = 0; c < model->config.trace->block_count; c++) {
		if (own->ghost[expert][c] == 0)
			continue;
		ghosts++;
		if (oldest == BLOCK_NONE || own->ghost[expert][c] < own->ghost[expert][oldest])
			oldest = c;
	}
	if (ghosts <= most)
		return BLOCK_NONE;
	own->ghost[expert][oldest] = 0;
	return oldest;
}

static void lose(struct naive *model, int expert, double loss)
{
	struct two *own = model->own;
	const double floor = real(model, "floor");
	own->weight[expert] *= exp(-loss);
	const double sum = own->weight[0] + own->weight[1];
	for (int i = 0; i < 2; i++) {
		own->weight[i] /= sum;
		own->weight[i] = own->weight[i] < floor ? floor : own->weight[i] > 1 - floor ? 1 - floor : own->weight[i];
	}
}

/* --- lecar --- */

static void lecar_open(struct naive *model)
{
	two_open(model);
	struct two *own = model->own;
	own->weight[0] = real(model, "weight");
	own->weight[1] = 1 - own->weight[0];
}

static struct naive_key oldest_key(const struct naive *model, block_id b)
{
	return (struct naive_key){(double)model->blocks[b].used_seq, 0};
}

static struct naive_key rarest_key(const struct naive *model, block_id b)
{
	return (struct naive_key){(double)((const struct two *)model->own)->uses[b], 0};
}

static void lecar_call_back(struct naive *model, block_id b)
{
	struct two *own = model->own;
	for (int expert = 0; expert < 2; expert++) {
		if (own->ghost[expert][b] == 0)
			continue;
		own->ghost[expert][b] = 0;
		lose(model, expert, real(model, "rate") * pow(real(model, "discount"), (double)(own->clock - own->left[b]) / room(model)));
		if (!naive_integer(&model->config.evict_values, "keep"))
			own->uses[b] = 0;
	}
}

static void lecar_hit(struct naive *model, block_id b)
{
	struct two *own = model->own;
	own->clock++;
	own->uses[b]++;
}

static void lecar_insert(struct naive *model, block_id b)
{
	lecar_call_back(model, b);
	lecar_hit(model, b);
}

static void lecar_left(struct naive *model, block_id b, enum naive_state why)
{
	struct two *own = model->own;
	if (why == NAIVE_EXPIRED)
		own->uses[b] = 0;
}

static block_id lecar_choose(struct naive *model, block_id in)
{
	struct two *own = model->own;
	if (in != BLOCK_NONE)
		lecar_call_back(model, in);
	const block_id named[] = {naive_first(model, oldest_key), naive_first(model, rarest_key)};
	if (named[0] == named[1]) {
		if (named[0] != BLOCK_NONE)
			own->uses[named[0]] = 0;
		return named[0];
	}
	const int expert = gsl_rng_uniform(own->rng) < own->weight[0] ? 0 : 1;
	own->left[named[expert]] = own->clock;
	const block_id forgotten = bury(model, expert, named[expert], (uint64_t)(room(model) * real(model, "history")));
	if (forgotten != BLOCK_NONE)
		own->uses[forgotten] = 0;
	return named[expert];
}

const struct naive_policy naive_experts[] = {
        {.name = "lecar", .open = lecar_open, .close = two_close, .hit = lecar_hit, .insert = lecar_insert, .left = lecar_left,
         .choose = lecar_choose},
};
const size_t naive_expert_count = COUNT_OF(naive_experts);
