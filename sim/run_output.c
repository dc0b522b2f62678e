#include "run_output.h"

#include "blocks_csv.h"
#include "engine_log.h"
#include "groups_csv.h"
#include "requests_csv.h"
#include "timeline.h"
#include "units.h"

enum { KEY_JSON = 0x200, KEY_CSV, KEY_REQUESTS, KEY_GROUPS, KEY_EVENTS, KEY_TIMELINE, KEY_BUCKET, KEY_BLOCKS };

static const struct argp_option option_table[] = {
        {0, 0, 0, 0, "Output:", 1},
        {"json", KEY_JSON, 0, 0, "print one JSON object", 0},
        {"csv", KEY_CSV, 0, 0, "print one row, with the columns of kvcast sweep --csv", 0},
        {"requests", KEY_REQUESTS, "FILE", 0, "write a CSV with a row for every request", 0},
        {"groups", KEY_GROUPS, "FILE", 0, "write a CSV with a row for every class, turn and session", 0},
        {"events", KEY_EVENTS, "FILE", 0, "write everything that happens as JSON lines (not with --engine replay)", 0},
        {"timeline", KEY_TIMELINE, "FILE", 0, "write a CSV of hit rate, TTFT and load over time (not with --engine replay)", 0},
        {"timeline-bucket", KEY_BUCKET, "TIME", 0, "its step; default 60s", 0},
        {"dump-blocks", KEY_BLOCKS, "FILE", 0, "write a CSV of the blocks resident at the end: times, TTL, hits, score", 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct run_output *output = state->input;
	switch (key) {
	case KEY_JSON:
		output->json = true;
		return 0;
	case KEY_CSV:
		output->csv = true;
		return 0;
	case KEY_REQUESTS:
		output->requests_path = arg;
		return 0;
	case KEY_GROUPS:
		output->groups_path = arg;
		return 0;
	case KEY_EVENTS:
		output->events_path = arg;
		return 0;
	case KEY_TIMELINE:
		output->timeline_path = arg;
		return 0;
	case KEY_BLOCKS:
		output->blocks_path = arg;
		return 0;
	case KEY_BUCKET:
		output->bucket = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp run_output_argp = {.options = option_table, .parser = parse_option};

/* One policy, one TTL: lists are for sweep. */
int run_output_single(struct run_options *options, const struct trace *trace, struct err *err)
{
	if (options->evicts.count != 1)
		return err_set(err, "--evict %s: expected one policy; `kvcast sweep` takes lists.", options->text[OPTION_EVICT]);
	if (options->ttls.count != 1)
		return err_set(err, "--ttl %s: expected one rule; `kvcast sweep` takes lists.", options->text[OPTION_TTL]);
	options->config.evict = &options->evicts.specs[0];
	options->config.ttl = &options->ttls.specs[0];
	return options_capacity(options, trace, "--capacity", options->capacity ? options->capacity : "inf",
	                        &options->config.capacity_blocks, err);
}

void run_output_abort(struct run_output *output)
{
	requests_csv_abort(output->requests);
	groups_csv_abort(output->groups);
	engine_log_abort(output->events);
	timeline_abort(output->timeline);
	blocks_csv_abort(output->blocks);
}

int run_output_commit(struct run_output *output, struct err *err)
{
	struct err later;
	int failed = requests_csv_commit(output->requests, err);
	failed |= groups_csv_commit(output->groups, failed ? &later : err);
	failed |= engine_log_commit(output->events, failed ? &later : err);
	failed |= timeline_commit(output->timeline, failed ? &later : err);
	failed |= blocks_csv_commit(output->blocks, failed ? &later : err);
	return failed;
}

static void on_request(void *context, const struct trace_request *request, int64_t arrival_ns,
                       const struct request_outcome *outcome)
{
	const struct run_output *output = context;
	if (output->requests)
		requests_csv_row(output->requests, request, arrival_ns, outcome);
	if (output->groups)
		groups_csv_row(output->groups, request, arrival_ns, outcome);
}

int run_output_open(struct run_output *output, const struct trace *trace, struct run_config *config, struct err *err)
{
	int64_t bucket_ns = 60 * NS_PER_S;
	if ((output->events_path || output->timeline_path) && config->engine == ENGINE_REPLAY)
		return err_set(err, "--%s: in --engine replay nothing takes time; choose static, vllm or sglang.",
		               output->events_path ? "events" : "timeline");
	if (output->bucket && (units_duration(output->bucket, &bucket_ns, err) < 0 || bucket_ns < NS_PER_MS))
		return err_set(err, "--timeline-bucket %s: expected a time of at least 1ms.", output->bucket);
	if (output->blocks_path && config->replicas > 1)
		return err_set(err, "--dump-blocks: it is of one cache, and --replicas %u have as many; expected one replica.",
		               config->replicas);
	if (output->requests_path && !(output->requests = requests_csv_open(output->requests_path, trace, config, err)))
		return -1;
	if (output->groups_path && !(output->groups = groups_csv_open(output->groups_path, trace, config, err)))
		return -1;
	if (output->events_path && !(output->events = engine_log_open(output->events_path, err)))
		return -1;
	if (output->timeline_path && !(output->timeline = timeline_open(output->timeline_path, bucket_ns, err)))
		return -1;
	if (output->blocks_path && !(output->blocks = blocks_csv_open(output->blocks_path, err)))
		return -1;
	if (output->requests || output->groups) {
		config->on_request = on_request;
		config->on_request_context = output;
	}
	config->log = output->events;
	config->timeline = output->timeline;
	config->blocks = output->blocks;
	return 0;
}

void run_output_print(const struct run_output *output, const struct report *report, FILE *to)
{
	if (output->json) {
		json_t *json = report_json(report);
		report_json_print(json, to);
		json_decref(json);
	} else if (output->csv) {
		report_csv_header(report, to);
		report_csv_row(report, to);
	} else {
		report_table(report, to);
	}
}
