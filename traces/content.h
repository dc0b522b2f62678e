/* content.h - names blocks by what they hold: tokens, and pieces of segments.
 *
 * Model. A block's key is a hash chain: it begins with the key of the block before it (zero at the root) and folds in,
 * piece by piece, what the block holds, so that an equal key means an equal prefix. A piece is a stretch of tokens,
 * hashed by value and whatever calls they came in, or a stretch of a segment, hashed as (segment, offset, length).
 * Hashes are XXH3-128; the top bit of a key is always set, which leaves the other half of the keys to ids a file gives.
 *
 * The block being filled stays pending across calls, and past the end of a prompt: content_tail() names the part that
 * is there, then an answer may go on filling.
 */
#ifndef KVCAST_CONTENT_H
#define KVCAST_CONTENT_H

#include "idmap.h"

#define CONTENT_KEY_BIT (UINT64_C(1) << 63)

struct content {
	uint32_t block_tokens;
	uint32_t filled;           /* tokens of the block that are there */
	struct idmap_key chain;    /* the last full block, folded with the pieces before the buffered tokens */
	uint32_t *buffer;          /* room for the chain, then tokens: hashed in one go */
	size_t buffered, capacity; /* tokens in the buffer; words it can take */
	uint64_t unnamed;          /* segments without a name so far */
};

/* The name of a segment, or any other text, as a key. */
struct idmap_key content_name(const char *text);

/* Forgets what is pending and begins at the root. */
void content_restart(struct content *content);
void content_free(struct content *content);

/* Take what the block still has room for, return how much that was. `offset` is where in the segment the stretch
 * begins. */
size_t content_add_tokens(struct content *content, const uint32_t *tokens, size_t count);
uint64_t content_add_segment(struct content *content, struct idmap_key name, uint64_t offset, uint64_t count);

/* A segment name unlike any other. */
struct idmap_key content_unnamed(struct content *content);

/* If the block is full: its key, and the next one begins. */
bool content_full(struct content *content, struct idmap_key *key);

/* If a part of a block is pending: the key of that part, which stays pending. */
bool content_tail(struct content *content, struct idmap_key *key);

#endif
