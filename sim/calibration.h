/* calibration.h - how long steps and transfers take on one machine with one model, read from a JSON file.
 *
 * A step computes new tokens of prompts and one token each for sequences that decode (backend.h). Its kernels run one after
 * another, so their times add up; only the matrix products are bound by whichever is slower, arithmetic or reading weights:
 *
 *   step_ns = fixed + smooth max(weights, rows(R) + row_tiles(R')) + sequences(S) + pairs(P) + keys(K) + decodes(D) + context(C)
 *             + distinct(C') + uneven(U) + beside(B)
 *
 *   fixed  prompt_step_ns if the step has a part of a prompt, else decode_step_ns
 *   R      tokens computed, prompts' and answers'
 *   R'     the same, rounded up to whole tiles of row_tile_tokens; up to one of these, of small_row_tile_tokens if there is such a
 *          number: matrix products of few rows have other kernels
 *   S      sequences, each with a row through the head; D   those that decode, where all do
 *   B      those that decode beside parts of prompts, whose rows the prompts' products have room for. A file without beside_ns has them
 *          cost what they cost where all decode
 *   P      token pairs of the prompts' attention: a part of n tokens after c has n' c + n (n + 1) / 2, where n' is n rounded
 *          up to whole attention_tile_tokens
 *   K      tokens that the parts of prompts find in the cache; C: tokens that decodes attend to
 *   C'     of these, 64 for each that nobody else in the step attends to as well, less distinct_free_64ths for each of C, and at
 *          least 0: where sequences share a prefix, its keys come from memory once and from the device's cache again. Up to so many
 *          distinct ones of 64 are read while those that are at hand are worked on
 *   U      tokens by which the contexts of sequences that decode are shorter than the longest of them, in sum: as each is cut into
 *          as many parts, those that are at work on the short ones wait for the longest (of many, for a quarter: attention_rounds.h).
 *          Measured for two to six sequences
 *
 * Attention. Where `attention` says how a device goes through it in rounds, those pairs of P whose one token is cached are the pairs that
 * the rounds have room for (attention_rounds.h), and attention_tile_tokens means nothing.
 *
 * Power. A chip that has rested runs at its full clock until it has worked for a while, and slower from then on. `power` tells
 * that by the chip's level, a moving average of load whose past counts half after each half_life_ns. Load is 0 while there is
 * nothing to do or all sequences decode. A step with part of a prompt has the share of its time that arithmetic takes, `most` at
 * most: the products' beyond reading weights, and pairs_load of the pairs'. Where the level is `full` or above, such a step of
 * least_rows tokens or more takes `slowdown` longer, as a share, and any other one light_slowdown; down to `from` less, in a
 * straight line. The level counts as it is in the middle of a step in which all decode, and of each sixteenth of another, which its
 * own load has brought it to. Steps that decode are not slowed down at all where `most` would take more than 10 s to fall to
 * `from`. So step_ns is a step at full clock. `slow` is a second such average, over a longer time: steps that the first one slows
 * down by `slowdown` are slowed down by its own, too.
 *
 * smooth max(a, b) = (a^s + b^s)^(1/s), s = `sharpness`, a power of two (1: the sum). Every term is a curve: straight between
 * points from (0, 0) on, never falling, and straight on after its last point. While a batch decodes all but C and C' stands still, so
 * a stretch of such steps has a closed form (cost_model.h).
 *
 * Second form of the file; a term that is left out is 0, a number stands for a straight line of so many ns each:
 *
 *   {"kvcast_calibration": 2, "name": "...", "device": "...", "model": "...", "estimate": false, "provenance": "...",
 *    "step": {"prompt_step_ns": 0, "decode_step_ns": 0, "weights_ns": 0, "sharpness": 1, "row_tile_tokens": 64,
 *             "small_row_tile_tokens": 8, "attention_tile_tokens": 1, "distinct_free_64ths": 27, "rows_ns": 20.1,
 *             "pairs_ns": [[4096, 5000], [1e8, 9e7]], ...},
 *    "attention": {"tile_tokens": 32, "tile_blocks": 8, "blocks_at_once": 132, "most_blocks": 512, "part_tokens": 256,
 *                  "part_cost_tokens": 512, "join_cost_tokens": 80},
 *    "power": {"slowdown": 0.16, "light_slowdown": 0.07, "half_life_ns": 4e7, "from": 0.15, "full": 0.45, "most": 0.5,
 *              "pairs_load": 0.4, "least_rows": 192, "slow": {"slowdown": 0.02, "half_life_ns": 3e8, "from": 0.4, "full": 0.5}},
 *    "transfers": [{"tier": "host", "read_bytes_per_s": 5e10, "write_bytes_per_s": 5e10, "latency_ns": 20000}],
 *    "fit": {"model": "curves", "longest_tokens": 48192, "held_out": {"curves": {"mean_error": 0.02, ...}, ...}, ...}}
 *                              what fit.h found out about it; of it longest_tokens and mean_error of the model are read here
 *
 * First form: {"kvcast_calibration": 1, ... the same texts ...,
 *    "prefill": {"fixed_ns": 0, "per_new_token_ns": 0, "per_token_pair_ns": 0},
 *    "decode": {"fixed_ns": 0, "per_context_token_ns": 0}}
 * is prompt_step_ns, rows, pairs, decode_step_ns and context of the second. There R counts prompts' tokens only.
 *
 * Units: ns, tokens, bytes. `estimate` says that nothing was measured; it must be shown beside every number that was computed
 * with it.
 */
