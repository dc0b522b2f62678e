#include "tokenizer.h"

#include <string.h>

/* Pieces are a few bytes long: a call for each would cost more than the hash. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#define DIGITS_MOST           3
#define PUNCTUATION_MOST      4
#define REPEATED_LEAST        4
#define REPEATED_MOST         16
#define SPACED_LETTERS_MOST   12
#define UNSPACED_LETTERS_MOST 8
#define CAPITAL_LETTERS_MOST  4
#define WIDE_BYTES_MOST       4

enum kind {
	PUNCTUATION = 'p',
	SMALL = 's',
	CAPITAL = 'c',
	WIDE = 'w',
	DIGIT = 'd',
	BLANK = 'b',
	NEWLINE = 'n',
	END = 'e',
};

/* The kinds of the ASCII characters. */
static const char kinds[] = "pppppppppbnbbnpp"
			    "pppppppppppppppp"
			    "bppppppppppppppp"
			    "ddddddddddpppppp"
			    "pccccccccccccccc"
			    "cccccccccccppppp"
			    "psssssssssssssss"
			    "sssssssssssppppp";

struct glyph {
	enum kind kind;
	uint32_t bytes;
};

struct cutter {
	const char *at, *end; /* what is not cut yet */
	uint32_t *tokens;
	size_t count, capacity;
};

/* For each letter those that often follow it in English, bit 0 for 'a'. */
static const uint32_t followers[26] = {
    0x1bfbd6e, /* a: bcdfgiklmnpqrstuvxy */
    0x1164b15, /* b: aceijlorsuy */
    0x11e5d95, /* c: acehiklmorstuy */
    0x016c91b, /* d: abdeiloprsu */
    0x1fff9ff, /* e: abcdefghilmnopqrstuvwxy */
    0x11a4931, /* f: aefilortuy */
    0x0166995, /* g: acehilnorsu */
    0x00a4111, /* h: aeiort */
    0x2aefc7f, /* i: abcdefgklmnoprstvxz */
    0x0104010, /* j: eou */
    0x0040151, /* k: aegis */
    0x11cc919, /* l: adeilopstuy */
    0x014d913, /* m: abeilmopsu */
    0x13cfd7d, /* n: acdefgiklmnopstuvy */
    0x0feff7f, /* o: abcdefgijklmnoprstuvwx */
    0x11ecd91, /* p: aehikloprstuy */
    0x0100000, /* q: u */
    0x17efd7f, /* r: abcdefgiklmnoprstuvwy */
    0x15ecd95, /* s: acehikloprstuwy */
    0x15ec995, /* t: acehiloprstuwy */
    0x00ef95f, /* u: abcdegilmnoprst */
    0x0004111, /* v: aeio */
    0x0466191, /* w: aehinorsw */
    0x1088115, /* x: aceipty */
    0x00cf010, /* y: emnopst */
    0x0000011, /* z: ae */
};

static struct glyph tokenizer_wide(const unsigned char *at, const char *end)
{
	uint32_t bytes = *at >= 0xF0 ? 4 : *at >= 0xE0 ? 3 : 2;
	bool whole = *at >= 0xC2 && *at <= 0xF4 && (size_t)(end - (const char *)at) >= bytes;
	for (uint32_t i = 1; whole && i < bytes; i++)
		whole = (at[i] & 0xC0) == 0x80;
	if (!whole)
		return (struct glyph){PUNCTUATION, 1};
	/* 0xC2 begins U+0080 to U+00BF, 0xE2 begins U+2000 to U+2FFF. */
	return (struct glyph){*at == 0xC2 || *at == 0xE2 ? PUNCTUATION : WIDE, bytes};
}

static struct glyph tokenizer_glyph(const char *at, const char *end)
{
	if (at == end)
		return (struct glyph){END, 0};
	unsigned char c = (unsigned char)*at;
	return c < 0x80 ? (struct glyph){(enum kind)kinds[c], 1} : tokenizer_wide((const unsigned char *)at, end);
}

static bool tokenizer_is_letter(enum kind kind)
{
	return kind == SMALL || kind == CAPITAL || kind == WIDE;
}

/* The end of the run of single-byte characters of `kind` that begins at `at`; `most` limits it. */
static const char *tokenizer_run(const char *at, const char *end, enum kind kind, size_t most)
{
	for (; most > 0 && tokenizer_glyph(at, end).kind == kind; most--)
		at++;
	return at;
}

/* What stands before `to` is a piece. */
static void tokenizer_take(struct cutter *cutter, const char *to)
{
	if (cutter->count == cutter->capacity) {
		cutter->capacity = cutter->capacity ? 2 * cutter->capacity : 1024;
		cutter->tokens = mem_grow(cutter->tokens, cutter->capacity, sizeof(*cutter->tokens));
	}
	cutter->tokens[cutter->count++] = XXH32(cutter->at, (size_t)(to - cutter->at), 0);
	cutter->at = to;
}

