#include "content.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum content_seed { SEED_NAME = 1, SEED_TOKENS, SEED_SEGMENT };

/* Words of the buffer that the chain takes when the two are hashed together. */
#define CHAIN_WORDS (sizeof(struct idmap_key) / sizeof(uint32_t))

static struct idmap_key content_hash(const void *data, size_t bytes, enum content_seed seed)
{
	XXH128_hash_t hash = XXH3_128bits_withSeed(data, bytes, seed);
	return (struct idmap_key){.low = hash.low64, .high = hash.high64 | CONTENT_KEY_BIT};
}

struct idmap_key content_name(const char *text)
{
	return content_hash(text, strlen(text), SEED_NAME);
}

/* Names have the top bit set, this has not. */
struct idmap_key content_unnamed(struct content *content)
{
	return (struct idmap_key){.low = content->unnamed++};
}

void content_restart(struct content *content)
{
	content->chain = (struct idmap_key){0, 0};
	content->filled = 0;
	content->buffered = 0;
}

void content_free(struct content *content)
{
	free(content->buffer);
	*content = (struct content){0};
}

/* The chain with the buffered tokens folded in. */
static struct idmap_key content_folded(struct content *content)
{
	if (content->buffered == 0)
		return content->chain;
	memcpy(content->buffer, &content->chain, sizeof(content->chain));
	return content_hash(content->buffer, (CHAIN_WORDS + content->buffered) * sizeof(*content->buffer), SEED_TOKENS);
}

size_t content_add_tokens(struct content *content, const uint32_t *tokens, size_t count)
{
	uint32_t room = content->block_tokens - content->filled;
	size_t take = count < room ? count : room;
	size_t needed = CHAIN_WORDS + content->buffered + take;
	if (needed > content->capacity) {
		content->capacity = needed * 2;
		content->buffer = mem_grow(content->buffer, content->capacity, sizeof(*content->buffer));
	}
	if (take > 0)
		memcpy(content->buffer + CHAIN_WORDS + content->buffered, tokens, take * sizeof(*tokens));
	content->buffered += take;
	content->filled += (uint32_t)take;
	return take;
}

uint64_t content_add_segment(struct content *content, struct idmap_key name, uint64_t offset, uint64_t count)
{
	uint64_t room = content->block_tokens - content->filled;
	struct {
		struct idmap_key chain, name;
		uint64_t offset, count;
	} piece = {content_folded(content), name, offset, count < room ? count : room};
	if (piece.count == 0)
		return 0;
	content->chain = content_hash(&piece, sizeof(piece), SEED_SEGMENT);
	content->buffered = 0;
	content->filled += (uint32_t)piece.count;
	return piece.count;
}

bool content_full(struct content *content, struct idmap_key *key)
{
	if (content->filled < content->block_tokens)
		return false;
	*key = content->chain = content_folded(content);
	content->filled = 0;
	content->buffered = 0;
	return true;
}

bool content_tail(struct content *content, struct idmap_key *key)
{
	*key = content_folded(content);
	return content->filled > 0;
}
