/* The generator as a whole: what it writes loads, means the same in both forms, and is the same again. */
#include "test.h"

#include "gen.h"
#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static const char *const manuals[] = {"rules", "stove"};

static int write_manuals(void **state)
{
	static const char rules[] =
	    "HOUSE RULES\n\n"
	    "Whoever borrows the ladder writes the day into the book by the door. The book is read on\n"
	    "Mondays by the caretaker or by his deputy. A ladder that is not back after a week is fetched.\n\n"
	    "Of guests\n\n"
	    "Guests may stay for three nights; whoever wants to keep them longer asks the neighbours first. \"No\" is "
	    "an\n"
	    "answer (so is silence). Bicycles stand in the yard \u2013 never in the hall \u2013 and are lit at "
	    "night.\n";
	static const char stove[] =
	    "HOUSE RULES\n\n"
	    "Whoever lights the stove stays with it until the coals have gone out. The ashes go into the iron bucket,\n"
	    "which stands outside at least two metres from the wall.\n\n\n"
	    "Stra\u00dfe und Hof\n\n"
	    "Der Gehweg wird t\u00e4glich gefegt, im Winter auch abends. Wer verhindert ist, bittet einen anderen "
	    "darum.\n";
	if (scratch_enter(state) < 0)
		return -1;
	scratch_write("rules", rules, sizeof(rules) - 1);
	scratch_write("stove", stove, sizeof(stove) - 1);
	return 0;
}

static struct gen_options small(void)
{
	struct gen_options options = gen_defaults;
	options.manual_paths = manuals;
	options.manual_count = COUNT_OF(manuals);
	options.sessions = 40;
	return options;
}

static struct trace *made(const struct gen_options *options, const char *name, uint32_t block_tokens)
{
	const struct trace_load_options load = {.block_tokens = block_tokens};
	struct gen_summary summary;
	struct err err;
	if (gen_write(options, name, &summary, &err) < 0)
		fail_msg("%s", err.text);
	struct trace *trace = trace_load(name, &load, &err);
	if (!trace)
		fail_msg("%s", err.text);
	assert_int_equal(trace->request_count, summary.requests);
	assert_int_equal(trace->session_count, summary.sessions);
	return trace;
}

static void expect_same_blocks(const struct trace *a, const struct trace *b)
{
	assert_int_equal(a->request_count, b->request_count);
	assert_int_equal(a->block_count, b->block_count);
	assert_int_equal(a->run_count, b->run_count);
	assert_memory_equal(a->parent, b->parent, a->block_count * sizeof(*a->parent));
	assert_memory_equal(a->runs, b->runs, a->run_count * sizeof(*a->runs));
	for (uint32_t i = 0; i < a->request_count; i++) {
		assert_int_equal(a->requests[i].prompt_tokens, b->requests[i].prompt_tokens);
		assert_int_equal(a->requests[i].arrival_ns, b->requests[i].arrival_ns);
		assert_int_equal(a->requests[i].run_first, b->requests[i].run_first);
		assert_int_equal(a->requests[i].run_count, b->requests[i].run_count);
	}
}

static void both_forms_have_the_same_blocks(void **state)
{
	(void)state;
	static const char *const orders[] = {"manual,agent,question", "manual,question,agent", "agent,manual,question",
					     "agent,question,manual", "question,manual,agent", "question,agent,manual"};
	static const uint32_t block_tokens[] = {1, 7, 16};
	uint64_t shared = 0;
	for (size_t o = 0; o < COUNT_OF(orders); o++) {
		for (size_t b = 0; b < COUNT_OF(block_tokens); b++) {
			struct gen_options options = small();
			options.order = orders[o];
			struct trace *segments = made(&options, "s.jsonl", block_tokens[b]);
			options.form = GEN_PROMPT;
			struct trace *prompt = made(&options, "p.jsonl.gz", block_tokens[b]);
			expect_same_blocks(segments, prompt);
			shared += trace_references(prompt) - prompt->block_count;
			trace_free(segments);
			trace_free(prompt);
		}
	}
	assert_true(shared > 1000);
}

