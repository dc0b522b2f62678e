/* report_json.c - a result as JSON; see report.h. */
#include "report.h"

#include <math.h>

static json_t *whole(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *real_or_null(double value)
{
	return isnan(value) ? json_null() : json_real(value);
}

static json_t *distribution_json(const struct distribution *d)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "mean", d->mean, "p50", d->p50, "p90", d->p90, "p95", d->p95,
	                 "p99", d->p99, "max", d->max);
}

static json_t *ledger_json(const struct report *report, const struct ledger *ledger)
{
	json_t *object = json_object();
	for (uint32_t tier = 0; tier < report_tier_count(report); tier++) {
		char name[64];
		snprintf(name, sizeof(name), "hit_%s_tokens", report_tier_name(report, tier));
		json_object_set_new(object, name, whole(ledger->tier_hit_tokens[tier]));
	}
	for (size_t i = 0; i < report_ledger_column_count; i++)
		json_object_set_new(object, report_ledger_columns[i].name, whole(report_ledger_value(ledger, &report_ledger_columns[i])));
	return object;
}

/* The fields that the total and each class have. */
static void put_group(json_t *object, const struct metrics_group *group)
{
	json_object_set_new(object, "requests", whole(group->requests));
	json_object_set_new(object, "prompt_tokens", whole(group->prompt_tokens));
	json_object_set_new(object, "hit_tokens", whole(group->ledger.hit_tokens));
	json_object_set_new(object, "token_hit_rate", json_real(metrics_token_hit_rate(group)));
	json_object_set_new(object, "blocks", whole(group->blocks));
	json_object_set_new(object, "hit_blocks", whole(group->hit_blocks));
	json_object_set_new(object, "block_hit_rate", json_real(metrics_block_hit_rate(group)));
	json_object_set_new(object, "request_hit_rate", json_real(metrics_request_hit_rate(group)));
}

static json_t *classes_json(const struct report *report)
{
	json_t *classes = json_array();
	for (uint32_t k = 0; k < report->trace->class_count; k++) {
		const struct metrics_group *group = metrics_class(report->result->metrics, k);
		if (group->requests == 0)
			continue;
		json_t *object = json_object();
		json_object_set_new(object, "class", json_string(report->trace->class_names[k]));
		put_group(object, group);
		json_object_set_new(object, "full_hit_requests", whole(group->full_hit_requests));
		json_object_set_new(object, "ledger", ledger_json(report, &group->ledger));
		json_object_set_new(object, "ttft_ms", distribution_json(&group->time_ms[METRICS_TTFT]));
		json_object_set_new(object, "e2e_ms", distribution_json(&group->time_ms[METRICS_E2E]));
		json_array_append_new(classes, object);
	}
	return classes;
}

/* What the hits saved: prefill time, in requests that were all cold, and in dollars. */
static json_t *saved_json(const struct report *report, const struct metrics_group *total)
{
	json_t *object = json_object();
	const double saved_s = total->prefill_saved_s;
	json_object_set_new(object, "prefill_s", json_real(saved_s));
	json_object_set_new(object, "cold_requests", json_real(report_saved_requests(total)));
	json_object_set_new(object, "gpu_dollars", real_or_null(report_saved_dollars(report)));
	return object;
}

static json_t *faults_json(const struct tier_result *tier)
{
	json_t *object = json_object();
	json_object_set_new(object, "failed_loads", whole(tier->failed_loads));
	json_object_set_new(object, "failed_tokens", whole(tier->failed_tokens));
	json_object_set_new(object, "failed_wait_s", json_real((double)tier->failed_wait_ns / (double)NS_PER_S));
	json_object_set_new(object, "away_tokens", whole(tier->away_tokens));
	json_object_set_new(object, "missed_blocks", whole(tier->missed_blocks));
	return object;
}

