/* kvcast-gpu check --model DIR --tokens FILE --logits FILE: the logits after every token of every prompt, for comparison
 * with other implementations (tests/torch_check.py).
 *
 * A step gives one row of logits a sequence. So a prompt is cut into chunks that are one step's sequences over the same
 * blocks, once from every offset: each token is the last of its chunk once. Chunks of one token are decoded, longer ones go
 * the way of prompts. */
#include "cmd_check.h"
#include "prompts.h"
#include "sequences.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_POSITIONS 4096
#define MOST_SEQUENCES 256 /* in a step */
#define MOST_TOKENS 4096

/* Rows of logits for the prompt, through all offsets of the chunks. */
static void run_prompt(struct llama *llama, const struct prompts_one *prompt, uint32_t chunk, float *rows)
{
	static struct sequence sequences[MOST_SEQUENCES];
	static struct sequences_part parts[MOST_SEQUENCES];
	static uint32_t best[MOST_SEQUENCES], table[MOST_POSITIONS];
	const uint32_t vocabulary = llama_model(llama)->vocabulary;
	float *logits = mem_alloc((size_t)MOST_SEQUENCES * vocabulary, sizeof(*logits));
	for (uint32_t b = 0; b < MOST_POSITIONS; b++)
		table[b] = b;
	for (uint32_t offset = 1; offset <= chunk && offset <= prompt->length; offset++) {
		llama_fill_pool(llama, offset);
		for (uint32_t at = 0; at < prompt->length;) {
			uint32_t count = 0, tokens = 0;
			while (at < prompt->length && count < MOST_SEQUENCES && tokens + chunk <= MOST_TOKENS) {
				const uint32_t wanted = at == 0 ? offset : chunk, left = prompt->length - at;
				const uint32_t size = wanted < left ? wanted : left;
				sequences[count] = (struct sequence){prompt->ids, table, at};
				parts[count] = (struct sequences_part){&sequences[count], size};
				count++;
				tokens += size;
				at += size;
			}
			sequences_step(llama, parts, count, best, logits);
			for (uint32_t s = 0; s < count; s++)
				memcpy(rows + (size_t)(sequences[s].done - 1) * vocabulary, logits + (size_t)s * vocabulary,
				       vocabulary * sizeof(*rows));
		}
	}
	free(logits);
}

static int write_logits(const struct check_command *command, const struct prompts *prompts, const struct model *model,
                        const struct reference *reference, struct llama *llama, struct err *err)
{
	FILE *file = fopen(command->logits_path, "wb");
	bool failed = !file;
	for (uint32_t p = 0; p < prompts->count && !failed; p++) {
		const struct prompts_one *prompt = &prompts->list[p];
		const size_t count = (size_t)prompt->length * model->vocabulary;
		float *rows = mem_alloc(count, sizeof(*rows));
		if (reference)
			reference_logits(reference, prompt->ids, 0, prompt->length, rows);
		else
			run_prompt(llama, prompt, command->chunk, rows);
		failed = fwrite(rows, sizeof(*rows), count, file) != count;
		free(rows);
	}
	if (file && fclose(file) != 0)
		failed = true;
	return failed ? err_set(err, "--logits %s cannot be written: %s.", command->logits_path, strerror(errno)) : 0;
}

static int run_on_device(const struct check_command *command, const struct prompts *prompts, const struct model *model,
                         const struct llama_weights *weights, struct err *err)
{
	const struct llama_options options = {.weights = weights, .seed = command->seed, .block_tokens = command->block_tokens,
	                                      .pool_blocks = MOST_POSITIONS / command->block_tokens + 1, .most_tokens = MOST_TOKENS,
	                                      .most_sequences = MOST_SEQUENCES,
	                                      .most_table = MOST_SEQUENCES * (MOST_POSITIONS / command->block_tokens + 1)};
	struct llama *llama = llama_open(model, &options, err);
	if (!llama)
		return -1;
	const int failed = write_logits(command, prompts, model, NULL, llama, err);
	llama_close(llama);
	return failed;
}

int cmd_check_logits(const struct check_command *command)
{
	struct model model;
	struct llama_weights *weights;
	struct prompts prompts;
	struct err err;
	if (gpu_cli_load_model(command->model_name, &model, &weights, &err) < 0)
		return gpu_cli_fail(&err);
	if (!command->on_cpu && gpu_cli_need_device())
		return 1;
	const uint32_t longest = model.most_positions < MOST_POSITIONS ? model.most_positions : MOST_POSITIONS;
	int failed = prompts_load(&prompts, command->tokens_path, model.vocabulary, longest, &err);
	if (!failed && command->on_cpu && !weights)
		failed = err_set(&err, "--cpu: --model %s has no weights of its own; expected a directory with a config.json and "
		                       "*.safetensors.", command->model_name);
	if (!failed && command->on_cpu) {
		struct reference *reference = reference_open_files(&model, weights);
		failed = write_logits(command, &prompts, &model, reference, NULL, &err);
		reference_close(reference);
	} else if (!failed) {
		failed = run_on_device(command, &prompts, &model, weights, &err);
	}
	if (failed)
		gpu_cli_fail(&err);
	else
		printf("%u prompts: a row of %u logits for every token in %s\n", prompts.count, model.vocabulary, command->logits_path);
	prompts_free(&prompts);
	llama_weights_close(weights);
	return failed ? 1 : 0;
}
