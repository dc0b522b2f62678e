/* test_attention_rounds.c - rounds of attention by hand, and the choice of parts against the shortest of all. */
#include "test.h"

#include "attention_rounds.h"
#include "calibration.h"
#include "cost_model.h"
#include "make_trace.h"
#include "samples.h"
#include "scratch.h"

#include <math.h>
#include <string.h>

/* An H200's with Llama-3.1-8B: 8 key heads, 4 queries each, so 32 tokens to a tile of 128 queries. */
static const struct attention_rounds h200 = {32, 8, 132, 512, 256, 512, 64};

static void parts_by_hand(void **state)
{
	(void)state;
	/* 64 blocks: half of the chip. 2 parts fill it but for 4; 4 and 8 are no shorter. */
	assert_int_equal(attention_rounds_parts(&h200, 8, 8192), 2);
	/* 128 blocks are one round as they are. */
	assert_int_equal(attention_rounds_parts(&h200, 16, 8192), 1);
	/* 136 are two; in 2 parts three half ones, in 3 parts four of a third each, 1.33. */
	assert_int_equal(attention_rounds_parts(&h200, 17, 8192), 3);
	/* 272 are three, and twice as many are more than may be cut. */
	assert_int_equal(attention_rounds_parts(&h200, 34, 32768), 1);
	/* Parts of fewer than 256 tokens are not made. */
	assert_int_equal(attention_rounds_parts(&h200, 8, 511), 1);
	assert_int_equal(attention_rounds_parts(&h200, 8, 512), 2);
}

static void pairs_by_hand(void **state)
{
	(void)state;
	/* 272 blocks in three rounds have room for 396. */
	assert_true(attention_rounds_pairs(&h200, 272000, 34, 32768) == 396000);
	/* 64 blocks in two parts are 128, for 132, with half of 8,192 or 1,024 keys each; 512 more to be begun are an eighth of these, or as many;
	 * and twice 64 to be put together a 32nd, or a quarter. */
	assert_true(attention_rounds_pairs(&h200, 128000, 8, 8192) == 132000 + 132000 / 8 + 132000 / 32);
	assert_true(attention_rounds_pairs(&h200, 128000, 8, 1024) == 264000 + 132000 / 4);
	/* 56 blocks in seven parts are 392, in three rounds: the beginning costs three times, the end once for each part. */
	assert_int_equal(attention_rounds_parts(&h200, 7, 7168), 7);
	assert_true(attention_rounds_pairs(&h200, 56 * 7168, 7, 7168) == 132 * (3 * (7168 / 7 + 512) + 7 * 64));
	/* All at work to the end, and nothing cut: as many as there are. */
	const struct attention_rounds even = {32, 4, 64, 64, 256, 512, 64};
	assert_true(attention_rounds_pairs(&even, 12345, 16, 9000) == 12345);
}

/* 10^8 and 10^9 new tokens after as many: all blocks are at work to the end, so the pairs are as many as there are, within rounding. */
static void large_inputs_do_not_wrap(void **state)
{
	(void)state;
	static const struct attention_rounds largest = {1, 4096, 4096, 4096, 1, 4096, 4096};
	for (uint64_t tokens = 100000000; tokens <= 1000000000; tokens *= 10) {
		const double pairs = (double)tokens * (double)tokens;
		assert_true(fabs((double)attention_rounds_pairs(&largest, (u128)tokens * tokens, tokens, 2 * tokens) / pairs - 1) < 1e-6);
		assert_true(fabs((double)attention_rounds_pairs(&h200, (u128)tokens * tokens, tokens / 32, 2 * tokens) / pairs - 1) < 1e-5);
	}
}

static void many_decodes_are_evened_out(void **state)
{
	(void)state;
	/* 16 sequences are 128 blocks, 17 are 136. */
	assert_true(attention_rounds_uneven(&h200, 16, 8003) == 8003);
	assert_true(attention_rounds_uneven(&h200, 17, 8003) == 2000);
	assert_true(attention_rounds_uneven(&(struct attention_rounds){0}, 17, 8003) == 8003);
}

