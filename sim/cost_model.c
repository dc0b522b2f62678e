#include "cost_model.h"

#include <math.h>

#define SCALE_BITS 20
/* However slow a calibration, times can be added up; an engine stops long before (engine.h). */
#define LONGEST_NS (INT64_MAX / 4)

static uint64_t scaled(double ns)
{
	return (uint64_t)llround(ldexp(ns, SCALE_BITS));
}

struct cost_model cost_model_of(const struct calibration *calibration)
{
	return (struct cost_model){
	        .prefill_fixed = scaled(calibration->prefill_fixed_ns),
	        .per_new_token = scaled(calibration->prefill_per_new_token_ns),
	        .per_token_pair = scaled(calibration->prefill_per_token_pair_ns),
	        .decode_fixed = scaled(calibration->decode_fixed_ns),
	        .per_context_token = scaled(calibration->decode_per_context_token_ns),
	};
}

static u128 prefill_cost(const struct cost_model *model, uint64_t new_tokens, uint64_t context_tokens)
{
	const u128 pairs = (u128)new_tokens * context_tokens + (u128)new_tokens * (new_tokens + 1) / 2;
	return model->per_new_token * (u128)new_tokens + model->per_token_pair * pairs;
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
	u128 cost = 0;
	bool prefills = false;
	for (uint32_t i = 0; i < step->count; i++) {
		const struct step_part *part = &step->parts[i];
		prefills |= !part->decode;
		cost += part->decode ? (u128)model->per_context_token * part->context_tokens
		                     : prefill_cost(model, part->new_tokens, part->context_tokens);
	}
	return to_ns(cost + (prefills ? model->prefill_fixed : model->decode_fixed));
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

static int64_t cost_model_decode_ns(void *backend, const struct step *step, uint64_t steps)
{
	const struct cost_model *model = backend;
	u128 contexts = 0;
	for (uint32_t i = 0; i < step->count; i++)
		contexts += step->parts[i].context_tokens;
	const u128 first = model->decode_fixed + model->per_context_token * contexts;
	const u128 slope = (u128)model->per_context_token * step->count;
	if (first >> SCALE_BITS == 0) {
		/* Steps are rounded up to 1 ns here; only made-up calibrations come this way. */
		int64_t sum = 0;
		for (uint64_t i = 0; i < steps; i++)
			sum += to_ns(first + slope * i);
		return sum;
	}
	const u128 sum = cost_model_floor_sum(steps, (u128)1 << SCALE_BITS, slope, first);
	return sum < LONGEST_NS ? (int64_t)sum : LONGEST_NS;
}

static int64_t cost_model_alone_ns(void *backend, uint64_t new_tokens, uint64_t context_tokens)
{
	const struct cost_model *model = backend;
	return to_ns(model->prefill_fixed + prefill_cost(model, new_tokens, context_tokens));
}

const struct backend_ops cost_model_backend = {
        .step_ns = cost_model_step_ns,
        .decode_ns = cost_model_decode_ns,
        .alone_ns = cost_model_alone_ns,
};
