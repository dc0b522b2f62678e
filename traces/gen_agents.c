#include "gen_agents.h"

#include "tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *title, *duty;
} roles[] = {
    {"Compliance Auditor",
     "You check what the company does against the text above, duty by duty, and say for each whether it is met, not "
     "met, "
     "or not applicable. Quote the passage you rely on before you judge. When the text is silent, say so instead of "
     "guessing, and name the record you would ask for."},
    {"Contract Analyst",
     "You read the text above as a contract: who promises what to whom, on what condition, and what follows from a "
     "breach. Keep definitions apart from duties. Point out words that are used in a narrower sense than in everyday "
     "speech, and give your answer in numbered points."},
    {"Support Engineer",
     "You answer customers who are stuck and in a hurry. Say first what they should do, then why, in at most five "
     "sentences. Rely on the text above only; if it does not cover the case, hand the question over and say to whom."},
    {"Release Manager",
     "You decide whether a product may ship. For each component ask which obligations of the text above arise at the "
     "moment of distribution, and whether notices, source and build instructions go along. End with one word: go or "
     "hold."},
    {"Risk Officer",
     "You estimate what could go wrong and how much it would cost. List the exposures that the text above creates, "
     "rank "
     "them by likelihood and by damage, and propose the cheapest measure against each. Never call a risk negligible "
     "without giving the passage that makes it so."},
    {"Technical Writer", "You turn difficult passages of the text above into plain language for people without "
			 "training. Keep every condition "
			 "and every exception. Use short sentences and the active voice, and explain a technical term "
			 "where it first occurs."},
    {"Procurement Adviser", "You advise buyers before they sign. Compare what a supplier offers with what the text "
			    "above allows and demands, and "
			    "draft the questions that the supplier has to answer in writing. Be courteous and exact."},
    {"Training Coach",
     "You prepare newcomers for an examination on the text above. Ask one question at a time, wait for the reply, "
     "correct "
     "it kindly, and point to the passage to read again. Make the questions harder as the answers get better."},
    {"Translator", "You prepare the text above for translation. Find sentences that can be read in two ways, explain "
		   "both readings, and "
		   "recommend one with a reason taken from the context. Do not add meaning that is not there."},
    {"Security Reviewer",
     "You look at the text above with an attacker's eyes: what does it disclose, what does it permit, and which "
     "promise "
     "could be turned against the one who made it? Describe each finding, its precondition and a remedy."},
    {"Historian",
     "You explain how the text above came to be worded as it is. Tell older practice from newer additions by the "
     "wording "
     "itself, and say how sure you are. When asked about intentions, separate what is written from what is inferred."},
    {"Mediator",
     "You help two parties who read the text above differently. State both readings fairly, find the smallest point "
     "they "
     "disagree on, and propose wording that both could accept. Do not take sides, and do not decide the case."},
};

_Static_assert(COUNT_OF(roles) == GEN_AGENTS_BUILT_IN, "the header says how many roles there are");

#define NAME_WORDS_MOST 4

/* Words in small letters with hyphens between. */
static void add_slug(struct gen_text *to, const char *words, size_t length)
{
	bool apart = false;
	for (size_t i = 0; i < length; i++) {
		char c = words[i];
		bool upper = c >= 'A' && c <= 'Z';
		if (!upper && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !(c & 0x80)) {
			apart = to->length > 0;
			continue;
		}
		if (apart)
			gen_text_add(to, "-", 1);
		apart = false;
		c = upper ? (char)(c | 0x20) : c;
		gen_text_add(to, &c, 1);
	}
}

static struct gen_agent *add_agent(struct gen_agents *agents)
{
	agents->agents = mem_grow(agents->agents, agents->count + 1, sizeof(*agents->agents));
	struct gen_agent *agent = &agents->agents[agents->count++];
	*agent = (struct gen_agent){.name = NULL};
	return agent;
}

static void end_prompt(struct gen_agent *agent)
{
	gen_text_add_words(&agent->prompt, "\n\n");
	agent->token_count =
	    tokenizer_encode(agent->prompt.text, agent->prompt.length, &agent->tokens, &agent->token_capacity);
}

