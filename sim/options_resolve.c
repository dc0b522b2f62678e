/* options_resolve.c - texts into a run's configuration. */
#include "options.h"

#include "ttl.h"
#include "units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Index of the option's text among `words`; 0 where not given; -1 and a sentence for another word. */
static int choose(const struct run_options *options, enum option_id id, const char *const *words, struct err *err)
{
	const char *text = options->text[id];
	char list[160] = "";
	for (int i = 0; words[i]; i++) {
		if (!text || strcmp(text, words[i]) == 0)
			return i;
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? (words[i + 1] ? ", " : " or ") : "", words[i]);
	}
	return err_set(err, "--%s %s: expected %s.", options_name(id), text, list);
}

int options_resolve_whole(const struct run_options *options, enum option_id id, int64_t least, int64_t most, int64_t *value,
                  struct err *err)
{
	const char *text = options->text[id];
	if (!text)
		return 0;
	if (units_count(text, value, err) < 0)
		return err_prefix(err, "--%s: ", options_name(id));
	if (*value < least || *value > most)
		return err_set(err, "--%s %s: expected a whole number from %lld to %lld.", options_name(id), text,
		               (long long)least, (long long)most);
	return 0;
}

static int read_real(const struct run_options *options, enum option_id id, double *value, struct err *err)
{
	if (options->text[id] && units_real(options->text[id], value, err) < 0)
		return err_prefix(err, "--%s: ", options_name(id));
	return 0;
}

static int resolve_cache(struct run_options *options, struct err *err)
{
	struct run_config *config = &options->config;
	static const char *const engines[] = {"replay", "static", "vllm", "sglang", NULL};
	static const char *const semantics[] = {"prefix", "object", NULL};
	static const char *const scopes[] = {"leaf", "flat", NULL};
	static const char *const tails[] = {"cache", "skip", NULL};
	static const char *const bits[] = {"0", "1", NULL};
	const int engine = choose(options, OPTION_ENGINE, engines, err);
	if (engine < 0)
		return -1;
	config->engine = (enum engine_kind)engine;
	if (engine != ENGINE_REPLAY) {
		/* The rules that make an engine (POLICIES A1, A3); the command line and presets win where there is a choice. */
		const bool vllm = engine == ENGINE_VLLM;
		const char **text = options->text;
		if (!text[OPTION_SCOPE])
			text[OPTION_SCOPE] = vllm ? "flat" : "leaf";
		if (engine != ENGINE_STATIC)
			options->engine_block_tokens = vllm ? 16 : 1;
		const char *const fixed[][2] = {{text[OPTION_SEMANTICS], "prefix"}, {text[OPTION_PARTIAL_TAIL], "skip"},
		                                {text[OPTION_RECOMPUTE_LAST], "1"}};
		const enum option_id ids[] = {OPTION_SEMANTICS, OPTION_PARTIAL_TAIL, OPTION_RECOMPUTE_LAST};
		for (size_t i = 0; i < COUNT_OF(ids); i++) {
			if (fixed[i][0] && strcmp(fixed[i][0], fixed[i][1]) != 0)
				return err_set(err, "--%s %s: expected %s, the rule of --engine %s; only --engine replay leaves the choice.",
				               options_name(ids[i]), fixed[i][0], fixed[i][1], engines[engine]);
			if (i > 0)
				text[ids[i]] = fixed[i][1];
		}
	}
	const int object = choose(options, OPTION_SEMANTICS, semantics, err), flat = choose(options, OPTION_SCOPE, scopes, err);
	const int skip = choose(options, OPTION_PARTIAL_TAIL, tails, err);
	const int recompute = choose(options, OPTION_RECOMPUTE_LAST, bits, err);
	if (object < 0 || flat < 0 || skip < 0 || recompute < 0)
		return -1;
	if (object && recompute)
		return err_set(err, "--recompute-last 1 does not go with --semantics object: there a prompt has no last block.");
	config->semantics = object ? SEMANTICS_OBJECT : SEMANTICS_PREFIX;
	config->leaf = !flat;
	config->tail_cached = !skip;
	config->recompute_last = recompute == 1;
	return 0;
}

