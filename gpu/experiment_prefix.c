#include "experiment_prefix.h"

#include "builder.h"
#include "experiment_manual.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* Whether request `number` has the shared prefix: the first does, and of any first n ceil(n x reuse). */
static bool shares(const struct experiment_prefix_point *point, uint32_t number)
{
	const double before = ceil(number * point->reuse - 1e-9), after = ceil((number + 1) * point->reuse - 1e-9);
	return after > before;
}

static struct trace *make_trace(const struct experiment_prefix_point *point, const struct experiment_prefix_grid *grid,
				uint32_t requests, const char *path, struct err *err)
{
	const struct builder_options options = {.name = path, .block_tokens = EXPERIMENT_BLOCK_TOKENS, .chained = true};
	struct builder *builder = builder_new(&options);
	int failed = 0;
	for (uint32_t r = 0; r < requests && !failed; r++) {
		const struct trace_request request = {.think_ns = -1, .turn = 1, .output_tokens = grid->answer_tokens};
		const bool shared = shares(point, r);
		char session[24];
		snprintf(session, sizeof(session), "s%u", r + 1);
		failed = builder_begin(builder, &request, session, shared ? "shared" : "own", NULL, err) < 0 ||
			 builder_path_segment(builder, shared ? "prefix" : NULL, point->prefix_tokens, err) < 0 ||
			 builder_path_segment(builder, NULL, grid->question_tokens, err) < 0 ||
			 builder_commit(builder, err) < 0;
	}
	if (failed) {
		builder_free(builder);
		return NULL;
	}
	return builder_finish(builder, err);
}

static int add_point(struct experiment_prefix *prefix, const struct run_config *config, uint32_t prefix_tokens,
		     uint32_t concurrency, bool cached, double reuse, struct err *err)
{
	struct experiment_prefix_point *point = &prefix->points[prefix->point_count];
	char file[96];
	*point = (struct experiment_prefix_point){.prefix_tokens = prefix_tokens,
						  .concurrency = concurrency,
						  .cached = cached,
						  .reuse = cached ? reuse : 0,
						  .warmups = concurrency};
	if (cached)
		snprintf(point->name, sizeof(point->name), "cache_on_reuse_%g-%u-%u", reuse, prefix_tokens,
			 concurrency);
	else
		snprintf(point->name, sizeof(point->name), "cache_off-%u-%u", prefix_tokens, concurrency);
	snprintf(file, sizeof(file), "traces/%s.jsonl.gz", point->name);
	const uint32_t counted = 3 * concurrency > EXPERIMENT_PREFIX_LEAST ? 3 * concurrency : EXPERIMENT_PREFIX_LEAST;
	char *path = experiment_path(prefix->folder, file);
	point->trace = make_trace(point, &prefix->grid, counted + concurrency, path, err);
	free(path);
	if (!point->trace)
		return -1;
	prefix->point_count++;
	point->experiment.trace = point->trace;
	point->experiment.config = *config;
	point->experiment.config.closed_loop = true;
	point->experiment.config.sessions = concurrency;
	/* Half a request more, so that rounding cannot make it one less. */
	point->experiment.config.warmup = (concurrency + 0.5) / (counted + concurrency);
	return 0;
}

int experiment_prefix_open(struct experiment_prefix *prefix, const struct experiment_prefix_grid *grid,
			   const struct run_config *config, const char *folder, struct err *err)
{
	const size_t most = (size_t)grid->length_count * grid->concurrency_count * (grid->reuse_count + 1);
	*prefix = (struct experiment_prefix){.grid = *grid,
					     .folder = folder,
					     .kv_bytes_per_token = config->kv_bytes_per_token,
					     .capacity_blocks = (double)config->capacity_blocks,
					     .points = mem_alloc(most, sizeof(*prefix->points))};
	for (uint32_t c = 0; c < grid->concurrency_count; c++) {
		for (uint32_t l = 0; l < grid->length_count; l++) {
			const uint32_t length = grid->lengths[l], concurrency = grid->concurrencies[c];
			if (grid->cache_off && add_point(prefix, config, length, concurrency, false, 0, err) < 0)
				return -1;
			for (uint32_t r = 0; grid->cache_on && r < grid->reuse_count; r++) {
				if (add_point(prefix, config, length, concurrency, true, grid->reuses[r], err) < 0)
					return -1;
			}
		}
	}
	return 0;
}

