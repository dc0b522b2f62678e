/* slots: where keys and values lie, and that the check of it (slots.h) finds what is planted. */
#include "test.h"

#include "kv_pool.h"
#include "prompt_tokens.h"
#include "scratch.h"
#include "slots.h"
#include "timed.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct trace_run blocks_0_to_9 = {0, 10};
static const struct path path = {&blocks_0_to_9, 10};

static void pool_adopts_what_was_computed(void **state)
{
	(void)state;
	struct kv_pool *pool = kv_pool_open(4, 10, 2);
	const uint32_t first = kv_pool_place(pool, 0, 0), second = kv_pool_place(pool, 0, 1);
	assert_int_not_equal(first, second);
	kv_pool_hold(pool, 0, path, 0, 1, 0);
	assert_int_equal(kv_pool_slot(pool, 0), first);
	assert_int_equal(kv_pool_place(pool, 0, 1), second);
	kv_pool_release(pool, 0);
	assert_int_equal(kv_pool_used(pool), 1);
	kv_pool_drop(pool, 0);
	assert_int_equal(kv_pool_used(pool), 0);
	kv_pool_close(pool);
}

static void pool_shares_what_another_brought(void **state)
{
	(void)state;
	struct kv_pool *pool = kv_pool_open(3, 10, 2);
	const uint32_t first = kv_pool_place(pool, 0, 0);
	kv_pool_place(pool, 1, 0);
	assert_int_equal(kv_pool_used(pool), 2);
	kv_pool_hold(pool, 0, path, 0, 1, 0);
	kv_pool_hold(pool, 1, path, 0, 1, 0);
	assert_int_equal(kv_pool_used(pool), 1);
	assert_int_equal(kv_pool_place(pool, 1, 0), first);
	kv_pool_release(pool, 0);
	assert_int_equal(kv_pool_place(pool, 1, 0), first);
	kv_pool_close(pool);
}

static void pool_trims_what_is_of_no_use(void **state)
{
	(void)state;
	bool used[3];
	struct kv_pool *pool = kv_pool_open(3, 10, 1);
	for (uint32_t place = 0; place < 3; place++)
		kv_pool_place(pool, 0, place);
	kv_pool_trim(pool, 0, 1);
	kv_pool_check(pool, used);
	assert_int_equal(kv_pool_used(pool), 1);
	kv_pool_place(pool, 0, 1);
	assert_int_equal(kv_pool_used(pool), 2);
	kv_pool_close(pool);
}

/* Two turns, of which the second goes on where the first's answer ended: blocks of 4, prompt of 6, answer of 6. */
#define TWO_TURNS                                                                                                      \
	"{\"kvcast\":1,\"block_tokens\":4}\n"                                                                          \
	"{\"timestamp\":0,\"token_ids\":[1,2,3,4,5,6],\"output_token_ids\":[7,8,9,10,11,12]}\n"                        \
	"{\"timestamp\":9000,\"token_ids\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14],\"output_token_ids\":[15]}\n"

static void equal_blocks_hold_equal_tokens(void **state)
{
	(void)state;
	struct trace *trace = scratch_trace(TWO_TURNS);
	struct prompt_tokens *tokens = prompt_tokens_open(trace, 1000, 7), *again = prompt_tokens_open(trace, 1000, 7);
	const struct trace_request *first = &trace->requests[0];
	uint32_t a[11], b[14];
	prompt_tokens_expect(tokens, 0, (struct path){trace->runs + first->answer_run_first, first->answer_block_count}, 0, 1, 1);
	for (uint32_t i = 0; i < 6; i++)
		prompt_tokens_say(tokens, 0, 6 + i, 100 + i);
	prompt_tokens_read(tokens, 0, 0, 11, a);
	prompt_tokens_read(tokens, 1, 0, 14, b);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(a[i], b[i]);
	/* After the blocks that the trace shows come the model's own words: at position 8 the third. */
	assert_int_equal(a[8], 102);
	assert_int_equal(a[10], 104);
	const block_id root = path_block((struct path){trace->runs + first->run_first, first->block_count}, 0);
	assert_true(prompt_tokens_key(tokens, root).high == prompt_tokens_key(again, root).high);
	assert_true(prompt_tokens_key(tokens, root).high != prompt_tokens_key(tokens, root + 1).high);
	prompt_tokens_close(tokens);
	prompt_tokens_close(again);
	trace_free(trace);
}

/* The answer's last token is computed by nobody, so the block that it would fill is not there for the next turn. And its own blocks are
 * let go of when it is complete: the next turn repeats nothing (curved: repeated tokens are counted). */
static void a_last_token_fills_no_block(void **state)
{
	(void)state;
	static const struct calibration *const calibrations[] = {&timed_calibration, &timed_curved_calibration};
	for (size_t i = 0; i < COUNT_OF(calibrations); i++) {
		struct trace *trace = scratch_trace(TWO_TURNS);
		const struct slots_config config = {.capacity_blocks = 8, .calibration = calibrations[i]};
		struct slots *slots = slots_open(trace, &config);
		const struct timed_setup setup = {.capacity_blocks = 8, .calibration = calibrations[i], .ops = &slots_backend, .backend = slots};
		struct timed_result result = timed_run(trace, &setup);
		assert_int_equal(result.outcomes[1].ledger.hit_tokens, 8);
		timed_free(&result);
		slots_close(slots);
		trace_free(trace);
	}
}

static void run_many(enum slots_plant plant)
{
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct make_rng rng = {seed};
		const struct make_shape shape = {.requests = 30, .block_tokens = 4, .root_percent = 20, .repeat_percent = 50,
		                                 .growth = 4, .tick_ns = NS_PER_MS, .most_ticks = 40};
		struct trace *trace = make_trace_random(&rng, &shape);
		timed_dress(trace, &rng, 20, 0);
		const struct slots_config config = {.capacity_blocks = 16, .calibration = &timed_calibration, .erratic = true,
		                                    .seed = seed, .plant = plant};
		struct slots *slots = slots_open(trace, &config);
		const struct timed_setup setup = {.capacity_blocks = 16, .tiers = {"host:12,read=1GB/s,write=1GB/s"},
		                                  .load = LOAD_ALWAYS, .ops = &slots_backend, .backend = slots};
		struct timed_result result = timed_run(trace, &setup);
		timed_free(&result);
		slots_close(slots);
		make_trace_free(trace);
	}
}

/* How a process ends that runs with something planted; its last words are not for the log. */
static int ending(enum slots_plant plant)
{
	int status;
	fflush(NULL);
	const pid_t child = fork();
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		run_many(plant);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void what_is_planted_is_found(void **state)
{
	(void)state;
	static const enum slots_plant plants[] = {SLOTS_PLANT_FORGET_DROP, SLOTS_PLANT_SKIP_ADOPTION, SLOTS_PLANT_STORE_NOTHING,
	                                          SLOTS_PLANT_LOAD_NEXT};
	assert_int_equal(ending(SLOTS_PLANT_NONE), 0);
	for (size_t i = 0; i < COUNT_OF(plants); i++) {
		const int status = ending(plants[i]);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(pool_adopts_what_was_computed),
	        cmocka_unit_test(pool_shares_what_another_brought),
	        cmocka_unit_test(pool_trims_what_is_of_no_use),
	        cmocka_unit_test(equal_blocks_hold_equal_tokens),
	        cmocka_unit_test(a_last_token_fills_no_block),
	        cmocka_unit_test(what_is_planted_is_found),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
