/* asks.h - traces in a line a request, for tests of the engine that are worked by hand: who asks when for which chain of blocks. */
#ifndef KVCAST_TESTS_ASKS_H
#define KVCAST_TESTS_ASKS_H

#include "timed.h"

#define ASKS_CHAIN        5 /* blocks of a chain */
#define ASKS_BLOCK_TOKENS 4
#define ASKS_FULL         (ASKS_CHAIN * ASKS_BLOCK_TOKENS)
#define ASKS_NO_CHAIN     UINT32_MAX

struct ask {
	int64_t ms;
	uint32_t chain;       /* numbered as they first appear; ASKS_NO_CHAIN: nothing that could hit */
	uint32_t more_tokens; /* behind the chain and its one token */
};

/* A token of a prompt takes 1 ms, a step of decodes 2 ms. */
extern const struct calibration asks_one_ms_a_token;

/* Each prompt is its chain, one token, and more_tokens; its answer is one token. For make_trace_free(). */
struct trace *asks_trace(const struct ask *asks, uint32_t count);
/* Serves them all, and sees that all sums are right. For timed_free(). */
struct timed_result asks_serve(const struct ask *asks, uint32_t count, const struct timed_setup *setup);

/* The outcomes, one at a time and with such steps, of three requests: two at once, and later one that hits all of the first but its last
 * block. */
void asks_outcomes(double step_factor, struct step_error step_error, struct request_outcome outcomes[3]);

#endif
