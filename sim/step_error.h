/* step_error.h - steps that are off, as those of a calibration are: which factor a step's time has in one member of an ensemble.
 *
 * A calibration is off by other shares for other shapes of steps, and by the same share whenever a shape comes again, as what it lacks
 * is systematic: a kernel is a little slower at this size than its curve says. So a factor is 1 + sigma z, z drawn from the seed and
 * the shape alone. With m the mean absolute error of a step, sigma = m sqrt(pi / 2): a normal distribution about 0 of this standard
 * deviation has the mean absolute value m. z is a sum of twelve uniform numbers less 6, which has mean 0, variance 1 and nearly the
 * shape of a normal distribution, cut off at -4 and 4. A step takes a tenth of its time at least, which counts from m = 18 % on.
 *
 * All is in whole numbers, so all machines come to the same: sigma in millionths, z and factors in 2^-32. Random numbers are
 * splitmix64's (Steele, Lea and Flood, Fast splittable pseudorandom number generators, OOPSLA 2014).
 */
#ifndef KVCAST_STEP_ERROR_H
#define KVCAST_STEP_ERROR_H

#include "base.h"

#define STEP_ERROR_ONE (INT64_C(1) << 32)

struct step_error {
	uint64_t seed;
	uint32_t sigma_ppm; /* 0: no step is off */
};

/* `mean_error` is m, a share from 0 to 1. */
struct step_error step_error_of(double mean_error, uint64_t seed);

/* One seed out of two numbers; equal numbers give equal seeds. */
uint64_t step_error_seed(uint64_t a, uint64_t b);
/* z of a seed: from -4 to 4, in 2^-32. */
int64_t step_error_z(uint64_t seed);
/* 1 + sigma z, a tenth at least, in 2^-32. */
int64_t step_error_factor(uint32_t sigma_ppm, uint64_t seed);

#endif