static void one_manual_named_twice_is_one_text(void **state)
{
	(void)state;
	static const char *const twice[] = {"rules", "./rules"};
	struct gen_options options = small();
	options.manual_paths = twice;
	struct trace *segments = made(&options, "s.jsonl", 16);
	options.form = GEN_PROMPT;
	struct trace *prompt = made(&options, "p.jsonl", 16);
	expect_same_blocks(segments, prompt);
	trace_free(segments);
	trace_free(prompt);
}

static void time_goes_as_the_header_says(void **state)
{
	(void)state;
	struct gen_options options = small();
	options.think = "uniform:least=1s,most=5s";
	struct trace *trace = made(&options, "t.jsonl", 0);
	const struct trace_request **last = mem_alloc(trace->session_count, sizeof(*last));
	uint32_t later_turns = 0;
	for (uint32_t i = 0; i < trace->request_count; i++) {
		const struct trace_request *request = &trace->requests[i], *before = last[request->session];
		last[request->session] = request;
		assert_int_equal(request->turn, before ? before->turn + 1 : 1);
		if (!before) {
			assert_int_equal(request->think_ns, -1);
			continue;
		}
		later_turns++;
		assert_in_range(request->think_ns, NS_PER_S, 5 * NS_PER_S);
		assert_int_equal(request->arrival_ns, before->arrival_ns + request->think_ns +
							  before->output_tokens * GEN_TOKEN_MS * NS_PER_MS);
		assert_int_equal(request->class_id, before->class_id);
		assert_true(request->prompt_tokens > before->prompt_tokens + before->output_tokens);
	}
	assert_true(later_turns > 30);
	free(last);
	trace_free(trace);
}

static XXH64_hash_t checksum(const struct gen_options *options)
{
	struct gen_summary summary;
	struct err err;
	size_t size;
	assert_int_equal(gen_write(options, "c.jsonl", &summary, &err), 0);
	unsigned char *data = scratch_read("c.jsonl", &size);
	XXH64_hash_t hash = XXH64(data, size, 0);
	free(data);
	return hash;
}

static void equal_seeds_give_equal_bytes(void **state)
{
	(void)state;
	struct gen_options options = small();
	XXH64_hash_t segments = checksum(&options);
	assert_true(checksum(&options) == segments);
	options.seed = 2;
	assert_true(checksum(&options) != segments);
	options.seed = 1;
	options.form = GEN_PROMPT;
	XXH64_hash_t prompt = checksum(&options);
	/* A change of these changes every trace that was made before, and its commit says why. */
	assert_true(segments == 0xc84bcd2e0e44b8b5);
	assert_true(prompt == 0x7b90ec85eb4994fb);
}

static void arrivals_stay_when_words_change(void **state)
{
	(void)state;
	struct gen_options options = small();
	options.turns = "1";
	struct trace *one = made(&options, "1.jsonl", 0);
	options.question = "300";
	options.form = GEN_PROMPT;
	struct trace *other = made(&options, "2.jsonl", 0);
	assert_int_equal(one->request_count, other->request_count);
	for (uint32_t i = 0; i < one->request_count; i++) {
		assert_int_equal(one->requests[i].arrival_ns, other->requests[i].arrival_ns);
		assert_string_equal(one->class_names[one->requests[i].class_id],
				    other->class_names[other->requests[i].class_id]);
	}
	trace_free(one);
	trace_free(other);
}

