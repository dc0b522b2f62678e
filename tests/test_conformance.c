/* test_conformance.c - what every policy and every TTL rule of the registry has to do, whatever its rule says.
 *
 * Nothing here names a policy but where one is the yardstick (lru, belady). Policies that may turn blocks away or let
 * them go although there is room (may_decline, surplus) are excused from what that makes untrue, and from nothing else.
 */
#include "test.h"

#include "drive.h"
#include "make_trace.h"
#include "runs.h"
#include "ttl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACES 12

static bool keeps_all(const struct evict_ops *ops)
{
	return !ops->may_decline && !ops->surplus;
}

static struct trace *random_trace(uint64_t number)
{
	struct make_rng rng = {number * 77 + 5};
	const struct make_shape shape = {
	        .requests = 80,
	        .block_tokens = 4,
	        .sessions = (uint32_t)(number % 4),
	        .classes = (uint32_t)(number % 3),
	        .root_percent = (uint32_t)make_random(&rng, 50),
	        .repeat_percent = 30 + (uint32_t)make_random(&rng, 60),
	        .growth = 1 + (uint32_t)make_random(&rng, 6),
	        .same_time_percent = 30,
	        .tick_ns = NS_PER_S,
	        .most_ticks = 5,
	        .tail_listed = number % 2 == 0,
	};
	return make_trace_random(&rng, &shape);
}

/* What a test says before cmocka says where. */
#define SAY_UNLESS(condition, ...)                                                                                     \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			print_error(__VA_ARGS__);                                                                      \
			fail();                                                                                        \
		}                                                                                                      \
	} while (0)

/* --- the vtables --- */

static void check_text(const char *what, const char *name, const char *text)
{
	SAY_UNLESS(text && text[0], "%s: its %s is empty\n", name, what);
}

static void check_params(const char *name, const struct param *params)
{
	char text[256];
	struct err err;
	uint32_t count = 0;
	for (const struct param *param = params; param && param->name; param++, count++) {
		struct spec spec;
		union param_value values[PARAM_MOST];
		const struct param *const tables[] = {params, NULL};
		union param_value *const outs[] = {values};
		check_text("parameter's help", name, param->help);
		check_text("parameter's default", name, param->default_text);
		snprintf(text, sizeof(text), "%s:%s={%s}", name, param->name, param->default_text);
		assert_int_equal(spec_parse(&spec, text, &err), 0);
		SAY_UNLESS(spec_bind(&spec, NULL, tables, outs, "", &err) == 0, "%s: its default does not bind: %s\n", name,
		           err.text);
		const union param_value given = values[param - params];
		spec_free(&spec);
		assert_int_equal(spec_parse(&spec, name, &err), 0);
		assert_int_equal(spec_bind(&spec, NULL, tables, outs, "", &err), 0);
		spec_free(&spec);
		SAY_UNLESS(memcmp(&given, &values[param - params], sizeof(given)) == 0, "%s: %s left out is not its default\n", name,
		           param->name);
		if (param->kind != PARAM_CHOICE) {
			const double value = param->kind == PARAM_REAL ? given.real : (double)given.integer;
			SAY_UNLESS((value >= param->least && value <= param->most) || given.integer == TIME_NEVER_NS,
			           "%s: %s is by default out of its own bounds\n", name, param->name);
		}
		for (const struct param *other = params; other < param; other++)
			assert_string_not_equal(other->name, param->name);
	}
	assert_true(count <= PARAM_MOST);
}

static void vtables_are_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < registry_eviction_count; i++) {
		const struct evict_ops *ops = registry_evictions[i];
		check_text("name", "an eviction policy", ops->name);
		check_text("rule", ops->name, ops->rule);
		check_text("detail", ops->name, ops->detail);
		check_text("source", ops->name, ops->source);
		check_text("cost", ops->name, ops->cost);
		check_params(ops->name, ops->params);
		assert_true(ops->open && ops->close && ops->evict && ops->object);
		assert_ptr_equal(registry_evict(ops->name), ops);
	}
	for (size_t i = 0; i < registry_ttl_count; i++) {
		const struct ttl_ops *ops = registry_ttls[i];
		check_text("name", "a TTL rule", ops->name);
		check_text("rule", ops->name, ops->rule);
		check_text("detail", ops->name, ops->detail);
		check_text("source", ops->name, ops->source);
		check_text("cost", ops->name, ops->cost);
		check_params(ops->name, ops->params);
		assert_true(ops->never || (ops->open && ops->close && ops->ttl_ns));
		struct param common[TTL_COMMON_KEYS + 1];
		registry_ttl_common(ops, common);
		check_params(ops->name, common);
		assert_ptr_equal(registry_ttl(ops->name), ops);
	}
	assert_null(registry_evict("no such policy"));
	assert_null(registry_ttl("no such rule"));
}

