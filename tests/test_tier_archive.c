/* The archive: what comes back, what is refused and with which words, and two processes at one key. */
#include "test.h"

#include "scratch.h"
#include "tier_archive.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK_BYTES 20000
#define SECOND      NS_PER_S
#define KEY_TEXT    "000000000000000700000000000000ff"

static const struct tier_io_key key = {7, 255};

static struct tier_archive *open_as(const char *model, const char *dtype, uint32_t tokens, size_t block_bytes)
{
	struct err err;
	const struct tier_archive_options options = {"a", {model, dtype, tokens, block_bytes}, 3};
	struct tier_archive *archive = tier_archive_open(&options, &err);
	if (!archive)
		fail_msg("%s", err.text);
	return archive;
}

static struct tier_archive *open_archive(void)
{
	return open_as("tiny", "bf16", 16, BLOCK_BYTES);
}

/* Half noise, half pattern, so that it packs, but not to nothing. */
static void fill(uint8_t block[BLOCK_BYTES], uint64_t seed)
{
	for (size_t i = 0; i < BLOCK_BYTES; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		block[i] = i % 2 ? (uint8_t)(seed >> 56) : 63;
	}
}

static enum tier_io_outcome put(struct tier_archive *archive, uint64_t seed, int64_t now_ns, int64_t ttl_ns,
				struct err *why)
{
	struct tier_io_request request;
	uint8_t block[BLOCK_BYTES];
	fill(block, seed);
	tier_archive_write(archive, key, block, now_ns, ttl_ns, &request);
	const enum tier_io_outcome outcome = tier_archive_wait(archive, &request);
	if (why)
		*why = request.why;
	return outcome;
}

/* The outcome, its sentence, and which seed's block came (of 0..3; -1: none of them). */
static enum tier_io_outcome get(struct tier_archive *archive, int64_t now_ns, int *seed, struct err *why)
{
	struct tier_io_request request;
	uint8_t block[BLOCK_BYTES], expected[BLOCK_BYTES];
	memset(block, 0xee, sizeof(block));
	tier_archive_read(archive, key, block, now_ns, &request);
	const enum tier_io_outcome outcome = tier_archive_wait(archive, &request);
	*why = request.why;
	for (*seed = 3; *seed >= 0; (*seed)--) {
		fill(expected, (uint64_t)*seed);
		if (memcmp(block, expected, sizeof(block)) == 0)
			break;
	}
	return outcome;
}

static void assert_gives(struct tier_archive *archive, int expected_seed)
{
	struct err why;
	int seed;
	if (get(archive, 0, &seed, &why) != TIER_IO_DONE)
		fail_msg("%s", why.text);
	assert_int_equal(seed, expected_seed);
}

static void assert_refuses(struct tier_archive *archive, int64_t now_ns, enum tier_io_outcome outcome,
			   const char *sentence)
{
	struct err why;
	int seed;
	const uint64_t before = tier_archive_counts(archive)->reads[outcome];
	assert_int_equal(get(archive, now_ns, &seed, &why), outcome);
	assert_string_equal(why.text, sentence);
	assert_int_equal(tier_archive_counts(archive)->reads[outcome], before + 1);
}

