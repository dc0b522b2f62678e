/* Keys, the tiers in host memory and on disk. The disk's refusals come from wrappers around the system's calls (the
 * linker's --wrap), which pass everything on unless a test says otherwise. */
#define _GNU_SOURCE
#include "test.h"

#include "scratch.h"
#include "tier_disk.h"
#include "tier_host.h"
#include "tier_keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define BLOCK_BYTES (3 * TIER_IO_ALIGN)
#define BLOCKS      40

static struct {
	int open_error;    /* of an O_DIRECT open */
	int write_error;   /* of the next writes */
	bool is_slow;      /* writes take half a millisecond */
	size_t most_bytes; /* a read or write moves at a time; 0: all */
} system_says;

int __real_mkostemp(char *path, int flags);
int __wrap_mkostemp(char *path, int flags);
int __wrap_mkostemp(char *path, int flags)
{
	if (system_says.open_error && (flags & O_DIRECT)) {
		errno = system_says.open_error;
		return -1;
	}
	return __real_mkostemp(path, flags);
}

static size_t at_most(size_t bytes)
{
	return system_says.most_bytes && bytes > system_says.most_bytes ? system_says.most_bytes : bytes;
}

ssize_t __real_pwrite(int fd, const void *data, size_t bytes, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t bytes, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t bytes, off_t at)
{
	if (system_says.write_error) {
		errno = system_says.write_error;
		return -1;
	}
	if (system_says.is_slow)
		usleep(500);
	return __real_pwrite(fd, data, at_most(bytes), at);
}

ssize_t __real_pread(int fd, void *data, size_t bytes, off_t at);
ssize_t __wrap_pread(int fd, void *data, size_t bytes, off_t at);
ssize_t __wrap_pread(int fd, void *data, size_t bytes, off_t at)
{
	return __real_pread(fd, data, at_most(bytes), at);
}

static int forget(void **state)
{
	(void)state;
	memset(&system_says, 0, sizeof(system_says));
	return 0;
}

static struct tier_io_key key_of(uint64_t n)
{
	return (struct tier_io_key){n * UINT64_C(0x9e3779b97f4a7c15), n};
}

static uint8_t *new_blocks(size_t count)
{
	uint8_t *blocks = aligned_alloc(TIER_IO_ALIGN, count * BLOCK_BYTES);
	assert_non_null(blocks);
	memset(blocks, 0xee, count * BLOCK_BYTES);
	return blocks;
}

static void fill(uint8_t *block, uint64_t seed)
{
	for (size_t i = 0; i < BLOCK_BYTES; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		block[i] = (uint8_t)(seed >> 56);
	}
}

static void keys_are_32_digits(void **state)
{
	(void)state;
	char text[TIER_IO_KEY_CHARS + 1];
	struct tier_io_key key;
	tier_io_key_format((struct tier_io_key){0x0123456789abcdef, 0xf}, text);
	assert_string_equal(text, "0123456789abcdef000000000000000f");
	assert_true(tier_io_key_parse(text, &key));
	assert_true(key.high == 0x0123456789abcdef && key.low == 0xf);
	static const char *const others[] = {"",
					     "0123456789abcdef000000000000000",
					     "0123456789abcdef000000000000000f0",
					     "0123456789ABCDEF000000000000000f",
					     "0123456789abcdeg000000000000000f",
					     "0123456789abcdef 00000000000000f",
					     "../../../../../../../etc/passwd",
					     "0123456789abcdef/../../../../etc",
					     "0123456789abcdef0000000000000/.."};
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_false(tier_io_key_parse(others[i], &key));
}

/* Against a plain array, with keys that crowd one place of the table. */
static void keys_find_their_slots(void **state)
{
	(void)state;
	enum { SLOTS = 50, KEYS = 200 };
	uint32_t slot_of[KEYS], count = 0;
	uint64_t x = 1;
	struct tier_keys *keys = tier_keys_open(SLOTS);
	memset(slot_of, 0xff, sizeof(slot_of));
	for (int step = 0; step < 200000; step++) {
		x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
		const uint32_t k = (uint32_t)(x >> 33) % KEYS;
		const struct tier_io_key key = {k, (uint64_t)(k / 3) << (k % 2 ? 40 : 0)};
		assert_int_equal(tier_keys_find(keys, key), slot_of[k]);
		if (slot_of[k] != TIER_KEYS_NONE) {
			tier_keys_remove(keys, slot_of[k]);
			slot_of[k] = TIER_KEYS_NONE;
			count--;
		} else {
			slot_of[k] = tier_keys_add(keys, key);
			assert_int_equal(slot_of[k] == TIER_KEYS_NONE, count == SLOTS);
			count += slot_of[k] != TIER_KEYS_NONE;
		}
		assert_int_equal(tier_keys_count(keys), count);
	}
	tier_keys_close(keys);
}