/* --- room --- */

/* A block hits where all before it were asked for before: no cache can do better. */
static uint32_t infinite_hits(const struct trace *trace, uint32_t request, bool *seen)
{
	uint32_t hits = 0;
	bool prefix = true;
	TRACE_EACH_RUN(trace, &trace->requests[request], run) {
		for (block_id b = run->first; b < run->first + run->count; b++) {
			prefix &= seen[b];
			hits += prefix;
			seen[b] = true;
		}
	}
	return hits;
}

static void check_infinite(const struct trace *trace, const struct evict_ops *ops, uint64_t capacity_blocks, bool leaf)
{
	struct runs_result run = runs_replay(
	        trace, &(struct runs_setup){.evict = ops->name, .ttl = "none", .capacity_blocks = capacity_blocks, .leaf = leaf});
	bool *seen = mem_alloc(trace->block_count, sizeof(*seen));
	if (keeps_all(ops))
		assert_int_equal(run.counts.evicted_blocks + run.counts.declined_blocks, 0);
	for (uint32_t r = 0; r < trace->request_count; r++) {
		const uint32_t want = infinite_hits(trace, r, seen);
		const bool untouched = run.counts.evicted_blocks + run.counts.declined_blocks == 0;
		SAY_UNLESS(untouched ? run.outcomes[r].hit_blocks == want : run.outcomes[r].hit_blocks <= want,
		           "%s: request %u hits %u blocks, an infinite cache %u\n", ops->name, r, run.outcomes[r].hit_blocks, want);
	}
	free(seen);
	runs_free(&run);
}

static void with_room_for_all_nothing_goes(void **state)
{
	(void)state;
	for (uint64_t t = 0; t < TRACES; t++) {
		struct trace *trace = random_trace(t);
		for (size_t i = 0; i < registry_eviction_count; i++) {
			for (int leaf = 0; leaf < 2; leaf++) {
				check_infinite(trace, registry_evictions[i], UINT64_MAX, leaf);
				check_infinite(trace, registry_evictions[i], trace->block_count, leaf);
			}
		}
		make_trace_free(trace);
	}
}

/* Ten blocks in a row, asked for three times, with something else before the last. */
static struct trace *long_prompt(void)
{
	static const block_id parent[] = {BLOCK_NONE, 0, 1, 2, 3, 4, 5, 6, 7, 8, BLOCK_NONE};
	static const struct make_request requests[] = {
	        {.tail = 9, .session = TRACE_NO_SESSION, .class_id = TRACE_NO_CLASS, .hints = UINT32_MAX, .ordinal = 0},
	        {.tail = 9, .session = TRACE_NO_SESSION, .class_id = TRACE_NO_CLASS, .hints = UINT32_MAX, .ordinal = 1},
	        {.tail = 10, .session = TRACE_NO_SESSION, .class_id = TRACE_NO_CLASS, .hints = UINT32_MAX, .ordinal = 2},
	        {.tail = 9, .session = TRACE_NO_SESSION, .class_id = TRACE_NO_CLASS, .hints = UINT32_MAX, .ordinal = 3},
	};
	return make_trace(&(struct make_parts){
	        .block_tokens = 4,
	        .block_count = COUNT_OF(parent),
	        .request_count = COUNT_OF(requests),
	        .parent = parent,
	        .requests = requests,
	});
}

