/* layout.h - the pieces that prompts are put together from, the order they stand in, and what another order would share.
 *
 * Model. A prompt is a list of pieces: the segments that the trace names, or the paragraphs of its text (a piece ends with an
 * empty line). Two pieces are the same if their names, or their texts, are; a segment without a name is unlike any other. A
 * prefix cache shares pieces only from the beginning on, so the first piece that differs hides all behind it.
 *
 * Where requests bust the cache. Of a request, in the order of the file, the first piece that does not continue a prefix seen
 * before is where a cache without limit stops hitting; what stands behind it although it has been seen, in another place or
 * after another prefix, is lost there.
 *
 * Most shared first. A piece is shared if several sessions use a block or more of it (or several requests, where there are no
 * sessions). Shared pieces move to the front, those in most requests first, of equals the one seen first; all
 * others follow in their old order, so that a session's history stays as it was. This is the order of a frequent-pattern tree
 * (Han, Pei, Yin, SIGMOD 2000): good, not proved best. Whether a model answers as well then is not for a trace to say.
 */
#ifndef KVCAST_LAYOUT_H
#define KVCAST_LAYOUT_H

#include "trace.h"

struct layout;

struct layout_piece {
	char *name; /* of a text its beginning */
	uint64_t tokens; /* where it is longest */
	uint32_t requests, sessions_seen; /* that use a block or more of it; sessions_seen stops at 2 */
	uint32_t busts;       /* requests whose prefix ended at it although known pieces followed */
	uint64_t lost_tokens; /* that these were */
	uint32_t place;       /* where it stood at the first bust, from 0 */
};

/* Reads the trace. NULL and a sentence for what has neither segments nor text. */
struct layout *layout_load(const char *path, const struct trace_load_options *options, struct err *err);
void layout_free(struct layout *layout);

/* As the file has it. */
const struct trace *layout_trace(const struct layout *layout);
/* The same requests, with shared pieces first; the caller frees it. */
struct trace *layout_reorder(const struct layout *layout, struct err *err);

/* Tokens with which all prompts begin. */
uint64_t layout_common_tokens(const struct layout *layout);
/* Every distinct piece. */
const struct layout_piece *layout_pieces(const struct layout *layout, size_t *count);
bool layout_is_shared(const struct layout_piece *piece);

#endif
