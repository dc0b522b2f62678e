/* provider.h - what a hosted model's provider keeps of prompts, for how long, and at what price.
 *
 * A provider is a file of prices, sim/prices/NAME.json, compiled in, or the one that file= names; a SPEC chooses from it:
 *
 *   NAME[:ttl=5m,model=claude-opus-5,input=5,output=25,read=0.5,write=6.25,storage=0,pings=0,least=512,file=PATH]
 *
 * Prices are dollars per million tokens (storage: and hour); what the SPEC gives wins over the file. `read` is a prompt token
 * found in the cache, `write` one put there, `input` any other. A file says instead how many times the input price they
 * cost; where it has no price of its own for a model, or no lifetime, the SPEC has to give it.
 *
 *   {"kvcast_prices": 1, "provider": "...", "as_of": "2026-11", "sources": "...", "note": "...",
 *    "refresh": "sliding"|"absolute",                          whether a read begins the lifetime anew
 *    "lifetimes": [{"ttl": "5m", "write": 1.25, "max_age": "1h"}], the first is the default
 *    "any_ttl": true, "write": 1,                              other lifetimes may be asked for, and what they cost
 *    "read": 0.1, "least_prompt_tokens": 1024, "most_cached_tokens": 32768,
 *    "models": [{"name": "...", "input": 5, "output": 25, "read_price": 0.5, "storage": 4.5, "least_prompt_tokens": 512}]}
 *
 * Prices change: a file says of when it is. Sources: POLICIES D, and the pages that each file names.
 */
#ifndef KVCAST_PROVIDER_H
#define KVCAST_PROVIDER_H

#include "spec.h"

#define PROVIDER_PINGS_MOST 10000

struct provider {
	char *spec;                      /* as it was asked for */
	char *title, *model, *as_of, *note; /* model is "" where the SPEC gave all prices */
	bool sliding, prices_answers; /* without a price, answers cost 0 */
	int64_t ttl_ns, max_age_ns; /* max_age_ns: TIME_NEVER_NS where there is none */
	uint32_t least_prompt_tokens; /* shorter prompts are neither kept nor found */
	uint32_t most_cached_tokens;  /* of a prompt; UINT32_MAX: all */
	uint32_t pings; /* reads that keep a session's prompt alive, one right before each end of its life, at most so many */
	double input_price, output_price, read_price, write_price, storage_price;
};

int provider_load(struct provider *provider, const struct spec *spec, struct err *err);
void provider_free(struct provider *provider);

#endif
