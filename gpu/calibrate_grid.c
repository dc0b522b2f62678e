#include "calibrate_grid.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <string.h>

#define CELLS_MOST  1024
#define DRAWN_CELLS 120
#define DRAWN_MOST  8192u /* tokens of a prompt: what a step of a server with chunks is made of */

struct grid {
	struct calibrate_grid_limits limits;
	struct sample *cells;
	size_t count;
};

uint32_t calibrate_grid_rows(const struct sample *cell)
{
	return cell->prompts * cell->new_tokens + cell->decodes;
}

uint64_t calibrate_grid_blocks(const struct sample *cell, uint32_t block_tokens)
{
	const uint64_t shared = cell->shared_tokens / block_tokens;
	const uint64_t prompt = (cell->cached_tokens + cell->new_tokens + block_tokens - 1) / block_tokens - shared;
	const uint64_t decode = (cell->context_tokens + 1 + block_tokens - 1) / block_tokens - shared;
	return shared + cell->prompts * prompt + cell->decodes * decode;
}

uint32_t calibrate_grid_table(const struct sample *cell, uint32_t block_tokens)
{
	struct sample unshared = *cell;
	unshared.shared_tokens = 0;
	return (uint32_t)calibrate_grid_blocks(&unshared, block_tokens);
}

static bool is_known(const struct grid *grid, const struct sample *cell)
{
	for (size_t i = 0; i < grid->count; i++) {
		if (memcmp(&grid->cells[i], cell, sizeof(*cell)) == 0)
			return true;
	}
	return false;
}

/* Zeroed to the last byte, as cells are compared as bytes. */
static struct sample cell_of(uint32_t prompts, uint32_t new_tokens, uint64_t cached, uint32_t decodes, uint64_t context)
{
	struct sample cell;
	memset(&cell, 0, sizeof(cell));
	cell.kind = SAMPLE_STEP;
	cell.prompts = prompts;
	cell.new_tokens = prompts ? new_tokens : 0;
	cell.cached_tokens = prompts ? cached : 0;
	cell.decodes = decodes;
	cell.context_tokens = decodes ? context : 0;
	return cell;
}

static bool fits(const struct grid *grid, const struct sample *cell)
{
	return (uint64_t)cell->prompts * cell->new_tokens + cell->decodes <= grid->limits.most_tokens &&
	       cell->prompts + cell->decodes <= grid->limits.most_sequences &&
	       calibrate_grid_blocks(cell, grid->limits.block_tokens) <= grid->limits.pool_blocks;
}

static void add_cell(struct grid *grid, struct sample cell)
{
	if (!fits(grid, &cell) || is_known(grid, &cell))
		return;
	ASSERT(grid->count < CELLS_MOST);
	grid->cells[grid->count++] = cell;
}

static void add(struct grid *grid, uint32_t prompts, uint32_t new_tokens, uint64_t cached, uint32_t decodes, uint64_t context)
{
	add_cell(grid, cell_of(prompts, new_tokens, cached, decodes, context));
}

/* From `least` to `most`, as likely to be in one octave as in another. */
static uint32_t draw(gsl_rng *rng, double least, double most)
{
	return (uint32_t)(exp(gsl_ran_flat(rng, log(least), log(most + 1))));
}

static void add_prompts(struct grid *grid)
{
	/* Every tile of matrix products up to 2,048 tokens, some filled by halves, and one for each sixteenth more. */
	static const uint32_t sizes[] = {4,    8,    16,   24,   32,   48,   64,   72,   96,   128,  136,  160,  192,  224,  256,  272,  320,
	                                 330,  384,  448,  460,  512,  530,  576,  640,  660,  704,  768,  832,  896,  920,  960,  1024, 1088,
	                                 1152, 1200, 1280, 1340, 1408, 1456, 1536, 1600, 1664, 1728, 1792, 1856, 1920, 1984, 2048, 2112, 2304,
	                                 2432, 2560, 2688, 2816, 3072, 3328, 3584, 3840, 4000, 4096, 4608, 5120, 5632, 6144, 6656, 7168, 7680,
	                                 8192};
	/* Prompts that are not cut into chunks. */
	static const uint32_t whole[] = {10240, 12288, 16384, 20480, 24576, 32768};
	static const uint64_t cached[] = {512, 2048, 8192, 32768, 16384};
	static const uint32_t several[][2] = {{2, 16}, {2, 100}, {2, 600}, {4, 32}, {4, 300}, {4, 1024}, {8, 16}, {8, 64}, {8, 512}, {16, 24}, {16, 200}};
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		add(grid, 1, sizes[i], 0, 0, 0);
		add(grid, 1, sizes[i], cached[i % COUNT_OF(cached)], 0, 0);
		if (i % 2 == 0 && sizes[i] <= 2048)
			add(grid, 1, sizes[i], cached[(i + 2) % COUNT_OF(cached)], 0, 0);
	}
	for (size_t i = 0; i < COUNT_OF(whole); i++)
		add(grid, 1, whole[i], i % 2 ? 4096 : 0, 0, 0);
	for (size_t i = 0; i < COUNT_OF(several); i++) {
		add(grid, several[i][0], several[i][1], 0, 0, 0);
		add(grid, several[i][0], several[i][1], i % 2 ? 1024 : 6000, 0, 0);
	}
}

