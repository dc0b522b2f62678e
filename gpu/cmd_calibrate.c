/* cmd_calibrate.c - kvcast-gpu calibrate: times steps over a grid, and transfers, for kvcast fit.
 *
 * Every pass measures each cell, the cells in random order, so that what drifts (temperature, neighbours) is spread over all. Long
 * work pulls the chip's clock down, but not at once: the first 100 ms after a rest are some 10 % faster than what follows. So a
 * step with prompts is measured after a rest for up to REST_NS, or LONG_REST_NS: once, or for SHORT_NS where it is shorter than
 * that; and some also after rounds of work and rest, once, or for a while, of which the mean counts; that takes seconds, and is done
 * in the first pass alone. Steps of decodes follow each other, for BURST_NS, and the median of the later half counts. A rest is
 * nothing at first, as a chip that is kept busy all the time gets warmer than a server's, and steps of prompts then take up to 1 %
 * longer (NOTES.md, Power); its last WAKE_NS are decodes, for what a pause makes slow at first. Before the first pass all that has
 * other kernels is run once. Passes go on until the minutes are used up. Times are of the host's clock from the call to the tokens in
 * hand, as a server would see it.
 */
#include "calibrate_grid.h"
#include "calibrate_transfers.h"
#include "gpu_cli.h"
#include "llama.h"
#include "machine_state.h"
#include "output.h"
#include "units.h"

#include <argp.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BLOCK_TOKENS   16
#define MOST_TOKENS    32768 /* of a step; half of it, and so on, where the device has no room for what is between layers */
#define LEAST_TOKENS   2048
#define MOST_SEQUENCES 256
#define MOST_BLOCKS    30000 /* 480,000 tokens */
#define LEAST_PASSES   2
#define MOST_PASSES    64
#define WAKE_NS        20e6
#define REST_NS        140e6 /* after so long a chip has all but its full clock again, */
#define LONG_WORK_NS   500e6 /* but not after so much work, */
#define LONG_REST_NS   700e6 /* then it takes that */
#define REST_TOKENS    1024
#define SHORT_NS       15e6
#define BURST_NS       40e6
#define BURST_MOST     128

struct calibrate_command {
	const char *model_name, *output_path, *folder, *commit, *products_path;
	double minutes;
	uint32_t seed;
};

struct calibration_run {
	struct llama *llama;
	struct machine_state *state;
	uint32_t pool_blocks, most_tokens;
	uint32_t *ids, *table, table_room;
	uint32_t *scattered; /* [pool_blocks]: blocks in the order in which sequences take them */
	struct sample *cells;
	size_t cell_count;
	double *ns;      /* [cell_count][MOST_PASSES] */
	double worked_ns; /* by prompts since the last rest */
	double *work_ns; /* [cell_count]: work of a round, as it came, summed over all rounds and passes */
	uint32_t *mhz, *celsius; /* when last measured */
	uint32_t passes;
	struct sample transfers[CALIBRATE_TRANSFERS_MOST];
	int transfer_count;
};

static double now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double measure_cell(struct calibration_run *run, const struct sample *cell, bool plan)
{
	struct attention_sequence parts[MOST_SEQUENCES];
	uint32_t best[MOST_SEQUENCES], row = 0, block = 0, own = (uint32_t)cell->shared_tokens / BLOCK_TOKENS;
	const uint32_t count = cell->prompts + cell->decodes, shared = own;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t fresh = i < cell->prompts ? cell->new_tokens : 1;
		const uint32_t context = (uint32_t)(i < cell->prompts ? cell->cached_tokens : cell->context_tokens);
		const uint32_t blocks = (context + fresh + BLOCK_TOKENS - 1) / BLOCK_TOKENS;
		parts[i] = (struct attention_sequence){row, fresh, context, block};
		row += fresh;
		for (uint32_t b = 0; b < blocks; b++)
			run->table[block++] = run->scattered[b < shared ? b : own++];
	}
	const struct llama_batch batch = {parts, count, run->ids, row, run->table, block};
	if (plan)
		llama_prepare(run->llama, row, count);
	llama_wait(run->llama);
	const double start_ns = now_ns();
	llama_step(run->llama, &batch, best, NULL);
	llama_wait(run->llama);
	return now_ns() - start_ns;
}