static void popularity_is_zipf_or_uniform(void **state)
{
	(void)state;
	struct gen_options options = small();
	options.sessions = 4000;
	options.turns = "1";
	options.question = options.answer = "10";
	options.agent_count = 4;
	/* Expected shares of the first agent of four: 1 / (1 + 1/2 + 1/3 + 1/4), 1/4, 1 / (1 + 1/4 + 1/9 + 1/16). */
	static const struct {
		const char *text;
		double share;
	} cases[] = {{"zipf:s=1", 0.48}, {"uniform", 0.25}, {"zipf:s=2", 0.7024}, {"zipf:s=0", 0.25}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		options.popularity = cases[i].text;
		struct trace *trace = made(&options, "t.jsonl", 0);
		uint32_t first = 0;
		for (uint32_t r = 0; r < trace->request_count; r++)
			first += strcmp(trace->class_names[trace->requests[r].class_id], "compliance-auditor") == 0;
		/* 4000 draws have a standard error below 0.008. */
		assert_in_range(first, 4000 * (cases[i].share - 0.03), 4000 * (cases[i].share + 0.03));
		trace_free(trace);
	}
}

static void agents_take_turns(void **state)
{
	(void)state;
	struct gen_options options = small();
	options.sessions = 10;
	options.turns = "2";
	options.agent_count = 3;
	options.popularity = "rotate";
	struct trace *trace = made(&options, "t.jsonl", 0);
	assert_int_equal(trace->request_count, 20);
	for (uint32_t r = 0; r < trace->request_count; r++) {
		const struct trace_request *request = &trace->requests[r];
		const long session = strtol(trace->session_names[request->session] + 1, NULL, 10) - 1;
		static const char *const names[] = {"compliance-auditor", "contract-analyst", "support-engineer"};
		assert_string_equal(trace->class_names[request->class_id], names[session % 3]);
	}
	trace_free(trace);
}

static void refusals_leave_nothing_behind(void **state)
{
	(void)state;
#define ORDER "expected manual, agent and question once each, with commas between."
	static const struct {
		struct gen_options change;
		const char *sentence;
	} cases[] = {
	    {{.order = "manual,agent"}, "--template: 'manual,agent' is no order of the parts; " ORDER},
	    {{.order = "manual,agent,agent"}, "--template: 'manual,agent,agent' is no order of the parts; " ORDER},
	    {{.order = "manual,agent,question,"},
	     "--template: 'manual,agent,question,' is no order of the parts; " ORDER},
	    {{.order = "manual, agent,question"},
	     "--template: 'manual, agent,question' is no order of the parts; " ORDER},
	    {{.order = ""}, "--template: '' is no order of the parts; " ORDER},
	    {{.turns = "0"}, "--turns: fixed: value=0 is out of range; 1 to 10000000 is expected."},
	    {{.popularity = "pareto"}, "--popularity: there is no popularity 'pareto'; there are: zipf, uniform, rotate."},
	    {{.popularity = "uniform:s=1"}, "--popularity: uniform: 's' is given, but there are no parameters to set."},
	    {{.arrivals = "fixed:rate=1e-6", .think = "365d", .turns = "200"},
	     "the traffic takes more than 100 years; expected more arrivals, or less --think."},
	};
	size_t before = scratch_count();
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct gen_options options = small();
		const struct gen_options *change = &cases[i].change;
		struct gen_summary summary;
		struct err err;
		options.order = change->order ? change->order : options.order;
		options.turns = change->turns ? change->turns : options.turns;
		options.think = change->think ? change->think : options.think;
		options.arrivals = change->arrivals ? change->arrivals : options.arrivals;
		options.popularity = change->popularity ? change->popularity : options.popularity;
		assert_int_equal(gen_write(&options, "refused.jsonl", &summary, &err), -1);
		assert_string_equal(err.text, cases[i].sentence);
	}
	assert_int_equal(scratch_count(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_forms_have_the_same_blocks), cmocka_unit_test(one_manual_named_twice_is_one_text),
	    cmocka_unit_test(time_goes_as_the_header_says),    cmocka_unit_test(equal_seeds_give_equal_bytes),
	    cmocka_unit_test(arrivals_stay_when_words_change), cmocka_unit_test(popularity_is_zipf_or_uniform), cmocka_unit_test(agents_take_turns),
	    cmocka_unit_test(refusals_leave_nothing_behind),
	};
	return cmocka_run_group_tests(tests, write_manuals, scratch_leave);
}
