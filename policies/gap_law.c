#include "gap_law.h"

#include <math.h>

double gap_law_randomised_s(double breakeven_s, double uniform)
{
	return breakeven_s * log1p(uniform * (M_E - 1));
}

double gap_law_exponential_s(double p, double mean_s, double breakeven_s)
{
	if (mean_s <= 0 || p * breakeven_s <= mean_s)
		return 0;
	return p >= 1 ? INFINITY : mean_s * log(p * (breakeven_s / mean_s - 1) / (1 - p));
}

double gap_law_empirical_s(const double *gaps_s, uint32_t count, double never, double breakeven_s)
{
	/* Cost of T = gaps[i]: the gaps up to it, and for all others T and a miss. T = 0 is `count + never` misses. */
	double best_s = 0, least = (count + never) * breakeven_s, kept = 0;
	for (uint32_t i = 0; i < count; i++) {
		kept += gaps_s[i];
		const double cost = kept + (count - 1 - i + never) * (gaps_s[i] + breakeven_s);
		if (cost < least) {
			least = cost;
			best_s = gaps_s[i];
		}
	}
	return best_s;
}

double gap_law_pin_s(const double *gaps_s, uint32_t count, double benefit_s)
{
	double best_s = 0, most = 0;
	/* A gap of no length is had for nothing. */
	for (uint32_t i = 0; i < count && gaps_s[i] < benefit_s; i++) {
		const double gain = (i + 1.0) / count * benefit_s - gaps_s[i];
		if (gain > most) {
			most = gain;
			best_s = gaps_s[i];
		}
	}
	return best_s;
}

double gap_law_pin_cold_s(double benefit_s)
{
	return benefit_s > 1 ? log(benefit_s) : 0;
}

void gap_law_turns_add(struct gap_law_turns *turns, double length)
{
	const double sum = length * (length + 1) / 2, squares = sum * (2 * length + 1) / 3;
	turns->n += length;
	turns->done += sum;
	turns->to_come += length * length - sum;
	turns->done_done += squares;
	turns->to_come_to_come += length * length * length - 2 * length * sum + squares;
	turns->done_to_come += length * sum - squares;
}

double gap_law_turns_eta(const struct gap_law_turns *turns)
{
	const double done = turns->n * turns->done_done - turns->done * turns->done;
	const double to_come = turns->n * turns->to_come_to_come - turns->to_come * turns->to_come;
	if (done <= 0 || to_come <= 0)
		return 1;
	return -(turns->n * turns->done_to_come - turns->done * turns->to_come) / sqrt(done * to_come);
}
