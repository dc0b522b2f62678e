/* cmd_check.h - what kvcast-gpu check is asked, and its three parts. Each prints its findings and returns the exit code. */
#ifndef KVCAST_CMD_CHECK_H
#define KVCAST_CMD_CHECK_H

#include "gpu_cli.h"
#include "llama.h"
#include "reference.h"

#include <stdbool.h>
#include <stdint.h>

struct check_command {
	const char *model_name, *tokens_path, *logits_path, *scratch_folder;
	uint32_t models, first, rounds, seed, chunk, block_tokens;
	bool on_cpu;
};

/* What rounding to bf16 may make of a logit of a small model, by the root mean square of the logits and its own size. */
#define CHECK_ABSOLUTE 0.06
#define CHECK_RELATIVE 0.03
#define CHECK_TOLERANCE "0.06 rms + 0.03 |logit|"

/* The largest difference between the logits of a token, in parts of what is allowed; infinite where one is no number. */
double cmd_check_difference(const float *expected, const float *found, uint32_t count);
/* The same model on the CPU. */
struct reference *cmd_check_reference(const struct llama *llama);

/* Random models and batches against the CPU. */
int cmd_check_steps(const struct check_command *command);
/* Writes the logits after every token of every prompt. */
int cmd_check_logits(const struct check_command *command);
/* Answers with and without cached blocks. */
int cmd_check_cache(const struct check_command *command);

#endif
