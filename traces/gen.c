#include "gen.h"

#include "gen_arrivals.h"
#include "gen_cast.h"
#include "gen_dialogue.h"
#include "gen_dist.h"
#include "gen_segments.h"
#include "output.h"
#include "tokenizer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MOST_MS (INT64_C(100) * 365 * 86400 * 1000)
/* Enough for a time of whole milliseconds in seconds, and no more than a double has. */
#define TIME_DIGITS 15

const struct gen_options gen_defaults = {
    .sessions = 100,
    .turns = "geometric:mean=4",
    .question = "lognormal:median=40,sigma=0.5",
    .answer = "lognormal:median=200,sigma=0.7",
    .think = "lognormal:median=20s,sigma=1",
    .arrivals = "poisson:rate=0.5",
    .popularity = "zipf:s=1",
    .order = "manual,agent,question",
    .block_tokens = 16,
    .seed = 1,
    .form = GEN_SEGMENTS,
};

enum part { MANUAL, AGENT, QUESTION, PARTS };

static const char *const part_names[PARTS] = {"manual", "agent", "question"};

/* What is drawn has a generator each, so that a change of one thing leaves the others as they were. */
enum stream { ARRIVALS, CAST, TURNS, QUESTIONS, ANSWERS, THINKING, WORDS, STREAMS };

/* Where a turn's question and answer stand in its session's text. */
struct turn {
	int64_t at_ms, think_ms;
	size_t question_at, answer_at, end;
	size_t question_tokens, answer_tokens;
};

struct session {
	size_t manual, agent;
	struct gen_text text;
	struct turn *turns;
	uint32_t turn_count;
};

struct request {
	int64_t at_ms;
	uint32_t session, turn; /* from 0 */
};

struct gen {
	const struct gen_options *options;
	enum part order[PARTS];
	struct gen_dist turns, question, answer, think;
	struct gen_arrivals arrivals;
	struct gen_cast cast;
	gsl_rng *rng[STREAMS];
	struct session *sessions;
	size_t session_count;
	struct request *requests;
	size_t request_count;
	struct gen_segments segments;
	struct gen_text prompt;
	uint32_t *tokens; /* scratch */
	size_t token_capacity;
};

/* --- what is asked for --- */

static int parse_order(enum part order[PARTS], const char *text, struct err *err)
{
	bool seen[PARTS] = {false};
	const char *at = text;
	for (size_t place = 0; place < PARTS; place++) {
		size_t length = strcspn(at, ",");
		enum part part = 0;
		while (part < PARTS &&
		       (strlen(part_names[part]) != length || memcmp(part_names[part], at, length) != 0))
			part++;
		if (part == PARTS || seen[part] || at[length] != (place + 1 < PARTS ? ',' : '\0'))
			return err_set(
			    err,
			    "--template: '%s' is no order of the parts; expected manual, agent and question once "
			    "each, with commas between.",
			    text);
		seen[part] = true;
		order[place] = part;
		at += length + 1;
	}
	return 0;
}

/* Neighbouring seeds and streams give unrelated generators: a step of splitmix64 (Steele, Lea and Flood, 2014). */
static gsl_rng *new_rng(uint64_t seed, uint64_t stream)
{
	uint64_t z = seed * STREAMS + stream + UINT64_C(0x9E3779B97F4A7C15);
	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(rng, (unsigned long)((z ^ z >> 31) & UINT32_MAX));
	return rng;
}