static void decode(struct calibration_run *run, double for_ns)
{
	const struct sample cell = {.kind = SAMPLE_STEP, .decodes = 1, .context_tokens = REST_TOKENS};
	for (const double until_ns = now_ns() + for_ns; now_ns() < until_ns;)
		measure_cell(run, &cell, false);
}

/* Steps are not cut: the time nearest to the cell's work_ns that they come to. */
static double work(struct calibration_run *run, const struct sample *cell)
{
	const struct sample prompt = {.kind = SAMPLE_STEP, .prompts = 1, .new_tokens = cell->work_tokens, .cached_tokens = cell->work_cached};
	const double start_ns = now_ns();
	double last_ns;
	do {
		last_ns = measure_cell(run, &prompt, false);
	} while (now_ns() - start_ns + last_ns / 2 < cell->work_ns);
	return now_ns() - start_ns;
}

/* As long as work was since the last rest, and a little more. */
static void rest_from_work(struct calibration_run *run)
{
	const double rest_ns = fmin(run->worked_ns > LONG_WORK_NS ? LONG_REST_NS : REST_NS, WAKE_NS + run->worked_ns);
	gpu_cli_sleep_ns((int64_t)(rest_ns - WAKE_NS));
	decode(run, WAKE_NS);
}

static double measure_after_work(struct calibration_run *run, const struct sample *cell, double *work_ns)
{
	rest_from_work(run);
	double round_ns = 0;
	for (uint32_t round = 0; round < cell->rounds; round++) {
		round_ns += work(run, cell);
		decode(run, cell->rest_ns);
		gpu_cli_sleep_ns((int64_t)cell->idle_ns);
	}
	double sum_ns = 0;
	uint32_t count = 0;
	do {
		sum_ns += measure_cell(run, cell, false);
		count++;
	} while (sum_ns < cell->for_ns);
	*work_ns += round_ns;
	run->worked_ns = fmax(REST_NS, round_ns + sum_ns);
	return sum_ns / count;
}

static double measure_burst(struct calibration_run *run, const struct sample *cell)
{
	double ns[BURST_MOST];
	size_t count = 0;
	/* Decodes, too, are some percent slower right after prompts. */
	if (cell->prompts || run->worked_ns > 0)
		rest_from_work(run);
	const double start_ns = now_ns(), until_ns = start_ns + (cell->prompts ? SHORT_NS : BURST_NS);
	do {
		ns[count++] = measure_cell(run, cell, false);
	} while (count < BURST_MOST && now_ns() < until_ns);
	run->worked_ns = cell->prompts ? now_ns() - start_ns : 0;
	const size_t later = count - count / 2;
	gsl_sort(ns + count / 2, 1, later);
	return gsl_stats_median_from_sorted_data(ns + count / 2, 1, later);
}

static void measure_pass(struct calibration_run *run, gsl_rng *rng)
{
	size_t *order = mem_alloc(run->cell_count, sizeof(*order));
	for (size_t i = 0; i < run->cell_count; i++)
		order[i] = i;
	gsl_ran_shuffle(rng, order, run->cell_count, sizeof(*order));
	for (size_t i = 0; i < run->cell_count; i++) {
		const size_t c = order[i];
		struct sample *cell = &run->cells[c];
		if (cell->for_ns > 0 && run->passes > 0)
			continue;
		run->ns[c * MOST_PASSES + cell->repeats++] =
		        cell->rounds ? measure_after_work(run, cell, &run->work_ns[c]) : measure_burst(run, cell);
		run->mhz[c] = machine_state_clock_mhz(run->state);
		run->celsius[c] = machine_state_celsius(run->state);
	}
	run->passes++;
	free(order);
}

