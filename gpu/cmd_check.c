/* cmd_check.c - kvcast-gpu check: whole steps against the CPU's model, over ragged batches, page sizes, chunkings and
 * cached prefixes. A difference is within |gpu - cpu| <= absolute + relative x |cpu|, bf16 rounding over a tiny model. */
#include "gpu_cli.h"
#include "reference.h"

#include <argp.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ABSOLUTE 0.06
#define RELATIVE 0.03
#define POOL_BLOCKS 512
#define MOST_TOKENS 4096
#define MOST_SEQUENCES 16
#define RAGGED_LENGTH 400 /* of prompts in ragged batches */
#define MOST_LENGTH 4096
#define LONG_ROUNDS 1

struct check {
	struct llama *llama;
	struct reference *reference;
	gsl_rng *rng;
	uint32_t block_tokens;
	double worst;
	unsigned compared, failed;
};

struct prompt {
	uint32_t ids[MOST_LENGTH], length, done;
	uint32_t table[MOST_LENGTH / 16 + 1];
};

static uint32_t below(struct check *check, uint32_t limit)
{
	return (uint32_t)gsl_rng_uniform_int(check->rng, limit);
}

/* Compares the logits after a whole prompt; `what` says how they came about. */
static void compare(struct check *check, const struct prompt *prompt, const float *logits, const char *what)
{
	const uint32_t vocabulary = llama_model(check->llama)->vocabulary;
	float *expected = mem_alloc(vocabulary, sizeof(*expected));
	double worst = 0;
	reference_logits(check->reference, prompt->ids, prompt->length, expected);
	for (uint32_t i = 0; i < vocabulary; i++) {
		const double allowed = ABSOLUTE + RELATIVE * fabs(expected[i]);
		/* Not a number is no agreement. */
		const double share = isfinite(logits[i]) ? fabs((double)logits[i] - expected[i]) / allowed : INFINITY;
		worst = fmax(worst, share);
	}
	free(expected);
	check->compared++;
	check->worst = fmax(check->worst, worst);
	if (worst > 1) {
		check->failed++;
		printf("FAILED  %s: %u tokens in blocks of %u: a logit is off by %.2f times what is allowed\n", what, prompt->length,
		       check->block_tokens, worst);
	}
}

/* One step that computes the next new_tokens[s] tokens of each prompt. */
static void step(struct check *check, struct prompt *const *prompts, const uint32_t *new_tokens, uint32_t count, float *logits)
{
	struct attention_sequence sequences[MOST_SEQUENCES];
	uint32_t ids[MOST_TOKENS], table[MOST_SEQUENCES * (MOST_LENGTH / 16 + 1)], best[MOST_SEQUENCES], rows = 0, blocks = 0;
	for (uint32_t s = 0; s < count; s++) {
		struct prompt *prompt = prompts[s];
		sequences[s] = (struct attention_sequence){rows, new_tokens[s], prompt->done, blocks};
		memcpy(ids + rows, prompt->ids + prompt->done, new_tokens[s] * sizeof(*ids));
		rows += new_tokens[s];
		prompt->done += new_tokens[s];
		const uint32_t used = (prompt->done + check->block_tokens - 1) / check->block_tokens;
		memcpy(table + blocks, prompt->table, used * sizeof(*table));
		blocks += used;
	}
	const struct llama_batch batch = {sequences, count, ids, rows, table, blocks};
	llama_step(check->llama, &batch, best, logits);
	llama_wait(check->llama);
	const uint32_t vocabulary = llama_model(check->llama)->vocabulary;
	for (uint32_t s = 0; s < count; s++) {
		for (uint32_t i = 0; i < vocabulary; i++)
			check->failed += logits[s * vocabulary + i] > logits[s * vocabulary + best[s]];
	}
}

static struct prompt *make_prompts(struct check *check, uint32_t count)
{
	struct prompt *prompts = mem_alloc(count, sizeof(*prompts));
	uint32_t free_blocks[POOL_BLOCKS], next = 0;
	for (uint32_t b = 0; b < POOL_BLOCKS; b++)
		free_blocks[b] = b;
	for (uint32_t b = POOL_BLOCKS; b-- > 1;) {
		const uint32_t other = below(check, b + 1), swap = free_blocks[b];
		free_blocks[b] = free_blocks[other];
		free_blocks[other] = swap;
	}
	for (uint32_t s = 0; s < count; s++) {
		prompts[s].length = 1 + below(check, RAGGED_LENGTH / (1 + below(check, 8)));
		for (uint32_t t = 0; t < prompts[s].length; t++)
			prompts[s].ids[t] = below(check, llama_model(check->llama)->vocabulary);
		for (uint32_t b = 0; b * check->block_tokens < prompts[s].length; b++)
			prompts[s].table[b] = free_blocks[next++ % POOL_BLOCKS];
	}
	return prompts;
}

