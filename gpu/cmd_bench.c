/* cmd_bench.c - kvcast-gpu bench: how long steps take, alone on the device: prompts cold, prompts after a cached prefix,
 * decode batches. Times are of the host's clock from the call to the token in its hand, as a server would see it: medians
 * of several after warm-up, with the spread (largest - smallest) / median. Beside each stands the rate of its matrix
 * products and attention together, or the bytes it has to read. Then the parts of some steps, each alone on the device's
 * clock, and what matrix products gain from having cuBLASLt's candidates timed. */
#include "gpu_cli.h"
#include "llama.h"

#include <argp.h>
#include <gsl/gsl_sort.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCK_TOKENS 16
#define MOST_NEW 32768
#define MOST_CONTEXT (32768 + 1024)
#define MOST_SEQUENCES 32
#define MOST_RUNS 32
#define WARM_UP_MS 300 /* and two runs at least, so that the chip's clock has settled to this kind of work */
#define TABLE_ROOM (MOST_SEQUENCES * ((8192 + BLOCK_TOKENS) / BLOCK_TOKENS + 1) + MOST_CONTEXT / BLOCK_TOKENS)

struct shape {
	const char *what;
	uint32_t new_tokens, context, sequences;
};

struct bench {
	const char *model_name, *tiers_folder, *products_path;
	int runs;
	bool untuned, no_steps, no_parts;
	struct shape only; /* where its new_tokens is not 0 */
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

/* A batch of equal sequences over the blocks of the pool; `parts` has room for its sequences. */
static struct llama_batch make_batch(const struct bench *bench, const struct shape *shape, struct attention_sequence *parts)
{
	const uint32_t blocks = (shape->context + shape->new_tokens + BLOCK_TOKENS - 1) / BLOCK_TOKENS, count = shape->sequences;
	for (uint32_t s = 0; s < count; s++)
		parts[s] = (struct attention_sequence){s * shape->new_tokens, shape->new_tokens, shape->context, s * blocks};
	return (struct llama_batch){parts, count, bench->ids, count * shape->new_tokens, bench->table, count * blocks};
}

static void time_step(struct bench *bench, const struct shape *shape)
{
	struct attention_sequence parts[MOST_SEQUENCES];
	uint32_t best[MOST_SEQUENCES];
	double ms[MOST_RUNS];
	const struct llama_batch batch = make_batch(bench, shape, parts);
	llama_prepare(bench->llama, batch.token_count, batch.sequence_count);
	const double begin_ms = now_ms();
	for (int run = -2; run < bench->runs;) {
		llama_wait(bench->llama);
		const double start_ms = now_ms();
		llama_step(bench->llama, &batch, best, NULL);
		llama_wait(bench->llama);
		if (run >= 0)
			ms[run++] = now_ms() - start_ms;
		else
			run += run == -2 || now_ms() - begin_ms > WARM_UP_MS;
	}
	gsl_sort(ms, 1, (size_t)bench->runs);
	const double median = ms[bench->runs / 2];
	printf("%-8s %3u x %6u new after %6u: %9.2f ms, spread %4.1f %%, ", shape->what, shape->sequences, shape->new_tokens,
	       shape->context, median, 100 * (ms[bench->runs - 1] - ms[0]) / median);
	if (shape->new_tokens > 1)
		printf("%5.0f TFLOP/s\n",
		       step_flop(llama_model(bench->llama), shape->new_tokens, shape->context, shape->sequences) / median / 1e9);
	else
		printf("%5.0f GB/s\n", step_bytes(bench, shape->context + 1, shape->sequences) / median / 1e6);
	fflush(stdout);
}

/* What a part does in all layers: FLOP of products and attention, bytes that it has to read and write at least. */
static struct work {
	double flop, bytes;
} part_work(const struct model *m, enum llama_part part, const struct shape *shape)
{
	const double rows = (double)shape->new_tokens * shape->sequences, width = (double)m->heads * m->head_size;
	const double qkv = width + 2.0 * m->kv_heads * m->head_size, layers = m->layers, hidden = m->hidden, inner = m->intermediate;
	const double context = shape->context, pairs = rows * context + rows * (shape->new_tokens + 1.0) / 2;
	switch (part) {
	case LLAMA_PART_NORM_ATTENTION:
	case LLAMA_PART_NORM_MLP:
		return (struct work){0, 2 * layers * rows * 2 * hidden};
	case LLAMA_PART_QKV:
		return (struct work){2 * layers * rows * qkv * hidden, 2 * layers * (qkv * hidden + rows * (qkv + hidden))};
	case LLAMA_PART_ROPE:
		return (struct work){0, 2 * layers * rows * 2 * qkv};
	case LLAMA_PART_ATTENTION:
		return (struct work){4 * layers * width * pairs,
		                     2 * layers * (shape->sequences * (context + shape->new_tokens) * (qkv - width) + 2 * rows * width)};
	case LLAMA_PART_OUT:
		return (struct work){2 * layers * rows * width * hidden, 2 * layers * (width * hidden + rows * (width + 2 * hidden))};
	case LLAMA_PART_GATE_UP:
		return (struct work){4 * layers * rows * inner * hidden, 2 * layers * (2 * inner * hidden + rows * (hidden + 2 * inner))};
	case LLAMA_PART_SWIGLU:
		return (struct work){0, 2 * layers * rows * 3 * inner};
	case LLAMA_PART_DOWN:
		return (struct work){2 * layers * rows * inner * hidden, 2 * layers * (inner * hidden + rows * (inner + 2 * hidden))};
	default:
		return (struct work){2.0 * m->vocabulary * hidden * shape->sequences, 2.0 * m->vocabulary * hidden};
	}
}

static const char *const part_names[LLAMA_PARTS] = {
        [LLAMA_PART_NORM_ATTENTION] = "norm 1", [LLAMA_PART_QKV] = "qkv",         [LLAMA_PART_ROPE] = "rope",
        [LLAMA_PART_ATTENTION] = "attention",   [LLAMA_PART_OUT] = "out",         [LLAMA_PART_NORM_MLP] = "norm 2",
        [LLAMA_PART_GATE_UP] = "gate and up",   [LLAMA_PART_SWIGLU] = "swiglu",   [LLAMA_PART_DOWN] = "down",
        [LLAMA_PART_HEAD] = "head and argmax",
};

static void time_parts(struct bench *bench, const struct shape *shape)
{
	struct attention_sequence parts[MOST_SEQUENCES];
	uint32_t best[MOST_SEQUENCES];
	double sum = 0;
	const struct llama_batch batch = make_batch(bench, shape, parts);
	llama_prepare(bench->llama, batch.token_count, batch.sequence_count);
	/* A step fills the activations: on zeros the chip is faster. */
	llama_step(bench->llama, &batch, best, NULL);
	llama_wait(bench->llama);
	printf("parts of %s %u x %u new after %u, each alone, all layers:\n", shape->what, shape->sequences, shape->new_tokens,
	       shape->context);
	for (int p = 0; p < LLAMA_PARTS; p++) {
		double ms[MOST_RUNS];
		for (int run = -1; run < bench->runs; run++)
			ms[run < 0 ? 0 : run] = llama_time_part(bench->llama, &batch, (enum llama_part)p);
		gsl_sort(ms, 1, (size_t)bench->runs);
		const double median = ms[bench->runs / 2];
		const struct work work = part_work(llama_model(bench->llama), (enum llama_part)p, shape);
		sum += median;
		printf("  %-16s %9.3f ms, spread %4.1f %%, %5.0f GB/s", part_names[p], median,
		       100 * (ms[bench->runs - 1] - ms[0]) / median, work.bytes / median / 1e6);
		if (work.flop > 0)
			printf(", %5.0f TFLOP/s", work.flop / median / 1e9);
		puts("");
	}
	printf("  %-16s %9.3f ms\n", "together", sum);
	fflush(stdout);
}

static void print_tuning(void *context, const struct llama_tuning *tuning)
{
	const struct model *m = llama_model(((struct bench *)context)->llama);
	const struct shape shape = {"", tuning->rows, 0, 1};
	const double flop = tuning->part == LLAMA_PART_HEAD
	                            ? 2.0 * m->vocabulary * m->hidden * tuning->rows
	                            : part_work(m, (enum llama_part)tuning->part, &shape).flop / m->layers;
	printf("product of %5u rows, %-16s %7.3f -> %7.3f ms, %5.0f TFLOP/s\n", tuning->rows, part_names[tuning->part],
	       tuning->first_ms, tuning->best_ms, flop / tuning->best_ms / 1e9);
	fflush(stdout);
}

static const struct argp_option option_table[] = {
        {"model", 'm', "NAME|FILE", 0, "the model's shape; default llama-3.1-8b", 0},
        {"runs", 'r', "N", 0, "runs a figure is the median of, 1 to 32; default 7", 0},
        {"tiers", 't', "FOLDER", 0, "time copies instead: pool and host memory, a disk and an archive in FOLDER", 0},
        {"shape", 'S', "NEW,CONTEXT,SEQUENCES", 0, "time this shape only: new tokens, cached tokens before them, sequences", 0},
        {"untuned", 'u', NULL, 0, "take cuBLASLt's first choice for every matrix product", 0},
        {"products", 'P', "FILE", 0, GPU_CLI_PRODUCTS_HELP "; without it they are timed in every run", 0},
        {"no-steps", 's', NULL, 0, "leave out whole steps", 0},
        {"no-parts", 'p', NULL, 0, "leave out the parts of steps", 0},
        {0},
};

static bool fits(const struct shape *shape)
{
	const uint64_t blocks = ((uint64_t)shape->new_tokens + shape->context + BLOCK_TOKENS - 1) / BLOCK_TOKENS;
	return shape->new_tokens > 0 && shape->sequences > 0 && shape->sequences <= MOST_SEQUENCES &&
	       (uint64_t)shape->new_tokens * shape->sequences <= MOST_NEW && blocks * shape->sequences <= TABLE_ROOM;
}

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
	case 'S':
		if (sscanf(arg, "%u,%u,%u", &bench->only.new_tokens, &bench->only.context, &bench->only.sequences) != 3 ||
		    !fits(&bench->only))
			argp_error(state, "--shape %s: expected three numbers: new tokens, cached tokens before them, sequences; blocks of all "
			           "at most %u, sequences at most %d, new tokens of all at most %d", arg, (unsigned)TABLE_ROOM, MOST_SEQUENCES,
			           MOST_NEW);
		bench->only.what = "shape";
		return 0;
	case 'u':
		bench->untuned = true;
		return 0;
	case 'P':
		bench->products_path = arg;
		return 0;
	case 's':
		bench->no_steps = true;
		return 0;
	case 'p':
		bench->no_parts = true;
		return 0;
	case ARGP_KEY_END:
		if (bench->products_path && (bench->untuned || bench->tiers_folder))
			argp_error(state, "--products and %s do not go together", bench->untuned ? "--untuned" : "--tiers");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int choose_products(struct bench *bench, struct err *err)
{
	if (bench->untuned)
		return 0;
	if (bench->products_path)
		return llama_take_products(bench->llama, bench->products_path, print_tuning, bench, err);
	return llama_tune(bench->llama, print_tuning, bench, err);
}

static int run_bench(struct bench *bench, struct err *err)
{
	static const struct shape shapes[] = {
	        {"cold", 1024, 0, 1},       {"cold", 4096, 0, 1},         {"cold", 8192, 0, 1},      {"cold", 16384, 0, 1},
	        {"cold", 32768, 0, 1},      {"cached", 64, 8192, 1},      {"cached", 64, 16384, 1},  {"cached", 1024, 16384, 1},
	        {"cached", 64, 32768, 1},   {"cached", 1024, 32768, 1},   {"decode", 1, 8192, 1},    {"decode", 1, 8192, 8},
	        {"decode", 1, 8192, 32},
	};
	llama_fill_pool(bench->llama, 5);
	if (choose_products(bench, err) < 0)
		return -1;
	const struct shape *list = bench->only.new_tokens ? &bench->only : shapes;
	const size_t count = bench->only.new_tokens ? 1 : COUNT_OF(shapes);
	for (size_t i = 0; i < count && !bench->no_steps; i++)
		time_step(bench, &list[i]);
	for (size_t i = 0; i < count && !bench->no_parts; i++)
		time_parts(bench, &list[i]);
	gpu_cli_tell_missed(bench->llama, bench->products_path);
	return 0;
}

/* The experiments have commands of their own. */
static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} experiments[] = {{"cold-repeat", cmd_bench_cold_repeat}, {"layout", cmd_bench_layout}, {"prefix", cmd_bench_prefix}};

