/* prompt_tokens.h - which tokens a sequence consists of: its prompt's, then its answer's.
 *
 * A compiled trace (trace.h) keeps which blocks are equal and not what is in them, so tokens are made: a block's are a
 * function of its id, so that equal blocks hold equal tokens; those of a partial tail that no block holds are the request's
 * alone. Timing does not depend on their values.
 *
 * An answer's tokens are what the model said, greedily, and feed its next steps; but where the trace shows which blocks
 * an answer fills, those blocks' tokens are fed instead, since the next turn will ask for them.
 *
 * The key of a block is the XXH3-128 chain of its tokens and those of all blocks before it, begun with the seed: what
 * lower tiers know a block by, also in another run or process.
 */
#ifndef KVCAST_PROMPT_TOKENS_H
#define KVCAST_PROMPT_TOKENS_H

#include "path.h"
#include "tier_io.h"

struct prompt_tokens;

/* The trace must outlive it. Tokens are below `vocabulary`. */
struct prompt_tokens *prompt_tokens_open(const struct trace *trace, uint32_t vocabulary, uint64_t seed);
void prompt_tokens_close(struct prompt_tokens *tokens);

/* The request's answer fills blocks from..to-1 of `path`, from block `place` of the sequence on. */
void prompt_tokens_expect(struct prompt_tokens *tokens, uint32_t request, struct path path, uint32_t from, uint32_t to,
                          uint32_t place);
/* The model's choice after the first `context_tokens` tokens; kept where it is the answer's next. */
void prompt_tokens_say(struct prompt_tokens *tokens, uint32_t request, uint64_t context_tokens, uint32_t id);
/* What has been said of the request's answer so far. */
const uint32_t *prompt_tokens_said(const struct prompt_tokens *tokens, uint32_t request, uint32_t *count);
/* The sequence's tokens from position `from` on; those of the answer have been said. */
void prompt_tokens_read(const struct prompt_tokens *tokens, uint32_t request, uint64_t from, uint32_t count, uint32_t *ids);

/* The tokens of a block. */
void prompt_tokens_block(const struct prompt_tokens *tokens, block_id b, uint32_t *ids);
struct tier_io_key prompt_tokens_key(const struct prompt_tokens *tokens, block_id b);

#endif
