/* The log: lines, and a file that is renamed under it. */

#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "unit.h"

static char *dir, *path, *old;

static int
set_up(void **state BH_UNUSED)
{
	char name[] = "/tmp/t-log-XXXXXX";
	struct bh_err err = BH_ERR_INIT;

	dir = bh_xstrdup(mkdtemp(name));
	path = bh_xasprintf("%s/log", dir);
	old = bh_xasprintf("%s/log.1", dir);
	bh_log_hook(NULL);
	assert_int_equal(bh_log_file(path, &err), 0);
	return 0;
}

static int
tear_down(void **state BH_UNUSED)
{
	int fd = bh_log_descriptor();

	bh_log_fd(-1);
	close(fd);
	chmod(dir, 0700);
	unlink(path);
	unlink(old);
	rmdir(dir);
	free(dir);
	free(path);
	free(old);
	return 0;
}

/* How many lines of the file end with that word; -1: there is no such file. */
static int
lines_with(const char *file, const char *word)
{
	FILE *in = fopen(file, "re");
	char line[1200];
	int n = 0;

	while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		n += bh_has_suffix(line, word);
	}
	if (in == NULL)
		return -1;
	fclose(in);
	return n;
}

static void
test_renamed(void **state BH_UNUSED)
{
	int fd = bh_log_descriptor();
	struct stat st;

	bh_log(BH_INFO, "first");
	assert_int_equal(rename(path, old), 0);
	bh_log(BH_INFO, "second");
	assert_int_equal(lines_with(old, " first"), 1);
	assert_int_equal(lines_with(old, " second"), 0);
	assert_int_equal(lines_with(path, " second"), 1);
	assert_int_equal(bh_log_descriptor(), fd);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
test_removed(void **state BH_UNUSED)
{
	assert_int_equal(unlink(path), 0);
	bh_log(BH_INFO, "after it");
	assert_int_equal(lines_with(path, " after it"), 1);
}

/* A file that cannot be made anew: the renamed one goes on. */
static void
test_in_the_way(void **state BH_UNUSED)
{
	assert_int_equal(rename(path, old), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	bh_log(BH_INFO, "kept");
	assert_int_equal(lines_with(old, " kept"), 1);
	assert_int_equal(rmdir(path), 0);
	bh_log(BH_INFO, "new");
	assert_int_equal(lines_with(path, " new"), 1);
}

/* Many processes write while the file is renamed: each line is there once. */
static void
test_processes(void **state BH_UNUSED)
{
	enum {
		PROCESSES = 4,
		LINES = 500
	};
	int n = 0;

	for (int i = 0; i < PROCESSES; i++) {
		if (fork() != 0)
			continue;
		for (int k = 0; k < LINES; k++)
			bh_log(BH_INFO, "counted");
		_exit(0);
	}
	while (lines_with(path, " counted") < PROCESSES)
		usleep(100);
	assert_int_equal(rename(path, old), 0);
	while (wait(NULL) > 0)
		continue;
	bh_log(BH_INFO, "counted");
	n = lines_with(path, " counted") + lines_with(old, " counted");
	assert_int_equal(n, PROCESSES * LINES + 1);
	assert_true(lines_with(path, " counted") > 0);
}

static void
test_unwritable(void **state BH_UNUSED)
{
	struct bh_err err = BH_ERR_INIT;
	char *nowhere = bh_xasprintf("%s/none/log", dir);

	assert_int_equal(bh_log_file(nowhere, &err), -1);
	assert_int_equal(err.code, BH_STORAGE);
	bh_log(BH_INFO, "as before");
	assert_int_equal(lines_with(path, " as before"), 1);
	free(nowhere);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_renamed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_removed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_in_the_way, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_processes, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_unwritable, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
