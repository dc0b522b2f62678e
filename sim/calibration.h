/* calibration.h - how long prefill and decode take on one GPU with one model, as coefficients read from a JSON file.
 *
 *   prefill_ns(new, cached) = fixed + per_new_token x new + per_token_pair x pairs
 *       pairs = new x cached + new (new + 1) / 2     (a new token attends to all before it and to itself)
 *   decode_ns(context)      = fixed + per_context_token x context          one token of one sequence
 *
 * Units: ns, tokens. A file says where its numbers come from, and whether they were measured; `estimate` must be shown
 * beside every number that was computed with it.
 *
 *   {"kvcast_calibration": 1, "name": "...", "device": "...", "model": "...", "estimate": true, "provenance": "...",
 *    "prefill": {"fixed_ns": 0, "per_new_token_ns": 0, "per_token_pair_ns": 0},
 *    "decode": {"fixed_ns": 0, "per_context_token_ns": 0}}
 */
#ifndef KVCAST_CALIBRATION_H
#define KVCAST_CALIBRATION_H

#include "base.h"
#include "err.h"

struct calibration {
	char *name, *device, *model, *provenance;
	bool estimate;
	double prefill_fixed_ns, prefill_per_new_token_ns, prefill_per_token_pair_ns;
	double decode_fixed_ns, decode_per_context_token_ns;
};

/* `name` is one of the built-in calibrations (gpu/calib/NAME.json, compiled in) or a path; NULL: the default one. */
struct calibration *calibration_load(const char *name, struct err *err);
void calibration_free(struct calibration *calibration);

int64_t calibration_prefill_ns(const struct calibration *calibration, uint64_t new_tokens, uint64_t cached_tokens);
/* `count` tokens decoded one after another, the first at `context_tokens` of context. */
int64_t calibration_decode_ns(const struct calibration *calibration, uint64_t context_tokens, uint64_t count);

#endif