void experiment_prefix_free(struct experiment_prefix *prefix)
{
	for (size_t i = 0; i < prefix->point_count; i++) {
		experiment_free(&prefix->points[i].experiment);
		trace_free(prefix->points[i].trace);
	}
	free(prefix->points);
	*prefix = (struct experiment_prefix){.points = NULL};
}

const struct experiment_prefix_point *experiment_prefix_find(const struct experiment_prefix *prefix,
							     uint32_t prefix_tokens, uint32_t concurrency, bool cached,
							     double reuse)
{
	for (size_t i = 0; i < prefix->point_count; i++) {
		const struct experiment_prefix_point *point = &prefix->points[i];
		if (point->prefix_tokens == prefix_tokens && point->concurrency == concurrency &&
		    point->cached == cached && (!cached || !(fabs(point->reuse - reuse) > 0)))
			return point;
	}
	return NULL;
}

static void print_mode(const struct experiment_prefix_point *point, FILE *to)
{
	if (point->cached)
		fprintf(to, "cache_on_reuse_%g", point->reuse);
	else
		fputs("cache_off", to);
}

void experiment_prefix_table(const void *context, FILE *to)
{
	const struct experiment_prefix *prefix = context;
	fputs("mode,prefix_len_tokens,concurrency,mean_ttft_s,mean_e2e_s,p95_e2e_s,tok_s,notes,predicted_mean_ttft_s,"
	      "predicted_mean_e2e_s,predicted_p95_e2e_s,predicted_tok_s\n",
	      to);
	for (size_t i = 0; i < prefix->point_count; i++) {
		const struct experiment_prefix_point *point = &prefix->points[i];
		const struct experiment_sum *measured = &point->experiment.sums[EXPERIMENT_MEASURED];
		const struct experiment_sum *predicted = &point->experiment.sums[EXPERIMENT_PREDICTED];
		print_mode(point, to);
		fprintf(to, ",%u,%u,%.6f,%.6f,%.6f,%.3f,", point->prefix_tokens, point->concurrency,
			measured->mean_ttft_s, measured->mean_e2e_s, measured->p95_e2e_s, measured->tok_s);
		fprintf(to, "%s; %" PRIu64 " requests after %u; tokens hit %.2f %% (predicted %.2f %%)",
			point->concurrency == 1 ? "sequential" : "concurrent", measured->requests, point->warmups,
			100 * experiment_hit_rate(measured), 100 * experiment_hit_rate(predicted));
		fprintf(to, ",%.6f,%.6f,%.6f,%.3f\n", predicted->mean_ttft_s, predicted->mean_e2e_s,
			predicted->p95_e2e_s, predicted->tok_s);
	}
}

