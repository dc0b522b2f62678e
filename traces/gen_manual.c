#include "gen_manual.h"

#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

#define HEADING_WORDS_MOST   12
#define SENTENCE_WORDS_LEAST 6
#define SENTENCE_WORDS_MOST  60
#define LINE_WORDS_LEAST     3
#define LINES_MOST           10000

static const char paragraph_end[] = "\n\n";

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\v' || c == '\r';
}

static size_t line_length(const char *text, size_t length)
{
	const char *end = memchr(text, '\n', length);
	return end ? (size_t)(end - text) : length;
}

/* --- length --- */

static size_t tokens_of(struct gen_manual *manual, const char *text, size_t length)
{
	return tokenizer_encode(text, length, &manual->tokens, &manual->token_capacity);
}

/* Repeats the text, a blank line between, until it has at least `tokens`. */
static void repeat(struct gen_manual *manual, size_t have, uint64_t tokens)
{
	struct gen_text *text = &manual->text;
	size_t once = text->length;
	char *copy = mem_alloc(once + 1, 1);
	memcpy(copy, text->text, once);
	for (size_t total = have; total < tokens; total += have) {
		gen_text_add(text, paragraph_end, strlen(paragraph_end));
		gen_text_add(text, copy, once);
	}
	free(copy);
}

/* Cuts the text after the last word with which it does not pass `tokens`; the first word stays in any case. Tokens do
 * not become fewer from word to word, so that the place is found by halving. */
static void cut(struct gen_manual *manual, uint64_t tokens)
{
	struct gen_text *text = &manual->text;
	size_t *ends = mem_alloc(text->length, sizeof(*ends)), end_count = 0;
	for (size_t i = 1; i <= text->length; i++)
		if ((i == text->length || is_blank(text->text[i])) && !is_blank(text->text[i - 1]))
			ends[end_count++] = i;
	size_t least = 0, most = end_count; /* the last word's index is in [least, most) */
	while (most - least > 1) {
		size_t middle = least + (most - least) / 2;
		if (tokens_of(manual, text->text, ends[middle]) <= tokens)
			least = middle;
		else
			most = middle;
	}
	text->length = ends[least];
	text->text[text->length] = '\0';
	free(ends);
}

/* --- sentences --- */

static size_t words_in(const char *text, size_t length)
{
	size_t words = 0;
	for (size_t i = 0; i < length; i++)
		words += !is_blank(text[i]) && (i == 0 || is_blank(text[i - 1]));
	return words;
}

static void add_sentence(struct gen_manual *manual, const char *text, size_t length)
{
	for (; length > 0 && is_blank(*text); length--)
		text++;
	for (; length > 0 && is_blank(text[length - 1]); length--)
		;
	size_t words = words_in(text, length);
	if (words >= SENTENCE_WORDS_LEAST && words <= SENTENCE_WORDS_MOST)
		gen_text_list_add(&manual->sentences, text, length);
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

static bool is_heading(const char *text, size_t length, bool one_line)
{
	bool has_letter = false;
	for (size_t i = 0; i < length; i++)
		has_letter = has_letter || is_letter(text[i]);
	return one_line && has_letter && words_in(text, length) <= HEADING_WORDS_MOST &&
	       !strchr(".:;,", text[length - 1]);
}

static bool ends_sentence(const char *text, size_t length, size_t at)
{
	if (!strchr(".?!", text[at]))
		return false;
	return at + 2 >= length || (text[at + 1] == ' ' && !(text[at + 2] >= 'a' && text[at + 2] <= 'z'));
}

/* `text` is a paragraph with its blanks made one each. */
static void split_paragraph(struct gen_manual *manual, const char *text, size_t length, bool one_line)
{
	if (length == 0)
		return;
	if (is_heading(text, length, one_line)) {
		gen_text_list_add(&manual->headings, text, length);
		return;
	}
	size_t from = 0;
	for (size_t i = 0; i < length; i++) {
		if (!ends_sentence(text, length, i))
			continue;
		add_sentence(manual, text + from, i + 1 - from);
		from = i + 1;
	}
	add_sentence(manual, text + from, length - from);
}

/* Adds a line with its blanks made one each, and one before it; false where nothing but blanks is in it. */
static bool add_line(struct gen_text *paragraph, const char *line, size_t length)
{
	bool any = false, apart = paragraph->length > 0;
	for (size_t i = 0; i < length; i++) {
		if (is_blank(line[i])) {
			apart = paragraph->length > 0;
			continue;
		}
		if (apart)
			gen_text_add(paragraph, " ", 1);
		gen_text_add(paragraph, line + i, 1);
		apart = false;
		any = true;
	}
	return any;
}

static void split_text(struct gen_manual *manual, size_t length)
{
	const char *text = manual->text.text;
	struct gen_text paragraph = {0};
	size_t lines = 0;
	for (size_t at = 0; at < length;) {
		size_t line = line_length(text + at, length - at);
		if (add_line(&paragraph, text + at, line)) {
			lines++;
		} else {
			split_paragraph(manual, paragraph.text, paragraph.length, lines == 1);
			paragraph.length = lines = 0;
		}
		at += line + 1;
	}
	split_paragraph(manual, paragraph.text, paragraph.length, lines == 1);
	gen_text_free(&paragraph);
}

/* For texts that are no prose. */
static void take_lines(struct gen_manual *manual, size_t length, size_t words_least)
{
	const char *text = manual->text.text;
	for (size_t at = 0; at < length && manual->sentences.count < LINES_MOST;) {
		size_t line = line_length(text + at, length - at);
		if (words_in(text + at, line) >= words_least)
			gen_text_list_add(&manual->sentences, text + at, line);
		at += line + 1;
	}
}

int gen_manual_load(struct gen_manual *manual, const char *path, uint64_t tokens, struct err *err)
{
	*manual = (struct gen_manual){0};
	if (gen_text_read(&manual->text, path, err) < 0)
		return -1;
	size_t own_length = manual->text.length;
	if (tokens > 0) {
		size_t have = tokens_of(manual, manual->text.text, manual->text.length);
		if (have < tokens)
			repeat(manual, have, tokens);
		cut(manual, tokens - 1); /* the blank line that ends it is a token, or part of one */
	}
	/* What is repeated would only make the same sentences twice. */
	size_t length = manual->text.length < own_length ? manual->text.length : own_length;
	split_text(manual, length);
	if (manual->sentences.count == 0)
		take_lines(manual, length, LINE_WORDS_LEAST);
	if (manual->sentences.count == 0)
		take_lines(manual, length, 1);
	gen_text_add(&manual->text, paragraph_end, strlen(paragraph_end));
	manual->token_count = tokens_of(manual, manual->text.text, manual->text.length);
	return 0;
}

void gen_manual_free(struct gen_manual *manual)
{
	gen_text_free(&manual->text);
	free(manual->tokens);
	gen_text_list_free(&manual->sentences);
	gen_text_list_free(&manual->headings);
	*manual = (struct gen_manual){0};
}