/* A ragged batch, each prompt in random chunks, chunks of different prompts in the same steps. */
static void check_batch(struct check *check, float *logits)
{
	const uint32_t vocabulary = llama_model(check->llama)->vocabulary, count = 1 + below(check, 5);
	struct prompt *prompts = make_prompts(check, count);
	llama_fill_pool(check->llama, 7 + check->compared); /* poison: what is not written must not be read */
	for (;;) {
		struct prompt *part[MOST_SEQUENCES];
		uint32_t new_tokens[MOST_SEQUENCES], parts = 0;
		for (uint32_t s = 0; s < count; s++) {
			const uint32_t left = prompts[s].length - prompts[s].done;
			if (left == 0 || (below(check, 4) == 0 && parts > 0))
				continue;
			part[parts] = &prompts[s];
			new_tokens[parts++] = below(check, 3) == 0 ? left : 1 + below(check, left);
		}
		if (parts == 0)
			break;
		step(check, part, new_tokens, parts, logits);
		for (uint32_t p = 0; p < parts; p++) {
			if (part[p]->done == part[p]->length)
				compare(check, part[p], logits + p * vocabulary, "ragged batch in chunks");
		}
	}
	free(prompts);
}

/* The second prompt has the first one's beginning, and takes its blocks; then one of them is spoilt, which must show. */
static void check_prefix(struct check *check, float *logits)
{
	const uint32_t vocabulary = llama_model(check->llama)->vocabulary;
	struct prompt *prompts = make_prompts(check, 2);
	struct prompt *first = &prompts[0], *second = &prompts[1];
	const uint32_t shared = first->length / check->block_tokens;
	if (shared > 0) {
		const uint32_t whole = first->length;
		step(check, &first, &whole, 1, logits);
		const uint32_t tail = 1 + below(check, 40), start = shared * check->block_tokens;
		second->length = start + tail < MOST_LENGTH ? start + tail : MOST_LENGTH;
		if (second->length > start) {
			memcpy(second->ids, first->ids, start * sizeof(*second->ids));
			for (uint32_t t = start; t < second->length; t++)
				second->ids[t] = below(check, vocabulary);
			memcpy(second->table, first->table, shared * sizeof(*second->table));
			for (uint32_t b = shared; b * check->block_tokens < second->length; b++)
				second->table[b] = POOL_BLOCKS - 1 - b < POOL_BLOCKS ? first->table[0] : 0;
			/* Blocks of its own: any that the first does not use. */
			bool used[POOL_BLOCKS] = {false};
			for (uint32_t b = 0; b * check->block_tokens < first->length; b++)
				used[first->table[b]] = true;
			for (uint32_t b = shared, at = 0; b * check->block_tokens < second->length; b++, at++) {
				while (used[at])
					at++;
				second->table[b] = at;
			}
			second->done = start;
			uint32_t rest = second->length - start;
			step(check, &second, &rest, 1, logits);
			compare(check, second, logits, "cached prefix");
			float *before = mem_alloc(vocabulary, sizeof(*before));
			memcpy(before, logits, vocabulary * sizeof(*before));
			const struct kernels_pool pool = llama_pool(check->llama, 0);
			const size_t row = (size_t)llama_model(check->llama)->kv_heads * llama_model(check->llama)->head_size;
			kernels_random(pool.values + first->table[0] * (size_t)check->block_tokens * row, row * check->block_tokens, 99, 0, 3,
			               llama_stream(check->llama));
			second->done = start;
			step(check, &second, &rest, 1, logits);
			double moved = 0;
			for (uint32_t i = 0; i < vocabulary; i++)
				moved = fmax(moved, fabs((double)logits[i] - before[i]));
			check->compared++;
			if (moved < ABSOLUTE) {
				check->failed++;
				printf("FAILED  a spoilt block of a prefix of %u tokens moved no logit by more than %.3f\n", start, moved);
			}
			free(before);
		}
	}
	free(prompts);
}

/* A few new tokens after a long prefix, then one, where the keys are cut over thread blocks; a second prompt rides along,
 * whose keys are too few to be cut so often. */