static int resolve_traffic(struct run_options *options, struct err *err)
{
	struct run_config *config = &options->config;
	static const char *const arrivals[] = {"open", "closed", NULL};
	static const char *const answers[] = {"keep", "drop", NULL};
	const int closed = choose(options, OPTION_ARRIVALS, arrivals, err);
	const int drop = choose(options, OPTION_ANSWERS, answers, err);
	int64_t seed = 1, sessions = 64, step_tokens = 8192, most_running = 256;
	config->speed = 1;
	if (closed < 0 || drop < 0 || options_resolve_whole(options, OPTION_SEED, 0, INT64_MAX, &seed, err) < 0 ||
	    options_resolve_whole(options, OPTION_SESSIONS, 1, UINT32_MAX, &sessions, err) < 0 ||
	    options_resolve_whole(options, OPTION_STEP_TOKENS, 1, UINT32_MAX, &step_tokens, err) < 0 ||
	    options_resolve_whole(options, OPTION_MAX_RUNNING, 1, 1 << 20, &most_running, err) < 0 ||
	    read_real(options, OPTION_SPEED, &config->speed, err) < 0 ||
	    read_real(options, OPTION_WARMUP, &config->warmup, err) < 0)
		return -1;
	if (!(config->speed > 0 && isfinite(config->speed)))
		return err_set(err, "--speed %s: expected a number greater than 0.", options->text[OPTION_SPEED]);
	if (!(config->warmup >= 0 && config->warmup < 1))
		return err_set(err, "--warmup %s: expected a fraction from 0 to less than 1.", options->text[OPTION_WARMUP]);
	if (config->engine == ENGINE_REPLAY && closed)
		return err_set(err, "--arrivals closed: in --engine replay answers take no time; choose static, vllm or sglang.");
	if (config->engine == ENGINE_STATIC) {
		step_tokens = UINT32_MAX;
		most_running = 1;
	}
	config->seed = (uint64_t)seed;
	config->closed_loop = closed == 1;
	config->sessions = (uint32_t)sessions;
	config->keep_answers = !drop;
	config->step_tokens = (uint32_t)step_tokens;
	config->most_running = (uint32_t)most_running;
	return 0;
}

static int resolve_fleet(struct run_options *options, struct err *err)
{
	struct run_config *config = &options->config;
	const char *replicas = options->text[OPTION_REPLICAS], *router = options->text[OPTION_ROUTER];
	config->replicas = 1;
	if (replicas && options_replicas(options, replicas, &config->replicas, err) < 0)
		return -1;
	return router_parse(&config->router, router ? router : "least-loaded", err);
}

static int tier_index(const struct run_options *options, const char *name, size_t length)
{
	for (uint32_t i = 0; i < options->tier_count; i++) {
		if (strlen(options->tiers[i].name) == length && strncmp(options->tiers[i].name, name, length) == 0)
			return (int)i;
	}
	return -1;
}

/* disk@600s+120s, archive:p=0.01 */
static int resolve_fault(struct run_options *options, const char *text, struct fault *fault, struct err *err)
{
	const size_t length = strcspn(text, "@:");
	const int tier = tier_index(options, text, length);
	*fault = (struct fault){0};
	if (tier < 1)
		return err_set(err, "--fail %s: there is no lower tier \"%.*s\".", text, (int)length, text);
	fault->tier = (uint32_t)tier;
	if (strncmp(text + length, ":p=", 3) == 0) {
		if (units_real(text + length + 3, &fault->load_failure, err) < 0)
			return err_prefix(err, "--fail %s: ", text);
		if (fault->load_failure >= 0 && fault->load_failure <= 1)
			return 0;
		return err_set(err, "--fail %s: expected a probability from 0 to 1.", text);
	}
	const char *plus = strchr(text, '+');
	if (text[length] != '@' || !plus)
		return err_set(err, "--fail %s: expected TIER@START+TIME, e.g. disk@600s+120s, or TIER:p=P.", text);
	char start[64];
	snprintf(start, sizeof(start), "%.*s", (int)(plus - text - (ptrdiff_t)length - 1), text + length + 1);
	int64_t duration_ns;
	if (units_duration(start, &fault->from_ns, err) < 0 || units_duration(plus + 1, &duration_ns, err) < 0)
		return err_prefix(err, "--fail %s: ", text);
	if (duration_ns > TRACE_TIME_MOST_NS || fault->from_ns > TRACE_TIME_MOST_NS)
		return err_set(err, "--fail %s: expected a time that ends, as what waits for the tier would wait forever.", text);
	fault->until_ns = fault->from_ns + duration_ns;
	return 0;
}

