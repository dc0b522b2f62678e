/* machine_state.h - clocks, temperature and driver of the device, from NVML where the machine has it.
 *
 * The library is opened when asked for, so programs run without it; then everything is unknown.
 */
#ifndef KVCAST_MACHINE_STATE_H
#define KVCAST_MACHINE_STATE_H

#include "base.h"

struct machine_state;

/* Of the CUDA device in use. NULL without NVML, which the other functions accept. */
struct machine_state *machine_state_open(void);
void machine_state_close(struct machine_state *state);
/* 0 where unknown. */
uint32_t machine_state_clock_mhz(const struct machine_state *state);
uint32_t machine_state_celsius(const struct machine_state *state);
/* "580.159.04", or "" where unknown. */
const char *machine_state_driver(const struct machine_state *state);

#endif