static int count_files(void)
{
	int count = -2; /* . and .. */
	DIR *folder = opendir("a");
	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static void remove_all(void)
{
	struct dirent *entry;
	DIR *folder = opendir("a");
	assert_non_null(folder);
	while ((entry = readdir(folder)))
		unlinkat(dirfd(folder), entry->d_name, 0);
	closedir(folder);
	assert_int_equal(rmdir("a"), 0);
}

static int forget(void **state)
{
	(void)state;
	if (access("a", F_OK) == 0)
		remove_all();
	return 0;
}

static void replace(const char *name, const char *old, const char *new)
{
	size_t size;
	char *text = (char *)scratch_read(name, &size), changed[2000];
	text[size] = '\0';
	char *at = strstr(text, old);
	assert_non_null(at);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
	scratch_write(name, changed, strlen(changed));
	free(text);
}

static void an_object_outlives_its_writer(void **state)
{
	(void)state;
	struct tier_archive *archive = open_archive();
	assert_refuses(archive, 0, TIER_IO_ABSENT, "a/" KEY_TEXT ".json is not there.");
	assert_int_equal(put(archive, 1, 5 * SECOND / 2, TIME_NEVER_NS, NULL), TIER_IO_DONE);
	const struct tier_io_counts *counts = tier_archive_counts(archive);
	struct stat status;
	assert_int_equal(stat("a/" KEY_TEXT ".kv", &status), 0);
	assert_int_equal(counts->written_bytes, status.st_size);
	assert_in_range(status.st_size, BLOCK_BYTES / 2, BLOCK_BYTES * 3 / 4);
	tier_archive_close(archive);
	archive = open_archive();
	assert_gives(archive, 1);
	assert_int_equal(tier_archive_counts(archive)->read_bytes, status.st_size);
	assert_int_equal(put(archive, 2, 0, TIME_NEVER_NS, NULL), TIER_IO_DONE);
	assert_gives(archive, 2);
	struct err err;
	assert_int_equal(tier_archive_drop(archive, key, &err), 0);
	assert_int_equal(tier_archive_drop(archive, key, &err), 0);
	assert_refuses(archive, 0, TIER_IO_ABSENT, "a/" KEY_TEXT ".json is not there.");
	tier_archive_close(archive);
	assert_int_equal(rmdir("a"), 0);
}

static void the_sidecar_says_what_it_is(void **state)
{
	(void)state;
	struct tier_archive *archive = open_archive();
	assert_int_equal(put(archive, 1, 5 * SECOND / 2, 60 * SECOND, NULL), TIER_IO_DONE);
	size_t size;
	char *text = (char *)scratch_read("a/" KEY_TEXT ".json", &size), expected[1000];
	text[size] = '\0';
	uint8_t block[BLOCK_BYTES];
	fill(block, 1);
	snprintf(expected, sizeof(expected),
		 "{\n  \"model\": \"tiny\",\n  \"dtype\": \"bf16\",\n  \"tokens\": 16,\n  \"key\": \"" KEY_TEXT "\",\n"
		 "  \"created\": 2.5,\n  \"ttl_s\": 60.0,\n  \"raw_bytes\": 20000,\n  \"packed_bytes\": %llu,\n"
		 "  \"checksum\": \"%016llx\"\n}",
		 (unsigned long long)tier_archive_counts(archive)->written_bytes,
		 (unsigned long long)tier_io_checksum(block, sizeof(block)));
	assert_string_equal(text, expected);
	free(text);
	tier_archive_close(archive);
}

static void damaged_blocks_are_refused(void **state)
{
	(void)state;
	static const char name[] = "a/" KEY_TEXT ".kv";
	struct tier_archive *archive = open_archive();
	assert_int_equal(put(archive, 1, 0, TIME_NEVER_NS, NULL), TIER_IO_DONE);
	size_t size;
	unsigned char *packed = scratch_read(name, &size);
	char sentence[200];
	scratch_write(name, packed, size - 1);
	snprintf(sentence, sizeof(sentence), "%s is short: it has %zu bytes, its sidecar says %zu.", name, size - 1,
		 size);
	assert_refuses(archive, 0, TIER_IO_SHORT, sentence);
	scratch_write(name, "", 0);
	snprintf(sentence, sizeof(sentence), "%s is short: it has 0 bytes, its sidecar says %zu.", name, size);
	assert_refuses(archive, 0, TIER_IO_SHORT, sentence);
	packed[size] = 0;
	scratch_write(name, packed, size + 1);
	assert_refuses(archive, 0, TIER_IO_DAMAGED,
		       "a/" KEY_TEXT ".kv is damaged: it has more bytes than its sidecar says.");
	packed[size / 2] ^= 4;
	scratch_write(name, packed, size);
	assert_refuses(archive, 0, TIER_IO_DAMAGED, "a/" KEY_TEXT ".kv is damaged: it cannot be unpacked.");
	unlink(name);
	assert_refuses(archive, 0, TIER_IO_DAMAGED, "a/" KEY_TEXT ".kv is not there, but its sidecar is.");
	assert_int_equal(put(archive, 1, 0, TIME_NEVER_NS, NULL), TIER_IO_DONE);
	assert_gives(archive, 1);
	free(packed);
	tier_archive_close(archive);
}

/* A whole zlib stream of another block, with the sidecar's packed_bytes made to fit. */
static void another_block_is_refused(void **state)
{
	(void)state;
	struct tier_archive *archive = open_archive();
	size_t size;
	char old[60], new[60];
	assert_int_equal(put(archive, 2, 0, TIME_NEVER_NS, NULL), TIER_IO_DONE);
	unsigned char *other = scratch_read("a/" KEY_TEXT ".kv", &size);
	snprintf(new, sizeof(new), "\"packed_bytes\": %zu,", size);
	const uint64_t before = tier_archive_counts(archive)->written_bytes;
	assert_int_equal(put(archive, 1, 0, TIME_NEVER_NS, NULL), TIER_IO_DONE);
	snprintf(old, sizeof(old), "\"packed_bytes\": %llu,",
		 (unsigned long long)(tier_archive_counts(archive)->written_bytes - before));
	scratch_write("a/" KEY_TEXT ".kv", other, size);
	replace("a/" KEY_TEXT ".json", old, new);
	assert_refuses(archive, 0, TIER_IO_DAMAGED, "a/" KEY_TEXT ".kv is damaged: its checksum is not its sidecar's.");
	free(other);
	tier_archive_close(archive);
}

static void bad_sidecars_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *old, *new, *what;
	} changes[] = {
	    {"{", "", "line 2: '[' or '{' expected near '\"model\"'"},
	    {"\"0000", "\"1000", "field key: it is not the name of the object"},
	    {"\"" KEY_TEXT "\"", "\"../../../../../../etc/passwd\"",
	     "field key: 32 lower-case hexadecimal digits are expected"},
	    {"\"tiny\"", "7", "field model: a string is expected"},
	    {"dtype", "type", "field dtype: a string is expected"},
	    {"tokens\": ", "tokens\": -", "field tokens: a positive whole number is expected"},
	    {"20000", "2e4", "field raw_bytes: a positive whole number is expected"},
	    {"created\": ", "created\": -", "field created: seconds are expected"},
	    {"12.0", "1e12", "field created: seconds are expected"},
	    {"60.0", "\"60\"", "field ttl_s: seconds or null are expected"},
	    {"checksum\": \"", "checksum\": \"0", "field checksum: 16 hexadecimal digits are expected"},
	};
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		char sentence[300];
		struct tier_archive *archive = open_archive();
		assert_int_equal(put(archive, 1, 12 * SECOND, 60 * SECOND, NULL), TIER_IO_DONE);
		replace("a/" KEY_TEXT ".json", changes[i].old, changes[i].new);
		snprintf(sentence, sizeof(sentence), "a/%s.json is damaged: %s.", KEY_TEXT, changes[i].what);
		assert_refuses(archive, 12 * SECOND, TIER_IO_DAMAGED, sentence);
		tier_archive_close(archive);
	}
	static char large[100000];
	memset(large, ' ', sizeof(large));
	struct tier_archive *archive = open_archive();
	scratch_write("a/" KEY_TEXT ".json", large, sizeof(large));
	assert_refuses(archive, 0, TIER_IO_DAMAGED,
		       "a/" KEY_TEXT ".json is damaged: line 1: '[' or '{' expected near end of file.");
	unlink("a/" KEY_TEXT ".json");
	assert_refuses(archive, 0, TIER_IO_ABSENT, "a/" KEY_TEXT ".json is not there.");
	tier_archive_close(archive);
}

