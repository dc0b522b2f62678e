/* What the generator is made of: distributions, arrivals, manuals, agents, dialogue, segments. */
#include "test.h"

#include "gen_agents.h"
#include "gen_arrivals.h"
#include "gen_dialogue.h"
#include "gen_dist.h"
#include "gen_manual.h"
#include "gen_segments.h"
#include "scratch.h"
#include "tokenizer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gsl_rng *seeded(void)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(rng, 7);
	return rng;
}

/* --- distributions --- */

static void means_of_distributions(void **state)
{
	(void)state;
	/* Mean and standard deviation of 40,000 draws; 5 standard errors are allowed. */
	static const struct {
		const char *text;
		enum gen_dist_of of;
		double mean, deviation;
	} cases[] = {
	    {"7", GEN_DIST_COUNT, 7, 0},
	    {"fixed:7", GEN_DIST_COUNT, 7, 0},
	    {"fixed:value=7", GEN_DIST_COUNT, 7, 0},
	    {"fixed:1.5s", GEN_DIST_TIME, 1.5e9, 0},
	    {"250ms", GEN_DIST_TIME, 250e6, 0},
	    {"uniform:least=1,most=9", GEN_DIST_COUNT, 5, 2.582},
	    {"uniform:least=2s,most=4s", GEN_DIST_TIME, 3e9, 0.5774e9},
	    {"exponential:mean=20s", GEN_DIST_TIME, 20e9, 20e9},
	    {"gamma:mean=10s,cv=2", GEN_DIST_TIME, 10e9, 20e9},
	    {"gamma:mean=500,cv=0.1", GEN_DIST_COUNT, 500, 50},
	    /* mean = median x exp(sigma^2 / 2) */
	    {"lognormal:median=20s,sigma=0.5", GEN_DIST_TIME, 22.663e9, 12.08e9},
	    {"lognormal:median=20s,sigma=0", GEN_DIST_TIME, 20e9, 0},
	    {"geometric:mean=4", GEN_DIST_COUNT, 4, 3.4641},
	    {"geometric:mean=1", GEN_DIST_COUNT, 1, 0},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct gen_dist dist;
		struct err err;
		gsl_rng *rng = seeded();
		const int draws = 40000;
		double sum = 0, squares = 0;
		if (gen_dist_parse(&dist, cases[i].of, cases[i].text, "--x", &err) < 0)
			fail_msg("%s", err.text);
		for (int n = 0; n < draws; n++) {
			double value = (double)gen_dist_draw(&dist, rng) - cases[i].mean;
			sum += value;
			squares += value * value;
		}
		double off = fabs(sum / draws), deviation = sqrt(squares / draws);
		if (off > 5 * cases[i].deviation / sqrt(draws) ||
		    fabs(deviation - cases[i].deviation) > 0.06 * cases[i].deviation)
			fail_msg("%s: mean off by %g, deviation %g", cases[i].text, off, deviation);
		gsl_rng_free(rng);
	}
}

static void uniform_counts_reach_both_ends_evenly(void **state)
{
	(void)state;
	struct gen_dist dist;
	struct err err;
	gsl_rng *rng = seeded();
	int seen[4] = {0};
	assert_int_equal(gen_dist_parse(&dist, GEN_DIST_COUNT, "uniform:least=1,most=3", "--x", &err), 0);
	for (int n = 0; n < 30000; n++)
		seen[gen_dist_draw(&dist, rng)]++;
	for (int value = 1; value <= 3; value++)
		assert_in_range(seen[value], 9600, 10400);
	gsl_rng_free(rng);
}