static void add_decodes(struct grid *grid)
{
	static const uint32_t counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256};
	static const uint64_t contexts[] = {64, 1024, 8192, 256, 4096, 16384};
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		for (size_t c = 0; c < COUNT_OF(contexts); c++) {
			if ((i + c) % 3 != 2)
				add(grid, 0, 0, 0, counts[i], contexts[c]);
		}
	}
}

static void add_shared(struct grid *grid)
{
	static const uint32_t counts[] = {2, 4, 8, 16, 32, 64};
	static const uint64_t contexts[] = {2048, 8192, 16384};
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		for (size_t c = 0; c < COUNT_OF(contexts); c++) {
			struct sample cell = cell_of(0, 0, 0, counts[i], contexts[c]);
			add_cell(grid, cell);
			cell.shared_tokens = contexts[c] / 2;
			add_cell(grid, cell);
			cell.shared_tokens = contexts[c] / 16 * 15;
			add_cell(grid, cell);
		}
		struct sample mixed = cell_of(1, 64, 8192, counts[i], 8192);
		mixed.shared_tokens = 7680;
		add_cell(grid, mixed);
	}
}

/* What came before a step: `rounds` times prompts of `tokens` after `cached` for work_ms, decodes for rest_ms and nothing for idle_ms. */
struct before {
	uint32_t tokens;
	uint64_t cached;
	double work_ms, rest_ms, idle_ms;
	uint32_t rounds;
	double for_ms; /* the step is repeated for so long */
};

/* The step after that; after a rest alone, to compare with; and what the work is made of, whose load has to be known. */
static void add_step_after(struct grid *grid, struct sample cell, struct before before)
{
	const struct sample work = cell_of(1, before.tokens, before.cached, 0, 0);
	if (!fits(grid, &work))
		return;
	add_cell(grid, cell);
	add_cell(grid, work);
	cell.work_tokens = before.tokens;
	cell.work_cached = before.cached;
	cell.work_ns = before.work_ms * 1e6;
	cell.rest_ns = before.rest_ms * 1e6;
	cell.idle_ns = before.idle_ms * 1e6;
	cell.rounds = before.rounds;
	cell.for_ns = before.for_ms * 1e6;
	add_cell(grid, cell);
}

/* A prompt alone after one round. */
static void add_after(struct grid *grid, uint32_t new_tokens, uint64_t cached, struct before before)
{
	before.rounds = 1;
	add_step_after(grid, cell_of(1, new_tokens, cached, 0, 0), before);
}

/* How fast cold prompts use the power up, which of them do, how much of it rest brings back, and what goes on for ever. */
static void add_cold_after_work(struct grid *grid)
{
	static const uint32_t prompts[] = {64, 128, 192, 256, 320, 384, 448, 512, 768, 1024, 2048, 4096, 8192};
	static const double works_ms[] = {12, 24, 48, 100}, rests_ms[] = {5, 10, 20, 40, 80};
	for (size_t i = 0; i < COUNT_OF(prompts); i++)
		add_after(grid, prompts[i], 0, (struct before){SAMPLES_WORK_TOKENS, .work_ms = 150});
	for (uint32_t size = 512; size <= 2048; size *= 4) {
		for (size_t i = 0; i < COUNT_OF(works_ms); i++)
			add_after(grid, size, 0, (struct before){SAMPLES_WORK_TOKENS, .work_ms = works_ms[i]});
		for (size_t i = 0; i < COUNT_OF(rests_ms); i++) {
			add_after(grid, size, 0, (struct before){SAMPLES_WORK_TOKENS, .work_ms = 150, .rest_ms = rests_ms[i]});
			if (i % 2 == 1)
				add_after(grid, size, 0, (struct before){SAMPLES_WORK_TOKENS, .work_ms = 150, .idle_ms = rests_ms[i]});
		}
	}
	for (size_t i = 0; i < 4; i++) {
		const double rest_ms = rests_ms[i];
		const struct sample small = cell_of(1, 512, 0, 0, 0), large = cell_of(1, 2048, 0, 0, 0);
		if (i < 2)
			add_step_after(grid, small, (struct before){SAMPLES_WORK_TOKENS, .work_ms = 11, .rest_ms = rest_ms, .rounds = 15});
		add_step_after(grid, large, (struct before){2048, .work_ms = 45, .rest_ms = rest_ms, .rounds = 6});
		add_step_after(grid, large, (struct before){2048, .work_ms = 45, .idle_ms = rest_ms, .rounds = 6});
	}
}