static void an_object_expires_to_the_nanosecond(void **state)
{
	(void)state;
	struct err why;
	int seed;
	struct tier_archive *archive = open_archive();
	assert_int_equal(put(archive, 1, 10 * SECOND, 60 * SECOND, NULL), TIER_IO_DONE);
	assert_int_equal(get(archive, 70 * SECOND - 1, &seed, &why), TIER_IO_DONE);
	assert_int_equal(seed, 1);
	assert_refuses(archive, 70 * SECOND, TIER_IO_EXPIRED,
		       "a/" KEY_TEXT ".json is expired: field ttl_s: its time is over.");
	assert_int_equal(put(archive, 2, 10 * SECOND, TIME_NEVER_NS, NULL), TIER_IO_DONE);
	assert_int_equal(get(archive, TIME_NEVER_NS, &seed, &why), TIER_IO_DONE);
	tier_archive_close(archive);
}

static void foreign_objects_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *model, *dtype;
		uint32_t tokens;
		size_t block_bytes;
		const char *what;
	} others[] = {
	    {"tiny2", "bf16", 16, BLOCK_BYTES, "field model: it is another"},
	    {"tiny", "fp8", 16, BLOCK_BYTES, "field dtype: it is another"},
	    {"tiny", "bf16", 32, BLOCK_BYTES, "field tokens: blocks of another size"},
	    {"tiny", "bf16", 16, BLOCK_BYTES - 1, "field raw_bytes: blocks of another size"},
	};
	struct tier_archive *archive = open_archive();
	assert_int_equal(put(archive, 1, 0, TIME_NEVER_NS, NULL), TIER_IO_DONE);
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		char sentence[200];
		struct tier_archive *other =
		    open_as(others[i].model, others[i].dtype, others[i].tokens, others[i].block_bytes);
		snprintf(sentence, sizeof(sentence), "a/%s.json is foreign: %s.", KEY_TEXT, others[i].what);
		assert_refuses(other, 0, TIER_IO_FOREIGN, sentence);
		tier_archive_close(other);
	}
	assert_gives(archive, 1);
	tier_archive_close(archive);
}