#ifndef KVCAST_CALIBRATION_H
#define KVCAST_CALIBRATION_H

#include "attention_rounds.h"
#include "base.h"
#include "err.h"

#define CALIBRATION_POINTS_MOST 96
#define CALIBRATION_TIERS_MOST  8
#define CALIBRATION_NS_MOST     1e12 /* of any number of ns in a file */
#define CALIBRATION_SHARE_MOST  10   /* of what `power` makes longer */
#define CALIBRATION_RAMP_LEAST  1e-6 /* from `from` to `full` */

struct calibration_curve {
	uint32_t count; /* 0: nothing */
	struct {
		double x, ns;
	} points[CALIBRATION_POINTS_MOST]; /* x whole, above 0, rising */
};

/* A straight line through 0, as an initialiser. */
#define CALIBRATION_LINE(ns_each) {1, {{1, (ns_each)}}}

enum calibration_term {
	TERM_ROWS, TERM_ROW_TILES, TERM_SEQUENCES, TERM_PAIRS, TERM_KEYS, TERM_DECODES, TERM_CONTEXT, TERM_DISTINCT, TERM_UNEVEN,
	TERM_BESIDE, TERM_COUNT
};

/* What a moving average of load does to steps. */
struct calibration_budget {
	double slowdown;
	int64_t half_life_ns;
	double from, full;
};

/* No slowdown of `fast`: the rest means nothing. */
struct calibration_power {
	struct calibration_budget fast, slow;
	double light_slowdown, most, pairs_load;
	uint32_t least_rows;
};

struct calibration_transfer {
	char tier[24];
	double read_bytes_per_s, write_bytes_per_s;
	int64_t latency_ns;
};

struct calibration {
	char *name, *device, *model, *provenance;
	bool estimate;
	bool only_prompts_have_rows; /* the first form */
	double prompt_step_ns, decode_step_ns, weights_ns;
	uint32_t sharpness, row_tile_tokens, attention_tile_tokens; /* 0 counts as 1 */
	uint32_t small_row_tile_tokens; /* 0: none; at most row_tile_tokens */
	uint32_t distinct_free_64ths;
	struct attention_rounds attention;
	struct calibration_curve terms[TERM_COUNT];
	struct calibration_power power;
	double mean_error; /* of a step that its fit had not seen: mean absolute error, as a share; 0: unknown */
	uint32_t longest_tokens; /* of a sequence in a step that was measured; 0: unknown */
	struct calibration_transfer transfers[CALIBRATION_TIERS_MOST];
	uint32_t transfer_count;
};

/* `name` is one of the built-in calibrations (gpu/calib/NAME.json, compiled in) or a path; NULL: the default one. */
struct calibration *calibration_load(const char *name, struct err *err);
void calibration_free(struct calibration *calibration);

/* The term's key in a file: "rows_ns". */
const char *calibration_term_key(enum calibration_term term);
double calibration_curve_ns(const struct calibration_curve *curve, double x);
/* What block `depth` of a prompt adds to a step that is full anyway: its rows at the rate of large steps, and its pairs. */
double calibration_block_ns(const struct calibration *calibration, uint32_t block_tokens, uint32_t depth);
/* NULL where the tier was not measured. */
const struct calibration_transfer *calibration_transfer(const struct calibration *calibration, const char *tier);

#endif
