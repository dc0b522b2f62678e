/* Outputs appear whole or not at all. */
#include "test.h"

#include "output.h"
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

static struct output *open_or_fail(const char *path)
{
	struct err err;
	struct output *output = output_open(path, &err);
	if (!output)
		fail_msg("%s", err.text);
	return output;
}

static void commit_or_fail(struct output *output)
{
	struct err err;
	if (output_commit(output, &err) < 0)
		fail_msg("%s", err.text);
}

static void assert_holds(const char *name, const char *text)
{
	size_t size;
	unsigned char *data = scratch_read(name, &size);
	data[size] = '\0';
	assert_string_equal((char *)data, text);
	free(data);
}

static void appears_only_when_whole(void **state)
{
	(void)state;
	scratch_write("a.csv", "old", 3);
	size_t before = scratch_count();
	struct output *output = open_or_fail("a.csv");
	output_printf(output, "%d,%s\n", 7, "x");
	output_write(output, "end", 3);
	assert_int_equal(scratch_count(), before + 1);
	assert_holds("a.csv", "old");
	commit_or_fail(output);
	assert_holds("a.csv", "7,x\nend");
	assert_int_equal(scratch_count(), before);
}

static void abort_leaves_nothing(void **state)
{
	(void)state;
	size_t before = scratch_count();
	struct output *output = open_or_fail("gone.csv");
	output_printf(output, "half");
	output_abort(output);
	assert_int_equal(scratch_count(), before);
}

static void long_texts_are_not_cut(void **state)
{
	(void)state;
	char text[5000];
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	struct output *output = open_or_fail("long.txt");
	output_printf(output, "%s", text);
	commit_or_fail(output);
	assert_holds("long.txt", text);
}

static void gz_is_told_by_name_and_always_the_same(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct output *output = open_or_fail(i ? "b.gz" : "a.gz");
		for (int line = 0; line < 1000; line++)
			output_printf(output, "line %d\n", line);
		commit_or_fail(output);
	}
	size_t size_a, size_b;
	unsigned char *a = scratch_read("a.gz", &size_a), *b = scratch_read("b.gz", &size_b);
	assert_int_equal(size_a, size_b);
	assert_memory_equal(a, b, size_a);
	assert_in_range(size_a, 20, 4000);
	free(a);
	free(b);
	char text[64];
	gzFile file = gzopen("a.gz", "rb");
	assert_non_null(file);
	assert_int_equal(gzdirect(file), 0);
	assert_non_null(gzgets(file, text, sizeof(text)));
	assert_string_equal(text, "line 0\n");
	gzclose(file);
}

