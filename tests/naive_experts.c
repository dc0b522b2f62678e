/* naive_experts.c - the twins of the rules that follow one of two experts; see naive_policies.c. They draw from the same
 * generator as the product, and as often. A ghost is a number that says when it was left. */
#include "naive_rows.h"

#include <gsl/gsl_rng.h>
#include <math.h>

struct two {
	gsl_rng *rng;
	double weight[2];
	uint64_t *ghost[2]; /* [block] 0: none */
	uint64_t *left;     /* [block] clock */
	uint64_t *uses;     /* [block] its ghost's if absent */
	uint64_t clock, burials;
	/* cacheus */
	struct naive_row stack, scan;
	bool *stacked, *demoted, *is_new, *returns; /* [block] */
	int stack_limit, scan_limit, new_count;
	bool room_made;
	double rate, last_rate, first_rate, hit_rate;
	int hits, zero_rounds, falling_rounds;
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

/* --- cacheus --- */

static void cacheus_open(struct naive *model)
{
	two_open(model);
	struct two *own = model->own;
	const uint32_t blocks = model->config.trace->block_count;
	const double given = real(model, "rate");
	own->weight[0] = own->weight[1] = 0.5;
	own->stack = naive_row_open(blocks);
	own->scan = naive_row_open(blocks);
	own->stacked = mem_alloc(blocks, 1);
	own->demoted = mem_alloc(blocks, 1);
	own->is_new = mem_alloc(blocks, 1);
	own->returns = mem_alloc(blocks, 1);
	own->scan_limit = (int)(real(model, "scan") * room(model) + 0.5);
	if (own->scan_limit < 1)
		own->scan_limit = 1;
	own->stack_limit = (int)room(model) - own->scan_limit;
	own->rate = given > 0 ? given : sqrt(2 * log(2) / room(model));
	own->first_rate = fmin(fmax(own->rate, 0.001), 1);
}

static void cacheus_close(struct naive *model)
{
	struct two *own = model->own;
	naive_row_close(&own->stack);
	naive_row_close(&own->scan);
	free(own->stacked);
	free(own->demoted);
	free(own->is_new);
	free(own->returns);
	two_close(model);
}

static double three_decimals(double value)
{
	return round(value * 1000) / 1000;
}

static double turn(struct two *own)
{
	if (own->rate >= 1)
		return 0.9;
	if (own->rate <= 0.001)
		return 0.005;
	return gsl_rng_uniform(own->rng) < 0.5 ? fmin(own->rate * 1.25, 1) : fmax(own->rate * 0.75, 0.001);
}

static void cacheus_tick(struct naive *model)
{
	struct two *own = model->own;
	if (++own->clock % (uint64_t)room(model) != 0)
		return;
	const double hit_rate = three_decimals(own->hits / room(model)), gain = three_decimals(hit_rate - own->hit_rate);
	const double moved = three_decimals(own->rate) - three_decimals(own->last_rate), rate = own->rate;
	if (moved * gain > 0)
		own->rate = fmax(fmin(rate + fabs(rate * moved), 1), 0.001);
	else if (moved * gain < 0)
		own->rate = fmin(fmax(rate - fabs(rate * moved), 0.001), 1);
	if (moved * gain != 0)
		own->zero_rounds = own->falling_rounds = 0;
	if (moved * gain == 0 && gain <= 0) {
		if (gain < 0)
			own->falling_rounds++;
		if (gain < 0 || hit_rate <= 0)
			own->zero_rounds++;
		if (own->zero_rounds >= 10) {
			own->rate = own->first_rate;
			own->zero_rounds = 0;
		} else if (gain < 0 && own->falling_rounds >= 10) {
			own->rate = own->first_rate;
			own->falling_rounds = 0;
		} else if (gain < 0) {
			own->rate = turn(own);
		}
	}
	own->last_rate = rate;
	own->hit_rate = hit_rate;
	own->hits = 0;
}

static int demoted_count(const struct naive *model)
{
	int count = 0;
	for (uint32_t b = 0; b < model->config.trace->block_count; b++)
		count += ((const struct two *)model->own)->demoted[b];
	return count;
}

/* By how much a limit grows: the quotient, rounded, but at least 1. */
static int growth(int dividend, int divisor)
{
	const int quotient = (int)((double)dividend / (divisor > 1 ? divisor : 1) + 0.5);
	return quotient > 1 ? quotient : 1;
}

static void set_limits(struct naive *model, int grown, int *limit, int *other)
{
	const int most = (int)room(model);
	*limit = grown < most - 1 ? grown : most - 1;
	*other = most - *limit;
}

static void cacheus_demote(struct two *own)
{
	const block_id b = own->stack.at[0];
	naive_row_take(&own->stack, b);
	naive_row_append(&own->scan, b);
	own->stacked[b] = false;
	own->demoted[b] = true;
}

static void cacheus_put(struct naive *model, block_id b, bool stacked)
{
	struct two *own = model->own;
	own->stacked[b] = stacked;
	naive_row_join(model, stacked ? &own->stack : &own->scan, b);
	own->uses[b]++;
	cacheus_tick(model);
}

static void cacheus_call_back(struct naive *model, block_id b)
{
	struct two *own = model->own;
	for (int expert = 0; expert < 2; expert++) {
		if (own->ghost[expert][b] == 0)
			continue;
		own->ghost[expert][b] = 0;
		if (expert == 0 && own->is_new[b]) {
			own->new_count--;
			set_limits(model, own->scan_limit + growth(demoted_count(model), own->new_count), &own->scan_limit,
			           &own->stack_limit);
		}
		own->is_new[b] = false;
		own->returns[b] = true;
		lose(model, expert, own->rate);
	}
}

static void cacheus_hit(struct naive *model, block_id b)
{
	struct two *own = model->own;
	const bool stacked = own->stacked[b];
	own->hits++;
	naive_row_take(stacked ? &own->stack : &own->scan, b);
	if (own->demoted[b])
		set_limits(model, own->stack_limit + growth(own->new_count, demoted_count(model)), &own->stack_limit, &own->scan_limit);
	own->demoted[b] = false;
	if (!stacked && own->stack.count > 0 && (int)own->stack.count >= own->stack_limit)
		cacheus_demote(own);
	cacheus_put(model, b, true);
}

static void cacheus_insert(struct naive *model, block_id b)
{
	struct two *own = model->own;
	cacheus_call_back(model, b);
	const bool returns = own->returns[b], full = own->room_made;
	own->returns[b] = own->room_made = false;
	if (!returns && !full && (int)own->stack.count < own->stack_limit && own->scan.count == 0) {
		cacheus_put(model, b, true);
		return;
	}
	if (!returns && !full && (int)own->scan.count < own->scan_limit) {
		cacheus_put(model, b, false);
		return;
	}
	own->is_new[b] = !returns;
	cacheus_put(model, b, returns);
	while (own->stack.count > 0 && (int)own->stack.count >= own->stack_limit)
		cacheus_demote(own);
}

static void cacheus_left(struct naive *model, block_id b, enum naive_state why)
{
	struct two *own = model->own;
	own->demoted[b] = false;
	naive_row_take(own->stacked[b] ? &own->stack : &own->scan, b);
	if (why == NAIVE_EXPIRED) {
		own->uses[b] = 0;
		own->is_new[b] = false;
	}
}

/* Fewest uses, of equals the newest; the deeper of one request's. */
static struct naive_key churned_key(const struct naive *model, block_id b)
{
	return (struct naive_key){(double)((const struct two *)model->own)->uses[b], -(double)model->blocks[b].used_seq};
}

static block_id cacheus_choose(struct naive *model, block_id in)
{
	struct two *own = model->own;
	if (in != BLOCK_NONE)
		cacheus_call_back(model, in);
	const block_id scanned = naive_row_first_idle(model, &own->scan), stacked = naive_row_first_idle(model, &own->stack);
	const block_id named[] = {scanned != BLOCK_NONE ? scanned : stacked, naive_first(model, churned_key)};
	if (named[0] == BLOCK_NONE)
		return BLOCK_NONE;
	own->room_made = in != BLOCK_NONE;
	block_id forgotten = named[0];
	int expert = 0;
	if (named[0] != named[1]) {
		expert = gsl_rng_uniform(own->rng) < own->weight[0] ? 0 : 1;
		own->new_count += expert == 0 && own->is_new[named[expert]];
		forgotten = bury(model, expert, named[expert], (uint64_t)(room(model) * real(model, "history")));
		if (forgotten != BLOCK_NONE)
			own->new_count -= expert == 0 && own->is_new[forgotten];
	}
	if (forgotten != BLOCK_NONE) {
		own->uses[forgotten] = 0;
		own->is_new[forgotten] = false;
	}
	return named[expert];
}

const struct naive_policy naive_experts[] = {
        {.name = "lecar", .open = lecar_open, .close = two_close, .hit = lecar_hit, .insert = lecar_insert, .left = lecar_left,
         .choose = lecar_choose},
        {.name = "cacheus", .open = cacheus_open, .close = cacheus_close, .hit = cacheus_hit, .insert = cacheus_insert,
         .left = cacheus_left, .choose = cacheus_choose},
};
const size_t naive_expert_count = COUNT_OF(naive_experts);