static void host_holds_what_is_put(void **state)
{
	(void)state;
	uint8_t *arena = new_blocks(3), *addresses[3];
	struct tier_host *host = tier_host_open(arena, 3, BLOCK_BYTES);
	for (uint64_t i = 0; i < 3; i++) {
		assert_null(tier_host_get(host, key_of(i)));
		addresses[i] = tier_host_put(host, key_of(i));
		assert_in_range(addresses[i] - arena, 0, 2 * BLOCK_BYTES);
		fill(addresses[i], i);
	}
	assert_null(tier_host_put(host, key_of(3)));
	assert_ptr_equal(tier_host_put(host, key_of(1)), addresses[1]);
	assert_int_equal(tier_host_count(host), 3);
	uint8_t *expected = new_blocks(1);
	for (uint64_t i = 0; i < 3; i++) {
		assert_ptr_equal(tier_host_get(host, key_of(i)), addresses[i]);
		fill(expected, i);
		assert_memory_equal(addresses[i], expected, BLOCK_BYTES);
	}
	tier_host_drop(host, key_of(1));
	tier_host_drop(host, key_of(7));
	assert_null(tier_host_get(host, key_of(1)));
	assert_ptr_equal(tier_host_put(host, key_of(3)), addresses[1]);
	tier_host_close(host);
	free(arena);
	free(expected);
}

static struct tier_disk *open_disk(uint32_t slots, uint32_t depth)
{
	struct err err;
	const struct tier_disk_options options = {".", slots, BLOCK_BYTES, depth};
	struct tier_disk *disk = tier_disk_open(&options, &err);
	if (!disk)
		fail_msg("%s", err.text);
	return disk;
}

static enum tier_io_outcome write_one(struct tier_disk *disk, uint64_t n, uint8_t *block)
{
	struct tier_io_request request;
	fill(block, n);
	tier_disk_write(disk, key_of(n), block, &request);
	return tier_disk_wait(disk, &request);
}

/* The outcome; a block that is done must be what was written. */
static enum tier_io_outcome read_one(struct tier_disk *disk, uint64_t n, uint8_t *block, struct err *why)
{
	struct tier_io_request request;
	memset(block, 0xee, BLOCK_BYTES);
	tier_disk_read(disk, key_of(n), block, &request);
	const enum tier_io_outcome outcome = tier_disk_wait(disk, &request);
	if (outcome == TIER_IO_DONE) {
		uint8_t *expected = new_blocks(1);
		fill(expected, n);
		assert_memory_equal(block, expected, BLOCK_BYTES);
		free(expected);
	} else if (why) {
		*why = request.why;
	}
	return outcome;
}

static void all_come_back(uint32_t depth)
{
	struct tier_disk *disk = open_disk(BLOCKS, depth);
	struct tier_io_request requests[BLOCKS];
	uint8_t *blocks = new_blocks(BLOCKS), *expected = new_blocks(1);
	for (uint64_t i = 0; i < BLOCKS; i++) {
		fill(blocks + i * BLOCK_BYTES, i);
		tier_disk_write(disk, key_of(i), blocks + i * BLOCK_BYTES, &requests[i]);
		assert_true(tier_disk_has(disk, key_of(i)));
	}
	for (uint64_t i = BLOCKS; i-- > 0;)
		assert_int_equal(tier_disk_wait(disk, &requests[i]), TIER_IO_DONE);
	memset(blocks, 0xee, BLOCKS * BLOCK_BYTES);
	for (uint64_t i = 0; i < BLOCKS; i++)
		tier_disk_read(disk, key_of(i), blocks + i * BLOCK_BYTES, &requests[i]);
	for (uint64_t i = 0; i < BLOCKS; i++) {
		assert_int_equal(tier_disk_wait(disk, &requests[i]), TIER_IO_DONE);
		assert_int_equal(tier_disk_wait(disk, &requests[i]), TIER_IO_DONE);
		fill(expected, i);
		assert_memory_equal(blocks + i * BLOCK_BYTES, expected, BLOCK_BYTES);
	}
	const struct tier_io_counts *counts = tier_disk_counts(disk);
	assert_int_equal(counts->writes[TIER_IO_DONE], BLOCKS);
	assert_int_equal(counts->reads[TIER_IO_DONE], BLOCKS);
	assert_int_equal(counts->read_bytes, BLOCKS * BLOCK_BYTES);
	assert_int_equal(counts->written_bytes, BLOCKS * BLOCK_BYTES);
	tier_disk_close(disk);
	free(blocks);
	free(expected);
}

