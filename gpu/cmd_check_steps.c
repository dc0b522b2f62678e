/* kvcast-gpu check without a model: random small models against the CPU's, over ragged batches, chunkings, page sizes and
 * cached prefixes of every length in blocks. What nobody wrote holds large numbers (the pool) or none (all else). */
#include "cmd_check.h"
#include "sequences.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_BLOCKS 512
#define MOST_TOKENS 4096
#define MOST_SEQUENCES 16
#define MOST_LENGTH 400
#define MOST_PREFIX 2600 /* of the long prompt */

struct check {
	struct llama *llama;
	struct reference *reference;
	gsl_rng *rng;
	uint32_t block_tokens, vocabulary;
	uint32_t blocks[POOL_BLOCKS], next_block;
	float *logits;
	double worst;
	unsigned compared, failed;
};

struct prompt {
	struct sequence sequence;
	uint32_t *ids, *table, length;
	uint32_t first;  /* the CPU's logits are of the tokens from this one on */
	float *expected; /* [length - first][vocabulary] */
};

static uint32_t below(gsl_rng *rng, uint32_t limit)
{
	return (uint32_t)gsl_rng_uniform_int(rng, limit);
}

/* Blocks that nobody else has since the last shuffle, scattered over the pool. */
static void take_blocks(struct check *check, uint32_t *table, uint32_t first, uint32_t tokens)
{
	for (uint32_t b = first; b * check->block_tokens < tokens; b++) {
		ASSERT(check->next_block < POOL_BLOCKS);
		table[b] = check->blocks[check->next_block++];
	}
}

static void shuffle_blocks(struct check *check)
{
	gsl_ran_shuffle(check->rng, check->blocks, POOL_BLOCKS, sizeof(*check->blocks));
	check->next_block = 0;
}

static struct prompt make_prompt(struct check *check, uint32_t length, uint32_t first)
{
	struct prompt prompt = {.length = length, .first = first};
	prompt.ids = mem_alloc(length, sizeof(*prompt.ids));
	prompt.table = mem_alloc(length / check->block_tokens + 1, sizeof(*prompt.table));
	prompt.expected = mem_alloc((size_t)(length - first) * check->vocabulary, sizeof(*prompt.expected));
	for (uint32_t t = 0; t < length; t++)
		prompt.ids[t] = below(check->rng, check->vocabulary);
	take_blocks(check, prompt.table, 0, length);
	reference_logits(check->reference, prompt.ids, first, length, prompt.expected);
	prompt.sequence = (struct sequence){prompt.ids, prompt.table, 0};
	return prompt;
}

static void free_prompt(struct prompt *prompt)
{
	free(prompt->ids);
	free(prompt->table);
	free(prompt->expected);
}

static double difference(const struct check *check, const struct prompt *prompt, const float *logits)
{
	const float *expected = prompt->expected + (size_t)(prompt->sequence.done - 1 - prompt->first) * check->vocabulary;
	return cmd_check_difference(expected, logits, check->vocabulary);
}

/* Compares the logits after the last token that the prompt has computed; `what` says how they came about. */
static void compare(struct check *check, const struct prompt *prompt, const float *logits, uint32_t best, const char *what)
{
	const double worst = difference(check, prompt, logits);
	uint32_t first_best = 0;
	for (uint32_t i = 1; i < check->vocabulary; i++) {
		if (logits[i] > logits[first_best])
			first_best = i;
	}
	check->compared++;
	check->worst = fmax(check->worst, worst);
	if (worst <= 1 && best == first_best)
		return;
	check->failed++;
	printf("FAILED  %s, token %u of %u: a logit is off by %.2f times what is allowed; the likeliest is %u, said to be %u\n", what,
	       prompt->sequence.done, prompt->length, worst, first_best, best);
}

static void step_one(struct check *check, struct prompt *prompt, uint32_t new_tokens, const char *what)
{
	uint32_t best;
	sequences_step(check->llama, &(struct sequences_part){&prompt->sequence, new_tokens}, 1, &best, check->logits);
	compare(check, prompt, check->logits, best, what);
}

/* Large, but finite: what is masked may be read. */
static void spoil(struct check *check, uint32_t block, uint32_t count)
{
	const struct model *m = llama_model(check->llama);
	const size_t size = (size_t)check->block_tokens * m->kv_heads * m->head_size;
	for (uint32_t layer = 0; layer < m->layers; layer++) {
		const struct kernels_pool pool = llama_pool(check->llama, layer);
		kernels_random(pool.keys + block * size, size * count, 2 * layer, 0, 20, llama_stream(check->llama));
		kernels_random(pool.values + block * size, size * count, 2 * layer + 1, 0, 20, llama_stream(check->llama));
	}
}