static void many_are_packed_at_a_time(void **state)
{
	(void)state;
	enum { COUNT = 24 };
	static uint8_t blocks[COUNT][BLOCK_BYTES], expected[BLOCK_BYTES];
	static struct tier_io_request requests[COUNT];
	struct tier_archive *archive = open_archive();
	for (uint64_t i = 0; i < COUNT; i++) {
		fill(blocks[i], i);
		tier_archive_write(archive, (struct tier_io_key){i, 1}, blocks[i], 0, TIME_NEVER_NS, &requests[i]);
	}
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(tier_archive_wait(archive, &requests[i]), TIER_IO_DONE);
	memset(blocks, 0xee, sizeof(blocks));
	for (uint64_t i = 0; i < COUNT; i++)
		tier_archive_read(archive, (struct tier_io_key){i, 1}, blocks[i], 0, &requests[i]);
	for (uint64_t i = COUNT; i-- > 0;) {
		struct err err;
		assert_int_equal(tier_archive_wait(archive, &requests[i]), TIER_IO_DONE);
		fill(expected, i);
		assert_memory_equal(blocks[i], expected, BLOCK_BYTES);
		assert_int_equal(tier_archive_drop(archive, (struct tier_io_key){i, 1}, &err), 0);
	}
	assert_int_equal(tier_archive_counts(archive)->writes[TIER_IO_DONE], COUNT);
	assert_int_equal(tier_archive_counts(archive)->reads[TIER_IO_DONE], COUNT);
	tier_archive_close(archive);
}