static int gen_prepare(struct gen *gen, const struct gen_options *options, struct err *err)
{
	ASSERT(options->sessions >= 1 && options->sessions <= GEN_SESSIONS_MOST && options->block_tokens > 0);
	*gen = (struct gen){.options = options};
	if (parse_order(gen->order, options->order, err) < 0 ||
	    gen_dist_parse(&gen->turns, GEN_DIST_COUNT, options->turns, "--turns", err) < 0 ||
	    gen_dist_parse(&gen->question, GEN_DIST_COUNT, options->question, "--question", err) < 0 ||
	    gen_dist_parse(&gen->answer, GEN_DIST_COUNT, options->answer, "--answer", err) < 0 ||
	    gen_dist_parse(&gen->think, GEN_DIST_TIME, options->think, "--think", err) < 0 ||
	    gen_arrivals_parse(&gen->arrivals, options->arrivals, "--arrivals", err) < 0 ||
	    gen_cast_load(&gen->cast, options, err) < 0)
		return -1;
	for (enum stream i = 0; i < STREAMS; i++)
		gen->rng[i] = new_rng(options->seed, i);
	return 0;
}

static void gen_release(struct gen *gen)
{
	gen_cast_free(&gen->cast);
	for (size_t i = 0; i < gen->session_count; i++) {
		gen_text_free(&gen->sessions[i].text);
		free(gen->sessions[i].turns);
	}
	free(gen->sessions);
	free(gen->requests);
	gen_segments_free(&gen->segments);
	gen_text_free(&gen->prompt);
	free(gen->tokens);
	for (enum stream i = 0; i < STREAMS; i++)
		gsl_rng_free(gen->rng[i]);
}

/* --- what happens --- */

static void hold_session(struct gen *gen, struct session *session)
{
	int64_t at_ms = gen_arrivals_next(&gen->arrivals, gen->rng[ARRIVALS]) / NS_PER_MS;
	gen_cast_draw(&gen->cast, gen->rng[CAST], gen->session_count, &session->manual, &session->agent);
	session->turn_count = (uint32_t)gen_dist_draw(&gen->turns, gen->rng[TURNS]);
	session->turns = mem_alloc(session->turn_count, sizeof(*session->turns));
	struct gen_dialogue dialogue = {
	    .manual = &gen->cast.manuals[session->manual],
	    .rng = gen->rng[WORDS],
	    .tokens = gen->tokens,
	    .capacity = gen->token_capacity,
	};
	for (uint32_t i = 0; i < session->turn_count; i++) {
		struct turn *turn = &session->turns[i];
		uint64_t question_tokens = (uint64_t)gen_dist_draw(&gen->question, gen->rng[QUESTIONS]);
		uint64_t answer_tokens = (uint64_t)gen_dist_draw(&gen->answer, gen->rng[ANSWERS]);
		turn->think_ms = i > 0 ? gen_dist_draw(&gen->think, gen->rng[THINKING]) / NS_PER_MS : 0;
		turn->at_ms = at_ms += turn->think_ms;
		turn->question_at = session->text.length;
		turn->question_tokens = gen_dialogue_question(&dialogue, question_tokens, &session->text);
		turn->answer_at = session->text.length;
		turn->answer_tokens = gen_dialogue_answer(&dialogue, answer_tokens, &session->text);
		turn->end = session->text.length;
		at_ms += (int64_t)turn->answer_tokens * GEN_TOKEN_MS;
	}
	gen->tokens = dialogue.tokens;
	gen->token_capacity = dialogue.capacity;
	gen->request_count += session->turn_count;
}

static int compare_requests(const void *left, const void *right)
{
	const struct request *a = left, *b = right;
	if (a->at_ms != b->at_ms)
		return a->at_ms < b->at_ms ? -1 : 1;
	if (a->session != b->session)
		return a->session < b->session ? -1 : 1;
	return a->turn < b->turn ? -1 : a->turn > b->turn;
}

