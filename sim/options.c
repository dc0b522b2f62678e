#include "options.h"

#include "embedded.h"
#include "trace.h"
#include "units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* argp's keys: an option's id on top of this. */
#define KEY_FIRST 0x100
#define KEY(id) (KEY_FIRST + (id))
#define KEY_TIER KEY(OPTION_TIER)
#define KEY_FAIL KEY(OPTION_FAIL)

static const struct argp_option option_table[] = {
        {0, 0, 0, 0, "The cache:", 10},
        {"capacity", KEY(OPTION_CAPACITY), "N|SIZE", 0, "room of the first tier: a plain number is blocks, 40GiB or 1.5TB is bytes of KV (needs --model); default inf", 0},
        {"evict", KEY(OPTION_EVICT), "SPEC", 0, "which block goes when it is full; default lru, for --engine vllm vllm", 0},
        {"ttl", KEY(OPTION_TTL), "SPEC", 0, "when an unused block expires, e.g. static:ttl=5m; default none", 0},
        {"scope", KEY(OPTION_SCOPE), "leaf|flat", 0, "leaf (default): no block goes before its cached children; flat: any may", 0},
        {"semantics", KEY(OPTION_SEMANTICS), "prefix|object", 0, "prefix (default): a block hits if all before it hit; object: every block for itself, flat", 0},
        {"partial-tail", KEY(OPTION_PARTIAL_TAIL), "cache|skip", 0, "whether a last block that is not full is cached; default cache (engines other than replay: skip)", 0},
        {"recompute-last", KEY(OPTION_RECOMPUTE_LAST), "0|1", 0, "1: the last block of a full hit is computed again; default 0 (engines other than replay: 1)", 0},
        {0, 0, 0, 0, "Lower tiers:", 15},
        {"tier", KEY_TIER, "TIER", 0, "NAME:SIZE[,key=value...], one level of the cache, the fastest first; repeat. Keys: evict, ttl, read, write, latency, store, promote, expired, compress, inflate, price, shared. What read, write and latency are not given is what the calibration measured for a tier of that name (host, disk, archive); else the link takes no time", 0},
        {"load", KEY(OPTION_LOAD), "faster|always|never", 0, "when a hit in a lower tier is loaded; default faster: when that beats computing it", 0},
        {"no-offload", KEY(OPTION_NO_OFFLOAD), 0, 0, "lower tiers decide and log, but hold and move nothing", 0},
        {"archive-every", KEY(OPTION_ARCHIVE_EVERY), "TIME", 0, "how often the worker of the tier named archive uploads; default 60s", 0},
        {"archive-rate", KEY(OPTION_ARCHIVE_RATE), "RATE", 0, "the most it uploads, before compression; default inf", 0},
        {"fail", KEY_FAIL, "FAULT", 0, "a tier is away for a while, e.g. disk@600s+120s, or each of its loads fails with a probability, e.g. archive:p=0.01; repeat", 0},
        {0, 0, 0, 0, "The traffic:", 20},
        {"block", KEY(OPTION_BLOCK), "TOKENS", 0, "block size of token, text and segment traces; default: the trace's own", 0},
        {"arrivals", KEY(OPTION_ARRIVALS), "open|closed", 0, "open (default): at recorded times; closed: a turn comes a think time after the answer before it", 0},
        {"sessions", KEY(OPTION_SESSIONS), "N", 0, "closed: sessions at once; a finished one starts the next; default 64", 0},
        {"speed", KEY(OPTION_SPEED), "X", 0, "requests arrive, or in a closed loop think times pass, X times faster; default 1", 0},
        {"warmup", KEY(OPTION_WARMUP), "FRACTION", 0, "serve this first part of the requests without counting it; default 0", 0},
        {"max-prompt", KEY(OPTION_MAX_PROMPT), "N", 0, "shorten prompts to N tokens", 0},
        {"max-output", KEY(OPTION_MAX_OUTPUT), "N", 0, "shorten answers to N tokens", 0},
        {"answers", KEY(OPTION_ANSWERS), "keep|drop", 0, "whether blocks that an answer fills are cached, where the trace shows them; default keep (replay: drop)", 0},
        {0, 0, 0, 0, "The machine:", 30},
        {"engine", KEY(OPTION_ENGINE), "NAME", 0, "replay (default): requests are served in order and at once, TTFT is uncontended; static: one at a time; vllm, sglang: continuous batching with that engine's rules", 0},
        {"step-tokens", KEY(OPTION_STEP_TOKENS), "N", 0, "token budget of a step; default 8192", 0},
        {"max-running", KEY(OPTION_MAX_RUNNING), "N", 0, "sequences in a step; default 256", 0},
        {"replicas", KEY(OPTION_REPLICAS), "N", 0, "N machines like this one, each with tiers of its own but for those with shared=1; default 1", 0},
        {"router", KEY(OPTION_ROUTER), "SPEC", 0, "which of them gets a request: round-robin, least-loaded (default), session, prefix, prefix-load[:alpha=A]", 0},
        {"model", KEY(OPTION_MODEL), "NAME|FILE", 0, "gives the bytes of KV a token: a preset or a Hugging Face config.json", 0},
        {"calib", KEY(OPTION_CALIB), "NAME|FILE", 0, "gives the times: a calibration file or the name of a built-in one", 0},
        {"price", KEY(OPTION_PRICE), "gpu=DOLLARS/hour", 0, "what a GPU hour costs, to count savings in dollars", 0},
        {"preset", KEY(OPTION_PRESET), "NAME|FILE", 0, "your own file of options, one a line, or the layout of a real system", 0},
        {0, 0, 0, 0, "Other:", 40},
        {"seed", KEY(OPTION_SEED), "N", 0, "for everything that draws random numbers; default 1", 0},
        {"no-timing", KEY(OPTION_NO_TIMING), 0, 0, "leave out wall_s, the one field that differs between equal runs", 0},
        {"quiet", KEY(OPTION_QUIET), 0, 0, "no messages and no progress on stderr", 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct run_options *options = state->input;
	if (key == KEY_TIER || key == KEY_FAIL) {
		const char **texts = key == KEY_TIER ? options->tier_texts : options->fault_texts;
		uint32_t *count = key == KEY_TIER ? &options->tier_text_count : &options->fault_text_count;
		if (*count == OPTION_LIST_MOST)
			argp_error(state, "more than %d of --%s", OPTION_LIST_MOST, key == KEY_TIER ? "tier" : "fail");
		texts[(*count)++] = arg;
		return 0;
	}
	if (key < KEY_FIRST || key >= KEY(OPTION_COUNT))
		return ARGP_ERR_UNKNOWN;
	options->text[key - KEY_FIRST] = arg ? arg : "1";
	return 0;
}

/* Adds the names that are built in to what --help says of --preset. argp frees what is not `text`. */
static char *filter_help(int key, const char *text, void *input)
{
	(void)input;
	if (key != KEY(OPTION_PRESET))
		return (char *)(uintptr_t)text;
	const char *names = embedded_names("preset");
	const size_t size = strlen(text) + strlen(names) + 3;
	char *longer = mem_alloc(size, 1);
	snprintf(longer, size, "%s: %s", text, names);
	return longer;
}

const struct argp options_argp = {.options = option_table, .parser = parse_option, .help_filter = filter_help};

const char *options_name(enum option_id id)
{
	for (size_t i = 0; i + 1 < COUNT_OF(option_table); i++) {
		if (option_table[i].key == KEY((int)id))
			return option_table[i].name;
	}
	return "";
}

int options_id(const char *name, bool *wants_value)
{
	for (size_t i = 0; i + 1 < COUNT_OF(option_table); i++) {
		if (option_table[i].name && strcmp(option_table[i].name, name) == 0) {
			*wants_value = option_table[i].arg != NULL;
			return option_table[i].key - KEY_FIRST;
		}
	}
	return -1;
}

static int load_settings(struct run_options *options, bool evict_all, struct err *err)
{
	if (options_apply_preset(options, err) < 0 || options_resolve(options, evict_all, err) < 0)
		return -1;
	const char *model_name = options->text[OPTION_MODEL];
	if (model_name && model_load(&options->model, model_name, err) < 0)
		return -1;
	options->has_model = model_name != NULL;
	if (options->has_model)
		options->config.kv_bytes_per_token = (double)model_kv_bytes_per_token(&options->model);
	else if (options->tier_count > 1)
		return err_set(err, "--tier: links move bytes, so more than one tier needs --model, which gives the bytes of KV "
		                    "a token.");
	options->calibration = calibration_load(options->text[OPTION_CALIB], err);
	options->config.calibration = options->calibration;
	if (!options->calibration)
		return -1;
	for (uint32_t i = 0; i < options->tier_count; i++)
		tier_config_measured(&options->tiers[i], options->calibration);
	return 0;
}

int options_replicas(const struct run_options *options, const char *text, uint32_t *replicas, struct err *err)
{
	int64_t number = 0;
	if (units_count(text, &number, err) < 0)
		return err_prefix(err, "--replicas: ");
	if (number < 1 || number > ROUTER_REPLICAS_MOST)
		return err_set(err, "--replicas %s: expected a whole number from 1 to %d.", text, ROUTER_REPLICAS_MOST);
	if (number > 1 && options->config.engine == ENGINE_REPLAY)
		return err_set(err, "--replicas %s: in --engine replay nothing takes time, so no replica is ever busier than another; "
		                    "choose static, vllm or sglang.", text);
	*replicas = (uint32_t)number;
	return 0;
}

struct trace *options_load_trace(struct run_options *options, const char *path, struct err *err)
{
	int64_t block_tokens = 0, max_prompt = 0, max_output = 0;
	if (options_resolve_whole(options, OPTION_BLOCK, 1, 1 << 24, &block_tokens, err) < 0 ||
	    options_resolve_whole(options, OPTION_MAX_PROMPT, 1, UINT32_MAX, &max_prompt, err) < 0 ||
	    options_resolve_whole(options, OPTION_MAX_OUTPUT, 1, UINT32_MAX, &max_output, err) < 0) {
		options_blame(options, err);
		return NULL;
	}
	/* A preset's block size is like an engine's: for traces that are cut into blocks here, not for those that come so. */
	struct trace_load_options load = {.block_tokens = (uint32_t)block_tokens,
	                                  .preset_block_tokens = options->engine_block_tokens};
	if (options->preset_lines[OPTION_BLOCK])
		load = (struct trace_load_options){.preset_block_tokens = (uint32_t)block_tokens};
	struct trace *trace = trace_load(path, &load, err);
	if (!trace)
		options_blame(options, err);
	else if (max_prompt || max_output)
		options->shortened_requests = trace_shorten(trace, (uint32_t)max_prompt, (uint32_t)max_output);
	return trace;
}

static int fit_trace(struct run_options *options, const struct trace *trace, struct err *err)
{
	if (options->config.closed_loop && trace->session_count == 0)
		return err_set(err, "%s: --arrivals closed needs sessions, and no request has a session_id.", trace->name);
	for (uint32_t i = 0; i < options->tier_count; i++) {
		struct tier_config *tier = &options->tiers[i];
		char what[64];
		snprintf(what, sizeof(what), "tier %s:", tier->name);
		if (options_capacity(options, trace, what, tier->capacity, &tier->capacity_blocks, err) < 0)
			return -1;
	}
	return 0;
}

int options_load_settings(struct run_options *options, bool evict_all, struct err *err)
{
	return load_settings(options, evict_all, err) < 0 ? options_blame(options, err) : 0;
}

int options_fit(struct run_options *options, const struct trace *trace, struct err *err)
{
	return fit_trace(options, trace, err) < 0 ? options_blame(options, err) : 0;
}

struct trace *options_load(struct run_options *options, const char *trace_path, bool evict_all, struct err *err)
{
	if (options_load_settings(options, evict_all, err) < 0)
		return NULL;
	struct trace *trace = options_load_trace(options, trace_path, err);
	if (trace && options_fit(options, trace, err) < 0) {
		trace_free(trace);
		trace = NULL;
	}
	return trace;
}

void options_free(struct run_options *options)
{
	spec_list_free(&options->evicts);
	spec_list_free(&options->ttls);
	for (uint32_t i = 0; i < options->tier_count; i++)
		tier_config_free(&options->tiers[i]);
	options->tier_count = 0;
	calibration_free(options->calibration);
	options->calibration = NULL;
	free(options->preset_text);
	options->preset_text = NULL;
}

int options_capacity(const struct run_options *options, const struct trace *trace, const char *what, const char *text,
                     uint64_t *blocks, struct err *err)
{
	int64_t number;
	if (strcmp(text, "inf") == 0) {
		*blocks = UINT64_MAX;
		return 0;
	}
	const bool is_size = text[0] && text[strlen(text) - 1] == 'B';
	if ((is_size ? units_size(text, &number, err) : units_count(text, &number, err)) < 0)
		return err_prefix(err, "%s: ", what);
	if (is_size && !options->has_model)
		return err_set(err, "%s %s: a size in bytes needs --model, which gives the bytes of KV a token.", what, text);
	if (is_size)
		number /= model_kv_bytes_per_token(&options->model) * trace->block_tokens;
	if (number < 1 && is_size)
		return err_set(err, "%s %s: less than one block of %u tokens.", what, text, trace->block_tokens);
	if (number < 1)
		return err_set(err, "%s %s: expected at least 1 block.", what, text);
	*blocks = (uint64_t)number;
	return 0;
}

double options_gib(const struct run_options *options, const struct trace *trace, double blocks)
{
	if (!options->has_model)
		return NAN;
	return blocks * trace->block_tokens * (double)model_kv_bytes_per_token(&options->model) / (1024.0 * 1024 * 1024);
}