static int resolve_tiers(struct run_options *options, struct err *err)
{
	struct run_config *config = &options->config;
	static const char *const loads[] = {"faster", "always", "never", NULL};
	const int load = choose(options, OPTION_LOAD, loads, err);
	if (load < 0)
		return -1;
	config->load = (enum load_rule)load;
	config->no_offload = options->text[OPTION_NO_OFFLOAD] != NULL;
	config->archive_every_ns = 60 * NS_PER_S;
	config->archive_bytes_per_s = INFINITY;
	if (options->text[OPTION_ARCHIVE_EVERY] &&
	    (units_duration(options->text[OPTION_ARCHIVE_EVERY], &config->archive_every_ns, err) < 0 ||
	     config->archive_every_ns < NS_PER_MS))
		return err_set(err, "--archive-every %s: expected a time of at least 1ms.", options->text[OPTION_ARCHIVE_EVERY]);
	if (options->text[OPTION_ARCHIVE_RATE] &&
	    units_rate(options->text[OPTION_ARCHIVE_RATE], &config->archive_bytes_per_s, err) < 0)
		return err_prefix(err, "--archive-rate: ");
	if (options->tier_text_count > TIER_MOST)
		return err_set(err, "--tier: at most %d tiers.", TIER_MOST);
	for (uint32_t i = 0; i < options->tier_text_count; i++) {
		struct tier_config tier;
		if (tier_config_parse(&tier, options->tier_texts[i], err) < 0)
			return -1;
		if (tier_index(options, tier.name, strlen(tier.name)) >= 0) {
			err_set(err, "--tier %s: there is a tier of that name already.", options->tier_texts[i]);
			tier_config_free(&tier);
			return -1;
		}
		options->tiers[options->tier_count++] = tier;
		if (tier.is_archive && (i == 0 || i + 1 < options->tier_text_count))
			return err_set(err, "--tier %s: the archive is the last of several tiers.", options->tier_texts[i]);
	}
	if (tier_config_check_shared(options->tiers, options->tier_count, err) < 0)
		return -1;
	if (options->tier_count > 1 && config->engine == ENGINE_REPLAY)
		return err_set(err, "--tier: in --engine replay nothing takes time, so there are no lower tiers; choose static, "
		                    "vllm or sglang.");
	for (uint32_t i = 0; i < options->fault_text_count; i++) {
		if (resolve_fault(options, options->fault_texts[i], &options->faults[i], err) < 0)
			return -1;
	}
	config->faults = options->faults;
	config->fault_count = options->fault_text_count;
	config->tiers = options->tiers;
	config->tier_count = options->tier_count;
	return 0;
}

/* The first tier's policies and size stand in its --tier or in options of their own, which win. */
static int resolve_policies(struct run_options *options, bool evict_all, struct err *err)
{
	const bool tiered = options->tier_count > 0;
	const char *evict = options->text[OPTION_EVICT], *ttl = options->text[OPTION_TTL];
	if (!evict && tiered && options->tiers[0].evict_given)
		evict = options->tiers[0].evict.text;
	if (!evict)
		evict = options->config.engine == ENGINE_VLLM ? "vllm" : "lru";
	if (!ttl)
		ttl = tiered ? options->tiers[0].ttl.text : "none";
	options->capacity = options->text[OPTION_CAPACITY];
	if (!options->capacity && tiered)
		options->capacity = options->tiers[0].capacity;
	if (evict_all && strcmp(evict, "all") == 0) {
		options->evicts.specs = mem_alloc(registry_eviction_count, sizeof(*options->evicts.specs));
		for (size_t i = 0; i < registry_eviction_count; i++) {
			/* What reads the trace's future has no place in an engine in which order depends on time. */
			if (options->config.engine != ENGINE_REPLAY && registry_evictions[i]->needs_future)
				continue;
			if (spec_parse(&options->evicts.specs[options->evicts.count++], registry_evictions[i]->name, err) < 0)
				return -1;
		}
	} else if (spec_list_parse(&options->evicts, evict, err) < 0) {
		return err_prefix(err, "--evict: ");
	}
	if (spec_list_parse(&options->ttls, ttl, err) < 0)
		return err_prefix(err, "--ttl: ");
	return 0;
}

/* gpu=2.50/hour */
double options_gpu_price(const struct run_options *options)
{
	return isnan(options->gpu_price_per_hour) ? OPTIONS_GPU_PRICE : options->gpu_price_per_hour;
}

int options_rent(const char *text, double *dollars, struct err *err)
{
	char *end;
	*dollars = text ? strtod(text, &end) : OPTIONS_RENT;
	if (text && (end == text || !(*dollars >= 0) || !isfinite(*dollars) || strcmp(end, "/GB-hour") != 0))
		return err_set(err, "--rent %s: expected DOLLARS/GB-hour, e.g. 0.02/GB-hour.", text);
	return 0;
}

static int resolve_price(struct run_options *options, struct err *err)
{
	const char *text = options->text[OPTION_PRICE];
	options->gpu_price_per_hour = NAN;
	if (!text)
		return 0;
	char *end;
	const double price = strncmp(text, "gpu=", 4) == 0 ? strtod(text + 4, &end) : NAN;
	if (!(price >= 0) || !isfinite(price) || strcmp(end, "/hour") != 0)
		return err_set(err, "--price %s: expected gpu=DOLLARS/hour, e.g. gpu=2.50/hour.", text);
	options->gpu_price_per_hour = price;
	return 0;
}

int options_resolve(struct run_options *options, bool evict_all, struct err *err)
{
	if (resolve_cache(options, err) < 0 || resolve_traffic(options, err) < 0 || resolve_fleet(options, err) < 0 ||
	    resolve_tiers(options, err) < 0 || resolve_policies(options, evict_all, err) < 0 || resolve_price(options, err) < 0)
		return -1;
	return 0;
}
