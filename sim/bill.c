#include "bill.h"

#include "replay.h"
#include "units.h"

#include <stdio.h>
#include <stdlib.h>

struct desk {
	const struct provider *provider;
	struct bill *bill;
	int64_t *last_ns;      /* [session_count] arrival of the session's last turn so far; -1: none yet */
	uint32_t *last_tokens; /* its prompt, if it was kept */
};

static void ping(struct desk *desk, uint32_t tokens, uint64_t times)
{
	if (tokens == 0)
		return;
	desk->bill->pings += times;
	desk->bill->ping_tokens += times * tokens;
}

/* The pings of the session's turn before, which waited until now. */
static void ping_until(struct desk *desk, uint32_t session, int64_t now_ns)
{
	const int64_t gap_ns = now_ns - desk->last_ns[session];
	if (desk->last_ns[session] >= 0 && gap_ns > 0)
		ping(desk, desk->last_tokens[session],
		     (uint32_t)smaller((uint64_t)((gap_ns - 1) / desk->provider->ttl_ns), desk->provider->pings));
}

static void book(void *context, const struct trace_request *request, int64_t arrival_ns, const struct request_outcome *outcome)
{
	struct desk *desk = context;
	const struct provider *provider = desk->provider;
	struct bill *bill = desk->bill;
	const uint32_t prompt = request->prompt_tokens;
	uint32_t kept = 0, read = 0;
	if (prompt >= provider->least_prompt_tokens) {
		kept = (uint32_t)smaller(prompt, provider->most_cached_tokens);
		read = (uint32_t)smaller(outcome->ledger.hit_tokens, kept);
		if (read < provider->least_prompt_tokens)
			read = 0;
	}
	bill->requests++;
	bill->prompt_tokens += prompt;
	bill->output_tokens += request->output_tokens;
	bill->read_tokens += read;
	bill->written_tokens += kept - read;
	bill->plain_tokens += prompt - kept;
	if (request->session == TRACE_NO_SESSION) {
		bill->sessions++;
		ping(desk, kept, provider->pings);
		return;
	}
	bill->sessions += desk->last_ns[request->session] < 0;
	ping_until(desk, request->session, arrival_ns);
	desk->last_ns[request->session] = arrival_ns;
	desk->last_tokens[request->session] = kept;
}

static void price(struct bill *bill, const struct provider *provider)
{
	const double per_token = 1e-6;
	bill->read_dollars = (double)bill->read_tokens * provider->read_price * per_token;
	bill->written_dollars = (double)bill->written_tokens * provider->write_price * per_token;
	bill->plain_dollars = (double)bill->plain_tokens * provider->input_price * per_token;
	bill->output_dollars = (double)bill->output_tokens * provider->output_price * per_token;
	bill->ping_dollars = (double)bill->ping_tokens * provider->read_price * per_token;
	bill->storage_dollars = bill->stored_token_hours * provider->storage_price * per_token;
	bill->uncached_input_dollars = (double)bill->prompt_tokens * provider->input_price * per_token;
}

static void write_ttl(const struct provider *provider, char *text, size_t size)
{
	char ttl[32], age[32];
	const int64_t ttl_ns = provider->ttl_ns < TIME_NEVER_NS / (1 + (int64_t)provider->pings)
	                               ? provider->ttl_ns * (1 + (int64_t)provider->pings)
	                               : TIME_NEVER_NS;
	snprintf(text, size, "static:ttl=%s,mode=%s,max_age=%s", units_show_duration(ttl_ns, ttl, sizeof(ttl)),
	         provider->sliding ? "sliding" : "absolute", units_show_duration(provider->max_age_ns, age, sizeof(age)));
}

int bill_make(const struct trace *trace, const struct run_config *config, const struct provider *provider,
              struct bill *bill, struct err *err)
{
	struct run_config run = *config;
	struct spec evict, ttl;
	struct run_result result;
	char text[160];
	write_ttl(provider, text, sizeof(text));
	*bill = (struct bill){0};
	if (spec_parse(&evict, "lru", err) < 0)
		return -1;
	int failed = spec_parse(&ttl, text, err);
	if (failed) {
		spec_free(&evict);
		return -1;
	}
	struct desk desk = {provider, bill, mem_alloc(trace->session_count, sizeof(int64_t)),
	                    mem_alloc(trace->session_count, sizeof(uint32_t))};
	for (uint32_t s = 0; s < trace->session_count; s++)
		desk.last_ns[s] = -1;
	run.evict = &evict;
	run.ttl = &ttl;
	run.capacity_blocks = UINT64_MAX;
	run.semantics = SEMANTICS_PREFIX;
	run.least_prompt_tokens = provider->least_prompt_tokens;
	run.on_request = book;
	run.on_request_context = &desk;
	failed = replay_run(trace, &run, &result, err);
	if (!failed) {
		for (uint32_t s = 0; s < trace->session_count; s++) {
			if (desk.last_ns[s] >= 0)
				ping(&desk, desk.last_tokens[s], provider->pings);
		}
		bill->stored_token_hours = result.held_block_s * trace->block_tokens / 3600;
		price(bill, provider);
		replay_free(&result);
	}
	free(desk.last_ns);
	free(desk.last_tokens);
	spec_free(&evict);
	spec_free(&ttl);
	return failed;
}

double bill_input_dollars(const struct bill *bill)
{
	return bill->read_dollars + bill->written_dollars + bill->plain_dollars + bill->ping_dollars + bill->storage_dollars;
}

double bill_dollars(const struct bill *bill)
{
	return bill_input_dollars(bill) + bill->output_dollars;
}

double bill_uncached_dollars(const struct bill *bill)
{
	return bill->uncached_input_dollars + bill->output_dollars;
}
