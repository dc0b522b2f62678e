/* cost_model.h - the backend that predicts: a step's duration from a calibration, whose header has the formula.
 *
 * Curves are held as whole multiples of 2^-20 ns at whole x, so that a step is an exact integer function of its shape:
 * floor(sum / 2^20), at least 1, and what power_limit.h makes of it a floor of that. The one term that is no curve, the smooth
 * max, is rounded to such a multiple too; it is made of divisions, products and square roots alone, which IEEE 754 rounds
 * correctly, so all machines come to the same. No term falls when a step grows, but: that of distinct context, by less than
 * that of all context rises where calibrations are of machines; those of pairs and of uneven context where one block more makes
 * another number of parts or rounds; and that of decodes, which cost less beside a prompt. Power can make a larger step
 * shorter, as more of what is no arithmetic makes its load less.
 *
 * Where a model's steps are to be off (step_error.h), that is a factor on what a step with parts of prompts takes at full clock, drawn
 * from its sizes; rounded down to a whole ns, at least 1. Power slows it down by the same share and after the same time, and what it
 * leaves on the device is that of the longer step. Steps in which all decode, and prompts that are asked for alone, are not off: the
 * closed form below stays the sum of its steps.
 *
 * The sum over a stretch of decode steps, each a token longer, has a closed form: between two points of the curves of context and
 * distinct context it is a sum of floor((a i + b) / m), O(log) by Euclid's scheme (Graham, Knuth, Patashnik, Concrete Mathematics,
 * 3.5). The few after prompts that are slowed down by them are added one by one.
 */
#ifndef KVCAST_COST_MODEL_H
#define KVCAST_COST_MODEL_H

#include "backend.h"
#include "calibration.h"
#include "power_limit.h"
#include "step_error.h"

/* Piece i begins at x[i] with ns[i], and rises by slope[i] each; x[0] and ns[0] are 0. In 2^-20 ns. */
struct cost_curve {
	uint32_t count;
	uint64_t x[CALIBRATION_POINTS_MOST], ns[CALIBRATION_POINTS_MOST], slope[CALIBRATION_POINTS_MOST];
};

struct cost_model {
	uint64_t prompt_step, decode_step, weights; /* in 2^-20 ns */
	uint32_t sharpness, row_tile_tokens, small_row_tile_tokens, attention_tile_tokens, distinct_free_64ths;
	struct attention_rounds attention;
	bool only_prompts_have_rows;
	struct cost_curve terms[TERM_COUNT];
	struct power_limit power;
	struct step_error error; /* none from cost_model_of() and cost_model_scaled() */
};

struct cost_model cost_model_of(const struct calibration *calibration);
/* The same where all that a step is made of takes `factor` times as long; power slows it down by the same share and after the same
 * time. 1 is cost_model_of(). */
struct cost_model cost_model_scaled(const struct calibration *calibration, double factor);
/* The vtable; its `backend` is a const struct cost_model. */
extern const struct backend_ops cost_model_backend;

/* A prompt alone, in one step, on a device that has rested; it may be all cached. */
int64_t cost_model_prompt_ns(const struct cost_model *model, uint64_t new_tokens, uint64_t cached_tokens);
/* `count` tokens of one sequence decoded one after another, alone, the first at `context_tokens` of context. */
int64_t cost_model_answer_ns(const struct cost_model *model, uint64_t context_tokens, uint64_t count);

/* What a step is to the formula: x of each term, and whether it has parts of prompts. */
struct cost_sizes {
	u128 x[TERM_COUNT];
	uint64_t repeated_tokens;
	bool has_prompt;
	uint64_t longest_decode; /* context of a sequence that decodes */
	/* Of prompts, where attention goes in rounds. */
	u128 cached_pairs;
	uint64_t tiles, longest;
};
struct cost_sizes cost_model_sizes(const struct cost_model *model, const struct step *step);

/* In 2^-20 ns. */
struct power_shares cost_model_shares(const struct cost_model *model, const struct cost_sizes *sizes);

/* Sum of floor((a i + b) / m) for i = 0 .. n - 1; m > 0. */
u128 cost_model_floor_sum(u128 n, u128 m, u128 a, u128 b);

#endif
