#include "experiment_repeat.h"

#include "report.h"

#include <inttypes.h>

static double prefix_hit(const struct experiment_repeat *repeat, uint32_t request, enum experiment_side side)
{
	const uint64_t hit_tokens = repeat->experiment.requests[request].hit_tokens[side];
	return (double)smaller(hit_tokens, repeat->prefix_tokens) / (double)repeat->prefix_tokens;
}

static void judge(struct experiment_repeat *repeat, enum experiment_side side)
{
	const struct experiment *e = &repeat->experiment;
	double ttft_ms = 0, hit = 0, least_ms = 0, most_ms = 0, hit_least = 1;
	for (uint32_t r = 0; r < e->trace->request_count; r++) {
		const double ms = e->requests[r].ttft_ms[side], share = prefix_hit(repeat, r, side);
		if (r == repeat->first)
			continue;
		least_ms = ttft_ms == 0 || ms < least_ms ? ms : least_ms;
		most_ms = ms > most_ms ? ms : most_ms;
		hit_least = share < hit_least ? share : hit_least;
		ttft_ms += ms;
		hit += share;
	}
	repeat->cold_ttft_ms[side] = e->requests[repeat->first].ttft_ms[side];
	repeat->repeat_ttft_ms[side] = ttft_ms / repeat->repeats;
	repeat->repeat_least_ms[side] = least_ms;
	repeat->repeat_most_ms[side] = most_ms;
	repeat->reduction[side] = 1 - repeat->repeat_ttft_ms[side] / repeat->cold_ttft_ms[side];
	repeat->prefix_hit_rate[side] = hit / repeat->repeats;
	repeat->prefix_hit_least[side] = hit_least;
}

static void write_table(const void *context, FILE *to)
{
	const struct experiment_repeat *repeat = context;
	const struct experiment *e = &repeat->experiment;
	fputs(
	    "request,session,class,kind,prompt_tokens,output_tokens,hit_tokens,hit_rate,static_hit_rate,ttft_ms,e2e_ms,"
	    "predicted_hit_tokens,predicted_hit_rate,predicted_static_hit_rate,predicted_ttft_ms,predicted_e2e_ms\n",
	    to);
	for (uint32_t r = 0; r < e->trace->request_count; r++) {
		const struct trace_request *request = &e->trace->requests[r];
		const struct experiment_request *row = &e->requests[r];
		fprintf(to, "%u,%s,%s,%s,%u,%u", request->ordinal, e->trace->session_names[request->session],
			e->trace->class_names[request->class_id], r == repeat->first ? "cold" : "repeat",
			request->prompt_tokens, request->output_tokens);
		for (int side = EXPERIMENT_MEASURED; side >= EXPERIMENT_PREDICTED; side--)
			fprintf(to, ",%" PRIu64 ",%.6f,%.6f,%.6f,%.6f", row->hit_tokens[side],
				(double)row->hit_tokens[side] / request->prompt_tokens,
				prefix_hit(repeat, r, (enum experiment_side)side), row->ttft_ms[side],
				row->e2e_ms[side]);
		fputc('\n', to);
	}
}

int experiment_repeat_run(struct experiment_repeat *repeat, const struct experiment_device *device, struct err *err)
{
	struct experiment *e = &repeat->experiment;
	repeat->prefix_tokens = repeat->manual_tokens / e->trace->block_tokens * e->trace->block_tokens;
	repeat->first = 0;
	repeat->repeats = e->trace->request_count - 1;
	repeat->device = device->name;
	ASSERT(repeat->repeats > 0 && repeat->prefix_tokens > 0);
	e->config.closed_loop = true;
	e->config.sessions = 1;
	if (experiment_run(e, device, repeat->folder, "", err) < 0)
		return -1;
	for (enum experiment_side side = 0; side < EXPERIMENT_SIDES; side++)
		judge(repeat, side);
	if (experiment_commit(e, err) < 0 ||
	    experiment_write(repeat->folder, "table.csv", write_table, repeat, err) < 0 ||
	    experiment_write(repeat->folder, "report.md", experiment_repeat_report, repeat, err) < 0)
		return -1;
	return 0;
}

static void print_row(const char *what, const double predicted, double measured, const char *unit, FILE *to)
{
	fprintf(to, "| %s | %.2f%s | %.2f%s | %+.1f %% |\n", what, predicted, unit, measured, unit,
		100 * experiment_error(predicted, measured));
}