/* Passes until `until_ns`, but never fewer than LEAST_PASSES: what was measured is not thrown away for a minute. */
static void measure_steps(struct calibration_run *run, uint32_t seed, double until_ns)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(rng, seed);
	for (size_t i = 0; i < run->cell_count; i++) {
		if (run->cells[i].rounds == 0) /* what comes after work is the same step again (calibrate_grid.c) */
			measure_cell(run, &run->cells[i], true);
	}
	run->worked_ns = LONG_REST_NS; /* long, all of that */
	double last_ns = 0, start_ns = now_ns();
	while (run->passes < LEAST_PASSES || (run->passes < MOST_PASSES && start_ns + last_ns < until_ns)) {
		measure_pass(run, rng);
		last_ns = now_ns() - start_ns;
		start_ns += last_ns;
	}
	gsl_rng_free(rng);
	for (size_t i = 0; i < run->cell_count; i++) {
		struct sample *cell = &run->cells[i];
		double *ns = run->ns + i * MOST_PASSES;
		gsl_sort(ns, 1, cell->repeats);
		if (cell->rounds)
			cell->work_ns = run->work_ns[i] / cell->rounds / cell->repeats;
		cell->least_ns = ns[0];
		cell->most_ns = ns[cell->repeats - 1];
		cell->median_ns = gsl_stats_median_from_sorted_data(ns, 1, cell->repeats);
	}
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Half of what is free before the model is there. */
static uint32_t choose_pool_blocks(const struct model *model)
{
	size_t free_bytes, all_bytes;
	GPU_CALL(cudaMemGetInfo(&free_bytes, &all_bytes));
	const double block_bytes = (double)model_kv_bytes_per_token(model) * BLOCK_TOKENS;
	const double blocks = 0.5 * (double)free_bytes / block_bytes;
	return blocks < MOST_BLOCKS ? (uint32_t)blocks : MOST_BLOCKS;
}

/* The grid of steps of at most so many tokens, and what they need. */
static struct llama_options make_grid(struct calibration_run *run, uint32_t seed, uint32_t most_tokens)
{
	const struct calibrate_grid_limits limits = {most_tokens, MOST_SEQUENCES, BLOCK_TOKENS, run->pool_blocks};
	free(run->cells);
	run->cells = calibrate_grid_make(&limits, seed, &run->cell_count);
	run->table_room = 0;
	for (size_t i = 0; i < run->cell_count; i++)
		run->table_room = larger(run->table_room, calibrate_grid_table(&run->cells[i], BLOCK_TOKENS));
	return (struct llama_options){.seed = 1, .block_tokens = BLOCK_TOKENS, .pool_blocks = run->pool_blocks,
	                              .most_tokens = most_tokens, .most_sequences = MOST_SEQUENCES, .most_table = run->table_room};
}

static int open_run(struct calibration_run *run, const struct calibrate_command *command, const struct model *model,
                    struct err *err)
{
	run->pool_blocks = choose_pool_blocks(model);
	struct llama_options options = make_grid(run, command->seed, MOST_TOKENS);
	while (options.most_tokens > LEAST_TOKENS && llama_room(model, &options) < run->pool_blocks)
		options = make_grid(run, command->seed, options.most_tokens / 2);
	run->most_tokens = options.most_tokens;
	if (run->pool_blocks < 2 * CALIBRATE_TRANSFERS_BLOCKS)
		return err_set(err, "The device has room for %u blocks of KV, too few to calibrate.", run->pool_blocks);
	run->llama = llama_open(model, &options, err);
	if (!run->llama || (command->products_path && llama_take_products(run->llama, command->products_path, NULL, NULL, err) < 0))
		return -1;
	llama_fill_pool(run->llama, 5);
	run->state = machine_state_open();
	run->ns = mem_alloc(run->cell_count * MOST_PASSES, sizeof(*run->ns));
	run->mhz = mem_alloc(run->cell_count, sizeof(*run->mhz));
	run->celsius = mem_alloc(run->cell_count, sizeof(*run->celsius));
	run->ids = mem_alloc(run->most_tokens, sizeof(*run->ids));
	run->table = mem_alloc(run->table_room, sizeof(*run->table));
	run->scattered = mem_alloc(run->pool_blocks, sizeof(*run->scattered));
	run->work_ns = mem_alloc(run->cell_count, sizeof(*run->work_ns));
	/* Blocks of a sequence lie scattered, as in a server that has run for a while. */
	uint32_t step = 7919;
	while (run->pool_blocks % step == 0)
		step += 2;
	for (uint32_t i = 0; i < run->most_tokens; i++)
		run->ids[i] = (uint32_t)((i * UINT64_C(2654435761)) % model->vocabulary);
	for (uint32_t b = 0; b < run->pool_blocks; b++)
		run->scattered[b] = (uint32_t)((uint64_t)b * step % run->pool_blocks);
	return 0;
}