static json_t *tiers_json(const struct report *report)
{
	json_t *tiers = json_array();
	for (uint32_t i = 0; i < report_tier_count(report); i++) {
		const struct tier_result *tier = &report->result->tiers[i];
		const uint64_t capacity = i ? report->config->tiers[i].capacity_blocks : report->config->capacity_blocks;
		json_t *object = json_object();
		json_object_set_new(object, "tier", json_string(report_tier_name(report, i)));
		json_object_set_new(object, "capacity_blocks", capacity == UINT64_MAX ? json_null() : whole(capacity));
		json_object_set_new(object, "hit_tokens", whole(metrics_total(report->result->metrics)->ledger.tier_hit_tokens[i]));
		json_object_set_new(object, "stored_blocks", whole(tier->stored_blocks));
		json_object_set_new(object, "loaded_blocks", whole(tier->loaded_blocks));
		json_object_set_new(object, "evicted_blocks", whole(tier->evicted_blocks));
		json_object_set_new(object, "expired_blocks", whole(tier->expired_blocks));
		json_object_set_new(object, "read_bytes", whole(tier->read_bytes));
		json_object_set_new(object, "written_bytes", whole(tier->written_bytes));
		json_object_set_new(object, "link_busy_s", json_real(tier->link_busy_s));
		json_object_set_new(object, "link_backlog_s", json_real(tier->link_backlog_s));
		json_object_set_new(object, "resident_blocks", whole(tier->resident_blocks));
		json_object_set_new(object, "mean_resident_blocks", json_real(tier->mean_resident_blocks));
		json_object_set_new(object, "held_gib_s",
		                    real_or_null(options_gib(report->options, report->trace, tier->held_block_s)));
		json_object_set_new(object, "holding_dollars", real_or_null(report_holding_dollars(report, i)));
		json_object_set_new(object, "faults", faults_json(tier));
		if (report_has_fleet(report))
			json_object_set_new(object, "shared", json_boolean(i > 0 && report->config->tiers[i].shared));
		json_array_append_new(tiers, object);
	}
	return tiers;
}

static json_t *replicas_json(const struct run_result *result)
{
	json_t *replicas = json_array();
	for (uint32_t r = 0; r < result->replica_count; r++) {
		const struct replica_result *replica = &result->replicas[r];
		json_t *object = json_object();
		json_object_set_new(object, "replica", whole(r));
		json_object_set_new(object, "requests", whole(replica->requests));
		json_object_set_new(object, "prompt_tokens", whole(replica->prompt_tokens));
		json_object_set_new(object, "hit_tokens", whole(replica->hit_tokens));
		json_object_set_new(object, "busy_s", json_real(replica->busy_s));
		json_object_set_new(object, "ttft_ms", distribution_json(&replica->ttft_ms));
		json_array_append_new(replicas, object);
	}
	return replicas;
}

static void put_engine(json_t *object, const struct report *report)
{
	const struct run_result *result = report->result;
	const double span_s = result->span_s > 0 ? result->span_s : 1;
	json_object_set_new(object, "arrivals", json_string(report->config->closed_loop ? "closed" : "open"));
	json_object_set_new(object, "busy_share", json_real(result->busy_s / report_replicas(report) / span_s));
	json_object_set_new(object, "requests_per_s", json_real((double)metrics_total(result->metrics)->requests / span_s));
	json_object_set_new(object, "output_tokens", whole(result->output_tokens));
	json_object_set_new(object, "output_tokens_per_s", json_real((double)result->output_tokens / span_s));
	json_object_set_new(object, "steps", whole(result->steps));
	json_object_set_new(object, "mean_in_system", json_real(result->mean_in_system));
	json_object_set_new(object, "preemptions", whole(result->preemptions));
	json_object_set_new(object, "recomputed_tokens", whole(result->recomputed_tokens));
	json_object_set_new(object, "rejected_requests", whole(result->rejected_requests));
	json_object_set_new(object, "tiers", tiers_json(report));
	if (report_has_fleet(report)) {
		json_object_set_new(object, "router", json_string(report->config->router.text));
		json_object_set_new(object, "imbalance", json_real(result->imbalance));
		json_object_set_new(object, "replicas", replicas_json(result));
	}
}

static json_t *vary_json(const struct report *report)
{
	json_t *object = json_object();
	for (size_t axis = 0; axis < report->vary->count; axis++)
		json_object_set_new(object, report->vary->axes[axis].name,
		                    json_string(vary_value(report->vary, axis, report->vary_point)));
	return object;
}

static json_t *range_json(const struct ensemble_range *range)
{
	return json_pack("{s:f, s:f, s:f}", "p5", range->p5, "p50", range->p50, "p95", range->p95);
}

