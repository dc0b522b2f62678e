/* gen_manual.h - a manual that generated agents ask about.
 *
 * Its text is that of a file, shortened or repeated to a length in tokens where asked, and ended by a blank line. Its
 * sentences and headings, with line ends made blanks, are what questions and answers are made of:
 *   paragraph  lines up to a blank line
 *   heading    a paragraph of one line with a letter in it, at most 12 words, that does not end in . : ; or ,
 *   sentence   6 to 60 words of a paragraph that is no heading, up to its end or to . ? or ! before a blank that no
 * small letter follows A text without any such sentence gives its lines of three words and more instead, and failing
 * these all lines.
 */
#ifndef KVCAST_GEN_MANUAL_H
#define KVCAST_GEN_MANUAL_H

#include "gen_text.h"

struct gen_manual {
	struct gen_text text;
	uint32_t *tokens;
	size_t token_count, token_capacity;
	struct gen_text_list sentences; /* at least one */
	struct gen_text_list headings;  /* may be empty */
};

/* `tokens` 0: the file's own length. Else the text is repeated as often as it takes and cut after the word that makes
 * it as long as it can be without passing `tokens`. -1 and a sentence that names the file. */
int gen_manual_load(struct gen_manual *manual, const char *path, uint64_t tokens, struct err *err);
void gen_manual_free(struct gen_manual *manual);

#endif
