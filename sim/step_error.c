#include "step_error.h"

#include <math.h>

#define MILLION     1000000
#define ROOT_PI_2   1.2533141373155003 /* sqrt(pi / 2) */
#define UNIFORMS    12
#define Z_MOST      (4 * STEP_ERROR_ONE)
#define LEAST       (STEP_ERROR_ONE / 10)
#define GOLDEN_STEP UINT64_C(0x9e3779b97f4a7c15)

static uint64_t mixed(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

struct step_error step_error_of(double mean_error, uint64_t seed)
{
	ASSERT(mean_error >= 0 && mean_error <= 1);
	return (struct step_error){.seed = seed, .sigma_ppm = (uint32_t)llround(mean_error * ROOT_PI_2 * MILLION)};
}

uint64_t step_error_seed(uint64_t a, uint64_t b)
{
	return mixed(mixed(a + GOLDEN_STEP) ^ b);
}

int64_t step_error_z(uint64_t seed)
{
	uint64_t sum = 0;
	for (int i = 0; i < UNIFORMS / 2; i++) {
		const uint64_t two = mixed(seed += GOLDEN_STEP);
		sum += (two >> 32) + (two & UINT32_MAX);
	}
	/* Each is (2^32 - 1) / 2 on average. */
	const int64_t z = (int64_t)sum - UNIFORMS / 2 * (int64_t)UINT32_MAX;
	if (z > Z_MOST)
		return Z_MOST;
	return z < -Z_MOST ? -Z_MOST : z;
}

int64_t step_error_factor(uint32_t sigma_ppm, uint64_t seed)
{
	const int64_t factor = STEP_ERROR_ONE + step_error_z(seed) * (int64_t)sigma_ppm / MILLION;
	return factor > LEAST ? factor : LEAST;
}
