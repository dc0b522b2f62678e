/* Writes that go on: who waits for them, and who does not. The media's last call of the system passes a gate first (the
 * linker's --wrap), which a test shuts, so that "still under way" does not depend on how fast anything is. */
#include "test.h"

#include "scratch.h"
#include "tier_files.h"
#include "tier_queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define BLOCK_BYTES (2 * TIER_IO_ALIGN)
#define DEPTH       3
#define PLACES      (2 * DEPTH)
#define KEYS        9
#define NONE        0 /* no seed */

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_shut;
	int error; /* of what passes */
	int written;
} gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int pass_gate(void)
{
	pthread_mutex_lock(&gate.mutex);
	while (gate.is_shut)
		pthread_cond_wait(&gate.changed, &gate.mutex);
	const int error = gate.error;
	gate.written++;
	pthread_mutex_unlock(&gate.mutex);
	return error;
}

ssize_t __real_pwrite(int fd, const void *data, size_t bytes, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t bytes, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t bytes, off_t at)
{
	errno = pass_gate();
	return errno ? -1 : __real_pwrite(fd, data, bytes, at);
}

int __real_tier_files_put(const char *path, const struct tier_file files[2]);
int __wrap_tier_files_put(const char *path, const struct tier_file files[2]);
int __wrap_tier_files_put(const char *path, const struct tier_file files[2])
{
	const int error = pass_gate();
	return error ? error : __real_tier_files_put(path, files);
}

static void shut_gate(void)
{
	pthread_mutex_lock(&gate.mutex);
	gate.is_shut = true;
	gate.written = 0;
	pthread_mutex_unlock(&gate.mutex);
}

static void *open_gate(void *delay_us)
{
	usleep(*(const useconds_t *)delay_us);
	pthread_mutex_lock(&gate.mutex);
	gate.is_shut = false;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.mutex);
	return NULL;
}

static void open_gate_now(void)
{
	open_gate(&(useconds_t){0});
}

/* Long enough for a call that ought to wait, and does not, to be back before. */
static pthread_t open_gate_later(void)
{
	static const useconds_t delay_us = 50000;
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, open_gate, (void *)&delay_us), 0);
	return thread;
}

static int written(void)
{
	pthread_mutex_lock(&gate.mutex);
	const int count = gate.written;
	pthread_mutex_unlock(&gate.mutex);
	return count;
}

struct setup {
	struct tier_disk *disk;
	struct tier_archive *archive;
	struct tier_queue *queue;
	uint8_t *arena, *block, *expected;
};

static uint8_t *new_blocks(size_t count)
{
	uint8_t *blocks = aligned_alloc(TIER_IO_ALIGN, count * BLOCK_BYTES);
	assert_non_null(blocks);
	return blocks;
}

static void open_queue(struct setup *setup)
{
	const struct tier_queue_options options = {setup->disk, setup->archive, setup->arena, PLACES, BLOCK_BYTES};
	setup->queue = tier_queue_open(&options);
}

static struct setup begin_with(bool archives)
{
	struct err err;
	struct setup setup = {.arena = new_blocks(PLACES), .block = new_blocks(1), .expected = new_blocks(1)};
	const struct tier_disk_options disk = {".", KEYS, BLOCK_BYTES, DEPTH};
	const struct tier_archive_options archive = {"a", {"tiny", "bf16", 16, BLOCK_BYTES}, DEPTH};
	if (archives)
		setup.archive = tier_archive_open(&archive, &err);
	else
		setup.disk = tier_disk_open(&disk, &err);
	if (!setup.disk && !setup.archive)
		fail_msg("%s", err.text);
	open_queue(&setup);
	gate.written = 0; /* a disk tries whether it may write past the page cache */
	return setup;
}

/* Either half of a key is others', too. */
static struct tier_io_key key_of(uint64_t n)
{
	return (struct tier_io_key){n % 3, n / 3};
}

static void end(struct setup *setup)
{
	for (uint64_t k = 0; k < KEYS; k++)
		tier_queue_drop(setup->queue, key_of(k));
	tier_queue_close(setup->queue);
	tier_disk_close(setup->disk);
	tier_archive_close(setup->archive);
	free(setup->arena);
	free(setup->block);
	free(setup->expected);
	if (setup->archive)
		assert_int_equal(rmdir("a"), 0);
	assert_int_equal(scratch_count(), 0);
}

static void fill(uint8_t *block, uint64_t seed)
{
	for (size_t i = 0; i < BLOCK_BYTES; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		block[i] = (uint8_t)(seed >> 56);
	}
}

static void put(struct setup *setup, uint64_t k, uint64_t seed)
{
	fill(tier_queue_place(setup->queue), seed);
	tier_queue_begin(setup->queue, key_of(k), 0);
}

