#include "gen_segments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In a key, where the segment should stand: a prompt's beginning. */
#define ROOT UINT32_MAX

void gen_segments_begin(struct gen_segments *segments)
{
	segments->piece_count = 0;
}

static struct gen_segments_piece *last_piece(struct gen_segments *segments)
{
	return segments->piece_count ? &segments->pieces[segments->piece_count - 1] : NULL;
}

static void add_piece(struct gen_segments *segments, uint32_t segment)
{
	if (segments->piece_count == segments->piece_capacity) {
		segments->piece_capacity = segments->piece_capacity ? 2 * segments->piece_capacity : 16;
		segments->pieces = mem_grow(segments->pieces, segments->piece_capacity, sizeof(*segments->pieces));
	}
	segments->pieces[segments->piece_count++] = (struct gen_segments_piece){.segment = segment};
}

static void add_segment(struct gen_segments *segments, const char *name, size_t skipped, const uint32_t *tokens,
			size_t count)
{
	if (segments->children.count > segments->capacity) {
		segments->capacity = 2 * (size_t)segments->children.count;
		segments->segments = mem_grow(segments->segments, segments->capacity, sizeof(*segments->segments));
	}
	size_t size = strlen(name) + 24;
	struct gen_segment *segment = &segments->segments[segments->children.count - 1];
	*segment = (struct gen_segment){
	    .name = mem_alloc(size, 1), .tokens = mem_alloc(count, sizeof(*tokens)), .count = count};
	if (skipped)
		snprintf(segment->name, size, "%s+%zu", name, skipped);
	else
		snprintf(segment->name, size, "%s", name);
	memcpy(segment->tokens, tokens, count * sizeof(*tokens));
}

/* How many of the tokens go on along the last piece's segment; the piece takes them. */
static size_t follow(struct gen_segments *segments, const uint32_t *tokens, size_t count)
{
	struct gen_segments_piece *piece = last_piece(segments);
	if (!piece)
		return 0;
	const struct gen_segment *segment = &segments->segments[piece->segment];
	size_t left = segment->count - piece->count, most = left < count ? left : count, same = 0;
	while (same < most && segment->tokens[piece->count + same] == tokens[same])
		same++;
	piece->count += same;
	return same;
}

void gen_segments_add(struct gen_segments *segments, const char *name, const uint32_t *tokens, size_t count)
{
	for (size_t done = 0; done < count;) {
		size_t same = follow(segments, tokens + done, count - done);
		done += same;
		if (same > 0)
			continue;
		const struct gen_segments_piece *piece = last_piece(segments);
		struct idmap_key key = {
		    .low = piece ? (uint64_t)piece->segment << 32 | piece->count : (uint64_t)ROOT << 32,
		    .high = tokens[done],
		};
		bool added;
		uint32_t child = idmap_add(&segments->children, key, &added);
		ASSERT(child != IDMAP_FULL);
		if (added)
			add_segment(segments, name, done, tokens + done, count - done);
		add_piece(segments, child);
	}
}

void gen_segments_free(struct gen_segments *segments)
{
	for (uint32_t i = 0; i < segments->children.count; i++) {
		free(segments->segments[i].name);
		free(segments->segments[i].tokens);
	}
	free(segments->segments);
	free(segments->pieces);
	idmap_free(&segments->children);
	*segments = (struct gen_segments){0};
}
