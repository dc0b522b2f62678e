#include "options.h"

#include "units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_EVICT "lru"
#define DEFAULT_TTL "none"

enum option_key {
	KEY_BLOCK = 0x100,
	KEY_MODEL,
	KEY_CAPACITY,
	KEY_EVICT,
	KEY_TTL,
	KEY_CALIB,
	KEY_SEMANTICS,
	KEY_SCOPE,
	KEY_PARTIAL_TAIL,
	KEY_RECOMPUTE_LAST,
	KEY_ENGINE,
	KEY_SPEED,
	KEY_SEED,
	KEY_WARMUP,
	KEY_MAX_PROMPT,
	KEY_MAX_OUTPUT,
	KEY_QUIET,
	KEY_NO_TIMING,
};

static const struct argp_option option_table[] = {
        {0, 0, 0, 0, "The cache:", 10},
        {"capacity", KEY_CAPACITY, "N|SIZE", 0, "room: a plain number is blocks, 40GiB or 1.5TB is bytes of KV (needs --model); default inf", 0},
        {"evict", KEY_EVICT, "SPEC", 0, "which block goes when it is full; default " DEFAULT_EVICT, 0},
        {"ttl", KEY_TTL, "SPEC", 0, "when an unused block expires, e.g. static:ttl=5m; default " DEFAULT_TTL, 0},
        {"scope", KEY_SCOPE, "leaf|flat", 0, "leaf (default): no block goes before its cached children; flat: any may", 0},
        {"semantics", KEY_SEMANTICS, "prefix|object", 0, "prefix (default): a block hits if all before it hit; object: every block for itself, flat", 0},
        {"partial-tail", KEY_PARTIAL_TAIL, "cache|skip", 0, "whether a last block that is not full is cached; default cache", 0},
        {"recompute-last", KEY_RECOMPUTE_LAST, "0|1", 0, "1: the last block of a full hit is computed again; default 0", 0},
        {0, 0, 0, 0, "The traffic:", 20},
        {"block", KEY_BLOCK, "TOKENS", 0, "block size of token, text and segment traces; default: the trace's own", 0},
        {"speed", KEY_SPEED, "X", 0, "requests arrive X times faster; default 1", 0},
        {"warmup", KEY_WARMUP, "FRACTION", 0, "serve this first part of the requests without counting it; default 0", 0},
        {"max-prompt", KEY_MAX_PROMPT, "N", 0, "shorten prompts to N tokens", 0},
        {"max-output", KEY_MAX_OUTPUT, "N", 0, "shorten answers to N tokens", 0},
        {0, 0, 0, 0, "The machine:", 30},
        {"model", KEY_MODEL, "NAME|FILE", 0, "gives the bytes of KV a token: a preset or a Hugging Face config.json", 0},
        {"calib", KEY_CALIB, "NAME|FILE", 0, "gives the times: a calibration file or the name of a built-in one", 0},
        {"engine", KEY_ENGINE, "replay", 0, "replay (default): requests are served in order and at once; TTFT is uncontended", 0},
        {0, 0, 0, 0, "Other:", 40},
        {"seed", KEY_SEED, "N", 0, "for policies that draw random numbers; default 1", 0},
        {"no-timing", KEY_NO_TIMING, 0, 0, "leave out wall_s, the one field that differs between equal runs", 0},
        {"quiet", KEY_QUIET, 0, 0, "no messages and no progress on stderr", 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct run_options *options = state->input;
	switch (key) {
	case KEY_BLOCK:
		options->block = arg;
		return 0;
	case KEY_MODEL:
		options->model_name = arg;
		return 0;
	case KEY_CAPACITY:
		options->capacity = arg;
		return 0;
	case KEY_EVICT:
		options->evict = arg;
		return 0;
	case KEY_TTL:
		options->ttl = arg;
		return 0;
	case KEY_CALIB:
		options->calib = arg;
		return 0;
	case KEY_SEMANTICS:
		options->semantics = arg;
		return 0;
	case KEY_SCOPE:
		options->scope = arg;
		return 0;
	case KEY_PARTIAL_TAIL:
		options->partial_tail = arg;
		return 0;
	case KEY_RECOMPUTE_LAST:
		options->recompute_last = arg;
		return 0;
	case KEY_ENGINE:
		options->engine = arg;
		return 0;
	case KEY_SPEED:
		options->speed = arg;
		return 0;
	case KEY_SEED:
		options->seed = arg;
		return 0;
	case KEY_WARMUP:
		options->warmup = arg;
		return 0;
	case KEY_MAX_PROMPT:
		options->max_prompt = arg;
		return 0;
	case KEY_MAX_OUTPUT:
		options->max_output = arg;
		return 0;
	case KEY_QUIET:
		options->quiet = true;
		return 0;
	case KEY_NO_TIMING:
		options->no_timing = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp options_argp = {.options = option_table, .parser = parse_option};

/* Index of `text` among `words` ("a|b"); 0 where not given; -1 and a sentence for another word. */
static int choose(const char *option, const char *text, const char *first, const char *second, struct err *err)
{
	if (!text || strcmp(text, first) == 0)
		return 0;
	if (second && strcmp(text, second) == 0)
		return 1;
	return err_set(err, second ? "%s %s: expected %s or %s." : "%s %s: expected %s.", option, text, first, second);
}

static int read_whole(const char *option, const char *text, int64_t least, int64_t most, int64_t *value, struct err *err)
{
	if (!text)
		return 0;
	if (units_count(text, value, err) < 0)
		return err_prefix(err, "%s: ", option);
	if (*value < least || *value > most)
		return err_set(err, "%s %s: expected a whole number from %lld to %lld.", option, text, (long long)least,
		               (long long)most);
	return 0;
}

static int read_real(const char *option, const char *text, double *value, struct err *err)
{
	if (text && units_real(text, value, err) < 0)
		return err_prefix(err, "%s: ", option);
	return 0;
}

static int resolve_rules(struct run_options *options, struct err *err)
{
	struct run_config *config = &options->config;
	const int semantics = choose("--semantics", options->semantics, "prefix", "object", err);
	const int flat = choose("--scope", options->scope, "leaf", "flat", err);
	const int skip = choose("--partial-tail", options->partial_tail, "cache", "skip", err);
	const int recompute = choose("--recompute-last", options->recompute_last, "0", "1", err);
	if (semantics < 0 || flat < 0 || skip < 0 || recompute < 0 ||
	    choose("--engine", options->engine, "replay", NULL, err) < 0)
		return -1;
	config->semantics = semantics ? SEMANTICS_OBJECT : SEMANTICS_PREFIX;
	config->leaf = !flat;
	config->tail_cached = !skip;
	config->recompute_last = recompute == 1;
	if (semantics && recompute)
		return err_set(err, "--recompute-last 1 does not go with --semantics object: there a prompt has no last block.");
	int64_t seed = 1;
	config->speed = 1;
	if (read_whole("--seed", options->seed, 0, INT64_MAX, &seed, err) < 0 ||
	    read_real("--speed", options->speed, &config->speed, err) < 0 ||
	    read_real("--warmup", options->warmup, &config->warmup, err) < 0)
		return -1;
	config->seed = (uint64_t)seed;
	if (!(config->speed > 0 && isfinite(config->speed)))
		return err_set(err, "--speed %s: expected a number greater than 0.", options->speed);
	if (!(config->warmup >= 0 && config->warmup < 1))
		return err_set(err, "--warmup %s: expected a fraction from 0 to less than 1.", options->warmup);
	return 0;
}

static int resolve_policies(struct run_options *options, bool evict_all, struct err *err)
{
	const char *evict = options->evict ? options->evict : DEFAULT_EVICT;
	if (evict_all && strcmp(evict, "all") == 0) {
		options->evicts.specs = mem_alloc(registry_eviction_count, sizeof(*options->evicts.specs));
		for (size_t i = 0; i < registry_eviction_count; i++) {
			if (spec_parse(&options->evicts.specs[options->evicts.count++], registry_evictions[i]->name, err) < 0)
				return -1;
		}
	} else if (spec_list_parse(&options->evicts, evict, err) < 0) {
		return err_prefix(err, "--evict: ");
	}
	if (spec_list_parse(&options->ttls, options->ttl ? options->ttl : DEFAULT_TTL, err) < 0)
		return err_prefix(err, "--ttl: ");
	return 0;
}

struct trace *options_load(struct run_options *options, const char *trace_path, bool evict_all, struct err *err)
{
	int64_t block_tokens = 0, max_prompt = 0, max_output = 0;
	if (resolve_rules(options, err) < 0 || resolve_policies(options, evict_all, err) < 0 ||
	    read_whole("--block", options->block, 1, 1 << 24, &block_tokens, err) < 0 ||
	    read_whole("--max-prompt", options->max_prompt, 1, UINT32_MAX, &max_prompt, err) < 0 ||
	    read_whole("--max-output", options->max_output, 1, UINT32_MAX, &max_output, err) < 0)
		return NULL;
	if (options->model_name && model_load(&options->model, options->model_name, err) < 0)
		return NULL;
	options->has_model = options->model_name != NULL;
	if (options->has_model)
		options->config.kv_bytes_per_token = (double)model_kv_bytes_per_token(&options->model);
	options->calibration = calibration_load(options->calib, err);
	if (!options->calibration)
		return NULL;
	options->config.calibration = options->calibration;
	const struct trace_load_options load = {.block_tokens = (uint32_t)block_tokens};
	struct trace *trace = trace_load(trace_path, &load, err);
	if (trace && (max_prompt || max_output))
		options->shortened_requests = trace_shorten(trace, (uint32_t)max_prompt, (uint32_t)max_output);
	return trace;
}

void options_free(struct run_options *options)
{
	spec_list_free(&options->evicts);
	spec_list_free(&options->ttls);
	calibration_free(options->calibration);
}

int options_capacity(const struct run_options *options, const struct trace *trace, const char *text, uint64_t *blocks,
                     struct err *err)
{
	int64_t number;
	if (strcmp(text, "inf") == 0) {
		*blocks = UINT64_MAX;
		return 0;
	}
	const bool is_size = text[0] && text[strlen(text) - 1] == 'B';
	if ((is_size ? units_size(text, &number, err) : units_count(text, &number, err)) < 0)
		return err_prefix(err, "--capacity: ");
	if (is_size && !options->has_model)
		return err_set(err, "--capacity %s: a size in bytes needs --model, which gives the bytes of KV a token.", text);
	if (is_size)
		number /= model_kv_bytes_per_token(&options->model) * trace->block_tokens;
	if (number < 1 && is_size)
		return err_set(err, "--capacity %s: less than one block of %u tokens.", text, trace->block_tokens);
	if (number < 1)
		return err_set(err, "--capacity %s: expected at least 1 block.", text);
	*blocks = (uint64_t)number;
	return 0;
}

double options_gib(const struct run_options *options, const struct trace *trace, double blocks)
{
	if (!options->has_model)
		return NAN;
	return blocks * trace->block_tokens * (double)model_kv_bytes_per_token(&options->model) / (1024.0 * 1024 * 1024);
}
