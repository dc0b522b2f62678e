/* cmd_bench.c - kvcast-gpu bench: how long steps take, alone on the device: prompts cold, prompts after a cached prefix,
 * decode batches. Times are of the host's clock from the call to the token in its hand, as a server would see it: medians
 * of several after warm-up, with the spread (largest - smallest) / median. Beside each stands the rate of its matrix
 * products and attention together, or the bytes it has to read. */
#include "gpu_cli.h"
#include "llama.h"

#include <argp.h>
#include <gsl/gsl_sort.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BLOCK_TOKENS 16
#define MOST_NEW 32768
#define MOST_CONTEXT (32768 + 1024)
#define MOST_SEQUENCES 32
#define MOST_RUNS 32

struct bench {
	const char *model_name, *tiers_folder;
	int runs;
	struct llama *llama;
	uint32_t *ids, *table;
};

static double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* FLOP of a step: two a weight and new token, four a head value and pair of tokens, the head for one row a sequence. */
static double step_flop(const struct model *m, double new_tokens, double context, double sequences)
{
	const double weights = ((double)(m->heads + 2 * m->kv_heads) * m->head_size + (double)m->heads * m->head_size) * m->hidden +
	                       3.0 * m->intermediate * m->hidden;
	const double pairs = new_tokens * context + new_tokens * (new_tokens + 1) / 2;
	return sequences * (2 * weights * m->layers * new_tokens + 4.0 * m->heads * m->head_size * m->layers * pairs +
	                    2.0 * m->vocabulary * m->hidden);
}

/* Bytes that a decode step has to read: all weights, and the keys and values of every context. */
static double step_bytes(const struct bench *bench, double context, double sequences)
{
	const struct model *m = llama_model(bench->llama);
	double weights = 0;
	for (int w = LLAMA_NORM_ATTENTION; w <= LLAMA_DOWN; w++)
		weights += (double)llama_weight_count(m, (enum llama_weight)w) * m->layers;
	weights += (double)llama_weight_count(m, LLAMA_HEAD);
	return 2 * weights + sequences * context * (double)llama_block_bytes(bench->llama) / BLOCK_TOKENS;
}

static void time_step(struct bench *bench, const char *what, uint32_t new_tokens, uint32_t context, uint32_t sequences)
{
	struct attention_sequence parts[MOST_SEQUENCES];
	uint32_t best[MOST_SEQUENCES];
	double ms[MOST_RUNS];
	const uint32_t blocks = (context + new_tokens + BLOCK_TOKENS - 1) / BLOCK_TOKENS;
	for (uint32_t s = 0; s < sequences; s++)
		parts[s] = (struct attention_sequence){s * new_tokens, new_tokens, context, s * blocks};
	const struct llama_batch batch = {parts, sequences, bench->ids, sequences * new_tokens, bench->table, sequences * blocks};
	llama_prepare(bench->llama, sequences * new_tokens, sequences);
	for (int run = -2; run < bench->runs; run++) {
		llama_wait(bench->llama);
		const double start_ms = now_ms();
		llama_step(bench->llama, &batch, best, NULL);
		llama_wait(bench->llama);
		if (run >= 0)
			ms[run] = now_ms() - start_ms;
	}
	gsl_sort(ms, 1, (size_t)bench->runs);
	const double median = ms[bench->runs / 2];
	printf("%-8s %3u x %6u new after %6u: %9.2f ms, spread %4.1f %%, ", what, sequences, new_tokens, context, median,
	       100 * (ms[bench->runs - 1] - ms[0]) / median);
	if (new_tokens > 1)
		printf("%5.0f TFLOP/s\n", step_flop(llama_model(bench->llama), new_tokens, context, sequences) / median / 1e9);
	else
		printf("%5.0f GB/s\n", step_bytes(bench, context + 1, sequences) / median / 1e6);
	fflush(stdout);
}

static const struct argp_option option_table[] = {
        {"model", 'm', "NAME|FILE", 0, "the model's shape; default llama-3.1-8b", 0},
        {"runs", 'r', "N", 0, "runs a figure is the median of, 1 to 32; default 7", 0},
        {"tiers", 't', "FOLDER", 0, "time copies instead: pool and host memory, a disk and an archive in FOLDER", 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct bench *bench = state->input;
	switch (key) {
	case 'm':
		bench->model_name = arg;
		return 0;
	case 'r':
		bench->runs = atoi(arg);
		if (bench->runs < 1 || bench->runs > MOST_RUNS)
			argp_error(state, "--runs %s: expected a whole number from 1 to %d", arg, MOST_RUNS);
		return 0;
	case 't':
		bench->tiers_folder = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void run_bench(struct bench *bench)
{
	static const uint32_t cold[] = {1024, 4096, 8192, 16384, 32768};
	static const uint32_t cached[][2] = {{64, 8192}, {64, 16384}, {1024, 16384}, {64, 32768}, {1024, 32768}};
	static const uint32_t decode[] = {1, 8, 32};
	llama_fill_pool(bench->llama, 5);
	for (size_t i = 0; i < COUNT_OF(cold); i++)
		time_step(bench, "cold", cold[i], 0, 1);
	for (size_t i = 0; i < COUNT_OF(cached); i++)
		time_step(bench, "cached", cached[i][0], cached[i][1], 1);
	for (size_t i = 0; i < COUNT_OF(decode); i++)
		time_step(bench, "decode", 1, 8192, decode[i]);
}

int cmd_bench(int argc, char **argv)
{
	static const struct argp argp = {.options = option_table, .parser = parse_option,
	                                 .doc = "Times steps of one model, with random weights, tokens and cached keys."};
	struct bench bench = {.model_name = "llama-3.1-8b", .runs = 7};
	struct model model;
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &bench) != 0)
		return 2;
	if (model_load(&model, bench.model_name, &err) < 0)
		return gpu_cli_fail(&err);
	if (gpu_cli_need_device())
		return 1;
	gpu_cli_print_machine();
	if (bench.tiers_folder)
		return cmd_bench_tiers(&model, bench.tiers_folder, bench.runs);
	const uint32_t table_room = MOST_SEQUENCES * ((8192 + BLOCK_TOKENS) / BLOCK_TOKENS + 1) + MOST_CONTEXT / BLOCK_TOKENS;
	const struct llama_options options = {.seed = 1, .block_tokens = BLOCK_TOKENS, .pool_blocks = table_room,
	                                      .most_tokens = MOST_NEW, .most_sequences = MOST_SEQUENCES, .most_table = table_room};
	bench.llama = llama_open(&model, &options, &err);
	if (!bench.llama)
		return gpu_cli_fail(&err);
	bench.ids = mem_alloc(MOST_NEW, sizeof(*bench.ids));
	bench.table = mem_alloc(table_room, sizeof(*bench.table));
	/* Blocks of a sequence lie scattered, as in a server that has run for a while. */
	uint32_t step = 7919;
	while (table_room % step == 0)
		step += 2;
	for (uint32_t i = 0; i < MOST_NEW; i++)
		bench.ids[i] = (uint32_t)((i * UINT64_C(2654435761)) % model.vocabulary);
	for (uint32_t b = 0; b < table_room; b++)
		bench.table[b] = (uint32_t)((uint64_t)b * step % table_room);
	printf("# %s, random weights, blocks of %u tokens, median of %d\n", model.name, BLOCK_TOKENS, bench.runs);
	run_bench(&bench);
	free(bench.ids);
	free(bench.table);
	llama_close(bench.llama);
	return 0;
}
