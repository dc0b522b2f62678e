#include "prompt_tokens.h"

#include <stdlib.h>
#include <xxhash.h>

struct answer {
	struct path path;
	uint32_t from, to, place;
	uint32_t *said; /* the model's choices, in order */
	uint32_t said_count;
};

struct prompt_tokens {
	const struct trace *trace;
	uint64_t seed;
	uint32_t vocabulary;
	struct answer *answers; /* [request_count] */
	struct tier_io_key *keys; /* [block_count] */
};

/* Token `index` of the text that (kind, owner) names. */
enum text_kind { TEXT_BLOCK = 1, TEXT_TAIL };

static uint32_t token_of(const struct prompt_tokens *tokens, enum text_kind kind, uint32_t owner, uint64_t index)
{
	const uint64_t name[] = {(uint64_t)kind << 32 | owner, index};
	return (uint32_t)(XXH3_64bits_withSeed(name, sizeof(name), tokens->seed) % tokens->vocabulary);
}

void prompt_tokens_block(const struct prompt_tokens *tokens, block_id b, uint32_t *ids)
{
	for (uint32_t i = 0; i < tokens->trace->block_tokens; i++)
		ids[i] = token_of(tokens, TEXT_BLOCK, b, i);
}

/* Parents have smaller ids, so their keys are there. */
static void make_keys(struct prompt_tokens *tokens)
{
	const struct trace *trace = tokens->trace;
	const size_t bytes = sizeof(struct tier_io_key) + trace->block_tokens * sizeof(uint32_t);
	struct tier_io_key *text = mem_alloc(bytes, 1);
	for (block_id b = 0; b < trace->block_count; b++) {
		const block_id parent = trace->parent[b];
		*text = parent == BLOCK_NONE ? (struct tier_io_key){tokens->seed, trace->block_tokens} : tokens->keys[parent];
		prompt_tokens_block(tokens, b, (uint32_t *)(text + 1));
		const XXH128_hash_t hash = XXH3_128bits(text, bytes);
		tokens->keys[b] = (struct tier_io_key){hash.high64, hash.low64};
	}
	free(text);
}

struct prompt_tokens *prompt_tokens_open(const struct trace *trace, uint32_t vocabulary, uint64_t seed)
{
	struct prompt_tokens *tokens = mem_alloc(1, sizeof(*tokens));
	*tokens = (struct prompt_tokens){
	        .trace = trace,
	        .seed = seed,
	        .vocabulary = vocabulary,
	        .answers = mem_alloc(trace->request_count, sizeof(*tokens->answers)),
	        .keys = mem_alloc(trace->block_count, sizeof(*tokens->keys)),
	};
	make_keys(tokens);
	return tokens;
}

void prompt_tokens_close(struct prompt_tokens *tokens)
{
	if (!tokens)
		return;
	for (uint32_t r = 0; r < tokens->trace->request_count; r++)
		free(tokens->answers[r].said);
	free(tokens->answers);
	free(tokens->keys);
	free(tokens);
}

void prompt_tokens_expect(struct prompt_tokens *tokens, uint32_t request, struct path path, uint32_t from, uint32_t to,
                          uint32_t place)
{
	struct answer *answer = &tokens->answers[request];
	answer->path = path;
	answer->from = from;
	answer->to = to;
	answer->place = place;
}

void prompt_tokens_say(struct prompt_tokens *tokens, uint32_t request, uint64_t context_tokens, uint32_t id)
{
	const struct trace_request *this = &tokens->trace->requests[request];
	struct answer *answer = &tokens->answers[request];
	/* In the middle of a prompt, or of an answer that is computed again, the choice is made already. */
	if (context_tokens < this->prompt_tokens || context_tokens - this->prompt_tokens != answer->said_count)
		return;
	if (!answer->said)
		answer->said = mem_alloc((size_t)this->output_tokens + 1, sizeof(*answer->said));
	ASSERT(answer->said_count <= this->output_tokens);
	answer->said[answer->said_count++] = id;
}

const uint32_t *prompt_tokens_said(const struct prompt_tokens *tokens, uint32_t request, uint32_t *count)
{
	*count = tokens->answers[request].said_count;
	return tokens->answers[request].said;
}

struct tier_io_key prompt_tokens_key(const struct prompt_tokens *tokens, block_id b)
{
	return tokens->keys[b];
}

/* The block that the sequence has at `place`, full in the end; BLOCK_NONE where the trace does not show one. */
static block_id block_at(const struct prompt_tokens *tokens, uint32_t request, uint32_t place)
{
	const struct trace_request *this = &tokens->trace->requests[request];
	const struct answer *answer = &tokens->answers[request];
	if (place < this->prompt_tokens / tokens->trace->block_tokens)
		return path_block((struct path){tokens->trace->runs + this->run_first, this->block_count}, place);
	if (place >= answer->place && place - answer->place < answer->to - answer->from)
		return path_block(answer->path, answer->from + place - answer->place);
	return BLOCK_NONE;
}

void prompt_tokens_read(const struct prompt_tokens *tokens, uint32_t request, uint64_t from, uint32_t count, uint32_t *ids)
{
	const struct trace_request *this = &tokens->trace->requests[request];
	const struct answer *answer = &tokens->answers[request];
	const uint32_t block_tokens = tokens->trace->block_tokens;
	block_id b = BLOCK_NONE;
	for (uint64_t at = from; at < from + count; at++) {
		if (at == from || at % block_tokens == 0)
			b = block_at(tokens, request, (uint32_t)(at / block_tokens));
		if (b != BLOCK_NONE) {
			*ids++ = token_of(tokens, TEXT_BLOCK, b, at % block_tokens);
		} else if (at < this->prompt_tokens) {
			*ids++ = token_of(tokens, TEXT_TAIL, request, at);
		} else {
			ASSERT(at - this->prompt_tokens < answer->said_count);
			*ids++ = answer->said[at - this->prompt_tokens];
		}
	}
}
