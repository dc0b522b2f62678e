/* cmd_check.c - kvcast-gpu check: what it is asked. */
#include "cmd_check.h"

#include <argp.h>
#include <math.h>
#include <stdlib.h>

enum { OPTION_TOKENS = 256, OPTION_LOGITS, OPTION_CHUNK, OPTION_BLOCK, OPTION_CPU, OPTION_MODELS, OPTION_FIRST, OPTION_ROUNDS, OPTION_SEED, OPTION_SCRATCH };

static const struct argp_option option_table[] = {
        {"models", OPTION_MODELS, "N", 0, "random models to check; default 36, every shape of heads twice", 1},
        {"first", OPTION_FIRST, "N", 0, "the first of them, to repeat one; default 0", 1},
        {"rounds", OPTION_ROUNDS, "N", 0, "batches and prompts for each; default 6", 1},
        {"seed", OPTION_SEED, "N", 0, "of random models, weights and prompts; default 1", 1},
        {"model", 'm', "DIR", 0, "a directory with config.json and *.safetensors, to be checked with --tokens", 2},
        {"tokens", OPTION_TOKENS, "FILE", 0, "prompts, a line of token ids each: are their answers the same with cached blocks?", 2},
        {"scratch", OPTION_SCRATCH, "DIR", 0, "where cached blocks are written to and read back from; default .", 2},
        {"logits", OPTION_LOGITS, "FILE", 0, "write the logits after every token instead, as float32", 3},
        {"chunk", OPTION_CHUNK, "TOKENS", 0, "new tokens a sequence and step when writing logits; default 1", 3},
        {"cpu", OPTION_CPU, NULL, 0, "write those of the plain CPU model; needs no device", 3},
        {"block", OPTION_BLOCK, "TOKENS", 0, "tokens of a block, a multiple of 16; default 16", 3},
        {0},
};

static uint32_t read_number(const char *name, const char *text, uint32_t least, uint32_t most, struct argp_state *state)
{
	char *end;
	const unsigned long value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || value < least || value > most)
		argp_error(state, "--%s %s: expected a whole number from %u to %u", name, text, least, most);
	return (uint32_t)value;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct check_command *command = state->input;
	switch (key) {
	case 'm':
		command->model_name = arg;
		return 0;
	case OPTION_TOKENS:
		command->tokens_path = arg;
		return 0;
	case OPTION_LOGITS:
		command->logits_path = arg;
		return 0;
	case OPTION_SCRATCH:
		command->scratch_folder = arg;
		return 0;
	case OPTION_CPU:
		command->on_cpu = true;
		return 0;
	case OPTION_CHUNK:
		command->chunk = read_number("chunk", arg, 1, 1024, state);
		return 0;
	case OPTION_BLOCK:
		command->block_tokens = read_number("block", arg, 16, 256, state);
		return 0;
	case OPTION_MODELS:
		command->models = read_number("models", arg, 1, 100000, state);
		return 0;
	case OPTION_FIRST:
		command->first = read_number("first", arg, 0, 100000, state);
		return 0;
	case OPTION_ROUNDS:
		command->rounds = read_number("rounds", arg, 1, 1000, state);
		return 0;
	case OPTION_SEED:
		command->seed = read_number("seed", arg, 0, 1000000, state);
		return 0;
	case ARGP_KEY_END:
		if (!command->model_name != !command->tokens_path)
			argp_error(state, "--model and --tokens go together");
		if ((command->logits_path || command->on_cpu) && !command->model_name)
			argp_error(state, "--logits and --cpu go with --model and --tokens");
		if (command->on_cpu && !command->logits_path)
			argp_error(state, "--cpu goes with --logits");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

double cmd_check_difference(const float *expected, const float *found, uint32_t count)
{
	double worst = 0, squares = 0;
	for (uint32_t i = 0; i < count; i++)
		squares += (double)expected[i] * expected[i];
	for (uint32_t i = 0; i < count; i++) {
		const double allowed = CHECK_ABSOLUTE * sqrt(squares / count) + CHECK_RELATIVE * fabs(expected[i]);
		worst = fmax(worst, isfinite(found[i]) ? fabs((double)found[i] - expected[i]) / allowed : INFINITY);
	}
	return worst;
}

static void read_device(const void *llama, enum llama_weight weight, uint32_t layer, bf16_bits *to)
{
	llama_read_weight(llama, weight, layer, to);
}

struct reference *cmd_check_reference(const struct llama *llama)
{
	return reference_open(llama_model(llama), read_device, llama);
}

int cmd_check(int argc, char **argv)
{
	static const struct argp argp = {
	        .options = option_table, .parser = parse_option,
	        .doc = "Without --model: compares whole steps of random small models with a plain CPU implementation, over head shapes, "
	               "page sizes, ragged batches, chunks and cached prefixes.\v"
	               "With --model and --tokens: proves the cache by the model's own output. Every prompt is answered cold, then with "
	               "cached prefixes of every length, in chunks of every size, and from blocks that were away in host memory, on "
	               "disk and in an archive; logits and answers must be the same, and a spoilt block must change them."};
	struct check_command command = {.models = 36, .rounds = 6, .seed = 1, .chunk = 1, .block_tokens = 16, .scratch_folder = "."};
	if (argp_parse(&argp, argc, argv, 0, NULL, &command) != 0)
		return 2;
	if (!command.model_name)
		return cmd_check_steps(&command);
	return command.logits_path ? cmd_check_logits(&command) : cmd_check_cache(&command);
}