static void check_long(struct check *check, float *logits)
{
	const uint32_t vocabulary = llama_model(check->llama)->vocabulary;
	struct prompt *prompts = make_prompts(check, 2), *pair[] = {&prompts[0], &prompts[1]};
	struct prompt *first = pair[0], *second = pair[1];
	const uint32_t added = 1 + below(check, 90), prefix = 600 + below(check, 2000);
	first->length = prefix + added;
	second->length = 3 + below(check, 60);
	for (uint32_t t = 0; t < first->length; t++)
		first->ids[t] = below(check, vocabulary);
	for (uint32_t t = 0; t < second->length; t++)
		second->ids[t] = below(check, vocabulary);
	/* Every other block, backwards: the second prompt's lie between the first's. */
	const uint32_t half = POOL_BLOCKS / 2;
	for (uint32_t b = 0; b < MOST_LENGTH / check->block_tokens; b++)
		first->table[b] = 2 * (half - 1 - b);
	for (uint32_t b = 0; b < MOST_LENGTH / check->block_tokens; b++)
		second->table[b] = 2 * b + 1;
	llama_fill_pool(check->llama, 7 + check->compared);
	step(check, &first, &prefix, 1, logits);
	const uint32_t many[] = {added, second->length - 1}, one[] = {1, 1};
	step(check, pair, many, 2, logits);
	compare(check, first, logits, "new tokens after a long prefix");
	first->length++;
	first->ids[first->length - 1] = below(check, vocabulary);
	step(check, pair, one, 2, logits);
	compare(check, first, logits, "one token after a long prefix");
	compare(check, second, logits + vocabulary, "one token beside a long prefix");
	free(prompts);
}

static int check_model(const struct model *model, uint32_t block_tokens, unsigned rounds, struct err *err)
{
	const struct llama_options options = {.seed = 11, .block_tokens = block_tokens, .pool_blocks = POOL_BLOCKS,
	                                      .most_tokens = MOST_TOKENS, .most_sequences = MOST_SEQUENCES,
	                                      .most_table = MOST_SEQUENCES * (MOST_LENGTH / 16 + 1)};
	struct check check = {.block_tokens = block_tokens};
	check.llama = llama_open(model, &options, err);
	if (!check.llama)
		return -1;
	check.reference = reference_open(check.llama);
	check.rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(check.rng, block_tokens);
	float *logits = mem_alloc((size_t)MOST_SEQUENCES * model->vocabulary, sizeof(*logits));
	for (unsigned round = 0; round < rounds; round++) {
		check_batch(&check, logits);
		check_prefix(&check, logits);
		/* The CPU is slow at it. */
		if (round < LONG_ROUNDS)
			check_long(&check, logits);
	}
	printf("%-8s heads %2u on %2u of %3u%s, blocks of %3u: %4u comparisons, worst %.2f of what is allowed, %u failed\n",
	       model->name, model->heads, model->kv_heads, model->head_size, model->has_qkv_bias ? " with biases" : "", block_tokens,
	       check.compared, check.worst, check.failed);
	fflush(stdout);
	free(logits);
	gsl_rng_free(check.rng);
	reference_close(check.reference);
	llama_close(check.llama);
	return check.failed ? 1 : 0;
}

int cmd_check(int argc, char **argv)
{
	static const struct argp argp = {.doc = "Compares whole steps of small models with a plain CPU implementation: ragged "
	                                        "batches, chunks, cached prefixes, several page sizes and head shapes."};
	struct err err;
	struct model model;
	/* Head shapes of the presets, at a size the CPU can follow. */
	static const struct {
		uint32_t heads, kv_heads, head_size;
		bool bias;
	} shapes[] = {{4, 2, 64, false}, {8, 1, 128, false}, {4, 1, 128, true}, {2, 2, 96, false}, {7, 1, 64, true}, {6, 1, 128, true}};
	static const uint32_t blocks[] = {16, 64, 256};
	int failed = 0;
	if (argp_parse(&argp, argc, argv, 0, NULL, NULL) != 0)
		return 2;
	if (gpu_cli_need_device())
		return 1;
	gpu_cli_print_machine();
	printf("# |gpu - cpu| <= %g + %g |cpu| for every logit\n", ABSOLUTE, RELATIVE);
	for (size_t s = 0; s < COUNT_OF(shapes); s++) {
		if (model_load(&model, "tiny", &err) < 0)
			return gpu_cli_fail(&err);
		model.heads = shapes[s].heads;
		model.kv_heads = shapes[s].kv_heads;
		model.head_size = shapes[s].head_size;
		model.has_qkv_bias = shapes[s].bias;
		for (size_t b = 0; b < COUNT_OF(blocks); b++) {
			const int status = check_model(&model, blocks[b], 6, &err);
			if (status < 0)
				return gpu_cli_fail(&err);
			failed |= status;
		}
	}
	puts(failed ? "check: FAILED" : "check: all agree");
	return failed;
}