static void a_prompt_longer_than_the_cache_keeps_its_head(void **state)
{
	(void)state;
	struct trace *trace = long_prompt();
	for (size_t i = 0; i < registry_eviction_count; i++) {
		const struct evict_ops *ops = registry_evictions[i];
		for (uint32_t capacity = 1; capacity <= 10 && keeps_all(ops); capacity++) {
			for (int leaf = 0; leaf < 2; leaf++) {
				struct runs_result run = runs_replay(
				        trace, &(struct runs_setup){
				                       .evict = ops->name, .ttl = "none", .capacity_blocks = capacity, .leaf = leaf});
				SAY_UNLESS(run.outcomes[1].hit_blocks == capacity, "%s: %u of 10 blocks hit with room for %u\n",
				           ops->name, run.outcomes[1].hit_blocks, capacity);
				/* In leaf scope block 10 can only have taken the place of the deepest. */
				if (leaf)
					assert_int_equal(run.outcomes[3].hit_blocks, capacity - 1);
				assert_int_equal(run.counts.declined_blocks, 2 * (10 - capacity) + (10 - capacity));
				runs_free(&run);
			}
		}
	}
	make_trace_free(trace);
}

/* --- requests in flight together --- */

/* drive.c asserts room and, at every release, that the path is still there. */
static void drive_at_random(struct drive *drive, struct make_rng *rng)
{
	struct drive_hold held[5];
	uint32_t count = 0;
	for (uint32_t r = 0; r < drive->trace->request_count; r++) {
		drive_time(drive, drive->trace->requests[r].arrival_ns);
		while (count > 0 && (count == COUNT_OF(held) || make_chance(rng, 40))) {
			const uint32_t i = (uint32_t)make_random(rng, count);
			drive_release(drive, &held[i]);
			held[i] = held[--count];
		}
		held[count++] = drive_acquire(drive, r, NULL);
		for (uint32_t i = 0; i < count; i++)
			assert_true(cache_lookup(drive->cache, held[i].path) >= held[i].held_blocks);
		assert_true(cache_free_blocks(drive->cache) <= drive->config.capacity_blocks);
	}
	while (count > 0)
		drive_release(drive, &held[--count]);
}

static void what_is_in_use_stays(void **state)
{
	(void)state;
	for (uint64_t t = 0; t < TRACES; t++) {
		struct trace *trace = random_trace(t);
		struct make_rng rng = {t};
		for (size_t i = 0; i < registry_eviction_count; i++) {
			for (size_t k = 0; k < registry_ttl_count; k++) {
				for (int leaf = 0; leaf < 2; leaf++) {
					struct drive *drive = drive_open(
					        trace, &(struct drive_config){.evict = registry_evictions[i]->name,
					                                      .ttl = registry_ttls[k]->name,
					                                      .capacity_blocks = 1 + make_random(&rng, 30),
					                                      .leaf = leaf,
					                                      .tail_cached = true,
					                                      .token_ns = 1000,
					                                      .pair_ns = 10});
					drive_at_random(drive, &rng);
					drive_close(drive);
				}
			}
		}
		make_trace_free(trace);
	}
}

/* --- object semantics --- */

/* Serves every reference by cache_objects() and as a request of one block in flat scope; the outcomes must be the same. */
static void check_objects(const struct trace *trace, const struct evict_ops *ops, uint64_t capacity_blocks)
{
	const struct drive_config config = {.evict = ops->name,
	                                    .ttl = "none",
	                                    .capacity_blocks = capacity_blocks,
	                                    .tail_cached = true,
	                                    .object = true,
	                                    .token_ns = 1000,
	                                    .pair_ns = 10};
	struct drive_config one_by_one = config;
	one_by_one.single = true;
	struct drive *loop = drive_open(trace, &config), *general = drive_open(trace, &one_by_one);
	uint8_t *a = mem_alloc(trace->block_count, 1), *b = mem_alloc(trace->block_count, 1);
	char *states_a = mem_alloc((size_t)trace->block_count + 1, 1), *states_b = mem_alloc((size_t)trace->block_count + 1, 1);
	for (uint32_t r = 0; r < trace->request_count; r++) {
		drive_time(loop, trace->requests[r].arrival_ns);
		drive_time(general, trace->requests[r].arrival_ns);
		const uint32_t x = drive_objects(loop, r, a), y = drive_objects(general, r, b);
		SAY_UNLESS(x == y && memcmp(a, b, trace->requests[r].block_count) == 0,
		           "%s, %llu blocks: request %u has %u hits in the object loop, %u one by one\n", ops->name,
		           (unsigned long long)capacity_blocks, r, x, y);
		drive_states(loop, states_a);
		drive_states(general, states_b);
		SAY_UNLESS(strcmp(states_a, states_b) == 0, "%s, %llu blocks: after request %u\n%s\n%s\n", ops->name,
		           (unsigned long long)capacity_blocks, r, states_a, states_b);
	}
	const struct cache_counts m = cache_counts(loop->cache), n = cache_counts(general->cache);
	assert_memory_equal(&m, &n, sizeof(m));
	free(a);
	free(b);
	free(states_a);
	free(states_b);
	drive_close(loop);
	drive_close(general);
}

