#include "cost_model.h"

#include <math.h>

#define SCALE_BITS 20
/* However slow a calibration, times can be added up; an engine stops long before (engine.h). */
#define LONGEST_NS (INT64_MAX / 4)

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
	        .attention_tile_tokens = least_1(calibration->attention_tile_tokens),
	        .only_prompts_have_rows = calibration->only_prompts_have_rows,
	};
	for (int term = 0; term < TERM_COUNT; term++)
		model.terms[term] = curve_of(&calibration->terms[term]);
	return model;
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

static u128 whole_tiles(u128 tokens, uint32_t tile)
{
	return (tokens + tile - 1) / tile * tile;
}

static void add_prompt(const struct cost_model *model, struct cost_sizes *sizes, uint64_t new_tokens, uint64_t context_tokens)
{
	sizes->has_prompt = true;
	sizes->x[TERM_ROWS] += new_tokens;
	sizes->x[TERM_SEQUENCES]++;
	sizes->x[TERM_PAIRS] += whole_tiles(new_tokens, model->attention_tile_tokens) * context_tokens +
	                        (u128)new_tokens * (new_tokens + 1) / 2;
	sizes->x[TERM_KEYS] += context_tokens;
}

static void add_decode(const struct cost_model *model, struct cost_sizes *sizes, uint64_t context_tokens)
{
	if (!model->only_prompts_have_rows)
		sizes->x[TERM_ROWS]++;
	sizes->x[TERM_SEQUENCES]++;
	sizes->x[TERM_DECODES]++;
	sizes->x[TERM_CONTEXT] += context_tokens;
}

struct cost_sizes cost_model_sizes(const struct cost_model *model, const struct step *step)
{
	struct cost_sizes sizes = {.has_prompt = false};
	for (uint32_t i = 0; i < step->count; i++) {
		const struct step_part *part = &step->parts[i];
		if (part->decode)
			add_decode(model, &sizes, part->context_tokens);
		else
			add_prompt(model, &sizes, part->new_tokens, part->context_tokens);
	}
	sizes.x[TERM_ROW_TILES] = whole_tiles(sizes.x[TERM_ROWS], model->row_tile_tokens);
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

static int64_t cost_model_step_ns(void *backend, const struct step *step)
{
	const struct cost_model *model = backend;
	const struct cost_sizes sizes = cost_model_sizes(model, step);
	return to_ns(step_cost(model, &sizes));
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

/* `steps` decode steps that differ in their context alone, each longer than the one before by a token a sequence. */
static int64_t stretch_ns(const struct cost_model *model, struct cost_sizes sizes, uint64_t steps)
{
	const struct cost_curve *curve = &model->terms[TERM_CONTEXT];
	const u128 first_context = sizes.x[TERM_CONTEXT], a_step = sizes.x[TERM_DECODES];
	sizes.x[TERM_CONTEXT] = 0;
	const u128 rest = step_cost(model, &sizes);
	u128 sum = 0;
	uint64_t count;
	for (uint64_t done = 0; done < steps; done += count) {
		const u128 context = first_context + done * a_step;
		const uint32_t piece = piece_of(curve, context);
		count = steps - done;
		if (piece + 1 < curve->count && a_step > 0) {
			const u128 until_next = (curve->x[piece + 1] - context + a_step - 1) / a_step;
			if (until_next < count)
				count = (uint64_t)until_next;
		}
		const u128 first = rest + curve_cost(curve, context);
		if (first >> SCALE_BITS == 0) {
			/* Rounded up to 1 ns, so added one by one; only made-up calibrations come this way. */
			sum += (uint64_t)to_ns(first);
			count = 1;
		} else {
			sum += cost_model_floor_sum(count, (u128)1 << SCALE_BITS, curve->slope[piece] * a_step, first);
		}
	}
	return sum < LONGEST_NS ? (int64_t)sum : LONGEST_NS;
}

static int64_t cost_model_decode_ns(void *backend, const struct step *step, uint64_t steps)
{
	const struct cost_model *model = backend;
	return stretch_ns(model, cost_model_sizes(model, step), steps);
}

int64_t cost_model_prompt_ns(const struct cost_model *model, uint64_t new_tokens, uint64_t cached_tokens)
{
	struct cost_sizes sizes = {.has_prompt = true};
	add_prompt(model, &sizes, new_tokens, cached_tokens);
	sizes.x[TERM_ROW_TILES] = whole_tiles(new_tokens, model->row_tile_tokens);
	return to_ns(step_cost(model, &sizes));
}

int64_t cost_model_answer_ns(const struct cost_model *model, uint64_t context_tokens, uint64_t count)
{
	const struct step_part part = {.new_tokens = 1, .context_tokens = context_tokens, .decode = true};
	return stretch_ns(model, cost_model_sizes(model, &(struct step){&part, 1}), count);
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
