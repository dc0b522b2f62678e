#include "experiment.h"

#include "simulate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *const experiment_side_names[EXPERIMENT_SIDES] = {"predicted", "measured"};

/* Where one side's outcomes go. */
struct collector {
	struct experiment *experiment;
	enum experiment_side side;
};

static void on_request(void *context, const struct trace_request *request, int64_t arrival_ns,
		       const struct request_outcome *outcome)
{
	const struct collector *to = context;
	struct experiment *experiment = to->experiment;
	struct experiment_request *row = &experiment->requests[request - experiment->trace->requests];
	row->counts[to->side] = true;
	row->hit_tokens[to->side] = outcome->ledger.hit_tokens;
	row->ttft_ms[to->side] = (double)outcome->ttft_ns / (double)NS_PER_MS;
	row->e2e_ms[to->side] = (double)outcome->e2e_ns / (double)NS_PER_MS;
	if (experiment->csvs[to->side])
		requests_csv_row(experiment->csvs[to->side], request, arrival_ns, outcome);
}

char *experiment_path(const char *folder, const char *name)
{
	const size_t size = strlen(folder) + strlen(name) + 2;
	char *path = mem_alloc(size, 1);
	snprintf(path, size, "%s/%s", folder, name);
	return path;
}

static int open_csv(struct experiment *experiment, enum experiment_side side, const char *folder, const char *prefix,
		    struct err *err)
{
	char name[128];
	snprintf(name, sizeof(name), "%s%s.csv", prefix, experiment_side_names[side]);
	char *path = experiment_path(folder, name);
	experiment->csvs[side] = requests_csv_open(path, experiment->trace, &experiment->sides[side], err);
	free(path);
	return experiment->csvs[side] ? 0 : -1;
}

static void add_up(struct experiment *experiment, enum experiment_side side, const struct run_result *result)
{
	struct experiment_sum sum = {.span_s = result->span_s, .mean_resident_blocks = result->mean_resident_blocks};
	double *e2e_ms = mem_alloc(experiment->trace->request_count, sizeof(*e2e_ms));
	double ttft_ms = 0;
	for (uint32_t r = 0; r < experiment->trace->request_count; r++) {
		const struct trace_request *request = &experiment->trace->requests[r];
		const struct experiment_request *row = &experiment->requests[r];
		if (!row->counts[side])
			continue;
		e2e_ms[sum.requests++] = row->e2e_ms[side];
		ttft_ms += row->ttft_ms[side];
		sum.prompt_tokens += request->prompt_tokens;
		sum.output_tokens += request->output_tokens;
		sum.hit_tokens += row->hit_tokens[side];
	}
	const struct distribution e2e = metrics_distribution(e2e_ms, sum.requests);
	sum.mean_ttft_s = sum.requests ? ttft_ms / (double)sum.requests / 1e3 : 0;
	sum.mean_e2e_s = e2e.mean / 1e3;
	sum.p95_e2e_s = e2e.p95 / 1e3;
	sum.tok_s = sum.span_s > 0 ? (double)sum.output_tokens / sum.span_s : 0;
	experiment->sums[side] = sum;
	free(e2e_ms);
}

static int run_side(struct experiment *experiment, enum experiment_side side, const struct experiment_device *device,
		    struct err *err)
{
	struct run_result result;
	struct collector collector = {experiment, side};
	struct run_config *config = &experiment->sides[side];
	config->on_request = on_request;
	config->on_request_context = &collector;
	const int failed = side == EXPERIMENT_PREDICTED
			       ? simulate_run(experiment->trace, config, &result, err)
			       : device->measure(device->context, experiment->trace, config, &result, err);
	if (failed)
		return -1;
	add_up(experiment, side, &result);
	const uint64_t rejected = result.rejected_requests;
	simulate_free(&result);
	if (rejected)
		return err_set(
		    err,
		    "--capacity: of the %u requests of %s %" PRIu64 " do not fit %" PRIu64 " blocks; expected room for "
		    "each.",
		    experiment->trace->request_count, experiment->trace->name, rejected, config->capacity_blocks);
	return 0;
}

int experiment_run(struct experiment *experiment, const struct experiment_device *device, const char *folder,
		   const char *prefix, struct err *err)
{
	experiment->requests = mem_alloc(experiment->trace->request_count, sizeof(*experiment->requests));
	for (enum experiment_side side = 0; side < EXPERIMENT_SIDES; side++) {
		experiment->sides[side] = experiment->config;
		experiment->sides[side].measured = side == EXPERIMENT_MEASURED;
		if ((folder && open_csv(experiment, side, folder, prefix, err) < 0) ||
		    run_side(experiment, side, device, err) < 0) {
			experiment_free(experiment);
			return -1;
		}
	}
	for (uint32_t r = 0; r < experiment->trace->request_count; r++)
		ASSERT(experiment->requests[r].counts[0] == experiment->requests[r].counts[1]);
	return 0;
}

int experiment_commit(struct experiment *experiment, struct err *err)
{
	struct err later;
	int failed = 0;
	for (enum experiment_side side = 0; side < EXPERIMENT_SIDES; side++) {
		failed |= requests_csv_commit(experiment->csvs[side], failed ? &later : err);
		experiment->csvs[side] = NULL;
	}
	return failed;
}

void experiment_free(struct experiment *experiment)
{
	for (enum experiment_side side = 0; side < EXPERIMENT_SIDES; side++) {
		requests_csv_abort(experiment->csvs[side]);
		experiment->csvs[side] = NULL;
	}
	free(experiment->requests);
	experiment->requests = NULL;
}

double experiment_hit_rate(const struct experiment_sum *sum)
{
	return sum->prompt_tokens ? (double)sum->hit_tokens / (double)sum->prompt_tokens : 0;
}

double experiment_error(double predicted, double measured)
{
	return measured > 0 ? predicted / measured - 1 : 0;
}

int experiment_write(const char *folder, const char *name, void (*write)(const void *context, FILE *to),
		     const void *context, struct err *err)
{
	char *text = NULL, *path = experiment_path(folder, name);
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	ASSERT(to);
	write(context, to);
	ASSERT(fclose(to) == 0);
	struct output *output = output_open(path, err);
	if (output)
		output_write(output, text, size);
	const int failed = output ? output_commit(output, err) : -1;
	free(text);
	free(path);
	return failed;
}

void experiment_print_options(const struct run_config *config, FILE *to)
{
	static const char *const engines[] = {"replay", "static", "vllm", "sglang"};
	if (config->capacity_blocks != UINT64_MAX)
		fprintf(to, "--capacity %" PRIu64 " ", config->capacity_blocks);
	fprintf(to, "--engine %s --evict %s --ttl %s --block 16", engines[config->engine], config->evict->text,
		config->ttl->text);
	if (config->closed_loop)
		fprintf(to, " --arrivals closed --sessions %u", config->sessions);
	if (config->warmup > 0)
		fprintf(to, " --warmup %.6g", config->warmup);
}
