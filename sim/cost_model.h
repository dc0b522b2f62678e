/* cost_model.h - the backend that predicts: a step's duration from a calibration, whose header has the formula.
 *
 * Curves are held as whole multiples of 2^-20 ns at whole x, so that a step is an exact integer function of its shape: floor(sum /
 * 2^20), at least 1, and what power makes of it a floor of that. Levels and loads are whole multiples of 2^-32, and what is left of
 * a level after a time, told in 2^-24 of a half-life, is a product of whole numbers, too. The one term that is no curve, the smooth
 * max, is rounded to such a multiple too; it is made of divisions, products and square roots alone, which IEEE 754 rounds
 * correctly, so all machines come to the same. No term falls when a step grows, but that of distinct context, by less than that of
 * all context rises where calibrations are of machines, and that of pairs where attention goes in rounds and keys are cut into more
 * parts. Power can make a larger step shorter, as more of what is no arithmetic makes its load less.
 *
 * The sum over a stretch of decode steps, each a token longer, has a closed form: between two points of the curves of context and
 * distinct context it is a sum of floor((a i + b) / m), O(log) by Euclid's scheme (Graham, Knuth, Patashnik, Concrete Mathematics,
 * 3.5). The few after prompts that are slowed down by them are added one by one.
 */
#ifndef KVCAST_COST_MODEL_H
#define KVCAST_COST_MODEL_H

#include "backend.h"
#include "calibration.h"

/* Piece i begins at x[i] with ns[i], and rises by slope[i] each; x[0] and ns[0] are 0. In 2^-20 ns. */
struct cost_curve {
	uint32_t count;
	uint64_t x[CALIBRATION_POINTS_MOST], ns[CALIBRATION_POINTS_MOST], slope[CALIBRATION_POINTS_MOST];
};

/* calibration_budget; shares in 2^-32. */
struct cost_budget {
	uint64_t ppm, half_life_ns, from, full;
};

struct cost_model {
	uint64_t prompt_step, decode_step, weights; /* in 2^-20 ns */
	uint32_t sharpness, row_tile_tokens, attention_tile_tokens, distinct_free_64ths;
	struct attention_rounds attention;
	bool only_prompts_have_rows;
	struct cost_curve terms[TERM_COUNT];
	/* Power; none where the first of the budgets has 0 ppm. Of steps that decode, decode_ppm is light_ppm or 0. */
	struct cost_budget budgets[2];
	uint32_t least_rows;
	uint64_t light_ppm, decode_ppm;
	uint64_t most, pairs_load; /* in 2^-32 */
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
	/* Of prompts, where attention goes in rounds. */
	u128 cached_pairs;
	uint64_t tiles, longest;
};
struct cost_sizes cost_model_sizes(const struct cost_model *model, const struct step *step);

/* What the arithmetic of a step with parts of prompts takes, at full clock, and the whole step; in 2^-20 ns. */
struct cost_shares {
	u128 products, pairs, step;
};
struct cost_shares cost_model_shares(const struct cost_model *model, const struct cost_sizes *sizes);

/* Power (calibration.h), in 2^-32: a step's load; what level is left `ns` later under a load; how much of its slowdown, from 0 to 1, a
 * level brings; and how long a step with parts of prompts takes that would take `work_ns` at full clock, from levels on that it leaves
 * as they are when it is over. */
uint64_t cost_model_load(const struct cost_model *model, const struct cost_shares *shares);
uint64_t cost_model_level_after(const struct cost_budget *budget, uint64_t level, uint64_t load, uint64_t ns);
double cost_model_ramp(const struct cost_budget *budget, uint64_t level);
int64_t cost_model_slowed_ns(const struct cost_model *model, uint64_t *levels, uint64_t load, uint64_t rows, int64_t work_ns);

/* Sum of floor((a i + b) / m) for i = 0 .. n - 1; m > 0. */
u128 cost_model_floor_sum(u128 n, u128 m, u128 a, u128 b);

#endif