static void refused_distributions(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum gen_dist_of of;
		const char *sentence;
	} cases[] = {
	    {"normal:mean=4", GEN_DIST_COUNT,
	     "--x: there is no distribution 'normal' here; there are: fixed, uniform, exponential, gamma, lognormal, "
	     "geometric."},
	    {"geometric:mean=4s", GEN_DIST_TIME,
	     "--x: there is no distribution 'geometric' here; there are: fixed, uniform, exponential, gamma, "
	     "lognormal."},
	    {"lognormal", GEN_DIST_TIME, "--x: 'lognormal' lacks median, as in lognormal:median=20s."},
	    {"lognormal:sigma=1", GEN_DIST_COUNT, "--x: 'lognormal:sigma=1' lacks median, as in lognormal:median=40."},
	    {"exponential:mean=20", GEN_DIST_TIME,
	     "--x: exponential: mean: '20' has no unit; a duration is a number with ns, us, ms, s, m, h or d, such as "
	     "250ms, or inf."},
	    {"exponential:mean=0.5", GEN_DIST_COUNT,
	     "--x: exponential: mean=0.5 is out of range; 1 to 10000000 is expected."},
	    {"gamma:mean=3,cv=0", GEN_DIST_COUNT, "--x: gamma: cv=0 is out of range; 0.001 to 10 is expected."},
	    {"uniform:least=3,most=2", GEN_DIST_COUNT, "--x: 'uniform:least=3,most=2' has its most below its least."},
	    {"uniform:least=3", GEN_DIST_COUNT, "--x: 'uniform:least=3' lacks most, as in uniform:most=40."},
	    {"fixed:4;class=a:value=5", GEN_DIST_COUNT,
	     "--x: 'fixed:value=4;class=a:value=5' has something for one class only, which cannot be here."},
	    {"", GEN_DIST_COUNT, "--x: '' does not begin with a name; expected NAME or NAME:key=value,..."},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct gen_dist dist;
		struct err err = {"no sentence"};
		assert_int_equal(gen_dist_parse(&dist, cases[i].of, cases[i].text, "--x", &err), -1);
		assert_string_equal(err.text, cases[i].sentence);
	}
}

/* --- arrivals --- */

static void rates_of_arrivals(void **state)
{
	(void)state;
	/* Long-run sessions per second, and the coefficient of variation of the gaps where the process has one. */
	static const struct {
		const char *text;
		double rate, cv;
	} cases[] = {
	    {"fixed:rate=4", 4, 0},          {"poisson:rate=0.5", 0.5, 1},         {"gamma:rate=2,cv=3", 2, 3},
	    {"gamma:rate=2,cv=0.3", 2, 0.3}, {"onoff:rate=5,on=2s,off=8s", 1, -1},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct gen_arrivals arrivals;
		struct err err;
		gsl_rng *rng = seeded();
		const int draws = 40000;
		double squares = 0;
		int64_t last = 0;
		if (gen_arrivals_parse(&arrivals, cases[i].text, "--arrivals", &err) < 0)
			fail_msg("%s", err.text);
		for (int n = 0; n < draws; n++) {
			int64_t at = gen_arrivals_next(&arrivals, rng);
			assert_true(at >= last);
			squares += (double)(at - last) * (double)(at - last);
			last = at;
		}
		double gap = (double)last / draws, rate = 1e9 / gap, cv = sqrt(squares / draws / gap / gap - 1 + 1e-12);
		if (fabs(rate / cases[i].rate - 1) > 0.05 ||
		    (cases[i].cv >= 0 && fabs(cv - cases[i].cv) > 0.05 + 0.05 * cases[i].cv))
			fail_msg("%s: rate %g, cv %g", cases[i].text, rate, cv);
		if (cases[i].cv < 0)
			assert_true(cv > 2);
		gsl_rng_free(rng);
	}
}

static void refused_arrivals(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
	    {"weekly", "--arrivals: there is no arrival process 'weekly'; there are: poisson, gamma, onoff, fixed."},
	    {"poisson:rate=0", "--arrivals: poisson: rate=0 is out of range; 1e-06 to 1000000 is expected."},
	    {"poisson:cv=2", "--arrivals: poisson: there is no parameter 'cv'; there are: rate."},
	    {"onoff:rate=1,on=0s", "--arrivals: onoff: on=0s is out of range; 1ms to 365d is expected."},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct gen_arrivals arrivals;
		struct err err = {"no sentence"};
		assert_int_equal(gen_arrivals_parse(&arrivals, cases[i][0], "--arrivals", &err), -1);
		assert_string_equal(err.text, cases[i][1]);
	}
}