/* No cut that the rules allow saves another tenth; the one taken, if any, saves one. Rounds have room for all pairs. */
static void no_cut_saves_a_tenth_more(void **state)
{
	(void)state;
	struct make_rng rng = {3};
	for (int round = 0; round < 3000; round++) {
		const struct attention_rounds r = {32, 1 + (uint32_t)make_random(&rng, 40), 1 + (uint32_t)make_random(&rng, 200),
		                                   1 + (uint32_t)make_random(&rng, 900), 1 + (uint32_t)make_random(&rng, 600),
		                                   (uint32_t)make_random(&rng, 600), (uint32_t)make_random(&rng, 100)};
		const uint64_t tiles = 1 + make_random(&rng, 90), longest = 1 + make_random(&rng, 20000), blocks = tiles * r.tile_blocks;
		const uint64_t taken = attention_rounds_parts(&r, tiles, longest);
		const double took = (double)((blocks * taken + r.blocks_at_once - 1) / r.blocks_at_once) / (double)taken;
		assert_true(taken == 1 || (longest / taken >= r.part_tokens && blocks * taken <= r.most_blocks));
		for (uint64_t parts = 1; parts * r.part_tokens <= longest && blocks * parts <= r.most_blocks; parts++) {
			const double takes = (double)((blocks * parts + r.blocks_at_once - 1) / r.blocks_at_once) / (double)parts;
			assert_true(takes >= 0.9 * took - 1e-12);
			if (parts == 1 && taken > 1)
				assert_true(took < 0.9 * takes + 1e-12);
		}
		assert_true(attention_rounds_pairs(&r, 1000000, tiles, longest) >= 1000000);
	}
}

/* 33 and 63 new tokens fill two tiles, 65 three; 16 blocks at a time, 8 a tile, nothing cut: one round, and two. A pair is 1 ns. */
static void a_step_goes_in_rounds(void **state)
{
	(void)state;
	const struct calibration c = {.terms = {[TERM_PAIRS] = CALIBRATION_LINE(1)}, .attention = {32, 8, 16, 1, 256, 512, 64},
	                              .attention_tile_tokens = 7};
	struct cost_model model = cost_model_of(&c);
	struct step_part parts[] = {{0, 33, 1000, false}, {1, 32, 500, false}, {2, 1, 9000, true}};
	const uint32_t own = 33 * 34 / 2;
	assert_int_equal(cost_model_prompt_ns(&model, 33, 1000), 64 * 1000 + own);
	assert_int_equal(cost_model_prompt_ns(&model, 65, 1000), 96 * 1000 * 4 / 3 + 65 * 66 / 2);
	assert_int_equal(cost_model_prompt_ns(&model, 33, 0), own);
	/* Both prompts' tiles run together, three of them; decodes have no part in it. */
	assert_int_equal(cost_model_backend.step_ns(&model, &(struct step){.parts = parts, .count = 3}),
	                 (64 * 1000 + 32 * 500) * 4 / 3 + own + 32 * 33 / 2);
}