static void disk_gives_back_what_it_took(void **state)
{
	(void)state;
	all_come_back(1);
	all_come_back(7);
	system_says.most_bytes = TIER_IO_ALIGN;
	all_come_back(4);
	assert_int_equal(scratch_count(), 0);
}

/* No waits in between: begins on one key wait for each other. */
static void requests_on_one_key_keep_their_order(void **state)
{
	(void)state;
	struct tier_disk *disk = open_disk(2, 8);
	struct tier_io_request requests[8];
	uint8_t *blocks = new_blocks(8), *expected = new_blocks(1);
	system_says.is_slow = true;
	for (int round = 0; round < 50; round++) {
		for (uint64_t i = 0; i < 8; i += 2) {
			fill(blocks + i * BLOCK_BYTES, (uint64_t)round * 8 + i);
			tier_disk_write(disk, key_of(i % 4), blocks + i * BLOCK_BYTES, &requests[i]);
			tier_disk_read(disk, key_of(i % 4), blocks + (i + 1) * BLOCK_BYTES, &requests[i + 1]);
		}
		tier_disk_drop(disk, key_of(0));
		assert_false(tier_disk_has(disk, key_of(0)));
		for (uint64_t i = 0; i < 8; i++) {
			assert_int_equal(tier_disk_wait(disk, &requests[i]), TIER_IO_DONE);
			fill(expected, (uint64_t)round * 8 + i / 2 * 2);
			assert_memory_equal(blocks + i * BLOCK_BYTES, expected, BLOCK_BYTES);
		}
	}
	tier_disk_close(disk);
	free(blocks);
	free(expected);
}

static void a_full_disk_tier_refuses(void **state)
{
	(void)state;
	struct err why;
	uint8_t *block = new_blocks(1);
	struct tier_disk *disk = open_disk(2, 2);
	assert_int_equal(write_one(disk, 1, block), TIER_IO_DONE);
	assert_int_equal(write_one(disk, 2, block), TIER_IO_DONE);
	assert_int_equal(write_one(disk, 3, block), TIER_IO_FULL);
	assert_int_equal(read_one(disk, 3, block, &why), TIER_IO_ABSENT);
	assert_string_equal(why.text, "The disk tier in . does not hold the block.");
	tier_disk_drop(disk, key_of(1));
	assert_int_equal(write_one(disk, 3, block), TIER_IO_DONE);
	assert_int_equal(read_one(disk, 2, block, NULL), TIER_IO_DONE);
	assert_int_equal(read_one(disk, 3, block, NULL), TIER_IO_DONE);
	assert_int_equal(tier_disk_counts(disk)->writes[TIER_IO_FULL], 1);
	assert_int_equal(tier_disk_counts(disk)->reads[TIER_IO_ABSENT], 1);
	tier_disk_close(disk);
	free(block);
}

/* The disk tier's file has no name; this opens it through its descriptor. */
static int open_behind_its_back(void)
{
	int found = -1;
	DIR *open_folder = opendir("/proc/self/fd");
	assert_non_null(open_folder);
	for (struct dirent *entry; found < 0 && (entry = readdir(open_folder));) {
		char path[300], target[300] = "";
		snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
		if (readlink(path, target, sizeof(target) - 1) > 0 && strstr(target, "/kvcast-disk-"))
			found = open(path, O_RDWR);
	}
	closedir(open_folder);
	assert_true(found >= 0);
	return found;
}