static void the_object_loop_is_the_general_path(void **state)
{
	(void)state;
	for (uint64_t t = 0; t < TRACES; t++) {
		struct trace *trace = random_trace(t);
		for (size_t i = 0; i < registry_eviction_count; i++) {
			const struct evict_ops *ops = registry_evictions[i];
			struct make_rng rng = {t};
			for (int n = 0; n < 4; n++) {
				const uint64_t capacity_blocks = 1 + make_random(&rng, n % 2 ? 8 : trace->block_count);
				check_objects(trace, ops, capacity_blocks);
				struct runs_setup setup = {
				        .evict = ops->name, .ttl = "none", .capacity_blocks = capacity_blocks, .object = true};
				struct runs_result none = runs_replay(trace, &setup);
				setup.ttl = "static:ttl=inf";
				struct runs_result forever = runs_replay(trace, &setup);
				SAY_UNLESS(runs_equal(&none, &forever), "%s: ttl=inf is not none under object semantics\n", ops->name);
				runs_free(&none);
				runs_free(&forever);
			}
		}
		make_trace_free(trace);
	}
}

/* --- the same again --- */

static void equal_runs_are_equal(void **state)
{
	(void)state;
	for (uint64_t t = 0; t < TRACES; t++) {
		struct trace *trace = random_trace(t);
		for (size_t i = 0; i < registry_eviction_count; i++) {
			for (size_t k = 0; k < registry_ttl_count; k++) {
				const struct runs_setup setup = {.evict = registry_evictions[i]->name,
				                                 .ttl = registry_ttls[k]->name,
				                                 .capacity_blocks = 1 + (t * 7 + i) % 40,
				                                 .leaf = t % 2 == 0,
				                                 .object = t % 5 == 4,
				                                 .seed = t};
				struct runs_result a = runs_replay(trace, &setup), b = runs_replay(trace, &setup);
				SAY_UNLESS(runs_equal(&a, &b), "%s, %s: two equal runs differ\n", setup.evict, setup.ttl);
				runs_free(&a);
				runs_free(&b);
			}
		}
		make_trace_free(trace);
	}
}

/* Two caches of one trace, step by step in turn, against the hits of one alone. */
static void caches_do_not_disturb_each_other(void **state)
{
	(void)state;
	struct trace *trace = random_trace(3);
	for (size_t i = 0; i < registry_eviction_count; i++) {
		const char *const other = registry_evictions[(i + 1) % registry_eviction_count]->name;
		struct drive_config config = {.evict = registry_evictions[i]->name,
		                              .ttl = "static:ttl=9s",
		                              .capacity_blocks = 12,
		                              .leaf = true,
		                              .tail_cached = true,
		                              .token_ns = 1000,
		                              .pair_ns = 10};
		struct drive *alone = drive_open(trace, &config), *one = drive_open(trace, &config);
		config.evict = other;
		config.capacity_blocks = 7;
		struct drive *two = drive_open(trace, &config), *third = drive_open(trace, &config);
		for (uint32_t r = 0; r < trace->request_count; r++) {
			struct drive *const drives[] = {one, two, third};
			struct drive_hold holds[COUNT_OF(drives)];
			drive_time(alone, trace->requests[r].arrival_ns);
			const struct drive_hold want = drive_acquire(alone, r, NULL);
			drive_release(alone, &want);
			for (size_t d = 0; d < COUNT_OF(drives); d++) {
				drive_time(drives[d], trace->requests[r].arrival_ns);
				holds[d] = drive_acquire(drives[d], r, NULL);
			}
			for (size_t d = 0; d < COUNT_OF(drives); d++)
				drive_release(drives[d], &holds[d]);
			assert_int_equal(holds[0].hit_blocks, want.hit_blocks);
			assert_int_equal(holds[1].hit_blocks, holds[2].hit_blocks);
		}
		drive_close(alone);
		drive_close(one);
		drive_close(two);
		drive_close(third);
	}
	make_trace_free(trace);
}

