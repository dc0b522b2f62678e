/* fuzz_case.h - one random configuration over one random trace, said twice: as the product's SPECs and as the naive
 * model's plain values. Policies, rules and their parameters come from the registry's tables.
 */
#ifndef KVCAST_FUZZ_CASE_H
#define KVCAST_FUZZ_CASE_H

#include "make_trace.h"
#include "naive.h"
#include "policy.h"
#include "ttl.h"

#include <stdio.h>

struct fuzz_case {
	struct trace *trace;
	const struct evict_ops *evict;
	const struct ttl_ops *ttl;
	char evict_text[512], ttl_text[1024];
	struct naive_config naive; /* evict and ttl as the twins are called, whether there are any or not */
	uint64_t schedule_seed;    /* who is released when, where requests overlap */
};

/* Case number `number`: policies take turns. fuzz_case_free releases the trace. */
void fuzz_case_draw(struct fuzz_case *c, uint64_t seed, uint64_t number);
void fuzz_case_free(struct fuzz_case *c);
/* The options of kvcast and the trace, a line a request. */
void fuzz_case_print(const struct fuzz_case *c, FILE *to);

#endif