static json_t *ranges_json(const struct ensemble_times *times)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "mean", range_json(&times->mean), "p50", range_json(&times->p50), "p90",
	                 range_json(&times->p90), "p95", range_json(&times->p95), "p99", range_json(&times->p99));
}

static json_t *ensemble_json(const struct ensemble *ensemble)
{
	json_t *object = json_object();
	json_object_set_new(object, "members", whole(ensemble->members));
	json_object_set_new(object, "step_error", json_real(ensemble->step_error));
	json_object_set_new(object, "seed", whole(ensemble->seed));
	json_object_set_new(object, "token_hit_rate", range_json(&ensemble->token_hit_rate));
	json_object_set_new(object, "ttft_ms", ranges_json(&ensemble->ttft_ms));
	json_object_set_new(object, "e2e_ms", ranges_json(&ensemble->e2e_ms));
	return object;
}

json_t *report_json(const struct report *report)
{
	const struct run_config *config = report->config;
	const struct run_result *result = report->result;
	const struct metrics_group *total = metrics_total(result->metrics);
	json_t *object = json_object();
	json_object_set_new(object, "trace", json_string(report->trace->name));
	put_group(object, total);
	json_object_set_new(object, "capacity_blocks",
	                    config->capacity_blocks == UINT64_MAX ? json_null() : whole(config->capacity_blocks));
	json_object_set_new(object, "evict", json_string(config->evict->text));
	json_object_set_new(object, "ttl", json_string(config->ttl->text));
	json_object_set_new(object, "evicted_blocks", whole(result->counts.evicted_blocks));
	json_object_set_new(object, "expired_blocks", whole(result->counts.expired_blocks));
	json_object_set_new(object, "declined_blocks", whole(result->counts.declined_blocks));
	json_object_set_new(object, "mean_resident_blocks", json_real(result->mean_resident_blocks));
	json_object_set_new(object, "full_hit_requests", whole(total->full_hit_requests));
	json_object_set_new(object, "held_gib_s",
	                    real_or_null(options_gib(report->options, report->trace, result->held_block_s)));
	json_object_set_new(object, "ledger", ledger_json(report, &total->ledger));
	json_object_set_new(object, "ttft_ms", distribution_json(&total->time_ms[METRICS_TTFT]));
	json_object_set_new(object, "e2e_ms", distribution_json(&total->time_ms[METRICS_E2E]));
	json_object_set_new(object, "classes", classes_json(report));
	json_object_set_new(object, "block_tokens", whole(report->trace->block_tokens));
	json_object_set_new(object, "engine", json_string(report_engine_name(config->engine)));
	json_object_set_new(object, "semantics",
	                    json_string(config->semantics == SEMANTICS_OBJECT ? "object" : "prefix"));
	json_object_set_new(object, "scope",
	                    json_string(config->leaf && config->semantics == SEMANTICS_PREFIX ? "leaf" : "flat"));
	json_object_set_new(object, "calibration",
	                    json_pack("{s:s, s:s, s:s, s:b}", "name", config->calibration->name, "device",
	                              config->calibration->device, "model", config->calibration->model, "estimate",
	                              config->calibration->estimate));
	json_object_set_new(object, "queue_ms", distribution_json(&total->time_ms[METRICS_QUEUE]));
	json_object_set_new(object, "load_ms", distribution_json(&total->time_ms[METRICS_LOAD]));
	json_object_set_new(object, "prefill_ms", distribution_json(&total->time_ms[METRICS_PREFILL]));
	json_object_set_new(object, "span_s", json_real(result->span_s));
	json_object_set_new(object, "saved", saved_json(report, total));
	if (config->engine != ENGINE_REPLAY)
		put_engine(object, report);
	json_object_set_new(object, "shortened_requests", whole(report->options->shortened_requests));
	if (report->vary)
		json_object_set_new(object, "vary", vary_json(report));
	if (report->ensemble)
		json_object_set_new(object, "ensemble", ensemble_json(report->ensemble));
	if (report->measured_on)
		json_object_set_new(object, "measured_on", json_string(report->measured_on));
	if (report->wall_s >= 0)
		json_object_set_new(object, "wall_s", json_real(report->wall_s));
	return object;
}

void report_json_print(const json_t *json, FILE *to)
{
	json_dumpf(json, to, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
	fputc('\n', to);
}