static void close_run(struct calibration_run *run)
{
	if (run->llama)
		llama_close(run->llama);
	machine_state_close(run->state);
	free(run->cells);
	free(run->ns);
	free(run->mhz);
	free(run->celsius);
	free(run->ids);
	free(run->table);
	free(run->scattered);
	free(run->work_ns);
}

static void write_sample(struct output *output, const struct sample *s, uint32_t mhz, uint32_t celsius)
{
	static const char *const kinds[] = {"step", "read", "write"};
	output_printf(output, "%s,%u,%u,%" PRIu64 ",%u,%" PRIu64 ",%" PRIu64 ",%u,%" PRIu64
	                      ",%.3f,%.3f,%.3f,%u,%.3f,%s,%.0f,%u,%.0f,%.0f,%.0f,%u,%u\n",
	              kinds[s->kind], s->prompts, s->new_tokens, s->cached_tokens, s->decodes, s->context_tokens, s->shared_tokens,
	              s->work_tokens, s->work_cached, s->work_ns / 1e6, s->rest_ns / 1e6, s->idle_ns / 1e6, s->rounds, s->for_ns / 1e6,
	              s->tier, s->bytes, s->repeats, s->median_ns, s->least_ns, s->most_ns, mhz, celsius);
}

static int write_samples(const struct calibrate_command *command, const struct calibration_run *run, struct err *err)
{
	struct cudaDeviceProp device;
	GPU_CALL(cudaGetDeviceProperties(&device, 0));
	struct output *output = output_open(command->output_path, err);
	if (!output)
		return -1;
	const unsigned char *id = (const unsigned char *)device.uuid.bytes;
	output_printf(output, "# model: %s\n# device: %s\n# chip: GPU-%02x%02x%02x%02x\n# driver: %s\n# commit: %s\n",
	              llama_model(run->llama)->name, device.name, id[0], id[1], id[2], id[3], machine_state_driver(run->state),
	              command->commit);
	output_printf(output, "# conditions: random weights, tokens and KV in blocks of %d tokens; steps with prompts after rests of %.0f to "
	                      "%.0f ms, %.0f after more than %.0f ms of work, the last %.0f of them decodes, which go in bursts of %.0f ms; "
	                      "in %u random orders, what seconds of work do in the first; ",
	              BLOCK_TOKENS, WAKE_NS / 1e6, REST_NS / 1e6, LONG_REST_NS / 1e6, LONG_WORK_NS / 1e6, WAKE_NS / 1e6, BURST_NS / 1e6,
	              run->passes);
	if (command->products_path)
		output_printf(output, "matrix products tuned, by choices with the checksum %016" PRIx64 "\n# row_tile_tokens: %d\n",
		              llama_products_checksum(run->llama), GEMM_CHOICES_TILE);
	else
		output_printf(output, "matrix products by cuBLASLt's first choices\n");
	const struct model *model = llama_model(run->llama);
	output_printf(output, "# attention: tile_tokens=%u tile_blocks=%u blocks_at_once=%u most_blocks=%u part_tokens=%u\n",
	              ATTENTION_TILE / (model->heads / model->kv_heads), model->kv_heads, ATTENTION_CHIP, ATTENTION_MOST_BLOCKS,
	              ATTENTION_PART_TOKENS);
	output_printf(output, "kind,prompts,new_tokens,cached_tokens,decodes,context_tokens,shared_tokens,work_tokens,work_cached,work_ms,"
	                      "rest_ms,idle_ms,rounds,for_ms,tier,bytes,repeats,median_ns,least_ns,most_ns,clock_mhz,celsius\n");
	for (size_t i = 0; i < run->cell_count; i++)
		write_sample(output, &run->cells[i], run->mhz[i], run->celsius[i]);
	for (int i = 0; i < run->transfer_count; i++)
		write_sample(output, &run->transfers[i], 0, 0);
	return output_commit(output, err);
}

