#include "gen_dialogue.h"

#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

#define TOPIC_WORDS_LEAST 2
#define TOPIC_WORDS_MOST  5
/* How often a sentence that is too long is drawn anew before the text ends. */
#define TRIES 4

/* In phrases %s is a sentence of the manual, %t a few words of one, %h a heading. */
static const char *const short_questions[] = {
    "What does \"%t\" mean here?",      "Where does the text deal with \"%t\"?",
    "Whom does \"%t\" bind?",           "Does \"%t\" apply to us?",
    "What follows for us from \"%t\"?", "What is the gist of the part on \"%h\"?",
    "Is there an exception to \"%t\"?", "Since when does \"%t\" stand there?",
};

static const char *const long_questions[] = {
    "The text says: %s What does that ask of us in practice?",
    "Please explain this passage to someone who is new to it: %s",
    "Which exceptions are there to the following rule? %s",
    "A customer points to this passage: %s Is the customer right?",
    "Under \"%h\" I am not sure how to read this: %s Please help me.",
    "Does it matter for \"%t\" that the text says this? %s",
    "How would you put the following in one plain sentence? %s",
    "My colleague takes this to settle the matter of \"%t\": %s Do you agree?",
    "What would change for us if this passage were struck out? %s",
    "Check the following against the rest of the text: %s",
};

static const char *const question_additions[] = {
    "Take this into account too: %s",
    "They also quote: %s",
    "Compare it with this passage: %s",
    "Does your answer still hold given the following? %s",
    "For context: %s",
    "I have also read this: %s",
};

static const char *const openings[] = {
    "Yes, under conditions.",
    "No, not as it was put.",
    "That depends on the case.",
    "The text settles this.",
    "The text leaves this open in part.",
    "In short, it concerns \"%t\".",
    "Two passages bear on this.",
    "The part on \"%h\" answers this.",
};

static const char *const answer_additions[] = {
    "It says: %s",
    "Note also the following. %s",
    "This is limited elsewhere: %s",
    "The reason is given there as well: %s",
    "Read together with \"%t\", this means more. %s",
    "Under \"%h\" it goes on: %s",
    "A second passage points the same way: %s",
    "What follows in practice is stated too: %s",
    "To be safe, keep this in mind: %s",
};

static const char *pick(gsl_rng *rng, const char *const *phrases, size_t count)
{
	return phrases[gsl_rng_uniform_int(rng, count)];
}

#define PICK(rng, phrases) pick((rng), (phrases), COUNT_OF(phrases))

static const char *pick_text(gsl_rng *rng, const struct gen_text_list *texts)
{
	return texts->texts[gsl_rng_uniform_int(rng, texts->count)];
}

static bool is_mark(char c)
{
	return strchr(" \t.,:;!?\"'()[]{}<>*#", c) != NULL;
}

/* A few words of a sentence, without the marks around them. */
static void add_topic(struct gen_dialogue *dialogue, struct gen_text *to)
{
	const char *sentence = pick_text(dialogue->rng, &dialogue->manual->sentences);
	size_t words = 0;
	for (const char *at = sentence; *at; at += *at == ' ')
		at += strcspn(at, " "), words++;
	unsigned long spread = TOPIC_WORDS_MOST - TOPIC_WORDS_LEAST + 1;
	size_t wanted = TOPIC_WORDS_LEAST + gsl_rng_uniform_int(dialogue->rng, spread);
	size_t skipped = words > wanted ? gsl_rng_uniform_int(dialogue->rng, words - wanted + 1) : 0;
	const char *from = sentence;
	for (; skipped > 0; skipped--)
		from += strcspn(from, " ") + 1;
	const char *end = from;
	for (; wanted > 0 && *end; wanted--)
		end += strcspn(end, " ") + (wanted > 1 && end[strcspn(end, " ")]);
	while (from < end && is_mark(*from))
		from++;
	while (end > from && is_mark(end[-1]))
		end--;
	gen_text_add(to, from, (size_t)(end - from));
}

static void add_phrase(struct gen_dialogue *dialogue, const char *phrase, struct gen_text *to)
{
	const struct gen_manual *manual = dialogue->manual;
	for (const char *percent; (percent = strchr(phrase, '%')); phrase = percent + 2) {
		gen_text_add(to, phrase, (size_t)(percent - phrase));
		if (percent[1] == 's')
			gen_text_add_words(to, pick_text(dialogue->rng, &manual->sentences));
		else if (percent[1] == 'h' && manual->headings.count > 0)
			gen_text_add_words(to, pick_text(dialogue->rng, &manual->headings));
		else
			add_topic(dialogue, to);
	}
	gen_text_add_words(to, phrase);
}

static size_t tokens_in(struct gen_dialogue *dialogue, const char *text, size_t length)
{
	return tokenizer_encode(text, length, &dialogue->tokens, &dialogue->capacity);
}

/* Goes on until one more sentence would lead away from the wanted length, and ends the paragraph. */
static size_t add_more(struct gen_dialogue *dialogue, const char *const *phrases, size_t count, uint64_t wanted_tokens,
		       size_t from, struct gen_text *to)
{
	size_t tokens = tokens_in(dialogue, to->text + from, to->length - from);
	for (int tries = TRIES; tries > 0 && tokens < wanted_tokens; tries--) {
		size_t before = to->length;
		gen_text_add(to, " ", 1);
		add_phrase(dialogue, pick(dialogue->rng, phrases, count), to);
		size_t more = tokens_in(dialogue, to->text + before, to->length - before);
		if (tokens + more / 2 <= wanted_tokens) {
			tokens += more;
			tries = TRIES + 1;
		} else {
			to->length = before;
		}
	}
	gen_text_add(to, "\n\n", 2);
	return tokens_in(dialogue, to->text + from, to->length - from);
}

size_t gen_dialogue_question(struct gen_dialogue *dialogue, uint64_t wanted_tokens, struct gen_text *to)
{
	size_t from = to->length;
	const uint64_t long_tokens = 40; /* about what the long ones have with a sentence in them */
	gen_text_add_words(to, "Question: ");
	if (wanted_tokens < long_tokens)
		add_phrase(dialogue, PICK(dialogue->rng, short_questions), to);
	else
		add_phrase(dialogue, PICK(dialogue->rng, long_questions), to);
	return add_more(dialogue, question_additions, COUNT_OF(question_additions), wanted_tokens, from, to);
}

size_t gen_dialogue_answer(struct gen_dialogue *dialogue, uint64_t wanted_tokens, struct gen_text *to)
{
	size_t from = to->length;
	gen_text_add_words(to, "Answer: ");
	add_phrase(dialogue, PICK(dialogue->rng, openings), to);
	return add_more(dialogue, answer_additions, COUNT_OF(answer_additions), wanted_tokens, from, to);
}