/* Work that goes on, and work in turns with rest. */
static void add_after_long_work(struct grid *grid)
{
	static const uint32_t prompts[] = {512, 2048, 8192};
	static const double rests_ms[] = {0, 20, 50, 100};
	for (size_t i = 0; i < COUNT_OF(prompts); i++) {
		for (size_t r = 0; r < COUNT_OF(rests_ms); r++)
			add_after(grid, prompts[i], 0, (struct before){2048, .work_ms = 400, .rest_ms = rests_ms[r]});
		add_step_after(grid, cell_of(1, prompts[i], 0, 0, 0),
		               (struct before){4096, .cached = 16384, .work_ms = 150, .rest_ms = 30, .idle_ms = 30, .rounds = 3});
	}
}

/* Work of seconds, on which a chip keeps another eye; its clock swings then, so means are taken. */
static void add_after_seconds_of_work(struct grid *grid)
{
	static const double works_ms[] = {400, 800, 1200, 1600}, rests_ms[] = {50, 150, 400};
	for (uint32_t size = 2048; size <= 8192; size *= 4) {
		const struct sample cell = cell_of(1, size, 0, 0, 0);
		for (size_t i = 0; i < COUNT_OF(works_ms); i++)
			add_step_after(grid, cell, (struct before){size, .work_ms = works_ms[i], .rounds = 1, .for_ms = 400});
		for (size_t i = 0; i < COUNT_OF(rests_ms); i++)
			add_step_after(grid, cell, (struct before){size, .work_ms = 800, .rest_ms = rests_ms[i], .rounds = 2, .for_ms = 400});
	}
}

/* Few tokens to many cached ones are another load than cold prompts: what it does to them and to itself, and those to it. */
static void add_cached_after_work(struct grid *grid)
{
	static const struct {
		uint32_t new_tokens;
		uint64_t cached;
	} parts[] = {{128, 0}, {256, 0}, {64, 8192}, {256, 8192}, {256, 24576}, {512, 16384}, {1024, 16384}, {2048, 16384}, {4096, 16384}};
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		const struct before itself = {parts[i].new_tokens, parts[i].cached, .work_ms = 150};
		add_after(grid, parts[i].new_tokens, parts[i].cached, itself);
		add_after(grid, parts[i].new_tokens, parts[i].cached, (struct before){SAMPLES_WORK_TOKENS, .work_ms = 150});
		add_after(grid, 512, 0, itself);
	}
	struct sample mixed = cell_of(1, 256, 8192, 8, 8192);
	add_step_after(grid, mixed, (struct before){SAMPLES_WORK_TOKENS, .work_ms = 150, .rounds = 1});
	add_step_after(grid, mixed, (struct before){256, .cached = 8192, .work_ms = 150, .rounds = 1});
}

static void add_decodes_after_work(struct grid *grid)
{
	static const double rests_ms[] = {0, 10, 20, 40};
	for (uint32_t decodes = 1; decodes <= 32; decodes *= 4) {
		for (size_t i = 0; i < COUNT_OF(rests_ms); i++)
			add_step_after(grid, cell_of(0, 0, 0, decodes, 4096),
			               (struct before){SAMPLES_WORK_TOKENS, .work_ms = 150, .rest_ms = rests_ms[i], .rounds = 1});
	}
}

static void add_drawn(struct grid *grid, gsl_rng *rng)
{
	for (int i = 0; i < DRAWN_CELLS; i++) {
		const int kind = i % 4; /* prompts, decodes, twice both */
		const uint32_t prompts = kind == 1 ? 0 : gsl_rng_uniform_int(rng, 2) ? 1 : draw(rng, 1, 4);
		const uint32_t decodes = kind == 0 ? 0 : draw(rng, 1, grid->limits.most_sequences / 2);
		const uint32_t most = grid->limits.most_tokens < DRAWN_MOST ? grid->limits.most_tokens : DRAWN_MOST;
		const uint32_t new_tokens = draw(rng, 8, most), context = draw(rng, 64, 24000);
		const uint64_t cached = gsl_rng_uniform_int(rng, 3) ? draw(rng, 64, 40000) : 0;
		add(grid, prompts, new_tokens, cached, decodes, context);
	}
}

struct sample *calibrate_grid_make(const struct calibrate_grid_limits *limits, uint64_t seed, size_t *count)
{
	struct grid grid = {.limits = *limits, .cells = mem_alloc(CELLS_MOST, sizeof(*grid.cells))};
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(rng, seed);
	add_prompts(&grid);
	add_decodes(&grid);
	add_shared(&grid);
	add_cold_after_work(&grid);
	add_after_long_work(&grid);
	add_after_seconds_of_work(&grid);
	add_cached_after_work(&grid);
	add_decodes_after_work(&grid);
	add_drawn(&grid, rng);
	gsl_ran_shuffle(rng, grid.cells, grid.count, sizeof(*grid.cells));
	gsl_rng_free(rng);
	*count = grid.count;
	return grid.cells;
}
