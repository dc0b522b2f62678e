#include "fuzz_case.h"

#include "replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TICK_NS (NS_PER_S / 2)

static void append(char *text, size_t size, const char *piece)
{
	const size_t used = strlen(text);
	ASSERT(used + strlen(piece) < size);
	memcpy(text + used, piece, strlen(piece) + 1);
}

static void random_word(struct make_rng *rng, const char *choices, char *text, size_t size)
{
	uint64_t words = 1;
	for (const char *p = choices; *p; p++)
		words += *p == '|';
	const char *start = choices;
	for (uint64_t skip = make_random(rng, words); skip > 0; skip--)
		start = strchr(start, '|') + 1;
	snprintf(text, size, "%.*s", (int)strcspn(start, "|"), start);
}

/* A value of the parameter within its bounds, near the lower one, in the grammar of the command line. */
static void random_value(struct make_rng *rng, const struct param *param, char *text, size_t size)
{
	const double reach = param->most - param->least < 8 ? param->most - param->least : 8;
	uint64_t ms;
	switch (param->kind) {
	case PARAM_INT:
		snprintf(text, size, "%.0f", param->least + (double)make_random(rng, (uint64_t)reach + 1));
		break;
	case PARAM_REAL:
		snprintf(text, size, "%.9g", param->least + reach * (double)make_random(rng, 9) / 8);
		break;
	case PARAM_DURATION:
		ms = 500 * make_random(rng, 13);
		snprintf(text, size, "%" PRIu64 "ms", ms);
		if ((double)ms * (double)NS_PER_MS < param->least || (double)(6000 * NS_PER_MS) > param->most)
			snprintf(text, size, "%s", param->default_text);
		else if (make_chance(rng, 10))
			snprintf(text, size, "inf");
		break;
	case PARAM_CHOICE:
		random_word(rng, param->choices, text, size);
		break;
	case PARAM_SIZE:
		snprintf(text, size, "%s", param->default_text);
		break;
	}
}

/* Adds `key=value` for some of the table's parameters, `percent` in a hundred. `sign` stands before the next pair. */
static void random_pairs(struct make_rng *rng, const struct param *table, uint32_t percent, char *text, size_t size, char *sign)
{
	for (const struct param *param = table; param && param->name; param++) {
		char value[64], pair[192];
		if (!make_chance(rng, percent))
			continue;
		random_value(rng, param, value, sizeof(value));
		snprintf(pair, sizeof(pair), "%c%s=%s", *sign, param->name, value);
		append(text, size, pair);
		*sign = ',';
	}
}

static void bind(const struct spec *spec, const char *class_name, const struct param *const *tables,
                 union param_value *const *values)
{
	struct err err;
	if (spec_bind(spec, class_name, tables, values, "", &err) == 0)
		return;
	fprintf(stderr, "%s: %s\n", spec->text, err.text);
	exit(1);
}

static const struct param no_params[] = {{.name = NULL}};

static const struct param *table_of(const struct param *params)
{
	return params ? params : no_params;
}

static void name_values(struct naive_values *named, const struct param *table, const union param_value *values)
{
	named->count = 0;
	for (; table->name; table++, values++) {
		struct naive_value *value = &named->at[named->count++];
		*value = (struct naive_value){.name = table->name};
		if (table->kind == PARAM_REAL)
			value->real = values->real;
		else
			value->integer = values->integer;
	}
}

static void draw_evict(struct fuzz_case *c, struct make_rng *rng)
{
	char sign = ':';
	snprintf(c->evict_text, sizeof(c->evict_text), "%s", c->evict->name);
	random_pairs(rng, c->evict->params, 40, c->evict_text, sizeof(c->evict_text), &sign);
	struct spec spec;
	struct err err;
	ASSERT(spec_parse(&spec, c->evict_text, &err) == 0);
	union param_value values[PARAM_MOST];
	const struct param *const tables[] = {table_of(c->evict->params), NULL};
	union param_value *const outs[] = {values};
	bind(&spec, NULL, tables, outs);
	name_values(&c->naive.evict_values, tables[0], values);
	spec_free(&spec);
	c->naive.evict = c->evict->name;
	c->naive.may_decline = c->evict->may_decline;
	c->naive.may_shed = c->evict->surplus != NULL;
}

/* The rule as class `class_name` has it. */
static void bind_rule(struct fuzz_case *c, const struct spec *spec, const char *class_name, struct naive_rule *rule,
                      union param_value common[TTL_COMMON_KEYS])
{
	union param_value own[PARAM_MOST];
	struct param common_params[TTL_COMMON_KEYS + 1];
	const struct param *const tables[] = {common_params, table_of(c->ttl->params), NULL};
	registry_ttl_common(c->ttl, common_params);
	union param_value *const outs[] = {common, own};
	bind(spec, class_name, tables, outs);
	rule->absolute = common[TTL_KEY_MODE].integer == 1;
	rule->max_age_ns = common[TTL_KEY_MAX_AGE].integer;
	name_values(&rule->own, tables[1], own);
}

