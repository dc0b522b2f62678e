/* cost_model.h - the backend that predicts: a step's duration from a calibration.
 *
 *   step_ns = floor(fixed + per_new_token x N + per_token_pair x P + per_context_token x C)
 *
 * N: prompt tokens computed in the step, P: their token pairs (calibration.h), C: context tokens read by its decodes.
 * `fixed` is the prefill's where prompts are computed, else the decode's. Coefficients are held as whole multiples of
 * 2^-20 ns, so that a step is an exact integer function of its shape and the sum over a stretch of decode steps, each a
 * token longer, has a closed form: a sum of floor((a i + b) / m), O(log) by Euclid's scheme (Graham, Knuth, Patashnik,
 * Concrete Mathematics, 3.5).
 */
#ifndef KVCAST_COST_MODEL_H
#define KVCAST_COST_MODEL_H

#include "backend.h"
#include "calibration.h"

struct cost_model {
	uint64_t prefill_fixed, per_new_token, per_token_pair, decode_fixed, per_context_token; /* in 2^-20 ns */
};

struct cost_model cost_model_of(const struct calibration *calibration);
/* The vtable; its `backend` is a const struct cost_model. */
extern const struct backend_ops cost_model_backend;

/* Sum of floor((a i + b) / m) for i = 0 .. n - 1; m > 0. */
u128 cost_model_floor_sum(u128 n, u128 m, u128 a, u128 b);

#endif