static int hold_sessions(struct gen *gen, struct err *err)
{
	gen->sessions = mem_alloc(gen->options->sessions, sizeof(*gen->sessions));
	for (; gen->session_count < gen->options->sessions; gen->session_count++)
		hold_session(gen, &gen->sessions[gen->session_count]);
	gen->requests = mem_alloc(gen->request_count, sizeof(*gen->requests));
	struct request *request = gen->requests;
	for (uint32_t s = 0; s < gen->session_count; s++)
		for (uint32_t t = 0; t < gen->sessions[s].turn_count; t++)
			*request++ = (struct request){gen->sessions[s].turns[t].at_ms, s, t};
	qsort(gen->requests, gen->request_count, sizeof(*gen->requests), compare_requests);
	if (gen->requests[gen->request_count - 1].at_ms > TIME_MOST_MS)
		return err_set(err, "the traffic takes more than 100 years; expected more arrivals, or less --think.");
	return 0;
}

/* --- what is written --- */

static void write_json(struct output *output, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(TIME_DIGITS));
	ASSERT(text);
	output_write(output, text, strlen(text));
	output_write(output, "\n", 1);
	free(text);
	json_decref(json);
}

/* How the trace came about: all that it takes to make it again, but for the manuals' texts. */
static void write_header(const struct gen *gen, struct output *output)
{
	const struct gen_options *options = gen->options;
	json_t *manuals = json_array();
	for (size_t i = 0; i < gen->cast.manual_count; i++)
		json_array_append_new(manuals, json_pack("{s:s, s:I}", "name", gen->cast.manual_names[i], "tokens",
							 (json_int_t)gen->cast.manuals[i].token_count));
	json_t *made_by = json_pack("{s:s, s:I, s:o, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "command",
				    "kvcast trace gen", "seed", (json_int_t)options->seed, "manuals", manuals, "agents",
				    (json_int_t)gen->cast.agents.count, "sessions", (json_int_t)options->sessions,
				    "turns", options->turns, "arrivals", options->arrivals, "think", options->think,
				    "question", options->question, "answer", options->answer, "popularity",
				    options->popularity, "template", options->order);
	write_json(output, json_pack("{s:i, s:I, s:o}", "kvcast", 1, "block_tokens", (json_int_t)options->block_tokens,
				     "made_by", made_by));
}

/* Adds a part that is named "KIND:NAME". */
static void add_named(struct gen *gen, const char *kind, const char *name, const uint32_t *tokens, size_t count)
{
	struct gen_text full = {0};
	gen_text_add_words(&full, kind);
	gen_text_add_words(&full, name);
	gen_segments_add(&gen->segments, full.text, tokens, count);
	gen_text_free(&full);
}

/* Adds the question or the answer of a turn. */
static void add_said(struct gen *gen, const struct request *of, char kind, uint32_t turn, size_t from, size_t end)
{
	char name[40];
	snprintf(name, sizeof(name), "s%u.%c%u", of->session + 1, kind, turn + 1);
	const char *text = gen->sessions[of->session].text.text;
	size_t count = tokenizer_encode(text + from, end - from, &gen->tokens, &gen->token_capacity);
	gen_segments_add(&gen->segments, name, gen->tokens, count);
}

static json_t *segments_of(struct gen *gen, const struct request *request)
{
	const struct session *session = &gen->sessions[request->session];
	const struct gen_manual *manual = &gen->cast.manuals[session->manual];
	const struct gen_agent *agent = &gen->cast.agents.agents[session->agent];
	gen_segments_begin(&gen->segments);
	for (size_t place = 0; place < PARTS; place++) {
		if (gen->order[place] == MANUAL)
			add_named(gen, "manual:", gen->cast.manual_names[session->manual], manual->tokens,
				  manual->token_count);
		if (gen->order[place] == AGENT)
			add_named(gen, "agent:", agent->name, agent->tokens, agent->token_count);
		for (uint32_t t = 0; gen->order[place] == QUESTION && t <= request->turn; t++) {
			const struct turn *turn = &session->turns[t];
			add_said(gen, request, 'q', t, turn->question_at, turn->answer_at);
			if (t < request->turn)
				add_said(gen, request, 'a', t, turn->answer_at, turn->end);
		}
	}
	json_t *list = json_array();
	for (size_t i = 0; i < gen->segments.piece_count; i++) {
		const struct gen_segments_piece *piece = &gen->segments.pieces[i];
		json_array_append_new(list, json_pack("{s:s, s:I}", "id", gen->segments.segments[piece->segment].name,
						      "tokens", (json_int_t)piece->count));
	}
	return list;
}