static void damaged_and_short_blocks_are_refused(void **state)
{
	(void)state;
	struct err why;
	uint8_t *block = new_blocks(1);
	struct tier_disk *disk = open_disk(2, 2);
	assert_int_equal(write_one(disk, 1, block), TIER_IO_DONE);
	assert_int_equal(write_one(disk, 2, block), TIER_IO_DONE);
	const int fd = open_behind_its_back();
	char byte;
	assert_int_equal(pread(fd, &byte, 1, BLOCK_BYTES - 1), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, BLOCK_BYTES - 1), 1);
	assert_int_equal(read_one(disk, 1, block, &why), TIER_IO_DAMAGED);
	assert_string_equal(why.text,
			    "A block of the disk tier in . is damaged: its checksum is not that of what was written.");
	assert_int_equal(read_one(disk, 2, block, NULL), TIER_IO_DONE);
	assert_int_equal(ftruncate(fd, 2 * BLOCK_BYTES - TIER_IO_ALIGN), 0);
	assert_int_equal(read_one(disk, 2, block, &why), TIER_IO_SHORT);
	assert_string_equal(why.text, "A block of the disk tier in . could not be read: 8192 bytes, not 12288.");
	assert_int_equal(tier_disk_count(disk), 0);
	assert_int_equal(write_one(disk, 1, block), TIER_IO_DONE);
	assert_int_equal(read_one(disk, 1, block, NULL), TIER_IO_DONE);
	assert_int_equal(tier_disk_counts(disk)->reads[TIER_IO_DAMAGED], 1);
	assert_int_equal(tier_disk_counts(disk)->reads[TIER_IO_SHORT], 1);
	close(fd);
	tier_disk_close(disk);
	free(block);
}

static void a_failed_write_holds_nothing(void **state)
{
	(void)state;
	struct tier_io_request request;
	uint8_t *block = new_blocks(1);
	struct tier_disk *disk = open_disk(1, 1);
	system_says.write_error = ENOSPC;
	assert_int_equal(write_one(disk, 1, block), TIER_IO_FULL);
	system_says.write_error = EIO;
	tier_disk_write(disk, key_of(1), block, &request);
	assert_int_equal(tier_disk_wait(disk, &request), TIER_IO_FAILED);
	assert_string_equal(request.why.text,
			    "A block of the disk tier in . could not be written: Input/output error.");
	assert_false(tier_disk_has(disk, key_of(1)));
	system_says.write_error = 0;
	assert_int_equal(write_one(disk, 2, block), TIER_IO_DONE);
	assert_int_equal(read_one(disk, 2, block, NULL), TIER_IO_DONE);
	tier_disk_close(disk);
	free(block);
}

static void without_o_direct_it_works_and_says_so(void **state)
{
	(void)state;
	struct tier_disk *disk = open_disk(1, 1);
	const bool takes_direct = tier_disk_is_direct(disk);
	tier_disk_close(disk);
	if (!takes_direct)
		print_message("The scratch folder refuses O_DIRECT by itself.\n");
	system_says.open_error = EINVAL;
	uint8_t *block = new_blocks(1);
	disk = open_disk(1, 1);
	assert_false(tier_disk_is_direct(disk));
	assert_int_equal(write_one(disk, 1, block), TIER_IO_DONE);
	assert_int_equal(read_one(disk, 1, block, NULL), TIER_IO_DONE);
	tier_disk_close(disk);
	free(block);
}

static void assert_refused(const char *folder, uint32_t slots, size_t block_bytes, const char *sentence)
{
	struct err err;
	const struct tier_disk_options options = {folder, slots, block_bytes, 1};
	assert_null(tier_disk_open(&options, &err));
	assert_string_equal(err.text, sentence);
}

static void bad_places_are_told(void **state)
{
	(void)state;
	assert_refused("no/such", 1, BLOCK_BYTES, "no/such cannot hold the disk tier: No such file or directory.");
	assert_refused(".", 1, 1000,
		       "A disk tier of 1 blocks of 1000 bytes; expected at least one, of a multiple of 4096 bytes.");
	assert_int_equal(scratch_count(), 0);
}

/* A limit on file sizes stands for a disk without the room. */
static void no_room_is_told_at_once(void **state)
{
	(void)state;
	struct rlimit limit, small;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	small.rlim_cur = 3 << 20;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_refused(".", 4, 1 << 20, ". has no room for a disk tier of 4 MiB: File too large.");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(scratch_count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys_are_32_digits),
	    cmocka_unit_test(keys_find_their_slots),
	    cmocka_unit_test(host_holds_what_is_put),
	    cmocka_unit_test_teardown(disk_gives_back_what_it_took, forget),
	    cmocka_unit_test_teardown(requests_on_one_key_keep_their_order, forget),
	    cmocka_unit_test(a_full_disk_tier_refuses),
	    cmocka_unit_test(damaged_and_short_blocks_are_refused),
	    cmocka_unit_test_teardown(a_failed_write_holds_nothing, forget),
	    cmocka_unit_test_teardown(without_o_direct_it_works_and_says_so, forget),
	    cmocka_unit_test(bad_places_are_told),
	    cmocka_unit_test(no_room_is_told_at_once),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