/* Prompts in random chunks, chunks of different prompts in the same steps. */
static void check_batch(struct check *check)
{
	struct prompt prompts[MOST_SEQUENCES];
	const uint32_t count = 1 + below(check->rng, 5);
	shuffle_blocks(check);
	spoil(check, 0, POOL_BLOCKS);
	for (uint32_t s = 0; s < count; s++)
		prompts[s] = make_prompt(check, 1 + below(check->rng, MOST_LENGTH / (1 + below(check->rng, 8))), 0);
	for (;;) {
		struct sequences_part parts[MOST_SEQUENCES];
		struct prompt *part_prompts[MOST_SEQUENCES];
		uint32_t best[MOST_SEQUENCES], part_count = 0;
		for (uint32_t s = 0; s < count; s++) {
			const uint32_t left = prompts[s].length - prompts[s].sequence.done;
			if (left == 0 || (below(check->rng, 4) == 0 && part_count > 0))
				continue;
			part_prompts[part_count] = &prompts[s];
			parts[part_count++] = (struct sequences_part){&prompts[s].sequence,
			                                              below(check->rng, 3) == 0 ? left : 1 + below(check->rng, left)};
		}
		if (part_count == 0)
			break;
		sequences_step(check->llama, parts, part_count, best, check->logits);
		for (uint32_t p = 0; p < part_count; p++)
			compare(check, part_prompts[p], check->logits + (size_t)p * check->vocabulary, best[p], "ragged batch in chunks");
	}
	for (uint32_t s = 0; s < count; s++)
		free_prompt(&prompts[s]);
}

/* A prompt once more with every number of its blocks cached, then with one of them spoilt, which must show. */
static void check_prefixes(struct check *check)
{
	shuffle_blocks(check);
	spoil(check, 0, POOL_BLOCKS);
	struct prompt prompt = make_prompt(check, 1 + below(check->rng, MOST_LENGTH), 0);
	const uint32_t length = prompt.length, most = (length - 1) / check->block_tokens, first_own = check->next_block;
	uint32_t *own = prompt.table, *mixed = mem_alloc(length / check->block_tokens + 1, sizeof(*mixed));
	step_one(check, &prompt, length, "whole prompt");
	for (uint32_t cached = 0; cached <= most; cached++) {
		memcpy(mixed, own, cached * sizeof(*mixed));
		check->next_block = first_own;
		take_blocks(check, mixed, cached, length);
		for (uint32_t b = cached; b * check->block_tokens < length; b++)
			spoil(check, mixed[b], 1);
		prompt.sequence = (struct sequence){prompt.ids, mixed, cached * check->block_tokens};
		step_one(check, &prompt, length - cached * check->block_tokens, "cached prefix");
	}
	if (most > 0) {
		uint32_t best;
		spoil(check, own[below(check->rng, most)], 1);
		prompt.sequence = (struct sequence){prompt.ids, own, most * check->block_tokens};
		sequences_step(check->llama, &(struct sequences_part){&prompt.sequence, length - most * check->block_tokens}, 1, &best,
		               check->logits);
		check->compared++;
		if (difference(check, &prompt, check->logits) <= 1) {
			check->failed++;
			printf("FAILED  a spoilt block among %u cached ones changed no logit by more than is allowed\n", most);
		}
	}
	free(mixed);
	free_prompt(&prompt);
}

/* A few new tokens after a long prefix, then one, where the keys are cut over thread blocks; a second prompt rides along,
 * whose keys are too few to be cut so often. */
static void check_long(struct check *check)
{
	const uint32_t added = 1 + below(check->rng, 90), prefix = 600 + below(check->rng, MOST_PREFIX - 600);
	uint32_t best[2];
	shuffle_blocks(check);
	spoil(check, 0, POOL_BLOCKS);
	struct prompt first = make_prompt(check, prefix + added + 1, prefix - 1);
	struct prompt second = make_prompt(check, 3 + below(check->rng, 60), 0);
	step_one(check, &first, prefix, "long prompt");
	const struct sequences_part many[] = {{&first.sequence, added}, {&second.sequence, second.length - 1}};
	sequences_step(check->llama, many, 2, best, check->logits);
	compare(check, &first, check->logits, best[0], "new tokens after a long prefix");
	compare(check, &second, check->logits + check->vocabulary, best[1], "new tokens beside a long prefix");
	const struct sequences_part one[] = {{&first.sequence, 1}, {&second.sequence, 1}};
	sequences_step(check->llama, one, 2, best, check->logits);
	compare(check, &first, check->logits, best[0], "one token after a long prefix");
	compare(check, &second, check->logits + check->vocabulary, best[1], "one token beside a long prefix");
	free_prompt(&first);
	free_prompt(&second);
}