static void print_requests(const struct experiment_repeat *repeat, FILE *to)
{
	const struct experiment *e = &repeat->experiment;
	fputs("| request | agent | prompt tokens | TTFT ms | forecast | hit % | forecast | manual hit % |\n"
	      "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
	      to);
	for (uint32_t r = 0; r < e->trace->request_count; r++) {
		const struct trace_request *request = &e->trace->requests[r];
		const struct experiment_request *row = &e->requests[r];
		char tokens[32];
		fprintf(to, "| %u | %s | %s | %.2f | %.2f | %.2f | %.2f | %.2f |\n", request->ordinal + 1,
			e->trace->class_names[request->class_id],
			report_count(request->prompt_tokens, tokens, sizeof(tokens)), row->ttft_ms[EXPERIMENT_MEASURED],
			row->ttft_ms[EXPERIMENT_PREDICTED],
			100.0 * (double)row->hit_tokens[EXPERIMENT_MEASURED] / request->prompt_tokens,
			100.0 * (double)row->hit_tokens[EXPERIMENT_PREDICTED] / request->prompt_tokens,
			100 * prefix_hit(repeat, r, EXPERIMENT_MEASURED));
	}
}

void experiment_repeat_report(const void *context, FILE *to)
{
	const struct experiment_repeat *repeat = context;
	const struct experiment *e = &repeat->experiment;
	const struct experiment_sum *predicted = &e->sums[EXPERIMENT_PREDICTED],
				    *measured = &e->sums[EXPERIMENT_MEASURED];
	char manual[32], prefix[32];
	fprintf(
	    to,
	    "# Cold versus repeat\n\n"
	    "%" PRIu64
	    " requests, one at a time: each is a manual of %s tokens, then an agent's role, then a question. The first "
	    "finds an empty cache, the %u others find the manual's %s tokens in full blocks of %u.\n\n"
	    "Measured on %s with %s: `%s`  \nForecast: %s: `kvcast run %s --model %s --calib %s ",
	    measured->requests, report_count(repeat->manual_tokens, manual, sizeof(manual)), repeat->repeats,
	    report_count(repeat->prefix_tokens, prefix, sizeof(prefix)), e->trace->block_tokens, repeat->device,
	    repeat->model, repeat->command, repeat->forecast, e->trace->name, repeat->model, repeat->calibration);
	experiment_print_options(&e->config, to);
	fputs("`\n\n| | predicted | measured | error |\n| --- | ---: | ---: | ---: |\n", to);
	print_row("cold TTFT", repeat->cold_ttft_ms[0], repeat->cold_ttft_ms[1], " ms", to);
	print_row("mean TTFT of a repeat", repeat->repeat_ttft_ms[0], repeat->repeat_ttft_ms[1], " ms", to);
	print_row("TTFT reduction", 100 * repeat->reduction[0], 100 * repeat->reduction[1], " %", to);
	print_row("manual's hit rate on repeats", 100 * repeat->prefix_hit_rate[0], 100 * repeat->prefix_hit_rate[1],
		  " %", to);
	print_row("hit rate of all prompt tokens", 100 * experiment_hit_rate(predicted),
		  100 * experiment_hit_rate(measured), " %", to);
	print_row("total generation time", predicted->span_s, measured->span_s, " s", to);
	fprintf(to,
		"\nRepeats took from %.2f to %.2f ms to their first token (predicted %.2f to %.2f); a cold start takes "
		"%.1f times "
		"as long as the mean of them.\n\n",
		repeat->repeat_least_ms[1], repeat->repeat_most_ms[1], repeat->repeat_least_ms[0],
		repeat->repeat_most_ms[0], repeat->cold_ttft_ms[1] / repeat->repeat_ttft_ms[1]);
	print_requests(repeat, to);
}

int experiment_repeat_check(const struct experiment_repeat *repeat, struct err *err)
{
	if (repeat->prefix_hit_least[EXPERIMENT_MEASURED] < 1)
		return err_set(err,
			       "a repeat hit %.2f %% of the manual's %" PRIu64
			       " tokens in full blocks; expected all of them.",
			       100 * repeat->prefix_hit_least[EXPERIMENT_MEASURED], repeat->prefix_tokens);
	if (!(repeat->reduction[EXPERIMENT_MEASURED] >= EXPERIMENT_REPEAT_LEAST))
		return err_set(err,
			       "repeats waited %.2f ms for their first token and the cold request %.2f ms, %.1f %% "
			       "less; expected at "
			       "least %.0f %% less.",
			       repeat->repeat_ttft_ms[EXPERIMENT_MEASURED], repeat->cold_ttft_ms[EXPERIMENT_MEASURED],
			       100 * repeat->reduction[EXPERIMENT_MEASURED], 100 * EXPERIMENT_REPEAT_LEAST);
	return 0;
}
