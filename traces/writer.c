/* writer.c - traces as native JSONL (reader_jsonl.h). */
#include "output.h"
#include "trace.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

/* Lines refer to names by index; each is turned into JSON once. NULL where it cannot be: bytes that are not UTF-8. */
static char **writer_quote(const char *const *names, uint32_t count)
{
	char **quoted = mem_alloc(count, sizeof(*quoted));
	for (uint32_t i = 0; i < count; i++) {
		json_t *string = json_string(names[i]);
		quoted[i] = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
		json_decref(string);
	}
	return quoted;
}

static void writer_unquote(char **quoted, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		free(quoted[i]);
	free(quoted);
}

static int writer_check_names(char *const *quoted, uint32_t count, const char *what, const char *path, struct err *err)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!quoted[i])
			return err_set(err,
				       "%s cannot be written: the name of %s %" PRIu32
				       " is not UTF-8, which JSON needs; "
				       "the compiled form can hold it.",
				       path, what, i);
	}
	return 0;
}

/* `time_ns` in units of 10^digits ns, exactly: 46927000 with 6 digits is 46.927. */
static void writer_time(struct output *output, const char *key, int64_t time_ns, int digits)
{
	int64_t unit = 1;
	for (int i = 0; i < digits; i++)
		unit *= 10;
	output_printf(output, "\"%s\":%" PRId64, key, time_ns / unit);
	int64_t fraction = time_ns % unit;
	if (fraction == 0)
		return;
	while (fraction % 10 == 0) {
		fraction /= 10;
		digits--;
	}
	output_printf(output, ".%0*" PRId64, digits, fraction);
}

static void writer_runs(struct output *output, const char *key, const struct trace_run *runs, uint32_t count)
{
	output_printf(output, ",\"%s\":[", key);
	for (uint32_t i = 0; i < count; i++)
		output_printf(output, "%s[%" PRIu32 ",%" PRIu32 "]", i ? "," : "", runs[i].first, runs[i].count);
	output_printf(output, "]");
}

static void writer_real(struct output *output, const char *key, double value)
{
	if (isfinite(value))
		output_printf(output, ",\"%s\":%.17g", key, value);
}

static void writer_hints(struct output *output, const struct trace_hints *hints, char *const *classes)
{
	writer_real(output, "cost", hints->cost);
	writer_real(output, "expected_reuse", hints->expected_reuse);
	writer_real(output, "perplexity", hints->perplexity);
	writer_real(output, "time_variance", hints->time_variance);
	if (hints->priority != INT32_MIN)
		output_printf(output, ",\"priority\":%" PRId32, hints->priority);
	if (hints->prefix_tokens != UINT32_MAX)
		output_printf(output, ",\"prefix_len_tokens\":%" PRIu32, hints->prefix_tokens);
	if (hints->workload != TRACE_NO_CLASS)
		output_printf(output, ",\"workload\":%s", classes[hints->workload]);
}

static void writer_request(struct output *output, const struct trace *trace, const struct trace_request *request,
			   char *const *sessions, char *const *classes)
{
	output_printf(output, "{");
	writer_time(output, "timestamp", request->arrival_ns, 6);
	output_printf(output, ",\"input_length\":%" PRIu32 ",\"output_length\":%" PRIu32, request->prompt_tokens,
		      request->output_tokens);
	if (request->session != TRACE_NO_SESSION)
		output_printf(output, ",\"session_id\":%s", sessions[request->session]);
	if (request->session != TRACE_NO_SESSION || request->turn != 1)
		output_printf(output, ",\"turn\":%" PRIu32, request->turn);
	if (request->think_ns >= 0) {
		output_printf(output, ",");
		writer_time(output, "think_time", request->think_ns, 9);
	}
	if (request->class_id != TRACE_NO_CLASS)
		output_printf(output, ",\"class\":%s", classes[request->class_id]);
	if (request->hints != UINT32_MAX)
		writer_hints(output, &trace->hints[request->hints], classes);
	uint32_t full = request->prompt_tokens / trace->block_tokens;
	if (trace->tail_listed && request->block_count == full && request->prompt_tokens % trace->block_tokens)
		output_printf(output, ",\"tail_listed\":false");
	writer_runs(output, "hash_runs", trace->runs + request->run_first, request->run_count);
	if (request->answer_run_count)
		writer_runs(output, "output_hash_runs", trace->runs + request->answer_run_first,
			    request->answer_run_count);
	output_printf(output, "}\n");
}

static void writer_trace(struct output *output, const struct trace *trace, char *const *sessions, char *const *classes)
{
	const struct trace_request **by_ordinal = mem_alloc(trace->request_count, sizeof(*by_ordinal));
	for (uint32_t i = 0; i < trace->request_count; i++)
		by_ordinal[trace->requests[i].ordinal] = &trace->requests[i];
	output_printf(output, "{\"kvcast\":1,\"block_tokens\":%" PRIu32 ",\"blocks\":\"%s\"}\n", trace->block_tokens,
		      trace->tail_listed ? "ceil" : "full");
	for (uint32_t i = 0; i < trace->request_count; i++)
		writer_request(output, trace, by_ordinal[i], sessions, classes);
	free(by_ordinal);
}

int trace_write_jsonl(const struct trace *trace, const char *path, struct err *err)
{
	int status = -1;
	char **sessions = writer_quote(trace->session_names, trace->session_count);
	char **classes = writer_quote(trace->class_names, trace->class_count);
	if (writer_check_names(sessions, trace->session_count, "session", path, err) == 0 &&
	    writer_check_names(classes, trace->class_count, "class", path, err) == 0) {
		struct output *output = output_open(path, err);
		if (output) {
			writer_trace(output, trace, sessions, classes);
			status = output_commit(output, err);
		}
	}
	writer_unquote(sessions, trace->session_count);
	writer_unquote(classes, trace->class_count);
	return status;
}
