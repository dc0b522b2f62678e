/* samples.h - what kvcast-gpu calibrate measured: steps of many shapes, and transfers to and from lower tiers.
 *
 * The file is a CSV (csv.h) with notes for where it comes from ("# model: llama-3.1-8b", then device, driver, commit,
 * conditions; "# row_tile_tokens: 64" where rows of matrix products are rounded up to so many; "# attention: ..." with how attention goes
 * in rounds, as attention_rounds_parse() takes it) and a row for every cell of the grid, in the order measured:
 *
 *   kind,prompts,new_tokens,cached_tokens,decodes,context_tokens,shared_tokens,work_tokens,work_cached,work_ms,rest_ms,idle_ms,rounds,
 *   for_ms,tier,bytes,repeats,median_ns,least_ns,most_ns,clock_mhz,celsius
 *
 * kind `step`: `prompts` sequences with new_tokens each after cached_tokens each, and `decodes` sequences with a token each after
 * context_tokens each, all in one step; the first shared_tokens of what they attend to are the same blocks for all. What came
 * before it: `rounds` times work for work_ms, then decodes for rest_ms, then nothing for idle_ms; with 0 rounds, a rest. Work is
 * prompts of work_tokens each after work_cached each. With for_ms the step was repeated for so long, and its times are means. kind
 * `read` or `write`: `bytes` from or to `tier` in one transfer. Fields that a kind does not have are empty or 0; the columns
 * shared_tokens to for_ms may be missing, and work_tokens is SAMPLES_WORK_TOKENS then. clock_mhz and celsius are the device's when
 * the cell was done, 0 where unknown; they are for people and not read here.
 */
#ifndef KVCAST_SAMPLES_H
#define KVCAST_SAMPLES_H

#include "attention_rounds.h"
#include "base.h"
#include "err.h"

#define SAMPLES_WORK_TOKENS 512

enum sample_kind { SAMPLE_STEP, SAMPLE_READ, SAMPLE_WRITE };

struct sample {
	enum sample_kind kind;
	uint32_t prompts, new_tokens, decodes, repeats;
	uint64_t cached_tokens, context_tokens, shared_tokens;
	double work_ns, rest_ns, idle_ns, for_ns;
	uint32_t rounds, work_tokens;
	uint64_t work_cached;
	char tier[24];
	double bytes, median_ns, least_ns, most_ns;
};

struct samples {
	char *name; /* of the file */
	char *model, *device, *driver, *commit, *conditions; /* "" where the file does not say */
	uint64_t checksum;
	uint32_t row_tile_tokens; /* 0: the file does not say */
	struct attention_rounds attention; /* the same */
	struct sample *samples;
	size_t count;
};

/* NULL and a sentence. */
struct samples *samples_load(const char *path, struct err *err);
void samples_free(struct samples *samples);

/* "2 x 512 new after 4096, 8 decodes at 2048": a cell in words. Returns `buffer`. */
const char *samples_show(const struct sample *sample, char *buffer, size_t size);

#endif