/* That the key holds what was made of `seed`, or nothing. */
static void assert_holds(struct setup *setup, uint64_t k, uint64_t seed)
{
	struct tier_io_request request;
	memset(setup->block, 0xee, BLOCK_BYTES);
	tier_queue_read(setup->queue, key_of(k), setup->block, 0, &request);
	const enum tier_io_outcome outcome = tier_queue_wait(setup->queue, &request);
	assert_int_equal(outcome, seed == NONE ? TIER_IO_ABSENT : TIER_IO_DONE);
	fill(setup->expected, seed);
	if (seed != NONE)
		assert_memory_equal(setup->block, setup->expected, BLOCK_BYTES);
}

static const struct tier_io_counts *counts_of(const struct setup *setup)
{
	return setup->disk ? tier_disk_counts(setup->disk) : tier_archive_counts(setup->archive);
}

static void nobody_waits_before_the_ring_is_full(void **state)
{
	struct setup setup = begin_with(*state);
	shut_gate();
	for (uint64_t k = 0; k < PLACES; k++)
		put(&setup, k, 1 + k);
	assert_int_equal(written(), 0);
	open_gate_now();
	for (uint64_t k = 0; k < PLACES; k++)
		assert_holds(&setup, k, 1 + k);
	end(&setup);
}

/* What is written into the place afterwards must not be what its last block becomes. */
static void a_full_ring_waits_for_its_oldest_block(void **state)
{
	struct setup setup = begin_with(*state);
	shut_gate();
	for (uint64_t k = 0; k < PLACES; k++)
		put(&setup, k, 1 + k);
	const pthread_t opener = open_gate_later();
	uint8_t *place = tier_queue_place(setup.queue);
	assert_in_range(written(), 1, PLACES);
	assert_int_equal(counts_of(&setup)->writes[TIER_IO_DONE], 1);
	assert_ptr_equal(place, setup.arena);
	assert_ptr_equal(tier_queue_place(setup.queue), place);
	memset(place, 0xee, BLOCK_BYTES);
	pthread_join(opener, NULL);
	for (uint64_t k = 0; k < PLACES; k++)
		assert_holds(&setup, k, 1 + k);
	end(&setup);
}

static void a_read_waits_for_the_write_of_its_key(void **state)
{
	struct setup setup = begin_with(*state);
	shut_gate();
	put(&setup, 0, 1);
	put(&setup, 1, 2);
	const pthread_t opener = open_gate_later();
	assert_holds(&setup, 1, 2);
	pthread_join(opener, NULL);
	assert_holds(&setup, 0, 1);
	end(&setup);
}

static void a_read_of_another_key_waits_for_nothing(void **state)
{
	struct setup setup = begin_with(*state);
	put(&setup, 1, 1);
	put(&setup, 3, 2);
	assert_holds(&setup, 1, 1);
	assert_holds(&setup, 3, 2);
	shut_gate();
	put(&setup, 4, 3);
	assert_holds(&setup, 1, 1);
	assert_holds(&setup, 3, 2);
	assert_holds(&setup, 5, NONE);
	tier_queue_drop(setup.queue, key_of(3));
	assert_int_equal(written(), 0);
	open_gate_now();
	end(&setup);
}

static void a_drop_does_not_overtake_the_write(void **state)
{
	struct setup setup = begin_with(*state);
	shut_gate();
	put(&setup, 0, 1);
	put(&setup, 1, 2);
	const pthread_t opener = open_gate_later();
	tier_queue_drop(setup.queue, key_of(0));
	assert_in_range(written(), 1, 2);
	pthread_join(opener, NULL);
	while (tier_queue_settle(setup.queue))
		;
	assert_holds(&setup, 0, NONE);
	assert_holds(&setup, 1, 2);
	put(&setup, 0, 3);
	assert_holds(&setup, 0, 3);
	end(&setup);
}

static void of_two_writes_of_a_key_the_second_stays(void **state)
{
	struct setup setup = begin_with(*state);
	for (uint64_t round = 0; round < 3; round++) {
		shut_gate();
		put(&setup, 0, 1 + round);
		const pthread_t opener = open_gate_later();
		put(&setup, 0, 100 + round);
		assert_in_range(written(), 1, 2);
		pthread_join(opener, NULL);
		assert_holds(&setup, 0, 100 + round);
	}
	end(&setup);
}

static void closing_waits_for_all(void **state)
{
	struct setup setup = begin_with(*state);
	shut_gate();
	for (uint64_t k = 0; k < PLACES - 1; k++)
		put(&setup, k, 1 + k);
	const pthread_t opener = open_gate_later();
	tier_queue_close(setup.queue);
	memset(setup.arena, 0xee, PLACES * BLOCK_BYTES);
	assert_int_equal(written(), PLACES - 1);
	assert_int_equal(counts_of(&setup)->writes[TIER_IO_DONE], PLACES - 1);
	pthread_join(opener, NULL);
	open_queue(&setup);
	for (uint64_t k = 0; k < PLACES; k++)
		assert_holds(&setup, k, k < PLACES - 1 ? 1 + k : NONE);
	end(&setup);
}