/* --- manuals --- */

static const char prose[] =
    "\n\n  HOUSE RULES\n\n"
    "1. Whoever borrows the ladder writes the day into the book by the door.\n"
    "  The book is read on Mondays, e.g. by the caretaker or by\nhis deputy. Too short.\n\n"
    "Of fires\n\n"
    "Is there any doubt about the stove in the kitchen? Then nobody may light it before noon\n\n\n"
    "-----------\n\n";

static void load(struct gen_manual *manual, const char *text, uint64_t tokens)
{
	struct err err;
	scratch_write("manual", text, strlen(text));
	if (gen_manual_load(manual, "manual", tokens, &err) < 0)
		fail_msg("%s", err.text);
}

static void sentences_and_headings(void **state)
{
	(void)state;
	static const char *const sentences[] = {
	    "Whoever borrows the ladder writes the day into the book by the door.",
	    "The book is read on Mondays, e.g. by the caretaker or by his deputy.",
	    "Is there any doubt about the stove in the kitchen?",
	    "Then nobody may light it before noon",
	};
	struct gen_manual manual;
	load(&manual, prose, 0);
	assert_int_equal(manual.headings.count, 2);
	assert_string_equal(manual.headings.texts[0], "HOUSE RULES");
	assert_string_equal(manual.headings.texts[1], "Of fires");
	assert_int_equal(manual.sentences.count, COUNT_OF(sentences));
	for (size_t i = 0; i < COUNT_OF(sentences); i++)
		assert_string_equal(manual.sentences.texts[i], sentences[i]);
	assert_memory_equal(manual.text.text, "  HOUSE RULES\n\n1. Who", 21);
	assert_string_equal(manual.text.text + manual.text.length - 16, "\n\n\n-----------\n\n");
	gen_manual_free(&manual);
}

static void text_without_sentences(void **state)
{
	(void)state;
	struct gen_manual manual;
	load(&manual, "int main(void)\n{\n\treturn 0;\n}\n", 0);
	assert_int_equal(manual.sentences.count, 0 + 1);
	assert_string_equal(manual.sentences.texts[0], "int main(void) { return 0; }");
	gen_manual_free(&manual);
	load(&manual, "a b c\nd\n", 0);
	assert_int_equal(manual.sentences.count, 1);
	assert_string_equal(manual.sentences.texts[0], "a b c");
	gen_manual_free(&manual);
	load(&manual, "a\nd", 0);
	assert_int_equal(manual.sentences.count, 2);
	gen_manual_free(&manual);
}

static void manuals_of_a_length(void **state)
{
	(void)state;
	struct gen_manual manual, whole;
	load(&whole, prose, 0);
	for (uint64_t tokens = 20; tokens < 1000; tokens += 7) {
		load(&manual, prose, tokens);
		assert_in_range(manual.token_count, tokens - 6, tokens);
		/* What is kept is the beginning, and what is added the text again. */
		size_t same = manual.text.length < whole.text.length ? manual.text.length - 2 : whole.text.length;
		assert_memory_equal(manual.text.text, whole.text.text, same);
		if (manual.text.length > 2 * whole.text.length)
			assert_memory_equal(manual.text.text + whole.text.length, whole.text.text, whole.text.length);
		assert_true(manual.sentences.count <= whole.sentences.count);
		gen_manual_free(&manual);
	}
	gen_manual_free(&whole);
}

