/* test_belady.c - belady against every possible sequence of victims.
 *
 * evict_belady.c claims to be optimal for block hits in leaf scope, one request at a time, blocks of one size. Here all
 * caches that follow the contract (insert every missing block, root to tail, own path safe, leaves only) are tried at
 * once: for every set of resident blocks the most hits with which it can be reached, from request to request.
 *
 * Tried are all forests of up to 4 blocks with all sequences of 6 requests, and larger ones at random.
 */
#include "test.h"

#include "make_trace.h"
#include "runs.h"

#define MOST_BLOCKS 7
#define MOST_REQUESTS 14

struct puzzle {
	uint32_t block_count, request_count, capacity;
	block_id parent[MOST_BLOCKS];
	block_id tail[MOST_REQUESTS];
};

/* [set of resident blocks] most hits so far; -1: no way to get there. */
struct reach {
	int hits[1 << MOST_BLOCKS];
};

static bool has_child(const struct puzzle *puzzle, uint32_t set, block_id b)
{
	for (block_id c = b + 1; c < puzzle->block_count; c++) {
		if ((set >> c & 1) && puzzle->parent[c] == b)
			return true;
	}
	return false;
}

/* Inserts path[at..] into `set` in every possible way. */
static void insert_all_ways(const struct puzzle *puzzle, struct reach *to, uint32_t set, uint32_t own, const block_id *path,
                            uint32_t at, uint32_t count, int hits)
{
	for (; at < count && (uint32_t)__builtin_popcount(set) < puzzle->capacity; at++)
		set |= 1u << path[at];
	bool any = false;
	for (block_id b = 0; at < count && b < puzzle->block_count; b++) {
		if (!(set >> b & 1) || (own >> b & 1) || has_child(puzzle, set, b))
			continue;
		any = true;
		insert_all_ways(puzzle, to, (set & ~(1u << b)) | 1u << path[at], own, path, at + 1, count, hits);
	}
	/* All there, or nobody may go: the rest is not cached. */
	if (!any && to->hits[set] < hits)
		to->hits[set] = hits;
}

static int best_hits(const struct puzzle *puzzle)
{
	struct reach now, then;
	const uint32_t sets = 1u << puzzle->block_count;
	for (uint32_t set = 0; set < sets; set++)
		now.hits[set] = set ? -1 : 0;
	for (uint32_t r = 0; r < puzzle->request_count; r++) {
		block_id path[MOST_BLOCKS];
		uint32_t count = 0, own = 0;
		for (block_id b = puzzle->tail[r]; b != BLOCK_NONE; b = puzzle->parent[b], count++)
			own |= 1u << b;
		uint32_t i = count;
		for (block_id b = puzzle->tail[r]; b != BLOCK_NONE; b = puzzle->parent[b])
			path[--i] = b;
		for (uint32_t set = 0; set < sets; set++)
			then.hits[set] = -1;
		for (uint32_t set = 0; set < sets; set++) {
			if (now.hits[set] < 0)
				continue;
			uint32_t hit = 0;
			while (hit < count && (set >> path[hit] & 1))
				hit++;
			insert_all_ways(puzzle, &then, set, own, path, hit, count, now.hits[set] + (int)hit);
		}
		now = then;
	}
	int best = 0;
	for (uint32_t set = 0; set < sets; set++)
		best = now.hits[set] > best ? now.hits[set] : best;
	return best;
}

static void check(const struct puzzle *puzzle)
{
	struct make_request requests[MOST_REQUESTS];
	for (uint32_t r = 0; r < puzzle->request_count; r++)
		requests[r] = (struct make_request){.tail = puzzle->tail[r],
		                                    .session = TRACE_NO_SESSION,
		                                    .class_id = TRACE_NO_CLASS,
		                                    .hints = UINT32_MAX,
		                                    .ordinal = r};
	struct trace *trace = make_trace(&(struct make_parts){.block_tokens = 1,
	                                                      .block_count = puzzle->block_count,
	                                                      .request_count = puzzle->request_count,
	                                                      .parent = puzzle->parent,
	                                                      .requests = requests});
	struct runs_result run = runs_replay(trace, &(struct runs_setup){.evict = "belady",
	                                                                 .ttl = "none",
	                                                                 .capacity_blocks = puzzle->capacity,
	                                                                 .leaf = true});
	const int best = best_hits(puzzle);
	if (run.hit_blocks != (uint64_t)best) {
		print_error("room for %u: belady hits %llu blocks, %d are possible; parents", puzzle->capacity,
		            (unsigned long long)run.hit_blocks, best);
		for (uint32_t b = 0; b < puzzle->block_count; b++)
			print_error(" %d", (int)puzzle->parent[b]);
		print_error(", requests end at");
		for (uint32_t r = 0; r < puzzle->request_count; r++)
			print_error(" %u", puzzle->tail[r]);
		print_error("\n");
		fail();
	}
	runs_free(&run);
	make_trace_free(trace);
}

/* The digits of `number`: what each block's parent and each request's tail is. */
static struct puzzle puzzle_of(uint32_t block_count, uint32_t request_count, uint32_t capacity, uint64_t number)
{
	struct puzzle puzzle = {.block_count = block_count, .request_count = request_count, .capacity = capacity};
	for (uint32_t b = 0; b < block_count; number /= ++b)
		puzzle.parent[b] = number % (b + 1) == b ? BLOCK_NONE : (block_id)(number % (b + 1));
	for (uint32_t r = 0; r < request_count; r++, number /= block_count)
		puzzle.tail[r] = (block_id)(number % block_count);
	return puzzle;
}

static void all_small_forests(void **state)
{
	(void)state;
	for (uint32_t blocks = 2; blocks <= 4; blocks++) {
		uint64_t puzzles = 1;
		const uint32_t requests = 6;
		for (uint32_t b = 1; b <= blocks; b++)
			puzzles *= b;
		for (uint32_t r = 0; r < requests; r++)
			puzzles *= blocks;
		for (uint32_t capacity = 1; capacity < blocks; capacity++) {
			for (uint64_t number = 0; number < puzzles; number++) {
				const struct puzzle puzzle = puzzle_of(blocks, requests, capacity, number);
				check(&puzzle);
			}
		}
	}
}

static void random_larger_forests(void **state)
{
	(void)state;
	struct make_rng rng = {2026};
	for (uint32_t n = 0; n < 40000; n++) {
		const uint32_t blocks = 5 + (uint32_t)make_random(&rng, MOST_BLOCKS - 4);
		const uint32_t capacity = 2 + (uint32_t)make_random(&rng, blocks - 2);
		const struct puzzle puzzle = puzzle_of(blocks, MOST_REQUESTS, capacity, make_random(&rng, UINT64_MAX));
		check(&puzzle);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(all_small_forests),
	        cmocka_unit_test(random_larger_forests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