/* Whether a small letter goes on with the piece that the character before it belongs to. */
static bool tokenizer_goes_on(const char *letter)
{
	char before = letter[-1];
	bool wide = (before & 0x80) != 0;
	return wide || followers[(before | 0x20) - 'a'] >> (*letter - 'a') & 1;
}

/* The end of the piece of a word whose letters begin at `from`. */
static const char *tokenizer_letters(const char *from, const char *end, size_t most)
{
	struct glyph glyph = tokenizer_glyph(from, end);
	const char *at = from + glyph.bytes;
	if (glyph.kind == CAPITAL && tokenizer_glyph(at, end).kind == CAPITAL)
		return tokenizer_run(from, end, CAPITAL, CAPITAL_LETTERS_MOST);
	while (glyph.kind == WIDE) {
		glyph = tokenizer_glyph(at, end);
		if (glyph.kind != WIDE || (size_t)(at - from) + glyph.bytes > WIDE_BYTES_MOST)
			break;
		at += glyph.bytes;
	}
	while ((size_t)(at - from) < most && tokenizer_glyph(at, end).kind == SMALL && tokenizer_goes_on(at))
		at++;
	return at;
}

/* A word: cutter->at is at the character it takes along, or at its first letter as `letters` is. */
static void tokenizer_word(struct cutter *cutter, const char *letters)
{
	size_t most = *cutter->at == ' ' ? SPACED_LETTERS_MOST : UNSPACED_LETTERS_MOST;
	do {
		tokenizer_take(cutter, tokenizer_letters(letters, cutter->end, most));
		letters = cutter->at;
		most = UNSPACED_LETTERS_MOST;
	} while (tokenizer_is_letter(tokenizer_glyph(letters, cutter->end).kind));
}

/* The end of the piece of a punctuation run whose first sign is at `from`. */
static const char *tokenizer_signs(const char *from, const char *end)
{
	size_t bytes = tokenizer_glyph(from, end).bytes, signs = 1;
	const char *at = from + bytes;
	for (; signs < REPEATED_MOST && (size_t)(end - at) >= bytes && memcmp(at, from, bytes) == 0; signs++)
		at += bytes;
	if (signs >= REPEATED_LEAST)
		return at;
	at = from;
	for (signs = 0; signs < PUNCTUATION_MOST; signs++) {
		struct glyph glyph = tokenizer_glyph(at, end);
		if (glyph.kind != PUNCTUATION)
			break;
		at += glyph.bytes;
	}
	return at;
}

/* A run of punctuation: cutter->at is at the space it takes along, or at its first sign as `sign` is. */
static void tokenizer_punctuation(struct cutter *cutter, const char *sign)
{
	for (enum kind next = PUNCTUATION; next == PUNCTUATION; sign = cutter->at) {
		const char *to = tokenizer_signs(sign, cutter->end);
		next = tokenizer_glyph(to, cutter->end).kind;
		if (next == NEWLINE)
			to = tokenizer_run(to, cutter->end, NEWLINE, SIZE_MAX);
		tokenizer_take(cutter, to);
	}
}

static void tokenizer_blanks(struct cutter *cutter)
{
	const char *to = tokenizer_run(cutter->at, cutter->end, BLANK, SIZE_MAX);
	enum kind next = tokenizer_glyph(to, cutter->end).kind;
	if (next == NEWLINE) {
		tokenizer_take(cutter, tokenizer_run(to, cutter->end, NEWLINE, SIZE_MAX));
		return;
	}
	bool given = to[-1] == ' ' && (next == PUNCTUATION || tokenizer_is_letter(next));
	if (to - given > cutter->at)
		tokenizer_take(cutter, to - given);
	if (given && next == PUNCTUATION)
		tokenizer_punctuation(cutter, to);
	else if (given)
		tokenizer_word(cutter, to);
}

static bool tokenizer_joins_words(char sign)
{
	return sign != '\0' && strchr("_.-#'(,[<\\%", sign);
}

size_t tokenizer_encode(const char *text, size_t length, uint32_t **tokens, size_t *capacity)
{
	struct cutter cutter = {.at = text, .end = text + length, .tokens = *tokens, .capacity = *capacity};
	while (cutter.at < cutter.end) {
		switch (tokenizer_glyph(cutter.at, cutter.end).kind) {
		case NEWLINE:
			tokenizer_take(&cutter, tokenizer_run(cutter.at, cutter.end, NEWLINE, SIZE_MAX));
			break;
		case BLANK:
			tokenizer_blanks(&cutter);
			break;
		case DIGIT:
			tokenizer_take(&cutter, tokenizer_run(cutter.at, cutter.end, DIGIT, DIGITS_MOST));
			break;
		case PUNCTUATION:
			if (tokenizer_joins_words(*cutter.at) &&
			    tokenizer_is_letter(tokenizer_glyph(cutter.at + 1, cutter.end).kind))
				tokenizer_word(&cutter, cutter.at + 1);
			else
				tokenizer_punctuation(&cutter, cutter.at);
			break;
		default:
			tokenizer_word(&cutter, cutter.at);
			break;
		}
	}
	*tokens = cutter.tokens;
	*capacity = cutter.capacity;
	return cutter.count;
}