static json_t *prompt_of(struct gen *gen, const struct request *request)
{
	const struct session *session = &gen->sessions[request->session];
	struct gen_text *prompt = &gen->prompt;
	prompt->length = 0;
	for (size_t place = 0; place < PARTS; place++) {
		const struct gen_text *text = &session->text;
		size_t length = session->turns[request->turn].answer_at;
		if (gen->order[place] == MANUAL)
			text = &gen->cast.manuals[session->manual].text;
		else if (gen->order[place] == AGENT)
			text = &gen->cast.agents.agents[session->agent].prompt;
		gen_text_add(prompt, text->text, gen->order[place] == QUESTION ? length : text->length);
	}
	return json_stringn(prompt->text, prompt->length);
}

static size_t prompt_tokens_of(const struct gen *gen, const struct request *request)
{
	const struct session *session = &gen->sessions[request->session];
	size_t tokens =
	    gen->cast.manuals[session->manual].token_count + gen->cast.agents.agents[session->agent].token_count;
	for (uint32_t t = 0; t < request->turn; t++)
		tokens += session->turns[t].question_tokens + session->turns[t].answer_tokens;
	return tokens + session->turns[request->turn].question_tokens;
}

static void write_request(struct gen *gen, const struct request *request, struct output *output,
			  struct gen_summary *summary)
{
	const struct session *session = &gen->sessions[request->session];
	const struct turn *turn = &session->turns[request->turn];
	size_t prompt_tokens = prompt_tokens_of(gen, request);
	char session_id[24];
	snprintf(session_id, sizeof(session_id), "s%u", request->session + 1);
	json_t *line = json_pack("{s:I, s:I, s:I, s:s, s:I, s:s}", "timestamp", (json_int_t)request->at_ms,
				 "input_length", (json_int_t)prompt_tokens, "output_length",
				 (json_int_t)turn->answer_tokens, "session_id", session_id, "turn",
				 (json_int_t)request->turn + 1, "class", gen->cast.agents.agents[session->agent].name);
	if (request->turn > 0)
		json_object_set_new(line, "think_time", json_real((double)turn->think_ms / 1000));
	if (gen->options->form == GEN_SEGMENTS)
		json_object_set_new(line, "segments", segments_of(gen, request));
	else
		json_object_set_new(line, "prompt", prompt_of(gen, request));
	write_json(output, line);
	summary->prompt_tokens += prompt_tokens;
	summary->output_tokens += turn->answer_tokens;
}

static int write_trace(struct gen *gen, const char *path, struct gen_summary *summary, struct err *err)
{
	struct output *output = output_open(path, err);
	if (!output)
		return -1;
	write_header(gen, output);
	for (size_t i = 0; i < gen->request_count; i++)
		write_request(gen, &gen->requests[i], output, summary);
	return output_commit(output, err);
}

int gen_write(const struct gen_options *options, const char *path, struct gen_summary *summary, struct err *err)
{
	struct gen gen;
	*summary = (struct gen_summary){0};
	int status = gen_prepare(&gen, options, err);
	if (status == 0)
		status = hold_sessions(&gen, err);
	if (status == 0) {
		summary->requests = gen.request_count;
		summary->sessions = gen.session_count;
		summary->agents = gen.cast.agents.count;
		summary->manuals = gen.cast.manual_count;
		for (size_t i = 0; i < gen.cast.manual_count; i++)
			summary->manual_tokens += gen.cast.manuals[i].token_count;
		summary->span_ms = gen.requests[gen.request_count - 1].at_ms - gen.requests[0].at_ms;
		status = write_trace(&gen, path, summary, err);
	}
	gen_release(&gen);
	return status;
}