static void refused_manuals(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t length;
		const char *sentence;
	} cases[] = {
	    {"", 0, "manual: the file is empty; expected text."},
	    {"\n \t\n\n", 5, "manual: the file is empty; expected text."},
	    {"fine\nab\xff", 8, "manual:2: byte 3 is no UTF-8; expected a text file."},
	    {"\xc0\x80", 2, "manual:1: byte 1 is no UTF-8; expected a text file."},
	    {"\xed\xa0\x80", 3, "manual:1: byte 1 is no UTF-8; expected a text file."},
	    {"a\xe4\xb8", 3, "manual:1: byte 2 is no UTF-8; expected a text file."},
	};
	struct gen_manual manual;
	struct err err;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		scratch_write("manual", cases[i].text, cases[i].length);
		assert_int_equal(gen_manual_load(&manual, "manual", 0, &err), -1);
		assert_string_equal(err.text, cases[i].sentence);
	}
	scratch_write("manual", "a\0b", 3);
	assert_int_equal(gen_manual_load(&manual, "manual", 0, &err), -1);
	assert_string_equal(err.text, "manual:1: byte 2 of the line is NUL; expected text.");
	assert_int_equal(gen_manual_load(&manual, "nowhere", 0, &err), -1);
	assert_non_null(strstr(err.text, "nowhere"));
}

/* --- agents --- */

static void built_in_agents(void **state)
{
	(void)state;
	struct gen_agents agents;
	gen_agents_built_in(&agents, 30);
	assert_int_equal(agents.count, 30);
	for (size_t i = 0; i < agents.count; i++) {
		const struct gen_agent *agent = &agents.agents[i];
		assert_in_range(agent->token_count, 40, 120);
		assert_string_equal(agent->prompt.text + agent->prompt.length - 2, "\n\n");
		for (size_t other = 0; other < i; other++) {
			assert_string_not_equal(agent->name, agents.agents[other].name);
			assert_string_not_equal(agent->prompt.text, agents.agents[other].prompt.text);
		}
	}
	assert_string_equal(agents.agents[0].name, "compliance-auditor");
	assert_string_equal(agents.agents[12].name, "compliance-auditor-2");
	assert_memory_equal(agents.agents[12].prompt.text, "You are the Compliance Auditor of team 2. You check", 51);
	gen_agents_free(&agents);
}

