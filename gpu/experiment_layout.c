#include "experiment_layout.h"

#include "layout.h"
#include "report.h"

#include <inttypes.h>

const char *const experiment_layout_names[EXPERIMENT_ORDERS] = {"after", "before"};
const char *const experiment_layout_orders[EXPERIMENT_ORDERS] = {"manual,agent,question", "agent,manual,question"};

static bool is_change(const struct trace_request *request)
{
	return request->turn == 1;
}

/* Of the tokens in full blocks of the manual, the share that was hit. */
static double manual_hit(const struct experiment_layout *layout, enum experiment_layout_order order, uint32_t request,
			 enum experiment_side side)
{
	const struct experiment *e = &layout->experiments[order];
	const uint64_t block_tokens = e->trace->block_tokens;
	const uint64_t at = layout->manual_at[order][e->trace->requests[request].ordinal];
	const uint64_t from = (at + block_tokens - 1) / block_tokens * block_tokens;
	const uint64_t to = (at + layout->manual_tokens) / block_tokens * block_tokens;
	const uint64_t hit_tokens = smaller(e->requests[request].hit_tokens[side], to);
	ASSERT(to > from);
	return hit_tokens > from ? (double)(hit_tokens - from) / (double)(to - from) : 0;
}

/* The very first request finds an empty cache, whatever the order, and is in neither part. */
static struct experiment_layout_part judge(const struct experiment_layout *layout, enum experiment_layout_order order,
					   bool changes)
{
	const struct experiment *e = &layout->experiments[order];
	struct experiment_layout_part part = {.manual_hit_least = {1, 1}};
	for (uint32_t r = 1; r < e->trace->request_count; r++) {
		if (is_change(&e->trace->requests[r]) != changes)
			continue;
		part.requests++;
		for (enum experiment_side side = 0; side < EXPERIMENT_SIDES; side++) {
			const double hit = manual_hit(layout, order, r, side);
			part.manual_hit_rate[side] += hit;
			part.manual_hit_least[side] =
			    hit < part.manual_hit_least[side] ? hit : part.manual_hit_least[side];
			part.manual_hit_most[side] =
			    hit > part.manual_hit_most[side] ? hit : part.manual_hit_most[side];
			part.ttft_ms[side] += e->requests[r].ttft_ms[side];
		}
	}
	ASSERT(part.requests > 0);
	for (enum experiment_side side = 0; side < EXPERIMENT_SIDES; side++) {
		part.manual_hit_rate[side] /= part.requests;
		part.ttft_ms[side] /= part.requests;
	}
	return part;
}

/* What kvcast trace layout finds in the trace's file. */
static int look_at_pieces(struct experiment_layout *layout, enum experiment_layout_order order, struct err *err)
{
	const struct trace *trace = layout->experiments[order].trace;
	const struct trace_load_options load = {.block_tokens = trace->block_tokens};
	struct layout *pieces = layout_load(trace->name, &load, err);
	if (!pieces)
		return -1;
	size_t count;
	const struct layout_piece *list = layout_pieces(pieces, &count), *worst = NULL;
	layout->common_tokens[order] = layout_common_tokens(pieces);
	for (size_t i = 0; i < count && order == EXPERIMENT_BEFORE; i++) {
		layout->bust_count += list[i].lost_tokens > 0;
		layout->bust_requests += list[i].busts;
		layout->bust_tokens += list[i].lost_tokens;
		worst = list[i].lost_tokens > (worst ? worst->lost_tokens : 0) ? &list[i] : worst;
	}
	if (worst)
		snprintf(layout->bust, sizeof(layout->bust), "%s", worst->name);
	layout_free(pieces);
	return 0;
}

static void write_table(const void *context, FILE *to)
{
	const struct experiment_layout *layout = context;
	fputs("instructions,request,session,turn,class,change_of_agent,prompt_tokens,output_tokens,hit_tokens,manual_"
	      "hit_rate,ttft_ms,"
	      "e2e_ms,predicted_hit_tokens,predicted_manual_hit_rate,predicted_ttft_ms,predicted_e2e_ms\n",
	      to);
	for (enum experiment_layout_order order = 0; order < EXPERIMENT_ORDERS; order++) {
		const struct experiment *e = &layout->experiments[order];
		for (uint32_t r = 0; r < e->trace->request_count; r++) {
			const struct trace_request *request = &e->trace->requests[r];
			const struct experiment_request *row = &e->requests[r];
			fprintf(to, "%s,%u,%s,%u,%s,%d,%u,%u", experiment_layout_names[order], request->ordinal,
				e->trace->session_names[request->session], request->turn,
				e->trace->class_names[request->class_id], is_change(request), request->prompt_tokens,
				request->output_tokens);
			for (int side = EXPERIMENT_MEASURED; side >= EXPERIMENT_PREDICTED; side--)
				fprintf(to, ",%" PRIu64 ",%.6f,%.6f,%.6f", row->hit_tokens[side],
					manual_hit(layout, order, r, (enum experiment_side)side), row->ttft_ms[side],
					row->e2e_ms[side]);
			fputc('\n', to);
		}
	}
}

