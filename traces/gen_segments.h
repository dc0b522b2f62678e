/* gen_segments.h - names the parts of prompts so that equal tokens after equal prefixes have equal names.
 *
 * Prompts in segments form must share exactly what their texts share, also where two parts merely begin alike ("You
 * are the ..."). So all prompts so far are kept as a tree: a segment is a stretch of tokens that was new when a part
 * brought it, and hangs at the place, a segment and an offset into it, where it left what was known. Places are only
 * ever added; a sequence of tokens therefore always takes the same way, whatever prompts came between.
 *
 * A segment has its part's name; if it begins at the part's n-th token (from 0), because the tokens before it were
 * known under another name, "+n" is put behind. Two segments of one name hang at different places.
 */
#ifndef KVCAST_GEN_SEGMENTS_H
#define KVCAST_GEN_SEGMENTS_H

#include "idmap.h"

struct gen_segment {
	char *name;
	uint32_t *tokens;
	size_t count;
};

/* The first `count` tokens of segments[segment]. */
struct gen_segments_piece {
	uint32_t segment;
	uint64_t count;
};

/* Zeroed is empty. */
struct gen_segments {
	struct idmap children; /* key: place and next token; id: segment */
	struct gen_segment *segments;
	size_t capacity;
	/* The prompt being walked. */
	struct gen_segments_piece *pieces;
	size_t piece_count, piece_capacity;
};

/* Begins a prompt; then one call for each part. `pieces` then says the prompt in segments. */
void gen_segments_begin(struct gen_segments *segments);
void gen_segments_add(struct gen_segments *segments, const char *name, const uint32_t *tokens, size_t count);
void gen_segments_free(struct gen_segments *segments);

#endif