/* Three rounds of the ring, so that every place has had a failure. An archive keeps the object that it had before. */
static void what_failed_is_absent_and_the_ring_goes_on(void **state)
{
	struct setup setup = begin_with(*state);
	put(&setup, 0, 1);
	assert_holds(&setup, 0, 1);
	gate.error = ENOSPC;
	put(&setup, 0, 2);
	assert_holds(&setup, 0, setup.archive ? 1 : NONE);
	assert_int_equal(counts_of(&setup)->writes[TIER_IO_FULL], 1);
	gate.error = EIO;
	for (uint64_t i = 0; i < 3 * PLACES; i++)
		put(&setup, 1 + i % (KEYS - 1), 3 + i);
	tier_queue_drop(setup.queue, key_of(1));
	for (uint64_t k = 1; k < KEYS; k++)
		assert_holds(&setup, k, NONE);
	assert_false(tier_queue_settle(setup.queue));
	assert_int_equal(counts_of(&setup)->writes[TIER_IO_FAILED], 3 * PLACES);
	gate.error = 0;
	for (uint64_t k = 1; k < KEYS; k++)
		put(&setup, k, 50 + k);
	for (uint64_t k = 1; k < KEYS; k++)
		assert_holds(&setup, k, 50 + k);
	end(&setup);
}

static void a_full_disk_refuses_and_the_ring_goes_on(void **state)
{
	(void)state;
	struct setup setup = begin_with(false);
	for (uint64_t k = 0; k < KEYS; k++)
		put(&setup, k, 1 + k);
	for (uint64_t k = KEYS; k < 3 * KEYS; k++)
		put(&setup, k, 1 + k);
	for (uint64_t k = 0; k < 3 * KEYS; k++)
		assert_holds(&setup, k, k < KEYS ? 1 + k : NONE);
	assert_int_equal(counts_of(&setup)->writes[TIER_IO_FULL], 2 * KEYS);
	end(&setup);
}

/* The one that may be waited for lies behind the other in the ring: where the wrong one is chosen, this does not end. */
static void the_oldest_is_settled_first(void **state)
{
	struct setup setup = begin_with(*state);
	assert_false(tier_queue_settle(setup.queue));
	for (uint64_t k = 0; k < PLACES - 1; k++)
		put(&setup, k, 1 + k);
	tier_queue_drop(setup.queue, key_of(1));
	for (uint64_t left = PLACES - 2; left > 0; left--)
		assert_true(tier_queue_settle(setup.queue));
	assert_false(tier_queue_settle(setup.queue));
	put(&setup, PLACES - 1, PLACES);
	while (written() < PLACES)
		usleep(100);
	shut_gate();
	put(&setup, PLACES, PLACES + 1);
	assert_true(tier_queue_settle(setup.queue));
	assert_int_equal(written(), 0);
	open_gate_now();
	assert_true(tier_queue_settle(setup.queue));
	assert_false(tier_queue_settle(setup.queue));
	end(&setup);
}

/* Against a plain array, a tenth of the writes failing. */
static void whatever_is_asked_it_is_as_if_all_were_done_at_once(void **state)
{
	struct setup setup = begin_with(*state);
	uint64_t holds[KEYS] = {NONE}, x = 1;
	for (uint64_t step = 1; step <= 3000; step++) {
		x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
		const uint64_t k = (x >> 33) % KEYS, what = (x >> 50) % 20;
		if (what < 12) {
			put(&setup, k, step);
			holds[k] = step;
		} else if (what < 14) {
			while (tier_queue_settle(setup.queue))
				;
			gate.error = EIO;
			put(&setup, k, step);
			if (setup.disk)
				holds[k] = NONE;
			while (tier_queue_settle(setup.queue))
				;
			gate.error = 0;
		} else if (what < 17) {
			tier_queue_drop(setup.queue, key_of(k));
			holds[k] = NONE;
		} else {
			assert_holds(&setup, k, holds[k]);
		}
	}
	end(&setup);
}

#define WITH_BOTH(test)                           \
	{"disk: " #test, test, NULL, NULL, NULL}, {"archive: " #test, test, NULL, NULL, (void *)&archives}

int main(void)
{
	static const bool archives = true;
	const struct CMUnitTest tests[] = {
	        WITH_BOTH(nobody_waits_before_the_ring_is_full),
	        WITH_BOTH(a_full_ring_waits_for_its_oldest_block),
	        WITH_BOTH(a_read_waits_for_the_write_of_its_key),
	        WITH_BOTH(a_read_of_another_key_waits_for_nothing),
	        WITH_BOTH(a_drop_does_not_overtake_the_write),
	        WITH_BOTH(of_two_writes_of_a_key_the_second_stays),
	        WITH_BOTH(closing_waits_for_all),
	        WITH_BOTH(what_failed_is_absent_and_the_ring_goes_on),
	        cmocka_unit_test(a_full_disk_refuses_and_the_ring_goes_on),
	        WITH_BOTH(the_oldest_is_settled_first),
	        WITH_BOTH(whatever_is_asked_it_is_as_if_all_were_done_at_once),
	};
	alarm(120); /* who waits behind a shut gate waits for ever */
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
