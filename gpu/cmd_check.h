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

/* The same model on the CPU. */
struct reference *cmd_check_reference(const struct llama *llama);

/* Random models and batches against the CPU. */
int cmd_check_steps(const struct check_command *command);
/* Writes the logits after every token of every prompt. */
int cmd_check_logits(const struct check_command *command);
/* Answers with and without cached blocks. */
int cmd_check_cache(const struct check_command *command);

#endif
