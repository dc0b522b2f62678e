/* power_limit.h - how a chip's power limit slows steps down: moving averages of load with thresholds (calibration.h, power).
 *
 * Levels, loads and thresholds are whole multiples of 2^-32, slowdowns of 10^-6. What is left of a level after a time, told in 2^-24 of
 * a half-life, is a product of whole numbers and never rises with time, so all machines come to the same.
 */
#ifndef KVCAST_POWER_LIMIT_H
#define KVCAST_POWER_LIMIT_H

#include "calibration.h"

/* However slow a calibration, times can be added up; an engine stops long before (engine.h). */
#define POWER_LIMIT_LONGEST_NS (INT64_MAX / 4)

/* calibration_budget. */
struct power_budget {
	uint64_t ppm, half_life_ns, from, full;
};

/* The fast budget and the slow one; no slowdown at all where the fast one has 0 ppm. */
struct power_limit {
	struct power_budget budgets[2];
	uint32_t least_rows;
	uint64_t light_ppm, decode_ppm; /* the latter, of steps in which all decode, is the former or 0 */
	uint64_t most, pairs_load;
};

/* What arithmetic takes of a step with parts of prompts, at full clock, and the whole step; in one unit. */
struct power_shares {
	u128 products, pairs, step;
};

struct power_limit power_limit_of(const struct calibration_power *power);

uint64_t power_limit_load(const struct power_limit *limit, const struct power_shares *shares);
/* What is left of a level after `ns` without a load, and what it is after `ns` under one. */
uint64_t power_limit_level_left(const struct power_budget *budget, uint64_t level, uint64_t ns);
uint64_t power_limit_level_after(const struct power_budget *budget, uint64_t level, uint64_t load, uint64_t ns);
/* How much of its slowdown, from 0 to 1, a level brings. */
double power_limit_ramp(const struct power_budget *budget, uint64_t level);

/* How long a step of `rows` tokens, with parts of prompts, takes that would take `work_ns` at full clock; moves the levels of both
 * budgets on to its end. */
int64_t power_limit_prompt_ns(const struct power_limit *limit, uint64_t *levels, uint64_t load, uint64_t rows, int64_t work_ns);
/* The same where all sequences decode, by the fast budget's level in the step's middle. */
int64_t power_limit_decode_ns(const struct power_limit *limit, uint64_t level, int64_t work_ns);

#endif