/* --- bounds --- */

static void nobody_beats_belady(void **state)
{
	(void)state;
	for (uint64_t t = 0; t < 4 * TRACES; t++) {
		struct trace *trace = random_trace(t);
		const uint64_t capacity_blocks = 1 + t * 5 % 40;
		struct runs_setup setup = {.evict = "belady", .ttl = "none", .capacity_blocks = capacity_blocks, .leaf = true};
		struct runs_result best = runs_replay(trace, &setup);
		for (size_t i = 0; i < registry_eviction_count; i++) {
			if (registry_evictions[i]->may_decline)
				continue;
			setup.evict = registry_evictions[i]->name;
			struct runs_result run = runs_replay(trace, &setup);
			SAY_UNLESS(run.hit_blocks <= best.hit_blocks, "%s hits %llu blocks, belady %llu\n", setup.evict,
			           (unsigned long long)run.hit_blocks, (unsigned long long)best.hit_blocks);
			runs_free(&run);
		}
		runs_free(&best);
		make_trace_free(trace);
	}
}

static void lru_gains_from_room(void **state)
{
	(void)state;
	for (uint64_t t = 0; t < 4 * TRACES; t++) {
		struct trace *trace = random_trace(t);
		for (int mode = 0; mode < 3; mode++) {
			uint64_t before = 0;
			for (uint32_t capacity = 1; capacity <= trace->block_count; capacity += 1 + capacity / 8) {
				struct runs_result run = runs_replay(trace, &(struct runs_setup){.evict = "lru",
				                                                                 .ttl = "none",
				                                                                 .capacity_blocks = capacity,
				                                                                 .leaf = mode == 1,
				                                                                 .object = mode == 2});
				assert_true(run.hit_blocks >= before);
				before = run.hit_blocks;
				runs_free(&run);
			}
		}
		make_trace_free(trace);
	}
}

/* --- time --- */

/* The rule with all the durations that bound its answer at `value`; false where it has none that may be. */
static bool bounded_rule(const struct ttl_ops *ops, const char *value, double value_ns, char *text, size_t size)
{
	static const char *const names[] = {"ttl", "base", "min", "max"};
	size_t used = (size_t)snprintf(text, size, "%s", ops->name);
	char sign = ':';
	for (const struct param *param = ops->params; param && param->name; param++) {
		for (size_t i = 0; i < COUNT_OF(names); i++) {
			if (param->kind != PARAM_DURATION || strcmp(param->name, names[i]) != 0 || value_ns < param->least)
				continue;
			used += (size_t)snprintf(text + used, size - used, "%c%s=%s", sign, param->name, value);
			sign = ',';
		}
	}
	return sign == ',';
}

static void no_time_no_hits(void **state)
{
	(void)state;
	char ttl[256];
	for (size_t k = 0; k < registry_ttl_count; k++) {
		if (!bounded_rule(registry_ttls[k], "0s", 0, ttl, sizeof(ttl)))
			continue;
		for (uint64_t t = 0; t < TRACES; t++) {
			struct trace *trace = random_trace(t);
			struct runs_result run = runs_replay(
			        trace, &(struct runs_setup){.evict = "lru", .ttl = ttl, .capacity_blocks = UINT64_MAX, .leaf = true});
			bool *seen = mem_alloc(trace->block_count, sizeof(*seen));
			for (uint32_t r = 0; r < trace->request_count; r++) {
				/* Only what came at this very time is still there. */
				if (r > 0 && trace->requests[r].arrival_ns > trace->requests[r - 1].arrival_ns)
					memset(seen, 0, trace->block_count * sizeof(*seen));
				assert_int_equal(run.outcomes[r].hit_blocks, infinite_hits(trace, r, seen));
			}
			free(seen);
			runs_free(&run);
			make_trace_free(trace);
		}
	}
}