/* What does not pack at all takes a little more room than it has. */
static void noise_comes_back(void **state)
{
	(void)state;
	enum { BYTES = 1 << 20 };
	uint64_t x = 1;
	uint8_t *block = malloc(BYTES), *back = malloc(BYTES);
	struct tier_io_request request;
	struct err err;
	assert_true(block && back);
	for (size_t i = 0; i < BYTES; i++) {
		x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
		block[i] = (uint8_t)(x >> 56);
	}
	struct tier_archive *archive = open_as("tiny", "bf16", 16, BYTES);
	tier_archive_write(archive, key, block, 0, TIME_NEVER_NS, &request);
	assert_int_equal(tier_archive_wait(archive, &request), TIER_IO_DONE);
	assert_in_range(tier_archive_counts(archive)->written_bytes, BYTES, BYTES + BYTES / 100);
	tier_archive_read(archive, key, back, 0, &request);
	assert_int_equal(tier_archive_wait(archive, &request), TIER_IO_DONE);
	assert_memory_equal(block, back, BYTES);
	assert_int_equal(tier_archive_drop(archive, key, &err), 0);
	tier_archive_close(archive);
	free(block);
	free(back);
}

/* Two write different blocks under one key, as GPUs may that compute one prefix in different batches. Whatever a reader
 * gets is one of the two, whole, during and after. */
static void two_processes_leave_one_whole_object(void **state)
{
	(void)state;
	enum { WRITES = 300 };
	struct tier_archive *archive = open_archive();
	assert_int_equal(put(archive, 1, 0, TIME_NEVER_NS, NULL), TIER_IO_DONE);
	tier_archive_close(archive); /* a child has no use for this one's threads */
	for (int c = 0; c < 2; c++) {
		const pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			struct tier_archive *own = open_archive();
			int failed = 0;
			for (int i = 0; i < WRITES; i++)
				failed += put(own, (uint64_t)(1 + c), 0, TIME_NEVER_NS, NULL) != TIER_IO_DONE;
			tier_archive_close(own);
			_exit(failed != 0);
		}
	}
	archive = open_archive();
	int running = 2;
	while (running > 0) {
		struct err why;
		int seed, status;
		if (get(archive, 0, &seed, &why) != TIER_IO_DONE)
			fail_msg("%s", why.text);
		assert_in_range(seed, 1, 2);
		const pid_t child = waitpid(-1, &status, WNOHANG);
		if (child > 0) {
			assert_int_equal(status, 0);
			running--;
		}
	}
	int seed;
	struct err why;
	assert_int_equal(get(archive, 0, &seed, &why), TIER_IO_DONE);
	assert_int_equal(count_files(), 2);
	tier_archive_close(archive);
}

/* Wherever the signal meets it, what is there afterwards is whole, or refused until it is written again. */
static void a_killed_writer_leaves_nothing_wrong(void **state)
{
	(void)state;
	for (int round = 0; round < 12; round++) {
		struct err why;
		int seed, status;
		const pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			struct tier_archive *own = open_archive();
			for (uint64_t i = 0;; i++)
				put(own, 1 + i % 2, 0, TIME_NEVER_NS, NULL);
		}
		usleep(4000 + 700 * (useconds_t)round);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		struct tier_archive *archive = open_archive();
		const enum tier_io_outcome outcome = get(archive, 0, &seed, &why);
		assert_true(outcome == TIER_IO_ABSENT || outcome == TIER_IO_SHORT || outcome == TIER_IO_DAMAGED ||
			    (outcome == TIER_IO_DONE && seed >= 1)); /* 3: of the round before */
		assert_int_equal(put(archive, 3, 0, TIME_NEVER_NS, NULL), TIER_IO_DONE);
		assert_gives(archive, 3);
		tier_archive_close(archive);
	}
}

