#include "cost_model.h"

#include <math.h>

#define SCALE_BITS 20
#define LONGEST_NS POWER_LIMIT_LONGEST_NS

static uint64_t scaled(double ns)
{
	return (uint64_t)llround(ldexp(ns, SCALE_BITS));
}

static struct cost_curve curve_of(const struct calibration_curve *from)
{
	struct cost_curve curve = {.count = from->count ? from->count : 1};
	uint64_t x = 0, ns = 0;
	for (uint32_t i = 0; i < from->count; i++) {
		const uint64_t next_x = (uint64_t)from->points[i].x, target = scaled(from->points[i].ns);
		ASSERT(next_x > x);
		curve.x[i] = x;
		curve.ns[i] = ns;
		/* To the nearest, so that every piece ends where the next begins; what that loses is made up for by the next. */
		curve.slope[i] = target > ns ? (target - ns + (next_x - x) / 2) / (next_x - x) : 0;
		ns += curve.slope[i] * (next_x - x);
		x = next_x;
	}
	return curve;
}

static uint32_t least_1(uint32_t n)
{
	return n > 1 ? n : 1;
}

struct cost_model cost_model_of(const struct calibration *calibration)
{
	struct cost_model model = {
	        .prompt_step = scaled(calibration->prompt_step_ns),
	        .decode_step = scaled(calibration->decode_step_ns),
	        .weights = scaled(calibration->weights_ns),
	        .sharpness = least_1(calibration->sharpness),
	        .row_tile_tokens = least_1(calibration->row_tile_tokens),
	        .small_row_tile_tokens = calibration->small_row_tile_tokens,
	        .attention_tile_tokens = least_1(calibration->attention_tile_tokens),
	        .distinct_free_64ths = calibration->distinct_free_64ths,
	        .attention = calibration->attention,
	        .only_prompts_have_rows = calibration->only_prompts_have_rows,
	        .power = power_limit_of(&calibration->power),
	};
	for (int term = 0; term < TERM_COUNT; term++)
		model.terms[term] = curve_of(&calibration->terms[term]);
	if (calibration->terms[TERM_BESIDE].count == 0)
		model.terms[TERM_BESIDE] = model.terms[TERM_DECODES];
	return model;
}

struct cost_model cost_model_scaled(const struct calibration *calibration, double factor)
{
	struct calibration longer = *calibration;
	longer.prompt_step_ns *= factor;
	longer.decode_step_ns *= factor;
	longer.weights_ns *= factor;
	for (int term = 0; term < TERM_COUNT; term++) {
		for (uint32_t i = 0; i < longer.terms[term].count; i++)
			longer.terms[term].points[i].ns *= factor;
	}
	return cost_model_of(&longer);
}

static uint32_t piece_of(const struct cost_curve *curve, u128 x)
{
	uint32_t piece = 0;
	while (piece + 1 < curve->count && x >= curve->x[piece + 1])
		piece++;
	return piece;
}

static u128 curve_cost(const struct cost_curve *curve, u128 x)
{
	const uint32_t piece = piece_of(curve, x);
	return curve->ns[piece] + curve->slope[piece] * (x - curve->x[piece]);
}

/* In 64ths of a token (calibration.h): where all of the context is distinct, what is not free of it. */
static u128 distinct_beyond(const struct cost_model *model, u128 context, uint64_t repeated_tokens)
{
	const u128 all = (64 - model->distinct_free_64ths) * context, repeated = (u128)64 * repeated_tokens;
	return all > repeated ? all - repeated : 0;
}

static u128 whole_tiles(u128 tokens, uint32_t tile)
{
	return (tokens + tile - 1) / tile * tile;
}

static u128 tile_rows(const struct cost_model *model, u128 rows)
{
	const bool few = model->small_row_tile_tokens > 0 && rows <= model->row_tile_tokens;
	return whole_tiles(rows, few ? model->small_row_tile_tokens : model->row_tile_tokens);
}

static void add_prompt(const struct cost_model *model, struct cost_sizes *sizes, uint64_t new_tokens, uint64_t context_tokens)
{
	sizes->has_prompt = true;
	sizes->x[TERM_ROWS] += new_tokens;
	sizes->x[TERM_SEQUENCES]++;
	sizes->x[TERM_PAIRS] += (u128)new_tokens * (new_tokens + 1) / 2;
	sizes->x[TERM_KEYS] += context_tokens;
	if (model->attention.blocks_at_once) {
		const u128 tokens = whole_tiles(new_tokens, model->attention.tile_tokens);
		sizes->cached_pairs += tokens * context_tokens;
		sizes->tiles += (uint64_t)(tokens / model->attention.tile_tokens);
		if (context_tokens + new_tokens > sizes->longest)
			sizes->longest = context_tokens + new_tokens;
	} else {
		sizes->x[TERM_PAIRS] += whole_tiles(new_tokens, model->attention_tile_tokens) * context_tokens;
	}
}