static void notes_and_files_are_read(void **state)
{
	(void)state;
	struct attention_rounds rounds = {.part_cost_tokens = 9, .join_cost_tokens = 5};
	struct err err;
	assert_true(attention_rounds_parse(&rounds, "tile_tokens=21 tile_blocks=2 blocks_at_once=132 most_blocks=512 part_tokens=256"));
	assert_true(rounds.tile_tokens == 21 && rounds.tile_blocks == 2 && rounds.blocks_at_once == 132 && rounds.most_blocks == 512 &&
	            rounds.part_tokens == 256 && rounds.part_cost_tokens == 9 && rounds.join_cost_tokens == 5);
	static const char *const bad[] = {"", "tile_tokens=21", "tile_tokens=0 tile_blocks=2 blocks_at_once=132 most_blocks=512 part_tokens=256",
	                                  "tile_tokens=21 tile_blocks=2 blocks_at_once=132 most_blocks=512 part_tokens=256 more",
	                                  "tile_tokens=21 tile_blocks=-2 blocks_at_once=132 most_blocks=512 part_tokens=256",
	                                  "tile_tokens=21 tile_blocks=2 blocks_at_once=132 most_blocks=512 part_tokens=2000000",
	                                  "tile_tokens=4294967328 tile_blocks=2 blocks_at_once=132 most_blocks=512 part_tokens=256",
	                                  "tile_tokens=+32 tile_blocks=2 blocks_at_once=132 most_blocks=512 part_tokens=256"};
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(attention_rounds_parse(&rounds, bad[i]));

	static const char samples[] = "# attention: tile_tokens=32\nkind\n";
	scratch_write("s.csv", samples, strlen(samples));
	assert_null(samples_load("s.csv", &err));
	assert_string_equal(err.text, "s.csv: note \"attention\" is \"tile_tokens=32\"; expected tile_tokens=N tile_blocks=N blocks_at_once=N "
	                              "most_blocks=N part_tokens=N, whole numbers from 1 to 4096.");

#define FILE_WITH(fields) "{\"kvcast_calibration\": 2, \"name\": \"n\", \"device\": \"d\", \"model\": \"m\", \"provenance\": \"p\", " \
	"\"estimate\": false, \"step\": {\"prompt_step_ns\": 1, \"decode_step_ns\": 2}, \"attention\": {" fields "}}"
	static const char *const files[] = {
	        FILE_WITH("\"tile_tokens\": 32, \"tile_blocks\": 8, \"blocks_at_once\": 132, \"most_blocks\": 512, \"part_tokens\": 256, "
	                  "\"part_cost_tokens\": 0, \"join_cost_tokens\": 7"),
	        FILE_WITH("\"tile_tokens\": 32, \"tile_blocks\": 0, \"blocks_at_once\": 132, \"most_blocks\": 512, \"part_tokens\": 256, "
	                  "\"part_cost_tokens\": 0, \"join_cost_tokens\": 7"),
	        FILE_WITH("\"tile_tokens\": 32"),
	        FILE_WITH("\"tile_tokens\": 32, \"tile_blocks\": 8, \"blocks_at_once\": 132, \"most_blocks\": 512, \"part_tokens\": 256, "
	                  "\"part_cost_tokens\": 512")};
	static const char *const sentences[] = {
	        NULL, "c.json: field \"tile_blocks\" of \"attention\": expected a whole number from 1 to 4096.",
	        "c.json: field \"tile_blocks\" of \"attention\" is missing.",
	        "c.json: field \"join_cost_tokens\" of \"attention\" is missing, as in earlier calibrations; kvcast fit makes it anew of the same "
	        "samples."};
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		scratch_write("c.json", files[i], strlen(files[i]));
		struct calibration *c = calibration_load("c.json", &err);
		if (sentences[i]) {
			assert_null(c);
			assert_string_equal(err.text, sentences[i]);
		} else {
			assert_non_null(c);
			assert_true(c->attention.tile_tokens == 32 && c->attention.most_blocks == 512 && c->attention.part_cost_tokens == 0 &&
			            c->attention.join_cost_tokens == 7);
			calibration_free(c);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(parts_by_hand),
	        cmocka_unit_test(pairs_by_hand),
	        cmocka_unit_test(large_inputs_do_not_wrap),
	        cmocka_unit_test(many_decodes_are_evened_out),
	        cmocka_unit_test(no_cut_saves_a_tenth_more),
	        cmocka_unit_test(a_step_goes_in_rounds),
	        cmocka_unit_test(notes_and_files_are_read),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