/* The text of a random SPEC for the rule; not all of them are accepted. */
static void random_ttl(struct fuzz_case *c, struct make_rng *rng)
{
	char sign = ':';
	snprintf(c->ttl_text, sizeof(c->ttl_text), "%s", c->ttl->name);
	random_pairs(rng, c->ttl->params, 80, c->ttl_text, sizeof(c->ttl_text), &sign);
	struct param common_params[TTL_COMMON_KEYS + 1];
	registry_ttl_common(c->ttl, common_params);
	const bool unpins = make_chance(rng, 20); /* needs hard=1 and no cascade */
	common_params[TTL_KEY_COHERENCE].choices = unpins ? "none|lift" : "none|lift|cascade";
	const uint32_t percent[] = {[TTL_KEY_MODE] = 60, [TTL_KEY_MAX_AGE] = 30, [TTL_KEY_COHERENCE] = 60};
	for (size_t k = 0; k < COUNT_OF(percent); k++) {
		const struct param one[] = {common_params[k], {.name = NULL}};
		random_pairs(rng, one, percent[k], c->ttl_text, sizeof(c->ttl_text), &sign);
	}
	char shield[48];
	snprintf(shield, sizeof(shield), "%chard=%d,expire=%s", sign, unpins || make_chance(rng, 20), unpins ? "unpin" : "drop");
	append(c->ttl_text, sizeof(c->ttl_text), shield);
	for (uint32_t k = 0; k < c->trace->class_count; k++) {
		if (!make_chance(rng, 30))
			continue;
		append(c->ttl_text, sizeof(c->ttl_text), ";class=");
		append(c->ttl_text, sizeof(c->ttl_text), c->trace->class_names[k]);
		const struct param some[] = {common_params[TTL_KEY_MAX_AGE], common_params[TTL_KEY_MODE], {.name = NULL}};
		sign = ':';
		random_pairs(rng, some, 100, c->ttl_text, sizeof(c->ttl_text), &sign);
		random_pairs(rng, c->ttl->params, 80, c->ttl_text, sizeof(c->ttl_text), &sign);
	}
}

/* Whether the product takes it: bounds may be the wrong way round. */
static bool is_accepted(const struct fuzz_case *c)
{
	struct spec evict, ttl;
	struct err err;
	ASSERT(spec_parse(&evict, "lru", &err) == 0 && spec_parse(&ttl, c->ttl_text, &err) == 0);
	const struct calibration calibration = {.terms[TERM_ROWS] = CALIBRATION_LINE(c->naive.token_ns)};
	const struct run_config config = {.evict = &evict, .ttl = &ttl, .calibration = &calibration};
	const bool accepted = replay_check(c->trace, &config, &err) == 0;
	spec_free(&evict);
	spec_free(&ttl);
	return accepted;
}

static void draw_ttl(struct fuzz_case *c, struct make_rng *rng)
{
	snprintf(c->ttl_text, sizeof(c->ttl_text), "%s", c->ttl->name);
	if (c->ttl->never)
		return;
	c->naive.ttl = c->ttl->name;
	do
		random_ttl(c, rng);
	while (!is_accepted(c));
	struct spec spec;
	struct err err;
	ASSERT(spec_parse(&spec, c->ttl_text, &err) == 0);
	union param_value common[TTL_COMMON_KEYS], other[TTL_COMMON_KEYS];
	bind_rule(c, &spec, NULL, &c->naive.rules[NAIVE_MOST_CLASSES], common);
	for (uint32_t k = 0; k <= NAIVE_MOST_CLASSES; k++)
		c->naive.rules[k].learner = NAIVE_MOST_CLASSES;
	for (uint32_t k = 0; k < c->trace->class_count; k++) {
		bind_rule(c, &spec, c->trace->class_names[k], &c->naive.rules[k], other);
		for (size_t i = 0; i < spec.override_count; i++) {
			if (strcmp(spec.overrides[i].class_name, c->trace->class_names[k]) == 0)
				c->naive.rules[k].learner = k;
		}
	}
	spec_free(&spec);
	static const enum naive_coherence coherences[] = {NAIVE_NONE, NAIVE_NONE, NAIVE_LIFT, NAIVE_CASCADE};
	c->naive.coherence = coherences[common[TTL_KEY_COHERENCE].integer];
	if (common[TTL_KEY_COHERENCE].integer == TTL_COHERENCE_DEFAULT)
		c->naive.coherence = c->naive.rules[NAIVE_MOST_CLASSES].absolute ? NAIVE_NONE : NAIVE_LIFT;
	if (c->naive.object) /* no block has a parent there */
		c->naive.coherence = NAIVE_NONE;
	c->naive.hard = common[TTL_KEY_HARD].integer == 1;
	c->naive.unpins = common[TTL_KEY_EXPIRE].integer == TTL_EXPIRE_UNPIN;
}