static int calibrate(const struct calibrate_command *command, struct calibration_run *run, const struct model *model,
                     struct err *err)
{
	const double until_ns = now_ns() + command->minutes * 60e9;
	if (open_run(run, command, model, err) < 0)
		return -1;
	const struct calibrate_transfers transfers = {.llama = run->llama, .folder = command->folder, .block_tokens = BLOCK_TOKENS,
	                                              .repeats = 5, .now_ns = now_ns};
	run->transfer_count = calibrate_transfers_measure(&transfers, run->transfers, err);
	if (run->transfer_count < 0)
		return -1;
	measure_steps(run, command->seed, until_ns);
	fprintf(stderr, "kvcast-gpu: %zu steps, each up to %u times; %d kinds of transfers.\n", run->cell_count, run->passes,
	        run->transfer_count);
	gpu_cli_tell_missed(run->llama, command->products_path);
	return write_samples(command, run, err);
}

static const struct argp_option option_table[] = {
        {"model", 'm', "NAME|FILE", 0, "the model's shape; default llama-3.1-8b", 0},
        {"output", 'o', "FILE", 0, "where the samples go; default standard output", 0},
        {"minutes", 't', "N", 0,
         "time to spend, the model's loading included; default 6, which is three passes of llama-3.1-8b; two are made in any case", 0},
        {"folder", 'd', "FOLDER", 0, "measure transfers of a disk and an archive there, too", 0},
        {"commit", 'c', "TEXT", 0, "kept in the samples: what this program was built from", 0},
        {"products", 'P', "FILE", 0, GPU_CLI_PRODUCTS_HELP "; without it cuBLASLt's first choices are taken", 0},
        {"seed", 's', "N", 0, "which steps are drawn, and the order; default 1", 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct calibrate_command *command = state->input;
	struct err err;
	int64_t seed;
	switch (key) {
	case 'm':
		command->model_name = arg;
		return 0;
	case 'o':
		command->output_path = arg;
		return 0;
	case 'd':
		command->folder = arg;
		return 0;
	case 'P':
		command->products_path = arg;
		return 0;
	case 'c':
		command->commit = arg;
		return 0;
	case 't':
		if (units_real(arg, &command->minutes, &err) < 0 || !(command->minutes > 0 && command->minutes <= 120))
			argp_error(state, "--minutes %s: expected a number above 0, at most 120", arg);
		return 0;
	case 's':
		if (units_count(arg, &seed, &err) < 0 || seed > UINT32_MAX)
			argp_error(state, "--seed %s: expected a whole number from 0 to 4294967295", arg);
		command->seed = (uint32_t)seed;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_calibrate(int argc, char **argv)
{
	static const struct argp argp = {.options = option_table, .parser = parse_option,
	                                 .doc = "Times steps of one model over a grid of sizes, and transfers of its KV to host memory and, "
	                                        "with --folder, a disk and an archive. `kvcast fit` turns the samples into a calibration."};
	struct calibrate_command command = {.model_name = "llama-3.1-8b", .output_path = "-", .commit = "", .minutes = 6, .seed = 1};
	struct calibration_run run = {.passes = 0};
	struct model model;
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &command) != 0)
		return 2;
	if (model_load(&model, command.model_name, &err) < 0 || gpu_cli_check_products(command.products_path, &model, &err) < 0)
		return gpu_cli_fail(&err);
	if (gpu_cli_need_device())
		return 1;
	const int failed = calibrate(&command, &run, &model, &err);
	close_run(&run);
	return failed ? gpu_cli_fail(&err) : 0;
}