static void add_decode(const struct cost_model *model, struct cost_sizes *sizes, uint64_t context_tokens)
{
	if (!model->only_prompts_have_rows)
		sizes->x[TERM_ROWS]++;
	sizes->x[TERM_SEQUENCES]++;
	sizes->x[TERM_DECODES]++;
	sizes->x[TERM_CONTEXT] += context_tokens;
	if (context_tokens > sizes->longest_decode)
		sizes->longest_decode = context_tokens;
}

/* What depends on all of a step's parts. */
static void add_whole(const struct cost_model *model, struct cost_sizes *sizes)
{
	sizes->x[TERM_ROW_TILES] = tile_rows(model, sizes->x[TERM_ROWS]);
	sizes->x[TERM_DISTINCT] = distinct_beyond(model, sizes->x[TERM_CONTEXT], sizes->repeated_tokens);
	sizes->x[TERM_UNEVEN] = attention_rounds_uneven(&model->attention, sizes->x[TERM_DECODES],
	                                                sizes->x[TERM_DECODES] * sizes->longest_decode - sizes->x[TERM_CONTEXT]);
	if (sizes->has_prompt) {
		sizes->x[TERM_BESIDE] = sizes->x[TERM_DECODES];
		sizes->x[TERM_DECODES] = 0;
	}
	if (sizes->cached_pairs > 0)
		sizes->x[TERM_PAIRS] += attention_rounds_pairs(&model->attention, sizes->cached_pairs, sizes->tiles, sizes->longest);
}

struct cost_sizes cost_model_sizes(const struct cost_model *model, const struct step *step)
{
	struct cost_sizes sizes = {.repeated_tokens = step->repeated_tokens};
	for (uint32_t i = 0; i < step->count; i++) {
		const struct step_part *part = &step->parts[i];
		if (part->decode)
			add_decode(model, &sizes, part->context_tokens);
		else
			add_prompt(model, &sizes, part->new_tokens, part->context_tokens);
	}
	add_whole(model, &sizes);
	return sizes;
}

/* (a^s + b^s)^(1/s) */
static u128 smooth_max(u128 a, u128 b, uint32_t sharpness)
{
	if (sharpness == 1 || a == 0 || b == 0)
		return a + b;
	const double large = (double)(a > b ? a : b), small = (double)(a > b ? b : a);
	double power = small / large;
	for (uint32_t s = sharpness; s > 1; s /= 2)
		power *= power;
	double root = 1 + power;
	for (uint32_t s = sharpness; s > 1; s /= 2)
		root = sqrt(root);
	return (u128)(large * root + 0.5);
}

static u128 matrix_cost(const struct cost_model *model, const struct cost_sizes *sizes)
{
	const u128 arithmetic = curve_cost(&model->terms[TERM_ROWS], sizes->x[TERM_ROWS]) +
	                        curve_cost(&model->terms[TERM_ROW_TILES], sizes->x[TERM_ROW_TILES]);
	return smooth_max(model->weights, arithmetic, model->sharpness);
}

static u128 step_cost(const struct cost_model *model, const struct cost_sizes *sizes)
{
	u128 cost = (sizes->has_prompt ? model->prompt_step : model->decode_step) + matrix_cost(model, sizes);
	for (int term = TERM_SEQUENCES; term < TERM_COUNT; term++)
		cost += curve_cost(&model->terms[term], sizes->x[term]);
	return cost;
}

static int64_t to_ns(u128 cost)
{
	const u128 ns = cost >> SCALE_BITS;
	if (ns > LONGEST_NS)
		return LONGEST_NS;
	return ns > 0 ? (int64_t)ns : 1; /* time goes on, whatever a calibration says */
}

struct power_shares cost_model_shares(const struct cost_model *model, const struct cost_sizes *sizes)
{
	const u128 matrix = matrix_cost(model, sizes); /* rounded, maybe below weights */
	return (struct power_shares){.products = matrix > model->weights ? matrix - model->weights : 0,
	                            .pairs = curve_cost(&model->terms[TERM_PAIRS], sizes->x[TERM_PAIRS]),
	                            .step = step_cost(model, sizes)};
}

