#include "power_limit.h"

#include <math.h>

#define LEVEL_BITS 32
#define LEVEL_ONE  (UINT64_C(1) << LEVEL_BITS)
#define ROOT_BITS  63
#define SHARE_BITS 95 /* of a step that still can be told in 2^-32 */
#define STEP_PARTS 16 /* of a step, each slowed down by the level in its middle */
#define MILLION    1000000u
/* Decodes that are slowed down by work before them are added one by one (cost_model.h), so there are not to be many. */
#define LONGEST_LIGHT_NS (10 * NS_PER_S)

static uint64_t level_of(double share)
{
	return (uint64_t)llround(ldexp(share, LEVEL_BITS));
}

static uint64_t ppm_of(double share)
{
	return (uint64_t)llround(share * MILLION);
}

static struct power_budget budget_of(const struct calibration_budget *from)
{
	return (struct power_budget){.ppm = ppm_of(from->slowdown), .half_life_ns = from->half_life_ns > 0 ? (uint64_t)from->half_life_ns : 1,
	                             .from = level_of(from->from), .full = level_of(from->full)};
}

struct power_limit power_limit_of(const struct calibration_power *power)
{
	struct power_limit limit = {
	        .budgets = {budget_of(&power->fast), budget_of(&power->slow)},
	        .least_rows = power->least_rows,
	        .most = level_of(power->most),
	        .pairs_load = level_of(power->pairs_load),
	};
	if (limit.budgets[0].ppm)
		limit.light_ppm = ppm_of(power->light_slowdown);
	/* None where it would go on for longer than any chip takes to rest. */
	if (power_limit_level_left(&limit.budgets[0], limit.most, LONGEST_LIGHT_NS) <= limit.budgets[0].from)
		limit.decode_ppm = limit.light_ppm;
	return limit;
}

uint64_t power_limit_load(const struct power_limit *limit, const struct power_shares *shares)
{
	if (shares->step >> SHARE_BITS != 0 || shares->step == 0)
		return limit->most; /* no calibration of a machine comes here */
	const u128 arithmetic = shares->products + (shares->pairs * limit->pairs_load >> LEVEL_BITS);
	const uint64_t load = (uint64_t)((arithmetic << LEVEL_BITS) / shares->step);
	return load < limit->most ? load : limit->most;
}

uint64_t power_limit_level_left(const struct power_budget *budget, uint64_t level, uint64_t ns)
{
	/* 2^63 times the square root of 1/2, the square root of that, and so on. */
	static const uint64_t roots[] = {
	        UINT64_C(6521908912666391106), UINT64_C(7755900482342532474), UINT64_C(8457869449776733335),
	        UINT64_C(8832331321595618838), UINT64_C(9025734193507008925), UINT64_C(9124017994966720698),
	        UINT64_C(9173560510430823462), UINT64_C(9198432556164277331), UINT64_C(9210893855724328809),
	        UINT64_C(9217130834664616070), UINT64_C(9220250907674776491), UINT64_C(9221811340221203999),
	        UINT64_C(9222591655524303666), UINT64_C(9222981837935769002), UINT64_C(9223176935331786073),
	        UINT64_C(9223274485577403901), UINT64_C(9223323261087119913), UINT64_C(9223347648938705290),
	        UINT64_C(9223359842888679895), UINT64_C(9223365939869712687), UINT64_C(9223368988361740456),
	        UINT64_C(9223370512608132184), UINT64_C(9223371274731422509), UINT64_C(9223371655793091287)};
	const uint64_t halves = ns / budget->half_life_ns;
	const uint32_t part = (uint32_t)(((u128)(ns % budget->half_life_ns) << COUNT_OF(roots)) / budget->half_life_ns);
	u128 left = (u128)1 << ROOT_BITS;
	if (halves > LEVEL_BITS)
		return 0;
	for (uint32_t i = 0; i < COUNT_OF(roots); i++) {
		if (part >> (COUNT_OF(roots) - 1 - i) & 1)
			left = left * roots[i] >> ROOT_BITS;
	}
	return (uint64_t)(level * left >> (ROOT_BITS + halves));
}

/* From `level` on the way to `load`, of which `left`, in 2^-32, is left to go. */
static uint64_t approach(uint64_t level, uint64_t load, uint64_t left)
{
	return level < load ? load - ((load - level) * left >> LEVEL_BITS) : load + ((level - load) * left >> LEVEL_BITS);
}

uint64_t power_limit_level_after(const struct power_budget *budget, uint64_t level, uint64_t load, uint64_t ns)
{
	return approach(level, load, power_limit_level_left(budget, LEVEL_ONE - 1, ns));
}

/* How much of its slowdown a level brings. */
static uint64_t ramp(const struct power_budget *budget, uint64_t level)
{
	if (level <= budget->from)
		return 0;
	return level < budget->full ? ((level - budget->from) << (LEVEL_BITS - 1)) / (budget->full - budget->from) << 1 : LEVEL_ONE;
}

double power_limit_ramp(const struct power_budget *budget, uint64_t level)
{
	return ldexp((double)ramp(budget, level), -LEVEL_BITS);
}

/* The sum of what a level brings in the middle of each part of a step under a load. */
static uint64_t ramps(const struct power_budget *budget, uint64_t level, uint64_t load, int64_t work_ns)
{
	const uint64_t left = power_limit_level_left(budget, LEVEL_ONE - 1, (uint64_t)work_ns / (2 * STEP_PARTS));
	uint64_t sum = 0;
	for (int i = 0; i < STEP_PARTS; i++) {
		level = approach(level, load, left);
		sum += ramp(budget, level);
		level = approach(level, load, left);
	}
	return sum;
}

/* `slowdown` is a sum of `parts` shares in 2^-32, in millionths of them. */
static int64_t longer_ns(int64_t work_ns, u128 slowdown, uint32_t parts)
{
	const u128 longer = ((u128)(uint64_t)work_ns * (slowdown / parts) / MILLION) >> LEVEL_BITS;
	return longer < (u128)(POWER_LIMIT_LONGEST_NS - work_ns) ? work_ns + (int64_t)longer : POWER_LIMIT_LONGEST_NS;
}

int64_t power_limit_prompt_ns(const struct power_limit *limit, uint64_t *levels, uint64_t load, uint64_t rows, int64_t work_ns)
{
	const struct power_budget *fast = &limit->budgets[0], *slow = &limit->budgets[1];
	const bool hard = rows >= limit->least_rows;
	u128 slowdown = (u128)(hard ? fast->ppm : limit->light_ppm) * ramps(fast, levels[0], load, work_ns);
	if (hard && slow->ppm)
		slowdown += (u128)slow->ppm * ramps(slow, levels[1], load, work_ns);
	const int64_t took_ns = longer_ns(work_ns, slowdown, STEP_PARTS);
	for (size_t b = 0; b < COUNT_OF(limit->budgets); b++)
		levels[b] = power_limit_level_after(&limit->budgets[b], levels[b], load, (uint64_t)took_ns);
	return took_ns;
}

int64_t power_limit_decode_ns(const struct power_limit *limit, uint64_t level, int64_t work_ns)
{
	return longer_ns(work_ns, (u128)limit->decode_ppm * ramp(&limit->budgets[0], level), 1);
}