static void modes_and_links_stay(void **state)
{
	(void)state;
	scratch_write("real.csv", "old", 3);
	assert_int_equal(chmod("real.csv", 0640), 0);
	assert_int_equal(symlink("real.csv", "link.csv"), 0);
	struct output *output = open_or_fail("link.csv");
	output_write(output, "new", 3);
	commit_or_fail(output);
	assert_holds("real.csv", "new");
	struct stat status;
	assert_int_equal(lstat("link.csv", &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_int_equal(stat("real.csv", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
}

static void a_new_file_obeys_umask(void **state)
{
	(void)state;
	mode_t before = umask(027);
	struct output *output = open_or_fail("mode.csv");
	commit_or_fail(output);
	umask(before);
	struct stat status;
	assert_int_equal(stat("mode.csv", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
}

static void bad_places_are_told(void **state)
{
	(void)state;
	struct err err;
	assert_null(output_open("no/such/folder.csv", &err));
	assert_string_equal(err.text, "no/such/folder.csv cannot be written: No such file or directory.");
	assert_null(output_open("/tmp", &err));
	assert_string_equal(err.text, "/tmp cannot be written: it is a folder.");
}

/* /dev/full takes nothing; being no regular file, it is written in place and stays what it is. */
static void a_full_disk_is_told_at_commit(void **state)
{
	(void)state;
	struct err err;
	if (access("/dev/full", W_OK) != 0)
		skip();
	struct output *output = open_or_fail("/dev/full");
	for (int i = 0; i < 100000; i++)
		output_printf(output, "many lines\n");
	assert_int_equal(output_commit(output, &err), -1);
	assert_string_equal(err.text, "/dev/full could not be written: No space left on device.");
	struct stat status;
	assert_int_equal(stat("/dev/full", &status), 0);
	assert_true(S_ISCHR(status.st_mode));
}

/* A limit on file sizes stands for a disk that fills up half-way. */
static void a_failed_write_leaves_the_old_file(void **state)
{
	(void)state;
	for (int gz = 0; gz < 2; gz++) {
		const char *name = gz ? "limit.csv.gz" : "limit.csv";
		scratch_write(name, "old", 3);
		size_t before = scratch_count();
		struct rlimit limit, small;
		assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
		small = limit;
		small.rlim_cur = 100000;
		signal(SIGXFSZ, SIG_IGN);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		struct output *output = open_or_fail(name);
		uint64_t x = 1;
		for (int i = 0; i < 100000; i++) {
			x = x * UINT64_C(6364136223846793005) + 1;
			output_write(output, &x, sizeof(x));
		}
		struct err err;
		int status = output_commit(output, &err);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		assert_int_equal(status, -1);
		assert_string_equal(err.text, gz ? "limit.csv.gz could not be written: File too large."
						 : "limit.csv could not be written: File too large.");
		assert_holds(name, "old");
		assert_int_equal(scratch_count(), before);
	}
}

static void remove_and_die(int number)
{
	(void)number;
	output_abort_all();
	_exit(3);
}

static void a_signal_handler_can_clean_up(void **state)
{
	(void)state;
	size_t before = scratch_count();
	int ready[2];
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct err err;
		signal(SIGTERM, remove_and_die);
		struct output *a = output_open("s1.csv", &err), *b = output_open("s2.csv.gz", &err);
		char go = a && b ? 'y' : 'n';
		if (write(ready[1], &go, 1) == 1)
			pause();
		_exit(4);
	}
	char go = 'n';
	assert_int_equal(read(ready[0], &go, 1), 1);
	assert_int_equal(go, 'y');
	assert_int_equal(scratch_count(), before + 2);
	assert_int_equal(kill(child, SIGTERM), 0);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_int_equal(scratch_count(), before);
	close(ready[0]);
	close(ready[1]);
}

static void too_many_outputs_are_told(void **state)
{
	(void)state;
	struct output *outputs[64];
	struct err err = {""};
	size_t count = 0, before = scratch_count();
	char name[32];
	for (; count < 64; count++) {
		snprintf(name, sizeof(name), "many%zu", count);
		outputs[count] = output_open(name, &err);
		if (!outputs[count])
			break;
	}
	assert_int_equal(count, 32);
	assert_string_equal(err.text, "many32 cannot be written: 32 outputs are open already.");
	assert_int_equal(scratch_count(), before + 32);
	while (count > 0)
		output_abort(outputs[--count]);
	assert_int_equal(scratch_count(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(appears_only_when_whole),
	    cmocka_unit_test(abort_leaves_nothing),
	    cmocka_unit_test(long_texts_are_not_cut),
	    cmocka_unit_test(gz_is_told_by_name_and_always_the_same),
	    cmocka_unit_test(modes_and_links_stay),
	    cmocka_unit_test(a_new_file_obeys_umask),
	    cmocka_unit_test(bad_places_are_told),
	    cmocka_unit_test(a_full_disk_is_told_at_commit),
	    cmocka_unit_test(a_failed_write_leaves_the_old_file),
	    cmocka_unit_test(a_signal_handler_can_clean_up),
	    cmocka_unit_test(too_many_outputs_are_told),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