/* One counted request of a point, as a row or as an object. */
static void write_request(const struct experiment_prefix_point *point, uint32_t r, bool json, FILE *to)
{
	const struct trace_request *request = &point->trace->requests[r];
	const struct experiment_request *row = &point->experiment.requests[r];
	fputs(json ? "{\"mode\":\"" : "", to);
	print_mode(point, to);
	fprintf(to,
		json ? "\",\"prefix_len_tokens\":%u,\"concurrency\":%u,\"request\":%u,\"shares_prefix\":%s,\"prompt_"
		       "tokens\":%u,"
		       "\"completion_tokens\":%u"
		     : ",%u,%u,%u,%s,%u,%u",
		point->prefix_tokens, point->concurrency, request->ordinal,
		shares(point, r) ? (json ? "true" : "1") : (json ? "false" : "0"), request->prompt_tokens,
		request->output_tokens);
	for (int side = EXPERIMENT_MEASURED; side >= EXPERIMENT_PREDICTED; side--) {
		const char *const as = side == EXPERIMENT_PREDICTED ? "predicted_" : "";
		if (json)
			fprintf(to, ",\"%shit_tokens\":%" PRIu64 ",\"%sttft_s\":%.9f,\"%se2e_s\":%.9f", as,
				row->hit_tokens[side], as, row->ttft_ms[side] / 1e3, as, row->e2e_ms[side] / 1e3);
		else
			fprintf(to, ",%" PRIu64 ",%.9f,%.9f", row->hit_tokens[side], row->ttft_ms[side] / 1e3,
				row->e2e_ms[side] / 1e3);
	}
	fputs(json ? "}" : "\n", to);
}

static void write_requests(const struct experiment_prefix *prefix, bool json, FILE *to)
{
	bool first = true;
	for (size_t i = 0; i < prefix->point_count; i++) {
		const struct experiment_prefix_point *point = &prefix->points[i];
		for (uint32_t r = 0; r < point->trace->request_count; r++) {
			if (!point->experiment.requests[r].counts[EXPERIMENT_MEASURED])
				continue;
			if (json)
				fputs(first ? "[" : ",\n", to);
			write_request(point, r, json, to);
			first = false;
		}
	}
	fputs(json ? "]\n" : "", to);
}

static void write_csv(const void *context, FILE *to)
{
	fputs("mode,prefix_len_tokens,concurrency,request,shares_prefix,prompt_tokens,completion_tokens,hit_tokens,"
	      "ttft_s,e2e_s,"
	      "predicted_hit_tokens,predicted_ttft_s,predicted_e2e_s\n",
	      to);
	write_requests(context, false, to);
}

static void write_json(const void *context, FILE *to)
{
	write_requests(context, true, to);
}

int experiment_prefix_run(struct experiment_prefix *prefix, const struct experiment_device *device,
			  void (*tell)(const struct experiment_prefix_point *point), struct err *err)
{
	prefix->device = device->name;
	for (size_t i = 0; i < prefix->point_count; i++) {
		if (experiment_run(&prefix->points[i].experiment, device, NULL, "", err) < 0)
			return -1;
		if (tell)
			tell(&prefix->points[i]);
	}
	for (size_t i = 0; i < prefix->point_count; i++) {
		if (trace_write_jsonl(prefix->points[i].trace, prefix->points[i].trace->name, err) < 0)
			return -1;
	}
	if (experiment_write(prefix->folder, "table.csv", experiment_prefix_table, prefix, err) < 0 ||
	    experiment_write(prefix->folder, "requests.csv", write_csv, prefix, err) < 0 ||
	    experiment_write(prefix->folder, "requests.json", write_json, prefix, err) < 0 ||
	    experiment_write(prefix->folder, "report.md", experiment_prefix_report, prefix, err) < 0)
		return -1;
	return 0;
}

int experiment_prefix_check(const struct experiment_prefix *prefix, struct err *err)
{
	for (size_t i = 0; i < prefix->point_count; i++) {
		const struct experiment_prefix_point *point = &prefix->points[i];
		const uint64_t whole = point->prefix_tokens / point->trace->block_tokens * point->trace->block_tokens;
		for (uint32_t r = 0; r < point->trace->request_count; r++) {
			const struct experiment_request *row = &point->experiment.requests[r];
			const uint64_t expected = point->cached && shares(point, r) ? whole : 0,
				       hit = row->hit_tokens[EXPERIMENT_MEASURED];
			if (row->counts[EXPERIMENT_MEASURED] && hit != expected)
				return err_set(err, "%s: request %u hit %" PRIu64 " tokens; expected %" PRIu64 ".",
					       point->name, r + 1, hit, expected);
		}
	}
	return 0;
}