int experiment_layout_run(struct experiment_layout *layout, const struct experiment_device *device, struct err *err)
{
	layout->device = device->name;
	for (enum experiment_layout_order order = 0; order < EXPERIMENT_ORDERS; order++) {
		struct experiment *e = &layout->experiments[order];
		char prefix[32];
		snprintf(prefix, sizeof(prefix), "%s.", experiment_layout_names[order]);
		e->config.closed_loop = true;
		e->config.sessions = 1;
		if (look_at_pieces(layout, order, err) < 0 ||
		    experiment_run(e, device, layout->folder, prefix, err) < 0)
			return -1;
		layout->changes[order] = judge(layout, order, true);
		layout->others[order] = judge(layout, order, false);
	}
	for (enum experiment_layout_order order = 0; order < EXPERIMENT_ORDERS; order++) {
		if (experiment_commit(&layout->experiments[order], err) < 0)
			return -1;
	}
	if (experiment_write(layout->folder, "table.csv", write_table, layout, err) < 0 ||
	    experiment_write(layout->folder, "report.md", experiment_layout_report, layout, err) < 0)
		return -1;
	return 0;
}

static void print_part(const char *what, const struct experiment_layout_part *part, const char *order, FILE *to)
{
	fprintf(to, "| %s | %s | %u | %.2f | %.2f | %.2f | %.2f | %+.1f |\n", order, what, part->requests,
		100 * part->manual_hit_rate[EXPERIMENT_MEASURED], 100 * part->manual_hit_rate[EXPERIMENT_PREDICTED],
		part->ttft_ms[EXPERIMENT_MEASURED], part->ttft_ms[EXPERIMENT_PREDICTED],
		100 * experiment_error(part->ttft_ms[EXPERIMENT_PREDICTED], part->ttft_ms[EXPERIMENT_MEASURED]));
}

void experiment_layout_report(const void *context, FILE *to)
{
	const struct experiment_layout *layout = context;
	const struct experiment *first = &layout->experiments[EXPERIMENT_AFTER];
	char manual[32], tokens[2][32];
	fprintf(to,
		"# Where to put the instructions\n\n"
		"%u sessions, each another agent's, one request at a time, about a manual of %s tokens: once with the "
		"agent's "
		"instructions after the manual, once before it.\n\n"
		"Measured on %s with %s: `%s`  \nForecast: %s; for each order",
		first->trace->session_count, report_count(layout->manual_tokens, manual, sizeof(manual)),
		layout->device, layout->model, layout->command, layout->forecast);
	for (enum experiment_layout_order order = 0; order < EXPERIMENT_ORDERS; order++) {
		fprintf(to, "%s `kvcast run %s --model %s --calib %s ", order ? " and" : "",
			layout->experiments[order].trace->name, layout->model, layout->calibration);
		experiment_print_options(&layout->experiments[order].config, to);
		fputc('`', to);
	}
	fputs(
	    "\n\n| instructions | request | requests | manual hit % | forecast | mean TTFT ms | forecast | error % |\n"
	    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
	    to);
	for (enum experiment_layout_order order = 0; order < EXPERIMENT_ORDERS; order++) {
		print_part("change of agent", &layout->changes[order], experiment_layout_names[order], to);
		print_part("same agent again", &layout->others[order], experiment_layout_names[order], to);
	}
	fprintf(to,
		"\nThe first request of all finds an empty cache and is in no row. On a change of agent the first "
		"token takes %.1f "
		"times as long with the instructions before the manual (predicted %.1f).\n\n",
		layout->changes[EXPERIMENT_BEFORE].ttft_ms[1] / layout->changes[EXPERIMENT_AFTER].ttft_ms[1],
		layout->changes[EXPERIMENT_BEFORE].ttft_ms[0] / layout->changes[EXPERIMENT_AFTER].ttft_ms[0]);
	fprintf(
	    to,
	    "What `kvcast trace layout %s` says without a GPU: all prompts begin with the same %s tokens (%s with the "
	    "instructions after the manual). ",
	    layout->experiments[EXPERIMENT_BEFORE].trace->name,
	    report_count(layout->common_tokens[EXPERIMENT_BEFORE], tokens[0], sizeof(tokens[0])),
	    report_count(layout->common_tokens[EXPERIMENT_AFTER], tokens[1], sizeof(tokens[1])));
	if (layout->bust[0])
		fprintf(to,
			"At %zu pieces, the first of them `%s`, the prefixes of %u requests end although known pieces "
			"follow: %s "
			"tokens lost.\n",
			layout->bust_count, layout->bust, layout->bust_requests,
			report_count(layout->bust_tokens, tokens[0], sizeof(tokens[0])));
	else
		fputs("No piece keeps a known one behind it from being hit.\n", to);
}

int experiment_layout_check(const struct experiment_layout *layout, struct err *err)
{
	const double least = layout->changes[EXPERIMENT_AFTER].manual_hit_least[EXPERIMENT_MEASURED];
	const double most = layout->changes[EXPERIMENT_BEFORE].manual_hit_most[EXPERIMENT_MEASURED];
	if (!(least >= EXPERIMENT_LAYOUT_LEAST))
		return err_set(err,
			       "with the instructions after the manual a change of agent hit %.2f %% of it; expected "
			       "at least %.1f %%.",
			       100 * least, 100 * EXPERIMENT_LAYOUT_LEAST);
	if (most > EXPERIMENT_LAYOUT_MOST)
		return err_set(
		    err, "with the instructions before the manual a change of agent hit %.2f %% of it; expected none.",
		    100 * most);
	return 0;
}
