/* gap_law.h - how long to keep what may be used again: closed forms of the time that costs least.
 *
 * Model. Keeping costs rent all the time, coming too late costs a miss. All times are seconds, and a miss is told in seconds of
 * rent: `breakeven_s` = cost of a miss / rent a second. Something used at time 0 is used again after a gap, or never; it
 * is kept for T seconds. Then the gap costs min(gap, T), and breakeven_s more where gap > T.
 *
 * Known are either nothing (ski rental), or the law of the gaps, or gaps that were seen.
 * Sources: POLICIES C2; Karlin, Manasse, McGeoch, Owicki, "Competitive randomized algorithms for nonuniform problems"
 * (Algorithmica 1994) for the randomised rule; Continuum, arXiv 2511.02230 (POLICIES B1), for the pin.
 */
#ifndef KVCAST_GAP_LAW_H
#define KVCAST_GAP_LAW_H

#include "base.h"

/* Nothing is known: keeping for exactly breakeven_s costs at most twice what hindsight would; keeping for a time drawn with
 * density e^(t/b) / ((e - 1) b) on [0, b] costs e/(e - 1) = 1.582 times that on average. `uniform` is from [0, 1). */
double gap_law_randomised_s(double breakeven_s, double uniform);

/* Used again with probability `p` after an exponential gap of mean `mean_s`: keep while the hazard is above the rent,
 *
 *   T = mean ln( p (breakeven/mean - 1) / (1 - p) ),   0 where p/mean <= 1/breakeven,
 *
 * and forever (INFINITY) where p = 1 and the mean gap is shorter than breakeven_s; 0 where the mean gap is. */
double gap_law_exponential_s(double p, double mean_s, double breakeven_s);

/* The gaps seen, in ascending order, and besides `never` uses that were the last: the best T, which is 0 or one of them. */
double gap_law_empirical_s(const double *gaps_s, uint32_t count, double never, double breakeven_s);

/* Continuum's pin: the T, 0 or one of the gaps (ascending), with the largest P(gap <= T) benefit_s - T. */
double gap_law_pin_s(const double *gaps_s, uint32_t count, double benefit_s);
/* The same for gaps that are exponential of mean 1 s: ln(benefit_s), 0 where the benefit is no more than 1 s. */
double gap_law_pin_cold_s(double benefit_s);

/* How much the turns that programs have done tell of those to come: -corr(k, length - k) over the turns k = 1 .. length of
 * all programs. 1 where all are equally long, about 0 where turns come to an end by chance. */
struct gap_law_turns {
	double n, done, to_come, done_done, to_come_to_come, done_to_come; /* sums, zero at first */
};
void gap_law_turns_add(struct gap_law_turns *turns, double length);
/* 1 as long as nothing can be said. */
double gap_law_turns_eta(const struct gap_law_turns *turns);

#endif