/* A limit on file sizes stands for a disk that fills up. What was there stays. */
static void a_full_disk_leaves_the_old_object(void **state)
{
	(void)state;
	struct err why;
	struct tier_archive *archive = open_archive();
	assert_int_equal(put(archive, 1, 0, TIME_NEVER_NS, NULL), TIER_IO_DONE);
	struct rlimit limit, small;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t bytes = 100; bytes < 10000; bytes *= 90) {
		small.rlim_cur = bytes;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		const enum tier_io_outcome outcome = put(archive, 2, 0, TIME_NEVER_NS, &why);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		assert_int_equal(outcome, TIER_IO_FULL);
		assert_string_equal(why.text, "a/" KEY_TEXT ".kv could not be written: File too large.");
	}
	assert_gives(archive, 1);
	assert_int_equal(tier_archive_counts(archive)->writes[TIER_IO_FULL], 2);
	assert_int_equal(count_files(), 2);
	tier_archive_close(archive);
}

static void a_folder_that_vanishes_is_told(void **state)
{
	(void)state;
	struct err why;
	struct tier_archive *archive = open_archive();
	assert_int_equal(rmdir("a"), 0);
	assert_int_equal(put(archive, 1, 0, TIME_NEVER_NS, &why), TIER_IO_FAILED);
	assert_string_equal(why.text, "a/" KEY_TEXT ".kv could not be written: No such file or directory.");
	assert_refuses(archive, 0, TIER_IO_FAILED, "a/" KEY_TEXT ".kv could not be read: No such file or directory.");
	tier_archive_close(archive);
}

static void assert_no_archive(const char *folder, const char *model, const char *sentence)
{
	struct err err;
	const struct tier_archive_options options = {folder, {model, "bf16", 16, BLOCK_BYTES}, 1};
	assert_null(tier_archive_open(&options, &err));
	assert_string_equal(err.text, sentence);
}

static void bad_places_are_told(void **state)
{
	(void)state;
	scratch_write("file", "x", 1);
	assert_no_archive("file", "tiny", "The archive file is no folder.");
	assert_no_archive("no/such", "tiny", "The archive no/such cannot be made: No such file or directory.");
	assert_no_archive("a", "ti\xffny",
			  "An archive's model and dtype are \"ti\xffny\" and \"bf16\"; expected UTF-8.");
	const struct tier_archive_options empty = {"a", {"tiny", "bf16", 16, 0}, 1};
	struct err refused;
	assert_null(tier_archive_open(&empty, &refused));
	assert_string_equal(refused.text, "An archive of blocks of 0 bytes; expected 1 to 2147483648.");
	/* Who may everything is asked as somebody who may not. */
	assert_int_equal(mkdir("a", 0755), 0);
	assert_int_equal(chmod("a", 0555), 0);
	const pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct err err = {""};
		const struct tier_archive_options options = {"a", {"tiny", "bf16", 16, BLOCK_BYTES}, 1};
		if (chmod(".", 0755) < 0 || (geteuid() == 0 && setuid(65534) < 0))
			_exit(2);
		const bool opened = tier_archive_open(&options, &err) != NULL;
		_exit(opened || strcmp(err.text, "The archive a cannot be used: Permission denied.") != 0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(an_object_outlives_its_writer, forget),
	    cmocka_unit_test_teardown(the_sidecar_says_what_it_is, forget),
	    cmocka_unit_test_teardown(damaged_blocks_are_refused, forget),
	    cmocka_unit_test_teardown(another_block_is_refused, forget),
	    cmocka_unit_test_teardown(bad_sidecars_are_refused, forget),
	    cmocka_unit_test_teardown(an_object_expires_to_the_nanosecond, forget),
	    cmocka_unit_test_teardown(foreign_objects_are_refused, forget),
	    cmocka_unit_test_teardown(many_are_packed_at_a_time, forget),
	    cmocka_unit_test_teardown(noise_comes_back, forget),
	    cmocka_unit_test_teardown(two_processes_leave_one_whole_object, forget),
	    cmocka_unit_test_teardown(a_killed_writer_leaves_nothing_wrong, forget),
	    cmocka_unit_test_teardown(a_full_disk_leaves_the_old_object, forget),
	    cmocka_unit_test_teardown(a_folder_that_vanishes_is_told, forget),
	    cmocka_unit_test_teardown(bad_places_are_told, forget),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