static void endless_time_is_no_limit(void **state)
{
	(void)state;
	char ttl[256];
	for (size_t k = 0; k < registry_ttl_count; k++) {
		/* A rule that learns comes to an answer of its own. */
		if (registry_ttls[k]->observe || !bounded_rule(registry_ttls[k], "inf", (double)TIME_NEVER_NS, ttl, sizeof(ttl)))
			continue;
		for (uint64_t t = 0; t < TRACES; t++) {
			struct trace *trace = random_trace(t);
			for (size_t i = 0; i < registry_eviction_count; i++) {
				struct runs_setup setup = {.evict = registry_evictions[i]->name,
				                           .ttl = ttl,
				                           .capacity_blocks = 1 + t * 3,
				                           .leaf = t % 2 == 0};
				struct runs_result limited = runs_replay(trace, &setup);
				setup.ttl = "none";
				struct runs_result none = runs_replay(trace, &setup);
				SAY_UNLESS(runs_equal(&limited, &none), "%s with %s is not what it is without\n", setup.evict, ttl);
				runs_free(&limited);
				runs_free(&none);
			}
			make_trace_free(trace);
		}
	}
}

static void more_time_more_hits(void **state)
{
	(void)state;
	for (uint64_t t = 0; t < TRACES; t++) {
		struct trace *trace = random_trace(t);
		uint64_t before = 0;
		double resident_before = 0;
		for (int seconds = 0; seconds < 60; seconds += 1 + seconds / 4) {
			char ttl[64];
			snprintf(ttl, sizeof(ttl), "static:ttl=%ds", seconds);
			struct runs_result run = runs_replay(
			        trace, &(struct runs_setup){.evict = "lru", .ttl = ttl, .capacity_blocks = UINT64_MAX, .leaf = true});
			assert_true(run.hit_blocks >= before);
			assert_true(run.mean_resident_blocks >= resident_before);
			before = run.hit_blocks;
			resident_before = run.mean_resident_blocks;
			runs_free(&run);
		}
		make_trace_free(trace);
	}
}

/* POLICIES G4: P at 0 s, P C at 5 s and at 8 s. Absolute without coherence, a longer TTL can hit less. */
static void absolute_is_not_monotone(void **state)
{
	(void)state;
	static const block_id parent[] = {BLOCK_NONE, 0};
	static const struct make_request requests[] = {
	        {.tail = 0, .arrival_ns = 0, .session = TRACE_NO_SESSION, .class_id = TRACE_NO_CLASS, .hints = UINT32_MAX},
	        {.tail = 1, .arrival_ns = 5 * NS_PER_S, .session = TRACE_NO_SESSION, .class_id = TRACE_NO_CLASS, .hints = UINT32_MAX},
	        {.tail = 1, .arrival_ns = 8 * NS_PER_S, .session = TRACE_NO_SESSION, .class_id = TRACE_NO_CLASS, .hints = UINT32_MAX},
	};
	struct trace *trace = make_trace(&(struct make_parts){
	        .block_tokens = 4, .block_count = 2, .request_count = 3, .parent = parent, .requests = requests});
	const struct {
		const char *ttl;
		uint64_t hits;
	} rows[] = {
	        {"static:ttl=4s,mode=absolute", 2},
	        {"static:ttl=6s,mode=absolute", 1},
	        {"static:ttl=6s,mode=absolute,coherence=lift", 3},
	        {"static:ttl=6s,mode=absolute,coherence=cascade", 1},
	        {"static:ttl=6s", 3},
	        {"static:ttl=4s", 2},
	        {"static:ttl=5s", 3},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct runs_result run = runs_replay(trace, &(struct runs_setup){.evict = "lru",
		                                                                 .ttl = rows[i].ttl,
		                                                                 .capacity_blocks = UINT64_MAX,
		                                                                 .leaf = true});
		SAY_UNLESS(run.hit_blocks == rows[i].hits, "%s: %llu hits\n", rows[i].ttl, (unsigned long long)run.hit_blocks);
		runs_free(&run);
	}
	make_trace_free(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(vtables_are_complete),
	        cmocka_unit_test(with_room_for_all_nothing_goes),
	        cmocka_unit_test(a_prompt_longer_than_the_cache_keeps_its_head),
	        cmocka_unit_test(what_is_in_use_stays),
	        cmocka_unit_test(the_object_loop_is_the_general_path),
	        cmocka_unit_test(equal_runs_are_equal),
	        cmocka_unit_test(caches_do_not_disturb_each_other),
	        cmocka_unit_test(nobody_beats_belady),
	        cmocka_unit_test(lru_gains_from_room),
	        cmocka_unit_test(no_time_no_hits),
	        cmocka_unit_test(endless_time_is_no_limit),
	        cmocka_unit_test(more_time_more_hits),
	        cmocka_unit_test(absolute_is_not_monotone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
