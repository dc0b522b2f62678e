/* tokenizer.h - cuts text into about as many tokens as a byte-pair-encoding tokenizer would.
 *
 * Traces that carry text need token counts and token identities, not a model's own vocabulary. This is a fixed rule
 * without one: text is cut into pieces, and a token's id is the 32-bit xxHash (seed 0) of its piece's bytes.
 *
 * The rule. The pieces follow one another without a gap, so they can be put together to the text again.
 *  - A run of newlines (CR, LF), with the blanks right before it, is one piece.
 *  - A run of blanks is one piece, less its last space where a word or punctuation follows: that one belongs to them.
 *  - Digits go in pieces of three, from the left.
 *  - Punctuation goes in pieces of four, a character repeated four times or more in pieces of up to sixteen. A space
 *    before and a run of newlines behind it are taken along.
 *  - A word is a run of letters with the space before it, or else with a single one of  _ . - # ' ( , [ < \ %  before.
 *    It is cut between two letters that seldom meet in English (a pair that makes less than one in 5,000 of the
 *    letter pairs in English manual pages), where a capital follows a small letter, and where a piece would pass twelve
 *    letters (eight where no space stands before it, four where it is all capitals).
 *  - Letters beyond ASCII begin a piece of their own, of up to four bytes of them (one Chinese character, two Greek or
 *    Russian letters), which small letters behind may join. Latin-1 signs and the characters U+2000 to U+2FFF (dashes,
 *    quotation marks, arrows) are punctuation, and so are control characters and each byte that is no UTF-8.
 *
 * Invariant: a piece never goes on after its newlines. So for any text A, and any B that does not begin with CR or LF,
 * the tokens of A "\n" B are those of A "\n" followed by those of B: prompts put together from paragraphs share the
 * tokens of the paragraphs they share.
 *
 * How near it comes: tokens per character, and by how much this rule's count is above (+) or below (-) that of real
 * tokenizers, whose vocabularies are inside the Python packages litellm 1.109.1 (cl100k_base of GPT-4, o200k_base of
 * GPT-4o, DeepSeek, Claude 2), dashscope 2.0.2 (Qwen) and mistral-common 1.13.1 (tekken 240911). Texts of Debian 12;
 * the licences are all files of /usr/share/common-licenses, 237,320 characters and 51,248 tokens.
 *
 *                       /char   cl100k   o200k    Qwen  tekken  DeepSeek  Claude 2
 *   licences, English   0.216    +1.9%   +1.9%   +1.4%   -3.5%     +0.2%     +1.0%
 *   manual, German      0.250   -14.0%   -2.1%  -14.4%   -8.0%    -13.9%    -22.2%
 *   C headers           0.278    -4.1%   -4.9%   -8.6%  -14.7%    -11.4%    -18.9%
 *   Python              0.221    +3.0%   +2.6%   +2.7%   -2.5%     -3.8%     -5.0%
 *   JSON                0.314    +1.0%   +1.6%   +0.5%   -2.2%     -1.0%     -0.5%
 *   Markdown            0.282    -0.1%   -0.5%   -7.3%   -8.2%     -7.7%    -16.9%
 *
 * Sources: the first cut follows the published pattern of cl100k_base (tiktoken, openai_public.py); the cuts inside
 * words are our own, in place of a vocabulary.
 */
#ifndef KVCAST_TOKENIZER_H
#define KVCAST_TOKENIZER_H

#include "base.h"

/* Writes the tokens of `text` (any bytes, NUL too) to *tokens from index 0 on and returns their number. The array of
 * *capacity tokens (NULL and 0 at first) is enlarged as needed and stays the caller's to free(). */
size_t tokenizer_encode(const char *text, size_t length, uint32_t **tokens, size_t *capacity);

#endif