static uint64_t level_at(const struct cost_model *model, const struct device_history *history, size_t budget, int64_t now_ns)
{
	return power_limit_level_left(&model->power.budgets[budget], history->levels[budget], (uint64_t)(now_ns - history->until_ns));
}

/* A step in which all sequences decode. */
static int64_t decode_step_ns(const struct cost_model *model, const struct device_history *history, int64_t start_ns, int64_t work_ns)
{
	if (!history || !model->power.decode_ppm)
		return work_ns;
	return power_limit_decode_ns(&model->power, level_at(model, history, 0, start_ns + work_ns / 2), work_ns);
}

/* Equal sizes are off by equal shares. */
static int64_t off_ns(const struct step_error *error, const struct cost_sizes *sizes, int64_t work_ns)
{
	uint64_t seed = step_error_seed(error->seed, sizes->repeated_tokens);
	for (int term = 0; term < TERM_COUNT; term++)
		seed = step_error_seed(step_error_seed(seed, (uint64_t)sizes->x[term]), (uint64_t)(sizes->x[term] >> 64));
	const u128 ns = (u128)(uint64_t)work_ns * (uint64_t)step_error_factor(error->sigma_ppm, seed) / STEP_ERROR_ONE;
	if (ns > LONGEST_NS)
		return LONGEST_NS;
	return ns > 0 ? (int64_t)ns : 1;
}

/* `error` may be NULL. */
static int64_t prompt_step_ns(const struct cost_model *model, const struct cost_sizes *sizes, const struct step_error *error,
                              int64_t start_ns, struct device_history *history)
{
	const struct power_shares shares = cost_model_shares(model, sizes);
	int64_t work_ns = to_ns(shares.step);
	if (error && error->sigma_ppm)
		work_ns = off_ns(error, sizes, work_ns);
	if (!model->power.budgets[0].ppm)
		return work_ns;
	struct device_history after = {.until_ns = start_ns};
	for (size_t b = 0; b < COUNT_OF(after.levels) && history; b++)
		after.levels[b] = level_at(model, history, b, start_ns);
	const uint64_t load = power_limit_load(&model->power, &shares), rows = (uint64_t)sizes->x[TERM_ROWS];
	const int64_t took_ns = power_limit_prompt_ns(&model->power, after.levels, load, rows, work_ns);
	after.until_ns += took_ns;
	if (history)
		*history = after;
	return took_ns;
}

static int64_t cost_model_step_ns(void *backend, const struct step *step)
{
	const struct cost_model *model = backend;
	const struct cost_sizes sizes = cost_model_sizes(model, step);
	if (sizes.has_prompt)
		return prompt_step_ns(model, &sizes, &model->error, step->start_ns, step->history);
	return decode_step_ns(model, step->history, step->start_ns, to_ns(step_cost(model, &sizes)));
}

u128 cost_model_floor_sum(u128 n, u128 m, u128 a, u128 b)
{
	u128 sum = 0;
	while (n > 0) {
		sum += (a / m) * (n * (n - 1) / 2) + (b / m) * n;
		a %= m;
		b %= m;
		/* What is left counts lattice points under a line; swap the axes and go on with the smaller slope. */
		const u128 top = a * n + b;
		if (top < m)
			break;
		n = top / m;
		b = top % m;
		const u128 swap = m;
		m = a;
		a = swap;
	}
	return sum;
}

/* What context costs a decode step, along a straight piece of the two curves it enters. */
struct context_piece {
	u128 ns, slope;    /* at `context`, and for each token more; in 2^-20 ns */
	u128 next_context; /* where the next piece begins; 0: nowhere */
};

static u128 earlier(u128 a, u128 b)
{
	return a == 0 || (b > 0 && b < a) ? b : a;
}

