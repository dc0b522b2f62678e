#include "engine_log.h"

#include "output.h"

#include <inttypes.h>
#include <stdlib.h>

struct engine_log {
	struct output *output;
	int64_t replica; /* -1: there is but one */
};

struct engine_log *engine_log_open(const char *path, struct err *err)
{
	struct output *output = output_open(path, err);
	if (!output)
		return NULL;
	struct engine_log *log = mem_alloc(1, sizeof(*log));
	*log = (struct engine_log){output, -1};
	return log;
}

static void put_time(struct engine_log *log, const char *name, int64_t ns)
{
	output_printf(log->output, "\"%s\": %" PRId64 ".%06" PRId64, name, ns / NS_PER_MS, ns % NS_PER_MS);
}

static void end_line(struct engine_log *log)
{
	if (log->replica >= 0)
		output_printf(log->output, ", \"replica\": %" PRId64, log->replica);
	output_printf(log->output, "}\n");
}

void engine_log_replica(struct engine_log *log, uint32_t replica)
{
	if (log)
		log->replica = replica;
}

void engine_log_event(struct engine_log *log, int64_t now_ns, const char *event, int64_t request, uint64_t tokens,
                      int64_t took_ns)
{
	if (!log)
		return;
	output_printf(log->output, "{");
	put_time(log, "ms", now_ns);
	output_printf(log->output, ", \"event\": \"%s\", \"request\": %" PRId64 ", \"tokens\": %" PRIu64 ", ", event, request, tokens);
	put_time(log, "took_ms", took_ns);
	end_line(log);
}

static void put_steps(struct engine_log *log, int64_t now_ns, const char *event, uint32_t sequences, uint64_t steps,
                      uint64_t tokens, int64_t took_ns)
{
	if (!log)
		return;
	output_printf(log->output, "{");
	put_time(log, "ms", now_ns);
	output_printf(log->output, ", \"event\": \"%s\", \"sequences\": %u, \"steps\": %" PRIu64 ", \"tokens\": %" PRIu64 ", ",
	              event, sequences, steps, tokens);
	put_time(log, "took_ms", took_ns);
	end_line(log);
}

void engine_log_step(struct engine_log *log, int64_t now_ns, uint32_t sequences, uint64_t steps, uint64_t tokens,
                     int64_t took_ns)
{
	put_steps(log, now_ns, "step", sequences, steps, tokens, took_ns);
}

void engine_log_cut(struct engine_log *log, int64_t now_ns, uint32_t sequences, uint64_t steps, uint64_t tokens,
                    int64_t took_ns)
{
	put_steps(log, now_ns, "cut", sequences, steps, tokens, took_ns);
}

void engine_log_blocks(struct engine_log *log, int64_t now_ns, const char *event, const char *tier, uint32_t block,
                       uint32_t count)
{
	if (!log)
		return;
	output_printf(log->output, "{");
	put_time(log, "ms", now_ns);
	output_printf(log->output, ", \"event\": \"%s\", \"tier\": \"%s\", \"block\": %u, \"count\": %u", event, tier, block,
	              count);
	end_line(log);
}

int engine_log_commit(struct engine_log *log, struct err *err)
{
	if (!log)
		return 0;
	const int failed = output_commit(log->output, err);
	free(log);
	return failed;
}

void engine_log_abort(struct engine_log *log)
{
	if (log)
		output_abort(log->output);
	free(log);
}