static const uint32_t head_sizes[] = {64, 128, 96}, groups[] = {1, 2, 4, 6, 7, 8};
#define SHAPES (uint32_t)(COUNT_OF(head_sizes) * COUNT_OF(groups))

/* Every head size with every group, one after the other; all else by chance. */
static struct model random_model(gsl_rng *rng, uint32_t index)
{
	struct model m = {.name = "random", .dtype_bytes = 2, .norm_epsilon = 1e-5, .most_positions = 1 << 17};
	const uint32_t group = groups[index / COUNT_OF(head_sizes) % COUNT_OF(groups)];
	m.head_size = head_sizes[index % COUNT_OF(head_sizes)];
	m.kv_heads = 1 + below(rng, group > 2 ? 2 : 4);
	m.heads = m.kv_heads * group;
	m.layers = 1 + below(rng, 3);
	m.hidden = 8 * (8 + below(rng, 33));
	m.intermediate = 8 * (8 + below(rng, 73));
	m.vocabulary = 100 + below(rng, 700);
	m.has_qkv_bias = below(rng, 2);
	m.ties_head = below(rng, 2);
	m.rope = (struct model_rope){.theta = below(rng, 2) ? 1e4 : 5e5, .kind = (enum model_rope_kind)below(rng, 3),
	                             .factor = 8, .low = 1, .high = 4, .original = 64, .magnitude = 1.19};
	for (uint32_t i = 0; i < MODEL_MOST_PAIRS; i++)
		m.rope.divisors[i] = 1 + 0.05 * i;
	return m;
}

static int check_model(const struct check_command *command, uint32_t index, struct err *err)
{
	static const char *const ropes[] = {"plain", "llama3", "longrope"};
	static const uint32_t blocks[] = {16, 32, 48, 64, 128, 256};
	struct check *check = mem_alloc(1, sizeof(*check));
	check->rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(check->rng, command->seed * 1000 + index + 1);
	const struct model m = random_model(check->rng, index);
	check->block_tokens = blocks[below(check->rng, COUNT_OF(blocks))];
	check->vocabulary = m.vocabulary;
	const struct llama_options options = {.seed = command->seed + index, .block_tokens = check->block_tokens,
	                                      .pool_blocks = POOL_BLOCKS, .most_tokens = MOST_TOKENS,
	                                      .most_sequences = MOST_SEQUENCES, .most_table = MOST_SEQUENCES * POOL_BLOCKS};
	check->llama = llama_open(&m, &options, err);
	int failed = -1;
	if (check->llama) {
		if (index % 2)
			llama_pad(check->llama);
		check->reference = cmd_check_reference(check->llama);
		check->logits = mem_alloc((size_t)MOST_SEQUENCES * m.vocabulary, sizeof(*check->logits));
		for (uint32_t b = 0; b < POOL_BLOCKS; b++)
			check->blocks[b] = b;
		for (unsigned round = 0; round < command->rounds; round++) {
			check_batch(check);
			check_prefixes(check);
		}
		check_long(check);
		printf("%2u: %u layers of %3u, %4u inner, heads %2u on %u of %3u%s, %-8s vocabulary %3u%s, blocks of %3u%s: %4u comparisons, "
		       "worst %.2f of what is allowed, %u failed\n",
		       index, m.layers, m.hidden, m.intermediate, m.heads, m.kv_heads, m.head_size, m.has_qkv_bias ? " with biases" : "",
		       ropes[m.rope.kind], m.vocabulary, m.ties_head ? " tied" : "", check->block_tokens, index % 2 ? ", padded" : "", check->compared, check->worst,
		       check->failed);
		fflush(stdout);
		failed = check->failed > 0;
		free(check->logits);
		reference_close(check->reference);
		llama_close(check->llama);
	}
	gsl_rng_free(check->rng);
	free(check);
	return failed;
}

int cmd_check_steps(const struct check_command *command)
{
	struct err err;
	int failed = 0;
	if (gpu_cli_need_device())
		return 1;
	gpu_cli_print_machine();
	printf("# |gpu - cpu| <= " CHECK_TOLERANCE " for every logit; seed %u; %u shapes of heads\n", command->seed, SHAPES);
	for (uint32_t i = 0; i < command->models; i++) {
		const int status = check_model(command, command->first + i, &err);
		if (status < 0)
			return gpu_cli_fail(&err);
		failed |= status;
	}
	puts(failed ? "check: FAILED" : "check: all agree");
	return failed;
}