int cmd_bench(int argc, char **argv)
{
	static const struct argp argp = {
	        .options = option_table,
	        .parser = parse_option,
	        .doc = "Times steps of one model, with random weights, tokens and cached keys.\v"
	               "A word as the first argument runs an experiment instead, measured, with the simulator's forecast beside "
	               "every number:\n"
	               "  cold-repeat  what a manual costs when it is first read, and ever after\n"
	               "  layout       the agent's instructions after the manual, or before it\n"
	               "  prefix       TTFT, E2E and rate by prefix length, concurrency and reuse\n"
	               "`kvcast-gpu bench WORD --help` explains each.",
	};
	for (size_t i = 0; argc > 1 && i < COUNT_OF(experiments); i++) {
		if (strcmp(argv[1], experiments[i].name) == 0) {
			char name[40];
			snprintf(name, sizeof(name), "%s %s", argv[0], argv[1]);
			argv[1] = name;
			return experiments[i].run(argc - 1, argv + 1);
		}
	}
	struct bench bench = {.model_name = "llama-3.1-8b", .runs = 7};
	struct model model;
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &bench) != 0)
		return 2;
	if (model_load(&model, bench.model_name, &err) < 0 || gpu_cli_check_products(bench.products_path, &model, &err) < 0)
		return gpu_cli_fail(&err);
	if (gpu_cli_need_device())
		return 1;
	gpu_cli_print_machine();
	if (bench.tiers_folder)
		return cmd_bench_tiers(&model, bench.tiers_folder, bench.runs);
	const struct llama_options options = {.seed = 1, .block_tokens = BLOCK_TOKENS, .pool_blocks = TABLE_ROOM,
	                                      .most_tokens = MOST_NEW, .most_sequences = MOST_SEQUENCES, .most_table = TABLE_ROOM};
	bench.llama = llama_open(&model, &options, &err);
	if (!bench.llama)
		return gpu_cli_fail(&err);
	bench.ids = mem_alloc(MOST_NEW, sizeof(*bench.ids));
	bench.table = mem_alloc(TABLE_ROOM, sizeof(*bench.table));
	/* Blocks of a sequence lie scattered, as in a server that has run for a while. */
	uint32_t step = 7919;
	while (TABLE_ROOM % step == 0)
		step += 2;
	for (uint32_t i = 0; i < MOST_NEW; i++)
		bench.ids[i] = (uint32_t)((i * UINT64_C(2654435761)) % model.vocabulary);
	for (uint32_t b = 0; b < TABLE_ROOM; b++)
		bench.table[b] = (uint32_t)((uint64_t)b * step % TABLE_ROOM);
	printf("# %s, random weights, blocks of %u tokens, median of %d\n", model.name, BLOCK_TOKENS, bench.runs);
	const int failed = run_bench(&bench, &err);
	free(bench.ids);
	free(bench.table);
	llama_close(bench.llama);
	return failed ? gpu_cli_fail(&err) : 0;
}