static void agents_from_a_file(void **state)
{
	(void)state;
	static const char lines[] =
	    "You are a careful Reader, who asks.\nSay yes.\nYou are the careful reader.\nSay no.\n";
	static const char paragraphs[] =
	    "You are an Old Sea Captain of the North.\nSpeak up.\n\n\n\nYou are the Cook!\n";
	static const char *const line_names[] = {"careful-reader", "agent", "careful-reader-2", "agent-2"};
	struct gen_agents agents;
	struct err err;
	scratch_write("agents", lines, sizeof(lines) - 1);
	assert_int_equal(gen_agents_read(&agents, "agents", 0, &err), 0);
	assert_int_equal(agents.count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(agents.agents[i].name, line_names[i]);
	assert_string_equal(agents.agents[1].prompt.text, "Say yes.\n\n");
	gen_agents_free(&agents);
	scratch_write("agents", paragraphs, sizeof(paragraphs) - 1);
	assert_int_equal(gen_agents_read(&agents, "agents", 2, &err), 0);
	assert_string_equal(agents.agents[0].name, "old-sea-captain-of");
	assert_string_equal(agents.agents[0].prompt.text, "You are an Old Sea Captain of the North.\nSpeak up.\n\n");
	assert_string_equal(agents.agents[1].name, "cook");
	gen_agents_free(&agents);
	assert_int_equal(gen_agents_read(&agents, "agents", 3, &err), -1);
	assert_string_equal(err.text, "agents: 3 agents are asked for, but the file has 2 prompts.");
}

/* --- dialogue --- */

static void dialogue_has_the_length_asked_for(void **state)
{
	(void)state;
	struct gen_manual manual;
	load(&manual, prose, 0);
	struct gen_dialogue dialogue = {.manual = &manual, .rng = seeded()};
	struct gen_text text = {0};
	for (uint64_t wanted = 40; wanted <= 640; wanted *= 2) {
		double question_tokens = 0, answer_tokens = 0;
		for (int n = 0; n < 200; n++) {
			text.length = 0;
			question_tokens += (double)gen_dialogue_question(&dialogue, wanted, &text);
			size_t question_length = text.length;
			answer_tokens += (double)gen_dialogue_answer(&dialogue, wanted, &text);
			assert_memory_equal(text.text, "Question: ", 10);
			assert_memory_equal(text.text + question_length - 2, "\n\nAnswer: ", 10);
			assert_string_equal(text.text + text.length - 2, "\n\n");
			assert_null(strchr(text.text, '%'));
		}
		question_tokens /= 200;
		answer_tokens /= 200;
		if (fabs(question_tokens / (double)wanted - 1) > 0.15 ||
		    fabs(answer_tokens / (double)wanted - 1) > 0.15)
			fail_msg("%g and %g tokens, not %g", question_tokens, answer_tokens, (double)wanted);
	}
	gsl_rng_free(dialogue.rng);
	free(dialogue.tokens);
	gen_text_free(&text);
	gen_manual_free(&manual);
}

/* --- segments --- */

/* Adds the parts "a=1234 b=56" (one digit a token) and compares with the pieces "a:4 b:2". */
static void expect_segments(struct gen_segments *segments, const char *parts, const char *pieces)
{
	char name[16], digits[64], text[256] = "";
	gen_segments_begin(segments);
	for (int length; sscanf(parts, " %15[^=]=%63[0-9]%n", name, digits, &length) == 2; parts += length) {
		uint32_t tokens[64];
		for (size_t i = 0; digits[i]; i++)
			tokens[i] = (uint32_t)digits[i];
		gen_segments_add(segments, name, tokens, strlen(digits));
	}
	for (size_t i = 0; i < segments->piece_count; i++) {
		const struct gen_segments_piece *piece = &segments->pieces[i];
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s:%d", i ? " " : "",
			 segments->segments[piece->segment].name, (int)piece->count);
	}
	assert_string_equal(text, pieces);
}

static void segments_by_what_is_shared(void **state)
{
	(void)state;
	struct gen_segments segments = {0};
	expect_segments(&segments, "m=1234 a=567 q=89", "m:4 a:3 q:2");
	expect_segments(&segments, "m=1234 a=567 q=89", "m:4 a:3 q:2");
	expect_segments(&segments, "m=1234 b=5699 r=1", "m:4 a:2 b+2:2 r:1");
	expect_segments(&segments, "m=1234 c=99", "m:4 c:2");
	/* Another cut into parts is the same way. */
	expect_segments(&segments, "m=12345 x=678", "m:4 a:3 q:1");
	expect_segments(&segments, "x=12345 y=77", "m:4 a:1 y:2");
	expect_segments(&segments, "n=12", "m:2");
	expect_segments(&segments, "n=12 a=567", "m:2 a:3");
	expect_segments(&segments, "m=1234 b=5699 r=1", "m:4 a:2 b+2:2 r:1");
	gen_segments_free(&segments);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(means_of_distributions),
	    cmocka_unit_test(uniform_counts_reach_both_ends_evenly),
	    cmocka_unit_test(refused_distributions),
	    cmocka_unit_test(rates_of_arrivals),
	    cmocka_unit_test(refused_arrivals),
	    cmocka_unit_test(sentences_and_headings),
	    cmocka_unit_test(text_without_sentences),
	    cmocka_unit_test(manuals_of_a_length),
	    cmocka_unit_test(refused_manuals),
	    cmocka_unit_test(built_in_agents),
	    cmocka_unit_test(agents_from_a_file),
	    cmocka_unit_test(dialogue_has_the_length_asked_for),
	    cmocka_unit_test(segments_by_what_is_shared),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