static struct context_piece context_piece(const struct cost_model *model, u128 context, uint64_t repeated_tokens)
{
	const struct cost_curve *contexts = &model->terms[TERM_CONTEXT], *distincts = &model->terms[TERM_DISTINCT];
	const u128 beyond = distinct_beyond(model, context, repeated_tokens), repeated = (u128)64 * repeated_tokens;
	const uint32_t a_token = 64 - model->distinct_free_64ths;
	uint32_t piece = piece_of(contexts, context);
	struct context_piece at = {.ns = curve_cost(contexts, context) + curve_cost(distincts, beyond), .slope = contexts->slope[piece]};
	if (piece + 1 < contexts->count)
		at.next_context = contexts->x[piece + 1];
	if (a_token == 0)
		return at;
	if (beyond == 0 && repeated > 0) {
		/* The last context that repeated tokens make up for; there a piece of a single context may begin. */
		const u128 last = repeated / a_token;
		if (a_token * context < repeated) {
			at.next_context = earlier(at.next_context, context < last ? last : last + 1);
			return at;
		}
	}
	piece = piece_of(distincts, beyond);
	at.slope += distincts->slope[piece] * a_token;
	if (piece + 1 < distincts->count)
		at.next_context = earlier(at.next_context, (distincts->x[piece + 1] + repeated + a_token - 1) / a_token);
	return at;
}

/* `steps` decode steps that differ in their context alone, each longer than the one before by a token a sequence. */
static int64_t stretch_ns(const struct cost_model *model, struct cost_sizes sizes, uint64_t steps)
{
	const u128 first_context = sizes.x[TERM_CONTEXT], a_step = sizes.x[TERM_DECODES];
	sizes.x[TERM_CONTEXT] = sizes.x[TERM_DISTINCT] = 0;
	const u128 rest = step_cost(model, &sizes);
	u128 sum = 0;
	uint64_t count;
	for (uint64_t done = 0; done < steps; done += count) {
		const u128 context = first_context + done * a_step;
		const struct context_piece piece = context_piece(model, context, sizes.repeated_tokens);
		count = steps - done;
		if (piece.next_context > 0 && a_step > 0) {
			const u128 until_next = (piece.next_context - context + a_step - 1) / a_step;
			if (until_next < count)
				count = (uint64_t)until_next;
		}
		const u128 first = rest + piece.ns;
		if (first >> SCALE_BITS == 0) {
			/* Rounded up to 1 ns, so added one by one; only made-up calibrations come this way. */
			sum += (uint64_t)to_ns(first);
			count = 1;
		} else {
			sum += cost_model_floor_sum(count, (u128)1 << SCALE_BITS, piece.slope * a_step, first);
		}
	}
	return sum < LONGEST_NS ? (int64_t)sum : LONGEST_NS;
}

static int64_t cost_model_decode_ns(void *backend, const struct step *step, uint64_t steps)
{
	const struct cost_model *model = backend;
	struct cost_sizes sizes = cost_model_sizes(model, step);
	int64_t took_ns = 0;
	for (; steps > 0 && step->history && model->power.decode_ppm; steps--) {
		const int64_t start_ns = step->start_ns + took_ns;
		if (level_at(model, step->history, 0, start_ns) <= model->power.budgets[0].from)
			break;
		took_ns += decode_step_ns(model, step->history, start_ns, to_ns(step_cost(model, &sizes)));
		if (took_ns >= LONGEST_NS)
			return LONGEST_NS;
		sizes.x[TERM_CONTEXT] += sizes.x[TERM_DECODES];
		sizes.x[TERM_DISTINCT] = distinct_beyond(model, sizes.x[TERM_CONTEXT], sizes.repeated_tokens);
	}
	const int64_t rest_ns = stretch_ns(model, sizes, steps);
	return rest_ns < LONGEST_NS - took_ns ? took_ns + rest_ns : LONGEST_NS;
}

int64_t cost_model_prompt_ns(const struct cost_model *model, uint64_t new_tokens, uint64_t cached_tokens)
{
	struct cost_sizes sizes = {.has_prompt = true};
	add_prompt(model, &sizes, new_tokens, cached_tokens);
	add_whole(model, &sizes);
	return prompt_step_ns(model, &sizes, NULL, 0, NULL);
}

int64_t cost_model_answer_ns(const struct cost_model *model, uint64_t context_tokens, uint64_t count)
{
	const struct step_part part = {.new_tokens = 1, .context_tokens = context_tokens, .decode = true};
	return stretch_ns(model, cost_model_sizes(model, &(struct step){.parts = &part, .count = 1}), count);
}

static int64_t cost_model_alone_ns(void *backend, uint64_t new_tokens, uint64_t context_tokens)
{
	return cost_model_prompt_ns(backend, new_tokens, context_tokens);
}

const struct backend_ops cost_model_backend = {
        .step_ns = cost_model_step_ns,
        .decode_ns = cost_model_decode_ns,
        .alone_ns = cost_model_alone_ns,
};