void gen_agents_built_in(struct gen_agents *agents, size_t count)
{
	*agents = (struct gen_agents){0};
	for (size_t i = 0; i < count; i++) {
		const char *title = roles[i % COUNT_OF(roles)].title;
		size_t team = i / COUNT_OF(roles) + 1;
		struct gen_agent *agent = add_agent(agents);
		struct gen_text name = {0};
		char suffix[32] = "", of_team[40] = "";
		if (team > 1) {
			snprintf(suffix, sizeof(suffix), "-%zu", team);
			snprintf(of_team, sizeof(of_team), " of team %zu", team);
		}
		add_slug(&name, title, strlen(title));
		gen_text_add_words(&name, suffix);
		agent->name = name.text;
		gen_text_add_words(&agent->prompt, "You are the ");
		gen_text_add_words(&agent->prompt, title);
		gen_text_add_words(&agent->prompt, of_team);
		gen_text_add_words(&agent->prompt, ". ");
		gen_text_add_words(&agent->prompt, roles[i % COUNT_OF(roles)].duty);
		end_prompt(agent);
	}
}

/* The words that name a role in "You are a careful reader, who ..."; nothing where the prompt begins otherwise. */
static void add_role(struct gen_text *name, const char *prompt)
{
	static const char *const beginnings[] = {"You are the ", "You are an ", "You are a "};
	for (size_t i = 0; i < COUNT_OF(beginnings); i++) {
		size_t length = strlen(beginnings[i]);
		if (strncmp(prompt, beginnings[i], length) != 0)
			continue;
		const char *role = prompt + length;
		size_t end = 0;
		for (int words = 0; words < NAME_WORDS_MOST; words++) {
			end += strcspn(role + end, " .,:;!?()\n");
			if (role[end] != ' ' || words + 1 == NAME_WORDS_MOST)
				break;
			end++;
		}
		add_slug(name, role, end);
		return;
	}
}

static bool name_taken(const struct gen_agents *agents, const char *name)
{
	for (size_t i = 0; i < agents->count; i++)
		if (agents->agents[i].name && strcmp(agents->agents[i].name, name) == 0)
			return true;
	return false;
}

static void add_read_agent(struct gen_agents *agents, const char *prompt, size_t length)
{
	struct gen_text name = {0};
	struct gen_agent *agent = add_agent(agents);
	gen_text_add(&agent->prompt, prompt, length);
	add_role(&name, agent->prompt.text);
	if (name.length == 0)
		gen_text_add_words(&name, "agent");
	size_t bare = name.length;
	for (size_t number = 2; name_taken(agents, name.text); number++) {
		char suffix[32];
		snprintf(suffix, sizeof(suffix), "-%zu", number);
		name.length = bare;
		gen_text_add_words(&name, suffix);
	}
	agent->name = name.text;
	end_prompt(agent);
}

int gen_agents_read(struct gen_agents *agents, const char *path, size_t count, struct err *err)
{
	*agents = (struct gen_agents){0};
	struct gen_text text;
	if (gen_text_read(&text, path, err) < 0)
		return -1;
	const char *apart = strstr(text.text, "\n\n") ? "\n\n" : "\n";
	for (const char *at = text.text; *at && (count == 0 || agents->count < count);) {
		const char *end = strstr(at, apart);
		size_t length = end ? (size_t)(end - at) : strlen(at);
		add_read_agent(agents, at, length);
		at += length;
		at += strspn(at, "\n");
	}
	gen_text_free(&text);
	if (agents->count >= count)
		return 0;
	err_set(err, "%s: %zu agents are asked for, but the file has %zu prompts.", path, count, agents->count);
	gen_agents_free(agents);
	return -1;
}

void gen_agents_free(struct gen_agents *agents)
{
	for (size_t i = 0; i < agents->count; i++) {
		free(agents->agents[i].name);
		gen_text_free(&agents->agents[i].prompt);
		free(agents->agents[i].tokens);
	}
	free(agents->agents);
	*agents = (struct gen_agents){0};
}
