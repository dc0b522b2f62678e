#include "step_log.h"

#include "output.h"

#include <inttypes.h>
#include <stdlib.h>

struct step_log {
	struct output *output;
	uint32_t block_tokens;
	uint32_t *seen; /* [slots]: the last count that a slot was seen in */
	uint32_t counts, steps;
	int64_t last_end_ns;
};

struct step_log *step_log_open(const char *path, const char *model, uint32_t slots, uint32_t block_tokens, struct err *err)
{
	struct output *output = output_open(path, err);
	if (!output)
		return NULL;
	struct step_log *log = mem_alloc(1, sizeof(*log));
	*log = (struct step_log){.output = output, .block_tokens = block_tokens, .seen = mem_alloc(slots, sizeof(*log->seen))};
	output_printf(output, "# model: %s\nstep,start_ms,took_ms,rest_ms,sequences,new_tokens,distinct_keys,repeated_keys,parts\n", model);
	return log;
}

struct keys {
	uint64_t distinct, repeated;
};

/* A part's own new tokens are not among its keys here: its last blocks count as far as they were filled before. */
static struct keys count_keys(struct step_log *log, const struct step_batch *batch, bool only_decodes)
{
	struct keys keys = {0, 0};
	log->counts++;
	for (uint32_t p = 0; p < batch->part_count; p++) {
		const struct step_batch_part *part = &batch->parts[p];
		if (only_decodes && part->new_tokens > 1)
			continue;
		for (uint32_t from = 0, place = part->first_block; from < part->context_tokens; from += log->block_tokens, place++) {
			const uint32_t left = part->context_tokens - from;
			uint32_t *seen = &log->seen[batch->table[place]];
			*(*seen == log->counts ? &keys.repeated : &keys.distinct) += left < log->block_tokens ? left : log->block_tokens;
			*seen = log->counts;
		}
	}
	return keys;
}

static void put_ms(struct output *output, int64_t ns)
{
	output_printf(output, ",%" PRId64 ".%06" PRId64, ns / NS_PER_MS, ns % NS_PER_MS);
}

void step_log_add(struct step_log *log, const struct step_batch *batch, int64_t engine_ns, int64_t begin_ns, int64_t end_ns)
{
	if (!log)
		return;
	const int64_t rest_ns = log->steps ? begin_ns - log->last_end_ns : 0;
	log->steps++;
	log->last_end_ns = end_ns;
	output_printf(log->output, "%u", log->steps);
	put_ms(log->output, engine_ns);
	put_ms(log->output, end_ns - begin_ns);
	put_ms(log->output, rest_ns);
	output_printf(log->output, ",%u,%u,%" PRIu64 ",%" PRIu64 ",", batch->part_count, batch->token_count,
	              count_keys(log, batch, false).distinct, count_keys(log, batch, true).repeated);
	for (uint32_t p = 0; p < batch->part_count; p++)
		output_printf(log->output, "%s%u@%u", p ? " " : "", batch->parts[p].new_tokens, batch->parts[p].context_tokens);
	output_write(log->output, "\n", 1);
}

int step_log_commit(struct step_log *log, struct err *err)
{
	if (!log)
		return 0;
	const int failed = output_commit(log->output, err);
	free(log->seen);
	free(log);
	return failed;
}

void step_log_abort(struct step_log *log)
{
	if (!log)
		return;
	output_abort(log->output);
	free(log->seen);
	free(log);
}