static void draw_trace(struct fuzz_case *c, struct make_rng *rng)
{
	static const uint32_t sizes[] = {1, 4, 16};
	const struct make_shape shape = {
	        .requests = 1 + (uint32_t)make_random(rng, 60),
	        .block_tokens = sizes[make_random(rng, COUNT_OF(sizes))],
	        .sessions = (uint32_t)make_random(rng, 5),
	        .classes = (uint32_t)make_random(rng, NAIVE_MOST_CLASSES),
	        .root_percent = (uint32_t)make_random(rng, 60),
	        .repeat_percent = 20 + (uint32_t)make_random(rng, 70),
	        .growth = 1 + (uint32_t)make_random(rng, 6),
	        .same_time_percent = (uint32_t)make_random(rng, 70),
	        .tick_ns = TICK_NS,
	        .most_ticks = 1 + (uint32_t)make_random(rng, 6),
	        .tail_listed = make_chance(rng, 50),
	};
	c->trace = make_trace_random(rng, &shape);
}

void fuzz_case_draw(struct fuzz_case *c, uint64_t seed, uint64_t number)
{
	struct make_rng rng = {seed * UINT64_C(1000003) + number};
	static const double speeds[] = {1, 1, 2, 0.5, 3};
	*c = (struct fuzz_case){.evict = registry_evictions[number % registry_eviction_count]};
	draw_trace(c, &rng);
	/* The rule without a limit stands first in the registry and takes two cases in five. */
	c->ttl = registry_ttls[make_chance(&rng, 40) ? 0 : 1 + make_random(&rng, registry_ttl_count - 1)];
	ASSERT(registry_ttls[0]->never);
	const uint64_t room = make_chance(&rng, 50) ? 6 : (uint64_t)c->trace->block_count + 2;
	c->naive = (struct naive_config){
	        .trace = c->trace,
	        .capacity_blocks = make_chance(&rng, 10) ? UINT64_MAX : 1 + make_random(&rng, room),
	        .leaf = make_chance(&rng, 60),
	        .object = make_chance(&rng, 20),
	        .tail_cached = make_chance(&rng, 60),
	        .recompute_last = make_chance(&rng, 30),
	        .overlapping = make_chance(&rng, 50),
	        .speed = speeds[make_random(&rng, COUNT_OF(speeds))],
	        .warmup = make_chance(&rng, 70) ? 0 : (double)make_random(&rng, 100) / 100,
	        .token_ns = 1000,
	        .pair_ns = 10,
	        .seed = make_random(&rng, 1000),
	};
	if (c->naive.object)
		c->naive.leaf = c->naive.recompute_last = c->naive.overlapping = false;
	c->schedule_seed = make_random(&rng, UINT64_MAX);
	draw_evict(c, &rng);
	draw_ttl(c, &rng);
}

void fuzz_case_free(struct fuzz_case *c)
{
	make_trace_free(c->trace);
}

void fuzz_case_print(const struct fuzz_case *c, FILE *to)
{
	const struct naive_config *n = &c->naive;
	const struct trace *trace = c->trace;
	fprintf(to, "--evict %s --ttl '%s' --semantics %s --scope %s --partial-tail %s --recompute-last %d --speed %g --warmup %g",
	        c->evict_text, c->ttl_text, n->object ? "object" : "prefix", n->leaf ? "leaf" : "flat",
	        n->tail_cached ? "cache" : "skip", n->recompute_last, n->speed, n->warmup);
	if (n->capacity_blocks == UINT64_MAX)
		fprintf(to, " --capacity inf\n");
	else
		fprintf(to, " --capacity %" PRIu64 "\n", n->capacity_blocks);
	fprintf(to, "%s; blocks of %u tokens, partial tails %s\n",
	        n->overlapping ? "the stepped cache serves requests that overlap" : "one request at a time", trace->block_tokens,
	        trace->tail_listed ? "listed" : "not listed");
	for (uint32_t r = 0; r < trace->request_count; r++) {
		const struct trace_request *request = &trace->requests[r];
		fprintf(to, "request %u at %g s, %s, %u tokens, blocks", r, (double)request->arrival_ns / (double)NS_PER_S,
		        request->class_id == TRACE_NO_CLASS ? "no class" : trace->class_names[request->class_id],
		        request->prompt_tokens);
		TRACE_EACH_RUN(trace, request, run)
			for (block_id b = run->first; b < run->first + run->count; b++)
				fprintf(to, " %u", b);
		fputc('\n', to);
	}
}
