/* bill.h - what a trace would cost at a provider, in dollars.
 *
 * Model. The provider keeps prefixes for a time and without limit of room (an lru-less cache with its TTL, replay.h). A
 * request pays
 *
 *   read x read price + written x write price + rest x input price + answer x output price + storage
 *
 * where `read` is its hit, `written` what of the prompt the provider keeps besides, `rest` the others. Prompts shorter than
 * provider.least_prompt_tokens pass the cache by, and a hit shorter than that is none. Blocks are those of the trace; breakpoints
 * are taken to stand wherever they help, so a bill is a lower bound for prompts that are marked worse.
 *
 * Pings: a session whose next turn is late reads its prompt again right before it would expire, at most provider.pings times;
 * the last turn's pings are in vain. Without sessions every request pings so often.
 *
 * Storage is paid for the time that tokens are kept, from the first request to the last.
 * Source: POLICIES D.
 */
#ifndef KVCAST_BILL_H
#define KVCAST_BILL_H

#include "provider.h"
#include "run_config.h"

struct bill {
	uint64_t requests, sessions; /* requests without a session count as one each */
	uint64_t prompt_tokens, read_tokens, written_tokens, plain_tokens, output_tokens;
	uint64_t pings, ping_tokens;
	double stored_token_hours;
	double read_dollars, written_dollars, plain_dollars, output_dollars, storage_dollars, ping_dollars;
	double uncached_input_dollars; /* the same prompts without a cache */
};

/* Of `config`, what says how requests come is heeded: speed, tail_cached, warmup, seed, calibration. */
int bill_make(const struct trace *trace, const struct run_config *config, const struct provider *provider,
              struct bill *bill, struct err *err);
double bill_input_dollars(const struct bill *bill); /* all but answers */
double bill_dollars(const struct bill *bill);
double bill_uncached_dollars(const struct bill *bill);

#endif
